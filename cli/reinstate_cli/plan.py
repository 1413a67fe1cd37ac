"""`reinstate plan`."""

from __future__ import annotations

from collections.abc import Iterator

from reinstate_cli.console import moment, say, say_json_line
from reinstate_cli.options import Json, examples
from reinstate_cli.selecting import with_selection
from reinstate_service.operations.preview import AccountPreview, Planner, Preview
from reinstate_service.operations.session import opened_for_reading
from reinstate_service.restore.options import Options
from reinstate_service.source.open import open_source

EPILOG = examples(
    "reinstate plan /srv/backup maildir:/srv/mail",
    "reinstate plan /srv/backup maildir:/srv/mail --domains example.com --json",
)


@with_selection
def plan(options: Options, json: Json = False) -> None:
    """Show what a restore would do, and touch nothing.

    With --json, the first line is the plan as a whole, every further line an account.
    """
    with opened_for_reading(options) as destination:
        planner = Planner(open_source(options.source, options.at), destination, options)
        preview = planner.preview()
        if json:
            say_json_line(preview)
            for account in planner.accounts():
                say_json_line(account)
            return
        for line in _render(preview, options):
            say(line)
        for account in planner.accounts():
            for line in _render_account(account):
                say(line)


def _render(preview: Preview, options: Options) -> Iterator[str]:
    yield f"Backup of server {preview.server_id}, last scan {moment(preview.last_scan)}"
    yield f"Onto {options.destination}"
    yield ""
    yield "Phase 1"
    for provision in preview.provisions:
        yield f"  {provision.action:<8} {provision.kind} {provision.name}"
    for address, reason in preview.skipped:
        yield f"  skip     account {address}: {reason}"
    for error in preview.unreadable:
        yield f"  FAIL     {error}"
    yield ""
    yield f"Accounts: {preview.accounts}"


def _render_account(account: AccountPreview) -> Iterator[str]:
    skipped = "".join(f", {count} skipped ({why})" for why, count in account.skipped.items())
    broken = f", {account.unreadable} unreadable" if account.unreadable else ""
    yield f"  {account.action:<8} {account.address}: {account.items} items{skipped}{broken}"
    for merged, folders in account.merged:
        yield f"    merged      {'/'.join(merged)}: folders {', '.join(folders)}"
    for mountpoint in account.mountpoints:
        path = "/".join(mountpoint.path)
        if mountpoint.refused:
            yield f"    REFUSED     mountpoint {path}: {mountpoint.refused}"
        else:
            yield f"    mountpoint  {path} -> {'/'.join(mountpoint.address)}"
    for grantee, reason in account.refused_grants:
        yield f"    REFUSED     grant to {grantee}: {reason}"
    for folder in account.folders:
        source, place = "/".join(folder.source), "/".join(folder.path)
        arrow = f" -> {place}" if source != place else ""
        yield f"    {folder.reason:<11} {source}{arrow}"
