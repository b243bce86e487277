"""Coverage and size of contrasts between fields, at the level of estimates with errors.

Draws worlds of ``--fields`` fields: each field's true number lies about a common mean with a
spread, each estimate about its true number with its own error; errors differ between fields by
a log-normal factor and are given as known. In half of the cells the focus has a planted
difference. A row a cell: how often the interval holds the true difference of a field from the
mean of its kind, how often p is below .05 on the side of the claim without anything planted, how
often "only here" would be said then (focus supported, p below .05 on the side of the claim, the
mean of the others not supported), and how often it is said with a planted difference.

    python benchmarks/fields/contrasts.py --draws 2000
"""

from __future__ import annotations

import argparse

import numpy as np

from isthmus.stats.contrasts import Contrast, contrast

#: Spread of fields and log-sd of their errors, in units of the typical error.
SPREADS, ERROR_SPREADS = (0.0, 0.5, 1.0, 3.0), (0.0, 0.7)

#: What is planted in the focus, in standard deviations of a field about the mean.
PLANTED = 5.0


def cell(fields: int, spread: float, error_spread: float, draws: int, seed: int) -> list[float]:
    """Return coverage, rate of p below .05, size and power of "only here"."""
    rng = np.random.default_rng(seed)
    held = below = size = power = 0
    planted = PLANTED * np.hypot(spread, 1.0)
    for _ in range(draws):
        error = np.exp(error_spread * rng.standard_normal(fields))
        value = spread * rng.standard_normal(fields) + error * rng.standard_normal(fields)
        plain = contrast(value[0], error[0], value[1:], error[1:])
        held += plain.low <= 0 <= plain.high
        below += plain.p < 0.05 and plain.difference > 0
        size += said(value[0], error[0], plain)
        with_it = contrast(value[0] + planted, error[0], value[1:], error[1:])
        power += said(value[0] + planted, error[0], with_it)
    return [100 * n / draws for n in (held, below, size, power)]


def said(value: float, error: float, found: Contrast) -> bool:
    """Whether "only here" would be said of a number claimed to be above 0."""
    return bool(
        value - 1.96 * error > 0 and found.p < 0.05 and found.difference > 0 and found.mean.low <= 0
    )


def main() -> None:
    """Print a row a cell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--fields", type=int, nargs="+", default=[4, 6, 12, 30])
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print("fields spread errors | covered %  p<.05 above %  only here %  planted: only here %")
    for fields in given.fields:
        for spread in SPREADS:
            for errors in ERROR_SPREADS:
                row = cell(fields, spread, errors, given.draws, given.seed)
                shown = "  ".join(f"{one:6.2f}" for one in row)
                print(f"{fields:6d} {spread:6.1f} {errors:6.1f} | {shown}")


if __name__ == "__main__":
    main()
