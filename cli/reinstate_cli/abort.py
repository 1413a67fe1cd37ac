"""`reinstate abort`."""

from __future__ import annotations

from reinstate_cli.console import say, say_json
from reinstate_cli.options import DEFAULT_JOURNAL, Journal, Json, RestoreId, examples
from reinstate_service.operations.session import abort_restore

EPILOG = examples("reinstate abort", "reinstate abort 3f2a9c11d0e4 --journal migration.db")


def abort(
    restore: RestoreId = None, journal: Journal = DEFAULT_JOURNAL, json: Json = False
) -> None:
    """End a restore that will not go on: put lifted quotas back.

    What is restored stays; a later restore takes it from there.
    """
    addresses = abort_restore(journal, restore)
    if json:
        say_json({"quotas_put_back": addresses})
    else:
        say(f"Aborted; {len(addresses)} quotas put back. What is restored stays.")
