"""Optimizers, and the training loop around them.

An optimizer is a function ``minimize(objective, theta, max_iter, on_iteration) -> Outcome`` and the number
of its iterations that count as one step; a new one is a file and a line in `OPTIMIZERS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kan_np._validate import FloatArray
from kan_np.objective import Objective
from kan_np.optimize import lbfgs
from kan_np.optimize.lbfgs import Outcome


@dataclass(frozen=True)
class Optimizer:
    """A minimiser and how many of its iterations make one step."""

    minimize: Callable[[Objective, FloatArray, int, Callable[[FloatArray], bool]], Outcome]
    iterations_per_step: int


OPTIMIZERS = {"LBFGS": Optimizer(lbfgs.minimize, lbfgs.ITERATIONS_PER_STEP)}
