"""File systems that share blocks between files (FICLONE), each in a file of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

#: How each is made in a file.
SHARING = {"xfs": ("mkfs.xfs", "-q", "-m", "reflink=1"), "btrfs": ("mkfs.btrfs", "-q")}


class CannotMount(Exception):
    """This machine or user mounts no such file system; says why."""


@contextlib.contextmanager
def mounted(kind: str, folder: Path, size: int) -> Iterator[Path]:
    """A folder on a file system of at most so many bytes, whose file lies in `folder` as well.
    Raises CannotMount."""
    command = SHARING[kind]
    if os.geteuid() != 0 or shutil.which(command[0]) is None:
        raise CannotMount(f"{kind} needs root and {command[0]} (xfsprogs, btrfs-progs)")
    image, place = folder / f"{kind}.img", folder / kind
    place.mkdir(mode=0o755)
    with image.open("wb") as file:
        file.truncate(size)
    subprocess.run([*command, str(image)], check=True, capture_output=True)
    mount = ["mount", "-o", "loop", str(image), str(place)]
    done = subprocess.run(mount, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise CannotMount(f"{kind} cannot be mounted from a file: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)
