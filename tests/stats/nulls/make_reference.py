"""Write ``reference.json``: expected weights that NEMtropy 4.0.0 finds for small networks.

Run with NEMtropy installed: ``python tests/stats/nulls/make_reference.py``. Only
numbers are kept; the tests read them and need no NEMtropy.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

#: Relative error up to which a solution of NEMtropy serves as a reference.
SOLVED = 1e-9


def network(n: int, total: float, seed: int, directed: bool, spread: float) -> np.ndarray:
    """Poisson weights around x_i x_j with log-normal sizes of the given spread."""
    random = np.random.default_rng(seed)
    x = random.lognormal(0.0, spread, n)
    mean = np.outer(x, x) * np.exp(random.normal(0.0, 0.5, (n, n)))
    np.fill_diagonal(mean, 0.0)
    if not directed:
        mean = np.triu(mean)
    weights = random.poisson(mean * total / mean.sum())
    return weights if directed else weights + weights.T


def solve(weights: np.ndarray, model: str, directed: bool) -> np.ndarray:
    """Expected weights from NEMtropy's solution."""
    from NEMtropy import DirectedGraph, UndirectedGraph

    graph = (DirectedGraph if directed else UndirectedGraph)(adjacency=weights.astype(float))
    name = {"ecm": "decm_exp" if directed else "ecm_exp", "crem": "crema"}[model]
    extra = {"adjacency": "dcm_exp" if directed else "cm_exp"} if model == "crem" else {}
    found = []
    for guess in ("strengths_minor", "random"):
        np.random.seed(1)  # noqa: NPY002  (the solver's guess reads the global state)
        graph.solve_tool(
            model=name, method="newton", initial_guess=guess, max_steps=500, tol=1e-12, **extra
        )
        expected = _ecm(graph, directed) if model == "ecm" else _crem(graph, directed)
        error = np.max(np.abs(expected.sum(axis=1) / weights.sum(axis=1) - 1))
        found.append((float(error), expected))
    return min(found, key=lambda pair: pair[0])[1]


def _ecm(graph: object, directed: bool) -> np.ndarray:
    s = vars(graph)
    x_out, x_in = (s["x"], s["y"]) if directed else (s["x"], s["x"])
    y_out, y_in = (s["b_out"], s["b_in"]) if directed else (s["y"], s["y"])
    xx, yy = np.outer(x_out, x_in), np.outer(y_out, y_in)
    np.fill_diagonal(yy, 0.5)
    mean = xx * yy / ((1 - yy + xx * yy) * (1 - yy))
    np.fill_diagonal(mean, 0.0)
    return mean


def _crem(graph: object, directed: bool) -> np.ndarray:
    s = vars(graph)
    x_out, x_in = (s["x"], s["y"]) if directed else (s["x"], s["x"])
    rate_out, rate_in = (s["b_out"], s["b_in"]) if directed else (s["beta"], s["beta"])
    p = np.outer(x_out, x_in) / (1 + np.outer(x_out, x_in))
    rate = rate_out[:, None] + rate_in
    np.fill_diagonal(p, 0.0)
    np.fill_diagonal(rate, 1.0)
    return p / rate


def main() -> None:
    """Solve four networks and write what was found."""
    cases = []
    for model, directed, n, total, seed, spread in [
        ("ecm", False, 20, 600, 1, 1.2),
        ("ecm", False, 30, 20_000, 2, 1.2),
        ("ecm", True, 15, 300, 3, 0.2),
        ("crem", False, 20, 600, 4, 1.0),
        ("crem", True, 20, 2_000, 5, 1.0),
    ]:
        weights = network(n, total, seed, directed, spread)
        keep = (weights.sum(axis=0) > 0) & (weights.sum(axis=1) > 0)
        weights = weights[np.ix_(keep, keep)]
        expected = solve(weights, model, directed)
        error = np.max(np.abs(expected.sum(axis=1) / weights.sum(axis=1) - 1))
        print(f"{model} directed={directed}: largest relative error of a strength {error:.1e}")
        if not error < SOLVED:
            print("  left out: NEMtropy did not solve it")
            continue
        cases.append(
            {
                "model": model,
                "directed": directed,
                "weights": weights.tolist(),
                "expected": [[float(f"{v:.12g}") for v in row] for row in expected],
            }
        )
    target = Path(__file__).with_name("reference.json")
    target.write_text(json.dumps(cases), encoding="utf-8")


if __name__ == "__main__":
    main()
