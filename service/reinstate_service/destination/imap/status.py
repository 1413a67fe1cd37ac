"""How a mailbox stands: STATUS (RFC 3501 §6.3.10), and whether it is there at all."""

from __future__ import annotations

from reinstate_service.destination.imap.connection import Client
from reinstate_service.destination.imap.errors import ServerRefuses
from reinstate_service.destination.imap.session import Session


def status(session: Session, name: str, *what: str) -> tuple[int, ...] | None:
    """The numbers asked for; None if LIST does not know the mailbox: STATUS is refused for many
    reasons. Raises ServerRefuses for the others."""

    def ask(client: Client) -> tuple[int, ...]:
        found = client.folder_status(name, what)
        return tuple(found[one.encode()] for one in what)

    def names(client: Client) -> set[str]:
        return {str(listed) for _, _, listed in client.list_folders()}

    try:
        return session.ask(ask)
    except ServerRefuses:
        if name in session.ask(names):
            raise
        return None
