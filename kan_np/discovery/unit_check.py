"""Units of measurement: whether a formula fits those of its columns, and the units of its constants.

A number in a formula may carry a unit, as 9.81 m/s^2 does, but a number that is not there may not: with x and
y in metres, t in seconds,

    2.5*t + x      fits: 2.5 m/s             x + t         does not
    sin(3.1*x)     fits: 3.1 per metre       sin(x)        does not
    x**2/y**2      fits                      y = x**2      does not

Exponents are numbers without units. A logarithm beside a constant fits whatever the unit of its argument,
since the constant makes up for it: log(x) + 2 = log(x/x0). A function f1 that is only a curve fits
everywhere.

The units themselves are pint's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from kan_np._validate import listed

if TYPE_CHECKING:
    import sympy

#: Relative difference of two units that are the same.
_SAME = 1e-12


class _Misfit(Exception):  # noqa: N818 - an answer, not a mistake
    """Two units that differ, or one where none may be."""


@dataclass(frozen=True)
class ColumnUnits:
    """The units of the inputs and of the label.

    Attributes
    ----------
    inputs : tuple of pint.Unit
        In the order of the columns.
    label : pint.Unit
    """

    inputs: tuple[Any, ...]
    label: Any

    @classmethod
    def of(cls, units: Mapping[str, str], inputs: Sequence[str], label: str) -> ColumnUnits:
        """From a dict of names of columns to units, "" or "1" for none.

        Parameters
        ----------
        units : mapping of str to str
        inputs : sequence of str
            Names of the inputs.
        label : str
            Name of the label column.

        Raises
        ------
        ImportError
            Without pint.
        TypeError, ValueError
            For names that are no columns, columns without a unit, and text that is no unit.
        """
        if not isinstance(units, Mapping):
            raise TypeError(
                f"units is {units!r}; expected a dict such as {{'m': 'kg', 'v': 'm/s'}}, every column with "
                "its unit."
            )
        wanted = [*inputs, label]
        unknown = [str(name) for name in units if name not in wanted]
        missing = [name for name in wanted if name not in units]
        if unknown or missing:
            said = [f"no column {listed(unknown)}"] if unknown else []
            said += [f"no unit of {listed(missing)}"] if missing else []
            raise ValueError(
                f"units has {' and '.join(said)}; expected a unit for each of {listed(wanted)}, '' for "
                "numbers without one."
            )
        found = [_unit(name, units[name]) for name in wanted]
        return cls(tuple(found[:-1]), found[-1])

    def misfit(self, expression: sympy.Expr, variables: Sequence[sympy.Symbol]) -> str:
        """What does not fit, in words; empty where all does.

        Examples
        --------
        >>> import sympy
        >>> m, v = sympy.symbols("m v")
        >>> units = ColumnUnits.of({"m": "kg", "v": "m/s", "E": "J"}, ["m", "v"], "E")
        >>> units.misfit(m * v**2 / 2, [m, v]), units.misfit(m + v, [m, v])
        ('', 'm is in kg where J is expected')
        """
        try:
            self._checked(expression, variables)
        except _Misfit as misfit:
            return str(misfit)
        return ""

    def constants(self, expression: sympy.Expr, variables: Sequence[sympy.Symbol]) -> list[tuple[Any, str]]:
        """The numbers that carry a unit, and that unit as text; of a formula that fits.

        Examples
        --------
        >>> import sympy
        >>> s, t = sympy.symbols("s t")
        >>> units = ColumnUnits.of({"s": "m", "t": "s", "d": "m"}, ["s", "t"], "d")
        >>> units.constants(s + 4.905 * t**2, [s, t])
        [(4.90500000000000, 'm/s**2')]
        """
        found = self._checked(expression, variables)
        return [(n, _text(unit)) for n, unit in dict.fromkeys(found) if not _is_one(unit)]

    def _checked(self, expression: Any, variables: Sequence[Any]) -> list[tuple[Any, Any]]:
        check = _Check(dict(zip(variables, self.inputs, strict=True)), self.label**0)
        check.expect(expression, self.label)
        return check.numbers


class _Check:
    """Goes through a formula from the outside, with the unit that each part must have."""

    def __init__(self, units: Mapping[Any, Any], one: Any) -> None:
        self.units, self.one = units, one
        self.numbers: list[tuple[Any, Any]] = []

    def expect(self, part: Any, unit: Any) -> None:
        """Check that a part has, or may have, a unit."""
        if part.is_number:
            self.numbers.append((part, unit))
        elif part in self.units:
            _agree(self.units[part], unit, part)
        elif part.is_Add:
            self._expect_sum(part, unit)
        elif part.is_Mul:
            self._expect_product(part, unit)
        elif part.is_Pow:
            self._expect_power(part, unit)
        else:
            self._expect_function(part, unit)

    def natural(self, part: Any) -> Any:
        """The unit that a part has by itself; None where a number in it may make it any."""
        import sympy

        if part.is_number:
            return None
        if part in self.units:
            return self.units[part]
        if part.is_Add:
            found = [self.natural(term) for term in part.args]
            return next((unit for unit in found if unit is not None), None)
        if part.is_Mul:
            if any(factor.is_number and factor != -1 for factor in part.args):
                return None
            found = [self.natural(factor) for factor in part.args if factor != -1]
            return None if any(unit is None for unit in found) else _product(found, self.one)
        if part.is_Pow and part.exp.is_number:
            base = self.natural(part.base)
            return None if base is None else base ** _exponent(part.exp)
        if _keeps_unit(part):
            return self.natural(part.args[0])
        return None if isinstance(part, sympy.core.function.AppliedUndef) else self.one

    def _expect_sum(self, part: Any, unit: Any) -> None:
        import sympy

        shifted = any(term.is_number for term in part.args)
        for term in part.args:
            _, function = term.as_coeff_Mul()
            if shifted and isinstance(function, sympy.log):
                self._note(term, unit)
                inside = function.args[0]
                self.expect(inside, self.natural(inside) or self.one)
            else:
                self.expect(term, unit)

    def _note(self, term: Any, unit: Any) -> None:
        """Of a logarithm with any argument its factor."""
        number, _ = term.as_coeff_Mul()
        if abs(number) == 1:
            _agree(self.one, unit, term)
        self.numbers.append((number, unit))

    def _expect_product(self, part: Any, unit: Any) -> None:
        import sympy

        numbers = [factor for factor in part.args if factor.is_number and factor != -1]
        others = [factor for factor in part.args if not factor.is_number]
        units = [self.natural(factor) for factor in others]
        free = [factor for factor, own in zip(others, units, strict=True) if own is None]
        left = unit / _product([own for own in units if own is not None], self.one)
        for factor, own in zip(others, units, strict=True):
            if own is not None:
                self.expect(factor, own)
            elif not numbers and factor is free[0]:
                self.expect(factor, left)
            else:
                self.expect(factor, self.one)
        if numbers:
            self.numbers.append((sympy.Mul(*numbers), left))
        elif not free:
            _agree(unit / left, unit, part)

    def _expect_power(self, part: Any, unit: Any) -> None:
        if part.exp.is_number:
            self.expect(part.base, unit ** (1 / _exponent(part.exp)))
            return
        _agree(self.one, unit, part)
        self.expect(part.exp, self.one)
        self.expect(part.base, self.one)

    def _expect_function(self, part: Any, unit: Any) -> None:
        from sympy.core.function import AppliedUndef

        if isinstance(part, AppliedUndef):
            for argument in part.args:
                self.expect(argument, self.natural(argument) or self.one)
        elif _keeps_unit(part):
            for argument in part.args:
                self.expect(argument, unit)
        else:
            _agree(self.one, unit, part)
            for argument in part.args:
                self.expect(argument, self.one)


def _keeps_unit(part: Any) -> bool:
    import sympy

    return isinstance(part, sympy.Abs | sympy.Max | sympy.Min)


def _exponent(number: Any) -> Any:
    """A Fraction where the exponent is one, else a float."""
    return Fraction(int(number.p), int(number.q)) if number.is_Rational else float(number)


def _product(units: Sequence[Any], one: Any) -> Any:
    result = one
    for unit in units:
        result = result * unit
    return result


def _agree(own: Any, wanted: Any, part: Any) -> None:
    """Raise unless two units are the same, prefixes included: metres and kilometres cannot be added."""
    if not _is_one(own / wanted):
        raise _Misfit(f"{part} is in {_text(own)} where {_text(wanted)} is expected")


def _is_one(unit: Any) -> bool:
    factor = _registry().get_root_units(unit)
    return factor[1].dimensionless and abs(factor[0] - 1.0) <= _SAME


def _text(unit: Any) -> str:
    """A unit as text that can be read again: N*m**2/kg**2."""
    registry = _registry()
    powers = {registry.get_symbol(name): power for name, power in (1 * unit).unit_items() if power != 0}
    above = "*".join(_powered(symbol, power) for symbol, power in sorted(powers.items()) if power > 0)
    below = [_powered(symbol, -power) for symbol, power in sorted(powers.items()) if power < 0]
    if not powers:
        return "a number without unit"
    divisor = f"({'*'.join(below)})" if len(below) > 1 else "".join(below)
    return f"{above or 1}/{divisor}" if below else above


def _powered(symbol: str, power: Any) -> str:
    if power == 1:
        return symbol
    exact = Fraction(power).limit_denominator(100)
    if abs(exact - power) > _SAME:
        return f"{symbol}**{float(power):.4g}"
    return f"{symbol}**{exact}" if exact.denominator == 1 else f"{symbol}**({exact})"


def _unit(name: str, text: Any) -> Any:
    if not isinstance(text, str):
        raise TypeError(f"units[{name!r}] is {text!r}; expected text such as 'kg' or 'm/s**2'.")
    registry = _registry()
    try:
        return registry.parse_units("" if text.strip() == "1" else text)
    except Exception as error:  # pint raises errors of several kinds for text that is no unit
        raise ValueError(
            f"units[{name!r}] is {text!r}, which is no unit ({error}); expected one such as 'kg', 'm/s**2' "
            "or '' for numbers without unit."
        ) from error


def _registry() -> Any:
    try:
        import pint
    except ImportError as error:
        raise ImportError(
            "units are checked by pint, which is not installed; pip install 'kan_np[units]'."
        ) from error
    return pint.get_application_registry()
