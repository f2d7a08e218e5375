"""Candidate: a model with its formula; Discovery: candidates on a frontier of error against complexity."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from kan_np import _html
from kan_np.discovery.noise import Noise
from kan_np.functions.variables import text_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kan_np.model import KAN
    from kan_np.surgery.formula import Formula

#: Bits of an operation of a formula.
_BITS_PER_OPERATION = 3.0
#: Characters of LaTeX that are typeset at most; more would be a line wider than any screen.
_TYPESET = 400


@dataclass(frozen=True)
class Candidate:
    """A model and what it says.

    Attributes
    ----------
    shape : str
        Kind of formula it came from, such as "g(sum)".
    model : KAN
    formula : Formula
        Its constants are fitted to training and validation samples.
    train_rmse, val_rmse : float
        Errors of the formula in the units of the labels, or, where edges stayed splines, of the model: after
        the fit to training and validation samples.
    complexity : float
        Length of the formula, plus the number of parameters of edges that stayed splines.
    exact : bool
        Whether all edges are symbols and the labels' own digits agree: nearly every residual is rounding, or
        within half a unit of the last digit that its label is written with. Of as many numbers as samples no
        formula is exact.
    length : float
        Bits of a message with the formula and the residuals of all samples: less is better. Where edges
        stayed splines, as if all were as those of the validation samples.
    misfit : str
        What of it does not fit the units of the columns; empty where all does, and without units.
    units : str
        Its numbers that carry a unit, with these.
    """

    shape: str
    model: KAN
    formula: Formula
    train_rmse: float
    val_rmse: float
    complexity: float
    exact: bool
    length: float
    misfit: str = ""
    units: str = ""

    @property
    def n_numbers(self) -> int:
        """What was chosen by the data: numbers other than 1 and -1, functions and parameters of splines."""
        import sympy

        parts = [p for e in self.formula.expressions for p in sympy.preorder_traversal(e)]
        numbers = sum(1 for p in parts if p.is_number and not p.args and p not in (1, -1))
        functions = sum(1 for p in parts if isinstance(p, sympy.core.function.Application))
        return numbers + functions + int(self.model._network.spline_params.size)

    @property
    def symbolic(self) -> bool:
        """Whether it is a formula: False where edges stayed splines, for which phi_l_i_j stand."""
        return not self.formula.splines

    def plot(self, **options: Any) -> Figure:
        """Draw the model, inputs named as in the formula; `options` are those of ``KAN.plot``.

        Of a formula with functions f1, f2, ... that are curves only, these are drawn, each over its argument;
        with options the model.
        """
        if not self.symbolic and not options:
            from kan_np.discovery.drawn import drawn_functions

            return drawn_functions(self.formula)
        names = [self.formula.variables[column] for column in self.model.input_id]
        return self.model.plot(**{"in_vars": names, **options})

    def __repr__(self) -> str:
        """Formula, complexity and error."""
        kind = "exact" if self.exact else f"val_rmse={self.val_rmse:.2e}"
        if not self.symbolic:
            kind += f", no formula: {self.formula.what_is_left()}"
        text = text_of(self.formula.expressions[0])
        legend = self.formula.legend_text()
        if legend:
            kind += f", {legend}"
        if self.units:
            kind += f", units: {self.units}"
        return f"Candidate({text}, complexity={self.complexity:.3g}, {kind})"


@dataclass(frozen=True, repr=False)
class Discovery:
    """What `discover` found.

    Attributes
    ----------
    candidates : list of Candidate
        A ladder of formulas from a constant up: each is more accurate on validation samples than all that
        are simpler; simplest first.
    best : Candidate
        The simplest exact one; else the one with the shortest message, but one with splines only if every
        formula loses more than the noise, and more than 1 % of the spread of the labels, against it
        (`kan_np.discovery.choice`).
    n_trained : int
        Shapes that were trained.
    cpu_s : float
        Processor time, in seconds.
    tried : dict of str to float
        Least validation RMSE of the splines of every shape, by its name.
    notes : tuple of str
        What was not tried, the noise, and what is to be known about the best.
    noise : Noise, optional
        Standard deviation of the noise of the labels, and what it was estimated from; None where the best is
        exact and where nothing can be said.
    spread : float
        Standard deviation of the training labels.
    """

    candidates: list[Candidate]
    best: Candidate
    n_trained: int
    cpu_s: float
    tried: dict[str, float] = field(default_factory=dict, repr=False)
    notes: tuple[str, ...] = ()
    noise: Noise | None = None
    spread: float = 0.0

    def table(self) -> str:
        """The frontier as text: complexity, error and formula of each candidate.

        Examples
        --------
        >>> from kan_np import create_dataset
        >>> from kan_np.discovery import discover
        >>> found = discover(create_dataset(lambda x: 2 * x[:, [0]] ** 2, n_var=1, train_num=100, seed=0))
        >>> print(found.table().splitlines()[0])
        complexity  val RMSE  formula
        """
        rows = [
            f"{c.complexity:10.4g}  {c.val_rmse:8.1e}  {text_of(c.formula.expressions[0])}"
            + ("" if c.symbolic else f"  ({len(c.formula.splines)} splines left, no formula)")
            for c in self.candidates
        ]
        return "\n".join(["complexity  val RMSE  formula", *rows, *self.legend_lines()])

    def legend_lines(self) -> list[str]:
        """What the symbols of the formulas stand for, as a line of text; none where they are the columns."""
        legend: dict[str, str] = {}
        for candidate in (*self.candidates, self.best):
            legend |= candidate.formula.legend
        used = {s.name for c in self.candidates for e in c.formula.expressions for s in e.free_symbols}
        said = [f"{symbol} = {column!r}" for symbol, column in legend.items() if symbol in used]
        return [f"with {', '.join(said)}"] if said else []

    def __repr__(self) -> str:
        """The best formula, the ladder as a table, and the noise."""
        noise = [] if self.noise is None else [self.noise.said(self.spread)]
        head = f"Discovery of {len(self.candidates)} formulas, best {self.best!r}"
        return "\n".join([head, self.table(), *noise])

    def _repr_html_(self) -> str:
        """For notebooks: the frontier, the best formula in bold, what was noted, and the best model."""
        header = ["complexity", "val RMSE", "formula"]
        rows, number = [], None
        for i, candidate in enumerate(self.candidates):
            numbers = [f"{candidate.complexity:.4g}", f"{candidate.val_rmse:.1e}"]
            rows.append([*numbers, _typeset(candidate)])
            if candidate is self.best:
                number = i
        best = f"Best{', exact' * self.best.exact}: {_typeset(self.best)}"
        below = map(_html.paragraph, (*self.legend_lines(), *self.notes))
        told = [_html.paragraph(best), _html.table(header, rows, number), *below]
        return "".join(told) + _html.drawing(self.best.model.n_params, self.best.plot)


def _typeset(candidate: Candidate) -> str:
    """The formula as LaTeX between dollar signs, which notebooks typeset; a long one as text."""
    latex = candidate.formula.latex()[0]
    return f"${latex}$" if len(latex) <= _TYPESET else text_of(candidate.formula.expressions[0])


def message_bits(rmse: float, rounding: float, n: int, complexity: float, n_constants: int) -> float:
    """Return n log2 rmse + 3 bits an operation + log2(n) / 2 a constant that is fitted."""
    accuracy = n * float(np.log2(max(rmse, rounding)))
    return accuracy + _BITS_PER_OPERATION * complexity + n_constants / 2 * float(np.log2(n))
