"""Ranks and quantiles: what bounds a new residual with a given probability.

If n residuals and a new one can come in any order with the same probability, the new one is at most the
k-th smallest with probability k / (n + 1) at least; so k = ceil(level (n + 1)), which must not exceed n.

Source: V. Vovk, A. Gammerman and G. Shafer (2005), Algorithmic learning in a random world, section 2.2; for
jackknife+ R. F. Barber, E. J. Candes, A. Ramdas and R. J. Tibshirani (2021), Predictive inference with the
jackknife+, Annals of Statistics 49, 486, eq. (1.4).
"""

from __future__ import annotations

import math

import numpy as np

from kan_np._validate import FloatArray


def rank(level: float, n: int) -> int:
    """k of the module docstring, counted from 1.

    Raises
    ------
    ValueError
        If n residuals are too few for the level.

    Examples
    --------
    >>> rank(0.9, 9), rank(0.9, 19), rank(0.5, 4)
    (9, 18, 3)
    """
    k = max(math.ceil(level * (n + 1) - 1e-9), 1)  # 0.9 * 10 is 9, whatever rounding makes of it
    if k > n:
        needed = math.ceil(level / (1.0 - level) - 1e-9)
        raise ValueError(
            f"an interval of {level:g} needs at least {needed} rows with known residuals, and there are {n}; "
            "ask for a lower level, calibrate with more rows, or use method='laplace'."
        )
    return k


def normal_quantile(level: float) -> float:
    """z with P(|Z| <= z) = level for a standard normal Z.

    Examples
    --------
    >>> round(normal_quantile(0.95), 4)
    1.96
    """
    from scipy.special import ndtri  # here and below imported where used, since the import takes 0.1 s

    return float(ndtri(0.5 + 0.5 * level))


def student_quantile(level: float, freedom: FloatArray) -> FloatArray:
    """t with P(|T| <= t) = level for Student's T with these degrees of freedom, of the same shape.

    Examples
    --------
    >>> student_quantile(0.95, np.array([10.0])).round(4).tolist()
    [2.2281]
    """
    from scipy.special import stdtrit

    return np.asarray(stdtrit(freedom, 0.5 + 0.5 * level))
