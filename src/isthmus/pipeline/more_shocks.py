"""What shocks did to moves and to premiums, as further rows of the tables of shocks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from isthmus.mobility.move_panels import MovePanel, could_return, move_panel
from isthmus.mobility.movers import Movers
from isthmus.poles.layers import Layer, Panel
from isthmus.poles.shocks import SHOCKS_SCHEMA, shock_tables
from isthmus.study.shocks import Shock
from isthmus.teaming.joint_papers import Teams
from isthmus.teaming.papers import joint_papers
from isthmus.teaming.premium_shocks import premium_rows

#: Moves from one country to another, and those of scientists who had been there before.
MOVES, RETURNS = "moves", "returns"


def of_moves(movers: Movers, flows: pa.Table, shocks: Mapping[str, Shock]) -> dict[str, pa.Table]:
    """Tables of shocks on moves and on the rate of return; none where nobody asks.

    `flows` is the result table.
    """
    asked = {name: shock for name, shock in shocks.items() if shock.movers}
    if not asked:
        return {}
    years = movers.tables.study.years
    at_risk = movers.tables.engine.collect(could_return(movers.history, years))
    return moves_tables(move_panel(flows, at_risk, years), asked)


def moves_tables(panel: MovePanel, shocks: Mapping[str, Shock]) -> dict[str, pa.Table]:
    """Estimate shocks on moves, and on returns beside those who could return.

    The number of scientists in the country that is left is an effect of the country-year, so
    that moves need no number at risk.
    """
    everyone = np.ones(len(panel.countries), dtype=bool)
    layers = (
        Layer(MOVES, True, panel.moves, everyone),
        Layer(RETURNS, True, panel.returns, everyone),
    )
    laid = Panel(panel.years, panel.countries, layers, panel.moves.sum(axis=(0, 2)), [])
    return shock_tables(laid, shocks, {RETURNS: panel.at_risk})


def of_premiums(teams: Teams, shocks: Mapping[str, Shock]) -> dict[str, pa.Table]:
    """Table of shocks on the premium of joint papers; none where nobody asks."""
    asked = {name: shock for name, shock in shocks.items() if shock.premium}
    if not asked:
        return {}
    collect, led = teams.tables.engine.collect, teams.led
    ends = collect(led.agg(first=led.year.min(), last=led.year.max())).to_pylist()[0]
    first, last = teams.tables.study.years
    years = (ends["first"] or first, ends["last"] or first)
    rows = premium_rows(
        asked,
        collect(joint_papers(teams.partners)),
        lambda lead: None if teams.is_large(lead) else teams.papers(lead),
        teams.rules,
        (max(years[0], first), min(years[1], last)),
    )
    return {"shocks": pa.Table.from_pylist(rows, schema=SHOCKS_SCHEMA)}


def joined(*parts: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    """Put the rows of equal tables below each other."""
    names = dict.fromkeys(name for part in parts for name in part)
    return {
        name: pa.concat_tables([part[name] for part in parts if name in part]) for name in names
    }
