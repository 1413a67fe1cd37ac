"""Entries of accounts, with their children, into the model's accounts."""

from __future__ import annotations

import re
from collections.abc import Iterable

from reinstate_service.model import (
    Account,
    Attributes,
    DataSource,
    Filters,
    Identity,
    OutOfOffice,
    Signature,
)
from reinstate_service.source.archives.directory.attributes import (
    is_secret,
    left_over,
    milliseconds,
    number,
)
from reinstate_service.source.archives.directory.gathering import Record
from reinstate_service.source.archives.directory.names import address_of, id_for, is_address, is_id
from reinstate_service.source.archives.directory.passwords import PasswordUnreadable, reveal
from reinstate_service.source.archives.directory.surroundings import Surroundings

_USED = frozenset(
    {
        "displayname",
        "mail",
        "uid",
        "userpassword",
        "zimbraaccountstatus",
        "zimbraadminsievescriptafter",
        "zimbraadminsievescriptbefore",
        "zimbracosid",
        "zimbrahideingal",
        "zimbraid",
        "zimbraisadminaccount",
        "zimbraissystemaccount",
        "zimbraissystemresource",
        "zimbramailalias",
        "zimbramailforwardingaddress",
        "zimbramailoutgoingsievescript",
        "zimbramailquota",
        "zimbramailsievescript",
        # Who is in a dynamic list stands at the list.
        "zimbramemberof",
        "zimbraprefmailforwardingaddress",
        "zimbraprefmaillocaldeliverydisabled",
        "zimbraprefmailsignature",
        "zimbraprefmailsignaturehtml",
        "zimbraprefoutofofficefromdate",
        "zimbraprefoutofofficereply",
        "zimbraprefoutofofficereplyenabled",
        "zimbraprefoutofofficeuntildate",
        "zimbrasignatureid",
        "zimbrasignaturename",
    }
)
_SCHEME = re.compile(r"\{[A-Za-z0-9._-]+\}.+", re.DOTALL)
#: What accounts of the system are called where nothing else tells them apart.
_SYSTEM_NAME = re.compile(r"(?:galsync|virus-quarantine)(?:\..*)?@.*")


def account_address(record: Record) -> str:
    """The account's address; empty if it has none."""
    found = address_of(record.path)
    for candidate in (found, *record.all("mail"), record.one("zimbraMailDeliveryAddress")):
        if is_address(candidate):
            return candidate.lower()
    return ""


def account_of(record: Record, around: Surroundings, identifier: str, address: str) -> Account:
    """The account of the entry and of its children; what is wrong with it is said."""
    quota = _quota(record, around, address)
    return Account(
        identifier,
        address,
        status=record.one("zimbraAccountStatus").lower() or "active",
        password=_password(record, around),
        display_name=record.one("displayName"),
        cos=record.one("zimbraCOSId"),
        quota=quota,
        admin=record.is_true("zimbraIsAdminAccount"),
        system=_is_system(record, around, identifier, address),
        hide_in_gal=record.is_true("zimbraHideInGal"),
        aliases=around.aliases_of(record, identifier, address),
        forwarding=_forwarding(record, around),
        keep_forwarded=not record.is_true("zimbraPrefMailLocalDeliveryDisabled"),
        out_of_office=_out_of_office(record, around),
        identities=tuple(_identities(record, around, identifier)),
        signatures=tuple(_signatures(record, around, identifier)),
        data_sources=tuple(_data_sources(record, around, identifier)),
        filters=_filters(record, around, address),
        attributes=_attributes(record, address),
    )


def _attributes(record: Record, address: str) -> Attributes:
    found = left_over(record.attributes, record.spelled, _USED)
    delivered = record.one("zimbraMailDeliveryAddress").lower()
    return {
        name: values
        for name, values in found.items()
        if delivered != address or name.lower() != "zimbramaildeliveryaddress"
    }


def _password(record: Record, around: Surroundings) -> str:
    values = record.all("userPassword")
    usable = [value for value in values if _SCHEME.fullmatch(value)]
    if len(usable) < len(values):
        around.say(record, "a password without a scheme such as {SSHA} is left out")
    if len(usable) > 1:
        around.say(record, "of several passwords only the first is taken")
    return usable[0] if usable else ""


def _quota(record: Record, around: Surroundings, address: str) -> int:
    """The account's quota, such that with what it inherits it comes to what it was.

    In Zimbra the account's own value hides that of its class of service, also where it is 0,
    and the domain's bounds both. In the model 0 inherits.
    """
    cos = around.cos_of(record, address)
    inherited = cos.quota if cos else 0
    domain = around.domain_at(address)
    bound = domain.account_quota if domain else 0
    own = record.one("zimbraMailQuota")
    value = number(own) if own else None
    if own and value is None:
        around.say(record, "zimbraMailQuota is no number of bytes and is left out")
    if value is None:
        return bound if inherited > bound > 0 else 0
    if value == 0:
        if inherited and not bound:
            around.say(
                record,
                "it has no quota, but would inherit that of its class of service: set one",
            )
        return bound
    return min(value, bound) if bound else value


def _is_system(record: Record, around: Surroundings, identifier: str, address: str) -> bool:
    return (
        record.is_true("zimbraIsSystemAccount")
        or record.is_true("zimbraIsSystemResource")
        or identifier in around.gal_accounts
        or address in around.system_addresses
        or _SYSTEM_NAME.fullmatch(address) is not None
    )


def _forwarding(record: Record, around: Surroundings) -> tuple[str, ...]:
    """The administrator's forwarding and the user's, which is one value with commas."""
    named = [
        part.strip()
        for name in ("zimbraMailForwardingAddress", "zimbraPrefMailForwardingAddress")
        for value in record.all(name)
        for part in value.split(",")
        if part.strip()
    ]
    if not all(map(is_address, named)):
        around.say(record, "a forwarding address is no address and is left out")
    return tuple(dict.fromkeys(filter(is_address, named)))


def _out_of_office(record: Record, around: Surroundings) -> OutOfOffice | None:
    text = record.one("zimbraPrefOutOfOfficeReply")
    enabled = record.is_true("zimbraPrefOutOfOfficeReplyEnabled")
    if not text and not enabled:
        return None
    bounds: list[int | None] = []
    for name in ("zimbraPrefOutOfOfficeFromDate", "zimbraPrefOutOfOfficeUntilDate"):
        value = record.one(name)
        bounds.append(milliseconds(value) if value else None)
        if value and bounds[-1] is None:
            around.say(record, f"{name} is no time: the absence is not bounded there")
    return OutOfOffice(enabled, text, bounds[0], bounds[1])


def _filters(record: Record, around: Surroundings, address: str) -> Filters:
    return Filters(
        record.one("zimbraMailSieveScript"),
        record.one("zimbraMailOutgoingSieveScript"),
        around.inherited(record, address, "zimbraAdminSieveScriptBefore"),
        around.inherited(record, address, "zimbraAdminSieveScriptAfter"),
    )


def _child_id(around: Surroundings, child: Record, account: str, id_name: str, name: str) -> str:
    found = child.one(id_name)
    if is_id(found):
        return found
    around.say(child, f"it has no usable {id_name} and gets a new one")
    return id_for(id_name, f"{account}/{name}")


def _identities(record: Record, around: Surroundings, account: str) -> Iterable[Identity]:
    used = frozenset({"zimbraprefidentityname", "zimbraprefidentityid"})
    for child in around.children(record, "identity"):
        name = child.one("zimbraPrefIdentityName")
        yield Identity(
            _child_id(around, child, account, "zimbraPrefIdentityId", name),
            name,
            left_over(child.attributes, child.spelled, used),
        )


def _signatures(record: Record, around: Surroundings, account: str) -> Iterable[Signature]:
    """The children, and the one that Zimbra keeps in the account's entry itself."""
    text, html = record.one("zimbraPrefMailSignature"), record.one("zimbraPrefMailSignatureHTML")
    if text or html:
        own = record.one("zimbraSignatureId")
        yield Signature(
            own if is_id(own) else account,
            record.one("zimbraSignatureName") or record.one("uid"),
            text,
            html,
        )
    for child in around.children(record, "signature"):
        name = child.one("zimbraSignatureName")
        yield Signature(
            _child_id(around, child, account, "zimbraSignatureId", name),
            name,
            child.one("zimbraPrefMailSignature"),
            child.one("zimbraPrefMailSignatureHTML"),
        )


_DATA_SOURCE_USED = frozenset(
    f"zimbradatasource{end}"
    for end in (
        "id",
        "name",
        "type",
        "host",
        "port",
        "username",
        "password",
        "connectiontype",
        "folderid",
        "enabled",
    )
)
_DATA_SOURCE_CLASSES = {"zimbrapop3datasource": "pop3", "zimbraimapdatasource": "imap"}


def _data_sources(record: Record, around: Surroundings, account: str) -> Iterable[DataSource]:
    for child in around.children(record, "data source"):
        name = child.one("zimbraDataSourceName")
        identifier = _child_id(around, child, account, "zimbraDataSourceId", name)
        secrets = [
            name for name in child.attributes if is_secret(name) and name not in _DATA_SOURCE_USED
        ]
        if secrets:
            named = ", ".join(sorted(child.spelled[secret] for secret in secrets))
            around.say(child, f"left out, to be signed in again: {named}")
        kind = child.one("zimbraDataSourceType").lower()
        port = number(child.one("zimbraDataSourcePort")) or 0
        yield DataSource(
            identifier,
            name,
            kind or next(iter(_kinds_by_class(child)), "unknown"),
            child.one("zimbraDataSourceHost"),
            port if port < 65536 else 0,
            child.one("zimbraDataSourceUsername"),
            _revealed(child, around),
            child.one("zimbraDataSourceConnectionType").lower() or "ssl",
            child.one("zimbraDataSourceFolderId"),
            child.is_true("zimbraDataSourceEnabled"),
            left_over(child.attributes, child.spelled, _DATA_SOURCE_USED),
        )


def _kinds_by_class(child: Record) -> list[str]:
    return [_DATA_SOURCE_CLASSES[name] for name in child.classes() if name in _DATA_SOURCE_CLASSES]


def _revealed(child: Record, around: Surroundings) -> str:
    stored = child.one("zimbraDataSourcePassword")
    if not stored:
        return ""
    try:
        return reveal(stored, child.one("zimbraDataSourceId"))
    except PasswordUnreadable as error:
        around.say(child, str(error))
        return ""
