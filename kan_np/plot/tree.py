"""Figure of a tree: how the variables of a function are combined."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kan_np import _validate
from kan_np.plot._style import BLUE, FONT_SIZE, INK, VERMILION, sheet
from kan_np.structure.tree import Tree

#: Inches between variables and between levels, and the margin.
_ACROSS, _UP, _MARGIN = 0.8, 0.9, 0.45
#: What is written at a node.
_SIGNS = {"sum": "+", "product": "\N{MULTIPLICATION SIGN}", "function of a sum": "g(+)", "function": "g"}
_STYLES = ("tree", "box")
_BOX = 0.32  # height in inches


def plot_tree(tree: Tree, in_vars: Sequence[Any] | None = None, style: str = "tree") -> Figure:
    """Draw a tree: variables below, what joins them above.

    A plus is a sum, a cross a product, g(+) a function of a sum, of which products are some, and g a
    function of the branches of which no more is known.

    Parameters
    ----------
    tree : Tree
        Of `kan_np.structure.find_tree`.
    in_vars : sequence of str or SymPy expressions, optional
        Names of all columns; x_1, x_2, ... if not given.
    style : {"tree", "box"}
        Lines that meet in a sign, or a box over all variables of a node.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError, TypeError
        For another style, what is no tree, and a wrong number of names.

    Examples
    --------
    >>> import numpy as np
    >>> from kan_np.plot import plot_tree
    >>> from kan_np.structure import find_tree
    >>> x = np.random.default_rng(0).uniform(1, 2, (100, 3))
    >>> tree = find_tree(lambda x: np.exp(x[:, 0] * x[:, 1]) + x[:, 2], x)
    >>> [text.get_text() for text in plot_tree(tree, ["a", "b", "c"]).axes[0].texts]
    ['a', 'b', 'g(+)', 'c', '+']
    """
    style = _validate.choice("style", style, _STYLES)
    if not isinstance(tree, Tree):
        raise TypeError(f"tree is {_validate.shown(tree)}; expected one of kan_np.structure.find_tree(f, x).")
    n = max(tree.variables) + 1
    names = [f"$x_{{{i + 1}}}$" for i in range(n)] if in_vars is None else [str(name) for name in in_vars]
    if len(names) < n:
        raise ValueError(f"in_vars has {len(names)} names; expected one for each of at least {n} columns.")
    width = 2 * _MARGIN + _ACROSS * len(tree.variables)
    figure, axes = sheet(width, 2 * _MARGIN + _UP * max(tree.depth, 1) + 0.2)
    _Drawing(axes, names, style).draw(tree, 0, tree.depth)
    return figure


class _Drawing:
    """Puts a tree on axes, whose coordinates are inches."""

    def __init__(self, axes: Axes, names: list[str], style: str) -> None:
        self._axes, self._names, self._style = axes, names, style

    def draw(self, tree: Tree, first: int, level: int) -> float:
        """Draw a tree above the variables from number `first` on; where its top is."""
        if not tree.branches:
            at = _MARGIN + _ACROSS * (first + 0.5)
            self._axes.text(at, _MARGIN - 0.1, self._names[tree.variables[0]], **_centred(INK))
            return at
        tops, place = [], first
        for branch in tree.branches:
            tops.append((self.draw(branch, place, branch.depth), branch.depth))
            place += len(branch.variables)
        at, height = sum(top for top, _ in tops) / len(tops), _height(level)
        left, right = (_MARGIN + _ACROSS * end for end in (first + 0.1, place - 0.1))
        for top, below in tops:
            self._line(top, below, top if self._style == "box" else at, height)
        if self._style == "box":
            low, high = height - _BOX / 2, height + _BOX / 2
            self._axes.fill(
                (left, right, right, left), (low, low, high, high), facecolor="white", edgecolor=INK, zorder=2
            )
            at = (left + right) / 2
        look = _centred(VERMILION if tree.kind in ("sum", "product") else BLUE)
        self._axes.text(at, height, _SIGNS[tree.kind], **look, bbox=_PLAIN, zorder=3)
        return at

    def _line(self, top: float, below: int, at: float, height: float) -> None:
        low = _height(below) + (0.05 if below == 0 else 0.0)
        self._axes.plot((top, at), (low, height), color=INK, linewidth=1.0, zorder=1)


_PLAIN = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}


def _centred(colour: str) -> dict[str, Any]:
    return {"ha": "center", "va": "center", "size": FONT_SIZE + 2, "color": colour}


def _height(level: int) -> float:
    return _MARGIN + 0.1 + _UP * level
