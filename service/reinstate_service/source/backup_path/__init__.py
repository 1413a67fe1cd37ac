"""The Backup Path: the tree that Carbonio documents, with JSON that reinstate documents.

    <backup>/
        backupstat                              whose backup, format, version, first and last scan
        accounts/<uuid>/
            account_info                        the account, as an array of states
            account_stat                        index: how many records, which are containers
            backupstat                          first and last scan of this account
            items/<last two digits>/<id>        one record per folder, tag, item..., array of states
        items/<first two characters>/<digest>   blobs, gzipped
        server/{domains,cos,lists}/<id>         arrays of states

docs/backup-path.md is the specification. The vendor has published the tree but not
the JSON in it; a tree whose JSON is the vendor's is refused, never guessed at.

Not promised: a backup that somebody changes by other means than `BackupWriter` while
it is read may be seen half changed.
"""

from reinstate_service.source.backup_path.opening import BackupInUse
from reinstate_service.source.backup_path.reader import BackupPathSource
from reinstate_service.source.backup_path.writer import BackupWriter

__all__ = ["BackupInUse", "BackupPathSource", "BackupWriter"]
