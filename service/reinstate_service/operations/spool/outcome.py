"""What became of a job so far, as it stands in the file beside it."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from reinstate_service.model import Frozen
from reinstate_service.operations.report import Counts, Report


class State(StrEnum):
    """Where a job stands. The first three end by themselves; the others wait for a person, or
    are the end."""

    WAITING = "waiting"
    RUNNING = "running"
    FOLLOWING = "following"
    SUSPENDED = "suspended"
    STOPPED = "stopped"
    REFUSED = "refused"
    FINISHED = "finished"
    INCOMPLETE = "incomplete"


ENDS = frozenset({State.FINISHED, State.INCOMPLETE})
#: Of these a message goes out, once.
TOLD = frozenset(State) - {State.WAITING, State.RUNNING}


class Outcome(Frozen, frozen=True, omit_defaults=False):
    """`file` is a stamp of the job file that this is the outcome of; times are milliseconds.

    `mistakes` are those of a file that is refused. `scan` is the scan of the backup that the last
    pass restored, `passes` how many found something to do. `retry_at` is when the service tries
    again by itself, None for never. `counts` and `failed` (steps and accounts) are those of the
    journal after the last pass.
    """

    job: str
    file: str
    state: State = State.WAITING
    reason: str = ""
    mistakes: tuple[str, ...] = ()
    since: int = 0
    journal: str = ""
    restore: str = ""
    scan: int | None = None
    passes: int = 0
    attempts: int = 0
    retry_at: int | None = None
    counts: Counts | None = None
    failed: int = 0

    def becomes(self, state: State, reason: str, now: int, **changes: object) -> Outcome:
        """The outcome in another state; the same one if nothing is new."""
        if (state, reason) == (self.state, self.reason) and not changes:
            return self
        since = now if state is not self.state else self.since
        new = {"state": state, "reason": reason, "since": since, "retry_at": None, "mistakes": ()}
        return msgspec.structs.replace(self, **new | changes)

    def key(self) -> str:
        """The same as long as there is nothing new to tell of."""
        passes = self.passes if self.state not in {State.STOPPED, State.REFUSED} else 0
        return f"{self.file} {self.state} {passes} {self.reason}"


def failed_in(report: Report) -> int:
    """How many steps and accounts of a restore failed."""
    accounts = sum(account.state == "failed" for account in report.accounts)
    return len(report.failures) + accounts
