"""Serve a site on this machine alone, to pages of its own address alone.

A page from elsewhere cannot read the site: it is refused by its ``Host`` where its name is made
to point at this machine (DNS rebinding), and by ``Cross-Origin-Resource-Policy`` where it loads
the site's scripts, which hold the data, from the right address.
"""

from __future__ import annotations

import io
import webbrowser
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, BinaryIO

from isthmus.errors import TargetError
from isthmus.report import html

#: The loopback address: nobody else on the network can reach it.
LOOPBACK = "127.0.0.1"

#: Names of this machine under which a browser may ask.
HOSTS = ("localhost", LOOPBACK, "[::1]")

#: Sent with every answer, refusals too.
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": f"{html.POLICY}; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class _OwnSite(SimpleHTTPRequestHandler):
    """Serves the files of one folder, to requests for this machine's own names."""

    server: ThreadingHTTPServer

    def send_head(self) -> io.BytesIO | BinaryIO | None:
        """Refuse a foreign host and what is no file of the site; else open the file."""
        if not self._asks_for_this_machine():
            self.send_error(
                HTTPStatus.MISDIRECTED_REQUEST,
                explain=f"This explorer answers at http://{LOOPBACK}:{self.server.server_port}/ "
                "alone. Open that address.",
            )
            return None
        if not self._is_file_of_site():
            self.send_error(HTTPStatus.NOT_FOUND, explain="The site has no such file.")
            return None
        return super().send_head()

    def _asks_for_this_machine(self) -> bool:
        hosts = self.headers.get_all("Host") or []
        port = self.server.server_port
        return len(hosts) == 1 and hosts[0].lower() in {f"{name}:{port}" for name in HOSTS}

    def _is_file_of_site(self) -> bool:
        try:
            named = self.translate_path(self.path)
            file = Path(named, "index.html") if named.endswith("/") else Path(named)
            inside = file.resolve().is_relative_to(Path(self.directory).resolve())
            return inside and file.is_file()
        except (OSError, ValueError):  # a NUL byte, a lone surrogate, a name too long
            return False

    def end_headers(self) -> None:
        """Add the headers that keep a site to itself."""
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_request(self, *_: Any) -> None:
        """Say nothing of requests answered."""

    def log_error(self, *_: Any) -> None:
        """Say nothing of requests refused; the browser shows them."""


def server_of(site: str | Path, port: int = 0) -> ThreadingHTTPServer:
    """Return a server of a site on loopback, not started; port 0 takes any free one.

    Raises
    ------
    TargetError
        The port is in use.
    """
    handler = partial(_OwnSite, directory=str(site))
    try:
        return ThreadingHTTPServer((LOOPBACK, port), handler)
    except OSError as error:
        raise TargetError(
            f"Cannot serve on port {port} of {LOOPBACK}: {error.strerror}. Choose another port, "
            "or 0 for any free one."
        ) from None


def serve(
    site: str | Path,
    *,
    port: int = 0,
    browser: bool = True,
    tell: Callable[[str], None] | None = None,
) -> None:
    """Serve a site on loopback until interrupted, and open it in the browser.

    Parameters
    ----------
    site
        Folder of the site.
    port
        Port; 0 takes any free one.
    browser
        Whether to open the browser.
    tell
        Given the address once the server listens.
    """
    with server_of(site, port) as server:
        address = f"http://{LOOPBACK}:{server.server_port}/"
        if tell is not None:
            tell(address)
        if browser:
            webbrowser.open(address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return
