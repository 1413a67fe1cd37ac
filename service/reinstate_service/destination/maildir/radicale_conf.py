"""The configuration with which a stock Radicale 3.9 serves a Maildir destination's collections.

Passwords are Dovecot's business, whatever scheme they are hashed with: Radicale asks the
Dovecot that `dovecot-conf` is printed for.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reinstate_service.destination.maildir.collection import SERVED
from reinstate_service.destination.maildir.served import served_root

FILE = "radicale.conf"


@dataclass(frozen=True)
class RadicaleServing:
    """How the server runs. The defaults are an administrator's; a test's server has a port
    and a Dovecot, by its `base_dir`, of its own."""

    host: str = "localhost"
    port: int = 5232
    dovecot: Path = Path("/run/dovecot")


def radicale_conf(directory: Path | str, serving: RadicaleServing | None = None) -> str:
    """The configuration for the destination in `directory`.

    Raises UsageError if there is no destination, if it belongs to root, or if a path cannot
    stand in a configuration.
    """
    serving = serving or RadicaleServing()
    socket = serving.dovecot / "auth-client"
    root = served_root(directory, socket)
    return _CONFIGURATION.format(
        root=root, host=serving.host, port=serving.port, socket=socket, served=root / SERVED
    )


_CONFIGURATION = """\
# Serves the calendars, tasks and address books of {root}
# with Radicale 3.9 (pip install radicale). This is all of its configuration. Radicale has to
# run as the user that the directory belongs to: radicale --config THIS_FILE

[server]
# For TLS set ssl = True, certificate and key; or put a web server in front.
hosts = {host}:{port}
# What the backup holds is served: pictures and attachments, and long series. Radicale leaves
# larger items out, and says so in its log.
max_content_length = 200000000
max_resource_size = 200000000
max_vevent_rrule_occurrence = 100000
# Names come from a backup and hold more than Radicale expects, such as commas.
validate_user_value = none
validate_path_value = none

[auth]
# Accounts and passwords are those of the Dovecot for the same directory
# (reinstate destination dovecot-conf), which knows every kind of hash.
type = dovecot
dovecot_socket = {socket}
lc_username = True

[rights]
type = owner_only

[storage]
filesystem_folder = {served}
# What Radicale derives stays out of the accounts' own directories.
use_cache_subfolder_for_item = True
use_cache_subfolder_for_history = True
use_cache_subfolder_for_synctoken = True
"""
