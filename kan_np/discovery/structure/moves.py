"""Ways to take a problem apart, proposed by tests on derivatives of a surrogate of its labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from kan_np._validate import FloatArray
from kan_np.discovery.structure.problem import Problem
from kan_np.discovery.terms.atoms import pairs_alike
from kan_np.structure.affine import Affine, affine_in, slope_of
from kan_np.structure.derivatives import Derivatives
from kan_np.structure.inner_functions import ONE_VARIABLE, Inner, inner_functions
from kan_np.structure.separability import Split, StructureTest, additive, multiplicative, splits
from kan_np.structure.surrogate import Surrogate, rough_error

#: Points at which derivatives are taken, and rows that a part is searched on at most.
_POINTS, _ROWS = 300, 400
#: Part of the rows on which a part must be finite, and of those known best that it is searched on.
_KNOWN, _BEST = 0.8, 0.6
#: A part with this error, in parts of its size, is not known.
_UNKNOWN = 0.3
#: Rows of rough surrogates, pairs that they are made of, and what a merger that is one leaves of their error.
_ROUGH_ROWS, _PAIRS, _GAIN = 160, 10, 0.75
#: Bits by which parts that share no variable are tried before others.
_CLEAN = 6.0
#: Rows at whose values a part is read off, the others being held there.
_REFERENCES = 7


@dataclass(frozen=True)
class Outer:
    """T(y), its derivatives, and y as an expression of it."""

    name: str
    forward: Callable[[FloatArray], FloatArray]
    first: Callable[[FloatArray], FloatArray]
    second: Callable[[FloatArray], FloatArray]
    inverse: Callable[[Any], Any]
    cost: float


def _half(s: Any) -> Any:
    import sympy

    return sympy.sqrt(s)


OUTERS = (
    Outer("y", lambda y: y, np.ones_like, np.zeros_like, lambda s: s, 0.0),
    Outer("1/y", lambda y: 1 / y, lambda y: -1 / y**2, lambda y: 2 / y**3, lambda s: 1 / s, 1.0),
    Outer("y^2", np.square, lambda y: 2 * y, lambda y: 2 * np.ones_like(y), _half, 1.5),
    Outer("1/y^2", lambda y: y**-2, lambda y: -2 * y**-3, lambda y: 6 * y**-4, lambda s: 1 / _half(s), 2.0),
)


@dataclass(frozen=True)
class Seen:
    """A problem with its surrogate and the derivatives of that.

    Attributes
    ----------
    problem : Problem
    surrogate : Surrogate
    halves : tuple of Surrogate
    derivatives : Derivatives
        At points where they are known well.
    """

    problem: Problem
    surrogate: Surrogate
    halves: tuple[Surrogate, Surrogate]
    derivatives: Derivatives

    @classmethod
    def of(cls, problem: Problem, surrogate: Surrogate) -> Seen:
        """Derivatives of the surrogate and of those of its halves."""
        rows = np.unique(np.linspace(0, len(problem.y) - 1, min(len(problem.y), _POINTS)).astype(int))
        halves = surrogate.halved()
        points = problem.x[rows]
        own = surrogate.derivatives(points)
        both = tuple(half.derivatives(points) for half in halves)
        found = Derivatives(own.x, own.value, own.gradient, own.hessian, both)
        return cls(problem, surrogate, halves, found.at(found.known_best()))

    def outers(self) -> list[Outer]:
        """What may be done to the labels: of one sign for all but the first."""
        y = self.problem.y
        one_sign = (y > 0).all()
        return [own for own in OUTERS if own.name == "y" or one_sign or (own.name == "1/y" and (y < 0).all())]

    def after(self, outer: Outer) -> Derivatives:
        """Derivatives of T(y)."""
        return _after(self.derivatives, outer)

    def read(
        self, part: Callable[[Callable[[FloatArray], FloatArray]], FloatArray], outer: Outer
    ) -> tuple[FloatArray, FloatArray]:
        """What is read off the surrogate of T(y), and its error by the halves, at all rows."""
        with np.errstate(all="ignore"):
            values, *others = (
                part(lambda x, own=own: outer.forward(own(x)))  # type: ignore[misc]
                for own in (self.surrogate, *self.halves)
            )
        return values, np.abs(others[0] - others[1]) / np.sqrt(2.0)


def _after(d: Derivatives, outer: Outer) -> Derivatives:
    with np.errstate(all="ignore"):
        forward, first, second = outer.forward(d.value), outer.first(d.value), outer.second(d.value)
        gradient, hessian = d.transformed(forward, first, second)
    return Derivatives(d.x, forward, gradient, hessian, tuple(_after(other, outer) for other in d.others))


@dataclass(frozen=True)
class AffinePart:
    """T(y) = a + b phi(x_i), the first to be found being b."""

    outer: Outer
    affine: Affine

    @property
    def rank(self) -> float:
        """Smaller is likelier."""
        return _rank(self.affine.test, ONE_VARIABLE[self.affine.function].cost + self.outer.cost)

    def first(self, seen: Seen) -> Problem | None:
        """The problem of b."""
        values, error = seen.read(lambda f: slope_of(f, seen.problem.x, self.affine), self.outer)
        return known_part(seen.problem, [self.affine.i], values, error)

    def rest(self, problem: Problem, first: FloatArray) -> FloatArray:
        """Labels of a, given the values of b."""
        with np.errstate(all="ignore"):
            return np.asarray(self.outer.forward(problem.y) - first * self.affine.values(problem.x))

    def carried(self, problem: Problem, error: float, first: FloatArray, rest: FloatArray) -> float:
        """What an error of b makes of the labels of a."""
        return error * _size(self.affine.values(problem.x))

    def joined(self, problem: Problem, first: Any, rest: Any) -> Any:
        """y in the symbols of the whole search."""
        phi = ONE_VARIABLE[self.affine.function].expression(problem.meanings[self.affine.i])
        return self.outer.inverse(rest + first * phi)

    def left(self, problem: Problem) -> list[int]:
        """Columns that a does not depend on."""
        return [self.affine.i]


@dataclass(frozen=True)
class SplitPart:
    """y = a(A, S) + b(B, S) or a(A, S) b(B, S), the first to be found being the one of fewer variables."""

    split: Split
    is_product: bool
    test: StructureTest

    @property
    def rank(self) -> float:
        """Smaller is likelier."""
        return _rank(self.test, 2.0 * len(self.split.shared) - (0.0 if self.split.shared else _CLEAN))

    @property
    def _sides(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        a, b = self.split.first, self.split.second
        return (a, b) if len(a) <= len(b) else (b, a)

    def first(self, seen: Seen) -> Problem | None:
        """The problem of b up to what the shared variables make."""
        problem = seen.problem
        _, other = self._sides
        middle = np.median(problem.x[:, other], axis=0)
        width = np.maximum(problem.x[:, other].std(axis=0), 1e-300)
        off = np.abs((problem.x[:, other] - middle) / width).max(axis=1)
        references = np.argsort(off, kind="stable")[:_REFERENCES]

        def part(f: Callable[[FloatArray], FloatArray]) -> FloatArray:
            found = np.zeros(len(problem.y))
            for row in references:
                points = problem.x.copy()
                points[:, other] = problem.x[row, other]
                found += f(points) / len(references)
            return found

        values, error = seen.read(part, OUTERS[0])
        return known_part(problem, list(other), values, error)

    def rest(self, problem: Problem, first: FloatArray) -> FloatArray:
        """Labels of a, given the values of b."""
        with np.errstate(all="ignore"):
            return np.asarray(problem.y / first if self.is_product else problem.y - first)

    def carried(self, problem: Problem, error: float, first: FloatArray, rest: FloatArray) -> float:
        """What an error of b makes of the labels of a."""
        return error * _size(rest) / max(_size(first), 1e-300) if self.is_product else error

    def joined(self, problem: Problem, first: Any, rest: Any) -> Any:
        """y in the symbols of the whole search."""
        return first * rest if self.is_product else first + rest

    def left(self, problem: Problem) -> list[int]:
        """Columns that a does not depend on."""
        return list(self._sides[0])

    def own(self, problem: Problem, first: Any) -> Any:
        """b without the factors or terms that depend on shared variables alone, which a may have."""
        import sympy

        own = [problem.meanings[k].free_symbols for k in self._sides[0]]
        mine = set().union(*own)
        parts = sympy.factor_terms(first) if self.is_product else sympy.expand(first)
        make = sympy.Mul if self.is_product else sympy.Add
        return make(*[part for part in make.make_args(parts) if part.free_symbols & mine])


def _size(values: FloatArray) -> float:
    """Root mean square."""
    return float(np.sqrt(np.mean(np.square(values))))


def known_part(problem: Problem, without: list[int], values: FloatArray, error: FloatArray) -> Problem | None:
    """The problem of a part on the rows where it is known best; None where it is not known at all."""
    good = np.isfinite(values) & np.isfinite(error)
    if good.mean() < _KNOWN:
        return None
    order = np.argsort(np.where(good, error, np.inf), kind="stable")
    kept = np.sort(order[: min(int(_BEST * len(values)), _ROWS)])
    noise = _size(error[kept])
    if not noise < _UNKNOWN * _size(values[kept]):
        return None
    return problem.rows(kept).without(without, values[kept], noise)


def affine_parts(seen: Seen) -> list[AffinePart]:
    """Variables in which T(y) may be affine, the likeliest first."""
    found = []
    for outer in seen.outers():
        d = seen.after(outer)
        for i in seen.problem.varying:
            found += [AffinePart(outer, own) for own in affine_in(d, i)]
    return sorted(found, key=lambda own: own.rank)


def split_parts(seen: Seen) -> list[SplitPart]:
    """Sums and products of two parts, the likeliest first."""
    d, n_in = seen.derivatives, seen.problem.x.shape[1]
    found = []
    for is_product, test in ((False, additive), (True, multiplicative)):
        tests = {(i, j): test(d, i, j) for i in range(n_in) for j in range(i)}
        holds = np.zeros((n_in, n_in), dtype=bool)
        for (i, j), own in tests.items():
            holds[i, j] = holds[j, i] = own.passed
        for split in splits(holds):
            between = [tests[max(i, j), min(i, j)] for i in split.first for j in split.second]
            found.append(SplitPart(split, is_product, max(between, key=lambda own: own.statistic)))
    return sorted(found, key=lambda own: own.rank)


def mergers(seen: Seen) -> list[Inner]:
    """Pairs of variables that may enter by one inner function, the likeliest first."""
    d, varying = seen.derivatives, seen.problem.varying
    found = list[Inner]()
    for a, i in enumerate(varying):
        for j in varying[a + 1 :]:
            found += inner_functions(d, i, j, 1)
    return sorted(found, key=lambda own: own.test.statistic)


def merged_by_error(problem: Problem, stop: Callable[[], bool]) -> list[Inner]:
    """Pairs whose sum, difference, product or ratio a rough surrogate learns better from than from both.

    For functions that no surrogate of all variables knows well enough for derivatives.
    """
    rows = np.unique(np.linspace(0, len(problem.y) - 1, min(len(problem.y), _ROUGH_ROWS)).astype(int))
    x, y = problem.x[rows], problem.y[rows]
    before = rough_error(x, y)
    found = []
    for i, j in _alike(problem, x):
        left = [k for k in range(x.shape[1]) if k not in (i, j)]
        for name, coefficient in (("x", -1.0), ("x", 1.0), ("log", 1.0), ("log", -1.0)):
            if stop():
                return []
            if name == "log" and coefficient < 0 and np.abs(x[:, j]).min() == 0.0:
                continue
            inner = Inner(i, j, name, name, coefficient, StructureTest(0.0, 0.0))
            merged = np.column_stack([x[:, left], inner.values(x)])
            error = rough_error(merged, y)
            if error < _GAIN * before:
                found.append((error, inner))
    found.sort(key=lambda own: own[0])
    return [inner for _, inner in found]


def _alike(problem: Problem, x: FloatArray) -> list[tuple[int, int]]:
    """The pairs that are merged on trial: those of the most similar ranges."""
    return [pair for pair in pairs_alike(x, _PAIRS) if set(pair) <= set(problem.varying)]


def _rank(test: StructureTest, cost: float) -> float:
    return float(np.log2(max(test.statistic, 1e-7))) + cost


def moves(seen: Seen) -> Iterator[AffinePart | SplitPart]:
    """Parts to be peeled off, the likeliest first."""
    found: list[AffinePart | SplitPart] = [*affine_parts(seen), *split_parts(seen)]
    yield from sorted(found, key=lambda own: own.rank)
