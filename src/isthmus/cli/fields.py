"""A run of one field or many, as the command line needs it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from isthmus.cli.terminal import out
from isthmus.findings import only_here, write_contrasts
from isthmus.pipeline.runner import Progress, run
from isthmus.results import Results, one_field, open_results
from isthmus.study import Study


def answer(
    study: Study,
    to: Path,
    *,
    overwrite: bool,
    progress: Progress,
    warn: Callable[[str], None],
) -> Results:
    """Run a study; of many fields hold the focus against the others, and return its results."""
    results = run(study, to, overwrite=overwrite, progress=progress, warn=warn)
    if not study.fields:
        return results
    progress("contrasts", 0, 1)
    for line in contrasts_end(write_contrasts(results)):
        out.print(line, markup=False, highlight=False, soft_wrap=True)
    return open_results(one_field(results).path)


def contrasts_end(results: Results) -> Iterator[str]:
    """Say which claims hold in the focus alone, and in how many fields they were asked."""
    fields = results.record["fields"]
    answers = only_here(results)
    alone = [claim for claim, (answer, _) in answers.items() if answer == "only here"]
    also = sum(answer == "also elsewhere" for answer, _ in answers.values())
    yield (
        f"{len(fields['names'])} fields, {fields['focus']} against the others: of {len(answers)} "
        f"claims with a number, {len(alone)} hold only here, {also} also elsewhere (table "
        "contrasts)."
    )
    if alone:
        yield f"Only here: {', '.join(alone)}."
    yield f"Below: the field {fields['focus']}. Each field's results are in {results.path}/fields."
