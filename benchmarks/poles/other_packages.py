"""Shocks and turning points beside what a user would run instead: pyfixest and ruptures.

    pip install pyfixest ruptures
    python benchmarks/poles/other_packages.py

On a directed panel of 20 countries and 10 years it prints how far the effect of a shock and its
years are from those of ``pyfixest.fepois``, and the CPU seconds of both for the pair alone
(`event_study` also does the placebos, so it is given as a whole and for its coefficients). On
series of 34 years it prints the CPU milliseconds of `turning_point` and of the best single break
by ``ruptures`` (piecewise linear), which gives no test and no set of years. A package that is
not installed is named and left out.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from isthmus.stats import event_study, turning_point
from isthmus.stats.event_study_fit import SPLIT, fit_levels

N, YEARS, AT, SERIES = 20, 10, 5, 200


def package(name: str) -> Any:
    """Import a package, or say that it is not there."""
    try:
        return importlib.import_module(name)
    except ImportError:
        print(f"{name}: SKIPPED, not installed (pip install {name})")
        return None


def cpu(work: Callable[[], Any]) -> tuple[Any, float]:
    """Result and CPU seconds of a second call; the first compiles."""
    work()
    began = time.process_time()
    return work(), time.process_time() - began


def shocks(pyfixest: Any) -> None:
    """Compare the effect of a shock and its years, and what they cost."""
    random = np.random.default_rng(1)
    size = random.normal(0, 0.6, N) + random.normal(0, 0.1, (YEARS, N)).cumsum(axis=0)
    counts = random.poisson(30 * np.exp(size[:, :, None] + size[:, None])).astype(float)
    counts[:, np.arange(N), np.arange(N)] = 0
    found, whole = cpu(lambda: event_study(counts, [(0, 1)], AT, window=AT, directed=True))
    kind = np.zeros((N, N), dtype=np.int8)
    kind[0, 1] = SPLIT
    _, alone = cpu(lambda: fit_levels(counts, kind, AT, directed=True))

    import pandas as pd  # of pyfixest

    t, i, j = np.nonzero(np.broadcast_to(~np.eye(N, dtype=bool), counts.shape))
    own = (i == 0) & (j == 1)
    names = [f"year{k}" for k in range(YEARS) if k != AT - 1]
    rows = pd.DataFrame({"y": counts[t, i, j], "source": i * YEARS + t, "target": j * YEARS + t})
    rows["pair"], rows["after"] = i * N + j, (own & (t >= AT)).astype(float)
    for name in names:
        rows[name] = (own & (t == int(name[4:]))).astype(float)
    effects = "source + target + pair"

    def theirs(what: str) -> Any:
        formula = f"y ~ {what} | {effects}"
        return pyfixest.fepois(formula, rows, iwls_tol=1e-12, fixef_tol=1e-10).coef()

    effect, spent = cpu(lambda: theirs("after"))
    years = theirs(" + ".join(names))
    path = [found.pairs[0].path[int(name[4:])].estimate for name in names]
    print(
        f"pyfixest {pyfixest.__version__}: effect off by "
        f"{abs(found.pairs[0].after.estimate - effect['after']):.1e}, years by "
        f"{np.abs(path - years[names].to_numpy()).max():.1e}; CPU s: fepois {spent:.3f}, the same "
        f"fit here {alone:.4f}, with {found.pairs[0].after.placebos} placebo pairs and the years "
        f"{whole:.3f}"
    )


def turns(ruptures: Any) -> None:
    """Compare what one break costs; theirs has no p and no set of years."""
    random = np.random.default_rng(2)
    time_of = np.arange(34.0)
    bent = 0.1 * np.maximum(time_of - 20, 0)
    paths = bent + random.normal(0, 0.1, (SERIES, 34))
    se = np.full(34, 0.1)

    def ours() -> list[int | None]:
        return [turning_point(path, se).at for path in paths]

    def theirs() -> list[int]:
        cost = ruptures.costs.CostCLinear
        return [
            ruptures.Dynp(custom_cost=cost(), min_size=2, jump=1).fit(path[:, None]).predict(1)[0]
            for path in paths
        ]

    (at, own), (other, spent) = cpu(ours), cpu(theirs)
    near = np.mean([one is not None and abs(one - 20) <= 2 for one in at])
    beside = np.mean(np.abs(np.array(other) - 20) <= 2)
    print(
        f"ruptures {ruptures.__version__}: CPU ms a series {1000 * spent / SERIES:.2f}, "
        f"turning_point {1000 * own / SERIES:.2f}; within two years of the planted turn "
        f"{beside:.0%} and {near:.0%}"
    )


def main() -> None:
    if (pyfixest := package("pyfixest")) is not None:
        shocks(pyfixest)
    if (ruptures := package("ruptures")) is not None:
        turns(ruptures)


if __name__ == "__main__":
    main()
