"""From what the user calls a destination to the destination."""

from __future__ import annotations

import msgspec

from reinstate_journal.errors import UsageError
from reinstate_service.destination.contract import Destination
from reinstate_service.destination.maildir import MaildirDestination, Mountpoints
from reinstate_service.destination.maildir.destination import holds_destination
from reinstate_service.destination.maildir.layout import NAMESPACE
from reinstate_service.destination.maildir.twins import Dedupe
from reinstate_service.destination.memory import MemoryDestination
from reinstate_service.destination.waiting import Waiting
from reinstate_service.mapping.namespace import Namespace


def open_destination(
    location: str,
    *,
    owner: tuple[int, int] | None = None,
    create: bool = True,
    mountpoints: str = "shared",
    config: str = "",
    waiting: Waiting | None = None,
    compress: str = "none",
    dedupe: str = "none",
) -> Destination:
    """The destination at `location`: `maildir:DIR`, `imaps://HOST[:PORT]`, `imap://HOST[:PORT]`,
    or `memory:` for tests.

    `owner` (uid, gid) is who a new directory is made for, when root makes it.
    `mountpoints` says how another user's folder is shown: `shared`, below the namespace of
    shared folders, or `symlink`, at its own place. `config` is the file that says how to log in
    to a server; `waiting` is what ends the waiting for one that is busy, and who is told of it.
    `compress` says of a `maildir:` how messages are stored: "none", unpacked, or "keep", as the
    gzip files that the backup has; `dedupe` whether equal ones share a file: "none", "link", as
    further names of it, or "reflink", as files that share its blocks.
    Raises UsageError for anything else, DestinationError if it cannot be opened, or
    is not there and `create` is false.
    """
    way = _checked(mountpoints)
    kind, _, rest = location.partition(":")
    if compress not in {"none", "keep"}:
        raise UsageError(detail=f"messages are compressed as none or keep, not {compress!r}")
    shared = _sharing(dedupe)
    if kind == "maildir" and rest:
        return MaildirDestination(
            rest,
            owner=owner,
            create=create,
            mountpoints=way,
            keep=compress == "keep",
            dedupe=shared,
        )
    if compress != "none" or shared:
        raise UsageError(detail="--compress and --dedupe are for maildir:DIR")
    if is_server(location):
        return _server(location, config, mountpoints, waiting or Waiting())
    if location == "memory:":
        return MemoryDestination(namespace=_mounting(MemoryDestination().namespace(), way))
    raise UsageError(
        detail=f"{location!r} is no destination; name it as maildir:DIR or imaps://HOST"
    )


def _server(location: str, config: str, mountpoints: str, waiting: Waiting) -> Destination:
    # Only those who restore onto a server load what speaks to it.
    from reinstate_service.destination.imap import ImapDestination  # noqa: PLC0415
    from reinstate_service.destination.imap.configuration import read_configuration  # noqa: PLC0415
    from reinstate_service.destination.imap.connection import server_of  # noqa: PLC0415

    if mountpoints != "shared":
        raise UsageError(detail=f"on a server, mountpoints are not shown as {mountpoints}")
    if not config:
        raise UsageError(detail=f"{location} needs --config FILE: how to log in to its accounts")
    return ImapDestination(server_of(location), read_configuration(config), waiting)


def is_server(location: str) -> bool:
    """Whether the destination is a live server: it has its domains, lists and classes of service,
    and none are made."""
    return location.partition(":")[0] in {"imap", "imaps"}


def destination_as_it_is(
    location: str, mountpoints: str = "shared", config: str = "", waiting: Waiting | None = None
) -> Destination:
    """The destination for looking only: nothing is made, and one that is not there yet is
    empty. Raises UsageError, DestinationError."""
    kind, _, rest = location.partition(":")
    if kind == "maildir" and rest and not holds_destination(rest):
        return MemoryDestination(namespace=_mounting(NAMESPACE, _checked(mountpoints)))
    return open_destination(
        location, create=False, mountpoints=mountpoints, config=config, waiting=waiting
    )


def _checked(mountpoints: str) -> Mountpoints:
    if mountpoints == "shared":
        return "shared"
    if mountpoints == "symlink":
        return "symlink"
    raise UsageError(detail=f"mountpoints are shown as shared or symlink, not {mountpoints!r}")


def _sharing(dedupe: str) -> Dedupe | None:
    match dedupe:
        case "none":
            return None
        case "link" | "reflink":
            return dedupe
        case _:
            raise UsageError(detail=f"equal messages share as link or reflink, not {dedupe!r}")


def _mounting(namespace: Namespace, mountpoints: Mountpoints) -> Namespace:
    return msgspec.structs.replace(namespace, mounts_in_place=mountpoints == "symlink")
