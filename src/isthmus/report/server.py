"""Serve a site on this machine alone."""

from __future__ import annotations

import webbrowser
from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from isthmus.errors import TargetError

#: The loopback address: nobody else on the network can reach it.
LOOPBACK = "127.0.0.1"


class _Quiet(SimpleHTTPRequestHandler):
    """Serves files without a line per request."""

    def log_request(self, *_: Any) -> None:
        """Say nothing of requests answered."""

    def log_error(self, *_: Any) -> None:
        """Say nothing of requests refused; the browser shows them."""


def server_of(site: str | Path, port: int = 0) -> ThreadingHTTPServer:
    """Give a server of a site on loopback, not started; port 0 takes any free one.

    Raises
    ------
    TargetError
        The port is in use.
    """
    handler = partial(_Quiet, directory=str(site))
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
