"""What a restore will do, decided before anything is touched: pure functions over data.

`reinstate plan` prints these; the executor carries them out. Items are not listed
one by one: `selection.reason_to_skip` decides each as it streams by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from msgspec.structs import replace

from reinstate_service.destination.contract import ExistingFolder
from reinstate_service.mapping.filters import Change, Left, folder_targets, redirect_filters
from reinstate_service.mapping.folders import FolderDecision, map_folders, merged
from reinstate_service.mapping.namespace import Namespace
from reinstate_service.mapping.paths import source_paths
from reinstate_service.mapping.rights import Translated as TranslatedGrants
from reinstate_service.mapping.rights import translate
from reinstate_service.mapping.sieve.absence import with_absence
from reinstate_service.mapping.sieve.zimbra import Kept, Translated, translate_script
from reinstate_service.mapping.sieve.zimbra_tests import Surroundings
from reinstate_service.model import (
    Account,
    AccountRef,
    ClassOfService,
    Containers,
    DistributionList,
    Domain,
    Filters,
    Folder,
    Frozen,
    Grant,
    Path,
    Product,
    revision,
)
from reinstate_service.restore.options import Options
from reinstate_service.restore.selection import Selection

_TIME_ZONE = "zimbraPrefTimeZoneId"


class Directory(Frozen, frozen=True):
    """The backup's objects that are not accounts, and the ids by which they are referred to."""

    domains: tuple[Domain, ...]
    classes_of_service: tuple[ClassOfService, ...]
    lists: tuple[DistributionList, ...]

    def addresses(self, accounts: Iterable[AccountRef]) -> dict[str, str]:
        """What a grant's grantee is called: accounts and lists by address, domains by name."""
        return (
            {account.id: account.address for account in accounts}
            | {lst.id: lst.address for lst in self.lists}
            | {domain.id: domain.name for domain in self.domains}
        )

    def cos_names(self) -> dict[str, str]:
        """The names of the classes of service by id."""
        return {cos.id: cos.name for cos in self.classes_of_service}


class Provisioning(Frozen, frozen=True):
    """Phase 1, in this order: domains, classes of service, lists and accounts are made empty,
    then accounts, domains and lists are configured."""

    domains: tuple[Domain, ...]
    classes_of_service: tuple[ClassOfService, ...]
    lists: tuple[DistributionList, ...]
    make_accounts: bool


def plan_provisioning(directory: Directory, selection: Selection, options: Options) -> Provisioning:
    """What phase 1 provisions for the chosen accounts."""
    make_accounts = not options.skip_account_provisioning
    if options.skip_domain_provisioning:
        return Provisioning((), (), (), make_accounts)
    domains = _domains(directory, selection, options)
    names = {domain.name.lower() for domain in domains}
    used = _used_classes(directory, selection) if not options.skip_coses else set()
    cos_names = {cos.id: cos.name for cos in directory.classes_of_service if cos.id in used}
    lists = () if options.skip_distribution_lists else directory.lists
    return Provisioning(
        tuple(
            replace(
                domain,
                default_cos=cos_names.get(domain.default_cos, ""),
                aliases=() if options.skip_aliases else domain.aliases,
            )
            for domain in domains
        ),
        tuple(cos for cos in directory.classes_of_service if cos.id in used),
        tuple(lst for lst in lists if lst.domain.lower() in names),
        make_accounts,
    )


def _domains(directory: Directory, selection: Selection, options: Options) -> list[Domain]:
    if options.domains:
        wanted = {name.lower() for name in options.domains}
    elif options.accounts:
        wanted = {ref.address.rpartition("@")[2].lower() for ref in selection.chosen}
    else:
        return list(directory.domains)
    return [domain for domain in directory.domains if domain.name.lower() in wanted]


def _used_classes(directory: Directory, selection: Selection) -> set[str]:
    defaults = {domain.name.lower(): domain.default_cos for domain in directory.domains}
    return {
        ref.cos or defaults.get(ref.address.rpartition("@")[2].lower(), "")
        for ref in selection.chosen
    }


def with_roles(namespace: Namespace, folders: Iterable[ExistingFolder]) -> Namespace:
    """The namespace with the system folders that this account itself has."""
    own = {folder.role: folder.path for folder in folders if folder.role is not None}
    return replace(namespace, roles={**namespace.roles, **own})


def account_revision(account: Account, cos: str, with_aliases: bool) -> str:
    """Changes when anything does that configuring the account sets; `cos` is a name."""
    settings = replace(account, filters=Filters(), data_sources=())
    return revision((settings, cos, with_aliases))


class FolderPlan(Frozen, frozen=True):
    """The folders of one account: decisions not yet settled, and all places by backup id."""

    decisions: tuple[FolderDecision, ...]
    places: dict[str, Path]
    merged: dict[Path, tuple[str, ...]]


def plan_folders(
    containers: Containers,
    existing: Iterable[Path],
    settled: Mapping[str, Path],
    namespace: Namespace,
) -> FolderPlan:
    """Rules 1 to 4 for one account; `settled` are the places the journal has already."""
    decisions = map_folders(containers.folders, existing, namespace, settled)
    places = dict(settled) | {decision.folder: decision.path for decision in decisions}
    return FolderPlan(tuple(decisions), places, merged(places, namespace))


def plan_grants(
    containers: Containers, addresses: Mapping[str, str]
) -> dict[str, TranslatedGrants]:
    """The grants of every folder that has any, its own and those it inherits, by folder id."""
    by_id = {folder.id: folder for folder in containers.folders}
    effective = {folder.id: _grants(folder, by_id) for folder in containers.folders}
    return {folder: translate(grants, addresses) for folder, grants in effective.items() if grants}


def _grants(folder: Folder, by_id: Mapping[str, Folder]) -> tuple[Grant, ...]:
    grants, seen = folder.grants, {folder.id}
    while folder.inherits and folder.parent in by_id and folder.parent not in seen:
        folder = by_id[folder.parent]
        seen.add(folder.id)
        grants += folder.grants
    return grants


def filed_paths(scripts: Iterable[str], namespace: Namespace) -> tuple[Path, ...]:
    """Where the account's filters file to, as far as the scripts say it literally."""
    targets = (
        target.path
        for script in scripts
        for target in folder_targets(script, namespace.separator)
        if target.active and target.path is not None
    )
    return tuple(dict.fromkeys(targets))


class TranslatedScript(Frozen, frozen=True):
    """One script in standard Sieve: the digests of its text before and after, and what is only a
    comment in it."""

    name: str
    before: str
    after: str
    kept: tuple[Kept, ...]


def translate_filters(
    account: Account, containers: Containers, namespace: Namespace, product: Product
) -> tuple[Filters, tuple[TranslatedScript, ...]]:
    """The account's scripts as the destination runs them, and those that are not what they were.

    Only a destination that names its extensions wants standard Sieve, and only Zimbra and
    Carbonio write a dialect. The absence reply becomes a part of `before`. `outgoing` is kept
    as it is: no destination runs it.
    """
    filters, scripts = account.filters, []
    if not namespace.sieve:
        return filters, ()
    around = Surroundings(
        addresses=(account.address, *account.aliases),
        folders=tuple(source_paths((*containers.folders, *containers.mountpoints)).values()),
        zone=next(iter(account.attributes.get(_TIME_ZONE, ())), ""),
    )
    for name in ("before", "incoming", "after"):
        text = getattr(filters, name)
        translated = Translated(text)
        if product is not Product.GENERIC:
            translated = translate_script(text, namespace.sieve, around)
        after = translated.text
        if name == "before":
            absence = account.out_of_office
            after = with_absence(after, absence, around.addresses, namespace.sieve)
        if after != text or translated.kept:
            filters = replace(filters, **{name: after})
            kept = translated.kept
            scripts.append(TranslatedScript(name, revision(text), revision(after), kept))
    return filters, tuple(scripts)


class FilterPlan(Frozen, frozen=True):
    """What becomes of one script: its new text, the strings changed, and those left for a person
    to look at."""

    text: str
    changed: tuple[Change, ...]
    left: tuple[Left, ...]


def plan_filter(
    script: str,
    redirects: Mapping[Path, Path],
    exists: Callable[[Path], bool],
    namespace: Namespace,
) -> FilterPlan:
    """Rule 9 for one script. `exists` tells whether the account reaches a folder at a path."""
    redirected = redirect_filters(script, redirects, namespace)
    missing = tuple(
        Left(target.line, "/".join(target.path), "there is no such folder")
        for target in folder_targets(redirected.text, namespace.separator)
        if target.active
        and not target.creates
        and target.path is not None
        and not exists(target.path)
    )
    return FilterPlan(redirected.text, redirected.changed, (*redirected.left, *missing))
