"""The residual of an equation: a function of coordinates, outputs, their derivatives and unknown numbers.

It is written as text or a sympy expression, "u_t - D*u_xx" or "u_t = D*u_xx", or as a NumPy function whose
arguments have these names, and is 0 where the equation holds. What it depends on, and its derivatives by
that, follow: from the formula by sympy; of a function by the complex step f'(a) = Im f(a + i h) / h with
h = 1e-30, exact to rounding for analytic functions (W. Squire and G. Trapp 1998, SIAM Review 40, 110), or as
the user writes them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from kan_np._validate import FloatArray
from kan_np.pde.names import Names

if TYPE_CHECKING:
    import sympy

_STEP = 1e-30
#: Names of one letter that sympy reads as constants or functions.
_LETTERS = "CEINOQS"


class Residual:
    """A residual r(arguments) with its derivatives by outputs, their derivatives, and unknowns.

    Parameters
    ----------
    definition : str, sympy.Expr or callable
    names : Names
    derivatives : callable, optional
        Of a function: takes the same arguments and returns a dict of the derivatives by name. Without it the
        complex step is used.

    Attributes
    ----------
    arguments : tuple of str
        What it depends on.
    """

    def __init__(
        self,
        definition: Any,
        names: Names,
        derivatives: Callable[..., Mapping[str, Any]] | None = None,
    ) -> None:
        self._names = names
        self._is_known_analytic = False
        if callable(definition) and not hasattr(definition, "free_symbols"):
            self.arguments = _argument_names(definition)
            self.shown = getattr(definition, "__name__", repr(definition))
            self._function, self._slopes = definition, derivatives
        else:
            if derivatives is not None:
                raise ValueError("derivatives are given for a formula, which has its own; leave them out.")
            expression = _expression(definition, names)
            self.arguments = tuple(sorted(str(symbol) for symbol in expression.free_symbols))
            self.shown = str(definition)
            self._function, self._slopes = self._lambdified(expression)
        for name in self.arguments:
            names.check(name)
        #: Arguments that are looked for, not given.
        self.sought = tuple(name for name in self.arguments if name not in names.coordinates)
        if not self.sought:
            raise ValueError(
                f"the equation {self.shown} has no output and no unknown in it; expected one of "
                f"{', '.join((*names.outputs, *names.unknowns))}."
            )

    def __call__(self, values: Mapping[str, Any], n: int) -> FloatArray:
        """r at n points.

        Raises
        ------
        ValueError
            For another shape, and TypeError for what is no number.
        """
        with np.errstate(all="ignore"):
            found = np.asarray(self._function(**{name: values[name] for name in self.arguments}))
        return self._checked(found, n, "returned")

    def slopes(self, values: Mapping[str, Any], n: int) -> dict[str, FloatArray]:
        """d r / d a for every sought argument a, each of shape (n,)."""
        given = {name: values[name] for name in self.arguments}
        with np.errstate(all="ignore"):
            if self._slopes is not None:
                found = dict(self._slopes(**given))
                missing = [name for name in self.sought if name not in found]
                if missing:
                    raise ValueError(
                        f"the derivatives of {self.shown} by {', '.join(missing)} are missing; expected a "
                        f"dict with {', '.join(self.sought)}."
                    )
                return {
                    name: self._checked(np.asarray(found[name]), n, f"has by {name}") for name in self.sought
                }
            slopes = {}
            for name in self.sought:
                stepped = np.asarray(self._function(**{**given, name: given[name] + 1j * _STEP}))
                slopes[name] = self._checked(stepped.imag / _STEP, n, f"has by {name}")
            if not self._is_known_analytic:
                self._refuse_not_analytic(given, slopes, n)
            return slopes

    def _refuse_not_analytic(
        self, given: Mapping[str, Any], slopes: Mapping[str, FloatArray], n: int
    ) -> None:
        """Compare the complex step with differences, once: it is wrong for np.abs and the like."""
        for name, slope in slopes.items():
            step = 1e-6 * max(1.0, float(np.abs(given[name]).max()))
            ahead, behind = (self(dict(given) | {name: given[name] + s}, n) for s in (step, -step))
            expected = (ahead - behind) / (2.0 * step)
            far = np.abs(slope - expected) > 1e-3 * (np.abs(slope) + np.abs(expected)) + 1e-6 * np.abs(
                ahead
            ).max(initial=0.0)
            if 2 * int(far.sum()) > n:  # single points may be at kinks
                raise ValueError(
                    f"the derivative of {self.shown} by {name} is not what the complex step finds, "
                    f"{slope[far][0]:.6g} in place of {expected[far][0]:.6g} at point "
                    f"{int(np.flatnonzero(far)[0])}: some function in it, such as np.abs or .real, is not "
                    "for complex numbers. Give `derivatives`, or write the equation as text."
                )
        self._is_known_analytic = True

    def _checked(self, found: np.ndarray, n: int, verb: str) -> FloatArray:
        if found.dtype.kind not in "fiub":
            raise TypeError(f"the residual {self.shown} {verb} {found.dtype}; expected real numbers.")
        if found.shape not in ((n,), ()):
            raise ValueError(
                f"the residual {self.shown} {verb} an array of shape {found.shape}; expected {(n,)}, a "
                "number for every point (arguments are arrays of that shape)."
            )
        return np.array(np.broadcast_to(found, (n,)), dtype=np.float64)

    def _lambdified(self, expression: sympy.Expr) -> tuple[Callable[..., Any], Callable[..., Any]]:
        import sympy

        from kan_np.functions.expression import numeric_of

        symbols = [sympy.Symbol(name) for name in self.arguments]
        sought = [s for s in symbols if str(s) not in self._names.coordinates]
        value = numeric_of(symbols, expression)
        slopes = {str(s): numeric_of(symbols, sympy.diff(expression, s)) for s in sought}

        def function(**values: Any) -> FloatArray:
            return value(*(values[name] for name in self.arguments))

        def derivatives(**values: Any) -> dict[str, FloatArray]:
            given = [values[name] for name in self.arguments]
            return {name: slope(*given) for name, slope in slopes.items()}

        return function, derivatives


def _argument_names(function: Callable[..., Any]) -> tuple[str, ...]:
    """Names of the arguments of a function."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        parameters = ()  # type: ignore[assignment]
    names = tuple(p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY))
    if not names or len(names) != len(list(parameters)):
        raise ValueError(
            f"the residual {getattr(function, '__name__', function)!r} has no named arguments; expected a "
            "function such as lambda x, u_xx: u_xx + np.sin(x)."
        )
    return names


def _one_side(definition: str, right: list[str]) -> list[str]:
    """What stands on the right of the sign of equality, if there is one."""
    if len(right) > 1:
        raise ValueError(f"{definition!r} has {len(right)} signs of equality; expected at most one.")
    return right


def _expression(definition: Any, names: Names) -> sympy.Expr:
    """A residual as a sympy expression whose symbols have no assumptions."""
    import sympy

    if isinstance(definition, str):
        # letters that sympy has a meaning for are no constants here: exp(1) is written so
        own = (*_LETTERS, *names.coordinates, *names.outputs, *names.unknowns)
        known = {name: sympy.Symbol(name) for name in own}
        try:
            left, *right = definition.replace("^", "**").split("=")
            definition = sympy.sympify(left, locals=known) - sum(
                sympy.sympify(own, locals=known) for own in _one_side(definition, right)
            )
        except (sympy.SympifyError, SyntaxError, TypeError, AttributeError) as error:
            raise ValueError(
                f"{definition!r} is no equation that sympy can read ({type(error).__name__}); expected a "
                "formula that is 0 where it holds, such as 'u_t - 0.1*u_xx', or 'u_t = 0.1*u_xx'."
            ) from None
    if isinstance(definition, sympy.Equality):
        definition = definition.lhs - definition.rhs
    if not isinstance(definition, sympy.Expr):
        raise TypeError(
            f"the equation is {type(definition).__name__}; expected text, a sympy expression or a function."
        )
    return definition.subs({symbol: sympy.Symbol(str(symbol)) for symbol in definition.free_symbols})
