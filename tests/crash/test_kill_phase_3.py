"""A restore that dies at any step of phase 3 ends, after `resume`, as if nothing had been.

Its filters have put mail where a mountpoint belongs, in two folders; every effect and
every append of phase 3 is a place to die, before it and after it.
"""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from crash.dying import restore_dying
from crash.killing import Outcome, new_process, outcome_of
from reinstate_journal.check import check
from reinstate_service.destination.contract import Delivery
from reinstate_service.destination.open import open_destination
from reinstate_service.model import Flag, Item, ItemType
from reinstate_service.restore.options import Options
from running import restore_here
from team import DAY, restore_until_phase_3, write_backup

ADDRESSES = ("alice@example.test", "bob@example.test")
_STRAY = {("Team",): 3, ("Team", "Old"): 2}


@pytest.fixture(scope="module", params=["shared", "symlink"])
def template(request: pytest.FixtureRequest, memory_folder: Path) -> Path:
    """A restore between phase 2 and phase 3, with mail in the way of a mountpoint."""
    folder = memory_folder / f"template-{request.param}"
    folder.mkdir()
    write_backup(folder / "backup")
    options = _options(folder, folder / "backup", request.param)
    restore_until_phase_3(folder / "reinstate.db", options)
    destination = open_destination(options.destination)
    with destination.mailbox("alice@example.test") as mailbox:
        for path, number in _STRAY.items():
            mailbox.deliver([_mail(path, one) for one in range(number)])
    destination.close()
    return folder


def _mail(path: tuple[str, ...], number: int) -> Delivery:
    content = f"Subject: {'/'.join(path)} {number}\n\nx\n".encode()
    item = Item("m", ItemType.MESSAGE, "", DAY + number * 1000, len(content), "", Flag.SEEN)
    name = f"M{number}P{len(path)}"
    return Delivery(name, path, item, ("todo",), lambda: iter([content]))


def _options(folder: Path, backup: Path, mountpoints: str) -> Options:
    return Options(str(backup), f"maildir:{folder / 'mail'}", mountpoints=mountpoints)


def _copy(template: Path, folder: Path) -> tuple[Path, Options]:
    shutil.copytree(template / "mail", folder / "mail", symlinks=True)
    shutil.copy(template / "reinstate.db", folder / "reinstate.db")
    kind = template.name.partition("-")[2]
    return folder / "reinstate.db", _options(folder, template / "backup", kind)


@pytest.fixture(scope="module")
def whole(template: Path, memory_folder: Path) -> Iterator[Outcome]:
    """What phase 3 makes of it when nothing happens."""
    folder = memory_folder / f"whole-{template.name}"
    folder.mkdir()
    journal, options = _copy(template, folder)
    restore_here(journal, options)
    yield outcome_of(ADDRESSES, folder / "mail", journal)
    shutil.rmtree(folder)


def test_whatever_filters_had_put_in_the_way_lies_with_the_owner(whole: Outcome) -> None:
    lying = {(one.account, one.path): 0 for one in whole.destination}
    for one, number in whole.destination.items():
        lying[one.account, one.path] += number
    assert lying["bob@example.test", ("Team",)] == 1 + 3
    assert lying["bob@example.test", ("Team", "Old")] == 2
    assert ("alice@example.test", ("Team",)) not in lying
    assert {one.keywords for one in whole.destination if one.path == ("Team", "Old")} == {
        frozenset({"todo"})
    }


def test_a_restore_that_dies_at_any_step_of_phase_3_is_resumed_to_the_same_end(
    template: Path, whole: Outcome, memory_folder: Path
) -> None:
    for boundary in count():
        folder = memory_folder / f"{template.name}-{boundary}"
        folder.mkdir()
        journal, options = _copy(template, folder)
        process = new_process(restore_dying, (journal, options, boundary))
        process.start()
        process.join()
        assert process.exitcode in {0, -signal.SIGKILL}
        restore_here(journal, options)
        assert check(journal) == []
        assert outcome_of(ADDRESSES, folder / "mail", journal) == whole, f"boundary {boundary}"
        shutil.rmtree(folder)
        if process.exitcode == 0:
            assert boundary > 20
            return
