"""Synthetic tables of single ties and countries; numbers are drawn, not computed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from isthmus.results import schema_of

#: The papers of the study's attribution.
LAST_AUTHOR = "papers_last_author"


def by_country(rng: np.random.Generator, names: list[str], span: np.ndarray) -> dict[str, pa.Table]:
    """Give indicators, home citations, cohorts, bounds and sectors of every country."""
    made: dict[str, list[dict[str, Any]]] = {}

    def put(table: str, key: dict[str, Any], shares: tuple[str, ...], **more: Any) -> None:
        row: dict[str, Any] = {**key, **more}
        for name in shares:
            value = float(rng.uniform(0.2, 0.8))
            row |= {name: value, f"{name}_low": value - 0.1, f"{name}_high": value + 0.1}
        made.setdefault(table, []).append(row)

    kinds = ("domestic_share", "international_share", "led_share", "mncs", "top10_share")
    stays = ("share_stayed", "share_left", "share_returned", "share_never_left")
    for name in names:
        for year in map(int, span):
            at = {"year": year, "country": name}
            for n, counting in ((1, "fractional"), (4, "whole"), (4, "fractional")):
                key = {**at, "years": n, "counting": counting}
                put("indicators", key, kinds, papers=12.0 if counting == "whole" else 9.5)
            home = {"home_expected": 0.1, "received": 40.0, "papers": 9.0}
            put(
                "dependence", at, ("home_share", "home_ratio"), balance=1.5, third_share=0.1, **home
            )
        for years, since in [(None, n) for n in range(1, 4)] + [(int(span[0]), 1)]:
            key = {"group": "all", "tier": "all", "entry_country": name, "entry_year": years}
            more = {"years_since": since, "authors": 50.0, "at_risk": 20.0}
            put("cohorts", key, stays, **more)
        other = {"US": "CN", "CN": "US"}.get(name)
        numbers = ["hit_share", "international_share", f"{LAST_AUTHOR}_share", "papers_whole_share"]
        for number in [*numbers, *(["joint_share"] if other else [])]:
            for when in [*map(int, span), None]:
                key = {
                    "number": number,
                    "year": when,
                    "country": name,
                    "partner": other if number == "joint_share" else None,
                    "works": 90.0,
                    "missing": 9.0,
                }
                read = {"measured": 0.2, "imputed": 0.21, "weighted": 0.22}
                put("bounds", key, (), lowest=0.1, highest=0.5 if when == span[1] else 0.3, **read)
        for when in [*map(int, span), None]:
            for number in ("citations_mean", "home_share"):
                read = {"measured": 0.2, "weighted": 0.22, "lowest": 0.1, "highest": 0.4}
                key = {"number": number, "year": when, "country": name}
                put("reference_bounds", key, (), missing=9.0, works=90.0, **read)
        for year in map(int, span):
            at = {"year": year, "country": name}
            for sector, papers in (("company", 4), ("education", 30), ("unknown", 2)):
                count = {"papers_whole": papers, "papers_fractional": papers / 2}
                put("sectors", at | {"sector": sector}, (), **count)
            both = {"sector": "company", "with_sector": "education"}
            put("sector_pairs", at | both, (), papers_whole=3)
    return {name: pa.Table.from_pylist(rows, schema_of(name)) for name, rows in made.items()}


def turns(span: np.ndarray) -> pa.Table:
    """Give a tie that turned, one whose year cannot be told, and one without a turn."""
    middle = int(span[len(span) // 2])
    ties = [("collaboration", "CN", "US", middle, True), ("citation", "CN", "US", None, True)]
    ties.append(("collaboration", "AD", "US", None, False))
    rows = []
    for layer, source, target, year, turned in ties:
        row = {"layer": layer, "what": "tie", "source": source, "target": target, "turn": 1}
        row |= {"year": year, "turned": turned, "evidence": 2.0, "p": 0.01, "q": 0.01}
        row |= {"year_low": middle - 1, "year_high": middle + 1} if turned else {}
        for name, value in (("slope_before", 0.03), ("slope_after", -0.05), ("change", -0.08)):
            row |= {name: value, f"{name}_low": value - 0.01, f"{name}_high": value + 0.01}
        rows.append(row)
    return pa.Table.from_pylist(rows, schema=schema_of("turns"))


def indices(rng: np.random.Generator, joint: pa.Table) -> pa.Table:
    """Give the indices of the pairs and years of a table of joint papers."""
    names = ("collaboration_index", "affinity_index", "salton", "intensity_source")
    rows = []
    for row in joint.select(["year", "source", "target", "works_whole"]).to_pylist():
        for name in (*names, "intensity_target"):
            value = float(rng.uniform(0.2, 2))
            row |= {name: value, f"{name}_low": value / 2, f"{name}_high": value * 2}
        rows.append(row)
    return pa.Table.from_pylist(rows, schema_of("pair_indicators"))


def topics(rng: np.random.Generator, names: list[str], span: np.ndarray) -> pa.Table:
    """Give two topics in two spans of years: the first country leads one, the second the other."""
    rows = []
    for span_name, first in (("all", int(span[0])), ("last", int(span[-2]))):
        for topic in (10001, 10002):
            order = names if topic == 10001 else [names[1], names[0], *names[2:]]
            for place, country in enumerate(order):
                row = {"topic": topic, "span": span_name, "country": country, "rank": place + 1}
                row |= {"first_year": first, "last_year": int(span[-1]), "papers": 40.0 - place}
                value = float(rng.uniform(0.5, 2))
                row |= {"specialisation": value, "specialisation_low": value / 2}
                row |= {"specialisation_high": value * 2, "top10_papers": 9.0 - place}
                row |= {"lead": 1.5, "monopoly_risk": "high"} if place == 0 else {}
                rows.append(row)
        rows.append({"topic": 10001, "span": span_name, "country": "TWO", "papers": 70.0})
    return pa.Table.from_pylist(rows, schema_of("topics"))


def blocs(names: list[str], span: np.ndarray) -> dict[str, pa.Table]:
    """Give a layer with three blocs in its last window, and one where no number can be said."""
    found, members = [], []
    for layer, answer, said in (("collaboration", "blocs", 3), ("citation", "undecided", None)):
        for first in (int(span[0]), int(span[3])):
            key = {"layer": layer, "first_year": first, "last_year": first + 2}
            is_last = first == int(span[3])
            for n in range(1, 4):
                row = {**key, "blocs": n, "answer": answer if is_last else "none"}
                row |= {"answer_blocs": said if is_last else 1, "why_blocs": "so it is"}
                row |= {"likeliest": n == 3, "held_out_gain": 2.0 * n, "held_out_gain_se": 1.0}
                row |= {"gain_over_line": 1.5 * n, "gain_over_line_se": 1.0}
                found.append(row | {"explained": 0.1 * n, "gradient_explained": 0.2})
            for n in (2, 3):
                for at, country in enumerate(names):
                    row = {**key, "blocs": n, "country": country, "bloc": at % n + 1}
                    members.append(row | {"refit_share": 0.9, "centre": at < n})
    return {
        "blocs": pa.Table.from_pylist(found, schema_of("blocs")),
        "bloc_members": pa.Table.from_pylist(members, schema_of("bloc_members")),
    }
