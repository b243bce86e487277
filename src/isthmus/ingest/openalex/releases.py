"""Releases of OpenAlex that are known to differ from others in what they hold."""

from __future__ import annotations

import re
from collections.abc import Mapping

#: First and last month of the releases whose affiliations are incomplete.
_WITHOUT_AFFILIATIONS = ("2025-11", "2026-01")


#: Missing files that are named.
_FILES_NAMED = 5


def warnings_of(
    release: str | None, set_aside: Mapping[str, int], missing: Mapping[str, int]
) -> list[str]:
    """Return what a user of a release should know, a sentence each.

    Parameters
    ----------
    release
        Name or date of the release; what begins like ``2026-01`` counts as that month.
    set_aside
        Values dropped while reading it, by reason.
    missing
        Files that its manifests announce and that are not there, with their records.

    Examples
    --------
    >>> warnings_of("2026-02-25", {}, {})
    []
    """
    found = []
    month = re.search(r"20\d\d-\d\d", release or "")
    if month and _WITHOUT_AFFILIATIONS[0] <= month[0] <= _WITHOUT_AFFILIATIONS[1]:
        found.append(
            f"The release {release} lacks the affiliations of some 17 million works (all releases "
            "from 2025-11 to 2026-01 do): countries and what follows from them cannot be compared "
            "with those of other releases."
        )
    n_placeholders = set_aside.get("institution_placeholder", 0)
    if n_placeholders:
        found.append(
            f"{n_placeholders:,} affiliations name the institution I-1 or its like, which means "
            "none: releases from 2025-11 to 2026-01 hold them, and their affiliations cannot be "
            "compared with those of other releases."
        )
    for name, n_records in sorted(missing.items())[:_FILES_NAMED]:
        found.append(f"{name} is announced with {n_records:,} records and is not there.")
    if len(missing) > _FILES_NAMED:
        found.append(f"{len(missing) - _FILES_NAMED} more files are announced and not there.")
    return found
