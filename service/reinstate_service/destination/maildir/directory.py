"""directory.sqlite: everything of a Maildir destination that is not folders and items."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from reinstate_service.destination.contract import AddressTaken, Missing, Refused
from reinstate_service.destination.maildir.database import Database
from reinstate_service.destination.names import canonical, checked_address, checked_domain
from reinstate_service.model import (
    Account,
    Attributes,
    ClassOfService,
    DataSource,
    DistributionList,
    Domain,
)


class Directory(Database):
    """The directory's tables. Safe to use from several threads."""

    def has_domain(self, name: str) -> bool:
        """See `Destination`."""
        return self.row("SELECT 1 FROM domains WHERE name = ?", name.lower()) is not None

    def put_domain(self, domain: Domain) -> bool:
        """See `Destination`."""
        name = checked_domain(domain.name)
        with self.changing() as db:
            if self.has_domain(name):
                return False
            if self.row("SELECT 1 FROM domain_aliases WHERE alias = ?", name):
                raise AddressTaken(address=name, detail="an alias of a domain")
            db.execute("INSERT INTO domains (name, id) VALUES (?, ?)", (name, domain.id))
            return True

    def configure_domain(self, domain: Domain) -> None:
        """See `Destination`."""
        name = checked_domain(domain.name)
        taken: Refused | None = None
        with self.changing() as db:
            self._need_domain(name)
            db.execute(
                "UPDATE domains SET status = ?, default_cos = ?, account_quota = ?,"
                " aggregate_quota = ?, max_accounts = ?, gal_mode = ?, attributes = ?"
                " WHERE name = ?",
                (
                    domain.status,
                    domain.default_cos,
                    domain.account_quota,
                    domain.aggregate_quota,
                    domain.max_accounts,
                    domain.gal_mode,
                    _json(domain.attributes),
                    name,
                ),
            )
            for alias in domain.aliases:
                try:
                    self._take_domain_alias(checked_domain(alias), name)
                except Refused as error:
                    taken = taken or error
        if taken is not None:
            raise taken

    def has_class_of_service(self, name: str) -> bool:
        """See `Destination`."""
        return self.row("SELECT 1 FROM classes_of_service WHERE name = ?", name) is not None

    def put_class_of_service(self, cos: ClassOfService) -> bool:
        """See `Destination`."""
        with self.changing() as db:
            done = db.execute(
                "INSERT OR IGNORE INTO classes_of_service VALUES (?, ?, ?, ?)",
                (cos.name, cos.id, cos.quota, _json(cos.attributes)),
            )
            return done.rowcount == 1

    def has_list(self, address: str) -> bool:
        """See `Destination`."""
        found = self.row("SELECT 1 FROM lists WHERE address = ?", canonical(address))
        return found is not None

    def put_list(self, lst: DistributionList) -> bool:
        """See `Destination`."""
        local, domain = checked_address(lst.address)
        address = f"{local}@{domain}"
        with self.changing() as db:
            self._need_domain(domain)
            if self.has_list(address):
                return False
            self._need_free(address)
            db.execute(
                "INSERT INTO lists (address, id, domain) VALUES (?, ?, ?)",
                (address, lst.id, domain),
            )
            return True

    def configure_list(self, lst: DistributionList, with_aliases: bool) -> None:
        """See `Destination`."""
        address = canonical(lst.address)
        with self.changing() as db:
            done = db.execute(
                "UPDATE lists SET display_name = ?, hide_in_gal = ?, dynamic = ?, attributes = ?"
                " WHERE address = ?",
                (
                    lst.display_name,
                    lst.hide_in_gal,
                    lst.dynamic,
                    _json(lst.attributes),
                    address,
                ),
            )
            if done.rowcount == 0:
                raise Missing(what=f"distribution list {address}")
            members = list(dict.fromkeys(member.lower() for member in lst.members))
            self.replace("list_members", "list", address, list(_numbered(members)))
            taken = self._take_aliases(lst.aliases if with_aliases else (), address)
        if taken is not None:
            raise taken

    def has_account(self, address: str) -> bool:
        """See `Destination`."""
        return self.row("SELECT 1 FROM accounts WHERE address = ?", address.lower()) is not None

    def check_new_account(self, address: str) -> None:
        """Raises Missing or AddressTaken if the account cannot be made."""
        _, domain = checked_address(address)
        with self.lock:
            self._need_domain(domain)
            self._need_free(address)

    def put_account(self, account: Account) -> bool:
        """Adds the account, whose home is there. Raises Missing, AddressTaken."""
        local, domain = checked_address(account.address)
        address = f"{local}@{domain}"
        with self.changing() as db:
            if self.has_account(address):
                return False
            self.check_new_account(address)
            db.execute(
                "INSERT INTO accounts (address, id, local, domain) VALUES (?, ?, ?, ?)",
                (address, account.id, local, domain),
            )
            return True

    def configure_account(self, account: Account, cos: str, with_aliases: bool) -> None:
        """See `Destination`."""
        address = canonical(account.address)
        with self.changing() as db:
            done = db.execute(
                "UPDATE accounts SET password = ?, display_name = ?, status = ?, cos = ?,"
                " admin = ?, hide_in_gal = ?, keep_forwarded = ?, attributes = ?"
                " WHERE address = ?",
                (
                    account.password,
                    account.display_name,
                    account.status,
                    cos,
                    account.admin,
                    account.hide_in_gal,
                    account.keep_forwarded,
                    _json(account.attributes),
                    address,
                ),
            )
            if done.rowcount == 0:
                raise Missing(what=f"account {address}")
            self.replace("forwardings", "account", address, list(_numbered(account.forwarding)))
            absence = account.out_of_office
            self.replace(
                "out_of_office",
                "account",
                address,
                []
                if absence is None
                else [(absence.enabled, absence.text, absence.start, absence.until)],
            )
            self.replace(
                "identities",
                "account",
                address,
                [(one.id, one.name, _json(one.attributes)) for one in account.identities],
            )
            self.replace(
                "signatures",
                "account",
                address,
                [(one.id, one.name, one.text, one.html) for one in account.signatures],
            )
            taken = self._take_aliases(account.aliases if with_aliases else (), address)
        if taken is not None:
            raise taken

    def quota(self, address: str) -> int:
        """See `Destination`."""
        row = self.row("SELECT quota FROM accounts WHERE address = ?", address.lower())
        if row is None:
            raise Missing(what=f"account {address}")
        return int(str(row[0]))

    def set_quota(self, address: str, quota: int) -> None:
        """See `Destination`."""
        with self.changing() as db:
            done = db.execute(
                "UPDATE accounts SET quota = ? WHERE address = ?", (quota, address.lower())
            )
            if done.rowcount == 0:
                raise Missing(what=f"account {address}")

    def put_data_source(self, address: str, source: DataSource) -> bool:
        """See `Destination`."""
        row = (
            address.lower(),
            source.id,
            source.name,
            source.type,
            source.host,
            source.port,
            source.user,
            source.password,
            source.connection,
            source.folder,
            int(source.enabled),
            _json(source.attributes),
        )
        with self.changing() as db:
            if not self.has_account(address):
                raise Missing(what=f"account {address}")
            if row == self.row("SELECT * FROM data_sources WHERE account = ? AND id = ?", *row[:2]):
                return False
            marks = ", ".join("?" * len(row))
            db.execute(f"INSERT OR REPLACE INTO data_sources VALUES ({marks})", row)  # noqa: S608 marks only
            return True

    def _need_domain(self, name: str) -> None:
        if not self.has_domain(name):
            raise Missing(what=f"domain {name}")

    def _need_free(self, address: str, owner: str = "") -> None:
        """Raises AddressTaken if the address belongs to anything but `owner`."""
        for table, kind in (("accounts", "an account"), ("lists", "a distribution list")):
            if self.row(f"SELECT 1 FROM {table} WHERE address = ?", address):  # noqa: S608 our names
                raise AddressTaken(address=address, detail=kind)
        row = self.row("SELECT target FROM aliases WHERE alias = ?", address)
        if row is not None and row[0] != owner:
            raise AddressTaken(address=address, detail=f"an alias of {row[0]}")

    def _take_aliases(self, aliases: Sequence[str], owner: str) -> Refused | None:
        """Adds those of the aliases that are free; answers the first refusal."""
        refused: Refused | None = None
        for alias in aliases:
            try:
                local, domain = checked_address(alias)
                self._need_free(f"{local}@{domain}", owner)
            except Refused as error:
                refused = refused or error
            else:
                self.db.execute(
                    "INSERT OR REPLACE INTO aliases VALUES (?, ?, ?, ?)",
                    (f"{local}@{domain}", local, domain, owner),
                )
        return refused

    def _take_domain_alias(self, alias: str, domain: str) -> None:
        if self.has_domain(alias):
            raise AddressTaken(address=alias, detail="a domain")
        row = self.row("SELECT domain FROM domain_aliases WHERE alias = ?", alias)
        if row is not None and row[0] != domain:
            raise AddressTaken(address=alias, detail=f"an alias of {row[0]}")
        self.db.execute("INSERT OR REPLACE INTO domain_aliases VALUES (?, ?)", (alias, domain))


def _json(attributes: Attributes) -> str:
    return msgspec.json.encode(attributes, order="deterministic").decode()


def _numbered(values: Sequence[str]) -> Iterator[tuple[str, int]]:
    for position, value in enumerate(values):
        yield value, position
