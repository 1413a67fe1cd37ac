"""sd_notify(3): one datagram to the socket that systemd names."""

from __future__ import annotations

import os
import socket
from contextlib import suppress


def tell_systemd(state: str) -> None:
    """Sends the state, such as READY=1; does nothing where systemd does not listen."""
    name = os.environ.get("NOTIFY_SOCKET")
    if not name:
        return
    # "@" stands for the zero byte of the abstract namespace (unix(7)).
    address = "\0" + name[1:] if name.startswith("@") else name
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
        connection.connect(address)
        connection.send(state.encode())
