"""The explorer: served on this machine, or written as a static site."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from isthmus.report.server import serve
from isthmus.report.shards import SMALL_CELL
from isthmus.report.site import build_site
from isthmus.results import Results


def explore(
    results: Results,
    to: str | Path | None = None,
    *,
    port: int = 0,
    browser: bool = True,
    small_cell: int = SMALL_CELL,
    tell: Callable[[str], None] = print,
) -> Path | None:
    """Open the explorer of finished results, or write it as a static site.

    Served on the loopback address alone, until interrupted.

    Parameters
    ----------
    results
        Results of a finished run.
    to
        Folder of a static site; nothing is served then.
    port
        Port on this machine; 0 takes a free one.
    browser
        Whether to open the browser.
    small_cell
        Joint papers under which a pair's row is greyed.
    tell
        Called with the address once the explorer is served.

    Returns
    -------
    Path or None
        The first page of the static site; None when the explorer was served.

    Raises
    ------
    TargetError
        The folder holds something else, or the port is taken.
    """
    if to is not None:
        return build_site(results, to, small_cell=small_cell)
    with TemporaryDirectory() as folder:
        site = build_site(results, Path(folder) / "site", small_cell=small_cell).parent
        serve(site, port=port, browser=browser, tell=tell)
    return None
