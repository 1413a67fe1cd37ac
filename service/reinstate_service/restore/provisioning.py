"""Phase 1: domains, classes of service, lists and accounts; empty first, then their settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar, cast

from msgspec.structs import replace

from reinstate_journal.catalogue import Event
from reinstate_journal.crashpoints import At, reach
from reinstate_journal.errors import DestinationError, ReinstateError
from reinstate_journal.events import (
    AccountConfigured,
    AccountCreated,
    AccountFound,
    ClassOfServiceCreated,
    ClassOfServiceFound,
    DistributionListConfigured,
    DistributionListCreated,
    DistributionListFound,
    DomainConfigured,
    DomainCreated,
    DomainFound,
    FilterLeft,
    FiltersInstalled,
    FilterTranslated,
    ProvisioningFailed,
    ProvisioningPlanned,
    QuotaLifted,
)
from reinstate_service.destination.contract import Missing
from reinstate_service.model import (
    Account,
    AccountRef,
    ClassOfService,
    DistributionList,
    Domain,
    Filters,
    revision,
)
from reinstate_service.restore.context import FATAL, Context
from reinstate_service.restore.plan import (
    Provisioning,
    TranslatedScript,
    account_revision,
    translate_filters,
)
from reinstate_service.restore.recorder import Recorder

#: What stands in the place of a script whose rules are over.
NOTHING = "# nothing to do\n"
Subject = TypeVar("Subject")


class DomainsMissing(DestinationError):
    """Domains that must exist, because they were not to be provisioned, do not."""

    message = "The destination {destination} has no domain {names}"
    hint = "Make them there first, or restore without --skip-domain-provisioning."
    retryable = False


def provision(context: Context, plan: Provisioning, accounts: Sequence[AccountRef]) -> None:
    """Carries out phase 1. A step that the journal knows as done is not done again.

    Raises DomainsMissing. What the destination refuses is recorded and does not
    stop the rest.
    """
    if context.options.skip_domain_provisioning:
        _require_domains(context, accounts)
    found = _found_before(context, plan, accounts)
    _make_directory(context, plan, found)
    if plan.make_accounts:
        context.for_each_account(accounts, lambda ref: _make_account(context, ref, found))
        context.for_each_account(accounts, lambda ref: _configure_account(context, ref))
    else:
        context.for_each_account(accounts, lambda ref: _find_account(context, ref))
    _configure_directory(context, plan)


def _require_domains(context: Context, accounts: Sequence[AccountRef]) -> None:
    names = {ref.address.rpartition("@")[2] for ref in accounts}
    missing = sorted(name for name in names if not context.destination.has_domain(name))
    if missing:
        raise DomainsMissing(destination=context.destination.url, names=", ".join(missing))


def _step(
    recorder: Recorder, step: str, effect: Callable[[Subject], Event], subject: Subject
) -> None:
    """Has the effect and records the event it answers with, or why it was refused."""
    if recorder.is_done(step):
        return
    try:
        event = effect(subject)
    except FATAL:
        raise
    except ReinstateError as error:
        failure = type(error).__name__
        recorder.append_news(
            ProvisioningFailed(ended=step, failure=failure, reason=str(error)), failure
        )
    else:
        reach(At.OBJECT_SET)
        recorder.append(event)


def _found_before(context: Context, plan: Provisioning, accounts: Sequence[AccountRef]) -> set[str]:
    """The steps whose objects the destination had before the restore made any.

    Decided once, durable before the first effect: an interrupted restore would
    otherwise take what it made itself for what it found.
    """
    destination = context.destination
    planned = list(context.journal.read(stream=context.log.stream, types=[ProvisioningPlanned]))
    events = [cast("ProvisioningPlanned", recorded.event) for recorded in planned]
    found = {step for event in events for step in event.use}
    known = found.union(*(event.create for event in events))
    present: list[tuple[str, Callable[[], bool]]] = [
        *(
            (f"domain {domain.name}", partial(destination.has_domain, domain.name))
            for domain in plan.domains
        ),
        *(
            (f"cos {cos.name}", partial(destination.has_class_of_service, cos.name))
            for cos in plan.classes_of_service
        ),
        *(
            (f"list {lst.address}", partial(destination.has_list, lst.address))
            for lst in plan.lists
        ),
    ]
    if plan.make_accounts:
        present += [
            (f"account {ref.address}", partial(destination.has_account, ref.address))
            for ref in accounts
        ]
    there = {step: is_there() for step, is_there in present if step not in known}
    if there:
        use = tuple(step for step, is_there in there.items() if is_there)
        create = tuple(step for step, is_there in there.items() if not is_there)
        context.log.append(ProvisioningPlanned(create=create, use=use))
        reach(At.OBJECTS_PLANNED)
        found.update(use)
    return found


def _make_directory(context: Context, plan: Provisioning, found: set[str]) -> None:
    destination = context.destination

    def make_domain(domain: Domain) -> Event:
        destination.put_domain(domain)
        kind = DomainFound if f"domain {domain.name}" in found else DomainCreated
        return kind(name=domain.name)

    def make_class_of_service(cos: ClassOfService) -> Event:
        destination.put_class_of_service(cos)
        kind = ClassOfServiceFound if f"cos {cos.name}" in found else ClassOfServiceCreated
        return kind(name=cos.name)

    def make_list(lst: DistributionList) -> Event:
        destination.put_list(lst)
        kind = DistributionListFound if f"list {lst.address}" in found else DistributionListCreated
        return kind(name=lst.address)

    for domain in plan.domains:
        context.check_stop()
        _step(context.log, f"domain {domain.name}", make_domain, domain)
    for cos in plan.classes_of_service:
        _step(context.log, f"cos {cos.name}", make_class_of_service, cos)
    for lst in plan.lists:
        context.check_stop()
        _step(context.log, f"list {lst.address}", make_list, lst)


def _configure_directory(context: Context, plan: Provisioning) -> None:
    destination, with_aliases = context.destination, not context.options.skip_aliases

    def configure_domain(domain: Domain) -> Event:
        destination.configure_domain(domain)
        return DomainConfigured(name=domain.name, revision=revision(domain))

    def configure_list(lst: DistributionList) -> Event:
        destination.configure_list(lst, with_aliases)
        return DistributionListConfigured(name=lst.address, revision=revision((lst, with_aliases)))

    for domain in plan.domains:
        step = f"configure domain {domain.name} {revision(domain)}"
        _step(context.log, step, configure_domain, domain)
    for lst in plan.lists:
        step = f"configure list {lst.address} {revision((lst, with_aliases))}"
        _step(context.log, step, configure_list, lst)


def _find_account(context: Context, ref: AccountRef) -> None:
    recorder = context.recorder(ref.id)
    if recorder.is_done("account"):
        return
    if not context.destination.has_account(ref.address):
        raise Missing(what=f"account {ref.address}")
    recorder.append(AccountFound(account=ref.id, address=ref.address))


def _make_account(context: Context, ref: AccountRef, found: set[str]) -> None:
    recorder = context.recorder(ref.id)
    if recorder.is_done("account"):
        return
    account = context.source.account(ref.id)
    _quota_is_due(context, recorder, account)
    context.destination.put_account(account)
    reach(At.ACCOUNT_MADE)
    kind = AccountFound if f"account {ref.address}" in found else AccountCreated
    recorder.append(kind(account=ref.id, address=ref.address))


def _configure_account(context: Context, ref: AccountRef) -> None:
    recorder = context.recorder(ref.id)
    account = context.source.account(ref.id)
    configured = settings_revision(context, account)
    absence = account.out_of_office if _answers(context, account) else None
    wanted = revision((account.filters, absence) if absence else account.filters)

    def configure_first(account: Account) -> Event:
        if not context.options.skip_domain_provisioning:
            _quota_is_due(context, recorder, account)
            context.destination.set_quota(account.address, 0)
            reach(At.QUOTA_LIFTED)
        return AccountConfigured(revision=configured, absent=configure(context, account))

    def install(account: Account) -> Event:
        filters, scripts = translate_filters(
            account,
            context.containers(ref),
            context.namespace,
            context.source.identity().product,
        )
        if not filters.before and "before" in context.journal.containers.translated(
            recorder.stream
        ):
            # An absence that is over: its script would stay where it is.
            filters = replace(filters, before=NOTHING)
        _record_translations(context, recorder, scripts)
        with context.destination.mailbox(account.address) as mailbox:
            installed = mailbox.install_filters(filters)
        return FiltersInstalled(revision=wanted, scripts=tuple(installed))

    _step(recorder, f"configure {configured}", configure_first, account)
    if account.filters != Filters() or _answers(context, account):
        _step(recorder, f"filters {wanted}", install, account)


def _answers(context: Context, account: Account) -> bool:
    """Whether the account's absence reply, on or off, is a matter of its scripts."""
    return bool(context.namespace.sieve) and account.out_of_office is not None


def _record_translations(
    context: Context, recorder: Recorder, scripts: Sequence[TranslatedScript]
) -> None:
    """Records what becomes of the scripts, unless the journal says so already."""
    known = context.journal.containers.translated(recorder.stream)
    for script in scripts:
        translated = FilterTranslated(
            script=script.name,
            before=script.before,
            after=script.after,
            kept=tuple(FilterLeft(*one) for one in script.kept),
        )
        same = (translated.before, translated.after, translated.kept)
        was = known.get(script.name)
        if was is None or (was.before, was.after, was.kept) != same:
            recorder.append(translated)


def configure(context: Context, account: Account) -> tuple[str, ...]:
    """Sets the account's settings; answers what the destination has no place for."""
    cos, with_aliases = _cos(context, account), not context.options.skip_aliases
    absent = context.destination.configure_account(account, cos, with_aliases)
    if account.cos and not cos and not context.options.skip_coses:
        return (*absent, f"class of service {account.cos}: the backup does not have it")
    return tuple(absent)


def settings_revision(context: Context, account: Account) -> str:
    """Changes when anything does that `configure` sets."""
    return account_revision(account, _cos(context, account), not context.options.skip_aliases)


def _cos(context: Context, account: Account) -> str:
    return "" if context.options.skip_coses else context.cos_names.get(account.cos, "")


def _quota_is_due(context: Context, recorder: Recorder, account: Account) -> None:
    """Records, before the quota goes, that it has to come back."""
    known = context.journal.progress.account(context.log.restore, account.id)
    due = known.quota_due if known else None
    if not context.options.skip_domain_provisioning and account.quota and due != account.quota:
        recorder.append(QuotaLifted(put_back=account.quota))
        reach(At.QUOTA_DUE)
