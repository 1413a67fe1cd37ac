"""The table [imap] of restore.toml, checked as a whole: every mistake is told at once."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal

import msgspec

from reinstate_journal.errors import UsageError
from reinstate_service.model import Frozen
from reinstate_service.secret import SecretPlace
from reinstate_service.tables import mistakes


class ConfigurationWrong(UsageError):
    """The configuration file cannot be used."""

    message = "The configuration {path} cannot be used: {detail}"
    hint = "docs/destinations.md has an example of restore.toml with every key."


class Login(Frozen, frozen=True):
    """How an account is logged in to.

    `master` logs in as account + separator + user, `authzid` as user on the account's behalf
    (SASL PLAIN, RFC 4616), `oauthbearer` (RFC 7628) and `xoauth2` with a token, `passwords`
    with the account's own, from a CSV file of address and password.
    """

    method: Literal["master", "authzid", "oauthbearer", "xoauth2", "passwords"]
    user: str = ""
    separator: str = "*"
    secret: SecretPlace | None = None
    file: str = ""


class Imap(Frozen, frozen=True):
    """A server. `domains` names an account for each domain that it has, by which it is looked
    whether the domain is there; `identity` stands for the server's name and port, if those may
    change. `patience`: so many seconds is it waited for when it is busy, or away in the middle of
    a run. `settle_seconds`: if nothing has arrived for so long of what a dead session had
    sent, it is stored or never will be. `connections_per_account` are for its messages, if the
    server lets it have so many.

    `forbidden` are characters that no name may hold; `shared` is where other users' folders are
    shown, with {domain} and {local}; accounts of `default_domain` are granted to without it;
    `sieve` is HOST:PORT of ManageSieve, if it is elsewhere than on the same host's port 4190."""

    domains: dict[str, str]
    login: Login
    tls: Literal["required", "none"] = "required"
    ca_file: str = ""
    timeout: float = 60
    patience: float = 3600
    settle_seconds: float = 5
    connections_per_account: int = 2
    identity: str = ""
    forbidden: str = ""
    shared: str = ""
    default_domain: str = ""
    sieve: str = ""


_LONGEST, _MOST_PATIENT = 3600, 7 * 24 * 3600
_MOST_CONNECTIONS = 8


def read_configuration(path: str) -> Imap:
    """The table [imap] of the file. Raises ConfigurationWrong."""
    try:
        tables = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationWrong(path=path, detail=error.strerror) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationWrong(path=path, detail=f"it is no TOML: {error}") from None
    wrong = [f"{name}: there is no such table" for name in tables if name != "imap"]
    table = tables.get("imap")
    if not isinstance(table, dict):
        wrong.append("imap: this table is missing")
    else:
        wrong += mistakes(Imap, table, "imap")
    if wrong:
        raise ConfigurationWrong(path=path, detail="; ".join(wrong))
    found = msgspec.convert(table, Imap)
    if wrong := list(_contradictions(found)):
        raise ConfigurationWrong(path=path, detail="; ".join(wrong))
    return found


def _contradictions(found: Imap) -> list[str]:
    mistakes = _login_contradictions(found.login)
    if not found.domains:
        mistakes.append("imap.domains: names no domain")
    for domain, account in found.domains.items():
        if account.rpartition("@")[2].lower() != domain.lower():
            mistakes.append(f"imap.domains.{domain}: {account!r} is no account of this domain")
    port = found.sieve.rpartition(":")[2]
    if found.sieve and not (port.isdecimal() and 0 < int(port) < 65536):
        mistakes.append(f"imap.sieve: {found.sieve!r} is not HOST:PORT")
    if not 0 < found.timeout <= _LONGEST:
        mistakes.append(f"imap.timeout: {found.timeout} is not between 0 and {_LONGEST} seconds")
    if not 0 <= found.patience <= _MOST_PATIENT:
        mistakes.append(f"imap.patience: {found.patience} is not 0 to {_MOST_PATIENT} seconds")
    if not 0 <= found.settle_seconds <= _LONGEST:
        mistakes.append(f"imap.settle_seconds: {found.settle_seconds} is not 0 to {_LONGEST}")
    if not 1 <= found.connections_per_account <= _MOST_CONNECTIONS:
        told = f"{found.connections_per_account} is not 1 to {_MOST_CONNECTIONS}"
        mistakes.append(f"imap.connections_per_account: {told}")
    return mistakes


def _login_contradictions(login: Login) -> list[str]:
    mistakes = []
    if login.method == "passwords":
        if not login.file:
            mistakes.append("imap.login.file: missing for passwords")
    elif login.secret is None:
        mistakes.append(f"imap.login.secret: missing for {login.method}")
    if login.method in {"master", "authzid"} and not login.user:
        mistakes.append(f"imap.login.user: missing for {login.method}")
    if login.secret is not None:
        places = (login.secret.file, login.secret.env, login.secret.command)
        if sum(map(bool, places)) != 1:
            mistakes.append("imap.login.secret: exactly one of file, env, command")
    return mistakes
