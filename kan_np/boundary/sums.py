"""Boundaries that are sums of few terms, read from the labels alone: v = sum_k c_k phi_k(other columns).

All sets of one and two terms of a dictionary, and of three of its cheapest, are compared by the mean of
-log(e + (1 - 2 e) / (1 + exp(-t z))) over rows of the classes t = 1 and -1, with the logit

    z = s (c_0 v - sum_k c_k phi_k) / (|c_0 v| + sum_k |c_k phi_k|),

the part of the terms that does not cancel: where all of them are large the classes need not be told apart
more sharply. No classifier is asked, whose errors would be those of the boundary. The first comparison, of
all sets on few rows, takes all c_k below for alike; the sets that are left meet more rows, in the end all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kan_np._threads import one_thread
from kan_np._validate import FloatArray
from kan_np.boundary.many_logits import evenly_steep
from kan_np.discovery.terms.dictionary import Dictionary, Term, Theme
from kan_np.discovery.terms.polish import written
from kan_np.functions.expression import numeric_of

#: Dictionaries, in the order in which they are tried.
_THEMES = (
    Theme("growth", 45, ("exp", "exp-", "log", "tanh", "cosh"), ("1/x",), 9, 160),
    Theme("waves", 45, ("sin", "cos"), ("1/x",), 9, 120),
)
#: Terms of which all sets of three are compared.
_IN_THREES = 40
#: Rows, steps, and sets that go on from each comparison; the last is of all rows.
_STAGES = ((300, 4, 800), (1500, 5, 200), (1500, 5, 60), (1500, 5, 30), (None, 8, 12))
#: Numbers that are held at once.
_AT_ONCE = 100_000


class BoundarySum(NamedTuple):
    """A sum of terms as the boundary.

    Attributes
    ----------
    expression : sympy.Expr
        sum_k c_k phi_k / c_0.
    loss : float
        Mean logarithmic loss of the rows.
    cost : float
        Of naming its terms, roughly in bits.
    n_terms : int
    slope : callable
        Derivative of its logit by v, of rows (n, n_in).
    """

    expression: Any
    loss: float
    cost: float
    n_terms: int
    slope: Callable[[FloatArray], FloatArray]


class _Set(NamedTuple):
    """Places of v, which is 0, and of its terms; coefficients in units of their own; the loss.

    `known` are those of the comparison before, which say how steep the logit is.
    """

    places: tuple[int, ...]
    c: FloatArray
    known: FloatArray
    loss: float


def boundary_sums(
    x: FloatArray,
    sign: FloatArray,
    column: int,
    symbols: Sequence[Any],
    *,
    seed: int = 0,
    most_terms: int = 3,
    over: Callable[[], bool] = lambda: False,
    accepts: Callable[[Any], bool] = lambda expression: True,
) -> list[BoundarySum]:
    """Find sums of up to three terms that tell two classes apart.

    Parameters
    ----------
    x : ndarray of shape (n_rows, n_in)
    sign : ndarray of shape (n_rows,)
        1 for the second class, -1 for the first.
    column : int
        Which column is v.
    symbols : sequence of sympy.Symbol
        Of all columns.
    seed : int
        Of the choice of rows for the first comparisons.
    most_terms : int
    over : callable
        Asked before every few sets that are compared: True ends the search with what was found.
    accepts : callable
        Takes a term as an expression; those that it refuses are not used.

    Returns
    -------
    list of BoundarySum
        The shortest message, loss and names of the terms together, first.

    Examples
    --------
    >>> import numpy as np, sympy
    >>> x = np.random.default_rng(0).uniform(0.5, 2, (800, 3))
    >>> sign = np.where(x[:, 2] > x[:, 0] * x[:, 1] / 2, 1.0, -1.0)
    >>> boundary_sums(x, sign, 2, sympy.symbols("a b v"))[0].expression.n(1)
    0.5*a*b
    """
    import sympy

    found: dict[Any, BoundarySum] = {}
    with one_thread(), np.errstate(all="ignore"):
        for theme in _THEMES:
            if over():
                break
            search = _OneTheme(x, sign, column, theme, symbols, accepts, seed)
            for one in search.sets(most_terms, over):
                own = search.written(one)
                if all(np.isfinite(float(number)) for number in own.expression.atoms(sympy.Float)):
                    found.setdefault(own.expression, own)
    n = len(x)
    return sorted(found.values(), key=lambda one: n * one.loss / np.log(2.0) + one.cost)


class _OneTheme:
    """Sets of terms of one dictionary."""

    def __init__(
        self,
        x: FloatArray,
        sign: FloatArray,
        column: int,
        theme: Theme,
        symbols: Sequence[Any],
        accepts: Callable[[Any], bool],
        seed: int,
    ) -> None:
        self.column, self.symbols = column, symbols
        others = [i for i in range(x.shape[1]) if i != column]
        self.inputs = [symbols[i] for i in others]
        self.terms, units, values = [Term((Fraction(0),) * len(others))], np.ones(1), np.ones((1, len(x)))
        if others:
            dictionary = Dictionary(x[:, others], theme)
            used = [k for k, term in enumerate(dictionary.terms) if accepts(term.expression(self.inputs))]
            self.terms += [dictionary.terms[k] for k in used]
            units = np.concatenate([units, dictionary.units[used]])
            values = np.concatenate([values, dictionary.values.T[used]])
        v = x[:, column]
        largest = float(np.abs(v).max()) or 1.0
        of_v = largest * float(np.sqrt(np.mean(np.square(v / largest))) or 1.0)
        #: Of v and the terms; and these in them, each row times its class.
        self.units = np.concatenate([[of_v], units])
        self.rows = np.concatenate([[v / of_v], values]) * sign
        self.order = np.random.default_rng(seed).permutation(len(x))

    def sets(self, most_terms: int, over: Callable[[], bool]) -> Iterator[_Set]:
        """The best of one, two and three terms, each list by itself."""
        many = len(self.terms)
        for size, count in ((1, many), (2, many), (3, min(many, _IN_THREES)))[:most_terms]:
            if over():
                return
            places = np.array(list(combinations(range(1, count + 1), size)), dtype=np.int64)
            yield from self._best(places.reshape(-1, size), over)

    def _best(self, places: NDArray[np.int64], over: Callable[[], bool]) -> list[_Set]:
        """Compare sets on few rows, those that are left on more, in the end on all.

        Where there is no more time, sets that were not compared are left out.
        """
        places = np.concatenate([np.zeros((len(places), 1), dtype=np.int64), places], axis=1)
        c = known = np.zeros(places.shape)
        losses = np.zeros(len(places))
        for turn, (n_rows, steps, kept) in enumerate(_STAGES):
            rows, known, c = self.rows[:, self.order[:n_rows]], c, c.copy()
            at_once = max(_AT_ONCE // (rows.shape[1] * places.shape[1]), 1)
            losses[:] = np.inf
            for begin in range(0, len(places), at_once):
                if begin and over():
                    break
                part = slice(begin, begin + at_once)
                columns = rows[places[part]]
                c[part], losses[part] = evenly_steep(columns, c[part] if turn else None, steps)
            order = np.argsort(losses, kind="stable")[:kept]
            places, c, known, losses = places[order], c[order], known[order], losses[order]
        return [
            _Set(tuple(own.tolist()), numbers, before, float(loss))
            for own, numbers, before, loss in zip(places, c, known, losses, strict=True)
            if np.isfinite(loss) and numbers[0] != 0.0
        ]

    def written(self, own: _Set) -> BoundarySum:
        """A set as a formula of the columns."""
        terms = [self.terms[k - 1] for k in own.places[1:]]
        expressions = [term.expression(self.inputs) for term in terms]
        numbers, known = (c / self.units[list(own.places)] for c in (own.c, own.known))
        parts = [self.symbols[self.column], *expressions]
        values = [numeric_of(tuple(self.symbols), part) for part in parts]

        def slope(x: FloatArray) -> FloatArray:
            size = sum(np.abs(c * value(*x.T)) for c, value in zip(known, values, strict=True))
            return np.asarray(numbers[0] / np.where(size > 0.0, size, 1.0))

        return BoundarySum(
            written(expressions, (-numbers[1:] / numbers[0]).tolist(), 0.0),
            own.loss,
            sum(term.cost for term in terms),
            len(terms),
            slope,
        )
