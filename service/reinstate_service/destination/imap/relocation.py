"""Messages that move into another account's folder, which this one reaches: UID MOVE (RFC 6851), or
UID COPY and UID EXPUNGE (RFC 4315).

A message is named by what stays with it when it moves: its size and its header, besides its
UIDVALIDITY and UID. So what an earlier, cut off relocation has moved or copied is told from
everything else: it stands in the target, above the fence that was recorded before, with that
size and header.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from reinstate_journal.crashpoints import At, reach
from reinstate_service.destination.contract import Refused
from reinstate_service.destination.fence import Fence
from reinstate_service.destination.imap.connection import Client
from reinstate_service.destination.imap.session import Session
from reinstate_service.destination.imap.status import status
from reinstate_service.model import Frozen

_FETCHED, _HEADERS_FETCHED = 500, 100
Flags = tuple[bytes, ...]


class MessageName(Frozen, frozen=True, order=True):
    """A message in a mailbox: `date` is its INTERNALDATE in seconds since 1970-01-01 UTC, `header`
    a hash of its header lines, empty where nothing is about to move."""

    uidvalidity: int
    uid: int
    size: int
    date: int
    header: str = ""

    def __str__(self) -> str:
        told = f"{self.uidvalidity:010}.{self.uid:010}.{self.size}.{self.date}"
        return f"{told}.{self.header}" if self.header else told

    @property
    def kept(self) -> tuple[int, str]:
        """What stays when it moves."""
        return self.size, self.header


def parsed(name: str) -> MessageName | None:
    """The message of a name, or None if it is none."""
    try:
        uidvalidity, uid, size, date, header = name.split(".")
        return MessageName(int(uidvalidity), int(uid), int(size), int(date), header)
    except ValueError:
        return None


def names_in(session: Session, mailbox: str, uidvalidity: int) -> list[MessageName]:
    """The messages of a mailbox, by UID."""
    return _named(session, mailbox, uidvalidity, 1)


def headed_names_in(
    session: Session, mailbox: str, uidvalidity: int, lowest: int = 1
) -> list[MessageName]:
    """The messages of a mailbox from UID `lowest` on, by UID, with their headers."""
    return _named(session, mailbox, uidvalidity, lowest, "BODY.PEEK[HEADER]")


def _named(
    session: Session, mailbox: str, uidvalidity: int, lowest: int, *more: str
) -> list[MessageName]:
    most = _HEADERS_FETCHED if more else _FETCHED

    def fetch(client: Client) -> list[MessageName]:
        found = []
        # n:* names the last message even if it is below n (RFC 3501 §6.4.8).
        uids = sorted(uid for uid in client.search(["UID", f"{lowest}:*"]) if uid >= lowest)
        for start in range(0, len(uids), most):
            told = client.fetched(uids[start : start + most], "RFC822.SIZE", "INTERNALDATE", *more)
            for uid, one in sorted(told.items()):
                seconds = round(one["date"].timestamp())
                header = hashlib.sha256(one["body"]).hexdigest()[:24] if more else ""
                found.append(MessageName(uidvalidity, uid, one["size"], seconds, header))
        return found

    session.leave()
    return session.within(mailbox, fetch)


def relocate(
    session: Session,
    source: str,
    target: str,
    wanted: Sequence[MessageName | None],
    above: Fence | None,
) -> tuple[list[bool], Mapping[int, Flags]]:
    """Moves the messages that are in `source` still. Answers of each whether it lies in `target`
    now, by this relocation or an earlier one, which stands above the fence; and the flags that
    those moved had, by their new UIDs, where the server tells these. Without a fence, what is in
    `source` is taken for not copied yet. Raises Refused, ConnectionLost."""
    moves = session.ask(lambda client: client.has_capability("MOVE"))
    if not moves and not session.ask(lambda client: client.has_capability("UIDPLUS")):
        detail = f"the server has neither MOVE nor UIDPLUS: the messages stay in {source}"
        raise Refused(detail=detail)
    here: set[MessageName] = set()
    if (standing := status(session, source, "UIDVALIDITY")) is not None:
        here = set(headed_names_in(session, source, standing[0]))
    named = [one for one in wanted if one is not None]
    # What was moved is gone from here; what was copied, which needs a fence, may be here still.
    sought = [one for one in named if one not in here or (above is not None and not moves)]
    lying: dict[tuple[int, str], list[int]] = defaultdict(list)
    for arrived in _arrived(session, target, above) if sought else ():
        lying[arrived.kept].append(arrived.uid)
    earlier = {one: lying[one.kept].pop() for one in sought if lying[one.kept]}
    moving = [one.uid for one in named if one in here]
    flags: Mapping[int, Flags] = {}
    if moving and moves:
        flags = _moved(session, source, target, moving)
    elif moving:
        copies = {one.uid: earlier[one] for one in earlier if one in here}
        flags = _copied(session, source, target, moving, copies)
    return [one is not None and (one in here or one in earlier) for one in wanted], flags


def _arrived(session: Session, target: str, above: Fence | None) -> list[MessageName]:
    """What stands above the fence in the target; everything if there is none, or it does not hold
    any more."""
    standing = status(session, target, "UIDVALIDITY")
    holds = above is not None and standing is not None and standing[0] == above.uidvalidity
    return headed_names_in(session, target, 0, above.uidnext if above and holds else 1)


def _moved(session: Session, source: str, target: str, uids: Sequence[int]) -> Mapping[int, Flags]:
    def change(client: Client) -> dict[int, Flags]:
        before = _flags(client, uids)
        client.move(uids, target)
        new = client.copied()
        return {new[uid]: flags for uid, flags in before.items() if uid in new}

    session.leave()
    return session.changing(source, change)


def _copied(
    session: Session, source: str, target: str, uids: Sequence[int], copies: Mapping[int, int]
) -> Mapping[int, Flags]:
    """Copies what has no copy yet, then expunges these UIDs and nothing else that is deleted (RFC
    4315 §2.1)."""

    def change(client: Client) -> dict[int, Flags]:
        before = _flags(client, uids)
        new = dict(copies)
        if missing := [uid for uid in uids if uid not in copies]:
            client.copy(missing, target)
            new |= client.copied()
            reach(At.RELOCATION_COPIED)
        client.add_flags(uids, [b"\\Deleted"], silent=True)
        client.uid_expunge(uids)
        # Whoever died before this may have set \\Deleted here, behind the copy.
        return {
            new[uid]: tuple(one for one in flags if uid not in copies or one != b"\\Deleted")
            for uid, flags in before.items()
            if uid in new
        }

    session.leave()
    return session.changing(source, change)


def _flags(client: Client, uids: Iterable[int]) -> dict[int, Flags]:
    return {uid: one["flags"] for uid, one in client.fetched(uids, "FLAGS").items()}


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
