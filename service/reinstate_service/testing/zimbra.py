"""Rules as Zimbra's editor writes them, every construct of it, for property tests."""

from __future__ import annotations

from hypothesis import strategies as st

_NAMES = st.sampled_from(("Work", "/Work ", "//Work//Sub", "work", "Größe 1", 'say "hi"', "C:\\x"))
_TESTS = (
    *('header :contains ["subject"] "x"', 'header :matches "subject" "*a*"', "size :over 10K"),
    *('address :all :contains :comparator "i;octet" ["from"] "x@"', 'exists "list-id"'),
    *('body :contains "x"', 'envelope :all :is ["from"] "x@y.test"', "true"),
    *('header :value "ge" :comparator "i;ascii-numeric" ["x-score"] "5"', "attachment", "bulk"),
    *('me :in "to,cc"', 'me :in "x-strange"', "list", "invite", 'invite :method ["anyreply"]'),
    *('invite :method ["nonsense"]', 'importance "high"', 'importance "normal"', "facebook"),
    *("linkedin", "twitter", "socialcast", "community_requests", "community_content"),
    *("community_connections", 'addressbook :in ["from"]', 'contact_ranking :in "from"'),
    *('conversation :where "started"', 'flagged "priority"', 'flagged "unread"'),
    *('mime_header :contains ["Content-Type"] "pdf"', 'current_time :after "0900"'),
    *('current_time :before "9"', 'current_day_of_week :is ["0","6"]', 'date :before "20260101"'),
    *('date :after "20261399"', "anyof ()", 'header :is [] "x"', 'string :is "${unset}" "x"'),
    *('address :is ["subject"] "x"', 'string :is "${place}" "x"'),
)
_ACTIONS = (
    *("keep;", "discard;", "stop;", "stop;", 'redirect "x@y.test";', 'redirect :copy "x@y.test";'),
    *('flag "read";', 'flag "unread";', 'flag "flagged";', 'flag "priority";', 'flag "strange";'),
    *('log "x";', 'log :info "two\nlines";', "reply text:\nHello\n.\n;", 'reject "No";'),
    *('notify "a@b.test" "Subject" text:\nText\n.\n;', 'notify "mailto:a@b.test";'),
    *('notify "a@b.test" "" text:\n${from}\n.\n;', 'notify "a@b.test" "S" "T" ["subject"];'),
    *('notify "a@b.test" "S" "T" 100;', 'ereject "No";', 'set "place" "Work";', 'tag "${x}";'),
    *('fileinto "${place}";', 'addheader "X" "y";', "zimbravariablesctrl :reset;"),
)
_FILING = ("fileinto", "fileinto :copy", "tag")
_REQUIRED = (
    'require ["fileinto", "copy", "reject", "tag", "flag", "variables", "log", "enotify",'
    ' "envelope", "body", "ereject", "reject", "relational", "comparator-i;ascii-numeric"];\n',
    'require ["fileinto", "tag", "flag"];\n',
    "",
)


def _named(command: str, name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'{command} "{escaped}";'


_tests = st.recursive(
    st.sampled_from(_TESTS),
    lambda inner: st.one_of(
        inner.map(lambda test: f"not {test}"),
        st.builds(
            lambda word, tests: f"{word} ({', '.join(tests)})",
            st.sampled_from(("allof", "anyof")),
            st.lists(inner, min_size=1, max_size=3),
        ),
    ),
    max_leaves=4,
)
_action = st.sampled_from(_ACTIONS) | st.builds(_named, st.sampled_from(_FILING), _NAMES)


def _block(tests: tuple[str, ...], lines: list[str], word: str) -> str:
    body = "\n    ".join(lines)
    return f"{word} {tests[0]} {{\n    {body}\n}}"


_body = st.recursive(
    _action,
    lambda inner: st.builds(
        lambda test, lines: _block((test,), lines, "if"),
        _tests,
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=4,
)
_ifs = st.builds(
    lambda word, test, lines: _block((test,), lines, word),
    st.sampled_from(("if", "if", "if", "disabled_if")),
    _tests,
    st.lists(_body, min_size=1, max_size=4),
)
_chains = st.builds(
    lambda begin, end: begin + end,
    _ifs,
    st.sampled_from(("", "", "", " else { keep; }", ' elsif list { tag "L"; }')),
)


def zimbra_rules() -> st.SearchStrategy[list[str]]:
    """Rules, each with a comment above it that names it `rule <number>`."""
    return st.lists(_chains | _chains | _action, min_size=1, max_size=5)


def zimbra_script(rules: list[str], required: str, newline: str) -> str:
    """The rules as a script, each below its name."""
    named = "".join(f"# rule {number}\n{rule}\n" for number, rule in enumerate(rules))
    return (required + named).replace("\n", newline)


def zimbra_scripts() -> st.SearchStrategy[tuple[list[str], str]]:
    """Rules with the script that they make."""
    return zimbra_rules().flatmap(
        lambda rules: st.builds(
            lambda required, newline: (rules, zimbra_script(rules, required, newline)),
            st.sampled_from(_REQUIRED),
            st.sampled_from(("\n", "\n", "\r\n")),
        )
    )
