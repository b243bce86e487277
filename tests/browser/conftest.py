"""Two sites and a browser to look at them, once for all tests: of the demonstration, and synthetic.

The demonstration's own site is what a newcomer sees; the synthetic one has hostile names and
numbers a test can count on.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("selenium", reason="selenium is in the extra `test`")

from browser.browsers import Browser, served, start, wait_for
from isthmus.demo import demonstrate
from isthmus.report.site import build_site
from report.synthetic import write_results

#: Works of the demonstration: enough that China is followed in every year.
DEMO_WORKS = 20_000

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
def demonstrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a demonstration; several test processes share one."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    done, folder = shared / "demonstrated", shared / "demonstration"
    try:
        (shared / "demonstrating").mkdir()
    except FileExistsError:
        wait_for(done.exists, "another process's demonstration")
        return folder
    demonstrate(folder, works=DEMO_WORKS, seed=1, progress=lambda *_: None)
    done.touch()
    return folder


@pytest.fixture(scope="session")
def demo(demonstrated: Path) -> Iterator[dict[str, str]]:
    """Addresses of the demonstration's site."""
    with served(demonstrated / "site") as address:
        yield {"http": address, "file": (demonstrated / "site").as_uri()}


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
