"""What steps cost on this machine, measured on runs, and what they would cost on another corpus.

A quantity of a step, such as its time, is taken as ``a + b n + c n log n`` of the rows
``n`` of the corpus, none of the three negative: a part that every run has, scans and
hash joins, and sorts. They are fitted to the runs measured by least squares of relative
errors, so that a small run weighs as much as a large one.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from scipy.optimize import nnls

from isthmus.errors import InputError
from isthmus.files import write_text
from isthmus.pipeline.runner import run
from isthmus.pipeline.usage import machine_memory
from isthmus.results import Results, one_field
from isthmus.simulation.simulate import simulate_world
from isthmus.study import About, Corrections, Field, Study

#: Tables of a corpus whose rows are its size; the others are lists of names.
SIZED = ("works", "authorships", "affiliations", "references", "subjects")

#: Works of the run that goes first and is not counted, because it compiles the kernels.
WARM_UP_WORKS = 2_000

#: A calibration runs a world of the works asked for, and one this many times smaller.
SPREAD = 4

#: Sorts are reckoned with where they bring the fit closer by this relative error or more:
#: two runs that a straight line fits say nothing of them.
NEEDED = 1e-6

#: Steps whose work grows with the countries and pairs observed, not with the rows: of each
#: size of corpus there are somewhat more, and never more than the world has. Their times
#: are taken as ``a + b log n``.
OF_COUNTRIES = ("poles",)

#: Quantities that are times.
TIMES = ("seconds", "cpu_seconds", "engine_seconds")

#: Years of a simulated world.
WORLD_YEARS = (1998, 2021)

#: Told which run begins, how many are done, and how many there are.
Progress = Callable[[str, int, int], None]


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What a step took: times in seconds, the rest in bytes.

    `work_bytes` is what the run's working folder held when the step ended,
    `engine_seconds` the wall time in the engine, which a cluster can share.
    """

    seconds: float
    cpu_seconds: float
    engine_seconds: float
    engine_bytes: float
    own_bytes: float
    spilled_bytes: float
    work_bytes: float


#: Quantities of a :class:`Cost`.
QUANTITIES: tuple[str, ...] = Cost.__struct_fields__


class Sample(msgspec.Struct, frozen=True):
    """One run: the rows of its corpus, and the cost of each step by name."""

    rows: int
    steps: dict[str, Cost]


class Calibration(msgspec.Struct, frozen=True):
    """Runs measured on one machine.

    Attributes
    ----------
    cores, memory
        Threads the runs used, and bytes of memory of the machine.
    settings
        Digest of the rules they followed (:func:`rules_digest`).
    samples
        The runs, the smallest first.
    """

    cores: int
    memory: int
    settings: str
    samples: list[Sample]


def calibration_file() -> Path:
    """Where this machine's calibration stands: in the user's folder of caches."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches) / "isthmus" / "calibration.json"


def calibrate(
    study: Study, works: int, folder: Path | None = None, progress: Progress | None = None
) -> Calibration:
    """Run the questions of a study on two simulated worlds and note what each step takes.

    Parameters
    ----------
    study
        Its rules and bounds are followed; its corpus, field and years are the world's.
    works
        Works of the larger world.
    folder
        Where worlds and results go and stay; a temporary folder when None.
    """
    if works < SPREAD * WARM_UP_WORKS:
        raise InputError(
            f"A calibration on {works:,} works would measure little but starting up; give "
            f"{SPREAD * WARM_UP_WORKS:,} works or more."
        )
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="isthmus-calibration-") as made:
            return calibrate(study, works, Path(made), progress)
    runs = []
    for number, size in enumerate((WARM_UP_WORKS, works // SPREAD, works)):
        if progress is not None:
            progress(f"{size:,} works", number, 3)
        world = folder / f"world-{size}"
        if not world.exists():
            simulate_world(world, works=size, seed=1)
        runs.append(run(on_world(study, world), folder / f"results-{size}", overwrite=True))
    return calibration_of(runs[1:])


def on_world(study: Study, world: Path) -> Study:
    """Return the study's rules on a simulated world, all of whose works are in the field."""
    about = About(corpus=str(world.resolve()), years=WORLD_YEARS, title="Calibration")
    whole = study.of_field("calibration", Field())
    return msgspec.structs.replace(whole, study=about, corrections=Corrections())


def calibration_of(runs: Sequence[Results]) -> Calibration:
    """Take a calibration from finished runs of one set of rules on this machine.

    Raises
    ------
    InputError
        No run, a run of many fields, runs of different rules or threads, or a run that did not
        measure.
    """
    if not runs:
        raise InputError("A calibration needs a finished run at least.")
    for many in (r for r in runs if r.record.get("fields")):
        raise InputError(
            f"{many.path} holds results of many fields; calibrate on those of one, such as "
            f"{one_field(many).path}."
        )
    ways = {(rules_digest(r.record["settings"]), _cores(r.record["settings"])) for r in runs}
    if len(ways) > 1:
        raise InputError(
            "The runs follow different rules or use different numbers of threads; calibrate on "
            "runs that differ in their corpus alone."
        )
    digest, cores = ways.pop()
    samples = sorted((_sample(r) for r in runs), key=lambda sample: sample.rows)
    return Calibration(cores, machine_memory(), digest, samples)


def save(calibration: Calibration, path: Path) -> None:
    """Write a calibration as JSON."""
    text = msgspec.json.format(msgspec.json.encode(calibration, order="deterministic"), indent=1)
    write_text(path, text.decode() + "\n")


def load(path: Path) -> Calibration | None:
    """Read a calibration; None where there is none.

    Raises
    ------
    InputError
        The file is something else.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Calibration)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise InputError(
            f"The calibration {path} cannot be read: {error}. Make it again with "
            "`isthmus plan STUDY --calibrate 100000`."
        ) from None


def corpus_rows(rows: Mapping[str, int]) -> int:
    """Size of a corpus: the rows of its large tables."""
    return sum(rows.get(name, 0) for name in SIZED)


def rules_digest(settings: Mapping[str, Any]) -> str:
    """Digest of a study's rules, whatever its corpus, field, years, memory and seed."""
    apart = {"study", "field", "fields", "contrasts", "corrections"}
    apart |= {"run", "claims", "comparisons", "shocks"}
    rules = {name: value for name, value in settings.items() if name not in apart}
    return hashlib.sha256(msgspec.json.encode(rules, order="sorted")).hexdigest()[:16]


def predict(samples: Sequence[Sample], rows: float) -> dict[str, Cost]:
    """Predict the cost of every step on a corpus of `rows` rows."""
    return {name: _predicted(samples, name, rows) for name in samples[0].steps}


def _predicted(samples: Sequence[Sample], name: str, rows: float) -> Cost:
    sizes = [float(sample.rows) for sample in samples]
    told = {}
    for quantity in QUANTITIES:
        values = [getattr(sample.steps[name], quantity) for sample in samples]
        slow = name in OF_COUNTRIES and quantity in TIMES
        told[quantity] = (slowly_grown if slow else grown)(sizes, values, rows)
    return Cost(**told)


def slowly_grown(sizes: Sequence[float], values: Sequence[float], at: float) -> float:
    """Extend measured values to another size by ``a + b log n``, neither negative.

    One measured value is taken to stay.

    Examples
    --------
    >>> round(slowly_grown([10, 100], [5.0, 7.0], 10_000), 6)
    11.0
    """
    if len(sizes) == 1:
        return float(values[0])
    n, value = np.log(np.asarray(sizes, float)), np.asarray(values, float)
    above = n - n.min()
    found, _ = nnls(np.stack([np.ones_like(n), above], axis=-1), value)
    return float(found[0] + found[1] * (np.log(at) - n.min()))


def grown(sizes: Sequence[float], values: Sequence[float], at: float) -> float:
    """Extend measured values to another size by ``a + b n + c n log n``, none negative.

    One measured value is taken to be in proportion to the size, as if nothing were fixed.

    Examples
    --------
    >>> round(grown([10, 40], [6.0, 9.0], 100), 6)  # 5 + n / 10
    15.0
    >>> grown([10], [2.0], 30)
    6.0
    """
    if len(sizes) == 1:
        return float(values[0] * at / sizes[0])
    n, value = np.asarray(sizes, float), np.asarray(values, float)
    unit = n.max()

    def terms(of: np.ndarray) -> np.ndarray:
        share = of / unit
        return np.stack([np.ones_like(share), share, share * np.log(of) / np.log(unit)], axis=-1)

    weight = 1 / np.maximum(value, max(value.max() * 1e-6, 1e-12))
    design, aim = terms(n) * weight[:, None], value * weight
    found, left = nnls(design[:, :2], aim)
    sorting, still_left = nnls(design, aim)
    if left - still_left > NEEDED:
        return float(terms(np.asarray([at], float))[0] @ sorting)
    return float(terms(np.asarray([at], float))[0, :2] @ found)


def _sample(results: Results) -> Sample:
    record = results.record
    steps = {}
    for name, step in record["steps"].items():
        missing = [quantity for quantity in QUANTITIES if quantity not in step]
        if missing:
            raise InputError(
                f"{results.path} does not say what its steps took ({', '.join(missing)}); it was "
                "written before runs were measured. Run the study again to another folder."
            )
        steps[name] = Cost(**{quantity: step[quantity] for quantity in QUANTITIES})
    return Sample(corpus_rows(record["corpus"]["rows"]), steps)


def _cores(settings: Mapping[str, Any]) -> int:
    return settings["run"]["threads"] or os.cpu_count() or 1
