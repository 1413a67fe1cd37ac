"""Sieve scripts and redirects for property tests.

A generated script knows which of its strings name folders, so that a test can say
what must have become of each without reading Sieve itself. The names are awkward on
purpose: close to each other, in both normal forms, with quotes and backslashes, like
comments, like commands.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
        return "".join(piece if isinstance(piece, str) else piece.text for piece in self.pieces)


_Tree: TypeAlias = "str | Named | Sequence[_Tree]"

_SEGMENTS = (
    *("Work", "Work", "Work", "Workshop", "work", "INBOX", "inbox", "Inbox", "Sub", "Sub"),
    *("W\u00f6rk", "Wo\u0308rk", "Dr. Who", "Work.Sub", 'say "hi"', "back\\slash", "\\", '"'),
    *("#", "*", "{", "};", 'fileinto "Work";', "text:", "$", "\u65e5\u672c", "a b", "\U0001f4e7"),
    *("${folder}", "${hex:57}", "${unicode:1F4E7}"),
)
_LEADS = ("", "", "", "/", "/", "//")
_ENDS = ("", "", "", "", " ", "/", " /\t")
_TRUE = ("true", "not false", 'exists "x"', 'header :is ["subject", "x"] "fileinto \\"Work\\";"')
_GAPS = (
    *(" ", " ", " ", "\n", "\t", "\n\n  "),
    *('/* fileinto "Work"; */', "/**/", "/* * / ** */", ' # fileinto "Work";\n', "#\n", '# [{("\n'),
)
_PLAIN = (
    "keep;",
    "stop;",
    "discard;",
    'redirect "work@example.com";',
    'addflag "\\\\Seen";',
    'include :personal "Work";',
    'vacation :days 7 "Gone, not in \\"Work\\"";',
    'vacation text:\nfileinto "Work";\n..\n..Work\n.dot\n.\n;',
    "reject text: # why\n.\n;",
    'notify :message "Work" "mailto:a@example.com";',
    "if size :over 10K { discard; }",
    'unknown_action :tag "Work" ["Work", "Work"] 5;',
)
_ZIMBRA = (
    'tag "Work";',
    'flag "flagged";',
    "reply text:\nHello ${from}\n.\n;",
    '# Work\ndisabled_if me :in "to" { tag "Work"; }',
    'log "Work";',
)


def segments() -> st.SearchStrategy[str]:
    """One segment of a path, without a slash or trailing blanks."""
    anything = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/${}"))
    return st.sampled_from(_SEGMENTS) | anything.map(str.strip).filter(bool)


def folder_paths(max_size: int = 4) -> st.SearchStrategy[Path]:
    """Paths of one to `max_size` segments."""
    return st.lists(segments(), min_size=1, max_size=max_size).map(tuple)


def redirects() -> st.SearchStrategy[dict[Path, Path]]:
    """Redirects, some of which lead below others' old paths, to themselves, or in circles."""
    few = folder_paths(2)
    return st.dictionaries(few, few | few.map(lambda path: ("shared", *path)), max_size=3)


@st.composite
def folder_strings(draw: st.DrawFn, paths: st.SearchStrategy[Path] | None = None) -> Named:
    """A string that names a path, with stray slashes, blanks and needless backslashes."""
    path = draw(folder_paths() if paths is None else paths)
    slash = draw(st.sampled_from(("/", "/", "/", "//", " /")))
    value = draw(st.sampled_from(_LEADS)) + slash.join(path) + draw(st.sampled_from(_ENDS))
    if draw(st.integers(0, 19)) == 0:
        return Named(f"text:\n{_stuffed(value)}\n.\n", f"{value}\n", path, multiline=True)
    escaped = '"\\' if draw(st.booleans()) else '"\\Ww '
    text = "".join("\\" + letter if letter in escaped else letter for letter in value)
    return Named(f'"{text}"', value, path)


def scripts(paths: st.SearchStrategy[Path] | None = None) -> st.SearchStrategy[Script]:
    """Scripts that parse, in the dialects of Zimbra and of everybody else."""
    return st.builds(
        _script,
        st.lists(_statements(paths), max_size=6),
        st.booleans(),
        st.booleans(),
        st.booleans(),
        st.sampled_from(("\n", "\n", "\r\n")),
        st.sampled_from(("", "", "\ufeff", "# Zimbra's rule\n")),
    )


def script_like_text() -> st.SearchStrategy[str]:
    """Texts made of pieces of Sieve, which as a whole are hardly ever a script."""
    shards = st.sampled_from(_SHARDS) | st.text(max_size=3)
    return st.lists(shards, max_size=30).map("".join)


_SHARDS = (
    *'"\\\n\r[](){},;:#*/.$',
    *(
        '"Work"',
        '"Work/Sub"',
        '\\"',
        "/*",
        "*/",
        "# x\n",
        "\r\n",
        "text:",
        "text:\n",
        "\n.\n",
        "\n..",
    ),
    *(
        "fileinto ",
        "if ",
        "not ",
        "anyof (",
        "require ",
        '["',
        '"]',
        "disabled_if ",
        "else ",
        "10K",
    ),
    *('fileinto "Work";', 'require "variables";', '"${Work}"', ":fcc ", "{", "}", "\ufeff", "\0"),
    *("keep;", 'mailboxexists ["Work", "Sub"]', " ", " ", '"Work";', "true", "1x", "_"),
)


def _statements(paths: st.SearchStrategy[Path] | None) -> st.SearchStrategy[_Tree]:
    name = folder_strings(paths)
    names = st.lists(name, min_size=1, max_size=3).map(_listed)
    gap = st.sampled_from(_GAPS)
    tags = st.sampled_from(
        ("", ":copy", ":create", ':flags "Work"', ':COPY :flags ["Work", "\\\\Seen"]')
        + (':mailboxid "Work"', ':specialuse "\\\\Work" :create')
    )
    test = st.one_of(
        st.sampled_from(_TRUE),
        st.tuples(st.just("mailboxexists"), gap, name | names),
        st.tuples(
            st.just('metadata :comparator "i;octet" :is'), gap, name, st.just(' "/x" "Work"')
        ),
        st.tuples(st.just("metadataexists"), gap, name, st.just(' ["Work"]')),
        st.tuples(st.just("specialuse_exists"), gap, name, st.just(' "\\\\Work"')),
    )
    tests = test | st.tuples(st.just("allof (not "), test, st.just(","), gap, test, st.just(")"))
    leaf: st.SearchStrategy[_Tree] = st.one_of(
        st.sampled_from(_PLAIN + _ZIMBRA),
        st.tuples(st.just("fileinto "), tags, gap, name, gap, st.just(";")),
        st.tuples(st.just("FileInto"), gap, name | names, st.just(";")),
        st.tuples(st.just("vacation :days 3 :fcc "), name, st.just(' :flags "Work" "Work";')),
    )
    keyword = st.sampled_from(("if ", "if ", "if ", "disabled_if "))
    return st.recursive(
        leaf,
        lambda inner: st.tuples(
            keyword, tests, gap, st.just("{"), gap, st.lists(inner, max_size=3), st.just("}"), gap
        ),
        max_leaves=6,
    )


def _listed(names: Sequence[Named]) -> _Tree:
    return ["[", *(part for name in names for part in (name, ", "))][:-1] + ["]"]


def _script(
    statements: list[_Tree],
    variables: bool,
    encoded: bool,
    zimbra: bool,
    newline: str,
    beginning: str,
) -> Script:
    extensions = ["fileinto"] + ["variables"] * variables + ["encoded-character"] * encoded
    extensions += ["tag", "flag"] * zimbra
    required = ", ".join(f'"{extension}"' for extension in extensions)
    flat = list(_flat([f"{beginning}require [{required}];\n", *statements]))
    words = "".join(piece for piece in flat if isinstance(piece, str))
    zimbra = zimbra or any(word in words for word in _ZIMBRA_WORDS)
    return Script(
        tuple(_with_newline(piece, newline) for piece in flat), variables or zimbra, encoded
    )


_ZIMBRA_WORDS = ("disabled_if ", 'tag "Work";', 'flag "flagged";', "reply ", "log ")


def _flat(tree: _Tree) -> Iterator[str | Named]:
    if isinstance(tree, str | Named):
        yield tree
    else:
        for branch in tree:
            yield from _flat(branch)


def _with_newline(piece: str | Named, newline: str) -> str | Named:
    if isinstance(piece, str):
        return piece.replace("\n", newline)
    return piece._replace(
        text=piece.text.replace("\n", newline), value=piece.value.replace("\n", newline)
    )


def _stuffed(value: str) -> str:
    return "." + value if value.startswith(".") else value
