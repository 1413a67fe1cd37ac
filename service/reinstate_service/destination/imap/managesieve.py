"""ManageSieve (RFC 5804): what is needed to store, read and activate scripts.

Libraries for it take no CA of one's own, no timeout, or no bytes that are no UTF-8.
"""

from __future__ import annotations

import base64
import re
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress

from reinstate_service.destination.fence import ConnectionLost
from reinstate_service.destination.imap.errors import Busy, LoginRefused, ServerRefuses
from reinstate_service.destination.imap.sasl import Credentials

_LINE_BYTES = 64 * 1024
_SCRIPT_BYTES = 16 * 1024 * 1024
_LITERAL = re.compile(rb"\{(\d+)\+?\}$")
_STRING = re.compile(rb'"((?:[^"\\]|\\.)*)"')


class ManageSieve:
    """A connection. Every method raises ServerRefuses, Busy, ConnectionLost."""

    def __init__(
        self, host: str, port: int, timeout: float, context: ssl.SSLContext | None
    ) -> None:
        """Connects; with a context, speaks over TLS from then on (§2.2)."""
        self._url = f"sieve://{host}:{port}"
        try:
            self._socket = socket.create_connection((host, port), timeout)
        except OSError as error:
            raise self._lost(error) from None
        self._file = self._socket.makefile("rb")
        try:
            self._capabilities = self._read_capabilities()
            if context is not None:
                self._secure(host, context)
        except BaseException:
            self._file.close()
            self._socket.close()
            raise

    def _secure(self, host: str, context: ssl.SSLContext) -> None:
        self._command(b"STARTTLS")
        try:
            self._socket = context.wrap_socket(self._socket, server_hostname=host)
        except OSError as error:
            raise self._lost(error) from None
        self._file = self._socket.makefile("rb")
        self._capabilities = self._read_capabilities()

    @property
    def extensions(self) -> tuple[str, ...]:
        """What scripts may require (RFC 5228 §6)."""
        return tuple(self._capabilities.get("SIEVE", "").split())

    def log_in(self, found: Credentials, address: str) -> None:
        """Logs in to the account (§2.1). Raises LoginRefused besides."""
        response = _literal(base64.b64encode(found.response.encode()))
        try:
            self._send(b"AUTHENTICATE", _quoted(found.mechanism.encode()), response)
            self._answer(found)
        except ServerRefuses as error:
            detail = found.hidden_in(str(error.fields["detail"]))
            raise LoginRefused(address=address, detail=f"ManageSieve: {detail}") from None

    def scripts(self) -> Mapping[str, bool]:
        """The scripts' names; True for the active one (§2.7)."""
        found = {}
        for words, rest in self._command(b"LISTSCRIPTS"):
            if words:
                found[words[0].decode("utf-8", "surrogateescape")] = b"ACTIVE" in rest.upper()
        return found

    def script(self, name: str) -> str:
        """A script's text (§2.9); bytes that are no UTF-8 are escaped."""
        answer = self._command(b"GETSCRIPT", _name(name))
        content = answer[0][0][0] if answer and answer[0][0] else b""
        return content.decode("utf-8", "surrogateescape")

    def check(self, text: str) -> None:
        """Has the server check a script (§2.12), if it knows how."""
        if "VERSION" in self._capabilities:
            self._command(b"CHECKSCRIPT", _literal(_bytes(text)))

    def store(self, name: str, text: str) -> None:
        """Stores a script, in the place of one of its name, at once (§2.6)."""
        self._command(b"PUTSCRIPT", _name(name), _literal(_bytes(text)))

    def activate(self, name: str) -> None:
        """Makes a script the active one (§2.8)."""
        self._command(b"SETACTIVE", _name(name))

    def close(self) -> None:
        """Logs out."""
        with suppress(OSError):
            self._socket.sendall(b"LOGOUT\r\n")
        self._file.close()
        self._socket.close()

    def _read_capabilities(self) -> dict[str, str]:
        found = {}
        for words, _ in self._answer():
            if words:
                name, *value = (word.decode("utf-8", "replace") for word in words)
                found[name.upper()] = value[0] if value else ""
        return found

    def _command(self, *parts: bytes) -> list[tuple[list[bytes], bytes]]:
        self._send(*parts)
        return self._answer()

    def _send(self, *parts: bytes) -> None:
        try:
            self._socket.sendall(b" ".join(parts) + b"\r\n")
        except OSError as error:
            raise self._lost(error) from None

    def _answer(self, login: Credentials | None = None) -> list[tuple[list[bytes], bytes]]:
        """The lines up to the answer's end: the strings of each, and the rest of it. In the middle
        of a login, a string is a challenge."""
        lines = []
        while True:
            words, rest = self._line()
            status = rest.strip().split(b" ", 1)[0].upper()
            if words and not rest.strip().startswith((b"OK", b"NO", b"BYE")):
                if login is not None:
                    self._send(_literal(base64.b64encode(login.answer(words[0]).encode())))
                lines.append((words, rest))
                continue
            if status == b"OK":
                return lines
            told = b" ".join((rest.strip(), *words)).decode("utf-8", "replace")
            detail = " ".join(told.split())[:300]
            if status == b"NO":
                if "(TRYLATER" in detail.upper():  # §1.3
                    raise Busy(destination=self._url, detail=detail)
                raise ServerRefuses(detail=detail.removeprefix("NO").strip())
            raise ConnectionLost(destination=self._url, detail=detail or "it says nothing")

    def _line(self) -> tuple[list[bytes], bytes]:
        """One line of the server's: its strings, quoted and literal, and what is beside them."""
        words: list[bytes] = []
        rest = b""
        while True:
            try:
                line = self._file.readline(_LINE_BYTES)
            except OSError as error:
                raise self._lost(error) from None
            if not line.endswith(b"\n"):
                raise ConnectionLost(destination=self._url, detail="it ended the connection")
            line = line.rstrip(b"\r\n")
            literal = _LITERAL.search(line)
            if literal is not None:
                line = line[: literal.start()]
            words += [re.sub(rb"\\(.)", rb"\1", found) for found in _STRING.findall(line)]
            rest += _STRING.sub(b"", line)
            if literal is None:
                return words, rest
            if int(literal[1]) > _SCRIPT_BYTES:
                raise ConnectionLost(destination=self._url, detail="it sends too much")
            words.append(self._exactly(int(literal[1])))

    def _exactly(self, count: int) -> bytes:
        try:
            content = self._file.read(count)
        except OSError as error:
            raise self._lost(error) from None
        if len(content) < count:
            raise ConnectionLost(destination=self._url, detail="it ended the connection")
        return content

    def _lost(self, error: OSError) -> ConnectionLost:
        return ConnectionLost(destination=self._url, detail=error.strerror or type(error).__name__)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _name(name: str) -> bytes:
    return _literal(_bytes(name))


def _quoted(text: bytes) -> bytes:
    return b'"' + text.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def _literal(content: bytes) -> bytes:
    """What a name or script holds, nothing of it is a command (§4)."""
    return b"{%d+}\r\n%b" % (len(content), content)
