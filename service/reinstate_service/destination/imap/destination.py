"""The destination as a whole: who is there, and what the server's names can hold."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property

from reinstate_service.destination.contract import Missing, Refused
from reinstate_service.destination.imap.configuration import Imap
from reinstate_service.destination.imap.connection import (
    Client,
    LoginRefused,
    Server,
    connect,
    log_in,
)
from reinstate_service.destination.imap.mailbox import ImapMailbox
from reinstate_service.destination.imap.names import MailboxNames
from reinstate_service.destination.imap.session import Session
from reinstate_service.destination.names import canonical
from reinstate_service.mapping.namespace import Namespace
from reinstate_service.model import (
    Account,
    ClassOfService,
    DataSource,
    DistributionList,
    Domain,
    Path,
    Role,
)

#: What an account that has none is given: the names that most servers use.
_ROLES: dict[Role, Path] = {
    Role.INBOX: ("INBOX",),
    Role.SENT: ("Sent",),
    Role.DRAFTS: ("Drafts",),
    Role.TRASH: ("Trash",),
    Role.JUNK: ("Junk",),
    Role.ARCHIVE: ("Archive",),
}


class NotOverImap(Refused):
    """IMAP has no command for it; the server's administrator does it by other means."""

    message = "{what} cannot be made over IMAP"
    hint = "Make it on the server first; --skip-domain-provisioning leaves domains and lists alone."


class ImapDestination:
    """See `Destination`. Nothing is provisioned: accounts and domains are there already."""

    def __init__(self, server: Server, imap: Imap) -> None:
        self._server = server
        self._imap = imap
        self._there: dict[str, bool] = {}
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return self._server.url

    def identity(self) -> str:
        """The configured one, else the server's name and port: no server tells an id of its own."""
        return self._imap.identity or f"imap:{self._server.host.lower()}:{self._server.port}"

    def namespace(self) -> Namespace:
        """See `Destination`. Looked up once, in the first account that the configuration names."""
        return self._namespace

    def epoch(self) -> int:
        """Always 0: there is no place for it."""
        return 0

    def store_epoch(self, epoch: int) -> None:
        """Keeps nothing."""

    def has_domain(self, name: str) -> bool:
        """Whether the account that the configuration names for the domain can be opened."""
        account = {key.lower(): one for key, one in self._imap.domains.items()}.get(name.lower())
        return account is not None and self.has_account(account)

    def put_domain(self, domain: Domain) -> bool:
        """See `Destination`. Raises NotOverImap."""
        if self.has_domain(domain.name):
            return False
        raise NotOverImap(what=f"domain {domain.name}")

    def configure_domain(self, domain: Domain) -> None:
        """See `Destination`. Raises NotOverImap."""
        raise NotOverImap(what=f"the settings of domain {domain.name}")

    def has_class_of_service(self, name: str) -> bool:  # noqa: ARG002 - the contract's
        """None is ever there."""
        return False

    def put_class_of_service(self, cos: ClassOfService) -> bool:
        """See `Destination`. Raises NotOverImap."""
        raise NotOverImap(what=f"class of service {cos.name}")

    def has_list(self, address: str) -> bool:  # noqa: ARG002 - the contract's
        """None is ever there."""
        return False

    def put_list(self, lst: DistributionList) -> bool:
        """See `Destination`. Raises NotOverImap."""
        raise NotOverImap(what=f"distribution list {lst.address}")

    def configure_list(self, lst: DistributionList, with_aliases: bool) -> None:  # noqa: ARG002
        """See `Destination`. Raises NotOverImap."""
        raise NotOverImap(what=f"distribution list {lst.address}")

    def has_account(self, address: str) -> bool:
        """Whether the account can be logged in to. Asked once."""
        address = canonical(address)
        if address not in self._there:
            try:
                with self._session(address) as session:
                    session.ask(lambda client: client.noop())
            except LoginRefused:
                return False
            self._there[address] = True
        return True

    def put_account(self, account: Account) -> bool:
        """See `Destination`. Raises LoginRefused if it is not there: nothing makes it."""
        address = canonical(account.address)
        if not self.has_account(address):
            with self._session(address) as session:
                session.ask(lambda client: client.noop())
        return False

    def configure_account(self, account: Account, cos: str, with_aliases: bool) -> Sequence[str]:
        """See `Destination`. Sets nothing: IMAP has no place for an account's settings."""
        self._require(account.address)
        told: dict[str, object] = {
            "password": account.password,
            "aliases": account.aliases if with_aliases else (),
            "forwarding": account.forwarding,
            "out of office": account.out_of_office,
            "identities": account.identities,
            "signatures": account.signatures,
            "class of service": cos,
            "quota": account.quota,
        }
        return [*(name for name, value in told.items() if value), *sorted(account.attributes)]

    def quota(self, address: str) -> int:
        """Always 0: a quota is the server's own."""
        self._require(address)
        return 0

    def set_quota(self, address: str, quota: int) -> None:  # noqa: ARG002 - the contract's
        """Leaves it as it is."""
        self._require(address)

    def put_data_source(self, address: str, source: DataSource) -> bool:
        """See `Destination`. Raises NotOverImap."""
        self._require(address)
        raise NotOverImap(what=f"data source {source.name!r}")

    def domain(self, name: str) -> Domain:
        """See `Destination`. Nothing but its name is known."""
        if not self.has_domain(name):
            raise Missing(what=f"domain {name}")
        return Domain(id="", name=name)

    def class_of_service(self, name: str) -> ClassOfService:
        """See `Destination`. None is ever there."""
        raise Missing(what=f"class of service {name}")

    def distribution_list(self, address: str) -> DistributionList:
        """See `Destination`. None is ever there."""
        raise Missing(what=f"distribution list {address}")

    def account(self, address: str) -> Account:
        """See `Destination`. Nothing but its address is known."""
        self._require(address)
        return Account(id="", address=canonical(address))

    @contextmanager
    def mailbox(self, address: str) -> Iterator[ImapMailbox]:
        """See `Destination`."""
        address = canonical(address)
        self._require(address)
        with self._session(address) as session:
            yield ImapMailbox(session, self._names, address, self._imap.settle_seconds)

    def close(self) -> None:
        """Every session ends with its mailbox."""

    def _require(self, address: str) -> None:
        if not self.has_account(address):
            raise Missing(what=f"account {address}")

    @contextmanager
    def _session(self, address: str) -> Iterator[Session]:
        session = Session(self.url, lambda: self._open(address))
        try:
            yield session
        finally:
            session.close()

    def _open(self, address: str) -> Client:
        client = connect(self._server, self._imap)
        try:
            log_in(client, self._imap.login, address, self.url)
        except BaseException:
            client.shutdown()
            raise
        return client

    @cached_property
    def _names(self) -> MailboxNames:
        with self._lock, self._session(next(iter(self._imap.domains.values()))) as session:
            return session.ask(_names)

    @cached_property
    def _namespace(self) -> Namespace:
        foreign = self._names.foreign[0] if self._names.foreign else ""
        lead = foreign.split(self._names.separator)
        return Namespace(
            separator=self._names.separator,
            forbidden=self._imap.forbidden,
            reserved=(".", "..", *filter(None, lead[:1])),
            storage_encoding="utf-7",
            segment_bytes=250,
            roles=_ROLES,
        )


def _names(client: Client) -> MailboxNames:
    """What the server tells of its names (RFC 2342; RFC 3501 §6.3.8 where it has no NAMESPACE)."""
    if not client.has_capability("NAMESPACE"):
        listed = client.list_folders("", "")
        separator = listed[0][1] if listed else b"/"
        return MailboxNames((separator or b"/").decode("ascii"))
    found = client.namespace()
    personal = found.personal or (("", "/"),)
    foreign = [lead for kind in (found.other, found.shared) for lead, _ in kind or () if lead]
    prefix, separator = personal[0]
    return MailboxNames(separator or "/", prefix, tuple(foreign))
