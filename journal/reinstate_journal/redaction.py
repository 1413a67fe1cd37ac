"""Events without personal data: addresses, paths, names and free texts become pseudonyms.

Equal texts get equal pseudonyms, so that what belongs together still does; whoever has the key
can make them again and so tell what each stood for, nobody else. Ids, sizes, times, kinds of
failures, rights and counts stay. A field that is not named here loses its text.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any

import msgspec

from reinstate_journal.catalogue import Event
from reinstate_journal.journal import Head, Reader

_REVISION = re.compile(r"[0-9a-f]{12}")
_CLASS = re.compile(r"[A-Z][A-Za-z]+")
_STEP = re.compile(r"((?:configure )?(?:domain|cos|list)|account|configure|filters) ?(.*)")
_KEPT_SEGMENTS = frozenset({"INBOX", "shared", "Sent", "Drafts", "Trash", "Junk", "Archive"})
_KEPT_SCRIPTS = frozenset({"incoming", "outgoing", "before", "after"})


class Pseudonyms:
    """Names that a key makes of texts."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, kind: str, text: str) -> str:
        """A pseudonym that tells what kind of thing it stands for; nothing for nothing."""
        return f"{kind}-{self._hashed(kind, text).hex()[:10]}" if text else ""

    def address(self, text: str) -> str:
        """An address at a domain that does not exist (RFC 2606 §2)."""
        local, at, domain = text.rpartition("@")
        if not at:
            return self.domain(text)
        front = self.of("user", local.lower()) if local else ""
        return f"{front}@{self.domain(domain)}"

    def domain(self, text: str) -> str:
        """A domain or another name of a directory's object."""
        return f"{self.of('name', text.lower())}.invalid" if text else ""

    def path(self, path: tuple[str, ...]) -> tuple[str, ...]:
        """A path as deep as it was."""
        return tuple(one if one in _KEPT_SEGMENTS else self.of("folder", one) for one in path)

    def digest(self, text: str) -> str:
        """What looks like a digest."""
        encoded = base64.b64encode(self._hashed("digest", text)).decode().replace("/", ",")
        return encoded if text else ""

    def revision(self, text: str) -> str:
        """What looks like a revision: twelve hex digits."""
        return self._hashed("revision", text).hex()[:12] if text else ""

    def step(self, text: str) -> str:
        """A step that names an object, as the events that end it do."""
        match = _STEP.fullmatch(text)
        if match is None:
            return self.of("step", text)
        name, _, last = match[2].rpartition(" ")
        if not _REVISION.fullmatch(last):
            name, last = match[2], ""
        parts = [match[1], self.address(name), self.revision(last)]
        return " ".join(part for part in parts if part)

    def grant(self, text: str) -> str:
        """A grantee and its rights."""
        grantee, _, rights = text.rpartition(" ")
        kind, colon, name = grantee.partition(":")
        if grantee in {"anyone", "authenticated"}:
            return text
        return f"{kind}:{self.address(name)} {rights}" if colon else self.of("grant", text)

    def script(self, text: str) -> str:
        """A script that its user has named."""
        return text if text in _KEPT_SCRIPTS else self.of("script", text)

    def failure(self, text: str) -> str:
        """What failed: the name of a class, or a text."""
        return text if _CLASS.fullmatch(text) else self.of("reason", text)

    def name(self, text: str) -> str:
        """What a finding is about: an id, or a name."""
        return text if text.isdecimal() else self.address(text)

    def _hashed(self, kind: str, text: str) -> bytes:
        told = f"{kind}\0{text}".encode("utf-8", "surrogatepass")
        return hmac.new(self._key, told, hashlib.sha256).digest()


def _keep(_names: Pseudonyms, text: str) -> str:
    return text


def _rule(kind: str) -> Callable[[Pseudonyms, str], str]:
    return lambda names, text: names.of(kind, text)


#: What becomes of the texts in a field, by its name.
_RULES: dict[str, Callable[[Pseudonyms, str], str]] = {
    **dict.fromkeys(
        (
            *("restore", "server_id", "product", "destination_id", "version", "outcome"),
            *("occasion", "account", "item", "folder", "folders", "mountpoint", "failure"),
            *("kind", "what", "was", "mountpoints"),
        ),
        _keep,
    ),
    **dict.fromkeys(("accounts", "address", "domains", "notifications"), Pseudonyms.address),
    **dict.fromkeys(("owner", "recipients"), Pseudonyms.address),
    **dict.fromkeys(("before", "after", "revision", "state"), Pseudonyms.revision),
    **dict.fromkeys(("create", "use", "ended"), Pseudonyms.step),
    **dict.fromkeys(("script", "scripts"), Pseudonyms.script),
    "accepted": Pseudonyms.failure,
    **dict.fromkeys(("digest", "served_digest"), Pseudonyms.digest),
    "granted": Pseudonyms.grant,
    "items": _rule("message"),
    "gone": _rule("message"),
    "name": Pseudonyms.name,
}
_PATHS = frozenset({"path", "source", "target", "address"})
#: Events whose reason is one of a few words.
_REASONED = frozenset(
    {"FolderMapped", "MountpointMapped", "ItemSkipped", "ItemReopened", "AccountSkipped"}
)


def redact(event: Event, names: Pseudonyms) -> Event:
    """The event without personal data, of the same type; it ends the same step as the others
    that did."""
    kind = type(event).__name__
    values = {
        name: _redacted(kind, name, value, names)
        for name, value in msgspec.structs.asdict(event).items()
    }
    return type(event)(**values)


def _redacted(kind: str, field: str, value: Any, names: Pseudonyms) -> Any:
    """`field` of an event of the type `kind`, or of what is in one."""
    kept: Any = value
    match value:
        case Enum():
            pass
        case str() if field == "reason":
            kept = value if kind in _REASONED else names.of("reason", value)
        case str():
            kept = _RULES.get(field, _rule("text"))(names, value)
        case tuple() | list() if field in _PATHS:
            kept = names.path(tuple(value))
        case tuple() | list():
            kept = type(value)(_redacted(kind, field, one, names) for one in value)
        case dict():
            kept = {key: _redacted(kind, key, one, names) for key, one in value.items()}
        case msgspec.Struct():
            parts = msgspec.structs.asdict(value)
            kept = type(value)(
                **{key: _redacted(kind, key, one, names) for key, one in parts.items()}
            )
    return kept


def redact_journal(journal: Reader, to: Path, chains: Path, key: bytes) -> Head:
    """Write a redacted copy of `journal` to the new file `to`, and to the new file `chains`, for
    each event, the chain of the original beside that of the copy; answer the copy's head.

    Raises UsageError when one of them exists, JournalWriteFailed when it cannot be written.
    """
    from reinstate_journal.sqlite.redacted import write_redacted  # noqa: PLC0415 - imports stay cheap

    return write_redacted(journal, to, chains, Pseudonyms(key))
