"""Contacts out of the `fld` map: every field has its place."""

from __future__ import annotations

import base64
import json
from email.message import EmailMessage

import pytest
import vobject
from hypothesis import given
from hypothesis import strategies as st

from archives.calendars import Component, components
from reinstate_service.source.archives import bencode, contact_fields
from reinstate_service.source.archives.contacts import contact_uid, vcard
from reinstate_service.source.archives.groups import uid_uri
from reinstate_service.source.contract import RecordMalformed

REVISED = 1_767_225_600_000
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(200))

FULL = {
    "firstName": "Ada", "middleName": "M", "lastName": "Love; lace", "namePrefix": "Dr",
    "nameSuffix": "Jr", "fullName": "Ada Lovelace", "maidenName": "Byron", "nickname": "ada,",
    "company": "Acme; Inc", "department": "R&D", "jobTitle": "Boss", "initials": "AL",
    "email": "ada@example.test", "email2": "a2@example.test", "workEmail1": "w@example.test",
    "email10": "a10@example.test", "homePhone": "+43 1", "homePhone2": "+43 2",
    "mobilePhone": "+43 3", "workFax": "+43 4", "carPhone": "+43 5", "pager": "6",
    "homeStreet": "Ring 1\nTop 2", "homeCity": "Wien", "homePostalCode": "1010",
    "homeCountry": "Österreich", "workCity": "Graz", "homeCity2": "Linz",
    "homeURL": "https://example.test/a,b", "imAddress1": "xmpp:ada@example.test",
    "imAddress2": "no uri", "birthday": "1815-12-10", "anniversary": "--07-08",
    "notes": "two\nlines, and; more\\", "fileAs": "8:Lovelace", "phoneticFirstName": "eida",
    "custom field": "own", "emailOther": "x", "vcardXProps": json.dumps(
        {"X-A": "one", "X-B": json.dumps({"ZMVAL": ["two", "three"]}),
         "X-C": json.dumps({"ZMPROP": [{"ZMVAL": "four", "PAR": {"LANGUAGE": "de"}}]})}
    ),
}  # fmt: skip


def card(fields: dict[str, object], **options: object) -> Component:
    options = {"uid": "urn:x:1", "revised": REVISED} | options
    data = vcard({"fld": fields, "v": 10}, **options)  # type: ignore[arg-type]
    (written,) = components(data)
    assert written.name == "VCARD"
    return written


def values(written: Component, name: str) -> list[tuple[str, dict[str, str]]]:
    return [(line.value, line.params) for line in written.all(name)]


def test_every_field_has_its_property() -> None:
    written = card(FULL, tags=("Friends", "a,b"))
    expected = {
        "VERSION": [("4.0", {})],
        "FN": [("Ada Lovelace", {})],
        "N": [("Love\\; lace;Ada;M;Dr;Jr", {})],
        "ORG": [("Acme\\; Inc;R&D", {})],
        "TITLE": [("Boss", {})],
        "NICKNAME": [("ada\\,", {})],
        "NOTE": [("two\\nlines\\, and\\; more\\\\", {})],
        "EMAIL": [
            ("ada@example.test", {"PREF": "1"}),
            ("a2@example.test", {}),
            ("a10@example.test", {}),
            ("w@example.test", {"TYPE": "work"}),
        ],
        "TEL": [
            ("+43 1", {"TYPE": 'home","voice'}),
            ("+43 2", {"TYPE": 'home","voice'}),
            ("+43 3", {"TYPE": "cell"}),
            ("+43 4", {"TYPE": 'work","fax'}),
            ("6", {"TYPE": "pager"}),
            ("+43 5", {"TYPE": "voice", "X-ZIMBRA-FIELD": "carPhone"}),
        ],
        "ADR": [
            (";;Ring 1\\nTop 2;Wien;;1010;Österreich", {"TYPE": "home"}),
            (";;;Linz;;;", {"TYPE": "home"}),
            (";;;Graz;;;", {"TYPE": "work"}),
        ],
        "URL": [("https://example.test/a\\,b", {"TYPE": "home"})],
        "IMPP": [("xmpp:ada@example.test", {})],
        "BDAY": [("18151210", {})],
        "ANNIVERSARY": [("--0708", {})],
        "CATEGORIES": [("Friends,a\\,b", {})],
        "REV": [("20260101T000000Z", {})],
        "X-A": [("one", {})],
        "X-B": [("two", {}), ("three", {})],
        "X-C": [("four", {"LANGUAGE": "de"})],
        "X-PHONETIC-FIRST-NAME": [("eida", {})],
        "X-ZIMBRA-MAIDENNAME": [("Byron", {})],
        "X-ZIMBRA-INITIALS": [("AL", {})],
        "X-ZIMBRA-FILEAS": [("8:Lovelace", {})],
        "X-ZIMBRA-IMADDRESS2": [("no uri", {})],
        "X-ZIMBRA-EMAILOTHER": [("x", {})],
        "X-ZIMBRA-FIELD": [("own", {"X-ZIMBRA-NAME": "custom field"})],
        "UID": [("urn:x:1", {})],
    }
    assert {line.name: values(written, line.name) for line in written.lines} == expected


def test_version_3_has_what_version_3_knows() -> None:
    written = card(FULL, version="3.0", uid="one")
    assert written.value("VERSION") == "3.0"
    assert written.value("UID") == "one"
    assert written.value("BDAY") == "1815-12-10"
    assert written.value("X-ZIMBRA-ANNIVERSARY") == "--07-08"
    assert written.value("REV") == "2026-01-01T00:00:00Z"
    assert values(written, "EMAIL")[0][1] == {"TYPE": 'INTERNET","PREF'}
    assert values(written, "TEL")[3][1] == {"TYPE": 'WORK","FAX'}


@pytest.mark.parametrize("version", ["4.0", "3.0"])
def test_other_peoples_readers_read_it(version: str) -> None:
    data = vcard({"fld": FULL}, uid="u", revised=REVISED, version=version)  # type: ignore[arg-type]
    read = vobject.readOne(data.decode())
    assert read.n.value.family == "Love; lace"
    assert read.adr.value.street == "Ring 1\nTop 2"
    assert read.note.value == "two\nlines, and; more\\"
    assert read.org.value == ["Acme; Inc", "R&D"]


def test_a_name_is_found_for_whoever_has_none() -> None:
    assert card({"company": "Acme"}).value("FN") == "Acme"
    assert card({"email": "a@example.test"}).value("FN") == "a@example.test"
    assert card({"fileAs": "8:Filed", "email": "a@b"}).value("FN") == "Filed"
    assert card({"homePhone": "1"}).value("FN") == "?"


@pytest.mark.parametrize("birthday", ["1815-02-30", "10.12.1815", "soon", "0000-01-01"])
def test_a_birthday_that_is_no_date_is_kept_as_text(birthday: str) -> None:
    written = card({"birthday": birthday})
    assert written.get("BDAY") is None
    assert written.value("X-ZIMBRA-BIRTHDAY") == birthday


def test_a_uid_follows_from_the_ids_unless_the_card_came_with_one() -> None:
    first = contact_uid({"fld": {}}, "account", "257")
    assert first == contact_uid({"fld": {"email": "x"}}, "account", "257")
    assert first != contact_uid({"fld": {}}, "account", "258")
    assert contact_uid({"fld": {"vcardUID": "own"}}, "account", "257") == "own"


def photo(kind: str, content: bytes, name: str) -> tuple[bytes, dict[str, object]]:
    message = EmailMessage()
    message.make_mixed()
    message.add_attachment(b"other", maintype="application", subtype="pdf", filename="cv.pdf")
    main, _, sub = kind.partition("/")
    message.add_attachment(content, maintype=main, subtype=sub, filename=name)
    described = [
        {"size": 5, "name": "cv.pdf", "part": "1", "ctype": "application/pdf", "field": "cv"},
        {"size": len(content), "name": name, "part": "2", "ctype": kind, "field": "image"},
    ]
    return message.as_bytes(), {"att": described}


def test_photo_and_files_come_out_of_the_body() -> None:
    body, described = photo("image/jpeg", JPEG, "me.jpg")
    metadata = {"fld": {"firstName": "Ada", "image": ""}} | described
    (four,) = components(vcard(metadata, body, uid="u", revised=REVISED))
    assert four.value("PHOTO") == "data:image/jpeg;base64\\," + base64.b64encode(JPEG).decode()
    kept = four.get("X-ZIMBRA-ATTACHMENT")
    assert base64.b64decode(kept.value) == b"other"
    assert kept.params["FILENAME"] == "cv.pdf"
    (three,) = components(vcard(metadata, body, uid="u", revised=REVISED, version="3.0"))
    assert three.get("PHOTO").params == {"ENCODING": "b", "TYPE": "JPEG"}
    assert base64.b64decode(three.value("PHOTO")) == JPEG
    (bare,) = components(vcard({"fld": {}}, JPEG, uid="u", revised=REVISED))
    assert bare.value("PHOTO").startswith("data:image/jpeg;base64\\,")


GROUP = {
    "type": "group",
    "nickname": "Team",
    "fileAs": "8:Team",
    "groupMember": bencode.encode(
        {
            "m": [
                {"t": "C", "v": "257"},
                {"t": "C", "v": "other-account:258"},
                {"t": "G", "v": "uid=bob,ou=people,dc=example,dc=test"},
                {"t": "I", "v": '"Ballard, Martha" <martha@example.test>'},
                {"t": "I", "v": "not an address"},
                {"t": "C", "v": "257"},
            ],
            "v": 10,
        }
    ),
}
MEMBERS = {
    "257": uid_uri("6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
    "other-account:258": uid_uri("a uid of its own"),
}


@pytest.mark.parametrize(("version", "prefix"), [("4.0", ""), ("3.0", "X-ADDRESSBOOKSERVER-")])
def test_a_groups_members_are_those_that_the_resolver_knows(version: str, prefix: str) -> None:
    written = card(GROUP, resolve=MEMBERS.get, version=version)
    assert written.value("FN") == "Team"
    assert written.value(f"{prefix}KIND") == "group"
    assert values(written, f"{prefix}MEMBER") == [
        ("urn:uuid:6ba7b810-9dad-11d1-80b4-00c04fd430c8", {}),
        ("urn:uuid:a%20uid%20of%20its%20own", {}),
        ("mailto:martha@example.test", {"X-CN": "Ballard, Martha"}),
    ]
    assert values(written, "X-ZIMBRA-MEMBER") == [
        ("uid=bob\\,ou=people\\,dc=example\\,dc=test", {"TYPE": "G"}),
        ("not an address", {"TYPE": "I"}),
    ]
    assert not [line for line in written.lines if line.name == "X-ZIMBRA-GROUPMEMBER"]


def test_the_older_list_of_a_group_is_read_too() -> None:
    written = card({"type": "group", "dlist": '"B, M" <m@example.test>, n@example.test'})
    assert [value for value, _ in values(written, "MEMBER")] == [
        "mailto:m@example.test",
        "mailto:n@example.test",
    ]


def test_metadata_that_is_no_contacts_is_a_clear_error() -> None:
    with pytest.raises(RecordMalformed, match="fld is no dictionary"):
        vcard({"fld": 7}, uid="u", revised=REVISED)
    with pytest.raises(RecordMalformed, match="no kind of group member"):
        card(GROUP | {"groupMember": bencode.encode({"m": [{"t": "?", "v": "1"}]})})


NAMES = st.sampled_from(
    [*contact_fields.NAME_PARTS, *contact_fields.TEXTS, *contact_fields.PHONES, "email2",
     "homeStreet", "workCity3", "imAddress1", "birthday", "groupMember", "type", "vcardXProps",
     "userCertificate", "homeURL"]
)  # fmt: skip


@given(
    fields=st.dictionaries(NAMES | st.text(max_size=8), st.text(max_size=40) | st.integers()),
    body=st.binary(max_size=60),
)
def test_any_fields_end_in_a_card_that_loses_no_text_or_in_a_clear_error(
    fields: dict[str, object], body: bytes
) -> None:
    try:
        data = vcard({"fld": fields}, body, uid="u", revised=REVISED)
    except RecordMalformed:
        return
    assert data == vcard({"fld": fields}, body, uid="u", revised=REVISED)
    assert all(len(line) <= 75 for line in data.split(b"\r\n"))
    told = data.replace(b"\r\n ", b"").decode()
    for value in fields.values():
        if isinstance(value, str) and value.isalnum():
            assert value in told
