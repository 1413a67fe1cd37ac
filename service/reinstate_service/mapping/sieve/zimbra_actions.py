"""Zimbra's own actions in standard Sieve."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from urllib.parse import quote

from reinstate_service.mapping.keywords import keyword_of
from reinstate_service.mapping.sieve.lexer import quoted
from reinstate_service.mapping.sieve.vocabulary import VARIABLE
from reinstate_service.mapping.sieve.words import Untranslatable, Words, listed
from reinstate_service.mapping.sieve.zimbra_tests import FLAGS, Surroundings

#: Positional arguments of Zimbra's `notify`: address, subject and text; the standard one has one.
_NOTIFY = 3
_REMOVED = {"unread": "read", "unflagged": "flagged", "unpriority": "priority"}


def _tag(words: Words, around: Surroundings) -> str:
    """The keyword is the one that restored messages of that tag have."""
    del around
    name = words.only()
    if VARIABLE.search(name):
        raise Untranslatable("its tag is made of variables, and has no keyword until then")
    return f"addflag {quoted(keyword_of(name))};"


def _flag(words: Words, around: Surroundings) -> str:
    del around
    name = words.only()
    if name in FLAGS:
        return f"addflag {quoted(FLAGS[name])};"
    if name in _REMOVED:
        return f"removeflag {quoted(FLAGS[_REMOVED[name]])};"
    raise Untranslatable(f"there is no flag {name!r}")


def _reply(words: Words, around: Surroundings) -> str:
    """Zimbra answers every message: a pause of no seconds between answers (RFC 6131 §2)."""
    text = words.only()
    own = f" :addresses {listed(around.addresses)}" if around.addresses else ""
    return f"vacation :seconds 0{own} {quoted(text)};"


def _notify(words: Words, around: Surroundings) -> str:
    """RFC 5436: the message is the subject, the text goes into the address."""
    del around
    if any(len(one) != 1 for one in words.lists[:_NOTIFY]):
        raise Untranslatable("notify has other arguments than Zimbra writes")
    (address,), (subject,), (text,) = words.lists[:_NOTIFY]
    if len(words.lists) > _NOTIFY:
        raise Untranslatable("its notification copies headers of the message")
    if words.number:
        raise Untranslatable("its notification is cut to a size")
    if VARIABLE.search(address + text):
        raise Untranslatable("its notification quotes the message")
    lines = "\r\n".join(text.splitlines())
    url = f"mailto:{quote(address, safe='@')}?body={quote(lines, safe='')}"
    return f"notify :message {quoted(subject)} {quoted(url)};"


def _controls(words: Words, around: Surroundings) -> str:
    del around
    raise Untranslatable(f"only Zimbra has {words.name}")


#: Zimbra's actions by name. `notify` is one only with three strings, see `is_zimbras`;
#: `log` changes nothing about a message and becomes a comment.
ACTIONS: Mapping[str, Callable[[Words, Surroundings], str]] = MappingProxyType(
    {
        "tag": _tag,
        "flag": _flag,
        "reply": _reply,
        "notify": _notify,
        "replaceheader": _controls,
        "zimbravariablesctrl": _controls,
    }
)


def is_zimbras(words: Words) -> bool:
    """Whether an action is Zimbra's own."""
    if words.name == "notify":
        return not words.tags and len(words.lists) >= _NOTIFY
    return words.name in ACTIONS or words.name in {"log", "disabled_if"}
