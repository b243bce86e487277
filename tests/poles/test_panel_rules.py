"""Which countries and pairs enter, and the means of years: against plain recounts."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pyarrow as pa
import pytest
from pole_worlds import table

from isthmus.poles.layers import build_panel
from isthmus.poles.observation import recent_mean
from isthmus.poles.trajectories import choose_pairs, interpolated
from isthmus.stats.sizes import size_expectation
from isthmus.study.sections import Poles

SETTINGS = Poles(min_works=0, min_expected=0)


def edges(missing, *, years=22, codes=("AA", "BB", "CC", "DD", "EE"), weight=60):
    """Every pair every year, but those of a country in the years named in `missing`."""
    rows = [
        (2000 + t, a, b, weight)
        for t in range(years)
        for i, a in enumerate(codes)
        for b in codes[i + 1 :]
        if not any(t in missing.get(end, ()) for end in (a, b))
    ]
    return table(rows, "works_whole")


def chosen(panel, poles=(), settings=SETTINGS):
    expected = {
        layer.name: np.array([size_expectation(year) for year in layer.weights])
        for layer in panel.layers
    }
    pairs, notes = choose_pairs(panel, expected, poles, settings)
    codes = panel.countries
    return {(codes[i], codes[j]) for i, j in zip(pairs.first, pairs.second, strict=True)}, notes


def test_size_is_that_of_the_last_years():
    grown = edges({"EE": range(17)}, weight=10)
    settings = Poles(min_works=39, average_years=5, min_year_share=0)
    panel = build_panel(grown, None, settings, ())
    assert dict(zip(panel.countries, panel.works, strict=True))["EE"] == 40
    fallen = edges({"EE": range(17, 22)}, weight=10)
    panel = build_panel(fallen, None, settings, ())
    assert "EE" not in panel.countries
    (note,) = [note for note in panel.notes if note[1] == "EE"]
    assert note[4] == "fewer than 39 works a year over 2017-2021"


def test_size_by_output_is_that_of_the_last_years():
    works = {"AA": [90] * 22, "BB": [90] * 22, "CC": [0] * 17 + [40] * 5, "DD": [90] * 17 + [0] * 5}
    rows = [(code, 2000 + t, n) for code, path in works.items() for t, n in enumerate(path)]
    output = pa.table(dict(zip(("country", "year", "works"), zip(*rows, strict=True), strict=True)))
    settings = Poles(min_works=39, average_years=5, min_year_share=0)
    panel = build_panel(edges({}), None, settings, (), output)
    sizes = {note[1]: note[5] for note in panel.notes if note[0] == "country"}
    assert sizes == {"AA": 90, "BB": 90, "CC": 40, "DD": 0, "EE": 0}
    assert panel.countries == ("AA", "BB", "CC")


@pytest.mark.parametrize(("gone", "enters"), [(2, True), (3, False)])
def test_twenty_years_of_twenty_two_are_enough(gone, enters):
    panel = build_panel(edges({"EE": range(0, 2 * gone, 2)}), None, SETTINGS, ())
    assert ("EE" in panel.countries) is enters


@pytest.mark.parametrize(("gap", "followed"), [(2, True), (3, False)])
def test_two_years_in_a_row_may_be_missing(gap, followed):
    settings = Poles(min_works=0, min_expected=0, min_year_share=0.5)
    panel = build_panel(edges({"EE": range(8, 8 + gap)}), None, settings, ())
    pairs, _ = chosen(panel, settings=settings)
    assert (("AA", "EE") in pairs) is followed


@pytest.mark.parametrize("gap", [1, 2, 3])
def test_gaps_are_bridged_up_to_the_longest_and_no_further(gap):
    series = np.arange(10.0)[None].copy()
    series[0, 3 : 3 + gap] = np.nan
    filled = interpolated(series, 2)
    assert np.isnan(filled).any() == (gap > 2)
    if gap <= 2:
        assert filled[0] == pytest.approx(np.arange(10.0))
    ends = np.array([[np.nan, 1.0, 2.0, np.nan]])
    assert np.isnan(interpolated(ends, 2)[0, [0, 3]]).all()


def test_a_pole_stays_whatever_it_lacks_and_the_panel_says_what():
    late = edges({"EE": range(8)}, weight=5)
    settings = Poles(min_works=30, min_expected=0)
    panel = build_panel(late, None, settings, ("AA", "EE"))
    assert panel.countries == ("AA", "EE")
    (note,) = [note for note in panel.notes if note[1] == "EE"]
    assert note[3] is True
    assert note[4] == (
        "stays as a pole, though fewer than 30 works a year over 2017-2021; "
        "inactive in collaboration in 8 years (2000 the first)"
    )
    pairs, _ = chosen(panel, ("AA", "EE"), settings)
    assert pairs == {("AA", "EE")}


def test_one_layer_does_not_remove_a_country_from_both():
    works = edges({})
    cited = edges({"EE": range(10)}).rename_columns(["year", "source", "target", "citations_whole"])
    back = cited.select(["year", "target", "source", "citations_whole"])
    both = pa.concat_tables([cited, back.rename_columns(cited.column_names)])
    panel = build_panel(works, both, SETTINGS, ())
    assert "EE" in panel.countries
    (note,) = [note for note in panel.notes if note[1] == "EE"]
    assert note[4].startswith("followed in the other layer only: inactive in citation in 10 years")
    pairs, notes = chosen(panel)
    assert ("AA", "EE") in pairs
    (said,) = [n for n in notes if n[0] == "pair" and n[1:3] == ("AA", "EE")]
    assert said[3] is True
    assert "citation" in said[4]
    assert "collaboration" not in said[4]


def test_means_over_the_last_years_leave_out_what_was_not_tested():
    z = np.array([100.0, 1.0, np.nan, 4.0])[:, None, None] * np.ones((1, 2, 2))
    assert recent_mean(z, 3) == pytest.approx(np.full((2, 2), 2.5))
    assert np.isnan(recent_mean(z[2:3], 5)).all()


def test_the_largest_enter_and_poles_always():
    works = {"AA": 90, "BB": 70, "CC": 80, "DD": 60, "EE": 50}
    rows = [(code, 2000 + t, n) for code, n in works.items() for t in range(22)]
    output = pa.table(dict(zip(("country", "year", "works"), zip(*rows, strict=True), strict=True)))
    settings = Poles(min_works=0, min_expected=0, most=2)
    panel = build_panel(edges({}), None, settings, ("EE",), output)
    assert panel.countries == ("AA", "CC", "EE")
    reasons = {note[1]: note[4] for note in panel.notes if note[0] == "country"}
    assert reasons["BB"] == "not among the 2 largest over 2017-2021"
    assert reasons["EE"] == "stays as a pole, though not among the 2 largest over 2017-2021"
    assert reasons["AA"] is None


def test_links_of_many_small_places_are_never_laid_out_densely():
    """Twenty thousand places: an array of their pairs would take 3.2 GB a year."""
    n = 20_000
    ring = [(2000 + t, f"I{i}", f"I{(i + 1) % n}", 1) for t in range(2) for i in range(n)]
    strong = [(2000 + t, "I1", "I2", 40) for t in range(2)]
    tracemalloc.start()
    panel = build_panel(table(ring + strong, "works_whole"), None, Poles(min_works=41), ())
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert panel.countries == ("I1", "I2")
    assert panel.layers[0].weights[:, 0, 1].tolist() == [41.0, 41.0]
    assert most < 200e6
