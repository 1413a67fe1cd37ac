"""What must hold of a Maildir destination before a server's configuration is printed for it."""

from __future__ import annotations

import re
from pathlib import Path

from reinstate_journal.errors import UsageError
from reinstate_service.destination.maildir.database import FILE
from reinstate_service.destination.maildir.destination import holds_destination

#: What can stand in a configuration without quoting, expansion or comment.
_PLAIN = re.compile(r"[\w./@:+,=-]+")


def served_root(directory: Path | str, *named: Path | str) -> Path:
    """The destination in `directory`, resolved. `named` are other paths that the configuration
    names.

    Raises UsageError if there is no destination, if it belongs to root, for whom Dovecot
    opens no mailbox, or if a path cannot stand in a configuration.
    """
    root = Path(directory).resolve()
    if not holds_destination(root):
        raise UsageError(detail=f"{root} is no Maildir destination: there is no {FILE} in it")
    for path in (root, *named):
        if _PLAIN.fullmatch(str(path)) is None:
            raise UsageError(detail=f"a configuration cannot hold the path {str(path)!r}")
    if root.stat().st_uid == 0:
        raise UsageError(
            detail=f"{root} belongs to root, whose mail Dovecot refuses to serve;"
            " give it to the mail user: chown -R vmail:vmail"
        )
    return root
