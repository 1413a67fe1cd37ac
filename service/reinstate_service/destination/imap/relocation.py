"""Messages that move into another account's folder, which this one reaches: UID MOVE (RFC 6851).

A message is named by what stays with it when it moves: its size and its date, besides its
UIDVALIDITY and UID. So a move that was cut off is told from a message that its user has
moved: the one lies in the target, with that size and date.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from reinstate_service.destination.contract import Refused
from reinstate_service.destination.imap.connection import Client
from reinstate_service.destination.imap.session import Session
from reinstate_service.destination.imap.status import status
from reinstate_service.model import Frozen

_FETCHED = 500
Flags = tuple[bytes, ...]


class MessageName(Frozen, frozen=True, order=True):
    """A message in a mailbox: `date` is its INTERNALDATE in seconds since 1970-01-01 UTC."""

    uidvalidity: int
    uid: int
    size: int
    date: int

    def __str__(self) -> str:
        return f"{self.uidvalidity:010}.{self.uid:010}.{self.size}.{self.date}"

    @property
    def kept(self) -> tuple[int, int]:
        """What stays when it moves."""
        return self.size, self.date


def parsed(name: str) -> MessageName | None:
    """The message of a name, or None if it is none."""
    try:
        return MessageName(*map(int, name.split(".")))
    except (ValueError, TypeError):
        return None


def names_in(session: Session, mailbox: str, uidvalidity: int) -> list[MessageName]:
    """The messages of a mailbox, by UID."""

    def fetch(client: Client) -> list[MessageName]:
        found = []
        uids = sorted(client.search("ALL"))
        for start in range(0, len(uids), _FETCHED):
            told = client.fetched(uids[start : start + _FETCHED], "RFC822.SIZE", "INTERNALDATE")
            for uid, one in sorted(told.items()):
                seconds = round(one["date"].timestamp())
                found.append(MessageName(uidvalidity, uid, one["size"], seconds))
        return found

    session.leave()
    return session.within(mailbox, fetch)


def move(
    session: Session, source: str, target: str, wanted: Sequence[MessageName | None]
) -> tuple[list[bool], Mapping[int, Flags]]:
    """Moves the messages that are in `source` still. Answers of each whether it lies in `target`
    now, by this move or an earlier one; and the flags that those moved had, by their new UIDs,
    where the server tells these. Raises Refused, ConnectionLost."""
    if not session.ask(lambda client: client.has_capability("MOVE")):
        raise Refused(detail=f"the server has no MOVE: the messages stay in {source}")
    named = [one for one in wanted if one is not None]
    here: set[MessageName] = set()
    if (standing := status(session, source, "UIDVALIDITY")) is not None:
        here = set(names_in(session, source, standing[0]))
    # What is not here any more may have moved before the last run died.
    gone = [one for one in named if one not in here]
    lying = Counter(one.kept for one in names_in(session, target, 0)) if gone else Counter()
    moving = [one.uid for one in named if one in here]
    flags = _moved(session, source, target, moving) if moving else {}
    answers = []
    for one in wanted:
        there = one is not None and (one in here or lying[one.kept] > 0)
        if one is not None and one not in here:
            lying[one.kept] -= 1
        answers.append(there)
    return answers, flags


def _moved(session: Session, source: str, target: str, uids: Sequence[int]) -> dict[int, Flags]:
    def change(client: Client) -> dict[int, Flags]:
        before = {uid: one["flags"] for uid, one in client.fetched(uids, "FLAGS").items()}
        client.move(uids, target)
        new = client.copied()
        return {new[uid]: flags for uid, flags in before.items() if uid in new}

    session.leave()
    return session.changing(source, change)


def give_flags(session: Session, mailbox: str, wanted: Mapping[int, Flags]) -> None:
    """Gives messages the flags that a server has not moved with them: Dovecot leaves the owner's
    \\Seen to the owner, in whose session this is."""

    def change(client: Client) -> None:
        found = client.fetched(wanted, "FLAGS")
        lacking: dict[Flags, list[int]] = defaultdict(list)
        for uid, one in found.items():
            missing = {*wanted[uid]} - {*one["flags"], b"\\Recent"}
            lacking[tuple(sorted(missing))].append(uid)
        for flags, uids in lacking.items():
            if flags:
                client.add_flags(uids, flags, silent=True)

    if wanted:
        session.changing(mailbox, change)
