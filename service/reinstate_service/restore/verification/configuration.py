"""Objects as they were restored against those that the destination has: pure comparisons.

Secrets and what people have written are compared and never shown: only that they differ.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from reinstate_service.destination.contract import AccessGrant
from reinstate_service.model import Attributes, Frozen, Path, revision
from reinstate_service.restore.verification.findings import Finding, Kind

#: Fields whose values are shown: neither secret nor anybody's words.
_SHOWN = frozenset(
    {
        "account_quota",
        "admin",
        "aggregate_quota",
        "cos",
        "default_cos",
        "dynamic",
        "gal_mode",
        "hide_in_gal",
        "keep_forwarded",
        "max_accounts",
        "quota",
        "status",
    }
)
#: Fields that identify an object, or say where it came from.
_IDENTITY = frozenset({"id", "address", "system"})
#: Where what the destination had before the restore is kept.
_MERGED = frozenset({"aliases", "data_sources"})


def differences(
    expected: Frozen,
    there: Frozen,
    *,
    existed: bool = False,
    ignored: Collection[str] = (),
    attributes: Collection[str] = (),
) -> Iterator[str]:
    """In what `there` differs, as texts.

    Where the object `existed` before, more aliases and data sources are no difference. Fields and
    attributes that are `ignored` by name are not compared, nor are `attributes`.
    """
    for name in expected.__struct_fields__:
        label = name.replace("_", " ")
        if name in _IDENTITY or name in ignored or label in ignored:
            continue
        wanted, found = getattr(expected, name), getattr(there, name)
        if wanted == found:
            continue
        if isinstance(wanted, dict):
            left = {*attributes, *ignored}
            yield from (f"attribute {one} {how}" for one, how in _attributes(wanted, found, left))
        elif isinstance(wanted, tuple):
            only_lost = existed and name in _MERGED
            yield from _elements(label, wanted, found, only_lost, attributes)
        elif name in _SHOWN:
            yield f"{label} is {_shown(found)} instead of {_shown(wanted)}"
        else:
            yield f"{label} differs"


def _shown(value: object) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value) or "empty"


def _attributes(
    wanted: Attributes, found: Attributes, ignored: Collection[str]
) -> Iterator[tuple[str, str]]:
    for name in sorted(wanted.keys() | found.keys()):
        if name in ignored or wanted.get(name) == found.get(name):
            continue
        if name not in found:
            yield name, "is gone"
        else:
            yield name, "differs" if name in wanted else "is new"


def _elements(
    label: str,
    wanted: Sequence[Any],
    found: Sequence[Any],
    only_lost: bool,
    attributes: Collection[str],
) -> Iterator[str]:
    """What became of the elements: texts, which may stand in any order, or objects with ids."""
    one = {"aliases": "alias", "identities": "identity", "forwarding": "forwarding"}.get(
        label, label.removesuffix("s")
    )
    before = {getattr(each, "id", each): each for each in wanted}
    after = {getattr(each, "id", each): each for each in found}
    for key in sorted(before.keys() | after.keys()):
        if key not in after:
            yield f"{one} {key} is gone"
        elif key not in before:
            if not only_lost:
                yield f"{one} {key} is new"
        elif isinstance(before[key], Frozen) and any(
            differences(before[key], after[key], attributes=attributes)
        ):
            yield f"{one} {key} differs"


def grant_findings(
    path: Path, expected: Mapping[str, str], there: Iterable[AccessGrant], *, made: bool
) -> list[Finding]:
    """The grants of one folder; `made` by the restore, so that there were none before."""
    found = {grant.grantee.lower(): grant.rights for grant in there}
    findings = []
    for grantee, rights in sorted(expected.items()):
        has = found.pop(grantee.lower(), None)
        if has is None:
            findings.append(Finding(Kind.MISSING, "grant", grantee, rights, path))
        elif set(has) != set(rights):
            detail = f"rights {has} instead of {rights}"
            findings.append(Finding(Kind.DIFFERENT, "grant", grantee, detail, path))
    if made:
        findings += [
            Finding(Kind.CHANGED, "grant", grantee, f"given since: {rights}", path)
            for grantee, rights in sorted(found.items())
        ]
    return findings


def filter_findings(
    expected: Mapping[str, Collection[str]], scripts: Mapping[str, str]
) -> list[Finding]:
    """The filter scripts, by name; `expected` are the digests that a script may have."""
    findings = []
    for name, digests in sorted(expected.items()):
        if name not in scripts:
            findings.append(Finding(Kind.MISSING, "filter", name))
        elif revision(scripts[name]) not in digests:
            findings.append(Finding(Kind.DIFFERENT, "filter", name, "edited since"))
    return findings
