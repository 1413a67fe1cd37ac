"""A server that lacks a capability: a proxy that takes its name out of whatever the server says."""

from __future__ import annotations

import contextlib
import socket
import threading

from listening import Forwarder, cut


class Lacking(Forwarder):
    """`with Lacking(port, b"MOVE") as proxy: ... proxy.port`."""

    def __init__(self, server: int, *capabilities: bytes) -> None:
        super().__init__(server)
        self._capabilities = capabilities
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    def join(self, client: socket.socket, server: socket.socket) -> None:
        self._open += [client, server]
        for arguments in ((client, server, ()), (server, client, self._capabilities)):
            self._threads.append(threading.Thread(target=_pass_on, args=arguments))
            self._threads[-1].start()

    def end(self) -> None:
        for one in self._open:
            cut(one)
        for thread in self._threads:
            thread.join()
        for one in self._open:
            one.close()


def _pass_on(source: socket.socket, sink: socket.socket, lacking: tuple[bytes, ...]) -> None:
    with contextlib.suppress(OSError), source.makefile("rb") as lines:
        for line in lines:
            told = line
            if b"CAPABILITY" in line:
                for name in lacking:
                    told = told.replace(b" " + name, b"")
            sink.sendall(told)
    cut(source)
    cut(sink)
