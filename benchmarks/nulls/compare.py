"""Null model solvers of isthmus and NEMtropy side by side in one process.

Prints ratios of CPU time (one thread, medians over repeats), the largest
relative error of a constraint each solver left, and which networks each one
failed on. Needs the packages in ``requirements.txt`` beside isthmus.

    python benchmarks/nulls/compare.py panel
    python benchmarks/nulls/compare.py directed
    python benchmarks/nulls/compare.py large
"""

# ruff: noqa: E402  (threads are limited before the libraries that start them load)

from __future__ import annotations

import os

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"

import argparse
import contextlib
import io
import resource
import statistics
import time
import warnings
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import sparse

from isthmus.stats.nulls import NullFit, fit_null, fit_panel

Floats = npt.NDArray[np.float64]

#: A network counts as solved when every degree and strength holds to this.
SOLVED = 1e-6
#: Standard deviation of the planted log-affinity of a pair.
AFFINITY = 0.8
GUESSES = ("strengths_minor", "random", "uniform", "strengths")


def country_panel(
    n: int, totals: Floats, seed: int, *, directed: bool = False, spread: float = 1.8
) -> npt.NDArray[np.float64]:
    """Draw a panel of country networks, one per expected total weight.

    The truth: w_ij ~ Poisson(c x_i x_j exp(a_ij)), with sizes x log-normal (sd
    `spread`) that grow at normal yearly rates (mean 0.08, sd 0.04), fixed normal
    log-affinities a (sd `AFFINITY`), and c such that the expected total holds.
    """
    random = np.random.default_rng(seed)
    x = random.lognormal(0.0, spread, n)
    growth = random.normal(0.08, 0.04, n)
    affinity = np.exp(random.normal(0.0, AFFINITY, (n, n)))
    years = []
    for year, total in enumerate(totals):
        size = x * np.exp(year * growth)
        mean = np.outer(size, size) * affinity
        np.fill_diagonal(mean, 0.0)
        if not directed:
            mean = np.triu(mean)
        weights = random.poisson(mean * (total / mean.sum())).astype(np.float64)
        years.append(weights if directed else weights + weights.T)
    return np.array(years)


def country_network(
    n: int, total: float, seed: int, *, directed: bool, spread: float = 1.8
) -> Floats:
    """Draw one network of the kind of `country_panel`."""
    totals = np.array([total])
    return np.asarray(country_panel(n, totals, seed, directed=directed, spread=spread)[0])


def cpu(task: Callable[[], object]) -> tuple[float, object]:
    """CPU seconds of a task, and what it returned."""
    start = time.process_time()
    result = task()
    return time.process_time() - start, result


def active(weights: Floats) -> Floats:
    """The network without isolated nodes, which NEMtropy does not take."""
    keep = (weights.sum(axis=0) > 0) | (weights.sum(axis=1) > 0)
    return weights[np.ix_(keep, keep)]


def nemtropy(weights: Floats, directed: bool, guess: str) -> float:
    """Solve with NEMtropy; the largest relative error of a constraint it leaves."""
    from NEMtropy import DirectedGraph, UndirectedGraph

    graph = (DirectedGraph if directed else UndirectedGraph)(adjacency=weights)
    np.random.seed(1)  # noqa: NPY002  (the guess 'random' reads the global state)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            graph.solve_tool(
                model="decm_exp" if directed else "ecm_exp",
                method="newton",
                initial_guess=guess,
                max_steps=1000,
                tol=1e-8,
            )
        except Exception:
            return float("inf")
    return _left_over(graph, weights, directed)


def _left_over(graph: object, weights: Floats, directed: bool) -> float:
    solution = vars(graph)
    if directed:
        x = [solution[name].copy() for name in ("x", "y", "b_out", "b_in")]
    else:
        x = [solution[name].copy() for name in ("x", "x", "y", "y")]
    for multiplier, axis in zip(x, (1, 0, 1, 0), strict=True):
        multiplier[weights.sum(axis=axis) == 0] = 0.0
    mean, p = ecm_moments(*x)
    wanted, got = [], []
    for axis in (0, 1):
        wanted += [weights.sum(axis=axis), (weights > 0).sum(axis=axis)]
        got += [mean.sum(axis=axis), p.sum(axis=axis)]
    w, g = np.concatenate(wanted), np.concatenate(got)
    error = np.abs(g - w) / np.maximum(w, 1)
    return float(np.max(np.where(np.isfinite(error), error, np.inf)))


def ecm_moments(x_out: Floats, x_in: Floats, y_out: Floats, y_in: Floats) -> tuple[Floats, Floats]:
    """Expected weights and link probabilities from ECM multipliers."""
    with np.errstate(all="ignore"):
        xx, yy = np.outer(x_out, x_in), np.outer(y_out, y_in)
        p = xx * yy / (1 - yy + xx * yy)
        mean = p / (1 - yy)
    for matrix in (p, mean):
        np.fill_diagonal(matrix, 0.0)
    return mean, p


def every_guess(weights: Floats, directed: bool) -> list[tuple[bool, float, float]]:
    """Whether NEMtropy failed, its CPU seconds and the error left, for each initial guess."""
    tried = []
    for guess in GUESSES:
        seconds, residual = cpu(lambda g=guess: nemtropy(weights, directed, g))
        tried.append((not residual <= SOLVED, seconds, residual))
    return tried


def compare_panel(years: int, nodes: int, repeats: int) -> None:
    """UECM on a panel of yearly networks, warm-started, against NEMtropy year by year."""
    panel = country_panel(nodes, np.geomspace(1e4, 1e6, years), 5)
    fit_panel(panel[:2], "ecm", directed=False)
    nemtropy(active(panel[0])[:40, :40], False, "random")
    ours, theirs, left = [], [], []
    for _ in range(repeats):
        seconds, fits = cpu(lambda: fit_panel(panel, "ecm", directed=False))
        ours.append(seconds)
        worst = max(fit.residual for fit in fits)  # type: ignore[attr-defined]
        spent = [cpu(lambda w=w: nemtropy(active(w), False, "random")) for w in panel]
        theirs.append(sum(seconds for seconds, _ in spent))
        left.append(max(float(residual) for _, residual in spent))  # type: ignore[arg-type]
    ratio = statistics.median(t / o for t, o in zip(theirs, ours, strict=True))
    print(f"UECM panel, {years} years of {nodes} countries, {repeats} repeats")
    print(f"  NEMtropy / isthmus CPU, median        {ratio:8.1f}")
    print(f"  lowest and highest of the repeats     {_range(theirs, ours)}")
    print(f"  largest relative error, isthmus       {worst:8.1e}")
    print(f"  largest relative error, NEMtropy      {max(left):8.1e}")


def _range(theirs: list[float], ours: list[float]) -> str:
    ratios = [t / o for t, o in zip(theirs, ours, strict=True)]
    return f"{min(ratios):8.1f} {max(ratios):8.1f}"


def compare_directed(repeats: int, spread: float) -> None:
    """DECM on 15 networks; NEMtropy with the guess for strengths, then the best of four."""
    print(f"sizes log-normal with sd {spread}")
    print("DECM                 isthmus        NEMtropy, guess strengths_minor, best of four")
    print("nodes   weight    error  steps      error    CPU ratio    error    CPU ratio")
    solved, failed_default, failed_all, ratios = 0, 0, 0, []
    for nodes in (50, 120, 200):
        for total in (1e3, 1e4, 1e5, 1e6, 1e7):
            weights = active(country_network(nodes, total, 1, directed=True, spread=spread))
            fit = fit_null(weights, "ecm", directed=True)
            tried = every_guess(weights, True)
            ours = statistics.median(
                cpu(lambda w=weights: fit_null(w, "ecm", directed=True))[0] for _ in range(repeats)
            )
            failed, first, left = tried[0]
            failed_best, best, best_left = min(tried)
            solved += fit.converged
            failed_default += failed
            failed_all += failed_best
            if best_left <= SOLVED:
                ratios.append(best / ours)
            print(
                f"{nodes:5} {total:8.0e} {fit.residual:8.0e} {fit.steps:6} {left:10.0e} "
                f"{first / ours:12.0f} {best_left:8.0e} {best / ours:12.0f}",
                flush=True,
            )
    print(f"isthmus solved {solved} of 15; NEMtropy failed on {failed_default} of 15 with its "
          f"guess for strengths and on {failed_all} with every guess")  # fmt: skip
    if ratios:
        print(f"NEMtropy / isthmus CPU where NEMtropy solved, fastest guess: median "
              f"{statistics.median(ratios):.0f}, lowest {min(ratios):.0f}")  # fmt: skip


def institution_network(n: int, seed: int) -> sparse.csr_array:
    """A large sparse network of heavy-tailed nodes: Zipf activity, geometric weights."""
    random = np.random.default_rng(seed)
    activity = (np.arange(n) + 10.0) ** -0.6
    ends = random.choice(n, size=(40 * n, 2), p=activity / activity.sum())
    ends = np.sort(ends[ends[:, 0] != ends[:, 1]], axis=1)
    upper = sparse.coo_array(
        (random.geometric(0.4, len(ends)).astype(np.float64), (ends[:, 0], ends[:, 1])), (n, n)
    ).tocsr()
    return sparse.csr_array(upper + upper.T)


def measure_large(nodes: int) -> None:
    """UECM of many institutions: does it converge, and in how much memory."""
    weights = institution_network(nodes, 1)
    fit_null(institution_network(200, 1), "ecm", directed=False)
    seconds, fit = cpu(lambda: fit_null(weights, "ecm", directed=False))
    assert isinstance(fit, NullFit)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"UECM of {nodes} institutions, {weights.nnz // 2} links, {weights.sum() / 2:.0f} units")
    print(f"  converged {fit.converged}, largest relative error {fit.residual:.1e}, "
          f"{fit.steps} Newton steps, {seconds:.1f} CPU s here")  # fmt: skip
    print(f"  peak memory of the process {peak:.2f} GiB")


def main() -> None:
    """Read the command line and run one comparison."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("topic", choices=["panel", "directed", "large"])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--years", type=int, default=32)
    parser.add_argument("--nodes", type=int, help="200, or 20000 for 'large'")
    parser.add_argument("--spread", type=float, default=1.8, help="sd of log sizes, 'directed'")
    chosen = parser.parse_args()
    if chosen.topic == "panel":
        compare_panel(chosen.years, chosen.nodes or 200, chosen.repeats)
    elif chosen.topic == "directed":
        compare_directed(chosen.repeats, chosen.spread)
    else:
        measure_large(chosen.nodes or 20_000)


if __name__ == "__main__":
    main()
