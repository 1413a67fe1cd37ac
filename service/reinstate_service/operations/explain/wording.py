"""Events as sentences. Pure; every text can stand by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from reinstate_journal import events
from reinstate_service.model import Flag, Item, ItemType, Path, revision
from reinstate_service.operations.advice import advice

_PLACES = {
    "existing": "a folder of that path was there already, so its items join what is in it",
    "created": "the destination had no folder of that path, so it was to be made",
    "system": "that is the destination's own folder for the same purpose",
    "renamed": "the destination cannot hold its name as it is",
    "merged": "on the destination that is the same place as another folder's",
}
_GROUNDS = {
    "free": "nothing stood in its place",
    "filter": "a folder that a filter had made stood in its place",
    "beside": "a folder of the user's own stands in its place and stays",
}
_A = {
    ItemType.MESSAGE: "a message",
    ItemType.CHAT: "a chat",
    ItemType.CONTACT: "a contact",
    ItemType.APPOINTMENT: "an appointment",
    ItemType.TASK: "a task",
    ItemType.DOCUMENT: "a document",
}
_SKIPPED = {
    "deleted": "the backup saw it deleted, and deleted items were not asked for",
    "later": "it did not exist yet at the moment that was asked for",
    "too large": "it is larger than was allowed",
}


def shown(path: Sequence[str]) -> str:
    """A path as people write it."""
    return "/".join(path)


def state(item: Item, folder: str) -> str:
    """An item as the backup has it from some moment on; `folder` is the folder's path there."""
    if item.deleted:
        return "The backup saw it deleted."
    flags = ", ".join(flag.name.lower() for flag in Flag if flag in item.flags and flag.name)
    tags = ", ".join(item.tags)
    dated = datetime.fromtimestamp(item.date / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return (
        f"The backup has it in {folder}: {_A[item.type]} of {item.size:,} bytes, dated {dated}"
        + (f", flags {flags}" if flags else "")
        + (f", tags {tags}" if tags else "")
        + "."
    )


def script(text: str) -> str:
    """A filter as the backup has it."""
    lines = len(text.splitlines())
    return f"The backup has the script: {lines:,} lines, revision {revision(text)}."


def folder_mapped(event: events.FolderMapped) -> str:
    """Where a folder goes, and why there."""
    return (
        f"The folder {shown(event.source)} ({event.folder}) got its place: {shown(event.path)};"
        f" {_PLACES.get(event.reason, event.reason)}."
    )


def folders_merged(event: events.FoldersMerged, folder: str) -> str:
    """A place that several folders share."""
    others = ", ".join(one for one in event.folders if one != folder)
    return f"It shares the place {shown(event.path)} with {others}."


def items_ended(counts: Mapping[str, int]) -> str:
    """What became of a folder's items, counted by the name of the event."""
    parts = [
        f"{counts[kind]:,} {text}"
        for kind, text in (
            ("ItemRestored", "restored"),
            ("ItemSkipped", "left out"),
            ("ItemFailed", "could not be restored"),
        )
        if counts.get(kind)
    ]
    return f"Of its items: {', '.join(parts)}. This was the last of them."


def item_restored(event: events.ItemRestored, path: Path, run: int, name: str) -> str:
    """An item that is there."""
    lost = ", ".join(event.unrepresented)
    without = f", without the keywords {lost}, for which there was no place" if lost else ""
    probable = (
        " It was recognised by its header and body in a message that the server has changed."
        if event.probable
        else ""
    )
    return (
        f"Run {run} put it into {shown(path)} under the name {name}: {event.size:,} bytes with"
        f" the SHA-256 {event.digest}{without}.{probable} From then on it was durable there."
    )


def item_skipped(event: events.ItemSkipped, run: int) -> str:
    """An item that was left out."""
    return f"Run {run} left it out: {_SKIPPED.get(event.reason, event.reason)}."


def item_failed(event: events.ItemFailed, run: int) -> str:
    """An item that could not be restored, and what can be done."""
    return (
        f"Run {run} could not restore it: {event.reason} ({event.failure})."
        f" {advice(event.failure)}."
    )


def item_in_doubt(event: events.ItemInDoubt, run: int) -> str:
    """An item of which nobody knows whether it is there."""
    return (
        f"Run {run} could not tell whether it is on the destination: {event.reason}. It was not"
        " delivered again, since it could then be there twice."
    )


def item_approved(event: events.ItemApproved) -> str:
    """A failure that was accepted."""
    return f"An administrator accepted that it could not be restored ({event.accepted})."


def item_reopened(event: events.ItemReopened, run: int) -> str:
    """An item that is tried again."""
    return f"Run {run} took it up again; before, it had {_was(event)}."


def _was(event: events.ItemReopened) -> str:
    what = "been left out" if event.was == "skipped" else "failed"
    return f"{what} ({event.reason})"


def mountpoint_mapped(event: events.MountpointMapped) -> str:
    """Where a mountpoint goes."""
    return (
        f"The mountpoint {shown(event.source)} ({event.mountpoint}) was to lead to"
        f" {shown(event.target)} of {event.owner}, reached as {shown(event.address)};"
        f" {_GROUNDS.get(event.reason, event.reason)}."
    )


def mountpoint_restored(event: events.MountpointRestored) -> str:
    """A mountpoint that works."""
    return f"The mountpoint ({event.mountpoint}) leads there."


def mountpoint_refused(event: events.MountpointRefused) -> str:
    """A mountpoint that was not made."""
    return f"The mountpoint was not made: {event.reason}. {advice('MountpointRefused')}."


def messages(count: int) -> str:
    """So many messages."""
    return "1 message" if count == 1 else f"{count:,} messages"


def relocation_started(event: events.RelocationStarted, many: str) -> str:
    """Messages about to move."""
    return (
        f"A filter had put {many} into {shown(event.source)}, where the mountpoint"
        f" ({event.mountpoint}) belongs: it was about to move into {shown(event.target)} of"
        f" {event.owner}, which the mountpoint shows."
    )


def items_relocated(event: events.ItemsRelocated, many: str) -> str:
    """Messages that have moved."""
    return f"{many} lay in {shown(event.target)} of {event.owner} from then on."


def stray_removed(event: events.StrayFolderRemoved) -> str:
    """A folder in a mountpoint's place that is gone."""
    return (
        f"The folder {shown(event.path)} was empty and in the mountpoint's place: it was removed."
    )


def stray_kept(event: events.StrayFolderKept) -> str:
    """A folder in a mountpoint's place that stays."""
    return f"The folder {shown(event.path)} could not be removed: {event.reason}."


def grants_applied(event: events.GrantsApplied) -> str:
    """Who got rights on a folder."""
    given = "; ".join(event.granted) or "nobody"
    refused = f" Not given: {'; '.join(event.refused)}." if event.refused else ""
    return f"Rights on it were given to: {given}.{refused}"


def filter_translated(event: events.FilterTranslated) -> str:
    """A script in standard Sieve."""
    kept = "".join(
        f" Line {one.line} is only a comment in it ({one.reason}): {one.text}."
        for one in event.kept
    )
    return f"The backup's script was written in standard Sieve.{kept}"


def filters_installed(_event: events.FiltersInstalled) -> str:
    """A script that is in place."""
    return "It was stored as a script of the account."


def filter_redirected(event: events.FilterRedirected) -> str:
    """What is to become of a script's folders."""
    changed = " ".join(
        f"In line {one.line}, {one.old} was to become {one.new}." for one in event.changed
    )
    left = " ".join(
        f"Line {one.line} stays as it is ({one.reason}): {one.text}." for one in event.left
    )
    return " ".join(part for part in (changed, left) if part)


def filter_activated(_event: events.FilterActivated) -> str:
    """A redirected script in place."""
    return "The changed script took the place of the one before, at once."


def finding(event: events.VerificationFinding) -> str:
    """What a verification found of it."""
    start = f"Verification {event.verification} found"
    detail = f" ({event.detail})" if event.detail else ""
    match event.kind:
        case "missing":
            return f"{start} that it is not there any more{detail}."
        case "different":
            return f"{start} that it is not as it was restored: {event.detail}."
        case "changed":
            place = f" in {shown(event.path)}" if event.what == "item" else ""
            return f"{start} it{place}: {event.detail}. That is what users do."
        case _:
            return f"{start} it {event.kind}{detail}."


def verified(event: events.AccountVerified) -> str:
    """A verification that found nothing of it."""
    return f"Verification {event.verification} found it there, as it was restored."
