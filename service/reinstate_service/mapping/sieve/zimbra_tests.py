"""Zimbra's own tests in standard Sieve.

Each is written so that it is true for exactly the messages for which Zimbra's is; what
cannot be written so raises Untranslatable with the reason. docs/filters.md has the table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from reinstate_service.mapping.sieve.lexer import quoted
from reinstate_service.mapping.sieve.words import Untranslatable, Words, listed
from reinstate_service.model import Frozen, Path


class Surroundings(Frozen, frozen=True):
    """What a script means depends on its account: `addresses` are its own, `folders` all its
    folders' paths in the backup, `zone` the time zone it has chosen (an IANA name; empty: the
    server's)."""

    addresses: tuple[str, ...] = ()
    folders: tuple[Path, ...] = ()
    zone: str = ""


#: The headers that hold addresses; servers refuse others in an `address` test
#: (RFC 5228 §5.1).
ADDRESS_HEADERS = frozenset(
    {"from", "to", "cc", "bcc", "sender", "reply-to", "resent-from", "resent-to", "resent-cc"}
    | {"resent-bcc", "resent-sender", "resent-reply-to", "delivered-to", "x-original-to"}
    | {"return-receipt-to", "mail-followup-to", "mail-reply-to", "errors-to"}
)
_TIME = re.compile(r"([01][0-9]|2[0-3])([0-5][0-9])")
_DAY = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_REQUESTS = ("publish", "request", "add", "cancel", "declinecounter")
_REPLIES = ("reply", "refresh", "counter")
#: Zimbra marks mail of its community by these ids.
_COMMUNITY_HEADER = "X-Zimbra-Community-Notification-Type"
_COMMUNITY = {
    "community_requests": (
        "bb196c30-fad3-4ad8-a644-2a0187fc5617",
        "3772ef23-6aa0-4a22-9e88-a4313c37ebe6",
        "1b0500d2-c789-421e-a25b-3ab823af53be",
    ),
    "community_content": (
        "6a3659db-dec2-477f-981c-ada53603ccbb",
        "94dc0d37-3a65-43de-915d-d7d62774b576",
        "d0e2bf58-74b3-4090-8ff0-0d9a11188f0b",
        "95a4065f-1177-4dca-b8d5-a27d4d0d7b63",
        "5c976a15-64a5-4974-a5d6-a247163f2e01",
        "5898644c-b6a0-4d82-a4c6-6e5a8940884c",
        "4876d7ce-b48c-4a08-8cd9-872342c5bdf8",
        "82e1d0b4-854e-43c9-85d7-dea7d4dec949",
        "8e627c29-8602-4110-877d-0232e4ea2fd5",
        "be997a7a-5026-435f-8ea5-4fe3d90a6ba9",
        "eea4ccbb-6e07-4a6d-9bb6-8b02f060f79c",
        "352a702d-2a77-4307-9e9e-c564426e8cc8",
        "0e952633-fa46-448d-b1aa-bb6c60a388fb",
        "e3df1b21-ac81-4eb3-8ab6-69dc049f5684",
        "f8c93cd5-d40e-461d-b13a-b02e92bfcbbf",
    ),
    "community_connections": (
        "194d3363-f5a8-43b4-a1bd-92a95f6dd76b",
        "1cee0f92-3650-4110-9f0b-69b0e175914d",
        "16828d04-0555-4c80-88c4-da87e86698b8",
        "84e4c0a7-3a17-4dfe-b8a0-d7038aa04a84",
        "df527fff-4d37-4b8c-afbc-949b6337cdca",
        "328e5139-d759-405c-98da-91cd25bcc80c",
    ),
}
#: Flags that `flag` sets and `flagged` asks for, with their IMAP names; $Important is
#: RFC 8457's, for what Zimbra's priority inbox shows.
FLAGS = MappingProxyType({"read": "\\Seen", "flagged": "\\Flagged", "priority": "$Important"})

_UNANSWERABLE = {
    "addressbook": "only Zimbra knows the account's address book at delivery",
    "attachment": "what Zimbra takes for an attachment cannot be told from headers alone",
    "bulk": "it looks for headers whose names contain a word, which Sieve cannot",
    "contact_ranking": "only Zimbra ranks contacts",
    "ranking": "only Zimbra ranks contacts",
    "conversation": "only Zimbra knows the account's conversations at delivery",
    "relational": "Zimbra has no documented meaning for this test",
    "enotify": "Zimbra has no documented meaning for this test",
}


def _me(words: Words, around: Surroundings) -> str:
    _, headers = words.tagged(":in")
    names = [name.strip() for name in headers[0].split(",")]
    if strange := [name for name in names if name.lower() not in ADDRESS_HEADERS]:
        raise Untranslatable(f"{strange[0]!r} is no header with addresses")
    if not around.addresses:
        raise Untranslatable("the account's own addresses are not known")
    return f"address :all :is {listed(names)} {listed(around.addresses)}"


def _list(words: Words, around: Surroundings) -> str:
    del words, around
    return 'anyof (exists "X-Zimbra-DL", exists "List-Id")'


def _invite(words: Words, around: Surroundings) -> str:
    """Zimbra reads the method in the calendar; RFC 6047 §2.4 has it in Content-Type as well."""
    del around
    part = 'header :mime :anychild :contenttype :is "Content-Type" "text/calendar"'
    if not words.tags and not words.lists and not words.number:
        return part
    methods: dict[str, None] = {}
    for method in map(str.lower, words.tagged(":method")[1]):
        group = {"anyrequest": _REQUESTS, "anyreply": _REPLIES}.get(method, (method,))
        if not set(group) <= {*_REQUESTS, *_REPLIES}:
            raise Untranslatable(f"there is no method {method!r}")
        methods.update(dict.fromkeys(group))
    named = f'header :mime :anychild :param "method" :is "Content-Type" {listed(methods)}'
    return f"allof ({part}, {named})"


def _importance(words: Words, around: Surroundings) -> str:
    del around
    level = words.only()
    values = {
        "high": ('"high"', '"1"'),
        "low": ('"low"', '"5"'),
        "normal": ('["high", "low"]', '["1", "5"]'),
    }.get(level)
    if values is None:
        raise Untranslatable(f"there is no importance {level!r}")
    told = f'anyof (header :is "Importance" {values[0]}, header :is "X-Priority" {values[1]})'
    return f"not {told}" if level == "normal" else told


def _flagged(words: Words, around: Surroundings) -> str:
    del around
    if words.tags or words.number or len(words.lists) != 1 or not words.lists[0]:
        raise Untranslatable("flagged has other arguments than Zimbra writes")
    if strange := [flag for flag in words.lists[0] if flag not in FLAGS]:
        raise Untranslatable(f"Sieve cannot ask whether a rule above set {strange[0]!r}")
    return f"hasflag :is {listed(FLAGS[flag] for flag in words.lists[0])}"


def _current_time(words: Words, around: Surroundings) -> str:
    tag, times = words.tagged(":before", ":after")
    found = _TIME.fullmatch(times[0])
    if found is None or len(times) != 1:
        raise Untranslatable(f"{times[0]!r} is no time of the day")
    return (
        f'currentdate{_zone(around.zone)} :value "{"lt" if tag == ":before" else "ge"}"'
        f' "time" "{found[1]}:{found[2]}:00"'
    )


def _current_day_of_week(words: Words, around: Surroundings) -> str:
    _, days = words.tagged(":is")
    if strange := [day for day in days if day not in set("0123456")]:
        raise Untranslatable(f"{strange[0]!r} is no day of the week")
    return f'currentdate{_zone(around.zone)} :is "weekday" {listed(days)}'


def _zone(name: str) -> str:
    """The offset of a time zone (RFC 5260 §4.1), nothing for the server's own. A zone with summer
    time has none that is always right. Raises Untranslatable."""
    if not name:
        return ""
    try:
        zone = ZoneInfo(name)
        year = [datetime(2026, 1, 1, tzinfo=zone) + timedelta(days=7 * week) for week in range(53)]
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Untranslatable(f"the time zone {name!r} is not known") from error
    offsets = {f"{moment:%z}"[:5] for moment in year}
    if len(offsets) > 1:
        raise Untranslatable(f"the time zone {name} has summer time, which Sieve cannot follow")
    return f' :zone "{offsets.pop()}"'


def _date(words: Words, around: Surroundings) -> str:
    """Midnight is the server's, as it was in Zimbra; a message without a date counts as of now."""
    del around
    tag, days = words.tagged(":before", ":after")
    found = _DAY.fullmatch(days[0])
    try:
        day = date(*map(int, found.groups())).isoformat() if found and len(days) == 1 else ""
    except ValueError:
        day = ""
    if not day:
        raise Untranslatable(f"{days[0]!r} is no day")
    if tag == ":before":
        sent = f'date :value "lt" "date" "date" "{day}"'
        now = f'currentdate :value "lt" "date" "{day}"'
    else:
        midnight = f'date :is "date" "date" "{day}", date :is "date" "time" "00:00:00"'
        sent = f'allof (date :value "ge" "date" "date" "{day}", not allof ({midnight}))'
        now = f'currentdate :value "ge" "date" "{day}"'
    return f'anyof (allof (exists "date", {sent}), allof (not exists "date", {now}))'


def _sender(test: str) -> Callable[[Words, Surroundings], str]:
    def write(words: Words, around: Surroundings) -> str:
        del words, around
        return test

    return write


def _community(words: Words, around: Surroundings) -> str:
    del around
    ids = listed(_COMMUNITY[words.name])
    return f'header :is :comparator "i;octet" {quoted(_COMMUNITY_HEADER)} {ids}'


def _unanswerable(words: Words, around: Surroundings) -> str:
    del around
    raise Untranslatable(_UNANSWERABLE[words.name])


#: Zimbra's tests by name. `date` is one only with :before or :after, see `is_zimbras`.
TESTS: Mapping[str, Callable[[Words, Surroundings], str]] = MappingProxyType(
    {
        "me": _me,
        "list": _list,
        "invite": _invite,
        "importance": _importance,
        "flagged": _flagged,
        "current_time": _current_time,
        "current_day_of_week": _current_day_of_week,
        "date": _date,
        "facebook": _sender('address :all :matches "from" "notification+*@facebookmail.com"'),
        "linkedin": _sender(
            'address :domain :is "from"'
            ' ["linkedin.com", "e.linkedin.com", "cs.linkedin.com", "el.linkedin.com"]'
        ),
        "twitter": _sender('address :all :is "from" "notify@twitter.com"'),
        "socialcast": _sender(
            'allof (address :domain :is :comparator "i;octet" "from" "socialcast.com",'
            ' exists "reply-to")'
        ),
        **dict.fromkeys(_COMMUNITY, _community),
        **dict.fromkeys(_UNANSWERABLE, _unanswerable),
    }
)
#: The test of RFC 5703 that Zimbra's `mime_header` is, with the same arguments.
MIME_HEADER = "header :mime :anychild"


def is_zimbras(words: Words) -> bool:
    """Whether a test is Zimbra's own."""
    if words.name == "date":
        return bool({":before", ":after"} & set(words.tags))
    return words.name in TESTS or words.name == "mime_header"
