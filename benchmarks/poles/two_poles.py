"""Print what a panel of edges shows under each null model, beside the placebo, as Markdown.

The figures of ``docs/two-poles.md`` come from this command.
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path

import pyarrow as pa

from isthmus.poles import analyse_edges
from isthmus.study.sections import QUANTITIES, Poles

#: Null models that are not simulated and need no teams.
ANALYTIC = ["multiedge", "multiedge_overdispersed", "wcm", "ecm", "crem"]
#: Settings of the clustering where clusters are not asked for: roles and headlines are
#: made of the pairs' own trends.
NO_CLUSTERS = {"n_init": 1, "n_resamples": 0, "choice_sample": 0, "choice_most": 2}


def number(value: object, digits: int = 2) -> str:
    return (
        "" if value is None else f"{value:.{digits}f}" if isinstance(value, float) else str(value)
    )


def show(title: str, names: list[str], rows: list[list[object]], digits: int = 2) -> None:
    print(f"\n**{title}**\n")
    print("| " + " | ".join(names) + " |")
    print("|" + " --- |" * len(names))
    for row in rows:
        print("| " + " | ".join(number(value, digits) for value in row) + " |")


def years(tables: dict[str, pa.Table], step: int) -> None:
    """Ties between the poles: a column per chain, the placebo's mean in brackets."""
    rows = tables["pole_years"].to_pylist()
    for quantities in (("affinity", "log_ratio"), ("z",)):
        paths: dict[str, dict[int, dict[str, object]]] = {}
        for row in rows:
            if row["quantity"] in quantities:
                name = f"{row['null_model']}, {row['layer']}, {row['source']}-{row['target']}"
                paths.setdefault(name, {})[row["year"]] = row
        seen = sorted({year for path in paths.values() for year in path})
        shown: list[list[object]] = [
            [year, *(_beside(path.get(year)) for path in paths.values())]
            for year in sorted(seen[::-step])
        ]
        shown.append(["largest in", *(max(p, key=lambda y: p[y]["value"]) for p in paths.values())])
        title = f"Between the poles, {' or '.join(quantities)} (mean of the replays)"
        show(title, ["year", *paths], shown)


def _beside(row: dict[str, object] | None) -> str:
    if row is None:
        return ""
    mean = f" ({number(row['placebo_mean'])})" if row["placebo_mean"] is not None else ""
    return f"{number(row['value'])}{mean}"


def headlines(tables: dict[str, pa.Table]) -> None:
    """Every headline number beside its placebo."""
    rows = [
        [
            row["null_model"],
            row["family"],
            row["layer"] or "both",
            f"{row['what']}: {row['reason']}" if row["reason"] else row["what"],
            row["quantity"] or "",
            row["source"] or "",
            row["study"],
            row["placebo_mean"],
            row["bend_p"],
            row["rate"],
            row["p"],
            "" if row["survives"] is None else "yes" if row["survives"] else "no",
        ]
        for row in tables["placebo"].to_pylist()
        if not row["what"].startswith("relation:")
    ]
    names = ["null model", "family", "layer", "what", "quantity", "of", "study", "placebo"]
    names += ["p of a bend", "rate", "p"]
    show("Headlines and their placebo", [*names, "survives"], rows, 3)


def alignments(tables: dict[str, pa.Table], poles: list[str], countries: list[str]) -> None:
    """How many countries have which role, and the relations of some countries."""
    rows = tables["alignment"].to_pylist()
    models = list(dict.fromkeys(row["null_model"] for row in rows))
    roles = sorted({row["role"] or "not followed" for row in rows})
    counts = [[role, *(_count(rows, model, role, poles) for model in models)] for role in roles]
    show(
        "Roles of countries: all, and those whose relations all survive", ["role", *models], counts
    )
    some = [
        [
            row["country"],
            row["null_model"],
            *(_relation(row, pole) for pole in poles),
            row["role"],
        ]
        for country in countries
        for row in rows
        if row["country"] == country
    ]
    show("Some countries", ["country", "null model", *poles, "role"], some)


def _count(rows: list[dict[str, object]], model: str, role: str, poles: list[str]) -> str:
    mine = [
        row
        for row in rows
        if row["null_model"] == model and (row["role"] or "not followed") == role
    ]
    sure = [row for row in mine if all(row[f"survives_{pole}"] is not False for pole in poles)]
    return f"{len(mine)}, {len(sure)}"


def _relation(row: dict[str, object], pole: str) -> str:
    if row[f"with_{pole}"] is None:
        return ""
    marked = ", placebo" if row[f"survives_{pole}"] is False else ""
    return f"{row[f'with_{pole}']} ({row[f'trend_{pole}']}{marked})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("edges", type=Path, help="year,source,target,weight")
    parser.add_argument("--null-models", nargs="+", default=ANALYTIC)
    parser.add_argument("--poles", nargs="+", default=["US", "CN"])
    parser.add_argument("--replays", type=int, default=80)
    parser.add_argument("--dropped", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--step", type=int, default=5, help="years between rows")
    parser.add_argument("--clusters", action="store_true", help="look for clusters too")
    parser.add_argument("--quantity", default="affinity", choices=QUANTITIES)
    parser.add_argument(
        "--countries", nargs="*", default=["GB", "DE", "FR", "IT", "JP", "IN", "KR", "BR", "RU"]
    )
    options = parser.parse_args()
    settings = Poles(
        null_models=tuple(options.null_models),
        placebo_replays=options.replays,
        dropped=options.dropped,
        quantity=options.quantity,
        **({} if options.clusters else NO_CLUSTERS),
    )
    start = time.monotonic()
    tables = analyse_edges(
        options.edges,
        settings=settings,
        poles=tuple(options.poles),
        seed=options.seed,
        threads=options.threads,
    )
    wall = time.monotonic() - start
    used = resource.getrusage(resource.RUSAGE_SELF)
    panel = tables["panel"].to_pylist()
    entered = sum(row["enters"] and row["kind"] == "country" for row in panel)
    followed = {(r["source"], r["target"]) for r in tables["archetypes"].to_pylist()}
    print(f"{entered} countries and {len(followed)} pairs are followed.")
    reasons = [[row["reason"], row["rows"]] for row in tables["edges"].to_pylist()]
    show("Rows of the file", ["what", "rows"], reasons)
    headlines(tables)
    years(tables, options.step)
    alignments(tables, options.poles, options.countries)
    if options.clusters:
        choice = [list(row.values()) for row in tables["cluster_choice"].to_pylist()]
        show("Number of clusters", tables["cluster_choice"].column_names, choice, 3)
    cpu = used.ru_utime + used.ru_stime
    print(
        f"\n{wall:.0f} s elapsed, {cpu:.0f} s of processor time, {used.ru_maxrss / 2**10:.0f} MiB"
    )


if __name__ == "__main__":
    main()
