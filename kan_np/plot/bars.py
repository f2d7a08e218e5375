"""Figure of scores: a row of bars, one an input, for each node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from kan_np._validate import FloatArray
from kan_np.plot import names as naming
from kan_np.plot._style import BLUE, INK

_WIDTH, _HEIGHT, _LEAST = 0.6, 1.6, 3.2  # inches of a bar and of a row of bars, and least width
_MOST_ROWS = 40


def plot_bars(scores: FloatArray, titles: Sequence[str], in_vars: Sequence[Any] | None = None) -> Figure:
    """Draw scores of inputs as bars.

    Parameters
    ----------
    scores : ndarray of shape (n_rows, n_in)
    titles : sequence of str
        One a row.
    in_vars : sequence of str or SymPy expressions, optional
        Names of the inputs; x_1, x_2, ... if None.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        For a wrong number of names, and more than 40 rows.
    """
    n_rows, n_in = scores.shape
    if n_rows > _MOST_ROWS:
        raise ValueError(f"there are {n_rows} rows of bars to draw; expected at most {_MOST_ROWS}.")
    names = naming.names_of("in_vars", in_vars, "x", n_in)
    figure = Figure(figsize=(max(_WIDTH * n_in + 1.0, _LEAST), _HEIGHT * n_rows), layout="constrained")
    axes = figure.subplots(n_rows, 1, squeeze=False, sharex=True)[:, 0]
    top = float(scores.max()) or 1.0
    for row, own, title in zip(axes, scores, titles, strict=True):
        row.bar(range(n_in), own, color=BLUE)
        row.set_ylim(0.0, 1.05 * top)
        row.set_title(title, fontsize=9.0, color=INK, loc="left")
        row.spines[["top", "right"]].set_visible(False)
    axes[-1].set_xticks(range(n_in), names)
    figure.supylabel("score", fontsize=9.0)
    return figure
