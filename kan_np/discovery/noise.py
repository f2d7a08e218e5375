"""How noisy labels are, estimated without a model: from repeated rows, or from neighbouring ones.

Where several rows have the same inputs, the spread of their labels is noise. Elsewhere the label of a row is
compared with the straight line through those of its nearest neighbours,

    r = y_0 - h^T y,   E r^2 = sigma^2 (1 + h^T h)    for a function that is a line there,

and what bends within the distance of neighbours is taken for noise as well: an upper bound. The median of
|r| / sqrt(1 + h^T h) over the rows, divided by 0.6745 (that of normal noise), is taken, for outliers and
places of strong curvature are few.

Source: difference-based variance estimation; Hall, Kay and Titterington, Biometrika 77 (1990), 521-528, and
local linear fits as in Stone, Annals of Statistics 5 (1977), 595-620.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kan_np._validate import FloatArray

#: Degrees of freedom that repeated rows need to have.
_REPEATS = 5
#: With fewer rows, or more inputs that vary, neighbours say nothing.
_LEAST_ROWS, _MOST_INPUTS = 30, 8
#: Rows that are compared with their neighbours at most.
_COMPARED = 500
_NORMAL = 0.6745


@dataclass(frozen=True)
class Noise:
    """Standard deviation of the noise of labels.

    Attributes
    ----------
    level : float
        In units of the labels.
    source : str
        What it was estimated from.
    at_most : bool
        Whether it is an upper bound.
    """

    level: float
    source: str
    at_most: bool

    def said(self, spread: float) -> str:
        """The level as a sentence, also as a part of the spread of the labels."""
        share = f", {self.level / spread:.2g} of their spread" if spread > 0 else ""
        word = "at most" if self.at_most else "about"
        return f"noise of the labels: {word} {self.level:.2g}{share} ({self.source})"


def noise_of_rows(x: FloatArray, y: FloatArray) -> Noise | None:
    """The noise of labels by the rows alone; None where these say nothing.

    Parameters
    ----------
    x : ndarray of shape (n, n_in)
    y : ndarray of shape (n,)

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x = rng.uniform(-1, 1, (500, 2))
    >>> noise = noise_of_rows(x, np.sin(x[:, 0]) * x[:, 1] + 0.1 * rng.normal(size=500))
    >>> round(noise.level, 2), noise.source
    (0.1, 'neighbouring rows')
    """
    x = x[:, np.ptp(x, axis=0) > 0]
    return _of_repeats(x, y) or _of_neighbours(x, y)


def _of_repeats(x: FloatArray, y: FloatArray) -> Noise | None:
    _, group = np.unique(x, axis=0, return_inverse=True)
    group = np.ravel(group)
    counts = np.bincount(group)
    freedom = len(y) - counts.size
    if freedom < _REPEATS:
        return None
    largest = float(np.abs(y).max()) or 1.0
    scaled = y / largest
    rest = scaled - (np.bincount(group, scaled) / counts)[group]
    level = float(np.sqrt(rest @ rest / freedom)) * largest
    # copies of rows agree to the last bit and say nothing of noise
    return Noise(level, "rows of equal inputs", False) if level > 0 else None


def _of_neighbours(x: FloatArray, y: FloatArray) -> Noise | None:
    from scipy.spatial import cKDTree

    n, n_in = x.shape
    count = 2 * (n_in + 1)
    if n < max(_LEAST_ROWS, 3 * count) or not 0 < n_in <= _MOST_INPUTS:
        return None
    x = x / np.abs(x).max(axis=0)  # squares of very small or large inputs are no floats
    scaled = (x - x.mean(axis=0)) / x.std(axis=0)
    largest = float(np.abs(y).max()) or 1.0
    labels = y / largest
    rows = np.linspace(0, n - 1, min(n, _COMPARED)).astype(int)
    # a row may be there twice: the nearest ones are others
    near = cKDTree(scaled).query(scaled[rows], count + 1)[1]
    found = []
    for row, others in zip(rows.tolist(), near, strict=True):
        others = others[others != row][:count]
        design = np.column_stack([np.ones(others.size), scaled[others] - scaled[row]])
        weights = np.linalg.pinv(design, rcond=1e-6)[0]
        found.append(abs(labels[row] - weights @ labels[others]) / np.sqrt(1.0 + weights @ weights))
    return Noise(float(np.median(found)) / _NORMAL * largest, "neighbouring rows", True)
