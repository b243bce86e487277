"""Worlds with planted blocs, none, or a gradient: how often the answer is right.

    python benchmarks/poles/blocs.py --worlds 50

A Markdown table: a row per kind of world, a column per answer, and what the claim that the
poles are the centres of two blocs comes to: its poles are the largest countries of two blocs,
or of all where there are no two. The figures of ``docs/blocs.md`` come from this command.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from isthmus.findings.blocs import claims
from isthmus.findings.evidence import Evidence
from isthmus.findings.verdict import reading
from isthmus.poles.blocs import bloc_tables
from isthmus.poles.layers import Layer, Panel
from isthmus.results import Results
from isthmus.study import Study

Floats = NDArray[np.float64]

#: Kind of world, number of blocs, effect within blocs or spread of the gradient's ties.
KINDS: list[tuple[str, int, float]] = [
    ("none", 1, 0.0),
    *(("blocs", k, b) for b in (0.2, 0.4, 0.8) for k in (2, 3, 4)),
    ("gradient", 0, 0.1),
    ("gradient", 0, 0.2),
    ("gradient", 0, 0.4),
]


def world(
    kind: str,
    blocs: int,
    effect: float,
    random: np.random.Generator,
    *,
    countries: int = 40,
    works: int = 20_000,
    dispersion: float = 0.05,
) -> tuple[Floats, list[int]]:
    """Draw joint works of countries of log-normal sizes, symmetric, and the poles' places."""
    size = np.exp(random.normal(0, 1, countries))
    poles = np.argsort(-size)[:2].tolist()
    if kind == "gradient":  # |x - y| of uniform x, y has standard deviation .2357
        place = random.uniform(0, 1, countries)
        tie = -effect / 0.2357 * np.abs(place[:, None] - place)
    else:
        bloc = random.permutation(countries) % blocs
        tie = effect * (bloc[:, None] == bloc)
        if blocs == 2:
            poles = [int(np.where(bloc == k, size, 0).argmax()) for k in (0, 1)]
    mean = np.triu(np.outer(size, size) * np.exp(tie), 1)
    mean *= works / mean.sum()
    if dispersion > 0:
        mean *= random.gamma(1 / dispersion, dispersion, mean.shape)
    count = random.poisson(mean).astype(np.float64)
    return np.asarray(count + count.T), poles


def answered(weights: Floats, poles: list[int], seed: int) -> tuple[str, int | None, str]:
    """Answer, number of blocs and verdict on the claim, from the tables of one year."""
    n = len(weights)
    codes = tuple(f"{chr(65 + k // 26)}{chr(65 + k % 26)}" for k in range(n))
    layer = Layer("collaboration", False, weights[None], np.ones(n, dtype=bool))
    panel = Panel(np.array([2020]), codes, (layer,), weights.sum(axis=1), [])
    named = [codes[pole] for pole in poles]
    tables = bloc_tables(panel, named, 1, 1, seed)
    row = tables["blocs"].to_pylist()[0]
    study = {"study": {"corpus": "", "years": [2020, 2020]}, "countries": {"poles": named}}
    settings = Study.parse(study).settings()
    record = {"title": "", "tables": dict.fromkeys(tables, 1), "settings": settings}
    (claim,) = claims(evidence := Evidence(Results(Path(), record)).with_tables(tables))
    return row["answer"], row["answer_blocs"], reading(claim.measure(evidence))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=50)
    parser.add_argument("--countries", type=int, default=40)
    parser.add_argument("--works", type=int, default=20_000)
    parser.add_argument("--dispersion", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    size = {name: getattr(asked, name) for name in ("countries", "works", "dispersion")}
    columns = ("none", "right", "other", "gradient", "undecided", "supported", "contradicted")
    print("| world | blocs | effect | none | right number | other number | gradient | undecided "
          "| claim supported | contradicted | CPU s |")  # fmt: skip
    print("|" + " --- |" * 11)
    for place, (kind, blocs, effect) in enumerate(KINDS):
        said: Counter[str] = Counter()
        began = time.process_time()
        for number in range(asked.worlds):
            random = np.random.default_rng([asked.seed, place, number])
            weights, poles = world(kind, blocs, effect, random, **size)
            answer, found, verdict = answered(weights, poles, number)
            other = "right" if found == blocs else "other"
            said[other if answer == "blocs" else answer] += 1
            said[verdict] += verdict != "undecided"
        spent = (time.process_time() - began) / asked.worlds
        shares = " | ".join(f"{said[one] / asked.worlds:.0%}" for one in columns)
        print(f"| {kind} | {blocs} | {effect} | {shares} | {spent:.2f} |", flush=True)


if __name__ == "__main__":
    main()
