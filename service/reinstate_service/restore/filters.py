"""Phase 3 for one account's filter scripts: container-restore rule 9.

The scripts are read back from the destination, not taken from the backup: what the user
has changed since stays. A script is decided and recorded, then replaced at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from reinstate_journal.container_map import MappedFilter
from reinstate_journal.crashpoints import At, reach
from reinstate_journal.events import FilterActivated, FilterChange, FilterLeft, FilterRedirected
from reinstate_service.destination.contract import Mailbox
from reinstate_service.model import Path, revision
from reinstate_service.restore.context import Context
from reinstate_service.restore.plan import FilterPlan, plan_filter
from reinstate_service.restore.recorder import Recorder


def redirect_scripts(
    context: Context,
    recorder: Recorder,
    mailbox: Mailbox,
    scripts: Mapping[str, str],
    exists: Callable[[Path], bool],
) -> None:
    """Lets every script write to where its folders are now.

    `exists` tells whether the account reaches a folder at a path.
    """
    redirects = context.journal.containers.redirects(recorder.stream)
    known = context.journal.containers.filters(recorder.stream)
    for name, text in scripts.items():
        plan = plan_filter(text, redirects, exists, context.namespace)
        _carry_out(recorder, mailbox, name, text, plan=plan, known=known.get(name))


def _carry_out(
    recorder: Recorder,
    mailbox: Mailbox,
    name: str,
    text: str,
    *,
    plan: FilterPlan,
    known: MappedFilter | None,
) -> None:
    before, after = revision(text), revision(plan.text)
    if known is not None and known.after == before != known.before and not known.active:
        # It was replaced, and the process died before it could say so.
        recorder.append(FilterActivated(script=name, revision=before))
        return
    left = tuple(FilterLeft(*one) for one in plan.left)
    if not plan.changed and (not left if known is None else left == known.left):
        return
    decided = FilterRedirected(
        script=name,
        before=before,
        after=after,
        changed=tuple(FilterChange(*one) for one in plan.changed),
        left=left,
    )
    if known is None or (known.before, known.after, known.active) != (before, after, False):
        recorder.append(decided)
        reach(At.FILTER_DECIDED)
    if plan.changed:
        mailbox.replace_script(name, plan.text)
        reach(At.FILTER_REPLACED)
        recorder.append(FilterActivated(script=name, revision=after))
