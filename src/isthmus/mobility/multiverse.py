"""Flows under every combination of the rules that define a move.

Each rule has alternatives; the study's own choice is always one of them. A flow
that looks large under one combination and vanishes under another shows as a wide
range, with the single change that moves it most.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import ibis
import msgspec
import pyarrow as pa

from isthmus.engine import Table
from isthmus.study import Mobility

#: Number of countries that no author reaches: no cap.
NO_CAP = 1000

#: Setting -> what it may be besides the study's choice.
ALTERNATIVES: Mapping[str, tuple[Any, ...]] = {
    "view": ("majority", "tenure"),
    "ties": ("later_paper", "shared"),
    "max_gap_years": (None, 2),
    "min_stay_years": (1, 2),
    "orcid_only": (False, True),
    "max_countries": (4, NO_CAP),
    "first_move_only": (False, True),
}

#: Settings that need a country history, or its stays, of their own.
HISTORY_SETTINGS = ("view", "ties", "min_stay_years")

#: Moves of one history: view, ties, least stay -> table.
MovesOf = Callable[[str, str, int], Table]


@dataclass(frozen=True)
class Variant:
    """One combination of settings.

    Attributes
    ----------
    number
        Its number; 0 is the study's own.
    rules
        The settings.
    changed
        Settings in which it differs from the study.
    """

    number: int
    rules: Mobility
    changed: tuple[str, ...]

    def value(self, setting: str) -> str:
        """Write a setting's value as text; ``any`` for none."""
        value = getattr(self.rules, setting)
        return "any" if value is None else str(value).lower()


def variants(rules: Mobility, *, orcids_known: bool) -> list[Variant]:
    """List every combination of the alternatives, the study's own first.

    Without ORCIDs in the corpus, ``orcid_only`` stays as the study has it.
    """
    choices = {name: _choices(rules, name) for name in ALTERNATIVES}
    if not orcids_known:
        choices["orcid_only"] = [rules.orcid_only]
    found = []
    for number, values in enumerate(product(*choices.values())):
        settings = dict(zip(choices, values, strict=True))
        changed = tuple(name for name in settings if settings[name] != getattr(rules, name))
        found.append(Variant(number, msgspec.structs.replace(rules, **settings), changed))
    return found


def _choices(rules: Mobility, name: str) -> list[Any]:
    own = getattr(rules, name)
    return [own, *(other for other in ALTERNATIVES[name] if other != own)]


def variants_table(listed: Sequence[Variant]) -> pa.Table:
    """Lay variants out: ``variant``, one text column per setting, ``changed`` (a count)."""
    columns: dict[str, Any] = {"variant": pa.array([v.number for v in listed], pa.int32())}
    for name in ALTERNATIVES:
        columns[name] = pa.array([v.value(name) for v in listed], pa.string())
    columns["changed"] = pa.array([len(v.changed) for v in listed], pa.int32())
    return pa.table(columns)


def flow_variants(moves_of: MovesOf, authors: Table, listed: Sequence[Variant]) -> Table:
    """Count flows over all years under each variant.

    Parameters
    ----------
    moves_of
        Gives the moves of a history, as :func:`isthmus.mobility.moves.all_moves`.
    authors
        ``author_id``, ``most_countries``, ``has_orcid`` (0 or 1), one row each.
    listed
        The variants.

    Returns
    -------
    Table
        One row per variant, origin and destination with a move: ``variant``,
        ``origin``, ``destination``, ``scientists``.
    """
    groups: dict[tuple[Any, ...], list[Variant]] = {}
    for variant in listed:
        key = tuple(getattr(variant.rules, name) for name in HISTORY_SETTINGS)
        groups.setdefault(key, []).append(variant)
    parts = [_counted(moves_of(*key), authors, group) for key, group in groups.items()]
    return parts[0] if len(parts) == 1 else ibis.union(*parts)


def _counted(moves: Table, authors: Table, group: Sequence[Variant]) -> Table:
    crossed = moves.inner_join(authors, "author_id").cross_join(_limits(group))
    kept = crossed.filter(
        crossed.gap_years <= crossed.largest_gap,
        crossed.most_countries <= crossed.most_allowed,
        crossed.has_orcid >= crossed.orcid_needed,
    )
    number = ibis.row_number().over(group_by=["variant", "author_id"], order_by="year")
    kept = kept.mutate(number=number)
    kept = kept.filter((kept.first_only == 0) | (kept.number == 0))
    return kept.group_by("variant", "origin", "destination").agg(scientists=kept.count())


def _limits(group: Sequence[Variant]) -> Table:
    endless = 10_000
    rows = {
        "variant": pa.array([v.number for v in group], pa.int32()),
        "largest_gap": [
            endless if v.rules.max_gap_years is None else v.rules.max_gap_years for v in group
        ],
        "most_allowed": [v.rules.max_countries for v in group],
        "orcid_needed": [int(v.rules.orcid_only) for v in group],
        "first_only": [int(v.rules.first_move_only) for v in group],
    }
    return ibis.memtable(pa.table(rows))


def flow_ranges(counted: Table, listed: Sequence[Variant]) -> Table:
    """Return each flow's range over the variants, and the setting that moves it most.

    Parameters
    ----------
    counted
        As :func:`flow_variants`.
    listed
        The variants; the first is the study's own.

    Returns
    -------
    Table
        One row per origin and destination with a move in any variant:
        ``default`` (under the study's settings), ``smallest``, ``largest``,
        ``setting``, ``value`` and ``with_setting`` (the single changed setting,
        its value and the flow under it, where the change is largest; the earlier
        setting among equals; null where no single change matters).
    """
    keys = ["origin", "destination"]
    own = ibis.ifelse(counted.variant == listed[0].number, counted.scientists, None)
    whole = counted.group_by(keys).agg(
        default=own.max(),
        seen=counted.count(),
        least=counted.scientists.min(),
        largest=counted.scientists.max(),
    )
    whole = whole.select(
        *keys,
        "largest",
        default=whole.default.fill_null(0),
        smallest=ibis.ifelse(whole.seen == len(listed), whole.least, 0),
    )
    turned = _most_turning(whole.select(*keys, "default"), counted, listed)
    return whole.left_join(turned, keys).select(
        *keys, "default", "smallest", "largest", "setting", "value", "with_setting"
    )


def _most_turning(flows: Table, counted: Table, listed: Sequence[Variant]) -> Table:
    keys = ["origin", "destination"]
    single = [v for v in listed if len(v.changed) == 1]
    named = pa.table(
        {
            "variant": pa.array([v.number for v in single], pa.int32()),
            "rank": pa.array(range(len(single)), pa.int32()),
            "setting": pa.array([v.changed[0] for v in single], pa.string()),
            "value": pa.array([v.value(v.changed[0]) for v in single], pa.string()),
        }
    )
    crossed = flows.cross_join(ibis.memtable(named))
    under = crossed.left_join(counted, ["variant", *keys])
    under = under.select(*crossed.columns, with_setting=under.scientists.fill_null(0))
    under = under.mutate(change=(under.with_setting - under.default).abs())
    under = under.filter(under.change > 0)
    order = [ibis.desc("change"), "rank"]
    number = ibis.row_number().over(group_by=keys, order_by=order)
    most = under.mutate(number=number).filter(ibis._.number == 0)
    return most.select(*keys, "setting", "value", "with_setting")
