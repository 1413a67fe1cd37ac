"""All entries of all files by their name, and whose child each is.

The same entry may come several times: from a dump of the whole and from a newer one, or in
two exports with different attributes each. Entries that agree in every attribute that both
have are one; else the later wins as a whole, so that nothing that was taken away since comes
back, and that is said. Later is what was changed later (`modifyTimestamp`), or else what
stands in the later file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
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
    """An entry as text; `attributes` by name in lower case, `spelled` as the file has it."""

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
            _note_product(gathered, entry)
            record = _record(entry, problems)
            if not record.all("objectClass"):
                gathered.say(record, "it names no object class: export objectClass as well")
            elif record.kinds:
                _keep(gathered, record)
            else:
                gathered.others += 1
    return gathered


def _note_product(gathered: Gathered, entry: Entry) -> None:
    """Carbonio's schema adds attributes of its own; its classes of service hold some of them."""
    classes = {value.lower() for value in _values(entry, "objectclass")}
    if any(name.lower().startswith("carbonio") for name in entry.attributes) or any(
        name.startswith(b"carbonio") for name in classes
    ):
        gathered.carbonio = True
    elif b"zimbracos" in classes:
        gathered.zimbra = True


def _values(entry: Entry, key: str) -> Iterable[bytes]:
    return (
        value for name, all_ in entry.attributes.items() if name.lower() == key for value in all_
    )


def _record(entry: Entry, problems: Problems) -> Record:
    attributes: Attributes = {}
    spelled: dict[str, str] = {}
    for name, values in entry.attributes.items():
        key = name.lower()
        if key.partition(";")[0] in BINARY:
            continue
        texts = []
        for value in values:
            try:
                texts.append(value.decode())
            except UnicodeDecodeError:
                reason = f"a value of {name} is no text and is left out"
                problems.add(entry.file, entry.line, entry.dn, reason)
        if texts:
            attributes[key], spelled[key] = tuple(texts), name
    return Record(entry.file, entry.line, entry.dn, parse_dn(entry.dn), attributes, spelled)


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
        gathered.records[new.path] = Record(
            new.file,
            new.line,
            new.dn,
            new.path,
            {**old.attributes, **new.attributes},
            {**old.spelled, **new.spelled},
        )
        return
    times = old.one("modifyTimestamp"), new.one("modifyTimestamp")
    kept, dropped = (old, new) if all(times) and times[1] < times[0] else (new, old)
    gathered.records[new.path] = kept
    why = "changed later" if all(times) and times[0] != times[1] else "in the later file"
    gathered.say(dropped, f"passed over for the entry at {kept.file}:{kept.line}, {why}")
