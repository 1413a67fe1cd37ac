"""How fast messages go to a live server over IMAP.

The same messages, into the same empty Dovecot over loopback, by reinstate (a whole restore:
process start, backup read, digests checked, journal at FULL), by mbsync, and by a bare writer
that has all messages in memory and sends MULTIAPPENDs of 500 one after another: the ceiling.
With several accounts each tool works on all of them at once.

With `--peaks`, how much memory reinstate takes at most for so many small messages in one account.
"""

from __future__ import annotations

import argparse
import base64
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.bench.ending import END
from tests.bench.figures import Goal, Table, goals
from tests.bench.kills import messages
from tests.bench.processes import Cost, run
from tests.running import COMMAND

from reinstate_service.model import Account, Domain, Folder, Role
from reinstate_service.source.backup_path import BackupWriter
from system.live import MASTER, WORD, LiveDovecot, LiveServer, live_server, mbsync_quoted

_DAY = 1_767_690_000_000
_BATCH = 500
#: How often as many messages a second as mbsync's are the goal, by the number of accounts.
_OVER_MBSYNC = {1: 4.0, 4: 6.0}
_MEMORY = Path("/dev/shm")
_MBSYNC = """\
IMAPStore destination
Host 127.0.0.1
Port {port}
User {address}*{master}
Pass {word}
SSLType None
AuthMechs PLAIN

MaildirStore backup
Inbox {maildir}

Channel restore
Far :destination:
Near :backup:
Patterns INBOX
Sync Push
SyncState {state}/
"""


def addresses(count: int) -> list[str]:
    """The accounts."""
    return [f"user{number}@example.test" for number in range(count)]


def write_backup(path: Path, shares: Sequence[Iterable[bytes]]) -> None:
    """A Backup Path in which each account has its share of the messages, in its inbox."""
    with BackupWriter(path, clock=lambda: _DAY, durable=False) as writer:
        writer.put_domain(Domain("d", "example.test"))
        for number, (address, share) in enumerate(zip(addresses(len(shares)), shares, strict=True)):
            account = f"11111111-0000-4000-8000-{number:012}"
            writer.put_account(Account(account, address))
            writer.put_folder(account, Folder("2", "", "Inbox", role=Role.INBOX))
            for item, content in enumerate(share, start=1000):
                writer.put_item(account, str(item), content=content, folder="2", date=_DAY)
        writer.finish_scan(_DAY)


def write_maildirs(folder: Path, shares: Sequence[Sequence[bytes]]) -> None:
    """The same as Maildirs."""
    for address, share in zip(addresses(len(shares)), shares, strict=True):
        for name in ("cur", "new", "tmp"):
            (folder / address / name).mkdir(parents=True)
        for number, content in enumerate(share):
            (folder / address / "cur" / f"{_DAY // 1000}.M{number}.old.test:2,S").write_bytes(
                content
            )


def with_reinstate(live: LiveServer, own: Path, count: int) -> Cost:
    """What a whole restore costs; its journal is in `own`, beside which the backup is."""
    arguments = ("--config", str(live.config), "--journal", str(own / "r.db"), "--quiet")
    many = ("--concurrent-accounts", str(count))
    backup = str(own.parent / "backup")
    return run([*COMMAND, "restore", backup, live.location, *arguments, *many])


def with_mbsync(live: LiveServer, own: Path, count: int) -> float:
    """The seconds of one mbsync for each account, all at once."""
    commands = []
    for address in addresses(count):
        state = own / f"state-{address}"
        state.mkdir()
        maildir = own / f"copy-{address}"  # it writes into what it reads from
        shutil.copytree(own.parent / "maildirs" / address, maildir)
        written = own / f"mbsyncrc-{address}"
        written.write_text(
            _MBSYNC.format(
                port=live.imap_port,
                address=address,
                master=MASTER,
                word=mbsync_quoted(WORD),
                maildir=maildir,
                state=state,
            )
        )
        commands.append(["mbsync", "-q", "-c", str(written), "-a"])
    began = time.monotonic()
    running = [subprocess.Popen(command) for command in commands]
    if any(process.wait() for process in running):
        sys.exit("mbsync failed")
    return time.monotonic() - began


def with_bare_writer(live: LiveServer, shares: Sequence[Sequence[bytes]]) -> float:
    """The seconds of a writer for each account that knows nothing but to send."""
    port = live.imap_port
    with ProcessPoolExecutor(len(shares)) as pool:
        return max(pool.map(_send, addresses(len(shares)), shares, [port] * len(shares)))


def _send(address: str, share: Sequence[bytes], port: int) -> float:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        answers = connection.makefile("rb")
        answers.readline()
        response = base64.b64encode(f"\0{address}*{MASTER}\0{WORD}".encode()).decode()
        connection.sendall(f"a AUTHENTICATE PLAIN {response}\r\n".encode())
        _await(answers.readline, b"a")
        began = time.monotonic()
        for start in range(0, len(share), _BATCH):
            parts = [b"b APPEND INBOX"]
            for content in share[start : start + _BATCH]:
                date = b' () "06-Jan-2026 09:00:00 +0000" '
                parts.append(date + b"{%d+}\r\n" % len(content) + content)
            connection.sendall(b"".join(parts) + b"\r\n")
            _await(answers.readline, b"b")
        return time.monotonic() - began


def _await(readline: Callable[[], bytes], tag: bytes) -> None:
    while not (line := readline()).startswith(tag):
        if not line:
            sys.exit("the server ended the connection")
    if not re.match(rb"\w OK", line):
        sys.exit(line.decode())


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--accounts", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--peaks", type=int, nargs="+", help="nothing but the memory for so many")


def tables(asked: argparse.Namespace) -> Iterator[Table]:
    """messages/s and MiB/s of each tool, the best of the rounds, for each number of accounts."""
    if asked.peaks:
        yield Table(
            "IMAP, small messages in one account",
            ("messages", "peak MiB", "processor s", "seconds"),
            [(count, cost.peak, cost.processor, cost.seconds) for count, cost in _peaks(asked)],
        )
        return
    reached: list[Goal] = []
    for count in asked.accounts:
        every = messages(int(asked.messages * asked.scale))
        shares = [every[start::count] for start in range(count)]
        seconds = measured(shares, asked.rounds)
        size = sum(map(len, every)) / 2**20
        yield Table(
            f"IMAP, {len(every):,} messages, {size:.1f} MiB, {count} account(s),"
            f" best of {asked.rounds}",
            ("what", "messages/s", "MiB/s", "time over ours"),
            [
                (tool, len(every) / took, size / took, took / seconds["reinstate"])
                for tool, took in seconds.items()
            ],
        )
        ours = seconds["reinstate"]
        for tool, wanted in (("mbsync", _OVER_MBSYNC.get(count)), ("bare writer", 0.8)):
            if wanted is not None:
                told = f"{count} account(s): messages/s over {tool}"
                reached.append(Goal(told, seconds[tool] / ours, wanted))
    yield goals(reached)


def _peaks(asked: argparse.Namespace) -> Iterator[tuple[int, Cost]]:
    for count in asked.peaks:
        with (
            tempfile.TemporaryDirectory(prefix="reinstate-wire-", dir=_MEMORY) as name,
            live_server(addresses(1), _MEMORY) as live,
        ):
            write_backup(Path(name) / "backup", [_small(count)])
            own = Path(name) / "own"
            own.mkdir()
            cost = with_reinstate(live, own, 1)
            _must_be_there(live, count)
        yield count, cost


def _small(count: int) -> Iterator[bytes]:
    for number in range(count):
        yield b"Message-ID: <%d@old.test>\r\nSubject: %d\r\n\r\nsmall\r\n" % (number, number)


def measured(shares: Sequence[Sequence[bytes]], rounds: int) -> dict[str, float]:
    """The seconds of each tool, the best of some rounds in turn, each with a server of its own."""
    count = len(shares)
    best: dict[str, float] = {}
    folder = Path(END.enter_context(tempfile.TemporaryDirectory("-wire")))
    write_backup(folder / "backup", shares)
    write_maildirs(folder / "maildirs", shares)
    tools: dict[str, Callable[[LiveDovecot, Path], float]] = {
        "bare writer": lambda live, _own: with_bare_writer(live, shares),
        "reinstate": lambda live, own: with_reinstate(live, own, count).seconds,
        "mbsync": lambda live, own: with_mbsync(live, own, count),
    }
    names = list(tools)
    for number in range(rounds):
        for tool in names[number % len(names) :] + names[: number % len(names)]:
            live = END.enter_context(live_server(addresses(count)))
            own = folder / f"{tool.replace(' ', '-')}-{number}"
            own.mkdir()
            took = tools[tool](live, own)
            _must_be_there(live, sum(map(len, shares)))
            best[tool] = min(took, best.get(tool, took))
    return best


def _must_be_there(live: LiveServer, wanted: int) -> None:
    folders = (live.tree.glob(f"*/*/Maildir/{part}/*") for part in ("cur", "new"))
    there = sum(1 for folder in folders for _ in folder)
    if there != wanted:
        sys.exit(f"{there:,} of {wanted:,} messages are there")
