"""Scripts in Zimbra's dialect as standard Sieve, as a pure function.

A rule is translated as a whole or not at all. Its standard words stay byte for byte;
a rule that has no counterpart, or none that the destination can run, becomes a comment
with its reason, and so does one that Zimbra had switched off. A script in which there is
nothing to translate stays as it is, so translating twice is translating once.

Zimbra gathers what the rules want and does it at the end, to every copy of the message;
Sieve does it in the order of the script. Where that makes a difference that cannot be
written, the rule is a comment as well. A rule that would keep a message out of the account
is not run when a rule above it, which might have kept it or stopped, could not be
translated: unwanted mail can be thrown away later, lost mail is lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from reinstate_service.mapping.sieve import zimbra_actions, zimbra_tests
from reinstate_service.mapping.sieve.clashes import INACTIVE, with_clashes
from reinstate_service.mapping.sieve.edits import Edits
from reinstate_service.mapping.sieve.folders import folder_arguments
from reinstate_service.mapping.sieve.lexer import Kind, Token, quoted, tokens, value
from reinstate_service.mapping.sieve.parser import Call, Fault, parse
from reinstate_service.mapping.sieve.requirements import Requirements
from reinstate_service.mapping.sieve.rules import Rule, rules_of
from reinstate_service.mapping.sieve.vocabulary import VARIABLE, WORDS, required
from reinstate_service.mapping.sieve.words import Untranslatable, Words
from reinstate_service.mapping.sieve.zimbra_tests import ADDRESS_HEADERS, Surroundings
from reinstate_service.model import Path

_OWN_EXTENSIONS = frozenset({"tag", "flag", "log", "reply", "disabled_if"})
_SLASHES = re.compile(r"/+")
_BLANK = " \t"
_FILING = frozenset({"fileinto", "keep"})
#: What lets a rule depend on the marks, or on whether it comes to them.
_DECIDING = frozenset({"stop", "flagged"})


class Kept(NamedTuple):
    """A rule or command that is a comment now: what it is called, and why; `line` counts from 1
    in the script as it was. What a rule looks for is nobody's business and not told."""

    line: int
    text: str
    reason: str


class Translated(NamedTuple):
    """A standard script, and what of the old one is only a comment in it."""

    text: str
    kept: tuple[Kept, ...] = ()


def translate_script(script: str, extensions: Iterable[str], around: Surroundings) -> Translated:
    """The script in standard Sieve, requiring nothing but `extensions`. Never raises: a script
    that does not parse stays as it is, and is reported."""
    lexed = tokens(script)
    calls = parse(lexed)
    if isinstance(calls, Fault):
        return Translated(script, (Kept(calls.line, calls.text, calls.reason),))
    return _Translation(lexed, calls, frozenset(extensions), around).outcome(script)


class _Translation:
    """The translation of one script."""

    def __init__(
        self,
        lexed: Sequence[Token],
        calls: Sequence[Call],
        extensions: frozenset[str],
        around: Surroundings,
    ) -> None:
        self._lexed, self._calls, self._around = lexed, calls, around
        self._rules = rules_of(calls, lexed)
        self._dialect = self._is_dialect()
        self._requirements = Requirements(calls, lexed, extensions, self._dialect)
        self._edits = Edits(lexed)
        self._logs: list[Kept] = []

    def outcome(self, script: str) -> Translated:
        """Translates every rule, then looks at what the rules do to each other."""
        if not self._dialect and any(call.name not in WORDS for call in self._calls):
            reason = "the destination does not have this extension"
            foreign = self._requirements.foreign()
            return Translated(script, tuple(Kept(1, one, reason) for one in foreign))
        lost = {
            place: reason
            for place, rule in enumerate(self._rules)
            if (reason := self._translate(rule))
        }
        if self._dialect or lost:
            lost = with_clashes(self._rules, lost)
        kept = [
            Kept(log.line, log.text, log.reason)
            for log in self._logs
            if not any(
                self._rules[place].line <= log.line <= self._last_line(place) for place in lost
            )
        ]
        for place, reason in lost.items():
            rule = self._rules[place]
            told = reason
            if reason != INACTIVE and "stop" in rule.names:
                told += "; what it stopped goes on to the rules below it"
            kept.append(Kept(rule.line, rule.title, told))
            self._edits.comment(rule.span, rule.text, f"reinstate: not run, {_in_one_line(told)}")
        text, requirements = self._edits.written(), self._requirements
        right = not self._dialect and requirements.are_right(self._calls, self._lexed)
        if text == script and right:
            return Translated(script)
        stated = requirements.stated_in(text, self._edits.newline)
        return Translated(stated, tuple(sorted(kept)))

    def _is_dialect(self) -> bool:
        for call in self._calls:
            words = Words.of(call, self._lexed)
            own = zimbra_tests.is_zimbras if call.test else zimbra_actions.is_zimbras
            if own(words) or _has_empty_list(call, self._calls):
                return True
        return bool(_OWN_EXTENSIONS & set(required(self._calls, self._lexed)))

    def _last_line(self, place: int) -> int:
        return self._lexed[self._rules[place].span[1]].line

    def _translate(self, rule: Rule) -> str:
        """Puts the translation of a rule into the texts; answers why it has none."""
        if rule.head.name == "disabled_if":
            return INACTIVE
        logs = len(self._logs)
        texts = list(self._edits.texts)
        try:
            self._write(rule)
        except Untranslatable as error:
            del self._logs[logs:]
            self._edits.texts = texts
            return str(error)
        return ""

    def _write(self, rule: Rule) -> None:
        if rule.head.name in {"elsif", "else"}:
            raise Untranslatable(f"{rule.head.name} follows no if")
        unknown = self._unresolved(rule)
        if self._dialect and unknown:
            raise Untranslatable(f"its variable ${{{unknown[0]}}} is filled by Zimbra alone")
        for call in rule.calls.values():
            self._write_call(call)
        self._name_folders(rule)
        if missing := self._requirements.lacking(*self._now(rule)):
            raise Untranslatable(f"the destination does not have {', '.join(sorted(missing))}")
        if self._dialect:
            self._mark_before_filing(rule)

    def _now(self, rule: Rule) -> tuple[Sequence[Call], Sequence[Token]]:
        """The rule's calls and tokens as they are written by now."""
        first, last = rule.span
        lexed = tokens("".join(self._edits.texts[first : last + 1]))
        calls = parse(lexed)
        if isinstance(calls, Fault):
            raise Untranslatable(calls.reason)
        return calls, lexed

    def _write_call(self, call: Call) -> None:
        words = Words.of(call, self._lexed)
        if not call.test and zimbra_actions.is_zimbras(words):
            if call.name == "log":
                self._log(call)
            elif call.name == "disabled_if":
                raise Untranslatable("a rule inside it is inactive")
            else:
                self._edits.replace(
                    call.first, call.last, zimbra_actions.ACTIONS[call.name](words, self._around)
                )
        elif call.test and call.name == "mime_header":
            self._edits.texts[call.first] = zimbra_tests.MIME_HEADER
        elif call.test and zimbra_tests.is_zimbras(words):
            self._edits.replace(
                call.first, call.last, zimbra_tests.TESTS[call.name](words, self._around)
            )
        elif self._dialect:
            self._check(call, words)

    def _check(self, call: Call, words: Words) -> None:
        """What Zimbra takes and standard Sieve does not, without having words of its own."""
        if call.name not in WORDS:
            raise Untranslatable(f"standard Sieve has no {call.name}")
        if _has_empty_list(call, self._calls):
            raise Untranslatable(f"a list in {call.name} is empty")
        if call.name == "address" and len(words.lists) > 1:
            for header in words.lists[-2]:
                if header.lower() not in ADDRESS_HEADERS and not VARIABLE.search(header):
                    raise Untranslatable(f"{header!r} is no header with addresses")
        if call.name == "fileinto" and (not words.lists or len(words.lists[-1]) != 1):
            raise Untranslatable("fileinto takes one folder")

    def _log(self, call: Call) -> None:
        text = "".join(token.text for token in self._lexed[call.first : call.last + 1])
        reason = "the server keeps no log for scripts"
        self._logs.append(Kept(self._lexed[call.first].line, call.name, reason))
        self._edits.comment((call.first, call.last), text)

    def _unresolved(self, rule: Rule) -> list[str]:
        """The variables that a rule reads and no rule of the script sets."""
        known = set().union(*(one.sets for one in self._rules if one.head.name != "disabled_if"))
        return sorted(
            name
            for name in rule.reads - known
            if not name.isdigit()
            and not (self._requirements.encoded and name.startswith(("hex:", "unicode:")))
        )

    def _name_folders(self, rule: Rule) -> None:
        """Zimbra reads folders without regard to case, stray slashes and trailing blanks."""
        for argument in folder_arguments(rule.calls.values()):
            token = self._lexed[argument.token]
            if token.kind is not Kind.STRING or self._edits.texts[argument.token] != token.text:
                continue
            old = value(token)
            if VARIABLE.search(old) and (
                self._requirements.variables or self._requirements.encoded
            ):
                bare = old.strip("/")
                if bare and bare != old and not old.startswith("${"):
                    self._edits.texts[argument.token] = quoted(bare)
                continue
            path = [part.rstrip(_BLANK) for part in _SLASHES.split(old) if part.strip(_BLANK)]
            if not path:
                if self._dialect:
                    raise Untranslatable(f"{old!r} names no folder")
                continue
            new = "/".join(_existing(tuple(path), self._around.folders))
            if new != old:
                self._edits.texts[argument.token] = quoted(new)

    def _mark_before_filing(self, rule: Rule) -> None:
        """Zimbra marks every copy of a message, whenever it was filed; Sieve only those that are
        filed afterwards (RFC 5232 §5): marks go in front. Raises Untranslatable."""
        if rule.tags and rule.names & {"discard"} and not rule.files:
            raise Untranslatable("Zimbra keeps a message that it marks and discards")
        blocks = {call.parent for call in rule.calls.values() if not call.test}
        for block in blocks - {-1}:
            filed: list[int] = []
            nested = False
            for index in rule.inside(block):
                call = rule.calls[index]
                if call.name in _FILING:
                    filed.append(call.first)
                elif call.name in {"tag", "flag"} and nested:
                    raise Untranslatable("it marks what was filed before a rule inside it")
                elif call.name in {"tag", "flag"} and filed:
                    self._edits.move(call.first, filed[0])
                elif call.name in {"if", "elsif", "else"}:
                    below = self._below(rule, index)
                    if filed and below & {"tag", "flag"}:
                        raise Untranslatable("a rule inside it marks what it has filed")
                    nested = bool(nested or below & _FILING or (filed and below & _DECIDING))

    def _below(self, rule: Rule, block: int) -> set[str]:
        inside = {block}
        for index, call in rule.calls.items():
            if call.parent in inside:
                inside.add(index)
        return {rule.calls[index].name for index in inside}


def _has_empty_list(call: Call, calls: Sequence[Call]) -> bool:
    if call.name in {"anyof", "allof"} and call.test:
        return not any(other.parent >= 0 and calls[other.parent] is call for other in calls)
    return call.name != "require" and any(
        not argument.tag and not argument.number and not argument.strings
        for argument in call.arguments
    )


def _existing(path: Path, folders: Sequence[Path]) -> Path:
    """The path as the folders are really called, as far as they exist. An INBOX is one in any
    case, everywhere."""
    if path[0].upper() == "INBOX":
        return path
    for length in range(len(path), 0, -1):
        key = [part.casefold() for part in path[:length]]
        same = [
            one[:length] for one in folders if [part.casefold() for part in one[:length]] == key
        ]
        if path[:length] in same:
            return path
        if same:
            return (*same[0], *path[length:])
    return path


def _in_one_line(text: str) -> str:
    return " ".join(text.split())
