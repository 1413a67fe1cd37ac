"""Grants over IMAP: ACL (RFC 4314, RFC 2086), and how a server writes whom they are for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from reinstate_service.destination.contract import AccessGrant, Missing, Refused
from reinstate_service.destination.imap.connection import Client
from reinstate_service.destination.imap.errors import ServerRefuses
from reinstate_service.destination.imap.session import Session
from reinstate_service.model import Frozen

#: What is written before the name of a group, by the name that a server gives itself (RFC 2971).
_GROUPS = {"dovecot": "$", "cyrus": "group:"}
_ORDER = "lrswipktexacd"
#: RFC 4314 §2.1.1: the old rights that stand for the new ones.
_OLD = {"k": "c", "x": "c", "t": "d", "e": "d"}


class Dialect(Frozen, frozen=True):
    """How a server writes grantees: `groups` leads a group's name (empty: it is not known), and
    accounts of `default_domain` are written without it."""

    groups: str = ""
    everybody: str = "anyone"
    default_domain: str = ""

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
    """How the server that answers writes grantees."""
    told = client.id_({"name": "reinstate"}) if client.has_capability("ID") else ()
    pairs = told[0] if told and told[0] else ()
    names = {key.lower(): value for key, value in zip(pairs[::2], pairs[1::2], strict=False) if key}
    name = (names.get(b"name") or b"").decode("utf-8", "replace").lower()
    groups = next((lead for known, lead in _GROUPS.items() if name.startswith(known)), "")
    everybody = "authenticated" if name.startswith("dovecot") else "anyone"
    return Dialect(groups, everybody, default_domain)


def give(
    session: Session, name: str, grants: Sequence[AccessGrant], dialect: Dialect
) -> Mapping[str, str]:
    """Adds the grants to those of the mailbox; answers those that are refused, with the reason."""
    if not session.ask(lambda client: client.has_capability("ACL")):
        return {grant.grantee: "the server has no ACL" for grant in grants}
    new = session.ask(_has_new_rights)
    refused = {}
    for grant in grants:
        try:
            identifier = dialect.identifier(grant.grantee)
            rights = grant.rights if new else _old(grant.rights)
            session.ask(_setting(name, identifier, rights))
        except Refused as error:
            refused[grant.grantee] = str(error)
    return refused


def given(session: Session, name: str, owner: str, dialect: Dialect) -> Sequence[AccessGrant]:
    """The grants on the mailbox, without what its owner may do. Raises Missing, Refused."""
    try:
        found = session.ask(lambda client: client.getacl(name))
    except ServerRefuses as error:
        if error.code == "NONEXISTENT":
            raise Missing(what=f"folder {name}") from None
        raise
    granted = []
    for who, rights in found:
        grantee = dialect.grantee(who.decode("utf-8", "replace"))
        told = rights.decode("ascii", "replace")
        if grantee.lower() not in {f"user:{owner}", "user:owner"} and not who.startswith(b"-"):
            # RFC 4314 §2.1.1: c and d are told besides, for clients of old.
            kept = [one for one in _ORDER if one in told and one not in "cd"]
            granted.append(AccessGrant(grantee, "".join(kept)))
    return granted


def _has_new_rights(client: Client) -> bool:
    return any(one.upper().startswith(b"RIGHTS=") for one in client.capabilities())


def _old(rights: str) -> str:
    return "".join(dict.fromkeys(_OLD.get(letter, letter) for letter in rights))


def _setting(name: str, identifier: str, rights: str) -> Callable[[Client], object]:
    return lambda client: client.setacl(name, identifier, f"+{rights}")
