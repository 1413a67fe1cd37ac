"""The short codes that Zimbra keeps instead of iCalendar's words."""

from __future__ import annotations

from collections.abc import Mapping

from reinstate_service.source.contract import RecordMalformed

STATUS = {
    "TENT": "TENTATIVE",
    "CONF": "CONFIRMED",
    "CANC": "CANCELLED",
    "NEED": "NEEDS-ACTION",
    "COMP": "COMPLETED",
    "INPR": "IN-PROCESS",
    "WAITING": "X-ZIMBRA-STATUS-WAITING",
    "DEFERRED": "X-ZIMBRA-STATUS-DEFERRED",
}
CLASS = {"PUB": "PUBLIC", "PRI": "PRIVATE", "CON": "CONFIDENTIAL"}
#: Outlook's words, which clients understand; iCalendar has none for an event.
FREE_BUSY = {"F": "FREE", "B": "BUSY", "T": "TENTATIVE", "O": "OOF", "N": "NODATA"}
TRANSPARENCY = {"O": "OPAQUE", "T": "TRANSPARENT"}
PARTICIPATION = {
    "TE": "TENTATIVE",
    "NE": "NEEDS-ACTION",
    "DG": "DELEGATED",
    "DE": "DECLINED",
    "CO": "COMPLETED",
    "AC": "ACCEPTED",
    "IN": "IN-PROCESS",
    "WA": "X-ZIMBRA-PARTSTAT-WAITING",
    "DF": "X-ZIMBRA-PARTSTAT-DEFERRED",
}
ROLE = {
    "NON": "NON-PARTICIPANT",
    "OPT": "OPT-PARTICIPANT",
    "REQ": "REQ-PARTICIPANT",
    "CHA": "CHAIR",
}
USER_TYPE = {
    "IND": "INDIVIDUAL",
    "GRO": "GROUP",
    "RES": "RESOURCE",
    "ROO": "ROOM",
    "UNK": "UNKNOWN",
}
ACTION = {"d": "DISPLAY", "a": "AUDIO", "e": "EMAIL", "p": "PROCEDURE", "n": "NONE"}


def word(codes: Mapping[str, str], code: str, what: str) -> str:
    """The word for `code`. Raises RecordMalformed, which says `what` it should have been."""
    found = codes.get(code)
    if found is None:
        raise RecordMalformed(detail=f"{code!r} is no {what}")
    return found
