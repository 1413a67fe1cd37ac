"""`reinstate resume`."""

from __future__ import annotations

from reinstate_cli.console import tell
from reinstate_cli.options import DEFAULT_JOURNAL, Journal, Json, Quiet, RestoreId, examples
from reinstate_cli.running import carry_out
from reinstate_journal import open_reader
from reinstate_service.operations.session import last_options

EPILOG = examples(
    "reinstate resume",
    "reinstate resume --journal /var/lib/reinstate/migration.db",
)


def resume(
    restore: RestoreId = None,
    journal: Journal = DEFAULT_JOURNAL,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Go on with an interrupted restore.

    It has the options that the restore was given, and works after Ctrl-C, a crash,
    kill -9 or a power cut alike; nothing is lost and nothing is done twice.
    """
    with open_reader(journal) as reader:
        run, options = last_options(reader, restore)
    if not quiet and not json:
        ended = run.outcome in {"finished", "incomplete"}
        how = run.outcome if ended else f"{run.outcome or 'cut off'} in phase {run.phase}"
        then = "looking for what is new" if ended else "going on"
        tell(f"run {run.run} of restore {run.restore}: {how}; {then}")
    carry_out(journal, options, as_json=json, quiet=quiet)
