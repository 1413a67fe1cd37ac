"""A private Cyrus IMAP, for tests, from the root that .ci/cyrus has unpacked.

It runs from its own folder on 127.0.0.1 and free ports, as an ordinary user, and is stopped by
its own process id. Cyrus writes its log to syslog only; what clients said it keeps here, by user.
"""

from __future__ import annotations

import os
import pwd
import shutil
import smtplib
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest
from imapclient import IMAPClient  # type: ignore[import-untyped]

from system.certificates import write_certificates
from system.server import PATIENCE, Server, free_ports

_CACHE = (
    Path("/var/cache")
    if os.geteuid() == 0
    else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
) / "reinstate-tests"
_ROOT = _CACHE / "cyrus"
_PROGRAMS = _ROOT / "usr/lib/cyrus/bin"
_LIBRARIES = [str(path) for lib in ("lib", "usr/lib") for path in (_ROOT / lib).glob("*-linux-gnu")]


def _missing() -> str:
    told = _CACHE / "cyrus-missing"
    return told.read_text().strip() if told.exists() else "needs Cyrus IMAP: .ci/cyrus"


needs_cyrus = pytest.mark.skipif(not (_PROGRAMS / "master").exists(), reason=_missing())
#: Who administers, and who logs in on others' behalf and may nothing else.
ADMIN, PROXY = "admin", "proxy"
_SPECIAL_USE = ("Sent", "Drafts", "Trash", "Junk", "Archive")
_IMAPD_CONF = """
configdirectory: {base}/conf
partition-default: {base}/spool
defaultpartition: default
sievedir: {base}/sieve
proc_path: {base}/conf/proc
mboxname_lockpath: {base}/conf/lock
lmtpsocket: {base}/conf/socket/lmtp
idlesocket: {base}/conf/socket/idle
notifysocket: {base}/conf/socket/notify
cyrus_user: {user}
servername: {realm}
admins: {admin}
proxyservers: {proxy}
virtdomains: userid
defaultdomain: {default_domain}
unixhierarchysep: {slash}
altnamespace: {slash}
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: {base}/sasldb
sasl_mech_list: PLAIN
allowplaintext: 1
duplicatesuppression: 0
delete_mode: immediate
expunge_mode: immediate
skiplist_unsafe: 1
tls_server_cert: {base}/cert.pem
tls_server_key: {base}/key.pem
"""
_CYRUS_CONF = """
START {{
  recover cmd="{programs}/ctl_cyrusdb -C {conf} -r"
}}
SERVICES {{
  imap cmd="{programs}/imapd -C {conf}" listen="127.0.0.1:{imap}"
  imaps cmd="{programs}/imapd -s -C {conf}" listen="127.0.0.1:{imaps}"
  sieve cmd="{programs}/timsieved -C {conf}" listen="127.0.0.1:{sieve}"
  lmtp cmd="{programs}/lmtpd -a -C {conf}" listen="127.0.0.1:{lmtp}"
}}
"""
_MEMORY = Path("/dev/shm")
_FOLDERS = ("db", "socket", "proc", "log", "msg", "sync", "lock")
_REALM = "localhost"


class Cyrus(Server):
    """`with Cyrus("/", "example.test", password) as server: server.create_account(address)`.

    The separator is `/` with the alternative namespace, or `.` with everything below the INBOX.
    Accounts of the default domain are called without it. Everybody has the same password. It
    speaks TLS, by a certificate of `ca`.
    """

    name = "Cyrus"

    def __init__(self, separator: str, default_domain: str, password: str) -> None:
        # In memory, where there is such a folder: Cyrus flushes several times a command.
        super().__init__(_MEMORY if os.access(_MEMORY, os.W_OK) else None)
        self.separator = separator
        self.default_domain = default_domain
        self.imap_port, self.imaps_port, self.sieve_port, self.lmtp_port = free_ports(4)
        self._password = password
        self._user = "mail" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name

    def imap(self, user: str, password: str, on_behalf_of: str = "") -> IMAPClient:
        """A client that is logged in; use it as a context manager."""
        client = IMAPClient("127.0.0.1", port=self.imap_port, ssl=False, timeout=PATIENCE)
        try:
            client.sasl_login("PLAIN", lambda _: f"{on_behalf_of}\0{user}\0{password}")
        except BaseException:
            client.shutdown()
            raise
        return client

    def lmtp(self, sender: str, recipient: str, message: bytes) -> None:
        """Delivers a message as the MTA would."""
        with smtplib.LMTP("127.0.0.1", self.lmtp_port) as client:
            client.sendmail(sender, [recipient], message)

    @property
    def ca(self) -> Path:
        """Who vouches for it."""
        return self.base / "ca.pem"

    def create_accounts(self, addresses: Iterable[str]) -> None:
        """Makes accounts with their system folders."""
        with self.imap(ADMIN, self._password) as admin:
            for address in addresses:
                self._keep_log(address.removesuffix(f"@{self.default_domain}"))
                admin.create_folder(self._home(address))
                for use in _SPECIAL_USE:
                    # RFC 6154 §3
                    admin._imap.create(f'"{self._home(address, use)}" (USE (\\{use}))')

    def delete_accounts(self, addresses: Iterable[str]) -> None:
        """Removes accounts with all that they have."""
        with self.imap(ADMIN, self._password) as admin:
            for address in addresses:
                admin.setacl(self._home(address), ADMIN, "+x")
                admin.delete_folder(self._home(address))

    def set_quota(self, address: str, kibibytes: int) -> None:
        """Limits what the account holds."""
        with self.imap(ADMIN, self._password) as admin:
            admin._imap.setquota(f'"{self._home(address)}"', f"(STORAGE {kibibytes})")

    def log(self) -> str:
        """What the server wrote, and the end of every conversation."""
        said = {
            str(path): path.read_bytes()[-2000:].decode(errors="replace")
            for path in sorted((self.base / "conf/log").rglob("*-*"))
        }
        return "\n".join([super().log(), *(f"{path}:\n{text}" for path, text in said.items())])

    def _keep_log(self, user: str) -> None:
        """Has the server write down what it and a user say to each other."""
        folder = self.base / "conf/log" / user
        if not folder.exists():
            folder.mkdir()
            self._give(folder)

    def _give(self, path: Path) -> None:
        """As root, Cyrus would not run: it does as a user that every Debian has."""
        if os.geteuid() == 0:
            shutil.chown(path, self._user)

    def _home(self, address: str, folder: str = "") -> str:
        local, _, domain = address.partition("@")
        return self.separator.join(("user", local, *filter(None, [folder]))) + f"@{domain}"

    def _start(self) -> None:
        if not (_PROGRAMS / "master").exists():
            pytest.fail(_missing())
        conf = self.base / "imapd.conf"
        conf.write_text(
            _IMAPD_CONF.format(
                base=self.base,
                user=self._user,
                realm=_REALM,
                admin=ADMIN,
                proxy=PROXY,
                default_domain=self.default_domain,
                slash=int(self.separator == "/"),
            )
        )
        write_certificates(self.base)
        services = self.base / "cyrus.conf"
        services.write_text(
            _CYRUS_CONF.format(
                programs=_PROGRAMS,
                conf=conf,
                imap=self.imap_port,
                imaps=self.imaps_port,
                sieve=self.sieve_port,
                lmtp=self.lmtp_port,
            )
        )
        for folder in (*(f"conf/{one}" for one in _FOLDERS), "spool", "sieve"):
            (self.base / folder).mkdir(parents=True)
        for one in (ADMIN, PROXY):
            self.set_password(one)
        for path in (self.base, *self.base.rglob("*")):
            self._give(path)
        self._run(
            [
                *(str(_PROGRAMS / "master"), "-D", "-C", str(conf), "-M", str(services)),
                *("-p", str(self.base / "pid")),
            ],
            self._environment,
        )
        self._await(self.imap_port, self.sieve_port, self.lmtp_port)

    def set_password(self, user: str) -> None:
        """Lets a user log in; to be called as long as nobody does."""
        local, _, domain = user.partition("@")
        realm = _REALM if domain in {"", self.default_domain} else domain
        subprocess.run(
            [
                *(str(_ROOT / "usr/sbin/saslpasswd2"), "-f", str(self.base / "sasldb")),
                *("-c", "-p", "-u", realm, local),
            ],
            input=self._password.encode(),
            env=self._environment,
            check=True,
        )

    @property
    def _environment(self) -> dict[str, str]:
        plugins = [f"{path}/sasl2" for path in _LIBRARIES] + ["/usr/lib/x86_64-linux-gnu/sasl2"]
        return {
            **os.environ,
            "LD_LIBRARY_PATH": ":".join(_LIBRARIES),
            "SASL_PATH": ":".join(plugins),
        }
