"""The logits of many sets of columns, each fitted to two classes by Newton's method, all sets at once.

A set is an array of k columns of n rows, each row times its class, 1 or -1. Its logit is right in rows where
z = sum_k c_k a_k is above 0, and c minimises the mean of

    -log(e + (1 - 2 e) / (1 + exp(-z))),

e being the part of labels that are wrong whatever the logit: one such row then costs log(1/e) at most, and
cannot move the boundary from where all others have it (J. Copas, J. R. Stat. Soc. B 50 (1988), 225).
"""

from __future__ import annotations

import numpy as np

from kan_np._validate import FloatArray

#: Part of labels that are taken to be wrong.
FLIPS = 0.02
#: Damping in parts of the diagonal: at first, least, and by what it changes.
_DAMPING, _LEAST_DAMPING, _FACTOR = 1e-3, 1e-9, 10.0
#: Of classes that are separated the curvature vanishes; it is at least this part of that at z = 0.
_FLAT = 1e-4
#: Steepness of logits that are parts of their terms which do not cancel: the best of these is the start.
_STEEPNESS = (1.0, 4.0, 16.0, 64.0)


def flipped_loss(z: FloatArray, flips: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Loss of every row, its negative derivative by z, and the information about z that a label has.

    Parameters
    ----------
    z : ndarray
        Logit times the class.
    flips : float
        e, below 1/2.

    Examples
    --------
    >>> import numpy as np
    >>> loss, _, _ = flipped_loss(np.array([-100.0, 0.0, 100.0]), 0.01)
    >>> (np.exp(-loss)).round(2).tolist()
    [0.01, 0.5, 0.99]
    """
    sigma = 1.0 / (1.0 + np.exp(np.clip(-z, -700.0, 700.0)))
    p = flips + (1.0 - 2.0 * flips) * sigma
    by_z = (1.0 - 2.0 * flips) * sigma * (1.0 - sigma)
    if flips == 0.0:  # without the logarithm of a small number
        return np.logaddexp(0.0, -z), 1.0 - sigma, sigma * (1.0 - sigma)
    return -np.log(p), by_z / p, np.square(by_z) / (p * (1.0 - p))


def fitted(
    columns: FloatArray, start: FloatArray, steps: int, flips: float = FLIPS
) -> tuple[FloatArray, FloatArray]:
    """Coefficients and mean losses after so many steps of scoring, each damped until the loss falls.

    Scoring is Newton's method with the expected curvature.

    Parameters
    ----------
    columns : ndarray of shape (n_sets, k, n_rows)
        Each row times its class.
    start : ndarray of shape (n_sets, k)
    steps : int
    flips : float
        e.

    Returns
    -------
    c : ndarray of shape (n_sets, k)
    losses : ndarray of shape (n_sets,)

    Examples
    --------
    >>> import numpy as np
    >>> x = np.linspace(-1, 1, 40)
    >>> classes = np.where(np.abs(x - 0.2) < 0.2, -1.0, 1.0) * np.sign(x - 0.2)
    >>> c, losses = fitted((np.stack([x, np.ones(40)]) * classes)[None], np.zeros((1, 2)), 20)
    >>> bool(abs(-c[0, 1] / c[0, 0] - 0.2) < 0.2), bool(losses[0] < np.log(2))
    (True, True)
    """
    c = np.array(start, dtype=np.float64)
    z = _times(c, columns)
    losses = _mean_loss(z, flips)
    damping = np.full(len(c), _DAMPING)
    places = np.arange(c.shape[1])
    for _ in range(steps):
        _, wrong, information = flipped_loss(z, flips)
        gradient = np.matmul(columns, wrong[:, :, None])
        curvature = np.maximum(information, 0.25 * _FLAT)
        hessian = np.matmul(columns * curvature[:, None, :], columns.transpose(0, 2, 1))
        hessian[:, places, places] *= 1.0 + damping[:, None]
        hessian[:, places, places] += np.finfo(np.float64).tiny
        moved = c + np.linalg.solve(hessian, gradient)[:, :, 0]
        z_moved = _times(moved, columns)
        new = _mean_loss(z_moved, flips)
        better = new < losses
        c, z = np.where(better[:, None], moved, c), np.where(better[:, None], z_moved, z)
        losses = np.where(better, new, losses)
        damping = np.where(better, np.maximum(damping / _FACTOR, _LEAST_DAMPING), damping * _FACTOR)
    return c, losses


def evenly_steep(
    columns: FloatArray, c: FloatArray | None, steps: int, flips: float = FLIPS
) -> tuple[FloatArray, FloatArray]:
    """Fit logits in parts of the sum of |c_k a_k| of every row.

    Where all terms are large, a logit need then not be steeper than where all are small.

    Parameters
    ----------
    columns : ndarray of shape (n_sets, k, n_rows)
    c : ndarray of shape (n_sets, k), optional
        What is known of the coefficients; None if nothing is, and all weigh the same.
    steps : int
    flips : float
        e.

    Returns
    -------
    c, losses : as of `fitted`
    """
    known = np.ones(columns.shape[:2]) if c is None else np.abs(c)
    size = np.matmul(known[:, None, :], np.abs(columns))[:, 0, :]
    relative = columns / np.where(size > 0.0, size, 1.0)[:, None, :]
    if c is None:
        return fitted(relative, np.zeros(columns.shape[:2]), steps, flips)
    z = _times(c, relative)
    tried = np.stack([_mean_loss(steep * z, flips) for steep in _STEEPNESS])
    return fitted(relative, np.array(_STEEPNESS)[tried.argmin(axis=0)][:, None] * c, steps, flips)


def _times(c: FloatArray, columns: FloatArray) -> FloatArray:
    return np.asarray(np.matmul(c[:, None, :], columns)[:, 0, :])


def _mean_loss(z: FloatArray, flips: float) -> FloatArray:
    found = flipped_loss(z, flips)[0].mean(axis=1)
    return np.where(np.isfinite(found), found, np.inf)
