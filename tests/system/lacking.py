"""A server that lacks a capability: a proxy that takes its name out of whatever the server says."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self


class Lacking:
    """`with Lacking(port, b"MOVE") as proxy: ... proxy.port`."""

    def __init__(self, server: int, *capabilities: bytes) -> None:
        self._server = server
        self._capabilities = capabilities
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()
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
        self._accepting.join()
        for one in self._open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for one in self._open:
            one.close()

    def refuses(self, client: socket.socket) -> bool:  # noqa: ARG002 - a subclass may
        """Whether the client is sent away."""
        return False

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.refuses(client):
                client.close()
                continue
            server = socket.create_connection(("127.0.0.1", self._server))
            self._open += [client, server]
            for arguments in ((client, server, ()), (server, client, self._capabilities)):
                self._threads.append(threading.Thread(target=_pass_on, args=arguments))
                self._threads[-1].start()


def _pass_on(source: socket.socket, sink: socket.socket, lacking: tuple[bytes, ...]) -> None:
    with contextlib.suppress(OSError), source.makefile("rb") as lines:
        for line in lines:
            told = line
            if b"CAPABILITY" in line:
                for name in lacking:
                    told = told.replace(b" " + name, b"")
            sink.sendall(told)
    for one in (source, sink):
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
