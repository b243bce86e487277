"""Small results folders with given tables, and networks with known law put through null models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from isthmus.findings import Finding, decide
from isthmus.results import Results
from isthmus.stats import link_test
from isthmus.stats.nulls import fit_panel
from isthmus.study import Study
from isthmus.world.networks import NetworkPanel
from report.synthetic import finish

YEARS = (2000, 2021)


def results_of(folder: Path, tables: dict[str, pa.Table], **sections: Any) -> Results:
    """Write results that hold just these tables."""
    folder.mkdir(parents=True, exist_ok=True)
    document = {"study": {"corpus": "c", "years": list(YEARS)}, **sections}
    return finish(folder, tables, Study.parse(document))


def verdicts(results: Results, **options: Any) -> dict[str, Finding]:
    return {finding.claim.name: finding for finding in decide(results, **options)}


def country_year(papers: dict[str, list[float]], **columns: dict[str, list[float]]) -> pa.Table:
    """Give papers by country and year, other columns in proportion unless given."""
    rows = []
    for country, counts in papers.items():
        for at, count in enumerate(counts):
            row: dict[str, Any] = {"year": YEARS[0] + at, "country": country}
            for name in ("papers_last_author", "papers_whole", "papers_fractional"):
                row[name] = float(count)
            row |= {"c2_sum": 3.0 * count, "hits": 0.01 * count, "scientists": 0.1 * count}
            row |= {name: given[country][at] for name, given in columns.items()}
            rows.append(row)
    return pa.Table.from_pylist(rows)


def links_of(panel: NetworkPanel, layer: str, models: list[str]) -> pa.Table:
    """Test every link of a panel against null models, as the table ``links``."""
    directed = layer == "citation"
    rows: list[dict[str, Any]] = []
    for model in models:
        fits = fit_panel(panel.weights.astype(float), model, directed=directed)
        for year, weights, fit in zip(panel.years, panel.weights, fits, strict=True):
            test = link_test(weights.astype(float), fit)
            for i, j in np.argwhere(np.triu(np.ones_like(weights), 1) > 0):
                rows.append(
                    {
                        "layer": layer,
                        "null_model": model,
                        "year": int(year),
                        "source": panel.countries[i],
                        "target": panel.countries[j],
                        "z": float(test.z[i, j]),
                        "log_ratio": float(test.log_ratio[i, j]),
                    }
                )
    return pa.Table.from_pylist(rows)


def apart(n_countries: int, n_years: int, strength: float) -> np.ndarray:
    """Affinity that falls between the first two countries, from 0 to minus `strength`."""
    affinity = np.zeros((n_years, n_countries, n_countries))
    affinity[:, 0, 1] = affinity[:, 1, 0] = -np.linspace(0, strength, n_years)
    return affinity
