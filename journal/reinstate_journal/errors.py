"""The one tree of errors, for all three packages.

Each class is one thing a person can do something about. It carries the message
(a template over the keyword arguments it is raised with), a hint that tells
what to do next, the exit code of the command line, and whether the same call
can succeed when it is tried again. Secrets never go into the fields.
"""

from __future__ import annotations

from typing import ClassVar


class ReinstateError(Exception):
    """Root of the tree; exit code 1 means a fault of reinstate itself."""

    message: ClassVar[str] = "Something went wrong: {detail}"
    hint: ClassVar[str] = "Please report this with the command you ran."
    exit_code: ClassVar[int] = 1
    retryable: ClassVar[bool] = False

    def __init__(self, **fields: object) -> None:
        self.fields = fields
        super().__init__(self.message.format(**fields))

    @property
    def advice(self) -> str:
        """The hint with the fields filled in."""
        return self.hint.format(**self.fields)


class UsageError(ReinstateError):
    """The command was asked for something that makes no sense."""

    message = "{detail}"
    hint = "Run the command with --help for its options and examples."
    exit_code = 2


class BackupError(ReinstateError):
    """The backup as a whole cannot be read."""

    message = "The backup {path} cannot be read: {detail}"
    hint = "Check path, permissions and completeness: reinstate backup check {path}"
    exit_code = 4


class DestinationError(ReinstateError):
    """The destination cannot be reached, refuses, or is full."""

    message = "The destination {destination} refuses: {detail}"
    hint = "Mend the cause and run the same command again: it goes on where it stopped."
    exit_code = 5
    retryable = True


class JournalError(ReinstateError):
    """The journal is broken, too new, or in use."""

    message = "The journal {path} cannot be used: {detail}"
    hint = "Look what is wrong with it: reinstate journal check --journal {path}"
    exit_code = 6


class JournalMissing(JournalError):
    """A command that only reads was given a journal that is not there."""

    message = "There is no journal at {path}"
    hint = "Name it with --journal FILE or REINSTATE_JOURNAL; a restore makes one."


class JournalInUse(JournalError):
    """Another process writes to this journal."""

    message = "The journal {path} is in use by process {pid} on {host}"
    hint = "Wait for that process or stop it (it can be resumed); see reinstate status."
    retryable = True


class JournalOutdated(JournalInUse):
    """Another version of reinstate writes to the journal: its projections cannot be read."""

    message = (
        "The journal {path} is written by another version of reinstate, process {pid} on {host}"
    )
    hint = "Look with that version, or when the process has ended."


class JournalTooNew(JournalError):
    """The journal was written by a newer reinstate."""

    message = "The journal {path} was written by a newer reinstate ({detail})"
    hint = "Use that version or a newer one; this one would misread it."


class JournalDamaged(JournalError):
    """A row does not follow from the row before it."""

    message = "The journal {path} is damaged: {detail}"
    hint = "Put back the last good copy (see reinstate journal backup), then: reinstate resume"


class JournalWriteFailed(JournalError):
    """A commit failed; nothing of it counts, and this process writes no more."""

    message = "The journal {path} could not be written: {detail}"
    hint = "Free space or mend the disk, then: reinstate resume"


class VersionConflict(JournalError):
    """Somebody else appended to the stream since it was read."""

    message = "Stream {stream} is at version {actual}, not at {expected}"
    hint = "This is a fault of reinstate; nothing was written. Run reinstate resume."
    exit_code = 1
    retryable = True


class Interrupted(ReinstateError):
    """The user or the system asked the run to stop."""

    message = "Interrupted: the batch in hand is finished and recorded"
    hint = "Go on where it stopped: reinstate resume"
    exit_code = 130
