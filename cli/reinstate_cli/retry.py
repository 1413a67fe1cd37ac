"""`reinstate retry`."""

from __future__ import annotations

from reinstate_cli.options import DEFAULT_JOURNAL, Journal, Json, Quiet, RestoreId, examples
from reinstate_cli.running import carry_out
from reinstate_journal import open_reader
from reinstate_service.operations.session import last_options

EPILOG = examples("reinstate retry", "reinstate retry --journal /var/lib/reinstate/migration.db")


def retry(
    restore: RestoreId = None,
    journal: Journal = DEFAULT_JOURNAL,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Try what failed again, and go on.

    As resume does, but also where a limit has suspended the restore: it is suspended again only
    if something more fails.
    """
    with open_reader(journal) as reader:
        _, options = last_options(reader, restore)
    carry_out(journal, options, as_json=json, quiet=quiet, retrying=True)
