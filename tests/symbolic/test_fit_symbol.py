"""The fit of one symbol: constants found again, exact and in noise, at the ugly places, in canonical form."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import sympy
from drawn import LIBRARY, draw
from in_turn import in_turn

from kan_np.symbolic import SymbolLibrary, fit_symbol, make_symbol

SEEDS = range(20)


def constants(fit):
    return np.array([fit.a, fit.b, fit.c, fit.d])


def difference(fit, truth):
    """Between constants; those of a periodic symbol are the same at both ends of the range of b."""
    found = constants(fit)
    if np.isfinite(fit.symbol.period) and abs(found[1] - truth[1]) > fit.symbol.period / 2:
        f = fit.symbol.value(np.array([0.3, 0.3 + fit.symbol.period]))
        found[1] += np.sign(truth[1]) * fit.symbol.period
        found[2] *= f[0] / f[1]
    return found - truth


@pytest.mark.parametrize("symbol", LIBRARY, ids=lambda s: s.name)
def test_constants_of_exact_samples_are_found_again(symbol):
    failures = []
    for seed in SEEDS:
        x, y, truth = draw(symbol, np.random.default_rng(seed))
        fit = fit_symbol(x, y, symbol)
        error = difference(fit, truth)
        error[3] /= max(1.0, np.abs(y).max())
        if symbol.name == "sgn":  # anywhere between two samples
            assert np.array_equal(np.sign(x + fit.b), np.sign(x + truth[1]))
            error[1] = 0.0
        if np.abs(error).max() > 1e-9 or fit.one_minus_r2 > 1e-24:
            failures.append((seed, error, fit.one_minus_r2))
    assert not failures


@pytest.mark.parametrize("symbol", LIBRARY, ids=lambda s: s.name)
def test_constants_of_noisy_samples_are_found_to_the_noise(symbol):
    """The least squares are reached, and errors have the size of the standard errors that are reported."""
    if symbol.name == "0":
        pytest.skip("it has no signal")
    failures, errors = [], []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        x, exact, truth = draw(symbol, rng)
        sigma = 0.01 * exact.std()
        y = exact + sigma * rng.normal(size=x.size)
        fit = fit_symbol(x, y, symbol)
        beside = np.sqrt(np.mean(np.square(fit(x) - exact)))
        if fit.rmse > np.sqrt(np.mean(np.square(y - exact))) * (1 + 1e-9) or beside > 0.35 * sigma:
            failures.append((seed, truth, constants(fit), fit.rmse / sigma))
        free = np.array(fit.stderr) > 0
        errors.append(difference(fit, truth)[free] / np.array(fit.stderr)[free])
    assert not failures
    spread = np.sqrt(np.mean(np.square(errors), axis=0))
    assert np.all(spread < 1.6)
    assert np.all(spread > 0.4)
    assert np.abs(errors).max() < 5


def lines(rng):
    """(name, x, a, b): samples where a search could go wrong."""
    half, middle = rng.uniform(0.5, 2), rng.uniform(-3, 3)
    x = np.sort(rng.uniform(middle - half, middle + half, 200))
    even = np.linspace(middle - half, middle + half, 200)

    def window(width, centre):
        return width / half, centre - width / half * middle

    yield "sin", x, *window(rng.uniform(0.1, 0.5), rng.uniform(-1.5, 1.5))
    yield "sin", x, *window(rng.uniform(40, 150), rng.uniform(-1.5, 1.5))
    yield "sin", even, *window(rng.uniform(0.7, 0.95) * np.pi / 2 * 199, rng.uniform(-1.5, 1.5))
    yield "tan", x, *window(rng.uniform(2, 12), rng.uniform(-1, 1))
    yield "1/x", x, 1.0, -rng.uniform(x[0], x[-1])
    yield "1/x", x, 1.0, 10.0 ** rng.uniform(-5, -2) - x[0]
    yield "gaussian", x, *window(rng.uniform(8, 40), rng.uniform(-6, 6))
    yield "gaussian", x, *window(rng.uniform(0.5, 1.5), rng.uniform(2, 4))
    yield "tanh", x, *window(rng.uniform(10, 60), rng.uniform(-6, 6))
    yield "tanh", x, *window(rng.uniform(1, 2), rng.uniform(-4, 4))
    yield "arctan", x, *window(rng.uniform(1, 3), rng.uniform(-8, 8))
    yield "J0", x, *window(rng.uniform(20, 38), rng.uniform(-30, 30))
    yield "J0", even, *window(rng.uniform(45, 110), rng.uniform(-40, 40))
    yield "J0", np.linspace(-1, 1, 200), 20.0, 0.0
    yield "sqrt", x, 1.0, -x[0]
    yield "x^1.5", x, -1.0, x[-1]
    yield "log", x, 1.0, 10.0 ** rng.uniform(-6, -3) - x[0]
    yield "log", x, -1.0, x[-1] + rng.uniform(5, 40) * half
    yield "exp", x, 0.1 / half, 0.0
    yield "exp", x - middle, 40 / half, 0.0
    yield "x^5", x, 1.0, rng.uniform(2, 5) * half - middle
    yield "abs", x, 1.0, -(x[2] + x[3]) / 2
    yield "arctanh", x - middle, 0.999 / half, 0.0
    yield "sin", x + 1000.0, 3 / half, 0.5
    yield "tanh", np.sort(rng.uniform(-1, 1, 8)), 2.0, 0.3
    yield "exp", np.sort(rng.uniform(-1, 1, 6)), 2.0, 0.0
    yield "sin", np.sort(rng.normal(size=300)), rng.uniform(0.5, 6), 0.3


@pytest.mark.parametrize("seed", range(8))
def test_ugly_places_are_fitted_to_rounding(seed):
    rng = np.random.default_rng(seed)
    failures = []
    for i, (name, x, a, b) in enumerate(lines(rng)):
        y = rng.uniform(0.5, 3) * LIBRARY[name].value(a * x + b) + rng.uniform(-2, 2)
        fit = fit_symbol(x, y, LIBRARY[name])
        if fit.one_minus_r2 > 1e-19:
            failures.append((i, name, (a, b), fit))
    assert not failures


@pytest.mark.parametrize(
    ("expression", "low", "high"),
    [
        ("airyai(x)", -8, 4),
        ("gamma(x)", 0.3, 4),
        ("-x*log(x)", 0.05, 3),
        ("x**3/(exp(x) - 1)", 0.2, 9),
        ("Max(0, x)", -2, 2),
        ("2**x", -3, 3),
        ("sin(x)**2", -7, 7),
        ("1/sin(x)", 0.2, 2.9),
        ("x*exp(-x)", -1, 6),
        ("acosh(x)", 1, 6),
        ("log(-x)", -3, -0.1),
        ("1/(x**2 - 1)", 1.1, 4),
        ("sin(x) + cos(3*x)", -5, 5),
    ],
)
def test_functions_of_the_user_are_fitted_to_rounding(expression, low, high):
    symbol = make_symbol("f", expression)
    for seed in range(5):
        rng = np.random.default_rng(seed)
        x = np.sort(rng.uniform(-1, 2, 200))
        margin = (high - low) * rng.uniform(0.02, 0.2)
        a = (high - low - 2 * margin) / 3 * rng.choice([-1, 1])
        b = low + margin + a if a > 0 else low + margin - 2 * a
        y = rng.uniform(0.5, 3) * symbol.value(a * x + b) + rng.uniform(-1, 1)
        assert fit_symbol(x, y, symbol).one_minus_r2 < 1e-24


@pytest.mark.parametrize(
    ("name", "a", "b", "expected"),
    [
        ("x", -3.0, 2.0, (1.0, 0.0)),
        ("x^2", -2.0, 1.0, (1.0, -0.5)),
        ("x^3", -2.0, 1.0, (1.0, -0.5)),
        ("1/x", 0.5, 2.0, (1.0, 4.0)),
        ("abs", -2.0, 1.0, (1.0, -0.5)),
        ("log", 3.0, 6.0, (1.0, 2.0)),
        ("sqrt", -4.0, 8.0, (-1.0, 2.0)),
        ("exp", 2.0, 5.0, (2.0, 0.0)),
        ("sin", -2.0, 0.5, (2.0, -0.5)),
        ("sin", 2.0, 3.5, (2.0, 3.5 - np.pi)),
        ("cos", 2.0, -8.0, (2.0, -8.0 + 3 * np.pi)),
        ("tan", -1.0, 0.3 + np.pi, (1.0, -0.3)),
        ("tanh", -2.0, 0.5, (2.0, -0.5)),
        ("arccos", -0.5, 0.25, (0.5, -0.25)),
        ("gaussian", -3.0, 1.0, (3.0, -1.0)),
    ],
)
def test_equal_functions_get_equal_constants(name, a, b, expected):
    x = np.linspace(-1, 1, 100)
    y = -1.5 * LIBRARY[name].value(a * x + b) + 0.25
    fit = fit_symbol(x, y, name)
    assert np.allclose((fit.a, fit.b), expected, atol=1e-9)
    assert np.abs(fit(x) - y).max() < 1e-12 * np.abs(y).max()


def test_the_result_is_a_function_and_a_formula():
    x = np.linspace(0.1, 3, 50)
    fit = fit_symbol(x, 2 * np.log(x + 0.5) - 1, "log")
    assert fit.name == "log"
    assert fit(np.ones((2, 3))).shape == (2, 3)
    t = sympy.Symbol("t")
    formula = sympy.lambdify(t, fit.expression(t))
    assert np.abs(formula(x) - fit(x)).max() < 1e-14
    assert str(fit_symbol(x, 3 - 2 * x, "x").expression().n(9)) == "3.0 - 2.0*x"
    assert np.isclose(fit.r2, 1 - fit.one_minus_r2)
    assert fit.n_fev > 50
    again = pickle.loads(pickle.dumps(fit))
    assert again.symbol == fit.symbol
    assert np.array_equal(again(x), fit(x))


def test_the_fit_does_not_depend_on_order_or_on_repeated_weights():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, 100)
    y = np.tanh(2 * x + 0.3) + 0.1 * rng.normal(size=100)
    times = rng.integers(0, 3, 100)
    weighted = fit_symbol(x, y, "tanh", weight=times)
    repeated = fit_symbol(np.repeat(x, times), np.repeat(y, times), "tanh")
    assert np.allclose(constants(weighted), constants(repeated), rtol=1e-4)
    assert np.isclose(weighted.one_minus_r2, repeated.one_minus_r2, rtol=1e-9)
    assert fit_symbol(x[::-1], y[::-1], "tanh") == fit_symbol(x, y, "tanh")


def test_samples_stay_inside_the_domain():
    """Noise at the edge of a domain draws the best line to it, never over it."""
    for seed in range(10):
        rng = np.random.default_rng(seed)
        x = np.sort(rng.uniform(0, 1, 60))
        for name in ("sqrt", "log", "arcsin", "arctanh", "x^1.5", "1/sqrt(x)"):
            fit = fit_symbol(x, np.sqrt(x) + 0.3 * rng.normal(size=60), name)
            assert LIBRARY[name].contains(fit.a * x + fit.b).all()


@in_turn("symbol", LIBRARY)
@pytest.mark.parametrize(
    ("x", "y"),
    [
        (np.zeros(5), np.arange(5.0)),
        (np.arange(5.0), np.full(5, 0.1)),
        (np.arange(2.0), np.array([1.0, -1.0])),
        (np.array([3.0]), np.array([7.0])),
        (np.arange(5.0), np.array([0.0, 0.0, 1e-300, 0.0, 0.0])),
        (np.linspace(-1e150, 1e150, 9), np.linspace(-1e150, 1e150, 9) ** 2 / 1e160),
        (np.linspace(1.0, 1.0 + 1e-12, 9), np.linspace(0.0, 1.0, 9)),
    ],
    ids=["one x", "constant", "two", "one", "tiny", "huge", "narrow"],
)
def test_poor_samples_give_finite_fits(symbol, x, y):
    fit = fit_symbol(x, y, symbol)
    assert np.isfinite(constants(fit)).all()
    assert np.isfinite(fit.stderr).all()
    assert 0 <= fit.one_minus_r2 <= 1 + 1e-12
    assert np.isfinite(fit(x)).all()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([1.0, 2.0], [1.0], "sin"), ValueError, "x has 2 values and y 1"),
        (([1.0, np.nan], [1.0, 2.0], "sin"), ValueError, "x has 1 NaN or infinite values"),
        (([1.0, 2.0], [1.0, np.inf], "sin"), ValueError, "y has 1 NaN or infinite values"),
        (([], [], "sin"), ValueError, "at least 1 value"),
        ((["a"], [1.0], "sin"), TypeError, "x is text"),
        (([1.0, 2.0], [1.0, 2.0], "sine"), ValueError, "Did you mean 'sin'"),
    ],
)
def test_bad_samples_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        fit_symbol(*arguments)


@pytest.mark.parametrize("weight", [[1.0], [-1.0, 1.0], [0.0, 0.0], [1.0, np.nan]])
def test_bad_weights_are_refused(weight):
    with pytest.raises(ValueError, match="weight has"):
        fit_symbol([1.0, 2.0], [1.0, 2.0], "x", weight=weight)


def test_a_name_is_looked_up_in_the_library_that_is_given():
    x = np.linspace(-1, 1, 60)
    own = SymbolLibrary().add("bump", "1/(1 + x**2)")
    fit = fit_symbol(x, 1 / (1 + (2 * x) ** 2), "bump", library=own)
    assert np.allclose((fit.a, fit.b, fit.c, fit.d), (2, 0, 1, 0), atol=1e-12)
    with pytest.raises(ValueError, match="symbol is 'bump'"):
        fit_symbol(x, x, "bump", library=SymbolLibrary())
