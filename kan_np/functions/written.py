"""Formulas as text and LaTeX: decimal numbers with the digits that they have, and no others."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import sympy

#: Decimal numbers of these sizes are written without a power of ten, others as it is shorter.
_PLAIN = (1e-4, 1e6)
#: Digits that any float64 keeps.
_MOST_DIGITS = 17


def number_text(number: float, digits: int = _MOST_DIGITS) -> str:
    """A number with as few digits as say it, no more than `digits`.

    Examples
    --------
    >>> number_text(800.0), number_text(6.674e13), number_text(9.8100000000000005), number_text(2 / 3, 3)
    ('800', '6.674e+13', '9.81', '0.667')
    """
    if not np.isfinite(number):
        return str(number)
    short = float(f"{number:.{max(min(digits, _MOST_DIGITS), 1) - 1}e}")
    plain = np.format_float_positional(short, trim="-")
    power = np.format_float_scientific(short, trim="-", exp_digits=1)
    usual = _PLAIN[0] <= abs(short) < _PLAIN[1] or short == 0.0
    return plain if usual or len(plain) <= len(power) else power


def text(expression: sympy.Expr) -> str:
    """The text of an expression.

    Examples
    --------
    >>> import sympy
    >>> text(sympy.Float(6.674e13, 15) * sympy.Symbol("m"))
    '6.674e+13*m'
    """
    return str(_printers()[0]().doprint(expression))


def latex(expression: sympy.Expr, **settings: Any) -> str:
    r"""The LaTeX of an expression; `settings` are those of ``sympy.latex``.

    Examples
    --------
    >>> import sympy
    >>> print(latex(sympy.Float(6.674e13, 15) * sympy.Symbol("m")))
    6.674 \cdot 10^{13} m
    """
    return str(_printers()[1](settings).doprint(expression))


@lru_cache(maxsize=1)
def _printers() -> tuple[Any, Any]:
    from sympy.printing.latex import LatexPrinter
    from sympy.printing.str import StrPrinter

    class Text(StrPrinter):
        def _print_Float(self, number: Any) -> str:  # noqa: N802  sympy's name
            return _float_text(number)

    class Latex(LatexPrinter):
        def _print_Float(self, number: Any) -> str:  # noqa: N802
            mantissa, _, exponent = _float_text(number).partition("e")
            if not exponent:
                return mantissa
            power = f"10^{{{int(exponent)}}}"
            return power if mantissa == "1" else rf"{mantissa} \cdot {power}"

    return Text, Latex


def _float_text(number: Any) -> str:
    value = float(number)
    if np.isinf(value) or (value == 0.0 and number != 0):  # larger than any float64, or smaller
        return str(number)
    digits = int(getattr(number, "_prec", 53) / np.log2(10))
    return number_text(value, max(digits, 1))
