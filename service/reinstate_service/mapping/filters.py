"""Filters that follow their folders: container-restore rule 9, as pure functions.

A path in a script is compared segment by segment: in Unicode NFC, with INBOX whatever
its case, without trailing blanks, doubled, leading or trailing separators, and
without regard to case where the destination has none. Only a string that names a
redirected path or something below it is written anew; leading slashes and what stands
below the redirected path stay as they were.

A path that was redirected is never redirected again: a redirect whose new path is, to
another redirect, an old one is reported and not applied. This is what makes
redirecting twice the same as once.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from reinstate_service.mapping.namespace import Namespace
from reinstate_service.mapping.paths import comparable, normalise
from reinstate_service.mapping.sieve.folders import folder_arguments
from reinstate_service.mapping.sieve.lexer import Kind, Token, quoted, tokens, value
from reinstate_service.mapping.sieve.parser import Call, Fault, parse
from reinstate_service.model import Path

#: Zimbra's and Carbonio's own separator, in every script that they write.
SLASH = "/"

_BLANK = " \t"
#: Zimbra and Carbonio read variables in every script; these words of theirs show one.
_WITH_VARIABLES = frozenset({"variables", "set", "disabled_if", "tag", "flag", "log", "reply"})
_VARIABLE = re.compile(r"\$\{[^{}]*\}")
_ENCODED = re.compile(r"\$\{(?:hex|unicode):[^{}]*\}", re.IGNORECASE)


class Change(NamedTuple):
    """A string that named `old` and now names `new`; `line` counts from 1."""

    line: int
    old: str
    new: str


class Left(NamedTuple):
    """What may have to change and was left as it is, for a person to look at."""

    line: int
    text: str
    reason: str


class Redirected(NamedTuple):
    """A script with its redirects applied, and what became of each of its folders."""

    text: str
    changed: tuple[Change, ...] = ()
    left: tuple[Left, ...] = ()


class FolderTarget(NamedTuple):
    """Where a `fileinto` files; `path` is None if only a delivery can tell.

    `active` is false inside a rule that Zimbra has switched off (`disabled_if`); `creates` says
    that the folder is made where it is missing (`:create`, RFC 5490 §3.2).
    """

    line: int
    path: Path | None
    active: bool
    creates: bool = False


def redirect_filters(
    script: str, redirects: Mapping[Path, Path], namespace: Namespace
) -> Redirected:
    """The script, writing to the new paths of `redirects` where it wrote to the old ones.

    The longest redirect that covers a path decides. Paths in the script may be
    separated by a slash or by the namespace's separator, and are written with the one
    that they were written with (the namespace's, if that does not show). Never raises:
    what cannot be decided or written is left byte for byte, and reported.
    """
    table = _Redirects(redirects, namespace)
    if not table:
        return Redirected(script)
    lexed = tokens(script)
    calls = parse(lexed)
    if isinstance(calls, Fault):
        return Redirected(script, left=(Left(calls.line, calls.text, calls.reason),))
    dialect = _Dialect.of(calls, lexed)
    texts = [token.text for token in lexed]
    changed, left = [], []
    for argument in folder_arguments(calls):
        token = lexed[argument.token]
        old = value(token)
        reason, new = _decide(token, old, table, dialect)
        if reason:
            left.append(Left(token.line, old, reason))
        elif new is not None:
            texts[argument.token] = quoted(new)
            changed.append(Change(token.line, old, new))
    return Redirected("".join(texts), tuple(changed), tuple(left))


def folder_targets(script: str, separator: str = SLASH) -> list[FolderTarget]:
    """Every `fileinto` of the script in its order, with the normalised path that it files to.

    A script that does not parse is not run by any server and has none.
    """
    lexed = tokens(script)
    calls = parse(lexed)
    if isinstance(calls, Fault):
        return []
    dialect = _Dialect.of(calls, lexed)
    found = []
    for argument in folder_arguments(call for call in calls if call.name == "fileinto"):
        token = lexed[argument.token]
        text = value(token).rstrip("\r\n")
        path = normalise(_segments(_spans(text, separator)))
        creates = any(one.tag == ":create" for one in argument.call.arguments)
        if dialect.undecided(text):
            found.append(FolderTarget(token.line, None, argument.call.active, creates))
        elif path:
            found.append(FolderTarget(token.line, path, argument.call.active, creates))
    return found


def _decide(token: Token, old: str, table: _Redirects, dialect: _Dialect) -> tuple[str, str | None]:
    """Why the string is left, or what it becomes; neither, if no redirect covers it."""
    if reason := dialect.undecided(old):
        return reason, None
    if token.kind is Kind.TEXT:
        covered = table.find(old.rstrip("\r\n"))
        return "its folder is named by a multi-line text" if covered else "", None
    found = table.find(old)
    if found is None:
        return "", None
    new = table.written(old, found)
    if new is None or dialect.undecided(new):
        return f"a script cannot name {SLASH.join(found.path)}", None
    if table.find(new) is not None:
        return f"the new path {new} is itself redirected", None
    return "", new


class _Dialect(NamedTuple):
    """What the script's server reads into strings (RFC 5229 §3, RFC 5228 §2.4.2.4)."""

    variables: bool
    encoded: bool

    @classmethod
    def of(cls, calls: Sequence[Call], lexed: Sequence[Token]) -> _Dialect:
        """As the script declares it (`require`, or `ihave` of RFC 5463); Zimbra and Carbonio
        have variables in every script, and are known by their words."""
        extensions = {
            value(lexed[token]).lower()
            for call in calls
            if call.name in {"require", "ihave"}
            for argument in call.arguments
            for token in argument.strings
        }
        words = extensions | {call.name for call in calls}
        return cls(bool(words & _WITH_VARIABLES), "encoded-character" in extensions)

    def undecided(self, text: str) -> str:
        """Why the text does not name a folder by itself, or nothing."""
        if self.encoded and _ENCODED.search(text):
            return "its folder is written in encoded characters"
        if self.variables and _VARIABLE.search(text):
            return "its folder depends on variables"
        return ""


class _Found(NamedTuple):
    """The redirect that covers a text: up to `end` the text is the old path, `path` is the
    new one; `separator` is the one the text was read with."""

    path: Path
    end: int
    separator: str


class _Redirects:
    """The redirects by the form that paths are compared in."""

    def __init__(self, redirects: Mapping[Path, Path], namespace: Namespace) -> None:
        self._namespace = namespace
        self._separators = tuple(dict.fromkeys((SLASH, namespace.separator or SLASH)))
        self._new: dict[Path, Path] = {}
        for old, new in sorted(redirects.items()):
            self._new.setdefault(self._key(_stripped(old)), new)
        self._new.pop((), None)
        self._longest = max(map(len, self._new), default=0)

    def __bool__(self) -> bool:
        return bool(self._new)

    def find(self, text: str) -> _Found | None:
        """The longest redirect that covers `text`, unless it leads to where it comes from."""
        for separator in self._separators:
            # Only the first segments can matter; a text may have millions.
            spans = _spans(text, separator)[: self._longest]
            key = self._key(_segments(spans))
            for length in range(len(key), 0, -1):
                new = self._new.get(key[:length])
                if new is not None:
                    stays = self._key(_stripped(new)) == key[:length]
                    return None if stays else _Found(new, spans[length - 1].end(), separator)
        return None

    def written(self, old: str, found: _Found) -> str | None:
        """The text for the new path, or None if it would not be read as that path again."""
        shown = found.separator in old
        separator = found.separator if shown else self._separators[-1]
        before = len(old) - len(old.lstrip(separator))
        text = old[:before] + separator.join(found.path) + old[found.end :]
        if any(
            unicodedata.category(character) in {"Cc", "Cs"} for character in "".join(found.path)
        ):
            return None
        read = tuple(match[0] for match in _spans(text, separator))
        below = tuple(match[0] for match in _spans(old[found.end :], separator))
        return text if found.path and read == (*found.path, *below) else None

    def _key(self, path: Path) -> Path:
        return comparable(path, self._namespace)


def _spans(text: str, separator: str) -> list[re.Match[str]]:
    """The segments of `text` as they stand there, without blank ones."""
    segments = re.finditer(rf"[^{re.escape(separator)}]+", text)
    return [segment for segment in segments if segment[0].strip(_BLANK)]


def _segments(spans: Iterable[re.Match[str]]) -> Path:
    return _stripped(tuple(segment[0] for segment in spans))


def _stripped(path: Path) -> Path:
    return tuple(kept for segment in path if (kept := segment.rstrip(_BLANK)))
