"""What is Maildir's own: hostile trees, full disks, Dovecot's files, what a crash leaves."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import stat
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from socket import gethostname

import pytest

from contract.destination_contract import DATE, delivery, folder
from reinstate_journal.crashpoints import At, Point, watch
from reinstate_journal.errors import BackupError, DestinationError, UsageError
from reinstate_service.destination.contract import AccessGrant, ChangedMeanwhile, Delivered, Refused
from reinstate_service.destination.maildir import MaildirDestination, dotlock, linux
from reinstate_service.destination.maildir.disk import Disk
from reinstate_service.destination.open import open_destination
from reinstate_service.model import Account, Domain, Filters, Flag, ItemType
from reinstate_service.source.contract import BlobCorrupt

ALICE = "alice@example.test"


@pytest.fixture
def destination(tmp_path: Path) -> Iterator[MaildirDestination]:
    """A destination with one account."""
    opened = MaildirDestination(tmp_path / "mail")
    opened.put_domain(Domain(id="d", name="example.test"))
    opened.put_account(Account(id="a", address=ALICE))
    yield opened
    opened.close()


@pytest.fixture
def home(destination: MaildirDestination) -> Path:
    """Alice's home."""
    return Path(destination.url.removeprefix("maildir:")) / "example.test" / "alice"


def files(directory: Path) -> list[str]:
    """The names in a directory."""
    return sorted(path.name for path in directory.iterdir())


def test_a_message_is_named_by_its_date_its_delivery_and_its_flags(
    destination: MaildirDestination, home: Path
) -> None:
    with destination.mailbox(ALICE) as mailbox:
        mailbox.deliver(
            [
                delivery(
                    "r1-7",
                    content=b"12345",
                    flags=Flag.SEEN | Flag.FORWARDED,
                    keywords=("tag",),
                )
            ]
        )
    assert files(home / "Maildir" / "cur") == ["1500000000.r1-7,S=5:2,Sab"]
    assert (home / "Maildir" / "dovecot-keywords").read_text() == "0 $Forwarded\n1 tag\n"
    assert files(home / "Maildir" / "tmp") == []


@pytest.fixture
def at() -> Iterator[Callable[[Point, Callable[[], None]], None]]:
    """Lets something happen when a delivery reaches a point."""
    yield lambda point, happens: watch(lambda here: happens() if here == point else None)
    watch(lambda _: None)


@pytest.mark.parametrize("point", [At.KEYWORDS_GIVEN, At.BATCH_FLUSHED])
def test_a_folder_deleted_under_a_delivery_costs_its_account_this_run_and_no_more(
    destination: MaildirDestination,
    home: Path,
    at: Callable[[Point, Callable[[], None]], None],
    point: Point,
) -> None:
    folder_of_it = home / "Maildir" / ".Work"
    batch = [delivery("r1-1"), delivery("r1-2", ("Work",))]
    with destination.mailbox(ALICE) as mailbox:
        mailbox.create_folder(("Work",), folder())
        mailbox.deliver([delivery("r1-0", ("Work",))])
        at(point, lambda: shutil.rmtree(folder_of_it, ignore_errors=True))
        with pytest.raises(ChangedMeanwhile, match=r"alice@example\.test"):
            mailbox.deliver(batch)
    at(point, lambda: None)
    assert files(home / "Maildir" / "tmp") == []
    with destination.mailbox(ALICE) as mailbox:
        assert all(done.error is None for done in mailbox.deliver(batch))
        assert [stored.name for stored in mailbox.contents()] == ["r1-1", "r1-2"]


def test_nobody_else_may_read_the_tree(destination: MaildirDestination, home: Path) -> None:
    with destination.mailbox(ALICE) as mailbox:
        mailbox.create_folder(("A", "B"), folder())
        mailbox.deliver([delivery("r1-1", ("A",)), delivery("r1-2", ("C",), type=ItemType.TASK)])
        mailbox.grant(("A",), [AccessGrant("anyone", "lr")])
        mailbox.install_filters(Filters(incoming="keep;"))
    found = [path for path in home.parent.parent.rglob("*") if not path.is_symlink()]
    modes = {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in found}
    assert modes == {(True, 0o700), (False, 0o600)}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_root_makes_belongs_to_the_owner_of_the_tree(tmp_path: Path) -> None:
    root = tmp_path / "mail"
    for owner in ((1990, 1991), None):
        opened = MaildirDestination(root, owner=owner)
        opened.put_domain(Domain(id="d", name="example.test"))
        opened.put_account(Account(id="a", address=ALICE))
        with opened.mailbox(ALICE) as mailbox:
            mailbox.create_folder(("A", "B"), folder())
            mailbox.deliver([delivery("1"), delivery("2", ("C",), type=ItemType.CONTACT)])
            mailbox.grant(("A",), [AccessGrant("anyone", "lr")])
            mailbox.install_filters(Filters(incoming="keep;"))
        opened.close()
    for path in (root, *root.rglob("*")):
        assert (path.lstat().st_uid, path.lstat().st_gid) == (1990, 1991), path


@pytest.mark.parametrize("where", [".Planted", ".Planted/cur", "tmp", "../collections"])
def test_a_planted_symlink_is_not_followed_out(
    destination: MaildirDestination, home: Path, tmp_path: Path, where: str
) -> None:
    outside = tmp_path / "outside"
    for part in ("cur", "new", "tmp"):
        (outside / part).mkdir(parents=True)
    planted = home / "Maildir" / where
    planted.parent.mkdir(exist_ok=True)
    if planted.is_dir():
        planted.rmdir()
    planted.symlink_to(outside)
    type_ = ItemType.CONTACT if "collections" in where else ItemType.MESSAGE
    with destination.mailbox(ALICE) as mailbox:
        if where == ".Planted":  # a mountpoint, which concerns its items only
            (answer,) = mailbox.deliver([delivery("r1-1", ("Planted",))])
            assert isinstance(answer.error, Refused)
        else:
            with pytest.raises(DestinationError):
                mailbox.deliver([delivery("r1-1", ("Planted",), type=type_)])
    assert [path for path in outside.rglob("*") if path.is_file()] == []


def test_an_account_that_is_a_symlink_is_not_opened(
    destination: MaildirDestination, home: Path, tmp_path: Path
) -> None:
    home.rename(tmp_path / "elsewhere")
    home.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DestinationError), destination.mailbox(ALICE):
        pass


def test_a_file_planted_in_tmp_is_replaced_and_not_written_through(
    destination: MaildirDestination, home: Path, tmp_path: Path
) -> None:
    precious = tmp_path / "precious"
    precious.write_text("precious")
    (home / "Maildir" / "tmp" / "reinstate.0").symlink_to(precious)
    with destination.mailbox(ALICE) as mailbox:
        assert mailbox.deliver([delivery("r1-1")]) == [Delivered()]
    assert precious.read_text() == "precious"


@pytest.mark.parametrize("made", [(), ("cur",), ("cur", "new")])
def test_a_folder_that_was_cut_off_while_it_was_made_is_made_whole(
    destination: MaildirDestination, home: Path, made: tuple[str, ...]
) -> None:
    for name in ("", *made):
        (home / "Maildir" / ".Half" / name).mkdir()
    (home / "Maildir" / ".Half" / "maildirfolder").touch()
    with destination.mailbox(ALICE) as mailbox:
        assert list(mailbox.contents()) == []
        mailbox.create_folder(("Half",), folder())
    assert files(home / "Maildir" / ".Half") == ["cur", "maildirfolder", "new", "tmp"]


def test_what_a_killed_run_left_in_tmp_goes(destination: MaildirDestination, home: Path) -> None:
    (home / "Maildir" / "tmp" / "reinstate.41").write_text("half")
    (home / "Maildir" / "tmp" / "1.M1P1.host").write_text("Dovecot's own")
    with destination.mailbox(ALICE) as mailbox:
        mailbox.deliver([delivery("r1-1")])
    assert files(home / "Maildir" / "tmp") == ["1.M1P1.host"]


def test_a_message_is_found_whatever_became_of_its_flags(
    destination: MaildirDestination, home: Path
) -> None:
    with destination.mailbox(ALICE) as mailbox:
        mailbox.deliver([delivery(f"r1-{n}") for n in range(3)])
    inbox = home / "Maildir"
    names = files(inbox / "cur")
    (inbox / "cur" / names[0]).rename(inbox / "cur" / "1500000000.r1-0:2,RS")
    (inbox / "cur" / names[1]).rename(inbox / "new" / "1500000000.r1-1")
    (inbox / "cur" / names[2]).rename(inbox / "cur" / "1500000000.r1-2,S=19,W=20:2,Tz")
    with destination.mailbox(ALICE) as mailbox:
        answers = mailbox.deliver([delivery(f"r1-{n}") for n in range(3)])
    assert all(answer.found for answer in answers)


def test_a_second_restore_into_an_account_is_refused(
    destination: MaildirDestination,
) -> None:
    with destination.mailbox(ALICE) as first, destination.mailbox(ALICE) as second:
        first.deliver([delivery("r1-1")])
        with pytest.raises(DestinationError, match="another restore"):
            second.deliver([delivery("r2-1")])
    with destination.mailbox(ALICE) as third:
        assert third.deliver([delivery("r2-1")]) == [Delivered()]


def test_a_full_disk_stops_the_run_and_leaves_nothing_half(
    destination: MaildirDestination, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int, _content: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with destination.mailbox(ALICE) as mailbox:
        with monkeypatch.context() as patched:
            patched.setattr("os.write", full)
            with pytest.raises(DestinationError, match="No space"):
                mailbox.deliver([delivery("r1-1")])
        assert files(home / "Maildir" / "tmp") == files(home / "Maildir" / "cur") == []
        assert mailbox.deliver([delivery("r1-1")]) == [Delivered()]


@pytest.fixture
def on_two_processors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MaildirDestination]:
    monkeypatch.setattr("os.sched_getaffinity", lambda _process: {0, 1})
    destination = MaildirDestination(tmp_path / "mail")
    destination.put_domain(Domain(id="d", name="example.test"))
    destination.put_account(Account(id="a", address=ALICE))
    yield destination
    destination.close()


def test_an_error_in_a_thread_that_helps_stops_the_run_and_leaves_nothing_half(
    on_two_processors: MaildirDestination, tmp_path: Path
) -> None:
    both, own = threading.Barrier(2, timeout=60), threading.get_ident()

    def pieces() -> Iterator[bytes]:
        both.wait()
        if threading.get_ident() != own:
            raise DestinationError(destination="it", detail="gone")
        yield b"x"

    batch = [delivery(f"r1-{n}", content=b"x", pieces=pieces) for n in range(2)]
    batch += [delivery(f"r1-{n}", content=bytes(16 << 10)) for n in range(2, 40)]
    maildir = tmp_path / "mail" / "example.test" / "alice" / "Maildir"
    with on_two_processors.mailbox(ALICE) as mailbox:
        with pytest.raises(DestinationError, match="gone"):
            mailbox.deliver(batch)
        assert files(maildir / "tmp") == files(maildir / "cur") == []
        assert mailbox.deliver(batch[2:]) == [Delivered()] * 38


def test_small_messages_are_written_by_one_thread_and_larger_ones_by_several(
    on_two_processors: MaildirDestination,
) -> None:
    others, helped = set(threading.enumerate()), list[bool]()
    with on_two_processors.mailbox(ALICE) as mailbox:
        for size in (1 << 10, 32 << 10):
            mailbox.deliver([delivery(f"{size}-{n}", content=bytes(size)) for n in range(50)])
            own = set(threading.enumerate()) - others
            helped.append(any(thread.name.startswith("helper") for thread in own))
        assert len(list(mailbox.contents())) == 100
    assert helped == [False, True]


def test_a_flush_that_fails_while_the_next_batch_is_written_ends_both(
    destination: MaildirDestination, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first of three batches lies there, and nothing else."""
    flush, failures = Disk.flush_many, iter([False, True])

    def failing(disk: Disk, parent: int, names: Sequence[str]) -> None:
        if next(failures):
            disk.flush_failed("EIO")
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        flush(disk, parent, names)

    monkeypatch.setattr(Disk, "flush_many", failing)
    with destination.mailbox(ALICE) as mailbox:
        first = mailbox.begin([delivery("r1-1"), delivery("r1-2")])
        second = mailbox.begin([delivery("r1-3"), delivery("r1-4")])
        with pytest.raises(DestinationError):
            mailbox.begin([delivery("r1-5")])
        for end in (first, second):
            with pytest.raises(DestinationError, match="nothing is written since"):
                end()
    named = [name.split(",")[0] for name in files(home / "Maildir" / "cur")]
    assert named == [f"{DATE // 1000}.r1-1", f"{DATE // 1000}.r1-2"]
    assert files(home / "Maildir" / "tmp") == []


def test_nothing_is_left_of_a_batch_whose_end_nobody_waited_for(
    destination: MaildirDestination, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another account's flush failed, or its own did and the run ended at once."""

    def failing(*_arguments: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(Disk, "flush_many", failing)
    with destination.mailbox(ALICE) as mailbox:
        mailbox.begin([delivery("r1-1"), delivery("r1-2")])
    assert files(home / "Maildir" / "tmp") == files(home / "Maildir" / "cur") == []


def test_a_batch_that_cannot_be_begun_leaves_the_one_before_whole(
    destination: MaildirDestination, home: Path
) -> None:
    def pieces() -> Iterator[bytes]:
        raise BackupError(path="x", detail="gone")

    with destination.mailbox(ALICE) as mailbox:
        first = mailbox.begin([delivery("r1-1")])
        with pytest.raises(BackupError):
            mailbox.begin([delivery("r1-2"), delivery("r1-3", pieces=pieces)])
        assert first() == [Delivered()]
        assert files(home / "Maildir" / "tmp") == []
        assert mailbox.deliver([delivery("r1-1"), delivery("r1-2")]) == [
            Delivered(found=True),
            Delivered(),
        ]


def test_one_bad_item_among_many_costs_only_itself(
    destination: MaildirDestination, home: Path
) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"x"
        raise BlobCorrupt(digest="x", detail="it ends")

    batch = [delivery(f"r1-{n:02}", pieces=pieces if n == 7 else None) for n in range(40)]
    with destination.mailbox(ALICE) as mailbox:
        answers = mailbox.deliver(batch)
        assert [n for n, answer in enumerate(answers) if answer.error] == [7]
        assert len(list(mailbox.contents())) == 39
    assert files(home / "Maildir" / "tmp") == []


def test_a_name_that_a_batch_has_twice_is_found_unless_the_first_one_failed(
    destination: MaildirDestination,
) -> None:
    def pieces() -> Iterator[bytes]:
        raise BlobCorrupt(digest="x", detail="it ends")

    twice, failing = delivery("r1-1"), delivery("r1-2", pieces=pieces)
    with destination.mailbox(ALICE) as mailbox:
        answers = mailbox.deliver([twice, twice, failing, delivery("r1-2")])
        assert answers[:2] == [Delivered(), Delivered(found=True)]
        assert isinstance(answers[2].error, BlobCorrupt)
        assert answers[3] == Delivered()
        assert len(list(mailbox.contents())) == 2


@pytest.mark.parametrize("count", [1, 20])
def test_a_failed_flush_is_never_tried_again(
    destination: MaildirDestination,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    count: int,
) -> None:
    def failing(_descriptor: int) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with destination.mailbox(ALICE) as mailbox:
        with monkeypatch.context() as patched:
            patched.setattr("os.fsync", failing)
            patched.setattr(linux, "syncfs", lambda: lambda _descriptor: -1)
            with pytest.raises(DestinationError):
                mailbox.deliver([delivery(f"r1-{n}") for n in range(count)])
        assert files(home / "Maildir" / "cur") == []
        with pytest.raises(DestinationError, match="nothing is written since"):
            mailbox.deliver([delivery("r1-1")])


def test_without_syncfs_every_file_is_flushed(
    destination: MaildirDestination, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[int] = []
    fsync = os.fsync

    def counted(descriptor: int) -> None:
        flushed.append(descriptor)
        fsync(descriptor)

    monkeypatch.setattr(linux, "syncfs", lambda: None)
    monkeypatch.setattr("os.fsync", counted)
    with destination.mailbox(ALICE) as mailbox:
        mailbox.deliver([delivery(f"r1-{n}") for n in range(30)])
        assert len(flushed) >= 31
        assert len(list(mailbox.contents())) == 30
    destination.put_account(Account(id="b", address="bob@example.test"))


def test_a_keyword_without_a_letter_is_told(destination: MaildirDestination) -> None:
    many = tuple(f"k{n}" for n in range(30))
    with destination.mailbox(ALICE) as mailbox:
        (answer,) = mailbox.deliver([delivery("r1-1", keywords=many)])
        assert answer.unrepresented == many[26:]
        (found,) = mailbox.contents()
    assert found.keywords == tuple(sorted(many[:26]))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Old.Sub\n", "Old.Sub\nNew.v1\\2e2\n"),
        ("Old", "Old\nNew.v1\\2e2\n"),
        ("V\t2\n\nOld\tSub\n", "V\t2\n\nOld\tSub\nNew\tv1\\2e2\n"),
    ],
)
def test_subscriptions_of_both_formats_keep_their_lines(
    destination: MaildirDestination, home: Path, before: str, after: str
) -> None:
    path = home / "Maildir" / "subscriptions"
    path.write_text(before)
    with destination.mailbox(ALICE) as mailbox:
        for _ in range(2):
            mailbox.subscribe(("New", "v1.2"))
    assert path.read_text() == after


def test_other_users_folders_are_subscribed_behind_their_plain_prefix(
    destination: MaildirDestination, home: Path
) -> None:
    with destination.mailbox(ALICE) as mailbox:
        mailbox.subscribe(("shared", "example.test", "bob.b", "v1.2", "Ü"))
    lines = (home / "Maildir" / "subscriptions").read_text().splitlines()
    assert lines[-1] == "shared/example.test/bob.b/v1\\2e2.&ANw-"


@pytest.mark.parametrize("content", ["999999999:{host}", ""])
def test_a_lock_whose_maker_is_gone_is_overridden(
    destination: MaildirDestination,
    home: Path,
    content: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lock = home / "Maildir" / "subscriptions.lock"
    lock.write_text(content.format(host=gethostname()))
    if not content:
        monkeypatch.setattr(dotlock, "_STALE_SECONDS", 0.05)
    with destination.mailbox(ALICE) as mailbox:
        mailbox.subscribe(("A",))
    assert not lock.exists()
    assert "A\n" in (home / "Maildir" / "subscriptions").read_text()


def test_a_lock_of_somebody_alive_is_waited_for(
    destination: MaildirDestination, home: Path
) -> None:
    lock = home / "Maildir" / "subscriptions.lock"
    lock.write_text("1:elsewhere")
    subscriptions = home / "Maildir" / "subscriptions"

    def finish() -> None:
        time.sleep(0.1)
        subscriptions.write_text("Theirs\n")
        lock.unlink()

    other = threading.Thread(target=finish)
    other.start()
    with destination.mailbox(ALICE) as mailbox:
        mailbox.subscribe(("A",))
    other.join()
    assert subscriptions.read_text() == "Theirs\nA\n"


def test_grants_keep_other_lines(destination: MaildirDestination, home: Path) -> None:
    acl = home / "Maildir" / "dovecot-acl"
    acl.write_text("user=x@y.test lr\nuser=bob@example.test l\ngroup-override=z w\n")
    (home / "Maildir" / "dovecot-acl-list").write_text("1 INBOX\n")
    with destination.mailbox(ALICE) as mailbox:
        for _ in range(2):
            mailbox.grant(
                ("INBOX",),
                [
                    AccessGrant("user:Bob@example.test", "srl"),
                    AccessGrant("group:@d.test", "l"),
                ],
            )
    assert acl.read_text() == (
        "user=x@y.test lr\nuser=bob@example.test lrs\ngroup-override=z w\ngroup=@d.test l\n"
    )
    assert (home.parent.parent / "acl" / "shared-mailboxes.db").read_text() == (
        "shared/shared-boxes/user/bob@example.test/alice@example.test\n1\n"
        "shared/shared-boxes/group/@d.test/alice@example.test\n1\n"
    )
    assert not (home / "Maildir" / "dovecot-acl-list").exists()


@pytest.mark.parametrize(
    "bad",
    [
        AccessGrant("user:x y@z.test", "l"),
        AccessGrant("user:a@b.test\nowner", "l"),
        AccessGrant("owner", "l"),
        AccessGrant("user:bob@example.test", "l\nanyone lr"),
        AccessGrant("user:bob@example.test", "Z"),
    ],
)
def test_a_hostile_grant_is_refused(
    destination: MaildirDestination, home: Path, bad: AccessGrant
) -> None:
    with destination.mailbox(ALICE) as mailbox, pytest.raises(Refused):
        mailbox.grant(("INBOX",), [bad])
    assert not (home / "Maildir" / "dovecot-acl").exists()


def test_a_users_own_plain_script_stays(destination: MaildirDestination, home: Path) -> None:
    (home / ".dovecot.sieve").write_text("keep;")
    with destination.mailbox(ALICE) as mailbox, pytest.raises(Refused):
        mailbox.install_filters(Filters(incoming="discard;"))
    assert (home / ".dovecot.sieve").read_text() == "keep;"


def test_a_documents_name_is_made_safe_and_remembered(
    destination: MaildirDestination, home: Path
) -> None:
    name = "../" + "ü" * 200 + ".pdf"
    with destination.mailbox(ALICE) as mailbox:
        mailbox.deliver([delivery("r1-1", ("Docs",), type=ItemType.DOCUMENT, name=name)])
    described, document = files(home / "files" / "Docs")
    assert document.startswith("r1-1,.._üü")
    assert document.endswith(".pdf")
    assert len(document.encode()) <= 255
    assert name in (home / "files" / "Docs" / described).read_text()


def test_a_half_made_folder_is_completed(destination: MaildirDestination, home: Path) -> None:
    (home / "Maildir" / ".Half" / "cur").mkdir(parents=True)
    with destination.mailbox(ALICE) as mailbox:
        assert not mailbox.create_folder(("Half",), folder())
    assert files(home / "Maildir" / ".Half") == ["cur", "maildirfolder", "new", "tmp"]


def test_domains_that_the_tree_itself_needs_are_refused(
    destination: MaildirDestination,
) -> None:
    for name in ("acl", "Radicale", "directory.sqlite", "directory.sqlite-journal"):
        with pytest.raises(Refused):
            destination.put_domain(Domain(id="x", name=name))


def test_locations_that_are_no_destination_are_told(tmp_path: Path) -> None:
    for location in ("", "maildir:", "imap://x", str(tmp_path)):
        with pytest.raises(UsageError):
            open_destination(location)
    with pytest.raises(DestinationError, match="no such directory"):
        open_destination(f"maildir:{tmp_path}/none", create=False)
    with pytest.raises(DestinationError, match=r"directory\.sqlite"):
        open_destination(f"maildir:{tmp_path}", create=False)
    (tmp_path / "directory.sqlite").write_text("this is no database at all, but a text" * 99)
    with pytest.raises(DestinationError):
        open_destination(f"maildir:{tmp_path}")
    assert open_destination("memory:").url == "memory:"


def test_a_newer_directory_is_refused(tmp_path: Path) -> None:
    MaildirDestination(tmp_path / "mail").close()
    with sqlite3.connect(tmp_path / "mail" / "directory.sqlite") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(DestinationError, match="format 99"):
        MaildirDestination(tmp_path / "mail")


def test_a_disk_tells_where_and_what() -> None:
    told = Disk("maildir:/x").refusal(OSError(errno.EACCES, "Permission denied", "cur"))
    assert "maildir:/x" in str(told)
    assert "Permission denied: cur" in str(told)
