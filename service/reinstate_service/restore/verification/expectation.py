"""What one account should be like on the destination: from the journal, and from the backup for
what the journal does not keep (flags, dates, settings, texts)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from msgspec.structs import replace

from reinstate_journal.errors import JournalDamaged
from reinstate_journal.events import (
    AccountConfigured,
    AccountFound,
    AttributesMapped,
    DataSourceRestored,
    FiltersInstalled,
    FoldersCreated,
    GrantsApplied,
    ItemRestored,
    QuotaPutBack,
    account_stream,
)
from reinstate_journal.journal import Reader
from reinstate_journal.progress import Account as Known
from reinstate_service.model import MAIL_TYPES, Account, Item, Path, revision
from reinstate_service.restore.item_pass import delivery_name
from reinstate_service.restore.plan import account_revision
from reinstate_service.restore.provisioning import NOTHING
from reinstate_service.restore.verification.expected import Expected
from reinstate_service.restore.verification.sheet import Sheet
from reinstate_service.restore.verification.views import Views
from reinstate_service.source.contract import AccountUnreadable

_TOLD = (
    AccountConfigured,
    AccountFound,
    AttributesMapped,
    DataSourceRestored,
    FiltersInstalled,
    FoldersCreated,
    GrantsApplied,
    ItemRestored,
    QuotaPutBack,
)


@dataclass
class Expectation:
    """One account. `folders` are those it should have, and whether the restore made them;
    `grants` by folder and grantee; `filters` the digests that each script may have, none if they
    are not known; `settings` is None and `quota` is None where they are not to be compared.
    `collections` are the folders for other than mail, as far as the backup tells; `absent` are
    settings that the destination has no place for, `mapped` attributes whose ids mean the
    destination's objects now. `unreadable` says why the backup told nothing of it."""

    known: Known
    existed: bool = False
    folders: dict[Path, bool] = field(default_factory=dict)
    grants: dict[Path, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    filters: dict[str, frozenset[str]] = field(default_factory=dict)
    settings: Account | None = None
    absent: frozenset[str] = frozenset()
    mapped: frozenset[str] = frozenset()
    quota: int | None = None
    collections: frozenset[Path] = frozenset()
    unreadable: str = ""

    def leave_out_all_but_mail(self) -> None:
        """Expects no more than a mail server holds."""
        self.settings = self.quota = None
        for path in self.collections:
            self.folders.pop(path, None)


def expect_account(
    journal: Reader,
    views: Views,
    known: Known,
    cos_names: Mapping[str, str],
    *,
    place: Callable[[Path], Path],
    sheet: Sheet,
) -> Expectation:
    """What the account should be like; its items are added to the sheet. `place` tells how a path
    is spelled on the destination; `cos_names` are the restored classes of service by id."""
    return _Reading(journal, views, known, place, sheet).expectation(cos_names)


class _Reading:
    """One pass over the account's stream, then one over its items in the backup."""

    def __init__(
        self,
        journal: Reader,
        views: Views,
        known: Known,
        place: Callable[[Path], Path],
        sheet: Sheet,
    ) -> None:
        self._journal = journal
        self._views = views
        self._stream = account_stream(known.restore, known.account)
        self._mapped = journal.containers.folders(self._stream)
        self._places = {one: place(mapped.path) for one, mapped in self._mapped.items()}
        self._sheet = sheet
        self._moments: set[int | None] = set()
        self._revisions: set[str] = set()
        self._scripts: tuple[str, ...] = ()
        self._data_sources: set[str] = set()
        self._result = Expectation(known)

    def expectation(self, cos_names: Mapping[str, str]) -> Expectation:
        result = self._result
        if self._views.last.options.skip_domain_provisioning is False:
            result.quota = 0
        for recorded in self._journal.read(stream=self._stream, types=_TOLD):
            self._fold(recorded.position, recorded.event)
        if result.known.quota_due is not None:
            result.quota = None
        account = None
        try:
            account = self._account()
            for moment in self._moments:
                self._ask_backup(moment)
            self._ask_for_collections()
        except AccountUnreadable as error:
            result.unreadable = str(error)
        if account is not None:
            self._settings(account, cos_names)
        self._filters(account)
        return result

    def _fold(self, position: int, event: object) -> None:
        result = self._result
        match event:
            case ItemRestored():
                self._item(position, event)
            case GrantsApplied():
                given = (one.rpartition(" ") for one in event.granted)
                result.grants[self._place_of(event.folder)].update(
                    {grantee: rights for grantee, _, rights in given}
                )
            case FoldersCreated():
                result.folders.update(self._made())
            case AccountFound():
                result.existed = True
            case AccountConfigured():
                self._revisions.add(event.revision)
                result.absent = frozenset(event.absent)
            case AttributesMapped():
                result.mapped = frozenset(event.mapped)
            case FiltersInstalled():
                self._scripts = event.scripts
            case DataSourceRestored():
                self._data_sources.add(event.source)
            case QuotaPutBack() if result.quota is not None:
                result.quota = event.quota

    def _item(self, position: int, event: ItemRestored) -> None:
        known = self._result.known
        name = delivery_name(known.restore, known.account, event.item, event.digest)
        wanted = Expected(
            event.item,
            self._place_of(event.folder),
            event.served_digest or event.digest,
            event.served_size or event.size,
        )
        moment = self._views.of(position).moment
        self._moments.add(moment)
        self._sheet.add_restored(name, moment, wanted, event.unrepresented)

    def _place_of(self, folder: str) -> Path:
        """Where a folder is. Raises JournalDamaged if that was never decided."""
        if folder not in self._places:
            detail = f"{self._stream} has something in folder {folder}, which has no place"
            raise JournalDamaged(path=self._journal.path, detail=detail)
        return self._places[folder]

    def _made(self) -> dict[Path, bool]:
        """Every folder that there should be, and whether the restore made it."""
        return {
            self._place_of(one): mapped.reason in {"created", "renamed"}
            for one, mapped in self._mapped.items()
            if mapped.reason != "merged"
        }

    def _account(self) -> Account | None:
        source = self._views.source(self._views.last.moment)
        return None if source is None else source.account(self._result.known.account)

    def _ask_backup(self, moment: int | None) -> None:
        """Adds date, flags and keywords of the items that are in the backup of that moment."""
        source = self._views.source(moment)
        if source is None:
            return
        known = self._result.known
        told = (
            (delivery_name(known.restore, known.account, record.id, record.digest), record)
            for record in source.items(known.account)
            if isinstance(record, Item)
        )
        self._sheet.add_told(moment, told)

    def _ask_for_collections(self) -> None:
        source = self._views.source(self._views.last.moment)
        if source is not None:
            containers = source.containers(self._result.known.account, deleted=True)
            self._result.collections = frozenset(
                self._places[folder.id]
                for folder in containers.folders
                if folder.view not in MAIL_TYPES and folder.id in self._places
            )

    def _settings(self, account: Account, cos_names: Mapping[str, str]) -> None:
        options, result = self._views.last.options, self._result
        cos = "" if options.skip_coses else cos_names.get(account.cos, "")
        if account_revision(account, cos, not options.skip_aliases) not in self._revisions:
            return
        result.settings = replace(
            account,
            cos=cos,
            aliases=() if options.skip_aliases else tuple(map(str.lower, account.aliases)),
            data_sources=tuple(one for one in account.data_sources if one.id in self._data_sources),
        )
        if options.skip_aliases:
            result.absent |= {"aliases"}

    def _filters(self, account: Account | None) -> None:
        redirected = self._journal.containers.filters(self._stream)
        translated = self._journal.containers.translated(self._stream)
        for name in self._scripts:
            digests = set()
            if name in redirected:
                script = redirected[name]
                digests.add(script.after if script.active else script.before)
            elif name in translated:
                digests.add(translated[name].after)
            elif account is not None:
                digests.add(revision(getattr(account.filters, name)))
            if digests and name == "before" and name in translated:
                digests.add(revision(NOTHING))
            self._result.filters[name] = frozenset(digests)
        for name, script in redirected.items():
            if name not in self._scripts and script.active:
                self._result.filters[name] = frozenset({script.after})
