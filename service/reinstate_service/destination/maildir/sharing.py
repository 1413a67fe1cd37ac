"""Grants: `dovecot-acl` in the folder, and the dictionary of who is to be shown whose folders."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from reinstate_journal.crashpoints import At, reach
from reinstate_service.destination.contract import AccessGrant, Refused
from reinstate_service.destination.maildir.disk import Disk, unlink_if_there
from reinstate_service.destination.maildir.dotlock import change_file, remove_leftovers
from reinstate_service.destination.maildir.layout import Kind
from reinstate_service.destination.maildir.looking import descended, opened
from reinstate_service.destination.names import canonical, checked_domain

ACL = "dovecot-acl"
#: The same of a folder without mail, where Radicale would take any other name for an item.
HIDDEN_ACL = ".dovecot-acl"
ACL_DIRECTORY = "acl"
DICTIONARY = "shared-mailboxes.db"
_RIGHTS = "lrwstipekxa"
_dictionary_lock = threading.Lock()


def grant(
    disk: Disk,
    root: int,
    folder: tuple[int, tuple[str, ...]],
    owner: str,
    grants: Sequence[AccessGrant],
) -> None:
    """Adds `grants` to a folder of `owner`: its home's open directory, and the way from there.
    Those on a folder without mail are kept with it, where nobody acts on them.

    Dovecot finds a grant for LIST only if its own list of the owner's granted folders
    is made anew, so that list, which it can always derive again, is dropped.
    """
    rights = {_identifier(given.grantee): _checked(given.rights) for given in grants}
    if not rights:
        return
    home, directories = folder
    name = acl_file(directories)
    with descended(home, *directories) as inside:
        change_file(disk, inside, name, lambda content: merged(content, rights))
    reach(At.ACL_WRITTEN)
    if name == HIDDEN_ACL:
        return
    with descended(home, "Maildir") as maildir:
        unlink_if_there(maildir, "dovecot-acl-list")
        disk.flush(maildir)
    reach(At.ACL_LIST_DROPPED)
    keys = [_dictionary_key(identifier, owner) for identifier in rights]
    with _dictionary_lock, opened(ACL_DIRECTORY, root) as acl:
        remove_leftovers(acl)
        change_file(disk, acl, DICTIONARY, lambda content: with_keys(content, keys))


def acl_file(directories: tuple[str, ...]) -> str:
    """The file of a folder's grants; `directories` lead to the folder from its home."""
    return ACL if directories[0] == Kind.MAIL.within else HIDDEN_ACL


def merged(content: bytes | None, rights: dict[str, str]) -> bytes | None:
    """`dovecot-acl` with the rights of these identifiers set and all other lines kept;
    None if it says so already."""
    before = (content or b"").decode("utf-8", "surrogateescape")
    lines, left = [], dict(rights)
    for line in before.splitlines():
        identifier = line.split(" ", 1)[0]
        if identifier not in rights:
            lines.append(line)
        elif identifier in left:
            lines.append(f"{identifier} {left.pop(identifier)}")
    lines += [f"{identifier} {letters}" for identifier, letters in left.items()]
    after = "".join(f"{line}\n" for line in lines)
    return None if after == before else after.encode("utf-8", "surrogateescape")


def identifiers(content: bytes | None) -> set[str]:
    """Whom the lines of `dovecot-acl` are for: `user=<address>`, `group=<name>`, `anyone`, ..."""
    lines = (content or b"").decode("utf-8", "surrogateescape").splitlines()
    return {line.split(" ", 1)[0] for line in lines if line}


def granted(content: bytes | None) -> list[AccessGrant]:
    """The grants that the lines of `dovecot-acl` are; not what they say of the owner, nor what
    they take away."""
    found = []
    for line in (content or b"").decode("utf-8", "surrogateescape").splitlines():
        identifier, _, rights = line.partition(" ")
        kind, equals, name = identifier.partition("=")
        if identifier in {"authenticated", "anyone"} or (equals and kind in {"user", "group"}):
            grantee = f"{kind}:{name}" if equals else identifier
            letters = rights.split(" ", 1)[0].partition(":")[0]
            found.append(AccessGrant(grantee, _in_order(letters)))
    return found


def with_keys(content: bytes | None, keys: Sequence[str]) -> bytes | None:
    """Dovecot's flat dictionary (a line for the key, a line for its value) with `keys` set;
    None if it has them."""
    lines = (content or b"").decode("utf-8", "surrogateescape").splitlines()
    known = set(lines[::2])
    new = [key for key in dict.fromkeys(keys) if key not in known]
    if not new:
        return None
    for key in new:
        lines += [key, "1"]
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")


def make_dictionary(disk: Disk, root: int) -> None:
    """Makes the folder of the dictionary."""
    if disk.make_directory(root, ACL_DIRECTORY):
        reach(At.DICTIONARY_FOLDER_MADE)
        disk.flush(root)


def _identifier(grantee: str) -> str:
    """A grantee of the contract as `dovecot-acl` writes it. Raises Refused."""
    if grantee in {"authenticated", "anyone"}:
        return grantee
    kind, _, name = grantee.partition(":")
    if kind == "user":
        return f"user={canonical(name)}"
    if kind == "group" and name.startswith("@"):
        return f"group=@{checked_domain(name[1:])}"
    if kind == "group":
        return f"group={canonical(name)}"
    raise Refused(detail=f"{grantee!r} is nobody a folder can be shared with")


def _checked(rights: str) -> str:
    if set(rights) - set(_RIGHTS):
        raise Refused(detail=f"{rights!r} are not rights of RFC 4314")
    return _in_order(rights)


def _in_order(rights: str) -> str:
    return "".join(letter for letter in _RIGHTS if letter in rights)


def _dictionary_key(identifier: str, owner: str) -> str:
    """Whoever may be anyone stands under `anyone`, be it logged in or not."""
    kind, _, name = identifier.partition("=")
    where = f"{kind}/{name}" if name else "anyone"
    return f"shared/shared-boxes/{where}/{owner}"
