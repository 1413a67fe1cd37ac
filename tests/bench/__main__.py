"""`make bench`, and `python -m tests.bench NAME` for one of its parts.

Each part is a module with `arguments`, which tells its options, and `tables`, which measures
and yields what it has found. It fails when somebody has not done the work that is measured.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Iterator

from tests.bench.ending import END
from tests.bench.figures import Table, as_json, as_text, machine

PARTS = {
    "restore": "tests.bench.restoring",
    "journal": "tests.bench.journal",
    "start": "tests.bench.starting",
    "scale": "tests.bench.scale",
    "soak": "tests.bench.soak",
    "keep": "tests.bench.keeping",
    "dedupe": "tests.bench.deduping",
    "archives": "tests.bench.archives",
    "watch": "tests.bench.watching",
    "wire": "tests.bench.wire",
    "peers": "tests.bench.peers",
    "strikes": "tests.bench.strikes",
}
#: What runs when nobody says what, each with its options: under 20 minutes on two quiet cores.
USUAL = (
    ("restore",),
    ("journal",),
    ("start",),
    ("wire", "--rounds", "2"),
    ("keep", "--on", "disk", "--messages", "5000"),
    ("restore", "--small", "20000"),
    ("scale",),
    ("watch",),
)


def main() -> None:
    """Prints one part after the other, or all of them as JSON at the end."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="nothing but JSON, at the end")
    parser.add_argument("--scale", type=float, default=1.0, help="so many times the usual size")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of what has rounds")
    parts = parser.add_subparsers(dest="part", metavar=f"[{'|'.join(PARTS)}]")
    modules = {name: importlib.import_module(module) for name, module in PARTS.items()}
    for name, module in modules.items():
        summary = str(module.__doc__).partition("\n")[0]
        own = parts.add_parser(name, help=summary, description=module.__doc__)
        for option, kind in (("--json", None), ("--scale", float), ("--rounds", int)):
            _again(own, option, kind)
        module.arguments(own)
    asked = parser.parse_args()
    usual = () if asked.part else (parser.parse_args([*sys.argv[1:], *part]) for part in USUAL)
    chosen = [*usual] or [asked]

    def found() -> Iterator[Table]:
        for one in chosen:
            yield from modules[one.part].tables(one)

    with END:
        if asked.json:
            print(as_json(found()))  # noqa: T201 - what a benchmark is for
            return
        print(", ".join(f"{name} {value}" for name, value in machine().items()), "\n")  # noqa: T201
        for table in found():
            print(as_text(table), flush=True)  # noqa: T201


def _again(parser: argparse.ArgumentParser, option: str, kind: type | None) -> None:
    """An option that may stand before the part's name and after it."""
    if kind is None:
        parser.add_argument(option, action="store_true", default=argparse.SUPPRESS)
    else:
        parser.add_argument(option, type=kind, default=argparse.SUPPRESS)


if __name__ == "__main__":
    main()
