"""`reinstate backup info|accounts|folders|item|extract|check|build`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reinstate_cli.console import (
    duration,
    moment,
    plural,
    say,
    say_json,
    say_json_line,
    size,
    table,
    tell,
)
from reinstate_cli.options import EXIT_CODES, Json, Quiet, examples
from reinstate_journal.errors import UsageError
from reinstate_service.operations import backup_info as answers
from reinstate_service.operations.backup_build import build_from_maildir
from reinstate_service.operations.backup_check import check_backup
from reinstate_service.operations.backup_import import build_from_export
from reinstate_service.source.backup_path import BackupPathSource
from reinstate_service.source.contract import Source
from reinstate_service.source.open import open_export, open_source
from reinstate_service.spelling import moment_of

app = typer.Typer(
    name="backup",
    help="Look into a backup, check it, or build one.",
    no_args_is_help=True,
    epilog=EXIT_CODES,
    rich_markup_mode=None,
)

Backup = Annotated[str, typer.Argument(metavar="BACKUP", help="A Backup Path, or archives:DIR.")]
BackupPath = Annotated[str, typer.Argument(metavar="BACKUP", help="The Backup Path.")]
Account = Annotated[str, typer.Argument(metavar="ACCOUNT", help="An address or id.")]
At = Annotated[
    str | None,
    typer.Option("--at", metavar="TIME", help="As of this moment, ISO 8601, UTC by default."),
]


def _source(location: str, at: str | None = None) -> Source:
    return open_source(location, moment_of(at))


def _backup_path(location: str, at: str | None = None) -> BackupPathSource:
    source = _source(location, at)
    if not isinstance(source, BackupPathSource):
        detail = f"{location} is no Backup Path, and only that has states, blobs and records"
        raise UsageError(detail=detail)
    return source


@app.command(
    epilog=examples(
        "reinstate backup info /srv/backup", "reinstate backup info archives:/srv/archives"
    )
)
def info(backup: Backup, at: At = None, json: Json = False) -> None:
    """Say whose backup it is, how old, how much is in it, and what is missing from it."""
    found = answers.backup_info(_source(backup, at))
    if json:
        say_json(found)
        return
    stored = "archives" if found.format.startswith("archives/") else "blobs"
    age = "never finished" if found.age is None else f"{duration(found.age / 1000)} ago"
    rows: list[tuple[str, object]] = [
        ("format", found.format),
        ("server", f"{found.server_id} ({found.product})"),
        ("last scan", f"{moment(found.last_scan)}, {age}"),
        ("domains", found.domains),
        ("classes of service", found.classes_of_service),
        ("distribution lists", found.distribution_lists),
        ("accounts", f"{found.accounts}, and {found.accounts_deleted} deleted"),
        ("folders", f"{found.folders}, and {found.mountpoints} mountpoints"),
        *((f"items: {kind}", f"{count:,}") for kind, count in found.items.items()),
        ("items: deleted", f"{found.deleted:,}"),
        ("content", size(found.content_bytes)),
        (stored, f"{found.blobs:,}, {size(found.blob_bytes)} on the disk"),
    ]
    if found.accounts_unreadable or found.unreadable:
        broken = f"{found.accounts_unreadable} accounts, {found.unreadable} items"
        rows.append(("unreadable", broken))
    if found.scratch_bytes:
        rows.append(("scratch space", f"{size(found.scratch_bytes)} for each account at once"))
    for name, value in rows:
        say(f"{name:<20}  {value}")
    if found.missing:
        say("")
        say("Missing:")
    for missing in found.missing:
        say(f"  {missing.place}: {missing.what}" if missing.place else f"  {missing.what}")


@app.command(epilog=examples("reinstate backup accounts /srv/backup --json"))
def accounts(backup: Backup, at: At = None, json: Json = False) -> None:
    """List the accounts."""
    rows = answers.backup_accounts(_source(backup, at))
    if json:
        for row in rows:
            say_json_line(row)
        return
    say(
        table(
            ("address", "items", "what", "id"),
            (
                (
                    row.address,
                    row.items,
                    row.problem
                    or ", ".join(
                        name
                        for name, true in (("system", row.system), ("deleted", row.deleted))
                        if true
                    ),
                    row.id,
                )
                for row in rows
            ),
        )
    )


@app.command(epilog=examples("reinstate backup folders /srv/backup ann@example.com"))
def folders(backup: Backup, account: Account, at: At = None, json: Json = False) -> None:
    """List an account's folders and mountpoints with how many items they hold."""
    rows = answers.backup_folders(_source(backup, at), account)
    if json:
        for row in rows:
            say_json_line(row)
        return
    cells = (
        (
            "/".join(row.path),
            row.id,
            f"mountpoint of {row.owner}" if row.owner else row.view,
            row.items,
            row.deleted,
            size(row.content_bytes),
        )
        for row in rows
    )
    say(table(("folder", "id", "holds", "items", "deleted", "size"), cells))


@app.command(epilog=examples("reinstate backup item /srv/backup ann@example.com 2057"))
def item(
    backup: BackupPath,
    account: Account,
    item: Annotated[str, typer.Argument(metavar="ID", help="The item's or folder's id.")],
) -> None:
    """Print every state that the backup ever recorded of one item, as JSON."""
    say_json(answers.backup_item(_backup_path(backup), account, item))


@app.command(
    epilog=examples(
        "reinstate backup extract /srv/backup --account ann@example.com --item 2057 --to a.eml",
        "reinstate backup extract /srv/backup --digest w5JqLTjHOR6pKyxxYySrNIslzaPj8kMG5PIYXWt9M7E="
        " --to a.eml",
    )
)
def extract(
    backup: BackupPath,
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="The file to make.")],
    account: Annotated[str, typer.Option("--account", help="The item's account.")] = "",
    item: Annotated[str, typer.Option("--item", metavar="ID", help="The item.")] = "",
    digest: Annotated[str, typer.Option("--digest", help="A blob by its digest instead.")] = "",
    at: At = None,
    json: Json = False,
) -> None:
    """Write one item's content, checked against its digest, into a new file."""
    if bool(digest) == bool(account and item):
        raise UsageError(detail="name either --account and --item, or --digest")
    made = answers.extract(_backup_path(backup, at), to, account=account, item=item, digest=digest)
    if json:
        say_json(made)
    else:
        tell(f"{made.path}: {size(made.size)}, {made.digest}")


@app.command(epilog=examples("reinstate backup check /srv/backup"))
def check(backup: BackupPath, json: Json = False, quiet: Quiet = False) -> None:
    """Read everything and name what could not be restored; exits with 3 if there is anything."""
    checking = check_backup(_backup_path(backup))
    for finding in checking:
        if json:
            say_json_line(finding)
        elif not quiet:
            where = f"account {finding.account} " if finding.account else ""
            kind = "note" if finding.harmless else "BAD"
            say(f"{kind:<4}  {finding.failure}: {where}{finding.id}: {finding.reason}")
    counts = checking.counts
    if json:
        say_json_line(counts)
    elif not quiet:
        say(
            f"{plural(counts.accounts, 'account')}, {plural(counts.records, 'record')},"
            f" {plural(counts.blobs, 'blob')},"
            f" {size(counts.content_bytes)}: {'damaged' if counts.damaged else 'whole'}"
        )
    if counts.damaged:
        raise typer.Exit(3)


@app.command(
    epilog=examples(
        "reinstate backup build /srv/backup --from archives:/srv/archives",
        "reinstate backup build /srv/backup --from-maildir /srv/mail",
    )
)
def build(
    backup: Annotated[
        Path, typer.Argument(metavar="BACKUP", help="The Backup Path to make or add to.")
    ],
    from_export: Annotated[
        str,
        typer.Option(
            "--from", metavar="archives:DIR", help="Account archives, with their directory."
        ),
    ] = "",
    from_maildir: Annotated[
        Path | None,
        typer.Option(
            "--from-maildir",
            exists=True,
            file_okay=False,
            help="A folder of <domain>/<local>/Maildir trees.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Build a Backup Path from exports or Maildir trees; run again, it adds what has changed
    since. Exits with 3 if something was skipped."""
    if from_export and from_maildir is None:
        summary = build_from_export(open_export(from_export), backup)
    elif from_maildir is not None and not from_export:
        summary = build_from_maildir(from_maildir, backup)
    else:
        raise UsageError(detail="name either --from or --from-maildir")
    if json:
        say_json(summary)
    else:
        for skipped in summary.skipped:
            tell(f"skipped: {skipped}")
        say(
            f"{summary.accounts:,} accounts ({summary.accounts_deleted:,} gone),"
            f" {summary.folders:,} folders, {summary.items_added:,} items added,"
            f" {summary.items_changed:,} changed, {summary.items_deleted:,} deleted"
        )
    if summary.skipped:
        raise typer.Exit(3)
