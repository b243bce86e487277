"""Constraints are met, boundaries end honestly, bad input is refused with a sentence.

Tolerances: 1e-8 relative is what `converged` promises; 1e-9 between warm and cold
starts and 1e-6 against NEMtropy are stated promises too. NEMtropy's numbers are
read from ``reference.json`` (see ``make_reference.py``).
"""

from __future__ import annotations

import csv
import gzip
import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from isthmus.errors import InputError
from isthmus.stats.nulls import fit_null, fit_panel, link_test

HERE = Path(__file__).parent
_spec = importlib.util.spec_from_file_location("networks", HERE / "networks.py")
networks = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(networks)

ANALYTIC = ("multiedge", "wcm", "ecm", "crem")


def largest_error(weights, fit):
    """Largest relative error of a strength and, where the model has them, of a degree."""
    pairs = [(fit.expected.sum(axis=axis), weights.sum(axis=axis)) for axis in (0, 1)]
    if fit.model in ("ecm", "crem"):
        p = 1 - fit.law.no_link if fit.model == "ecm" else fit.law.p
        pairs += [(p.sum(axis=axis), (weights > 0).sum(axis=axis)) for axis in (0, 1)]
    got, wanted = (np.concatenate(x) for x in zip(*pairs, strict=True))
    return np.max(np.abs(got - wanted) / np.maximum(wanted, 1), initial=0.0)


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("model", ANALYTIC)
@pytest.mark.parametrize("n", [50, 120, 200])
def test_constraints_hold_from_sparse_to_heavy(n, model, directed):
    for total in (1e3, 1e5, 1e7):
        weights = networks.country_network(n, total, 1, directed=directed)
        fit = fit_null(weights, model, directed=directed)
        assert fit.converged
        assert largest_error(weights, fit) < 1e-8


@pytest.mark.parametrize("case", json.loads((HERE / "reference.json").read_text()))
def test_expected_weights_match_nemtropy(case):
    weights, wanted = np.array(case["weights"]), np.array(case["expected"])
    fit = fit_null(weights, case["model"], directed=case["directed"])
    assert fit.converged
    np.testing.assert_allclose(fit.expected, wanted, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("model", [*ANALYTIC, "multiedge_overdispersed"])
@pytest.mark.parametrize("name", networks.boundary_networks())
def test_boundaries_end_converged_or_say_so(name, model, directed):
    weights = networks.boundary_networks()[name]
    fit = fit_null(weights, model, directed=directed)
    assert fit.converged == (fit.residual <= 1e-8)
    assert largest_error(weights, fit) == pytest.approx(fit.residual, rel=1e-2, abs=1e-10)
    assert fit.converged
    test = link_test(weights, fit)
    assert np.all(np.isnan(np.diagonal(test.z)))
    off = fit.tested
    assert np.all(np.isfinite(test.p_more[off]))
    assert np.all(np.isfinite(test.p_fewer[off]))


def test_hub_may_have_y_above_one():
    weights = networks.country_network(50, 1e5, 1, directed=True)
    fit = fit_null(weights, "ecm", directed=True)
    assert np.max(fit.parameters["b_out"] + fit.parameters["b_in"]) > 0
    assert fit.converged


def test_directed_fit_of_a_symmetric_network_is_the_undirected_one():
    weights = networks.country_network(40, 1e4, 2, directed=False)
    for model in ANALYTIC:
        one, two = (fit_null(weights, model, directed=d).expected for d in (False, True))
        np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("directed", [False, True])
def test_panel_warm_starts_do_not_change_the_answer(directed):
    panel = [
        networks.country_network(60, total, 3, directed=directed)
        for total in (1e3, 3e3, 1e4, 5e5, 2e4)
    ]
    panel[1][:5] = 0
    panel[1][:, :5] = 0
    for warm, weights in zip(fit_panel(panel, "ecm", directed=directed), panel, strict=True):
        cold = fit_null(weights, "ecm", directed=directed)
        assert warm.converged
        np.testing.assert_allclose(warm.expected, cold.expected, rtol=1e-9, atol=1e-12)


def test_order_of_nodes_does_not_matter():
    weights = networks.country_network(40, 1e4, 2, directed=True)
    order = np.random.default_rng(0).permutation(40)
    one = fit_null(weights, "ecm", directed=True).expected[np.ix_(order, order)]
    two = fit_null(weights[np.ix_(order, order)], "ecm", directed=True).expected
    np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-12)


def test_sparse_input_gives_the_dense_answer():
    weights = networks.country_network(60, 1e4, 2, directed=False)
    one = fit_null(weights, "ecm", directed=False)
    two = fit_null(sparse.csr_array(weights), "ecm", directed=False)
    assert np.array_equal(one.expected, two.expected)


@pytest.mark.parametrize("directed", [False, True])
def test_products_give_the_stored_answer(monkeypatch, directed):
    weights = networks.country_network(60, 1e4, 2, directed=directed)
    stored = fit_null(weights, "ecm", directed=directed)
    monkeypatch.setattr("isthmus.stats.nulls.duals.DENSE_TO", 3)
    multiplied = fit_null(weights, "ecm", directed=directed)
    assert multiplied.converged
    np.testing.assert_allclose(stored.expected, multiplied.expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    ("weights", "model", "directed", "says"),
    [
        ([[0, -1], [-1, 0]], "ecm", False, "negative"),
        ([[0, np.nan], [1, 0]], "ecm", True, "missing"),
        ([[0, 1, 2], [1, 0, 2]], "ecm", True, "square"),
        ([[0, 1], [2, 0]], "ecm", False, "symmetric"),
        ([[1, 1], [1, 0]], "ecm", False, "diagonal"),
        ([[0, 0.5], [0.5, 0]], "ecm", False, "crem"),
        ([[0, 1], [1, 0]], "ising", False, "multiedge"),
        ([[0, 1], [1, 0]], "bipartite", False, "fit_bipartite"),
        ([["a", "b"], ["c", "d"]], "ecm", True, "numbers"),
        ([[0, 1], [1, 0]], "rewiring", False, "seed"),
    ],
)
def test_unusable_input_is_refused_with_a_sentence(weights, model, directed, says):
    with pytest.raises(InputError, match=says):
        fit_null(weights, model, directed=directed)


def test_panel_of_different_nodes_is_refused():
    with pytest.raises(InputError, match="same nodes"):
        fit_panel([np.zeros((2, 2)), np.zeros((3, 3))], "ecm", directed=False)


@pytest.mark.shared_data
@pytest.mark.parametrize("model", ANALYTIC)
def test_world_trade_is_reproduced(shared_data, model):
    path = shared_data / "trade-networks" / "world_trade_1992_directed_162.txt"
    rows = path.read_text().split("\n")
    weights = np.round(
        [[float(cell) for cell in row.split(",") if cell.strip()] for row in rows if row.strip()]
    )
    fit = fit_null(weights, model, directed=True)
    assert fit.converged
    assert largest_error(weights, fit) < 1e-8


@pytest.mark.shared_data
@pytest.mark.parametrize("model", ANALYTIC)
def test_country_citations_are_reproduced(shared_data, model):
    path = shared_data / "country-citations" / "diffusion_panel_data_1990_2017.csv.gz"
    with gzip.open(path, "rt") as stream:
        rows = [(r["Origin"], r["Country"], r["Ncites"]) for r in csv.DictReader(stream)]
    codes = {code: i for i, code in enumerate(sorted({c for row in rows for c in row[:2]}))}
    weights = np.zeros((len(codes), len(codes)))
    for origin, country, count in rows:
        if origin != country:
            weights[codes[origin], codes[country]] = round(float(count))
    fit = fit_null(weights, model, directed=True)
    assert fit.converged
    assert largest_error(weights, fit) < 1e-8


@pytest.mark.shared_data
@pytest.mark.parametrize("model", ANALYTIC)
def test_world_coauthorship_is_reproduced_every_year(shared_data, model):
    with gzip.open(shared_data / "world-coauthorship" / "edges_1990_2019.csv.gz", "rt") as stream:
        rows = [tuple(r.values()) for r in csv.DictReader(stream)]
    codes = {code: i for i, code in enumerate(sorted({c for row in rows for c in row[1:3]}))}
    panel = np.zeros((30, len(codes), len(codes)))
    for year, one, two, works in rows:
        panel[int(year) - 1990, codes[one], codes[two]] = float(works)
    panel = np.maximum(panel, panel.transpose(0, 2, 1))
    panel[:, range(len(codes)), range(len(codes))] = 0
    for weights, fit in zip(panel, fit_panel(panel, model, directed=False), strict=True):
        assert fit.converged
        assert largest_error(weights, fit) < 1e-8
