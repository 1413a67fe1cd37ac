"""`reinstate backup build --from-maildir`: what a tree of Maildirs becomes, and stays."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest
from msgspec.structs import replace

import damage
from reinstate_journal.errors import UsageError
from reinstate_service.model import AccountRef, Containers, Flag, Item, Role
from reinstate_service.operations.backup_build import BuildSummary, build_from_maildir
from reinstate_service.operations.backup_check import check_backup
from reinstate_service.source.backup_path import BackupPathSource


class Tree:
    """A tree of Maildirs and the backup that is built from it."""

    def __init__(self, path: Path) -> None:
        self.mail, self.backup, self.clock = path / "mail", path / "backup", 0
        self.home = self.mail / "example.com" / "anna"

    def put(self, name: str, content: bytes = b"Subject: x\r\n\r\n", date: int = 1000) -> Path:
        file = self.home / "Maildir" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        os.utime(file, (date, date))
        return file

    def build(self) -> BuildSummary:
        self.clock += 1000
        return build_from_maildir(self.mail, self.backup, clock=lambda: self.clock)

    @property
    def source(self) -> BackupPathSource:
        return BackupPathSource(self.backup)

    @property
    def account(self) -> str:
        return next(ref.id for ref in self.source.accounts() if isinstance(ref, AccountRef))

    @property
    def items(self) -> dict[str, Item]:
        """By content."""
        found = (item for item in self.source.items(self.account) if isinstance(item, Item))
        return {b"".join(self.source.content(item)).decode(): item for item in found}

    @property
    def containers(self) -> Containers:
        return self.source.containers(self.account)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    made = Tree(tmp_path)
    made.put("cur/1.one:2,FSab", b"one", 1234)
    made.put("new/2.two", b"two")
    made.put(".Sent/cur/3.three:2,S", b"three")
    made.put(".B&APw-ro.Rechnungen/cur/4.four:2,RP", b"four")
    made.put(".v1\\2e2/cur/5.five:2,T", b"five")
    made.put("dovecot-keywords", b"0 Wichtig\n1 $MDNSent\n")
    made.put("dovecot-uidlist", b"3 V1 N9 Gabc\n7 :1.one:2,S\n8 W99 :2.two\n")
    return made


def test_folders_flags_keywords_dates_and_uids_are_taken(tree: Tree) -> None:
    assert tree.build() == BuildSummary(1, 0, 5, 5, 0, 0, ())
    one = tree.items["one"]
    assert one.flags == Flag.SEEN | Flag.FLAGGED | Flag.MDN_SENT
    assert (one.tags, one.date, one.imap_uid, one.folder) == (("Wichtig",), 1_234_000, 7, "2")
    assert (tree.items["two"].flags, tree.items["two"].imap_uid) == (Flag(0), 8)
    assert tree.items["four"].flags == Flag.ANSWERED | Flag.FORWARDED
    names = {folder.name: folder for folder in tree.containers.folders}
    assert set(names) == {"Inbox", "Sent", "Büro", "Rechnungen", "v1.2"}
    assert names["Sent"].role is Role.SENT
    assert names["Rechnungen"].parent == names["Büro"].id
    assert [tag.name for tag in tree.containers.tags] == ["Wichtig"]
    assert list(check_backup(tree.source)) == []


def test_built_again_nothing_changes_but_the_time_of_the_scan(tree: Tree) -> None:
    tree.build()
    before = damage.snapshot(tree.backup)
    assert tree.build() == BuildSummary(1, 0, 0, 0, 0, 0, ())
    changed = {
        name for name, stamp in damage.snapshot(tree.backup).items() if before[name] != stamp
    }
    assert {name.rpartition("/")[2] for name in changed} <= {"backupstat", "account_stat"}


def test_what_changed_is_a_state_and_what_vanished_a_deletion(tree: Tree) -> None:
    tree.build()
    before = tree.items
    maildir = tree.home / "Maildir"
    (maildir / "new/2.two").rename(maildir / "cur/2.two:2,S")
    (maildir / "cur/1.one:2,FSab").rename(maildir / ".v1\\2e2/cur/1.one:2,S")
    (maildir / ".Sent/cur/3.three:2,S").unlink()
    tree.put("cur/6.six:2,", b"six")
    assert tree.build() == BuildSummary(1, 0, 0, 1, 2, 1, ())
    after = tree.items
    assert {text: item.id for text, item in before.items()}.items() <= {
        text: item.id for text, item in after.items()
    }.items()
    assert after["two"].flags == Flag.SEEN
    assert after["one"].folder != "2"
    assert after["three"].deleted
    old = BackupPathSource(tree.backup, 1500)
    found = [item for item in old.items(tree.account) if isinstance(item, Item)]
    assert [replace(item, other_folders=()) for item in found if not item.deleted] == sorted(
        before.values(), key=lambda item: int(item.id)
    )


def test_the_same_name_in_two_folders_is_two_items(tree: Tree) -> None:
    tree.put(".Copy/cur/1.one:2,", b"one again")
    tree.build()
    (tree.home / "Maildir/cur/1.one:2,FSab").unlink()
    assert tree.build().items_deleted == 1
    assert not tree.items["one again"].deleted


def test_a_folder_that_vanished_is_deleted_and_may_come_back(tree: Tree) -> None:
    tree.build()
    folder = tree.home / "Maildir/.v1\\2e2"
    folder.rename(tree.home / "aside")
    tree.build()
    assert "v1.2" not in {each.name for each in tree.containers.folders}
    (tree.home / "aside").rename(folder)
    tree.build()
    assert "v1.2" in {each.name for each in tree.containers.folders}
    assert list(check_backup(tree.source)) == []


def test_an_account_that_vanished_is_deleted(tree: Tree) -> None:
    tree.build()
    (tree.mail / "example.org" / "bob" / "Maildir").mkdir(parents=True)
    (tree.home / "Maildir").rename(tree.home / "gone")
    assert tree.build().accounts_deleted == 1
    refs = [ref for ref in tree.source.accounts() if isinstance(ref, AccountRef)]
    assert [(ref.address, ref.deleted) for ref in refs] == [
        ("anna@example.com", True),
        ("bob@example.org", False),
    ]
    assert [domain.name for domain in tree.source.domains()] == ["example.org"]


def test_the_active_script_is_the_filter(tree: Tree) -> None:
    (tree.home / "sieve").mkdir()
    (tree.home / "sieve" / "main.sieve").write_text('redirect "x@example.org";')
    (tree.home / ".dovecot.sieve").symlink_to("sieve/main.sieve")
    tree.build()
    assert tree.source.account(tree.account).filters.incoming == 'redirect "x@example.org";'


@pytest.mark.parametrize(
    "target", ["/etc/passwd", "../../secret.sieve", "sieve/../../secret.sieve"]
)
def test_a_script_elsewhere_is_not_followed(tree: Tree, target: str) -> None:
    (tree.mail / "secret.sieve").write_text("secret")
    (tree.home / "sieve").mkdir()
    (tree.home / ".dovecot.sieve").symlink_to(target)
    tree.build()
    assert tree.source.account(tree.account).filters.incoming == ""


def test_links_are_not_followed(tree: Tree, tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(b"outside")
    (tree.home / "Maildir/cur/9.link:2,").symlink_to(tmp_path / "outside")
    (tree.home / "Maildir/.Linked").symlink_to(tree.home / "Maildir/.Sent")
    tree.build()
    assert "outside" not in tree.items
    assert "Linked" not in {folder.name for folder in tree.containers.folders}


def test_a_name_that_is_no_text_is_taken_all_the_same(tree: Tree) -> None:
    name = os.fsdecode(b"cur/7.\xff\xfe:2,S")
    tree.put(name, b"strange")
    tree.build()
    assert tree.items["strange"].flags == Flag.SEEN
    assert tree.build().items_added == 0


def test_a_folder_without_accounts_is_refused_before_anything_is_deleted(tree: Tree) -> None:
    tree.build()
    (tree.mail / "example.com").rename(tree.mail.parent / "aside")
    with pytest.raises(UsageError, match="holds no"):
        tree.build()
    assert not tree.items["one"].deleted


def test_backup_and_maildirs_never_lie_one_in_the_other(tree: Tree) -> None:
    for backup in (tree.mail, tree.mail / "backup", tree.mail.parent):
        with pytest.raises(UsageError, match="one in the other"):
            build_from_maildir(tree.mail, backup)
    with pytest.raises(UsageError, match="no folder"):
        build_from_maildir(tree.mail / "nowhere", tree.backup)


def test_messages_that_are_gzip_files_are_unpacked_and_those_that_look_so_are_not(
    tree: Tree,
) -> None:
    whole = gzip.compress(b"a packed message")
    tree.put("cur/6.six,S=16:2,S", whole)
    tree.put(f"cur/7.seven,S={len(whole)}:2,S", whole)
    tree.put("cur/8.eight,S=16:2,S", whole[:12] + b"damaged" + whole[-8:])
    summary = tree.build()
    assert [one.partition(": ")[2] for one in summary.skipped] == ["its gzip data does not unpack"]
    source = tree.source
    found = [item for item in source.items(tree.account) if isinstance(item, Item)]
    contents = [b"".join(source.content(item)) for item in found]
    assert b"a packed message" in contents
    assert whole in contents
    assert tree.build().skipped == summary.skipped
