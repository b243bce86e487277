"""Everything isthmus raises on purpose.

::

    IsthmusError
    ├── StudyError      a study file that cannot be used: what was found, what is allowed
    ├── CorpusError     a corpus that is missing, empty, damaged or of another version
    ├── SourceError     bibliographic input that cannot be read at all
    ├── ResultsError    a results folder that is missing or of another version
    ├── TargetError     a place that cannot be written: full, read-only, in use
    ├── InputError      an array or table handed to a function that it cannot work with
    └── MissingExtraError   an optional part that is not installed

Every message is complete sentences: what was looked for, what was found, and
what to do next. The command line prints the message and exits with 1, without
a traceback.
"""

from __future__ import annotations


class IsthmusError(Exception):
    """Base of all errors that isthmus raises on purpose."""


class StudyError(IsthmusError):
    """A study file that cannot be used."""


class CorpusError(IsthmusError):
    """A corpus that is missing, empty, damaged or of another version."""


class SourceError(IsthmusError):
    """Bibliographic input that cannot be read at all."""


class ResultsError(IsthmusError):
    """A results folder that is missing, damaged or of another version."""


class TargetError(IsthmusError):
    """A place that cannot be written: full, read-only, in use, or not empty."""


class InputError(IsthmusError, ValueError):
    """An array or table handed to a function that cannot work with it."""


class MissingExtraError(IsthmusError, ImportError):
    """An optional part that is not installed; the message names the extra."""


class IsthmusWarning(UserWarning):
    """Base of all warnings that isthmus issues."""
