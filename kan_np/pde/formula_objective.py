"""Formulas as solutions of a problem: the residuals of equation and conditions as functions of their numbers.

A formula u(x; theta) with numbers theta solves the problem where

    f(theta) = sum over terms of  weight * mean of residual^2  +  mean of (what is built in)^2

is 0. Derivatives of u by the coordinates are those of the formula, and derivatives of these by theta too: the
numbers come out with all digits, whatever the errors of the network that the formula was read from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kan_np._validate import FloatArray
from kan_np.functions.tape import Tape
from kan_np.jets.multi_index import MultiIndex
from kan_np.pde.built_in import BuiltIn, built_in_conditions
from kan_np.pde.problem import BoundTerm, Problem
from kan_np.symbolic.parametric_formula import Skeleton

if TYPE_CHECKING:
    import sympy


class FormulaObjective:
    """f and its rows, for `kan_np.optimize.orthogonal`.

    Parameters
    ----------
    problem : Problem
    expressions : sequence of sympy.Expr
        One an output; their Floats are the numbers.
    variables : sequence of sympy.Symbol
        What stands for the coordinates.
    unknowns : ndarray of shape (n_unknowns,)
        Values of the unknowns of the problem at the start; they are numbers that are looked for, too.
    round_ : int
        Of the points.
    """

    def __init__(
        self,
        problem: Problem,
        expressions: Sequence[sympy.Expr],
        variables: Sequence[sympy.Symbol],
        unknowns: FloatArray,
        round_: int = 0,
    ) -> None:
        self._variables = list(variables)
        self._skeletons = [Skeleton(expression, variables) for expression in expressions]
        self.start = np.concatenate([*(own.theta for own in self._skeletons), unknowns])
        self._n_unknowns = unknowns.size
        self._tapes: dict[tuple[int, MultiIndex], Tape] = {}
        self._terms = list(zip(problem.terms, problem.points(round_), strict=True))
        self._names = problem.names
        self._built_in = built_in_conditions(problem.form)
        self.mse = np.nan

    def expressions(self, theta: FloatArray) -> list[sympy.Expr]:
        """The formulas with their numbers."""
        found, at = [], 0
        for own in self._skeletons:
            found.append(own.with_numbers({}, theta[at : at + own.theta.size]))
            at += own.theta.size
        return found

    def unknowns(self, theta: FloatArray) -> FloatArray:
        """The unknowns of the problem."""
        return theta[theta.size - self._n_unknowns :]

    def value(self, theta: FloatArray) -> float:
        """f."""
        self.mse = float(sum(np.sum(own * own) for own in self._weighted(theta)))
        return self.mse

    def rows(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Residuals r with f = |r|^2, and their transposed Jacobian."""
        residual = np.concatenate(self._weighted(theta))
        by_term = [self._slopes(*own, theta) for own in self._terms]
        by_condition = [self._condition_slopes(own, theta) for own in self._built_in]
        self.mse = float(residual @ residual)
        return residual, np.concatenate([*by_term, *by_condition], axis=1)

    def term_residuals(self, theta: FloatArray) -> dict[str, FloatArray]:
        """The residual of every term at its points, without weights."""
        return {own.name: self._residual(own, points, theta) for own, points in self._terms}

    def condition_residuals(self, theta: FloatArray) -> list[tuple[str, FloatArray]]:
        """What is not as it is built in, with the name of the derivative."""
        return [(self._name(own), self._condition(own, theta)) for own in self._built_in]

    def derivatives(
        self, points: FloatArray, names: Sequence[str], theta: FloatArray
    ) -> dict[str, FloatArray]:
        """Derivatives of the formulas by name."""
        return {name: self._tape(name)(*points.T, *self._numbers(theta)) for name in names}

    def _name(self, condition: BuiltIn) -> str:
        output = self._names.outputs[condition.output]
        by = "".join(self._names.coordinates[i] for i in condition.index)
        return f"{output}_{by}" if by else output

    def _weighted(self, theta: FloatArray) -> list[FloatArray]:
        found = [_scale(own, points) * self._residual(own, points, theta) for own, points in self._terms]
        return found + [self._condition(own, theta) / np.sqrt(len(own.points)) for own in self._built_in]

    def _arguments(self, term: BoundTerm, points: FloatArray, theta: FloatArray) -> dict[str, Any]:
        values: dict[str, Any] = {
            name: points[:, i]
            for i, name in enumerate(self._names.coordinates)
            if name in term.residual.arguments
        }
        values |= dict(zip(self._names.unknowns, self.unknowns(theta).tolist(), strict=True))
        return values | self.derivatives(points, self._sought(term), theta)

    def _sought(self, term: BoundTerm) -> list[str]:
        return [name for name in term.residual.sought if name not in self._names.unknowns]

    def _residual(self, term: BoundTerm, points: FloatArray, theta: FloatArray) -> FloatArray:
        found = term.residual(self._arguments(term, points, theta), len(points))
        return found if term.target is None else found - term.target

    def _slopes(self, term: BoundTerm, points: FloatArray, theta: FloatArray) -> FloatArray:
        rows = np.zeros((theta.size, len(points)))
        by_argument = term.residual.slopes(self._arguments(term, points, theta), len(points))
        for name in self._sought(term):
            by_numbers = self._by_numbers(self._tape(name), points, theta)
            rows[: theta.size - self._n_unknowns] += by_argument[name] * by_numbers
        for place, name in enumerate(self._names.unknowns):
            if name in by_argument:
                rows[theta.size - self._n_unknowns + place] += by_argument[name]
        return _scale(term, points) * rows

    def _condition(self, own: BuiltIn, theta: FloatArray) -> FloatArray:
        tape, numbers = self._tape_of(own.output, own.index), self._numbers(theta)
        found = tape(*own.points.T, *numbers) - own.target
        return found if own.opposite is None else found - tape(*own.opposite.T, *numbers)

    def _condition_slopes(self, own: BuiltIn, theta: FloatArray) -> FloatArray:
        rows = np.zeros((theta.size, len(own.points)))
        tape, n = self._tape_of(own.output, own.index), theta.size - self._n_unknowns
        rows[:n] = self._by_numbers(tape, own.points, theta)
        if own.opposite is not None:
            rows[:n] -= self._by_numbers(tape, own.opposite, theta)
        return rows / np.sqrt(len(own.points))

    def _by_numbers(self, tape: Tape, points: FloatArray, theta: FloatArray) -> FloatArray:
        """Derivatives by the numbers of the formulas, (n_numbers, n); 0 where they are not real."""
        slopes = tape.slopes(len(points), *points.T, *self._numbers(theta))
        own = slopes[len(self._variables) :]
        return np.stack(own) if own else np.zeros((0, len(points)))

    def _numbers(self, theta: FloatArray) -> FloatArray:
        return theta[: theta.size - self._n_unknowns]

    def _tape(self, name: str) -> Tape:
        found = self._names.derivative(name)
        if found is None:
            raise ValueError(f"{name!r} is no output or derivative of one.")
        return self._tape_of(*found)

    def _tape_of(self, output: int, index: MultiIndex) -> Tape:
        if (output, index) not in self._tapes:
            import sympy

            expression = self._skeletons[output].expression
            derived = sympy.diff(expression, *(self._variables[i] for i in index)) if index else expression
            parameters = [p for own in self._skeletons for p in own.parameters]
            self._tapes[output, index] = Tape([*self._variables, *parameters], derived)
        return self._tapes[output, index]


def _scale(term: BoundTerm, points: FloatArray) -> float:
    """sqrt(weight / n); a balanced weight counts as 1."""
    weight = 1.0 if isinstance(term.weight, str) else float(term.weight)
    return float(np.sqrt(weight / len(points)))
