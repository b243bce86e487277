"""The relational steps of a study in pandas and in polars, as a competent user writes them.

Both read columns, not files; countries are categories; what several steps share is made
once. A step reads shared tables from a folder (:meth:`read_shared`) or, in a program that
answers everything, from memory (:meth:`make_shared`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

YEARS = (1998, 2021)
SUBFIELD = 1702
WINDOW = 2
PAIR = ["work_id", "country"]
EDGE = ["year", "source", "target"]

#: Columns of the corpus that all steps together read.
INPUTS = {
    "works": ["work_id", "year", "n_authors", "authors_truncated"],
    "subjects": ["work_id", "scheme", "subject_id"],
    "affiliations": ["work_id", "position", "institution_id", "country"],
    "authorships": ["work_id", "position", "author_id", "is_last"],
    "references": ["citing_id", "cited_id"],
}
SHARED = ("field", "placed", "countries", "deciding", "dated")
STEPS = ("coverage", "tally", "papers", "impact", "scientists", "collaboration", "citation")


class _Pandas:
    """The steps in pandas, on a corpus; results that later steps read go to a folder."""

    def __init__(self, corpus: Path, folder: Path, shared: Path | None = None) -> None:
        import pandas as pd

        self.pd, self.corpus, self.folder, self.kept = pd, corpus, folder, shared
        self.held: dict[str, Any] = {}

    def table(self, name: str, columns: list[str]) -> Any:
        """Columns of a table: from memory, else of a shared table, else of the corpus."""
        if name in self.held:
            return self.held[name][columns]
        path = self.corpus / name
        if name in SHARED and self.kept is not None:
            path = self.kept / f"{name}.parquet"
        texts = [c for c in ("country", "scheme") if c in columns]
        frame = self.pd.read_parquet(path, columns=columns, read_dictionary=texts)
        for text in texts:
            ordered = sorted(frame[text].cat.categories)
            frame[text] = frame[text].cat.set_categories(ordered, ordered=True)
        return frame

    def in_years(self) -> Any:
        field = self.table("field", ["work_id", "year"])
        return field[field.year.between(*YEARS)]

    def make_shared(self) -> None:
        """Make the shared tables and hold them in memory."""
        works = self.table("works", ["work_id", "year"])
        subjects = self.table("subjects", INPUTS["subjects"])
        chosen = subjects[(subjects.scheme == "subfield") & (subjects.subject_id == SUBFIELD)]
        field = works[works.work_id.isin(chosen.work_id)]
        placed = self.table("affiliations", INPUTS["affiliations"]).dropna(subset=["country"])
        authorships = self.table("authorships", ["work_id", "position", "is_last"])
        last = authorships[authorships.is_last][["work_id", "position"]]
        refs = self.table("references", INPUTS["references"])
        cited = field.rename(columns={"work_id": "cited_id", "year": "cited_year"})
        citing = works.rename(columns={"work_id": "citing_id", "year": "citing_year"})
        self.held |= {
            "field": field,
            "placed": placed,
            "countries": _with_n(placed),
            "deciding": _with_n(placed.merge(last, on=["work_id", "position"])),
            "dated": refs.merge(cited, on="cited_id").merge(citing, on="citing_id"),
        }

    def shared(self) -> None:
        self.make_shared()
        for name in SHARED:
            path = self.folder / f"{name}.parquet"
            self.held[name].to_parquet(path, compression="zstd", index=False)

    def everything(self) -> dict[str, pa.Table]:
        """Answer every step from the corpus, each input read once."""
        for name, columns in INPUTS.items():
            self.held[name] = self.table(name, columns)
        self.make_shared()
        return {name: getattr(self, name)() for name in STEPS}

    def coverage(self) -> pa.Table:
        works = self.table("works", ["work_id", "authors_truncated"])
        countries = self.table("countries", PAIR)
        referring = self.table("references", ["citing_id"]).citing_id.unique()
        field = self.in_years().merge(works, on="work_id")
        field = field.assign(
            referring=field.work_id.isin(referring),
            located=field.work_id.isin(countries.work_id.unique()),
        )
        wanted = {
            "works": ("work_id", "size"),
            "share_with_country": ("located", "mean"),
            "share_with_references": ("referring", "mean"),
            "authors_truncated": ("authors_truncated", "sum"),
        }
        everyone = field.groupby("year").agg(**wanted).reset_index().assign(country="all")
        placed = field.merge(countries, on="work_id").groupby(["year", "country"], observed=True)
        each = placed.agg(**wanted).reset_index().astype({"country": str})
        return self.arrow(self.pd.concat([everyone, each]))

    def tally(self) -> pa.Table:
        dated = self.table("dated", ["citing_id", "cited_id", "citing_year", "cited_year"])
        marked = self.pd.DataFrame(
            {
                "year": dated.citing_year,
                "later": dated.cited_year > dated.citing_year,
                "itself": dated.cited_id == dated.citing_id,
            }
        )
        made = marked.groupby("year").agg(
            references_to_field=("later", "size"),
            references_to_later_years=("later", "sum"),
            references_to_itself=("itself", "sum"),
        )
        return self.arrow(made.reset_index())

    def papers(self) -> pa.Table:
        deciding = self.table("deciding", [*PAIR, "fraction"])
        rows = self.in_years().merge(deciding, on="work_id")
        made = rows.groupby(["year", "country"], observed=True).agg(
            papers=("work_id", "size"), fractional=("fraction", "sum")
        )
        return self.arrow(made.reset_index())

    def impact(self) -> pa.Table:
        impact = self.windows()
        impact.to_parquet(self.folder / "impact.parquet", compression="zstd", index=False)
        hits = _thresholds(impact)
        rows = impact.merge(self.table("deciding", PAIR), on="work_id").merge(hits, on="year")
        rows = rows.assign(above=rows.c_k > rows.threshold, at=rows.c_k == rows.threshold)
        made = rows.groupby(["year", "country"], observed=True).agg(
            c2_papers=("c_k", "size"),
            c2_sum=("c_k", "sum"),
            above=("above", "sum"),
            at=("at", "sum"),
            weight=("weight", "max"),
        )
        made["hits"] = made.above + made["at"] * made.weight
        return self.arrow(made.drop(columns=["above", "at", "weight"]).reset_index())

    def windows(self) -> Any:
        """Citations within the window of each work of the field."""
        dated = self.table("dated", ["citing_id", "cited_id", "citing_year", "cited_year"])
        lag = dated.citing_year - dated.cited_year
        counted = dated.cited_id[(dated.citing_id != dated.cited_id) & lag.between(0, WINDOW)]
        field = self.in_years()
        field = field[field.year + WINDOW <= YEARS[1]]
        cited = field.work_id.map(counted.value_counts()).fillna(0).astype("int64")
        return field.assign(c_k=cited)

    def scientists(self) -> pa.Table:
        works = self.table("works", ["work_id", "year"])
        works = works[works.year.between(*YEARS)]
        field = self.table("field", ["work_id"])
        written = self.table("authorships", ["author_id", "work_id"]).dropna()
        written = written[written.work_id.isin(works.work_id)].drop_duplicates()
        written = written.assign(inside=written.work_id.isin(field.work_id))
        counts = written.groupby("author_id").agg(
            n_works=("inside", "size"), n_field=("inside", "sum")
        )
        found = counts[(counts.n_works >= 3) & (counts.n_field > counts.n_works * 0.5)]
        found = found.reset_index()
        found.to_parquet(self.folder / "scientists.parquet", compression="zstd", index=False)
        return self.arrow(found)

    def collaboration(self) -> pa.Table:
        countries = self.table("countries", [*PAIR, "n"])
        several = countries[countries.n > 1].merge(self.in_years(), on="work_id")
        pairs = several.merge(several[PAIR], on="work_id", suffixes=("", "_b"))
        pairs = pairs[pairs.country < pairs.country_b]
        pairs = pairs.merge(self.table("works", ["work_id", "n_authors"]), on="work_id")
        pairs = pairs.assign(share=2 / (pairs.n * (pairs.n - 1)), alone=pairs.n_authors == 1)
        pairs = pairs.rename(columns={"country": "source", "country_b": "target"})
        made = pairs.groupby(EDGE, observed=True).agg(
            works_whole=("share", "size"),
            works_fractional=("share", "sum"),
            works_single_author=("alone", "sum"),
        )
        return self.arrow(made.reset_index())

    def citation(self) -> pa.Table:
        dated = self.table("dated", ["citing_id", "cited_id", "citing_year", "cited_year"])
        counts = (dated.citing_id != dated.cited_id) & (dated.cited_year <= dated.citing_year)
        rows = dated[counts & dated.citing_year.between(*YEARS)].drop(columns="cited_year")
        of = self.table("countries", [*PAIR, "n"])
        a = of.rename(columns={"work_id": "citing_id", "country": "source"})
        b = of.rename(columns={"work_id": "cited_id", "country": "target", "n": "m"})
        rows = rows.merge(a, on="citing_id").merge(b, on="cited_id")
        rows = rows.assign(share=1 / (rows.n * rows.m)).rename(columns={"citing_year": "year"})
        made = rows.groupby(EDGE, observed=True).agg(
            citations_whole=("share", "size"), citations_fractional=("share", "sum")
        )
        return self.arrow(made.reset_index())

    def arrow(self, frame: Any) -> pa.Table:
        texts = [c for c in ("country", "source", "target") if c in frame]
        return pa.Table.from_pandas(frame.astype(dict.fromkeys(texts, str)), preserve_index=False)


def _with_n(placed: Any) -> Any:
    pairs = placed[PAIR].drop_duplicates()
    pairs = pairs.assign(n=pairs.groupby("work_id").country.transform("size"))
    return pairs.assign(fraction=1 / pairs.n)


def _thresholds(impact: Any) -> Any:
    """Value at which each year's hits begin, and what a paper tied there counts."""
    values = impact.groupby(["year", "c_k"]).size().rename("tied").reset_index()
    values = values.sort_values(["year", "c_k"], ascending=[True, False])
    of_year = values.groupby("year").tied
    values = values.assign(through=of_year.cumsum(), quota=of_year.transform("sum") / 100)
    above = values.through - values.tied
    at = values[(values.through >= values.quota) & (above < values.quota)]
    weight = (at.quota - at.through + at.tied) / at.tied
    return at.assign(weight=weight).rename(columns={"c_k": "threshold"})[
        ["year", "threshold", "weight"]
    ]


class _Polars:
    """The steps in polars, lazily, on a corpus."""

    def __init__(self, corpus: Path, folder: Path, shared: Path | None = None) -> None:
        import polars as pl

        self.pl, self.corpus, self.folder, self.kept = pl, corpus, folder, shared
        self.held: dict[str, Any] = {}

    def table(self, name: str) -> Any:
        if name in self.held:
            return self.held[name].lazy()
        if name in SHARED and self.kept is not None:
            return self.pl.scan_parquet(self.kept / f"{name}.parquet")
        return self.pl.scan_parquet(self.corpus / name / "*.parquet")

    def in_years(self) -> Any:
        return self.table("field").filter(self.pl.col("year").is_between(*YEARS))

    def _shared(self) -> dict[str, Any]:
        c = self.pl.col
        works = self.table("works").select("work_id", "year")
        chosen = self.table("subjects").filter(
            c("scheme") == "subfield", c("subject_id") == SUBFIELD
        )
        field = works.join(chosen, on="work_id", how="semi")
        placed = self.table("affiliations").select(INPUTS["affiliations"])
        placed = placed.filter(c("country").is_not_null())
        last = self.table("authorships").filter(c("is_last")).select("work_id", "position")
        deciding = placed.join(last, on=["work_id", "position"], how="semi")
        refs = self.table("references").select(INPUTS["references"])
        cited = field.select(cited_id="work_id", cited_year="year")
        citing = works.select(citing_id="work_id", citing_year="year")
        dated = refs.join(cited, on="cited_id").join(citing, on="citing_id")
        tables = (field, placed, self._with_n(placed), self._with_n(deciding), dated)
        return dict(zip(SHARED, tables, strict=True))

    def _with_n(self, placed: Any) -> Any:
        pairs = placed.select(PAIR).unique()
        counted = pairs.join(pairs.group_by("work_id").agg(n=self.pl.len()), on="work_id")
        return counted.with_columns(fraction=1 / self.pl.col("n"))

    def make_shared(self) -> None:
        made = self.pl.collect_all(list(self._shared().values()))
        self.held |= dict(zip(SHARED, made, strict=True))

    def shared(self) -> None:
        self.make_shared()
        for name in SHARED:
            self.held[name].write_parquet(self.folder / f"{name}.parquet", compression="zstd")

    def everything(self) -> dict[str, pa.Table]:
        """Answer every step from the corpus, each input read once."""
        names = list(INPUTS)
        read = self.pl.collect_all([self.table(n).select(INPUTS[n]) for n in names])
        self.held = dict(zip(names, read, strict=True))
        self.make_shared()
        return {name: getattr(self, name)() for name in STEPS}

    def coverage(self) -> pa.Table:
        c = self.pl.col
        works = self.table("works").select("work_id", "authors_truncated")
        countries = self.table("countries").select(PAIR)
        referring = self.table("references").select(work_id="citing_id").unique()
        located = countries.select("work_id").unique()
        field = self.in_years().join(works, on="work_id")
        for ids, name in ((referring, "referring"), (located, "located")):
            marked = ids.with_columns(self.pl.lit(True).alias(name))
            field = field.join(marked, on="work_id", how="left")
        wanted = {
            "works": self.pl.len(),
            "share_with_country": c("located").is_not_null().mean(),
            "share_with_references": c("referring").is_not_null().mean(),
            "authors_truncated": c("authors_truncated").sum(),
        }
        everyone = field.group_by("year").agg(**wanted).with_columns(country=self.pl.lit("all"))
        each = field.join(countries, on="work_id").group_by("year", "country").agg(**wanted)
        rows = self.pl.concat([everyone.select(each.collect_schema().names()), each])
        return rows.collect().to_arrow()

    def tally(self) -> pa.Table:
        c = self.pl.col
        made = self.table("dated").group_by(year="citing_year")
        return made.agg(
            references_to_field=self.pl.len(),
            references_to_later_years=(c("cited_year") > c("citing_year")).sum(),
            references_to_itself=(c("citing_id") == c("cited_id")).sum(),
        ).collect().to_arrow()  # fmt: skip

    def papers(self) -> pa.Table:
        rows = self.in_years().join(self.table("deciding"), on="work_id")
        made = rows.group_by("year", "country")
        return made.agg(papers=self.pl.len(), fractional=self.pl.col("fraction").sum()).collect(
        ).to_arrow()  # fmt: skip

    def impact(self) -> pa.Table:
        c, pl = self.pl.col, self.pl
        lag = c("citing_year") - c("cited_year")
        counted = self.table("dated").filter(
            c("citing_id") != c("cited_id"), lag.is_between(0, WINDOW)
        )
        counts = counted.group_by(work_id="cited_id").agg(c_k=pl.len().cast(pl.Int64))
        field = self.in_years().filter(c("year") + WINDOW <= YEARS[1])
        impact = field.join(counts, on="work_id", how="left")
        impact = impact.with_columns(c("c_k").fill_null(0)).collect()
        impact.write_parquet(self.folder / "impact.parquet", compression="zstd")
        values = impact.lazy().group_by("year", "c_k").agg(tied=pl.len().cast(pl.Int64))
        values = values.sort("year", "c_k", descending=[False, True]).with_columns(
            through=c("tied").cum_sum().over("year"), quota=c("tied").sum().over("year") / 100
        )
        at = values.filter(
            c("through") >= c("quota"), c("through") - c("tied") < c("quota")
        ).select(
            "year", threshold="c_k", weight=(c("quota") - c("through") + c("tied")) / c("tied")
        )
        rows = impact.lazy().join(self.table("deciding").select(PAIR), on="work_id")
        tied = (c("c_k") == c("threshold")).sum() * c("weight").max()
        made = rows.join(at, on="year").group_by("year", "country")
        return made.agg(
            c2_papers=pl.len(),
            c2_sum=c("c_k").sum(),
            hits=(c("c_k") > c("threshold")).sum() + tied,
        ).collect().to_arrow()  # fmt: skip

    def scientists(self) -> pa.Table:
        c = self.pl.col
        works = self.table("works").filter(c("year").is_between(*YEARS))
        written = self.table("authorships").select("author_id", "work_id").drop_nulls()
        written = written.join(works.select("work_id"), on="work_id", how="semi").unique()
        inside = self.table("field").select("work_id", inside=1)
        counts = written.join(inside, on="work_id", how="left").group_by("author_id")
        counts = counts.agg(n_works=self.pl.len(), n_field=c("inside").count())
        enough = (c("n_works") >= 3) & (c("n_field") > c("n_works") * 0.5)
        found = counts.filter(enough).collect()
        found.write_parquet(self.folder / "scientists.parquet", compression="zstd")
        return found.to_arrow()

    def collaboration(self) -> pa.Table:
        c = self.pl.col
        several = self.table("countries").filter(c("n") > 1).join(self.in_years(), on="work_id")
        pairs = several.rename({"country": "source"}).join(
            several.select("work_id", target="country"), on="work_id"
        )
        authors = self.table("works").select("work_id", "n_authors")
        pairs = pairs.filter(c("source") < c("target")).join(authors, on="work_id")
        n = c("n").cast(self.pl.Float64)
        return pairs.group_by(EDGE).agg(
            works_whole=self.pl.len(),
            works_fractional=(2 / (n * (n - 1))).sum(),
            works_single_author=(c("n_authors") == 1).sum(),
        ).collect().to_arrow()  # fmt: skip

    def citation(self) -> pa.Table:
        c = self.pl.col
        counts = (c("citing_id") != c("cited_id")) & (c("cited_year") <= c("citing_year"))
        rows = self.table("dated").filter(counts & c("citing_year").is_between(*YEARS))
        of = self.table("countries")
        rows = rows.join(of.select("n", citing_id="work_id", source="country"), on="citing_id")
        rows = rows.join(of.select(cited_id="work_id", target="country", m="n"), on="cited_id")
        share = 1 / (c("n").cast(self.pl.Float64) * c("m"))
        made = rows.group_by(c("citing_year").alias("year"), "source", "target")
        return made.agg(citations_whole=self.pl.len(), citations_fractional=share.sum()).collect(
        ).to_arrow()  # fmt: skip


#: Tools by name; making one imports its library.
TOOLS = {"pandas": _Pandas, "polars": _Polars}
