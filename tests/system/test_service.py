"""The service, as a process: killed, drained, and told of jobs, marks and scans."""

from __future__ import annotations

import random
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from reinstate_journal import open_reader
from reinstate_journal.check import check
from reinstate_journal.events import RunStarted
from reinstate_service.model import Item
from reinstate_service.operations.sample import FIRST_SCAN, write_many
from reinstate_service.operations.sample_people import account_id
from reinstate_service.operations.spool.outcome import State
from reinstate_service.operations.spool.schedule import SUSPEND
from reinstate_service.source.backup_path import BackupPathSource, BackupWriter
from running import COMMAND, run
from spooling import Service, free_port, mail_server, settings
from unit.cli.waiting import head_of, wait_until_at, wait_until_restored

USER = "user00000@example.com"


def messages(tree: Path) -> list[bytes]:
    """The contents of all messages in a tree."""
    return sorted(path.read_bytes() for path in tree.glob("*/*/Maildir/**/cur/*"))


def contents(backup: Path) -> list[bytes]:
    """The contents of all items of a backup."""
    source = BackupPathSource(backup)
    return sorted(
        b"".join(source.content(item))
        for ref in source.accounts()
        for item in source.items(ref.id)
        if isinstance(item, Item)
    )


def scan(backup: Path, items: int) -> None:
    """A later scan of the backup, which finds so many items more in one account."""
    with BackupWriter(backup, clock=lambda: FIRST_SCAN + 86_400_000, durable=False) as writer:
        for number in range(items):
            content = f"Subject: later {number}\r\n\r\nlater".encode()
            writer.put_item(
                account_id(USER), str(900_000 + number), content=content, folder="2", date=1000
            )
        writer.finish_scan()


def test_a_service_that_is_killed_in_two_jobs_finishes_both_exactly_once(tmp_path: Path) -> None:
    service = Service(tmp_path / "spool")
    trees = {name: tmp_path / f"{name}-mail" for name in ("one", "two")}
    for name, tree in trees.items():
        write_many(tmp_path / name, 5, 3000)
        service.job(name, tmp_path / name, tree)
    service.start()
    for name in trees:
        wait_until_restored(service.folder.journal(name))
    service.end(signal.SIGKILL)
    assert {service.folder.outcome(name).state for name in trees} == {State.RUNNING}  # type: ignore[union-attr]
    with service.running():
        for name in trees:
            outcome = service.wait(name, State.FINISHED)
            assert outcome.counts is not None
            assert outcome.counts.restored == 3000
    for name, tree in trees.items():
        assert messages(tree) == contents(tmp_path / name)
        assert check(service.folder.journal(name)) == []


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
def test_a_service_that_is_killed_again_and_again_finishes_exactly_once(
    tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    service = Service(tmp_path / "spool")
    trees = {name: tmp_path / f"{name}-mail" for name in ("one", "two")}
    for name, tree in trees.items():
        write_many(tmp_path / name, 5, 4000)
        service.job(name, tmp_path / name, tree)

    def unfinished() -> list[str]:
        known = {name: service.folder.outcome(name) for name in trees}
        return [name for name, one in known.items() if not one or one.state != State.FINISHED]

    for _ in range(8):
        if not unfinished():
            break
        watched = service.folder.journal(chance.choice(unfinished()))
        position = head_of(watched) + chance.randrange(1, 400)
        service.start()
        wait_until_at(watched, position, or_else=lambda: not unfinished())
        service.end(signal.SIGKILL)
    if unfinished():
        with service.running():
            for name in trees:
                service.wait(name, State.FINISHED)
    for name, tree in trees.items():
        assert messages(tree) == contents(tmp_path / name)
        assert check(service.folder.journal(name)) == []


def test_a_scan_of_a_followed_backup_is_restored_without_being_asked(tmp_path: Path) -> None:
    write_many(tmp_path / "backup", 2, 20)
    service = Service(tmp_path / "spool")
    service.job("move", tmp_path / "backup", tmp_path / "mail", "follow = true")
    with service.running():
        service.wait("move", State.FOLLOWING)
        assert len(messages(tmp_path / "mail")) == 20
        scan(tmp_path / "backup", 100)
        second = service.wait("move", State.FOLLOWING, that=lambda found: found.passes == 2)
        assert second.counts is not None
        assert second.counts.restored == 120
        assert len(messages(tmp_path / "mail")) == 120
        run("complete", "move", "--spool", service.path)
        service.wait("move", State.FINISHED)
    assert messages(tmp_path / "mail") == contents(tmp_path / "backup")
    assert service.folder.marks("move") == frozenset()


def test_a_job_with_five_mistakes_gets_one_message_that_names_all_five(tmp_path: Path) -> None:
    service = Service(tmp_path / "spool")
    with mail_server(port := free_port()) as mailbox:
        text = settings(port, "ops@example.com")
        (service.path / "service.toml").write_text(text, encoding="utf-8")
        with service.running():
            wrong = (
                "prority = 3",
                'quiet_hours = ["25:00-26:00"]',
                "complete_after = 2026-12-01T00:00:00Z",
                "[options]",
                'max_file_size = "much"',
                "concurrent_accounts = 0",
            )
            service.job("wrong", tmp_path / "backup", tmp_path / "mail", *wrong)
            service.wait("wrong", State.REFUSED)
            mail = mailbox.wait_for("wrong: refused")
            said = service.end()
        body = mail.get_content()
        for named in (
            "prority: no such key; priority?",
            "quiet_hours: '25:00-26:00' is not like",
            "complete_after: is for jobs with follow = true",
            "options.max_file_size: 'much' is no size",
            "options.concurrent_accounts: Expected `int` >= 1",
        ):
            assert named in body
            assert named in said
        assert len(mailbox.mails) == 1
    assert not (tmp_path / "mail").exists()


def test_it_tells_of_the_beginning_of_phase_1_and_of_the_end_with_all_failures(
    tmp_path: Path,
) -> None:
    write_many(tmp_path / "backup", 1, 10)
    source = BackupPathSource(tmp_path / "backup")
    lost = next(item for item in source.items(account_id(USER)) if isinstance(item, Item))
    (tmp_path / "backup" / "items" / lost.digest[:2] / lost.digest).unlink()
    service = Service(tmp_path / "spool")
    with mail_server(port := free_port()) as mailbox:
        text = settings(port, "ops@example.com")
        (service.path / "service.toml").write_text(text, encoding="utf-8")
        told = tmp_path / "told"
        notify = (
            "[notify]",
            'mail = ["ann@example.com", "ops@example.com"]',
            f"""command = ["sh", "-c", 'echo "$REINSTATE_OCCASION" >> {told}']""",
        )
        service.job("move", tmp_path / "backup", tmp_path / "mail", *notify)
        with service.running():
            outcome = service.wait("move", State.INCOMPLETE)
            mail = mailbox.wait_for("not everything")
    assert mailbox.subjects() == [
        "reinstate: move: started",
        "reinstate: move: phase 1 is through",
        "reinstate: move: finished, but not everything is restored",
    ]
    assert {mail["X-To"] for mail in mailbox.mails} == {"ops@example.com, ann@example.com"}
    assert told.read_text().splitlines() == ["started", "phase 1", "incomplete"]
    body = mail.get_content()
    assert f"item {lost.id} {lost.digest[:8]}" in body
    assert "BlobMissing (1): The backup lacks the content." in body
    assert f"reinstate spool resume move --spool {service.path}" in body
    assert "9 restored, 0 skipped, 1 failed" in body
    assert "Subject" not in body.replace("subject", "")
    assert outcome.failed == 1


def test_what_could_not_be_told_is_told_by_the_next_service(tmp_path: Path) -> None:
    write_many(tmp_path / "backup", 1, 4)
    service = Service(tmp_path / "spool")
    port = free_port()
    text = settings(port, "ops@example.com")
    (service.path / "service.toml").write_text(text, encoding="utf-8")
    service.job("move", tmp_path / "backup", tmp_path / "mail")
    with service.running():
        service.wait("move", State.FINISHED)
        assert "could not be delivered by 127.0.0.1" in service.end()
    with mail_server(port) as mailbox, service.running():
        mailbox.wait_for("move: finished")
    assert len(mailbox.mails) == 3


def test_it_is_drained_by_sigterm_and_goes_on(tmp_path: Path) -> None:
    write_many(tmp_path / "backup", 5, 6000)
    service = Service(tmp_path / "spool")
    service.job("move", tmp_path / "backup", tmp_path / "mail")
    service.start()
    wait_until_restored(service.folder.journal("move"))
    service.end(signal.SIGTERM)
    outcome = service.folder.outcome("move")
    assert outcome is not None
    assert (outcome.state, outcome.reason) == (State.WAITING, "interrupted")
    with service.running():
        service.wait("move", State.FINISHED)
    assert messages(tmp_path / "mail") == contents(tmp_path / "backup")


def test_a_job_pauses_and_goes_on_when_asked(tmp_path: Path) -> None:
    write_many(tmp_path / "backup", 5, 6000)
    service = Service(tmp_path / "spool")
    service.job("move", tmp_path / "backup", tmp_path / "mail")
    spool = ("--spool", service.path)
    with service.running():
        wait_until_restored(service.folder.journal("move"))
        service.folder.put_mark("move", SUSPEND)
        service.wait("move", State.SUSPENDED)
        assert "move  suspended" in run("spool", "list", *spool)
        run("spool", "resume", "move", *spool)
        service.wait("move", State.FINISHED)
    with open_reader(service.folder.journal("move")) as reader:
        assert sum(1 for _ in reader.read(types=[RunStarted])) == 2


def test_a_limit_suspends_a_job_until_it_is_resumed_with_another(tmp_path: Path) -> None:
    write_many(tmp_path / "backup", 1, 10)
    source = BackupPathSource(tmp_path / "backup")
    lost = next(item for item in source.items(account_id(USER)) if isinstance(item, Item))
    (tmp_path / "backup" / "items" / lost.digest[:2] / lost.digest).unlink()
    service = Service(tmp_path / "spool")
    limit = ("[options]", "bad_item_limit = 0")
    service.job("move", tmp_path / "backup", tmp_path / "mail", *limit)
    with service.running():
        outcome = service.wait("move", State.SUSPENDED)
        assert "more than the 0 that are allowed" in outcome.reason
        run("approve", "--all", "--journal", service.folder.journal("move"))
        run("spool", "resume", "move", "--spool", service.path)
        service.wait("move", State.FINISHED)


def test_the_jobs_of_one_slot_go_by_priority(tmp_path: Path) -> None:
    service = Service(tmp_path / "spool")
    for name, priority in (("low", 1), ("high", 9), ("middle", 5)):
        write_many(tmp_path / name, 1, 5)
        tree = tmp_path / f"{name}-mail"
        service.job(name, tmp_path / name, tree, f"priority = {priority}")
    with subprocess.Popen(
        [*COMMAND, "serve", "--spool", str(service.path), "--concurrent-jobs", "1"],
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stderr is not None
        finished: list[str] = []
        for line in running.stderr:
            if line.endswith(": finished\n"):
                finished.append(line.split()[1].rstrip(":"))
            if len(finished) == 3:
                running.terminate()
                break
        running.communicate()
    assert finished == ["high", "middle", "low"]


def test_systemd_is_told_when_it_is_ready_and_when_it_ends(tmp_path: Path) -> None:
    service = Service(tmp_path / "spool")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(60)
        with service.running(NOTIFY_SOCKET=str(tmp_path / "notify")):
            assert systemd.recv(100) == b"READY=1"
        told = b""
        while told != b"STOPPING=1":
            told = systemd.recv(100)
            assert told in {b"WATCHDOG=1", b"STOPPING=1"}


def test_a_second_service_in_the_same_spool_is_refused(tmp_path: Path) -> None:
    write_many(tmp_path / "backup", 1, 1)
    service = Service(tmp_path / "spool")
    service.job("move", tmp_path / "backup", tmp_path / "mail")
    with service.running():
        service.wait("move", State.FINISHED)
        run("serve", "--spool", service.path, expect=2)
