"""How a batch that lies in tmp/ gets its names: whole, whenever the power goes."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

from reinstate_journal.crashpoints import At, reach
from reinstate_journal.errors import ReinstateError
from reinstate_service.destination.contract import Delivery
from reinstate_service.destination.maildir.disk import Disk
from reinstate_service.destination.maildir.layout import Kind
from reinstate_service.destination.maildir.looking import descended
from reinstate_service.destination.maildir.places import Place
from reinstate_service.destination.maildir.storing import Stored

#: How many folders are held open at once.
_MOST_OPEN = 64


@dataclass(slots=True)
class Written:
    """An item on its way into tmp/, and then in there: how it is stored, and the name it is going
    to have; `extra` is another name in tmp/ and the one for it. `twin` is what others that may
    share its file have in common with it. `error` is why it is not there."""

    index: int
    delivery: Delivery
    place: Place
    temporary: str
    twin: str | None = None
    stored: Stored = field(default_factory=partial(Stored, 0))
    final: str = ""
    extra: tuple[str, str] | None = None
    unrepresented: tuple[str, ...] = ()
    error: ReinstateError | None = None


def publish(disk: Disk, home: int, tmp: int, written: Sequence[Written]) -> None:
    """One flush for the files, then their names, then a flush for the folders. An item that has
    its name counts as done, so what stands beside it is durable before. `home` and `tmp` are
    open directories."""
    if not written:
        return
    reach(At.BATCH_WRITTEN)
    temporaries = [new.temporary for new in written]
    disk.flush_many(tmp, temporaries + [new.extra[0] for new in written if new.extra])
    reach(At.BATCH_FLUSHED)
    by_directory: dict[tuple[str, ...], list[Written]] = defaultdict(list)
    for new in written:
        directories = new.place.directories
        mail = new.place.kind is Kind.MAIL
        by_directory[(*directories, "cur") if mail else directories].append(new)
    for some in _batched(by_directory.items(), _MOST_OPEN):
        with ExitStack() as stack:
            opened = [
                (stack.enter_context(descended(home, *directories)), items)
                for directories, items in some
            ]
            beside = [(directory, new.extra) for directory, items in opened for new in items]
            if named := list(_name_sidecars(tmp, beside)):
                disk.flush_directories(named)
                reach(At.SIDECARS_DURABLE)
            for directory, items in opened:
                for new in items:
                    os.rename(new.temporary, new.final, src_dir_fd=tmp, dst_dir_fd=directory)
                    reach(At.ITEM_RENAMED)
            reach(At.BATCH_RENAMED)
            disk.flush_directories([directory for directory, _ in opened])
            reach(At.BATCH_DURABLE)


def _name_sidecars(tmp: int, beside: Iterable[tuple[int, tuple[str, str] | None]]) -> Iterator[int]:
    """Renames what stands beside items; answers each directory in which there is such a thing."""
    last = None
    for directory, extra in beside:
        if extra is not None:
            os.rename(*extra, src_dir_fd=tmp, dst_dir_fd=directory)
            reach(At.SIDECAR_RENAMED)
            if directory != last:
                yield directory
            last = directory


def _batched(
    entries: Iterable[tuple[tuple[str, ...], list[Written]]], size: int
) -> Iterator[list[tuple[tuple[str, ...], list[Written]]]]:
    """`entries` in lists of at most `size`."""
    iterator = iter(entries)
    while some := list(islice(iterator, size)):
        yield some
