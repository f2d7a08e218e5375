"""find_by_structure: labels taken apart by what derivatives of a surrogate show, each part searched alone.

A problem is tried as a factor times a function of one quantity; then a Gaussian process learns it, and tests
on its derivatives (`kan_np.structure`) propose to merge two variables to one, or to peel a part off: the part
is read from the process, its formula is found, and what it leaves of the labels themselves, which is as
accurate as these, is searched again. What comes out is fitted to the labels as a whole.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np

from kan_np._threads import one_thread
from kan_np.discovery.structure.direct import direct, functions_of_one_quantity, values_of
from kan_np.discovery.structure.moves import AffinePart, Seen, SplitPart, merged_by_error, mergers, moves
from kan_np.discovery.structure.problem import Part, Problem
from kan_np.discovery.terms.atoms import Quantity
from kan_np.discovery.terms.peeling import product, proposals
from kan_np.discovery.terms.polish import Samples, SumFormula
from kan_np.functions.library import SymbolLibrary
from kan_np.structure.inner_functions import Inner
from kan_np.structure.surrogate import LEARNED, fit_surrogate

#: How often a problem is taken apart.
_DEPTH = 3
#: Seconds for the formulas of a part at most, the part of what is left of the time, and attempts.
_DIRECT, _SHARE, _ATTEMPTS = 1.5, 0.25, 40
#: Formulas of a part that are peeled off, parts and mergers that are tried.
_FORMULAS, _PEELED, _MERGED = 3, 6, 4
#: With more than this error, in parts of the labels' deviation, derivatives of a surrogate say little, and
#: variables are merged by trial.
_WELL_LEARNED = 0.02
#: Formulas that are returned, and numbers of those that are fitted to the labels.
_KEPT, _MOST_NUMBERS = 4, 25
#: Parts of the labels that a formula of a whole may leave to be fitted to all of them.
_NEAR = 0.03
#: Fewer rows are not taken apart.
_FEWEST = 60


def find_by_structure(
    samples: Samples,
    library: SymbolLibrary,
    *,
    seconds: float = 8.0,
    stop: Callable[[], bool] = lambda: False,
    more: Callable[[], bool] = lambda: True,
    accepts: Callable[[Any], bool] = lambda expression: True,
) -> list[SumFormula]:
    """Formulas of labels that are taken apart, the best first; only the exact one if there is one.

    Parameters
    ----------
    samples : Samples
        Rows to fit to and to judge by.
    library : SymbolLibrary
        Functions of one quantity.
    seconds : float
        Processor time of the thread.
    stop : callable
        Asked before every attempt; True ends the search with what there is.
    more : callable
        Asked once for every attempt, as in `find_sums`, and for every surrogate: False ends the search, too.
    accepts : callable
        Takes an expression; those that it refuses are left out.

    Examples
    --------
    >>> import numpy as np
    >>> from kan_np.functions.library import default_library
    >>> x = np.random.default_rng(0).uniform(1, 2, (300, 3))
    >>> y = x[:, 2] * np.sin(3 * x[:, 0] * x[:, 1]) ** 2
    >>> found = find_by_structure(Samples(x[:240], y[:240], x[240:], y[240:], 0.0), default_library())
    >>> found[0].exact
    True
    """
    with one_thread(), np.errstate(all="ignore"):
        return _Search(samples, library, seconds, stop, more, accepts).run()


class _Search:
    def __init__(
        self,
        samples: Samples,
        library: SymbolLibrary,
        seconds: float,
        stop: Callable[[], bool],
        more: Callable[[], bool],
        accepts: Callable[[Any], bool],
    ) -> None:
        self.samples, self.library, self.seconds = samples, library, seconds
        self.asked, self.more, self.accepts = stop, more, accepts
        self.ended = False
        self.begin = time.thread_time()
        self.found: list[SumFormula] = []
        self.seen: set[Any] = set()

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return self.seconds - (time.thread_time() - self.begin)

    def stop(self) -> bool:
        """Whether the search ends."""
        return self.ended or self.exact or self.left <= 0.0 or self.asked()

    def attempt(self) -> bool:
        """Whether there is one attempt more; it counts."""
        self.ended = self.ended or not self.more()
        return not self.ended

    @property
    def exact(self) -> bool:
        """Whether a formula of the labels is exact."""
        return any(own.exact for own in self.found)

    def run(self) -> list[SumFormula]:
        """Take the labels apart."""
        samples = self.samples
        varying = np.flatnonzero(np.ptp(samples.all_x, axis=0) > 0)
        if len(samples.all_y) < _FEWEST or varying.size == 0 or samples.spread == 0.0:
            return []
        whole = Problem(samples.all_x[:, varying], samples.all_y, tuple(samples.symbols[k] for k in varying))
        self._solve(whole, _DEPTH, lambda expression: expression, try_direct=False)
        exact = [own for own in self.found if own.exact]
        if exact:
            return [min(exact, key=lambda own: own.bits)]
        return sorted(self.found, key=lambda own: own.bits)[:_KEPT]

    def _offer(self, expression: Any) -> None:
        """Fit a formula of the labels as a whole to them, and keep it."""
        import sympy

        samples = self.samples
        if expression in self.seen or not self.accepts(expression):
            return
        self.seen.add(expression)
        if len(expression.atoms(sympy.Float)) > _MOST_NUMBERS or expression.has(sympy.zoo, sympy.nan):
            return
        rest = values_of(expression, samples.symbols, samples.all_x) - samples.all_y
        if not np.sqrt(np.mean(np.square(rest))) <= _NEAR * samples.spread:
            return
        fitted, rmse = samples.fitted(expression)
        if np.isfinite(rmse):
            own = samples.formula(fitted)
            self.found.append(own)

    def _solve(
        self,
        problem: Problem,
        depth: int,
        whole: Callable[[Any], Any],
        try_direct: bool = True,
    ) -> list[Part]:
        """Formulas of a problem; each is offered as a part of the whole.

        Parameters
        ----------
        problem : Problem
        depth : int
            How often it may be taken apart.
        whole : callable
            Takes a formula of the part, gives that of the labels.
        try_direct : bool
            Whether formulas without taking apart are tried first.
        """
        if self.stop():
            return []
        found = self._direct(problem, whole) if try_direct else self._of_one_quantity(problem, whole)
        fits = found and problem.fits(min(part.error for part in found))
        if depth > 0 and len(problem.varying) > 1 and not fits and not self.stop():
            found += self._taken_apart(problem, depth, whole)
        return sorted(found, key=lambda part: part.bits)

    def _direct(self, problem: Problem, whole: Callable[[Any], Any]) -> list[Part]:
        found = self._formulas(problem)
        for part in found[:_FORMULAS]:
            self._offer(whole(part.expression))
        return found

    def _formulas(self, problem: Problem) -> list[Part]:
        """Of a problem, those that need no taking apart; in a number of attempts that is always the same."""
        seconds = min(_DIRECT, _SHARE * self.left) if np.isfinite(self.seconds) else np.inf
        attempts = count(1)

        def more() -> bool:
            return next(attempts) <= _ATTEMPTS and self.attempt()

        found = direct(problem, self.library, seconds, self.stop, more, self.accepts)
        if (found and problem.fits(found[0].error)) or self.stop():
            return found
        found += functions_of_one_quantity(problem, self.library, self.stop)
        return sorted(found, key=lambda part: part.bits)

    def _of_one_quantity(self, problem: Problem, whole: Callable[[Any], Any]) -> list[Part]:
        found = functions_of_one_quantity(problem, self.library, self.stop)
        for part in found:
            self._offer(whole(part.expression))
        return found

    def _factored(self, problem: Problem) -> tuple[Problem, Any, float] | None:
        """The labels divided by a common factor of powers, if there seems to be one; the factor, its size."""
        powers = proposals(problem.x, problem.y)[0]
        columns = [k for k, power in enumerate(powers) if power]
        if not columns or len(columns) == problem.x.shape[1]:
            return None
        values = product(problem.x, powers)
        size = float(np.sqrt(np.mean(np.square(values))))
        inner = problem.without(columns, problem.y / values, problem.noise / size)
        return inner, problem.meant(Quantity(powers).expression(problem.symbols)), size

    def _learned(self, problem: Problem) -> Seen | None:
        """The problem with a surrogate that says something of it."""
        if self.stop() or not self.attempt():
            return None
        surrogate = fit_surrogate(problem.x, problem.y, self.stop)
        if surrogate is None or not surrogate.error <= LEARNED * problem.spread:
            return None
        return Seen.of(problem, surrogate)

    def _taken_apart(self, problem: Problem, depth: int, whole: Callable[[Any], Any]) -> list[Part]:
        """Formulas by way of parts, and of two variables that are merged; a common factor is put before."""
        found = list[Part]()
        factored = self._factored(problem)
        if factored is not None:
            inner, factor, size = factored

            def with_factor(part: Any) -> Any:
                return whole(factor * part)

            def joined(parts: list[Part]) -> list[Part]:
                return [Part(factor * p.expression, p.error * size, p.bits + 2.0) for p in parts]

            found += joined(self._of_one_quantity(inner, with_factor))
        seen = self._learned(problem)
        if factored is not None:
            reduced = self._learned(inner)
            if reduced is not None and (
                seen is None or reduced.surrogate.error * size <= seen.surrogate.error
            ):
                return found + joined(self._of_parts(reduced, depth, with_factor))
        if seen is None or seen.surrogate.error > _WELL_LEARNED * problem.spread:
            found += self._merged(problem, merged_by_error(problem, self.stop), depth, whole)
        if seen is not None:
            found += self._of_parts(seen, depth, whole)
        return found

    def _of_parts(self, seen: Seen, depth: int, whole: Callable[[Any], Any]) -> list[Part]:
        problem, found = seen.problem, list[Part]()
        for number, move in enumerate(moves(seen)):
            if number >= _PEELED or self.stop():
                break
            found += self._peeled(seen, move, depth, whole)
        return found + self._merged(problem, mergers(seen), depth, whole)

    def _merged(
        self, problem: Problem, inners: list[Inner], depth: int, whole: Callable[[Any], Any]
    ) -> list[Part]:
        """Formulas with one column in place of two."""
        found = list[Part]()
        for inner in inners[:_MERGED]:
            if self.stop():
                break
            values = inner.values(problem.x)
            if np.isfinite(values).all() and np.ptp(values) > 0:
                u, v = problem.symbols[inner.i], problem.symbols[inner.j]
                merged = problem.merged([inner.i, inner.j], values, inner.expression(u, v))
                found += self._solve(merged, depth - 1, whole)
        return found

    def _peeled(
        self, seen: Seen, move: AffinePart | SplitPart, depth: int, whole: Callable[[Any], Any]
    ) -> list[Part]:
        """A part's formulas, and of what each leaves."""
        import sympy

        problem = seen.problem
        first = move.first(seen)
        if first is None:
            return []
        found = []
        for number, part in enumerate(self._formulas(first)[:_FORMULAS]):
            if self.stop():
                break
            expression = part.expression
            if isinstance(move, SplitPart):
                expression = move.own(problem, expression)
            values = values_of(expression, self.samples.symbols, self.samples.all_x)
            rest = move.rest(problem, values)
            if not np.isfinite(rest).all():
                continue
            # numbers of the part are known as well as a mean of so many rows
            numbers = len(expression.atoms(sympy.Float))
            error = part.error * np.sqrt(numbers / len(first.y))
            left = problem.without(move.left(problem), rest, move.carried(problem, error, values, rest))

            def joined(other: Any, own: Any = expression) -> Any:
                return move.joined(problem, own, other)

            # only what the likeliest leaves is taken apart further
            further = depth - 1 if number == 0 else 0
            others = self._solve(left, further, lambda other: whole(joined(other)))
            found += [Part(joined(o.expression), o.error, part.bits + o.bits) for o in others]
        return found
