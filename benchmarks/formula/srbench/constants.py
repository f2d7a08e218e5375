"""The decimal numbers of a formula as parameters, fitted to rows by least squares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import sympy
from numpy.typing import NDArray
from scipy.optimize import least_squares

from benchmarks.formula.srbench.equations import Rows, symbols
from kan_np.functions.expression import numeric_of

#: Evaluations of a fit; those of a Jacobian do not count.
_MOST_EVALUATIONS = 200
#: Stands for residuals where a formula is not real, in units of the labels' spread.
_NOT_REAL = 1e3


@dataclass(frozen=True)
class Adjustable:
    """A formula in x_1 to x_n with its decimal numbers taken out.

    Attributes
    ----------
    expression : sympy.Expr
    n_variables : int
    """

    expression: sympy.Expr
    n_variables: int

    @cached_property
    def _atoms(self) -> list[sympy.Float]:
        return sorted(self.expression.atoms(sympy.Float), key=float)

    @property
    def numbers(self) -> Rows:
        """The decimal numbers, each once."""
        return np.array([float(atom) for atom in self._atoms])

    @cached_property
    def _numeric(self) -> Callable[..., Rows]:
        names = symbols(self.n_variables + len(self._atoms))
        places = dict(zip(self._atoms, names[self.n_variables :], strict=True))
        return numeric_of(names, self.expression.xreplace(places))

    def values(self, x: Rows, numbers: NDArray[np.float64] | None = None) -> Rows:
        """Of the formula on rows, with other numbers if they are given."""
        return np.asarray(self._numeric(*x.T, *(self.numbers if numbers is None else numbers)))

    def fitted(self, x: Rows, y: Rows, offset: bool = False, factor: bool = False) -> tuple[Rows, Rows]:
        """The numbers after least squares from the present ones, and the values on the rows.

        `offset` and `factor` fit a number that is added to all and one that all is multiplied with as well;
        they are not among the numbers.
        """
        spread = float(np.std(y)) or 1.0
        start = self.numbers
        further = np.array([0.0] * offset + [1.0] * factor)
        n = len(start)

        def values(parameters: Rows) -> Rows:
            own = self.values(x, np.where(start == 0, parameters[:n], start * parameters[:n]))
            if factor:
                own = own * parameters[-1]
            return own + spread * parameters[n] if offset else own

        def residuals(parameters: Rows) -> Rows:
            rest = (values(parameters) - y) / spread
            return np.clip(np.where(np.isfinite(rest), rest, _NOT_REAL), -1e100, 1e100)

        first = np.concatenate([np.where(start == 0, 0.0, 1.0), further])
        if first.size:
            done = least_squares(
                residuals, first, method="trf", xtol=1e-15, ftol=1e-15, gtol=1e-15, max_nfev=_MOST_EVALUATIONS
            )
            first = done.x
        return np.where(start == 0, first[:n], start * first[:n]), values(first)

    def with_numbers(self, numbers: Rows) -> sympy.Expr:
        """The formula with other numbers."""
        places = {a: sympy.Float(float(b), 17) for a, b in zip(self._atoms, numbers, strict=True)}
        return self.expression.xreplace(places)
