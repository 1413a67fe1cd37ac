"""`reinstate approve`."""

from __future__ import annotations

from typing import Annotated

import typer

from reinstate_cli.console import plural, say, say_json
from reinstate_cli.options import DEFAULT_JOURNAL, Journal, Json, RestoreId, examples
from reinstate_journal.errors import UsageError
from reinstate_service.operations.approval import Approval
from reinstate_service.operations.session import approve_failures

EPILOG = examples(
    "reinstate approve --failure BlobMissing",
    "reinstate approve --account ann@example.com --item 1042",
    "reinstate approve --all",
)


def approve(
    restore: RestoreId = None,
    journal: Journal = DEFAULT_JOURNAL,
    account: Annotated[
        list[str] | None, typer.Option("--account", metavar="NAME", help="Of this account.")
    ] = None,
    failure: Annotated[
        list[str] | None, typer.Option("--failure", metavar="CLASS", help="Of this class.")
    ] = None,
    item: Annotated[
        list[str] | None, typer.Option("--item", metavar="ID", help="This item.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that failed.")] = False,
    json: Json = False,
) -> None:
    """Accept what failed, by name.

    It counts as skipped from then on: not against --bad-item-limit, and not as a reason for exit
    code 3. It is still tried again when its account is, and counts again if it then fails for
    another reason. What is in doubt cannot be accepted.
    """
    approval = Approval(tuple(account or ()), tuple(failure or ()), tuple(item or ()))
    if everything == (approval != Approval()):
        raise UsageError(detail="name what is accepted (--account, --failure, --item), or --all")
    accepted = approve_failures(journal, restore, approval)
    if json:
        say_json([{"position": one.position, "step": one.event.step()} for one in accepted])
    else:
        say(f"{plural(len(accepted), 'failure')} accepted; go on with: reinstate resume")
