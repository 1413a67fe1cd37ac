"""Notifications of jobs, each at least once: what has gone out is kept beside the journal."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Iterator

import msgspec

from reinstate_journal import open_reader
from reinstate_journal.errors import ReinstateError
from reinstate_journal.journal import Reader
from reinstate_service.operations.spool.delivery import run_command, send_mail
from reinstate_service.operations.spool.folder import SpoolFolder, Told
from reinstate_service.operations.spool.job import JobWrong, Notify
from reinstate_service.operations.spool.messages import Message, beginnings, message_of
from reinstate_service.operations.spool.outcome import TOLD
from reinstate_service.operations.spool.settings import Settings

#: Seconds after which what could not be delivered is tried again.
_AGAIN = 60.0


class Notifier:
    """Works in a thread of its own, so that a slow mail server keeps no restore waiting.

    `say` hears of what could not be delivered.
    """

    def __init__(self, folder: SpoolFolder, settings: Settings, say: Callable[[str], None]) -> None:
        self._folder = folder
        self._settings = settings
        self._say = say
        self._news = threading.Event()
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._work, name="notifier")
        self._said: dict[str, str] = {}

    def start(self) -> None:
        """Begins with what an earlier service left undelivered."""
        self._news.set()
        self._thread.start()

    def hear(self) -> None:
        """There may be something to tell."""
        self._news.set()

    def close(self) -> None:
        """Ends after what is to be told now; what cannot be is left to the next service."""
        self._ends.set()
        self._news.set()
        self._thread.join()

    def _work(self) -> None:
        while True:
            self._news.wait(_AGAIN)
            self._news.clear()
            ends = self._ends.is_set()
            for file in self._folder.jobs():
                try:
                    self._tell(file.name)
                    self._said.pop(file.name, None)
                except ReinstateError as error:
                    self._complain(file.name, str(error))
                except Exception:  # a fault of reinstate costs one message, not all to come
                    self._complain(file.name, traceback.format_exc())
            if ends:
                return

    def _complain(self, name: str, text: str) -> None:
        """Says what went wrong with a job's messages, not again every minute."""
        if self._said.get(name) != text:
            self._said[name] = text
            self._say(f"job {name}: {text}")

    def _tell(self, name: str) -> None:
        told = self._folder.told(name)
        journal = self._folder.journal(name)
        if not journal.exists():
            self._tell_all(name, told, None)
            return
        with open_reader(journal) as reader:
            self._tell_all(name, told, reader)

    def _tell_all(self, name: str, told: Told, journal: Reader | None) -> None:
        for message, then in self._due(name, told, journal):
            self._deliver(name, message)
            self._folder.write_told(name, then)

    def _due(self, name: str, told: Told, journal: Reader | None) -> Iterator[tuple[Message, Told]]:
        """Each message, and what has been told once it has gone out."""
        if journal is not None:
            for position, message in beginnings(journal, name, told.position):
                told = msgspec.structs.replace(told, position=position)
                yield message, told
        outcome = self._folder.outcome(name)
        if outcome is not None and outcome.state in TOLD and outcome.key() != told.outcome:
            yield message_of(outcome, journal), Told(told.position, outcome.key())

    def _deliver(self, name: str, message: Message) -> None:
        everybody = self._settings.notify
        try:
            own = self._folder.job(name).notify
        except JobWrong:
            own = Notify()
        recipients = tuple(dict.fromkeys((*everybody.mail, *own.mail)))
        if recipients and self._settings.smtp is not None:
            send_mail(self._settings.smtp, recipients, message)
        for command in dict.fromkeys((everybody.command, own.command)):
            if command:
                run_command(command, message)
