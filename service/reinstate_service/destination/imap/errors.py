"""What goes wrong with a server, and what its response codes mean here."""

from __future__ import annotations

import re

from reinstate_journal.errors import DestinationError
from reinstate_service.destination.contract import Refused

#: Response codes of a server that cannot now and may later (RFC 5530 §3, RFC 9051 §7.1).
_LATER = frozenset({"UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG"})
#: What others say in plain words (Exchange, Gmail).
_LATER_TEXT = re.compile(
    r"throttl|too many (simultaneous |concurrent )?(connections|sessions)", re.IGNORECASE
)
_CODE = re.compile(r"\[([A-Z-]+)")


class Unreachable(DestinationError):
    """No connection to the server can be made that may be used."""

    message = "{destination} cannot be reached: {detail}"
    hint = "Check name, port, TLS and certificate (imap.tls, imap.ca_file), then: reinstate resume"


class NotTrusted(DestinationError):
    """There is somebody, and nothing secret is told to him."""

    message = "{destination} is not trusted: {detail}"
    hint = 'Name its CA as imap.ca_file; with imap.tls = "none" everything is said in the clear'
    retryable = False


class Busy(DestinationError):
    """The server cannot do it now."""

    message = "{destination} asks to come back later: {detail}"


class LoginRefused(Refused):
    """The server does not let the account in."""

    message = "{address} cannot log in: {detail}"


class NoInbox(LoginRefused):
    """The server lets the account in, and has none of that name."""

    message = "{address} cannot log in: it has no INBOX, so there is no such account"


class ServerRefuses(Refused):
    """The server says no to one command."""

    message = "the server refuses: {detail}"

    @property
    def code(self) -> str:
        """The response code of its answer, or nothing."""
        return code_in(str(self.fields["detail"]))


class OverQuota(Refused):
    """The account's quota is used up on the server."""

    message = "the account's quota is used up: {detail}"
    hint = "Raise it on the server, then: reinstate resume"


def code_in(detail: str) -> str:
    """The response code in a server's answer, or nothing."""
    found = _CODE.search(detail)
    return found[1] if found else ""


def is_later(detail: str) -> bool:
    """Whether a server that answers so cannot do it now and may later."""
    return code_in(detail) in _LATER or _LATER_TEXT.search(detail) is not None


def text_of(error: BaseException) -> str:
    """What an error says, in one line of bounded length."""
    first = error.args[0] if error.args else ""
    plain = first.decode("utf-8", "replace") if isinstance(first, bytes) else str(error)
    told = " ".join((getattr(error, "strerror", None) or plain).split())
    return told[:300] or type(error).__name__
