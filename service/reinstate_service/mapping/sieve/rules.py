"""A script as rules: what stands at its top level, each with what it does and needs.

An `if` and the `elsif` and `else` that follow it are one rule, and so is every other
command by itself; `require` is none. What a rule's commands do together is told here;
whether that has a counterpart is decided in `zimbra`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from reinstate_service.mapping.sieve.lexer import Kind, Token, value
from reinstate_service.mapping.sieve.parser import Call
from reinstate_service.mapping.sieve.vocabulary import VARIABLE

#: No title in an event is longer.
_TITLE = 60
_CONTINUED = frozenset({"elsif", "else"})
_CONDITIONAL = _CONTINUED | {"if", "disabled_if"}
_FILING = frozenset({"fileinto", "keep"})
_TAGGING = frozenset({"tag", "flag"})


@dataclass(frozen=True)
class Rule:
    """A rule: its calls with their indices in the script's, from the outside in."""

    calls: dict[int, Call]
    lexed: Sequence[Token] = field(repr=False)

    @cached_property
    def heads(self) -> tuple[int, ...]:
        """Its calls at the top level."""
        return tuple(index for index, call in self.calls.items() if call.parent == -1)

    @property
    def head(self) -> Call:
        """Its first command."""
        return self.calls[self.heads[0]]

    @property
    def span(self) -> tuple[int, int]:
        """Its first and last token."""
        return self.head.first, self.calls[self.heads[-1]].last

    @property
    def line(self) -> int:
        """Where it begins."""
        return self.lexed[self.head.first].line

    @property
    def title(self) -> str:
        """What its user calls it: the comment in the line above, as Zimbra writes it; otherwise its
        first word."""
        above = self.lexed[max(self.head.first - 2, 0) : self.head.first]
        kinds = [token.kind for token in above]
        if kinds == [Kind.COMMENT, Kind.BLANK] and above[0].text.startswith("#"):
            return above[0].text.lstrip("#").strip()[:_TITLE] or self.head.name
        return self.head.name

    @property
    def text(self) -> str:
        """The rule as it stands in the script."""
        first, last = self.span
        return "".join(token.text for token in self.lexed[first : last + 1])

    @cached_property
    def names(self) -> frozenset[str]:
        """What its commands and tests are called."""
        return frozenset(call.name for call in self.calls.values())

    @property
    def files(self) -> bool:
        """Whether it can put the message anywhere."""
        return bool(self.names & _FILING)

    @property
    def tags(self) -> bool:
        """Whether it can mark the message."""
        return bool(self.names & _TAGGING)

    @property
    def removes(self) -> bool:
        """Whether it can keep the message out of the account."""
        return bool(self.names & {"discard", "reject", "ereject"}) or any(
            call.name == "redirect" and not any(one.tag == ":copy" for one in call.arguments)
            for call in self.calls.values()
        )

    @cached_property
    def ends(self) -> bool:
        """Whether no message that it does anything to gets to the rules below it."""
        if self.head.name == "stop":
            return True
        blocks = [index for index in self.heads if self.calls[index].name in _CONDITIONAL]
        inside = [{self.calls[one].name for one in self.inside(block)} for block in blocks]
        return bool(blocks) and all("stop" in names for names in inside if names)

    def inside(self, block: int) -> Iterator[int]:
        """The commands in the block of a command, not those deeper."""
        return (
            index for index, call in self.calls.items() if call.parent == block and not call.test
        )

    @cached_property
    def sets(self) -> frozenset[str]:
        """The variables that it sets, in small letters."""
        return frozenset(
            value(self.lexed[call.arguments[-2].strings[0]]).lower()
            for call in self.calls.values()
            if call.name == "set" and len(call.arguments) > 1 and call.arguments[-2].strings
        )

    @cached_property
    def reads(self) -> frozenset[str]:
        """The variables that its strings are expanded with, in small letters."""
        return frozenset(
            name.lower()
            for call in self.calls.values()
            for argument in call.arguments
            for token in argument.strings
            for name in VARIABLE.findall(value(self.lexed[token]))
        )

    def named(self, *names: str) -> frozenset[str]:
        """The strings that its calls of these names are given."""
        return frozenset(
            value(self.lexed[token])
            for call in self.calls.values()
            if call.name in names
            for argument in call.arguments
            for token in argument.strings
        )


def rules_of(calls: Sequence[Call], lexed: Sequence[Token]) -> list[Rule]:
    """The rules of a script, in their order."""
    rules: list[dict[int, Call]] = []
    begun = False
    for index, call in enumerate(calls):
        if call.parent == -1:
            begun = call.name != "require"
            if begun and not (call.name in _CONTINUED and rules and _goes_on(rules[-1])):
                rules.append({})
        if begun:
            rules[-1][index] = call
    return [Rule(rule, lexed) for rule in rules]


def _goes_on(rule: dict[int, Call]) -> bool:
    return next(call.name for call in rule.values()) in _CONDITIONAL
