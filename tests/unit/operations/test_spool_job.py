"""Job files: what they mean, and what is wrong with them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reinstate_service.operations.spool.job import Choices, Job, JobWrong, Notify, read_job
from reinstate_service.operations.spool.quiet_hours import quiet_hours_of
from reinstate_service.operations.spool.settings import Smtp, read_settings
from reinstate_service.restore.options import Options
from reinstate_service.testing import law

PLACES = 'source = "/b"\ndestination = "maildir:/m"\n'
#: Any moment of a year; quiet hours are by the clock on the wall.
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31))  # noqa: DTZ001


def mistakes_of(text: str) -> tuple[str, ...]:
    with pytest.raises(JobWrong) as caught:
        read_job("move", text)
    return caught.value.fields["mistakes"]  # type: ignore[return-value]


def test_two_places_are_enough_and_mean_what_restore_means() -> None:
    assert read_job("move", PLACES).to_options() == Options(source="/b", destination="maildir:/m")


def test_every_option_of_restore_but_the_places_and_whom_to_notify_can_be_chosen() -> None:
    elsewhere = {"source", "destination", "notifications"}
    assert set(Choices.__struct_fields__) == set(Options.__struct_fields__) - elsewhere


def test_what_is_chosen_becomes_the_options_of_the_restore() -> None:
    options = read_job(
        "move",
        PLACES
        + '[options]\nmax_file_size = "50M"\nowner = "7:8"\nat = 2026-05-03T14:00:00Z\n'
        + 'accounts = ["a@x"]\nfilter_deleted = false\n[notify]\nmail = ["o@x"]\n',
    ).to_options()
    assert (options.max_file_size, options.owner, options.at) == (50 << 20, (7, 8), 1777816800000)
    assert (options.accounts, options.filter_deleted) == (("a@x",), False)
    assert options.notifications == ("o@x",)


def test_all_mistakes_are_told_at_once_also_where_others_hide_the_shape() -> None:
    found = mistakes_of(
        'source = 3\ndestination = "ftp:x"\ntime_zone = "Mars/Olympus"\nstart_after = 2026-01-01\n'
        '[options]\nowner = "nobody-of-this-name"\nmax_file_size = -1\n[notify]\nmail = ["x"]\n'
    )
    assert [one.partition(":")[0] for one in found] == [
        "destination",
        "notify.mail",
        "options.max_file_size",
        "options.owner",
        "source",
        "start_after",
        "time_zone",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("source = ", "it is no TOML"),
        ("", "destination: missing"),
        (PLACES + "start_after = 2026-01-01T00:00:00\n", "start_after: Expected `datetime`"),
        ('source = "s3:x"\ndestination = "maildir:m"\n', "source: s3:x names no kind of backup"),
        ('source = "/b"\ndestination = "imaps://h"\n', "options.config: imaps://h needs one"),
        (
            'source = "/b"\ndestination = "imaps://h"\n[options]\ncompress = "keep"\n',
            "options.compress: is for",
        ),
        (
            'source = "/b"\ndestination = "imaps://h"\n[options]\ndedupe = "link"\n',
            "options.dedupe: is for",
        ),
        (PLACES + "follow = true\n[options]\nat = 2026-01-01T00:00:00Z\n", "options.at: a job"),
    ],
)
def test_a_mistake_says_where_it_is(text: str, told: str) -> None:
    assert any(one.startswith(told) for one in mistakes_of(text)), mistakes_of(text)


@law()
@given(MOMENTS, st.integers(0, 1439), st.integers(0, 1439))
def test_at_any_moment_either_some_hours_hold_or_those_that_they_leave(
    moment: datetime, begin: int, end: int
) -> None:
    if begin == end:
        return
    first, last = (f"{one // 60:02}:{one % 60:02}" for one in (begin, end))
    hours, others = quiet_hours_of(f"{first}-{last}"), quiet_hours_of(f"{last}-{first}")
    assert hours.hold(moment) != others.hold(moment)


@law()
@given(MOMENTS)
def test_hours_over_midnight_belong_to_the_day_on_which_they_begin(moment: datetime) -> None:
    friday_night = quiet_hours_of("fri 22:00-06:00")
    begun = moment - timedelta(hours=6)
    expected = begun.weekday() == 4 and begun.hour >= 16
    assert friday_night.hold(moment) == expected


def test_days_are_ranges_and_lists() -> None:
    assert quiet_hours_of("mon-fri 08:00-18:30").days == (0, 1, 2, 3, 4)
    assert quiet_hours_of("Sat,sun 00:00-24:00").days == (5, 6)
    assert quiet_hours_of("fri-mon 08:00-09:00").days == (0, 4, 5, 6)


@pytest.mark.parametrize(
    "text", ["", "8-18", "08:00", "24:00-06:00", "08:00-24:01", "08:00-08:00", "abc 08:00-09:00"]
)
def test_hours_that_mean_nothing_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not like"):
        quiet_hours_of(text)


def test_quiet_hours_are_by_the_clock_of_the_zone() -> None:
    job = read_job(
        "m", PLACES.join(["", 'quiet_hours = ["08:00-18:00"]\ntime_zone = "Asia/Tokyo"'])
    )
    assert job.is_quiet(datetime(2026, 1, 1, 0, 0, tzinfo=UTC)) == "08:00-18:00"
    assert job.is_quiet(datetime(2026, 1, 1, 12, 0, tzinfo=UTC)) == ""


def test_the_page_has_every_key_and_its_examples_are_sound(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "operations.md").read_text(encoding="utf-8")
    job, service = re.findall(r"^```toml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    # The machine that tests has no such user.
    assert read_job("lisbon", job.replace('"vmail"', '"8"')).follow
    (tmp_path / "service.toml").write_text(service, encoding="utf-8")
    assert read_settings(tmp_path / "service.toml").smtp is not None
    for key in (
        *(one for one in Job.__struct_fields__ if one not in {"options", "notify"}),
        *(f"options.{one}" for one in Choices.__struct_fields__),
        *(f"notify.{one}" for one in Notify.__struct_fields__),
    ):
        assert f"`{key}`" in page, key
    for key in Smtp.__struct_fields__:
        assert f"\n{key} = " in service, key
