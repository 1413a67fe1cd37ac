"""What a server can do, and what a restore onto it will lack: asked, and nothing changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

from msgspec.structs import replace

from reinstate_journal.errors import DestinationError, UsageError
from reinstate_service.destination.contract import Refused
from reinstate_service.destination.imap.accounts import Accounts
from reinstate_service.destination.imap.configuration import Imap
from reinstate_service.destination.imap.connection import Client, Server
from reinstate_service.destination.imap.errors import LoginRefused, ServerRefuses
from reinstate_service.destination.imap.session import Session
from reinstate_service.destination.waiting import Waiting
from reinstate_service.model import Frozen

State = Literal["ok", "note", "problem"]

#: A capability, what it is for, and what is so without it.
_WANTED = (
    ("MULTIAPPEND", "batches", "each message is a command of its own, and flushed alone: slow"),
    ("LITERAL+", "literals", "the server is waited for before a message is sent: slow"),
    ("UIDPLUS", "fences", "where a mailbox ends is asked anew before each batch: slow"),
    (
        "MOVE",
        "relocation",
        "what filters have put in a mountpoint's place is copied, then expunged (UIDPLUS)",
    ),
    ("ACL", "grants", "grants and mountpoints are refused"),
    ("NAMESPACE", "namespace", "other users' folders are not found: see imap.shared"),
    ("SPECIAL-USE", "system folders", "Sent, Drafts, Trash, Junk and Archive go by these names"),
    ("QUOTA", "room", "plan cannot tell who has no room"),
)
#: The rights in an account's own folders without which a restore fails (RFC 4314 §2.1).
_NEEDED = "lrswikta"
#: What stands for k and t where there is only RFC 2086.
_OLD = {"k": "c", "t": "d"}


class Examined(Frozen, frozen=True):
    """One thing that was looked at."""

    what: str
    state: State
    text: str


def examine(server: Server, imap: Imap) -> Iterator[Examined]:
    """Connects, logs in as the accounts that the configuration names, and asks. A server that is
    busy is not waited for."""
    accounts = Accounts(server, replace(imap, patience=0), Waiting())
    try:
        client = accounts.connect()
    except (DestinationError, UsageError) as error:
        yield Examined("server", "problem", str(error))
        return
    yield Examined("server", "ok", f"{server.url}: {client.greeting()}")
    yield _tls(client)
    client.shutdown()
    logins = [_login(accounts, address) for address in imap.domains.values()]
    yield from logins
    if any(one.state == "problem" for one in logins):
        return
    (address, *_) = imap.domains.values()
    try:
        with accounts.session(address) as session:
            yield from _abilities(session)
            yield from _rights(session, address)
            yield from _limits(session)
        yield _quotas(accounts, address)
        yield from _names(accounts)
        yield from _filters(accounts, address)
    except (DestinationError, Refused) as error:
        yield Examined("server", "problem", str(error))


def _tls(client: Client) -> Examined:
    version = client.tls_version()
    if version is None:
        return Examined("tls", "note", 'none: everything is said in the clear (imap.tls = "none")')
    return Examined("tls", "ok", f"{version}, with a certificate that is trusted")


def _login(accounts: Accounts, address: str) -> Examined:
    try:
        accounts.enter(address)
    except (LoginRefused, DestinationError, UsageError) as error:
        return Examined("login", "problem", str(error))
    return Examined("login", "ok", f"{address}, by {accounts.imap.login.method}")


def _abilities(session: Session) -> Iterator[Examined]:
    for name, what, otherwise in _WANTED:
        if session.ask(_having(name)):
            yield Examined(what, "ok", name)
        else:
            yield Examined(what, "note", f"no {name}: {otherwise}")


def _having(capability: str) -> Callable[[Client], bool]:
    return lambda client: client.has_capability(capability)


def _rights(session: Session, address: str) -> Iterator[Examined]:
    """Whether who logs in may do what the account's owner may."""
    if not session.ask(_having("ACL")):
        return
    try:
        rights = session.ask(lambda client: client.rights("INBOX"))
    except ServerRefuses:  # Dovecot's way to say that there are none
        rights = ""
    lacking = "".join(
        one for one in _NEEDED if one not in rights and _OLD.get(one, one) not in rights
    )
    if lacking:
        yield Examined(
            "rights",
            "problem",
            f"only {rights or 'none'} in the INBOX of {address}, without {lacking}: folders cannot"
            " be made or granted (Dovecot: plugin { acl_user = %u } for master users)",
        )
    else:
        yield Examined("rights", "ok", f"{rights} in the INBOX of {address}")


def _limits(session: Session) -> Iterator[Examined]:
    most = session.ask(lambda client: client.append_limit())
    if most is not None:
        yield Examined("message size", "ok", f"up to {most:,} bytes (APPENDLIMIT)")


def _quotas(accounts: Accounts, address: str) -> Examined:
    if accounts.home(address):
        return Examined("quotas", "ok", "an administrator's: lifted for the restore and put back")
    return Examined("quotas", "note", "left alone: plan tells who has no room")


def _names(accounts: Accounts) -> Iterator[Examined]:
    names, namespace = accounts.names, accounts.namespace
    below = f", everything below {names.prefix}" if names.prefix else ""
    yield Examined("names", "ok", f"{names.separator} between folders{below}")
    if namespace.forbidden:
        shown = " ".join(namespace.forbidden)
        yield Examined("names", "note", f"no name holds one of {shown} - they are replaced")
    shared = names.separator.join(namespace.shared_prefix)
    yield Examined("others' folders", "ok", f"shown at {shared}")


def _filters(accounts: Accounts, address: str) -> Iterator[Examined]:
    try:
        with accounts.sieve(address) as sieve:
            extensions = " ".join(sorted(sieve.extensions))
    except (DestinationError, Refused) as error:
        yield Examined("filters", "note", f"filters are not restored: {error}; see imap.sieve")
        return
    yield Examined("filters", "ok", f"ManageSieve, with {extensions}")
