"""Why input is refused or changed: every reason that a tally may name, in words.

Two tallies are kept apart. A rejected record is not in the corpus. A value that
was set aside stood in a record that is in the corpus, without it.
"""

from __future__ import annotations

from isthmus.study.field import EARLIEST_YEAR, LATEST_YEAR

#: Longest record read. The longest of OpenAlex, with thousands of authors, have some 10 MB.
MAX_RECORD_BYTES = 64 << 20

#: Reason -> what happened to a record that is not in the corpus.
REJECTED: dict[str, str] = {
    "not_json": "is not a JSON object",
    "no_id": "has no id of its kind",
    "no_year": "has no publication year",
    "year_impossible": f"is dated outside {EARLIEST_YEAR}-{LATEST_YEAR}",
    "too_long": f"is longer than {MAX_RECORD_BYTES >> 20} MiB",
    "cut_off": "stands where its file breaks off or is damaged",
    "line_unreadable": "is a line of a table that is not text in UTF-8",
    "patent": "is a patent, which no other source of works holds",
}

#: Reason -> what happened to a value inside a record that is kept.
SET_ASIDE: dict[str, str] = {
    "affiliation_repeated": "the same affiliation twice for one author of a work; kept once",
    "author_null": "an author without a readable id, or deleted; kept without one",
    "author_unplaced": "a cell of the site's export whose entries are of unknown authors; dropped",
    "authors_truncated": "a work whose list of authors the source cut; flagged, no last author",
    "authorship_null": "an empty entry in a list of authors; dropped",
    "country_empty": "an institution without a country code in the work",
    "country_unknown": "a country code that is no country; dropped",
    "date_unreadable": "a publication date that is no date; dropped",
    "institution_placeholder": "an institution id that means none, such as I-1; kept without one",
    "institution_null": "an empty entry in a list of institutions; dropped",
    "institution_without_id": "an institution without a readable id; kept without one",
    "reference_deleted": "a reference to a deleted work; dropped",
    "reference_repeated": "the same work twice in a list of references; kept once",
    "reference_unreadable": "a reference that is no work id; dropped",
    "self_reference": "a work that refers to itself; dropped",
    "subject_unreadable": "a topic or concept without a readable id; dropped",
    "value_unreadable": "a field of another type than every known release gives it; dropped",
    "venue_unreadable": "a venue without a readable id; dropped",
}
