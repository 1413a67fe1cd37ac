"""Grants over IMAP: ACL (RFC 4314, RFC 2086)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from reinstate_service.destination.contract import AccessGrant, Missing, Refused
from reinstate_service.destination.imap.connection import Client
from reinstate_service.destination.imap.dialect import Dialect
from reinstate_service.destination.imap.errors import ServerRefuses
from reinstate_service.destination.imap.session import Session

_ORDER = "lrswipktexacd"
#: RFC 4314 §2.1.1: the old rights that stand for the new ones.
_OLD = {"k": "c", "x": "c", "t": "d", "e": "d"}


def give(
    session: Session, name: str, grants: Sequence[AccessGrant], dialect: Dialect
) -> Mapping[str, str]:
    """Adds the grants to those of the mailbox; answers those that are refused, with the reason."""
    if not session.ask(lambda client: client.has_capability("ACL")):
        return {grant.grantee: "the server has no ACL" for grant in grants}
    new = session.ask(_has_new_rights)
    refused = {}
    for grant in grants:
        try:
            identifier = dialect.identifier(grant.grantee)
            rights = grant.rights if new else _old(grant.rights)
            session.ask(_setting(name, identifier, rights))
        except Refused as error:
            refused[grant.grantee] = str(error)
    return refused


def given(session: Session, name: str, owner: str, dialect: Dialect) -> Sequence[AccessGrant]:
    """The grants on the mailbox, without what its owner may do. Raises Missing, Refused."""
    try:
        found = session.ask(lambda client: client.acl(name))
    except ServerRefuses as error:
        if error.code == "NONEXISTENT":
            raise Missing(what=f"folder {name}") from None
        raise
    granted = []
    for who, rights in found:
        grantee = dialect.grantee(who)
        if grantee.lower() not in {f"user:{owner}", "user:owner"} and not who.startswith("-"):
            # RFC 4314 §2.1.1: c and d are told besides, for clients of old.
            kept = [one for one in _ORDER if one in rights and one not in "cd"]
            granted.append(AccessGrant(grantee, "".join(kept)))
    return granted


def _has_new_rights(client: Client) -> bool:
    return any(one.upper().startswith(b"RIGHTS=") for one in client.capabilities())


def _old(rights: str) -> str:
    return "".join(dict.fromkeys(_OLD.get(letter, letter) for letter in rights))


def _setting(name: str, identifier: str, rights: str) -> Callable[[Client], object]:
    return lambda client: client.setacl(name, identifier, f"+{rights}")
