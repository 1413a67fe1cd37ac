"""What to do is told for every kind of failure that a report can name."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module

import reinstate_service
from reinstate_journal.errors import ReinstateError
from reinstate_service.destination.contract import ChangedMeanwhile, Refused
from reinstate_service.operations.advice import advice
from reinstate_service.source.contract import ItemError


def kinds(base: type[ReinstateError]) -> Iterator[type[ReinstateError]]:
    for kind in base.__subclasses__():
        yield kind
        yield from kinds(kind)


def test_every_failure_of_an_item_or_an_object_has_its_advice() -> None:
    for module in pkgutil.walk_packages(reinstate_service.__path__, "reinstate_service."):
        if not module.name.startswith("reinstate_service.testing"):
            import_module(module.name)
    found = [ChangedMeanwhile, *kinds(ItemError), *kinds(Refused)]
    other = advice("no such class")
    missing = [
        kind.__name__
        for kind in found
        if kind.__module__.startswith("reinstate_service.") and advice(kind.__name__) == other
    ]
    assert missing == []


def test_advice_is_a_sentence_without_its_full_stop() -> None:
    for kind in (*kinds(ItemError), *kinds(Refused)):
        told = advice(kind.__name__)
        assert told[0].isupper()
        assert not told.endswith(".")
