"""All entries of all files by their name, and whose child each is.

The same entry may come several times: from a dump of the whole and from a newer one, or in
two exports with different attributes each. Entries that agree in every attribute that both
have are one; else the later wins as a whole, so that nothing that was taken away since comes
back, and that is said. Later is what was changed later (`modifyTimestamp`), or else what
stands in the later file.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from reinstate_service.model import Attributes
from reinstate_service.source.archives.directory.attributes import BINARY
from reinstate_service.source.archives.directory.ldif import Entry, read_entries
from reinstate_service.source.archives.directory.names import Rdn, parse_dn
from reinstate_service.source.archives.directory.problems import Problems

#: Classes of the entries that have a place in the model.
KINDS = {
    "zimbradomain": "domain",
    "zimbracos": "cos",
    "zimbraaccount": "account",
    "zimbradistributionlist": "list",
    "zimbragroup": "group",
    "zimbragroupstaticunit": "static unit",
    "zimbraalias": "alias",
    "zimbraidentity": "identity",
    "zimbrasignature": "signature",
    "zimbradatasource": "data source",
    "zimbraglobalconfig": "config",
}


@dataclass(frozen=True, slots=True)
class Record:
    """An entry as text; `attributes` by name in lower case, which `spelled` gives as the first
    file has it, for all records together."""

    file: str
    line: int
    dn: str
    path: tuple[Rdn, ...]
    attributes: Attributes = field(repr=False)
    spelled: dict[str, str] = field(repr=False)

    @property
    def kinds(self) -> frozenset[str]:
        """What the entry is, of KINDS."""
        return frozenset(KINDS[name] for name in self.classes() if name in KINDS)

    def classes(self) -> tuple[str, ...]:
        """Its object classes, in lower case."""
        return tuple(name.lower() for name in self.all("objectClass"))

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of the attribute."""
        return self.attributes.get(name.lower(), ())

    def one(self, name: str) -> str:
        """The attribute's first value; empty if it has none."""
        values = self.all(name)
        return values[0] if values else ""

    def is_true(self, name: str) -> bool:
        """Whether the attribute is TRUE (RFC 4517 §3.3.3); not so if it is absent."""
        return self.one(name).upper() == "TRUE"


@dataclass(slots=True)
class Gathered:
    """What the files hold, by kind, each in the order of first appearance."""

    problems: Problems
    records: dict[tuple[Rdn, ...], Record] = field(default_factory=dict, repr=False)
    spelled: dict[str, str] = field(default_factory=dict, repr=False)
    carbonio: bool = False
    zimbra: bool = False
    #: Entries that are no part of a restore: servers, zimlets, MIME types, ...
    others: int = 0

    def of(self, kind: str) -> list[Record]:
        """Every record of the kind."""
        return [record for record in self.records.values() if kind in record.kinds]

    def say(self, record: Record, reason: str) -> None:
        """A problem with the record."""
        self.problems.add(record.file, record.line, record.dn, reason)


def gather(files: Sequence[Path], problems: Problems) -> Gathered:
    """Every entry of the files that has a place in the model; memory grows with their number."""
    gathered = Gathered(problems)
    for file in files:
        for entry in read_entries(file, problems):
            classes = _classes(entry)
            _note_product(gathered, entry, classes)
            if not classes:
                reason = "it names no object class: export objectClass as well"
                problems.add(entry.file, entry.line, entry.dn, reason)
            elif KINDS.keys().isdisjoint(classes):
                gathered.others += 1
            else:
                _keep(gathered, _record(gathered, entry))
    return gathered


def _classes(entry: Entry) -> set[str]:
    return {
        value.decode(errors="replace").lower()
        for name, values in entry.attributes.items()
        if name.lower() == "objectclass"
        for value in values
    }


def _note_product(gathered: Gathered, entry: Entry, classes: set[str]) -> None:
    """Carbonio's schema adds attributes of its own; its classes of service hold some of them."""
    if any(name.lower().startswith("carbonio") for name in (*entry.attributes, *classes)):
        gathered.carbonio = True
    elif "zimbracos" in classes:
        gathered.zimbra = True


#: Most values are among a few, such as TRUE; those are kept once for all records.
_SHORT, _SHARED_LIMIT = 24, 4096
_shared: dict[tuple[str, ...], tuple[str, ...]] = {}


def _share(values: tuple[str, ...]) -> tuple[str, ...]:
    if len(values) > 1 or len(values[0]) > _SHORT:
        return values
    if len(_shared) < _SHARED_LIMIT:
        return _shared.setdefault(values, values)
    return _shared.get(values, values)


def _record(gathered: Gathered, entry: Entry) -> Record:
    attributes: Attributes = {}
    for name, values in entry.attributes.items():
        key = sys.intern(name.lower())
        if key.partition(";")[0] in BINARY:
            continue
        texts = []
        for value in values:
            try:
                texts.append(value.decode())
            except UnicodeDecodeError:
                reason = f"a value of {name} is no text and is left out"
                gathered.problems.add(entry.file, entry.line, entry.dn, reason)
        if texts:
            attributes[key] = _share(tuple(texts))
            gathered.spelled.setdefault(key, name)
    path = parse_dn(entry.dn)
    return Record(entry.file, entry.line, entry.dn, path, attributes, gathered.spelled)


def _keep(gathered: Gathered, new: Record) -> None:
    old = gathered.records.get(new.path)
    if old is None:
        gathered.records[new.path] = new
        return
    differing = [
        name
        for name, values in new.attributes.items()
        if name in old.attributes and sorted(old.attributes[name]) != sorted(values)
    ]
    if not differing:
        gathered.records[new.path] = replace(new, attributes={**old.attributes, **new.attributes})
        return
    times = old.one("modifyTimestamp"), new.one("modifyTimestamp")
    kept, dropped = (old, new) if all(times) and times[1] < times[0] else (new, old)
    gathered.records[new.path] = kept
    why = "changed later" if all(times) and times[0] != times[1] else "in the later file"
    gathered.say(dropped, f"passed over for the entry at {kept.file}:{kept.line}, {why}")
