"""Tables of blocs from a panel: windows, members, centres, and nothing of too few countries."""

import itertools

import numpy as np
import pyarrow as pa
import pytest

from isthmus.poles.blocs import bloc_tables, spans
from isthmus.poles.layers import Layer, Panel
from isthmus.results import schema_of
from isthmus.stats.blocs.find import find_blocs

N, YEARS = 24, 11


def panel(n=N, effect=0.8, strong=8.0):
    """Two blocs, of even and of odd places; countries 0 and 1 are the largest by far."""
    random = np.random.default_rng(1)
    size = np.ones(n)
    size[:2] = strong
    bloc = np.arange(n) % 2
    mean = 8 * np.outer(size, size) * np.exp(effect * (bloc[:, None] == bloc))
    weights = np.triu(random.poisson(np.repeat(mean[None], YEARS, axis=0)), 1).astype(float)
    weights = weights + weights.transpose(0, 2, 1)
    names = tuple(f"C{i:02d}" for i in range(n))
    layer = Layer("collaboration", False, weights, np.ones(n, dtype=bool))
    return Panel(np.arange(2000, 2000 + YEARS), names, (layer,), np.full(n, 99.0), [])


@pytest.fixture(scope="module")
def tables():
    return bloc_tables(panel(), ("C00", "C01"), 5, 3, seed=3)


def test_rows_are_numbers_of_blocs_in_windows(tables):
    rows = tables["blocs"].to_pylist()
    assert [(r["first_year"], r["last_year"], r["blocs"]) for r in rows] == [
        (*window, number) for window in ((2000, 2004), (2006, 2010)) for number in range(1, 7)
    ]
    assert {r["answer"] for r in rows} == {"blocs"}
    assert {r["answer_blocs"] for r in rows} == {2}
    two = [r for r in rows if r["blocs"] == 2]
    assert all(r["likeliest"] and r["surrogate_p"] == pytest.approx(1 / 40) for r in two)
    assert two[0]["window_agreement"] is None
    assert two[1]["window_agreement"] == 1.0
    none = next(r for r in rows if r["blocs"] == 1)
    assert none["held_out_gain"] == 0
    assert none["within_bloc"] is none["centres"] is none["poles_are_centres"] is None


def test_a_window_is_its_years_added_up(tables):
    weights = panel().layers[0].weights[:5].sum(axis=0)
    found = find_blocs(weights, seed=3)
    rows = tables["blocs"].to_pylist()[:6]
    np.testing.assert_allclose([r["held_out_gain"] for r in rows], found.score, rtol=1e-6)
    members = [
        r for r in tables["bloc_members"].to_pylist() if (r["first_year"], r["blocs"]) == (2000, 2)
    ]
    assert [r["bloc"] - 1 for r in members] == found.member[1].tolist()


def test_the_strongest_of_each_bloc_is_its_centre(tables):
    for row in tables["blocs"].to_pylist():
        if row["blocs"] == 2:
            assert sorted(row["centres"].split(", ")) == ["C00", "C01"]
            assert row["poles_are_centres"] is True
    other = bloc_tables(panel(), ("C00", "C05"), 5, 3, seed=3)["blocs"].to_pylist()
    assert {r["poles_are_centres"] for r in other if r["blocs"] == 2} == {False}


def test_blocs_balance_triangles(tables):
    rows = tables["triangles"].to_pylist()
    assert len(rows) == 2
    assert all(row["balanced"] > row["placebo_high"] for row in rows)
    assert all(row["triangles"] <= N * (N - 1) * (N - 2) / 6 for row in rows)


def test_a_panel_of_few_countries_has_typed_empty_tables():
    found = bloc_tables(panel(9), ("C00", "C01"), 5, 3, seed=3)
    assert all(table.num_rows == 0 for table in found.values())
    assert all(table.schema == schema_of(name) for name, table in found.items())
    assert isinstance(found["blocs"], pa.Table)


@pytest.mark.parametrize(
    ("count", "years", "wanted"),
    [(3, 5, [(0, 3)]), (9, 5, [(4, 9)]), (10, 5, [(0, 5), (5, 10)]), (34, 5, 3)],
)
def test_windows_do_not_overlap_and_end_with_the_last_year(count, years, wanted):
    found = [(s.start, s.stop) for s in spans(count, years, 3)]
    if isinstance(wanted, int):
        assert len(found) == wanted
        assert all(a[1] <= b[0] for a, b in itertools.pairwise(found))
        assert found[-1][1] == count
    else:
        assert found == wanted
