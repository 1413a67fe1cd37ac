"""What is said of a job: subject and text of each notification. No message's subject, sender or
recipient is in it, and no secret."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from reinstate_journal.errors import ReinstateError
from reinstate_journal.events import PhaseCompleted, RunStarted
from reinstate_journal.journal import Reader
from reinstate_service.model import Frozen
from reinstate_service.operations.advice import advice
from reinstate_service.operations.preparation import to_do_after
from reinstate_service.operations.report import Report, make_report
from reinstate_service.operations.spool.outcome import ENDS, Outcome, State
from reinstate_service.operations.spool.schedule import ASKED

#: So many failures stand in a message; the report has all.
_LISTED = 50


class Message(Frozen, frozen=True):
    """What is told. `occasion` is started, phase 1, or the state that the job is in now."""

    job: str
    occasion: str
    subject: str
    text: str


def beginnings(journal: Reader, job: str, after: int) -> Iterator[tuple[int, Message]]:
    """What happened behind the position and is told once for a job, with its position: that the
    restore has begun, and that phase 1 is through for the first time."""
    first_phase = True
    for recorded in journal.read(types=(RunStarted, PhaseCompleted)):
        match recorded.event:
            case RunStarted(run=1, options=options) if recorded.position > after:
                text = f"From {options.get('source', '')}\nto {options.get('destination', '')}"
                yield recorded.position, Message(job, "started", f"{job}: started", _clean(text))
            case PhaseCompleted(phase=1) if first_phase:
                first_phase = False
                if recorded.position > after:
                    text = (
                        "Domains, classes of service, lists and accounts are there: accounts can"
                        " receive mail from now on. Their items follow."
                    )
                    subject = f"{job}: phase 1 is through"
                    yield recorded.position, Message(job, "phase 1", subject, text)


def message_of(outcome: Outcome, journal: Reader | None) -> Message:
    """What is told of an outcome, with the feedback of the restore if there is a journal."""
    lines = [f"Job {outcome.job}: {outcome.state}."]
    if outcome.mistakes:
        lines += ["", *outcome.mistakes]
    elif outcome.reason:
        lines += ["", outcome.reason]
    then = _WHEN_ASKED if outcome.reason == ASKED else _NEXT[outcome.state]
    place = {
        "job": f"{outcome.job} --spool {shlex.quote(str(Path(outcome.journal).parents[1]))}",
        "journal": shlex.quote(outcome.journal),
    }
    lines += ["", then.format(**place)]
    if journal is not None:
        try:
            made = make_report(journal, outcome.restore or None)
            again = f"reinstate spool resume {place['job']}"
            lines += ["", *_feedback(made, place["journal"], again)]
            if outcome.state in ENDS:
                reminders = to_do_after(made.restore.destination, made.runs[-1].options)
                lines += ["", "After a restore:", *(f"  {text}" for text in reminders)]
        except ReinstateError:  # nothing was recorded yet
            lines += []
    subject = f"{outcome.job}: {_SUBJECT.get(outcome.state, outcome.state)}"
    return Message(outcome.job, outcome.state, subject, _clean("\n".join(lines)))


_SUBJECT = {
    State.FOLLOWING: "a pass is through, following the backup",
    State.INCOMPLETE: "finished, but not everything is restored",
}
_WHEN_ASKED = "It goes on with: reinstate spool resume {job}"
_NEXT = {
    State.FOLLOWING: (
        "What the next scan of the backup brings is restored when it is there. The last pass:"
        " reinstate complete {job}"
    ),
    State.SUSPENDED: (
        "Look at what failed, accept it with reinstate approve --journal {journal} or mend the"
        " cause, then: reinstate spool resume {job}"
    ),
    State.STOPPED: (
        "Mend the cause, then: reinstate spool resume {job}. Where trying again can help, the"
        " service does so by itself."
    ),
    State.REFUSED: "Mend the job file; the service looks at it again when it changes.",
    State.FINISHED: (
        "Everything asked for is restored. To be sure: reinstate verify --journal {journal}"
    ),
    State.INCOMPLETE: "Mend what is named below, then: reinstate spool resume {job}",
}


def _feedback(report: Report, journal: str, again: str) -> Iterator[str]:
    """Counts, then each failure with who, what, why, then what to do about each kind; `again` is
    the command that tries again."""
    totals = report.totals
    skipped, failed = sum(totals.skipped.values()), sum(totals.failed.values())
    doubt = f", {totals.doubt:,} in doubt" if totals.doubt else ""
    yield f"Items: {totals.restored:,} restored, {skipped:,} skipped, {failed:,} failed{doubt}"
    yield from (f"  skipped, {why}: {count:,}" for why, count in sorted(totals.skipped.items()))
    broken = [account for account in report.accounts if account.state == "failed"]
    if broken or report.failures:
        yield from ("", "Not restored:")
    yield from (f"  {one.address or one.account}: {one.reason}" for one in broken)
    for one in report.failures[:_LISTED]:
        place = f" in {'/'.join(one.path)}" if one.path else ""
        yield f"  {one.address or '-'}: {one.what}{place}: {one.failure}: {one.reason}"
    if (more := len(report.failures) - _LISTED) > 0:
        yield f"  and {more:,} more: reinstate report --failures 0 --journal {journal}"
    kinds = Counter(one.failure for one in report.failures)
    if kinds:
        yield from ("", "What to do:")
    for kind, count in sorted(kinds.items()):
        what = advice(kind).replace("reinstate resume", again)
        yield f"  {kind} ({count:,}): {what}."


def _clean(text: str) -> str:
    """Without the control characters that a backup's names could bring into a mail."""
    return "".join(one if one.isprintable() or one == "\n" else "�" for one in text)
