"""An account archive of 3 GiB beside `tar tzf`.

Three passes over the same file, each in a process of its own: tar lists it; reinstate reads
it for its index; reinstate reads every content out of it. The peak is VmHWM of the process.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from tests.bench.figures import Goal, Table, goals

from archives.writer import Mailbox

#: The size of a message: what mail has on average, attachments included.
SIZE = 64 << 10
_READ = """
import sys
from pathlib import Path
from reinstate_service.model import Item
from reinstate_service.source.archives import ArchivesSource
source = ArchivesSource(sys.argv[1])
(ref,) = source.accounts()
items = size = 0
for item in source.items(ref.id):
    assert isinstance(item, Item), item
    items += 1
    if sys.argv[2] == "contents":
        size += sum(map(len, source.content(item)))
print(items, size)
for line in Path("/proc/self/status").read_text().splitlines():
    if line.startswith("VmHWM"):
        print(line.split()[1])
"""


def arguments(_parser: argparse.ArgumentParser) -> None:
    """It has none of its own."""


def tables(asked: argparse.Namespace) -> Iterator[Table]:
    """The rates and peaks. Raises SystemExit if a message is lost."""
    size = int(asked.scale * 3 * 2**30)
    rows: list[tuple[str, float, float, float | None]] = []
    with tempfile.TemporaryDirectory(prefix="reinstate-bench-", dir="/var/tmp") as folder:
        archive = Path(folder) / "archives" / "anna@example.com.tgz"
        archive.parent.mkdir()
        count = write_archive(archive, size)
        mib, packed = size / 2**20, archive.stat().st_size / 2**20
        seconds, _ = timed("tar", "tzf", str(archive))
        rows.append(("tar tzf", seconds, mib / seconds, None))
        for what in ("index", "contents"):
            seconds, printed = timed(
                *(sys.executable, "-c", _READ, str(archive.parent), what),
                REINSTATE_CACHE=f"{folder}/cache",
            )
            found, _, peak = printed.split()
            if int(found) != count:
                sys.exit(f"{found} of {count} messages")
            rows.append((what, seconds, mib / seconds, int(peak) / 1024))
    title = f"Archive of {count:,} messages, {mib:,.0f} MiB, {packed:,.0f} packed"
    yield Table(title, ("what", "seconds", "MiB/s", "peak MiB"), rows)
    yield goals([Goal(f"peak MiB, {what}", peak, 200, True) for what, *_, peak in rows if peak])


def write_archive(path: Path, size: int) -> int:
    """Writes an archive that unpacks to `size` bytes; answers how many messages it has."""
    filling = "".join(f"{number:056d} mail\r\n" for number in range(SIZE // 64)).encode()
    box = Mailbox.with_folders()
    with tarfile.open(path, "w:gz", compresslevel=1, format=tarfile.GNU_FORMAT) as archive:
        count = 0
        while archive.offset < size:
            number = box.message(2, b"Subject: %d\r\n\r\n" % count + filling)
            for name, content in box.entries(lambda one: one.meta["id"] == number):  # noqa: B023
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, BytesIO(content))
            box.stored.clear()
            archive.members.clear()  # type: ignore[attr-defined]
            count += 1
    return count


def timed(*command: str, **environment: str) -> tuple[float, str]:
    """Seconds, and what was printed."""
    began = time.monotonic()
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, env={**os.environ, **environment}
    )
    return time.monotonic() - began, done.stdout
