"""What lies in the sample backup: messages, cards, calendars, scripts, made by the project itself.

Everything here is a function of its arguments: the same call gives the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

BEGINNING = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)

_PEOPLE = (
    ("Anna Rossi", "anna@example.com"),
    ("Bruno Keller", "bruno@example.com"),
    ("Élodie Marchand", "elodie@example.org"),
    ("山田花子", "hana@example.org"),
    ("Jonas Weiß", "jonas@example.net"),
)
_SUBJECTS = (
    "Minutes of Monday's meeting",
    "Angebot für die neuen Räume",
    "Réunion déplacée à jeudi",
    "Re: delivery of the spare parts",
    "来週の予定について",
    "Invoice 2026-0117",
    "Photos from the workshop",
)
_BODIES = (
    "Please find the notes below.\n\n- budget agreed\n- next date open\n",
    "Guten Tag,\n\nanbei wie besprochen die Übersicht. Viele Grüße\n",
    "Bonjour à tous,\n\nla salle du deuxième étage est réservée.\n",
    "お世話になっております。\n添付をご確認ください。\n",
    "From here on everything is as agreed.\n.\nA line with a single dot stands above.\n",
)


def demo_messages(count: int = 240) -> list[bytes]:
    """`count` messages with CRLF line ends: plain, HTML, with attachments, in several scripts."""
    return [_message(number) for number in range(count)]


def _message(number: int) -> bytes:
    sender = _PEOPLE[number % len(_PEOPLE)]
    recipient = _PEOPLE[(number + 1 + number // 5) % len(_PEOPLE)]
    message = EmailMessage(policy=SMTP)
    message["From"] = f'"{sender[0]}" <{sender[1]}>'
    message["To"] = f'"{recipient[0]}" <{recipient[1]}>'
    message["Subject"] = f"{_SUBJECTS[number % len(_SUBJECTS)]} ({number})"
    message["Date"] = format_datetime(BEGINNING + timedelta(hours=number))
    message["Message-ID"] = f"<{number:06}@example.com>"
    message.set_content(_BODIES[number % len(_BODIES)] + f"\nNo. {number}\n")
    if number % 3 == 1:
        message.add_alternative(f"<p>No. <b>{number}</b></p>\n", subtype="html")
    if number % 7 == 2:
        attachment = hashlib.sha256(b"%d" % number).digest() * (1 + number % 90)
        message.add_attachment(
            attachment, maintype="application", subtype="pdf", filename=f"Anlage {number} ü.pdf"
        )
    _name_boundaries(message, number)
    return message.as_bytes()


def _name_boundaries(message: EmailMessage, number: int) -> None:
    """Sets what the library would otherwise draw by lot."""
    for depth, part in enumerate(message.walk()):
        if part.is_multipart():
            part.set_boundary(f"=_{number:06}_{depth}")


def card(name: str, address: str) -> bytes:
    """A contact (RFC 6350)."""
    lines = ("BEGIN:VCARD", "VERSION:4.0", f"UID:urn:contact:{address}", f"FN:{name}")
    return _lines(*lines, f"EMAIL:{address}", "END:VCARD")


def appointment(number: int, summary: str) -> bytes:
    """A weekly appointment (RFC 5545)."""
    start = BEGINNING + timedelta(days=number)
    return _lines(
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//reinstate//sample//EN",
        "BEGIN:VEVENT",
        f"UID:appointment-{number}@example.com",
        f"DTSTAMP:{BEGINNING:%Y%m%dT%H%M%SZ}",
        f"DTSTART:{start:%Y%m%dT%H%M%SZ}",
        "DURATION:PT1H",
        "RRULE:FREQ=WEEKLY;COUNT=8",
        f"SUMMARY:{summary}",
        "END:VEVENT",
        "END:VCALENDAR",
    )


def task(number: int, summary: str) -> bytes:
    """A task (RFC 5545 VTODO)."""
    return _lines(
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//reinstate//sample//EN",
        "BEGIN:VTODO",
        f"UID:task-{number}@example.com",
        f"DTSTAMP:{BEGINNING:%Y%m%dT%H%M%SZ}",
        f"SUMMARY:{summary}",
        "STATUS:NEEDS-ACTION",
        "END:VTODO",
        "END:VCALENDAR",
    )


def _lines(*lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode()


def salted_hash(secret: str, salt: bytes) -> str:
    """`{SSHA512}`, as directories store it: base64 of SHA-512 over secret and salt, then salt."""
    digest = hashlib.sha512(secret.encode() + salt).digest()
    return "{SSHA512}" + base64.b64encode(digest + salt).decode("ascii")


FILTER_TO_PROJECTS = """\
require ["fileinto", "imap4flags"];

# Projects
if anyof (header :contains ["subject"] "spare parts") {
    fileinto "Work/Projects";
    stop;
}
# Workshop, not to be mistaken for Work
if header :contains "subject" "workshop" {
    addflag "\\\\Flagged";
    fileinto "Workshop";
    stop;
}
"""

FILTER_TO_MOUNTPOINT = """\
require ["fileinto"];

# What concerns Anna's work goes to the folder she shares
if address :is "from" "anna@example.com" {
    fileinto "Annas Work";
    stop;
}
"""

FILTER_OUTGOING = """\
require ["fileinto", "copy"];

# Keep a copy of invoices
if header :contains "subject" "Invoice" {
    fileinto :copy "Büro/Rechnungen";
}
"""
