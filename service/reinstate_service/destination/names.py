"""Addresses and names as every destination checks them before they become anything's name."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from functools import lru_cache

from reinstate_service.destination.contract import Refused
from reinstate_service.model import Path

_DELIVERY = re.compile(r"[!-+\-0-9;-~][!-+\-.0-9;-~]{0,149}")
_LOCAL_BYTES = 64
#: RFC 5321 §4.5.3.1.3, without the angle brackets.
_ADDRESS_BYTES = 254
_DOMAIN_BYTES = 253
_KEYWORD_SPECIALS = frozenset('(){%*"]\\')


def checked_domain(name: str) -> str:
    """The domain in lower case. Raises Refused if it cannot be one."""
    domain = name.lower()
    if (
        not domain
        or len(domain.encode("utf-8", "replace")) > _DOMAIN_BYTES
        or domain.startswith(".")
        or domain.endswith(".")
        or ".." in domain
        or _unsafe(domain)
    ):
        raise Refused(detail=f"{name!r} cannot be the name of a domain")
    return domain


def checked_address(address: str) -> tuple[str, str]:
    """Local part and domain of the address in lower case. Raises Refused if it is none."""
    local, at, domain = address.lower().rpartition("@")
    if (
        not at
        or not local
        or len(local.encode("utf-8", "replace")) > _LOCAL_BYTES
        or len(address.encode("utf-8", "replace")) > _ADDRESS_BYTES
        or local in {".", ".."}
        or "@" in local
        or _unsafe(local)
    ):
        raise Refused(detail=f"{address!r} cannot be an address")
    return local, checked_domain(domain)


def canonical(address: str) -> str:
    """The address in lower case. Raises Refused if it is none."""
    return "@".join(checked_address(address))


def checked_path(path: Path) -> Path:
    """`path` with INBOX in capitals at its root (RFC 3501 §5.1). Raises Refused if no
    mailbox can be called that."""
    for segment in path:
        if not segment or segment in {".", ".."} or "/" in segment or _has_control(segment):
            raise Refused(detail=f"{'/'.join(path)!r} cannot be the path of a folder")
    if not path:
        raise Refused(detail="the root of an account is no folder")
    return ("INBOX", *path[1:]) if path[0].casefold() == "inbox" else path


def checked_delivery(name: str) -> str:
    """`name` if a delivery may have it. Raises Refused."""
    if _DELIVERY.fullmatch(name) is None:
        raise Refused(detail=f"{name!r} cannot name a delivery")
    return name


def relocated_name(name: str, account: str, path: Path) -> str:
    """What a message of `account` is called after it was moved into a folder that has another
    message of its name: the same on every try, and different for every folder it came from."""
    origin = "/".join((account.lower(), *path)).encode("utf-8", "surrogatepass")
    return f"{name}.{hashlib.sha256(origin).hexdigest()[:16]}"


@lru_cache(4096)
def is_keyword(keyword: str) -> bool:
    """Whether `keyword` is an atom (RFC 3501 §9)."""
    return bool(keyword) and all(
        "!" <= character <= "~" and character not in _KEYWORD_SPECIALS for character in keyword
    )


def _unsafe(text: str) -> bool:
    return any(
        character in '/\\"<>()[],;:' or character.isspace() for character in text
    ) or _has_control(text)


def _has_control(text: str) -> bool:
    """Whether it holds a control character or half a character, which no mail system takes."""
    return any(unicodedata.category(character) in {"Cc", "Cs"} for character in text)
