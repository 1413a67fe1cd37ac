"""The passwords of data sources, which Zimbra and Carbonio keep in a form that can be undone.

The stored value is base64 of a byte 1, 16 bytes of salt, and the password in AES-128-ECB
with PKCS #7 padding, under the key MD5(salt and data source id). So the id is all the
secret there is: whoever holds the directory holds the passwords. It also means that the
value is of use only beside the same id, which is why it is undone when it is read.
"""

from __future__ import annotations

import base64
import binascii
import hashlib

from reinstate_journal.errors import ReinstateError

_VERSION = 1
_SALT = 16
_BLOCK = 16


class PasswordUnreadable(ReinstateError):
    """A data source's password cannot be undone; the data source comes without it."""

    message = "its password cannot be read: {detail}"
    hint = "The user types it again where the data source is restored."
    exit_code = 3


def reveal(stored: str, source: str) -> str:
    """The password of the data source with the id `source`. Raises PasswordUnreadable."""
    # Takes long to load, and most directories have no data source at all.
    from cryptography.hazmat.primitives import padding  # noqa: PLC0415
    from cryptography.hazmat.primitives.ciphers import Cipher  # noqa: PLC0415
    from cryptography.hazmat.primitives.ciphers.algorithms import AES  # noqa: PLC0415
    from cryptography.hazmat.primitives.ciphers.modes import ECB  # noqa: PLC0415

    try:
        data = base64.b64decode(stored, validate=True)
    except (binascii.Error, ValueError):
        raise PasswordUnreadable(detail="it is no base64") from None
    if len(data) <= 1 + _SALT or data[0] != _VERSION or (len(data) - 1) % _BLOCK:
        raise PasswordUnreadable(detail="it is in a form that is not known")
    salt, body = data[1 : 1 + _SALT], data[1 + _SALT :]
    decryptor = Cipher(AES(_key(salt, source)), ECB()).decryptor()  # noqa: S305 the format's own
    unpadder = padding.PKCS7(8 * _BLOCK).unpadder()
    try:
        padded = decryptor.update(body) + decryptor.finalize()
        return (unpadder.update(padded) + unpadder.finalize()).decode()
    except ValueError:
        raise PasswordUnreadable(detail="it belongs to another data source") from None


def _key(salt: bytes, source: str) -> bytes:
    return hashlib.md5(salt + source.encode(), usedforsecurity=False).digest()
