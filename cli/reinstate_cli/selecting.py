"""The options by which `restore` and `plan` choose, and how they become `Options`."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from reinstate_journal.errors import UsageError
from reinstate_service.destination.open import is_server
from reinstate_service.restore.options import Options
from reinstate_service.spelling import (
    absolute_path,
    byte_count,
    destination_of,
    moment_of,
    owner_of,
    source_of,
)


def selection(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE", help="The backup: a Backup Path, or archives:DIR (docs/archives.md)."
        ),
    ],
    destination: Annotated[
        str,
        typer.Argument(
            metavar="DESTINATION", help="Where to restore: maildir:DIR or imaps://HOST."
        ),
    ],
    accounts: Annotated[
        list[str] | None,
        typer.Option(
            "--accounts",
            metavar="NAME[,NAME...]",
            help="Only these accounts, by address or id, in this order.",
        ),
    ] = None,
    input_file: Annotated[
        Path | None,
        typer.Option(
            "--input-file",
            exists=True,
            dir_okay=False,
            help="A file of accounts, one a line, in the order of the restore.",
        ),
    ] = None,
    domains: Annotated[
        list[str] | None,
        typer.Option("--domains", metavar="NAME[,NAME...]", help="Only these domains."),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            "--at",
            metavar="TIME",
            help="The state of everything at this moment, ISO 8601; UTC unless it says otherwise.",
        ),
    ] = None,
    filter_deleted: Annotated[
        bool, typer.Option(help="Leave out what the backup saw deleted (not what is in Trash).")
    ] = True,
    skip_system_accounts: Annotated[
        bool, typer.Option(help="Leave out system accounts such as galsync, ham, spam.")
    ] = True,
    skip_aliases: Annotated[
        bool, typer.Option("--skip-aliases", help="Restore no aliases.")
    ] = False,
    skip_distribution_lists: Annotated[
        bool, typer.Option("--skip-distribution-lists", help="Restore no distribution lists.")
    ] = False,
    skip_coses: Annotated[
        bool, typer.Option("--skip-coses", help="Restore no classes of service.")
    ] = False,
    skip_account_provisioning: Annotated[
        bool,
        typer.Option(
            "--skip-account-provisioning",
            help="The accounts must exist and keep their settings; their contents are restored.",
        ),
    ] = False,
    skip_domain_provisioning: Annotated[
        bool,
        typer.Option(
            "--skip-domain-provisioning",
            help="Restore no domain, class of service, list or quota; the domains must exist.",
        ),
    ] = False,
    provisioning_only: Annotated[
        bool, typer.Option("--provisioning-only", help="Phase 1 only: no folders, no items.")
    ] = False,
    restore_datasource: Annotated[
        bool, typer.Option(help="Restore external POP and IMAP accounts.")
    ] = True,
    max_file_size: Annotated[
        str,
        typer.Option(
            "--max-file-size",
            metavar="SIZE",
            help="Skip and report larger items: 50M, 1G; 0: none.",
        ),
    ] = "0",
    bad_item_limit: Annotated[
        int | None,
        typer.Option(
            "--bad-item-limit",
            metavar="N",
            min=0,
            help="Suspend when more items than this could not be restored. Default: never.",
        ),
    ] = None,
    large_item_limit: Annotated[
        int | None,
        typer.Option(
            "--large-item-limit",
            metavar="N",
            min=0,
            help="Suspend when more items than this exceed --max-file-size. Default: never.",
        ),
    ] = None,
    force_as_external_restore: Annotated[
        bool,
        typer.Option(
            "--force-as-external-restore",
            help="Restore although the destination is the server the backup was made of.",
        ),
    ] = False,
    concurrent_accounts: Annotated[
        int, typer.Option("--concurrent-accounts", min=1, max=64, help="How many at once.")
    ] = 4,
    notifications: Annotated[
        list[str] | None,
        typer.Option("--notifications", metavar="ADDRESS", help="Whom to notify (recorded)."),
    ] = None,
    mountpoints: Annotated[
        str,
        typer.Option(
            "--mountpoints",
            metavar="shared|symlink",
            help="Show shared folders below shared/ (any Dovecot), or at their own path.",
        ),
    ] = "shared",
    compress: Annotated[
        str,
        typer.Option(
            "--compress",
            metavar="none|keep",
            help="Store messages in a maildir unpacked, or as the gzip files of the backup (for a"
            " Dovecot with its zlib plugin).",
        ),
    ] = "none",
    dedupe: Annotated[
        str,
        typer.Option(
            "--dedupe",
            metavar="none|link|reflink",
            help="Let equal messages in a maildir share a file: as names of one (those of the same"
            " date), or as files that share blocks.",
        ),
    ] = "none",
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="How to log in to the accounts of a server: restore.toml.",
        ),
    ] = None,
    owner: Annotated[
        str | None,
        typer.Option(
            "--owner",
            metavar="USER[:GROUP]",
            help="Who owns a mail tree that root makes; an existing one keeps its owner.",
        ),
    ] = None,
) -> Options:
    """The options as they were typed, checked. Raises UsageError."""
    return Options(
        source=source_of(source),
        destination=destination_of(destination),
        owner=owner_of(owner),
        mountpoints=_mountpoints(mountpoints),
        compress=_stored("--compress", compress, ("none", "keep"), destination),
        dedupe=_stored("--dedupe", dedupe, ("none", "link", "reflink"), destination),
        config=absolute_path(str(config)) if config else "",
        accounts=(*_names("--accounts", accounts), *_lines(input_file)),
        domains=_names("--domains", domains),
        at=moment_of(at),
        filter_deleted=filter_deleted,
        skip_system_accounts=skip_system_accounts,
        skip_aliases=skip_aliases,
        skip_distribution_lists=skip_distribution_lists,
        skip_coses=skip_coses or is_server(destination),
        skip_account_provisioning=skip_account_provisioning,
        skip_domain_provisioning=skip_domain_provisioning or is_server(destination),
        provisioning_only=provisioning_only,
        restore_datasource=restore_datasource,
        max_file_size=byte_count(max_file_size),
        bad_item_limit=bad_item_limit,
        large_item_limit=large_item_limit,
        force_as_external_restore=force_as_external_restore,
        concurrent_accounts=concurrent_accounts,
        notifications=_names("--notifications", notifications),
    )


def with_selection(command: Callable[..., None]) -> Callable[..., None]:
    """Gives `command`, whose first parameter is the `Options`, the parameters of `selection`."""
    shared = inspect.signature(selection).parameters
    own = list(inspect.signature(command).parameters.values())[1:]

    @functools.wraps(command)
    def wrapper(**arguments: Any) -> None:
        chosen = selection(**{name: arguments.pop(name) for name in shared})
        command(chosen, **arguments)

    hints = get_type_hints(selection, include_extras=True) | get_type_hints(
        command, include_extras=True
    )
    parameters = [
        parameter.replace(annotation=hints[parameter.name], kind=parameter.KEYWORD_ONLY)
        for parameter in (*shared.values(), *own)
    ]
    wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    wrapper.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return wrapper


def _names(option: str, values: list[str] | None) -> tuple[str, ...]:
    names = (name.strip() for value in values or () for name in value.split(","))
    found = tuple(name for name in names if name)
    if values and not found:
        # An empty shell variable must not come to mean "all of them".
        raise UsageError(detail=f"{option} names nothing")
    return found


def _lines(file: Path | None) -> tuple[str, ...]:
    if file is None:
        return ()
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(detail=f"{file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(detail=f"{file} is no text in UTF-8") from None
    lines = (line.strip() for line in text.splitlines())
    names = tuple(line for line in lines if line and not line.startswith("#"))
    if not names:
        raise UsageError(detail=f"{file} names no account")
    return names


def _stored(option: str, text: str, known: Sequence[str], destination: str) -> str:
    """How messages are stored, which is for us to say in a maildir only."""
    if text not in known:
        raise UsageError(detail=f"{option} is {' or '.join(known)}, not {text!r}")
    if text != "none" and not destination.startswith("maildir:"):
        raise UsageError(detail=f"{option} {text} is for maildir:DIR")
    return text


def _mountpoints(text: str) -> str:
    if text not in {"shared", "symlink"}:
        raise UsageError(detail=f"--mountpoints is shared or symlink, not {text!r}")
    return text
