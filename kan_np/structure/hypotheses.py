"""Questions about a function: is it separable, has it a symmetry, does it depend on an expression alone?

    additive         y = a(A) + b(B)         y_ij = 0                                   i in A, j in B
    multiplicative   y = a(A) b(B)           y y_ij - y_i y_j = 0
    general          y = g(a(A) + b(B))      log(y_j / y_i) is additive in A and B
    symmetry         y = g(h(A), B)          y_i y_jk - y_j y_ik = 0                    i, j in A, k in B
    expression       y = g(h(A), B), h given (y_i) is parallel to (h_i)                 i in A

Statistics are taken in parts of the size that a function without the property would have, and compared with
the error of the derivatives, so that there is no threshold to choose: it follows from how well the function
is known. Of a formula that is how far differences with other steps are off, of samples what Gaussian
processes through either half of them disagree by, of trained models what independent fits disagree by.

Source: the tests of AI Feynman (Udrescu and Tegmark, Sci. Adv. 6 (2020), eaay2631) and AI Feynman 2.0
(arXiv:2006.10782, sec. II), which pykan's `kan.hypothesis` has with thresholds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np.structure.derivatives import Derivatives, derivatives_of, spread_of, unit_of
from kan_np.structure.given_expression import given_expression
from kan_np.structure.separability import UNKNOWN, StructureTest, additive, in_parts, multiplicative, tested
from kan_np.structure.source import Function, Source, source_of

_MODES = ("add", "mul", "general")
#: What rounding makes of third differences, in parts of the usual size, at most; chosen by judgement.
_ROUNDING = 1e-4
#: Points for third differences at most.
_FEW = 100


@dataclass(frozen=True)
class Separability:
    """Groups of variables into which a function falls.

    Attributes
    ----------
    mode : str
        "add" or "mul".
    groups : list of list of int
        Variables that cannot be separated from each other are in one group.
    scores : ndarray of shape (d, d)
        Statistics of the tests of pairs, 0 on the diagonal.
    separable : ndarray of bool of shape (d, d)
        Which pairs passed.
    known : ndarray of bool of shape (d, d)
        Of which pairs the derivatives are accurate enough to say anything. A pair that is neither separable
        nor known may be either; it is in one group.
    """

    mode: str
    groups: list[list[int]]
    scores: FloatArray
    separable: NDArray[np.bool_]
    known: NDArray[np.bool_]

    @property
    def n_groups(self) -> int:
        """1 if the function is not separable, or not known to be."""
        return len(self.groups)


def detect_separability(
    f: Function | Sequence[Function] | ArrayLike, x: ArrayLike, mode: str = "add"
) -> Separability:
    """Find the groups of variables whose functions a function is a sum, or a product, of.

    Parameters
    ----------
    f : callable, sequence of callables, or array_like of shape (n,)
        A function, as a model, of arrays (n, d), with values (n,) or (n, 1). Of a trained model a sequence of
        two or three independent fits, the best first, tells the error of its derivatives. Labels of the
        samples `x` stand for a Gaussian process through them.
    x : array_like of shape (n, d)
        Points at which derivatives are compared, at most 300 of them; with labels the samples. At least
        2 d + 2 different rows, and no column with one value alone.
    mode : {"add", "mul"}

    Returns
    -------
    Separability

    Raises
    ------
    ValueError, TypeError
        For another mode, too few points, several outputs, values that are complex, NaN or infinite at a row
        of `x`, or around nearly all rows, and labels of which nothing can be learnt.

    Notes
    -----
    Derivatives of functions are differences: values are also needed up to 1 % of the range of each column
    outside of it. Rows around which f is NaN or infinite are left out. Units of f and of the columns do not
    matter.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).uniform(-1, 1, (100, 4))
    >>> detect_separability(lambda x: x[:, 0] * x[:, 1] + np.sin(x[:, 2] - x[:, 3]), x).groups
    [[0, 1], [2, 3]]
    >>> detect_separability(lambda x: (x[:, 0] + x[:, 1]) * np.exp(x[:, 2] * x[:, 3]), x, "mul").groups
    [[0, 1], [2, 3]]
    """
    mode = _validate.choice("mode", mode, _MODES[:2])
    d = source_of(f, x).derivatives()
    test = additive if mode == "add" else multiplicative
    scores, separable = np.zeros((d.n_in, d.n_in)), np.zeros((d.n_in, d.n_in), dtype=bool)
    known = np.ones_like(separable)
    for i, j in combinations(range(d.n_in), 2):
        found = test(d, i, j)
        scores[i, j] = scores[j, i] = found.statistic
        separable[i, j] = separable[j, i] = found.passed
        known[i, j] = known[j, i] = found.known
    return Separability(mode, connected(~separable), scores, separable, known)


def is_separable(
    f: Function | Sequence[Function] | ArrayLike,
    x: ArrayLike,
    groups: Sequence[Sequence[int]],
    mode: str = "add",
) -> StructureTest:
    """Test whether a function is a sum, a product, or a function of a sum of functions of given groups.

    Parameters
    ----------
    f, x
        As for `detect_separability`.
    groups : sequence of sequences of int
        Columns of `x`; those that are in no group are one more.
    mode : {"add", "mul", "general"}
        y = a(A) + b(B) + ..., y = a(A) b(B) ..., or y = g(a(A) + b(B) + ...), which has products in it, too.

    Returns
    -------
    StructureTest
        Of the pair of variables that says the most against it; ``.passed`` is the answer.

    Raises
    ------
    ValueError, TypeError
        As `detect_separability`; also for columns that are not there, or in two groups, and fewer than two
        groups.

    Notes
    -----
    "general" takes differences of slopes: values of f are needed up to 4 % of the range of each column
    outside of it. With too few rows around which f is finite the answer is not known.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).uniform(-1, 1, (100, 3))
    >>> f = lambda x: np.sin((x[:, 0] + x[:, 1]) * x[:, 2])
    >>> [is_separable(f, x, [[0, 1], [2]], mode).passed for mode in ("add", "mul", "general")]
    [False, False, True]
    """
    mode = _validate.choice("mode", mode, _MODES)
    source = source_of(f, x)
    parts = _groups(groups, source.x.shape[1])
    if mode == "general":
        return generally_separable(source, parts)
    d, test = source.derivatives(), additive if mode == "add" else multiplicative
    return worst(test(d, i, j) for a, b in combinations(parts, 2) for i, j in product(a, b))


def generally_separable(source: Source, groups: Sequence[Sequence[int]]) -> StructureTest:
    """Whether y = g(a(A) + b(B) + ...): for p = y_i, q = y_j, and derivatives by x_k in A and x_l in B,

    p^2 (q q_kl - q_k q_l) - q^2 (p p_kl - p_k p_l) = 0.
    """
    few = replace(source, x=source.x[:_FEW])
    spread, slopes = few.spread(), few.slopes()
    if spread == 0.0 or len(slopes[0].x) < few.least:
        return UNKNOWN
    by = [slope.value / spread for slope in slopes]
    return worst(
        _ratio_separates(slopes[i], slopes[j], (k, l), by[k] * by[l])
        for a, b in combinations(groups, 2)
        for i, j in product(a, b)
        for k, l in product(a, b)  # noqa: E741
    )


def _ratio_separates(p: Derivatives, q: Derivatives, by: tuple[int, int], usual: FloatArray) -> StructureTest:
    """The test of two slopes; `usual` are the slopes of a product by both variables, over its square."""
    k, l = by  # noqa: E741

    def terms(p: Derivatives, q: Derivatives) -> FloatArray:
        p_squared, q_squared = np.square(p.value), np.square(q.value)
        return np.stack(
            [
                p_squared * q.value * q.hessian[:, k, l],
                -p_squared * q.gradient[:, k] * q.gradient[:, l],
                -q_squared * p.value * p.hessian[:, k, l],
                q_squared * p.gradient[:, k] * p.gradient[:, l],
            ]
        )

    own = terms(p, q)
    # the terms of a sum vanish one by one: beside them what those of a product would be
    size = _root_mean(np.abs(own).sum(axis=0) + np.square(p.value * q.value) * np.abs(usual))
    others = [terms(a, b).sum(axis=0) for a, b in zip(p.others, q.others, strict=True)][:2]
    off = others[0] - (own.sum(axis=0) if len(others) == 1 else others[1])
    error = in_parts(_root_mean(off), np.sqrt(len(others)) * size)
    return StructureTest(in_parts(_root_mean(own.sum(axis=0)), size), max(error, _ROUNDING))


def has_symmetry(
    f: Function | Sequence[Function] | ArrayLike, x: ArrayLike, group: Sequence[int]
) -> StructureTest:
    """Test whether a function depends on a group of variables through one quantity alone, y = g(h(A), B).

    Parameters
    ----------
    f, x
        As for `detect_separability`.
    group : sequence of int
        Columns of `x`. One column, and all of them, pass always.

    Returns
    -------
    StructureTest
        ``.passed`` is the answer.

    Raises
    ------
    ValueError, TypeError
        As `is_separable`.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).uniform(-1, 1, (100, 3))
    >>> f = lambda x: np.exp((x[:, 0] + x[:, 1] ** 2) * x[:, 2])
    >>> has_symmetry(f, x, [0, 1]).passed, has_symmetry(f, x, [0, 2]).passed
    (True, False)
    """
    source = source_of(f, x)
    own, *_ = _groups([group], source.x.shape[1], least=1)
    return symmetric(source.derivatives(), own)


def symmetric(d: Derivatives, group: Sequence[int]) -> StructureTest:
    """The test of `has_symmetry` on derivatives."""
    others = [k for k in range(d.n_in) if k not in group]
    spread = d.spread or 1.0
    tests = []
    for (i, j), k in product(combinations(group, 2), others):

        def turned(d: Derivatives, i: int = i, j: int = j, k: int = k) -> FloatArray:
            return d.gradient[:, i] * d.hessian[:, j, k] - d.gradient[:, j] * d.hessian[:, i, k]

        slopes = np.abs(d.gradient[:, [i, j, k]])
        usual = slopes[:, 0] * np.abs(d.hessian[:, j, k]) + slopes[:, 1] * np.abs(d.hessian[:, i, k])
        tests.append(tested(d, turned, usual + slopes.prod(axis=1) / spread))
    return worst(tests)


def depends_through(
    f: Function | Sequence[Function] | ArrayLike,
    x: ArrayLike,
    variables: Sequence[Any],
    expression: Any,
) -> StructureTest:
    """Test whether a function depends on some variables through a given expression of them alone.

    Parameters
    ----------
    f, x
        As for `detect_separability`.
    variables : sequence of sympy.Symbol, or of names
        Of all columns of `x`.
    expression : sympy expression, or its text
        h of some of them.

    Returns
    -------
    StructureTest
        The statistic is the sine of the angle between the gradients of f and of h by the variables of h, with
        each variable in units of its range.

    Raises
    ------
    ValueError, TypeError
        As `detect_separability`; also if the expression has a symbol that is no variable, or none, is no
        expression, or is not real and finite at the points, and for variables that are not one symbol for
        each column.

    Examples
    --------
    >>> import numpy as np, sympy
    >>> x = np.random.default_rng(0).uniform(1, 2, (100, 3))
    >>> f, names = lambda x: x[:, 0] * np.sqrt(1 + (x[:, 1] / x[:, 2]) ** 2), sympy.symbols("a b c")
    >>> [depends_through(f, x, names, names[1] ** p * names[2]).passed for p in (-1, 1)]
    [True, False]
    """
    source = source_of(f, x)
    own, h = given_expression(variables, expression, source.x.shape[1])
    d = source.derivatives()
    at_points = h(d.x * source.units)
    bad = np.flatnonzero(~np.isfinite(at_points))
    if bad.size:
        raise ValueError(
            f"expression is not finite at {_validate.shown((d.x[bad[0]] * source.units).tolist())} and "
            f"{bad.size} of {len(d.x)} points in all; leave such rows of x out."
        )
    width, unit = np.ptp(d.x, axis=0)[own], unit_of(spread_of(at_points))
    with np.errstate(all="ignore"):
        wanted = _units(derivatives_of(lambda x: h(x * source.units) / unit, d.x).gradient[:, own] * width)

    def across(d: Derivatives) -> FloatArray:
        direction = _units(d.gradient[:, own] * width)
        along = (direction * wanted).sum(axis=1, keepdims=True)
        # the root of the mean over entries becomes that of the sum over variables
        return np.asarray((direction - along * wanted) * np.sqrt(len(own)))

    return tested(d, across, np.ones(len(d.x)))


def worst(tests: Any) -> StructureTest:
    """The test that says the most against a property; one that is passed if there is none.

    A test that is failed says more than one of which nothing is known.
    """
    return max(
        tests,
        key=lambda test: (not test.passed, test.known, test.statistic),
        default=StructureTest(0.0, 0.0),
    )


def connected(linked: NDArray[np.bool_]) -> list[list[int]]:
    """Groups of numbers that are linked, also through others."""
    groups: list[list[int]] = []
    left = list(range(len(linked)))
    while left:
        group, reached = [], [left[0]]
        while reached:
            own = reached.pop()
            if own in left:
                left.remove(own)
                group.append(own)
                reached += [k for k in left if linked[own, k]]
        groups.append(sorted(group))
    return groups


def _root_mean(values: FloatArray) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def _units(rows: FloatArray) -> FloatArray:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1), 1e-300)[:, None])


def _groups(groups: Sequence[Sequence[int]], d: int, least: int = 2) -> list[list[int]]:
    """Checked groups, and one of the columns that are in none."""
    try:
        listed = [list(group) for group in groups]
    except TypeError:
        raise TypeError(
            f"groups are {_validate.shown(groups)}; expected lists of columns, as [[0, 1], [2]], and of "
            "has_symmetry one list, as [0, 1]."
        ) from None
    found = [[_validate.integer("groups", i, 0, d - 1) for i in group] for group in listed]
    members = [i for group in found for i in group]
    if len(set(members)) < len(members):
        raise ValueError(f"groups are {_validate.shown(groups)}; expected each column once.")
    rest = [i for i in range(d) if i not in members]
    found = [group for group in (*found, rest) if group]
    if not members or len(found) < least:
        raise ValueError(
            f"groups are {_validate.shown(groups)}; expected at least two, or one of some columns."
        )
    return found
