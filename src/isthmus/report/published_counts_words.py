"""Meanings of the columns that put the counts of others beside the study's."""

from __future__ import annotations

from isthmus.report.pole_words import Term

_COUNTED = "As the column `counted` says: whole, or split evenly among the countries of a work."
_SECTION = "comparisons"

COMPARISON_WORDS: dict[str, Term] = {
    "compared_with": (
        "Compared with",
        "text",
        "Name the study gives to a table that somebody else publishes. Its file is beside the "
        "study.",
        _COUNTED,
        _SECTION,
    ),
    "counted": (
        "Counted",
        "text",
        "How the other table counts joint works: whole or fractional. The study's count beside it "
        "does the same.",
        _COUNTED,
        _SECTION,
    ),
    "theirs": (
        "Their count",
        "number",
        "Works as the other table counts them. Its sources and its idea of the field are its own.",
        _COUNTED,
        _SECTION,
    ),
    "ours": (
        "Our count",
        "number",
        "Works as this study counts them in the same year. A country without a work has 0.",
        _COUNTED,
        _SECTION,
    ),
    "ratio": (
        "Ours over theirs",
        "number",
        "This study's count over the other. It need not be 1, but a fall over the years means "
        "that the corpus lacks what the other has.",
        _COUNTED,
        _SECTION,
    ),
    "rank_theirs": (
        "Their rank",
        "count",
        "Place of the country in the other table, that year. Equal counts share the better place.",
        _COUNTED,
        _SECTION,
    ),
    "rank_ours": (
        "Our rank",
        "count",
        "Place of the country in this study among the countries that the other table has. Equal "
        "counts share the better place.",
        _COUNTED,
        _SECTION,
    ),
    "rank_difference": (
        "Places apart",
        "number",
        "Our rank less theirs. Above 0 the country stands lower in this study.",
        _COUNTED,
        _SECTION,
    ),
    "countries": (
        "Countries compared",
        "count",
        "Countries that the other table has in the year. The sums are over these.",
        "Countries after the study's merges.",
        _SECTION,
    ),
    "ours_elsewhere": (
        "Our count elsewhere",
        "number",
        "What this study counts in countries that the other table lacks. It is in no ratio.",
        _COUNTED,
        _SECTION,
    ),
    "spearman": (
        "Rank correlation",
        "number",
        "Spearman's rank correlation of the two counts over the countries. At 1 both rank them "
        "alike; it is empty below three countries.",
        _COUNTED,
        _SECTION,
    ),
}
