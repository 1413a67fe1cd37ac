"""`reinstate abort`."""

from __future__ import annotations

from reinstate_cli.console import plural, say, say_json, tell
from reinstate_cli.options import DEFAULT_JOURNAL, Journal, Json, RestoreId, examples
from reinstate_service.destination.waiting import Waiting
from reinstate_service.operations.session import abort_restore

EPILOG = examples("reinstate abort", "reinstate abort 3f2a9c11d0e4 --journal migration.db")


def abort(
    restore: RestoreId = None, journal: Journal = DEFAULT_JOURNAL, json: Json = False
) -> None:
    """Put lifted quotas back and end a restore.

    For one that will not go on. What is restored stays; a later restore takes it from there.
    """
    addresses = abort_restore(journal, restore, Waiting(notice=tell))
    if json:
        say_json({"quotas_put_back": addresses})
    else:
        back = plural(len(addresses), "quota")
        say(f"Ended: {back} put back. What is restored stays.")
