"""Grants on a folder as its metadata has them: rights and kinds of grantee as numbers."""

from __future__ import annotations

from collections.abc import Iterable

from reinstate_service.model import Grant, GranteeType
from reinstate_service.source.archives.bencode import Value

_RIGHTS = {
    "r": 0x1,
    "w": 0x2,
    "i": 0x4,
    "d": 0x8,
    "x": 0x10,
    "a": 0x100,
    "c": 0x200,
    "p": 0x400,
    "f": 0x800,
}
_TYPES = {
    1: GranteeType.USER,
    2: GranteeType.LIST,
    3: GranteeType.ALL,
    4: GranteeType.DOMAIN,
    5: GranteeType.COS,
    6: GranteeType.PUBLIC,
    7: GranteeType.GUEST,
    8: GranteeType.KEY,
}
_NUMBERS = {kind: number for number, kind in _TYPES.items()}
#: Grantees that are nobody in particular have these ids.
_PSEUDO = {
    GranteeType.ALL: "00000000-0000-0000-0000-000000000000",
    GranteeType.PUBLIC: "99999999-9999-9999-9999-999999999999",
}


def rights_of(bits: int) -> str:
    """The letters of the rights in `bits`; bits without a letter are passed over."""
    return "".join(letter for letter, bit in _RIGHTS.items() if bits & bit)


def bits_of(rights: str) -> int:
    """The bits of the letters in `rights`."""
    return sum({_RIGHTS.get(letter, 0) for letter in rights})


def grants_of(metadata: dict[str, Value], now: int) -> tuple[Grant, ...]:
    """The grants in a folder's metadata that had not run out at `now` (milliseconds).

    They lie under `aclm`, in a dictionary, or under `acl`, in the list of old releases.
    What is no grant is left out: a right that cannot be read must not be given.
    Passwords and keys of guests are never taken over.
    """
    held = metadata.get("aclm", metadata.get("acl"))
    listed = held.get("g") if isinstance(held, dict) else held
    if not isinstance(listed, list):
        return ()
    found = (_grant(each, now) for each in listed if isinstance(each, dict))
    return tuple(grant for grant in found if grant is not None)


def metadata_of(grants: Iterable[Grant]) -> dict[str, Value]:
    """The metadata that holds these grants; `grants_of` undoes it."""
    listed: list[Value] = [
        {
            "g": _PSEUDO.get(grant.type, grant.grantee),
            "t": _NUMBERS[grant.type],
            "r": bits_of(grant.rights),
            **({"n": grant.name} if grant.name else {}),
        }
        for grant in grants
    ]
    return {"aclm": {"g": listed}}


def _grant(value: dict[str, Value], now: int) -> Grant | None:
    number, bits, grantee = value.get("t"), value.get("r"), value.get("g", "")
    expiry, name = value.get("e", 0), value.get("n", "")
    kind = _TYPES.get(number) if isinstance(number, int) else None
    if kind is None or not isinstance(bits, int) or not isinstance(grantee, str):
        return None
    if not isinstance(expiry, int) or 0 < expiry <= now:
        return None
    shown = name if isinstance(name, str) else ""
    return Grant("" if kind in _PSEUDO else grantee, kind, rights_of(bits), shown)
