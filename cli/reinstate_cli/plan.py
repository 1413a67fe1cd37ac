"""`reinstate plan`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Annotated

import typer

from reinstate_cli.console import moment, plural, say, say_json_line, size, tell
from reinstate_cli.options import Json, examples
from reinstate_cli.selecting import with_selection
from reinstate_service.destination.waiting import Waiting
from reinstate_service.mapping.folders import Reason
from reinstate_service.mapping.mountpoints import Ground, MountpointDecision
from reinstate_service.operations.doctor import Finding
from reinstate_service.operations.preparation import advice_for, room_for, ways_to_store
from reinstate_service.operations.preview import AccountPreview, Planner, Preview
from reinstate_service.operations.session import opened_for_reading
from reinstate_service.restore.options import Options
from reinstate_service.source.open import open_source

EPILOG = examples(
    "reinstate plan /srv/backup maildir:/srv/mail",
    "reinstate plan /srv/backup maildir:/srv/mail --accounts ann@example.com --folders",
    "reinstate plan /srv/backup maildir:/srv/mail --domains example.com --json",
)
#: Folders that go where anybody would expect them are counted, not listed; those that are
#: merged stand together in a line of their own.
_EXPECTED = {Reason.SYSTEM, Reason.CREATED, Reason.EXISTING, Reason.MERGED}


@with_selection
def plan(
    options: Options,
    folders: Annotated[
        bool, typer.Option("--folders", help="List every folder, not only those that change.")
    ] = False,
    json: Json = False,
) -> None:
    """Show what a restore would do, and touch nothing.

    With --json, the first line is the plan as a whole, every further line an account
    with all its folders. The journal is not looked at: what an earlier run has restored
    is counted again.
    """
    with opened_for_reading(options, Waiting(notice=tell)) as destination:
        source = open_source(options.source, options.at)
        planner = Planner(source, destination, options)
        preview = planner.preview()
        if json:
            say_json_line(preview)
            for account in planner.accounts():
                say_json_line(account)
            return
        for line in _render(preview, options):
            say(line)
        size = files = 0
        for account in planner.accounts():
            size += account.size
            files += account.items - sum(account.skipped.values()) + len(account.folders)
            for line in _render_account(account, every_folder=folders):
                say(line)
        found = (*room_for(options.destination, size, files), *ways_to_store(source, options))
        for line in _preparation(options, found):
            say(line)


def _preparation(options: Options, found: Sequence[Finding]) -> Iterator[str]:
    before = [advice.before for advice in advice_for(options.destination) if advice.before]
    if found or before:
        yield from ("", "Before you begin")
    for one in found:
        yield f"  {'NO ROOM' if one.state == 'problem' else one.state:<8} {one.what}: {one.text}"
    yield from (f"  - {text}" for text in before)


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
    yield f"Phases 2 and 3: {plural(preview.accounts, 'account')}, in this order"


def _render_account(account: AccountPreview, *, every_folder: bool) -> Iterator[str]:
    skipped = "".join(f", {count:,} skipped ({why})" for why, count in account.skipped.items())
    broken = f", {account.unreadable:,} unreadable" if account.unreadable else ""
    reasons = Counter(folder.reason for folder in account.folders)
    counts = ", ".join(f"{reasons[reason]} {reason}" for reason in Reason if reasons[reason])
    yield (
        f"  {account.action:<8} {account.address}: {plural(account.items, 'item')}"
        f"{skipped}{broken}; {plural(len(account.folders), 'folder')}"
        + (f" ({counts})" if counts else "")
    )
    # What an administrator has to know comes first.
    if not account.fits and account.room is not None:
        yield f"    NO ROOM    {size(account.size)} do not fit: {size(account.room)} are left"
    for grantee, reason in account.refused_grants:
        yield f"    REFUSED    grant to {grantee}: {reason}"
    for mountpoint in sorted(account.mountpoints, key=lambda one: (not one.refused, one.ground)):
        yield f"    {_mountpoint(mountpoint)}"
    for script in account.filters:
        for kept in script.kept:
            text = f"filter {script.name}, line {kept.line}: {kept.text}"
            yield f"    COMMENT    {text}: {kept.reason}"
    for merged, sharing in account.merged:
        yield f"    merged     {'/'.join(merged)}: folders {', '.join(sharing)}"
    for folder in account.folders:
        source, place = "/".join(folder.source), "/".join(folder.path)
        if every_folder or folder.reason not in _EXPECTED:
            arrow = f" -> {place}" if source != place else ""
            yield f"    {folder.reason:<10} {source}{arrow}"


def _mountpoint(mountpoint: MountpointDecision) -> str:
    path = "/".join(mountpoint.source)
    if mountpoint.refused:
        return f"REFUSED    mountpoint {path}: {mountpoint.refused}"
    leads = f"{path} -> {'/'.join(mountpoint.address)}"
    match mountpoint.ground:
        case Ground.FILTER:
            stray = ", ".join("/".join(one) for one in mountpoint.stray)
            return f"CONFLICT   mountpoint {leads}; what filters put into {stray} moves there"
        case Ground.BESIDE:
            return f"CONFLICT   mountpoint {leads}; the user's own folder {path} stays"
        case Ground.FREE:
            return f"mountpoint {leads}"
