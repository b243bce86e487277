"""Results folders of any size, with every table a run may make, for tests and benchmarks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from isthmus.corpus.countries import countries
from isthmus.leadership.published_counts import Published
from isthmus.leadership.published_counts import comparison as beside
from isthmus.results import RESULTS_VERSION, Results, open_results, write_table
from isthmus.study import Study
from report.synthetic_views import blocs, by_country, indices, topics, turns

#: A title with everything that has ever broken a page.
TITLE = "<script>alert('x')</script> \"AI\" & مرحبا 🙂 \u2028 </title>"

#: A name out of the data that would run if any page forgot to escape it.
HOSTILE = '<img src=x onerror="window.hacked=1"> "q" مختبر 🧪'

LAST_AUTHOR = "papers_last_author"

#: The study of the results, but for its years.
STUDY: dict[str, Any] = {
    "study": {"corpus": "c", "years": [2000, 2006], "title": TITLE},
    "countries": {"blocs": {"TWO": ["US", "CN"]}},
    "comparisons": {
        "NCSES": {"file": "tables/ncses.csv", "counting": "whole"},
        HOSTILE: {"file": "other.csv", "counting": "fractional"},
    },
}


def codes(n: int) -> list[str]:
    """Give `n` country codes, the poles first."""
    rest = [code for code in countries() if code not in ("US", "CN")]
    return ["US", "CN", *rest][:n]


def write_results(
    folder: Path, n_countries: int = 8, years: tuple[int, int] = (2000, 2006), seed: int = 1
) -> Results:
    """Write a results folder with every table; numbers are drawn, not computed."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    names, span = codes(n_countries), np.arange(years[0], years[1] + 1)
    made = {
        **leadership(rng, names, span),
        **networks(rng, names, span),
        **poles(rng, names, span),
        **movement(rng, names, span),
        **comparison(rng, span),
        **by_country(rng, names, span),
        **blocs(names, span),
        "topics": topics(rng, names, span),
    }
    made["pair_indicators"] = indices(rng, made["collaboration"])
    study = Study.parse({**STUDY, "study": {**STUDY["study"], "years": list(years)}})
    published = others(rng, names, span[:-1])
    made |= beside(study, published, made["country_year"])
    return finish(folder, made, study, {name: read.record() for name, read in published.items()})


def others(rng: np.random.Generator, names: list[str], span: np.ndarray) -> dict[str, Published]:
    """Give what others publish up to the year before the last, in two tables."""
    counts = {
        (int(year), code): float(rng.poisson(9000 / (place + 1)))
        for year in span
        for place, code in enumerate(names)
    }
    fewer = {(year, code): n for (year, code), n in counts.items() if code in names[:3]}
    return {
        "NCSES": Published(counts, {"country_unknown": 3, "used": len(counts)}, ["World", HOSTILE]),
        HOSTILE: Published(fewer, {"used": len(fewer)}, []),
    }


def finish(
    folder: Path,
    tables: dict[str, pa.Table],
    study: Study,
    comparisons: dict[str, Any] | None = None,
) -> Results:
    """Write tables and the record of a run, as a run does."""
    written = {name: write_table(folder, name, table) for name, table in tables.items()}
    notes = {"corpus_end": study.years[1], "comparisons": comparisons or {}}
    record: dict[str, Any] = {
        "results_version": RESULTS_VERSION,
        "identity": {"study": "s", "corpus": "c"},
        "title": study.study.title,
        "settings": study.settings(),
        "seed": 1,
        "corpus": {"hash": "abc", "source": "synthetic", "release": None, "rows": {"works": 10}},
        "versions": {"isthmus": "0.1.0", "python": "3.11"},
        "steps": {"all": {"notes": notes, "tables": written}},
        "tables": {name: entry["rows"] for name, entry in written.items()},
    }
    (folder / "run.json").write_text(json.dumps(record))
    return open_results(folder)


def grid(*axes: Any) -> list[np.ndarray]:
    """Give every combination of the axes as flat arrays."""
    return [a.ravel() for a in np.meshgrid(*axes, indexing="ij")]


def leadership(rng: np.random.Generator, names: list[str], span: np.ndarray) -> dict[str, pa.Table]:
    year, who = grid(span, np.arange(len(names)))
    papers = rng.poisson(4000 / (who + 1) ** 0.8).astype(np.int64)
    country = np.array(names)[who]
    last = year > span[-1] - 2
    mean = np.where(last, np.nan, rng.gamma(3, 1, len(year)))
    share = papers / papers.sum()
    rows = {
        "year": year.astype(np.int16),
        "country": country,
        LAST_AUTHOR: papers,
        f"{LAST_AUTHOR}_fractional": papers * 0.9,
        f"{LAST_AUTHOR}_share": share,
        f"{LAST_AUTHOR}_share_low": share * 0.9,
        f"{LAST_AUTHOR}_share_high": share * 1.1,
        "papers_whole": papers + 5,
        "papers_fractional": papers * 0.8,
        "c2_papers": papers,
        "c2_sum": (papers * 3).astype(np.int64),
        "c2_mean": mean,
        "c2_mean_low": mean - 0.2,
        "c2_mean_high": mean + 0.2,
        "hits": papers * 0.01,
        "hit_share": share,
        "novelty_median": rng.normal(-1, 1, len(year)),
        "novel_hits": papers * 0.01,
        "novel_share": share,
        "scientists": papers * 0.1,
    }
    table = pa.table(rows)
    undefined = pa.array(last)
    for name in ("c2_mean", "c2_mean_low", "c2_mean_high"):
        at = table.column_names.index(name)
        blank = pa.compute.if_else(undefined, None, table[name])
        table = table.set_column(at, name, blank)
    bloc = table.filter(pa.compute.equal(table["country"], "US"))
    at = bloc.column_names.index("country")
    coverage = {
        "year": np.concatenate([year, span]).astype(np.int16),
        "country": np.concatenate([country, np.repeat("all", len(span))]),
        "works": np.concatenate([papers, np.repeat(papers.sum(), len(span))]),
        "share_with_country": rng.uniform(0.6, 1, len(year) + len(span)),
        "share_with_references": rng.uniform(0.6, 1, len(year) + len(span)),
        "authors_truncated": rng.poisson(2, len(year) + len(span)),
    }
    return {
        "country_year": table,
        "bloc_year": bloc.set_column(at, "country", pa.array(["TWO"] * bloc.num_rows)),
        "coverage": pa.table(coverage),
        **novelty(rng, span),
    }


def novelty(rng: np.random.Generator, span: np.ndarray, n: int = 150) -> dict[str, pa.Table]:
    year = np.repeat(span, n).astype(np.int16)
    score = rng.normal(-1, 3, len(year))
    works = {
        "work_id": rng.permutation(len(year)) + 1,
        "year": year,
        "novelty": pa.array(score, mask=rng.random(len(year)) < 0.2),
        "conventionality": score + 2,
        "n_pairs": rng.poisson(100, len(year)),
        "disruption": rng.uniform(-1, 1, len(year)),
        "n_references": rng.poisson(15, len(year)),
        "reference_age": rng.uniform(1, 20, len(year)),
    }
    thresholds = {
        "year": span.astype(np.int16),
        "papers": np.full(len(span), n),
        "quota": np.full(len(span), n / 100),
        "threshold": rng.normal(-8, 1, len(span)),
        "above": np.ones(len(span), np.int64),
        "tied": np.ones(len(span), np.int64),
        "tie_weight": np.full(len(span), 0.5),
    }
    losses = {"year": span.astype(np.int16), "references": np.full(len(span), 15 * n)}
    kinds = ("not_in_corpus", "to_itself", "to_later_years", "without_venue", "long_list", "usable")
    for name in kinds:
        losses[name] = rng.poisson(3 * n, len(span))
    return {
        "novelty_works": pa.table(works),
        "novelty_thresholds": pa.table(thresholds),
        "reference_losses": pa.table(losses),
    }


def pairs_of(names: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Give both ends of every unordered pair, source before target."""
    ordered = np.array(sorted(names))
    i, j = np.triu_indices(len(ordered), 1)
    return ordered[i], ordered[j]


def networks(rng: np.random.Generator, names: list[str], span: np.ndarray) -> dict[str, pa.Table]:
    source, target = pairs_of(names)
    year, pair = grid(span, np.arange(len(source)))
    works = rng.poisson(rng.gamma(0.5, 20, len(source))[pair]).astype(np.int64)
    joint = pa.table(
        {
            "year": year.astype(np.int16),
            "source": source[pair],
            "target": target[pair],
            "works_whole": works,
            "works_fractional": works * 0.7,
            "works_single_author": works // 10,
        }
    )
    ends = (np.concatenate([source, target]), np.concatenate([target, source]))
    year, pair = grid(span, np.arange(len(ends[0])))
    cited = rng.poisson(30, len(year)).astype(np.int64)
    citation = pa.table(
        {
            "year": year.astype(np.int16),
            "source": ends[0][pair],
            "target": ends[1][pair],
            "citations_whole": cited,
            "citations_fractional": cited * 0.5,
        }
    )
    return {"collaboration": joint, "citation": citation}


def poles(rng: np.random.Generator, names: list[str], span: np.ndarray) -> dict[str, pa.Table]:
    source, target = pairs_of(names)
    models = ["none", "multiedge", "ecm"]
    both = ((source, target), (target, source))
    links = pa.concat_tables(
        [_links(rng, "collaboration", models, source, target, span)]
        + [_links(rng, "citation", models, *ends, span) for ends in both]
    )
    model, pair = grid(np.arange(len(models)), np.arange(len(source)))
    kinds = np.array(["SC", "SD", "KI", "KD"])
    archetypes = pa.table(
        {
            "null_model": np.array(models)[model],
            "source": source[pair],
            "target": target[pair],
            "archetype": kinds[rng.integers(0, 4, len(pair))],
            "slope_collaboration": rng.normal(size=len(pair)),
            "slope_citation": rng.normal(size=len(pair)),
            "stability": rng.uniform(0.4, 1, len(pair)),
        }
    )
    model, who = grid(np.arange(len(models)), np.arange(len(names)))
    roles = np.array(["with US", "with CN", "bridge", "apart"])
    alignment = pa.table(
        {
            "null_model": np.array(models)[model],
            "country": np.array(names)[who],
            "with_US": kinds[rng.integers(0, 4, len(who))],
            "with_CN": kinds[rng.integers(0, 4, len(who))],
            "role": roles[rng.integers(0, 4, len(who))],
        }
    )
    model, year = grid(np.arange(len(models)), span)
    index = rng.uniform(0, 0.3, len(year))
    polarisation = pa.table(
        {
            "null_model": np.array(models)[model],
            "layer": np.repeat("collaboration", len(year)),
            "year": year.astype(np.int16),
            "index": index,
            "low": index - 0.05,
            "high": index + 0.05,
            "pairs": np.full(len(year), 20),
        }
    )
    z = rng.normal(1, 2, len(source))
    significant = pa.table(
        {
            "null_model": np.repeat("multiedge", len(source)),
            "layer": np.repeat("collaboration", len(source)),
            "source": source,
            "target": target,
            "z_mean": z,
            "significant": z > 0,
        }
    )
    return {
        "links": links,
        "significant": significant,
        "archetypes": archetypes,
        "alignment": alignment,
        "polarisation": polarisation,
        **courses(rng, models, span),
        "turns": turns(span),
    }


def courses(rng: np.random.Generator, models: list[str], span: np.ndarray) -> dict[str, pa.Table]:
    """Give centroids, the poles beside their placebo, and trends without each country."""
    layers = np.array(["collaboration", "citation"])
    model, cluster, layer, year = grid(np.arange(len(models)), np.arange(4), np.arange(2), span)
    value = rng.normal(size=len(year))
    centroids = {
        "null_model": np.array(models)[model],
        "cluster": cluster.astype(np.int16),
        "layer": layers[layer],
        "year": year.astype(np.int16),
        "archetype": np.array(["SC", "SD", "KI", "KD"])[cluster],
        "pairs": (cluster + 3).astype(np.int64),
        "value": value,
        "low": value - 0.5,
        "high": value + 0.5,
    }
    model, layer, quantity, year = grid(np.arange(len(models)), np.arange(2), np.arange(2), span)
    value = rng.normal(size=len(year))
    pole_years = {
        "null_model": np.array(models)[model],
        "layer": layers[layer],
        "quantity": np.where(
            (model == 0) & (quantity == 0), "affinity", np.array(["log_ratio", "z"])[quantity]
        ),
        "source": np.repeat("CN", len(year)),
        "target": np.repeat("US", len(year)),
        "year": year.astype(np.int16),
        "value": value,
        "placebo_mean": value * 0.1,
        "placebo_low": value * 0.1 - 0.3,
        "placebo_high": value * 0.1 + 0.3,
    }
    model, layer, who = grid(np.arange(len(models)), np.arange(2), np.arange(3))
    slope = rng.normal(size=len(who))
    dropped = {
        "null_model": np.array(models)[model],
        "layer": layers[layer],
        "what": np.repeat("poles", len(who)),
        "source": np.repeat("CN", len(who)),
        "target": np.repeat("US", len(who)),
        "country": np.array(["DE", "GB", "JP"])[who],
        "slope": slope,
        "low": slope - 0.1,
        "high": slope + 0.1,
    }
    return {
        "centroids": pa.table(centroids),
        "pole_years": pa.table(pole_years),
        "dropped": pa.table(dropped),
    }


def _links(
    rng: np.random.Generator,
    layer: str,
    models: list[str],
    source: np.ndarray,
    target: np.ndarray,
    span: np.ndarray,
) -> pa.Table:
    model, year, pair = grid(np.arange(len(models)), span, np.arange(len(source)))
    n, null = len(pair), model > 0
    expected = rng.gamma(2, 10, n)
    ratio = rng.normal(0, 0.5, n)
    under_null = {
        "expected": expected,
        "sd": np.sqrt(expected),
        "z": ratio * np.sqrt(expected),
        "p_more": rng.uniform(0, 1, n),
        "p_fewer": rng.uniform(0, 1, n),
        "q": rng.uniform(0, 1, n),
        "log_ratio": ratio,
        "log_ratio_low": ratio - 0.2,
        "log_ratio_high": ratio + 0.2,
    }
    by_affinity = {
        "affinity": ratio,
        "affinity_low": ratio - 0.2,
        "affinity_high": ratio + 0.2,
        "affinity_se": np.full(n, 0.1),
    }
    return pa.table(
        {
            "layer": pa.array(np.repeat(layer, n)),
            "null_model": np.array(models)[model],
            "year": year.astype(np.int16),
            "source": source[pair],
            "target": target[pair],
            "observed": np.round(expected * np.exp(ratio)),
            **{name: pa.array(values, mask=~null) for name, values in under_null.items()},
            **{name: pa.array(values, mask=null) for name, values in by_affinity.items()},
        }
    )


def movement(rng: np.random.Generator, names: list[str], span: np.ndarray) -> dict[str, pa.Table]:
    source, target = pairs_of(names[:40])
    ends = (np.concatenate([source, target]), np.concatenate([target, source]))
    year, pair = grid(span, np.arange(len(ends[0])))
    flows = {
        "year": year.astype(np.int16),
        "origin": ends[0][pair],
        "destination": ends[1][pair],
        "scientists": rng.poisson(3, len(pair)).astype(np.int64),
    }
    profiles = [
        {"destination": pole, "origin": origin, "group": group, "measure": measure, "n": 10}
        | {"mean": 4.0, "q10": 1.0, "q25": 2.0, "median": 3.0, "q75": 5.0, "q90": 8.0}
        for pole in ("US", "CN")
        for origin, group in (("all", "movers"), ("all", "stayers"), ("US", "movers"))
        for measure in ("career_age", "papers_before", "citations_before")
    ]
    kept = [
        {"experiment": name, "year": None, "treated": 20, "control": 90}
        | {"treated_matched": 18, "control_matched": 70, "l1_before": 0.6, "l1_after": 0.1}
        | {"mean_treated": 40.0, "mean_control": 2.0, "effect_percent": 1900.0}
        | {"ci_low": 900.0, "ci_high": 3000.0, "p": 0.001, "note": ""}
        for name in ("movers:CN->US", "movers:CN->US:sampled", "movers:US->CN")
    ]
    variants = [
        {"variant": v, "origin": origin, "destination": pole, "scientists": n}
        for v in range(3)
        for pole, origin, n in (("US", "CN", 9), ("US", "AD", v), ("CN", "US", 5), ("CN", "AD", 7))
    ]
    return {
        "flows": pa.table(flows),
        "mover_profiles": pa.Table.from_pylist(profiles),
        "retention": pa.Table.from_pylist(kept),
        "flow_variants": pa.Table.from_pylist(variants),
    }


def comparison(rng: np.random.Generator, span: np.ndarray) -> dict[str, pa.Table]:
    experiments = ["joint:US+CN", "joint:CN+US", HOSTILE]
    which, year = grid(np.arange(3), span)
    effect = rng.normal(30, 10, len(year))
    years = pa.array([None if y == span[0] else int(y) for y in year], pa.int16())
    matched = {
        "experiment": np.array(experiments)[which],
        "year": years,
        "treated": rng.integers(100, 200, len(year)),
        "control": rng.integers(1000, 2000, len(year)),
        "treated_matched": rng.integers(50, 100, len(year)),
        "control_matched": rng.integers(500, 1000, len(year)),
        "l1_before": rng.uniform(0.5, 1, len(year)),
        "l1_after": rng.uniform(0, 0.5, len(year)),
        "mean_treated": rng.gamma(3, 1, len(year)),
        "mean_control": rng.gamma(2, 1, len(year)),
        "effect_percent": effect,
        "ci_low": effect - 15,
        "ci_high": effect + 15,
        "p": rng.uniform(0, 1, len(year)),
    }
    balance = {
        "experiment": np.repeat(experiments, 2),
        "year": pa.nulls(6, pa.int16()),
        "covariate": ["team size", "institution"] * 3,
        "before": rng.normal(size=6),
        "after": rng.normal(size=6) * 0.1,
    }
    pairs = [
        {"lead": lead, "partner": partner, "is_pole_pair": poles, "hours_apart": 12.0}
        | {"treated": 50, "control": 500, "treated_matched": 40, "control_matched": 300}
        | {"mean_treated": 4.0, "mean_control": 4.0, "effect_percent": effect, "p": 0.5}
        | {"ci_low": effect - 20, "ci_high": effect + 20, "share_at_least": 0.0}
        | {"effective_clusters": 12.0}
        for lead, partner, poles, effect in (
            ("US", "CN", True, 40.0),
            ("CN", "US", True, 30.0),
            *(("CA", partner, False, float(5 * n - 20)) for n, partner in enumerate("KJIBF")),
        )
    ]
    groups = [
        {
            "group": group,
            "year": int(year),
            "lead": lead,
            "papers": 9,
            "papers_top_institution": 3,
            "others": 18,
            "others_top_institution": 6,
            "p": 1.0,
        }
        for lead, other in (("US", "CN"), ("CN", "US"))
        for group in (other, "domestic", "other_international")
        for year in span
    ]
    sizes = [
        {"group": row["group"], "year": row["year"], "team_size": size, "lead": row["lead"]}
        | {"papers": 10 - size}
        for row in groups
        for size in range(1, 6)
    ]
    return {
        "matched": pa.table(matched),
        "balance": pa.table(balance),
        "placebo_pairs": pa.Table.from_pylist(pairs),
        "top_institutions": pa.Table.from_pylist(groups),
        "team_sizes": pa.Table.from_pylist(sizes),
        **named(span),
    }


def named(span: np.ndarray) -> dict[str, pa.Table]:
    """Give institutions and works whose names a careless page would run or mangle."""
    names = [HOSTILE, TITLE, 'Université d\'Été, "A" & B', "جامعة القاهرة 🎓", None]
    places = [
        {"rank": n + 1, "institution_id": 10 + n, "institution": name, "country": "CN"}
        | {"citations": 90 - n, "papers": 9}
        for n, name in enumerate(names)
    ]
    works = [
        {"year": int(year), "rank": n + 1, "work_id": int(year) * 10 + n, "title": name}
        | {"country": "US", "institution_id": 10, "institution": HOSTILE, "citations": 50 - n}
        for year in span
        for n, name in enumerate(names)
    ]
    return {
        "leading_institutions": pa.Table.from_pylist(places),
        "cited_works": pa.Table.from_pylist(works),
    }
