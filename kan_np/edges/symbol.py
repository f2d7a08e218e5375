"""SymbolicEdge: an edge of a network that is a named function, c f(a x + b) + d."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from kan_np._validate import FloatArray
from kan_np.functions.symbol import Symbol
from kan_np.kernels.scalar_functions import (
    ABS,
    ARCCOS,
    ARCSIN,
    ARCTAN,
    ARCTANH,
    COS,
    EXP,
    GAUSSIAN,
    LOG,
    POWER,
    PROGRAM,
    ROOT,
    SGN,
    SIN,
    TAN,
    TANH,
    ZERO,
)

if TYPE_CHECKING:
    import sympy

#: Names of the constants, in the order of all arrays of constants.
CONSTANTS = ("a", "b", "c", "d")

#: Formulas that have a compiled function: its number in `kan_np.kernels.scalar_functions`, and its power.
KERNELS: dict[str, tuple[int, float]] = {
    "x": (POWER, 1.0),
    **{f"x**{n}": (POWER, float(n)) for n in (2, 3, 4, 5)},
    "1/x": (POWER, -1.0),
    **{f"1/x**{n}": (POWER, -float(n)) for n in (2, 3, 4, 5)},
    "sqrt(x)": (ROOT, 0.5),
    "x**(3/2)": (ROOT, 1.5),
    "1/sqrt(x)": (ROOT, -0.5),
    "exp(x)": (EXP, 0.0),
    "log(x)": (LOG, 0.0),
    "Abs(x)": (ABS, 0.0),
    "sin(x)": (SIN, 0.0),
    "cos(x)": (COS, 0.0),
    "tan(x)": (TAN, 0.0),
    "tanh(x)": (TANH, 0.0),
    "sign(x)": (SGN, 0.0),
    "asin(x)": (ARCSIN, 0.0),
    "acos(x)": (ARCCOS, 0.0),
    "atan(x)": (ARCTAN, 0.0),
    "atanh(x)": (ARCTANH, 0.0),
    "0": (ZERO, 0.0),
    "exp(-x**2)": (GAUSSIAN, 0.0),
}

#: Indices of the trained constants, by whether f is scale free and shift free.
_FREE = {
    (False, False): (0, 1, 2, 3),
    (True, False): (1, 2, 3),
    (False, True): (0, 2, 3),
    (True, True): (2, 3),
}


@dataclass(frozen=True)
class SymbolicEdge:
    """phi(x) = c f(a x + b) + d, with f guarded beside its singularities (`kan_np.functions.guard`).

    Attributes
    ----------
    symbol : Symbol
        f.
    a, b, c, d : float

    Examples
    --------
    >>> from kan_np.symbolic import default_library
    >>> from kan_np.edges.symbol import SymbolicEdge
    >>> edge = SymbolicEdge(default_library()["sin"], a=2.0, d=1.0)
    >>> edge([0.0]), edge.expression(), edge.free
    (array([1.]), 1.0*sin(2.0*x) + 1.0, (0, 1, 2, 3))
    """

    symbol: Symbol
    a: float = 1.0
    b: float = 0.0
    c: float = 1.0
    d: float = 0.0

    @property
    def name(self) -> str:
        """Name of the symbol."""
        return self.symbol.name

    @property
    def constants(self) -> tuple[float, float, float, float]:
        """(a, b, c, d)."""
        return self.a, self.b, self.c, self.d

    @property
    def free(self) -> tuple[int, ...]:
        """Which of a, b, c, d are trained, as indices 0 to 3: those that the symmetries of f leave free.

        Where f(a x) is c f(x) + d with other constants, as for powers and log, a is held; where f(x + b) is,
        as for exp, b is held; of the constant "0" only d counts.
        """
        return free_constants(self.symbol)

    def __call__(self, x: ArrayLike) -> FloatArray:
        """c f(a x + b) + d at `x` of any shape."""
        (f,) = self.symbol.guarded(self.a * np.asarray(x, dtype=np.float64) + self.b, order=0)
        return self.c * f + self.d

    def value_and_slopes(self, x: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """phi, its derivative by x, and its derivatives by a, b, c and d.

        With u = a x + b: d phi / dx = a c f'(u), and by a, b, c, d in turn x c f'(u), c f'(u), f(u), 1.

        Parameters
        ----------
        x : ndarray of shape (n,)

        Returns
        -------
        tuple of ndarrays of shape (n,), (n,), (4, n)
        """
        f, by_u = self.symbol.guarded(self.a * x + self.b)
        by_u = self.c * by_u
        return self.c * f + self.d, self.a * by_u, np.stack([by_u * x, by_u, f, np.ones_like(f)])

    def expression(self, x: Any = None) -> sympy.Expr:
        """The formula at a sympy expression; at the symbol x if None."""
        from sympy import Float
        from sympy import Symbol as Name

        a, b, c, d = (Float(constant) for constant in self.constants)
        return c * self.symbol.sympy(a * (Name("x") if x is None else x) + b) + d


def free_constants(symbol: Symbol) -> tuple[int, ...]:
    """Indices of the trained constants among a, b, c, d; there are `Symbol.n_free`."""
    if symbol.n_free == 1:
        return (3,)
    return _FREE[symbol.scale_free, symbol.shift_free]


def kernel_of(symbol: Symbol) -> tuple[int, float] | None:
    """Kind and power of the compiled function of a symbol; None if its formula has no compiled function."""
    if not symbol.probed and symbol.expression in KERNELS:
        return KERNELS[symbol.expression]
    return None if symbol.program is None else (PROGRAM, 0.0)
