"""The formula of a solution: symbols on its network's edges, or found for its values; exact by the equation.

A network knows its solution to some digits; the equation knows all of them. A formula that is read from the
network is a guess whose numbers are then fitted to the equation and its conditions alone
(`kan_np.pde.formula_objective`): if the guess has the right form, its residual falls to rounding, and its
numbers are recognised as fractions, multiples of pi, e or roots.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kan_np._time_limit import TimeOverError, ended_at
from kan_np._validate import FloatArray
from kan_np.functions.expression import numeric_of
from kan_np.functions.library import SymbolLibrary
from kan_np.mlp import MLP
from kan_np.model import KAN
from kan_np.optimize import levenberg_marquardt
from kan_np.optimize.orthogonal import OrthogonalSearch
from kan_np.pde import formula_guesses
from kan_np.pde.formula_objective import FormulaObjective
from kan_np.pde.points import FRESH, sobol
from kan_np.pde.problem import Problem
from kan_np.pde.relative_residual import Derivatives, scales, term_scales
from kan_np.surgery.formula import Formula
from kan_np.symbolic.exact_constants import with_exact_numbers
from kan_np.symbolic.simplify import simplified

#: Points that a formula is found on.
_POINTS = 1024
#: Residuals below this part of the equation's parts are rounding; chosen by judgement: formulas of the right
#: form come to 1e-12 or less, all others stop where they differ from the solution.
_ROUNDING = 1e-10
#: Numbers that the equation has settled are known so well, in parts of the spread of the solution.
_KNOWN = 1e-12
_STEPS = 300
#: Part of the time that a guess is fitted, and a formula that is not exact simplified, and its least seconds.
_SHARE, _LEAST_SECONDS = 0.1, 3.0
#: A formula farther from the solution, in parts of its spread, is another one of the same equation; chosen by
#: judgement: boundary values that are held loosely leave some hundredths.
_ALIKE = 0.3
#: What sympy and NumPy raise where a derivative of a formula is not known, or has numbers that are too large.
_NOT_KNOWN = (NotImplementedError, NameError, ArithmeticError)
#: Labels of the search are written with the digits that the solution has: it may be off by so many times
#: what its residual says.
_SAFE = 5.0


@dataclass(frozen=True, repr=False)
class SolutionFormula(Formula):
    """The functions of a solution as sympy expressions of the coordinates.

    As ``model.symbolic_formula()``: see `kan_np.surgery.formula.Formula` for what it has beside.

    Attributes
    ----------
    exact : bool
        Whether equation, conditions and what is built in hold up to rounding, on points of their own.
    residuals : dict of str to float
        Root mean square of every term's residual for the formula, on those points; NaN where derivatives of
        the formula are not known.
    unknowns : dict of str to float
        Of the problem, fitted together with the numbers of the formula.
    """

    exact: bool = False
    residuals: Mapping[str, float] = field(default_factory=dict)
    unknowns: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class _Judged:
    """Formulas, and the residuals that they have on fresh points.

    Attributes
    ----------
    expressions : sequence of sympy.Expr
    unknowns : ndarray of shape (n_unknowns,)
    residuals : dict of str to float
        Root mean square of every term's residual.
    relative : float
        The largest residual of an equation or condition in parts of what it is made of.
    """

    expressions: Sequence[Any]
    unknowns: FloatArray
    residuals: Mapping[str, float]
    relative: float


class FormulaFinder:
    """Finds the formula of a solution.

    Parameters
    ----------
    problem : Problem
    model : KAN or MLP
        The network of the solution.
    unknowns : dict of str to float
    derivatives : callable
        Of the solution, by name, at points.
    """

    def __init__(
        self, problem: Problem, model: KAN | MLP, unknowns: Mapping[str, float], derivatives: Derivatives
    ) -> None:
        import sympy

        self._problem, self._model, self._derivatives = problem, model, derivatives
        self._unknowns = np.array(list(unknowns.values()), dtype=np.float64)
        names, form = problem.names, problem.form
        self._inner = [sympy.Symbol(f"x_{i:03d}", real=True) for i in range(len(names.coordinates))]
        bounds = list(zip(form.low.tolist(), form.high.tolist(), strict=True))
        self._points = sobol(bounds, _POINTS).points()
        self._values = self._of(derivatives, self._points)

    def found(
        self, lib: Sequence[str] | None, library: SymbolLibrary | None, seconds: float, seed: int
    ) -> SolutionFormula:
        """The first guess that the equation makes exact; else the one that is nearest to the solution."""
        self._seconds = max(_SHARE * seconds, _LEAST_SECONDS)
        nearest: tuple[float, list[Any]] | None = None
        for guess in self._guesses(lib, library, seconds, seed):
            judged = self._fitted(guess)
            if judged.relative <= _ROUNDING and self._is_alike(judged):
                return self._exact(judged)
            error = self._error(guess)
            if np.isfinite(error) and (nearest is None or error < nearest[0]):
                nearest = error, guess
        assert nearest is not None  # noqa: S101  a constant is always among them
        return self._written(self._judged(self._near(nearest[1]), self._unknowns), exact=False)

    def _guesses(
        self, lib: Sequence[str] | None, library: SymbolLibrary | None, seconds: float, seed: int
    ) -> Iterator[list[Any]]:
        form, labels = self._problem.form, self._labels()
        if isinstance(self._model, KAN):
            own = formula_guesses.of_network(self._model._network, form, self._inner)
            if own is not None:
                yield own
                return
            inputs = self._problem.network_inputs(self._points)
            outputs = self._model._network.forward(inputs)
            symbolic = formula_guesses.with_symbols(self._model, inputs, outputs, lib, library)
            own = formula_guesses.of_network(symbolic, form, self._inner)
            if own is not None:
                yield own
        yield from formula_guesses.of_values(
            self._points, labels, self._inner, lib=lib, library=library, seconds=seconds, seed=seed
        )

    def _labels(self) -> FloatArray:
        """Values of the solution, with the digits that its residual says it has."""
        known = dict(zip(self._problem.names.unknowns, self._unknowns.tolist(), strict=True))
        points = self._problem.points(FRESH)
        size = term_scales(self._problem, self._derivatives, known, points)
        relative = 0.0
        for term, own in zip(self._problem.terms, points, strict=True):
            if not term.is_data:
                arguments = dict(zip(self._problem.names.coordinates, own.T, strict=True)) | known
                arguments |= self._derivatives(own, [n for n in term.residual.sought if n not in known])
                rest = term.residual(arguments, len(own)) - (0.0 if term.target is None else term.target)
                relative = max(relative, _rms(rest) / max(size[term.name], 1e-300))
        spread = self._values.std(axis=0)
        unit = _SAFE * max(min(relative, 1e-2), 1e-15) * np.where(spread > 0, spread, 1.0)
        decimals = np.floor(-np.log10(unit)).astype(int)
        return np.stack(
            [np.round(own, int(d)) for own, d in zip(self._values.T, decimals, strict=True)], axis=1
        )

    def _fitted(self, guess: Sequence[Any]) -> _Judged:
        """The guess with its numbers fitted to the equation, or as it is where that cannot be evaluated."""
        try:
            objective: Any = FormulaObjective(self._problem, guess, self._inner, self._unknowns)
            theta = objective.start
            if theta.size:
                end = time.thread_time() + self._seconds
                theta = levenberg_marquardt.minimize(
                    objective, theta, _STEPS, lambda _: time.thread_time() > end, OrthogonalSearch
                ).theta
        except _NOT_KNOWN:
            return self._judged(guess, self._unknowns)
        return self._judged(objective.expressions(theta), objective.unknowns(theta))

    def _judged(self, expressions: Sequence[Any], unknowns: FloatArray) -> _Judged:
        """How far the formulas are from solving the problem, on points that they were not fitted to."""
        try:
            residuals, relative = self._residuals(expressions, unknowns)
        except _NOT_KNOWN:
            residuals, relative = {term.name: np.nan for term in self._problem.terms}, np.inf
        return _Judged(expressions, unknowns, residuals, relative)

    def _residuals(self, expressions: Sequence[Any], unknowns: FloatArray) -> tuple[dict[str, float], float]:
        """Root mean square residuals by term, and the largest in parts of what it is made of."""
        objective = FormulaObjective(self._problem, expressions, self._inner, unknowns, FRESH)
        theta = objective.start
        known = dict(zip(self._problem.names.unknowns, unknowns.tolist(), strict=True))

        def derivatives(points: FloatArray, names: Sequence[str]) -> dict[str, FloatArray]:
            return objective.derivatives(points, names, theta)

        points = self._problem.points(FRESH)
        size = term_scales(self._problem, derivatives, known, points)
        found = {name: _rms(own) for name, own in objective.term_residuals(theta).items()}
        parts = [(found[term.name], size[term.name]) for term in self._problem.terms if not term.is_data]
        for name, own in objective.condition_residuals(theta):
            parts.append((_rms(own), scales(self._problem, derivatives, [name])[name]))
        # where there is nothing but data no formula is exact
        relative = max((own / max(unit, 1e-300) for own, unit in parts), default=np.inf)
        return found, relative if np.isfinite(relative) else np.inf

    def _is_alike(self, judged: _Judged) -> bool:
        """Whether it is this solution, not another one of the same equation."""
        return self._error(judged.expressions) <= _ALIKE

    def _exact(self, judged: _Judged) -> SolutionFormula:
        """The formulas with their numbers recognised, where the equation still holds with these."""
        noise = max(_KNOWN, 10.0 * judged.relative)
        short = [self._simple(expression, noise) for expression in judged.expressions]
        again = self._judged(short, judged.unknowns)
        return self._written(again if again.relative <= _ROUNDING else judged, exact=True)

    def _near(self, guess: Sequence[Any]) -> list[Any]:
        """Formulas that are no solution, as simple as their distance from it allows."""
        found = []
        for expression, column in zip(guess, self._values.T, strict=True):
            apart = numeric_of(self._inner, expression)(*self._points.T) - column
            spread = float(np.std(column)) or 1.0
            found.append(expression)
            try:
                with ended_at(time.monotonic() + self._seconds):
                    noise = _rms(apart) / spread
                    found[-1] = self._simple(expression, max(noise, _KNOWN))
            except TimeOverError:
                continue  # a long formula, which nobody reads, stays as it is
        return found

    def _simple(self, expression: Any, noise: float) -> Any:
        """With numbers recognised that values with so much noise, in parts of their spread, can tell."""
        import sympy

        values = numeric_of(self._inner, expression)(*self._points.T)
        deviation = noise * (float(np.std(values)) or 1.0)
        found, _ = with_exact_numbers(expression, self._inner, self._points, values, noise=deviation)
        short = simplified(found, self._inner, self._points)
        if short != found and short.has(sympy.Float):
            again, _ = with_exact_numbers(short, self._inner, self._points, values, noise=deviation)
            short = simplified(again, self._inner, self._points)
        return short

    def _error(self, expressions: Sequence[Any]) -> float:
        """Root mean square distance from the solution, in parts of its spread."""
        values = np.stack([numeric_of(self._inner, e)(*self._points.T) for e in expressions], axis=1)
        spread = self._values.std(axis=0)
        apart = (values - self._values) / np.where(spread > 0, spread, 1.0)
        return _rms(apart)

    def _written(self, judged: _Judged, *, exact: bool) -> SolutionFormula:
        import sympy

        values = np.stack([numeric_of(self._inner, e)(*self._points.T) for e in judged.expressions], axis=1)
        apart = values - self._values
        shown = [sympy.Symbol(name) for name in self._problem.names.coordinates]
        there = dict(zip(self._inner, shown, strict=True))
        return SolutionFormula(
            [e.subs(there, simultaneous=True) for e in judged.expressions],
            shown,
            {},
            float(np.abs(apart).max()),
            _rms(apart),
            exact=exact,
            residuals=judged.residuals,
            unknowns=dict(zip(self._problem.names.unknowns, judged.unknowns.tolist(), strict=True)),
        )

    def _of(self, derivatives: Derivatives, points: FloatArray) -> FloatArray:
        names = self._problem.names.outputs
        found = derivatives(points, names)
        return np.stack([found[name] for name in names], axis=1)


def _rms(values: FloatArray) -> float:
    """Root mean square."""
    return float(np.sqrt(np.mean(values * values)))
