"""How the looked-for functions are made of a network: u = g + m N(z), z the scaled coordinates.

A lift g and a factor m that vanishes on the boundary build boundary values in: u = g there whatever the
network is. Coordinates are scaled to (-1, 1) over the domain; a periodic one becomes the two inputs cos and
sin of its angle, so that u and all its derivatives are periodic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kan_np._validate import FloatArray, matrix
from kan_np.jets.multi_index import DerivativeSet
from kan_np.pde.names import Names

if TYPE_CHECKING:
    import sympy


class Form:
    """Inputs of the network from coordinates, and functions from its outputs.

    Parameters
    ----------
    names : Names
    domain : array_like of shape (n_coordinates, 2)
        Lowest and highest value of every coordinate.
    periodic : sequence of str
        Coordinates in which everything is periodic, over their domain.
    lift, factor : expression, or mapping of output to expression, optional
        g and m, as text or sympy expressions of the coordinates.
    """

    def __init__(
        self, names: Names, domain: Any, periodic: Any = (), lift: Any = None, factor: Any = None
    ) -> None:
        self.names = names
        bounds = matrix("domain", domain, 2)
        if len(bounds) != len(names.coordinates) or not (bounds[:, 0] < bounds[:, 1]).all():
            raise ValueError(
                f"domain is {bounds.tolist()}; expected (low, high) with low < high for each of the "
                f"coordinates {', '.join(names.coordinates)}."
            )
        self.low, self.high = bounds.T
        self.periodic = (periodic,) if isinstance(periodic, str) else tuple(periodic)
        for name in self.periodic:
            if name not in names.coordinates:
                raise ValueError(f"{name!r} is periodic; expected some of {', '.join(names.coordinates)}.")
        self.is_plain = lift is None and factor is None and not self.periodic
        self._lift, self._factor = (
            _expressions("lift", lift, names, 0),
            _expressions("factor", factor, names, 1),
        )
        self._functions: dict[tuple[str, int, tuple[int, ...]], Any] = {}

    @property
    def n_inputs(self) -> int:
        """Inputs of the network: one for a coordinate, two for a periodic one."""
        return len(self.names.coordinates) + len(self.periodic)

    def inputs(self, points: FloatArray, derivatives: DerivativeSet) -> FloatArray:
        """Derivatives of the inputs of the network by the coordinates: (n_derivatives, n_inputs, n)."""
        out = np.zeros((len(derivatives.indices), self.n_inputs, len(points)))
        at = 0
        for i, name in enumerate(self.names.coordinates):
            x, length = points[:, i], self.high[i] - self.low[i]
            for place, index in enumerate(derivatives.indices):
                if any(other != i for other in index):
                    continue
                m = len(index)
                if name in self.periodic:
                    w = 2.0 * np.pi / length
                    angle = w * (x - self.low[i]) + 0.5 * np.pi * m
                    out[place, at], out[place, at + 1] = w**m * np.cos(angle), w**m * np.sin(angle)
                elif m == 0:
                    out[place, at] = (2.0 * x - self.low[i] - self.high[i]) / length
                elif m == 1:
                    out[place, at] = 2.0 / length
            at += 2 if name in self.periodic else 1
        return out

    def input_expressions(self, variables: Sequence[sympy.Symbol]) -> list[sympy.Expr]:
        """The inputs of the network as formulas of the coordinates, for which `variables` stand."""
        import sympy

        from kan_np.symbolic.constants import recognise

        found: list[sympy.Expr] = []
        for x, name, low, high in zip(variables, self.names.coordinates, self.low, self.high, strict=True):
            if name in self.periodic:
                angle = recognise(2.0 * np.pi / (high - low), 0.0) * (x - recognise(low, 0.0))
                found += [sympy.cos(angle), sympy.sin(angle)]
            elif (low, high) == (-1.0, 1.0):
                found.append(x)
            else:
                found.append((2 * x - sympy.Float(low + high, 17)) / sympy.Float(high - low, 17))
        return found

    def composed(self, outputs: Sequence[sympy.Expr], variables: Sequence[sympy.Symbol]) -> list[sympy.Expr]:
        """g + m N as formulas, for formulas N of the outputs of the network."""
        import sympy

        there = {sympy.Symbol(name): x for name, x in zip(self.names.coordinates, variables, strict=True)}
        found = list(outputs)
        if self._factor is not None:
            found = [m.xreplace(there) * own for m, own in zip(self._factor, found, strict=True)]
        if self._lift is not None:
            found = [g.xreplace(there) + own for g, own in zip(self._lift, found, strict=True)]
        return found

    def lift(self, points: FloatArray, derivatives: DerivativeSet) -> FloatArray | None:
        """g and its derivatives, (n_derivatives, n_outputs, n); None where there is none."""
        return self._evaluated("lift", self._lift, points, derivatives)

    def factor(self, points: FloatArray, derivatives: DerivativeSet) -> FloatArray | None:
        """m and its derivatives, (n_derivatives, n_outputs, n); None where there is none."""
        return self._evaluated("factor", self._factor, points, derivatives)

    def _evaluated(
        self, kind: str, expressions: list[Any] | None, points: FloatArray, derivatives: DerivativeSet
    ) -> FloatArray | None:
        if expressions is None:
            return None
        import sympy

        from kan_np.functions.expression import numeric_of

        symbols = [sympy.Symbol(name) for name in self.names.coordinates]
        out = np.empty((len(derivatives.indices), len(expressions), len(points)))
        for j, expression in enumerate(expressions):
            for place, index in enumerate(derivatives.indices):
                key = (kind, j, index)
                if key not in self._functions:
                    derived = sympy.diff(expression, *(symbols[i] for i in index)) if index else expression
                    self._functions[key] = numeric_of(symbols, derived)
                out[place, j] = self._functions[key](*points.T)
        if not np.isfinite(out).all():
            row = int(np.flatnonzero(~np.isfinite(out).all(axis=(0, 1)))[0])
            raise ValueError(
                f"the {kind} or a derivative of it is not finite at the point {points[row].tolist()}; "
                "expected expressions that are smooth over the whole domain."
            )
        return out


def _expressions(kind: str, given: Any, names: Names, otherwise: float) -> list[Any] | None:
    """A sympy expression of the coordinates for every output; None if nothing is given."""
    if given is None:
        return None
    import sympy

    by_output: Mapping[str, Any]
    by_output = given if isinstance(given, Mapping) else dict.fromkeys(names.outputs, given)
    for name in by_output:
        if name not in names.outputs:
            raise ValueError(f"the {kind} has {name!r}; expected outputs, {', '.join(names.outputs)}.")
    known = {name: sympy.Symbol(name) for name in names.coordinates}
    found = []
    for output in names.outputs:
        own = by_output.get(output, otherwise)
        try:
            expression = sympy.sympify(own.replace("^", "**") if isinstance(own, str) else own, locals=known)
        except (sympy.SympifyError, SyntaxError, TypeError):
            raise ValueError(
                f"the {kind} of {output} is {own!r}; expected an expression of {', '.join(known)}."
            ) from None
        expression = expression.subs({s: sympy.Symbol(str(s)) for s in expression.free_symbols})
        other = sorted(str(s) for s in expression.free_symbols if str(s) not in known)
        if other:
            raise ValueError(f"the {kind} of {output} has {other[0]!r}; expected only {', '.join(known)}.")
        found.append(expression)
    return found
