"""Whether what archives do not have has gone.

An export of a whole mailbox has the records of its folders, and everything that lies in them
but Junk and Trash, which are left out unless the account that exports is told otherwise.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from reinstate_service.source.archives import kinds
from reinstate_service.source.archives.rows import ContainerRow

_LEFT_OUT = {3, 4}


def is_vouched_for(
    container: int, rows: Mapping[int, ContainerRow], filled: Collection[int]
) -> bool:
    """Whether items of this folder that archives do not have have gone.

    `rows` are the account's containers by id, `filled` the folders in which items lie. Of Junk
    and Trash, and of what is below them, only the whole being empty tells nothing.
    """
    if not any(row.kind == kinds.FOLDER for row in rows.values()):
        return False
    top = _top(container, rows)
    return top not in _LEFT_OUT or any(_top(one, rows) == top for one in filled)


def _top(container: int, rows: Mapping[int, ContainerRow]) -> int:
    """The outermost folder above; itself if it is one."""
    seen = {container}
    while (row := rows.get(container)) is not None and row.parent > 1 and row.parent not in seen:
        container = row.parent
        seen.add(container)
    return container
