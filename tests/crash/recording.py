"""What a process does to files, one operation after the other, as strace saw it.

Only what changes a file or a folder below the given roots is kept, and every flush. A
changed mapping of a file (`mmap`) is not seen: SQLite's `-shm` is the only such file here,
and nothing in it has to survive.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

_CALLS = (
    "open,openat,creat,write,pwrite64,writev,pwritev,pwritev2,ftruncate,truncate,fallocate,"
    "copy_file_range,sendfile,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,"
    "unlinkat,mkdir,mkdirat,rmdir,fsync,fdatasync,syncfs,sync,sync_file_range,utimensat"
)
_LINE = re.compile(r"(\d+) +(\w+)\((.*)\) += (-?\d+)", re.DOTALL)
_UNFINISHED = re.compile(r"(\d+) +(.*) <unfinished \.\.\.>$")
_RESUMED = re.compile(r"(\d+) +<\.\.\. \w+ resumed>(.*)$")
#: An open file or directory, or a string; strace shows both in hexadecimal (-xx).
_ARGUMENT = re.compile(r'(\d+|AT_FDCWD)<([^>]*)>(\(deleted\))?|"([^"]*)"')
_TIMES = re.compile(r"tv_sec=(-?\d+), tv_nsec=(\d+)")
_MODE = re.compile(r", 0(\d+)$")


class Made(NamedTuple):
    """A new name: of a file or a directory (unless there is one), or of a symlink to `target`."""

    path: str
    kind: str
    mode: int = 0
    target: str = ""


class Wrote(NamedTuple):
    """Bytes were put into a file."""

    path: str
    offset: int
    data: bytes


class Cut(NamedTuple):
    """A file was given another size."""

    path: str
    size: int


class Stamped(NamedTuple):
    """A file was given a modification time, in nanoseconds."""

    path: str
    modified: int


class Moved(NamedTuple):
    """A name took the place of another."""

    path: str
    new: str


class Linked(NamedTuple):
    """A file was given a second name."""

    path: str
    new: str


class Removed(NamedTuple):
    """A name went."""

    path: str


class Flushed(NamedTuple):
    """A file's content or a folder's entries were made durable."""

    path: str


class FlushedAll(NamedTuple):
    """The whole file system that `path` is on was made durable; all of them if it is empty."""

    path: str


Operation = Made | Wrote | Cut | Stamped | Moved | Linked | Removed | Flushed | FlushedAll


class Recording(NamedTuple):
    """What a process did, and whether it was killed."""

    operations: list[Operation]
    killed: bool


def record(
    arguments: Sequence[str], roots: Sequence[Path], trace: Path, inject: str = ""
) -> Recording:
    """Runs Python with these arguments to its end, and answers what it did in `roots`.

    `inject` is how strace is to interfere: `fsync:signal=KILL:when=3`.
    """
    command = ["strace", "-f", "--seccomp-bpf", "-y", "-xx", "-s", "100000000", "-e", "signal=none"]
    command += ["-e", f"trace={_CALLS}", "-o", str(trace)]
    command += ["-e", f"inject={inject}"] if inject else []
    done = subprocess.run(
        [*command, sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
    )
    killed = bool(inject) and done.returncode == -signal.SIGKILL
    assert killed or done.returncode == 0, done.stderr
    parser = _Parser(tuple(f"{root}/" for root in roots))
    with trace.open(encoding="ascii") as lines:
        operations = [made for call in _calls(lines) for made in parser.operations(*call)]
    trace.unlink()
    return Recording(operations, killed)


def _calls(lines: Iterable[str]) -> Iterator[tuple[str, str, int]]:
    """Name, arguments and answer of every call that succeeded, in the order in which they were
    through. A flush stands where it began: what another thread did while it was under way may
    not be in it."""
    found: list[tuple[str, str, int] | None] = []
    begun: dict[str, tuple[str, int | None]] = {}
    for line in lines:
        whole, place = line.rstrip("\n"), None
        if unfinished := _UNFINISHED.fullmatch(whole):
            if "sync" in unfinished[2].partition("(")[0]:
                place = len(found)
                found.append(None)
            begun[unfinished[1]] = unfinished[2], place
            continue
        if resumed := _RESUMED.fullmatch(whole):
            start, place = begun.pop(resumed[1])
            whole = f"{resumed[1]} {start}{resumed[2]}"
        call = _LINE.match(whole)
        if call is not None and int(call[4]) >= 0:
            done = call[2], call[3], int(call[4])
            if place is None:
                found.append(done)
            else:
                found[place] = done
    return (call for call in found if call is not None)


class _Parser:
    """Turns calls into operations; keeps how far each open file has been written."""

    def __init__(self, roots: tuple[str, ...]) -> None:
        self._roots = roots
        self._offsets: dict[str, int] = {}

    def operations(self, call: str, arguments: str, answer: int) -> Iterator[Operation]:
        """What the call did in the roots."""
        for operation in self._all(call, arguments, answer):
            if f"{operation.path}/".startswith(self._roots) or operation == FlushedAll(""):
                yield operation

    def _all(  # noqa: C901, PLR0912 - one case for each system call
        self, call: str, arguments: str, answer: int
    ) -> Iterator[Operation]:
        if call == "sync":
            yield FlushedAll("")
            return
        found = list(_ARGUMENT.finditer(arguments))
        paths = _paths(found[:1] if call in {"write", "pwrite64"} else found)
        match call:
            case "open" | "openat":
                self._offsets[str(answer)] = 0
                if "O_CREAT" in arguments:
                    yield Made(paths[-1], "file", _mode(arguments))
                if "O_TRUNC" in arguments:
                    yield Cut(paths[-1], 0)
            case "write" | "pwrite64" if found[0][3] is None:
                descriptor, data = found[0][1], _plain(found[1][4])[:answer]
                offset = self._offsets.get(descriptor, 0)
                if call == "pwrite64":
                    offset = int(arguments.rpartition(", ")[2])
                else:
                    self._offsets[descriptor] = offset + answer
                yield Wrote(paths[0], offset, data)
            case "ftruncate" | "truncate":
                yield Cut(paths[0], int(arguments.rpartition(", ")[2]))
            case "utimensat":
                seconds, nanoseconds = map(int, _TIMES.findall(arguments)[1])
                yield Stamped(paths[-1], seconds * 10**9 + nanoseconds)
            case "rename" | "renameat" | "renameat2":
                yield Moved(*paths)
            case "link" | "linkat":
                yield Linked(*paths)
            case "symlink" | "symlinkat":
                yield Made(paths[-1], "link", target=os.fsdecode(_plain(found[0][4])))
            case "mkdir" | "mkdirat":
                yield Made(paths[0], "directory", _mode(arguments))
            case "unlink" | "unlinkat" | "rmdir":
                yield Removed(paths[0])
            case "fsync" | "fdatasync" if found[0][3] is None:
                yield Flushed(paths[0])
            case "syncfs":
                yield FlushedAll(paths[0])
            case _ if any(f"{path}/".startswith(self._roots) for path in paths):
                assert found[0][3], f"{call} is not understood"


def _paths(arguments: Iterable[re.Match[str]]) -> list[str]:
    """The paths that are named, each from the directory that stands before it."""
    paths: list[str] = []
    directory = ""
    for argument in arguments:
        if argument[4] is None:
            if directory:
                paths.append(directory)
            directory = os.fsdecode(_plain(argument[2]))
        else:
            name = os.fsdecode(_plain(argument[4]))
            paths.append(os.path.normpath(f"{directory}/{name}" if name[:1] != "/" else name))
            directory = ""
    return [*paths, directory] if directory else paths


def _plain(shown: str) -> bytes:
    """What is shown in hexadecimal; nothing for a pipe or a socket."""
    return bytes.fromhex(shown.replace("\\x", "")) if shown.startswith("\\x") else b""


def _mode(arguments: str) -> int:
    mode = _MODE.search(arguments)
    return int(mode[1], 8) if mode else 0
