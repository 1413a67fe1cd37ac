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
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from reinstate_service.mapping.sieve import zimbra_actions, zimbra_tests
from reinstate_service.mapping.sieve.clashes import INACTIVE, with_clashes
from reinstate_service.mapping.sieve.folders import folder_arguments
from reinstate_service.mapping.sieve.lexer import Kind, Token, quoted, tokens, value
from reinstate_service.mapping.sieve.parser import Call, Fault, parse
from reinstate_service.mapping.sieve.rules import Rule, rules_of
from reinstate_service.mapping.sieve.vocabulary import TOLD, VARIABLE, WORDS, required, used
from reinstate_service.mapping.sieve.words import Untranslatable, Words
from reinstate_service.mapping.sieve.zimbra_tests import ADDRESS_HEADERS, Surroundings
from reinstate_service.model import Path

_OWN_EXTENSIONS = frozenset({"tag", "flag", "log", "reply", "disabled_if"})
_NEW_LINE = re.compile(r"\r\n|\n|\r")
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
    """The translation of one script. `texts` are its tokens as they will be."""

    def __init__(
        self,
        lexed: Sequence[Token],
        calls: Sequence[Call],
        extensions: frozenset[str],
        around: Surroundings,
    ) -> None:
        self._lexed, self._calls = lexed, calls
        self._extensions, self._around = extensions, around
        self._rules = rules_of(calls, lexed)
        self._required = required(calls, lexed)
        self._asked = required(calls, lexed, "ihave")
        self._dialect = self._is_dialect()
        self._variables = self._dialect or "variables" in self._required + self._asked
        self._encoded = "encoded-character" in self._required + self._asked
        self._texts = [token.text for token in lexed]
        self._newline = "\r\n" if "\r\n" in "".join(self._texts) else "\n"
        self._logs: list[Kept] = []

    def outcome(self, script: str) -> Translated:
        """Translates every rule, then looks at what the rules do to each other."""
        if not self._dialect and any(call.name not in WORDS for call in self._calls):
            return Translated(script, tuple(self._foreign()))
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
            self._comment(rule.span, rule.text, f"reinstate: not run, {_in_one_line(told)}")
        text = "".join(self._texts)
        if text == script and not self._dialect and self._requires_right():
            return Translated(script)
        return Translated(self._requiring(text), tuple(sorted(kept)))

    def _requires_right(self) -> bool:
        """Whether the script requires what it uses and nothing that is not there."""
        needed = self._used(self._calls, self._lexed)
        known = set(self._required)
        return known <= self._extensions and bool(self._asked or needed <= known)

    def _used(self, calls: Iterable[Call], lexed: Sequence[Token]) -> set[str]:
        return used(calls, lexed, self._required, variables=self._variables, encoded=self._encoded)

    def _foreign(self) -> Iterator[Kept]:
        """What a script of some other server requires and the destination does not have."""
        for extension in self._required:
            if extension not in self._extensions:
                yield Kept(1, extension, "the destination does not have this extension")

    def _is_dialect(self) -> bool:
        for call in self._calls:
            words = Words.of(call, self._lexed)
            own = zimbra_tests.is_zimbras if call.test else zimbra_actions.is_zimbras
            if own(words) or _has_empty_list(call, self._calls):
                return True
        return bool(_OWN_EXTENSIONS & set(self._required))

    def _last_line(self, place: int) -> int:
        return self._lexed[self._rules[place].span[1]].line

    def _translate(self, rule: Rule) -> str:
        """Puts the translation of a rule into the texts; answers why it has none."""
        if rule.head.name == "disabled_if":
            return INACTIVE
        logs = len(self._logs)
        texts = list(self._texts)
        try:
            self._write(rule)
        except Untranslatable as error:
            del self._logs[logs:]
            self._texts = texts
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
        missing = self._used(self._now(rule), self._lexed_now)
        if not self._asked and (missing := missing - self._extensions):
            raise Untranslatable(f"the destination does not have {', '.join(sorted(missing))}")
        if self._dialect:
            self._mark_before_filing(rule)

    def _now(self, rule: Rule) -> Sequence[Call]:
        """The rule's calls as they are written by now."""
        first, last = rule.span
        self._lexed_now = tokens("".join(self._texts[first : last + 1]))
        calls = parse(self._lexed_now)
        if isinstance(calls, Fault):
            raise Untranslatable(calls.reason)
        return calls

    def _write_call(self, call: Call) -> None:
        words = Words.of(call, self._lexed)
        if not call.test and zimbra_actions.is_zimbras(words):
            if call.name == "log":
                self._log(call)
            elif call.name == "disabled_if":
                raise Untranslatable("a rule inside it is inactive")
            else:
                self._replace(call, zimbra_actions.ACTIONS[call.name](words, self._around))
        elif call.test and call.name == "mime_header":
            self._texts[call.first] = zimbra_tests.MIME_HEADER
        elif call.test and zimbra_tests.is_zimbras(words):
            self._replace(call, zimbra_tests.TESTS[call.name](words, self._around))
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

    def _replace(self, call: Call, text: str) -> None:
        self._texts[call.first] = text
        for index in range(call.first + 1, call.last + 1):
            self._texts[index] = ""

    def _log(self, call: Call) -> None:
        text = "".join(token.text for token in self._lexed[call.first : call.last + 1])
        reason = "the server keeps no log for scripts"
        self._logs.append(Kept(self._lexed[call.first].line, call.name, reason))
        self._comment((call.first, call.last), text)

    def _comment(self, span: tuple[int, int], text: str, title: str = "") -> None:
        """Puts the text in the place of the tokens, as a comment that ends with its line."""
        first, last = span
        lines = ([title] if title else []) + _NEW_LINE.split(text)
        comment = self._newline.join(f"# {line}".rstrip() for line in lines)
        after = "".join(token.text for token in self._lexed[last + 1 : last + 3])
        ends = not after or re.match(r"[ \t]*\r?\n", after)
        self._texts[first] = comment if ends else comment + self._newline
        for index in range(first + 1, last + 1):
            self._texts[index] = ""

    def _unresolved(self, rule: Rule) -> list[str]:
        """The variables that a rule reads and no rule of the script sets."""
        known = set().union(*(one.sets for one in self._rules if one.head.name != "disabled_if"))
        return sorted(
            name
            for name in rule.reads - known
            if not name.isdigit() and not (self._encoded and name.startswith(("hex:", "unicode:")))
        )

    def _name_folders(self, rule: Rule) -> None:
        """Zimbra reads folders without regard to case, stray slashes and trailing blanks."""
        for argument in folder_arguments(rule.calls.values()):
            token = self._lexed[argument.token]
            if token.kind is not Kind.STRING or self._texts[argument.token] != token.text:
                continue
            old = value(token)
            if VARIABLE.search(old) and (self._variables or self._encoded):
                bare = old.strip("/")
                if bare and bare != old and not old.startswith("${"):
                    self._texts[argument.token] = quoted(bare)
                continue
            path = [part.rstrip(_BLANK) for part in _SLASHES.split(old) if part.strip(_BLANK)]
            if not path:
                if self._dialect:
                    raise Untranslatable(f"{old!r} names no folder")
                continue
            new = "/".join(_existing(tuple(path), self._around.folders))
            if new != old:
                self._texts[argument.token] = quoted(new)

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
                    self._move(call.first, filed[0])
                elif call.name in {"if", "elsif", "else"}:
                    below = self._below(rule, index)
                    if filed and below & {"tag", "flag"}:
                        raise Untranslatable("a rule inside it marks what it has filed")
                    nested = bool(nested or below & _FILING or (filed and below & _DECIDING))

    def _move(self, mark: int, place: int) -> None:
        """Puts what stands at one token in front of another, in a line of its own if it had one."""
        text, self._texts[mark] = self._texts[mark], ""
        blank = " "
        if self._lexed[mark - 1].kind is Kind.BLANK:
            blank, self._texts[mark - 1] = self._lexed[mark - 1].text, ""
        self._texts[place] = text + blank + self._texts[place]

    def _below(self, rule: Rule, block: int) -> set[str]:
        inside = {block}
        for index, call in rule.calls.items():
            if call.parent in inside:
                inside.add(index)
        return {rule.calls[index].name for index in inside}

    def _requiring(self, text: str) -> str:
        """The text with one `require`, of what is used in it."""
        lexed = tokens(text)
        calls = parse(lexed)
        assert not isinstance(calls, Fault)  # noqa: S101 - every piece of it was parsed
        kept = [
            one
            for one in self._required
            if one in self._extensions and (self._asked or not _is_told(one))
        ]
        wanted = self._used(calls, lexed)
        new = sorted((wanted - set(self._asked)) & self._extensions | set(kept))
        ordered = [one for one in self._required if one in new]
        names = [*dict.fromkeys(ordered), *(one for one in new if one not in ordered)]
        if names == self._required:
            return text
        line = "require [" + ", ".join(map(quoted, names)) + "];" if names else ""
        texts = [token.text for token in lexed]
        requires = [call for call in calls if call.name == "require"]
        for call in requires:
            for index in range(call.first, call.last + 1):
                texts[index] = ""
        if requires:
            texts[requires[0].first] = line
        elif line:
            mark = 1 if texts and texts[0] == "\ufeff" else 0
            texts.insert(mark, line + self._newline)
        return "".join(texts)


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


def _is_told(extension: str) -> bool:
    """Whether a script shows if it uses the extension."""
    return extension in TOLD or extension.startswith("comparator-")


def _in_one_line(text: str) -> str:
    return " ".join(text.split())
