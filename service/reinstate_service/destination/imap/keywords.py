"""What a mailbox can hold of flags and keywords: what it says (PERMANENTFLAGS, RFC 3501 §7.1), and
what it refuses all the same. A message is stored without those that do not fit."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

from reinstate_service.destination.contract import Delivery
from reinstate_service.destination.imap.append import FLAG_KEYWORDS, SYSTEM_FLAGS
from reinstate_service.destination.imap.connection import Client
from reinstate_service.destination.imap.errors import ServerRefuses, code_in
from reinstate_service.destination.imap.names import MailboxNames
from reinstate_service.destination.imap.session import Session
from reinstate_service.destination.names import is_keyword
from reinstate_service.model import Flag, Path

_FLAGS = {**{word.decode(): flag for flag, word in SYSTEM_FLAGS.items()}, **FLAG_KEYWORDS}
#: Stands among the permanent flags if keywords can be new ones.
_ANY = "\\*"
#: Dovecot: "Keyword length too long"; Cyrus: "Too many user flags in mailbox".
_OF_KEYWORDS = re.compile("keyword|flag", re.IGNORECASE)
#: Refusals that have nothing to do with them (RFC 5530 §3, RFC 7889 §4).
_OF_OTHERS = frozenset({"TOOBIG", "TRYCREATE", "NOPERM", "NONEXISTENT"})


class Fitting(NamedTuple):
    """The flags and keywords that a message is stored with, and those that it is stored without."""

    flags: Flag
    keywords: tuple[str, ...]
    left_out: tuple[str, ...] = ()


class Keywords:
    """What is known of one account's mailboxes; before they are asked, the session has to
    `catch_up` with what is under way."""

    def __init__(self, session: Session, names: MailboxNames, catch_up: Callable[[], None]) -> None:
        self._session = session
        self._catch_up = catch_up
        self._names = names
        self._permanent: dict[Path, frozenset[str] | None] = {}
        self._refused: dict[Path, set[str]] = defaultdict(set)

    def ask(self, deliveries: Sequence[Delivery]) -> None:
        """Asks what the mailboxes keep to which flags or keywords go; each once."""
        for one in deliveries:
            if one.path not in self._permanent and (one.item.flags or one.keywords):
                self._permanent[one.path] = self._ask(one.path)

    def fitting(self, path: Path, flags: Flag, keywords: Sequence[str]) -> Fitting:
        """What the mailbox takes of them, as far as it is known."""
        words = (*_words(flags), *keywords)
        if not words:
            return Fitting(flags, ())
        return _without(flags, keywords, [word for word in words if not self._fits(path, word)])

    def fewer(self, path: Path, flags: Flag, keywords: Sequence[str], text: str) -> Fitting | None:
        """What to try of the flags and keywords of a message that the server has refused with
        `text`: if it tells that it is about keywords, without the longest of those that the
        mailbox has not yet, otherwise without any. None if they are not to blame."""
        words = [*(word for word in _words(flags) if word in FLAG_KEYWORDS), *keywords]
        if not words or code_in(text) in _OF_OTHERS:
            return None
        if not _OF_KEYWORDS.search(text):
            return _without(flags, keywords, words)
        known = self._ask(path) or frozenset()
        last = max(words, key=lambda word: (word.lower() not in known, len(word)))
        return _without(flags, keywords, [last])

    def refused(self, path: Path, left_out: Sequence[str]) -> None:
        """Takes in that the mailbox has stored a message without these, and not with them."""
        self._refused[path].update(map(str.lower, left_out))

    def _fits(self, path: Path, word: str) -> bool:
        known, permanent = word.lower(), self._permanent.get(path)
        if known in self._refused[path] or not (word in _FLAGS or is_keyword(word)):
            return False
        if permanent is None or known in permanent:
            return True
        return _ANY in permanent and not word.startswith("\\")

    def _ask(self, path: Path) -> frozenset[str] | None:
        """What the mailbox keeps; None if it does not tell."""

        def permanent(client: Client) -> frozenset[str] | None:
            return client.permanent_flags(self._names.name(path))

        self._catch_up()
        try:
            return self._session.ask(permanent)
        except ServerRefuses:  # it is not there yet, or cannot be opened
            return None


@cache  # most messages have one of a few sets of flags
def _words(flags: Flag) -> tuple[str, ...]:
    return tuple(word for word, flag in _FLAGS.items() if flag in flags)


def _without(flags: Flag, keywords: Sequence[str], words: Sequence[str]) -> Fitting:
    for word in words:
        flags &= ~_FLAGS.get(word, Flag(0))
    kept = dict.fromkeys(word for word in keywords if word not in words)
    return Fitting(flags, tuple(kept), tuple(dict.fromkeys(words)))
