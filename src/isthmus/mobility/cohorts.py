"""Talent cohorts: who is still in the country of their first papers, who left, who returned.

A cohort are the scientists whose first papers came from one country in one year. Each is
followed to their last year with papers and is censored then: nobody is known to have stopped.
What happens in years without papers counts with its chance (:mod:`~.unseen_stays`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from isthmus.engine import Table
from isthmus.mobility.unseen_stays import AWAY, BACK, STAYED, Seen, steps_between
from isthmus.results import schema_of
from isthmus.stats.multistate import Occupation, aalen_johansen, effective_interval
from isthmus.stats.shares import FEWEST
from isthmus.study import Cohorts

#: Columns of the table.
SCHEMA = schema_of("cohorts")

#: Stands for all groups and all tiers.
ALL = "all"

TIERS = (ALL, "top", "rest")

#: A variant's shares: name and the states it adds up.
SHARES = {"share_stayed": (STAYED, BACK), "share_left": (AWAY,), "share_returned": (BACK,)}

#: First country and first year (None for all) of each cohort.
Labels = list[tuple[str, int | None]]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def author_years(history: Table, papers: Table, impact: Table, years: tuple[int, int]) -> Table:
    """List where each new scientist was, with the citations of their first papers.

    Scientists with a work of the corpus before the study's years are not new in them, and are
    left out.

    Grain: one row per author and observed year with a country. Columns: ``author_id``,
    ``year``, ``country``, ``cited`` (mean citations of the papers of the first year in the
    field; null where unknown).
    """
    first = papers.group_by("author_id").agg(first=papers.year.min())
    new = first.filter(first.first >= years[0])
    begun = papers.inner_join(new, "author_id")
    begun = begun.filter(begun.year == begun.first).select("author_id", "work_id")
    scored = begun.inner_join(impact.select("work_id", "c_k"), "work_id")
    scores = scored.group_by("author_id").agg(
        cited=scored.c_k.sum().cast("float64") / scored.count()
    )
    placed = history.filter(history.country.notnull())
    placed = placed.semi_join(new, "author_id").select("author_id", "year", "country")
    return placed.left_join(scores, "author_id").select(*placed.columns, "cited")


@dataclass(frozen=True)
class People:
    """New scientists, one entry each, and their steps from year to year.

    Attributes
    ----------
    author, entry, country
        Id, first year, number of the first country; (people,).
    top
        1 in the upper tier of impact, 0 below, -1 unknown; (people,).
    who, since, before, after, weight
        Steps: whose (place in `author`), years since the first (from 0), states at the beginning
        and the end of the year, and which part of a step it is; (steps,).
    names
        Codes of countries by number.
    """

    author: Ints
    entry: Ints
    country: Ints
    top: Ints
    who: Ints
    since: Ints
    before: Ints
    after: Ints
    weight: Floats
    names: list[str]


def people_of(rows: pa.Table, rules: Cohorts) -> People:
    """Lay out observed years as steps between states.

    Parameters
    ----------
    rows
        As :func:`author_years`, in any order.
    rules
        How long people are followed, and which share is the upper tier.
    """
    rows = rows.sort_by([("author_id", "ascending"), ("year", "ascending")])
    author, year = (rows[c].to_numpy().astype(np.int64) for c in ("author_id", "year"))
    coded = pc.dictionary_encode(rows["country"].combine_chunks())
    country = coded.indices.to_numpy().astype(np.int64)
    cited = rows["cited"].to_numpy().astype(np.float64)
    begins = np.flatnonzero(np.append(True, author[1:] != author[:-1])) if len(author) else author
    who = np.repeat(np.arange(len(begins)), np.diff(np.append(begins, len(author))))
    entry, home = year[begins], country[begins]
    away = country != home[who]
    been = np.cumsum(away)
    been = been - (been - away)[begins][who] if len(author) else been
    state = np.where(away, AWAY, np.where(been > 0, BACK, STAYED))
    same = np.flatnonzero(who[1:] == who[:-1]) if len(who) else who
    seen = Seen(home[who[same]], (year[1:] - year[:-1])[same], state[same], state[same + 1])
    first = np.searchsorted(who[same], who[same])
    pair, at, before, after, weight = steps_between(seen, first, len(coded.dictionary))
    step = same[pair]
    since = (year - entry[who])[step] + at
    kept = since < rules.years
    return People(
        author[begins], entry, home, _tiers(entry, cited[begins], rules.top_percent),
        who[step][kept], since[kept], before[kept], after[kept], weight[kept],
        coded.dictionary.to_pylist(),
    )  # fmt: skip


def _tiers(entry: Ints, cited: Floats, top_percent: float) -> Ints:
    """Mark those above the threshold of their year; people tied with it are below."""
    top = np.full(len(entry), -1, np.int64)
    for year in np.unique(entry):
        own = np.flatnonzero((entry == year) & np.isfinite(cited))
        if len(own):
            top[own] = cited[own] > np.quantile(cited[own], 1 - top_percent / 100)
    return top


def cohort_table(
    people: People, rules: Cohorts, groups: pa.Table | None = None, *, draws: int = 20, seed: int
) -> pa.Table:
    """Return the shares still there, abroad, returned and never away, with 95 % intervals.

    Intervals take scientists as drawn, each on their own. Those of a group of the user's also
    hold that nobody knows who is in it: membership is drawn by its probability, and the
    spread between draws is added (Rubin 1987). They do not hold what missing affiliations or
    merged names do.

    Parameters
    ----------
    groups
        ``author_id``, ``group``, ``probability``.

    Returns
    -------
    pa.Table
        One row per group, tier, first country, first year (null for all) and year since.
    """
    one = np.ones(len(people.author))
    parts = [_rows(people, [one], ALL, TIERS, rules)]
    for name, chance in _chances(people, groups).items():
        rng = np.random.default_rng([seed, len(parts)])
        drawn = [(rng.random(len(chance)) < chance).astype(float) for _ in range(draws)]
        certain = bool(np.isin(chance, (0.0, 1.0)).all())
        parts.append(_rows(people, drawn[:1] if certain else drawn, name, (ALL,), rules))
    return pa.concat_tables(parts)


def _chances(people: People, groups: pa.Table | None) -> dict[str, Floats]:
    found: dict[str, Floats] = {}
    if groups is None or not len(people.author):
        return found
    for name in sorted(set(groups["group"].to_pylist())):
        own = groups.filter(pc.equal(groups["group"], name))
        ids = own["author_id"].to_numpy().astype(np.int64)
        at = np.minimum(np.searchsorted(people.author, ids), len(people.author) - 1)
        known = people.author[at] == ids
        chance = np.zeros(len(people.author))
        np.add.at(chance, at[known], own["probability"].to_numpy()[known])
        found[name] = np.minimum(chance, 1.0)
    return found


def _rows(
    people: People, weights: list[Floats], group: str, tiers: Sequence[str], rules: Cohorts
) -> pa.Table:
    """Rows of a group: all first years together by tier, and each first year without tiers."""
    single = np.arange(len(people.author))
    pooled = people.country
    keys, yearly = np.unique(
        people.country * 10_000 + people.entry if len(single) else people.country,
        return_inverse=True,
    )
    countries: Labels = [(name, None) for name in people.names]
    made = []
    for tier in tiers:
        inside = people.top >= 0 if tier != ALL else people.top >= -1
        if tier != ALL:
            inside &= people.top == (1 if tier == "top" else 0)
        chosen = [w * inside for w in weights]
        made.append(_estimated(people, pooled, chosen, group, tier, countries, rules))
    labels: Labels = [(people.names[key // 10_000], int(key % 10_000)) for key in keys]
    made.append(_estimated(people, yearly, weights, group, ALL, labels, rules))
    return pa.concat_tables(made)


def _estimated(
    people: People,
    cohort: Ints,
    weights: list[Floats],
    group: str,
    tier: str,
    labels: Labels,
    rules: Cohorts,
) -> pa.Table:
    n, shape = len(labels), (len(labels), rules.years, 3, 3)
    place = ((cohort[people.who] * rules.years + people.since) * 3 + people.before) * 3
    place = place + people.after
    sizes = np.stack([np.bincount(cohort, weights=w, minlength=n) for w in weights])
    counts = [
        np.bincount(
            place, weights=w[people.who] * people.weight, minlength=int(np.prod(shape))
        ).reshape(shape)
        for w in weights
    ]
    ends, at_risk = _pooled(np.stack(counts))
    at_risk = np.round(at_risk, 9)  # sums of chances that add up to people
    size = sizes.mean(axis=0)
    kept = np.flatnonzero(size >= rules.min_authors)
    at, since = np.repeat(kept, rules.years), np.tile(np.arange(rules.years), len(kept))
    named = [labels[int(k)] for k in at]
    columns: dict[str, Any] = {
        "group": [group] * len(at),
        "tier": [tier] * len(at),
        "entry_country": [country for country, _ in named],
        "entry_year": pa.array([year for _, year in named], pa.int16()),
        "years_since": pa.array(since + 1, pa.int32()),
        "authors": size[at],
        "at_risk": at_risk[at, since],
    }
    few = at_risk[at, since] < FEWEST
    for name, values in ends.items():
        for end, value in zip(("", "_low", "_high"), values, strict=True):
            column = value[at, since]
            columns[name + end] = pa.array(column, mask=few | np.isnan(column))
    return pa.Table.from_pydict(columns, SCHEMA)


def _pooled(counts: Floats) -> tuple[dict[str, tuple[Floats, Floats, Floats]], Floats]:
    """Shares with intervals from counts of one or several draws of who is in the group."""
    whole = aalen_johansen(counts)
    never = aalen_johansen(_absorbed(counts))
    at_risk = whole.at_risk.mean(axis=0)
    found = {}
    for name, states in SHARES.items():
        of, state = (whole, states[0]) if len(states) == 1 else (whole, AWAY)
        share, variance = of.share[..., state], of.variance[..., state]
        if len(states) > 1:  # still there: whoever is not away
            share = 1 - share
        found[name] = _with_interval(share, variance, at_risk)
    found["share_never_left"] = _with_interval(*_state(never, STAYED), at_risk)
    return found, at_risk


def _state(found: Occupation, state: int) -> tuple[Floats, Floats]:
    return found.share[..., state], found.variance[..., state]


def _absorbed(counts: Floats) -> Floats:
    """Transitions with everybody who has left in one state that is never left."""
    made = np.zeros((*counts.shape[:-2], 2, 2))
    made[..., 0, 0] = counts[..., STAYED, STAYED]
    made[..., 0, 1] = counts[..., STAYED, AWAY] + counts[..., STAYED, BACK]
    made[..., 1, 1] = counts[..., AWAY:, :].sum(axis=(-1, -2))
    return made


def _with_interval(
    share: Floats, variance: Floats, at_risk: Floats
) -> tuple[Floats, Floats, Floats]:
    draws = len(share)
    mean = share.mean(axis=0)
    total = variance.mean(axis=0)
    if draws > 1:
        total = total + (1 + 1 / draws) * share.var(axis=0, ddof=1)
    return mean, *effective_interval(mean, total, at_risk)
