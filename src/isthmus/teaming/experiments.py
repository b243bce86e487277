"""Experiments as data: which papers are treated, which are controls, and what is compared."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

Control = Literal["without_partner", "international"]
Outcome = Literal["citations", "citations_from_elsewhere"]

#: Ending of an experiment's name by its control group and by its outcome.
_ENDINGS = {
    "without_partner": "",
    "international": ":international",
    "citations": "",
    "citations_from_elsewhere": ":elsewhere",
}


@dataclass(frozen=True)
class Experiment:
    """Papers led by one country with another on board, against others it leads.

    Attributes
    ----------
    lead, partner
        Treated: papers that `lead` leads with anyone affiliated in `partner`.
    control
        ``without_partner``: all papers `lead` leads without `partner` (AlShebli et al.).
        ``international``: of these, those with some third country, so that the effect is
        that of this partner and not of crossing a border at all.
    outcome
        ``citations``: ``c_k``. ``citations_from_elsewhere``: without citations from works
        with an author in either country, and without self-citations, since a paper of two
        countries has two home audiences.
    """

    lead: str
    partner: str
    control: Control = "without_partner"
    outcome: Outcome = "citations"

    @property
    def name(self) -> str:
        """Name in the result tables, like ``joint:US+CN:international``."""
        return f"joint:{self.lead}+{self.partner}{_ENDINGS[self.control]}{_ENDINGS[self.outcome]}"


def shipped(
    poles: tuple[str, ...], pairs: tuple[tuple[str, str], ...], *, citing_known: bool = True
) -> list[Experiment]:
    """Every experiment of a study: for each ordered pair of poles, and each pair named.

    Without `citing_known`, those that ask where citations come from are left out.
    """
    found = []
    for lead, partner in dict.fromkeys([*permutations(poles, 2), *pairs]):
        found.append(Experiment(lead, partner))
        found.append(Experiment(lead, partner, control="international"))
        if citing_known:
            found.append(Experiment(lead, partner, outcome="citations_from_elsewhere"))
    return found


@dataclass(frozen=True)
class Papers:
    """Papers that one country leads, in the order of their ids.

    Attributes
    ----------
    work_id, year, team_size : arrays (n,)
    institution : array (n,)
        -1 where unknown.
    c_k : array (n,)
    is_hit : array (n,), bool
        At or above the threshold of the year's hits.
    partners : mapping country -> array (n,), bool
        Whether the paper has anyone affiliated in a country other than the leading one.
    """

    work_id: Ints
    year: Ints
    team_size: Ints
    institution: Ints
    c_k: Floats
    is_hit: Flags
    partners: dict[str, Flags]

    def sides(self, experiment: Experiment) -> tuple[Flags, Flags]:
        """Which papers are treated, and which are controls."""
        nobody = np.zeros(self.work_id.size, dtype=np.bool_)
        treated = self.partners.get(experiment.partner, nobody)
        control = ~treated
        if experiment.control == "international":
            control &= np.logical_or.reduce([nobody, *self.partners.values()])
        return treated, control


def papers_of(led: pa.Table, partners: pa.Table, thresholds: pa.Table) -> Papers:
    """Read the papers of one leading country.

    Parameters
    ----------
    led
        ``work_id``, ``year``, ``team_size``, ``institution_id``, ``c_k``.
    partners
        ``work_id``, ``partner``.
    thresholds
        ``year``, ``threshold``.
    """
    led = led.sort_by("work_id")
    columns = {
        name: _numbers(pc.fill_null(led[name], -1)).astype(np.int64)
        for name in ("work_id", "year", "team_size", "institution_id", "c_k")
    }
    known = dict(
        zip(
            _numbers(thresholds["year"]).tolist(),
            _numbers(thresholds["threshold"]).tolist(),
            strict=True,
        )
    )
    begins = np.array([known.get(year, np.inf) for year in columns["year"].tolist()])
    return Papers(
        work_id=columns["work_id"],
        year=columns["year"],
        team_size=columns["team_size"],
        institution=columns["institution_id"],
        c_k=columns["c_k"].astype(np.float64),
        is_hit=columns["c_k"] >= begins,
        partners=_partner_flags(columns["work_id"], partners),
    )


def _partner_flags(work_id: Ints, partners: pa.Table) -> dict[str, Flags]:
    coded = partners["partner"].combine_chunks().dictionary_encode()
    codes = coded.indices.to_numpy(zero_copy_only=False)
    place = np.searchsorted(work_id, _numbers(partners["work_id"]))
    flags = {}
    for number, country in enumerate(coded.dictionary.to_pylist()):
        flags[country] = np.zeros(work_id.size, dtype=np.bool_)
        flags[country][place[codes == number]] = True
    return dict(sorted(flags.items()))


def _numbers(column: pa.ChunkedArray) -> NDArray[np.int64]:
    numbers: NDArray[np.int64] = column.to_numpy()
    return numbers
