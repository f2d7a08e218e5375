"""Which model is recommended: the smallest one that is as good as the best on the validation samples.

Models are compared sample by sample: a difference within one standard error of its mean is noise (the
one-standard-error rule of Breiman et al. 1984, section 3.4.3).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from sweeps.answer.candidates import TrainedConfiguration

FloatArray = NDArray[np.float64]
#: Gives the losses of a model, one for each validation sample.
Losses = Callable[[TrainedConfiguration], FloatArray]

#: Least relative decrease of the error for which a larger network is accepted, and largest relative increase,
#: within the noise, for which a smaller one is recommended. Chosen by judgement.
LEAST_GAIN, MOST_LOSS = 0.02, 0.05
#: With fewer training labels for each parameter a reader is warned. A fit itself takes to a prior from there
#: on (`KAN.fit`).
FEW_LABELS = 3.0


def recommended(candidates: Iterable[TrainedConfiguration], losses: Losses) -> TrainedConfiguration | None:
    """Return the smallest model that is as good as the best one; None if none has a finite error."""
    finite = [candidate for candidate in candidates if math.isfinite(candidate.val)]
    if not finite:
        return None
    best = min(finite, key=lambda c: (c.val, c.n_params))
    smaller = sorted(finite, key=lambda c: (c.n_params, c.val))
    return next(c for c in smaller if c is best or is_as_good(c, best, losses))


def is_as_good(small: TrainedConfiguration, best: TrainedConfiguration, losses: Losses) -> bool:
    """Say whether the best model is not worth its size: better by little, or within the noise."""
    if small.val <= (1.0 + LEAST_GAIN) * best.val:
        return True
    return small.val <= (1.0 + MOST_LOSS) * best.val and excess(losses(small), losses(best)) <= 1.0


def excess(one: FloatArray, other: FloatArray) -> float:
    """Return the mean of one - other, of the same samples, in units of its standard error.

    Examples
    --------
    >>> excess(np.array([2.0, 3.0, 1.0]), np.array([1.0, 1.0, 1.0])) > 1
    True
    """
    difference = one - other
    mean = float(np.mean(difference))
    error = float(np.std(difference)) / math.sqrt(max(difference.size - 1, 1))
    if error == 0.0:
        return math.copysign(math.inf, mean) if mean else 0.0
    return mean / error
