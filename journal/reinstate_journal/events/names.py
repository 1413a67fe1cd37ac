"""How streams and steps are called."""

from __future__ import annotations

Path = tuple[str, ...]


def restore_stream(restore: str) -> str:
    """The stream of a restore as a whole."""
    return f"restore/{restore}"


def account_stream(restore: str, account: str) -> str:
    """The stream of one account within a restore."""
    return f"restore/{restore}/{account}"


def verification_stream(restore: str) -> str:
    """The stream of what comparing a restore with its destination found."""
    return f"verification/{restore}"


def approved(failure: str) -> str:
    """Why a step counts as skipped whose failure was accepted."""
    return f"approved: {failure}"


def item_step(item: str, digest: str) -> str:
    """The identity of restoring one item with one content.

    The first eight characters of the digest are 48 bits: enough to tell the few
    contents that one item has over time, such as a draft's, from each other. An
    item whose content is not known has "-".
    """
    return f"item {item} {digest[:8] or '-'}"
