"""One connection to the server: made, secured, logged in; and what its errors mean here."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from imapclient import IMAPClient  # type: ignore[import-untyped]
from imapclient.exceptions import (  # type: ignore[import-untyped]
    IMAPClientAbortError,
    IMAPClientError,
    LoginError,
    ProtocolError,
)

from reinstate_journal.errors import DestinationError, UsageError
from reinstate_service.destination.contract import Refused
from reinstate_service.destination.fence import ConnectionLost
from reinstate_service.destination.imap.configuration import Imap, Login
from reinstate_service.destination.imap.secret import SecretMissing, passwords, secret
from reinstate_service.model import Frozen

#: Response codes of a server that cannot now and may later (RFC 5530 §3, RFC 9051 §7.1).
_LATER = frozenset({"UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG"})
_CODE = re.compile(r"\[([A-Z-]+)")


class Unreachable(DestinationError):
    """No connection to the server can be made that may be used."""

    message = "{destination} cannot be reached: {detail}"
    hint = "Check name, port, TLS and certificate (imap.tls, imap.ca_file), then: reinstate resume"


class Busy(DestinationError):
    """The server cannot do it now."""

    message = "{destination} asks to come back later: {detail}"


class LoginRefused(Refused):
    """The server does not let the account in."""

    message = "{address} cannot log in: {detail}"


class ServerRefuses(Refused):
    """The server says no to one command."""

    message = "the server refuses: {detail}"

    @property
    def code(self) -> str:
        """The response code of its answer, or nothing."""
        found = _CODE.search(str(self.fields["detail"]))
        return found[1] if found else ""


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

    def send(self, data: bytes | bytearray | memoryview) -> None:
        """Sends it all. Raises OSError."""
        self._imap.sock.sendall(data)

    def line(self) -> bytes:
        """One line of the server's, without its end. Raises OSError."""
        read: bytes = self._imap.readline()
        if not read.endswith(b"\r\n"):
            raise ConnectionAbortedError("the server ended the connection")
        return read[:-2]

    def skip(self, count: int) -> None:
        """Reads a literal and drops it."""
        self._imap.read(count)


@contextmanager
def speaking(url: str) -> Iterator[None]:
    """What the library, sockets and TLS raise becomes an error of ours: ConnectionLost, Busy or
    ServerRefuses."""
    try:
        yield
    except (IMAPClientAbortError, ProtocolError, OSError, EOFError) as error:
        raise ConnectionLost(destination=url, detail=_text(error)) from None
    except IMAPClientError as error:
        detail = _text(error)
        if is_later(detail):
            raise Busy(destination=url, detail=detail) from None
        raise ServerRefuses(detail=detail) from None
    except (ValueError, LookupError) as error:
        detail = f"it answers what is no IMAP ({type(error).__name__})"
        raise ConnectionLost(destination=url, detail=detail) from None


def connect(server: Server, imap: Imap) -> Client:
    """A connection that is encrypted, unless the configuration says that it need not be, and not
    logged in. Raises Unreachable."""
    context = _tls(imap)
    try:
        client = Client(server, imap.timeout, context)
    except (OSError, IMAPClientError) as error:
        raise Unreachable(destination=server.url, detail=_text(error)) from None
    if server.secure or imap.tls == "none":
        return client
    try:
        client.starttls(context)
    except (OSError, IMAPClientError) as error:
        client.shutdown()
        raise Unreachable(destination=server.url, detail=f"STARTTLS: {_text(error)}") from None
    return client


def _tls(imap: Imap) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=imap.ca_file or None)
    except OSError as error:
        raise UsageError(detail=f"imap.ca_file {imap.ca_file}: {_text(error)}") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def log_in(client: Client, login: Login, address: str, url: str) -> None:
    """Logs in to the account. Raises LoginRefused, Busy, ConnectionLost, SecretMissing."""
    word = _word(login, address)
    try:
        match login.method:
            case "master":
                _by_password(client, f"{address}{login.separator}{login.user}", word)
            case "passwords":
                _by_password(client, address, word)
            case "authzid":
                client.plain_login(login.user, word, authorization_identity=address)
            case "oauthbearer":
                client.oauthbearer_login(address, word)
            case "xoauth2":
                client.oauth2_login(address, word)
    except LoginError as error:
        # A server may quote what it was sent.
        detail = _text(error).replace(word, "...") if word else _text(error)
        if is_later(detail):
            raise Busy(destination=url, detail=detail) from None
        raise LoginRefused(address=address, detail=detail) from None
    except (OSError, IMAPClientError) as error:
        raise ConnectionLost(destination=url, detail=type(error).__name__) from None


def _by_password(client: Client, user: str, word: str) -> None:
    """By SASL PLAIN where the server has it: LOGIN takes only ASCII."""
    if client.has_capability("AUTH=PLAIN") or not (user + word).isascii():
        client.plain_login(user, word)
    else:
        client.login(user, word)


def _word(login: Login, address: str) -> str:
    if login.secret is not None and login.method != "passwords":
        word = secret(login.secret, address)
    else:
        known = passwords(login.file)
        if address.lower() not in known:
            raise LoginRefused(address=address, detail=f"{login.file} has no password for it")
        word = known[address.lower()]
    if not word or any(character in word for character in "\r\n\0"):
        raise SecretMissing(where=address, detail="it is empty, or holds a line end")
    return word


def is_later(detail: str) -> bool:
    """Whether a server that answers so cannot do it now and may later."""
    code = _CODE.search(detail)
    return code is not None and code[1] in _LATER


def _text(error: BaseException) -> str:
    """What an error says, in one line of bounded length."""
    told = " ".join((getattr(error, "strerror", None) or str(error) or "").split())
    return told[:300] or type(error).__name__
