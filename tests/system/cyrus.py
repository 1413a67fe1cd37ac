"""A private Cyrus IMAP, for tests: unpacked from Debian's packages, which conflict with Dovecot's.

REINSTATE_CYRUS names the folder that .ci/unpack-cyrus has unpacked them into. It runs from its
own folder on 127.0.0.1 and free ports, as root or as the user cyrus, and is stopped by its own
process id.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from imapclient import IMAPClient  # type: ignore[import-untyped]

from reinstate_service.destination.contract import Destination
from reinstate_service.destination.open import open_destination
from system.dovecot import free_ports

ROOT = os.environ.get("REINSTATE_CYRUS", "")
needs_cyrus = pytest.mark.skipif(
    not ROOT, reason="needs .ci/unpack-cyrus FOLDER and REINSTATE_CYRUS=FOLDER/root"
)
DOMAIN = "example.test"
_USER = "cyrus"
_PATIENCE = 30.0
_IMAPD = """\
configdirectory: {folder}/conf
partition-default: {folder}/spool
defaultpartition: default
sievedir: {folder}/sieve
cyrus_user: {user}
admins: admin
virtdomains: userid
defaultdomain: {domain}
unixhierarchysep: {unix}
altnamespace: 1
sasl_pwcheck_method: alwaystrue
sasl_mech_list: PLAIN
allowplaintext: 1
proc_path: {folder}/conf/proc
mboxname_lockpath: {folder}/conf/lock
lmtpsocket: {folder}/conf/socket/lmtp
idlesocket: {folder}/conf/socket/idle
notifysocket: {folder}/conf/socket/notify
duplicatesuppression: 0
delete_mode: immediate
"""
_CYRUS = """\
START {{
  recover cmd="{bin}/ctl_cyrusdb -C {folder}/imapd.conf -r"
}}
SERVICES {{
  imap cmd="{bin}/imapd -C {folder}/imapd.conf" listen="127.0.0.1:{imap}" prefork=0
  sieve cmd="{bin}/timsieved -C {folder}/imapd.conf" listen="127.0.0.1:{sieve}" prefork=0
}}
EVENTS {{
}}
"""
_FOLDERS = ("db", "socket", "proc", "log", "msg", "sync", "lock", "ptclient", "quota", "user")


class Cyrus:
    """A server with accounts that are made anew by `empty`; any password is right."""

    def __init__(self, folder: Path, addresses: Iterable[str], *, unix: bool) -> None:
        self.folder = folder
        self.addresses = list(addresses)
        self.config = folder / "restore.toml"
        self.imap_port, self.sieve_port = free_ports(2)
        self._libraries = f"{ROOT}/usr/lib/x86_64-linux-gnu:{ROOT}/lib/x86_64-linux-gnu"
        for name in _FOLDERS:
            (folder / "conf" / name).mkdir(parents=True)
        for name in ("spool", "sieve"):
            (folder / name).mkdir()
        bin_ = f"{ROOT}/usr/lib/cyrus/bin"
        told = {"folder": folder, "user": _USER, "domain": DOMAIN, "unix": int(unix), "bin": bin_}
        (folder / "imapd.conf").write_text(_IMAPD.format(**told))
        ports = {"imap": self.imap_port, "sieve": self.sieve_port}
        (folder / "cyrus.conf").write_text(_CYRUS.format(**told, **ports))
        if os.geteuid() == 0:
            entry = pwd.getpwnam(_USER)
            for path in (folder, *folder.rglob("*")):
                os.chown(path, entry.pw_uid, entry.pw_gid)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Runs it."""
        command = [f"{ROOT}/usr/lib/cyrus/bin/master", "-C", str(self.folder / "imapd.conf")]
        command += ["-M", str(self.folder / "cyrus.conf"), "-p", str(self.folder / "pid"), "-D"]
        environment = {**os.environ, "LD_LIBRARY_PATH": self._libraries}
        with (self.folder / "output").open("wb") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
        try:
            self._await(process)
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def empty(self) -> None:
        """Makes the accounts anew, without mail."""
        with IMAPClient("127.0.0.1", port=self.imap_port, ssl=False, timeout=_PATIENCE) as admin:
            admin.plain_login("admin", "any")
            for address in self.addresses:
                name = f"user/{address.partition('@')[0]}"
                if admin.folder_exists(name):
                    admin.setacl(name, "admin", "lrswipkxtea")
                    admin.delete_folder(name)
                admin.create_folder(name)
        for address in self.addresses:
            with IMAPClient("127.0.0.1", port=self.imap_port, ssl=False) as user:
                user.plain_login(address, "any")
                for role in ("Sent", "Drafts", "Trash", "Junk", "Archive"):
                    user._raw_command(
                        b"CREATE", [role.encode(), b"(USE (\\%b))" % role.encode()], uid=False
                    )

    def destination(self) -> Destination:
        """The server as reinstate sees it."""
        return open_destination(f"imap://127.0.0.1:{self.imap_port}", config=str(self.config))

    def configure(self) -> None:
        """Writes restore.toml: each account has a password of its own, any."""
        passwords = self.folder / "passwords.csv"
        passwords.write_text("".join(f"{address},any\n" for address in self.addresses))
        passwords.chmod(0o600)
        self.config.write_text(
            f"""\
[imap]
tls = "none"
settle_seconds = 1
sieve = "127.0.0.1:{self.sieve_port}"
default_domain = "{DOMAIN}"
shared = "Other Users/{{local}}"
forbidden = '!"%;<>^`{{|}}\\'
domains = {{ "{DOMAIN}" = "{self.addresses[0]}" }}
[imap.login]
method = "passwords"
file = "{passwords}"
"""
        )

    def _await(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.imap_port), timeout=5) as one:
                    if one.recv(100).startswith(b"* OK"):
                        return
            except OSError:
                pass
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail((self.folder / "output").read_text(errors="replace"))
            time.sleep(0.05)


@contextlib.contextmanager
def cyrus(addresses: Iterable[str], *, unix: bool = True) -> Iterator[Cyrus]:
    """A server that runs; `unix` says that `/` separates, otherwise `.` does."""
    folder = Path(tempfile.mkdtemp(prefix="reinstate-cyrus-"))
    folder.chmod(0o755)
    try:
        made = Cyrus(folder, addresses, unix=unix)
        with made.running():
            made.empty()
            made.configure()
            yield made
    finally:
        shutil.rmtree(folder, ignore_errors=True)
