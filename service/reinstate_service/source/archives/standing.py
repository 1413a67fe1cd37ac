"""How an event or a task stands: status, class, times of change, and what Zimbra alone keeps."""

from __future__ import annotations

from reinstate_service.source.archives import codes
from reinstate_service.source.archives.contentlines import line
from reinstate_service.source.archives.fields import Fields
from reinstate_service.source.archives.values import utc_of

_DRAFT, _NEVER_SENT = 0x100, 0x200
_NUMBERS = {"prio": "PRIORITY", "pctcompl": "PERCENT-COMPLETE", "seq": "SEQUENCE"}
_MOMENTS = {"completed": "COMPLETED", "lastMod": "LAST-MODIFIED"}


def standing_lines(invite: Fields, *, event: bool) -> list[str]:
    """The properties; those that say no more than their default does are left out.

    Raises RecordMalformed for a code that Zimbra does not have.
    """
    lines = _status(invite)
    if invite.text("cl", "PUB") != "PUB":
        lines.append(line("CLASS", codes.word(codes.CLASS, invite.text("cl"), "class")))
    if event:
        lines += _shown_as(invite)
    for key, name in _NUMBERS.items():
        if invite.text(key) and (number := invite.number(key)):
            lines.append(line(name, str(number)))
    for key, name in _MOMENTS.items():
        if invite.number(key):
            lines.append(line(name, utc_of(invite.number(key))))
    return lines + _own(invite)


def _status(invite: Fields) -> list[str]:
    status = "CANC" if invite.text("mthd").upper() == "CANCEL" else invite.text("status")
    if not status:
        return []
    word = codes.word(codes.STATUS, status, "status")
    if word.startswith("X-"):
        return [line("STATUS", "IN-PROCESS", {"X-ZIMBRA-STATUS": word})]
    return [line("STATUS", word)]


def _shown_as(invite: Fields) -> list[str]:
    lines = []
    if invite.text("tr", "O") != "O":
        transparency = codes.word(codes.TRANSPARENCY, invite.text("tr"), "transparency")
        lines.append(line("TRANSP", transparency))
    if "fb" in invite:
        word = codes.word(codes.FREE_BUSY, invite.text("fb"), "free-busy status")
        lines.append(line("X-MICROSOFT-CDO-INTENDEDSTATUS", word))
    return lines


def _own(invite: Fields) -> list[str]:
    lines = []
    if invite.truth("lo"):
        lines.append(line("X-ZIMBRA-LOCAL-ONLY", "TRUE"))
    for bit, name in ((_DRAFT, "X-ZIMBRA-DRAFT"), (_NEVER_SENT, "X-ZIMBRA-NEVER-SENT")):
        if invite.number("af") & bit:
            lines.append(line(name, "TRUE"))
    if invite.text("ptst") and "org" in invite and not invite.truth("isOrg"):
        word = codes.word(codes.PARTICIPATION, invite.text("ptst"), "PARTSTAT")
        lines.append(line("X-ZIMBRA-PARTSTAT", word))
    return lines
