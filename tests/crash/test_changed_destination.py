"""A user is at work on the destination between a crash and the resume."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

import oracle
from crash.changing import (
    ADDRESSES,
    DECIDED,
    DELIVERED,
    HALF,
    ITEMS,
    RECORDED,
    Changing,
    content,
    digest_of,
)
from crash.matrix import Row, ran
from crash.stage import Death

_GROUP, _TEST = "6 the destination changes", "tests/crash/test_changed_destination.py"
KEPT = Row(
    _GROUP,
    "a user flags restored messages; a mail client opens the folder",
    "other file names in cur/, of recorded messages and of those of the batch in hand",
    "everything is there once, with the user's flags",
    _TEST,
)
TAKEN = Row(
    _GROUP,
    "a user moves or deletes restored messages, or renames or deletes their folder",
    "messages in another folder or gone, some of them not recorded yet",
    "what was recorded stays as the user left it; of the batch in hand each message lies in its"
    " folder, once",
    _TEST,
)
TWIN = Row(
    _GROUP,
    "another message with the same bytes arrives in the folder",
    "the same bytes under a name that is not ours, before or after ours",
    "both are there: bytes are no identity",
    _TEST,
)
#: How many of the items are recorded where the process dies.
DEATHS = {HALF: 2, DELIVERED: 2, RECORDED: 4}
_numbers = count()


@pytest.fixture(scope="module")
def whole(memory_folder: Path) -> Counter[oracle.Lying]:
    """What lies there after a restore that nobody disturbed."""
    changing = Changing(memory_folder / "whole")
    changing.restore()
    return changing.lying()


def _messages(changing: Changing) -> list[Path]:
    return sorted((changing.work / "cur").iterdir())


def _foreign_name() -> str:
    return f"1767690001.M{next(_numbers)}P77.host"


def arrive(changing: Changing, item: str) -> None:
    """The mail server delivers a message with the item's bytes."""
    (changing.work / "new" / _foreign_name()).write_bytes(content(item))


def flag(changing: Changing) -> None:
    """Renames each file as Dovecot does for \\Flagged and \\Seen."""
    for path in _messages(changing):
        base, _, letters = path.name.partition(":2,")
        path.rename(path.with_name(f"{base}:2,{''.join(sorted({*letters, 'F', 'S'}))}"))


def unflag(changing: Changing) -> None:
    """Takes every flag and keyword away."""
    for path in _messages(changing):
        path.rename(path.with_name(f"{path.name.partition(':2,')[0]}:2,"))


def open_folder(changing: Changing) -> None:
    """What has no flags is seen; what is in new/ moves to cur/."""
    arrive(changing, "2000")
    for path in _messages(changing):
        if path.name.endswith(":2,"):
            path.rename(f"{path}S")
    for path in (changing.work / "new").iterdir():
        path.rename(changing.work / "cur" / f"{path.name}:2,S")


def move(changing: Changing) -> None:
    """Into another folder, under the same name."""
    for path in _messages(changing):
        path.rename(changing.maildir / ".Sent" / "cur" / path.name)


def move_renamed(changing: Changing) -> None:
    """Into another folder, under a name that the server makes: what Dovecot does."""
    for path in _messages(changing):
        letters = path.name.partition(":2,")[2]
        path.rename(changing.maildir / ".Sent" / "cur" / f"{_foreign_name()}:2,{letters}")


def delete(changing: Changing) -> None:
    """And expunges."""
    for path in _messages(changing):
        path.unlink()


def rename_folder(changing: Changing) -> None:
    """With everything in it."""
    changing.work.rename(changing.maildir / ".Job")


def delete_folder(changing: Changing) -> None:
    """With everything in it."""
    shutil.rmtree(changing.work)


@pytest.mark.parametrize("death", DEATHS, ids=str)
@pytest.mark.parametrize("change", [flag, unflag, open_folder])
def test_what_keeps_its_name_is_found_and_stays_as_the_user_left_it(
    whole: Counter[oracle.Lying],
    workplace: Path,
    death: Death,
    change: Callable[[Changing], None],
) -> None:
    changing = Changing(workplace)
    changing.die(death)
    yet = whole - changing.lying()
    change(changing)
    left = changing.lying()
    changing.restore()
    assert changing.lying() == left + yet
    ran(KEPT)


@pytest.mark.parametrize("death", DEATHS, ids=str)
@pytest.mark.parametrize("change", [move, move_renamed, delete, rename_folder, delete_folder])
def test_only_the_batch_in_hand_returns_to_where_a_user_took_it_from(
    whole: Counter[oracle.Lying],
    workplace: Path,
    death: Death,
    change: Callable[[Changing], None],
) -> None:
    changing = Changing(workplace)
    changing.die(death)
    yet = whole - changing.lying()
    in_hand = {digest_of(item) for item in ITEMS[DEATHS[death] :]}
    again = Counter(one for one in whole - yet if one.digest in in_hand)
    assert len(again) == {HALF: 1, DELIVERED: 2, RECORDED: 0}[death]
    change(changing)
    left = changing.lying()
    changing.restore()
    assert changing.lying() == left + yet + again
    ran(TAKEN)


@pytest.mark.parametrize("death", [DECIDED, *DEATHS], ids=str)
def test_another_message_with_the_same_bytes_is_another_message(
    whole: Counter[oracle.Lying], workplace: Path, death: Death
) -> None:
    changing = Changing(workplace)
    changing.die(death)
    yet = whole - changing.lying()
    for item in ITEMS:
        arrive(changing, item)
    left = changing.lying()
    changing.restore()
    found = changing.lying()
    assert found == left + yet
    times = Counter(one.digest for one in found.elements() if one.account == ADDRESSES[0])
    assert times == {digest_of(item): 2 for item in ITEMS}
    ran(TWIN)
