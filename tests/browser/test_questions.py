"""Ten questions of an analyst, each answered within three clicks from the first page."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from browser.browsers import Browser

#: Clicks that an answer may take; choosing in a list is one.
MOST = 3


class Visit:
    """A visit that begins on the first page and counts its clicks."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.clicks = 0

    def click(self, selector: str) -> None:
        self.clicks += 1
        self.browser.click(selector)

    def choose(self, control: str, value: str) -> None:
        self.clicks += 1
        self.browser.choose(f"#c-{control}", value)

    def text(self, selector: str) -> str:
        code = "return document.querySelector(arguments[0]).textContent"
        return str(self.browser.script(code, selector))

    def is_drawn(self, view: str) -> bool:
        code = "return document.querySelector(arguments[0]) !== null"
        return bool(self.browser.script(code, f"#{view}-chart svg, #{view}-chart canvas"))


@pytest.fixture
def visit(browser: Browser, demo: dict[str, str]) -> Iterator[Visit]:
    browser.open(f"{demo['http']}/index.html")
    made = Visit(browser)
    yield made
    assert made.clicks <= MOST


def test_who_leads_in_2020_and_how_sure(visit: Visit) -> None:
    visit.click("#who-leads .details")
    visit.choose("year", "2020")
    share = visit.browser.keys("leaders").index("papers_last_author_share")
    assert " to " in visit.browser.table("leaders")[0][share]


def test_is_china_catching_up_in_impact(visit: Visit) -> None:
    assert re.search(r"citations \([\d.-]+ to [\d.]+\)", visit.text("#impact"))
    visit.click("#impact .details")
    assert visit.is_drawn("years")


def test_with_whom_does_france_work_more_than_its_size_explains(visit: Visit) -> None:
    visit.click('a[href="country.html"]')
    visit.choose("country", "FR")
    assert "France" in visit.text("#lead")
    assert visit.browser.table("partners")


def test_did_the_poles_come_together_or_drift_apart_and_since_when(visit: Visit) -> None:
    turned = re.search(r"until \d{4}", visit.text("#drift-collaboration .answer"))
    drawn = "return document.querySelector('#drift-collaboration svg .turn') !== null"
    assert turned is None or visit.browser.script(drawn)
    visit.click("#drift-collaboration .details")
    assert "US and China" in visit.text("h1")
    assert re.search(r"In joint papers,? (no turn|they|their course)", visit.text("#lead"))
    assert visit.is_drawn("collaboration-links")
    assert visit.browser.table("turns")


def test_who_moves_to_germany(visit: Visit) -> None:
    visit.click('a[href="country.html"]')
    visit.choose("country", "DE")
    assert visit.browser.table("arrivals")
    assert "who began in Germany" in visit.text("#cohorts-says")


def test_what_does_koreas_premium_look_like(visit: Visit) -> None:
    visit.click('a[href="country.html"]')
    visit.choose("country", "KR")
    assert re.search(
        r"South Korea has \d+ joint papers? with the US and \d+ joint papers? with China. What "
        r"they gain is not estimated: the study asks it of the US and China. The line pairs = ",
        visit.text("#premiums-says"),
    )


def test_what_does_the_premium_of_a_pole_look_like(visit: Visit) -> None:
    visit.click('a[href="country.html"]')
    visit.choose("country", "US")
    rows = visit.browser.table("premiums")
    assert {tuple(row[:2]) for row in rows} >= {("US", "China"), ("China", "US")}
    assert re.search("citations than matched papers|too few", visit.text("#premiums-says"))


def test_what_is_missing(visit: Visit) -> None:
    visit.click("#missing .details")
    assert visit.browser.table("all-works")
    visit.choose("country", "US")
    assert "Of all papers, the US has" in visit.text("#bounds-all-says")


def test_which_findings_survive_and_what_would_change_one(visit: Visit) -> None:
    visit.click('a[href="findings.html"]')
    visit.clicks += 1
    visit.browser.choose("#by-verdict", "supported")
    shown = visit.browser.script(
        "return [...document.querySelectorAll('.question:not([hidden])')]"
        ".map((e) => e.dataset.verdict)"
    )
    assert shown
    assert set(shown) == {"supported"}
    visit.click(".question:not([hidden]) summary")
    told = visit.text(".question details[open]")
    for check in ("Placebo replays", "Other null models", "Other counting rules", "Missing data"):
        assert check in told


def test_save_the_chart(visit: Visit) -> None:
    visit.click('a[href="countries.html"]')
    visit.clicks += 1
    drawn = visit.browser.download("#leaders-chart .save-svg", "svg")
    assert "Source: OpenAlex" in drawn
    assert "Countries in 2021" in drawn


def test_cite_the_page(visit: Visit) -> None:
    code = (
        "return [...document.querySelectorAll('h2')].find((e) => e.textContent === 'How to cite')"
    )
    assert "isthmus" in visit.browser.script(f"{code}.nextElementSibling.textContent")


def test_tables_of_later_questions_have_their_place(visit: Visit) -> None:
    visit.click('a[href="country.html"]')
    visit.choose("country", "US")
    assert "who began in the US" in visit.text("#cohorts-says")
    assert "the US's papers were international" in visit.text("#indicators-says")
    assert "size alone gives" in visit.text("#dependence-says")


def test_blocs_and_topics_begin_with_their_answers(visit: Visit) -> None:
    visit.click('a[href="poles.html"]')
    assert re.search(r"In joint papers of [\d-]+: .*blocs", visit.text("#blocs-says"))
    visit.click('a[href="topics.html"]')
    assert "most highly cited papers come from" in visit.text("#lead")
