"""Phase 3 for one account's mountpoints and filters: container-restore rules 5 to 9.

In this order, each step durable before the next: it is decided where every mountpoint
goes; the mountpoints are made, with the folders below their targets that are needed;
the filters are redirected, so that nothing more arrives where a mountpoint belongs; what
filters had put there moves into the target; the emptied folders go. Where a mountpoint
stands at its own path, the folder that is in its way is emptied and removed first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from msgspec.structs import asdict, replace

from reinstate_journal.container_map import MappedMountpoint, Relocation
from reinstate_journal.crashpoints import At, reach
from reinstate_journal.events import (
    ItemsRelocated,
    MountpointMapped,
    MountpointRefused,
    MountpointRestored,
    RelocationStarted,
    StrayFolderEmptied,
    StrayFolderKept,
    StrayFolderRemoved,
)
from reinstate_service.destination.contract import AccessGrant, Mailbox, Refused
from reinstate_service.destination.fence import Fence, FencedMailbox
from reinstate_service.mapping.mountpoints import (
    Grantee,
    Ground,
    MountpointDecision,
    Owner,
    at_or_below,
    map_mountpoints,
)
from reinstate_service.mapping.paths import comparable
from reinstate_service.model import AccountRef, Containers, Folder, Path
from reinstate_service.restore.context import Context
from reinstate_service.restore.filters import redirect_scripts
from reinstate_service.restore.plan import filed_paths, plan_grants
from reinstate_service.restore.recorder import Recorder

OwnerOf = Callable[[str], Owner | None]

#: How many messages move between two appends.
_BATCH = 500
#: How often a stray folder is emptied again because mail arrived in it meanwhile.
_ROUNDS = 5


def restore_mountpoints(
    context: Context, recorder: Recorder, ref: AccountRef, containers: Containers, owner_of: OwnerOf
) -> None:
    """Carries out rules 5 to 9 for one account; a step that the journal knows as done is not
    done again."""
    with context.destination.mailbox(ref.address) as mailbox:
        scripts = mailbox.scripts()
        if not containers.mountpoints and not scripts:
            return
        context.journal.containers.require_sound(recorder.stream)
        work = _Work(context, recorder, mailbox)
        filed = filed_paths(scripts.values(), context.namespace)
        decisions = work.decide(ref, containers, filed, owner_of)
        done = [one for one in decisions if recorder.is_done(f"mountpoint {one.mountpoint}")]
        pending = [one for one in decisions if one not in done]
        in_place = context.namespace.mounts_in_place
        pending = work.attempt(pending, work.prepare if in_place else work.mount)
        if not in_place:
            work.record_retried(pending)
        redirect_scripts(context, recorder, mailbox, scripts, work.reaches([*done, *pending]))
        reach(At.FILTERS_REDIRECTED)
        pending = work.attempt(pending, work.put_in_place if in_place else work.clear)
        retried = in_place and work.record_retried(pending)
        for decision in pending:
            reach(At.MOUNTPOINT_DONE)
            recorder.append(MountpointRestored(mountpoint=decision.mountpoint))
        if retried:
            scripts = mailbox.scripts()
            redirect_scripts(context, recorder, mailbox, scripts, work.reaches([*done, *pending]))


class _Work:
    """The steps on one account."""

    def __init__(self, context: Context, recorder: Recorder, mailbox: Mailbox) -> None:
        self._context = context
        self._recorder = recorder
        self._mailbox = mailbox
        self._namespace = context.namespace
        self._new: set[str] = set()
        self._retried: set[str] = set()

    def decide(
        self,
        ref: AccountRef,
        containers: Containers,
        filed: tuple[Path, ...],
        owner_of: OwnerOf,
    ) -> list[MountpointDecision]:
        """The decisions that stand, new ones recorded; refusals are recorded and left out. What
        the destination has refused before is tried again, and recorded when it succeeds."""
        journal = self._context.journal.containers
        stream = self._recorder.stream
        places = {folder: known.path for folder, known in journal.folders(stream).items()}
        grantee = Grantee(ref.id, containers.folders, places, self._existing(), filed)
        mapped = journal.mountpoints(stream)
        decisions = []
        events = []
        for decision in map_mountpoints(containers.mountpoints, grantee, owner_of, self._namespace):
            known = mapped.get(decision.mountpoint)
            was_refused = known is not None and bool(known.refused)
            if known is not None and (known.restored or not (was_refused or decision.refused)):
                decisions.append(self._standing(decision, known, grantee.existing))
            elif decision.refused:
                self._refuse(decision, decision.refused)
            elif known is not None and was_refused and _is_as_before(decision, known):
                decisions.append(decision)
                self._retried.add(decision.mountpoint)
            else:
                decisions.append(decision)
                events.append(_mapped(decision))
                self._new.add(decision.mountpoint)
        self._recorder.append(*events)
        reach(At.MOUNTPOINTS_DECIDED)
        return decisions

    def _standing(
        self, decision: MountpointDecision, known: MappedMountpoint, existing: Iterable[Path]
    ) -> MountpointDecision:
        """The decision as it was made once. By now the account's filters may file elsewhere; what
        stands at its place is stray all the same."""
        in_the_way = known.reason == Ground.FILTER.value
        stray = at_or_below(known.path, existing, self._namespace)
        return MountpointDecision(
            decision.mountpoint,
            known.source,
            known.path,
            decision.remote,
            known.owner,
            known.target,
            known.address,
            Ground(known.reason),
            stray if in_the_way else (),
        )

    def attempt(
        self,
        decisions: Iterable[MountpointDecision],
        effect: Callable[[MountpointDecision], None],
    ) -> list[MountpointDecision]:
        """Has the effect for each; answers those for which the destination did not refuse it."""
        done = []
        for decision in decisions:
            try:
                effect(decision)
            except Refused as error:
                self._refuse(decision, str(error))
            else:
                done.append(decision)
        return done

    def _refuse(self, decision: MountpointDecision, reason: str) -> None:
        refused = MountpointRefused(
            mountpoint=decision.mountpoint, path=decision.source, reason=reason
        )
        if decision.mountpoint in self._new:
            self._recorder.append(refused)
        else:
            self._recorder.append_news(refused, reason)

    def record_retried(self, decisions: Iterable[MountpointDecision]) -> bool:
        """Records those that had been refused before and were not this time; answers whether
        there are any."""
        events = [_mapped(one) for one in decisions if one.mountpoint in self._retried]
        self._recorder.append(*events)
        return bool(events)

    def prepare(self, decision: MountpointDecision) -> None:
        """Sees to it that the mountpoint will lead somewhere, before anything is moved there; makes
        the folders below the target that stray ones stand for, which inherit its grants."""
        self._mailbox.check_mount(decision.owner, decision.target)
        below = [
            _target(decision, stray) for stray in decision.stray if len(stray) > len(decision.path)
        ]
        if below:
            grants = self._grants(decision)
            with self._context.destination.mailbox(decision.owner) as owner:
                for path in below:
                    owner.create_folder(path, Folder("", "", path[-1]))
                    reach(At.BELOW_TARGET_MADE)
                    owner.grant(path, grants)
                    reach(At.BELOW_TARGET_GRANTED)

    def mount(self, decision: MountpointDecision) -> None:
        """Makes the mountpoint, with the folders below its target that are needed."""
        self.prepare(decision)
        self._mailbox.mount(decision.address, decision.owner, decision.target)
        reach(At.MOUNTED_BESIDE)

    def _grants(self, decision: MountpointDecision) -> list[AccessGrant]:
        account, folder = decision.remote
        planned = plan_grants(
            self._context.source.containers(account), self._context.addresses
        ).get(folder)
        granted = planned.granted if planned else ()
        return [AccessGrant(grantee, rights) for grantee, rights in granted]

    def put_in_place(self, decision: MountpointDecision) -> None:
        """Empties the place of the mountpoint and makes it there; mail that arrives meanwhile
        makes the folder anew."""
        self.clear(decision)
        reach(At.PLACE_CLEARED)
        self._mailbox.mount(decision.address, decision.owner, decision.target)

    def clear(self, decision: MountpointDecision) -> None:
        """Moves what filters have put where the mountpoint belongs, and removes the folders."""
        if decision.ground is not Ground.FILTER:
            return
        # A removal that was cut off has hidden its folder: only the journal knows of it.
        strays = {*decision.stray, *(one.source for one in self._open(decision))}
        for relocation in self._open(decision):
            if relocation.items:
                self._relocate(relocation)
        for stray in sorted(strays, key=lambda path: (-len(path), path)):
            self._clear(decision, stray)

    def _clear(self, decision: MountpointDecision, stray: Path) -> None:
        target = _target(decision, stray)
        for _ in range(_ROUNDS):
            while names := self._mailbox.item_names(stray)[:_BATCH]:
                relocation = Relocation(
                    decision.mountpoint, stray, decision.owner, target, tuple(names)
                )
                if isinstance(self._mailbox, FencedMailbox):
                    fence = self._mailbox.relocation_fence(decision.owner, target)
                    relocation = replace(
                        relocation, uidvalidity=fence.uidvalidity, uidnext=fence.uidnext
                    )
                self._recorder.append(RelocationStarted(**asdict(relocation)))
                reach(At.RELOCATION_STARTED)
                self._relocate(relocation)
            if stray not in {one.source for one in self._open(decision)}:
                emptied = StrayFolderEmptied(
                    mountpoint=decision.mountpoint, path=stray, owner=decision.owner, target=target
                )
                self._recorder.append(emptied)
            reach(At.STRAY_EMPTIED)
            if self._mailbox.remove_folder(stray):
                reach(At.STRAY_REMOVED)
                removed = StrayFolderRemoved(mountpoint=decision.mountpoint, path=stray)
                self._recorder.append(removed)
                return
        reason = "something is in it that is no message, or a folder below it"
        kept = StrayFolderKept(mountpoint=decision.mountpoint, path=stray, reason=reason)
        self._recorder.append_news(kept, reason)

    def _open(self, decision: MountpointDecision) -> list[Relocation]:
        """The relocations and removals for a mountpoint whose outcome is not known."""
        journal, stream = self._context.journal.containers, self._recorder.stream
        return [one for one in journal.relocating(stream) if one.mountpoint == decision.mountpoint]

    def _relocate(self, relocation: Relocation) -> None:
        """Moves the messages of a relocation that is recorded, and records what became of them."""
        moving = (relocation.source, relocation.owner, relocation.target, relocation.items)
        if isinstance(self._mailbox, FencedMailbox) and relocation.uidnext:
            above = Fence(relocation.target, relocation.uidvalidity, relocation.uidnext)
            moved = self._mailbox.relocate(*moving, above)
        else:
            moved = self._mailbox.relocate(*moving)
        reach(At.RELOCATED)
        lying = dict(zip(relocation.items, moved, strict=True))
        self._recorder.append(
            ItemsRelocated(
                mountpoint=relocation.mountpoint,
                source=relocation.source,
                owner=relocation.owner,
                target=relocation.target,
                items=tuple(name for name, there in lying.items() if there),
                gone=tuple(name for name, there in lying.items() if not there),
            )
        )

    def reaches(self, decisions: Sequence[MountpointDecision]) -> Callable[[Path], bool]:
        """Tells whether the account reaches a folder at a path: its own, or through one of its
        mountpoints."""
        own = self._keys(self._existing())
        shown: set[Path] = set()
        for decision in decisions:
            with self._context.destination.mailbox(decision.owner) as owner:
                for folder in owner.folders():
                    if folder.path[: len(decision.target)] == decision.target:
                        below = folder.path[len(decision.target) :]
                        shown |= self._keys([(*decision.address, *below)])
        return lambda path: comparable(path, self._namespace) in own | shown

    def _existing(self) -> tuple[Path, ...]:
        """The account's own folders, without what is mounted among them."""
        return tuple(folder.path for folder in self._mailbox.folders() if not folder.mounted)

    def _keys(self, paths: Iterable[Path]) -> set[Path]:
        return {comparable(path, self._namespace) for path in paths}


def _target(decision: MountpointDecision, stray: Path) -> Path:
    """Where the items of a stray folder belong: the target, or as far below it as the folder
    is below the mountpoint's path."""
    return (*decision.target, *stray[len(decision.path) :])


def _is_as_before(decision: MountpointDecision, known: MappedMountpoint) -> bool:
    return (decision.path, decision.owner, decision.target, decision.address) == (
        known.path,
        known.owner,
        known.target,
        known.address,
    ) and decision.ground.value == known.reason


def _mapped(decision: MountpointDecision) -> MountpointMapped:
    return MountpointMapped(
        mountpoint=decision.mountpoint,
        source=decision.source,
        path=decision.path,
        owner=decision.owner,
        target=decision.target,
        address=decision.address,
        reason=decision.ground.value,
    )
