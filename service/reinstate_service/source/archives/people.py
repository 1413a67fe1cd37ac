"""Organizers, attendees and their replies (RFC 5545 §3.8.4)."""

from __future__ import annotations

from reinstate_service.source.archives import codes
from reinstate_service.source.archives.contentlines import extra_params, line
from reinstate_service.source.archives.fields import Fields
from reinstate_service.source.archives.values import stamp_of, utc_of
from reinstate_service.source.contract import RecordMalformed

_RECURRENCE_RANGES = {2: "THISANDFUTURE", 3: "THISANDPRIOR"}


def organizer_line(person: Fields) -> str:
    """The ORGANIZER."""
    return line("ORGANIZER", _address(person, "a"), _common(person) | extra_params(person))


def attendee_line(person: Fields) -> str:
    """An ATTENDEE with what is known of their answer."""
    return line("ATTENDEE", _address(person, "a"), _attendee(person))


def reply_lines(replies: Fields | None) -> list[str]:
    """Every answer that was received. iCalendar keeps an attendee's last one for the series
    in ATTENDEE and has no place for when it came, nor for one to a single occurrence."""
    if replies is None:
        return []
    lines = []
    for reply in replies.numbered("i", "n"):
        person = reply.inner("at")
        if person is None:
            continue
        params = _attendee(person)
        params["X-SEQUENCE"] = str(reply.number("s"))
        params["X-DTSTAMP"] = utc_of(reply.number("d"))
        if (occurrence := reply.inner("r")) is not None:
            params["X-RECURRENCE-ID"] = stamp_of(occurrence.text("dt")).value
        lines.append(line("X-ZIMBRA-REPLY", _address(person, "a"), params))
    return lines


def range_of(occurrence: Fields) -> dict[str, str]:
    """The RANGE parameter of a RECURRENCE-ID, where it speaks of more than one occurrence."""
    number = occurrence.number("r", 1)
    return {"RANGE": _RECURRENCE_RANGES[number]} if number in _RECURRENCE_RANGES else {}


def _attendee(person: Fields) -> dict[str, str]:
    params = _common(person)
    for key, name, words in (
        ("cut", "CUTYPE", codes.USER_TYPE),
        ("r", "ROLE", codes.ROLE),
        ("ptst", "PARTSTAT", codes.PARTICIPATION),
    ):
        if code := person.text(key):
            params[name] = codes.word(words, code, name)
    if person.truth("v"):
        params["RSVP"] = "TRUE"
    for key, name in (
        ("member", "MEMBER"),
        ("delto", "DELEGATED-TO"),
        ("delfrom", "DELEGATED-FROM"),
    ):
        if person.text(key):
            params[name] = _address(person, key)
    return params | extra_params(person)


def _common(person: Fields) -> dict[str, str]:
    params = {}
    if person.text("cn"):
        params["CN"] = person.text("cn")
    if person.text("sentby"):
        params["SENT-BY"] = _address(person, "sentby")
    for key, name in (("dir", "DIR"), ("lang", "LANGUAGE")):
        if person.text(key):
            params[name] = person.text(key)
    return params


def _address(person: Fields, key: str) -> str:
    address = person.text(key)
    if not address:
        raise RecordMalformed(detail=f"{person.named(key)}, an address, is empty")
    # Several addresses in one parameter are kept as one text, which stands between quotes.
    several = address.split('","')
    return '","'.join(one if ":" in one else f"mailto:{one}" for one in several)
