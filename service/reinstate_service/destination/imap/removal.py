"""An empty folder that goes, while mail may still arrive in it.

DELETE takes a mailbox with all that is in it (RFC 3501 §6.3.4). So the folder is renamed first,
to where nobody delivers, and looked at once more: what has arrived is moved back.
"""

from __future__ import annotations

from reinstate_service.destination.imap.connection import Client
from reinstate_service.destination.imap.session import Session
from reinstate_service.destination.imap.status import status

#: What is added to the name of a folder that goes.
ASIDE = "~reinstate-removes"


def messages_in(session: Session, mailbox: str) -> int | None:
    """How many messages there are; None if there is no such mailbox."""
    found = status(session, mailbox, "MESSAGES")
    return None if found is None else found[0]


def remove(session: Session, mailbox: str) -> bool:
    """Removes a mailbox that has nothing below it; answers whether it is gone. Ends a removal that
    was cut off. Raises ServerRefuses."""
    session.leave()
    aside = mailbox + ASIDE
    if messages_in(session, aside) is None:
        count = messages_in(session, mailbox)
        if count is None:
            _unsubscribe(session, mailbox)
            return True
        if count:
            return False
        session.ask(lambda client: client.rename_folder(mailbox, aside))
    if messages_in(session, aside):
        _put_back(session, aside, mailbox)
        return False
    session.ask(lambda client: client.delete_folder(aside))
    _unsubscribe(session, mailbox)
    _unsubscribe(session, aside)
    # Mail that came meanwhile has made it anew.
    return messages_in(session, mailbox) is None


def _put_back(session: Session, aside: str, mailbox: str) -> None:
    if messages_in(session, mailbox) is None:
        session.ask(lambda client: client.rename_folder(aside, mailbox))
        return

    def move(client: Client) -> None:
        uids = client.search("ALL")
        if uids:
            client.move(uids, mailbox)

    session.changing(aside, move)
    session.leave()
    if messages_in(session, aside) == 0:
        session.ask(lambda client: client.delete_folder(aside))


def _unsubscribe(session: Session, mailbox: str) -> None:
    session.ask(lambda client: client.unsubscribe_folder(mailbox))
