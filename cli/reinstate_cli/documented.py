"""From `doExternalRestore`, as its documentation types it, to the words of `reinstate restore`.

Pure: words in, words out. `restore` then reads and checks them, so that both commands have the
same options by construction. Where a parameter means something else here, a remark says so.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from reinstate_journal.errors import UsageError

VERB = "doExternalRestore"


class Translation(NamedTuple):
    """The words behind `reinstate restore`, and what an administrator should know of them."""

    words: tuple[str, ...]
    remarks: tuple[str, ...]

    def command(self) -> str:
        """The command that does the same, for a shell."""
        return shlex.join(("reinstate", "restore", *self.words))


class Misread(UsageError):
    """Words that are not of the documented syntax: all mistakes at once."""

    message = "doExternalRestore: {mistakes}"
    hint = (
        "The syntax is: SOURCE_PATH [param VALUE[,VALUE]]...; nothing was started. The parameters"
        " are: {parameters}"
    )


#: From a value to words of `restore`. Raises ValueError that says what is expected.
_Translate = Callable[[str], tuple[str, ...]]


class _Parameter(NamedTuple):
    """How one parameter is translated, and the remark to make where it is given."""

    translate: _Translate
    remark: str = ""


def _words(option: str) -> _Translate:
    return lambda value: (option, value)


def _number(option: str) -> _Translate:
    def translate(value: str) -> tuple[str, ...]:
        if not (value.isascii() and value.isdigit()):
            raise ValueError("a whole number")
        return option, value

    return translate


def _flag(*, when_true: str = "", when_false: str = "") -> _Translate:
    def translate(value: str) -> tuple[str, ...]:
        chosen = {"true": when_true, "false": when_false}.get(value.casefold())
        if chosen is None:
            raise ValueError("true or false")
        return (chosen,) if chosen else ()

    return translate


def _nowhere(_value: str) -> tuple[str, ...]:
    return ()


#: All parameters behind the source path, in the order of the documentation. What the vendor
#: does not define is defined in docs/decisions/selection.md.
PARAMETERS: dict[str, _Parameter] = {
    "accounts": _Parameter(_words("--accounts")),
    "input_file": _Parameter(_words("--input-file")),
    "domains": _Parameter(_words("--domains")),
    "filter_deleted": _Parameter(_flag(when_false="--no-filter-deleted")),
    "skip_system_accounts": _Parameter(_flag(when_false="--no-skip-system-accounts")),
    "skip_aliases": _Parameter(_flag(when_true="--skip-aliases")),
    "skip_distribution_lists": _Parameter(_flag(when_true="--skip-distribution-lists")),
    "skip_coses": _Parameter(_flag(when_true="--skip-coses")),
    "skip_account_provisioning": _Parameter(
        _flag(when_true="--skip-account-provisioning"),
        "here the accounts must exist, and keep their settings, filters and aliases",
    ),
    "skip_domain_provisioning": _Parameter(
        _flag(when_true="--skip-domain-provisioning"),
        "here no domain, class of service, list or quota is restored; a domain that is missing"
        " stops the restore before it starts",
    ),
    "provisioning_only": _Parameter(_flag(when_true="--provisioning-only")),
    "notifications": _Parameter(
        _words("--notifications"),
        "they are recorded in the journal; the initiator and the administrator are not added to"
        " the addresses",
    ),
    "concurrent_accounts": _Parameter(_number("--concurrent-accounts")),
    "max_file_size": _Parameter(
        _words("--max-file-size"),
        "the vendor prints no unit; here it is bytes, or a size such as 50M, and 0 is no limit",
    ),
    "restore_datasource": _Parameter(_flag(when_false="--no-restore-datasource")),
    "force_as_external_restore": _Parameter(_flag(when_true="--force-as-external-restore")),
    "blobs_archive": _Parameter(
        _nowhere,
        "it has no meaning here, and nothing is read from it: blobs come from items/ of the"
        " Backup Path. Those that are only in a bucket are reported as BlobMissing; copy or mount"
        " the bucket there, then: reinstate resume",
    ),
}
#: What is different whatever is asked for.
_ALWAYS = (
    "the restore runs in the foreground and is not queued; Ctrl-C ends it after the batch in"
    " hand, and reinstate resume goes on"
)


def translate(words: Sequence[str]) -> Translation:
    """The words of `restore` for SOURCE_PATH [param VALUE[,VALUE]]..., without the destination.

    Names of parameters are in any case. Raises Misread, which names every mistake.
    """
    source, *rest = words
    if source.casefold() in PARAMETERS and len(rest) % 2:
        raise _misread([f"SOURCE_PATH is missing before {source}"])
    given: dict[str, str] = {}
    mistakes = list(_read(rest, given))
    translated: list[str] = [source]
    remarks = [_ALWAYS]
    for name, value in given.items():
        parameter = PARAMETERS[name]
        try:
            translated += parameter.translate(value)
        except ValueError as expected:
            mistakes.append(f"{name} is {expected}, not {value!r}")
        if parameter.remark:
            remarks.append(f"{name}: {parameter.remark}")
    if mistakes:
        raise _misread(mistakes)
    return Translation(tuple(translated), tuple(remarks))


def _read(words: Sequence[str], given: dict[str, str]) -> Iterator[str]:
    """Fills `given`; answers the mistakes."""
    pairs = iter(words)
    for word in pairs:
        value = next(pairs, None)
        name = word.casefold()
        if value is None:
            yield f"{word} has no value"
        elif name not in PARAMETERS:
            yield f"{word} is no parameter"
        elif name in given:
            yield f"{name} is there twice"
        elif not value:
            yield f"{name} is empty"
        else:
            given[name] = value


def _misread(mistakes: Sequence[str]) -> Misread:
    return Misread(mistakes="; ".join(mistakes), parameters=", ".join(PARAMETERS))


def at_the_front(arguments: Sequence[str]) -> list[str]:
    """The arguments with `doExternalRestore` first and in its own spelling, if that is what they
    call: run books have it in any case, behind `backup`, and behind the global options
    --progress and --json. All others are answered as they are."""
    for place, argument in enumerate(arguments):
        if argument.casefold() == VERB.casefold():
            return [VERB, *_options(arguments[:place]), *arguments[place + 1 :]]
        if argument not in {"--progress", "--json", "backup"}:
            break
    return [*arguments]


def _options(before: Sequence[str]) -> list[str]:
    return [word for word in before if word.startswith("--")]
