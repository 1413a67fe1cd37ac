"""What the rules of a script do to each other that standard Sieve would do differently."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from reinstate_service.mapping.sieve.rules import Rule
from reinstate_service.mapping.sieve.zimbra_tests import FLAGS

#: Why a rule is not run that Zimbra did not run either.
INACTIVE = "it was inactive"
_OPPOSITE = {"read": "unread", "flagged": "unflagged", "priority": "unpriority"}


def with_clashes(rules: Sequence[Rule], lost: Mapping[int, str]) -> dict[int, str]:
    """The rules that cannot be run, by their place, with the reason: those that are `lost`, and
    those that would mean something else without them, or beside each other."""
    found = dict(lost)
    while True:
        for place in range(len(rules)):
            if place not in found and (reason := _clash(rules, place, found)):
                found[place] = reason
                break
        else:
            return found


def _clash(rules: Sequence[Rule], place: int, lost: Mapping[int, str]) -> str:
    rule = rules[place]
    untranslated = [(rules[one], one < place) for one, reason in lost.items() if reason != INACTIVE]
    beside = [
        (other, one < place) for one, other in enumerate(rules) if one not in lost and one != place
    ]
    return _without(rule, untranslated) or _flagged(rule, beside) or _marking(rule, beside)


def _without(rule: Rule, others: Iterable[tuple[Rule, bool]]) -> str:
    """What a rule would miss of others that are not run. Mail that one of them might have kept
    is not thrown away."""
    for other, above in others:
        named = f"the rule in line {other.line}, which is not run"
        if rule.reads & other.sets:
            return f"it reads a variable of {named}"
        if rule.named("flagged") & other.named("flag"):
            return f"it asks for a mark of {named}"
        saves = other.files or bool({"stop", "redirect"} & other.names)
        if rule.removes and above and saves:
            return f"{named}, might have kept the mail"
    return ""


def _flagged(rule: Rule, others: Iterable[tuple[Rule, bool]]) -> str:
    """Zimbra asks what was done, Sieve what is so now."""
    opposite = {_OPPOSITE[flag] for flag in rule.named("flagged") & FLAGS.keys()}
    for other, _ in others:
        if opposite & other.named("flag"):
            return f"the rule in line {other.line} takes the mark away that it asks for"
    return ""


def _marking(rule: Rule, others: Iterable[tuple[Rule, bool]]) -> str:
    """Zimbra marks every copy of a message, and keeps one that it has marked."""
    for other, above in others:
        if above and other.files and not other.ends and rule.tags:
            return f"Zimbra marks what the rule in line {other.line} has filed, too"
        passes = not (other.ends if above else rule.ends)
        if "discard" in rule.names and other.tags and passes:
            return f"Zimbra keeps what the rule in line {other.line} marks"
    return ""
