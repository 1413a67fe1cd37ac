"""The backup changes between a crash and the resume, or between two restores."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

import damage
import oracle
from crash.changing import (
    DECIDED,
    DELIVERED,
    HALF,
    ITEMS,
    RECORDED,
    Changing,
    digest_of,
    put_message,
)
from crash.matrix import Row, ran
from crash.stage import Death
from reinstate_journal import open_reader
from reinstate_journal.events import ItemRestored
from reinstate_service.model import Flag, Folder
from team import ALICE, DAY

_GROUP, _TEST = "7 the backup changes", "tests/crash/test_changed_backup.py"
_MID = "any prefix of the batches, and of the batch in hand any part"
SCANNED = Row(
    _GROUP,
    "a scan adds items and folders, and flags, moves and deletes recorded items",
    _MID,
    "what is recorded stays as it was restored; what is new is there, once",
    _TEST,
)
LATER = Row(
    _GROUP,
    "a scan does the same after the restore, which is begun again",
    "a whole destination",
    "what is new is added; what was restored is not touched",
    _TEST,
)
VANISHED = Row(
    _GROUP,
    "blobs vanish, and come back later",
    _MID,
    "what lies there already counts; else it fails as BlobMissing, and the run after restores it",
    _TEST,
)
MOVED = Row(
    _GROUP,
    "a scan moves an item of the batch in hand to another folder",
    _MID,
    "it is there once: where it was put, or, if it was not yet, where it belongs now",
    _TEST,
)
CUT = Row(
    _GROUP,
    "a record is half written, and whole later",
    _MID,
    "it fails as RecordMalformed, and the run after restores it, once",
    _TEST,
)
DEATHS = (DECIDED, HALF, DELIVERED, RECORDED)
#: Items that are recorded at each of the deaths.
_RECORDED = ITEMS[:2]
_LAST = ITEMS[-1]


@pytest.fixture(scope="module")
def whole(memory_folder: Path) -> Counter[oracle.Lying]:
    """What lies there after a restore of a backup that does not change."""
    changing = Changing(memory_folder / "whole")
    changing.restore()
    return changing.lying()


def _scan(changing: Changing) -> Counter[oracle.Lying]:
    """A scan finds a recorded item read and moved, another deleted, and new ones, one of them
    in a new folder; answers what is to be restored of it."""
    moved, deleted = _RECORDED
    new = {"1005": ("Work",), "1006": ("Work", "Plans"), "1007": ("Work",)}
    with changing.scan(DAY + 1000) as writer:
        writer.put_folder(ALICE, Folder("260", "258", "Plans"))
        put_message(writer, moved, "5", Flag.SEEN)
        writer.delete_item(ALICE, deleted)
        put_message(writer, "1005", "258", Flag.SEEN)
        put_message(writer, "1006", "260")
        put_message(writer, "1007", "258")
        writer.finish_scan()
    return Counter(
        oracle.Lying(
            "alice@example.test",
            path,
            digest_of(item),
            Flag.SEEN if item == "1005" else Flag(0),
            frozenset({"todo"} if item == "1006" else ()),
            DAY // 1000,
        )
        for item, path in new.items()
    )


@pytest.mark.parametrize("death", DEATHS, ids=str)
def test_what_a_scan_adds_comes_with_the_resume_and_what_is_recorded_stays(
    whole: Counter[oracle.Lying], workplace: Path, death: Death
) -> None:
    changing = Changing(workplace)
    changing.die(death)
    added = _scan(changing)
    changing.restore()
    assert changing.lying() == whole + added
    assert changing.failures() == []
    ran(SCANNED)


def test_what_a_scan_adds_comes_with_the_next_restore_and_nothing_else_changes(
    whole: Counter[oracle.Lying], workplace: Path
) -> None:
    changing = Changing(workplace)
    changing.restore()
    added = _scan(changing)
    changing.restore()
    assert changing.lying() == whole + added
    ran(LATER)


@pytest.mark.parametrize("death", DEATHS, ids=str)
@pytest.mark.parametrize("folder_too", [False, True])
def test_an_item_in_hand_that_a_scan_moves_is_there_once(
    whole: Counter[oracle.Lying], workplace: Path, death: Death, folder_too: bool
) -> None:
    """As with a recorded item, the folder that it was put into stays its folder; also when the
    backup has that folder no more."""
    moved = ITEMS[2]
    changing = Changing(workplace)
    changing.die(death)
    with changing.scan(DAY + 1000) as writer:
        for item in ITEMS[2:] if folder_too else (moved,):
            put_message(writer, item, "5", Flag.FLAGGED if item == moved else Flag(0))
        if folder_too:
            writer.delete_item(ALICE, "258")
        writer.finish_scan()
    changing.restore()
    in_sent = {digest_of(moved)} if death is DECIDED else set()
    if folder_too and death in {DECIDED, HALF}:
        in_sent.add(digest_of(_LAST))
    expected = Counter(
        one._replace(path=("Sent",)) if one.digest in in_sent else one for one in whole.elements()
    )
    assert changing.lying() == expected
    assert changing.failures() == []
    with open_reader(changing.journal) as journal:
        recorded = {
            one.event.item: one.event.folder
            for one in journal.read(types=[ItemRestored])
            if isinstance(one.event, ItemRestored)
        }
    assert recorded[moved] == ("5" if death is DECIDED else "258")
    ran(MOVED)


@pytest.mark.parametrize("death", DEATHS, ids=str)
def test_an_item_in_hand_that_a_scan_deletes_keeps_what_was_delivered_of_it(
    whole: Counter[oracle.Lying], workplace: Path, death: Death
) -> None:
    item = ITEMS[2]
    changing = Changing(workplace)
    changing.die(death)
    with changing.scan(DAY + 1000) as writer:
        writer.delete_item(ALICE, item)
        writer.finish_scan()
    changing.restore()
    gone = digest_of(item) if death is DECIDED else None
    assert changing.lying() == Counter(one for one in whole if one.digest != gone)
    assert changing.failures() == []


@pytest.mark.parametrize("death", DEATHS, ids=str)
def test_a_blob_that_vanishes_fails_by_its_name_until_it_is_back(
    whole: Counter[oracle.Lying], workplace: Path, death: Death
) -> None:
    changing = Changing(workplace)
    changing.die(death)
    blobs = {damage.blob_path(changing.backup, digest_of(item)) for item in (ITEMS[0], _LAST)}
    packed = {blob: blob.read_bytes() for blob in blobs}
    for blob in blobs:
        blob.unlink()
    changing.restore()
    missing = [(_LAST, "BlobMissing")] if death in {DECIDED, HALF} else []
    assert changing.failures() == missing
    gone = digest_of(_LAST) if missing else None
    assert changing.lying() == Counter(one for one in whole if one.digest != gone)
    for blob, data in packed.items():
        blob.write_bytes(data)
    changing.restore()
    assert changing.failures() == []
    assert changing.lying() == whole
    ran(VANISHED)


@pytest.mark.parametrize("death", DEATHS, ids=str)
def test_a_record_that_is_half_written_fails_until_it_is_whole(
    whole: Counter[oracle.Lying], workplace: Path, death: Death
) -> None:
    changing = Changing(workplace)
    changing.die(death)
    broken = (ITEMS[0], _LAST)
    records = {
        path: path.read_bytes()
        for path in (damage.record_path(changing.backup, ALICE, item) for item in broken)
    }
    for item in broken:
        damage.malform_record(changing.backup, ALICE, item)
    changing.restore()
    assert changing.failures() == [(item, "RecordMalformed") for item in broken]
    gone = digest_of(_LAST) if death in {DECIDED, HALF} else None
    assert changing.lying() == Counter(one for one in whole if one.digest != gone)
    for record, data in records.items():
        record.write_bytes(data)
    changing.restore()
    assert changing.failures() == []
    assert changing.lying() == whole
    ran(CUT)


def test_an_item_that_fails_in_two_ways_one_after_the_other_is_restored_when_both_are_mended(
    whole: Counter[oracle.Lying], workplace: Path
) -> None:
    changing = Changing(workplace)
    blob = damage.blob_path(changing.backup, digest_of(_LAST))
    record = damage.record_path(changing.backup, ALICE, _LAST)
    packed, written = blob.read_bytes(), record.read_bytes()
    blob.unlink()
    changing.restore()
    damage.malform_record(changing.backup, ALICE, _LAST)
    changing.restore()
    record.write_bytes(written)
    changing.restore()
    assert changing.failures() == [(_LAST, "BlobMissing")]
    blob.write_bytes(packed)
    changing.restore()
    assert changing.failures() == []
    assert changing.lying() == whole
