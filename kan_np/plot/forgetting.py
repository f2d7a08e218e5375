"""Figure of a forgetting matrix: the loss on every phase after training on each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from kan_np import _validate
from kan_np.plot._style import FONT_SIZE, INK

#: Inches of a cell; most cells that have their number written in them.
_CELL, _MOST_WRITTEN = 0.62, 12


def plot_forgetting(losses: ArrayLike, names: Sequence[str] | None = None) -> Figure:
    """Draw a forgetting matrix: row p are the losses after phase p, column q those on phase q.

    Colours are logarithmic. Below the frame of a row's own phase (the diagonal) a column that stays as light
    as its frame is remembered, one that darkens is forgotten.

    Parameters
    ----------
    losses : array_like of shape (n_phases, n_phases)
    names : sequence of str, optional
        Of the phases; 1, 2, ... if not given.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        For a matrix that is not square, negative losses and a wrong number of names.

    Examples
    --------
    >>> from kan_np.plot import plot_forgetting
    >>> figure = plot_forgetting([[0.01, 1.0], [0.2, 0.01]], ["left", "right"])
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['1e-02', '1', '0.2', '1e-02']
    """
    matrix = np.array(losses, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.size or (matrix < 0).any():
        raise ValueError(
            f"losses has the shape {matrix.shape}; expected losses >= 0 in a square, a row after each phase."
        )
    n = len(matrix)
    titles = [str(q + 1) for q in range(n)] if not names else [str(name) for name in names]
    if len(titles) != n:
        raise ValueError(f"names is {_validate.shown(names)}; expected {n} names, one for each phase.")
    side = _CELL * min(n, 2 * _MOST_WRITTEN)
    figure = Figure(figsize=(side + 2.2, side + 1.1), dpi=150, facecolor="white", layout="constrained")
    axes = figure.subplots()
    positive = matrix[np.isfinite(matrix) & (matrix > 0)]
    low, high = (float(positive.min()), float(positive.max())) if positive.size else (1.0, 1.0)
    norm: Normalize = LogNorm(low, high if high > low else 10.0 * low, clip=True)
    image = axes.imshow(np.clip(np.nan_to_num(matrix, nan=high), low, high), cmap="Blues", norm=norm)
    axes.set_xticks(range(n), titles)
    axes.set_yticks(range(n), titles)
    axes.set_xlabel("loss on phase", fontsize=FONT_SIZE)
    axes.set_ylabel("after phase", fontsize=FONT_SIZE)
    for p, q in np.ndindex(n, n) if n <= _MOST_WRITTEN else ():
        dark = bool(matrix[p, q] > 0) and float(norm(matrix[p, q])) > 0.55
        colour = "white" if dark else INK
        axes.text(q, p, _short(float(matrix[p, q])), ha="center", va="center", color=colour, fontsize=8)
    for p in range(n):
        own = ((p - 0.5, p + 0.5, p + 0.5, p - 0.5, p - 0.5), (p - 0.5, p - 0.5, p + 0.5, p + 0.5, p - 0.5))
        axes.plot(*own, color=INK, linewidth=1.0)
    axes.set(xlim=(-0.5, n - 0.5), ylim=(n - 0.5, -0.5))
    figure.colorbar(image, ax=axes, shrink=0.85)
    return figure


def _short(loss: float) -> str:
    return f"{loss:.1g}" if 0.1 <= loss < 1000 or loss == 0 else f"{loss:.0e}"
