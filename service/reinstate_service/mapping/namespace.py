"""What a destination can represent, as a value.

The rules of `mapping/` take a `Namespace` and nothing else of a destination, so
that Maildir++, other layouts and other servers are all just values.
"""

from __future__ import annotations

import re
from base64 import b64encode

import msgspec

from reinstate_service.model import Frozen, Path, Role


class Namespace(Frozen, frozen=True):
    """How mailbox names are made on one destination.

    `separator` joins segments in the name a client sees and cannot stand inside
    one. `forbidden` are further characters that cannot, `forbidden_first` those that
    cannot begin one, `reserved` whole names that cannot be used. `segment_bytes` and
    `path_bytes` bound the *stored* form: `storage_encoding` is "utf-8" or "utf-7"
    (modified UTF-7, RFC 3501 §5.1.3), to which `storage_escape` characters add
    two bytes each. `shared_prefix` leads to other users' folders, with `{domain}` and
    `{local}` filled in; where `mounts_in_place`, a mountpoint stands at its own path
    instead, and nothing has to be redirected to it. `sieve` are the extensions that its
    scripts may require (RFC 5228 §6); without any, it keeps scripts as they were written. Where
    it is `mail_only`, it holds neither collections nor settings of accounts.
    """

    separator: str = "/"
    case_sensitive: bool = True
    forbidden: str = ""
    forbidden_first: str = ""
    reserved: tuple[str, ...] = ()
    storage_escape: str = ""
    segment_bytes: int = 255
    path_bytes: int = 254
    storage_encoding: str = "utf-8"
    roles: dict[Role, Path] = msgspec.field(default_factory=lambda: {Role.INBOX: ("INBOX",)})
    shared_prefix: Path = ("shared", "{domain}", "{local}")
    mounts_in_place: bool = False
    sieve: tuple[str, ...] = ()
    mail_only: bool = False

    def stored_bytes(self, segment: str) -> int:
        """How many bytes `segment` takes where it is stored."""
        stored = modified_utf7(segment) if self.storage_encoding == "utf-7" else segment
        escaped = sum(stored.count(character) for character in self.storage_escape)
        return len(stored.encode()) + 2 * escaped


_NOT_PRINTABLE_ASCII = re.compile(r"[^\x20-\x7e]+")


def modified_utf7(text: str) -> str:
    """The mailbox international naming convention of RFC 3501 §5.1.3."""

    def shifted(match: re.Match[str]) -> str:
        encoded = b64encode(match[0].encode("utf-16-be")).decode("ascii")
        return "&" + encoded.rstrip("=").replace("/", ",") + "-"

    return _NOT_PRINTABLE_ASCII.sub(shifted, text.replace("&", "&-"))
