"""A picture of the functions f1, f2, ... of a formula that are known as curves only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kan_np.discovery.readable import RescaledFunction
from kan_np.functions.variables import latex_of, text_of
from kan_np.plot._style import BLUE, INK

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kan_np.surgery.formula import Formula

_COLUMNS = 3
_POINTS = 300
#: Longer labels are left out: they would run into each other.
_LONGEST = 60


def drawn_functions(formula: Formula) -> Figure:
    """A panel for each function that is known as a curve, over the arguments that the samples have.

    Parameters
    ----------
    formula : Formula
        As `kan_np.discovery.readable.readable` writes it.
    """
    from matplotlib.figure import Figure

    arguments = _arguments(formula)
    rows = -(-len(arguments) // _COLUMNS)
    columns = min(len(arguments), _COLUMNS)
    figure = Figure(
        figsize=(3.2 * columns, 2.5 * rows + 0.4), dpi=150, facecolor="white", layout="constrained"
    )
    for place, (name, argument) in enumerate(sorted(arguments.items()), start=1):
        axes = figure.add_subplot(rows, columns, place)
        function = formula.functions[name]
        low, high = function.reach if isinstance(function, RescaledFunction) else (-1.0, 1.0)
        at = np.linspace(low, high, _POINTS)
        axes.plot(at, function(at), color=BLUE, lw=1.8)
        axes.set_title(f"${_named(name)}$", loc="left", math_fontfamily="cm", color=INK)
        # Matplotlib draws brackets of this size smaller than the letters
        label = latex_of(argument, formula.variables).replace(r"\left", "").replace(r"\right", "")
        axes.set_xlabel(f"${label}$" if len(label) <= _LONGEST else "its argument", math_fontfamily="cm")
        axes.spines[["top", "right"]].set_visible(False)
    text = text_of(formula.expressions[0])
    if len(text) <= _LONGEST * columns // 2:
        figure.suptitle(text, fontsize=9, color=INK)
    return figure


def _arguments(formula: Formula) -> dict[str, Any]:
    """The argument of each function where it occurs first."""
    import sympy
    from sympy.core.function import AppliedUndef

    found: dict[str, Any] = {}
    for expression in formula.expressions:
        for part in sympy.preorder_traversal(expression):
            if isinstance(part, AppliedUndef):
                found.setdefault(str(part.func), part.args[0])
    return found


def _named(name: str) -> str:
    letters = name.rstrip("0123456789")
    return f"{letters}_{{{name[len(letters) :]}}}"
