"""Which property each of Zimbra's contact fields becomes; one table a kind of field.

A name may end in a number for the second and further fields of its kind
(`email2`, `homeStreet3`). What stands in no table is kept as X-ZIMBRA-<NAME>.
"""

from __future__ import annotations

#: Fields of N, in the order of RFC 6350 §6.2.2.
NAME_PARTS = ("lastName", "firstName", "middleName", "namePrefix", "nameSuffix")

#: Fields that are one property with one text.
TEXTS = {
    "nickname": "NICKNAME",
    "jobTitle": "TITLE",
    "otherProfession": "ROLE",
    "notes": "NOTE",
    "phoneticFirstName": "X-PHONETIC-FIRST-NAME",
    "phoneticLastName": "X-PHONETIC-LAST-NAME",
    "phoneticCompany": "X-PHONETIC-ORG",
}

#: Types of e-mail addresses.
EMAILS: dict[str, tuple[str, ...]] = {"email": (), "workEmail": ("work",), "homeEmail": ("home",)}

#: Types of telephone numbers; RFC 6350 §6.4.1 and, for vCard 3, RFC 2426 §3.3.1.
PHONES: dict[str, tuple[str, ...]] = {
    "homePhone": ("home", "voice"),
    "workPhone": ("work", "voice"),
    "workAltPhone": ("work", "voice"),
    "companyPhone": ("work", "voice"),
    "mobilePhone": ("cell",),
    "workMobile": ("work", "cell"),
    "homeFax": ("home", "fax"),
    "workFax": ("work", "fax"),
    "otherFax": ("fax",),
    "pager": ("pager",),
    "carPhone": ("voice",),
    "otherPhone": ("voice",),
    "assistantPhone": ("voice",),
    "callbackPhone": ("voice",),
    "tollFree": ("voice",),
}
#: Those whose types do not tell them from another field: the field's name stands beside.
UNTOLD_PHONES = {
    "workAltPhone", "companyPhone", "otherFax", "carPhone", "otherPhone", "assistantPhone",
    "callbackPhone", "tollFree",
}  # fmt: skip

#: Types of addresses; the parts follow in the order of RFC 6350 §6.3.1 from the street on.
ADDRESSES: dict[str, tuple[str, ...]] = {"home": ("home",), "work": ("work",), "other": ()}
ADDRESS_PARTS = ("Street", "City", "State", "PostalCode", "Country")

#: Types of web pages.
PAGES: dict[str, tuple[str, ...]] = {"homeURL": ("home",), "workURL": ("work",), "otherURL": ()}

#: Types of instant messaging addresses.
MESSENGERS: dict[str, tuple[str, ...]] = {"imAddress": (), "workIM": ("work",)}

DATES = {"birthday": "BDAY", "anniversary": "ANNIVERSARY"}
KEYS = ("userCertificate", "userSMIMECertificate")
UID_FIELDS = ("vCardUID", "vcardUID")
URL_FIELDS = ("vcardURL", "vCardURL")
EXTRA_FIELDS = ("vcardXProps", "vCardXProps")
#: What makes a group, and is told by its members.
GROUP_FIELDS = {"type", "groupMember", "dlist"}
