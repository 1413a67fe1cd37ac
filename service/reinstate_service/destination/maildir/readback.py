"""The objects of directory.sqlite, read back for verification."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from reinstate_service.destination.contract import EntryUnreadable, Missing
from reinstate_service.destination.maildir.database import Database, Record
from reinstate_service.destination.names import canonical
from reinstate_service.model import (
    Account,
    Attributes,
    ClassOfService,
    DataSource,
    DistributionList,
    Domain,
    Frozen,
    Identity,
    OutOfOffice,
    Signature,
)

M = TypeVar("M", bound=Frozen)


def domain(db: Database, name: str) -> Domain:
    """See `Destination`."""
    record = _one(db, "SELECT * FROM domains WHERE name = ?", name.lower(), "domain")
    aliases = _column(db, "SELECT alias FROM domain_aliases WHERE domain = ?", record["name"])
    return _object(record | {"aliases": aliases}, Domain)


def class_of_service(db: Database, name: str) -> ClassOfService:
    """See `Destination`."""
    statement = "SELECT * FROM classes_of_service WHERE name = ?"
    return _object(_one(db, statement, name, "class of service"), ClassOfService)


def distribution_list(db: Database, address: str) -> DistributionList:
    """See `Destination`."""
    address = canonical(address)
    record = _one(db, "SELECT * FROM lists WHERE address = ?", address, "distribution list")
    statement = "SELECT member FROM list_members WHERE list = ? ORDER BY position"
    members = _column(db, statement, address)
    return _object(
        record | {"members": members, "aliases": _aliases(db, address)}, DistributionList
    )


def account(db: Database, address: str) -> Account:
    """See `Destination`."""
    address = address.lower()
    record = _one(db, "SELECT * FROM accounts WHERE address = ?", address, "account")
    forwarding = "SELECT address FROM forwardings WHERE account = ? ORDER BY position"
    absences = db.records("SELECT * FROM out_of_office WHERE account = ?", address)
    parts = {
        "aliases": _aliases(db, address),
        "forwarding": _column(db, forwarding, address),
        "out_of_office": next((_object(one, OutOfOffice) for one in absences), None),
        "identities": _parts(db, "identities", address, Identity),
        "signatures": _parts(db, "signatures", address, Signature),
        "data_sources": _parts(db, "data_sources", address, DataSource),
    }
    return _object(record | parts, Account)


def _one(db: Database, statement: str, name: str, kind: str) -> Record:
    for record in db.records(statement, name):
        return record
    raise Missing(what=f"{kind} {name}")


def _column(db: Database, statement: str, value: object) -> tuple[object, ...]:
    return tuple(next(iter(record.values())) for record in db.records(statement, value))


def _aliases(db: Database, owner: str) -> tuple[object, ...]:
    return _column(db, "SELECT alias FROM aliases WHERE target = ? ORDER BY alias", owner)


def _parts(db: Database, table: str, owner: str, model: type[M]) -> tuple[M, ...]:
    records = db.records(f"SELECT * FROM {table} WHERE account = ? ORDER BY id", owner)  # noqa: S608 our names
    return tuple(_object(record, model) for record in records)


def _object(record: Record, model: type[M]) -> M:
    """The record as an object of the model; columns that the model does not know are left.
    Raises EntryUnreadable."""
    try:
        attributes = record.get("attributes")
        if isinstance(attributes, str):
            record = record | {"attributes": msgspec.json.decode(attributes, type=Attributes)}
        return msgspec.convert(record, model, strict=False)
    except msgspec.MsgspecError as error:
        raise EntryUnreadable(kind=model.__name__, detail=error) from error
