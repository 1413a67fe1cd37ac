"""A live server to restore onto, with accounts, a master user, and the configuration that logs in
to it; here a private Dovecot."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from imapclient import IMAPClient  # type: ignore[import-untyped]

import oracle
from reinstate_service.destination.contract import Destination
from reinstate_service.destination.maildir import MaildirDestination
from reinstate_service.destination.open import open_destination
from reinstate_service.model import MAIL_TYPES, Account, Domain
from reinstate_service.operations.sample import SampleAccount
from reinstate_service.operations.sample_content import salted_hash
from reinstate_service.restore.options import Options
from reinstate_service.source.backup_path import BackupPathSource
from system.dovecot import Dovecot, reachable_folder, tree_owner
from team import SECRET

MASTER, WORD = "admin", 'ma"ster\\ wörd'
_MASTERS = """
auth_master_user_separator = *
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {masters}
  master = yes
  result_success = continue
}}
plugin {{
  acl_user = %u
}}
"""


class LiveServer:
    """A server with accounts that are empty. A subclass says where it listens, how its master
    user logs in, and what else its configuration needs; everything lies in `folder`."""

    imap_port: int
    sieve_port: int
    login: ClassVar[Mapping[str, str]]

    def __init__(self, folder: Path, addresses: Iterable[str]) -> None:
        self.folder = folder
        self.addresses = list(addresses)
        self.config = folder / "restore.toml"

    @property
    def location(self) -> str:
        """The destination as the command line takes it."""
        return f"imap://127.0.0.1:{self.imap_port}"

    def configure(
        self,
        login: Mapping[str, str] | None = None,
        command: Sequence[str] = (),
        **keys: object,
    ) -> None:
        """Writes restore.toml, with these keys of [imap] and [imap.login]; by default the master
        user logs in, in the clear. The secret is what `command` prints, if there is one."""
        secret = self.folder / "secret"
        secret.write_text(WORD + "\n", encoding="utf-8")
        secret.chmod(0o600)
        given = {
            "tls": "none",
            "settle_seconds": 0.5,
            "sieve": f"127.0.0.1:{self.sieve_port}",
            **keys,
        }
        domains = {address.rpartition("@")[2]: address for address in reversed(self.addresses)}
        self.config.write_text(
            "\n".join(
                [
                    "[imap]",
                    *(f"{key} = {value!r}" for key, value in given.items()),
                    "[imap.domains]",
                    *(f"{domain!r} = {address!r}" for domain, address in domains.items()),
                    "[imap.login]",
                    *(f"{key} = {value!r}" for key, value in (login or self.login).items()),
                    f"secret = {{ command = {[*command]!r} }}"
                    if command
                    else f"secret = {{ file = {str(secret)!r} }}",
                    "",
                ]
            ),
            encoding="utf-8",
        )

    def options(self, backup: Path | str, location: str | None = None) -> Options:
        """What a restore onto it is asked to do."""
        return Options(
            source=str(backup),
            destination=location or self.location,
            config=str(self.config),
            skip_domain_provisioning=True,
            skip_coses=True,
        )

    def empty(self) -> None:
        """Takes all mail and scripts away; nobody may be logged in."""
        raise NotImplementedError

    def own_login(self, address: str) -> tuple[str, str]:
        """Name and password of the account, for a client that knows no more than that."""
        raise NotImplementedError

    def imap(self, address: str) -> IMAPClient:
        """A client that is logged in to the account; use it as a context manager."""
        raise NotImplementedError

    def messages(self, address: str) -> list[bytes]:
        """Every message of the account, as it is served."""
        found: list[bytes] = []
        with self.imap(address) as client:
            for _, _, folder in client.list_folders():
                client.select_folder(folder, readonly=True)
                numbers = client.search()
                fetched = client.fetch(numbers, ["BODY.PEEK[]"]) if numbers else {}
                found += [data[b"BODY[]"] for data in fetched.values()]
        return found

    def destination(self, location: str | None = None) -> Destination:
        """The server as reinstate sees it, there or at another location."""
        return open_destination(location or self.location, config=str(self.config))


class LiveDovecot(LiveServer):
    """Dovecot. `further` is more of its configuration."""

    login: ClassVar[Mapping[str, str]] = {"method": "master", "user": MASTER}

    def __init__(self, folder: Path, addresses: Iterable[str], further: str = "") -> None:
        super().__init__(folder, addresses)
        self.tree = folder / "mail"
        self._empty = folder / "empty"
        masters = folder / "masters"
        masters.write_text(f"{MASTER}:{{PLAIN}}{WORD}\n", encoding="utf-8")
        self._make_accounts()
        self.dovecot = Dovecot(self.tree, _MASTERS.format(masters=masters) + further)
        self.imap_port, self.sieve_port = self.dovecot.imap_port, self.dovecot.sieve_port

    def _make_accounts(self) -> None:
        made = MaildirDestination(self.tree, owner=tree_owner())
        for domain in sorted({address.rpartition("@")[2] for address in self.addresses}):
            made.put_domain(Domain(domain, domain))
        for address in self.addresses:
            account = Account(address, address, password=salted_hash(SECRET, b"saltsalt"))
            made.put_account(account)
            made.configure_account(account, "", False)
        made.close()
        subprocess.run(["cp", "-a", self.tree, self._empty], check=True)

    def own_login(self, address: str) -> tuple[str, str]:
        """See `LiveServer`: the master user's."""
        return f"{address}*{MASTER}", WORD

    def imap(self, address: str) -> IMAPClient:
        """See `LiveServer`."""
        return self.dovecot.imap(address, SECRET)

    def empty(self) -> None:
        """See `LiveServer`."""
        for address in self.addresses:
            local, _, domain = address.rpartition("@")
            home = self.tree / domain / local
            shutil.rmtree(home)
            subprocess.run(["cp", "-a", self._empty / domain / local, home], check=True)


@contextlib.contextmanager
def live_server(
    addresses: Iterable[str], above: Path | None = None, further: str = ""
) -> Iterator[LiveDovecot]:
    """A Dovecot that runs; everything of it lies below `above`. `further` is more of its
    configuration."""
    with reachable_folder(above) as folder:
        live = LiveDovecot(folder, addresses, further)
        with live.dovecot:
            live.configure()
            yield live


def mbsync_quoted(word: str) -> str:
    """As a string of mbsyncrc."""
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def as_served(
    backup: str, lying: Counter[oracle.Lying], accounts: Iterable[SampleAccount]
) -> Counter[oracle.Lying]:
    """The messages among the items, with the digests that they have with CRLF line ends."""
    source = BackupPathSource(backup)
    digests = {
        item.digest: crlf_digest(b"".join(source.content(item)))
        for account in accounts
        for folder in account.folders
        for item in folder.items
        if item.type in MAIL_TYPES
    }
    served: Counter[oracle.Lying] = Counter()
    for one, number in lying.items():
        if one.digest in digests:
            served[one._replace(digest=digests[one.digest])] += number
    return served


def crlf_digest(content: bytes) -> str:
    """The digest, as the model writes it, of what a server shows."""
    served = content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return base64.b64encode(hashlib.sha256(served).digest()).decode().replace("/", ",")
