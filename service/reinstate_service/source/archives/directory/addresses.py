"""Accounts where no LDIF can be had: from a CSV, or from nothing but addresses."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from reinstate_service.model import Account, Domain
from reinstate_service.source.archives.directory.attributes import number
from reinstate_service.source.archives.directory.names import id_for, is_address, is_id
from reinstate_service.source.archives.directory.problems import Problems
from reinstate_service.source.archives.directory.result import Directory

#: A table of this many bytes has a million accounts.
SIZE_LIMIT = 256 * 2**20

#: What a column may be called, in lower case and without blanks, "-" and "_".
_COLUMNS = {
    "address": "address",
    "email": "address",
    "emailaddress": "address",
    "mail": "address",
    "name": "name",
    "displayname": "name",
    "fullname": "name",
    "id": "id",
    "zimbraid": "id",
    "alias": "aliases",
    "aliases": "aliases",
    "quota": "quota",
    "zimbramailquota": "quota",
    "password": "password",
    "passwordhash": "password",
    "hash": "password",
    "userpassword": "password",
}
_SEPARATORS = ",;\t|"


def accounts_from_addresses(addresses: Iterable[str]) -> Directory:
    """A directory of accounts that have nothing but an address, such as the names of archives
    give. What is no address is a problem."""
    problems = Problems()
    accounts: dict[str, Account] = {}
    for address in addresses:
        if is_address(address):
            identifier = id_for("account", address)
            accounts[identifier] = Account(identifier, address.lower())
        else:
            problems.add(address, 0, "", "its name is no address: an account needs one")
    return directory_of_accounts(accounts.values(), problems)


def directory_of_accounts(accounts: Iterable[Account], problems: Problems) -> Directory:
    """The directory of these accounts and the domains that they are in; the first account of
    an address or id counts."""
    known: dict[str, Account] = {}
    by_address: dict[str, str] = {}
    for account in accounts:
        known.setdefault(account.id, account)
        by_address.setdefault(account.address, account.id)
    for account in known.values():
        for alias in account.aliases:
            by_address.setdefault(alias, account.id)
    names = sorted({account.domain for account in known.values()})
    domains = tuple(Domain(id_for("domain", name), name) for name in names)
    return Directory(
        domains=domains,
        accounts=known,
        by_address=by_address,
        names={
            **{domain.id: domain.name for domain in domains},
            **{account.id: account.address for account in known.values()},
        },
        problems=problems.all(),
    )


def read_table(file: Path, problems: Problems) -> Iterator[Account]:
    """The accounts of a CSV with a header row (RFC 4180; `;`, tab or `|` as well as `,`).

    Columns: address, and optionally name, id, aliases (several by blanks or commas), quota
    (bytes) and password (a hash with its scheme). Every mistake of every row is a problem
    with its line; a row with one is left out.
    """
    text = _text(file, problems)
    if text is None:
        return
    header = text.partition("\n")[0]
    separator = max(_SEPARATORS, key=header.count)
    columns: dict[str, int] | None = None
    seen: dict[str, int] = {}
    for line, row in _rows(text, separator, file, problems):
        if columns is None:
            columns = _columns(row, file, problems)
            if columns is None:
                return
        elif any(cell.strip() for cell in row):
            cells = _cells(row, columns)
            mistakes = _mistakes(cells, seen)
            for mistake in mistakes:
                problems.add(str(file), line, "", f"the row is left out: {mistake}")
            if not mistakes:
                seen[cells["address"]] = seen[cells["id"]] = line
                yield _account(cells)


def _rows(
    text: str, separator: str, file: Path, problems: Problems
) -> Iterator[tuple[int, list[str]]]:
    """Every row with the line it ends in; one that cannot be read is a problem."""
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            problems.add(str(file), rows.line_num, "", f"the row cannot be read: {error}")
        else:
            yield rows.line_num, row


def _text(file: Path, problems: Problems) -> str | None:
    try:
        with file.open("rb") as stream:
            data = stream.read(SIZE_LIMIT + 1)
        if len(data) > SIZE_LIMIT:
            problems.add(str(file), 0, "", f"the table takes more than {SIZE_LIMIT} bytes")
            return None
        return data.decode("utf-8-sig")
    except OSError as error:
        problems.add(str(file), 0, "", error.strerror or str(error))
    except UnicodeDecodeError:
        problems.add(str(file), 0, "", "the table is not UTF-8")
    return None


def _columns(row: list[str], file: Path, problems: Problems) -> dict[str, int] | None:
    found: dict[str, int] = {}
    for position, title in enumerate(row):
        name = _COLUMNS.get(re.sub(r"[\s_-]", "", title.lower()))
        if name is None or name in found:
            reason = f"column {position + 1} is passed over: it has no known name, or one twice"
            problems.add(str(file), 1, "", reason)
        else:
            found[name] = position
    if "address" in found:
        return found
    problems.add(str(file), 1, "", "no column is called address or email: a header row is needed")
    return None


def _cells(row: list[str], columns: Mapping[str, int]) -> dict[str, str]:
    """What stands in each column that is known; the id is never empty."""
    cells = dict.fromkeys(_COLUMNS.values(), "")
    for name, position in columns.items():
        cells[name] = row[position].strip() if position < len(row) else ""
    cells["address"] = cells["address"].lower()
    cells["id"] = cells["id"] or id_for("account", cells["address"])
    return cells


def _aliases(cells: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(re.findall(r"[^\s,;]+", cells["aliases"].lower())))


def _mistakes(cells: Mapping[str, str], seen: Mapping[str, int]) -> list[str]:
    """All that is wrong with a row; `seen` gives the lines of the addresses and ids before it."""
    address, quota = cells["address"], cells["quota"]
    checks = (
        ("the address is none", not is_address(address)),
        ("an alias is no address", not all(map(is_address, _aliases(cells)))),
        ("the id is none", not is_id(cells["id"])),
        ("the quota is no number of bytes", quota != "" and number(quota) is None),
        ("the password has no scheme such as {SSHA}", not _is_hash(cells["password"])),
        (f"its address stands in line {seen.get(address)} already", address in seen),
        (f"its id stands in line {seen.get(cells['id'])} already", cells["id"] in seen),
    )
    return [reason for reason, wrong in checks if wrong]


def _account(cells: Mapping[str, str]) -> Account:
    return Account(
        cells["id"],
        cells["address"],
        password=cells["password"],
        display_name=cells["name"],
        quota=number(cells["quota"]) or 0,
        aliases=_aliases(cells),
    )


def _is_hash(text: str) -> bool:
    return not text or re.fullmatch(r"\{[A-Za-z0-9._-]+\}.+", text) is not None
