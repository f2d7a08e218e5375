"""What belongs to an equation that ships: problem, solution to compare with, networks, settings, errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from kan_np import _validate
from kan_np._validate import FloatArray, matrix
from kan_np.mlp import MLP
from kan_np.model import KAN
from kan_np.pde.names import Names
from kan_np.pde.points import grid
from kan_np.pde.problem import Problem
from kan_np.pde.solution import Solution
from kan_np.pde.solve import solve

#: Points along every coordinate where errors are measured, by the number of coordinates.
_TEST_POINTS = {1: 2001, 2: 201}


class Reference(Protocol):
    """A solution that others are compared with: outputs and first derivatives by name."""

    def __call__(self, points: FloatArray, *names: str) -> dict[str, FloatArray]:
        """Values at points (n, n_coordinates), each (n,)."""
        ...


class ClassicalSolution(Reference, Protocol):
    """What a classical solver has found: a function of that many numbers."""

    @property
    def n_values(self) -> int:
        """Coefficients of its series, or values at its steps."""
        ...


class Formula:
    """A solution in closed form.

    Parameters
    ----------
    names : Names
    expressions : mapping of str to str or sympy.Expr
        Of every output, in the coordinates.
    """

    def __init__(self, names: Names, expressions: Mapping[str, Any]) -> None:
        import sympy

        known = {name: sympy.Symbol(name) for name in names.coordinates}
        self._names, self._symbols = names, list(known.values())
        self.expressions = {u: sympy.sympify(own, locals=known) for u, own in expressions.items()}

    def __call__(self, points: FloatArray, *names: str) -> dict[str, FloatArray]:
        """See `Reference`; derivatives of any order."""
        import sympy

        from kan_np.functions.expression import numeric_of

        found = {}
        for name in names:
            own = self._names.derivative(name)
            if own is None:
                raise ValueError(f"{name!r} is no output or derivative of one.")
            expression = self.expressions[self._names.outputs[own[0]]]
            derived = sympy.diff(expression, *(self._symbols[i] for i in own[1])) if own[1] else expression
            found[name] = numeric_of(self._symbols, derived)(*points.T)
        return found


@dataclass(frozen=True)
class Errors:
    """How far a solution is from the reference, over an even grid of the domain.

    Attributes
    ----------
    l2 : float
        |u - v| / |v|, Euclidean norms over points and outputs.
    h1 : float
        The same of values and first derivatives together.
    maximum : float
        Largest |u - v|.
    """

    l2: float
    h1: float
    maximum: float


@dataclass(frozen=True, eq=False)
class Equation:
    """A differential equation with a known solution.

    Attributes
    ----------
    name : str
    formula : str
        The equation in one line.
    problem : Problem
    reference : Reference
        The solution.
    accuracy : float
        Relative error of the reference itself.
    network : callable
        Makes the KAN that is recommended, given a seed.
    mlp : callable
        Makes an MLP of tanh of about as many parameters, given a seed.
    settings : dict
        Arguments of `kan_np.pde.solve` for the KAN.
    mlp_settings : dict
        The same for the MLP.
    starts : int
        Networks of which the best goes on, of KANs and of MLPs.
    sums : callable, optional
        Makes a KAN of sums of splines alone, given a seed, where the recommended one is another.
    sums_settings : dict
        Arguments of `kan_np.pde.solve` for it.
    true : dict of str to float
        True values of the unknowns.

    Examples
    --------
    >>> from kan_np.pde import equations
    >>> oscillator = equations.oscillator()
    >>> oscillator.errors(oscillator.solve()).l2 < 1e-6
    True
    """

    name: str
    formula: str
    problem: Problem
    reference: Reference
    accuracy: float
    network: Callable[[int], KAN]
    mlp: Callable[[int], MLP]
    settings: dict[str, Any]
    mlp_settings: dict[str, Any] = field(default_factory=lambda: {"steps": 300})
    starts: int = 1
    sums: Callable[[int], KAN] | None = None
    sums_settings: dict[str, Any] = field(default_factory=dict)
    true: dict[str, float] = field(default_factory=dict)

    def solve(
        self, seed: int = 0, *, by: str = "recommended", starts: int | None = None, **changes: Any
    ) -> Solution:
        """Solve it by one of its networks and settings, from starts that belong to a seed.

        Parameters
        ----------
        seed : int
        by : {"recommended", "sums", "mlp"}
            The network.
        starts : int, optional
            Random starts, of which the best goes on; those of the settings if None, one for sums of splines.
        **changes
            Other arguments of `kan_np.pde.solve`.
        """
        make, settings, usual = self._ways()[_validate.choice("by", by, tuple(self._ways()))]
        n_starts = usual if starts is None else _validate.integer("starts", starts, 1)
        return solve(self.problem, [make(1000 * seed + i) for i in range(n_starts)], **(settings | changes))

    def _ways(self) -> dict[str, tuple[Callable[[int], Any], dict[str, Any], int]]:
        """Networks, settings and numbers of starts by name."""
        ways: dict[str, tuple[Callable[[int], Any], dict[str, Any], int]] = {
            "recommended": (self.network, self.settings, self.starts),
            "mlp": (self.mlp, self.mlp_settings, self.starts),
        }
        return ways if self.sums is None else ways | {"sums": (self.sums, self.sums_settings, 1)}

    def test_points(self) -> FloatArray:
        """The even grid where errors are measured, boundary included."""
        form = self.problem.form
        n = _TEST_POINTS[len(form.low)]
        return grid(list(zip(form.low, form.high, strict=True)), n, ends=True).points()

    def errors(self, solution: Solution, points: ArrayLike | None = None) -> Errors:
        """Errors of a solution, on `test_points` if None."""
        return self.errors_of(solution.derivatives, points)

    def errors_of(self, found_by: Reference, points: ArrayLike | None = None) -> Errors:
        """Errors of any function that gives outputs and first derivatives, as of a classical solver."""
        names = self.problem.names
        where = self.test_points() if points is None else matrix("points", points, len(names.coordinates))
        slopes = [f"{u}_{x}" for u in names.outputs for x in names.coordinates]
        found = found_by(where, *names.outputs, *slopes)
        true = self.reference(where, *names.outputs, *slopes)
        values, every = (_norms(found, true, own) for own in (names.outputs, [*names.outputs, *slopes]))
        largest = max(float(np.abs(found[u] - true[u]).max()) for u in names.outputs)
        return Errors(values, every, largest)


def products(n_products: int, degree: int, n_outputs: int = 1) -> Callable[[int], KAN]:
    """Networks w_1 p_1 q_1 + ... + w_n p_n q_n of sums p, q of Chebyshev polynomials, given a seed."""

    def made(seed: int) -> KAN:
        width: list[int | list[int]] = [2, [0, n_products], n_outputs]
        return KAN(width, edges=["chebyshev", "linear"], degree=degree, seed=seed)

    return made


def smooth(hidden: int, degree: int) -> Callable[[int], KAN]:
    """Networks [2, hidden, hidden, 1] of Chebyshev polynomials of tanh, given a seed."""
    width = [2, hidden, hidden, 1]
    return lambda seed: KAN(width, edges="chebyshev", degree=degree, squash=True, seed=seed)


def sums_of_splines(hidden: int, grid: int, n_outputs: int = 1) -> Callable[[int], KAN]:
    """Networks [2, hidden, n_outputs] of splines of order 5, given a seed."""
    return lambda seed: KAN([2, hidden, n_outputs], grid=grid, k=5, extrapolation="continue", seed=seed)


def _norms(found: Mapping[str, FloatArray], true: Mapping[str, FloatArray], names: Any) -> float:
    """|found - true| / |true| over some names together."""
    apart = sum(float(np.sum((found[name] - true[name]) ** 2)) for name in names)
    return float(np.sqrt(apart / sum(float(np.sum(true[name] ** 2)) for name in names)))
