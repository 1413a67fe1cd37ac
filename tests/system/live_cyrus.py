"""A live Cyrus IMAP to restore onto."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from imapclient import IMAPClient  # type: ignore[import-untyped]

from system.cyrus import ADMIN, Cyrus
from system.dovecot import reachable_folder
from system.live import WORD, LiveServer


class LiveCyrus(LiveServer):
    """Cyrus; its administrator logs in on behalf of the accounts."""

    login: ClassVar[Mapping[str, str]] = {"method": "authzid", "user": ADMIN}

    def __init__(self, folder: Path, addresses: Iterable[str], cyrus: Cyrus) -> None:
        super().__init__(folder, addresses)
        self.cyrus = cyrus
        self.imap_port, self.sieve_port = cyrus.imap_port, cyrus.sieve_port
        cyrus.create_accounts(self.addresses)

    def own_login(self, address: str) -> tuple[str, str]:
        """See `LiveServer`."""
        local = address.partition("@")[0]
        self.cyrus.set_password(local)
        return local, WORD

    def imap(self, address: str) -> IMAPClient:
        """See `LiveServer`."""
        return self.cyrus.imap(ADMIN, WORD, address)

    def empty(self) -> None:
        """See `LiveServer`."""
        self.cyrus.delete_accounts(self.addresses)
        self.cyrus.create_accounts(self.addresses)


@contextlib.contextmanager
def live_cyrus(
    addresses: Iterable[str], separator: str = "/", default_domain: str = "example.test"
) -> Iterator[LiveCyrus]:
    """A Cyrus that runs."""
    with reachable_folder() as folder, Cyrus(separator, default_domain, WORD) as cyrus:
        live = LiveCyrus(folder, addresses, cyrus)
        live.configure()
        yield live
