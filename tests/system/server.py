"""A server of somebody else's, started by a test on 127.0.0.1 and free ports, and stopped by its
own process id."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

import pytest

PATIENCE = 20.0


class Server:
    """`with Mine(...) as server:`. A subclass says in `_start` what runs, by `_run`, and what
    shows that it is ready, by `_await`."""

    name: ClassVar[str]

    def __init__(self, above: Path | None = None) -> None:
        prefix = f"reinstate-{self.name.lower()[:3]}-"
        self.base = Path(tempfile.mkdtemp(prefix=prefix, dir=above))
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            error.add_note(f"{self.name}'s log:\n{self.log()}")
        self.stop()

    def log(self) -> str:
        """What the server wrote so far."""
        path = self.base / "output"
        return path.read_text(errors="replace") if path.exists() else "(no log)"

    def stop(self) -> None:
        """Ends the server and removes its folder."""
        self._end()
        shutil.rmtree(self.base, ignore_errors=True)

    def _end(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def _start(self) -> None:
        raise NotImplementedError

    def _run(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        """Starts it in the foreground, in a session of its own: some signal their whole process
        group when they end."""
        with (self.base / "output").open("wb") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )

    def _await(self, *ports: int) -> None:
        """Waits until somebody answers at each port, or the server has ended."""
        deadline = time.monotonic() + PATIENCE
        for port in ports:
            while not _answers(port):
                ended = self._process is None or self._process.poll() is not None
                if ended or time.monotonic() > deadline:
                    pytest.fail(f"{self.name} does not answer at {port}\n{self.log()}")
                time.sleep(0.02)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def free_ports(count: int) -> list[int]:
    """So many ports of 127.0.0.1 that nobody listens at."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]
