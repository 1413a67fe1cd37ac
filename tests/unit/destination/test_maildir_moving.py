"""What is Maildir's own when messages move, folders go, scripts change and symlinks stand."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest

from contract.destination_contract import DATE, delivery, folder
from reinstate_journal.errors import DestinationError, UsageError
from reinstate_service.destination.contract import AccessGrant, ChangedMeanwhile, Missing, Refused
from reinstate_service.destination.maildir import MaildirDestination, linux, removal
from reinstate_service.destination.maildir.disk import Disk
from reinstate_service.destination.open import destination_as_it_is, open_destination
from reinstate_service.model import Account, Domain, Filters, Flag

ALICE = "alice@example.test"
BOB = "bob.b@example.test"
STRAY = ("Stray",)
TEAM = ("Team",)
DOVECOTS = (
    "1700000000.M1P2.host",
    "1700000001.M3P4.host,S=5,W=6:2,FSb",
    "1700000002.x,S=1:2,a",
)


@pytest.fixture
def destination(tmp_path: Path) -> Iterator[MaildirDestination]:
    """Alice has the folder Stray; Bob has Team, granted to her. Symlinks are mountpoints."""
    opened = MaildirDestination(tmp_path / "mail", mountpoints="symlink")
    opened.put_domain(Domain(id="d", name="example.test"))
    for address, path in ((ALICE, STRAY), (BOB, TEAM)):
        opened.put_account(Account(id=address, address=address))
        with opened.mailbox(address) as mailbox:
            mailbox.create_folder(path, folder())
            mailbox.grant(path, [AccessGrant(f"user:{ALICE}", "lr")])
    yield opened
    opened.close()


@pytest.fixture
def stray(tmp_path: Path) -> Path:
    """Alice's folder on disk."""
    return tmp_path / "mail" / "example.test" / "alice" / "Maildir" / ".Stray"


@pytest.fixture
def team(tmp_path: Path) -> Path:
    """Bob's folder on disk."""
    return tmp_path / "mail" / "example.test" / "bob.b" / "Maildir" / ".Team"


def files(directory: Path) -> list[str]:
    """The names in a directory."""
    return sorted(path.name for path in directory.iterdir())


def as_dovecot_left_it(stray: Path) -> None:
    """An unread message, one with a keyword of its own, and one with another's."""
    (stray / "new" / DOVECOTS[0]).write_text("new")
    (stray / "cur" / DOVECOTS[1]).write_text("read")
    (stray / "cur" / DOVECOTS[2]).write_text("tagged")
    (stray / "dovecot-keywords").write_text("0 zero\n1 one\n")
    for name in DOVECOTS:
        for part in ("cur", "new"):
            if (stray / part / name).exists():
                os.utime(stray / part / name, (1_600_000_000, 1_600_000_000))


def moved(destination: MaildirDestination) -> list[bool]:
    """Moves all that is in alice's folder into bob's."""
    with destination.mailbox(ALICE) as alice:
        return list(alice.relocate(STRAY, BOB, TEAM, alice.item_names(STRAY)))


@pytest.fixture
def before_each_move(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[str], object]], None]:
    """Lets something happen in the moment before a file moves, whose name it is given."""
    move = Disk.move

    def arrange(happens: Callable[[str], object]) -> None:
        def meanwhile(self: Disk, parent: int, name: str, new_parent: int, new_name: str) -> None:
            happens(name)
            move(self, parent, name, new_parent, new_name)

        monkeypatch.setattr(Disk, "move", meanwhile)

    return arrange


def test_a_message_keeps_its_name_whoever_wrote_it_and_whatever_became_of_its_flags(
    destination: MaildirDestination, stray: Path
) -> None:
    as_dovecot_left_it(stray)
    (stray / "cur" / ".nfs0001").write_text("no message")
    (stray / "cur" / "linked:2,").symlink_to("/etc/passwd")
    with destination.mailbox(ALICE) as alice:
        alice.deliver([delivery("r1-7", STRAY, flags=Flag.SEEN)])
        names = list(alice.item_names(STRAY))
        (stray / "new" / DOVECOTS[0]).rename(stray / "cur" / f"{DOVECOTS[0]}:2,RS")
        assert list(alice.item_names(STRAY)) == names
    assert names == [
        "1500000000.r1-7",
        "1700000000.M1P2.host",
        "1700000001.M3P4.host",
        "1700000002.x",
    ]


def test_what_dovecot_wrote_moves_with_its_name_and_its_date(
    destination: MaildirDestination, stray: Path, team: Path
) -> None:
    as_dovecot_left_it(stray)
    (team / "dovecot-keywords").write_text("0 theirs\n1 ZERO\n")
    assert moved(destination) == [True] * 3
    assert files(team / "new") == [DOVECOTS[0]]
    assert files(team / "cur") == [
        "1700000001.M3P4.host,S=5,W=6:2,FSc",
        "1700000002.x,S=1:2,b",
    ]
    assert (team / "dovecot-keywords").read_text() == "0 theirs\n1 ZERO\n2 one\n"
    assert {path.stat().st_mtime for path in (team / "cur").iterdir()} == {1_600_000_000}
    assert files(stray / "cur") == files(stray / "new") == []


def test_a_keyword_goes_only_if_all_letters_are_taken(
    destination: MaildirDestination, stray: Path, team: Path
) -> None:
    as_dovecot_left_it(stray)
    taken = "".join(f"{n} k{n}\n" for n in range(25))
    (team / "dovecot-keywords").write_text(taken)
    assert moved(destination) == [True] * 3
    assert (team / "dovecot-keywords").read_text() == f"{taken}25 one\n"
    assert files(team / "cur") == [
        "1700000001.M3P4.host,S=5,W=6:2,FSz",
        "1700000002.x,S=1:2,",
    ]


def test_changed_keywords_are_always_read_again_by_dovecot(
    destination: MaildirDestination, stray: Path, team: Path
) -> None:
    """Which compares the modification time in seconds."""
    as_dovecot_left_it(stray)
    (team / "dovecot-keywords").write_text("0 theirs\n")
    before = int((team / "dovecot-keywords").stat().st_mtime)
    moved(destination)
    assert int((team / "dovecot-keywords").stat().st_mtime) > before


def test_flags_may_change_at_the_moment_of_the_move(
    destination: MaildirDestination,
    stray: Path,
    team: Path,
    before_each_move: Callable[[Callable[[str], object]], None],
) -> None:
    def read(name: str) -> None:
        if name == DOVECOTS[0]:
            (stray / "new" / name).rename(stray / "cur" / f"{name}:2,Sb")

    as_dovecot_left_it(stray)
    before_each_move(read)
    assert moved(destination) == [True] * 3
    assert (team / "dovecot-keywords").read_text().startswith("0 one\n")
    assert f"{DOVECOTS[0]}:2,Sa" in files(team / "cur")


def test_a_message_that_its_user_removes_at_that_moment_is_told(
    destination: MaildirDestination,
    stray: Path,
    team: Path,
    before_each_move: Callable[[Callable[[str], object]], None],
) -> None:
    as_dovecot_left_it(stray)
    before_each_move(lambda name: (stray / "cur" / name).unlink() if name == DOVECOTS[1] else None)
    assert moved(destination) == [True, False, True]
    assert len(files(team / "cur")) == 1


def test_a_target_that_goes_at_that_moment_stops_the_move(
    destination: MaildirDestination,
    stray: Path,
    team: Path,
    before_each_move: Callable[[Callable[[str], object]], None],
) -> None:
    as_dovecot_left_it(stray)
    before_each_move(lambda _: (team / "new").exists() and (team / "new").rmdir())
    with pytest.raises(ChangedMeanwhile):
        moved(destination)
    assert files(stray / "new") == [DOVECOTS[0]]


@pytest.mark.parametrize("answer", [None, errno.ENOSYS, errno.EINVAL])
def test_where_nothing_renames_without_replacing_messages_are_linked(
    destination: MaildirDestination,
    stray: Path,
    team: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: int | None,
) -> None:
    def refusing(*_: object) -> int:
        linux.ctypes.set_errno(answer or 0)
        return -1

    monkeypatch.setattr(linux, "renameat2", lambda: refusing if answer else None)
    as_dovecot_left_it(stray)
    assert moved(destination) == [True] * 3
    assert len(files(team / "cur") + files(team / "new")) == 3
    assert files(stray / "cur") == files(stray / "new") == []


def test_a_move_that_was_cut_off_between_link_and_unlink_is_finished(
    destination: MaildirDestination, stray: Path, team: Path
) -> None:
    as_dovecot_left_it(stray)
    (team / "cur" / "1700000001.M3P4.host,S=5,W=6:2,S").hardlink_to(stray / "cur" / DOVECOTS[1])
    assert moved(destination) == [True] * 3
    assert len(files(team / "cur") + files(team / "new")) == 3
    assert files(stray / "cur") == files(stray / "new") == []


def test_what_a_killed_move_left_with_the_owner_goes_with_the_next_one(
    destination: MaildirDestination, stray: Path, team: Path
) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    before = files(team)
    (team / "dovecot-keywords.lock").write_text(f"{gone.pid}:{socket.gethostname()}")
    (team / f"dovecot-keywords.reinstate.{gone.pid}").write_text("0 zero\n")
    (stray / "cur" / "1.x:2,S").write_text("mail")
    with destination.mailbox(ALICE) as mailbox:
        assert mailbox.relocate(STRAY, BOB, TEAM, ["1.x"]) == [True]
    assert files(team) == before


def test_a_file_of_the_target_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")
    here = os.open(tmp_path, os.O_RDONLY)
    with pytest.raises(FileExistsError):
        Disk("maildir:x").move(here, "a", here, "b")
    os.close(here)
    assert (tmp_path / "b").read_text() == "b"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_mountpoints_and_scripts_belong_to_the_owner_of_the_tree(
    tmp_path: Path,
) -> None:
    root = tmp_path / "given"
    opened = MaildirDestination(root, owner=(1990, 1991), mountpoints="symlink")
    opened.put_domain(Domain(id="d", name="example.test"))
    for address in (ALICE, BOB):
        opened.put_account(Account(id=address, address=address))
    with opened.mailbox(BOB) as bob:
        bob.grant(("INBOX",), [AccessGrant(f"user:{ALICE}", "lr")])
    with opened.mailbox(ALICE) as alice:
        alice.deliver([delivery("r1-1", STRAY, keywords=("blue",))])
        alice.relocate(STRAY, BOB, ("INBOX",), alice.item_names(STRAY))
        alice.mount(("A", "M"), BOB, ("INBOX",))
        alice.install_filters(Filters(incoming="keep;"))
        alice.replace_script("incoming", "discard;")
    opened.close()
    for path in (root, *root.rglob("*")):
        assert (path.lstat().st_uid, path.lstat().st_gid) == (1990, 1991), path


# -- folders that go


def test_dovecots_own_files_go_with_the_folder(
    destination: MaildirDestination, stray: Path
) -> None:
    for name in (
        "dovecot-uidlist",
        "dovecot.index.log",
        "dovecot.index.cache",
        "dovecot-acl",
    ):
        (stray / name).write_text("x")
    subscriptions = stray.parent / "subscriptions"
    with destination.mailbox(ALICE) as alice:
        alice.subscribe(STRAY)
        alice.subscribe(("Stray2",))
        assert alice.remove_folder(STRAY)
    assert "Stray\n" not in subscriptions.read_text()
    assert "Stray2\n" in subscriptions.read_text()
    assert not stray.exists()
    assert not list(stray.parent.glob("reinstate*"))


@pytest.mark.parametrize("what", ["cur/1.x:2,S", "new/1.x", "tmp/1.x", "notes.txt", "cur/.hidden"])
def test_a_folder_that_holds_anything_stays(
    destination: MaildirDestination, stray: Path, what: str
) -> None:
    (stray / what).write_text("x")
    before = files(stray)
    with destination.mailbox(ALICE) as alice:
        assert not alice.remove_folder(STRAY)
    assert files(stray) == before
    assert (stray / what).read_text() == "x"


def test_a_folder_above_a_mountpoint_stays(destination: MaildirDestination, stray: Path) -> None:
    with destination.mailbox(ALICE) as alice:
        alice.mount((*STRAY, "M"), BOB, TEAM)
        assert not alice.remove_folder(STRAY)
    assert stray.is_dir()


def test_a_removal_in_the_old_format_of_subscriptions(
    destination: MaildirDestination, stray: Path
) -> None:
    (stray.parent / "subscriptions").write_text("V\t2\n\nStray\nStray\tSub\n")
    with destination.mailbox(ALICE) as alice:
        assert alice.remove_folder(STRAY)
    assert (stray.parent / "subscriptions").read_text() == "V\t2\n\nStray\tSub\n"


def _arriving(monkeypatch: pytest.MonkeyPatch, stray: Path, arrive: Callable[[Path], None]) -> None:
    """Lets something arrive just when the folder has been put aside."""
    finish = removal._finish

    def meanwhile(own: Disk, home: int, name: str) -> None:
        arrive(stray.parent / removal.ASIDE / name)
        finish(own, home, name)

    monkeypatch.setattr(removal, "_finish", meanwhile)


@pytest.mark.parametrize("part", ["new", "cur", "tmp"])
def test_what_arrives_while_a_folder_goes_brings_it_back(
    destination: MaildirDestination,
    stray: Path,
    monkeypatch: pytest.MonkeyPatch,
    part: str,
) -> None:
    _arriving(monkeypatch, stray, lambda aside: (aside / part / "1.x").touch())
    with destination.mailbox(ALICE) as alice:
        assert not alice.remove_folder(STRAY)
    assert files(stray / part) == ["1.x"]
    assert not list(stray.parent.glob("reinstate*"))


def test_a_folder_goes_only_when_dovecot_has_let_go_of_it(
    destination: MaildirDestination, stray: Path
) -> None:
    """What is in new/ and not yet numbered would come a second time."""
    lock = stray / "dovecot-uidlist.lock"
    lock.write_text(f"{os.getpid()}:{socket.gethostname()}")
    with ThreadPoolExecutor() as threads, destination.mailbox(ALICE) as alice:
        removing = threads.submit(alice.remove_folder, STRAY)
        assert not wait([removing], timeout=0.2).done
        (stray / "new" / "1.x").touch()
        lock.unlink()
        assert not removing.result()
    assert files(stray / "new") == ["1.x"]


@pytest.mark.parametrize("part", ["cur", "new", "tmp"])
def test_a_folder_that_dovecot_is_just_making_is_none_yet(
    destination: MaildirDestination, stray: Path, part: str
) -> None:
    (stray / part).rmdir()
    with destination.mailbox(ALICE) as alice:
        assert list(alice.item_names(STRAY)) == []
        assert list(alice.relocate(STRAY, BOB, TEAM, ["1.x"])) == [False]
        assert list(alice.contents()) == []
        assert alice.remove_folder(STRAY)


def test_what_arrives_while_dovecot_makes_the_folder_again_joins_it(
    destination: MaildirDestination, stray: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def arrive(aside: Path) -> None:
        (aside / "new" / "1.x").touch()
        (aside / "tmp" / "2.x").touch()
        for part in ("cur", "new", "tmp"):
            (stray / part).mkdir(parents=True)
        (stray / "new" / "3.x").touch()

    _arriving(monkeypatch, stray, arrive)
    with destination.mailbox(ALICE) as alice:
        assert not alice.remove_folder(STRAY)
    assert files(stray / "new") == ["1.x", "3.x"]
    assert not list(stray.parent.glob("reinstate*"))


@pytest.mark.parametrize("held", ["", "new/1.x"])
def test_a_removal_that_was_cut_off_is_finished(
    destination: MaildirDestination, stray: Path, held: str
) -> None:
    (stray / "dovecot-uidlist").touch()
    if held:
        (stray / held).touch()
    (stray.parent / removal.ASIDE).mkdir()
    stray.rename(stray.parent / removal.ASIDE / stray.name)
    with destination.mailbox(ALICE) as alice:
        assert STRAY in [entry.path for entry in alice.folders()]
        assert alice.remove_folder(STRAY) == (not held)
        assert [entry.path for entry in alice.folders() if entry.path == STRAY] == (
            [STRAY] if held else []
        )
    assert not list(stray.parent.glob("reinstate*"))


def test_what_a_killed_run_left_in_the_owners_home_goes(
    destination: MaildirDestination, stray: Path, team: Path
) -> None:
    as_dovecot_left_it(stray)
    leftover = team / "dovecot-keywords.reinstate.99999999"
    leftover.touch()
    moved(destination)
    assert not leftover.exists()


def test_a_message_that_arrives_while_the_parts_are_removed_is_kept(
    destination: MaildirDestination, stray: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rmdir = os.rmdir

    def meanwhile(name: str, *, dir_fd: int) -> None:
        if name == "cur":
            (stray.parent / removal.ASIDE / stray.name / "cur" / "1.x").touch()
        rmdir(name, dir_fd=dir_fd)

    monkeypatch.setattr("os.rmdir", meanwhile)
    with destination.mailbox(ALICE) as alice:
        assert not alice.remove_folder(STRAY)
    assert files(stray / "cur") == ["1.x"]
    assert files(stray) == ["cur", "dovecot-acl", "maildirfolder", "new", "tmp"]


# -- mountpoints


def test_a_mountpoint_is_a_relative_link_and_subscribed(
    destination: MaildirDestination, stray: Path, team: Path
) -> None:
    with destination.mailbox(ALICE) as alice:
        for _ in range(2):
            alice.mount(("From", "Böb"), BOB, TEAM)
    link = stray.parent / ".From.B&APY-b"
    assert link.readlink() == Path("../../../example.test/bob.b/Maildir/.Team")
    assert link.resolve() == team
    assert (stray.parent / "subscriptions").read_text().count("From.B&APY-b\n") == 1


def test_a_mountpoint_that_dangles_is_still_one(
    destination: MaildirDestination, stray: Path
) -> None:
    (stray.parent / ".Old").symlink_to("../../../example.test/gone/Maildir")
    with destination.mailbox(ALICE) as alice:
        assert [entry.path for entry in alice.folders() if entry.mounted] == [("Old",)]
        with pytest.raises(Refused, match="another mountpoint"):
            alice.mount(("Old",), BOB, TEAM)


def test_a_mountpoint_of_a_mountpoint_is_refused(
    destination: MaildirDestination,
) -> None:
    with destination.mailbox(ALICE) as alice:
        alice.mount(("M",), BOB, TEAM)
    with destination.mailbox(BOB) as bob, pytest.raises(Missing):
        bob.mount(("N",), ALICE, ("M",))


def test_messages_do_not_move_into_or_out_of_a_mountpoint(
    destination: MaildirDestination, team: Path
) -> None:
    with destination.mailbox(BOB) as bob:
        bob.deliver([delivery("r1-1", TEAM)])
    with destination.mailbox(ALICE) as alice:
        alice.mount(("M",), BOB, TEAM)
        assert list(alice.relocate(("M",), ALICE, STRAY, ["1500000000.r1-1"])) == [False]
        with pytest.raises(Missing):
            alice.relocate(STRAY, ALICE, ("M",), ["1500000000.r1-1"])
    assert files(team / "cur") == [f"{DATE // 1000}.r1-1,S=20:2,"]


def test_the_way_of_mounting_is_chosen_when_the_destination_is_opened(
    tmp_path: Path,
) -> None:
    for mountpoints, in_place in (("shared", False), ("symlink", True)):
        for location in (f"maildir:{tmp_path}/mail", "memory:"):
            opened = open_destination(location, mountpoints=mountpoints)
            assert opened.namespace().mounts_in_place is in_place
            opened.close()
        for location in (f"maildir:{tmp_path}/mail", f"maildir:{tmp_path}/none"):
            opened = destination_as_it_is(location, mountpoints=mountpoints)
            assert opened.namespace().mounts_in_place is in_place
            opened.close()
    for location in ("memory:", f"maildir:{tmp_path}/none"):
        with pytest.raises(UsageError, match="hardlink"):
            open_destination(location, mountpoints="hardlink")
        with pytest.raises(UsageError, match="hardlink"):
            destination_as_it_is(location, mountpoints="hardlink")


# -- scripts


def test_the_active_script_is_found_wherever_it_is(
    destination: MaildirDestination, stray: Path, tmp_path: Path
) -> None:
    home = stray.parent.parent
    active = home / ".dovecot.sieve"
    (home / "own").mkdir()
    (home / "own" / "main.sieve").write_text("# own")
    (home / "sieve" / "mine.sieve").write_text("# mine")
    (home / "sieve" / "linked.sieve").symlink_to(tmp_path / "mail" / "directory.sqlite")
    (tmp_path / "outside").write_text("# outside")
    cases: list[tuple[str | Path, dict[str, str]]] = [
        ("sieve/mine.sieve", {}),
        (home / "sieve" / "mine.sieve", {}),
        ("own/main.sieve", {".dovecot": "# own"}),
        (home / "own" / "main.sieve", {".dovecot": "# own"}),
        ("own/../own/main.sieve", {".dovecot": "# own"}),
        ("none.sieve", {}),
        ("sieve/linked.sieve", {}),
        ("../bob.b/.dovecot.sieve", {}),
        (tmp_path / "outside", {}),
        ("/none/at/all", {}),
    ]
    with destination.mailbox(ALICE) as alice:
        for target, found in cases:
            active.symlink_to(target)
            assert alice.scripts() == {"mine": "# mine", **found}, target
            active.unlink()
        active.write_text("# plain")
        assert alice.scripts() == {"mine": "# mine", ".dovecot": "# plain"}


@pytest.mark.parametrize("target", ["own/main.sieve", ""])
def test_an_active_script_elsewhere_is_replaced_in_its_place(
    destination: MaildirDestination, stray: Path, target: str
) -> None:
    home = stray.parent.parent
    active = home / ".dovecot.sieve"
    if target:
        (home / "own").mkdir()
        (home / target).write_bytes(b"# \xff")
        active.symlink_to(target)
    else:
        active.write_bytes(b"# \xff")
    with destination.mailbox(ALICE) as alice:
        alice.replace_script(".dovecot", alice.scripts()[".dovecot"] + "!")
    assert active.is_symlink() == bool(target)
    assert active.read_bytes() == b"# \xff!"


def test_a_replaced_script_stays_active_and_what_was_compiled_of_it_goes(
    destination: MaildirDestination, stray: Path
) -> None:
    home = stray.parent.parent
    with destination.mailbox(ALICE) as alice:
        alice.install_filters(Filters(incoming="keep;", before="keep;"))
        for compiled in (
            ".dovecot.svbin",
            "sieve/incoming.svbin",
            "sieve/before.svbin",
        ):
            (home / compiled).touch()
        for _ in range(2):
            alice.replace_script("incoming", "discard;")
    assert (home / ".dovecot.sieve").readlink() == Path("sieve/incoming.sieve")
    assert (home / ".dovecot.sieve").read_text() == "discard;"
    assert files(home / "sieve") == ["before.sieve", "before.svbin", "incoming.sieve"]
    assert not (home / ".dovecot.svbin").exists()


def test_a_disk_that_fails_leaves_the_old_script(
    destination: MaildirDestination, stray: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int, _content: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with destination.mailbox(ALICE) as alice:
        alice.install_filters(Filters(incoming="keep;"))
        monkeypatch.setattr("os.write", full)
        with pytest.raises(DestinationError, match="No space"):
            alice.replace_script("incoming", "discard;")
    assert (stray.parent.parent / ".dovecot.sieve").read_text() == "keep;"
