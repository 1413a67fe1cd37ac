"""Domains, classes of service and lists: what was provisioned against what is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec.structs import replace

from reinstate_journal.catalogue import Event, Outcome
from reinstate_journal.errors import BackupError, UsageError
from reinstate_journal.events import (
    ClassOfServiceCreated,
    ClassOfServiceFound,
    DistributionListCreated,
    DistributionListFound,
    DomainCreated,
    DomainFound,
    restore_stream,
)
from reinstate_journal.journal import Reader
from reinstate_service.destination.contract import Destination, EntryUnreadable, Missing
from reinstate_service.model import DistributionList, Frozen, revision
from reinstate_service.restore.run import Read, read_backup
from reinstate_service.restore.verification.configuration import differences
from reinstate_service.restore.verification.findings import Finding, Kind
from reinstate_service.restore.verification.views import View, Views

_DOMAIN, _COS, _LIST = "domain", "class of service", "list"
_KINDS: dict[type[Event], tuple[str, bool]] = {
    DomainCreated: (_DOMAIN, False),
    DomainFound: (_DOMAIN, True),
    ClassOfServiceCreated: (_COS, False),
    ClassOfServiceFound: (_COS, True),
    DistributionListCreated: (_LIST, False),
    DistributionListFound: (_LIST, True),
}
#: What an object is called: its kind and its name.
Name = tuple[str, str]


def read_plan(views: Views, view: View) -> Read | None:
    """What a run planned, read from the backup again; None if that is not possible any more."""
    source = views.source(view.moment)
    try:
        return None if source is None else read_backup(source, view.options)
    except (BackupError, UsageError):
        return None


def compare_directory(
    journal: Reader, restore: str, destination: Destination, views: Views
) -> tuple[int, list[Finding]]:
    """How many objects were compared, and what is not as it was provisioned."""
    objects = _provisioned(journal, restore)
    expected = _expected(journal, restore, views, objects)
    readers: dict[str, Callable[[str], Frozen]] = {
        _DOMAIN: destination.domain,
        _COS: destination.class_of_service,
        _LIST: destination.distribution_list,
    }
    findings = []
    for (what, name), existed in objects.items():
        try:
            there = readers[what](name)
        except Missing:
            findings.append(Finding(Kind.MISSING, what, name))
            continue
        except EntryUnreadable as error:
            findings.append(Finding(Kind.UNCHECKED, what, name, str(error)))
            continue
        wanted = expected.get((what, name))
        if wanted is None:
            continue
        ignored = () if what == _LIST else ("name",)
        texts = list(differences(wanted, there, existed=existed, ignored=ignored))
        if texts:
            findings.append(Finding(Kind.DIFFERENT, what, name, "; ".join(texts)))
    return len(objects), findings


def _provisioned(journal: Reader, restore: str) -> dict[Name, bool]:
    """Every object that was made or found, and whether it existed before."""
    found = {}
    for recorded in journal.read(stream=restore_stream(restore), types=_KINDS):
        what, existed = _KINDS[type(recorded.event)]
        found[what, str(getattr(recorded.event, "name", ""))] = existed
    return found


def _expected(
    journal: Reader, restore: str, views: Views, objects: dict[Name, bool]
) -> dict[Name, Frozen]:
    """The objects as the backup has them, as far as the journal says that they were set so."""
    wanted: dict[Name, tuple[str, Frozen]] = {}
    done: list[tuple[View, ...]] = []
    for view in views.runs:
        key = (replace(view, position=0),)
        if key not in done:
            done.append(key)
            if (read := read_plan(views, view)) is not None:
                wanted.update(_configured(read, not view.options.skip_aliases))
    ended = journal.progress.ended(restore_stream(restore), [step for step, _ in wanted.values()])
    return {
        name: one
        for name, (step, one) in wanted.items()
        if step in ended
        and ended[step].outcome is Outcome.DONE
        and not (name[0] == _COS and objects.get(name, True))
    }


def _configured(read: Read, with_aliases: bool) -> Iterator[tuple[Name, tuple[str, Frozen]]]:
    """Each object that the run set, with the step that set it. A class of service that was there
    already is left as it is."""
    plan = read.provisioning
    for domain in plan.domains:
        step = f"configure domain {domain.name} {revision(domain)}"
        aliases = tuple(map(str.lower, domain.aliases))
        yield (_DOMAIN, domain.name), (step, replace(domain, aliases=aliases))
    for cos in plan.classes_of_service:
        yield (_COS, cos.name), (f"cos {cos.name}", cos)
    for lst in plan.lists:
        step = f"configure list {lst.address} {revision((lst, with_aliases))}"
        yield (_LIST, lst.address), (step, _as_stored(lst, with_aliases))


def _as_stored(lst: DistributionList, with_aliases: bool) -> DistributionList:
    members = tuple(dict.fromkeys(map(str.lower, lst.members)))
    aliases = tuple(map(str.lower, lst.aliases)) if with_aliases else ()
    return replace(lst, members=members, aliases=aliases)
