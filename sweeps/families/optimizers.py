"""The optimizers of kan_np in sweeps: their names, and the estimated time of a step of each."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sweeps.families.widths import Layer, layer_sizes

#: The value of `opt` that leaves the choice of the optimizer to the size of the model.
AUTO = "auto"
#: Both optimizers between which that choice is made.
SMALL_MODELS, LARGE_MODELS = "LM", "LBFGS"
#: LM by normal equations, where equations are solved: half of the time, half of the digits.
NORMAL_EQUATIONS = "LM-normal"

# Rough costs on one core, good enough to put long runs first and weigh progress. Of one loss and gradient a
# layer, in seconds. Of an iteration of LM, besides some evaluations: per sample and number of the matrix, and
# per cube of the rows.
LAYER_S = 60e-6
_LBFGS_EVALUATIONS = 22.0
_LM_EVALUATIONS = 5.0
_LM_ENTRY_S = 25e-12
_LM_CUBE_S = 24e-12
#: What `opt = "auto"` does: LM up to so many parameters.
_AUTO_LM_PARAMS = 1500
#: With restarts: short fits for each of them, and the steps of one.
_STARTS, _SHORT_STEPS = 6, 16


@functools.cache
def optimizer_names() -> tuple[str, ...]:
    """Return the names that `opt` may have: those of `kan_np.optimize`, and "auto"."""
    import kan_np

    return (*kan_np.optimize.OPTIMIZERS, AUTO)


@functools.cache
def sees_gradient_alone(opt: str) -> bool:
    """Say whether an optimizer sees the gradient alone: some twenty of its iterations are one step then."""
    import kan_np

    optimizer = kan_np.optimize.OPTIMIZERS.get(opt)
    return optimizer is not None and optimizer.iterations_per_step > 1


@functools.cache
def is_one_update(opt: str) -> bool:
    """Say whether a step of an optimizer is one update of a given length, as of Adam."""
    import kan_np

    optimizer = kan_np.optimize.OPTIMIZERS.get(opt)
    return optimizer is not None and optimizer.first_order


def optimizers_tried(opt: str) -> tuple[str, ...]:
    """Return the optimizers that training with `opt` may use."""
    return (SMALL_MODELS, LARGE_MODELS) if opt == AUTO else (opt,)


def n_weights(width: Sequence[Layer]) -> int:
    """Return the number of edges, or weights, between the layers of a width.

    Examples
    --------
    >>> n_weights([2, 5, 1])
    15
    """
    return sum(a * b for a, b in layer_sizes(width))


def step_cost(
    opt: str, n_params: int, n_train: int, evaluation_s: float, scattered_s: float = math.inf
) -> float:
    """Return a rough estimate of the seconds that a step of an optimizer takes.

    Parameters
    ----------
    opt : str
        The optimizer, or "auto".
    n_params, n_train : int
        Numbers of parameters and of training samples.
    evaluation_s : float
        Seconds of one loss and gradient.
    scattered_s : float
        Seconds in which the matrix of LM is put together from the few numbers that a sample touches.
    """
    if is_one_update(opt):
        return evaluation_s
    if sees_gradient_alone(opt) or (opt == AUTO and n_params > _AUTO_LM_PARAMS):
        return _LBFGS_EVALUATIONS * evaluation_s
    matrix = min(n_train * n_params**2 * _LM_ENTRY_S, scattered_s)
    return _LM_EVALUATIONS * evaluation_s + matrix + n_params**3 * _LM_CUBE_S


def training_cost(
    config: Mapping[str, Any], grids: Sequence[int | None], step_s: Callable[[int | None], float]
) -> float:
    """Return a rough estimate of the seconds of a chain of fits, given those of a step on every grid."""
    restarts, steps = config.get("restarts", 1), config["steps"]
    total = 0.0
    for stage, grid in enumerate(grids):
        step = step_s(grid)
        if stage == 0 and restarts > 1:
            total += _STARTS * restarts * min(steps, _SHORT_STEPS) * step
        # Of the starts that are trained in full half are given up at every grid after the second.
        total += max(1, -(-restarts // 2 ** max(stage - 1, 0))) * steps * step
    return total
