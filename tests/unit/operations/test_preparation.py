"""What is said before and after a restore, and whether there is room."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import odd_gzip
from archives.example import build
from reinstate_journal import open_reader
from reinstate_service.destination.maildir.destination import needs_unpacking
from reinstate_service.operations.preparation import (
    advice_for,
    room_for,
    to_do_after,
    ways_to_store,
)
from reinstate_service.operations.session import last_options
from reinstate_service.restore.observer import Observer
from reinstate_service.restore.options import Options
from reinstate_service.source.backup_path import BackupPathSource
from reinstate_service.source.open import open_source
from running import restore_here


@pytest.mark.parametrize("destination", ["maildir:/srv/mail", "imaps://mail.example.com"])
def test_what_is_switched_off_before_is_switched_on_after(destination: str) -> None:
    advice = advice_for(destination)
    assert advice
    for one in advice:
        if one.before.startswith(("Pause", "Switch off", "Raise", "Let this")):
            assert one.after in to_do_after(destination)


def test_room_is_judged_where_the_tree_will_be(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    fits = room_for(f"maildir:{tmp_path / 'not' / 'there'}", free // 2, 10)
    assert {finding.state for finding in fits} == {"ok"}
    space, *inodes = room_for(f"maildir:{tmp_path}", free * 2, 1 << 60)
    assert space.state == "problem"
    assert all(finding.state == "problem" for finding in inodes)


def test_a_server_does_not_tell_its_room() -> None:
    assert room_for("imaps://mail.example.com", 1 << 60, 1) == ()


@pytest.mark.parametrize(
    ("blobs", "told"), [("ordinary", "are copied"), ("not gzipped", "nothing can be kept")]
)
def test_it_is_told_whether_and_how_the_backups_gzip_files_are_kept(
    tmp_path: Path, blobs: str, told: str
) -> None:
    odd_gzip.write_odd_backup(tmp_path / "backup", {blobs: odd_gzip.BLOBS[blobs]})
    source = BackupPathSource(tmp_path / "backup")
    destination = f"maildir:{tmp_path / 'mail' / 'here'}"
    assert not [*ways_to_store(source, Options("b", destination))]
    asked = Options("b", destination, compress="keep", dedupe="reflink")
    kept, shared = ways_to_store(source, asked)
    assert told in kept.text or "share their blocks" in kept.text
    assert shared.state == ("ok" if "equal messages share" in shared.text else "note")
    assert not (tmp_path / "mail").exists()


class Notices(Observer):
    """Keeps what is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def notice(self, text: str) -> None:
        self.told.append(text)


def test_archives_have_no_gzip_files_to_keep_which_is_told_and_changes_nothing(
    tmp_path: Path,
) -> None:
    archives, tree, journal = tmp_path / "archives", tmp_path / "mail", tmp_path / "j.db"
    build(archives)
    options = Options(f"archives:{archives}", f"maildir:{tree}", compress="keep")
    (note,) = ways_to_store(open_source(options.source), options)
    assert note.state == "note"
    notices = Notices()
    restore_here(journal, options, notices)
    assert note.text in notices.told
    assert "--compress keep" in note.text
    assert not needs_unpacking(tree)
    with open_reader(journal) as reader:
        _, recorded = last_options(reader)
    assert recorded.compress == "none"


def test_packed_messages_need_another_configuration() -> None:
    place = "maildir:/srv/mail"
    assert [one for one in to_do_after(place, {"compress": "keep"}) if "zlib" in one]
    assert not [one for one in to_do_after(place) if "zlib" in one]
