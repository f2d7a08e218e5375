"""Separability, inner functions and affine variables, on functions that have them and on others."""

import numpy as np
import pytest

from kan_np.structure.affine import affine_in, slope_of
from kan_np.structure.derivatives import Derivatives, derivatives_of
from kan_np.structure.inner_functions import ONE_VARIABLE, inner_functions
from kan_np.structure.separability import additive, multiplicative, power_that_adds, splits
from kan_np.structure.smoothness import roughness_along
from kan_np.structure.surrogate import fit_surrogate, rough_error


def points(seed=0, d=3, n=120):
    return np.random.default_rng(seed).uniform(1, 2, (n, d))


def exact(function, seed=0, d=3):
    return derivatives_of(lambda x: function(*x.T), points(seed, d))


def learned(function, noise=0.0, seed=0, d=3, n=400):
    """Derivatives of a surrogate of samples, where they are known best."""
    x = points(seed, d, n)
    y = function(*x.T)
    y = y + noise * np.std(y) * np.random.default_rng(seed + 1).normal(size=n)
    found = fit_surrogate(x, y).compared(x[:150])
    return found.at(found.known_best())


#: Function of three variables, and which pairs are additive and multiplicative.
PAIRS = {
    "sum": (lambda a, b, c: np.exp(a) + b * c, {(1, 0), (2, 0)}, set()),
    "product": (lambda a, b, c: np.sin(a) * (b + c**2), {(2, 1)}, {(1, 0), (2, 0)}),
    "shared variable": (lambda a, b, c: a * b + np.log(a + c), {(2, 1)}, set()),
    "neither": (lambda a, b, c: np.sqrt(a + b**2 + c), set(), set()),
}


def passed(d, test):
    return {(i, j) for i in range(d.n_in) for j in range(i) if test(d, i, j).passed}


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", PAIRS)
def test_separable_pairs_of_a_function(name, seed):
    function, sums, products = PAIRS[name]
    d = exact(function, seed)
    assert passed(d, additive) == sums
    assert passed(d, multiplicative) == products


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", PAIRS)
def test_separable_pairs_of_samples(name, seed):
    function, sums, products = PAIRS[name]
    d = learned(function, seed=seed)
    assert passed(d, additive) == sums
    assert passed(d, multiplicative) == products


@pytest.mark.parametrize("name", ["sum", "product"])
def test_noise_hides_no_separability_and_makes_none(name):
    function, sums, products = PAIRS[name]
    clear = learned(function, 0.003, n=600)
    known = {(i, j) for i in range(3) for j in range(i) if additive(clear, i, j).known}
    assert sums & known <= passed(clear, additive) <= sums
    assert passed(clear, multiplicative) <= products
    # of labels that are nearly all noise nothing is known
    hidden = learned(function, 3.0)
    assert passed(hidden, additive) == passed(hidden, multiplicative) == set()


@pytest.mark.parametrize(
    ("function", "power"),
    [
        (lambda a, b: a + b**2, 1.0),
        (lambda a, b: a * b**3, 0.0),
        (lambda a, b: np.sqrt(a**2 + b**3), 2.0),
        (lambda a, b: 1 / (1 / a + 1 / b), -1.0),
    ],
)
def test_the_power_that_makes_a_sum(function, power):
    found, test = power_that_adds(exact(function, d=2), 0, 1)
    assert test.passed
    assert abs(found - power) < 1e-4
    found, test = power_that_adds(learned(function, d=2), 0, 1)
    assert test.passed
    assert abs(found - power) < 0.03


def test_no_power_makes_a_sum_of_this():
    _, test = power_that_adds(exact(lambda a, b: a * b + np.sin(3 * a + b), d=2), 0, 1)
    assert not test.passed


def test_splits_put_variables_that_belong_together_into_one_part():
    # x0 | x1, x2, and x1, x2 cannot be separated
    holds = np.array([[0, 1, 1], [1, 0, 0], [1, 0, 0]], dtype=bool)
    (only,) = splits(holds)
    assert {only.first, only.second, only.shared} == {(0,), (1, 2), ()}
    assert splits(np.zeros((3, 3), dtype=bool)) == []


#: Function of x0, x1, x2 in which x0 and x1 enter together: how, and by what coefficient.
TOGETHER = {
    "difference": (lambda a, b, c: np.sin(a - b) * c, ("x", "x", -1.0)),
    "sum": (lambda a, b, c: np.exp(a + b) / c, ("x", "x", 1.0)),
    "product": (lambda a, b, c: np.cos(a * b) + c, ("log", "log", 1.0)),
    "ratio": (lambda a, b, c: np.tanh(a / b + c), ("log", "log", -1.0)),
    "ratio of a square": (lambda a, b, c: np.tanh(a / b**2 + c), ("log", "log", -2.0)),
    "length": (lambda a, b, c: c * np.sqrt(a**2 + b**2), ("x^2", "x^2", 1.0)),
    "parallel": (lambda a, b, c: c + np.log(1 / a + 1 / b), ("1/x", "1/x", 1.0)),
    "mixed": (lambda a, b, c: np.exp(a + b**2 / 2) * c, ("x", "x^2", 0.5)),
}


@pytest.mark.parametrize("name", TOGETHER)
def test_inner_functions_of_a_function(name):
    function, (first, second, coefficient) = TOGETHER[name]
    best = inner_functions(exact(function), 0, 1)[0]
    assert (best.first, best.second) == (first, second)
    assert best.coefficient == coefficient


@pytest.mark.parametrize(("name", "noise"), [("difference", 0.002), ("product", 0.0), ("length", 0.002)])
def test_inner_functions_of_samples(name, noise):
    function, (first, second, coefficient) = TOGETHER[name]
    # of seed 0 with noise one half is too far off for anything to be known
    d = learned(function, noise, seed=1, n=600)
    found = inner_functions(d, 0, 1, most=20)
    assert (first, second, coefficient) in {(f.first, f.second, f.coefficient) for f in found}
    # x2 enters by itself
    assert inner_functions(d, 0, 2) == inner_functions(d, 1, 2) == []


def test_values_and_expression_of_an_inner_function_agree():
    import sympy

    u, v = sympy.symbols("u v")
    for name, (function, _) in TOGETHER.items():
        inner = inner_functions(exact(function), 0, 1)[0]
        at = sympy.lambdify([u, v], inner.expression(u, v))
        x = points(3)
        assert np.allclose(inner.values(x), at(x[:, 0], x[:, 1]), rtol=1e-13), name


@pytest.mark.parametrize("name", ONE_VARIABLE)
def test_derivatives_of_functions_of_one_variable(name):
    own, x = ONE_VARIABLE[name], np.linspace(0.5, 2.0, 20)
    step = 1e-4
    assert np.allclose(own.slope(x), (own.value(x + step) - own.value(x - step)) / (2 * step), rtol=1e-6)
    assert np.allclose(
        own.bend(x), (own.slope(x + step) - own.slope(x - step)) / (2 * step), rtol=1e-6, atol=1e-7
    )


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (lambda a, b, c: np.tanh(a * b) + c / (1 + a), "x"),
        (lambda a, b, c: np.tanh(a * b) + c**2 / (1 + a), "x^2"),
        (lambda a, b, c: (a + np.log(c)) * b, "log"),
        (lambda a, b, c: a / b + np.sin(c) * a**2, "sin"),
        (lambda a, b, c: a / c + b, "1/x"),
    ],
)
@pytest.mark.parametrize("source", [exact, learned])
def test_affine_variables(function, name, source):
    assert name in [own.function for own in affine_in(source(function), 2)]


def test_no_variable_is_affine_in_these():
    d = exact(lambda a, b, c: np.sqrt(a + b + c**2))
    assert [affine_in(d, i) for i in range(3)] == [[], [], []]


def test_the_slope_along_an_affine_variable():
    (own,) = affine_in(exact(lambda a, b, c: np.exp(a) * c**2 + b), 2)
    x = points(5)
    slope = slope_of(lambda x: np.exp(x[:, 0]) * x[:, 2] ** 2 + x[:, 1], x, own)
    assert np.allclose(slope, np.exp(x[:, 0]), rtol=1e-12)


def test_derivatives_of_a_callable():
    x = points(2, 2)
    found = derivatives_of(lambda x: np.sin(x[:, 0]) * x[:, 1] ** 3, x)
    a, b = x.T
    assert np.allclose(found.gradient, np.stack([np.cos(a) * b**3, 3 * np.sin(a) * b**2], 1), atol=1e-8)
    mixed = 3 * np.cos(a) * b**2
    assert np.allclose(found.hessian[:, 0, 1], mixed, atol=1e-4)
    assert np.allclose(found.hessian, found.hessian.transpose(0, 2, 1))
    # the error that is told is no less than a tenth of what it is
    told = found.error_of(lambda d: d.hessian[:, 0, 1])
    assert np.all(np.abs(found.hessian[:, 0, 1] - mixed) <= 10 * told + 1e-9)


@pytest.mark.parametrize("kind", ["plain", "logarithms"])
def test_derivatives_of_a_surrogate(kind):
    """Against central differences of the surrogate itself."""
    x = points(4, 2, 150) if kind == "plain" else 10 ** points(4, 2, 150)
    y = np.sin(x[:, 0]) + x[:, 1] if kind == "plain" else x[:, 0] ** 2 / x[:, 1]
    surrogate = fit_surrogate(x, y)
    at = x[:20] * 0.999 + 0.001 * x.mean(axis=0)
    found, slow = surrogate.derivatives(at), derivatives_of(surrogate, at)
    size = np.abs(slow.gradient).max()
    # large weights of both signs cancel
    assert np.allclose(found.value, surrogate(at), rtol=1e-6)
    assert np.abs(found.gradient - slow.gradient).max() < 1e-4 * size
    bend = np.abs(slow.hessian).max()
    assert np.abs(found.hessian - slow.hessian).max() < 1e-2 * bend


def test_the_error_of_a_surrogate_is_that_on_other_points():
    x = points(6, 2, 300)
    function = lambda x: np.sin(3 * x[:, 0]) * np.exp(x[:, 1])  # noqa: E731
    noise = 0.05 * np.random.default_rng(1).normal(size=300)
    surrogate = fit_surrogate(x, function(x) + noise)
    assert 0.04 < surrogate.error < 0.06
    assert 0.04 < surrogate.noise < 0.06
    clear = fit_surrogate(x, function(x))
    fresh = points(7, 2, 300)
    error = np.sqrt(np.mean((clear(fresh) - function(fresh)) ** 2))
    assert clear.error < 1e-4
    assert error < 10 * clear.error + 1e-9


def test_merged_variables_are_learned_better():
    x = np.random.default_rng(0).uniform(0, 6, (160, 3))
    y = np.cos(2 * (x[:, 0] - x[:, 1])) * x[:, 2]
    right, wrong = (np.column_stack([x[:, 0] + sign * x[:, 1], x[:, 2]]) for sign in (-1, 1))
    assert rough_error(right, y) < 0.3 * rough_error(x, y)
    assert rough_error(wrong, y) > 0.9 * rough_error(x, y)


def test_roughness_finds_the_quantity_with_noise_too():
    x = points(8, 2, 500)
    y = np.sin(20 * x[:, 0] * x[:, 1])
    y = y + 0.05 * np.random.default_rng(0).normal(size=500)
    z = y[:, None]
    assert roughness_along(x[:, 0] * x[:, 1], z)[0] < 0.12
    assert roughness_along(x[:, 0] / x[:, 1], z)[0] > 0.7
    # neighbours at the same place are compared as well
    same = np.repeat(np.arange(10.0), 5)
    assert roughness_along(same, same[:, None] ** 2)[0] < 0.2


def test_error_without_others_is_zero():
    x = points(0, 2, 10)
    d = Derivatives(x, x[:, 0], np.ones((10, 2)), np.zeros((10, 2, 2)))
    assert not d.error_of(lambda d: d.gradient).any()
    assert d.known_best().size == 10
