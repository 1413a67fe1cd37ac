"""From the entries of Zimbra and Carbonio to accounts, domains and lists."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from archives import directory as written
from archives.directory import ANNA, BRUNO, Entry, person
from reinstate_service.model import (
    Account,
    DataSource,
    DistributionList,
    Domain,
    Filters,
    Identity,
    OutOfOffice,
    Product,
    Signature,
)
from reinstate_service.source.archives.directory import Directory, read_directory
from reinstate_service.source.backup_path import BackupPathSource, BackupWriter

Read = Callable[..., Directory]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Reads entries, each argument a file of its own."""

    def read_files(*files: Iterable[Entry]) -> Directory:
        paths = []
        for number, entries in enumerate(files):
            paths.append(tmp_path / f"{number}.ldif")
            paths[-1].write_bytes(written.ldapsearch(entries))
        return read_directory(paths)

    return read_files


def reasons(directory: Directory) -> list[str]:
    """What is said, without where."""
    return [problem.reason for problem in directory.problems]


@pytest.fixture
def example(read: Read) -> Directory:
    """The whole example."""
    return read(written.example())


@pytest.mark.parametrize(
    "write",
    [
        written.zmslapcat,
        written.slapcat,
        written.ldapsearch,
        lambda entries: written.ldapsearch(entries, bare=False),
    ],
    ids=["zmslapcat", "slapcat", "ldapsearch -LLL", "ldapsearch"],
)
def test_every_tool_gives_the_same_directory(
    tmp_path: Path, example: Directory, write: Callable[[list[Entry]], bytes]
) -> None:
    file = tmp_path / "whole.ldif"
    file.write_bytes(write(written.example()))
    found = read_directory([file])
    for part in ("product", "domains", "classes_of_service", "distribution_lists", "accounts"):
        assert getattr(found, part) == getattr(example, part)


def test_files_of_one_entry_each_give_all_but_the_children(
    tmp_path: Path, example: Directory
) -> None:
    files = written.zmbackup(written.example(), tmp_path)
    found = read_directory(files)
    assert found.product is Product.GENERIC
    assert found.by_address.keys() == example.by_address.keys()
    assert found.accounts[ANNA].password == written.HASH
    assert found.accounts[ANNA].identities == ()
    assert "the domain has no entry: it comes with nothing but its name" in reasons(found)


def test_an_account_comes_with_all_that_its_entry_and_children_hold(example: Directory) -> None:
    assert example.accounts[ANNA] == Account(
        ANNA,
        "anna@example.com",
        password=written.HASH,
        display_name="Anna Rossi ✉",
        cos=written.STAFF,
        quota=8_000_000,
        admin=True,
        aliases=("rossi@example.com",),
        forwarding=("archive@example.com", "anna@elsewhere.example", "ufficio@example.com"),
        keep_forwarded=False,
        out_of_office=OutOfOffice(
            True, "Ich bin weg.\nBis bald!", 1_785_564_000_000, 1_786_831_200_500
        ),
        identities=(
            Identity(
                written.IDENTITY,
                "Private",
                {
                    "zimbraPrefFromAddress": ("anna@elsewhere.example",),
                    "zimbraPrefWhenInFolderIds": ("257",),
                },
            ),
        ),
        signatures=(
            Signature(written.SIGNATURE, "Work", "-- \nAnna"),
            Signature(
                "51600000-0000-4000-8000-000000000002",
                "Lang, HTML",
                html="<p>" + "Anna " * 60 + "</p>",
            ),
        ),
        data_sources=(
            DataSource(
                written.SOURCE,
                "Old",
                "imap",
                "imap.elsewhere.example",
                993,
                "anna",
                "gehéim",
                "ssl",
                "258",
                attributes={"zimbraDataSourcePollingInterval": ("1h",)},
            ),
        ),
        filters=Filters(written.SIEVE, before="# staff\nkeep;\n"),
    )


def test_domains_come_with_their_aliases_and_lists_with_their_members(example: Directory) -> None:
    assert example.domains == (
        Domain(
            written.DOMAIN,
            "example.com",
            default_cos=written.DEFAULT,
            account_quota=8_000_000,
            aggregate_quota=90_000_000,
            max_accounts=50,
            gal_mode="zimbra",
            aliases=("example.net",),
            attributes={
                "zimbraDomainCOSMaxAccounts": (f"{written.STAFF}:20",),
                "zimbraGalAccountId": (written.GALSYNC,),
                "zimbraACE": (f"{ANNA} usr +modifyAccount",),
            },
        ),
    )
    everyone, team = example.distribution_lists
    assert everyone.dynamic
    assert everyone.members == (
        "anna@example.com",
        "bruno@example.com",
        "partner@outside.example",
    )
    assert team == DistributionList(
        written.TEAM,
        "team@example.com",
        ("anna@example.com", "all@example.com"),
        ("squad@example.com",),
        "The team",
        hide_in_gal=True,
    )


def test_classes_of_service_lose_what_is_bound_to_the_host(example: Directory) -> None:
    default, staff = example.classes_of_service
    assert (default.name, staff.name, staff.quota) == ("default", "staff", 5_000_000)
    assert staff.attributes.keys() == {"zimbraAdminSieveScriptBefore", "zimbraPrefLocale"}


def test_aliases_are_found_in_any_spelling(example: Directory) -> None:
    for address in ("BRUNO@example.com", "bru@example.com"):
        account = example.account_of(address)
        assert account is not None
        assert account.id == BRUNO
    assert example.account_of("nobody@example.com") is None
    assert example.names[written.TEAM] == "team@example.com"
    assert example.names[written.STAFF] == "staff"


def test_system_accounts_are_known_and_resources_are_accounts(example: Directory) -> None:
    system = {one.address for one in example.accounts.values() if one.system}
    assert system == {"gal@example.com", "spam.k3jd8@example.com"}
    assert example.accounts[written.ROOM].attributes == {"zimbraCalResType": ("Location",)}


def test_an_outside_user_and_secrets_are_left_out_and_said(example: Directory) -> None:
    assert written.OUTSIDER not in example.accounts
    assert sorted(reasons(example)) == [
        "an outside user whom folders were shared with is left out",
        "secrets are left out, set them again: zimbraPreAuthKey",
    ]


def test_no_secret_is_in_a_repr(example: Directory) -> None:
    shown = repr(example)
    for secret in (written.HASH, "gehéim", "9c1f0e7a", "1234|567"):
        assert secret not in shown


@pytest.mark.parametrize(
    ("own", "cos", "domain", "quota"),
    [
        (None, "500", "0", 0),
        (None, "500", "300", 300),
        (None, "200", "300", 0),
        (None, "0", "300", 0),
        ("700", "500", "0", 700),
        ("700", "500", "300", 300),
        ("0", "500", "300", 300),
        ("0", "0", "0", 0),
    ],
)
def test_a_quota_with_what_it_inherits_comes_to_what_it_was(
    read: Read, own: str | None, cos: str, domain: str, quota: int
) -> None:
    entries = [
        written.example()[2].with_(zimbraMailQuota=[cos]),
        written.example()[3].with_(zimbraMailDomainQuota=[domain]),
        person(
            "a", ANNA, zimbraCOSId=[written.STAFF], **({"zimbraMailQuota": [own]} if own else {})
        ),
    ]
    found = read(entries)
    assert found.accounts[ANNA].quota == quota


def test_no_quota_below_a_class_of_service_that_has_one_is_said(read: Read) -> None:
    entries = [
        written.example()[2],
        person("a", ANNA, zimbraCOSId=[written.STAFF], zimbraMailQuota=["0"]),
    ]
    reason = "it has no quota, but would inherit that of its class of service: set one"
    assert reason in reasons(read(entries))


def test_carbonio_is_told_by_its_own_attributes(read: Read) -> None:
    cos = written.example()[1]
    assert read([cos]).product is Product.ZIMBRA
    assert read([cos.with_(carbonioFeatureChatsEnabled=["TRUE"])]).product is Product.CARBONIO


def test_of_two_states_of_an_entry_the_later_changed_wins_as_a_whole(read: Read) -> None:
    old = person(
        "a", ANNA, modifyTimestamp=["20260101000000Z"], zimbraMailForwardingAddress=["x@y"]
    )
    new = person("a", ANNA, modifyTimestamp=["20260201000000Z"], displayName=["New"])
    for files in (([old], [new]), ([new], [old])):
        found = read(*files)
        assert found.accounts[ANNA].display_name == "New"
        assert found.accounts[ANNA].forwarding == ()
        assert any("changed later" in reason for reason in reasons(found))


def test_without_times_the_later_file_wins(read: Read) -> None:
    found = read([person("a", ANNA, displayName=["A"])], [person("A", ANNA, displayName=["B"])])
    assert found.accounts[ANNA].display_name == "B"
    assert any("in the later file" in reason for reason in reasons(found))


def test_two_exports_of_one_state_are_joined(read: Read) -> None:
    first, second = (
        person("a", ANNA, displayName=["A"]),
        person("a", ANNA, userPassword=["{SSHA}x"]),
    )
    found = read([first], [second])
    assert (found.accounts[ANNA].display_name, found.accounts[ANNA].password) == ("A", "{SSHA}x")
    assert not any("passed over" in reason for reason in reasons(found))


@pytest.mark.parametrize(
    ("url", "members"),
    [
        ("ldap:///??sub?(&(objectClass=zimbraAccount)(l=ber*n))", ["a"]),
        ("ldap:///??sub?(|(l=rome)(l=berlin))", ["a", "b"]),
        ("ldap:///??sub?(!(l=b*r*n))", ["b"]),
        ("ldap:///ou=people,dc=example,dc=com??sub?(l=*)", ["a", "b"]),
        ("ldap:///dc=other??sub?(l=*)", []),
        ("ldap:///??sub?(l=%52ome)", ["b"]),
        ("ldap:///??sub?(l=\\52ome)", ["b"]),
    ],
)
def test_a_simple_member_url_is_answered(read: Read, url: str, members: list[str]) -> None:
    found = read([*_group(url)])
    assert list(found.distribution_lists[0].members) == [f"{name}@example.com" for name in members]


@pytest.mark.parametrize(
    "url",
    ["ldap:///??sub?(uidNumber>=5)", "ldap:///??one?(l=*)", "x", "ldap:///??sub?" + "(!" * 99],
)
def test_any_other_member_url_is_said(read: Read, url: str) -> None:
    found = read([*_group(url)])
    assert found.distribution_lists[0].members == ()
    assert "its memberURL is not simple: its members are not known" in reasons(found)


def _group(url: str) -> Iterable[Entry]:
    group = next(entry for entry in written.example() if entry.dn.startswith("cn=all"))
    yield group.with_(memberURL=[url])
    yield person("a", ANNA, l=["Berlin"])
    yield person("b", BRUNO, l=["Rome"])


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (
            person("a", "../../etc"),
            "it has no usable zimbraId: what names it by id does not find it",
        ),
        (
            person("a", ANNA).without("objectClass"),
            "it names no object class: export objectClass as well",
        ),
        (
            person("a", ANNA, userPassword=["plain"]),
            "a password without a scheme such as {SSHA} is left out",
        ),
        (
            person("a", ANNA, zimbraMailQuota=["many"]),
            "zimbraMailQuota is no number of bytes and is left out",
        ),
        (
            person("a", ANNA, zimbraMailForwardingAddress=["nobody"]),
            "a forwarding address is no address and is left out",
        ),
        (
            person("a", ANNA, description=[b"\xff"]),
            "a value of description is no text and is left out",
        ),
        (
            person(
                "a", ANNA, zimbraPrefOutOfOfficeReply=["x"], zimbraPrefOutOfOfficeFromDate=["soon"]
            ),
            "zimbraPrefOutOfOfficeFromDate is no time: the absence is not bounded there",
        ),
        (
            Entry("uid=x,o=y", {"objectClass": ["zimbraAccount"]}),
            "an account without an address is left out",
        ),
        (
            Entry("uid=x,dc=y", {"objectClass": ["zimbraAlias"], "zimbraAliasTargetId": [ANNA]}),
            "what it is an alias of is in no file, or is left out",
        ),
        (
            Entry("zimbraPrefIdentityName=x,uid=a,dc=y", {"objectClass": ["zimbraIdentity"]}),
            "the entry that it belongs to is in no file",
        ),
    ],
)
def test_what_is_wrong_with_an_entry_is_said_and_hinders_no_other(
    read: Read, entry: Entry, reason: str
) -> None:
    found = read([entry, person("b", BRUNO)])
    assert found.accounts[BRUNO].address == "b@example.com"
    assert reason in reasons(found)
    assert all(problem.file and problem.reason for problem in found.problems)


def test_two_entries_never_share_an_id_or_an_address(read: Read) -> None:
    twin = Entry("uid=a,ou=old,dc=example,dc=com", person("a", BRUNO).attributes)
    found = read([person("a", ANNA), person("c", ANNA), twin])
    assert {account.address for account in found.accounts.values()} == {"a@example.com"}
    assert "left out: another entry has its zimbraId already" in reasons(found)
    assert "left out: another entry has the address a@example.com already" in reasons(found)


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        (written.stored_password("x", "another id"), "it belongs to another data source"),
        ("not base64!", "it is no base64"),
        ("AQID", "it is in a form that is not known"),
    ],
)
def test_a_password_that_cannot_be_undone_is_left_out_and_said(
    read: Read, password: str, reason: str
) -> None:
    source = next(one for one in written.example() if one.dn.startswith("zimbraDataSource"))
    anna = next(one for one in written.example() if one.dn.startswith("uid=anna"))
    found = read([anna, source.with_(zimbraDataSourcePassword=[password])])
    assert found.accounts[ANNA].data_sources[0].password == ""
    assert f"its password cannot be read: {reason}" in reasons(found)


def test_a_directory_of_another_schema_is_said(read: Read) -> None:
    found = read([Entry("uid=a,dc=b", {"objectClass": ["inetOrgPerson"], "mail": ["a@b"]})])
    assert not found.accounts
    assert found.others == 1
    assert reasons(found) == ["1 entries, and none is of Zimbra's or Carbonio's schema"]


def test_names_keep_their_spelling_and_what_is_of_the_server_goes(tmp_path: Path) -> None:
    file = tmp_path / "a.ldif"
    file.write_bytes(
        written.slapcat(
            [
                person(
                    "a",
                    ANNA,
                    zimbraPrefLocale=["de", "it"],
                    zimbraAppSpecificPassword=["x"],
                    zimbraPasswordModifiedTime=["20260101000000Z"],
                )
            ]
        )
    )
    assert read_directory([file]).accounts[ANNA].attributes == {
        "zimbraPrefLocale": ("de", "it"),
        "zimbraPasswordModifiedTime": ("20260101000000Z",),
    }


def test_a_backup_path_holds_all_of_a_directory(tmp_path: Path, example: Directory) -> None:
    with BackupWriter(tmp_path / "backup", product=example.product) as writer:
        for domain in example.domains:
            writer.put_domain(domain)
        for cos in example.classes_of_service:
            writer.put_cos(cos)
        for each in example.distribution_lists:
            writer.put_list(each)
        for account in example.accounts.values():
            writer.put_account(account)
    source = BackupPathSource(str(tmp_path / "backup"))
    assert tuple(source.domains()) == example.domains
    assert tuple(source.classes_of_service()) == example.classes_of_service
    assert tuple(source.distribution_lists()) == example.distribution_lists
    assert {one: source.account(one) for one in example.accounts} == example.accounts
