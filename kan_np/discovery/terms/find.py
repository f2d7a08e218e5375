"""find_sums: formulas that are sums of few products after a transform of the labels, in seconds.

Most formulas of physics are T(y) = sum_k c_k prod_i a_i^p_i of few terms, or quotients of such sums. Each
attempt is linear least squares over a dictionary; what it proposes is fitted in y itself and judged on the
validation samples.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from kan_np._threads import one_thread
from kan_np._validate import FloatArray
from kan_np.discovery.terms.atoms import Powers, Quantity
from kan_np.discovery.terms.attempts import NEARLY_EXACT, Attempt, Sum
from kan_np.discovery.terms.dictionary import LARGE, QUOTIENTS, SCALED, SMALL, Dictionary, Theme
from kan_np.discovery.terms.nested import nested
from kan_np.discovery.terms.peeling import monomial, product, proposals
from kan_np.discovery.terms.polish import Samples, SumFormula
from kan_np.discovery.terms.selection import without_constant
from kan_np.discovery.terms.transforms import transforms

#: Samples that are used at most to choose terms.
_MOST = 1000
#: Samples for the larger dictionaries, and the transforms that are tried with them, by their bits.
_SOME, _LIKELY = 400, 3.0
#: Sums of each number of terms, of one and two twice as many, whose numbers are fitted to the labels.
_POLISHED = 4
#: Sums in all where one leaves nothing: those beside it only show what it is worth.
_POLISHED_BESIDE = 4
#: Transforms that are tried in implicit form.
_IMPLICIT = ("y", "y^2")
#: Terms and cost of sums that may end the search, and the bits by which a term must gain more than its name
#: costs for something to be left: one in 2^6 of searches goes on for nothing.
_SIMPLE, _SIMPLE_COST, _SPARE_BITS = 3, 20.0, 6.0
#: Decimal numbers of a formula that leaves nothing and ends the search at once: one of more is compared with
#: all small sums.
_DECIMALS = 1
#: What transforms that are rare are tried with; others with all.
_THEMES = {
    "sqrt y": ("powers", "pairs"),
    "1/sqrt y": ("powers", "pairs"),
    "exp y": ("powers", "pairs"),
    "sin y": ("powers", "waves"),
    "cos y": ("powers", "waves"),
    "tan y": ("powers", "waves"),
    "atanh y": ("powers",),
    "log(1 + 1/y)": ("powers",),
    "log(1/y - 1)": ("powers",),
}
#: Expected bits of the attempts after which the search may end.
_FIRST = 2.5
_ORDER = {"powers": 0.0, "pairs": 1.5, "waves": 2.0, "growth": 2.5}
#: Formulas whose numbers are recognised, in all and where one leaves nothing.
_FINISHED, _FINISHED_BESIDE = 5, 2
#: Attempts that are tried with the largest dictionary.
_PROMISING = 6
#: Part of the time for choosing terms; the rest is for fitting them.
_SHARE = 0.7


def find_sums(
    x: FloatArray,
    y: FloatArray,
    val_x: FloatArray,
    val_y: FloatArray,
    *,
    noise: float = 0.0,
    seconds: float = 8.0,
    stop: Callable[[], bool] = lambda: False,
    more: Callable[[], bool] = lambda: True,
    symbols: Sequence[Any] | None = None,
    accepts: Callable[[Any], bool] = lambda expression: True,
    finished: int = _FINISHED,
) -> list[SumFormula]:
    """Formulas that are sums of products after a transform of the labels, the best first.

    Parameters
    ----------
    x, y : ndarray of shape (n, d), (n,)
        Samples to fit to.
    val_x, val_y : ndarray of shape (m, d), (m,)
        Samples to judge by.
    noise : float
        Deviation of the labels that is known, such as that of their last digit.
    seconds : float
        Processor time of the thread.
    stop : callable
        Asked before every attempt and every fit; True ends the search.
    more : callable
        Asked once for every attempt, after `stop`: False ends choosing terms, and what has been found is
        still fitted.
    symbols : sequence of sympy.Symbol, optional
        Of the inputs; x_1, x_2, ... if None.
    accepts : callable
        Takes an expression; those that it refuses are left out.
    finished : int
        Formulas whose numbers are recognised, beside an exact one.

    Returns
    -------
    list of SumFormula
        The constant formula is always the last; if one is exact, there are only that one and the constant.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).uniform(1, 3, (120, 2))
    >>> y = x[:, 0] * x[:, 1] / (x[:, 0] + x[:, 1])
    >>> find_sums(x[:100], y[:100], x[100:], y[100:])[0].expression
    x_1*x_2/(x_1 + x_2)
    """
    with one_thread(), np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        samples = Samples(x, y, val_x, val_y, noise, symbols)
        return _Search(samples, seconds, stop, more, accepts, finished).run()


class _Search:
    def __init__(
        self,
        samples: Samples,
        seconds: float,
        stop: Callable[[], bool],
        more: Callable[[], bool],
        accepts: Callable[[Any], bool],
        finished: int,
    ) -> None:
        self.samples, self.seconds, self.accepts, self.finish = samples, seconds, accepts, finished
        self.stop, self.more = stop, more
        self.begin = time.thread_time()
        self.floor = max(samples.noise, samples.rounding)
        self.varying = np.flatnonzero(np.ptp(samples.all_x, axis=0) > 0)
        self.sign = -1 if (samples.all_y < 0).all() else 1
        self.sums: list[Sum] = []
        self.exact: list[SumFormula] = []
        self.settled = self.plain = False
        self._dictionaries: dict[Any, Dictionary] = {}

    def over(self, share: float) -> bool:
        """Whether this part of the time is over."""
        return time.thread_time() - self.begin > share * self.seconds or self.stop()

    def chosen(self) -> bool:
        """Whether no further attempt is made."""
        return bool(self.exact) or self.over(_SHARE) or not self.more()

    def run(self) -> list[SumFormula]:
        """Constant, monomial, then dictionaries by size."""
        import sympy

        samples = self.samples
        constant = samples.formula(sympy.Float(float(samples.y.mean()), 17))
        if constant.exact or samples.spread == 0.0 or self.varying.size == 0:
            return [constant]
        powers, error = self._monomial()
        others = [self._power_law(powers)] if np.isfinite(error) else []
        if error < NEARLY_EXACT:
            self._try_exact(others[0])
        if not self.exact:
            few, many = _rows(len(samples.y), _SOME), _rows(len(samples.y), _MOST)
            if others:
                self._settle(others[0], many)
            if not self.plain:
                others += self._search_all(few, many)
        if self.exact:
            best = min(self.exact, key=lambda f: f.bits)
            return [samples.finished(best.expression, simplify=True, over=self.stop), constant]
        return self._judged(others, constant)

    def _search_all(self, few: np.ndarray, many: np.ndarray) -> list[Any]:
        """Dictionaries by size, until one is exact or leaves nothing; returns formulas that are no sums."""
        attempts = list(self._attempts())
        small = [(a, t) for a in attempts for t in (QUOTIENTS if a.implicit else SMALL) if _suits(a, t)]
        first = [pair for pair in small if _expected(*pair) <= _FIRST]
        self._search(first, many)
        self._settle_shortest(many)
        if self.plain:
            return []
        self._search([pair for pair in small if _expected(*pair) > _FIRST], many)
        others = self._nested()
        self._settle_shortest(many)
        if others and not self.settled:
            self._settle(others[0], many)
        if not self.settled:
            likely = [a for a in attempts if a.transform.bits <= _LIKELY and not a.implicit]
            self._search([(a, t) for a in likely for t in LARGE if _suits(a, t)], few)
            self._search([(a, t) for a in self._promising() for t in SCALED], many)
        return others

    def _monomial(self) -> tuple[Powers, float]:
        return monomial(self.samples.x, self.samples.y)

    def _power_law(self, powers: Powers) -> Any:
        import sympy

        samples = self.samples
        values = product(samples.x, powers)
        size = float(np.abs(values).max())
        factor = float((values / size) @ samples.y / ((values / size) @ (values / size))) / size
        return sympy.Float(factor, 17) * Quantity(powers).expression(samples.symbols)

    def _nested(self) -> list[Any]:
        """Functions of one product, times another."""
        if self.chosen():
            return []
        found = nested(self.samples.x, self.samples.y, self.samples.symbols)
        for left, expression in found:
            if left < NEARLY_EXACT:
                self._try_exact(expression)
        return [expression for _, expression in found]

    def _attempts(self) -> Iterator[Attempt]:
        """Common factors with transforms, explicit ones first."""
        samples = self.samples
        d = samples.x.shape[1]
        factors = [tuple(p) for p in self._factors(d)]
        for implicit in (False, True):
            for factor in factors:
                left = tuple(i for i in self.varying.tolist() if not factor[i])
                if not left:
                    continue
                with np.errstate(all="ignore"):
                    ratio = samples.all_y / product(samples.all_x, factor)
                sign = -1 if (ratio < 0).all() else 1
                for transform in transforms():
                    if not implicit or transform.name in _IMPLICIT:
                        yield Attempt(factor, left, sign, transform, implicit)

    def _factors(self, d: int) -> Iterator[list[Fraction]]:
        samples = self.samples
        own = samples.x[:, self.varying]
        for powers in proposals(own, samples.y):
            full = [Fraction(0)] * d
            for i, power in zip(self.varying.tolist(), powers, strict=True):
                full[i] = power
            yield full

    def _search(self, pairs: Sequence[tuple[Attempt, Theme]], rows: np.ndarray) -> None:
        """Try attempts with dictionaries, the likeliest first, until the time is over or one is exact."""
        x, y = self.samples.x[rows], self.samples.y[rows]
        prepared = {attempt: attempt.prepared(x, y) for attempt in dict.fromkeys(a for a, _ in pairs)}
        for attempt, theme in sorted(pairs, key=lambda pair: _expected(*pair)):
            own = prepared[attempt]
            if own is None:
                continue
            if self.chosen():
                return
            found = own.sums(self._dictionary(attempt.left, theme, rows), self.floor, len(self.samples.y))
            self.sums += found
            for sum_found in found:
                if sum_found.error < NEARLY_EXACT:
                    self._try_exact(sum_found.expression(self.samples.symbols))

    def _dictionary(self, left: tuple[int, ...], theme: Theme, rows: np.ndarray) -> Dictionary:
        key = left, theme, len(rows)
        if key not in self._dictionaries:
            self._dictionaries[key] = Dictionary(self.samples.x[rows][:, list(left)], theme)
        return self._dictionaries[key]

    def _try_exact(self, expression: Any) -> None:
        if not self.accepts(expression):
            return
        fitted, _ = self.samples.fitted(expression)
        formula = self.samples.formula(fitted)
        if formula.exact:
            self.exact.append(formula)

    def _settle_shortest(self, rows: np.ndarray) -> None:
        """See whether the shortest sum, if it is simple, leaves nothing that a term explains."""
        if self.exact or self.settled or not self.sums:
            return
        best = min(self.sums, key=lambda s: s.length)
        if len(best.terms) <= _SIMPLE and sum(t.cost for t in best.terms) <= _SIMPLE_COST:
            expression = best.expression(self.samples.symbols)
            if self.accepts(expression):
                self._settle(expression, rows)

    def _settle(self, expression: Any, rows: np.ndarray) -> None:
        """See whether a formula leaves nothing that any term of the small dictionaries explains."""
        import sympy

        fitted, rmse = self.samples.fitted(expression)
        rest = self.samples.residuals(fitted)[rows] / max(rmse, 1e-300)
        if not np.isfinite(rest).all():
            return
        rest = rest - rest.mean()
        square, most, count = float(rest @ rest), 0.0, 1
        if square == 0.0:  # met by all samples but those for validation: no noise
            return
        for theme in SMALL:
            values = self._dictionary(tuple(self.varying.tolist()), theme, rows).values
            phi, usable = without_constant(values, np.ones(len(rest)))
            count += usable.size
            if usable.size:
                most = max(most, float(np.square(rest @ phi).max()) / square)
        if len(rest) / 2 * np.log2(1 / max(1 - most, 1e-300)) < np.log2(count) + _SPARE_BITS:
            self.settled = True
            # decimal numbers may stand for the series of another formula
            plain = self.samples.finished(fitted, simplify=False, over=lambda: self.over(_SHARE)).expression
            self.plain = len(plain.atoms(sympy.Float)) <= _DECIMALS

    def _promising(self) -> list[Attempt]:
        """Attempts whose sums are the shortest."""
        best: dict[int, tuple[float, Attempt]] = {}
        for own in self.sums:
            key = id(own.attempt)
            if key not in best or own.length < best[key][0]:
                best[key] = (own.length, own.attempt)
        return [attempt for _, attempt in sorted(best.values(), key=lambda pair: pair[0])[:_PROMISING]]

    def _judged(self, others: list[Any], constant: SumFormula) -> list[SumFormula]:
        """The shortest sums, fitted to the labels, each that is better than all that are shorter."""
        samples = self.samples
        expressions, seen = list(others), set[Any]()
        by_size: dict[tuple[int, bool], int] = {}
        for own in sorted(self.sums, key=lambda s: s.length):
            if self.settled and len(seen) >= _POLISHED_BESIDE:
                break
            key = frozenset(own.terms), own.attempt.transform.name, own.attempt.factor
            size = len(own.terms), own.attempt.implicit
            count = by_size.get(size, 0)
            if key not in seen and count < (2 * _POLISHED if len(own.terms) <= 2 else _POLISHED):
                seen.add(key)
                by_size[size] = count + 1
                expressions.append(own.expression(samples.symbols))
        found: list[SumFormula] = []
        for expression in filter(self.accepts, expressions):
            if self.over(1.0):
                break
            fitted, rmse = samples.fitted(expression)
            if np.isfinite(rmse):
                found.append(samples.formula(fitted))
                if found[-1].exact:
                    return [samples.finished(fitted, simplify=True, over=self.stop), constant]
        found = [f for f in sorted(found, key=lambda f: f.bits) if f.bits < constant.bits]
        many = min(self.finish, _FINISHED_BESIDE) if self.settled else self.finish
        finished = [
            samples.finished(f.expression, simplify=k == 0, over=lambda: self.over(1.0))
            for k, f in enumerate(found[:many])
        ]
        finished.sort(key=lambda f: f.bits)
        if self.settled and finished:
            finished[0] = replace(finished[0], settled=True)
        return [*finished, *found[many:], constant]


def _suits(attempt: Attempt, theme: Theme) -> bool:
    """Whether a transform is tried with a dictionary."""
    return theme.name in _THEMES.get(attempt.transform.name, (theme.name,))


def _expected(attempt: Attempt, theme: Theme) -> float:
    """Bits by which attempts are ordered."""
    return attempt.transform.bits + 2.0 * attempt.implicit + _ORDER[theme.name]


def _rows(n: int, most: int) -> np.ndarray:
    """Rows at even distances."""
    return np.unique(np.linspace(0, n - 1, min(n, most)).astype(int))
