"""The log loss of probabilities of classes, and other scores of classifiers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
#: Smaller probabilities count as this one, so that one row cannot make the mean infinite.
LEAST_PROBABILITY = 1e-15


def log_losses(probabilities: FloatArray, labels: FloatArray) -> FloatArray:
    """Return -log of the probability that every row gives its own class, shape (n,).

    Parameters
    ----------
    probabilities : ndarray, shape (n, n_classes)
    labels : ndarray, shape (n, 1)
        Numbers of the classes, from 0.

    Examples
    --------
    >>> log_losses(np.array([[0.5, 0.5], [0.0, 1.0]]), np.array([[0.0], [1.0]])).round(3).tolist()
    [0.693, -0.0]
    """
    own = probabilities[np.arange(len(labels)), labels[:, 0].astype(np.int64)]
    return np.asarray(-np.log(np.maximum(own, LEAST_PROBABILITY)))


def brier_score(probabilities: FloatArray, labels: FloatArray) -> float:
    """Return the mean over rows of the squared distance of probabilities from the class that occurred.

    The sum over classes of (p - 1[class])^2 (G. W. Brier (1950), Mon. Weather Rev. 78, 1): 0 at best, 2 at
    worst.

    Examples
    --------
    >>> brier_score(np.array([[0.5, 0.5]]), np.array([[0.0]]))
    0.5
    """
    occurred = np.eye(probabilities.shape[1])[labels[:, 0].astype(np.int64)]
    return float(np.mean(np.sum((probabilities - occurred) ** 2, axis=1)))
