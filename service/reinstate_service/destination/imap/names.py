"""Paths as mailbox names and back, on one server."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode

from reinstate_service.destination.contract import Refused
from reinstate_service.destination.names import checked_path
from reinstate_service.mapping.namespace import modified_utf7
from reinstate_service.model import Frozen, Path

_SHIFTED = re.compile(rb"&([A-Za-z0-9+,]*)-")


class MailboxNames(Frozen, frozen=True):
    """How a server writes names: its separator, what leads the account's own (`prefix`, such as
    `INBOX.`), and what leads everybody else's (`foreign`)."""

    separator: str = "/"
    prefix: str = ""
    foreign: tuple[str, ...] = ()

    def name(self, path: Path) -> str:
        """The mailbox's name, in Unicode. Raises Refused if no mailbox can be called that."""
        path = checked_path(path)
        if any(self.separator in segment for segment in path):
            raise Refused(detail=f"{'/'.join(path)!r} holds the separator {self.separator!r}")
        name = self.separator.join(path)
        if path == ("INBOX",):
            return name
        name = self.prefix + name
        if self.is_foreign(name):
            raise Refused(detail=f"{'/'.join(path)!r} is where other users' folders are shown")
        return name

    def shown(self, path: Path) -> str:
        """The name of a mailbox of the account's own, or of another's where it is shown. Raises
        Refused as `name` does."""
        name = self.separator.join(path)
        return name if self.is_foreign(name) else self.name(path)

    def path(self, name: str) -> Path:
        """The path of a mailbox of the account's own."""
        if name.upper() == "INBOX":
            return ("INBOX",)
        path = tuple(name.removeprefix(self.prefix).split(self.separator))
        return ("INBOX", *path[1:]) if path[0].upper() == "INBOX" else path

    def is_foreign(self, name: str) -> bool:
        """Whether the mailbox is another user's, or leads to such."""
        return any(name.startswith(lead) or name + self.separator == lead for lead in self.foreign)


def quoted(name: str) -> bytes:
    """The name in modified UTF-7 as a quoted string (RFC 3501 §5.1.3, §9): whatever it holds, it
    is one argument."""
    encoded = modified_utf7(name).encode("ascii")
    return b'"' + encoded.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def decoded(name: bytes) -> str:
    """The name in Unicode; one that is no modified UTF-7 is taken as it stands."""

    def plain(match: re.Match[bytes]) -> bytes:
        if not match[1]:
            return b"&"
        padded = match[1].replace(b",", b"/") + b"=" * (-len(match[1]) % 4)
        return b64decode(padded, validate=True).decode("utf-16-be").encode()

    try:
        return _SHIFTED.sub(plain, name).decode()
    except (binascii.Error, UnicodeDecodeError, UnicodeEncodeError):
        return name.decode("latin-1")
