"""A private Radicale that serves a Maildir destination, and a client, for tests.

It runs with the configuration that `reinstate destination radicale-conf` prints, on
127.0.0.1 and a free port, asks a private Dovecot for passwords, and is stopped by its own
process id.
"""

from __future__ import annotations

import base64
import http.client
import sys
import urllib.parse
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from reinstate_service.destination.maildir.radicale_conf import RadicaleServing, radicale_conf
from system.dovecot import Dovecot
from system.server import PATIENCE, Server, free_ports

#: The configuration is otherwise an administrator's; wrong passwords are tried on purpose.
_IMPATIENT = """
[auth]
delay = 0
"""
_NAMES = {
    "D": "DAV:",
    "C": "urn:ietf:params:xml:ns:caldav",
    "CR": "urn:ietf:params:xml:ns:carddav",
    "ICAL": "http://apple.com/ns/ical/",
    "INF": "http://inf-it.com/ns/ab/",
}
_DECLARED = " ".join(f'xmlns:{short}="{name}"' for short, name in _NAMES.items())
_ASK = f"""<D:propfind {_DECLARED}><D:prop><D:resourcetype/><D:displayname/>
<C:supported-calendar-component-set/><ICAL:calendar-color/><INF:addressbook-color/>
</D:prop></D:propfind>"""
_EVENTS = f"""<C:calendar-query {_DECLARED}><D:prop><D:getetag/><C:calendar-data/></D:prop>
<C:filter><C:comp-filter name="VCALENDAR"/></C:filter></C:calendar-query>"""
_CARDS = f"""<CR:addressbook-query {_DECLARED}><D:prop><D:getetag/><CR:address-data/></D:prop>
<CR:filter/></CR:addressbook-query>"""


class Radicale(Server):
    """`with Radicale(tree, dovecot) as server: server.client(address, password)`."""

    name = "Radicale"

    def __init__(self, tree: Path, dovecot: Dovecot) -> None:
        super().__init__()
        self.tree = tree
        self._dovecot = dovecot
        (self.port,) = free_ports(1)

    def client(self, address: str, password: str) -> Client:
        """Somebody with a calendar program."""
        return Client(self.port, address, password)

    def _start(self) -> None:
        serving = RadicaleServing("127.0.0.1", self.port, self._dovecot.base / "run")
        configuration = self.base / "radicale.conf"
        printed = radicale_conf(self.tree, serving)
        configuration.write_text(printed.replace("[auth]\n", _IMPATIENT.lstrip()))
        self._run([sys.executable, "-m", "radicale", "--config", str(configuration)])
        self._await(self.port)


@dataclass(frozen=True)
class Served:
    """A collection as its server describes it."""

    href: str
    kind: str
    name: str
    colour: str
    components: frozenset[str]


@dataclass(frozen=True)
class Client:
    """Speaks CalDAV (RFC 4791) and CardDAV (RFC 6352) as one user."""

    port: int
    address: str
    password: str

    def collections(self) -> dict[str, Served]:
        """The user's calendars and address books by display name."""
        found = {}
        home = f"/{urllib.parse.quote(self.address)}/"
        for response in self._answers("PROPFIND", home, _ASK):
            if kind := _kind(response):
                served = Served(
                    response.findtext("D:href", "", _NAMES),
                    kind,
                    response.findtext(".//D:displayname", "", _NAMES),
                    response.findtext(".//ICAL:calendar-color", "", _NAMES)
                    or response.findtext(".//INF:addressbook-color", "", _NAMES),
                    frozenset(one.get("name", "") for one in response.findall(".//C:comp", _NAMES)),
                )
                assert served.name not in found
                found[served.name] = served
        return found

    def items(self, collection: Served) -> dict[str, bytes]:
        """What is in a collection, by file name."""
        ask = _EVENTS if collection.kind == "calendar" else _CARDS
        found = {}
        for response in self._answers("REPORT", collection.href, ask):
            name = urllib.parse.unquote(response.findtext("D:href", "", _NAMES)).rpartition("/")[2]
            content = response.findtext(".//C:calendar-data", None, _NAMES) or response.findtext(
                ".//CR:address-data", "", _NAMES
            )
            found[name] = content.encode()
        return found

    def request(self, method: str, path: str, body: str | bytes = "") -> tuple[int, bytes]:
        """The status and the body of an answer."""
        login = base64.b64encode(f"{self.address}:{self.password}".encode()).decode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            headers = {"Authorization": f"Basic {login}", "Depth": "1"}
            content = body.encode() if isinstance(body, str) else body
            connection.request(method, path, content, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def _answers(self, method: str, path: str, body: str) -> list[ET.Element]:
        status, content = self.request(method, path, body)
        assert status == 207, (status, content)
        return ET.fromstring(content).findall("D:response", _NAMES)


def _kind(response: ET.Element) -> str:
    if response.find(".//D:resourcetype/C:calendar", _NAMES) is not None:
        return "calendar"
    if response.find(".//D:resourcetype/CR:addressbook", _NAMES) is not None:
        return "address book"
    return ""
