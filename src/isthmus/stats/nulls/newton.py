"""Guarded Newton on the convex dual of a null model.

The dual of an exponential-family model is convex; its gradient is expected
minus observed statistics, its Hessian the Fisher information. Steps are shortened
to stay where every pair has a law, and accepted by the approximate Wolfe condition
(Hager and Zhang 2005, SIAM J. Optim. 16, 170), which looks at slopes only and so
stays exact where the likelihood itself is flat to rounding.

Far from the solution expected statistics are anything but linear in the
parameters: an expected weight may grow as 1 / |b|, a probability saturates. A dual
may therefore say how much of each statistic is `missing` as seen on a scale on
which it is nearly linear; Newton then solves the equations on that scale (a
nonlinear preconditioning: it changes no solution, only the way there).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from isthmus.stats.nulls.newton_steps import Information, newton_step, node_step

Floats = npt.NDArray[np.float64]

#: A fit is called converged when every constraint holds to this relative error.
CONVERGED = 1e-8
#: Newton goes on to this relative error, so that warm and cold starts agree.
GOAL = 1e-13
#: Goal where the information is not stored: sums over very many nodes round more.
LARGE_GOAL = 1e-10
MAX_STEPS = 200
#: Share of the way to the edge of the feasible region that one step may go.
TO_EDGE = 0.95
MAX_HALVINGS = 40
#: Relative error of a constraint below which Newton's own steps are the better ones.
NEAR = 0.3
#: Node-wise steps tried before Newton takes over; each costs a tenth of a Newton step.
MAX_SWEEPS = 12
#: Part of a node-wise step that is taken: both nodes of a pair move at once, so whole
#: steps would overshoot twofold.
SWEEP = 0.5
#: Longest step in a log parameter that is believed: longer ones come from equations
#: that contradict each other on the scale they were solved on.
FARTHEST = 1e3
#: Least exact a first Newton step is solved, relative to what is missing.
LOOSEST = 0.01


@dataclass(frozen=True)
class Sums:
    """Expected statistics (d,), rows' then columns', and their information at one point."""

    mean: Floats
    info: Information


class Dual(Protocol):
    """A model on the side of its parameters."""

    @property
    def target(self) -> Floats:
        """Constraints (d,)."""
        ...

    def sums(self, theta: Floats, *, coupled: bool = True) -> Sums:
        """Expected statistics and information at `theta`, with couplings or without."""
        ...

    def missing(self, mean: Floats) -> Floats:
        """Target minus mean (d,), to first order, on the scale Newton works on."""
        ...

    def longest_step(self, theta: Floats, step: Floats, enough: float) -> float:
        """Longest feasible multiple of `step`; any number above `enough` if that is."""
        ...

    def error(self, mean: Floats) -> float:
        """Largest relative error over the constraints."""
        ...


@dataclass(frozen=True)
class Solution:
    """Parameters (d,), largest relative error of a constraint, Newton steps taken."""

    theta: Floats
    residual: float
    steps: int


def approach(dual: Dual, start: Floats) -> Floats:
    """Bring a rough start near the solution, every node on its own."""
    theta = start
    for _ in range(MAX_SWEEPS):
        sums = dual.sums(theta, coupled=False)
        if not NEAR < dual.error(sums.mean) < np.inf:
            break
        step = SWEEP * node_step(sums.info, dual.missing(sums.mean))
        if not np.isfinite(step).all():
            break
        theta = theta + _length(dual, theta, step) * step
    return theta


def solve(dual: Dual, start: Floats, goal: float = GOAL) -> Solution:
    """Find the parameters at which expected statistics equal `dual.target`.

    Stops at the relative error `goal`, or when two steps in a row no longer help a fit that is
    already `CONVERGED`; the best parameters seen are returned with their honest
    residual.
    """
    theta, sums = start, dual.sums(start)
    best = Solution(theta, dual.error(sums.mean), 0)
    residual, stalled = best.residual, 0
    goal = max(goal, LARGE_GOAL) if sums.info.coupling is None else goal
    for taken in range(1, MAX_STEPS + 1):
        if best.residual <= goal or stalled == 2:
            break
        moved = _move(dual, theta, sums, _tolerance(residual, goal))
        if moved is None:
            break
        theta, sums = moved
        residual = dual.error(sums.mean)
        stalled = stalled + 1 if best.residual <= CONVERGED and residual > best.residual / 2 else 0
        if residual < best.residual:
            best = Solution(theta, residual, taken)
    return best


def relative_error(mean: Floats, target: Floats) -> float:
    """Largest |mean - target| over target; a target of zero must be met exactly."""
    if target.size == 0:
        return 0.0
    error = np.abs(mean - target)
    error /= np.where(target > 0, target, 1.0)
    worst = float(error.max())
    return worst if np.isfinite(worst) else float("inf")


def _tolerance(residual: float, goal: float) -> float:
    """How exactly a step is worth solving.

    It follows the distance to the solution, which keeps Newton's convergence
    superlinear (Eisenstat and Walker 1996, SIAM J. Sci. Comput. 17, 16), but not
    beyond what the goal needs.
    """
    return max(min(LOOSEST, residual), 0.1 * min(goal / residual, 1.0), 1e-8)


def _move(dual: Dual, theta: Floats, sums: Sums, tolerance: float) -> tuple[Floats, Sums] | None:
    """One step on the scale of `dual.missing`, or else on the plain one."""
    away = sums.mean - dual.target
    step = newton_step(sums.info, dual.missing(sums.mean), tolerance)
    if not float(away @ step) < 0 or np.max(np.abs(step), initial=0.0) > FARTHEST:
        step = newton_step(sums.info, -away, tolerance)
    return _search(dual, theta, step, float(away @ step))


def _length(dual: Dual, theta: Floats, step: Floats) -> float:
    return min(1.0, TO_EDGE * dual.longest_step(theta, step, 1.0 / TO_EDGE))


def _search(dual: Dual, theta: Floats, step: Floats, slope: float) -> tuple[Floats, Sums] | None:
    """Shorten `step` until the slope along it has not turned steeply upwards."""
    if not slope < 0:  # rounding has taken over; there is nothing left to gain
        return None
    length = _length(dual, theta, step)
    for _ in range(MAX_HALVINGS):
        trial = theta + length * step
        sums = dual.sums(trial)
        with np.errstate(invalid="ignore"):  # means beyond a float are turned down below
            ahead = float((sums.mean - dual.target) @ step)
        if np.isfinite(ahead) and ahead <= 0.8 * abs(slope) and np.all(np.isfinite(sums.mean)):
            return trial, sums
        length *= max(0.1, min(0.5, slope / (slope - ahead))) if np.isfinite(ahead) else 0.1
    return None
