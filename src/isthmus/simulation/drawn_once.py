"""Values of countries, pairs and venues that are drawn once for a whole world.

They depend on ``drawn_seed`` alone, so that all pieces of one world share them.
"""

from __future__ import annotations

import numpy as np

from isthmus.simulation.draws import Floats, stream
from isthmus.simulation.settings import (
    WorldSettings,
    country_values,
    curve_at,
    log_affinity,
)


def planted_affinity(settings: WorldSettings) -> Floats:
    """Log-multiplier of each pair and year with lasting ties, shape (years, n, n), symmetric."""
    n = settings.n_countries
    drawn = _once(settings, "lasting affinity").normal(0.0, settings.lasting_affinity, (n, n))
    return np.asarray(log_affinity(settings) + _mirrored(drawn))


def pair_noise(settings: WorldSettings, of: str, *, symmetric: bool) -> Floats:
    """Logarithm of the noise of each pair and year, shape (years, n, n), zero diagonal.

    Parameters
    ----------
    settings
        ``pair_dispersion`` is the variance of a gamma factor of mean 1 without memory;
        ``pair_noise`` and ``pair_noise_memory`` are the standard deviation and the
        correlation from year to year of a stationary autoregression in the logarithm.
    of
        What the noise acts on (``works`` or ``citations``); each has its own draws.
    symmetric
        Whether both directions of a pair share one draw.
    """
    shape = (len(settings.span), settings.n_countries, settings.n_countries)
    rng = _once(settings, f"noise of {of}")
    noise = _with_memory(settings, rng, settings.pair_noise, shape)
    if variance := settings.pair_dispersion:
        noise += np.log(rng.gamma(1.0 / variance, variance, shape))
    return _mirrored(noise) if symmetric else noise * (1.0 - np.eye(shape[1]))


def move_noise(settings: WorldSettings) -> Floats:
    """Multiplier of moves by year, origin and destination, shape (years, n, n)."""
    shape = (len(settings.span), settings.n_countries, settings.n_countries)
    rng = _once(settings, "noise of moves")
    return np.exp(_with_memory(settings, rng, settings.move_noise, shape))


def country_impact(settings: WorldSettings) -> Floats:
    """Multiplier of the impact of works led by each country, with drift and noise, (years, n)."""
    rate = _once(settings, "impact drift").normal(0.0, settings.impact_drift, settings.n_countries)
    since_middle = settings.span - settings.span.mean()
    planted = country_values(settings, settings.country_impact)
    rng = _once(settings, "noise of impact")
    noise = _with_memory(settings, rng, settings.impact_noise, planted.shape)
    return np.asarray(planted * np.exp(np.outer(since_middle, rate) + noise))


def missing_chance(settings: WorldSettings) -> Floats:
    """Chance of an author of each country to have no affiliation, (years, n), before venues.

    Values may exceed 1 where factors are large; the generator stops at 1.
    """
    rng = _once(settings, "missing by country")
    factor = rng.lognormal(0.0, settings.missing_spread, settings.n_countries)
    chance = country_values(settings, settings.missing_by_country) * factor
    return np.asarray(chance * curve_at(settings.missing_affiliations, settings.span)[:, None])


def venue_factor(settings: WorldSettings) -> Floats:
    """Multiplier of the chance of missing affiliations by venue, mean 1, (venues,)."""
    n, spread = 2 * settings.communities * settings.venues_per_community, settings.missing_spread
    return _once(settings, "missing by venue").lognormal(-(spread**2) / 2.0, spread, n)


def _with_memory(
    settings: WorldSettings, rng: np.random.Generator, spread: float, shape: tuple[int, ...]
) -> Floats:
    """Draw a stationary autoregression over the first axis; 0, and no draw, without spread."""
    noise = np.zeros(shape)
    if spread:
        memory, fresh = settings.pair_noise_memory, rng.normal(0.0, spread, shape)
        noise[0] = fresh[0]
        for at in range(1, shape[0]):
            noise[at] = memory * noise[at - 1] + np.sqrt(1.0 - memory**2) * fresh[at]
    return noise


def _once(settings: WorldSettings, purpose: str) -> np.random.Generator:
    seed = settings.seed if settings.drawn_seed is None else settings.drawn_seed
    return stream(seed, 0, purpose)


def _mirrored(values: Floats) -> Floats:
    """Take the upper triangle of the last two axes for both directions, 0 on the diagonal."""
    upper = np.triu(values, 1)
    return np.asarray(upper + np.swapaxes(upper, -1, -2))
