"""Grants of the backup as access rights of IMAP (RFC 4314 §2.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reinstate_service.model import Frozen, Grant, GranteeType

#: Zimbra's and Carbonio's letters and what each allows over IMAP. `s` comes with `r`,
#: because a reader's own seen flags are private on a well-kept server; `x` (act on
#: invitations), `p` (private items) and `f` (free/busy) have no counterpart.
RIGHTS = {"r": "lrs", "w": "w", "i": "ip", "d": "te", "c": "k", "a": "a", "x": "", "p": "", "f": ""}
ORDER = "lrswipktexa"


class Translated(Frozen, frozen=True):
    """A folder's grants: `granted` as (grantee, rights) pairs, `refused` as (grantee, reason)."""

    granted: tuple[tuple[str, str], ...]
    refused: tuple[tuple[str, str], ...]


def imap_rights(rights: str) -> str:
    """The letters of RFC 4314 for the backup's letters, in the RFC's order; unknown ones
    give nothing."""
    letters = {letter for right in rights for letter in RIGHTS.get(right, "")}
    return "".join(letter for letter in ORDER if letter in letters)


def translate(grants: Iterable[Grant], addresses: Mapping[str, str]) -> Translated:
    """Whom the grants name on the destination, and with which rights.

    `addresses` gives the address of an account or list and the name of a domain by
    the backup's id. Several grants for one grantee add up.
    """
    granted: dict[str, set[str]] = {}
    refused = []
    for grant in grants:
        name = grant.name or grant.grantee
        grantee = _grantee(grant, addresses)
        rights = imap_rights(grant.rights)
        if grantee is None:
            refused.append((name, _why_not(grant)))
        elif not rights:
            refused.append((name, f"rights {grant.rights!r} have no counterpart over IMAP"))
        else:
            granted.setdefault(grantee, set()).update(rights)
    return Translated(
        tuple(
            (grantee, "".join(letter for letter in ORDER if letter in letters))
            for grantee, letters in sorted(granted.items())
        ),
        tuple(refused),
    )


def _grantee(grant: Grant, addresses: Mapping[str, str]) -> str | None:
    address = addresses.get(grant.grantee)
    match grant.type:
        case GranteeType.ALL:
            return "authenticated"
        case GranteeType.PUBLIC:
            return "anyone"
        case GranteeType.USER:
            return address and f"user:{address}"
        case GranteeType.LIST:
            return address and f"group:{address}"
        case GranteeType.DOMAIN:
            return address and f"group:@{address}"
        case _:
            return None


def _why_not(grant: Grant) -> str:
    if grant.type in {GranteeType.USER, GranteeType.LIST, GranteeType.DOMAIN}:
        return f"the backup has no {grant.type} with id {grant.grantee}"
    return f"a grant to a {grant.type} has no counterpart over IMAP"
