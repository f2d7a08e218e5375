"""A sympy symbol that every printer writes in quotes, for names that are no words."""

from __future__ import annotations

from typing import Any

import sympy
from sympy.printing.pretty.stringpict import prettyForm

from kan_np.functions.names import latex_name, quoted


class QuotedSymbol(sympy.Symbol):
    """A variable that is printed as ``kan_np.functions.names.quoted`` writes its name.

    sympy's printers call the methods below. Code printers replace arguments that are no Python identifiers,
    so that ``sympy.lambdify`` works with such a variable.

    Examples
    --------
    >>> x = QuotedSymbol("L/D")
    >>> 2 * x, x.name
    (2*'L/D', 'L/D')
    """

    __slots__ = ()

    @classmethod
    def class_key(cls) -> Any:
        """As for other symbols, among which it is sorted by its name."""
        return sympy.Symbol.class_key()

    def _sympystr(self, printer: Any) -> str:
        return quoted(self.name)

    _lambdacode = _numpycode = _pythoncode = _sympystr

    def _latex(self, printer: Any) -> str:
        return str(printer._settings.get("symbol_names", {}).get(self) or latex_name(self.name))

    def _pretty(self, printer: Any) -> prettyForm:
        return prettyForm(quoted(self.name))
