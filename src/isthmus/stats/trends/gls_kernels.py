"""Kernels of trends under many noises: generalised least squares and its mixtures.

Every series is filtered once for every noise (an AR(1) process, white noise and known
variances), which costs time proportional to its years; no matrix is inverted.
"""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Weight of a noise below which it has no say in quantiles.
NEGLIGIBLE = 1e-8
#: Weight of a noise below which it has no say at all.
SILENT = 1e-13


def fits(
    value: Floats, variance: Floats, noise: tuple[Floats, Floats, Floats], *, bends: bool
) -> Floats:
    """Fit lines, and bends and turns, to n series under k noises.

    Parameters
    ----------
    value, variance : (n, t)
        Series (NaN where missing) and their known variances.
    noise : three of (k,)
        Standard deviation and correlation of the AR(1) noise, and that of white noise.
    bends : bool
        Whether quadratic and cubic terms are wanted too.

    Returns
    -------
    (n, k, 3 or 9)
        Slope a year, its variance and the restricted log likelihood; then the same of the
        quadratic term given the line, and of the cubic given both (time from -1 to 1).
    """
    out = np.empty((len(value), len(noise[0]), 9 if bends else 3))
    _filter(value, variance, *noise, bends, out)
    return out


@numba.njit(cache=True, nogil=True)
def _filter(
    value: Floats,
    variance: Floats,
    sigma: Floats,
    rho: Floats,
    white: Floats,
    bends: bool,
    out: Floats,
) -> None:
    """Kalman filter of y, 1, t, t^2 and t^3 under every noise: one pass a series and noise."""
    n, years = value.shape
    y, v, time = np.empty(years), np.empty(years), np.empty(years)
    there, gap = np.empty(years, np.int64), np.ones(years, np.int64)
    for i in range(n):
        count = 0
        for t in range(years):
            if not np.isnan(value[i, t]):
                y[count], v[count], there[count] = value[i, t], variance[i, t], t
                count += 1
        half = (there[count - 1] - there[0]) / 2
        for c in range(count):
            time[c] = (there[c] - there[0]) / half - 1
            gap[c] = there[c + 1] - there[c] if c + 1 < count else 1
        size = v[:count].max()
        for k in range(len(sigma)):
            unknown, extra = sigma[k] ** 2, white[k] ** 2
            extra += 1e-12 * (size + unknown + extra) + 1e-24
            spread, logs, product = unknown, 0.0, 1.0
            m0 = m1 = m2 = m3 = m4 = 0.0
            s00 = s10 = s11 = s20 = s21 = s22 = s30 = s31 = s32 = s33 = 0.0
            s40 = s41 = s42 = s43 = s44 = 0.0
            for c in range(count):
                total = spread + v[c] + extra
                product *= total
                if product < 1e-200 or product > 1e200:
                    logs += math.log(product)
                    product = 1.0
                inverse, x = 1.0 / total, time[c]
                gain = spread * inverse
                e0, e1, e2 = y[c] - m0, 1.0 - m1, x - m2
                w1, w2 = e1 * inverse, e2 * inverse
                s00 += e0 * e0 * inverse
                s10 += e0 * w1
                s11 += e1 * w1
                s20 += e0 * w2
                s21 += e1 * w2
                s22 += e2 * w2
                r = rho[k]
                for _ in range(gap[c] - 1):
                    r *= rho[k]
                m0, m1, m2 = r * (m0 + gain * e0), r * (m1 + gain * e1), r * (m2 + gain * e2)
                if bends:
                    e3, e4 = x * x - m3, x * x * x - m4
                    w3, w4 = e3 * inverse, e4 * inverse
                    s30 += e0 * w3
                    s31 += e1 * w3
                    s32 += e2 * w3
                    s33 += e3 * w3
                    s40 += e0 * w4
                    s41 += e1 * w4
                    s42 += e2 * w4
                    s43 += e3 * w4
                    s44 += e4 * w4
                    m3, m4 = r * (m3 + gain * e3), r * (m4 + gain * e4)
                spread = r * r * spread * (1 - gain) + unknown * (1 - r * r)
            logs += math.log(product)
            # Eliminate level, line, bend and turn one after the other.
            s00 -= s10 * s10 / s11
            s20 -= s10 * s21 / s11
            s22 -= s21 * s21 / s11
            out[i, k, 0], out[i, k, 1] = s20 / s22 / half, 1 / s22 / half**2
            line = -0.5 * (logs + math.log(s11) + math.log(s22) + s00 - s20 * s20 / s22)
            out[i, k, 2] = line
            if not bends:
                continue
            s30 -= s10 * s31 / s11
            s40 -= s10 * s41 / s11
            s32 -= s21 * s31 / s11
            s42 -= s21 * s41 / s11
            s33 -= s31 * s31 / s11
            s43 -= s31 * s41 / s11
            s44 -= s41 * s41 / s11
            s30 -= s20 * s32 / s22
            s40 -= s20 * s42 / s22
            s33 -= s32 * s32 / s22
            s43 -= s32 * s42 / s22
            s44 -= s42 * s42 / s22
            out[i, k, 3], out[i, k, 4] = s30 / s33, 1 / s33
            bend = line - 0.5 * (math.log(s33) - s30 * s30 / s33)
            out[i, k, 5] = bend
            s40 -= s30 * s43 / s33
            s44 -= s43 * s43 / s33
            out[i, k, 6], out[i, k, 7] = s40 / s44, 1 / s44
            out[i, k, 8] = bend - 0.5 * (math.log(s44) - s40 * s40 / s44)


@numba.njit(cache=True, nogil=True)
def mix(fits: Floats, prior: Floats, noise: Floats, reach: float, tail: float, out: Floats) -> None:
    """Mixtures of n slopes, bends and turns over the noises: (6, n) as in `Trend`."""
    n, k = fits.shape[:2]
    weight = np.empty(k)
    for i in range(n):
        cauchy = 0.0
        for part in range(3):
            top = -np.inf
            for j in range(k):
                weight[j] = fits[i, j, 3 * part + 2] + prior[j]
                top = max(top, weight[j])
            total = 0.0
            for j in range(k):
                weight[j] = math.exp(weight[j] - top)
                total += weight[j]
            mean, below, above, variance = 0.0, 0.0, 0.0, 0.0
            for j in range(k):
                weight[j] /= total
                if weight[j] < SILENT:
                    continue
                z = fits[i, j, 3 * part] / math.sqrt(2 * fits[i, j, 3 * part + 1])
                mean += weight[j] * fits[i, j, 3 * part]
                beyond = 0.5 * math.erfc(abs(z))
                below += weight[j] * (beyond if z > 0 else 1 - beyond)
                above += weight[j] * (1 - beyond if z > 0 else beyond)
                variance += weight[j] * noise[j]
            p = min(1.0, 2 * min(below, above))
            if part > 0:
                cauchy += math.tan((0.5 - max(p, 1e-15)) * math.pi) / 2
            else:
                out[0, i], out[3, i], out[5, i] = mean, p, math.sqrt(variance)
                out[1, i] = mean - tail_reach(fits[i], weight, mean, -1.0, reach, tail)
                out[2, i] = mean + tail_reach(fits[i], weight, mean, 1.0, reach, tail)
        out[4, i] = 0.5 - math.atan(cauchy) / math.pi if cauchy < 1e8 else 1 / cauchy / math.pi


@numba.njit(cache=True, nogil=True)
def tail_reach(
    fit: Floats, weight: Floats, mean: float, side: float, reach: float, tail: float
) -> float:
    """Distance from the mean, on one side, beyond which the mixture holds `tail`."""
    low, high, spread = 0.0, 0.0, 0.0
    for j in range(len(weight)):
        if weight[j] > NEGLIGIBLE:
            away = side * (fit[j, 0] - mean)
            high = max(high, away + 7 * math.sqrt(fit[j, 1]))
            spread += weight[j] * (fit[j, 1] + away**2)
    low, at = -high, min(reach * math.sqrt(spread), high)
    for _ in range(100):
        beyond, density = 0.0, 0.0
        for j in range(len(weight)):
            if weight[j] > NEGLIGIBLE:
                sd = math.sqrt(fit[j, 1])
                z = (at - side * (fit[j, 0] - mean)) / sd
                beyond += weight[j] * 0.5 * math.erfc(z / math.sqrt(2.0))
                density += weight[j] * math.exp(-0.5 * z * z) / sd / math.sqrt(2 * math.pi)
        if beyond > tail:
            low = at
        else:
            high = at
        step = at + (beyond - tail) / density if density > 0 else low
        if not low < step < high:
            step = (low + high) / 2
        if abs(step - at) <= 1e-12 * spread**0.5 or high - low <= 1e-13 * (abs(low) + abs(high)):
            return step
        at = step
    return at
