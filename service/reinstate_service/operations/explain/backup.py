"""What a backup knows of the things that are explained. Everything here may be missing."""

from __future__ import annotations

import email.errors
from collections.abc import Iterator
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesHeaderParser

from reinstate_journal.errors import BackupError
from reinstate_service.mapping.paths import source_paths
from reinstate_service.model import MAIL_TYPES, Item, UnreadableItem
from reinstate_service.operations.explain import wording
from reinstate_service.operations.explain.story import Sentence
from reinstate_service.source.backup_path import BackupPathSource
from reinstate_service.source.backup_path.decode import item_of
from reinstate_service.source.contract import ItemError, Source

#: More of a message is never read to find its header.
_HEADER_BYTES = 256 * 1024
SHOWN_HEADERS = ("Subject", "From", "Date")


class BackupSide:
    """One account in the backup. Where the backup is not at hand, it answers nothing."""

    def __init__(self, source: Source | None, account: str) -> None:
        self._source = source
        self._account = account

    def states(self, item: str) -> list[tuple[int | None, Item | UnreadableItem]]:
        """The item's states with the moments from which they hold (milliseconds, None if the
        backup does not say)."""
        if self._source is None:
            return []
        try:
            if isinstance(self._source, BackupPathSource):
                states = self._source.states(self._account, item)
                items = ((state.start, item_of(item, state)) for state in states)
                return [(start, one) for start, one in items if isinstance(one, Item)]
            return [(None, one) for one in self._records() if one.id == item]
        except ItemError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return []
            return [(None, UnreadableItem(item, type(error).__name__, str(error)))]
        except BackupError:
            return []

    def sentences(self, item: str) -> Iterator[Sentence]:
        """The item's states as sentences."""
        states = self.states(item)
        if not states:
            yield Sentence("The backup cannot be asked about it any more.")
            return
        paths = self._paths()
        for start, state in states:
            if isinstance(state, UnreadableItem):
                yield Sentence(f"The backup's record of it cannot be read: {state.reason}.")
            else:
                folder = paths.get(state.folder, f"folder {state.folder}, which it does not have")
                yield Sentence(wording.state(state, folder), at=start)

    def script(self, name: str) -> Iterator[Sentence]:
        """A filter script of the account, if the backup has it."""
        try:
            account = self._source.account(self._account) if self._source else None
        except BackupError:
            return
        if text := getattr(account.filters, name, "") if account else "":
            yield Sentence(wording.script(text))

    def with_message_id(self, wanted: str) -> list[str]:
        """The ids of the messages whose Message-ID (RFC 5322 §3.6.4) is `wanted`."""
        wanted = wanted.strip("<> ")
        found = []
        for record in self._records():
            if isinstance(record, Item) and record.type in MAIL_TYPES:
                header = self._header(record)
                if header is not None and _text(header, "Message-ID").strip("<> ") == wanted:
                    found.append(record.id)
        return found

    def headers(self, item: str) -> dict[str, str]:
        """Subject, sender and date of a message, as far as it says them."""
        for _, state in reversed(self.states(item)):
            if isinstance(state, Item) and (header := self._header(state)) is not None:
                texts = {name: _text(header, name) for name in SHOWN_HEADERS}
                return {name: text for name, text in texts.items() if text}
        return {}

    def _records(self) -> Iterator[Item | UnreadableItem]:
        if self._source is None:
            return
        try:
            for record in self._source.items(self._account):
                if isinstance(record, (Item, UnreadableItem)):
                    yield record
        except BackupError:
            return

    def _paths(self) -> dict[str, str]:
        assert self._source is not None  # noqa: S101 - only asked when there are states
        containers = self._source.containers(self._account, deleted=True)
        paths = source_paths((*containers.folders, *containers.mountpoints))
        return {folder: wording.shown(path) for folder, path in paths.items()}

    def _header(self, item: Item) -> Message | None:
        assert self._source is not None  # noqa: S101 - an item came out of it
        read = b""
        try:
            for piece in self._source.content(item):
                read += piece
                if len(read) > _HEADER_BYTES or b"\n\n" in read or b"\r\n\r\n" in read:
                    break
        except ItemError:
            return None
        return BytesHeaderParser().parsebytes(read[:_HEADER_BYTES])


def _text(header: Message, name: str) -> str:
    """A header field decoded (RFC 2047), on one line; as it stands where that is not possible."""
    raw = str(header.get(name, ""))
    try:
        decoded = str(make_header(decode_header(raw)))
    except (email.errors.MessageError, ValueError, LookupError):
        decoded = raw
    return " ".join(decoded.split())
