"""A private Dovecot that serves a Maildir destination, for tests.

It runs from its own folder on 127.0.0.1 and free ports, with the configuration that
`reinstate destination dovecot-conf` prints, as root or as an ordinary user, and is
stopped by its own process id.
"""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import shutil
import smtplib
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from imapclient import IMAPClient  # type: ignore[import-untyped]

from reinstate_service.destination.maildir.dovecot_conf import Serving, dovecot_conf
from system.server import PATIENCE, Server, free_ports

BINARY = shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin:/usr/local/sbin")
needs_dovecot = pytest.mark.skipif(
    BINARY is None,
    reason="needs Dovecot: apt-get install dovecot-imapd dovecot-lmtpd dovecot-managesieved"
    " dovecot-sieve dovecot-sqlite (make test does it)",
)
#: Whose mail a test run by root makes: Dovecot serves none of root's.
MAIL_OWNER = (1990, 1990)
#: Wrong passwords are tried on purpose; the configuration is otherwise an administrator's.
_IMPATIENT = """
auth_failure_delay = 0
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
"""


def tree_owner() -> tuple[int, int] | None:
    """Who a destination made by this test run has to belong to."""
    return MAIL_OWNER if os.geteuid() == 0 else None


@contextlib.contextmanager
def reachable_folder(above: Path | None = None) -> Iterator[Path]:
    """A folder that the mail owner can enter, which pytest's tmp_path is not for root."""
    folder = Path(tempfile.mkdtemp(prefix="reinstate-dovecot-", dir=above))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


class Dovecot(Server):
    """`with Dovecot(tree) as server: server.imap(address, password)`.

    `further` is configuration that comes after the printed one.
    """

    name = "Dovecot"

    def __init__(self, tree: Path, further: str = "") -> None:
        super().__init__()
        self.tree = tree
        self._further = further
        self.imap_port, self.sieve_port, self.lmtp_port = free_ports(3)
        self.configuration = self.base / "dovecot.conf"

    def imap(self, address: str, password: str) -> IMAPClient:
        """A client that is logged in; use it as a context manager."""
        client = IMAPClient("127.0.0.1", port=self.imap_port, ssl=False, timeout=PATIENCE)
        try:
            client.login(address, password)
        except BaseException:
            client.shutdown()
            raise
        return client

    def lmtp(self, sender: str, recipient: str, message: bytes) -> None:
        """Delivers a message as the MTA would."""
        with smtplib.LMTP("127.0.0.1", self.lmtp_port) as client:
            client.sendmail(sender, [recipient], message)

    def doveadm(self, *arguments: str) -> str:
        """What the administrator's command prints."""
        command = ["doveadm", "-c", str(self.configuration), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def log(self) -> str:
        """What the server wrote so far."""
        path = self.base / "dovecot.log"
        told = path.read_text(errors="replace") if path.exists() else "(no log)"
        return f"{super().log()}\n{told}"

    def _start(self) -> None:
        if BINARY is None:
            pytest.fail(str(needs_dovecot.kwargs["reason"]))
        self.base.chmod(0o755)
        for name in ("run", "state"):
            (self.base / name).mkdir()
        user = group = ""
        if os.geteuid() != 0:
            user = pwd.getpwuid(os.geteuid()).pw_name
            group = grp.getgrgid(os.getegid()).gr_name
        sql_file = self.base / "sql.conf.ext"
        printed = dovecot_conf(
            self.tree,
            sql_file,
            Serving(
                listen="127.0.0.1",
                imap_port=self.imap_port,
                sieve_port=self.sieve_port,
                lmtp_port=self.lmtp_port,
                base=self.base,
                user=user,
                group=group,
                plaintext=True,
            ),
        )
        self.configuration.write_text(printed.main + _IMPATIENT + self._further)
        sql_file.write_text(printed.sql)
        self.resume()

    def pause(self) -> None:
        """Ends the server; `resume` starts it again, with everything that it has."""
        self._end()

    def resume(self) -> None:
        """Starts the server, where everything is ready for it."""
        self._run([str(BINARY), "-F", "-c", str(self.configuration)])
        self._await(self.imap_port, self.sieve_port, self.lmtp_port)
