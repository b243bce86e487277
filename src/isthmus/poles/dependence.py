"""How much countries cite themselves and each other, and what size expects.

Citations are those within the study's window, from any work of the corpus, by publication
year of the cited work. A citation counts one in all over its pairs of a citing and a cited
country; those of works without a known country on either side are in no number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from isthmus.engine import Table
from isthmus.results import schema_of
from isthmus.selection.attribution import exact_sum, numbered
from isthmus.stats.preference import preference
from isthmus.stats.shares import wilson_intervals

Floats = NDArray[np.float64]

#: Fixed-point type of squared citations; exact in any order, to twelve decimals.
_SQUARE = "decimal(38, 12)"


def citing_countries(
    citations: Table,
    countries: Table,
    window: int,
    years: Sequence[int],
    weights: Table | None = None,
) -> Table:
    """Count the citations each work has from each country within the window.

    `years` are the publication years whose window is known; `weights` say for how many works
    a citing work stands (``citing_id``, ``weight``), one each where None.

    Grain: one row per cited work and citing country. Columns: ``cited_id``, ``year``,
    ``citing``, ``n`` (citing works), ``share`` (each counting one over its countries) and
    ``weighted`` (each counting its weight over them).
    """
    known = citations.cited_year.isin(list(years)) if years else ibis.literal(False)
    near = citations.filter(known, citations.citing_year <= citations.cited_year + window)
    names, works = numbered(countries)
    from_them = works.select(citing_id="work_id", number="number", of="n_countries")
    located = countries.select(cited_id="work_id").distinct()
    placed = near.semi_join(located, "cited_id").inner_join(from_them, "citing_id")
    part = 1 / placed.of
    weighted = part
    if weights is not None:
        columns = placed.columns
        placed = placed.inner_join(weights, "citing_id").select(*columns, "weight")
        part, weighted = 1 / placed.of, placed.weight / placed.of
    counted = placed.group_by("cited_id", "number", year=placed.cited_year).agg(
        n=placed.count(),
        share=exact_sum(part),
        weighted=weighted.cast(_SQUARE).sum().cast("float64"),
    )
    named = counted.inner_join(names, "number")
    return named.select("cited_id", "year", "n", "share", "weighted", citing="country")


def received(citing: Table, countries: Table, poles: Sequence[str]) -> Table:
    """Sum the citations that countries receive, from themselves and from third countries.

    Third countries are neither the country itself nor a pole.

    Grain: one row per year and country. Columns: ``received``, ``home``, ``third``, sums over
    cited works of squares (``rr``, ``hh``) and products (``rh``), and ``received_weighted``,
    ``home_weighted``.
    """
    cited = countries.select(cited_id="work_id", country="country", part="fraction")
    placed = citing.inner_join(cited, "cited_id")
    part = placed.part.cast("float64") * placed.share
    own = placed.citing == placed.country
    weighted = placed.part.cast("float64") * placed.weighted
    third = ~own & ~placed.citing.isin(list(poles)) if poles else ~own
    works = placed.group_by("cited_id", "year", "country").agg(
        r=exact_sum(part),
        h=exact_sum(ibis.ifelse(own, part, 0.0)),
        t=exact_sum(ibis.ifelse(third, part, 0.0)),
        rw=weighted.cast(_SQUARE).sum().cast("float64"),
        hw=ibis.ifelse(own, weighted, 0.0).cast(_SQUARE).sum().cast("float64"),
    )

    def total(value: Any) -> Any:
        return value.cast(_SQUARE).sum().cast("float64")

    return works.group_by("year", "country").agg(
        received=total(works.r),
        home=total(works.h),
        third=total(works.t),
        rr=total(works.r * works.r),
        hh=total(works.h * works.h),
        rh=total(works.r * works.h),
        received_weighted=total(works.rw),
        home_weighted=total(works.hw),
    )


def given(citing: Table) -> Table:
    """Count citing countries' citations, by how many each cited work has from them.

    Grain: one row per year, country and number of citations. Columns: ``n``, ``papers``
    (cited works that have `n` citations from the country) and ``given`` (their fractions).
    """
    return citing.group_by("year", "n", country=citing.citing).agg(
        papers=citing.count(), given=citing.share.cast(_SQUARE).sum().cast("float64")
    )


def given_to(citing: Table, countries: Table, poles: Sequence[str]) -> Table:
    """Count as :func:`given`, of works of the country itself and of the poles.

    Grain: one row per year, citing country, ``cited`` country and number of citations.
    """
    cited = countries.select(cited_id="work_id", cited="country")
    placed = citing.inner_join(cited, "cited_id")
    own = placed.citing == placed.cited
    placed = placed.filter(own | placed.cited.isin(list(poles)) if poles else own)
    return placed.group_by("year", "n", "cited", country=placed.citing).agg(papers=placed.count())


def located_papers(field: Table, countries: Table, years: Sequence[int]) -> Table:
    """Count works with a country by year and country.

    Grain: one row per year and country. Columns: ``papers``, ``world`` (fractions, whose
    sum over countries is the number of works).
    """
    known = field.year.isin(list(years)) if years else ibis.literal(False)
    placed = field.filter(known).inner_join(countries, "work_id")
    return placed.group_by("year", "country").agg(
        papers=placed.count(), world=exact_sum(placed.fraction)
    )


def dependence(
    papers: pa.Table, got: pa.Table, gave: pa.Table, gave_to: pa.Table, poles: Sequence[str]
) -> pa.Table:
    """Lay out home share, imports, exports, third countries and preferences.

    Parameters
    ----------
    papers, got, gave, gave_to
        As :func:`located_papers`, :func:`received`, :func:`given`, :func:`given_to`.
    poles
        Countries for whose papers every country's preference is measured.

    Returns
    -------
    pa.Table
        ``dependence``: one row per year of known windows and country with a paper.
    """
    schema = schema_of("dependence", poles)
    if not papers.num_rows:
        return schema.empty_table()
    # Engines give rows in any order; floats are summed in one order.
    gave = gave.sort_by([(name, "ascending") for name in ("year", "country", "n")])
    years = np.unique(papers["year"].to_numpy())
    names = np.unique([*papers["country"].to_pylist(), *gave["country"].to_pylist()])

    def grid(table: pa.Table, column: str) -> Floats:
        found = np.zeros((len(years), len(names)))
        year = pc.index_in(table["year"].cast(pa.int64()), pa.array(years, pa.int64()))
        name = pc.index_in(table["country"], pa.array(names, pa.string()))
        np.add.at(found, (year.to_numpy(), name.to_numpy()), table[column].to_numpy())
        return found

    count, world = grid(papers, "papers"), np.rint(grid(papers, "world").sum(axis=1))
    year, country = np.nonzero(count > 0)
    sums = {name: grid(got, name)[year, country] for name in got.column_names[2:]}
    gives = grid(gave, "given")
    size = gives[year, country]
    third = gives * ~np.isin(names, list(poles))
    others = third.sum(axis=1)[year] - third[year, country]
    home, low, high = _home_share(sums)
    expected = _over(size, gives.sum(axis=1)[year])
    imports, exports = size - sums["home"], sums["received"] - sums["home"]
    columns: dict[str, Any] = {
        "year": years[year],
        "country": names[country],
        "papers": count[year, country],
        "received": sums["received"],
        "home_share": home,
        "home_share_low": low,
        "home_share_high": high,
        "home_expected": expected,
        "home_ratio": _over(home, expected),
        "home_ratio_low": _over(low, expected),
        "home_ratio_high": _over(high, expected),
        "given": size,
        "imports": np.maximum(imports, 0.0),
        "exports": np.maximum(exports, 0.0),
        "balance": _over(np.maximum(exports, 0.0), np.maximum(imports, 0.0)),
        "third_citations": sums["third"],
        "third_share": _over(sums["third"], others),
    }
    held = {(y, n): count[i, j] for i, y in enumerate(years) for j, n in enumerate(names)}
    numbers = dict(zip(years, world, strict=True))
    pairs = _histograms(gave_to, ("year", "country", "cited"))
    everyone = _histograms(gave, ("year", "country"))
    rows = list(zip(years[year].tolist(), names[country].tolist(), strict=True))
    for name, target in (("home_preference", None), *((f"preference_{p}", p) for p in poles)):
        found = [
            preference(
                pairs.get((y, c, target or c), {}),
                everyone.get((y, c), {}),
                held.get((y, target or c), 0.0),
                numbers[y],
            )
            for y, c in rows
        ]
        for end, values in zip(("", "_low", "_high"), zip(*found, strict=True), strict=True):
            columns[f"{name}{end}"] = np.array(values)
    arrays = [pa.array(columns[f.name], from_pandas=True).cast(f.type) for f in schema]
    return pa.table(arrays, schema=schema)


def _home_share(sums: dict[str, Floats]) -> tuple[Floats, Floats, Floats]:
    """Home share with its interval from resampling cited works with their citations."""
    all_of = sums["received"]
    share = _over(sums["home"], all_of)
    variance = _over(sums["hh"] - 2 * share * sums["rh"] + share**2 * sums["rr"], all_of * all_of)
    units = _over(all_of * all_of, sums["rr"])
    some = (share > 0) & (share < 1) & (variance > 1e-15)
    units = np.where(some & (units >= 6), _over(share * (1 - share), variance), units)
    return share, *wilson_intervals(share, units)


def _histograms(table: pa.Table, keys: tuple[str, ...]) -> dict[tuple[Any, ...], dict[int, float]]:
    found: dict[tuple[Any, ...], dict[int, float]] = {}
    columns = [table[name].to_pylist() for name in (*keys, "n", "papers")]
    for *key, n, papers in zip(*columns, strict=True):
        found.setdefault(tuple(key), {})[n] = papers
    return found


def _over(a: Floats, b: Floats) -> Floats:
    found: Floats = np.divide(a, b, out=np.full(np.shape(a), np.nan), where=b > 0)
    return found
