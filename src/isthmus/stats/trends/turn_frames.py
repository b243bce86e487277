"""The years of a series under many noises, prepared to look for a change of slope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isthmus.errors import InputError
from isthmus.stats.trends.gls import PRIOR_SIGMA, Noise, prior_noise

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Fewest finite years of a series in which a turn is looked for.
MIN_YEARS = 8
#: Finite years needed on either side of a turn.
MARGIN = 2
#: Standard deviation of the change of slope a year: of log units, where standard errors are
#: given; else, times the years spanned, of the series' own deviations from its line.
CHANGE, OWN_CHANGE = 0.05, 6.0
#: Posterior weight below which a noise is left out.
RARE = 1e-3


@dataclass(frozen=True)
class TurnSeries:
    """Finite values in order: y, variances and times, (n,), and their indices.

    `scale` is the series' own deviation from its line where no errors are given, else 1.
    """

    y: Floats
    variance: Floats
    time: Floats
    index: Ints
    scale: float
    own: bool

    @classmethod
    def of(cls, value: ArrayLike, se: ArrayLike | None, years: ArrayLike | None) -> TurnSeries:
        """Check a series and keep its finite values."""
        y = np.asarray(value, dtype=np.float64)
        errors = np.zeros(y.shape) if se is None else np.asarray(se, dtype=np.float64)
        time = np.arange(y.size, dtype=np.float64)
        time = time if years is None else np.asarray(years, dtype=np.float64)
        if y.ndim != 1 or errors.shape != y.shape or time.shape != y.shape:
            raise InputError(
                f"A turning point needs one series, and standard errors and years of the same "
                f"length; found shapes {y.shape}, {errors.shape} and {time.shape}."
            )
        there = np.isfinite(y)
        known = errors[there]
        if np.isinf(y).any() or not (np.isfinite(known) & (known >= 0)).all():
            raise InputError(
                "A turning point needs finite values (NaN where a year is missing) with a "
                "standard error that is finite and not negative."
            )
        if not (np.diff(time) >= 1).all() or (time != np.round(time)).any():
            raise InputError("The years of a series must be whole numbers that increase.")
        index = np.flatnonzero(there)
        y, time = y[there], time[there]
        scale = 1.0
        if se is None and len(y) >= MIN_YEARS:
            y = y - y[0]
            rest = _off_line(time) @ y
            least = 1e-12 * max(float(np.abs(y).max()), 1e-12)
            scale = max(float(np.sqrt(rest @ rest / (len(y) - 2))), least)
        return cls(y / scale, known**2, time, index, scale, se is None)


def _off_line(time: Floats) -> Floats:
    """Matrix that takes a series to its deviations from its line, (n, n)."""
    q = np.linalg.qr(np.column_stack([np.ones(len(time)), time - time.mean()]))[0]
    return np.asarray(np.eye(len(time)) - q @ q.T)


@dataclass(frozen=True)
class TurnFrame:
    """The years of a series under k noises, and c candidate years.

    Attributes
    ----------
    root : (k, n, n)
        Lower Cholesky factors of the noises.
    rest : (k, n, n)
        Takes a series to what base (line, and turns that stand) leaves of it, whitened.
    base : (k, q, n), spread : (k, q, q)
        Takes a series to the coefficients of the base; their covariance.
    score : (k, c, n), error : (k, c)
        Takes a series to the change of slope at each candidate; its variance.
    follows : (k, c, q)
        Coefficients of the base that each candidate's hinge takes with it.
    before : (c, q)
        Coefficients of the base that make up the slope before each candidate.
    prior : (k,)
        Log prior and determinants.
    candidates : (c,)
        Positions among the finite years.
    change : float
        Prior variance of the change.
    own : (n, n) or None
        Takes a series to its deviations from its line, where drawn series are to be scaled.
    """

    root: Floats
    rest: Floats
    base: Floats
    spread: Floats
    score: Floats
    error: Floats
    follows: Floats
    before: Floats
    prior: Floats
    candidates: Ints
    change: float
    own: Floats | None

    @classmethod
    def of(cls, series: TurnSeries, noise: Noise | None, others: Sequence[int]) -> TurnFrame:
        """Prepare the frame of a series, without noises it makes very unlikely."""
        noise = noise or prior_noise(1.0 if series.own else PRIOR_SIGMA)
        whole = cls._with(series, noise, others)
        line, joint = whole.logs(series.y[:, None])
        under = np.maximum(shares(line[:, 0]), shares(joint[:, :, 0]).sum(axis=1))
        return whole.only(np.flatnonzero(under >= RARE))

    @classmethod
    def _with(cls, series: TurnSeries, noise: Noise, others: Sequence[int]) -> TurnFrame:
        n, time = len(series.y), series.time
        gaps = np.abs(time[:, None] - time)
        extra = noise.white**2 + 1e-12 * (series.variance.max() + noise.sigma**2) + 1e-24
        covariance = noise.sigma[:, None, None] ** 2 * noise.rho[:, None, None] ** gaps
        covariance = covariance + np.eye(n) * (series.variance + extra[:, None])[:, None, :]
        root = np.linalg.cholesky(covariance)
        whiten = np.linalg.inv(root)
        stand = np.searchsorted(series.index, np.sort(np.asarray(others, dtype=np.int64)))
        candidates = _candidates(n, stand)
        hinges = np.maximum(time[:, None] - time, 0.0)
        x = np.column_stack([np.ones(n), time - time.mean(), hinges[:, stand]])
        q, r = np.linalg.qr(whiten @ x)
        back = np.linalg.inv(r)
        rest = whiten - q @ (q.transpose(0, 2, 1) @ whiten)
        base = back @ (q.transpose(0, 2, 1) @ whiten)
        bent = rest @ hinges[:, candidates]
        error = 1 / (bent**2).sum(axis=1)
        before = np.column_stack(
            [np.tile([0.0, 1.0], (len(candidates), 1)), stand < candidates[:, None]]
        )
        logs = np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1)
        logs = logs + np.log(np.abs(np.diagonal(r, axis1=1, axis2=2))).sum(axis=1)
        span = time[-1] - time[0]
        return cls(
            root=root,
            rest=rest,
            base=base,
            spread=back @ back.transpose(0, 2, 1),
            score=(bent * error[:, None]).transpose(0, 2, 1) @ rest,
            error=error,
            follows=(base @ hinges[:, candidates]).transpose(0, 2, 1),
            before=before,
            prior=np.log(noise.weight) - logs,
            candidates=candidates,
            change=(OWN_CHANGE / span if series.own else CHANGE) ** 2,
            own=_off_line(time) if series.own else None,
        )

    def only(self, noises: Ints) -> TurnFrame:
        """Return the frame with some of its noises."""
        names = ("root", "rest", "base", "spread", "score", "error", "follows", "prior")
        return replace(self, **{name: getattr(self, name)[noises] for name in names})

    def logs(self, y: Floats) -> tuple[Floats, Floats]:
        """Log weights of noises without a turn, (k, m), and with each, (k, c, m)."""
        k, n = self.root.shape[:2]
        left = (self.rest.reshape(k * n, n) @ y).reshape(k, n, -1)
        line = self.prior[:, None] - (left**2).sum(axis=1) / 2
        found = (self.score.reshape(-1, n) @ y).reshape(k, len(self.candidates), -1)
        wide = self.error + self.change
        size, power = np.log(self.error / wide) / 2, (1 / self.error - 1 / wide) / 2
        joint = found**2
        joint *= power[:, :, None]
        joint += (size - np.log(len(self.candidates)))[:, :, None] + line[:, None]
        return line, joint

    def evidence(self, y: Floats) -> Floats:
        """Log averaged Bayes factors of m series, (n, m): (m,)."""
        if self.own is not None:
            rest = self.own @ y
            y = y / np.sqrt(np.maximum((rest**2).sum(axis=0) / (len(y) - 2), 1e-24))
        line, joint = self.logs(y)
        return np.asarray(log_sum(joint.reshape(-1, joint.shape[2])) - log_sum(line))

    def without_turn(self, weight: Floats, count: int, random: np.random.Generator) -> Floats:
        """Draw series that the base describes, (n, count); their coefficients do not matter."""
        kind = random.choice(len(weight), size=count, p=weight)
        steps = random.normal(size=(count, self.root.shape[1]))
        return np.asarray(np.einsum("mij,mj->im", self.root[kind], steps))


def _candidates(n: int, stand: Ints) -> Ints:
    """Positions at which a turn can be: away from both ends and from turns that stand."""
    places = np.arange(MARGIN, n - MARGIN)
    if len(stand):
        places = places[np.abs(places[:, None] - stand).min(axis=1) > MARGIN]
    return places


def log_sum(logs: Floats) -> Floats:
    """Log of the sum of exponentials over the first axis; for small arrays faster than SciPy's."""
    most = logs.max(axis=0)
    return np.asarray(most + np.log(np.exp(logs - most).sum(axis=0)))


def shares(logs: Floats) -> Floats:
    """Weights that sum to 1, from their logs."""
    weight = np.exp(logs - logs.max())
    return np.asarray(weight / weight.sum())
