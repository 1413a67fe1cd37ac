"""Which extension each word of Sieve belongs to, and which words there are.

The words are those of the RFCs that mail servers implement; Zimbra's own are in
`zimbra_tests` and `zimbra_actions`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from reinstate_service.mapping.sieve.lexer import Token, value
from reinstate_service.mapping.sieve.parser import Call

#: Commands and tests by name, with the extension that brings them; empty: RFC 5228 itself.
WORDS = {
    **dict.fromkeys(("require", "if", "elsif", "else", "stop", "keep", "discard", "redirect"), ""),
    **dict.fromkeys(("address", "header", "exists", "size", "true", "false"), ""),
    **dict.fromkeys(("not", "allof", "anyof"), ""),
    "fileinto": "fileinto",
    "envelope": "envelope",
    **dict.fromkeys(("set", "string"), "variables"),
    **dict.fromkeys(("addflag", "setflag", "removeflag", "hasflag"), "imap4flags"),
    "vacation": "vacation",
    **dict.fromkeys(("notify", "valid_notify_method", "notify_method_capability"), "enotify"),
    "reject": "reject",
    "ereject": "ereject",
    "body": "body",
    **dict.fromkeys(("date", "currentdate"), "date"),
    "environment": "environment",
    "ihave": "ihave",
    "error": "ihave",
    "duplicate": "duplicate",
    **dict.fromkeys(("include", "return", "global"), "include"),
    "mailboxexists": "mailbox",
    **dict.fromkeys(("metadata", "metadataexists"), "mboxmetadata"),
    **dict.fromkeys(("servermetadata", "servermetadataexists"), "servermetadata"),
    **dict.fromkeys(("addheader", "deleteheader"), "editheader"),
    **dict.fromkeys(("foreverypart", "break"), "foreverypart"),
    "extracttext": "extracttext",
    "spamtest": "spamtest",
    "virustest": "virustest",
    "specialuse_exists": "special-use",
    "valid_ext_list": "extlists",
}
_TAGS = {
    ":copy": "copy",
    **dict.fromkeys((":count", ":value"), "relational"),
    ":regex": "regex",
    ":create": "mailbox",
    ":flags": "imap4flags",
    **dict.fromkeys((":user", ":detail"), "subaddress"),
    **dict.fromkeys((":index", ":last"), "index"),
    **dict.fromkeys((":mime", ":anychild"), "mime"),
    ":list": "extlists",
    ":fcc": "fcc",
    ":mailboxid": "mailboxid",
    ":specialuse": "special-use",
}
_COMPARATOR = "comparator-"
#: Comparators that need no `require` (RFC 5228 §2.7.3).
_BUILT_IN = frozenset({"comparator-i;octet", "comparator-i;ascii-casemap"})
VARIABLE = re.compile(r"\$\{([^{}]*)\}")
#: Extensions that bring all that another one does (RFC 5235 §2.3).
_LARGER = {"spamtest": "spamtestplus"}
#: Every extension that `used` can tell the use of.
TOLD = frozenset(_LARGER.values()) | (
    frozenset(WORDS.values()) | frozenset(_TAGS.values()) | {"encoded-character"}
) - {""}


def required(calls: Iterable[Call], lexed: Sequence[Token], word: str = "require") -> list[str]:
    """The extensions that a script requires (or asks for by `ihave`, RFC 5463), each once."""
    return list(
        dict.fromkeys(
            value(lexed[token])
            for call in calls
            if call.name == word
            for argument in call.arguments
            for token in argument.strings
        )
    )


def used(
    calls: Iterable[Call],
    lexed: Sequence[Token],
    needed: Collection[str],
    *,
    variables: bool,
    encoded: bool,
) -> set[str]:
    """The extensions whose words the calls use.

    `needed` are those that the script requires. `variables` and `encoded` tell whether the
    script's strings are expanded.
    """
    found: set[str] = set()
    for call in calls:
        extension = WORDS.get(call.name, "")
        found.add(_LARGER[extension] if _LARGER.get(extension) in needed else extension)
        found.update(_of_tags(call, lexed))
        if call.name == "require" or not (variables or encoded):
            continue
        for argument in call.arguments:
            for token in argument.strings:
                text = value(lexed[token])
                # Whatever is written like one: that it is none decides how the rest is read.
                if encoded and "${" in text:
                    found.add("encoded-character")
                if variables and VARIABLE.search(text):
                    found.add("variables")
    return found - {""}


def _of_tags(call: Call, lexed: Sequence[Token]) -> Iterator[str]:
    following = (*call.arguments[1:], None)
    for argument, after in zip(call.arguments, following, strict=False):
        if argument.tag == ":comparator" and after is not None:
            yield from {_COMPARATOR + value(lexed[one]) for one in after.strings} - _BUILT_IN
        elif argument.tag == ":seconds" and call.name in {"vacation", "duplicate"}:
            yield "vacation-seconds" if call.name == "vacation" else ""
        elif argument.tag != ":mime" or call.name != "vacation":  # RFC 5230 §4.3 has its own
            yield _TAGS.get(argument.tag, "")
