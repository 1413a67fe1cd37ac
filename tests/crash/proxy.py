"""What can go wrong between a client and an IMAP server: a proxy that knows where commands end.

It counts the commands of all connections. At one of them, once, it does its mischief; before and
after it passes everything on, in both directions at once: a client need not wait for answers.
"""

from __future__ import annotations

import contextlib
import enum
import re
import socket
import threading
import time
from collections.abc import Callable

from listening import Forwarder, cut

_LITERAL = re.compile(rb"\{(\d+)(\+?)\}\r\n$")


class Mischief(enum.Enum):
    """What happens to a command."""

    CUT_BEFORE = "the connection is cut before the server has anything of the command"
    CUT_INSIDE = "the connection is cut when the server has half of it: in a literal, if it has one"
    CUT_AFTER = "the connection is cut when the server has all of it and has not answered"
    REPLY_LOST = "the connection is cut when the server has answered"
    SILENCE = "the server has it, and its answer never comes"
    BYE = "the server says BYE in place of it"
    LIMIT = "the server refuses it for now: NO [LIMIT]"
    OVERQUOTA = "the server refuses it for its quota: NO [OVERQUOTA]"
    GARBAGE = "the server carries it out, and answers what is no IMAP"
    TRUNCATED = "the server carries it out; half of the line that says so arrives, then the cut"
    DELAYED = "the server's answer takes its time"


#: What the server never sees as a whole.
_INSTEAD = {
    Mischief.CUT_BEFORE,
    Mischief.CUT_INSIDE,
    Mischief.BYE,
    Mischief.LIMIT,
    Mischief.OVERQUOTA,
}
#: Where the connection ends; a client may be killed at the same places.
CUTS = (Mischief.CUT_BEFORE, Mischief.CUT_INSIDE, Mischief.CUT_AFTER, Mischief.REPLY_LOST)


class Proxy(Forwarder):
    """`with Proxy(port) as proxy: ... proxy.port`. With `kill`, which ends the client, that is
    done where the connection would be cut."""

    def __init__(
        self,
        server: int,
        at: int = -1,
        mischief: Mischief | None = None,
        kill: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(server)
        self._at = at
        self._mischief = mischief
        self._kill = kill
        self._lock = threading.Lock()
        self._conversations: list[_Conversation] = []
        #: The commands that came by, each without its arguments.
        self.commands: list[bytes] = []

    def end(self) -> None:
        for one in self._conversations:
            one.end()

    @property
    def struck(self) -> bool:
        """Whether there was a command to do mischief to."""
        return 0 <= self._at < len(self.commands)

    def join(self, client: socket.socket, server: socket.socket) -> None:
        self._conversations.append(_Conversation(self, client, server))

    def mischief_for(self, command: bytes) -> Mischief | None:
        """Counts a command; answers what is to happen to it."""
        words = command.split(None, 3)
        name = words[1].upper() if len(words) > 1 else b""
        if name == b"UID" and len(words) > 2:
            name += b" " + words[2].upper()
        with self._lock:
            self.commands.append(name)
            return self._mischief if len(self.commands) - 1 == self._at else None

    def strike(self) -> None:
        """The connection is about to be cut."""
        self._kill()


class _Conversation:
    """One client's connection, and its counterpart to the server; a thread for each direction."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._from_client = client.makefile("rb")
        self._from_server = server.makefile("rb")
        self._to_client = threading.Lock()
        self._replies: dict[bytes, Mischief] = {}
        self._authenticating = False
        self._threads = [
            threading.Thread(target=self._until_the_end, args=(one,))
            for one in (self._commands, self._answers)
        ]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Cuts both connections, and waits until nobody uses them."""
        cut(self._client)
        cut(self._server)
        for thread in self._threads:
            thread.join()
        for one in (self._from_client, self._from_server, self._client, self._server):
            with contextlib.suppress(OSError):
                one.close()

    def _until_the_end(self, go_on: Callable[[], bool]) -> None:
        with contextlib.suppress(OSError, ValueError):
            while go_on():
                pass
        cut(self._client)
        cut(self._server)

    def _commands(self) -> bool:
        """Passes on a command; False when the connection is at its end."""
        line = self._from_client.readline()
        if not line:
            return False
        if self._authenticating:
            self._server.sendall(line)
            return True
        mischief = self._proxy.mischief_for(line)
        if mischief in _INSTEAD:
            return self._instead(line, mischief)
        words = line.split(None, 2)
        self._authenticating = words[1].upper() == b"AUTHENTICATE"
        if mischief is not None:
            self._replies[words[0]] = mischief
        self._pass_on(line)
        if mischief is Mischief.CUT_AFTER:
            self._proxy.strike()
            return False
        return True

    def _instead(self, line: bytes, mischief: Mischief) -> bool:
        """What happens to a command that the server does not have as a whole."""
        match mischief:
            case Mischief.CUT_INSIDE:
                self._pass_on_half(line)
                self._proxy.strike()
            case Mischief.BYE:
                self._tell(b"* BYE going down\r\n")
            case Mischief.LIMIT | Mischief.OVERQUOTA:
                self._swallow(line)
                tag = line.split(None, 1)[0]
                self._tell(b"%b NO [%b] not now\r\n" % (tag, mischief.name.encode()))
                return True
            case _:
                self._proxy.strike()
        return False

    def _pass_on(self, line: bytes) -> None:
        """Passes a command on, with its literals; who asks for those (RFC 3501 §4.3) is the
        server."""
        self._server.sendall(line)
        while (literal := _LITERAL.search(line)) is not None:
            line = self._from_client.read(int(literal[1])) + self._from_client.readline()
            self._server.sendall(line)

    def _pass_on_half(self, line: bytes) -> None:
        whole = line
        while (literal := _LITERAL.search(line)) is not None:
            if not literal[2]:
                self._server.sendall(whole)
                whole = line = self._from_client.read(int(literal[1]))
                break
            line = self._from_client.read(int(literal[1])) + self._from_client.readline()
            whole += line
        self._server.sendall(whole[: len(whole) // 2])

    def _swallow(self, line: bytes) -> None:
        while (literal := _LITERAL.search(line)) is not None:
            if not literal[2]:
                self._tell(b"+ go on\r\n")
            self._from_client.read(int(literal[1]))
            line = self._from_client.readline()

    def _answers(self) -> bool:
        """Passes on what the server says, up to the end of a line that has no literal."""
        said = line = self._from_server.readline()
        if not line:
            return False
        while (literal := _LITERAL.search(line)) is not None:
            said += self._from_server.read(int(literal[1]))
            line = self._from_server.readline()
            said += line
        tag = said.split(None, 1)[0]
        if tag not in {b"*", b"+"}:
            self._authenticating = False
        return self._reply(said, self._replies.pop(tag, None))

    def _reply(self, said: bytes, mischief: Mischief | None) -> bool:
        """What the client has of the server's answer."""
        match mischief:
            case Mischief.CUT_AFTER | Mischief.REPLY_LOST:
                self._proxy.strike()
                return False
            case Mischief.SILENCE:
                while self._from_server.readline():
                    pass
                return False
            case Mischief.GARBAGE:
                self._tell(b"\x00\xff{] (no IMAP\r\n")
            case Mischief.TRUNCATED:
                self._tell(said[: len(said) // 2])
                return False
            case Mischief.DELAYED:
                time.sleep(0.2)
                self._tell(said)
            case _:
                self._tell(said)
        return True

    def _tell(self, said: bytes) -> None:
        with self._to_client:
            self._client.sendall(said)
