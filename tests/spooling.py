"""A service in a process of its own over a spool, and a mail server that keeps what it is sent."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from watchfiles import watch

from reinstate_service.operations.spool.folder import SpoolFolder
from reinstate_service.operations.spool.outcome import Outcome, State
from running import COMMAND

_PATIENCE = 120.0


class Service:
    """`reinstate serve` over `spool`, which is made."""

    def __init__(self, spool: Path) -> None:
        self.path = spool
        spool.mkdir(exist_ok=True)
        self.folder = SpoolFolder(spool)
        self._process: subprocess.Popen[bytes] | None = None

    def job(self, name: str, source: Path, destination: Path, *lines: str) -> None:
        """Drops a job file, as a whole."""
        text = "\n".join(
            (f'source = "{source}"', f'destination = "maildir:{destination}"', *lines, "")
        )
        made = self.path / f".{name}"
        made.write_text(text, encoding="utf-8")
        made.rename(self.path / f"{name}.toml")

    def start(self, **environment: str) -> None:
        """Starts it."""
        self._process = subprocess.Popen(
            [*COMMAND, "serve", "--spool", str(self.path)],
            env={**os.environ, **environment},
            stderr=subprocess.PIPE,
        )

    def end(self, number: int = signal.SIGTERM) -> str:
        """Sends it the signal; answers what it said."""
        assert self._process is not None
        self._process.send_signal(number)
        _, said = self._process.communicate(timeout=_PATIENCE)
        code = self._process.returncode
        assert code == (0 if number == signal.SIGTERM else -number), said.decode()
        self._process = None
        return said.decode()

    @contextmanager
    def running(self, **environment: str) -> Iterator[None]:
        """While it runs; it is drained at the end."""
        self.start(**environment)
        try:
            yield
        finally:
            if self._process is not None:
                self.end()

    def wait(self, name: str, *states: State, that: Callable[[Outcome], bool] = bool) -> Outcome:
        """The outcome of a job, as soon as it is in one of the states and so."""
        for _ in _looks(self.path):
            found = self.folder.outcome(name)
            if found is not None and found.state in states and that(found):
                return found
            assert self._process is not None
            assert self._process.poll() is None, self._process.communicate()
        raise AssertionError(f"{name} is {self.folder.outcome(name)}")


def _looks(folder: Path) -> Iterator[None]:
    """Now, and whenever something in the folder changes, for as long as patience lasts."""
    late = threading.Event()
    timer = threading.Timer(_PATIENCE, late.set)
    timer.start()
    try:
        yield
        for _ in watch(
            folder, step=10, debounce=50, rust_timeout=200, yield_on_timeout=True, stop_event=late
        ):
            yield
    finally:
        timer.cancel()


class Mailbox:
    """What the mail server was sent."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self._arrived = threading.Condition()

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        """aiosmtpd's own name."""
        mail = BytesParser(policy=default).parsebytes(envelope.content)
        mail["X-To"] = ", ".join(envelope.rcpt_tos)
        with self._arrived:
            self.mails.append(mail)
            self._arrived.notify_all()
        return "250 OK"

    def wait_for(self, subject: str) -> EmailMessage:
        """The first mail of that subject, as soon as it is here."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: self.subjects(subject), _PATIENCE), self.mails
            return next(mail for mail in self.mails if subject in str(mail["Subject"]))

    def subjects(self, part: str = "") -> list[str]:
        """The subjects, in the order of arrival; those with `part` in them."""
        return [str(mail["Subject"]) for mail in self.mails if part in str(mail["Subject"])]


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


@contextmanager
def mail_server(port: int, **how: Any) -> Iterator[Mailbox]:
    """A mail server on that port of 127.0.0.1; `how` are aiosmtpd's own settings."""
    mailbox = Mailbox()
    server = Controller(mailbox, hostname="127.0.0.1", port=port, **how)
    server.start()
    try:
        yield mailbox
    finally:
        server.stop()


def settings(port: int, *recipients: str) -> str:
    """service.toml for that server."""
    addresses = ", ".join(f'"{one}"' for one in recipients)
    return (
        f'[smtp]\nhost = "127.0.0.1"\nport = {port}\nsender = "reinstate@example.com"\n'
        f"[notify]\nmail = [{addresses}]\n"
    )
