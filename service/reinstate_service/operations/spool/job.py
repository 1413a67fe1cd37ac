"""A job file: which restore, when, and whom to tell. Its mistakes are told all at once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta

from reinstate_journal.errors import UsageError
from reinstate_service.destination.open import is_server
from reinstate_service.model import Frozen
from reinstate_service.operations.spool.quiet_hours import quiet_hours_of
from reinstate_service.restore.options import Options
from reinstate_service.source.open import open_source
from reinstate_service.spelling import (
    absolute_path,
    byte_count,
    destination_of,
    owner_of,
    source_of,
)
from reinstate_service.tables import mistakes

#: A moment with its offset from UTC, as TOML writes it.
Moment = Annotated[datetime, Meta(tz=True)]
#: An address that can stand in the header of a mail.
ADDRESS = re.compile(r"[^\s@,;<>\x00-\x1f]+@[^\s@,;<>\x00-\x1f]+")
_DESTINATIONS = ("maildir:", "imap://", "imaps://")
_Limit = Annotated[int, Meta(ge=0)]


class JobWrong(UsageError):
    """A job file that cannot be used, with everything that is wrong with it."""

    message = "The job {name} cannot be used: {detail}"
    hint = "Mend the file; docs/operations.md has every key. reinstate spool check looks at it."


class Notify(Frozen, frozen=True):
    """Who is told of a job, beside those whom the service tells of all: addresses, and a command
    that gets the message on stdin."""

    mail: tuple[str, ...] = ()
    command: tuple[str, ...] = ()


class Choices(Frozen, frozen=True):
    """The options of `reinstate restore`, by their names and with their meanings."""

    accounts: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    at: Moment | None = None
    filter_deleted: bool = True
    skip_system_accounts: bool = True
    skip_aliases: bool = False
    skip_distribution_lists: bool = False
    skip_coses: bool = False
    skip_account_provisioning: bool = False
    skip_domain_provisioning: bool = False
    provisioning_only: bool = False
    restore_datasource: bool = True
    max_file_size: _Limit | str = 0
    bad_item_limit: _Limit | None = None
    large_item_limit: _Limit | None = None
    force_as_external_restore: bool = False
    concurrent_accounts: Annotated[int, Meta(ge=1, le=64)] = 4
    mountpoints: Literal["shared", "symlink"] = "shared"
    compress: Literal["none", "keep"] = "none"
    dedupe: Literal["none", "link", "reflink"] = "none"
    config: str = ""
    owner: str | None = None


class Job(Frozen, frozen=True):
    """A job. Higher `priority` goes first. It begins after `start_after` and rests during
    `quiet_hours`, by the clock of `time_zone` (that of the machine if empty).

    With `follow`, it restores what is new after each scan of the backup, until it is told to
    complete or `complete_after` has come; then it makes the last pass.
    """

    source: str
    destination: str
    priority: int = 0
    follow: bool = False
    start_after: Moment | None = None
    complete_after: Moment | None = None
    quiet_hours: tuple[str, ...] = ()
    time_zone: str = ""
    notify: Notify = Notify()
    options: Choices = Choices()

    def is_quiet(self, now: datetime) -> str:
        """The quiet hours that hold at that moment, as they were written; empty for none."""
        local = now.astimezone(ZoneInfo(self.time_zone) if self.time_zone else None)
        held = (text for text in self.quiet_hours if quiet_hours_of(text).hold(local))
        return next(held, "")

    def to_options(self) -> Options:
        """The options of the restore. Raises UsageError."""
        chosen = self.options
        size = chosen.max_file_size
        makes = not is_server(self.destination)
        same = {
            name: getattr(chosen, name)
            for name in Choices.__struct_fields__
            if name in Options.__struct_fields__
        }
        return Options(
            **same
            | {
                "source": source_of(self.source),
                "destination": destination_of(self.destination),
                "at": round(chosen.at.timestamp() * 1000) if chosen.at else None,
                "max_file_size": byte_count(size) if isinstance(size, str) else size,
                "config": absolute_path(chosen.config) if chosen.config else "",
                "owner": owner_of(chosen.owner),
                "skip_coses": chosen.skip_coses or not makes,
                "skip_domain_provisioning": chosen.skip_domain_provisioning or not makes,
                "notifications": self.notify.mail,
            }
        )


def read_job(name: str, text: str) -> Job:
    """The job that the text of a file describes. Raises JobWrong with all its mistakes."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _wrong(name, [f"it is no TOML: {error}"]) from None
    wrong = mistakes(Job, table)
    # What is of the right shape is looked at all the same, so that all is told at once.
    sound = msgspec.convert(_without(table, {one.partition(":")[0] for one in wrong}), Job)
    wrong += _contradictions(sound)
    if wrong:
        raise _wrong(name, sorted(wrong))
    return sound


def _wrong(name: str, mistakes: Sequence[str]) -> JobWrong:
    return JobWrong(name=name, detail="; ".join(mistakes), mistakes=tuple(mistakes))


def _without(table: dict[str, Any], keys: set[str]) -> dict[str, Any]:
    """The table without these keys; what a job needs is empty then."""
    left: dict[str, Any] = {"source": "", "destination": ""}
    for key, value in table.items():
        if key not in keys:
            left[key] = (
                {name: one for name, one in value.items() if f"{key}.{name}" not in keys}
                if isinstance(value, dict)
                else value
            )
    return left


def _contradictions(job: Job) -> Iterator[str]:
    chosen = job.options
    yield from _unreadable(job)
    if job.destination and not job.destination.startswith(_DESTINATIONS):
        yield f"destination: {job.destination!r} is not maildir:DIR or imaps://HOST"
    if job.complete_after and not job.follow:
        yield "complete_after: is for jobs with follow = true"
    if job.follow and chosen.at:
        yield "options.at: a job with follow = true has the newest state"
    if is_server(job.destination) and not chosen.config:
        yield f"options.config: {job.destination} needs one: how to log in to its accounts"
    for name in ("compress", "dedupe"):
        if getattr(chosen, name) != "none" and not job.destination.startswith("maildir:"):
            yield f"options.{name}: is for maildir:DIR"
    for address in job.notify.mail:
        if not ADDRESS.fullmatch(address):
            yield f"notify.mail: {address!r} is no address"


def _unreadable(job: Job) -> Iterator[str]:
    """The values that are texts of the right shape and mean nothing."""
    size, owner = job.options.max_file_size, job.options.owner
    if job.source:
        yield from _refused("source", lambda: open_source(source_of(job.source)))
    for text in job.quiet_hours:
        yield from _refused("quiet_hours", partial(quiet_hours_of, text))
    if job.time_zone:
        yield from _refused("time_zone", partial(ZoneInfo, job.time_zone))
    if isinstance(size, str):
        yield from _refused("options.max_file_size", partial(byte_count, size))
    yield from _refused("options.owner", partial(owner_of, owner))


def _refused(key: str, read: Callable[[], object]) -> Iterator[str]:
    try:
        read()
    except ZoneInfoNotFoundError:
        yield f"{key}: this machine knows no such zone"
    except (UsageError, ValueError) as error:
        yield f"{key}: {error}"
