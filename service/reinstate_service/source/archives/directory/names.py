"""Distinguished names (RFC 4514), addresses and ids of a directory."""

from __future__ import annotations

import re
import uuid

#: Names ids for what has none, so that they are the same in every run.
_NAMESPACE = uuid.UUID("6f2b2d0e-5a0c-5f0b-9a51-3f1f6c0c7a11")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_ADDRESS = re.compile(r"[^@\s\x00-\x1f\x7f]+@[^@\s/\x00-\x1f\x7f]+")

Rdn = tuple[str, str]


def parse_dn(dn: str) -> tuple[Rdn, ...]:
    """The relative names, the entry's own first: type and value, both in lower case, since
    LDAP compares them so. A name of several parts keeps its first part only."""
    return tuple(_rdn(part) for part in _split(dn, ",") if part.strip())


def _rdn(part: str) -> Rdn:
    kind, _, value = _split(part, "+")[0].partition("=")
    return kind.strip().lower(), _unescape(value.strip()).lower()


def _split(text: str, at: str) -> list[str]:
    """`text` at each character `at` that is neither escaped nor quoted."""
    if "\\" not in text and '"' not in text:
        return text.split(at)
    parts, start, quoted, position = [], 0, False, 0
    while position < len(text):
        character = text[position]
        if character == "\\":
            position += 1
        elif character == '"':
            quoted = not quoted
        elif character == at and not quoted:
            parts.append(text[start:position])
            start = position + 1
        position += 1
    return [*parts, text[start:]]


_ESCAPE = re.compile(rb"\\([0-9A-Fa-f]{2})|\\(.)|\"", re.DOTALL)


def _unescape(value: str) -> str:
    """RFC 4514 §2.4, and the quotes that RFC 2253 still allowed."""

    def plain(match: re.Match[bytes]) -> bytes:
        return bytes.fromhex(match[1].decode()) if match[1] else match[2] or b""

    return _ESCAPE.sub(plain, value.encode()).decode(errors="replace")


def address_of(dn: tuple[Rdn, ...]) -> str:
    """The address that a name stands for: `uid=anna,ou=people,dc=example,dc=com` is
    anna@example.com, and so is a dynamic group's `cn=anna,cn=groups,dc=example,dc=com`; empty
    if it stands for none."""
    domain = domain_of(dn)
    if not domain or not dn or dn[0][0] not in {"uid", "cn"}:
        return ""
    address = f"{dn[0][1]}@{domain}"
    return address if is_address(address) else ""


def domain_of(dn: tuple[Rdn, ...]) -> str:
    """The domain of a name's dc parts; empty if it has none."""
    return ".".join(value for kind, value in dn if kind == "dc")


def is_address(text: str) -> bool:
    """Whether it can be an address at all; what a destination takes is for it to say."""
    return _ADDRESS.fullmatch(text) is not None


def is_id(text: str) -> bool:
    """Whether the id can stand wherever ids stand, also in the name of a file."""
    return _ID.fullmatch(text) is not None


def id_for(kind: str, name: str) -> str:
    """The id of what has none of its own: the same for the same name, for ever."""
    return str(uuid.uuid5(_NAMESPACE, f"{kind}:{name.lower()}"))
