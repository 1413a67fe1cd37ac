"""Account archives: what `zmmailbox getRestURL` makes, and the directory beside them.

    file -> bytestream -> tape | zipped -> pairing -> indexing -> index -> converting
    folder, naming, directory/ -> ArchivesSource <- index, scratch

An account's archives are read once for its index, which a cache keeps, and once more for the
bodies when the first of them is asked for. docs/archives.md describes the folder, how it is
made and what an export leaves out.

Not promised: archives that somebody changes while they are read may be seen half changed.
"""

from reinstate_service.source.archives.reader import ArchivesSource

__all__ = ["ArchivesSource"]
