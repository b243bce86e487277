"""The pole analysis: from yearly edges to poles, beside what sizes alone would show."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from isthmus.poles.alignment import (
    SIGNIFICANT_SCHEMA,
    alignment_schema,
    alignment_table,
    significant_table,
)
from isthmus.poles.archetypes import (
    ARCHETYPES_SCHEMA,
    Archetypes,
    archetypes,
    archetypes_table,
    stability,
)
from isthmus.poles.centroids import CENTROIDS_SCHEMA, centroids_table
from isthmus.poles.choice import CHOICE_SCHEMA, cluster_choice
from isthmus.poles.dropping import DROPPED_SCHEMA, Without
from isthmus.poles.layers import PANEL_SCHEMA, Note, Panel, build_panel, panel_table
from isthmus.poles.links import (
    LINKS_SCHEMA,
    Fitter,
    Tested,
    against_null,
    followed,
    links_table,
)
from isthmus.poles.observation import Frame, Observation, Scores, followed_mask, observe
from isthmus.poles.placebo import (
    PLACEBO_SCHEMA,
    POLE_YEARS_SCHEMA,
    World,
    placebo_table,
    pole_index,
    pole_years_table,
    replay_all,
)
from isthmus.poles.polarisation import POLARISATION_SCHEMA, polarisation, polarisation_table
from isthmus.poles.settings import PolesSettings
from isthmus.poles.teams import BIPARTITE, TeamFits, Teams, refuse_without_teams
from isthmus.poles.trajectories import (
    TRAJECTORIES_SCHEMA,
    Trajectories,
    choose_pairs,
    trajectories,
    trajectories_table,
)
from isthmus.stats.sizes import size_expectation

Floats = NDArray[np.float64]
Tables = dict[str, pa.Table]

#: Told what is being done, how much of it is done, and how much there is.
Progress = Callable[[str, int, int], None]


def analyse(
    collaboration: pa.Table | None,
    citation: pa.Table | None,
    *,
    settings: PolesSettings | None = None,
    poles: Sequence[str] = ("US", "CN"),
    output: pa.Table | None = None,
    teams: Teams | None = None,
    seed: int,
    threads: int = 1,
    progress: Progress | None = None,
) -> Tables:
    """Find who drifts together and apart, under every null model, beside the placebo.

    Parameters
    ----------
    collaboration : table, optional
        ``year, source, target, works_whole``: one row per year and unordered pair.
    citation : table, optional
        ``year, source, target, citations_whole``: one row per year and ordered
        pair; rows of a country with itself are left out.
    settings : PolesSettings, optional
    poles : sequence of str
        Countries around which blocs are looked for; none has to be in the data.
    output : table, optional
        ``country, year, works``: the size of countries. Joint works stand in.
    teams : Teams, optional
        Teams of countries, for the null model `bipartite`, which looks at
        collaboration alone.
    seed : int
        Same seed, same tables, whatever the threads and the order of rows.
    threads : int
        Threads that share null models, and the replays of each.
    progress : callable, optional
        Called with what is done, how much of it, and how much there is.

    Returns
    -------
    dict of str to table
        ``panel``, ``links``, ``trajectories``, ``archetypes``, ``alignment``,
        ``significant``, ``polarisation``, ``placebo``, ``pole_years``,
        ``cluster_choice``, ``centroids`` and ``dropped``. Without data, or with fewer
        than two countries, they are empty, and ``panel`` says why countries left.

    Raises
    ------
    InputError
        Weights a null model cannot use, or a null model that does not exist, or
        that needs teams where there are none.
    """
    settings = settings or PolesSettings()
    refuse_without_teams(settings.null_models, teams)
    poles = tuple(dict.fromkeys(poles))
    panel = build_panel(collaboration, citation, settings, poles, output)
    if len(panel.countries) < 2 or not panel.layers:
        return {**_empty(poles), "panel": panel_table(panel)}
    expected = {layer.name: _expected(layer.weights) for layer in panel.layers}
    pairs, notes = choose_pairs(panel, expected, settings)
    models = list(dict.fromkeys(settings.null_models))
    notes += _citations_left_out(panel, models)
    frame = Frame(replace(panel, notes=panel.notes + notes), pairs, poles)
    fits = TeamFits(teams, panel.years, panel.countries) if teams is not None else None
    at_once = max(min(threads, len(models)), 1)
    own = max(threads // at_once, 1)
    under = [
        _Under(_seen_by(model, frame), model, fits, expected, settings, seed, own, progress)
        for model in models
    ]
    with ThreadPoolExecutor(at_once) as pool:
        parts = list(pool.map(_Under.tables, under))
    empty = _empty(poles)
    joined = {
        name: pa.concat_tables([empty[name], *(part[name] for part in parts)])
        for name in empty
        if name != "panel"
    }
    return {**joined, "panel": panel_table(frame.panel)}


def _citations_left_out(panel: Panel, models: Sequence[str]) -> list[Note]:
    """Say that the team null model passes citations over."""
    if BIPARTITE not in models or not any(layer.directed for layer in panel.layers):
        return []
    why = f"the null model {BIPARTITE} knows works and no citations; the others use both"
    return [("layer", "citation", None, False, why, None)]


def _seen_by(model: str, frame: Frame) -> Frame:
    """Give the frame with the layers a null model can look at."""
    if model != BIPARTITE:
        return frame
    works = tuple(layer for layer in frame.panel.layers if not layer.directed)
    return replace(frame, panel=replace(frame.panel, layers=works))


def _empty(poles: Sequence[str]) -> Tables:
    schemas = {
        "panel": PANEL_SCHEMA,
        "links": LINKS_SCHEMA,
        "trajectories": TRAJECTORIES_SCHEMA,
        "archetypes": ARCHETYPES_SCHEMA,
        "alignment": alignment_schema(poles),
        "significant": SIGNIFICANT_SCHEMA,
        "polarisation": POLARISATION_SCHEMA,
        "placebo": PLACEBO_SCHEMA,
        "pole_years": POLE_YEARS_SCHEMA,
        "cluster_choice": CHOICE_SCHEMA,
        "centroids": CENTROIDS_SCHEMA,
        "dropped": DROPPED_SCHEMA,
    }
    return {name: schema.empty_table() for name, schema in schemas.items()}


def _expected(weights: Floats) -> Floats:
    return np.array([size_expectation(network) for network in weights])


def seed_of(seed: int, what: str) -> int:
    """Give a seed of its own to each use of randomness, from the study's seed."""
    stream = np.random.SeedSequence([seed, zlib.crc32(what.encode())])
    return int(stream.generate_state(1)[0])


@dataclass(frozen=True)
class _Under:
    """The analysis under one null model."""

    frame: Frame
    model: str
    teams: TeamFits | None
    expected: dict[str, Floats]
    settings: PolesSettings
    seed: int
    threads: int
    progress: Progress | None

    def tables(self) -> Tables:
        teams = self.teams if self.model == BIPARTITE else None
        fitters = {
            layer.name: Fitter(self.model, layer.directed, self._seed(layer.name), teams)
            for layer in self.frame.panel.layers
        }
        if not fitters:
            return _empty(self.frame.poles)
        self._say("links")
        tested = [against_null(layer, fitters[layer.name]) for layer in self.frame.panel.layers]
        scores = {
            one.layer.name: Scores(one.values["z"], one.values["log_ratio"]) for one in tested
        }
        self._say("archetypes")
        quantity = self.settings.quantity
        follow = {one.layer.name: followed(one, quantity) for one in tested}
        seen = trajectories(follow, self.frame.pairs, self.settings)
        found = archetypes(seen, self.settings, self._seed("archetypes"))
        index = pole_index(self.frame, scores)
        study = observe(self.frame, scores, seen, found, index, self.settings)
        replays = self._replays(fitters, found)
        return {
            **self._pair_tables(tested, seen, found, study, replays),
            "polarisation": self._polarisation(scores, replays),
            "placebo": placebo_table(self.model, study, replays, self.settings),
            "pole_years": pole_years_table(self.model, self.frame.panel.years, study, replays),
            "dropped": self._dropped(),
        }

    def _seed(self, what: str) -> int:
        return seed_of(self.seed, f"{self.model} {what}")

    def _say(self, what: str, done: int = 0, total: int = 1) -> None:
        if self.progress is not None:
            self.progress(f"{self.model}: {what}", done, total)

    def _replays(self, fitters: dict[str, Fitter], found: Archetypes) -> list[Observation]:
        world = World(
            self.frame,
            self.expected,
            fitters,
            found.centroids,
            self.settings,
            seed_of(self.seed, "placebo"),
        )
        return replay_all(
            world,
            threads=self.threads,
            progress=lambda done, total: self._say("placebo", done, total),
        )

    def _pair_tables(
        self,
        tested: list[Tested],
        seen: Trajectories,
        found: Archetypes,
        study: Observation,
        replays: list[Observation],
    ) -> Tables:
        frame, model, settings = self.frame, self.model, self.settings
        self._say("stability")
        share = stability(found, seen, settings, self._seed("stability"))
        clustered = seen.standardised[found.cluster >= 0]
        return {
            "links": links_table(frame.panel, tested),
            "trajectories": trajectories_table(frame.panel, frame.pairs, model, seen),
            "archetypes": archetypes_table(frame.panel, frame.pairs, model, seen, found, share),
            "alignment": alignment_table(
                frame, model, seen, found, share, study, replays, settings
            ),
            "significant": pa.concat_tables(
                [significant_table(frame, one, settings) for one in tested]
            ),
            "cluster_choice": cluster_choice(model, clustered, settings, self._seed("choice")),
            "centroids": centroids_table(frame.panel, model, seen, found),
        }

    def _dropped(self) -> pa.Table:
        if self.model == BIPARTITE:  # works would have to be counted anew without the country
            return DROPPED_SCHEMA.empty_table()
        self._say("dropping")
        most = self.settings.dropped
        return Without(self.frame, self.model, most, self._seed("dropping")).table()

    def _polarisation(self, scores: dict[str, Scores], replays: list[Observation]) -> pa.Table:
        panel, mask = self.frame.panel, followed_mask(self.frame)
        places = [panel.index(pole) for pole in self.frame.poles]
        inside = [place for place in places if place is not None]
        parts = [POLARISATION_SCHEMA.empty_table()]
        for name, score in scores.items():
            found = polarisation(
                score.log_ratio,
                mask,
                inside,
                resamples=self.settings.resamples,
                seed=self._seed(f"polarisation {name}"),
            )
            replayed = np.array([other.index[name] for other in replays])
            parts.append(polarisation_table(panel, self.model, name, found, replayed))
        return pa.concat_tables(parts)
