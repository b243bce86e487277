"""How fast pages open, and how much they load, in a study of 200 countries and 30 years."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest

from browser.browsers import Browser
from browser.test_visits import MOST_BYTES
from isthmus.report.site import build_site
from isthmus.study import Study
from report.synthetic import STUDY, codes, comparison, finish, leadership, movement, networks

COUNTRIES, YEARS = 200, np.arange(1994, 2024)

#: The year with links: more of them make the site larger, but hardly the page of one pair.
LINKED = YEARS[-1:]

#: Milliseconds until the first page can be read and used.
PROMPT = 1000


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, rng = tmp_path_factory.mktemp("large"), np.random.default_rng(3)
    (folder / "results").mkdir()
    names = codes(COUNTRIES)
    tables = {
        **leadership(rng, names, YEARS),
        **movement(rng, names, YEARS),
        **comparison(rng, YEARS),
        "collaboration": networks(rng, names, LINKED)["collaboration"],
    }
    span = [int(YEARS[0]), int(YEARS[-1])]
    study = Study.parse({**STUDY, "study": {**STUDY["study"], "years": span}})
    return build_site(finish(folder / "results", tables, study), folder / "site").parent


@pytest.fixture
def quiet(browser: Browser) -> Browser:
    """The browser after its first start, which other pages have paid for."""
    browser.open("data:text/html,<p>warm</p>")
    return browser


def test_the_first_page_is_usable_within_a_second(quiet: Browser, large: Path) -> None:
    code = (
        "const page = performance.getEntriesByType('navigation')[0];"
        "const paint = performance.getEntriesByName('first-contentful-paint')[0];"
        "return Math.max(page.loadEventEnd, paint.startTime)"
    )
    times = []
    for _ in range(3):
        quiet.open((large / "index.html").as_uri())
        assert quiet.script("return document.querySelectorAll('.card .small-chart').length") >= 4
        times.append(quiet.script(code))
    assert min(times) < PROMPT, times


@pytest.mark.parametrize("page", ["index", "countries", "country", "pairs"])
def test_no_page_loads_more_than_it_may(quiet: Browser, large: Path, page: str) -> None:
    quiet.open((large / f"{page}.html").as_uri())
    asked = {urlsplit(url).path for url in quiet.requests() if url.startswith("file:")}
    sizes = [Path(unquote(path)).stat().st_size for path in asked]
    assert len(sizes) > 3
    assert sum(sizes) < MOST_BYTES
