"""Which attributes have a field of the model, which are left out, and the rest.

The table of docs/directory.md is this module in words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

from reinstate_service.model import Attributes

#: Certificates and photos: bytes, for which the model has no place.
BINARY = frozenset(
    {
        "audio",
        "cacertificate",
        "jpegphoto",
        "photo",
        "thumbnailphoto",
        "usercertificate",
        "userpkcs12",
        "usersmimecertificate",
        "zimbraprefmailsmimecertificate",
    }
)

#: The LDAP server's own (RFC 4512 §3.4 and OpenLDAP's).
_OPERATIONAL = {
    "contextcsn",
    "createtimestamp",
    "creatorsname",
    "entrycsn",
    "entrydn",
    "entryuuid",
    "hassubordinates",
    "modifiersname",
    "modifytimestamp",
    "objectclass",
    "structuralobjectclass",
    "subschemasubentry",
}

#: Of the host it was, of a session, or derived from something else.
_BOUND = {
    "zimbraappspecificpassword",
    "zimbraauthtokens",
    "zimbraauthtokenvalidityvalue",
    "zimbracsrftokendata",
    "zimbrainvalidjwttokens",
    "zimbralastlogontimestamp",
    "zimbralastpurgedfoldertimestamp",
    "zimbramailhost",
    "zimbramailhostpool",
    "zimbramailtransport",
    "zimbrapasswordhistory",
    "zimbrapasswordlockoutfailuretime",
    "zimbrapasswordlockoutlockedtime",
    "zimbraresetpasswordrecoverycode",
    "zimbrashareditem",
    "zimbratwofactorauthscratchcodes",
    "zimbratwofactorauthtrusteddevices",
}

#: Ends of the names of attributes whose value is a secret.
_SECRET = re.compile(r".*(?:password|secret|privatekey|authkey|token)")


def left_over(
    attributes: Attributes, spelled: Mapping[str, str], used: frozenset[str]
) -> Attributes:
    """What has no field and is worth keeping, by its name as spelled; `used` is in lower case."""
    return {
        spelled[name]: values
        for name, values in attributes.items()
        if name not in used and _is_kept(name)
    }


@lru_cache(4096)
def _is_kept(name: str) -> bool:
    return name not in _OPERATIONAL and name not in _BOUND and not is_secret(name)


def is_secret(name: str) -> bool:
    """Whether an attribute of this name holds a secret, which then is left out."""
    return _SECRET.fullmatch(name.lower()) is not None and name.lower() != "userpassword"


def number(text: str) -> int | None:
    """A count or a size, at least 0; None for what is none, or no number that a size can be."""
    if not re.fullmatch(r"[0-9]{1,19}", text):
        return None
    value = int(text)
    return value if value < 2**63 else None


#: The years 1 to 9999, which the Backup Path has as well.
FIRST, LAST = -62_135_596_800_000, 253_402_300_799_999

_TIME = re.compile(
    r"(\d{4})(\d\d)(\d\d)(\d\d)(?:(\d\d)(\d\d)?)?(?:[.,](\d{1,9}))?(Z|[+-]\d\d(?:\d\d)?)"
)


def milliseconds(text: str) -> int | None:
    """A generalized time (RFC 4517 §3.3.13) in milliseconds since 1970-01-01 UTC; None for
    what is none. A fraction counts where seconds are given, and is passed over else."""
    match = _TIME.fullmatch(text)
    if match is None or not text.isascii():
        return None
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    offset = timedelta()
    if zone != "Z":
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:] or 0))
        offset = -offset if zone[0] == "-" else offset
    try:
        moment = datetime(
            int(year),
            int(month),
            int(day),
            int(hour),
            int(minute or 0),
            # RFC 4517 allows a leap second, which no calendar here has.
            min(int(second or 0), 59),
            tzinfo=timezone(offset),
        )
        since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    part = int(f"{fraction:0<3}"[:3]) if fraction and second else 0
    found = since // timedelta(milliseconds=1) + part
    return found if FIRST <= found <= LAST else None
