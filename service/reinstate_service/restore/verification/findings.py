"""What a comparison says: a finding, and its kinds."""

from __future__ import annotations

from enum import StrEnum

from reinstate_service.model import Frozen, Path

#: What users change is recorded one by one up to so many of an account; all are counted.
MOST_CHANGES = 1_000


class Kind(StrEnum):
    """How the destination differs from what was restored. What is `CHANGED` is still there: it is
    what users do. `UNCHECKED` could not be compared."""

    MISSING = "missing"
    DIFFERENT = "different"
    EXTRA = "extra"
    CHANGED = "changed"
    UNCHECKED = "unchecked"


class Finding(Frozen, frozen=True):
    """One difference: `what` names the sort of thing, `name` an id or what it is called, `path` its
    place on the destination."""

    kind: Kind
    what: str
    name: str
    detail: str = ""
    path: Path = ()
