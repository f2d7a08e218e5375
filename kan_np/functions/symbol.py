"""Symbol: a named function of one variable with its formula, derivatives, domain and symmetries."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kan_np._validate import FloatArray
from kan_np.functions.guard import LARGEST, Function, Guard, build_guard
from kan_np.functions.program import Program, program_of

if TYPE_CHECKING:
    import sympy


@dataclass(frozen=True, eq=False)
class Symbol:
    """A function f with its formula, its derivatives, and the properties that fits of it use.

    A symbolic edge is c f(a x + b) + d. If a scale or shift of the argument turns f into c' f + d', one of a
    and b is redundant. These symmetries are attributes.

    Attributes
    ----------
    name : str
    expression : str
        The formula in x, as sympy writes it.
    value, derivative, second_derivative : callable
        f, f', f'' on float64 arrays of any shape, exact, as NumPy computes them: NaN or infinite where f is.
    complexity : float
        How much less readable f is than x, which has 1, in pykan's units.
    domain : tuple of float
        Where f is real. An end at which f is finite belongs to it.
    poles : tuple of float
        Points inside the domain where f is not finite; with a finite `period`, the single one in each period.
    period : float
        Smallest P with f(u + P) = +-f(u) + const; infinite if there is none.
    mirror : bool
        Whether f(-u) = c' f(u) + d': even and odd functions, arccos.
    scale_free : bool
        Whether f(s u) = c' f(u) + d' for s > 0: powers, log.
    shift_free : bool
        Whether f(u + s) = c' f(u) + d': exp, straight lines.
    reach : tuple of float
        Arguments beyond which f is continued as its tangent, because values pass 1e100.
    probed : bool
        Whether these properties were found by evaluating f: `guarded` then also replaces by 0 any value that
        is not finite although no singularity was found there.

    Notes
    -----
    Equality, hashing and pickling use `identity` only; the callables are built again in another process or
    from a file.

    Examples
    --------
    >>> from kan_np.symbolic import default_library
    >>> log = default_library()["log"]
    >>> log.value([1.0])
    array([0.])
    >>> value, slope = log.guarded([0.0, 1.0])
    >>> bool(abs(value[0]) < 20), float(slope[0]), float(slope[1])
    (True, 100000000.0, 1.0)
    >>> log.contains([-1.0, 1.0])
    array([False,  True])
    """

    name: str
    expression: str
    value: Function
    derivative: Function
    second_derivative: Function
    complexity: float
    domain: tuple[float, float] = (-np.inf, np.inf)
    poles: tuple[float, ...] = ()
    period: float = np.inf
    mirror: bool = False
    scale_free: bool = False
    shift_free: bool = False
    reach: tuple[float, float] = (-LARGEST, LARGEST)
    probed: bool = False

    @property
    def identity(self) -> tuple[Any, ...]:
        """Name, expression and complexity, from which `rebuild_symbol` makes the same symbol.

        Those of a `ParametricSymbol` are followed by two numbers more.
        """
        return self.name, self.expression, self.complexity

    @property
    def n_free(self) -> int:
        """Number of independent constants of c f(a x + b) + d, given the symmetries: 1 (a constant) to 4."""
        if self.expression == "0":
            return 1
        return 4 - int(self.scale_free) - int(self.shift_free)

    @cached_property
    def program(self) -> Program | None:
        """The steps by which kernels compute it; None if they do not know a function in it."""
        return program_of(self.expression)

    @cached_property
    def guard(self) -> Guard:
        """The intervals where f is exact, and the cubics that replace it elsewhere."""
        repeats = self.period if self.poles else np.inf
        return build_guard(self.value, self.derivative, self.domain, self.poles, repeats, self.reach)

    @cached_property
    def higher_derivatives(self) -> tuple[Function, Function]:
        """The third and the fourth derivative, from the formula."""
        import sympy

        from kan_np.functions.expression import numeric, parse, variable

        formula, x = parse(self.expression), variable()
        third, fourth = (numeric(sympy.diff(formula, x, order)) for order in (3, 4))
        return third, fourth

    def guarded(self, u: ArrayLike, order: int = 1) -> tuple[FloatArray, ...]:
        """f and its derivatives, finite for every finite `u`; see `kan_np.functions.guard` for the formula.

        Parameters
        ----------
        u : array_like
        order : {0, 1, 2, 3, 4}
            The highest derivative.

        Returns
        -------
        tuple of order + 1 ndarrays of the shape of `u`
        """
        functions: tuple[Function, ...] = (self.value, self.derivative, self.second_derivative)
        functions = (
            (*functions, *self.higher_derivatives)[: order + 1] if order > 2 else functions[: order + 1]
        )
        points = np.asarray(u, dtype=np.float64)
        found = self.guard(functions, points)
        if self.probed and not all(np.isfinite(array).all() for array in found):
            missed = np.isfinite(points) & ~np.logical_and.reduce([np.isfinite(array) for array in found])
            found = tuple(np.where(missed, 0.0, array) for array in found)
        return found

    def contains(self, u: ArrayLike) -> NDArray[np.bool_]:
        """Whether f is finite at each `u`, so that `guarded` and the formula have the same value there."""
        points = np.asarray(u, dtype=np.float64)
        low, high = self.domain
        closed = points[(points >= low) & (points <= high)]
        inside = np.zeros(points.shape, dtype=bool)
        with np.errstate(all="ignore"):
            inside[(points >= low) & (points <= high)] = np.isfinite(self.value(closed))
        return inside

    def sympy(self, argument: Any = None) -> sympy.Expr:
        """The formula at `argument`, a sympy expression; at the symbol x if None.

        Examples
        --------
        >>> import sympy
        >>> from kan_np.symbolic import default_library
        >>> default_library()["gaussian"].sympy(2 * sympy.Symbol("t"))
        exp(-4*t**2)
        """
        from sympy import Symbol as Name

        from kan_np.functions.expression import parse, variable

        return parse(self.expression).subs(variable(), Name("x") if argument is None else argument)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Symbol) and self.identity == other.identity

    def __hash__(self) -> int:
        return hash(self.identity)

    def __repr__(self) -> str:
        return f"Symbol({self.name!r}, {self.expression!r}, complexity={self.complexity:g})"
