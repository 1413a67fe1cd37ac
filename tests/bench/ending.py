"""What is removed when nothing is measured any more: on ext4, a file that is made within five
minutes after others were deleted costs several times as much, whoever makes it."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Final

#: Entered by whoever measures, left by `python -m tests.bench`.
END: Final = ExitStack()
