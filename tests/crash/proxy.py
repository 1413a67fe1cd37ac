"""What can go wrong between a client and an IMAP server: a proxy that knows where commands end.

It counts the commands of all connections. At one of them, once, it does its mischief; before and
after it passes everything on.
"""

from __future__ import annotations

import contextlib
import enum
import re
import socket
import threading
import time
from types import TracebackType
from typing import Self

_LITERAL = re.compile(rb"\{(\d+)(\+?)\}\r\n$")


class Mischief(enum.Enum):
    """What happens to a command."""

    CUT_BEFORE = "the connection is cut before the server has anything of the command"
    CUT_INSIDE = "the connection is cut when the server has half of it"
    CUT_AFTER = "the connection is cut when the server has all of it and has not answered"
    REPLY_LOST = "the connection is cut when the server has answered"
    SILENCE = "the server has it, and its answer never comes"
    BYE = "the server says BYE in place of it"
    LIMIT = "the server refuses it for now: NO [LIMIT]"
    OVERQUOTA = "the server refuses it for its quota: NO [OVERQUOTA]"
    GARBAGE = "the server carries it out, and answers what is no IMAP"
    TRUNCATED = "the server carries it out; half of the line that says so arrives, then the cut"
    DELAYED = "the server's answer takes its time"


_INSTEAD = {
    Mischief.CUT_BEFORE,
    Mischief.CUT_INSIDE,
    Mischief.BYE,
    Mischief.LIMIT,
    Mischief.OVERQUOTA,
}


class Proxy:
    """`with Proxy(port) as proxy: ... proxy.port`."""

    def __init__(self, server: int, at: int = -1, mischief: Mischief | None = None) -> None:
        self._server = server
        self._at = at
        self._mischief = mischief
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._open: list[socket.socket] = []
        #: The commands that came by, each without its arguments.
        self.commands: list[bytes] = []

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for one in self._open:
            _cut(one)

    def _accept(self) -> None:
        threads = []
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                break
            server = socket.create_connection(("127.0.0.1", self._server))
            self._open += [client, server]
            threads.append(threading.Thread(target=_Conversation(self, client, server).run))
            threads[-1].start()
        for one in self._open:
            _cut(one)
        for thread in threads:
            thread.join()

    def mischief_for(self, command: bytes) -> Mischief | None:
        """Counts a command; answers what is to happen to it."""
        words = command.split(None, 3)
        name = words[1].upper() if len(words) > 1 else b""
        if name == b"UID" and len(words) > 2:
            name += b" " + words[2].upper()
        with self._lock:
            self.commands.append(name)
            return self._mischief if len(self.commands) - 1 == self._at else None


class _Conversation:
    """One client's connection, and its counterpart to the server."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._from_client = client.makefile("rb")
        self._from_server = server.makefile("rb")

    def run(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._client.sendall(self._from_server.readline())
            while self._exchange():
                pass
        for file in (self._from_client, self._from_server):
            file.close()
        _cut(self._client)
        _cut(self._server)

    def _exchange(self) -> bool:
        """One command and its answer; False when the connection is at its end."""
        line = self._from_client.readline()
        if not line:
            return False
        mischief = self._proxy.mischief_for(line)
        if mischief in _INSTEAD:
            return self._instead(line, mischief)
        if not self._pass_on(line) or mischief is Mischief.CUT_AFTER:
            return False
        return self._reply(self._answer(line.split(None, 1)[0]), mischief)

    def _instead(self, line: bytes, mischief: Mischief | None) -> bool:
        """What happens to a command that the server does not have as a whole."""
        match mischief:
            case Mischief.CUT_INSIDE:
                if _LITERAL.search(line):
                    self._pass_on(line, half=True)
                else:
                    self._server.sendall(line[: len(line) // 2])
            case Mischief.BYE:
                self._client.sendall(b"* BYE going down\r\n")
            case Mischief.LIMIT | Mischief.OVERQUOTA:
                self._pass_on(line, swallow=True)
                tag = line.split(None, 1)[0]
                self._client.sendall(b"%b NO [%b] not now\r\n" % (tag, mischief.name.encode()))
                return True
        return False

    def _reply(self, answer: bytes, mischief: Mischief | None) -> bool:
        """What the client has of the server's answer."""
        match mischief:
            case Mischief.REPLY_LOST:
                return False
            case Mischief.SILENCE:
                while self._from_client.readline():
                    pass
                return False
            case Mischief.GARBAGE:
                self._client.sendall(b"\x00\xff{] (no IMAP\r\n")
            case Mischief.TRUNCATED:
                self._client.sendall(answer[: -len(answer) // 2])
                return False
            case Mischief.DELAYED:
                time.sleep(0.2)
                self._client.sendall(answer)
            case _:
                self._client.sendall(answer)
        return True

    def _pass_on(self, line: bytes, *, swallow: bool = False, half: bool = False) -> bool:
        """Passes a command on, with its literals; False if it was cut."""
        while True:
            if not swallow:
                self._server.sendall(line)
            literal = _LITERAL.search(line)
            if literal is None:
                return True
            if not literal[2]:  # RFC 3501 §4.3: the server asks for it
                asked = b"+ go on\r\n" if swallow else self._from_server.readline()
                self._client.sendall(asked)
            content = self._from_client.read(int(literal[1]))
            if half:
                self._server.sendall(content[: len(content) // 2])
                return False
            if not swallow:
                self._server.sendall(content)
            line = self._from_client.readline()

    def _answer(self, tag: bytes) -> bytes:
        """The server's answer, up to the line with the tag; AUTHENTICATE is asked to go on."""
        answer = b""
        while True:
            line = self._from_server.readline()
            if not line:
                raise ConnectionAbortedError
            answer += line
            while (literal := _LITERAL.search(line)) is not None:
                answer += self._from_server.read(int(literal[1]))
                line = self._from_server.readline()
                answer += line
            if line.startswith(b"+"):
                self._client.sendall(answer)
                answer = b""
                self._server.sendall(self._from_client.readline())
            elif line.split(None, 1)[0] == tag:
                return answer


def _cut(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
