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

#: Count -> what it says of the reading as a whole.
NOTES: dict[str, str] = {
    "records_read": "records found in the sources, good and bad",
    "duplicate_work": "older versions of a work that is in the corpus once",
    "duplicate_entity": "older versions of an institution, venue or author",
    "merged_away": "records of ids that were merged into another; dropped",
    "deleted_work": "works that the release's list of deleted ids names; dropped",
    "author_listed_again": "further places of authors listed more than once on a work; kept",
    "files_passed_over": "files that were given and not read; each is listed with its reason",
    "merged_id": "ids rewritten because they were merged into another or deleted",
    "entities_kept": "records of institutions, venues and authors with a readable id",
    "country_from_entity": "affiliations whose country came from the institution's own record",
    "file_cut_off": "files that break off or are damaged; read up to there",
    "files_missing": "files that the release's manifest names and the sources lack",
    "files_of_other_size": "files of other bytes than the release's manifest announces",
    "records_missing": "records fewer than the release's manifest announces",
    "country_from_table": "institutions whose country came from the table given",
    "country_from_code": "institutions whose country came from their own record",
    "country_from_place": "institutions whose country came from latitude and longitude",
    "institution_without_country": "institutions of which no way gave a country",
    "newest_year": "publication year of the newest work",
    "last_year": "last year the source covers; Microsoft Academic Graph ended in 2021",
    "rows_unreadable": "lines of tables about works that are not text in UTF-8; dropped",
}
