"""The table [imap] of restore.toml, checked as a whole: every mistake is told at once."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from reinstate_journal.errors import UsageError
from reinstate_service.model import Frozen


class ConfigurationWrong(UsageError):
    """The configuration file cannot be used."""

    message = "The configuration {path} cannot be used: {detail}"
    hint = "docs/destinations.md has an example of restore.toml with every key."


class SecretPlace(Frozen, frozen=True):
    """Where a secret comes from, one of the three: a file that nobody else may read, a variable
    of the environment, or a command whose output it is."""

    file: str = ""
    env: str = ""
    command: tuple[str, ...] = ()


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
    change. `settle_seconds`: so long after its end, what a session had sent is stored.

    `forbidden` are characters that no name may hold; `shared` is where other users' folders are
    shown, with {domain} and {local}; accounts of `default_domain` are granted to without it;
    `sieve` is HOST:PORT of ManageSieve, if it is elsewhere than on the same host's port 4190."""

    domains: dict[str, str]
    login: Login
    tls: Literal["required", "none"] = "required"
    ca_file: str = ""
    timeout: float = 60
    settle_seconds: float = 5
    identity: str = ""
    forbidden: str = ""
    shared: str = ""
    default_domain: str = ""
    sieve: str = ""


_LONGEST = 3600


def read_configuration(path: str) -> Imap:
    """The table [imap] of the file. Raises ConfigurationWrong."""
    try:
        tables = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationWrong(path=path, detail=error.strerror) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationWrong(path=path, detail=f"it is no TOML: {error}") from None
    mistakes = [f"{name}: there is no such table" for name in tables if name != "imap"]
    table = tables.get("imap")
    if not isinstance(table, dict):
        mistakes.append("imap: this table is missing")
    else:
        mistakes += _mistakes(Imap, table, "imap")
    if mistakes:
        raise ConfigurationWrong(path=path, detail="; ".join(mistakes))
    found = msgspec.convert(table, Imap)
    if mistakes := list(_contradictions(found)):
        raise ConfigurationWrong(path=path, detail="; ".join(mistakes))
    return found


def _mistakes(shape: type[Frozen], table: Mapping[str, Any], where: str) -> list[str]:
    """Everything that keeps the table from being of that shape, each with its key."""
    fields = {field.encode_name: field for field in msgspec.structs.fields(shape)}
    found = []
    for key in table.keys() - fields.keys():
        near = difflib.get_close_matches(key, fields, 1)
        found.append(f"{where}.{key}: no such key" + (f"; {near[0]}?" if near else ""))
    for key, field in fields.items():
        if key not in table:
            if field.required:
                found.append(f"{where}.{key}: missing")
            continue
        nested = _TABLES.get((shape, key))
        if nested is not None and isinstance(table[key], dict):
            found += _mistakes(nested, table[key], f"{where}.{key}")
            continue
        try:
            msgspec.convert(table[key], field.type)
        except msgspec.ValidationError as error:
            found.append(f"{where}.{key}: {error}")
    return sorted(found)


_TABLES: dict[tuple[type[Frozen], str], type[Frozen]] = {
    (Imap, "login"): Login,
    (Login, "secret"): SecretPlace,
}


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
    if not 0 <= found.settle_seconds <= _LONGEST:
        mistakes.append(f"imap.settle_seconds: {found.settle_seconds} is not 0 to {_LONGEST}")
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
