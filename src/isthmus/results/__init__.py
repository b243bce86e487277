"""Results: a folder of tables, and the registry of what every table and column means."""

from isthmus.results.description import Description
from isthmus.results.folder import (
    CSV_MOST_ROWS,
    FIELDS_FOLDER,
    RESULTS_VERSION,
    RUN_FILE,
    Results,
    forms,
    grain_of,
    one_field,
    open_results,
    write_record,
    write_table,
)
from isthmus.results.registry import (
    TABLES,
    Column,
    Kind,
    TableEntry,
    Term,
    checked,
    in_study,
    schema_of,
    tables_of,
    term,
)

__all__ = [
    "CSV_MOST_ROWS",
    "FIELDS_FOLDER",
    "RESULTS_VERSION",
    "RUN_FILE",
    "TABLES",
    "Column",
    "Description",
    "Kind",
    "Results",
    "TableEntry",
    "Term",
    "checked",
    "forms",
    "grain_of",
    "in_study",
    "one_field",
    "open_results",
    "schema_of",
    "tables_of",
    "term",
    "write_record",
    "write_table",
]
