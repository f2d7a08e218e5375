"""ParametricSymbol: a function of one variable with numbers of its own, such as x**3 + k1*x**2 + x.

A symbolic edge c f(a x + b) + d trains a, b, c and d. Where an edge is a small formula there may be further
numbers inside f. They are held while the edge is trained like any other; `with_numbers` gives the symbol of
other numbers in microseconds, so that whoever fits them makes the symbol anew after each step, and in the
formula of a network they are Floats, which are fitted together with all others. Kernels need nothing new: a
number is a step of a program (`kan_np.functions.program`).
"""

from __future__ import annotations

import copyreg
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from kan_np._validate import FloatArray
from kan_np.functions.expression import numeric_of, parse_template, variable
from kan_np.functions.guard import LARGEST, Function
from kan_np.functions.program import Program, program_of_template
from kan_np.functions.symbol import Symbol

if TYPE_CHECKING:
    import sympy

#: Numbers of a template, as they are written.
_NUMBER = re.compile(r"\bk\d+\b")
_NUMERAL = r"\(([-+]?\d+\.?\d*(?:e[-+]?\d+)?)\)"
#: Arguments at which the end of float64 is looked for, as distances.
_DISTANCES = np.geomspace(1e-3, LARGEST, 400)


@dataclass(frozen=True, eq=False, repr=False)
class ParametricSymbol(Symbol):
    """f(x; k1, k2, ...) with the k at numbers of its own.

    Made by `parametric_symbol`. Its name is the template and its expression the template with the numbers.

    Attributes
    ----------
    numbers : tuple of float
        k1, k2, ...
    inside : float
        An argument that belongs to `domain`, the interval without a singularity around it.
    count : int
        Independent constants of c f(a x + b) + d, those inside f among them.
    """

    numbers: tuple[float, ...] = ()
    inside: float = 0.0
    count: int = 4

    @property
    def identity(self) -> tuple[Any, ...]:
        """Name, expression, complexity, `inside` and `count`: the last two choose the domain and `n_free`."""
        return *super().identity, self.inside, self.count

    @property
    def n_free(self) -> int:
        """Number of independent constants of c f(a x + b) + d, with those inside f."""
        return self.count

    @cached_property
    def program(self) -> Program | None:
        """The steps by which kernels compute it; None if they do not know a function in it."""
        return program_of_template(self.name, self.numbers)

    @cached_property
    def higher_derivatives(self) -> tuple[Function, Function]:
        """The third and the fourth derivative."""
        functions = [_function(self.name, order) for order in (3, 4)]
        return _bound(functions[0], self.numbers), _bound(functions[1], self.numbers)

    def with_numbers(self, numbers: Sequence[float]) -> ParametricSymbol:
        """The symbol with other numbers."""
        return parametric_symbol(self.name, numbers, self.complexity, inside=self.inside, count=self.count)

    def by_numbers(self, u: ArrayLike) -> FloatArray:
        """Derivatives of f by k1, k2, ... at `u` of shape (n,): an array (count of numbers, n)."""
        points = np.asarray(u, dtype=np.float64)
        rows = [_function(self.name, 0, k)(points, *self.numbers) for k in range(1, len(self.numbers) + 1)]
        return np.array(rows).reshape(len(self.numbers), points.size)

    def sympy(self, argument: Any = None) -> sympy.Expr:
        """The formula at a sympy expression, at the symbol x if None; its numbers are Floats."""
        from sympy import Float
        from sympy import Symbol as Name

        formula, names = _read(self.name)
        values = {name: Float(value, 17) for name, value in zip(names, self.numbers, strict=True)}
        return formula.subs({variable(): Name("x") if argument is None else argument}).xreplace(values)


def parametric_symbol(
    template: str,
    numbers: Sequence[float],
    complexity: float,
    *,
    inside: float = 0.0,
    count: int | None = None,
) -> ParametricSymbol:
    """A function of x with numbers k1, k2, ... in it.

    Parameters
    ----------
    template : str
        Its formula in x and k1, k2, ...; text is parsed, never executed.
    numbers : sequence of float
        The values of k1, k2, ...
    complexity : float
        In pykan's units, x having 1.
    inside : float
        An argument; the domain is the interval around it without a singularity.
    count : int, optional
        Independent constants of c f(a x + b) + d; four and those of the template if left out.

    Raises
    ------
    ValueError
        For a template with other names, or with as many numbers as are not given.

    Examples
    --------
    >>> symbol = parametric_symbol("x**3 + k1*x", [-1.0], 4.0)
    >>> symbol.expression, symbol.value([2.0]), symbol.by_numbers([2.0])
    ('x**3 + (-1.0)*x', array([6.]), array([[2.]]))
    >>> symbol.with_numbers([0.5]).sympy()
    x**3 + 0.5*x
    """
    _, names = _read(template)
    values = tuple(float(number) for number in numbers)
    if len(names) != len(values):
        raise ValueError(
            f"numbers has {len(values)} values; expected {len(names)}, one for each k of {template}."
        )
    value, slope, second = (_bound(_function(template, order), values) for order in range(3))
    domain = _domain(template, values, inside)
    return ParametricSymbol(
        template,
        _NUMBER.sub(lambda found: f"({values[int(found[0][1:]) - 1]!r})", template),
        value,
        slope,
        second,
        float(complexity),
        domain=domain,
        reach=_reach(value, domain, inside),
        probed=True,
        numbers=values,
        inside=float(inside),
        count=4 + len(values) if count is None else count,
    )


def read_again(
    template: str,
    expression: str,
    complexity: float,
    inside: float | None = None,
    count: int | None = None,
) -> ParametricSymbol | None:
    """The symbol of a name and an expression that a file contains; None if they are no template's.

    Files that were written before `inside` was in them have None: then 0.5 and -0.5 are tried.
    """
    names = _NUMBER.findall(template)
    if not names:
        return None
    pattern = re.escape(template)
    for name in names:
        pattern = pattern.replace(name, _NUMERAL, 1)
    found = re.fullmatch(pattern, expression)
    if found is None:
        return None
    values = {name: float(value) for name, value in zip(names, found.groups(), strict=True)}
    try:
        numbers = [values[f"k{k}"] for k in range(1, len(values) + 1)]
        if inside is not None:
            return parametric_symbol(template, numbers, complexity, inside=inside, count=count)
        for inside in (0.5, -0.5):
            symbol = parametric_symbol(template, numbers, complexity, inside=inside)
            if np.isfinite(symbol.value(np.array([inside]))).all():
                return symbol
    except (KeyError, ValueError):
        return None
    return None


def _rebuilt(*given: Any) -> ParametricSymbol:
    template, numbers, complexity, inside, count = given
    return parametric_symbol(template, numbers, complexity, inside=inside, count=count)


copyreg.pickle(
    ParametricSymbol, lambda own: (_rebuilt, (own.name, own.numbers, own.complexity, own.inside, own.count))
)


@lru_cache(maxsize=512)
def _read(template: str) -> tuple[Any, tuple[Any, ...]]:
    """The formula of a template and its numbers k1, k2, ... as symbols."""
    import sympy

    formula = parse_template(template)
    count = len(formula.free_symbols - {variable()})
    names = tuple(sympy.Symbol(f"k{k}", real=True) for k in range(1, count + 1))
    if formula.free_symbols - {variable(), *names}:
        raise ValueError(f"{template} has {formula.free_symbols}; expected x and k1, k2, ... without a gap.")
    return formula, names


@lru_cache(maxsize=2048)
def _function(template: str, order: int, by: int = 0) -> Function:
    """A derivative by x, of this order, and by the k of this number if it is not 0: function of x, k1, ..."""
    import sympy

    formula, names = _read(template)
    wanted = sympy.diff(formula, variable(), order) if order else formula
    if by:
        wanted = sympy.diff(wanted, names[by - 1])
    return numeric_of([variable(), *names], wanted)


def _bound(function: Function, values: tuple[float, ...]) -> Function:
    """A function of x alone."""
    return lambda u: function(np.asarray(u, dtype=np.float64), *values)


@lru_cache(maxsize=512)
def _arguments(template: str) -> list[tuple[Any, ...]]:
    """Coefficients, highest first and as functions of the numbers, of what must keep its sign."""
    import sympy

    formula, names = _read(template)
    x, found = variable(), []
    inner = [part.args[0] for part in formula.atoms(sympy.log)]
    inner += [
        part.base
        for part in formula.atoms(sympy.Pow)
        if part.base.has(x) and not (part.exp.is_integer and part.exp.is_positive)
    ]
    for part in inner:
        if not part.is_polynomial(x):
            continue
        coefficients = sympy.Poly(part, x).all_coeffs()
        found.append(tuple(sympy.lambdify(list(names), c) for c in coefficients))
    return found


def _domain(template: str, values: tuple[float, ...], inside: float) -> tuple[float, float]:
    """The interval around a point in which no argument of a root, an inverse or a logarithm is zero."""
    low, high = -np.inf, np.inf
    for coefficients in _arguments(template):
        numbers = [float(coefficient(*values)) for coefficient in coefficients]
        if not np.isfinite(numbers).all():
            continue
        for root in np.roots(numbers):
            if abs(root.imag) <= 1e-9 * abs(root):
                if root.real <= inside:
                    low = max(low, float(root.real))
                else:
                    high = min(high, float(root.real))
    return low, high


def _reach(value: Function, domain: tuple[float, float], inside: float) -> tuple[float, float]:
    """Arguments beyond which values pass 1e100."""
    ends = []
    for sign, end in zip((-1.0, 1.0), domain, strict=True):
        points = inside + sign * _DISTANCES
        points = points[sign * points < sign * end]
        with np.errstate(all="ignore"):
            good = np.abs(value(points)) <= LARGEST
        bad = np.flatnonzero(~good)
        last = (bad[0] if bad.size else points.size) - 1
        ends.append(float(np.clip(points[last], -LARGEST, LARGEST)) if last >= 0 else inside)
    return ends[0], ends[1]
