"""Which jobs work now: pure decisions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from reinstate_service.model import Frozen
from reinstate_service.operations.spool.job import Job
from reinstate_service.operations.spool.outcome import ENDS, Outcome, State

#: What the marks beside a job ask for.
SUSPEND, RESUME, COMPLETE = "suspend", "resume", "complete"
#: Why a job is suspended that has the first of them.
ASKED = "somebody asked for it"


class Case(Frozen, frozen=True):
    """A job as it stands: `asked` are the marks beside it, `newer`
    says that the backup was scanned since the last pass, `added` (nanoseconds) when the job file
    came."""

    job: Job
    outcome: Outcome
    asked: frozenset[str] = frozenset()
    newer: bool = False
    running: bool = False
    added: int = 0


class Verdict(NamedTuple):
    """Whether a job is to work now; if not, the state that it is in, and why."""

    works: bool
    state: State
    reason: str


def judge(case: Case, now: datetime) -> Verdict:
    """What a job is to do at this moment."""
    job, outcome = case.job, case.outcome
    rests = not case.running and RESUME not in case.asked and _rests(case, now)
    if rests and outcome.state in ENDS:
        return Verdict(False, outcome.state, outcome.reason)
    if SUSPEND in case.asked:
        return Verdict(False, State.SUSPENDED, ASKED)
    if rests:
        return Verdict(False, outcome.state, outcome.reason)
    if job.start_after is not None and now < job.start_after:
        return Verdict(False, State.WAITING, f"until {job.start_after.isoformat()}")
    if hours := job.is_quiet(now):
        return Verdict(False, State.WAITING, f"quiet hours {hours}")
    return Verdict(True, State.RUNNING, "")


def _rests(case: Case, now: datetime) -> bool:
    """Whether the job is where it was left: at its end, or waiting for something."""
    outcome = case.outcome
    match outcome.state:
        case _ if outcome.state in ENDS:
            return True
        case State.SUSPENDED:
            return outcome.reason != ASKED
        case State.STOPPED:
            return outcome.retry_at is None or now.timestamp() * 1000 < outcome.retry_at
        case State.FOLLOWING:
            return not case.newer and not is_last(case, now)
    return False


def is_last(case: Case, now: datetime) -> bool:
    """Whether the pass that begins now is the last one of its job."""
    job = case.job
    if not job.follow or COMPLETE in case.asked:
        return True
    return job.complete_after is not None and now >= job.complete_after


def in_order(cases: Iterable[Case]) -> list[Case]:
    """Those that come first, first: by priority, then by age, then by name."""
    return sorted(cases, key=lambda case: (-case.job.priority, case.added, case.outcome.job))
