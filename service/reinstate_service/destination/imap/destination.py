"""The destination as a whole: who is there, and what the server's names can hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

from reinstate_service.destination.contract import Missing, Refused
from reinstate_service.destination.imap.accounts import Accounts
from reinstate_service.destination.imap.configuration import Imap
from reinstate_service.destination.imap.connection import Client, Server
from reinstate_service.destination.imap.mailbox import ImapMailbox
from reinstate_service.destination.imap.quota import own_limit, set_own_limit
from reinstate_service.destination.names import canonical
from reinstate_service.destination.waiting import Waiting
from reinstate_service.mapping.namespace import Namespace
from reinstate_service.model import (
    Account,
    ClassOfService,
    DataSource,
    DistributionList,
    Domain,
)


class NotOverImap(Refused):
    """IMAP has no command for it; the server's administrator does it by other means."""

    message = "{what} cannot be made over IMAP"
    hint = "Make it on the server first; --skip-domain-provisioning leaves domains and lists alone."


class ImapDestination:
    """See `Destination`. Nothing is provisioned: accounts and domains are there already."""

    def __init__(self, server: Server, imap: Imap, waiting: Waiting) -> None:
        self._accounts = Accounts(server, imap, waiting)

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return self._accounts.server.url

    def identity(self) -> str:
        """The configured one, else the server's name and port: no server tells an id of its own."""
        server = self._accounts.server
        return self._accounts.imap.identity or f"imap:{server.host.lower()}:{server.port}"

    def namespace(self) -> Namespace:
        """See `Destination`. Looked up once, in the first account that the configuration names."""
        return self._accounts.namespace

    def epoch(self) -> int:
        """Always 0: there is no place for it."""
        return 0

    def store_epoch(self, epoch: int) -> None:
        """Keeps nothing."""

    def has_domain(self, name: str) -> bool:
        """Whether the account that the configuration names for the domain can be opened."""
        domains = self._accounts.imap.domains.items()
        account = {domain.lower(): one for domain, one in domains}.get(name.lower())
        return account is not None and self.has_account(account)

    def put_domain(self, domain: Domain) -> bool:
        """See `Destination`. Raises NotOverImap."""
        if self.has_domain(domain.name):
            return False
        raise NotOverImap(what=f"domain {domain.name}")

    def configure_domain(self, domain: Domain) -> None:
        """See `Destination`. Raises NotOverImap."""
        raise NotOverImap(what=f"the settings of domain {domain.name}")

    def has_class_of_service(self, name: str) -> bool:  # noqa: ARG002 - the contract's
        """None is ever there."""
        return False

    def put_class_of_service(self, cos: ClassOfService) -> bool:
        """See `Destination`. Raises NotOverImap."""
        raise NotOverImap(what=f"class of service {cos.name}")

    def has_list(self, address: str) -> bool:  # noqa: ARG002 - the contract's
        """None is ever there."""
        return False

    def put_list(self, lst: DistributionList) -> bool:
        """See `Destination`. Raises NotOverImap."""
        raise NotOverImap(what=f"distribution list {lst.address}")

    def configure_list(self, lst: DistributionList, with_aliases: bool) -> None:  # noqa: ARG002
        """See `Destination`. Raises NotOverImap."""
        raise NotOverImap(what=f"distribution list {lst.address}")

    def has_account(self, address: str) -> bool:
        """Whether the account can be logged in to. Asked once."""
        return self._accounts.has(canonical(address))

    def put_account(self, account: Account) -> bool:
        """See `Destination`. Raises LoginRefused if it is not there: nothing makes it."""
        address = canonical(account.address)
        if not self._accounts.has(address):
            self._accounts.enter(address)
        return False

    def configure_account(self, account: Account, cos: str, with_aliases: bool) -> Sequence[str]:
        """See `Destination`. Sets nothing: IMAP has no place for an account's settings."""
        self._accounts.require(account.address)
        told: dict[str, object] = {
            "password": account.password,
            "aliases": account.aliases if with_aliases else (),
            "forwarding": account.forwarding,
            "out of office": account.out_of_office,
            "identities": account.identities,
            "signatures": account.signatures,
            "class of service": cos,
            "quota": account.quota,
        }
        return [*(name for name, value in told.items() if value), *sorted(account.attributes)]

    def quota(self, address: str) -> int:
        """See `Destination`. 0 also if the login may not set it."""
        self._accounts.require(address)
        return own_limit(self._accounts, canonical(address))

    def set_quota(self, address: str, quota: int) -> None:
        """See `Destination`."""
        self._accounts.require(address)
        set_own_limit(self._accounts, canonical(address), quota)

    def room(self, address: str) -> int | None:
        """See `Destination`. What the quotas of the INBOX leave."""
        address = canonical(address)
        if self.quota(address):  # it will be lifted
            return None
        with self._accounts.session(address) as session:
            return session.ask(_room)

    def put_data_source(self, address: str, source: DataSource) -> bool:
        """See `Destination`. Raises NotOverImap."""
        self._accounts.require(address)
        raise NotOverImap(what=f"data source {source.name!r}")

    def domain(self, name: str) -> Domain:
        """See `Destination`. Nothing but its name is known."""
        if not self.has_domain(name):
            raise Missing(what=f"domain {name}")
        return Domain(id="", name=name)

    def class_of_service(self, name: str) -> ClassOfService:
        """See `Destination`. None is ever there."""
        raise Missing(what=f"class of service {name}")

    def distribution_list(self, address: str) -> DistributionList:
        """See `Destination`. None is ever there."""
        raise Missing(what=f"distribution list {address}")

    def account(self, address: str) -> Account:
        """See `Destination`. Nothing but its address is known."""
        self._accounts.require(address)
        return Account(id="", address=canonical(address))

    @contextmanager
    def mailbox(self, address: str) -> Iterator[ImapMailbox]:
        """See `Destination`."""
        address = canonical(address)
        self._accounts.require(address)
        with (
            self._accounts.session(address) as session,
            closing(ImapMailbox(self._accounts, session, address)) as mailbox,
        ):
            yield mailbox

    def close(self) -> None:
        """Every session ends with its mailbox."""


def _room(client: Client) -> int | None:
    left = [
        quota.limits["STORAGE"] - quota.usage["STORAGE"]
        for quota in client.quotas("INBOX")
        if "STORAGE" in quota.limits
    ]
    return max(0, min(left)) * 1024 if left else None
