"""Putting a batch of items into their mailboxes: what goes into which APPEND, and what the
server's answers mean for each item."""

from __future__ import annotations

import base64
import hashlib
import io
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO, NamedTuple

from msgspec.structs import replace

from reinstate_journal.crashpoints import At, reach
from reinstate_journal.errors import (
    BackupError,
    DestinationError,
    Interrupted,
    JournalError,
    ReinstateError,
)
from reinstate_service.destination.contract import Delivered, Delivery, Refused, Served
from reinstate_service.destination.fence import Fence
from reinstate_service.destination.imap.append import Appended, Appender, Message
from reinstate_service.destination.imap.connection import Client
from reinstate_service.destination.imap.errors import (
    Busy,
    OverQuota,
    ServerRefuses,
    code_in,
    is_later,
)
from reinstate_service.destination.imap.keywords import Fitting, Keywords
from reinstate_service.destination.imap.names import MailboxNames
from reinstate_service.destination.imap.session import Session
from reinstate_service.destination.lines import with_crlf
from reinstate_service.model import MAIL_TYPES, Path

#: What one MULTIAPPEND holds at most, and how many commands are under way at once.
_MESSAGES, _BYTES = 250, 4 * 1024 * 1024
_WINDOW = 4
#: A larger message waits in a file, not in memory.
_IN_MEMORY = 4 * 1024 * 1024
#: What Cyrus 3.6 answers to APPEND, without the code of RFC 9208 §5.1.
_CYRUS_OVER_QUOTA = "Over quota"
_FATAL = (BackupError, DestinationError, JournalError, Interrupted)


class NoMail(Refused):
    """The item is none that a mail server keeps."""

    message = "a mail server has no place for this {type}"


class _Letter(NamedTuple):
    """A delivery on its way: its number in the batch, the message, the keywords that it goes
    without, and, if that is another than the backup's, the form in which it is `served`."""

    number: int
    path: Path
    message: Message
    left_out: tuple[str, ...]
    served: Served | None

    def with_(self, fitting: Fitting) -> _Letter:
        """The same with these flags and keywords."""
        message = replace(self.message, flags=fitting.flags, keywords=fitting.keywords)
        return self._replace(message=message, left_out=(*self.left_out, *fitting.left_out))


class Deliveries:
    """Delivers over one session. `make` makes a folder that is missing."""

    def __init__(
        self, session: Session, names: MailboxNames, make: Callable[[Path], object]
    ) -> None:
        self._session = session
        self._names = names
        self._make = make
        self._keywords = Keywords(session, names)
        self._appender: tuple[Client, Appender] | None = None
        self._fences: dict[Path, Fence] = {}

    def fence(self, path: Path) -> Fence | None:
        """Where the folder ends, if the answers to what was delivered there tell it."""
        return self._fences.get(path)

    def forget(self) -> None:
        """Others may have written, or what was sent may have been stored unanswered."""
        self._fences.clear()

    def deliver(self, deliveries: Sequence[Delivery]) -> list[Delivered]:
        """One answer per delivery. Raises ConnectionLost and Busy, after which the outcome of
        the batch is not known."""
        answers: dict[int, Delivered] = {}
        try:
            self._keywords.ask(deliveries)
            refused = self._send_all(deliveries, answers)
            for letter in refused:
                with letter.message.content:
                    answers[letter.number] = self._deliver_one(letter)
        except BaseException:
            # Answers may be under way; nobody must take them for those of the next commands.
            self.forget()
            self._session.drop()
            raise
        return [answers[number] for number in range(len(deliveries))]

    def _send_all(
        self, deliveries: Sequence[Delivery], answers: dict[int, Delivered]
    ) -> list[_Letter]:
        """Sends all, several commands at once; answers what was in the refused ones."""
        waiting: deque[tuple[bytes, list[_Letter]]] = deque()
        refused: list[_Letter] = []

        def take_answer() -> None:
            tag, letters = waiting.popleft()
            appended = self._answer(tag)
            if appended.done:
                self._advance(letters[0].path, appended)
                for one in letters:
                    answers[one.number] = _delivered(one)
                    one.message.content.close()
            else:
                refused.extend(letters)

        for letters in self._commands(deliveries, answers):
            waiting.append((self._send(letters), letters))
            if len(waiting) == _WINDOW:
                take_answer()
        while waiting:
            take_answer()
        return refused

    def _commands(
        self, deliveries: Sequence[Delivery], answers: dict[int, Delivered]
    ) -> Iterator[list[_Letter]]:
        """The messages of each command, read and checked; what cannot be is answered."""
        most = self._session.ask(
            lambda client: _MESSAGES if client.has_capability("MULTIAPPEND") else 1
        )
        for path, numbers in _by_path(deliveries, answers).items():
            letters: list[_Letter] = []
            size = 0
            for number in numbers:
                try:
                    self._names.name(path)
                    letter = self._fitting(_letter(number, deliveries[number]))
                except _FATAL:
                    raise
                except ReinstateError as error:
                    answers[number] = Delivered(error=error)
                    continue
                if letters and (len(letters) == most or size + letter.message.size > _BYTES):
                    yield letters
                    letters, size = [], 0
                letters.append(letter)
                size += letter.message.size
            if letters:
                yield letters

    def _send(self, letters: Sequence[_Letter]) -> bytes:
        name = self._names.name(letters[0].path)
        messages = [one.message for one in letters]
        return self._session.once(lambda client: self._appending(client).send(name, messages))

    def _answer(self, tag: bytes) -> Appended:
        return self._session.once(lambda client: self._appending(client).answer(tag))

    def _fitting(self, letter: _Letter) -> _Letter:
        """The letter with what its mailbox takes of its flags and keywords."""
        message = letter.message
        return letter.with_(self._keywords.fitting(letter.path, message.flags, message.keywords))

    def _deliver_one(self, letter: _Letter) -> Delivered:
        """Delivers a message whose command was refused, perhaps for another one's sake."""
        made = False
        spell = self._session.spell()
        letter = self._fitting(letter)
        while True:
            letter.message.content.seek(0)
            appended = self._answer(self._send([letter]))
            if appended.done:
                self._advance(letter.path, appended)
                self._keywords.refused(letter.path, letter.left_out)
                return _delivered(letter)
            if "[TRYCREATE]" in appended.text.upper() and not made:
                made = True
                try:
                    self._make(letter.path)
                except Refused as error:
                    return Delivered(error=error)
            elif is_later(appended.text):
                spell.refused(Busy(destination=self._session.url, detail=appended.text))
            else:
                refusal = _refusal(appended.text)
                less = self._with_fewer_keywords(letter, refusal)
                if less is None:
                    return Delivered(error=refusal)
                letter = less

    def _with_fewer_keywords(self, letter: _Letter, refusal: Refused) -> _Letter | None:
        """The letter as to try it again after a refusal, None if its keywords are not to blame."""
        if isinstance(refusal, OverQuota):
            return None
        flags, keywords = letter.message.flags, letter.message.keywords
        fitting = self._keywords.fewer(letter.path, flags, keywords, str(refusal.fields["detail"]))
        return None if fitting is None else letter.with_(fitting)

    def _appending(self, client: Client) -> Appender:
        if self._appender is None or self._appender[0] is not client:
            self._appender = (client, Appender(client))
        return self._appender[1]

    def _advance(self, path: Path, appended: Appended) -> None:
        """The new messages are the last ones; nothing that follows stands below them."""
        reach(At.DELIVERY_STORED)
        self._fences.pop(path, None)
        if appended.uidvalidity is not None and appended.uids:
            self._fences[path] = Fence(path, appended.uidvalidity, max(appended.uids) + 1)


def _refusal(text: str) -> Refused:
    full = code_in(text) == "OVERQUOTA" or text == _CYRUS_OVER_QUOTA
    return OverQuota(detail=text) if full else ServerRefuses(detail=text)


def _by_path(
    deliveries: Sequence[Delivery], answers: dict[int, Delivered]
) -> dict[Path, list[int]]:
    found: dict[Path, list[int]] = {}
    for number, one in enumerate(deliveries):
        if one.item.type in MAIL_TYPES:
            found.setdefault(one.path, []).append(number)
        else:
            answers[number] = Delivered(error=NoMail(type=one.item.type.value))
    return found


def _letter(number: int, delivery: Delivery) -> _Letter:
    """The message, read to its end: only then it is known to be right. Raises ItemError."""
    content: BinaryIO = io.BytesIO()
    digest, size, item = hashlib.sha256(), 0, delivery.item
    for piece in with_crlf(delivery.content()):
        if size <= _IN_MEMORY < size + len(piece) and isinstance(content, io.BytesIO):
            file = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the message is delivered
            file.write(content.getbuffer())
            content = file
        content.write(piece)
        digest.update(piece)
        size += len(piece)
    content.seek(0)
    served = None
    if size != item.size:
        told = base64.b64encode(digest.digest()).decode().replace("/", ",")
        served = Served(told, size)
    message = Message(content, size, item.flags, delivery.keywords, item.date)
    return _Letter(number, delivery.path, message, (), served)


def _delivered(letter: _Letter) -> Delivered:
    return Delivered(unrepresented=letter.left_out, served=letter.served)
