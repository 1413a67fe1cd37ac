"""What a restore was asked to do, with the semantics of Carbonio's doExternalRestore."""

from __future__ import annotations

import msgspec

from reinstate_service.model import Frozen, revision


class Options(Frozen, frozen=True):
    """The options of a run. They are kept in the journal, so that `resume` needs none.

    `accounts` are addresses or ids in the order in which they are restored, empty for
    all; with `domains` they are narrowed to those. `at` is milliseconds, None for the
    latest state; `max_file_size` bytes, 0 for no limit; the two limits are how many items may fail
    or be too large before the restore is suspended, None for any number; `mountpoints` is
    "shared" or "symlink"; `compress` is "none" or "keep", the backup's gzip files; `dedupe` is
    "none", "link" or "reflink"; `config` is the path of the file that says how to log in to a
    server. The other names are those of the documented parameters.
    """

    source: str
    destination: str
    owner: tuple[int, int] | None = None
    mountpoints: str = "shared"
    compress: str = "none"
    dedupe: str = "none"
    config: str = ""
    accounts: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    at: int | None = None
    filter_deleted: bool = True
    skip_system_accounts: bool = True
    skip_aliases: bool = False
    skip_distribution_lists: bool = False
    skip_coses: bool = False
    skip_account_provisioning: bool = False
    skip_domain_provisioning: bool = False
    provisioning_only: bool = False
    restore_datasource: bool = True
    max_file_size: int = 0
    bad_item_limit: int | None = None
    large_item_limit: int | None = None
    force_as_external_restore: bool = False
    concurrent_accounts: int = 4
    notifications: tuple[str, ...] = ()

    def item_selection(self) -> str:
        """A stamp of the options that decide which items are restored."""
        return revision((self.at, self.filter_deleted, self.max_file_size))

    def recorded(self) -> dict[str, object]:
        """The options as an event holds them: what differs from the default."""
        builtins: dict[str, object] = msgspec.to_builtins(self)
        return builtins

    @classmethod
    def from_record(cls, record: dict[str, object]) -> Options:
        """The options of an earlier run; those of an older version have today's defaults."""
        return msgspec.convert(record, cls)
