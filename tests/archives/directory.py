"""LDIF as the tools of administrators write it: zmslapcat, slapcat, ldapsearch, zmbackup.

An entry is its dn and its attributes; `example` is a small infrastructure with one of
everything that the directory of Zimbra and Carbonio has.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

#: What slapcat adds to every entry.
_OPERATIONAL = {
    "creatorsName": ["cn=config"],
    "entryCSN": ["20260901080000.000000Z#000000#000#000000"],
    "modifiersName": ["uid=zimbra,cn=admins,cn=zimbra"],
}


@dataclass(frozen=True)
class Entry:
    """One entry, its values as text or bytes."""

    dn: str
    attributes: Mapping[str, Sequence[str | bytes]]

    def with_(self, **attributes: Sequence[str | bytes]) -> Entry:
        """The entry with other attributes as well."""
        return Entry(self.dn, {**self.attributes, **attributes})

    def without(self, name: str) -> Entry:
        """The entry without an attribute."""
        return Entry(self.dn, {key: all_ for key, all_ in self.attributes.items() if key != name})


def stored_password(password: str, source: str, salt: bytes = bytes(range(16))) -> str:
    """A data source's password as Zimbra stores it."""
    key = hashlib.md5(salt + source.encode()).digest()
    padder = padding.PKCS7(128).padder()
    padded = padder.update(password.encode()) + padder.finalize()
    encryptor = Cipher(AES(key), ECB()).encryptor()
    body = encryptor.update(padded) + encryptor.finalize()
    return base64.b64encode(b"\x01" + salt + body).decode()


def zmslapcat(entries: Iterable[Entry]) -> bytes:
    """A dump of the whole, with the LDAP server's own attributes and entries of no interest."""
    server = Entry(
        "cn=mail.example.com,cn=servers,cn=zimbra",
        {"objectClass": ["zimbraServer"], "zimbraServiceHostname": ["mail.example.com"]},
    )
    return slapcat([Entry("cn=zimbra", {"objectClass": ["organizationalRole"]}), server, *entries])


def slapcat(entries: Iterable[Entry]) -> bytes:
    """Every entry with operational attributes, folded at 78 columns."""
    return b"".join(
        lines(Entry(entry.dn, {**entry.attributes, **_OPERATIONAL})) + b"\n" for entry in entries
    )


def ldapsearch(entries: Iterable[Entry], *, bare: bool = True, result: str = "0 Success") -> bytes:
    """What ldapsearch prints: with -LLL the entries alone, else comments and the result too."""
    if bare:
        return b"".join(lines(entry) + b"\n" for entry in entries)
    head = b"# extended LDIF\n#\n# LDAPv3\n# base <> with scope subtree\n# requesting: ALL\n#\n\n"
    body = b"".join(b"# " + entry.dn.encode() + b"\n" + lines(entry) + b"\n" for entry in entries)
    return (
        head
        + body
        + b"# search result\nsearch: 2\nresult: "
        + result.encode()
        + (b"\n\n# numResponses: 9\n# numEntries: 8\n")
    )


def zmbackup(entries: Iterable[Entry], folder: Path) -> list[Path]:
    """One file per account, list and alias, with that entry alone: children are lost."""
    files = []
    for position, entry in enumerate(entries):
        if entry.dn.startswith(("uid=", "cn=")) and ",dc=" in entry.dn:
            name = str((*entry.attributes.get("mail", ()), f"entry{position}")[0])
            file = folder / f"{name}.ldif"
            file.write_bytes(ldapsearch([entry]))
            files.append(file)
    return files


def lines(entry: Entry, width: int = 78, end: bytes = b"\n") -> bytes:
    """The entry's lines, in base64 where RFC 2849 wants it, and passwords always."""
    parts = [attribute("dn", entry.dn.encode())]
    for name, values in entry.attributes.items():
        for value in values:
            raw = value.encode() if isinstance(value, str) else value
            parts.append(attribute(name, raw, encoded=name == "userPassword"))
    return b"".join(fold(part, width) + b"\n" for part in parts).replace(b"\n", end)


def attribute(name: str, value: bytes, *, encoded: bool = False) -> bytes:
    """One unfolded line."""
    safe = not value or (
        all(0 < byte < 128 and byte not in b"\r\n" for byte in value)
        and value[0] not in b" :<"
        and value[-1] not in b" "
    )
    if safe and not encoded:
        return name.encode() + b": " + value
    return name.encode() + b":: " + base64.b64encode(value)


def fold(line: bytes, width: int) -> bytes:
    """The line in pieces of `width` bytes; the further ones begin with a blank."""
    pieces = [line[:width]]
    pieces += [line[at : at + width - 1] for at in range(width, len(line), width - 1)]
    return b"\n ".join(pieces)


STAFF = "c05e0000-0000-4000-8000-000000000001"
DEFAULT = "c05e0000-0000-4000-8000-000000000002"
DOMAIN = "d0000000-0000-4000-8000-000000000001"
ANNA = "a0000000-0000-4000-8000-000000000001"
BRUNO = "a0000000-0000-4000-8000-000000000002"
ROOM = "a0000000-0000-4000-8000-000000000003"
GALSYNC = "a0000000-0000-4000-8000-000000000004"
SPAM = "a0000000-0000-4000-8000-000000000005"
OUTSIDER = "a0000000-0000-4000-8000-000000000006"
TEAM = "70000000-0000-4000-8000-000000000001"
EVERYONE = "70000000-0000-4000-8000-000000000002"
SOURCE = "da7a0000-0000-4000-8000-000000000001"
IDENTITY = "1d000000-0000-4000-8000-000000000001"
SIGNATURE = "51600000-0000-4000-8000-000000000001"
HASH = "{SSHA512}c2VjcmV0IGhhc2ggb2YgYW5uYQ=="
SIEVE = 'require ["fileinto"];\n\n# Über uns\nif true {\n    fileinto "Projekte";\n}\n'
PEOPLE = "ou=people,dc=example,dc=com"


def person(uid: str, identifier: str, **attributes: Sequence[str | bytes]) -> Entry:
    """An account of example.com."""
    return Entry(
        f"uid={uid},{PEOPLE}",
        {
            "objectClass": ["inetOrgPerson", "zimbraAccount", "amavisAccount"],
            "uid": [uid],
            "mail": [f"{uid}@example.com"],
            "zimbraId": [identifier],
            "zimbraAccountStatus": ["active"],
            "zimbraMailHost": ["mail.example.com"],
            "zimbraMailTransport": ["lmtp:mail.example.com:7025"],
            "zimbraMailDeliveryAddress": [f"{uid}@example.com"],
            **attributes,
        },
    )


def example() -> list[Entry]:
    """example.com with an alias domain, two classes of service, six accounts and two lists."""
    return list(_example())


def _example() -> Iterator[Entry]:
    yield Entry(
        "cn=config,cn=zimbra",
        {
            "objectClass": ["zimbraGlobalConfig"],
            "zimbraSpamIsSpamAccount": ["spam.k3jd8@example.com"],
        },
    )
    yield Entry(
        "cn=default,cn=cos,cn=zimbra",
        {"objectClass": ["zimbraCOS"], "cn": ["default"], "zimbraId": [DEFAULT]},
    )
    yield Entry(
        "cn=staff,cn=cos,cn=zimbra",
        {
            "objectClass": ["zimbraCOS"],
            "cn": ["staff"],
            "zimbraId": [STAFF],
            "zimbraMailQuota": ["5000000"],
            "zimbraAdminSieveScriptBefore": ["# staff\nkeep;\n"],
            "zimbraPrefLocale": ["de"],
            "zimbraMailHostPool": ["00000000-0000-4000-8000-00000000005e"],
        },
    )
    yield Entry(
        "dc=example,dc=com",
        {
            "objectClass": ["dcObject", "organization", "zimbraDomain"],
            "dc": ["example"],
            "zimbraId": [DOMAIN],
            "zimbraDomainName": ["example.com"],
            "zimbraDomainType": ["local"],
            "zimbraDomainStatus": ["active"],
            "zimbraMailDomainQuota": ["8000000"],
            "zimbraDomainAggregateQuota": ["90000000"],
            "zimbraDomainMaxAccounts": ["50"],
            "zimbraDomainCOSMaxAccounts": [f"{STAFF}:20"],
            "zimbraGalMode": ["zimbra"],
            "zimbraGalAccountId": [GALSYNC],
            "zimbraACE": [f"{ANNA} usr +modifyAccount"],
            "zimbraPreAuthKey": ["9c1f0e7a"],
        },
    )
    yield Entry(
        "dc=example,dc=net",
        {
            "objectClass": ["dcObject", "organization", "zimbraDomain"],
            "zimbraId": ["d0000000-0000-4000-8000-000000000002"],
            "zimbraDomainName": ["example.net"],
            "zimbraDomainType": ["alias"],
            "zimbraDomainAliasTargetId": [DOMAIN],
        },
    )
    yield from _people()
    yield from _lists()


def _people() -> Iterator[Entry]:
    yield person(
        "anna",
        ANNA,
        userPassword=[HASH],
        displayName=["Anna Rossi ✉"],
        zimbraCOSId=[STAFF],
        zimbraMailQuota=["9000000"],
        zimbraIsAdminAccount=["TRUE"],
        zimbraMailAlias=["rossi@example.com"],
        zimbraMailForwardingAddress=["archive@example.com"],
        zimbraPrefMailForwardingAddress=["anna@elsewhere.example, ufficio@example.com"],
        zimbraPrefMailLocalDeliveryDisabled=["TRUE"],
        zimbraPrefOutOfOfficeReplyEnabled=["TRUE"],
        zimbraPrefOutOfOfficeReply=["Ich bin weg.\nBis bald!"],
        zimbraPrefOutOfOfficeFromDate=["20260801060000Z"],
        zimbraPrefOutOfOfficeUntilDate=["20260815220000.500Z"],
        zimbraMailSieveScript=[SIEVE],
        zimbraSharedItem=["granteeId:x;folderId:257"],
        zimbraMemberOf=[EVERYONE],
        zimbraAuthTokens=["1234|567|8.8"],
        zimbraPrefMailSignature=["-- \nAnna"],
        zimbraSignatureId=[SIGNATURE],
        zimbraSignatureName=["Work"],
        jpegPhoto=[b"\xff\xd8\xff\xe0\x00"],
    )
    yield Entry(
        f"zimbraPrefIdentityName=Private,uid=anna,{PEOPLE}",
        {
            "objectClass": ["zimbraIdentity"],
            "zimbraPrefIdentityName": ["Private"],
            "zimbraPrefIdentityId": [IDENTITY],
            "zimbraPrefFromAddress": ["anna@elsewhere.example"],
            "zimbraPrefWhenInFolderIds": ["257"],
        },
    )
    yield Entry(
        f"zimbraSignatureName=Lang\\, HTML,uid=anna,{PEOPLE}",
        {
            "objectClass": ["zimbraSignature"],
            "zimbraSignatureName": ["Lang, HTML"],
            "zimbraSignatureId": ["51600000-0000-4000-8000-000000000002"],
            "zimbraPrefMailSignatureHTML": ["<p>" + "Anna " * 60 + "</p>"],
        },
    )
    yield Entry(
        f"zimbraDataSourceName=Old,uid=anna,{PEOPLE}",
        {
            "objectClass": ["zimbraDataSource", "zimbraImapDataSource"],
            "zimbraDataSourceName": ["Old"],
            "zimbraDataSourceId": [SOURCE],
            "zimbraDataSourceEnabled": ["TRUE"],
            "zimbraDataSourceFolderId": ["258"],
            "zimbraDataSourceHost": ["imap.elsewhere.example"],
            "zimbraDataSourcePort": ["993"],
            "zimbraDataSourceConnectionType": ["ssl"],
            "zimbraDataSourceUsername": ["anna"],
            "zimbraDataSourcePassword": [stored_password("gehéim", SOURCE)],
            "zimbraDataSourcePollingInterval": ["1h"],
        },
    )
    yield person("bruno", BRUNO, zimbraMemberOf=[EVERYONE], zimbraCOSId=[STAFF])
    yield Entry(
        f"uid=bru,{PEOPLE}",
        {"objectClass": ["zimbraAlias"], "uid": ["bru"], "zimbraAliasTargetId": [BRUNO]},
    )
    yield person(
        "room",
        ROOM,
        objectClass=["inetOrgPerson", "zimbraAccount", "zimbraCalendarResource"],
        zimbraCalResType=["Location"],
    )
    yield person("gal", GALSYNC)
    yield person("spam.k3jd8", SPAM)
    yield person("guest.at.elsewhere", OUTSIDER, zimbraIsExternalVirtualAccount=["TRUE"])


def _lists() -> Iterator[Entry]:
    yield Entry(
        f"uid=team,{PEOPLE}",
        {
            "objectClass": ["zimbraDistributionList", "zimbraMailRecipient"],
            "uid": ["team"],
            "mail": ["team@example.com", "squad@example.com"],
            "zimbraId": [TEAM],
            "zimbraMailAlias": ["squad@example.com"],
            "zimbraMailForwardingAddress": ["anna@example.com", "all@example.com"],
            "displayName": ["The team"],
            "zimbraHideInGal": ["TRUE"],
        },
    )
    yield Entry(
        "cn=all,cn=groups,dc=example,dc=com",
        {
            "objectClass": ["groupOfURLs", "dgIdentityAux", "zimbraGroup"],
            "cn": ["all"],
            "mail": ["all@example.com"],
            "zimbraId": [EVERYONE],
            "zimbraIsACLGroup": ["TRUE"],
            "memberURL": [f"ldap:///??sub?(|(zimbraMemberOf={EVERYONE})(zimbraId=e))"],
        },
    )
    yield Entry(
        "cn=external,cn=all,cn=groups,dc=example,dc=com",
        {
            "objectClass": ["zimbraGroupStaticUnit"],
            "cn": ["external"],
            "zimbraId": ["e"],
            "zimbraMailForwardingAddress": ["partner@outside.example"],
        },
    )
