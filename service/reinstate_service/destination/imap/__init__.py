"""The destination `imap`: any live server, through its own protocols.

Deliveries and messages that move are recognised by a fence (destination/fence.py), everything
else by name. A login per account; accounts and domains are there already.
What the server has no place for is refused item by item: contacts, calendars, tasks and
documents are no mail.

Not guaranteed: a server that stores what a dead session had sent after a pause of more than
`settle_seconds`, or that changes a message beyond recognition, may have it twice. The journal is
the only memory: without it, everything is delivered once more.
"""

from reinstate_service.destination.imap.destination import ImapDestination

__all__ = ["ImapDestination"]
