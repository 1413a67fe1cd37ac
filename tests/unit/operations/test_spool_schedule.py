"""Which jobs work when: decided from what stands in the spool alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reinstate_service.operations.spool.job import Job
from reinstate_service.operations.spool.outcome import ENDS, Outcome, State
from reinstate_service.operations.spool.schedule import (
    ASKED,
    COMPLETE,
    RESUME,
    SUSPEND,
    Case,
    in_order,
    is_last,
    judge,
)
from reinstate_service.testing import law

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
MILLISECONDS = round(NOW.timestamp() * 1000)


def job(**keys: object) -> Job:
    return Job(source="/b", destination="maildir:/m", **keys)  # type: ignore[arg-type]


def case(state: State = State.WAITING, reason: str = "", **keys: object) -> Case:
    work = keys.pop("job", job())
    changes = {key: keys.pop(key) for key in ("retry_at",) if key in keys}
    outcome = Outcome("move", "f", state=state, reason=reason, **changes)  # type: ignore[arg-type]
    return Case(work, outcome, **keys)  # type: ignore[arg-type]


def works(one: Case) -> bool:
    return judge(one, NOW).works


def test_a_new_job_and_one_whose_service_was_killed_work() -> None:
    assert works(case())
    assert works(case(State.RUNNING))


@pytest.mark.parametrize("state", [State.FINISHED, State.INCOMPLETE, State.STOPPED])
def test_a_job_at_its_end_works_again_only_if_somebody_resumes_it(state: State) -> None:
    assert not works(case(state))
    assert works(case(state, asked=frozenset({RESUME})))


def test_a_job_that_a_limit_suspended_waits_for_a_person_and_a_paused_one_for_its_mark() -> None:
    assert not works(case(State.SUSPENDED, "3 items failed"))
    assert works(case(State.SUSPENDED, ASKED))


@law()
@given(st.sampled_from(State), st.booleans(), st.sets(st.sampled_from([RESUME, COMPLETE])))
def test_no_job_works_while_somebody_wants_it_to_pause(
    state: State, running: bool, marks: set[str]
) -> None:
    paused = case(state, running=running, asked=frozenset({SUSPEND, *marks}))
    at_its_end = state in ENDS and not running and RESUME not in marks
    assert judge(paused, NOW).state is (state if at_its_end else State.SUSPENDED)
    assert not works(paused)


def test_what_may_go_away_by_itself_is_tried_again_when_it_is_time() -> None:
    assert not works(case(State.STOPPED, "unreachable", retry_at=MILLISECONDS + 1))
    assert works(case(State.STOPPED, "unreachable", retry_at=MILLISECONDS))


def test_a_job_begins_after_its_time() -> None:
    later = case(job=job(start_after=NOW + timedelta(hours=1)))
    assert judge(later, NOW).reason == "until 2026-11-26T13:00:00+00:00"
    assert judge(later, NOW + timedelta(hours=1)).works


def test_quiet_hours_stop_a_job_that_runs_and_keep_others_from_beginning() -> None:
    quiet = job(quiet_hours=("08:00-18:00",), time_zone="UTC")
    for running in (False, True):
        assert judge(case(job=quiet, running=running), NOW).reason == "quiet hours 08:00-18:00"
        assert judge(case(job=quiet, running=running), NOW + timedelta(hours=6)).works


def test_a_job_that_follows_works_when_there_is_a_scan_or_when_it_is_to_be_completed() -> None:
    follows = job(follow=True, complete_after=NOW + timedelta(hours=1))
    assert not works(case(State.FOLLOWING, job=follows))
    newer = case(State.FOLLOWING, job=follows, newer=True)
    assert works(newer)
    assert not is_last(newer, NOW)
    asked = case(State.FOLLOWING, job=follows, asked=frozenset({COMPLETE}))
    assert works(asked)
    assert is_last(asked, NOW)
    due = case(State.FOLLOWING, job=follows)
    assert judge(due, NOW + timedelta(hours=1)).works
    assert is_last(due, NOW + timedelta(hours=1))


def test_the_higher_priority_goes_first_then_the_older_file() -> None:
    cases = [case(job=job(priority=p), added=a) for p, a in ((0, 1), (5, 9), (5, 2), (-1, 0))]
    order = [(one.job.priority, one.added) for one in in_order(cases)]
    assert order == [(5, 2), (5, 9), (0, 1), (-1, 0)]
