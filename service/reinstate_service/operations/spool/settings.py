"""service.toml: how the service notifies, whom it tells of every job."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from reinstate_journal.errors import UsageError
from reinstate_service.model import Frozen
from reinstate_service.operations.spool.job import ADDRESS, Notify
from reinstate_service.secret import SecretPlace
from reinstate_service.tables import mistakes


class SettingsWrong(UsageError):
    """The settings of a service cannot be used."""

    message = "The settings {path} cannot be used: {mistakes}"
    hint = "docs/operations.md has an example of service.toml with every key."


class Smtp(Frozen, frozen=True):
    """The server that takes the mail. `sender` is the address that it comes from; `user` logs in
    with the secret, if there is one. `timeout` is seconds."""

    host: str
    sender: str
    port: Annotated[int, Meta(ge=1, le=65535)] = 25
    tls: Literal["none", "starttls", "required"] = "none"
    ca_file: str = ""
    user: str = ""
    secret: SecretPlace | None = None
    timeout: Annotated[float, Meta(gt=0, le=600)] = 30


class Settings(Frozen, frozen=True):
    """`notify` are told of every job; without `smtp` nothing is mailed."""

    smtp: Smtp | None = None
    notify: Notify = Notify()


def read_settings(path: Path) -> Settings:
    """The settings in the file; the defaults if there is none. Raises SettingsWrong."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        raise SettingsWrong(path=path, mistakes=error.strerror) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsWrong(path=path, mistakes=f"it is no TOML: {error}") from None
    wrong = mistakes(Settings, table)
    if not wrong:
        settings = msgspec.convert(table, Settings)
        smtp = settings.smtp
        if smtp is not None and smtp.user and smtp.secret is None:
            wrong.append("smtp.secret: missing for the user")
        if smtp is not None and smtp.user and smtp.tls == "none" and smtp.host not in _HERE:
            wrong.append("smtp.tls: a password goes over an encrypted connection only")
        if smtp is None and settings.notify.mail:
            wrong.append("smtp: missing for notify.mail")
        addresses = (*settings.notify.mail, *([smtp.sender] if smtp is not None else []))
        wrong += [f"{one!r} is no address" for one in addresses if not ADDRESS.fullmatch(one)]
    if wrong:
        raise SettingsWrong(path=path, mistakes="; ".join(wrong))
    return settings


_HERE = frozenset({"localhost", "127.0.0.1", "::1"})
