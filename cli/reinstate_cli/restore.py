"""`reinstate restore`."""

from __future__ import annotations

from reinstate_cli.options import DEFAULT_JOURNAL, Journal, Json, Quiet, examples
from reinstate_cli.running import carry_out
from reinstate_cli.selecting import with_selection
from reinstate_service.restore.options import Options

EPILOG = examples(
    "reinstate restore /srv/backup maildir:/srv/mail",
    "reinstate restore /srv/backup maildir:/srv/mail --domains example.com --concurrent-accounts 8",
    "reinstate restore /srv/backup maildir:/srv/mail --accounts ann@example.com,bob@example.com",
    "reinstate restore /srv/backup maildir:/srv/mail --at 2026-05-03T14:00:00Z",
    "reinstate restore archives:/srv/archives maildir:/srv/mail",
)


@with_selection
def restore(
    options: Options,
    journal: Journal = DEFAULT_JOURNAL,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Restore a backup onto a destination.

    Run again, it restores what is new and does nothing else: what the journal knows
    as restored is never done twice.
    """
    carry_out(journal, options, as_json=json, quiet=quiet)
