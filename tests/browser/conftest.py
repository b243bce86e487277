"""Two sites and a browser to look at them, once for all tests: of the demonstration, and synthetic.

The demonstration's own site is what a newcomer sees; the synthetic one has hostile names and
numbers a test can count on.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("selenium", reason="selenium is in the extra `test`")

from browser.browsers import Browser, served, start
from isthmus.report.site import build_site
from report.synthetic import write_results

#: Countries and years of the synthetic site: small, but with every table and both poles.
COUNTRIES, YEARS = 8, (2000, 2006)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("explorer")
    results = write_results(folder / "results", COUNTRIES, YEARS)
    return build_site(results, folder / "site").parent


@pytest.fixture(scope="session")
def addresses(site: Path) -> Iterator[dict[str, str]]:
    with served(site) as address:
        yield {"http": address, "file": site.as_uri()}


@pytest.fixture(scope="session")
def demo(demonstration: Path) -> Iterator[dict[str, str]]:
    """Addresses of the demonstration's site."""
    with served(demonstration / "site") as address:
        yield {"http": address, "file": (demonstration / "site").as_uri()}


@pytest.fixture(scope="session")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    folder = tmp_path_factory.mktemp("browser")
    (folder / "downloads").mkdir()
    driver = start(folder / "profile")
    yield Browser(driver, folder / "downloads")
    driver.quit()


@pytest.fixture
def browser(session: Browser) -> Browser:
    session.size(1200)
    session.prefer("light")
    return session
