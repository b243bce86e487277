"""The pole analysis: from yearly edges to poles, beside what sizes alone would show."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
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
from isthmus.poles.blocs import (
    BLOCS_SCHEMA,
    MEMBERS_SCHEMA,
    TRIANGLES_SCHEMA,
    bloc_tables,
)
from isthmus.poles.centroids import CENTROIDS_SCHEMA, centroids_table
from isthmus.poles.chains import AffinityChain, Chain, NullChain, measured
from isthmus.poles.choice import CHOICE_SCHEMA, cluster_choice
from isthmus.poles.layers import PANEL_SCHEMA, Note, Panel, build_panel, panel_table
from isthmus.poles.leave_one_out import DROPPED_SCHEMA, Without
from isthmus.poles.links import LINKS_SCHEMA, Fitter, affinity_links, against_null, links_table
from isthmus.poles.measures import Measured
from isthmus.poles.observation import Frame, Observation, observe
from isthmus.poles.polarisation import POLARISATION_SCHEMA, polarisation, polarisation_table
from isthmus.poles.replays import (
    PLACEBO_SCHEMA,
    POLE_YEARS_SCHEMA,
    Replay,
    Replays,
    band_family,
    placebo_table,
    pole_years_table,
    replay_all,
)
from isthmus.poles.shocks import shock_tables
from isthmus.poles.statistics import Key, Statistic, statistics
from isthmus.poles.team_counts import BIPARTITE, TeamFits, Teams, refuse_without_teams
from isthmus.poles.trajectories import (
    TRAJECTORIES_SCHEMA,
    Trajectories,
    choose_pairs,
    trajectories,
    trajectories_table,
)
from isthmus.poles.turns import TURNS_SCHEMA, Turns, turns, turns_table
from isthmus.poles.worlds import Worlds
from isthmus.stats import Affinity, affinity
from isthmus.stats.blas import one_blas_thread
from isthmus.stats.sizes import size_expectation
from isthmus.study.sections import AFFINITY, Poles
from isthmus.study.shocks import Shock

Floats = NDArray[np.float64]
Tables = dict[str, pa.Table]

#: Called with what is being done, how much of it is done, and how much there is.
Progress = Callable[[str, int, int], None]


def analyse(
    collaboration: pa.Table | None,
    citation: pa.Table | None,
    *,
    settings: Poles | None = None,
    poles: Sequence[str] = ("US", "CN"),
    output: pa.Table | None = None,
    teams: Teams | None = None,
    shocks: Mapping[str, Shock] | None = None,
    seed: int,
    threads: int = 1,
    progress: Progress | None = None,
) -> Tables:
    """Find who drifts together and apart, by affinity and under every null model.

    The chain runs on affinities under the name ``none``, where the settings follow
    affinity, and under every null model; each is replayed on worlds without change.

    Parameters
    ----------
    collaboration : table, optional
        ``year, source, target, works_whole``: one row per year and unordered pair.
    citation : table, optional
        ``year, source, target, citations_whole``: one row per year and ordered
        pair; rows of a country with itself are left out.
    settings : Poles, optional
    poles : sequence of str
        Countries around which blocs are looked for; none has to be in the data.
    output : table, optional
        ``country, year, works``: the size of countries. Joint works stand in.
    teams : Teams, optional
        Teams of countries, for the null model `bipartite`, which looks at
        collaboration alone.
    shocks : mapping of str to Shock, optional
        Events that may have changed ties, by name.
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
        ``cluster_choice``, ``centroids``, ``dropped``, ``turns``, ``blocs``, ``bloc_members``
        and ``triangles``; with `shocks` also ``shocks`` and ``shock_years``. Without data,
        or with fewer than two countries, they are empty, and ``panel`` says why countries
        left.

    Raises
    ------
    InputError
        Weights a null model cannot use, or a null model that does not exist, or
        that needs teams where there are none.
    """
    settings = settings or Poles()
    refuse_without_teams(settings.null_models, teams)
    poles = tuple(dict.fromkeys(poles))
    panel = build_panel(collaboration, citation, settings, poles, output)
    if len(panel.countries) < 2 or not panel.layers:
        return {**_empty(poles), **shock_tables(panel, shocks or {}), "panel": panel_table(panel)}
    models = list(dict.fromkeys(settings.null_models))
    fit = PanelFit.of(panel, poles, settings, seed, _citations_left_out(panel, models))
    fits = TeamFits(teams, panel.years, panel.countries) if teams is not None else None
    names = [AFFINITY, *models] if settings.quantity == "affinity" else models
    at_once = max(min(threads, len(names)), 1)
    own = max(threads // at_once, 1)
    under = [_Under(fit.seen_by(name), name, fits, settings, seed, own, progress) for name in names]
    with one_blas_thread(), ThreadPoolExecutor(at_once) as pool:
        parts = list(pool.map(_Under.tables, under))
    windows = settings.average_years, settings.bloc_windows
    found = bloc_tables(panel, poles, *windows, seed_of(seed, "blocs"))
    found |= shock_tables(panel, shocks or {})
    empty = _empty(poles)
    joined = {
        name: pa.concat_tables([empty[name], *(part[name] for part in parts)])
        for name in empty
        if name not in ("panel", *found)
    }
    joined["links"] = pa.concat_tables([fit.links(), joined["links"]])
    return {**joined, **found, "panel": panel_table(fit.frame.panel)}


@dataclass(frozen=True)
class PanelFit:
    """What every chain of one study shares.

    Attributes
    ----------
    frame : Frame
    affinities : dict layer -> Affinity
    worlds : Worlds
        What replays are drawn from.
    """

    frame: Frame
    affinities: Mapping[str, Affinity]
    worlds: Worlds

    @classmethod
    def of(
        cls,
        panel: Panel,
        poles: tuple[str, ...],
        settings: Poles,
        seed: int,
        notes: Sequence[Note] = (),
    ) -> PanelFit:
        """Choose the pairs of a panel and measure its affinities."""
        expected = {layer.name: _expected(layer.weights) for layer in panel.layers}
        pairs, unfollowed = choose_pairs(panel, expected, poles, settings)
        panel = replace(panel, notes=[*panel.notes, *unfollowed, *notes])
        found = {
            layer.name: affinity(layer.weights, directed=layer.directed) for layer in panel.layers
        }
        worlds = Worlds(panel, expected, found, seed_of(seed, "placebo"))
        return cls(Frame(panel, pairs, poles), found, worlds)

    def seen_by(self, model: str) -> PanelFit:
        """Return the study with the layers a chain can look at."""
        if model != BIPARTITE:
            return self
        works = tuple(layer for layer in self.frame.panel.layers if not layer.directed)
        panel = replace(self.frame.panel, layers=works)
        pairs = self.frame.pairs
        within = {layer.name: pairs.within[layer.name] for layer in works}
        frame = replace(self.frame, panel=panel, pairs=replace(pairs, within=within))
        return replace(self, frame=frame, worlds=replace(self.worlds, panel=panel))

    def links(self) -> pa.Table:
        """Rows of the table ``links`` with affinities."""
        panel = self.frame.panel
        parts = [affinity_links(panel, x, self.affinities[x.name]) for x in panel.layers]
        return pa.concat_tables(parts)


def _citations_left_out(panel: Panel, models: Sequence[str]) -> list[Note]:
    """Say that the team null model passes citations over."""
    if BIPARTITE not in models or not any(layer.directed for layer in panel.layers):
        return []
    why = f"the null model {BIPARTITE} knows works and no citations; the others use both"
    return [("layer", "citation", None, False, why, None)]


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
        "turns": TURNS_SCHEMA,
        "blocs": BLOCS_SCHEMA,
        "bloc_members": MEMBERS_SCHEMA,
        "triangles": TRIANGLES_SCHEMA,
    }
    return {name: schema.empty_table() for name, schema in schemas.items()}


def _expected(weights: Floats) -> Floats:
    return np.array([size_expectation(network) for network in weights])


def seed_of(seed: int, what: str) -> int:
    """Return a seed of its own to each use of randomness, from the study's seed."""
    stream = np.random.SeedSequence([seed, zlib.crc32(what.encode())])
    return int(stream.generate_state(1)[0])


@dataclass(frozen=True)
class _Under:
    """One chain of the analysis: on affinities, or under one null model."""

    fit: PanelFit
    model: str
    teams: TeamFits | None
    settings: Poles
    seed: int
    threads: int
    progress: Progress | None

    def tables(self) -> Tables:
        frame = self.fit.frame
        if not frame.panel.layers:
            return _empty(frame.poles)
        self._say("links")
        chain = chain_of(self.model, frame.panel, self.settings, self.seed, self.teams)
        links, significant, layers = self._measured(chain)
        self._say("archetypes")
        study = observe(frame, self.model, layers, self.settings)
        followed = {one.name: one.followed for one in layers}
        seen = trajectories(followed, frame.pairs, self.settings)
        found = archetypes(seen, study.trends, self.settings, self._seed("archetypes"))
        asked = statistics(frame, [one.name for one in layers], layers[0].quantities)
        replays = self._replays(chain, asked)
        self._say("turns")
        turning = turns(study, self.settings, self._seed("turns"))
        band = band_family(self.model, replays)
        numbers = {key: statistic(study) for key, statistic in asked.items()}
        years = frame.panel.years
        return {
            **self._pair_tables(seen, found, study, replays, turning),
            "turns": turns_table(study, turning, replays, self.settings, self._seed("turns")),
            "links": links,
            "significant": significant,
            "polarisation": self._polarisation(layers, band),
            "placebo": placebo_table(self.model, numbers, replays, self.settings),
            "pole_years": pole_years_table(self.model, years, study, band),
            "dropped": self._dropped(),
        }

    def _seed(self, what: str) -> int:
        return seed_of(self.seed, f"{self.model} {what}")

    def _say(self, what: str, done: int = 0, total: int = 1) -> None:
        if self.progress is not None:
            name = "affinity" if self.model == AFFINITY else self.model
            self.progress(f"{name}: {what}", done, total)

    def _measured(self, chain: Chain) -> tuple[pa.Table, pa.Table, list[Measured]]:
        """Links and significant ties, tested in full, and the layers as the chain sees them."""
        panel = self.fit.frame.panel
        if not isinstance(chain, NullChain):
            empty = LINKS_SCHEMA.empty_table(), SIGNIFICANT_SCHEMA.empty_table()
            return *empty, measure(self.fit, chain)
        tested = [against_null(layer, chain.fitters[layer.name]) for layer in panel.layers]
        ties = [significant_table(panel, one, self.settings) for one in tested]
        seen = [chain.of_study(one) for one in tested]
        return links_table(panel, tested), pa.concat_tables(ties), seen

    def _replays(self, chain: Chain, asked: Mapping[Key, Statistic]) -> Replays:
        return replay_all(
            self.fit.frame,
            self.fit.worlds,
            chain,
            asked,
            self.settings,
            threads=self.threads,
            progress=lambda done, total: self._say("placebo", done, total),
        )

    def _pair_tables(
        self,
        seen: Trajectories,
        found: Archetypes,
        study: Observation,
        replays: Replays,
        turning: Mapping[str, Turns],
    ) -> Tables:
        frame, model, settings = self.fit.frame, self.model, self.settings
        self._say("stability")
        share = stability(found, seen, settings, self._seed("stability"))
        marks = {layer: found.marks(len(frame.pairs)) for layer, found in turning.items()}
        clustered = seen.standardised[found.cluster >= 0]
        return {
            "trajectories": trajectories_table(frame.panel, frame.pairs, model, seen),
            "archetypes": archetypes_table(
                frame.panel, frame.pairs, model, seen, study.trends, found, share, marks
            ),
            "alignment": alignment_table(study, seen, found, share, replays),
            "cluster_choice": cluster_choice(model, clustered, settings, self._seed("choice")),
            "centroids": centroids_table(frame.panel, model, seen, found),
        }

    def _dropped(self) -> pa.Table:
        if self.model == BIPARTITE:  # works would have to be counted anew without the country
            return DROPPED_SCHEMA.empty_table()
        self._say("dropping")
        panel, settings = self.fit.frame.panel, self.settings

        def chain() -> Chain:
            return chain_of(self.model, panel, settings, self._seed("dropping"), None)

        return Without(self.fit.frame, chain, settings.dropped).table()

    def _polarisation(self, layers: Sequence[Measured], band: Sequence[Replay]) -> pa.Table:
        frame = self.fit.frame
        places = [frame.panel.index(pole) for pole in frame.poles]
        inside = [place for place in places if place is not None]
        parts = [POLARISATION_SCHEMA.empty_table()]
        for layer in layers:
            found = polarisation(
                layer.ties,
                frame.followed(layer.name),
                inside,
            )
            replayed = np.array([other.index[layer.name] for other in band])
            parts.append(polarisation_table(frame.panel, self.model, layer.name, found, replayed))
        return pa.concat_tables(parts)


def measure(fit: PanelFit, chain: Chain) -> list[Measured]:
    """Measure the study's own layers as replays are measured."""
    if isinstance(chain, NullChain):
        return [chain.quick(layer, layer.weights, 0) for layer in fit.frame.panel.layers]
    found = fit.affinities
    return [measured(layer, found[layer.name]) for layer in fit.frame.panel.layers]


def chain_of(model: str, panel: Panel, settings: Poles, seed: int, teams: TeamFits | None) -> Chain:
    """Return the chain on affinities, or under a null model."""
    if model == AFFINITY:
        return AffinityChain()
    own = teams if model == BIPARTITE else None
    fitters = {
        layer.name: Fitter(model, layer.directed, seed_of(seed, f"{model} {layer.name}"), own)
        for layer in panel.layers
    }
    return NullChain(model, settings.follows, fitters, own)
