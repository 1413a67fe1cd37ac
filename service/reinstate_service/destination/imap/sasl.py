"""How an account is logged in to: the SASL mechanism and its one response, for IMAP and for
ManageSieve alike."""

from __future__ import annotations

from reinstate_service.destination.imap.configuration import Login
from reinstate_service.destination.imap.errors import LoginRefused
from reinstate_service.secret import SecretMissing, passwords, secret


class Credentials:
    """A mechanism and its initial response; `user` and `word` for a plain LOGIN. No repr shows
    them, since none is made."""

    __slots__ = ("mechanism", "response", "user", "word")

    def __init__(self, mechanism: str, response: str, user: str, word: str) -> None:
        self.mechanism = mechanism
        self.response = response
        self.user = user
        self.word = word

    def answer(self, challenge: bytes | None) -> str:
        """What is said to a challenge. A second one tells that a token is refused, and waits for
        nothing but to be answered (RFC 7628 §3.2.3)."""
        if not challenge:
            return self.response
        return "\1" if self.mechanism == "OAUTHBEARER" else ""

    def hidden_in(self, text: str) -> str:
        """The text without the secret, which a server may have quoted."""
        return text.replace(self.word, "...")


def credentials(login: Login, address: str) -> Credentials:
    """Those of the account. Raises LoginRefused (it has none), SecretMissing."""
    word = _word(login, address)
    match login.method:
        case "master":
            user = f"{address}{login.separator}{login.user}"
            return Credentials("PLAIN", f"\0{user}\0{word}", user, word)  # RFC 4616
        case "passwords":
            return Credentials("PLAIN", f"\0{address}\0{word}", address, word)
        case "authzid":
            return Credentials("PLAIN", f"{address}\0{login.user}\0{word}", "", word)
        case "oauthbearer":  # RFC 7628 §3.1, RFC 5801 §4
            name = address.replace("=", "=3D").replace(",", "=2C")
            response = f"n,a={name},\1auth=Bearer {word}\1\1"
            return Credentials("OAUTHBEARER", response, "", word)
        case "xoauth2":
            response = f"user={address}\1auth=Bearer {word}\1\1"
            return Credentials("XOAUTH2", response, "", word)


def _word(login: Login, address: str) -> str:
    if login.secret is not None and login.method != "passwords":
        word = secret(login.secret, address)
    else:
        known = passwords(login.file)
        if address.lower() not in known:
            raise LoginRefused(address=address, detail=f"{login.file} has no password for it")
        word = known[address.lower()]
    if not word or any(character in word for character in "\r\n\0\1"):
        raise SecretMissing(where=address, detail="it is empty, or holds a control character")
    return word
