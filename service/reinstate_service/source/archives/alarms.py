"""Alarms (RFC 5545 §3.6.6)."""

from __future__ import annotations

from reinstate_service.source.archives import codes
from reinstate_service.source.archives.contentlines import extra_lines, line, text
from reinstate_service.source.archives.fields import Fields
from reinstate_service.source.archives.people import attendee_line
from reinstate_service.source.archives.values import duration_of, stamp_of
from reinstate_service.source.contract import RecordMalformed


def alarm_lines(alarm: Fields, summary: str) -> list[str]:
    """One VALARM. What its action requires and Zimbra did not keep is the event's `summary`."""
    action = _action(alarm)
    people = [attendee_line(person) for person in alarm.numbered("at", "numAt")]
    lines = ["BEGIN:VALARM"]
    if action == "EMAIL" and not people:
        # The RFC wants a recipient; without one it can only be shown.
        lines.append(line("X-ZIMBRA-ACTION", action))
        action = "DISPLAY"
    lines += [line("ACTION", action), _trigger(alarm)]
    if alarm.text("rd"):
        lines.append(line("REPEAT", str(alarm.number("rc"))))
        lines.append(line("DURATION", duration_of(alarm.text("rd"))))
    if "ds" in alarm or action in {"DISPLAY", "EMAIL"}:
        lines.append(text("DESCRIPTION", alarm.text("ds") or summary or "Reminder"))
    if "su" in alarm or action == "EMAIL":
        lines.append(text("SUMMARY", alarm.text("su") or summary or "Reminder"))
    if (attached := alarm.inner("attach")) is not None:
        lines.append(_attachment(attached))
    return [*lines, *people, *extra_lines(alarm), "END:VALARM"]


def _action(alarm: Fields) -> str:
    code = alarm.text("ac", "d")
    if code.upper().startswith("X-"):
        return code.upper()
    return codes.word(codes.ACTION, code, "alarm action")


def _trigger(alarm: Fields) -> str:
    if alarm.text("tt", "r").startswith("a"):
        moment = stamp_of(alarm.text("ta"))
        if moment.is_date:
            raise RecordMalformed(detail=f"{alarm.named('ta')} is a day and no moment")
        return line("TRIGGER", moment.value.removesuffix("Z") + "Z", {"VALUE": "DATE-TIME"})
    related = {"RELATED": "END"} if alarm.text("trd").startswith("e") else None
    return line("TRIGGER", duration_of(alarm.text("tr")), related)


def _attachment(attached: Fields) -> str:
    kind = {"FMTTYPE": attached.text("ct")} if attached.text("ct") else {}
    if attached.text("uri"):
        return line("ATTACH", attached.text("uri"), kind)
    return line("ATTACH", attached.text("bin"), kind | {"ENCODING": "BASE64", "VALUE": "BINARY"})
