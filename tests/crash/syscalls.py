"""The real command under `strace`, which kills it at a system call or lets the call fail.

The command runs in a process that has imported everything and waits; `strace` attaches to
it and then it is let go. So a run costs a tenth of a second, and the calls that are counted
are those of the command alone. strace counts each thread's calls for themselves, so that
the command works in one thread here, account after account.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, Future
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import sqlite_utils  # noqa: F401 - what makes a new journal is imported before it is counted

from crash.killing import CONTEXT
from reinstate_cli.main import answer
from reinstate_service import threads as working_together
from reinstate_service.restore import context

T = TypeVar("T")

#: The system calls that change a file system, and `openat`.
CHANGING = (
    *("write", "writev", "pwrite64", "pwritev", "ftruncate", "truncate", "fallocate"),
    *("copy_file_range", "sendfile", "fsync", "fdatasync", "syncfs", "sync_file_range"),
    *("open", "openat", "openat2", "creat", "rename", "renameat", "renameat2"),
    *("link", "linkat", "symlink", "symlinkat", "unlink", "unlinkat", "mkdir", "mkdirat"),
    *("rmdir", "chmod", "fchmod", "fchmodat", "chown", "fchown", "lchown", "fchownat"),
    *("utime", "utimes", "utimensat", "futimesat", "setxattr", "fsetxattr"),
)
OPENING = frozenset({"open", "openat", "openat2"})
FLUSHING = frozenset({"fsync", "fdatasync", "syncfs"})
#: Those that need room, and so can find none.
CREATING = (
    OPENING
    | FLUSHING
    | {
        *("write", "pwrite64", "ftruncate", "mkdir", "mkdirat", "symlinkat", "linkat"),
        *("rename", "renameat", "renameat2"),
    }
)
_LINE = re.compile(r"(?:\d+ +)?(\w+)\((.*)", re.DOTALL)


class Call(NamedTuple):
    """A system call of a run: `ordinal` counts those of its name, from 1."""

    name: str
    ordinal: int
    line: str

    @property
    def changes(self) -> bool:
        """Whether it can change a file system: all but openings for reading."""
        return self.name not in OPENING or "O_CREAT" in self.line

    @property
    def changed(self) -> bool:
        """Whether it can have changed a file system: a flush and what failed have not, and
        SQLite opens what is there as if to make it."""
        if self.name in FLUSHING or re.search(r" = -1 E", self.line):
            return False
        return self.changes if self.name not in OPENING else "O_EXCL" in self.line

    @property
    def writes(self) -> bool:
        """Whether it writes, makes, names or flushes something."""
        if self.name in OPENING:
            return "O_EXCL" in self.line
        return self.name in CREATING and "-shm>" not in self.line and ".lock>" not in self.line

    def is_of(self, *directories: Path) -> bool:
        """Whether it is about one of these very directories."""
        return any(f"<{directory}>)" in self.line for directory in directories)

    @property
    def injected(self) -> bool:
        """Whether strace let it fail."""
        return "(INJECTED)" in self.line

    def concerns(self, path: Path) -> bool:
        """Whether it is about a file at or below `path`, or beside it with a longer name."""
        return str(path) in self.line


class Traced(NamedTuple):
    """What became of a run under strace."""

    exit: int
    output: str
    calls: list[Call]


def run_traced(
    arguments: list[str], folder: Path, inject: str = "", threads: bool = False
) -> Traced:
    """Runs `reinstate` with these arguments under strace, which does what `inject` says.

    Its output and the log lie in `folder`. `threads` leaves it its own threads. The exit code
    is that of the command, or the negative number of the signal that ended it.
    """
    log, output = folder / "strace.log", folder / "output"
    gate, let_go = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(target=_command, args=(gate, arguments, output, threads))
    process.start()
    command = ["strace", "-f", "-y", "-s", "0", "-o", str(log), "-p", str(process.pid)]
    command += ["-e", "trace=" + ",".join(f"?{name}" for name in CHANGING), "-e", "signal=none"]
    if inject:
        command += ["-e", f"inject={inject}"]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as strace:
        assert strace.stderr is not None
        attached = strace.stderr.readline()
        assert b"attached" in attached, attached + strace.stderr.read()
        let_go.send(None)
        process.join()
        strace.communicate()
    assert process.exitcode is not None
    return Traced(process.exitcode, output.read_text(encoding="utf-8"), _calls(log))


def _calls(log: Path) -> list[Call]:
    found, counted = [], Counter[str]()
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        if (match := _LINE.match(line)) is not None:
            counted[match[1]] += 1
            found.append(Call(match[1], counted[match[1]], match[2]))
    return found


class _InThisThread(Executor):
    """Does work at once, where it is handed in."""

    def __init__(self, *_: object, **__: object) -> None: ...

    def submit(  # type: ignore[override]
        self, work: Callable[..., T], /, *arguments: Any, **named: Any
    ) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(work(*arguments, **named))
        except BaseException as error:
            future.set_exception(error)
        return future


def _command(gate: Connection, arguments: list[str], output: Path, threads: bool) -> None:
    """The command, in a process of its own, when the gate is opened."""
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(file, 1)
    os.dup2(file, 2)
    if not threads:
        for module in (context, working_together):
            module.ThreadPoolExecutor = _InThisThread  # type: ignore[attr-defined]
    gate.recv()
    os._exit(answer(arguments))
