"""One account's connection: made when it is needed, made anew when it breaks, patiently."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from imapclient.exceptions import IMAPClientError  # type: ignore[import-untyped]

from reinstate_service.destination.fence import ConnectionLost
from reinstate_service.destination.imap.connection import Client, speaking
from reinstate_service.destination.imap.errors import Busy, Unreachable

Answer = TypeVar("Answer")

#: How often one thing is tried of a server that is busy or breaks off, and how often one that
#: cannot be reached; and the seconds between: doubled each time, and jittered.
TRIES, _CONNECTS = 9, 5
_FIRST_DELAY, _LONGEST_DELAY = 0.2, 30.0


class Session:
    """An account's connection. Used by one thread."""

    def __init__(self, url: str, open_: Callable[[], Client]) -> None:
        self._url = url
        self._open = open_
        self._client: Client | None = None
        self._selected = ""

    @property
    def url(self) -> str:
        """The server's."""
        return self._url

    def ask(self, command: Callable[[Client], Answer]) -> Answer:
        """The answer to a command that may be given twice: over a new connection if the old one
        breaks, later if the server is busy. Raises ServerRefuses, ConnectionLost, Busy."""
        for attempt in range(1, TRIES + 1):
            try:
                return self.once(command)
            except (ConnectionLost, Busy):
                if attempt == TRIES:
                    raise
                wait_a_while(attempt)
        raise AssertionError

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

    def drop(self) -> None:
        """Lets go of a connection that is of no use any more."""
        client, self._client, self._selected = self._client, None, ""
        if client is not None:
            client.shutdown()

    def close(self) -> None:
        """Logs out."""
        if self._client is not None:
            with suppress(OSError, IMAPClientError, ValueError):
                self._client.logout()
        self.drop()

    def _connected(self) -> Client:
        if self._client is None:
            for attempt in range(1, TRIES + 1):
                try:
                    self._client = self._open()
                    break
                except (Unreachable, ConnectionLost, Busy) as error:
                    if attempt == (TRIES if isinstance(error, Busy) else _CONNECTS):
                        raise
                    wait_a_while(attempt)
        assert self._client is not None  # noqa: S101 - the loop ends with one or raises
        return self._client


def wait_a_while(attempt: int) -> None:
    """Waits before the next attempt: twice as long each time, and no two clients alike."""
    delay = min(_LONGEST_DELAY, _FIRST_DELAY * 2 ** (attempt - 1))
    time.sleep(delay * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
