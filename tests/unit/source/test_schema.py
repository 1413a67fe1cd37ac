"""The specification keeps up with the code."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec

from reinstate_service.source.backup_path.schema import FILES, rendered

DOCS = Path(__file__).parents[3] / "docs"


def test_the_schema_in_docs_is_current() -> None:
    assert (DOCS / "backup-path.schema.json").read_text("utf-8") == rendered(), (
        "run: python -m reinstate_service.source.backup_path.schema > docs/backup-path.schema.json"
    )


def test_every_example_in_docs_is_what_its_file_may_hold() -> None:
    text = (DOCS / "backup-path.md").read_text("utf-8")
    examples = re.findall(r"<!-- (.+?) -->\n```json\n(.+?)```", text, re.DOTALL)
    assert {name for name, _ in examples} == set(FILES)
    for name, example in examples:
        decoded = msgspec.json.decode(example.encode(), type=FILES[name])
        assert json.loads(msgspec.json.encode(decoded)) == json.loads(example)


def test_every_key_is_described_in_docs() -> None:
    text = (DOCS / "backup-path.md").read_text("utf-8")
    definitions = json.loads(rendered())["$defs"]
    for name, definition in definitions.items():
        for key in definition.get("properties", {}):
            assert f"`{key}`" in text, f"{name}.{key}"
