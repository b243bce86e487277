"""The methods text: every setting, count and version of a run, with what to cite."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from isthmus.report.published_counts_views import comparisons_text
from isthmus.report.source import Source
from isthmus.results import TABLES
from isthmus.selection.wording import in_sentence, listed

_WHO = {
    "last_author": "of its last author",
    "first_author": "of its first author",
    "corresponding": "of its corresponding authors",
    "any": "of any of its authors",
}

#: What to cite: short name -> reference.
CITATIONS: dict[str, str] = {
    "AlShebli et al. 2024": "AlShebli, B., Memon, S. A., Evans, J. A., Rahwan, T. China and the "
    "U.S. produce more impactful AI research when collaborating together. Scientific Reports 14, "
    "28576 (2024).",
    "Gallo et al. 2026": "Gallo, Di Clemente, Lengyel. arXiv:2604.17602 (2026).",
    "Uzzi et al. 2013": "Uzzi, B., Mukherjee, S., Stringer, M., Jones, B. Atypical combinations "
    "and scientific impact. Science 342, 468-472 (2013).",
    "Iacus et al. 2012": "Iacus, S. M., King, G., Porro, G. Causal inference without balance "
    "checking: coarsened exact matching. Political Analysis 20, 1-24 (2012).",
    "Mastrandrea et al. 2014": "Mastrandrea, R., Squartini, T., Fagiolo, G., Garlaschelli, D. "
    "Enhanced reconstruction of weighted networks from strengths and degrees. New Journal of "
    "Physics 16, 043022 (2014).",
    "Sagarra et al. 2013": "Sagarra, O., Perez Vicente, C. J., Diaz-Guilera, A. Statistical "
    "mechanics of multiedge networks. Physical Review E 88, 062806 (2013).",
    "Petitjean et al. 2011": "Petitjean, F., Ketterlin, A., Gancarski, P. A global averaging "
    "method for dynamic time warping. Pattern Recognition 44, 678-693 (2011).",
    "Benjamini and Hochberg 1995": "Benjamini, Y., Hochberg, Y. Controlling the false discovery "
    "rate. Journal of the Royal Statistical Society B 57, 289-300 (1995).",
    "Sen 1968": "Sen, P. K. Estimates of the regression coefficient based on Kendall's tau. "
    "Journal of the American Statistical Association 63, 1379-1389 (1968).",
    "Wilson 1927": "Wilson, E. B. Probable inference, the law of succession, and statistical "
    "inference. Journal of the American Statistical Association 22, 209-212 (1927).",
}


def methods_text(source: Source) -> str:
    """Return the methods as a short Markdown text, ready for a paper's supplement."""
    return "\n\n".join(_parts(source)) + "\n"


def _parts(source: Source) -> Iterator[str]:
    first, last = source.years
    settings, record = source.settings, source.results.record
    yield f"# Methods: {source.title}"
    yield "## Data {#data}"
    yield _data(record)
    yield "## Field and years {#field}"
    yield (
        f"Reported years: {first} to {last}, publication years of works and citing years of "
        f"citations. {_field(settings['field'])}"
    )
    yield "## Countries {#countries}"
    yield _countries(source)
    yield "## Counting {#counting}"
    yield _counting(source)
    yield "## Impact and hits {#impact}"
    yield _impact(source)
    yield "## Novelty {#novelty}"
    yield _novelty(source)
    yield "## Scientists {#scientists}"
    people = settings["scientists"]
    yield (
        f"A scientist of the field has at least {people['min_works']} works in the study's years, "
        f"more than {100 * people['min_share']:g} % of them in the field. The country of an "
        "author-year is that of most of the year's affiliations. Majority judged "
        f"{_note(record, 'scientists_majority')}."
    )
    yield from _networks(source)
    yield from _comparisons(source)
    yield "## Findings {#findings}"
    yield (
        "A claim is supported when its number reaches the smallest effect of interest, its 95 % "
        "interval excludes no effect, its false discovery rate among the claims tested here is at "
        f"most {source.settings['findings']['error_rate']:g} (Benjamini and Hochberg 1995; claims "
        "that can be true of sizes alone are a family of their own), and neither placebo replays "
        "nor other null models nor other rules of counting stand against it. It is contradicted "
        "when the interval excludes an effect that matters, and undecided otherwise. Several "
        "numbers must all hold (an intersection-union test); a contradiction by one of them is "
        "judged at a level divided among them. No interval is given below six years or six units "
        "a side."
    )
    yield "## Coverage {#coverage}"
    yield (
        "Works without a known country are in no country's numbers; works without references "
        "cite nobody. The coverage table says how many, by year and country."
        + "".join(f" {text}" for text in (source.source_end, source.references_unknown) if text)
    )
    yield from comparisons_text(source)
    yield "## Tables {#tables}"
    yield "\n".join(f"- `{n}`: {rows:,} rows" for n, rows in sorted(record["tables"].items()))
    absent = [t.name for t in TABLES.values() if t.step != "edges" and not source.has(t.name)]
    if absent:
        yield "Not in these results: " + ", ".join(f"`{name}`" for name in absent) + "."
    yield "## Settings {#settings}"
    yield "\n".join(f"- `{key}` = `{value}`" for key, value in _flat(settings))
    yield "## Versions {#versions}"
    yield "\n".join(f"- {name} {v}" for name, v in sorted(record["versions"].items()))
    yield "## References {#references}"
    yield "\n".join(f"- {reference}" for reference in CITATIONS.values())


def _data(record: Mapping[str, Any]) -> str:
    corpus = record["corpus"]
    rows = ", ".join(f"{n:,} {name}" for name, n in corpus["rows"].items())
    release = f", release {corpus['release']}" if corpus.get("release") else ""
    return f"Source: {corpus['source']}{release}; {rows}. Corpus hash `{corpus['hash']}`."


#: Keys of ``[field]`` that leave works out instead of naming them.
_RULES = ("types", "languages", "exclude", "core", "include_citing")


def _field(field: Mapping[str, Any]) -> str:
    named = {key: value for key, value in field.items() if value and key not in _RULES}
    what = "; ".join(f"{key} {value}" for key, value in named.items())
    which = f"The field is the union of: {what}." if named else "The field is the whole corpus."
    for key in ("types", "languages"):
        if field.get(key):
            which += f" Of its works those count whose {key[:-1]} is {' or '.join(field[key])}."
    if field.get("core"):
        which += (
            " Of its works those count that the rules of the Leiden Ranking's open edition of "
            "2024 keep, but for its list of core journals: English articles, reviews and book "
            "chapters in journals and book series, not retracted, with authors, affiliations and "
            "references."
        )
    if field.get("exclude"):
        kinds = " and ".join(field["exclude"])
        which += f" Records of these kinds count nowhere, not as citing works either: {kinds}."
    citing = "enter" if field["include_citing"] else "do not enter"
    return (
        f"{which} Works outside the field that cite it {citing} the citing side. The table "
        "`funnel` counts works before and after each rule."
    )


def _countries(source: Source) -> str:
    chosen = source.settings["countries"]
    text = f"The poles are {source.words.the_poles}. A paper counts to the country "
    text += f"{_WHO[chosen['attribution']]}, once in each when there are several."
    for into, members in chosen["merge"].items():
        text += f" {listed(members)} are folded into {in_sentence(into)}."
    for name, members in chosen["blocs"].items():
        text += f" Bloc {name}: {listed(members)}."
    return text


def _counting(source: Source) -> str:
    return (
        f"`{source.papers}` follows the study's attribution; `papers_whole` counts a work once in "
        "every country of its authors, `papers_fractional` splits it evenly among them. Shares "
        "carry 95 % Wilson intervals (Wilson 1927)."
    )


def _impact(source: Source) -> str:
    rules = source.settings["impact"]
    k = rules["window"]
    text = f"c_{k} counts citing works of the corpus in calendar years y to y+{k} of a paper of "
    text += f"year y; it is undefined where the corpus (to {_note_of(source, 'corpus_end')}) ends "
    text += "earlier or lists no references in one of these years. "
    text += f"Hits are the {rules['hit_percent']:g} % most cited papers of a year; papers "
    text += "tied at the threshold share what is left."
    if rules["exclude_self_citations"]:
        text += " Citations that share an author are left out."
    if rules["exclude_citing_countries"]:
        text += f" Citations from {', '.join(rules['exclude_citing_countries'])} are left out."
    return text


def _novelty(source: Source) -> str:
    rules = source.settings["novelty"]
    text = "Venues cited together are compared with their expected count when venues are permuted "
    text += "among references of the same citing and cited year; a paper's novelty is the "
    text += f"quantile at {rules['percentile']:g} % of its pairs' z (Uzzi et al. 2013). Lower is "
    text += f"more novel; novelty hits are the {rules['hit_percent']:g} % lowest of a year. A "
    text += f"paper needs {rules['min_references']} usable references"
    if rules["max_references"]:
        text += f"; papers with more than {rules['max_references']:,} are left out"
    merged = "that share an ISSN-L are one" if rules["merge_issn_l"] else "are taken as they are"
    return f"{text}. Ids of venues {merged}. {_state(source, 'country_year', 'novelty_median')}"


def _networks(source: Source) -> Iterator[str]:
    rules = source.settings["poles"]
    yield "## Networks of countries {#networks}"
    yield (
        "Collaboration: a work counts once for every pair of countries among its authors, or one "
        "over the number of pairs (fractional). Citation: a reference counts once for every pair "
        "of a citing and a cited country, in the citing year."
    )
    yield "## Null models {#nulls}"
    yield (
        "Affinity: how much more two countries work together than either does with its typical "
        "partner, the logarithm; relative to their other partners, free of their sizes, from a "
        "robust three-way fit (effects of countries by year, a level of each pair). Beside it the "
        f"null models {', '.join(rules['null_models'])}. multiedge "
        "keeps each country's total and lets events fall independently (Sagarra et al. 2013); ecm "
        "keeps totals and numbers of partners (Mastrandrea et al. 2014). Under ecm z hardly falls "
        "below -1 and hubs' expectations are inflated, so a headline that only ecm shows may come "
        "from the null itself; the placebo says so. q is the false discovery rate per layer and "
        f"year (Benjamini and Hochberg 1995). {_state(source, 'links', '')}"
    )
    yield "## Trajectories and archetypes {#archetypes}"
    yield (
        f"Yearly {rules['quantity']} of each pair is given a line by generalised least squares, "
        "averaged over serially correlated noises; its directions name the archetype. A path that "
        "bends (false discovery rate over pairs; p for the poles themselves) is called not one "
        "line. Beside it paths are standardised and clustered by k-means under "
        f"dynamic time warping (Petitjean et al. 2011), k = {rules['archetypes']}, window "
        f"{rules['dtw_window'] or 'none'}. A country enters with {rules['min_works']:g} works a "
        f"year. The placebo replays the panel {rules['placebo_replays']} times without change: "
        "half with sizes alone, half with ties that are constant. "
        f"{_state(source, 'archetypes', '')}"
    )


def _comparisons(source: Source) -> Iterator[str]:
    yield "## Matched comparison {#matching}"
    yield (
        "Coarsened exact matching (Iacus et al. 2012); effects relative to weighted controls, "
        "with interval and p of one bootstrap over clusters, none where fewer than "
        f"{source.settings['findings']['min_clusters']:g} effective clusters stand on a side. "
        f"{_state(source, 'matched', '')}"
    )
    yield "## Moves {#mobility}"
    yield (
        "A move is a change of country between consecutive observed years of a scientist; the "
        f"year is that of arrival. {_state(source, 'flows', '')}"
    )


def _state(source: Source, table: str, column: str) -> str:
    read = source.table(table)
    if read is not None and (not column or column in read.column_names):
        return ""
    return f"(Not in these results: {f'column `{column}` of ' if column else ''}`{table}`.)"


def _note(record: Mapping[str, Any], name: str) -> Any:
    for step in record["steps"].values():
        if name in step.get("notes", {}):
            return step["notes"][name]
    return "as the run's record does not say"


def _note_of(source: Source, name: str) -> Any:
    return _note(source.results.record, name)


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
