"""What Zimbra's words become is run by Pigeonhole, with the outcome they had in Zimbra."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pigeonhole import STOCK, needs_pigeonhole, outcome
from reinstate_service.mapping.sieve.zimbra import translate_script
from reinstate_service.mapping.sieve.zimbra_tests import Surroundings
from system.dovecot import reachable_folder

pytestmark = needs_pigeonhole
AROUND = Surroundings(("me@example.test", "alias@example.test"), (("Work",),), "Etc/UTC")
PLAIN = {"From": "a@elsewhere.test", "To": "me@example.test", "Subject": "hello"}
INVITE = """--b
Content-Type: text/plain

x
--b
Content-Type: text/calendar; method={method}

BEGIN:VCALENDAR
--b--
"""
MIXED = {"MIME-Version": "1.0", "Content-Type": "multipart/mixed; boundary=b"}


@pytest.fixture
def folder() -> Iterator[Path]:
    with reachable_folder() as one:
        yield one


def message(headers: dict[str, str], body: str = "x\n") -> str:
    fields = {**PLAIN, **headers}
    return "".join(f"{name}: {text}\n" for name, text in fields.items() if text) + f"\n{body}"


def matches(test: str, mail: str, folder: Path) -> bool:
    """Whether a rule with this test of Zimbra's files the message."""
    zimbras = f'require ["fileinto", "tag"];\nif allof ({test}) {{ fileinto "Hit"; }}\n'
    translated = translate_script(zimbras, STOCK.split(), AROUND)
    assert not translated.kept
    return "store message in folder: Hit" in outcome(translated.text, mail, folder)


BEFORE, AFTER = "Fri, 31 Dec 2021 23:59:59 +0000", "Sat, 01 Jan 2022 00:00:01 +0000"


@pytest.mark.parametrize(
    ("test", "true_for", "false_for"),
    [
        ('me :in "to,cc"', {"To": "Me@Example.test"}, {"To": "you@example.test"}),
        ('me :in "to,cc"', {"To": "x@y.test", "Cc": "A <alias@example.test>"}, {"To": "x@y.test"}),
        ('not me :in "to"', {"To": "x@y.test"}, {}),
        ("list", {"List-Id": "<l.example>"}, {}),
        ("list", {"X-Zimbra-DL": "l@example.test"}, {"List-Post": "x"}),
        ('importance "high"', {"Importance": "High"}, {"Importance": "low"}),
        ('importance "high"', {"X-Priority": "1"}, {"X-Priority": "3"}),
        ('importance "low"', {"X-Priority": "5"}, {}),
        ('importance "normal"', {"X-Priority": "3"}, {"Importance": "high"}),
        ('importance "normal"', {}, {"Importance": "low"}),
        ('date :before "20220101"', {"Date": BEFORE}, {"Date": AFTER}),
        ('date :after "20220101"', {"Date": AFTER}, {"Date": BEFORE}),
        ('date :after "20220101"', {}, {"Date": "Sat, 01 Jan 2022 00:00:00 +0000"}),
        ('not date :before "20220101"', {}, {"Date": BEFORE}),
        (
            "facebook",
            {"From": "notification+x@facebookmail.com"},
            {"From": "deals+x@facebookmail.com"},
        ),
        ("linkedin", {"From": "A <a@e.linkedin.com>"}, {"From": "a@notlinkedin.com"}),
        ("twitter", {"From": "notify@twitter.com"}, {"From": "x@twitter.com"}),
        (
            "socialcast",
            {"From": "x@socialcast.com", "Reply-To": "y@z.test"},
            {"From": "x@socialcast.com"},
        ),
        (
            "community_requests",
            {"X-Zimbra-Community-Notification-Type": "1b0500d2-c789-421e-a25b-3ab823af53be"},
            {"X-Zimbra-Community-Notification-Type": "f8c93cd5-d40e-461d-b13a-b02e92bfcbbf"},
        ),
        (
            "community_content",
            {"X-Zimbra-Community-Notification-Type": "f8c93cd5-d40e-461d-b13a-b02e92bfcbbf"},
            {},
        ),
        (
            "community_connections",
            {"X-Zimbra-Community-Notification-Type": "df527fff-4d37-4b8c-afbc-949b6337cdca"},
            {},
        ),
        ('mime_header :contains "X-Mark" "one"', {"X-Mark": "one two"}, {}),
    ],
)
def test_a_test_is_true_for_the_messages_for_which_it_was(
    test: str, true_for: dict[str, str], false_for: dict[str, str], folder: Path
) -> None:
    assert matches(test, message(true_for), folder)
    assert not matches(test, message(false_for), folder)


@pytest.mark.parametrize(
    ("test", "yes", "no"),
    [
        ("invite", "REQUEST", None),
        ('invite :method ["anyrequest"]', "cancel", "REPLY"),
        ('invite :method ["anyreply", "publish"]', "COUNTER", "REQUEST"),
        ('mime_header :contains "Content-Type" "text/calendar"', "REPLY", None),
    ],
)
def test_the_parts_of_a_message_are_looked_at(
    test: str, yes: str, no: str | None, folder: Path
) -> None:
    assert matches(test, message(MIXED, INVITE.format(method=yes)), folder)
    other = message(MIXED, INVITE.format(method=no)) if no else message({})
    assert not matches(test, other, folder)


def test_the_time_of_day_and_the_day_of_the_week_are_those_of_the_account(folder: Path) -> None:
    now = datetime.now(UTC)
    for zone, offset in (("Etc/UTC", 0), ("Asia/Tokyo", 9)):
        there = now + timedelta(hours=offset)
        around = Surroundings(zone=zone)
        day = (there.weekday() + 1) % 7
        for test, expected in (
            (f'current_day_of_week :is ["{day}", "{(day + 1) % 7}"]', True),
            (f'current_day_of_week :is ["{(day + 3) % 7}"]', False),
            ('anyof (current_time :before "1200", current_time :after "1200")', True),
            ('allof (current_time :before "1200", current_time :after "1200")', False),
            (f'current_time :{"before" if there.hour < 12 else "after"} "1200"', True),
        ):
            script = f'require "tag";\nif {test} {{ fileinto "Hit"; }}\n'
            translated = translate_script(script, STOCK.split(), around)
            assert not translated.kept
            told = outcome(translated.text, message({}), folder)
            assert ("folder: Hit" in told) is expected, (zone, test)


def does(rules: str, folder: Path, extensions: str = STOCK, headers: str = "hello") -> str:
    translated = translate_script(rules, extensions.split(), AROUND)
    assert not [kept for kept in translated.kept if "log" not in kept.reason]
    return outcome(translated.text, message({"Subject": headers}), folder, extensions)


def test_a_message_is_filed_with_the_tags_and_flags_that_come_after_it(folder: Path) -> None:
    told = does(
        'if true {\n  fileinto "/work";\n  tag "Größe 1";\n  flag "read";\n  flag "priority";\n}',
        folder,
    )
    assert "store message in folder: Work" in told
    flags = next(line for line in told.splitlines() if "add IMAP flags" in line)
    assert set(flags.partition(":")[2].split()) == {
        "Gr=C3=B6=C3=9Fe=201",
        "\\seen",
        "$Important",
    }


def test_a_message_that_is_only_marked_stays_in_the_inbox_with_its_marks(folder: Path) -> None:
    told = does('tag "A"; flag "flagged"; flag "read"; flag "unread";', folder)
    assert "store message in folder: INBOX" in told
    assert "\\flagged" in told
    assert "\\seen" not in told


def test_a_rule_can_ask_for_the_flags_of_the_rules_above(folder: Path) -> None:
    rules = (
        'if header :is "subject" "hello" { flag "priority"; }\n'
        'if flagged "priority" { fileinto "Hit"; }\n'
    )
    assert "folder: Hit" in does(rules, folder)
    assert "folder: Hit" not in does(rules, folder, headers="else")


def test_an_inactive_rule_does_nothing_and_a_log_line_stops_nothing(folder: Path) -> None:
    rules = 'disabled_if true { discard; }\nif true { log :info "here"; fileinto "Hit"; }\n'
    translated = translate_script(rules, STOCK.split(), AROUND)
    told = outcome(translated.text, message({}), folder)
    assert "folder: Hit" in told
    assert "discard" not in told
    assert [kept.reason for kept in translated.kept] == [
        "it was inactive",
        "the server keeps no log for scripts",
    ]


def test_a_notification_goes_to_the_address_with_subject_and_text(folder: Path) -> None:
    told = does(
        'if true { notify "a+b@phone.test" "Alarm \\"1\\"" text:\nOne & two\n..three?\n.\n; }',
        folder,
    )
    assert "To: a+b@phone.test" in told
    assert 'subject      : Alarm "1"' in told
    assert "One & two\n.three?" in told.replace("\r", "")
    assert "store message in folder: INBOX" in told


def test_where_seconds_are_allowed_every_message_is_answered(folder: Path) -> None:
    told = does("if true { reply text:\nThank you\n.\n; }", folder, f"{STOCK} vacation-seconds")
    assert "send vacation message" in told
    assert "Thank you" in told
