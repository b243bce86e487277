"""Small results folders with given tables, as claims read them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from scipy.stats import beta

from isthmus.findings import Decision, Finding, decide
from isthmus.results import Results, open_results
from isthmus.study import Study
from report.synthetic import finish

YEARS = (2000, 2021)

#: Number of years.
N = YEARS[1] - YEARS[0] + 1

#: Affinity leads, one null model stands beside it.
POLES: dict[str, Any] = {
    "quantity": "affinity",
    "smallest_change": 0.02,
    "null_models": ["multiedge"],
}

#: Models of these results, the headline first.
MODELS = ("none", "multiedge")

#: Columns of ``placebo`` that name a statistic.
TEXTS = ("what", "layer", "quantity", "source", "target")

#: Two-sided 95 % point of the normal law.
POINT = 1.959963984540054


def jeffreys(k: int, n: int) -> tuple[float, float]:
    """Interval of a share that is neither 0 nor 1, or the end that is."""
    law = beta(k + 0.5, n - k + 0.5)
    return (law.ppf(0.025) if k else 0.0), (law.ppf(0.975) if k < n else 1.0)


def results_of(folder: Path, tables: Mapping[str, pa.Table], **sections: Any) -> Results:
    """Write results that hold just these tables; settings of poles as :data:`POLES`."""
    folder.mkdir(parents=True, exist_ok=True)
    poles = {**POLES, **sections.pop("poles", {})}
    study = {"corpus": "c", "years": list(YEARS), "title": "Fossils"}
    finish(folder, dict(tables), Study.parse({"study": study, **sections}))
    record = json.loads((folder / "run.json").read_text())
    record["settings"]["poles"] |= poles
    (folder / "run.json").write_text(json.dumps(record))
    return open_results(folder)


def verdicts(
    results: Results, others: Sequence[Results] = (), **options: Any
) -> dict[str, Finding]:
    return {finding.claim.name: finding for finding in decide(results, others, **options)}


def decided(folder: Path, tables: Mapping[str, pa.Table], name: str, **sections: Any) -> Decision:
    """Decide one claim on just these tables."""
    return verdicts(results_of(folder, tables, **sections))[name].decision


def country_year(
    papers: Mapping[str, Sequence[float]], **columns: Mapping[str, Sequence[float | None]]
) -> pa.Table:
    """Return papers by country and year, other columns in proportion unless given."""
    rows = []
    for country, counts in papers.items():
        for at, count in enumerate(counts):
            row: dict[str, Any] = {"year": YEARS[0] + at, "country": country}
            for name in ("papers_last_author", "papers_whole", "papers_fractional"):
                row[name] = float(count)
            row |= {"c2_papers": float(count), "c2_sum": 3.0 * count, "c2_sum_se": count**0.5}
            row |= {"hits": 0.1 * count, "scientists": 0.5 * count}
            row |= {"novelty_papers": float(count), "novel_hits": 0.1 * count}
            row |= {name: given[country][at] for name, given in columns.items()}
            rows.append(row)
    return pa.Table.from_pylist(rows)


def flat(**papers: float) -> dict[str, list[float]]:
    """Return the same number of papers in every year."""
    return {country: [float(count)] * N for country, count in papers.items()}


def totals(rows: Sequence[tuple[str, str, str, float, float | None]]) -> pa.Table:
    """Return ``country_totals``: measure, span, country, total, standard error."""
    names = ("measure", "span", "country", "total", "se")
    return pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows])


def trend(
    key: str, slope: float | None, half: float | None = 0.01, bend_p: float | None = 0.5
) -> dict[str, float | None]:
    """Return the columns of a trend, its interval `half` wide on either side."""
    known = slope is not None and half is not None
    return {
        f"slope_{key}": slope,
        f"slope_low_{key}": slope - half if known else None,  # type: ignore[operator]
        f"slope_high_{key}": slope + half if known else None,  # type: ignore[operator]
        f"p_{key}": None,
        f"bend_p_{key}": bend_p,
    }


def archetypes(pairs: Mapping[tuple[str, str], Any], models: Sequence[str] = MODELS) -> pa.Table:
    """Return archetypes of pairs; a mapping instead of a code gives more columns."""
    rows = []
    for model in models:
        for pair, given in pairs.items():
            source, target = sorted(pair)
            row = {"null_model": model, "source": source, "target": target, "archetype": "flat"}
            row |= {**trend("collaboration", 0.0), **trend("citation", 0.0)}
            rows.append(row | (given if isinstance(given, dict) else {"archetype": given}))
    return pa.Table.from_pylist(rows)


def pole_trends(**slopes: tuple[float, float]) -> pa.Table:
    """Return the trend of US and China in collaboration and citation, by null model."""
    return pa.concat_tables(
        archetypes(
            {("CN", "US"): {**trend("collaboration", works), **trend("citation", cited)}}, [model]
        )
        for model, (works, cited) in slopes.items()
    )


def alignment(
    countries: Mapping[str, Mapping[str, Any]], models: Sequence[str] = MODELS
) -> pa.Table:
    """Return ``alignment``; of each country a pole's archetype, slope, or both as a pair."""
    rows = []
    for model in models:
        for country, given in countries.items():
            row: dict[str, Any] = {"null_model": model, "country": country}
            for pole in ("US", "CN"):
                kind, slope = given.get(pole, (None, None))
                row |= {f"with_{pole}": kind, **trend(pole, slope)}
            rows.append(row)
    fields = [("null_model", pa.string()), ("country", pa.string())]
    for pole in ("US", "CN"):
        fields.append((f"with_{pole}", pa.string()))
        fields += [(name, pa.float64()) for name in trend(pole, 0.0)]
    return pa.Table.from_pylist(rows, pa.schema(fields))


def placebo(what: str, p: float | None, **changes: Any) -> pa.Table:
    """Return ``placebo`` of one statistic: two families, the second one's p as given."""
    row: dict[str, Any] = {
        "what": what,
        "layer": None,
        "quantity": "affinity",
        "source": None,
        "target": None,
        "replays": 99,
        **changes,
    }
    if what == "poles_diverge":
        row |= {"layer": "collaboration", "source": "CN", "target": "US", **changes}
    fields = [(n, pa.string()) for n in ("null_model", "family", *TEXTS)]
    schema = pa.schema([*fields, ("replays", pa.int64()), ("p", pa.float64())])
    model = row.pop("null_model", "none")
    return pa.Table.from_pylist(
        [
            {"null_model": model, "family": family, **row, "p": value}
            for family, value in (("sizes", 0.01), ("constant_ties", p))
        ],
        schema,
    )


def effects(rows: Sequence[dict[str, Any]]) -> pa.Table:
    """Return experiments as ``matched`` and ``retention`` hold them."""
    table = pa.Table.from_pylist([{"note": "", **row} for row in rows])
    at = table.column_names.index("year")
    return table.set_column(at, "year", table["year"].cast(pa.int16()))


def effect(name: str, year: int | None, value: float, half: float | None = 5.0) -> dict[str, Any]:
    ends = {"ci_low": None, "ci_high": None}
    if half is not None:
        ends = {"ci_low": value - half, "ci_high": value + half}
    return {"experiment": name, "year": year, "effect_percent": value, **ends}
