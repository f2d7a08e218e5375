"""The lowest rungs of a ladder of formulas: the best of each small number of parts, by least squares.

    c u,   c u + d,   c prod_i x_i^p_i,   d + sum_k c_k u_k,   lines in one, two, ... variables

with u among the powers, the logarithm, products and ratios of the inputs. None of them needs a network: a
reader sees what each part more is worth, and a formula as short as these is found in milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from kan_np._validate import FloatArray

if TYPE_CHECKING:
    import sympy

#: Inputs up to which products and ratios are tried, and variables of a straight line at most.
_MOST_PAIRED, _MOST_LINES = 12, 6
#: Terms of the sums.
_MOST_TERMS = 3
#: Exponents of power laws so near to a multiple of this are taken for it.
_EXPONENT = 0.5
_NEAR = 0.05
#: A rung leaves no more than this part of the error of the one below.
_GAIN = 0.95
#: Rungs of this error meet the labels; none above them is better.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Rung:
    """A small formula fitted to samples.

    Attributes
    ----------
    name : str
        Kind of formula.
    expression : sympy.Expr
    error : float
        RMSE, in parts of the spread of the labels.
    parts : int
        Parts that it is made of, by which rungs are ordered.
    price : float
        Bits for the choice among all that were tried.
    """

    name: str
    expression: sympy.Expr
    error: float
    parts: int
    price: float


class _Features:
    """Functions u of the inputs on samples, columns in units of their own size."""

    def __init__(self, x: FloatArray, inputs: Sequence[Any]) -> None:
        import sympy

        self.terms: list[Any] = []
        self.is_line: list[bool] = []
        self.sizes: list[float] = []
        columns: list[FloatArray] = []
        alive = [i for i in range(x.shape[1]) if np.ptp(x[:, i]) > 0]

        def add(term: Any, column: FloatArray, line: bool = False) -> None:
            size = float(np.abs(column).max())
            if np.isfinite(column).all() and size > 0 and np.ptp(column / size) > 0:
                self.terms.append(term)
                self.is_line.append(line)
                self.sizes.append(size)
                columns.append(column / size)

        with np.errstate(all="ignore"):
            for i in alive:
                name, u = inputs[i], x[:, i]
                add(name, u, True)
                for p in (2, 3, -1, -2):
                    add(name**p, u ** float(p))
                if (u > 0).all():
                    add(sympy.sqrt(name), np.sqrt(u))
                    add(1 / sympy.sqrt(name), 1 / np.sqrt(u))
                    add(sympy.log(name), np.log(u))
            if len(alive) <= _MOST_PAIRED:
                for i, j in combinations(alive, 2):
                    add(inputs[i] * inputs[j], x[:, i] * x[:, j])
                    add(inputs[i] / inputs[j], x[:, i] / x[:, j])
                    add(inputs[j] / inputs[i], x[:, j] / x[:, i])
        self.columns = np.column_stack(columns) if columns else np.zeros((len(x), 0))


def rungs(x: FloatArray, y: FloatArray, inputs: Sequence[sympy.Symbol]) -> list[Rung]:
    """Small formulas, each leaving less than all before it: the fewest parts first.

    Parameters
    ----------
    x : ndarray of shape (n, n_in)
    y : ndarray of shape (n,)
    inputs : sequence of sympy.Symbol

    Examples
    --------
    >>> import numpy as np, sympy
    >>> x = np.random.default_rng(0).uniform(1, 2, (100, 2))
    >>> found = rungs(x, 3 * x[:, 0] ** 2 / x[:, 1], sympy.symbols("m r"))
    >>> found[-1].name, found[-1].expression.n(6)
    ('power law', 3.0*m**2/r)
    """
    largest = float(np.abs(y).max())
    labels = y / largest if largest > 0 else y
    spread = float(labels.std())
    if spread == 0.0 or len(y) < 4:
        return []
    features = _Features(x, inputs)
    fits = _Fits(features, labels, spread, largest)
    found = [
        *fits.proportional(),
        *fits.sums(),
        *fits.lines(),
        *_power_laws(x, labels, spread, largest, inputs),
    ]
    chosen: list[Rung] = []
    for rung in sorted(found, key=lambda rung: (rung.parts, rung.error)):
        least = min((other.error for other in chosen), default=1.0)
        if least > _ROUNDING and rung.error <= _GAIN * least:
            chosen.append(rung)
    return chosen


def terms_alone(x: FloatArray, y: FloatArray, inputs: Sequence[sympy.Symbol], most: int) -> list[sympy.Expr]:
    """The nearest formulas c u, the best first: for samples that are only nearly those of a formula.

    Parameters
    ----------
    x : ndarray of shape (n, n_in)
    y : ndarray of shape (n,)
    inputs : sequence of sympy.Symbol
    most : int

    Examples
    --------
    >>> import numpy as np, sympy
    >>> x = np.random.default_rng(0).uniform(1, 2, (100, 1))
    >>> [form.n(6) for form in terms_alone(x, 3 / x[:, 0], [sympy.Symbol("r")], 1)]
    [3.0/r]
    """
    largest = float(np.abs(y).max(initial=0.0))
    features = _Features(x, inputs)
    if largest == 0.0 or not features.terms:
        return []
    fits = _Fits(features, y / largest, max(float((y / largest).std()), 1e-300), largest)
    return [rung.expression for rung in fits.alone(most)]


class _Fits:
    """Least squares of labels by few features."""

    def __init__(self, features: _Features, y: FloatArray, spread: float, unit: float) -> None:
        self.features, self.y, self.spread, self.unit = features, y, spread, unit
        self.count = features.columns.shape[1]
        self.price = float(np.log2(max(self.count, 2)))

    def proportional(self) -> list[Rung]:
        """c u of the best feature."""
        return self.alone(1)

    def alone(self, most: int) -> list[Rung]:
        """c u of so many features, the best first."""
        u = self.features.columns
        if not self.count:
            return []
        with np.errstate(all="ignore"):
            slopes = (u.T @ self.y) / np.square(u).sum(axis=0)
            left = np.square(self.y[:, None] - u * slopes).sum(axis=0)
        order = np.argsort(left, kind="stable")[:most].tolist()
        return [self._rung("proportional", [k], False) for k in order]

    def sums(self) -> list[Rung]:
        """d + sum of c u, the best feature after the other, each exchanged for a better one."""
        allowed = list(range(self.count))
        return self._forward("sum", allowed, _MOST_TERMS)

    def lines(self) -> list[Rung]:
        """Straight lines in one, two, ... variables."""
        return self._forward("line", [k for k in range(self.count) if self.features.is_line[k]], _MOST_LINES)

    def _forward(self, name: str, allowed: list[int], most: int) -> list[Rung]:
        found: list[Rung] = []
        chosen: list[int] = []
        while len(chosen) < min(most, len(allowed), len(self.y) - 3):
            added = self._next(chosen, allowed)
            if added is None:
                break
            chosen = [*chosen, added]
            for k in chosen[:-1]:
                others = [q for q in chosen if q != k]
                better = self._next(others, allowed)
                chosen = [*others, k if better is None else better]
            found.append(self._rung(name, chosen, True))
        return found

    def _next(self, chosen: Sequence[int], allowed: list[int]) -> int | None:
        """The feature that agrees most with what the chosen ones leave; None if these make up all others."""
        basis = np.column_stack([np.ones(len(self.y)), self.features.columns[:, list(chosen)]])
        q, _ = np.linalg.qr(basis)
        u = self.features.columns[:, allowed]
        rest = u - q @ (q.T @ u)
        size = np.linalg.norm(rest, axis=0)
        seen = size > 1e-9 * np.linalg.norm(u, axis=0)
        gain = np.where(seen, np.abs(rest.T @ self.y) / np.where(seen, size, 1.0), -1.0)
        gain[[k in chosen for k in allowed]] = -1.0
        best = int(np.argmax(gain))
        return allowed[best] if gain[best] >= 0.0 else None

    def _rung(self, name: str, chosen: Sequence[int], offset: bool) -> Rung:
        import sympy

        chosen = sorted(chosen)
        basis = self.features.columns[:, chosen]
        if offset:
            basis = np.column_stack([basis, np.ones(len(self.y))])
        weights, *_ = np.linalg.lstsq(basis, self.y, rcond=None)
        error = float(np.sqrt(np.mean(np.square(self.y - basis @ weights)))) / self.spread
        expression = sympy.Float(weights[-1] * self.unit, 17) if offset else sympy.Integer(0)
        for k, weight in zip(chosen, weights, strict=False):
            slope = weight / self.features.sizes[k] * self.unit
            expression += sympy.Float(slope, 17) * self.features.terms[k]
        return Rung(name, expression, error, 2 * len(chosen) - 1 + int(offset), self.price * len(chosen))


def _power_laws(
    x: FloatArray, y: FloatArray, spread: float, unit: float, inputs: Sequence[Any]
) -> list[Rung]:
    """c x_i^p and c prod_i x_i^p_i of the inputs that are positive, by straight lines in the logarithms."""
    positive = [i for i in range(x.shape[1]) if (x[:, i] > 0).all() and np.ptp(x[:, i]) > 0]
    if not positive or not ((y > 0).all() or (y < 0).all()) or len(positive) + 3 > len(y):
        return []
    logs = np.log(x[:, positive])
    logs = logs - logs.mean(axis=0)
    target = np.log(np.abs(y))
    target = target - target.mean()
    alone = [_slope(logs[:, [k]], target) for k in range(len(positive))]
    best = int(np.argmin([left for _, left in alone]))
    choices = [{best: float(alone[best][0][0])}]
    if len(positive) > 1:
        every, _ = _slope(logs, target)
        choices.append({k: float(p) for k, p in enumerate(every)})
    found = []
    for powers in choices:
        powers = {k: _rounded(p) for k, p in powers.items()}
        column = logs[:, list(powers)] @ np.array([float(p) for p in powers.values()])
        column = np.exp(column - column.max())
        if not np.isfinite(column).all() or not any(powers.values()):
            continue
        slope = float(column @ y / (column @ column))
        error = float(np.sqrt(np.mean(np.square(y - slope * column)))) / spread
        found.append(_power_law(powers, slope * unit, error, column, x, positive, inputs))
    return found


def _power_law(
    powers: dict[int, Any],
    slope: float,
    error: float,
    column: FloatArray,
    x: FloatArray,
    positive: Sequence[int],
    inputs: Sequence[Any],
) -> Rung:
    """The rung of a power law, whose coefficient is that of its column in units of its own."""
    import sympy

    first = int(np.argmax(column))
    size = float(np.log(column[first]))
    size -= sum(float(p) * float(np.log(x[first, positive[k]])) for k, p in powers.items())
    factor = sympy.Float(slope, 17) * sympy.exp(sympy.Float(size, 17))
    product = sympy.Mul(*[inputs[positive[k]] ** power for k, power in powers.items()])
    used = sum(1 for power in powers.values() if power != 0)
    return Rung("power law", factor * product, error, 1 + used, 0.0)


def _slope(logs: FloatArray, target: FloatArray) -> tuple[FloatArray, float]:
    slopes, *_ = np.linalg.lstsq(logs, target, rcond=None)
    return np.asarray(slopes), float(np.square(target - logs @ slopes).sum())


def _rounded(power: float) -> Any:
    """The nearest multiple of a half, where the exponent is no further from it than a fit may be."""
    import sympy

    near = round(power / _EXPONENT) * _EXPONENT
    if abs(power - near) <= _NEAR:
        return sympy.Rational(round(power / _EXPONENT)) * sympy.Rational(str(_EXPONENT))
    return sympy.Float(power, 17)
