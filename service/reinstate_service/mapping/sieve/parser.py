"""Tokens as calls of commands and tests: the grammar of RFC 5228 §8.2, any vocabulary.

Which commands exist and which arguments they take is left to the server: Zimbra's
`disabled_if`, `tag` and `flag`, and whatever extension comes next, are calls like any
other. Empty lists pass as well, because rule editors write them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import NamedTuple

from reinstate_service.mapping.sieve.lexer import Kind, Token

_SILENT = frozenset({Kind.BLANK, Kind.COMMENT})
_STRINGS = frozenset({Kind.STRING, Kind.TEXT})
_DISABLED = "disabled_if"
_CONTINUED = frozenset({"elsif", "else"})


class Argument(NamedTuple):
    """A tag in small letters (with its colon), or the indices of the tokens of a string or
    string list (which may be empty), or a number."""

    tag: str = ""
    strings: tuple[int, ...] = ()
    number: bool = False


class Call(NamedTuple):
    """A command or test with its own arguments; `name` is in small letters.

    `active` is false inside a rule that Zimbra has switched off. It stands in the tokens from
    `first` to `last`, with its block and its semicolon. `parent` is the index of the call
    that it is a test of or a command in the block of, or -1.
    """

    name: str
    arguments: tuple[Argument, ...]
    active: bool
    test: bool
    first: int
    last: int
    parent: int


class Fault(NamedTuple):
    """Why some tokens are not a script, and where that shows."""

    line: int
    text: str
    reason: str


def parse(script: Iterable[Token]) -> tuple[Call, ...] | Fault:
    """The calls of the script in the order in which they begin, or what is wrong with it."""
    parser = _Parser()
    line = 1
    for index, token in enumerate(script):
        line = token.line
        if token.kind in _SILENT:
            continue
        reason = parser.take(index, token)
        if reason:
            return Fault(token.line, token.text[:60], reason)
    if parser.unfinished:
        return Fault(line, "", "the script ends in the middle of a command")
    return tuple(
        Call(
            opened.name,
            tuple(opened.arguments),
            opened.active,
            opened.place is _Place.TEST,
            opened.first,
            opened.end,
            opened.parent,
        )
        for opened in parser.calls
    )


class _Place(Enum):
    BLOCK = auto()
    COMMAND = auto()
    TEST = auto()
    TESTS = auto()


@dataclass(slots=True)
class _Open:
    """Something that has begun and not ended.

    `filled`: a call has its test, or a list of tests has one since its last comma;
    `begun`: the list has had one at all. `last` is for a block: whether the command
    that began last in it is active, which `elsif` and `else` go by. `call` is the index of
    the call that it is, or belongs to.
    """

    place: _Place
    active: bool
    name: str = ""
    first: int = -1
    end: int = -1
    call: int = -1
    parent: int = -1
    arguments: list[Argument] = field(default_factory=list)
    filled: bool = False
    begun: bool = False
    last: bool = True


class _Parser:
    """A pushdown automaton; `take` answers with a reason if the token cannot stand here."""

    def __init__(self) -> None:
        self._stack = [_Open(_Place.BLOCK, active=True)]
        self._strings: list[int] | None = None
        self._comma_due = False
        self._previous = -1
        self.calls: list[_Open] = []

    @property
    def unfinished(self) -> bool:
        return len(self._stack) > 1

    def take(self, index: int, token: Token) -> str:
        reason = "this is not Sieve" if token.kind is Kind.OTHER else self._take(index, token)
        self._previous = index
        return reason

    def _take(self, index: int, token: Token) -> str:
        if self._strings is not None:
            return self._in_strings(self._strings, index, token)
        # A test ends where something follows that cannot be a part of it.
        while self._stack[-1].place is _Place.TEST:
            if self._in_arguments(index, token):
                return ""
            self._stack.pop().end = self._previous
        match self._stack[-1].place:
            case _Place.BLOCK:
                return self._in_block(index, token)
            case _Place.COMMAND:
                return "" if self._in_arguments(index, token) else self._end_command(index, token)
            case _:
                return self._in_tests(index, token)

    def _in_strings(self, strings: list[int], index: int, token: Token) -> str:
        if token.kind in _STRINGS and not self._comma_due:
            strings.append(index)
            self._comma_due = True
        elif token.text == "," and self._comma_due:
            self._comma_due = False
        elif token.text == "]" and (self._comma_due or not strings):
            self._stack[-1].arguments.append(Argument(strings=tuple(strings)))
            self._strings = None
        else:
            return "a list of strings cannot go on like this"
        return ""

    def _in_block(self, index: int, token: Token) -> str:
        block = self._stack[-1]
        if token.kind is Kind.IDENTIFIER:
            name = token.text.lower()
            goes_on = name in _CONTINUED
            block.last = block.active and name != _DISABLED and (block.last or not goes_on)
            self._begin(_Place.COMMAND, name, index, active=block.last)
        elif token.text == "}" and len(self._stack) > 1:
            # The block, and the command that it ends.
            self._stack.pop()
            self._stack.pop().end = index
        else:
            return "a command should begin here"
        return ""

    def _in_arguments(self, index: int, token: Token) -> bool:
        call = self._stack[-1]
        if call.filled:
            return False
        if token.kind in _STRINGS:
            call.arguments.append(Argument(strings=(index,)))
        elif token.kind is Kind.TAG:
            call.arguments.append(Argument(tag=token.text.lower()))
        elif token.kind is Kind.NUMBER:
            call.arguments.append(Argument(number=True))
        elif token.text == "[":
            self._strings, self._comma_due = [], False
        elif token.kind is Kind.IDENTIFIER:
            call.filled = True
            self._begin(_Place.TEST, token.text.lower(), index, active=call.active)
        elif token.text == "(":
            call.filled = True
            self._stack.append(_Open(_Place.TESTS, call.active, call=call.call))
        else:
            return False
        return True

    def _in_tests(self, index: int, token: Token) -> str:
        tests = self._stack[-1]
        if token.kind is Kind.IDENTIFIER and not tests.filled:
            tests.filled = tests.begun = True
            self._begin(_Place.TEST, token.text.lower(), index, active=tests.active)
        elif token.text == "," and tests.filled:
            tests.filled = False
        elif token.text == ")" and (tests.filled or not tests.begun):
            self._stack.pop()
        else:
            return "a list of tests cannot go on like this"
        return ""

    def _begin(self, place: _Place, name: str, index: int, *, active: bool) -> None:
        parent = self._stack[-1].call
        call = _Open(place, active, name, index, call=len(self.calls), parent=parent)
        self._stack.append(call)
        self.calls.append(call)

    def _end_command(self, index: int, token: Token) -> str:
        if token.text == ";":
            self._stack.pop().end = index
        elif token.text == "{":
            command = self._stack[-1]
            self._stack.append(_Open(_Place.BLOCK, command.active, call=command.call))
        else:
            return "a command should end here, or go on with an argument"
        return ""
