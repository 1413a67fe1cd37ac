"""How a mailbox stands: STATUS (RFC 3501 §6.3.10), and whether it is there at all."""

from __future__ import annotations

from reinstate_service.destination.imap.connection import Client
from reinstate_service.destination.imap.errors import ServerRefuses
from reinstate_service.destination.imap.session import Session


def status(session: Session, name: str, *what: str) -> tuple[int, ...] | None:
    """The numbers asked for; None if LIST does not know the mailbox: STATUS is refused for many
    reasons. Raises ServerRefuses for the others."""

    def names(client: Client) -> set[str]:
        return {listed.name for listed in client.listed()}

    try:
        return session.ask(lambda client: client.standing(name, *what))
    except ServerRefuses:
        if name in session.ask(names):
            raise
        return None
