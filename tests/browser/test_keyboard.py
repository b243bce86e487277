"""The way from an answer to its evidence with the keyboard alone."""

from __future__ import annotations

from urllib.parse import urlsplit

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from browser.browsers import Browser

#: Presses of Tab after which the end of a page must be reached.
MOST = 120

#: What is focused: its address, its words, and the card or question it stands in.
FOCUSED = """
    const e = document.activeElement;
    const block = e.closest('.card, .question');
    return [e.href || '', e.textContent, block ? block.id : '', e.tagName];
"""


def press(browser: Browser, key: str) -> list[str]:
    """Press a key and return what is focused then."""
    ActionChains(browser.driver).send_keys(key).perform()
    found: list[str] = browser.script(FOCUSED)
    return found


def reached(browser: Browser, wanted: str) -> list[list[str]]:
    """Press Tab until the words of what is focused begin with those wanted; return the way."""
    way = []
    for _ in range(MOST):
        way.append(press(browser, Keys.TAB))
        if way[-1][1].startswith(wanted):
            return way
    raise AssertionError(f"Tab never reached {wanted!r}: {way}")


def enter(browser: Browser) -> None:
    """Follow what is focused, and wait for the page behind it."""
    before = browser.driver.current_url
    press(browser, Keys.ENTER)
    browser.until(lambda: browser.driver.current_url != before, "another page")
    browser.wait()


def test_every_answer_leads_to_its_evidence(browser: Browser, demo: dict[str, str]) -> None:
    browser.open(f"{demo['http']}/index.html")
    code = "(e) => [e.id, !!e.querySelector('.claim')]"
    wanted = browser.script(f"return [...document.querySelectorAll('.card')].map({code})")
    way = reached(browser, "All findings")
    details = {block: address for address, text, block, _ in way if text == "Details"}
    claims = {block: address for address, text, block, _ in way if text.startswith("Claim:")}
    assert set(details) == {name for name, _ in wanted}
    assert set(claims) == {name for name, tested in wanted if tested}
    there = {}
    for address in [*details.values(), *claims.values()]:
        page, anchor = urlsplit(address).path, urlsplit(address).fragment
        if page not in there:
            browser.open(f"{demo['http']}{page}")
            ids = "return [...document.querySelectorAll('[id]')].map((e) => e.id)"
            there[page] = set(browser.script(ids))
        assert "=" in anchor or anchor in there[page], address


def test_what_a_verdict_rests_on_is_one_link_away(browser: Browser, demo: dict[str, str]) -> None:
    browser.open(f"{demo['http']}/index.html")
    _, _, card, _ = reached(browser, "Claim:")[-1]
    enter(browser)
    claim = urlsplit(browser.driver.current_url).fragment
    assert claim, card
    told = browser.script("return document.querySelector('.question details[open]').innerText")
    for check in ("Placebo replays", "Other null models", "Other counting rules", "Missing data"):
        assert check in told
    _, _, block, tag = press(browser, Keys.TAB)
    assert (block, tag) == (claim, "SUMMARY")
    press(browser, Keys.ENTER)
    assert browser.script("return document.querySelector('.question details[open]')") is None


def test_a_page_is_left_and_its_help_closed_by_keys(browser: Browser, demo: dict[str, str]) -> None:
    browser.open(f"{demo['http']}/countries.html")
    assert press(browser, Keys.TAB)[1] == "Skip to content"
    ActionChains(browser.driver).send_keys(Keys.ENTER).perform()
    way = reached(browser, "?")
    assert len(way) < 30
    press(browser, Keys.ENTER)
    hidden = "return document.getElementById('help').hidden"
    assert browser.script(hidden) is False
    press(browser, Keys.ESCAPE)
    assert browser.script(hidden) is True
    assert browser.script(FOCUSED)[1] == "?"
    press(browser, Keys.ENTER)
    press(browser, Keys.TAB)
    assert press(browser, Keys.TAB)[1] == "?"
    assert browser.script(hidden) is True
