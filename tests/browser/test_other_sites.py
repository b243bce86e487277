"""Sites of studies that are not the demonstration: tables of links alone, and a real corpus.

Of each, every page in three widths: nothing scrolls sideways, is cut or overlaps, and no
internal name stands in a text.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from browser.audit import faults, grave_faults, looked_at
from browser.browsers import Browser
from isthmus.pipeline.edge_table import run_edges
from isthmus.report.site import build_site
from isthmus.results import Results
from pipeline.test_nlp_countries import studied

#: The least that an analysis of poles does: its numbers are not what is looked at here.
QUICK: Mapping[str, Any] = {
    "null_models": ["multiedge"],
    "placebo_replays": 2,
    "n_init": 1,
    "n_resamples": 0,
    "choice_most": 2,
    "dropped": 0,
}

#: Pages that look otherwise than the demonstration's where there are links alone; axe is slow.
AXE = {("links", "index"), ("links", "poles")}

#: Countries and years of the simulated links.
COUNTRIES = ("US", "CN", "DE", "FR", "GB", "JP", "KR", "BR", "IN", "IR")
YEARS = range(1996, 2016)

#: Mean works a year from which a country of the real links enters: a dozen of the largest.
LARGE = 60_000


def simulated_links(path: Path) -> Path:
    """Write links of countries of unlike sizes; those of the poles rise and then fall."""
    rng = np.random.default_rng(18)
    size = dict(zip(COUNTRIES, (900, 500, 300, 250, 320, 200, 90, 60, 120, 25), strict=True))
    rows = [
        {"year": year, "source": one, "target": other}
        | {"weight": int(rng.poisson(size[one] * size[other] / 300 * _drift(one, other, year)))}
        for year in YEARS
        for at, one in enumerate(COUNTRIES)
        for other in COUNTRIES[at + 1 :]
    ]
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def _drift(one: str, other: str, year: int) -> float:
    return 1.0 if {one, other} != {"US", "CN"} else float(np.exp(0.12 * -abs(year - 2007)))


@pytest.fixture(scope="module")
def links(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("links")
    edges = simulated_links(folder / "links.parquet")
    settings = {**QUICK, "min_works": 1}
    return run_edges(edges, folder / "results", poles=("US", "CN"), settings=settings)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Results:
    edges = shared_data / "world-coauthorship" / "edges_1990_2023.csv.gz"
    to = tmp_path_factory.mktemp("world") / "results"
    settings = {**QUICK, "min_works": LARGE}
    return run_edges(edges, to, poles=("US", "CN"), years=(2009, 2023), settings=settings)


@pytest.fixture(scope="module")
def nlp(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Results:
    return studied(tmp_path_factory.mktemp("nlp-site"), shared_data)


@pytest.mark.parametrize(
    "name",
    [
        "links",
        pytest.param("world", marks=pytest.mark.shared_data),
        pytest.param("nlp", marks=pytest.mark.shared_data),
    ],
)
def test_every_page_is_whole_in_three_widths(
    name: str, request: pytest.FixtureRequest, browser: Browser, tmp_path: Path
) -> None:
    site = build_site(request.getfixturevalue(name), tmp_path / "site").parent
    found: dict[str, Any] = {}
    for page in sorted(site.glob("*.html")):
        browser.size(1280)
        browser.open(page.as_uri())
        said: list[Any] = browser.complaints()
        for width, _ in looked_at(browser):
            said += [f"{width}: {fault}" for fault in faults(browser)]
        said += grave_faults(browser) if (name, page.stem) in AXE else []
        if said:
            found[page.name] = said
    assert found == {}
