"""Print how many ties of the poles are significant under every null model, as Markdown.

    python benchmarks/poles/significant_ties.py --poles US CN panel=edges.csv:2017-2021 ...

Every panel is a table ``year, source, target, weight`` and the years to look at; z is
averaged over them, and a tie counts above a threshold, as in Gallo et al. The figures of
``docs/which-null.md`` come from this command.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from isthmus.errors import InputError
from isthmus.poles import read_edges
from isthmus.poles.layers import Panel, build_panel
from isthmus.stats.nulls import fit_null, link_test
from isthmus.stats.nulls.noise_corrected import backbone_scores
from isthmus.study.sections import NULL_MODELS, Poles

Floats = NDArray[np.float64]

#: Null models that need weights only.
MODELS = [model for model in NULL_MODELS if model != "bipartite"]


def scores(network: Floats, model: str, *, directed: bool) -> Floats:
    """Return z of every pair; under `backbone` the paper's score over its deviation."""
    if model == "backbone":
        fit = fit_null(network, "noise_corrected", directed=directed)
        score, deviation = backbone_scores(network, fit)
        return score / deviation
    fit = fit_null(network, model, directed=directed, seed=1)
    return link_test(network, fit).z


def panels(text: str, min_works: float) -> Iterator[tuple[str, Panel]]:
    name, _, rest = text.partition("=")
    path, _, span = rest.rpartition(":")
    first, last = (int(year) for year in span.split("-"))
    edges = read_edges(path, years=(first, last))
    settings = Poles(min_works=min_works, min_year_share=0.0)
    for table, layer in ((edges.collaboration, "joint"), (edges.citation, "citations")):
        if table is not None and table.num_rows:
            of = {"collaboration": None, "citation": None}
            of["collaboration" if layer == "joint" else "citation"] = table
            yield f"{name}, {layer}", build_panel(of["collaboration"], of["citation"], settings, ())


def counts(panel: Panel, model: str, poles: list[str], threshold: float) -> list[int | None]:
    layer = panel.layers[0]
    found = [scores(year, model, directed=layer.directed) for year in layer.weights if year.any()]
    stacked = np.array(found)
    known = np.isfinite(stacked)
    total = np.where(known, stacked, 0.0).sum(axis=0)
    mean = np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan)
    both = (mean + mean.T) / 2
    places = [panel.index(pole) for pole in poles]
    return [None if at is None else int((both[at] > threshold).sum()) for at in places]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("panels", nargs="+", help="NAME=PATH:FIRST-LAST")
    parser.add_argument("--poles", nargs="+", default=["US", "CN"])
    parser.add_argument("--models", nargs="+", default=[*MODELS, "backbone"])
    parser.add_argument("--threshold", type=float, default=2.0)
    parser.add_argument("--min-works", type=float, default=50.0)
    asked = parser.parse_args()
    names = asked.models
    print("| panel | countries | " + " | ".join(names) + " |")
    print("|" + " --- |" * (2 + len(names)))
    for text in asked.panels:
        for name, panel in panels(text, asked.min_works):
            cells = []
            for model in names:
                try:
                    found = counts(panel, model, asked.poles, asked.threshold)
                except InputError:  # too much weight to rewire
                    found = [None] * len(asked.poles)
                cells.append(" / ".join("-" if n is None else str(n) for n in found))
            row = " | ".join([name, str(len(panel.countries)), *cells])
            print(f"| {row} |", flush=True)


if __name__ == "__main__":
    main()
