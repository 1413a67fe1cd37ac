"""Every kind of broken item ends in the report with its class; the rest is restored."""

from __future__ import annotations

from pathlib import Path

import damage
import oracle
from reinstate_journal import open_reader
from reinstate_service.model import ItemType
from reinstate_service.operations.report import make_report
from reinstate_service.operations.sample import build_sample, demo_messages
from reinstate_service.restore.options import Options
from running import restore_here, run


def test_each_broken_item_is_reported_with_its_class_and_the_rest_is_restored(
    tmp_path: Path,
) -> None:
    # So many messages that no two accounts share one: every damage hits one item only.
    sample = build_sample(tmp_path / "backup", demo_messages(400))
    backup = Path(sample.path)
    accounts = oracle.restored_accounts(sample)
    victim, other = accounts[0], accounts[1]
    items = [
        item
        for folder in victim.folders
        for item in folder.items
        if not item.deleted and item.type is ItemType.MESSAGE
    ]
    lost, flipped, cut, swapped, bomb, malformed, foreign, linked = items[:8]
    damage.lose_blob(backup, lost.digest)
    damage.flip_blob_byte(backup, flipped.digest)
    damage.truncate_blob(backup, cut.digest)
    damage.swap_blob(backup, swapped.digest, b"x" * swapped.size)
    damage.inflate_blob(backup, bomb.digest)
    damage.malform_record(backup, victim.id, malformed.id)
    damage.make_record_foreign(backup, victim.id, foreign.id)
    damage.link_record(backup, victim.id, linked.id, Path("/etc/passwd"))
    (backup / "accounts" / other.id / "account_info").write_text("[{")
    largest = max(
        (item for folder in accounts[2].folders for item in folder.items if not item.deleted),
        key=lambda item: item.size,
    )

    journal = tmp_path / "reinstate.db"
    options = Options(
        source=sample.path,
        destination=f"maildir:{tmp_path / 'mail'}",
        max_file_size=largest.size - 1,
    )
    restore_here(journal, options)
    with open_reader(journal) as reader:
        report = make_report(reader)
    classes = {one.item: one.failure for one in report.failures if one.account == victim.id}
    assert classes[lost.id] == "BlobMissing"
    assert classes[flipped.id] == "BlobCorrupt"
    assert classes[cut.id] == "BlobCorrupt"
    assert classes[swapped.id] == "BlobCorrupt"
    assert classes[bomb.id] == "BlobTooLarge"
    assert classes[malformed.id] == "RecordMalformed"
    assert classes[foreign.id] == "RecordMalformed"
    assert len([item for item in classes if item]) == 8
    assert report.totals.skipped["too large"] >= 1
    broken = [one for one in report.accounts if one.state == "failed"]
    assert [one.account for one in broken] == [other.id]
    assert "AccountUnreadable" in broken[0].reason
    for account in report.accounts:
        if account.account not in {victim.id, other.id}:
            assert not account.counts.failed
    shown = run("report", "--json", "--journal", journal, expect=3)
    assert "BlobTooLarge" in shown

    # What is mended later is restored by the next run, and nothing else is done.
    done = report.totals.restored
    build_sample(tmp_path / "good", demo_messages(400))
    good = damage.blob_path(tmp_path / "good", lost.digest)
    damage.blob_path(backup, lost.digest).write_bytes(good.read_bytes())
    restore_here(journal, options)
    with open_reader(journal) as reader:
        mended = make_report(reader)
    assert mended.totals.restored == done + 1
    assert mended.totals.items == report.totals.items
