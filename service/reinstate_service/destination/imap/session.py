"""One account's connection: made when it is needed, made anew when it breaks, patiently."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from imapclient.exceptions import IMAPClientError  # type: ignore[import-untyped]

from reinstate_service.destination.fence import ConnectionLost
from reinstate_service.destination.imap.connection import Client, speaking
from reinstate_service.destination.imap.errors import Busy, Unreachable
from reinstate_service.destination.imap.pace import Entered, Pace, Spell

Answer = TypeVar("Answer")

#: How often one thing is tried whose connection breaks, and how often a server that nobody has
#: reached yet. One that was there, or is busy, is waited for as long as its pace says.
_TRIES, _CONNECTS = 9, 5


class Session:
    """An account's connection. Used by one thread at a time."""

    def __init__(self, url: str, pace: Pace, open_: Callable[[], Client]) -> None:
        self._url = url
        self._pace = pace
        self._open = open_
        self._client: Client | None = None
        self._entered: Entered | None = None
        self._selected = ""

    @property
    def url(self) -> str:
        """The server's."""
        return self._url

    def ask(self, command: Callable[[Client], Answer]) -> Answer:
        """The answer to a command that may be given twice: over a new connection if the old one
        breaks, later if the server is busy. Raises ServerRefuses, ConnectionLost, Busy."""
        spell = self.spell()
        lost = 0
        while True:
            self._connected()  # has a patience of its own
            try:
                return self.once(command)
            except Busy as error:
                spell.refused(error)
            except ConnectionLost as error:
                lost += 1
                if lost == _TRIES:
                    raise
                spell.failed(error)

    def spell(self) -> Spell:
        """The tries of one thing."""
        return self._pace.spell()

    def once(self, command: Callable[[Client], Answer]) -> Answer:
        """The answer to a command that must not be given twice. Raises ServerRefuses, Busy, and
        ConnectionLost, after which it is not known whether the command was carried out."""
        client = self._connected()
        try:
            with speaking(self._url):
                return command(client)
        except ConnectionLost:
            self.drop()
            raise

    def within(self, mailbox: str, command: Callable[[Client], Answer]) -> Answer:
        """`ask`, with the mailbox open for reading."""

        def select_first(client: Client) -> Answer:
            if self._selected != mailbox:
                self._selected = ""
                client.select_folder(mailbox, readonly=True)
                self._selected = mailbox
            return command(client)

        return self.ask(select_first)

    def changing(self, mailbox: str, command: Callable[[Client], Answer]) -> Answer:
        """`once`, with the mailbox open for changes; it is closed again."""

        def change(client: Client) -> Answer:
            client.select_folder(mailbox)
            answer = command(client)
            client.leave(mailbox)
            return answer

        self._selected = ""
        return self.once(change)

    def leave(self) -> None:
        """Closes the mailbox that is open."""
        if self._selected:
            self._selected = ""
            with suppress(ConnectionLost):
                self.once(lambda client: client.close_folder())  # read-only: expunges nothing

    def cut(self) -> None:
        """Ends the connection under whoever uses it in another thread: it is lost to him."""
        if (client := self._client) is not None:
            client.cut()

    def drop(self) -> None:
        """Lets go of a connection that is of no use any more."""
        client, self._client, self._selected = self._client, None, ""
        if client is not None and self._entered is not None:
            client.shutdown()
            self._pace.leave(self._entered)

    def close(self) -> None:
        """Logs out."""
        if self._client is not None:
            with suppress(OSError, IMAPClientError, ValueError):
                self._client.logout()
        self.drop()

    def _connected(self) -> Client:
        spell = self.spell()
        tries = 0
        while self._client is None:
            tries += 1
            entered = self._pace.enter()
            try:
                self._client = self._open()
            except (Unreachable, ConnectionLost, Busy) as error:
                self._pace.leave(entered)
                if not (self._pace.reached or isinstance(error, Busy)) and tries == _CONNECTS:
                    raise
                spell.refused(error)
            except BaseException:
                self._pace.leave(entered)
                raise
            else:
                self._entered = entered
                self._pace.reached = True
        return self._client


class SpareSession(Session):
    """One that can be done without: it is there from the beginning, and not made anew."""

    def __init__(self, url: str, pace: Pace, client: Client, entered: Entered) -> None:
        super().__init__(url, pace, lambda: client)
        self._client = client
        self._entered = entered

    def _connected(self) -> Client:
        if self._client is None:
            raise ConnectionLost(destination=self._url, detail="it is not made anew")
        return self._client
