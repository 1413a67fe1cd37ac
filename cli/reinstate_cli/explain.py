"""`reinstate explain`."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Annotated

import typer

from reinstate_cli.console import moment, say, say_json
from reinstate_cli.options import DEFAULT_JOURNAL, Journal, Json, examples
from reinstate_journal import open_reader
from reinstate_service.operations.explain import Explanation, Sentence
from reinstate_service.operations.session import explain_from

EPILOG = examples(
    "reinstate explain ann@example.com 1042",
    "reinstate explain ann@example.com Work/Projects",
    "reinstate explain ann@example.com incoming",
    "reinstate explain ann@example.com '<20260503.1@example.com>' --with-subjects",
)
_WIDTH = 96


def explain(
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="An address or id.")],
    name: Annotated[
        str,
        typer.Argument(
            metavar="WHAT",
            help="An item's or folder's id, a folder's path, a filter's name, the name of a"
            " message's file, or a Message-ID.",
        ),
    ],
    restore: Annotated[
        str | None, typer.Option("--restore", metavar="ID", help="If the journal has several.")
    ] = None,
    journal: Journal = DEFAULT_JOURNAL,
    with_subjects: Annotated[
        bool, typer.Option("--with-subjects", help="Show subject, sender and date of a message.")
    ] = False,
    json: Json = False,
) -> None:
    """Tell what became of something, and why.

    In sentences, from the backup's state to its place on the destination, each with the number
    of the event that it rests on. A Message-ID is looked for in the backup.
    """
    with open_reader(journal) as reader:
        told = explain_from(reader, restore, account, name, with_subjects=with_subjects)
    if json:
        say_json(told)
    else:
        say("\n\n".join("\n".join(_render(one)) for one in told))


def _render(told: Explanation) -> Iterator[str]:
    yield f"{told.subject} of {told.address or told.account}"
    for name, text in told.headers.items():
        yield f"  {name}: {text}"
    for sentence in told.sentences:
        yield ""
        yield f"  {_source(sentence)}"
        yield textwrap.fill(
            sentence.text,
            _WIDTH,
            initial_indent="    ",
            subsequent_indent="    ",
            break_long_words=False,
            break_on_hyphens=False,
        )


def _source(sentence: Sentence) -> str:
    when = f", {moment(sentence.at)}" if sentence.at is not None else ""
    return f"event {sentence.position:,}{when}" if sentence.position else f"backup{when}"
