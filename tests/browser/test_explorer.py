"""What a visitor does with the tables and the selection, in a real browser.

The pages are drawn from synthetic results with hostile names; what they show is
compared with the text of the tables in the page and with the files they save.
"""

from __future__ import annotations

import csv
import io

import pytest

from browser.browsers import Browser
from browser.test_visits import PAGES, TABLES, saved_is_shown
from report.synthetic import HOSTILE, TITLE


def test_dark_mode_is_dark_and_can_be_switched(browser: Browser, addresses: dict[str, str]) -> None:
    browser.prefer("dark")
    browser.open(f"{addresses['http']}/countries.html")
    ground = "return getComputedStyle(document.body).backgroundColor"
    assert browser.script(ground) == "rgb(22, 24, 27)"
    browser.click("#theme")
    assert browser.script(ground) == "rgb(255, 255, 255)"
    browser.open(f"{addresses['http']}/coverage.html")
    assert browser.script(ground) == "rgb(255, 255, 255)"
    browser.script("localStorage.clear()")


def test_sorting_a_column(browser: Browser, addresses: dict[str, str]) -> None:
    browser.open(f"{addresses['file']}/countries.html")
    head = '#leaders-table th[data-key="papers_last_author"]'
    at = _column(browser, "leaders", "papers_last_author")
    browser.click(f"{head} .sort")
    down = [_number(row[at]) for row in browser.table("leaders")]
    assert down == sorted(down, reverse=True)
    assert browser.script(f"return document.querySelector('{head}').ariaSort") == "descending"
    browser.click(f"{head} .sort")
    up = [_number(row[at]) for row in browser.table("leaders")]
    assert up == sorted(up)
    assert up != down
    assert [row[0] for row in browser.table("leaders")] == [str(n + 1) for n in range(len(up))]
    browser.click('#leaders-table th[data-key="papers_last_author_share"] .sort')
    ranks = [row[0] for row in browser.table("leaders")]
    assert any("-" in rank for rank in ranks)  # intervals of the last ones overlap


def test_filtering_keeps_ranks(browser: Browser, addresses: dict[str, str]) -> None:
    browser.open(f"{addresses['file']}/countries.html")
    everything = browser.table("leaders")
    browser.type("#leaders-find", "chi")
    assert browser.table("leaders") == [row for row in everything if "chi" in row[1].lower()]
    assert len(browser.table("leaders")) == 1
    browser.type("#leaders-find", "no such country")
    assert browser.table("leaders") == []
    assert browser.script("return document.getElementById('leaders-chart').hidden") is True
    assert browser.complaints() == []


def test_selection_survives_reload_and_back(browser: Browser, addresses: dict[str, str]) -> None:
    browser.open(f"{addresses['file']}/countries.html")
    first = browser.table("leaders")
    browser.choose("#c-year", "2003")
    chosen = browser.table("leaders")
    assert chosen != first
    browser.driver.refresh()
    browser.wait()
    assert browser.table("leaders") == chosen
    assert browser.script("return document.getElementById('c-year').value") == "2003"
    browser.driver.back()
    browser.wait()
    assert browser.table("leaders") == first


def test_a_selection_that_is_no_option_falls_back(
    browser: Browser, addresses: dict[str, str]
) -> None:
    browser.open(f"{addresses['file']}/countries.html#year=1066&countries=XX,US")
    assert browser.complaints() == []
    assert browser.script("return document.getElementById('c-year').value") == "2006"
    browser.open(f"{addresses['file']}/pairs.html#a=US&b=US")
    assert browser.complaints() == []
    assert browser.table("joint") == []


@pytest.mark.parametrize(
    ("page", "view"),
    [
        ("countries", "leaders"),
        ("pairs", "collaboration-links"),
        ("coverage", "comparison"),
        ("coverage", "comparison_years"),
    ],
)
def test_csv_is_the_table_shown(
    browser: Browser, addresses: dict[str, str], page: str, view: str
) -> None:
    browser.open(f"{addresses['file']}/{page}.html")
    browser.type(f"#{view}-find", "a" if page == "countries" else "2")
    saved = list(csv.reader(io.StringIO(browser.download(f"#{view}-view .csv"), newline="")))
    saved_is_shown(browser, view, saved)


def test_names_out_of_the_data_are_text(browser: Browser, addresses: dict[str, str]) -> None:
    browser.open(f"{addresses['file']}/teaming.html#experiment=")
    cells = {row[0] for row in browser.table("matched")}
    assert any("img src=x" in cell for cell in cells)
    assert browser.script("return window.hacked") is None
    assert TITLE in browser.script("return document.querySelector('.study').textContent")
    assert "<script>alert('x')</script>" in browser.driver.title
    saved = browser.download("#matched-view .csv")
    assert HOSTILE in {row[0] for row in csv.reader(io.StringIO(saved))}


def test_titles_and_institutions_are_text_everywhere(
    browser: Browser, addresses: dict[str, str]
) -> None:
    for page in PAGES:
        browser.open(f"{addresses['file']}/{page}.html")
        assert browser.complaints() == []
        assert browser.script("return window.hacked") is None
        assert browser.script("return document.querySelectorAll('img, main iframe').length") == 0
    browser.open(f"{addresses['file']}/teaming.html")
    for view, column in (("leading_institutions", "institution"), ("cited_works", "title")):
        at = browser.keys(view).index(column)
        shown = {row[at] for row in browser.table(view)}
        assert {HOSTILE, TITLE, "جامعة القاهرة 🎓"} <= shown
        code = f"return document.querySelector('#{view}-table tbody tr').cells[{at}].firstChild.dir"
        assert browser.script(code) == "auto"
        saved = csv.DictReader(io.StringIO(browser.download(f"#{view}-view .csv"), newline=""))
        assert {HOSTILE, TITLE} <= {row[column] for row in saved}


def test_help_explains_a_column_and_returns_the_focus(
    browser: Browser, addresses: dict[str, str]
) -> None:
    browser.open(f"{addresses['file']}/countries.html")
    browser.script("document.querySelector('th[data-key=\"hits\"] .help').click()")
    text = browser.script("return document.getElementById('help').textContent")
    assert "Counting rule:" in text
    assert browser.script("return document.activeElement.className") == "close"
    link = browser.script("return document.querySelector('#help a').getAttribute('href')")
    assert link == "methods.html#impact"
    browser.script("document.querySelector('#help .close').click()")
    assert browser.script("return document.activeElement.getAttribute('aria-label')") == (
        "What is Hits?"
    )


def test_help_links_lead_somewhere(browser: Browser, addresses: dict[str, str]) -> None:
    wanted = set()
    for page in TABLES:
        browser.open(f"{addresses['file']}/{page}.html")
        wanted |= set(
            browser.script(
                "return JSON.parse(document.getElementById('page').textContent).views"
                ".flatMap((v) => (v.columns || []).map((c) => c.help && c.help.section))"
                ".filter(Boolean)"
            )
        )
    browser.open(f"{addresses['file']}/methods.html")
    there = set(browser.script("return [...document.querySelectorAll('[id]')].map((e) => e.id)"))
    assert wanted
    assert wanted <= there


def test_small_pairs_are_greyed(browser: Browser, addresses: dict[str, str]) -> None:
    browser.open(f"{addresses['file']}/pairs.html")
    at = _column(browser, "pairs", "works_whole")
    small = browser.script(
        "return [...document.querySelectorAll('#pairs-table tbody tr')]"
        ".map((r) => r.classList.contains('small'))"
    )
    counts = [_number(row[at]) for row in browser.table("pairs")]
    assert small == [count < 25 for count in counts]
    assert any(small)
    assert not all(small)


def test_at_most_eight_countries_are_compared(browser: Browser, addresses: dict[str, str]) -> None:
    browser.open(f"{addresses['file']}/countries.html#countries=US,CN,AD,AE,AF,AG,AI,AL")
    assert browser.script("return document.getElementById('c-countries').disabled") is True
    assert len(browser.table("compare")) == 8 * 7
    browser.script("document.querySelector('.chips button').click()")
    browser.wait()
    assert len(browser.table("compare")) == 7 * 7


def _column(browser: Browser, view: str, key: str) -> int:
    keys = browser.script(
        "return [...document.querySelectorAll(`#${arguments[0]}-table th`)]"
        ".map((th) => th.dataset.key)",
        view,
    )
    at: int = keys.index(key)
    return at


def _number(text: str) -> float:
    return float(text.replace(",", "").replace(" %", ""))
