"""Sieve scripts and redirects for property tests.

A generated script knows which of its strings name folders, so that a test can say
what must have become of each without reading Sieve itself. The names are awkward on
purpose: close to each other, in both normal forms, with quotes and backslashes, like
comments, like commands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import NamedTuple, TypeAlias

from hypothesis import strategies as st

from reinstate_service.model import Path


class Named(NamedTuple):
    """A string that names a folder: `text` as it stands in the script, with its quotes,
    `value` what it says, `path` the segments of that."""

    text: str
    value: str
    path: Path
    multiline: bool = False


class Script(NamedTuple):
    """A script in pieces: what must never change, and what names folders.

    `variables` and `encoded` tell whether the script's strings are expanded.
    """

    pieces: tuple[str | Named, ...]
    variables: bool
    encoded: bool

    @property
    def text(self) -> str:
        """The script as a server has it."""
        return "".join(piece if isinstance(piece, str) else piece.text for piece in self.pieces)


def segments() -> st.SearchStrategy[str]:
    """One segment of a path, without a slash or trailing blanks."""
    return st.sampled_from(_SEGMENTS) | _any_segment


def folder_paths(max_size: int = 3) -> st.SearchStrategy[Path]:
    """Paths of one to `max_size` segments."""
    return st.lists(segments(), min_size=1, max_size=max_size).map(tuple)


def redirects(script: Script | None = None) -> st.SearchStrategy[dict[Path, Path]]:
    """Redirects, most of them of paths that `script` names and of what these are below.

    Some lead below others' old paths, to themselves, or in circles.
    """
    few = folder_paths(2)
    named = _prefixes(script) if script else []
    old = st.sampled_from(named) | few if named else few
    new = st.one_of(
        few.map(lambda path: ("shared", *path)), few.map(lambda path: ("s", *path)), old
    )
    return st.dictionaries(old, new, min_size=1 if named else 0, max_size=3)


def redirected_scripts() -> st.SearchStrategy[tuple[Script, dict[Path, Path]]]:
    """Scripts, each with redirects of paths that it names."""
    return scripts().flatmap(lambda script: st.tuples(st.just(script), redirects(script)))


def folder_strings(paths: st.SearchStrategy[Path] | None = None) -> st.SearchStrategy[Named]:
    """Strings that name a path, with stray slashes, blanks and needless backslashes."""
    return st.builds(_named, folder_paths() if paths is None else paths, st.sampled_from(_SHAPES))


def scripts(paths: st.SearchStrategy[Path] | None = None) -> st.SearchStrategy[Script]:
    """Scripts that parse, in the dialects of Zimbra and of everybody else."""
    names = st.lists(folder_strings(paths), min_size=1, max_size=3)
    command = st.builds(
        _command, st.sampled_from(_COMMANDS) | st.sampled_from(_BEGINNINGS), names, _gaps
    )
    return st.builds(
        _script,
        st.lists(command | st.sampled_from(_WITHOUT_FOLDER).map(_alone), max_size=8),
        st.sampled_from(_REQUIRED),
        st.sampled_from(("\n", "\n", "\r\n")),
    )


def script_like_text() -> st.SearchStrategy[str]:
    """Texts made of shards of Sieve, which as a whole are hardly ever a script."""
    return st.lists(st.sampled_from(_SHARDS), max_size=20).map("".join)


_any_segment = (
    st.text(
        st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/${}"),
        min_size=1,
        max_size=6,
    )
    .map(str.strip)
    .filter(bool)
)
_SEGMENTS = (
    *("Work", "Work", "Work", "Workshop", "work", "INBOX", "inbox", "Inbox", "Sub", "Sub"),
    *("W\u00f6rk", "Wo\u0308rk", "Dr. Who", "Work.Sub", 'say "hi"', "back\\slash", "\\", '"'),
    *("#", "*", "{", "};", 'fileinto "Work";', "text:", "$", "\u65e5\u672c", "\U0001f4e7"),
    *("${folder}", "${hex:57}", "${unicode:1F4E7}"),
)


class _Shape(NamedTuple):
    """How a string names its path: what surrounds the segments, what has a backslash."""

    lead: str = ""
    slash: str = "/"
    end: str = ""
    escaped: str = '"\\'
    multiline: bool = False


_NEEDLESS = '"\\Ww '
_SHAPES = (
    *(_Shape(), _Shape("/"), _Shape(), _Shape("/"), _Shape(escaped=_NEEDLESS)),
    *(_Shape("//", "//"), _Shape(slash=" /"), _Shape(end="/"), _Shape("/", end=" ")),
    *(_Shape("/", "//", " /\t", _NEEDLESS), _Shape(multiline=True)),
)

#: What may stand between two tokens.
_gaps = st.sampled_from(
    (
        *(" ", " ", " ", "\n", "\t\n  ", "/**/", "/* * / ** */", "#\n", '# [{("\n'),
        *('/* fileinto "Work"; */', ' # fileinto "Work";\n'),
    )
)
# In these, <folder> and <folders> are strings that name folders, <> is a gap.
_COMMANDS = (
    "fileinto <folder>;",
    "fileinto<><folder><>;",
    "FileInto<><folders>;",
    "fileinto :copy<><folder>;",
    'fileinto :flags "Work"<>:create <folder>;',
    'fileinto :COPY :flags ["Work", "\\\\Seen"] <folder>;',
    'fileinto :mailboxid "Work" :specialuse<>"\\\\Work" <folder>;',
    'vacation :days 3<>:fcc <folder> :flags "Work" "Work";',
    'notify :fcc <folder> :message "Work"<>"mailto:work@example.com";',
)
_BEGINNINGS = (
    "if true<>{",
    'disabled_if<>header :is ["subject"] "fileinto \\"Work\\";" {',
    "if mailboxexists<><folders> {",
    "if not mailboxexists <folder><>{",
    'elsif metadata :comparator "i;octet"<>:is <folder> "/x" ["Work"] {',
    'if metadataexists <folder> ["Work"]<>{',
    'if specialuse_exists<><folder> "\\\\Work" {',
    "disabled_if anyof (mailboxexists <folder>,<>not allof(true, mailboxexists <folders>)) {",
)
_WITHOUT_FOLDER = (
    "}",
    "}",
    "} else {",
    "keep;",
    '# Work\nredirect "work@example.com";',
    'addflag "\\\\Seen";',
    'include :personal "Work";',
    'vacation :days 7 "Gone, not in \\"Work\\"";',
    'vacation text:\nfileinto "Work";\n..\n..Work\n.dot\n.\n;',
    "reject text: # why\n.\n;",
    "if size :over 10K { discard; }",
    'unknown_action :tag "Work" ["Work", "Work"] 5;',
    'tag "Work"; flag "flagged";',
    "reply text:\nHello ${from}\n.\n;",
    '# Work\r\ndisabled_if me :in "to" { tag "Work"; stop; }',
)
_REQUIRED = (
    'require "fileinto";\n',
    "",
    '\ufeffrequire ["fileinto", "mailbox", "copy"]; # by hand\n',
    'require ["fileinto", "encoded-character"];\n',
    'require ["fileinto", "variables"];\n',
    'require ["fileinto", "variables", "encoded-character"];\n',
    'require ["fileinto", "copy", "reject", "tag", "flag", "variables", "log"];\n',
)
_SHARDS = (
    *'"\\\n\r[](){},;:#*/.$_',
    *('"Work"', '"Work/Sub"', '"${Work}"', '\\"', '["', '"]', '"Work";', "\u00f6", "\0", "\ufeff"),
    *("/*", "*/", "# x\n", "\r\n", "text:", "text:\n", "\n.\n", "\n..", "10K", "1x", " ", " "),
    *("fileinto ", "if ", "not ", "anyof (", "require ", "disabled_if ", "else ", "true", ":fcc "),
    *('fileinto "Work";', 'require "variables";', "keep;", 'mailboxexists ["Work", "Sub"]'),
)
#: A command of Zimbra's, not a tag or a string that is called the same.
_ZIMBRA = re.compile(r'(?<![":\w])(?:disabled_if|tag|flag|reply)\b')
_Pieces: TypeAlias = tuple[str | Named, ...]


def _prefixes(script: Script) -> list[Path]:
    named = [piece.path for piece in script.pieces if isinstance(piece, Named)]
    return [path[:length] for path in named for length in range(1, len(path) + 1)]


def _alone(text: str) -> _Pieces:
    return (text,)


def _named(path: Path, shape: _Shape) -> Named:
    value = shape.lead + shape.slash.join(path) + shape.end
    if shape.multiline:
        stuffed = "." + value if value.startswith(".") else value
        return Named(f"text:\n{stuffed}\n.\n", value, path, multiline=True)
    text = "".join("\\" + letter if letter in shape.escaped else letter for letter in value)
    return Named(f'"{text}"', value, path)


def _command(template: str, names: Sequence[Named], gap: str) -> _Pieces:
    return tuple(_filled(template, names, gap))


def _filled(template: str, names: Sequence[Named], gap: str) -> Iterator[str | Named]:
    single = cycle(names)
    for part in re.split("(<[a-z]*>)", template):
        match part:
            case "<folder>":
                yield next(single)
            case "<folders>":
                for before, name in zip(["[", *[", "] * len(names)], names, strict=False):
                    yield from (before, name)
                yield "]"
            case "<>":
                yield gap
            case _:
                yield part


def _script(commands: Sequence[_Pieces], required: str, newline: str) -> Script:
    pieces: list[str | Named] = [required]
    depth = 0
    for command in commands:
        last = command[-1]
        ends = last.startswith("}") if isinstance(last, str) else False
        if ends and not depth:
            continue
        depth += (isinstance(last, str) and last.endswith("{")) - ends
        pieces += (*command, "\n")
    pieces += ["}"] * depth
    plain = "".join(piece for piece in pieces if isinstance(piece, str))
    return Script(
        tuple(_with_newline(piece, newline) for piece in pieces),
        variables='"variables"' in required or bool(_ZIMBRA.search(plain)),
        encoded="encoded-character" in required,
    )


def _with_newline(piece: str | Named, newline: str) -> str | Named:
    if isinstance(piece, str):
        return re.sub("\r?\n", newline, piece)
    return piece._replace(text=piece.text.replace("\n", newline))
