"""Separability, symmetries and trees of functions, of samples with noise, and of several fits."""

import numpy as np
import pytest
import sympy

from kan_np import KAN
from kan_np.structure import depends_through, detect_separability, find_tree, has_symmetry, is_separable


def points(d, n=100, seed=0, low=-1.0):
    return np.random.default_rng(seed).uniform(low, 1.0, (n, d))


def sums(x):
    return x[:, [0]] * x[:, [1]] + x[:, [2]] * x[:, [3]] + x[:, [4]] * x[:, [5]]


def products(x):
    return (x[:, [0]] + x[:, [1]]) * (x[:, [2]] + x[:, [3]]) * (x[:, [4]] + x[:, [5]])


PAIRS = [[0, 1], [2, 3], [4, 5]]
#: Functions of two variables from 0.2 to 1: whether they are a sum, a product, a function of a sum.
SEPARABLE = {
    "sum": (lambda x: np.exp(x[:, 0]) + x[:, 1] ** 2, (True, False, True)),
    "product": (lambda x: x[:, 0] * np.sin(x[:, 1]), (False, True, True)),
    "function of a sum": (lambda x: np.sqrt(x[:, 0] ** 2 + x[:, 1]), (False, False, True)),
    "none": (lambda x: np.sin(3 * x[:, 0] * x[:, 1]) + x[:, 0], (False, False, False)),
}


@pytest.mark.parametrize("seed", range(3))
def test_groups_are_found(seed):
    x = points(6, seed=seed)
    assert detect_separability(sums, x, "add").groups == PAIRS
    assert detect_separability(sums, x, "mul").n_groups == 1
    found = detect_separability(products, x, "mul")
    assert found.groups == PAIRS
    assert detect_separability(products, x, "add").n_groups == 1
    assert found.separable[0, 2]
    assert not found.separable[0, 1]
    assert found.scores[0, 1] > 0.1 > found.scores[0, 2]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", SEPARABLE)
def test_separability_of_functions(name, seed):
    f, expected = SEPARABLE[name]
    x = points(2, seed=seed, low=0.2)
    assert (
        tuple(is_separable(f, x, [[0], [1]], mode).passed for mode in ("add", "mul", "general")) == expected
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "noise"), [*((name, 0.01) for name in SEPARABLE), (next(iter(SEPARABLE)), 0.0)]
)
def test_separability_of_samples(name, noise):
    f, expected = SEPARABLE[name]
    x = points(2, 300, low=0.2)
    y = f(x)
    y = y + noise * y.std() * np.random.default_rng(1).normal(size=300)
    assert tuple(is_separable(y, x, [[0], [1]], mode).passed for mode in ("add", "mul")) == expected[:2]


def test_groups_that_are_given():
    x = points(6)
    assert is_separable(products, x, PAIRS, "mul").passed
    assert is_separable(products, x, [[0, 1]], "mul").passed  # the others are one more group
    assert not is_separable(products, x, [[0, 1], [2, 4], [3, 5]], "mul").passed
    waves = lambda x: np.sin(products(x))  # noqa: E731
    assert not is_separable(waves, x, PAIRS, "mul").passed
    assert is_separable(waves, x, PAIRS, "general").passed
    assert not is_separable(waves, x, [[0, 2], [1, 3], [4, 5]], "general").passed


def test_symmetries():
    x = points(6)
    passed = [has_symmetry(products, x, group).passed for group in ([0, 1], [0, 2], [2, 3], range(6), [1])]
    assert passed == [True, False, True, True, True]


def test_a_given_expression():
    a, b, c = names = sympy.symbols("a b c")
    x = points(3)
    f = lambda x: x[:, [0]] * np.sqrt(1 + (x[:, [1]] / x[:, [2]]) ** 2)  # noqa: E731
    assert depends_through(f, x, names, b / c).passed
    assert depends_through(f, x, names, (b / c) ** 3).passed
    assert not depends_through(f, x, names, b * c).passed
    assert not depends_through(f, x, names, a * b / c).passed
    with pytest.raises(ValueError, match="one for each of 3 columns"):
        depends_through(f, x, (a, b), b)
    with pytest.raises(ValueError, match="expression is d"):
        depends_through(f, x, names, sympy.Symbol("d"))


def test_the_error_of_independent_fits_decides():
    """Two models that disagree tell that nothing is known; the one alone would be taken at its word."""
    x = points(3, low=0.2)
    right = lambda x: np.exp(x[:, 0]) + x[:, 1] * x[:, 2]  # noqa: E731
    near = lambda x: right(x) + 1e-3 * x[:, 0] * x[:, 1]  # noqa: E731
    off = lambda x: right(x) + 3.0 * x[:, 0] * x[:, 1]  # noqa: E731
    assert not is_separable(near, x, [[0], [1, 2]]).passed
    assert is_separable([near, right], x, [[0], [1, 2]]).passed
    unknown = is_separable([right, off], x, [[0], [1, 2]])
    assert not unknown.known
    assert not unknown.passed


def test_a_network_is_a_function():
    model = KAN([3, 2, 1], seed=0)
    for edge, name in {
        (0, 0, 0): "x",
        (0, 1, 0): "x^2",
        (0, 2, 1): "x",
        (1, 0, 0): "exp",
        (1, 1, 0): "x",
    }.items():
        model.fix_symbolic(*edge, name, fit=False)
    for edge in ((0, 0, 1), (0, 1, 1), (0, 2, 0)):
        model = model.remove_edge(*edge)
    x = points(3)
    assert detect_separability(model, x).groups == [[0, 1], [2]]
    assert str(find_tree(model, x)) == "sum(function of a sum(x_1, x_2), x_3)"


def squares(x, i, j):
    return (x[:, i] ** 2 + x[:, j] ** 2) ** 2


TREES = {
    "function of a sum({}, {})".format("x_1", "x_2"): (
        2,
        lambda x: np.sqrt(1.5 + x[:, 0] + x[:, 1] ** 2 / 2),
    ),
    "sum(x_1, x_2, x_3)": (3, lambda x: x.sum(axis=1)),
    "product(function of a sum(x_1, x_2), x_4)": (5, lambda x: np.sin(x[:, 0] * x[:, 1]) * np.exp(x[:, 3])),
    "product(function of a sum(x_1, function of a sum(x_2, x_3)), x_4)": (
        4,
        lambda x: (x[:, 0] + x[:, 1] * x[:, 2]) * x[:, 3],
    ),
    "sum(function of a sum(function of a sum(x_1, x_2), function of a sum(x_3, x_4)), x_5)": (
        5,
        lambda x: (squares(x, 0, 1) + squares(x, 2, 3)) ** 2 + x[:, 4] ** 2,
    ),
    "function(x_1, x_2)": (2, lambda x: np.sin(3 * x[:, 0] * x[:, 1]) + x[:, 0]),
    "x_2": (2, lambda x: np.sin(x[:, 1])),
}


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("expected", TREES)
def test_trees(expected, seed):
    d, f = TREES[expected]
    assert str(find_tree(f, points(d, seed=seed))) == expected


@pytest.mark.slow
def test_the_tree_of_noisy_samples():
    x = points(3, 400)
    y = np.sin(x[:, 0] * x[:, 1] + x[:, 0]) + x[:, 2]
    y = y + 0.01 * y.std() * np.random.default_rng(1).normal(size=400)
    assert str(find_tree(y, x)) == "sum(function of a sum(x_1, x_2), x_3)"


def test_mistakes_are_named():
    x = points(3)
    with pytest.raises(ValueError, match="each column once"):
        is_separable(sums, points(6), [[0, 1], [1, 2]])
    with pytest.raises(ValueError, match="at least two"):
        is_separable(lambda x: x[:, 0], x, [[0, 1, 2]])
    with pytest.raises(ValueError, match="one value a point"):
        has_symmetry(lambda x: x, x, [0, 1])
    with pytest.raises(ValueError, match="one label a row"):
        detect_separability(np.zeros(7), x)
    with pytest.raises(ValueError, match="no smooth function"):
        detect_separability(np.random.default_rng(0).normal(size=100), x)
    with pytest.raises(ValueError, match="does not depend on any"):
        find_tree(lambda x: np.ones(len(x)), x)
    with pytest.raises(ValueError, match="mode"):
        detect_separability(sums, points(6), "general")
