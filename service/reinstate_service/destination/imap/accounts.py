"""The accounts of one server: who is there, how they are opened, how their names are written."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TypeVar

import msgspec

from reinstate_journal.errors import DestinationError
from reinstate_service.destination.contract import Missing, Refused
from reinstate_service.destination.fence import ConnectionLost
from reinstate_service.destination.imap.configuration import Imap
from reinstate_service.destination.imap.connection import (
    Client,
    Server,
    connect,
    log_in,
    speaking,
    tls_context,
)
from reinstate_service.destination.imap.dialect import Dialect, dialect_of, is_of_default_domain
from reinstate_service.destination.imap.errors import Busy, LoginRefused, NoInbox, text_of
from reinstate_service.destination.imap.folders import ROLES
from reinstate_service.destination.imap.managesieve import ManageSieve
from reinstate_service.destination.imap.names import MailboxNames
from reinstate_service.destination.imap.pace import Pace
from reinstate_service.destination.imap.sasl import credentials
from reinstate_service.destination.imap.session import Session, SpareSession
from reinstate_service.destination.waiting import Waiting
from reinstate_service.mapping.namespace import Namespace

Answer = TypeVar("Answer")


class Accounts:
    """Safe to use from several threads."""

    def __init__(self, server: Server, imap: Imap, waiting: Waiting) -> None:
        self.server = server
        self.imap = imap
        self._pace = Pace(imap.patience, waiting)
        self._there: set[str] = set()
        self._spares = True
        self._lock = threading.Lock()

    def has(self, address: str) -> bool:
        """Whether the account can be logged in to; one that can is not asked again."""
        if address not in self._there:
            try:
                self.enter(address)
            except LoginRefused:
                return False
        return True

    def enter(self, address: str) -> None:
        """Logs in to the account and out again. Raises LoginRefused, DestinationError. Cyrus lets
        its administrator be anybody, also one that is not there."""
        with self.session(address) as session:
            if not session.ask(lambda client: client.listed("INBOX")):
                raise NoInbox(address=address)
        self._there.add(address)

    def require(self, address: str) -> None:
        """Raises Missing if the account is not there."""
        if not self.has(address):
            raise Missing(what=f"account {address}")

    def connect(self) -> Client:
        """A connection that is not logged in. Raises Unreachable, NotTrusted, Busy."""
        plain = self.imap.tls == "none" and not self.server.secure
        return connect(self.server, self.imap.timeout, None if plain else self._tls)

    @contextmanager
    def session(self, address: str) -> Iterator[Session]:
        """The account's connection, which is made when it is needed."""
        session = Session(self.server.url, self._pace, lambda: self._open(address))
        try:
            yield session
        finally:
            session.close()

    def spare(self, address: str) -> SpareSession | None:
        """One more connection of an account; None if it gets none. A server that refuses it to one
        is not asked again for others."""
        entered = self._pace.spare() if self._spares else None
        if entered is None:
            return None
        try:
            client = self._open_spare(address)
        except (DestinationError, Refused) as error:
            self._pace.leave(entered)
            if isinstance(error, Busy | Refused):
                self._spares = False
                self._pace.notice(f"Accounts are given one connection each: {error}")
            return None
        except BaseException:
            self._pace.leave(entered)
            raise
        return SpareSession(self.server.url, self._pace, client, entered)

    def as_one(self) -> Callable[[], None]:
        """See `Pace`."""
        return self._pace.as_one()

    def home(self, address: str) -> str:
        """The account's INBOX as the administrator names it; empty if nobody is logged in as one,
        or it is not known how. Cyrus writes a separator in a name as `^`."""
        if self.imap.login.method != "authzid" or not self.dialect.home:
            return ""
        local, _, domain = address.rpartition("@")
        separator = self.names.separator
        return f"{self.dialect.home}{separator}{local.replace(separator, '^')}@{domain}"

    @contextmanager
    def sieve(self, address: str) -> Iterator[ManageSieve]:
        """The account's scripts. Raises Refused if they cannot be reached."""
        spell = self._pace.spell()
        opened = None
        while opened is None:
            try:
                opened = self._open_sieve(address)
            except Busy as error:
                spell.refused(error)
        try:
            yield opened
        finally:
            opened.close()

    @cached_property
    def names(self) -> MailboxNames:
        """How the server writes names, looked up in the first account of the configuration."""
        return self._first(_names)

    @cached_property
    def dialect(self) -> Dialect:
        """What the server does not announce."""
        configured = self.imap.default_domain
        found = self._first(lambda client: dialect_of(client, configured))
        if configured or not found.has_default_domain:
            return found
        return msgspec.structs.replace(found, default_domain=self._default_domain())

    @cached_property
    def namespace(self) -> Namespace:
        """What the server's names can hold."""
        separator = self.names.separator
        roots = [lead.removesuffix(separator) for lead in self.names.foreign] or ["shared"]
        shared = self.imap.shared or separator.join((roots[0], *self.dialect.others))
        prefix = tuple(shared.split(separator))
        taken = (prefix[0],) if self.names.prefix else (*roots, prefix[0])
        return Namespace(
            separator=separator,
            forbidden=self.imap.forbidden + self.dialect.forbidden,
            reserved=tuple(dict.fromkeys((".", "..", *taken))),
            storage_encoding="utf-7",
            segment_bytes=250,
            roles=ROLES,
            shared_prefix=prefix,
            sieve=self._sieve_extensions(),
            mail_only=True,
        )

    def _default_domain(self) -> str:
        for domain, address in self.imap.domains.items():
            if self.has(address) and self._is_of_default_domain(address):
                return domain.lower()
        return ""

    def _is_of_default_domain(self, address: str) -> bool:
        with self.session(address) as session:
            return session.ask(lambda client: is_of_default_domain(client, address))

    def _open_sieve(self, address: str) -> ManageSieve:
        host, port = self._sieve_place()
        context = None if self.imap.tls == "none" else self._tls
        try:
            opened = ManageSieve(host, port, self.imap.timeout, context)
        except ConnectionLost as error:
            detail = f"there is no ManageSieve at {host}:{port} ({text_of(error)})"
            raise Refused(detail=detail) from None
        try:
            opened.log_in(credentials(self.imap.login, address), address)
        except BaseException:
            opened.close()
            raise
        return opened

    def _sieve_place(self) -> tuple[str, int]:
        host, _, port = self.imap.sieve.rpartition(":")
        return host or self.server.host, int(port or 4190)

    def _sieve_extensions(self) -> tuple[str, ...]:
        try:
            with self.sieve(self._probe) as sieve:
                return sieve.extensions
        except Refused:
            return ()

    @property
    def _probe(self) -> str:
        return next(iter(self.imap.domains.values()))

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """Made once: to read the system's authorities takes 20 ms."""
        return tls_context(self.imap)

    def _first(self, command: Callable[[Client], Answer]) -> Answer:
        with self._lock, self.session(self._probe) as session:
            return session.ask(command)

    def _open_spare(self, address: str) -> Client:
        """Who lets in one too many may cut it right afterwards. Raises as `_open`, and Refused."""
        client = self._open(address)
        try:
            with speaking(self.server.url):
                client.noop()
        except BaseException:
            client.shutdown()
            raise
        return client

    def _open(self, address: str) -> Client:
        found = credentials(self.imap.login, address)
        client = self.connect()
        try:
            log_in(client, found, address, self.server.url)
        except BaseException:
            client.shutdown()
            raise
        return client


def _names(client: Client) -> MailboxNames:
    """What the server tells of its names (RFC 2342; RFC 3501 §6.3.8 where it has no NAMESPACE)."""
    if not client.has_capability("NAMESPACE"):
        root = client.listed("")
        return MailboxNames(root[0].separator or "/" if root else "/")
    found = client.namespace()
    personal = found.personal or (("", "/"),)
    foreign = [lead for kind in (found.other, found.shared) for lead, _ in kind or () if lead]
    prefix, separator = personal[0]
    return MailboxNames(separator or "/", prefix, tuple(foreign))
