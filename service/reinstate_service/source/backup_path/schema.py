"""The JSON Schema of the format: `python -m reinstate_service.source.backup_path.schema`.

Prints docs/backup-path.schema.json, which a test compares with the Structs.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import msgspec

from reinstate_service.source.backup_path.records import (
    FORMAT,
    VERSION,
    AccountIndex,
    AccountScan,
    AccountState,
    CosState,
    DomainState,
    ListState,
    Marker,
    RecordState,
)

#: Every kind of JSON file, by where it lies.
FILES: dict[str, Any] = {
    "backupstat": Marker,
    "accounts/<uuid>/account_info": list[AccountState],
    "accounts/<uuid>/account_stat": AccountIndex,
    "accounts/<uuid>/backupstat": AccountScan,
    "accounts/<uuid>/items/<last two digits>/<id>": list[RecordState],
    "server/domains/<id>": list[DomainState],
    "server/cos/<id>": list[CosState],
    "server/lists/<id>": list[ListState],
}


def schema() -> dict[str, Any]:
    """One document: `files` maps every kind of file to its schema, `$defs` holds the parts."""
    schemas, definitions = msgspec.json.schema_components(
        FILES.values(), ref_template="#/$defs/{name}"
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"{FORMAT} {VERSION}",
        "files": dict(zip(FILES, schemas, strict=True)),
        "$defs": definitions,
    }


def rendered() -> str:
    """The schema as it stands in docs/."""
    return json.dumps(schema(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.stdout.write(rendered())
