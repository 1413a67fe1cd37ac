"""Small servers of the tests' own, which run in threads while they are contexts."""

from __future__ import annotations

import abc
import contextlib
import socket
import threading
from types import TracebackType
from typing import Self


class Background(abc.ABC):
    """What runs in a thread of its own while it is a context."""

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self.serve)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        self._thread.join()
        self.end()

    @abc.abstractmethod
    def serve(self) -> None:
        """Runs until it is stopped."""

    @abc.abstractmethod
    def stop(self) -> None:
        """Lets `serve` return."""

    @abc.abstractmethod
    def end(self) -> None:
        """What is to do when it has returned."""


class Forwarder(Background):
    """Something between a server's port and its clients: `with ... as proxy: ... proxy.port`."""

    def __init__(self, server: int) -> None:
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])

    def serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.refuses(client):
                client.close()
            else:
                self.join(client, socket.create_connection(("127.0.0.1", self._server)))

    def stop(self) -> None:
        cut(self._listener)
        self._listener.close()

    def refuses(self, client: socket.socket) -> bool:  # noqa: ARG002 - a subclass may
        """Whether the client is sent away."""
        return False

    @abc.abstractmethod
    def join(self, client: socket.socket, server: socket.socket) -> None:
        """Lets threads pass on what both say."""


def cut(one: socket.socket) -> None:
    """Ends a connection in both directions; whoever waits for it hears so."""
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
