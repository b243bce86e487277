"""Panels with a known truth: sizes that grow apart, with affinities or without."""

from __future__ import annotations

import numpy as np
import pyarrow as pa


def world(*, strength, n=24, years=22, total=(3_000, 60_000), citation=True, seed=1):
    """Two poles, AA and BB, and n - 2 countries of two blocs around them.

    Joint works are Poisson around the product of sizes. BB grows from a twentieth
    to the size of AA. The log affinity grows linearly to plus half of `strength`
    within a bloc and to minus `strength` between blocs; with 0 there is none.

    Returns the tables collaboration and citation, and each country's bloc.
    """
    random = np.random.default_rng(seed)
    codes = ["AA", "BB"] + [f"C{chr(65 + i)}" for i in range(n - 2)]
    bloc = np.arange(n) % 2
    base = np.sort(random.lognormal(sigma=0.7, size=n))[::-1] * 0.02
    rows, cited = [], []
    for t in range(years):
        done = t / (years - 1)
        size = base.copy()
        size[0], size[1] = 0.3 - 0.1 * done, 0.015 + 0.185 * done
        amount = total[0] * (total[1] / total[0]) ** done
        same = bloc[:, None] == bloc[None, :]
        affinity = np.exp(done * strength * np.where(same, 0.5, -1.0))
        mean = np.outer(size, size) * affinity
        np.fill_diagonal(mean, 0)
        mean *= amount / mean.sum()
        for i in range(n):
            for j in range(n):
                if i < j:
                    rows.append((2000 + t, codes[i], codes[j], random.poisson(2 * mean[i, j])))
                if i != j:
                    cited.append((2000 + t, codes[i], codes[j], random.poisson(5 * mean[i, j])))
    return (
        table(rows, "works_whole"),
        table(cited, "citations_whole") if citation else None,
        dict(zip(codes, bloc.tolist(), strict=True)),
    )


def table(rows, column):
    names = ["year", "source", "target", column]
    columns = list(zip(*[row for row in rows if row[3]], strict=True)) or [[]] * 4
    return pa.table(dict(zip(names, map(list, columns), strict=True)))
