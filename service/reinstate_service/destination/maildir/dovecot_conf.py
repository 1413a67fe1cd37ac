"""The configuration with which a stock Dovecot 2.3 serves a Maildir destination."""

from __future__ import annotations

import pwd
from dataclasses import dataclass
from pathlib import Path

from reinstate_service.destination.maildir.database import FILE
from reinstate_service.destination.maildir.destination import needs_unpacking
from reinstate_service.destination.maildir.served import served_root
from reinstate_service.destination.maildir.sharing import ACL_DIRECTORY, DICTIONARY

MAIN_FILE = "dovecot.conf"
SQL_FILE = "dovecot-sql.conf.ext"


@dataclass(frozen=True)
class Serving:
    """How the server runs. The defaults are an administrator's; a test's server has its own
    `base` folder for everything it writes and its own ports.

    `user` and `group` are set only where Dovecot runs without root, as that user.
    `plaintext` allows passwords without TLS from elsewhere than this machine.
    """

    listen: str = "*, ::"
    imap_port: int = 143
    sieve_port: int = 4190
    lmtp_port: int = 24
    base: Path | None = None
    user: str = ""
    group: str = ""
    plaintext: bool = False


@dataclass(frozen=True)
class Configuration:
    """`main` is dovecot.conf; `sql` belongs into the file that it names, mode 0600."""

    main: str
    sql: str


def dovecot_conf(
    directory: Path | str,
    sql_file: Path | str = f"/etc/dovecot/{SQL_FILE}",
    serving: Serving | None = None,
) -> Configuration:
    """The configuration for the destination in `directory`, its SQL part to lie at `sql_file`.

    Raises UsageError if there is no destination, if it belongs to root, for whom Dovecot
    opens no mailbox, or if a path cannot stand in a configuration.
    """
    serving = serving or Serving()
    root = served_root(directory, sql_file)
    found = root.stat()
    main = _MAIN.format(
        root=root,
        unpacking=" zlib" if needs_unpacking(root) else "",
        sql=sql_file,
        dictionary=root / ACL_DIRECTORY / DICTIONARY,
        uid=found.st_uid,
        gid=found.st_gid,
        listen=serving.listen,
        imap=serving.imap_port,
        sieve=serving.sieve_port,
        lmtp=serving.lmtp_port,
        disable="no" if serving.plaintext else "yes",
    )
    main += _of_owner(found.st_uid) if not serving.user else _unprivileged(serving)
    if serving.base is not None:
        main += _PLACES.format(base=serving.base)
    return Configuration(main=main, sql=_SQL.format(database=root / FILE))


def _of_owner(uid: int) -> str:
    """Lets the tree's owner ask the directory, and Radicale, which runs as the owner, ask for
    passwords. Dovecot wants a name for it; where the owner has none, the workers stay root,
    which is Dovecot's default, and whoever is on this machine may try passwords."""
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        return _ASKED.format(access="mode = 0666")
    access = f"mode = 0600\n    user = {name}"
    return f"service auth-worker {{\n  user = {name}\n}}\n" + _ASKED.format(access=access)


def _unprivileged(serving: Serving) -> str:
    """What lets a server run without root, as the user that owns the tree."""
    services = "".join(
        f"service {name} {{\n  chroot =\n}}\n"
        for name in ("imap-login", "managesieve-login", "anvil")
    )
    return (
        f"default_internal_user = {serving.user}\n"
        f"default_login_user = {serving.user}\n"
        f"default_internal_group = {serving.group}\n"
        f"service auth-worker {{\n  user = {serving.user}\n}}\n"
        + services
        + _ASKED.format(access="mode = 0600")
    )


_ASKED = """\
service auth {{
  # Radicale asks here for passwords.
  unix_listener auth-client {{
    {access}
  }}
}}
"""

_PLACES = """\
base_dir = {base}/run
state_dir = {base}/state
log_path = {base}/dovecot.log
"""

_MAIN = """\
# Serves {root} with Dovecot 2.3 (packages dovecot-imapd, dovecot-lmtpd,
# dovecot-managesieved, dovecot-sieve and dovecot-sqlite). This is all of dovecot.conf;
# the SQL part belongs into {sql}, mode 0600, owner root.

protocols = imap lmtp sieve
listen = {listen}

# Passwords are taken only over TLS or from this machine. For TLS set ssl = yes, and
# ssl_cert = </path/to/fullchain.pem and ssl_key = </path/to/privkey.pem.
ssl = no
disable_plaintext_auth = {disable}

# The addresses come from a backup; SQL escapes what it has to.
auth_username_chars =

passdb {{
  driver = sql
  args = {sql}
}}
userdb {{
  driver = sql
  args = {sql}
}}

first_valid_uid = {uid}
first_valid_gid = {gid}
mail_location = maildir:~/Maildir
mail_plugins = acl quota listescape{unpacking}

namespace inbox {{
  inbox = yes
  separator = /
  mailbox Sent {{
    special_use = \\Sent
  }}
  mailbox Drafts {{
    special_use = \\Drafts
  }}
  mailbox Trash {{
    special_use = \\Trash
  }}
  mailbox Junk {{
    special_use = \\Junk
  }}
  mailbox Archive {{
    special_use = \\Archive
  }}
}}
namespace shared {{
  type = shared
  separator = /
  prefix = shared/%%d/%%n/
  location = maildir:%%h/Maildir:INDEXPVT=~/shared/%%u
  subscriptions = no
  list = children
}}

plugin {{
  acl = vfile
  # Folders may be shared with everybody, as they were where the backup comes from.
  acl_anyone = allow
  acl_shared_dict = file:{dictionary}
  quota = count:User quota
  quota_vsizes = yes
  sieve = file:~/sieve;active=~/.dovecot.sieve
  sieve_before = file:~/sieve/before.sieve
  sieve_after = file:~/sieve/after.sieve
}}
protocol imap {{
  mail_plugins = $mail_plugins imap_acl imap_quota
}}
protocol lmtp {{
  mail_plugins = $mail_plugins sieve
}}

service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service managesieve-login {{
  inet_listener sieve {{
    port = {sieve}
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
"""

_SQL = """\
driver = sqlite
connect = {database}
# Radicale names collections by the login, so it takes an account's own address only.
password_query = SELECT user, password FROM dovecot_passdb \\
  WHERE local = '%Ln' AND domain = '%Ld' AND ('%Ls' <> 'radicale' OR user = '%Lu')
user_query = SELECT user, home, uid, gid, quota_rule, acl_groups FROM dovecot_userdb \\
  WHERE local = '%Ln' AND domain = '%Ld'
iterate_query = SELECT address AS user FROM accounts ORDER BY address
"""
