"""What a server announces by no capability: how it writes grantees, what its names cannot hold,
where it shows other users' folders. Known by the name that it gives itself (RFC 2971)."""

from __future__ import annotations

from reinstate_service.destination.contract import Refused
from reinstate_service.destination.imap.connection import Client
from reinstate_service.model import Frozen, Path

#: What stands behind the root of other users' folders.
_DOMAIN_AND_LOCAL: Path = ("{domain}", "{local}")
#: Refused by Cyrus in a mailbox's name (tried on 3.6, with either separator).
_CYRUS_FORBIDS = '!"%;<>\\^`{|}'


class Dialect(Frozen, frozen=True):
    """`groups` leads a group's name (empty: it is not known how), `everybody` is whoever is
    logged in. Accounts of `default_domain` are written without it; `has_default_domain` says that
    there may be one. No name holds a character of `forbidden`; `others` is where below their root
    another user's folders are. To an administrator, an account's INBOX is `home` and the account's
    name; empty: that is not known."""

    groups: str = ""
    everybody: str = "anyone"
    default_domain: str = ""
    has_default_domain: bool = False
    forbidden: str = ""
    others: Path = _DOMAIN_AND_LOCAL
    home: str = ""

    def identifier(self, grantee: str) -> str:
        """The identifier for a grantee of the contract's. Raises Refused."""
        kind, _, name = grantee.partition(":")
        match kind:
            case "user":
                return name.removesuffix(f"@{self.default_domain}") if self.default_domain else name
            case "group" if self.groups:
                return self.groups + name
            case "authenticated":
                return self.everybody
            case "anyone":
                return "anyone"
            case _:
                raise Refused(detail="it is not known how this server writes groups")

    def grantee(self, identifier: str) -> str:
        """The contract's grantee for an identifier."""
        if identifier == "anyone":
            return "anyone"
        if identifier == self.everybody:
            return "authenticated"
        if self.groups and identifier.startswith(self.groups):
            return f"group:{identifier.removeprefix(self.groups)}"
        if self.default_domain and "@" not in identifier:
            return f"user:{identifier}@{self.default_domain}"
        return f"user:{identifier}"


def dialect_of(client: Client, default_domain: str) -> Dialect:
    """The dialect of the server that answers, as far as its name tells it."""
    told = client.id_({"name": "reinstate"}) if client.has_capability("ID") else ()
    pairs = told[0] if told and told[0] else ()
    names = {key.lower(): value for key, value in zip(pairs[::2], pairs[1::2], strict=False) if key}
    name = (names.get(b"name") or b"").decode("utf-8", "replace").lower()
    if name.startswith("dovecot"):
        return Dialect("$", "authenticated", default_domain)
    if name.startswith("cyrus"):
        return Dialect(
            "group:", "anyone", default_domain, True, _CYRUS_FORBIDS, ("{local}",), "user"
        )
    return Dialect(default_domain=default_domain)


def is_of_default_domain(client: Client, address: str) -> bool:
    """Whether the server writes the account, the owner of its INBOX, without its domain. A grant
    to one that is not written as the server does it is accepted, and without effect."""
    if not client.has_capability("ACL"):
        return False
    return address.partition("@")[0] in {who for who, _ in client.acl("INBOX")}
