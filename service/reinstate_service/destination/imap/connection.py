"""One connection to the server: made, secured, logged in; and what its errors mean here."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from imapclient import IMAPClient  # type: ignore[import-untyped]
from imapclient.exceptions import (  # type: ignore[import-untyped]
    IMAPClientAbortError,
    IMAPClientError,
    LoginError,
    ProtocolError,
)

from reinstate_journal.errors import UsageError
from reinstate_service.destination.fence import ConnectionLost
from reinstate_service.destination.imap.answers import (
    Fetched,
    Listed,
    Quota,
    fetched,
    listed,
    numbers_told,
    own_rights_told,
    quotas_told,
    rights_told,
)
from reinstate_service.destination.imap.configuration import Imap
from reinstate_service.destination.imap.errors import (
    Busy,
    LoginRefused,
    NotTrusted,
    ServerRefuses,
    Unreachable,
    is_later,
    text_of,
)
from reinstate_service.destination.imap.names import quoted
from reinstate_service.destination.imap.sasl import Credentials
from reinstate_service.model import Frozen


class Server(Frozen, frozen=True):
    """Where a server is; `secure` from the first byte on, otherwise by STARTTLS."""

    host: str
    port: int
    secure: bool

    @property
    def url(self) -> str:
        """As the user names it."""
        return f"{'imaps' if self.secure else 'imap'}://{self.host}:{self.port}"


def server_of(location: str) -> Server:
    """The server that `imap://HOST[:PORT]` or `imaps://...` names. Raises UsageError."""
    parts = urlsplit(location)
    try:
        port = parts.port
    except ValueError:
        port = 0
    if not parts.hostname or port == 0 or parts.path.strip("/") or parts.query or parts.fragment:
        raise UsageError(detail=f"{location!r} is no server; name it as imaps://HOST[:PORT]")
    if parts.username is not None:
        raise UsageError(
            detail="users and passwords do not belong into a URL: restore.toml says how to log in"
        )
    secure = parts.scheme == "imaps"
    return Server(parts.hostname, port or (993 if secure else 143), secure)


class Client(IMAPClient):  # type: ignore[misc]
    """IMAPClient, silent, with the socket's two ends for the writer of APPEND."""

    def __init__(self, server: Server, timeout: float, context: ssl.SSLContext | None) -> None:
        super().__init__(
            server.host, server.port, ssl=server.secure, ssl_context=context, timeout=timeout
        )
        self._imap.debug = 0  # nothing of the conversation goes to a log
        self._imap.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.normalise_times = False

    def shutdown(self) -> None:
        """Closes the connection, in whatever state it is."""
        with suppress(OSError, IMAPClientError):
            super().shutdown()

    def cut(self) -> None:
        """Ends the connection, also while another thread waits for it."""
        with suppress(OSError):
            socket.socket.shutdown(self._imap.sock, socket.SHUT_RDWR)  # of TLS or not

    def send(self, data: bytes | bytearray | memoryview) -> None:
        """Sends it all. Raises OSError."""
        self._imap.sock.sendall(data)

    def line(self) -> bytes:
        """One line of the server's, without its end. Raises OSError."""
        read: bytes = self._imap.readline()
        if not read.endswith(b"\r\n"):
            raise ConnectionAbortedError("the server ended the connection")
        return read[:-2]

    def quotas(self, name: str) -> list[Quota]:
        """The quotas of a mailbox, none without QUOTA (RFC 9208 §4.1.3)."""
        if not self.has_capability("QUOTA"):
            return []
        answer, (_, told) = self._imap.getquotaroot(quoted(name))
        self._checkok("GETQUOTAROOT", answer, told)
        return quotas_told(told)

    def limit(self, root: str, limits: Mapping[str, int]) -> None:
        """Sets all limits of a quota root (RFC 9208 §4.1.2)."""
        told = " ".join(f"{name} {most}" for name, most in limits.items())
        self._checkok("SETQUOTA", *self._imap.setquota(quoted(root), f"({told})"))

    def greeting(self) -> str:
        """What the server said first."""
        told = self.welcome.decode("utf-8", "replace").removeprefix("* OK")
        return " ".join(re.sub(r"\[CAPABILITY [^]]*\]", "", told).split())[:200]

    def tls_version(self) -> str | None:
        """How the connection is encrypted; None if it is not."""
        socket_ = self._imap.sock
        return socket_.version() if isinstance(socket_, ssl.SSLSocket) else None

    def append_limit(self) -> int | None:
        """How large a message may be (RFC 7889 §3), None if the server does not tell."""
        found = [one for one in self.capabilities() if one.upper().startswith(b"APPENDLIMIT=")]
        return int(found[0].partition(b"=")[2]) if found else None

    def rights(self, name: str) -> str:
        """What may be done with a mailbox (RFC 4314 §3.5)."""
        answer, told = self._imap.myrights(quoted(name))
        self._checkok("MYRIGHTS", answer, told)
        return own_rights_told(told)

    def listed(self, pattern: str = "*") -> list[Listed]:
        """The mailboxes whose names are of the pattern (RFC 3501 §6.3.8)."""
        answer, told = self._imap.list('""', quoted(pattern))
        self._checkok("LIST", answer, told)
        return listed(told)

    def standing(self, name: str, *what: str) -> tuple[int, ...]:
        """How a mailbox stands (RFC 3501 §6.3.10)."""
        answer, told = self._imap.status(quoted(name), f"({' '.join(what)})")
        self._checkok("STATUS", answer, told)
        found = numbers_told(told)
        return tuple(found[one] for one in what)

    def make(self, name: str, use: str = "") -> None:
        """Creates a mailbox, for a special use if there is one (RFC 6154 §3)."""
        wanted = quoted(name) + (b" (USE (%b))" % use.encode("ascii") if use else b"")
        self._checkok("CREATE", *self._imap.create(wanted))

    def acl(self, name: str) -> list[tuple[str, str]]:
        """Who may do what in a mailbox (RFC 4314 §3.3)."""
        answer, told = self._imap.getacl(quoted(name))
        self._checkok("GETACL", answer, told)
        return rights_told(told)

    def fetched(self, uids: Iterable[int], *what: str) -> Mapping[int, Fetched]:
        """What is asked of the messages that there are (RFC 3501 §6.4.5, §6.4.8)."""
        numbers = ",".join(map(str, uids))
        answer, told = self._imap.uid("FETCH", numbers, f"({' '.join(what)})")
        self._checkok("FETCH", answer, told)
        return fetched(told)

    def permanent_flags(self, name: str) -> frozenset[str] | None:
        """The flags, in lower case, that a mailbox keeps, `\\*` for any new keyword; None if it
        does not tell: then all (RFC 3501 §7.1). The mailbox is closed again."""
        told = self.select_folder(name).get(b"PERMANENTFLAGS")
        self.leave(name)
        if told is None:
            return None
        return frozenset(flag.decode("ascii", "replace").lower() for flag in told)

    def leave(self, name: str) -> None:
        """Closes the mailbox that is open, and expunges nothing: CLOSE would, unless it is open
        for reading only (RFC 3501 §6.4.2; RFC 3691)."""
        if self.has_capability("UNSELECT"):
            self.unselect_folder()
        else:
            self.select_folder(name, readonly=True)
            self.close_folder()

    def copied(self) -> dict[int, int]:
        """The new UIDs of what the last command has copied or moved, by the old ones, as far as
        the server tells them (RFC 4315 §3, RFC 6851 §4.3)."""
        _, told = self._imap.response("COPYUID")
        found: dict[int, int] = {}
        for line in told:
            if line is not None:
                _, old, new = line.split()
                found.update(zip(numbers(old), numbers(new), strict=True))
        return found

    def skip(self, count: int) -> None:
        """Reads a literal and drops it."""
        self._imap.read(count)


def numbers(uids: bytes) -> Iterator[int]:
    """The UIDs of a set (RFC 3501 §9, sequence-set), in its order."""
    for part in uids.split(b","):
        first, _, last = part.partition(b":")
        low, high = sorted((int(first), int(last or first)))
        yield from range(low, high + 1)


@contextmanager
def speaking(url: str) -> Iterator[None]:
    """What the library, sockets and TLS raise becomes an error of ours: ConnectionLost, Busy or
    ServerRefuses."""
    try:
        yield
    except (IMAPClientAbortError, ProtocolError, OSError, EOFError) as error:
        raise ConnectionLost(destination=url, detail=text_of(error)) from None
    except IMAPClientError as error:
        detail = text_of(error)
        if is_later(detail):
            raise Busy(destination=url, detail=detail) from None
        raise ServerRefuses(detail=detail) from None
    except (ValueError, LookupError) as error:
        detail = f"it answers what is no IMAP ({type(error).__name__})"
        raise ConnectionLost(destination=url, detail=detail) from None


def connect(server: Server, timeout: float, context: ssl.SSLContext | None) -> Client:
    """A connection that is not logged in; encrypted if there is a `context`. Raises Unreachable,
    NotTrusted, Busy."""
    try:
        client = Client(server, timeout, context)
    except ssl.SSLCertVerificationError as error:
        raise NotTrusted(destination=server.url, detail=text_of(error)) from None
    except IMAPClientError as error:  # what it greets with is BYE (RFC 3501 §7.1.5)
        raise Busy(destination=server.url, detail=text_of(error)) from None
    except OSError as error:
        raise Unreachable(destination=server.url, detail=text_of(error)) from None
    if server.secure or context is None:
        return client
    try:
        client.starttls(context)
    except (ssl.SSLCertVerificationError, IMAPClientError) as error:
        client.shutdown()
        raise NotTrusted(destination=server.url, detail=f"STARTTLS: {text_of(error)}") from None
    except OSError as error:
        client.shutdown()
        raise Unreachable(destination=server.url, detail=f"STARTTLS: {text_of(error)}") from None
    return client


def tls_context(imap: Imap) -> ssl.SSLContext:
    """What servers are verified by. Raises UsageError."""
    try:
        context = ssl.create_default_context(cafile=imap.ca_file or None)
    except OSError as error:
        raise UsageError(detail=f"imap.ca_file {imap.ca_file}: {text_of(error)}") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def log_in(client: Client, found: Credentials, address: str, url: str) -> None:
    """Logs in to the account. Raises LoginRefused, Busy, ConnectionLost."""
    # LOGIN takes only ASCII (RFC 3501 §9).
    plain = found.user and not client.has_capability(f"AUTH={found.mechanism}")
    try:
        if plain and (found.user + found.word).isascii():
            client.login(found.user, found.word)
        else:
            client.sasl_login(found.mechanism, found.answer)
    except LoginError as error:
        if isinstance(error.__context__, IMAPClientAbortError):  # the library's own way to say so
            raise ConnectionLost(destination=url, detail="while logging in") from None
        detail = found.hidden_in(text_of(error))
        if is_later(detail):
            raise Busy(destination=url, detail=detail) from None
        raise LoginRefused(address=address, detail=detail) from None
    except (OSError, IMAPClientError) as error:
        raise ConnectionLost(destination=url, detail=type(error).__name__) from None
