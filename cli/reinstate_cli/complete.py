"""`reinstate complete`."""

from __future__ import annotations

from reinstate_cli.console import say
from reinstate_cli.options import JobName, Spool, examples
from reinstate_journal.errors import UsageError
from reinstate_service.operations.spool.folder import SpoolFolder
from reinstate_service.operations.spool.schedule import COMPLETE

EPILOG = examples("reinstate complete lisbon --spool /var/spool/reinstate")


class DoesNotFollow(UsageError):
    """The job makes one pass anyway."""

    message = "The job {name} does not follow its backup: its one pass is the last"
    hint = "Only a job with follow = true is completed."


def complete(job: JobName, spool: Spool) -> None:
    """Make the last pass of a job that follows its backup.

    The service begins it at once, whether the backup was scanned again or not; then the job is
    finished.
    """
    folder = SpoolFolder(spool)
    if not folder.job(job).follow:
        raise DoesNotFollow(name=job)
    folder.put_mark(job, COMPLETE)
    say(f"The next pass of {job} is its last.")
