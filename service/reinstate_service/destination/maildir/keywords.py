"""The keywords of a mailbox: letters a to z in file names, told by `dovecot-keywords`."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from reinstate_journal.crashpoints import At, reach
from reinstate_service.destination.maildir.disk import Disk
from reinstate_service.destination.maildir.dotlock import change_file, dotlock
from reinstate_service.destination.maildir.layout import FLAG_KEYWORDS, FLAG_LETTERS
from reinstate_service.destination.maildir.looking import read_file
from reinstate_service.destination.names import is_keyword
from reinstate_service.model import Flag

FILE = "dovecot-keywords"
#: Dovecot changes keywords, and numbers messages, only while it holds this file's lock.
UIDLIST = "dovecot-uidlist"
#: Maildir has no more letters.
MOST = 26


def parsed(content: bytes | None) -> dict[int, str]:
    """Keywords by their number; lines that say nothing are skipped."""
    found = {}
    for line in (content or b"").decode("utf-8", "replace").splitlines():
        number, _, keyword = line.partition(" ")
        if number.isdecimal() and int(number) < MOST and keyword:
            found[int(number)] = keyword
    return found


def with_more(content: bytes | None, wanted: Iterable[str]) -> bytes | None:
    """The file with those of `wanted` that it lacks and has room for; None if it stays."""
    known = parsed(content)
    taken = {keyword.lower() for keyword in known.values()}
    added = []
    number = max(known, default=-1) + 1
    for keyword in wanted:
        if keyword.lower() in taken or not is_keyword(keyword):
            continue
        if number >= MOST:
            break
        added.append(f"{number} {keyword}\n")
        taken.add(keyword.lower())
        number += 1
    if not added:
        return None
    before = content or b""
    if before and not before.endswith(b"\n"):
        before += b"\n"
    return before + "".join(added).encode()


class Keywords:
    """The letters of one mailbox."""

    def __init__(self) -> None:
        self._letters: dict[str, str] | None = None

    def add(self, disk: Disk, folder: int, wanted: Iterable[str]) -> None:
        """Gives letters to those of `wanted` that have none yet, as far as there are letters.

        `folder` is the mailbox's open directory.
        """
        if self._letters is None:
            self._learn(read_file(folder, FILE))
        lacking = [keyword for keyword in wanted if self.letter(keyword) is None]
        if lacking:
            with dotlock(disk, folder, UIDLIST):
                reach(At.KEYWORDS_LOCKED)
                change_file(
                    disk, folder, FILE, lambda content: with_more(content, lacking), later=True
                )
                reach(At.KEYWORDS_ADDED)
            self._learn(read_file(folder, FILE))

    def letter(self, keyword: str) -> str | None:
        """The keyword's letter; IMAP keywords do not tell upper from lower case."""
        return (self._letters or {}).get(keyword.lower())

    def _learn(self, content: bytes | None) -> None:
        self._letters = {
            keyword.lower(): chr(ord("a") + number) for number, keyword in parsed(content).items()
        }


@lru_cache(4096)
def all_keywords(flags: Flag, keywords: tuple[str, ...]) -> tuple[str, ...]:
    """The keywords that an item has on disk, those that stand for flags first, each once."""
    wanted = [keyword for keyword, flag in FLAG_KEYWORDS.items() if flag in flags]
    return tuple(dict.fromkeys([*wanted, *keywords]))


def flags_and_keywords(letters: str, names: dict[int, str]) -> tuple[Flag, tuple[str, ...]]:
    """What the letters of a file name mean in the mailbox whose keywords are `names`."""
    flags = Flag(0)
    keywords = []
    for letter in letters:
        keyword = names.get(ord(letter) - ord("a")) if "a" <= letter <= "z" else None
        if keyword in FLAG_KEYWORDS:
            flags |= FLAG_KEYWORDS[keyword]
        elif keyword is not None:
            keywords.append(keyword)
        else:
            flags |= FLAG_LETTERS.get(letter, Flag(0))
    return flags, tuple(sorted(keywords))
