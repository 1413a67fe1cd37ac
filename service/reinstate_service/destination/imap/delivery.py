"""Putting a batch of items into their mailboxes: what goes into which APPEND, and what the
server's answers mean for each item."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence

from msgspec.structs import replace

from reinstate_journal.crashpoints import At, reach
from reinstate_journal.errors import (
    BackupError,
    DestinationError,
    Interrupted,
    JournalError,
    ReinstateError,
)
from reinstate_service.destination.contract import Delivered, Delivery, Refused
from reinstate_service.destination.fence import Answered, Placed
from reinstate_service.destination.imap.append import Appended, Appender
from reinstate_service.destination.imap.connection import Client
from reinstate_service.destination.imap.ends import Ends
from reinstate_service.destination.imap.errors import (
    Busy,
    OverQuota,
    ServerRefuses,
    code_in,
    is_later,
)
from reinstate_service.destination.imap.keywords import Keywords
from reinstate_service.destination.imap.letter import Letter, read_letter
from reinstate_service.destination.imap.names import MailboxNames
from reinstate_service.destination.imap.session import Session
from reinstate_service.model import MAIL_TYPES, Path
from reinstate_service.threads import TURN

#: What one MULTIAPPEND holds at most, and how many commands are under way at once.
_MESSAGES, _BYTES = 500, 4 * 1024 * 1024
_WINDOW = 4
#: What Cyrus 3.6 answers to APPEND, without the code of RFC 9208 §5.1.
_CYRUS_OVER_QUOTA = "Over quota"
_FATAL = (BackupError, DestinationError, JournalError, Interrupted)


class NoMail(Refused):
    """The item is none that a mail server keeps."""

    message = "a mail server has no place for this {type}"


class _Batch:
    """A batch under way: `waiting` are its commands without an answer, `placed` is where those
    that have one have put their messages, None where that was not told."""

    def __init__(self, deliveries: Sequence[Delivery]) -> None:
        self.deliveries = deliveries
        self.answers: dict[int, Delivered] = {}
        self.waiting: deque[tuple[bytes, list[Letter]]] = deque()
        self.refused: list[Letter] = []
        self.placed: dict[Path, Placed | None] = {}

    def stored(self, path: Path, placed: Placed | None) -> None:
        """Takes in where some of its messages are."""
        known = self.placed.setdefault(path, placed)
        if known is None or placed is None or known.uidvalidity != placed.uidvalidity:
            self.placed[path] = None
        else:
            self.placed[path] = replace(known, uids=known.uids | placed.uids)

    def answered(self) -> Answered:
        """What became of it."""
        placed = {path: where for path, where in self.placed.items() if where is not None}
        return Answered([self.answers[number] for number in range(len(self.deliveries))], placed)


class Deliveries:
    """Delivers over one session. `make` makes a folder that is missing; `ends` takes in where
    messages were put. After an error it has to be dropped."""

    def __init__(
        self, session: Session, names: MailboxNames, make: Callable[[Path], object], ends: Ends
    ) -> None:
        self._session = session
        self._names = names
        self._make = make
        self._ends = ends
        self._keywords = Keywords(session, names, self.catch_up)
        self._appender: tuple[Client, Appender] | None = None
        self._under_way: deque[_Batch] = deque()

    @property
    def under_way(self) -> int:
        """How many batches."""
        return len(self._under_way)

    def send(self, deliveries: Sequence[Delivery]) -> None:
        """Sends a batch, several commands at once, behind those that are under way. Raises
        ConnectionLost and Busy."""
        batch = _Batch(deliveries)
        self._under_way.append(batch)
        self._keywords.ask(deliveries)
        most = self._session.ask(
            lambda client: _MESSAGES if client.has_capability("MULTIAPPEND") else 1
        )
        for letters in TURN.each(self._commands(batch, most)):
            if sum(len(one.waiting) for one in self._under_way) == _WINDOW:
                self._take_answer()
            batch.waiting.append((self._send(letters), letters))

    def answers(self) -> Answered:
        """What became of the oldest batch under way. Raises as `send` does."""
        batch = self._under_way[0]
        while batch.waiting:
            self._take_answer()
        for letter in batch.refused:
            with letter.message.content:
                batch.answers[letter.number] = self._deliver_one(batch, letter)
        self._under_way.popleft()
        return batch.answered()

    def catch_up(self) -> None:
        """Lets the server answer what is under way: it may be given other commands then."""
        if self._under_way:
            self._session.once(lambda client: self._appending(client).catch_up())

    def cut(self) -> None:
        """Ends, from another thread, whatever waits for the connection."""
        self._session.cut()

    def drop(self) -> None:
        """Gives up the connection: answers may be under way, and nobody must take them for those
        of the next commands."""
        self._under_way.clear()
        self._session.drop()

    def close(self) -> None:
        """Logs out."""
        self._session.close()

    def _take_answer(self) -> None:
        """The answer to the oldest command."""
        batch = next(one for one in self._under_way if one.waiting)
        tag, letters = batch.waiting.popleft()
        appended = self._answer(tag)
        if not appended.done:
            batch.refused += letters
            return
        self._stored(batch, letters[0].path, appended, len(letters))
        for one in letters:
            batch.answers[one.number] = one.delivered()
            one.message.content.close()

    def _commands(self, batch: _Batch, most: int) -> Iterator[list[Letter]]:
        """The messages of each command, at most so many, read and checked; what cannot be is
        answered."""
        for path, numbers in _by_path(batch).items():
            letters: list[Letter] = []
            size = 0
            for letter in self._letters(batch, path, numbers):
                if letters and (len(letters) == most or size + letter.message.size > _BYTES):
                    yield letters
                    letters, size = [], 0
                letters.append(letter)
                size += letter.message.size
            if letters:
                yield letters

    def _letters(self, batch: _Batch, path: Path, numbers: Sequence[int]) -> Iterator[Letter]:
        try:
            self._names.name(path)
        except Refused as error:
            batch.answers.update(dict.fromkeys(numbers, Delivered(error=error)))
            return
        for number in numbers:
            try:
                letter = read_letter(number, batch.deliveries[number])
            except _FATAL:
                raise
            except ReinstateError as error:
                batch.answers[number] = Delivered(error=error)
            else:
                yield self._fitting(letter)

    def _send(self, letters: Sequence[Letter]) -> bytes:
        name = self._names.name(letters[0].path)
        messages = [one.message for one in letters]
        return self._session.once(lambda client: self._appending(client).send(name, messages))

    def _answer(self, tag: bytes) -> Appended:
        return self._session.once(lambda client: self._appending(client).answer(tag))

    def _fitting(self, letter: Letter) -> Letter:
        """The letter with what its mailbox takes of its flags and keywords."""
        message = letter.message
        return letter.with_(self._keywords.fitting(letter.path, message.flags, message.keywords))

    def _deliver_one(self, batch: _Batch, letter: Letter) -> Delivered:
        """Delivers a message whose command was refused, perhaps for another one's sake."""
        made = False
        spell = self._session.spell()
        letter = self._fitting(letter)
        while True:
            letter.message.content.seek(0)
            appended = self._answer(self._send([letter]))
            if appended.done:
                self._stored(batch, letter.path, appended, 1)
                self._keywords.refused(letter.path, letter.left_out)
                return letter.delivered()
            if "[TRYCREATE]" in appended.text.upper() and not made:
                made = True
                self.catch_up()
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

    def _with_fewer_keywords(self, letter: Letter, refusal: Refused) -> Letter | None:
        """The letter as to try it again after a refusal, None if its keywords are not to blame."""
        if isinstance(refusal, OverQuota):
            return None
        flags, keywords = letter.message.flags, letter.message.keywords
        fitting = self._keywords.fewer(letter.path, flags, keywords, str(refusal.fields["detail"]))
        return None if fitting is None else letter.with_(fitting)

    def _appending(self, client: Client) -> Appender:
        if self._appender is None or self._appender[0] is not client:
            if any(one.waiting for one in self._under_way):
                raise ConnectionAbortedError("its answers went with the connection before")
            self._appender = (client, Appender(client))
        return self._appender[1]

    def _stored(self, batch: _Batch, path: Path, appended: Appended, count: int) -> None:
        reach(At.DELIVERY_STORED)
        placed = appended.placed
        if placed is not None and len(placed.uids) != count:
            placed = None
        batch.stored(path, placed)
        self._ends.stored(path, placed)


def _refusal(text: str) -> Refused:
    full = code_in(text) == "OVERQUOTA" or text == _CYRUS_OVER_QUOTA
    return OverQuota(detail=text) if full else ServerRefuses(detail=text)


def _by_path(batch: _Batch) -> dict[Path, list[int]]:
    found: dict[Path, list[int]] = {}
    for number, one in enumerate(batch.deliveries):
        if one.item.type in MAIL_TYPES:
            found.setdefault(one.path, []).append(number)
        else:
            batch.answers[number] = Delivered(error=NoMail(type=one.item.type.value))
    return found
