"""The quotas of a server's accounts, read and set as its administrator (RFC 9208).

An account may not set its own; so this is for servers whose administrator logs in by SASL PLAIN
and whose name for an account's INBOX is known.
"""

from __future__ import annotations

from reinstate_service.destination.contract import Refused
from reinstate_service.destination.imap.accounts import Accounts
from reinstate_service.destination.imap.answers import Quota
from reinstate_service.destination.imap.connection import Client
from reinstate_service.destination.imap.errors import LoginRefused, ServerRefuses

#: In units of so many bytes are limits of STORAGE (RFC 9208 §5.1).
_UNIT = 1024


def own_limit(accounts: Accounts, address: str) -> int:
    """The bytes that the account may hold, if its administrator is logged in to lift that; 0 if
    there is no limit, or it has to stay."""
    home = accounts.home(address)
    if not home:
        return 0
    try:
        with accounts.session(accounts.imap.login.user) as session:
            found = session.ask(lambda client: _limiting(client, home))
    except (LoginRefused, ServerRefuses):  # whoever logs in is no administrator
        return 0
    return found.limits.get("STORAGE", 0) * _UNIT if found is not None else 0


def set_own_limit(accounts: Accounts, address: str, limit: int) -> None:
    """Sets it (0: none); what else the quota limits stays. Raises Refused if it cannot be set."""
    home = accounts.home(address)
    if not home:
        _require_none(limit)
        return

    def change(client: Client) -> None:
        found = _limiting(client, home)
        if found is None:
            _require_none(limit)
        else:
            limits = {name: most for name, most in found.limits.items() if name != "STORAGE"}
            if limit:
                limits["STORAGE"] = -(-limit // _UNIT)
            client.limit(found.root, limits)

    with accounts.session(accounts.imap.login.user) as session:
        session.ask(change)


def _require_none(limit: int) -> None:
    """Where nothing can be set, there is nothing to be lifted; but nothing comes back either."""
    if limit:
        raise Refused(detail=f"a quota of {limit} bytes cannot be set with this login")


def _limiting(client: Client, mailbox: str) -> Quota | None:
    """The one quota of a mailbox; None if it has none, or several."""
    found = client.quotas(mailbox)
    return found[0] if len(found) == 1 else None
