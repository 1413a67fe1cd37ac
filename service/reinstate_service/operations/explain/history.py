"""The journal's part of an explanation: the events about one thing, in their order."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator
from typing import cast

from reinstate_journal import events
from reinstate_journal.catalogue import Event
from reinstate_journal.errors import JournalDamaged
from reinstate_journal.journal import Reader, Recorded
from reinstate_journal.progress import Account
from reinstate_service.operations.explain import wording
from reinstate_service.operations.explain.story import Sentence
from reinstate_service.restore.item_pass import delivery_name
from reinstate_service.restore.verification.findings import MOST_CHANGES


class History:
    """One account's events."""

    def __init__(self, journal: Reader, known: Account) -> None:
        self._journal = journal
        self._known = known
        self._stream = events.account_stream(known.restore, known.account)
        self.folders = journal.containers.folders(self._stream)
        self.mountpoints = journal.containers.mountpoints(self._stream)
        whole = events.restore_stream(known.restore)
        runs = list(journal.read(stream=whole, types=[events.RunStarted]))
        if not runs:
            raise JournalDamaged(path=journal.path, detail=f"restore {known.restore} has no run")
        self._starts = [recorded.position for recorded in runs]
        self._runs = [cast("events.RunStarted", recorded.event).run for recorded in runs]

    def run(self, recorded: Recorded) -> int:
        """The run that recorded an event."""
        return self._runs[max(bisect_right(self._starts, recorded.position) - 1, 0)]

    def scripts(self) -> set[str]:
        """The names of the account's scripts that the restore had to do with."""
        containers = self._journal.containers
        installed = self._journal.read(stream=self._stream, types=[events.FiltersInstalled])
        names = {
            name
            for recorded in installed
            for name in cast("events.FiltersInstalled", recorded.event).scripts
        }
        return names | {*containers.filters(self._stream), *containers.translated(self._stream)}

    def item_called(self, name: str) -> str | None:
        """The id of the item that was delivered under a name."""
        known = self._known
        for recorded in self._journal.read(stream=self._stream, types=[events.ItemRestored]):
            event = cast("events.ItemRestored", recorded.event)
            if delivery_name(known.restore, known.account, event.item, event.digest) == name:
                return event.item
        return None

    def nothing(self) -> Sentence:
        """That no event tells of the thing, up to the last one."""
        head = self._journal.head().position
        return Sentence("Up to here, the journal does not know of it: no run has come to it.", head)

    def of_account(self) -> Iterator[Sentence]:
        """Why the account was left out, if it was."""
        whole = events.restore_stream(self._known.restore)
        for recorded in self._journal.read(stream=whole, types=[events.AccountSkipped]):
            event = cast("events.AccountSkipped", recorded.event)
            if event.account == self._known.account:
                yield _sentence(recorded, f"The whole account was left out: {event.reason}.")

    def of_item(self, item: str) -> Iterator[Sentence]:
        """What became of an item, with how its folder got its place."""
        mapped: dict[str, Recorded] = {}
        told: list[tuple[Recorded, str]] = []
        restored = False
        for recorded in self._journal.read(stream=self._stream):
            event = recorded.event
            if isinstance(event, events.FolderMapped):
                mapped[event.folder] = recorded
            if getattr(event, "item", None) != item or isinstance(event, events.ItemsPassed):
                continue
            place = mapped.pop(getattr(event, "folder", ""), None)
            if place is not None:
                told.append(
                    (place, wording.folder_mapped(cast("events.FolderMapped", place.event)))
                )
            restored |= isinstance(event, events.ItemRestored)
            told.append((recorded, self._item(recorded)))
        for recorded, text in sorted(told, key=lambda one: one[0].position):
            yield _sentence(recorded, text)
        yield from self._verifications("item", item, verified=restored)

    def _item(self, recorded: Recorded) -> str:
        run, known = self.run(recorded), self._known
        match recorded.event:
            case events.ItemRestored() as event:
                name = delivery_name(known.restore, known.account, event.item, event.digest)
                place = self.folders.get(event.folder)
                return wording.item_restored(event, place.path if place else (), run, name)
            case events.ItemSkipped() as event:
                return wording.item_skipped(event, run)
            case events.ItemFailed() as event:
                return wording.item_failed(event, run)
            case events.ItemApproved() as event:
                return wording.item_approved(event)
            case events.ItemInDoubt() as event:
                return wording.item_in_doubt(event, run)
            case _:
                return wording.item_reopened(cast("events.ItemReopened", recorded.event), run)

    def of_message(self, name: str) -> Iterator[Sentence]:
        """What became of a message that a filter had put where a mountpoint belongs."""
        mapped: dict[str, Recorded] = {}
        for recorded in self._journal.read(stream=self._stream):
            match recorded.event:
                case events.MountpointMapped(mountpoint=mountpoint):
                    mapped[mountpoint] = recorded
                case events.RelocationStarted(items=items, mountpoint=mountpoint) as event:
                    if name in items and mountpoint in mapped:
                        place = mapped[mountpoint]
                        decided = cast("events.MountpointMapped", place.event)
                        yield _sentence(place, wording.mountpoint_mapped(decided))
                    if name in items:
                        yield _sentence(recorded, wording.relocation_started(event, "it"))
                case events.ItemsRelocated(items=items) as event if name in items:
                    yield _sentence(recorded, wording.items_relocated(event, "It"))
                case events.ItemsRelocated(gone=gone) if name in gone:
                    yield _sentence(recorded, "Its user had moved it elsewhere meanwhile.")

    def of_folder(self, folder: str) -> Iterator[Sentence]:
        """What became of a folder, and of how much of what it held."""
        ended: dict[str, str] = {}
        last: Recorded | None = None
        path = self.folders[folder].path
        for recorded in self._journal.read(stream=self._stream):
            match recorded.event:
                case events.ItemRestored() | events.ItemSkipped() | events.ItemFailed() as event:
                    if event.folder == folder:
                        ended[event.item], last = recorded.type, recorded
                case events.FolderMapped() as event if event.folder == folder:
                    yield _sentence(recorded, wording.folder_mapped(event))
                case events.FoldersMerged() as event if folder in event.folders:
                    yield _sentence(recorded, wording.folders_merged(event, folder))
                case events.GrantsApplied() as event if event.folder == folder:
                    yield _sentence(recorded, wording.grants_applied(event))
        if last is not None:
            yield _sentence(last, wording.items_ended(Counter(ended.values())))
        yield from self._verifications("folder", wording.shown(path), verified=True)

    def of_mountpoint(self, mountpoint: str) -> Iterator[Sentence]:
        """What became of a mountpoint, and of what stood in its place."""
        for recorded in self._journal.read(stream=self._stream, types=_MOUNTPOINTS):
            event = recorded.event
            if getattr(event, "mountpoint", None) == mountpoint:
                many = wording.messages(len(getattr(event, "items", ())))
                yield _sentence(recorded, _MOUNTPOINTS[type(event)](event, many))

    def of_filter(self, script: str) -> Iterator[Sentence]:
        """What became of a filter script, and the mountpoints that were the reason."""
        mapped: dict[str, Recorded] = {}
        told: list[tuple[Recorded, str]] = []
        for recorded in self._journal.read(stream=self._stream):
            event = recorded.event
            match event:
                case events.MountpointMapped(mountpoint=mountpoint):
                    mapped[mountpoint] = recorded
                case events.FilterRedirected(changed=changed) if event.script == script:
                    for one in list(mapped):
                        decided = cast("events.MountpointMapped", mapped[one].event)
                        if any(_at_or_below(change.old, decided.path) for change in changed):
                            told.append((mapped.pop(one), wording.mountpoint_mapped(decided)))
                    told.append((recorded, wording.filter_redirected(event)))
                case events.FilterTranslated() if event.script == script:
                    told.append((recorded, wording.filter_translated(event)))
                case events.FilterActivated() if event.script == script:
                    told.append((recorded, wording.filter_activated(event)))
                case events.FiltersInstalled(scripts=scripts) if script in scripts:
                    told.append((recorded, wording.filters_installed(event)))
        for recorded, text in sorted(told, key=lambda one: one[0].position):
            yield _sentence(recorded, text)
        yield from self._verifications("filter", script, verified=True)

    def _verifications(self, what: str, name: str, *, verified: bool) -> Iterator[Sentence]:
        """What verifications found of it; that they found it as it was, if it is `verified`."""
        stream, account = events.verification_stream(self._known.restore), self._known.account
        found = sampled = False
        for recorded in self._journal.read(stream=stream):
            match recorded.event:
                case events.VerificationStarted(sample=sample):
                    found, sampled = False, bool(sample)
                case events.VerificationFinding() as event if event.account == account:
                    if (event.what, event.name) == (what, name) or event.what == "account":
                        found = True
                        yield _sentence(recorded, wording.finding(event))
                case events.AccountVerified() as event if event.account == account:
                    told = not found and not sampled and event.changed <= MOST_CHANGES
                    if verified and told:
                        yield _sentence(recorded, wording.verified(event))


def _sentence(recorded: Recorded, text: str) -> Sentence:
    return Sentence(text, recorded.position, recorded.recorded_at)


def _at_or_below(text: str, path: tuple[str, ...]) -> bool:
    place = wording.shown(path)
    return text == place or text.startswith(f"{place}/")


def _as(word: Callable[..., str]) -> Callable[[Event, str], str]:
    return lambda event, _many: word(event)


_MOUNTPOINTS: dict[type[Event], Callable[..., str]] = {
    events.MountpointMapped: _as(wording.mountpoint_mapped),
    events.MountpointRestored: _as(wording.mountpoint_restored),
    events.MountpointRefused: _as(wording.mountpoint_refused),
    events.StrayFolderRemoved: _as(wording.stray_removed),
    events.StrayFolderKept: _as(wording.stray_kept),
    events.RelocationStarted: wording.relocation_started,
    events.ItemsRelocated: wording.items_relocated,
}
