"""An authorisation server that a mail server asks whose a token is (RFC 7662)."""

from __future__ import annotations

import http.server
import json
import urllib.parse

from listening import Background


class Introspection(Background):
    """`with Introspection() as server: server.tokens[token] = address`."""

    def __init__(self) -> None:
        self.tokens: dict[str, str] = {}
        tokens = self.tokens

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                form = urllib.parse.parse_qs(self.rfile.read(length).decode())
                address = tokens.get(form.get("token", [""])[0])
                told = {"active": True, "email": address} if address else {"active": False}
                content = json.dumps(told).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/introspect"

    def serve(self) -> None:
        self._server.serve_forever()

    def stop(self) -> None:
        self._server.shutdown()

    def end(self) -> None:
        self._server.server_close()
