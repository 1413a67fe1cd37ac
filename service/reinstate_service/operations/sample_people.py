"""Who is in the sample: its domains, classes of service, lists and accounts."""

from __future__ import annotations

import hashlib
import uuid

from reinstate_service.model import (
    Account,
    ClassOfService,
    DataSource,
    DistributionList,
    Domain,
    Filters,
    Frozen,
    Grant,
    GranteeType,
    Identity,
    OutOfOffice,
    Signature,
)
from reinstate_service.operations import sample_content as content

_MIB = 1 << 20


class Person(Frozen, frozen=True):
    """Someone who has an account. `life` tells apart accounts that had the same address."""

    local: str
    domain: str
    name: str
    cos: str = ""
    admin: bool = False
    system: bool = False
    deleted: bool = False
    life: int = 1

    @property
    def address(self) -> str:
        """The account's address."""
        return f"{self.local}@{self.domain}"

    @property
    def secret(self) -> str:
        """The plain password."""
        return f"{self.local}-secret"


STAFF, MANAGERS, RETIRED = (
    str(uuid.uuid5(uuid.NAMESPACE_URL, f"reinstate-sample:cos:{name}"))
    for name in ("staff", "managers", "retired")
)

PEOPLE = (
    Person("anna", "example.com", "Anna Rossi", MANAGERS),
    Person("bruno", "example.com", "Bruno Keller", STAFF),
    Person("chiara", "example.com", "Chiara Bianchi", STAFF),
    Person("dieter", "example.com", "Dieter Müller"),
    Person("admin", "example.com", "Administrator", STAFF, admin=True),
    Person("galsync", "example.com", "Address list", system=True),
    Person("elodie", "example.org", "Élodie Marchand", MANAGERS),
    Person("farid", "example.org", "Farid Haddad"),
    Person("grace", "example.org", "Grace O'Neill"),
    Person("hana", "example.org", "山田花子"),
    Person("ivan", "example.net", "Ivan Petrov", STAFF),
    Person("jonas", "example.net", "Jonas Weiß"),
    Person("katja", "example.net", "Katja Groß"),
    Person("lena", "example.net", "Lena Vogel", deleted=True),
    Person("lena", "example.net", "Lena Sommer", life=2),
)


def account_id(address: str, life: int = 1) -> str:
    """The id that the account has in every sample."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"reinstate-sample:{address}:{life}"))


def domain_id(name: str) -> str:
    """The id that the domain has in every sample."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"reinstate-sample:domain:{name}"))


def list_id(address: str) -> str:
    """The id that the list has in every sample."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"reinstate-sample:list:{address}"))


def domains() -> tuple[Domain, ...]:
    """Three, of which the first has another name as well."""
    return (
        Domain(
            domain_id("example.com"),
            "example.com",
            default_cos=STAFF,
            account_quota=512 * _MIB,
            aggregate_quota=8192 * _MIB,
            max_accounts=50,
            gal_mode="zimbra",
            aliases=("mail.example.com",),
            attributes={"description": ("The company",), "zimbraGalMaxResults": ("200",)},
        ),
        Domain(domain_id("example.org"), "example.org", gal_mode="both"),
        Domain(domain_id("example.net"), "example.net", account_quota=256 * _MIB),
    )


def classes_of_service() -> tuple[ClassOfService, ...]:
    """Two that accounts use, and one that none does."""
    return (
        ClassOfService(STAFF, "staff", 512 * _MIB, {"zimbraFeatureSharingEnabled": ("TRUE",)}),
        ClassOfService(MANAGERS, "managers", 2048 * _MIB),
        ClassOfService(RETIRED, "retired", 16 * _MIB),
    )


def distribution_lists() -> tuple[DistributionList, ...]:
    """Lists of accounts, of lists, and of somebody elsewhere."""
    return (
        DistributionList(
            list_id("team@example.com"),
            "team@example.com",
            ("anna@example.com", "bruno@example.com", "partner@elsewhere.example"),
            aliases=("crew@example.com",),
            display_name="The team",
        ),
        DistributionList(
            list_id("everyone@example.com"),
            "everyone@example.com",
            ("team@example.com", "office@example.org", "dieter@example.com"),
            hide_in_gal=True,
        ),
        DistributionList(
            list_id("office@example.org"),
            "office@example.org",
            ("elodie@example.org", "farid@example.org"),
        ),
    )


def folder_grants(person: Person, folder: str) -> tuple[Grant, ...]:
    """With whom the person shares the folder: Anna her work, Élodie her inbox."""
    match person.local, folder:
        case "anna", "257":
            bruno = "bruno@example.com"
            team = "team@example.com"
            return (
                Grant(account_id(bruno), GranteeType.USER, "rwidx", bruno),
                Grant(list_id(team), GranteeType.LIST, "r", team),
            )
        case "elodie", "2":
            return (Grant("", GranteeType.ALL, "r"),)
    return ()


def profile(person: Person) -> Account:
    """The person's account."""
    account = account_id(person.address, person.life)
    salt = hashlib.sha256(person.address.encode()).digest()[:8]
    fields: dict[str, object] = {
        "password": content.salted_hash(person.secret, salt),
        "display_name": person.name,
        "cos": person.cos,
        "admin": person.admin,
        "system": person.system,
        "hide_in_gal": person.system or person.local == "ivan",
        "attributes": {"sn": (person.name.split()[-1],), "zimbraPrefLocale": ("de",)},
    }
    fields |= _particulars().get(person.local, {})
    return Account(account, person.address, **fields)  # type: ignore[arg-type]


def _particulars() -> dict[str, dict[str, object]]:
    return {
        "anna": _of_anna(),
        "bruno": {
            "filters": Filters(incoming=content.FILTER_TO_MOUNTPOINT),
            "forwarding": ("bruno@elsewhere.example",),
        },
        "chiara": {"quota": 64 * _MIB, "aliases": ("c.bianchi@mail.example.com",)},
        "elodie": {"filters": Filters(outgoing=content.FILTER_OUTGOING)},
        "farid": {"forwarding": ("grace@example.org",), "keep_forwarded": False},
        "katja": {"status": "locked"},
    }


def _of_anna() -> dict[str, object]:
    return {
        "quota": 1024 * _MIB,
        "aliases": ("a.rossi@example.com", "boss@mail.example.com"),
        "out_of_office": OutOfOffice(
            True, "Ich bin bis Montag außer Haus.\n", 1_767_600_000_000, 1_768_200_000_000
        ),
        "identities": (
            Identity(
                "1d000000-0000-4000-8000-000000000001",
                "Private",
                {"zimbraPrefFromAddress": ("anna@elsewhere.example",)},
            ),
        ),
        "signatures": (
            Signature(
                "51600000-0000-4000-8000-000000000001",
                "Work",
                "-- \nAnna Rossi\nexample.com\n",
                "<p>Anna Rossi<br>example.com</p>",
            ),
        ),
        "data_sources": (
            DataSource(
                "da7a0000-0000-4000-8000-000000000001",
                "Old mailbox",
                "imap",
                host="imap.elsewhere.example",
                port=993,
                user="anna",
                password="old-secret",  # noqa: S106 - of a server that does not exist
                folder="258",
            ),
        ),
        "filters": Filters(content.FILTER_TO_PROJECTS, content.FILTER_OUTGOING),
    }
