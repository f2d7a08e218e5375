"""The ranking of symbols: exact, noisy and spline edges, constants and lines, ties, criteria."""

from __future__ import annotations

import numpy as np
import pytest
from drawn import LIBRARY, draw
from scipy.interpolate import make_lsq_spline

from kan_np.symbolic import SymbolLibrary, add_symbolic, fit_symbol, suggest_symbolic

TWINS = {"cos": "sin", "arccos": "arcsin"}


def spline(x, y, grid, error=0.0, seed=0):
    """Cubic spline through samples, its coefficients off by normal errors: an edge of a trained model."""
    inner = np.linspace(x[0], x[-1], grid + 1)[1:-1]
    fitted = make_lsq_spline(x, y, np.r_[[x[0]] * 4, inner, [x[-1]] * 4], 3)
    fitted.c += error * y.std() * np.random.default_rng(seed).normal(size=fitted.c.size)
    return fitted(x)


def best(x, y, **options):
    name = suggest_symbolic(x, y, top=1, **options)[0].name
    return TWINS.get(name, name)


@pytest.mark.parametrize("symbol", LIBRARY, ids=lambda s: s.name)
def test_exact_samples_name_their_symbol(symbol):
    for seed in range(2):
        x, y, _ = draw(symbol, np.random.default_rng(100 + seed), 300)
        assert best(x, y, library=LIBRARY) == TWINS.get(symbol.name, symbol.name)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["x", "x^2", "1/x", "log", "sqrt", "abs", "sin", "tanh", "gaussian", "sgn"])
def test_one_per_cent_noise_names_the_symbol_nearly_always(name):
    found = []
    for seed in range(6):
        rng = np.random.default_rng(200 + seed)
        x, y, _ = draw(LIBRARY[name], rng, 300)
        found.append(best(x, y + 0.01 * y.std() * rng.normal(size=300)))
    assert found.count(name) >= 5, found


def test_a_cubic_spline_of_a_sine_is_a_sine():
    x = np.linspace(-1, 1, 400)
    for grid in (5, 10, 20):
        ranked = suggest_symbolic(x, spline(x, np.sin(np.pi * x), grid))
        assert ranked[0].name == "sin"
        assert np.isclose(ranked[0].a, np.pi, rtol=0.1 / grid**3)
        assert 1e-14 < ranked[0].one_minus_r2 < 1e-4 / grid


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("x", lambda x: 2 * x - 1),
        ("x^2", np.square),
        ("exp", lambda x: np.exp(1.5 * x)),
        ("log", lambda x: np.log(x + 1.2)),
        ("sin", lambda x: np.sin(3 * x + 0.4)),
        ("tanh", lambda x: np.tanh(2 * x + 0.2)),
        ("sqrt", lambda x: np.sqrt(x + 1.05)),
        ("J0", lambda x: LIBRARY["J0"].value(12 * x)),
    ],
)
@pytest.mark.parametrize("error", [1e-5, 1e-3])
def test_an_edge_that_is_a_little_off_is_recognised_for_a_given_noise(name, function, error):
    x = np.linspace(-1, 1, 500)
    y = function(x)
    found = [
        best(x, spline(x, y, 20, error, seed), library=LIBRARY, noise=error * y.std()) for seed in range(4)
    ]
    assert found.count(name) >= 3, found


def test_a_constant_is_0_and_a_line_is_x():
    x = np.linspace(-2, 3, 100)
    for y in (np.full(100, 0.1), np.zeros(100), np.full(100, -3e20)):
        fit = suggest_symbolic(x, y)[0]
        assert (fit.name, fit.c, fit.d) == ("0", 0.0, y[0])
        assert fit.one_minus_r2 == 0.0
    for slope in (1e-12, -0.5, 1e9):
        fit = suggest_symbolic(x, slope * x + 0.3)[0]
        assert fit.name == "x"
        assert np.isclose(fit.c, slope, rtol=1e-3 if slope < 1e-9 and slope > 0 else 1e-12)


def test_what_noise_hides_counts_for_nothing():
    x = np.linspace(-1, 1, 200)
    y = 2 * x + 0.01 * x**3
    assert best(x, y) != "x"
    assert best(x, y, noise=0.01) == "x"
    assert best(x, y, noise=10.0) == "0"


def test_the_simpler_of_equal_fits_is_first():
    """A narrow piece of a parabola: cosines and other powers come as near as one likes."""
    rng = np.random.default_rng(0)
    x = np.linspace(-1, 1, 300)
    ranked = suggest_symbolic(x, x**2 + 1e-3 * rng.normal(size=300), top=30)
    assert ranked[0].name == "x^2"
    equal = [fit.name for fit in ranked if fit.one_minus_r2 < 1.05 * ranked[0].one_minus_r2]
    assert {"x^2", "cos"} <= set(equal)
    assert [fit.score for fit in ranked] == sorted(fit.score for fit in ranked)


def test_scale_and_shift_of_an_edge_do_not_matter():
    rng = np.random.default_rng(1)
    x = np.linspace(-1, 1, 200)
    y = np.tanh(3 * x) + 1e-3 * rng.normal(size=200)
    expected = suggest_symbolic(x, y)
    for unit, origin in ((1e-8, 0.0), (1e8, 3.0), (1e3, -5e3)):
        found = suggest_symbolic(x, unit * y + origin)
        assert [fit.name for fit in found] == [fit.name for fit in expected]
        assert np.allclose([fit.score for fit in found], [fit.score for fit in expected], atol=0.1)
        found = suggest_symbolic(unit * x + origin, y)
        assert found[0].name == "tanh"


def test_residuals_of_a_spline_are_few_and_those_of_noise_are_many():
    x = np.linspace(-1, 1, 1000)
    rng = np.random.default_rng(0)
    noisy = fit_symbol(x, np.sin(2 * x) + 0.01 * rng.normal(size=1000), "sin")
    smooth = fit_symbol(x, spline(x, np.sin(2 * x), 10, 0.01), "sin")
    assert noisy.n_effective > 900
    assert 5 < smooth.n_effective < 60
    assert fit_symbol(x, spline(x, np.sin(2 * x), 40, 0.01), "sin").n_effective > smooth.n_effective


def test_sin_and_cos_are_one_and_read_well():
    x = np.linspace(-1, 1, 100)
    assert suggest_symbolic(x, 2 * np.cos(3 * x))[0].name == "cos"
    assert suggest_symbolic(x, 2 * np.sin(3 * x))[0].name == "sin"
    assert suggest_symbolic(x, np.arccos(0.5 * x))[0].name == "arccos"
    assert suggest_symbolic(x, np.arcsin(0.5 * x))[0].name == "arcsin"
    names = [fit.name for fit in suggest_symbolic(x, 2 * np.cos(3 * x), top=40)]
    assert len(set(names) & {"sin", "cos"}) == 1
    assert [fit.name for fit in suggest_symbolic(x, np.cos(3 * x), lib=["sin"])] == ["sin"]
    (fit,) = suggest_symbolic(x, 2 * np.cos(3 * x), lib=["sin", "cos"])
    assert np.allclose((fit.a, fit.b, fit.c, fit.d), (3, 0, 2, 0), atol=1e-12)


def test_the_criterion_of_pykan():
    """w C + (1 - w) log2(1 + 1e-5 - R^2), recomputed from the fits."""
    x = np.linspace(-1, 1, 200)
    y = np.sin(2 * x) + 0.3 * x
    for w in (0.0, 0.5, 1.0):
        ranked = suggest_symbolic(x, y, criterion="pykan", weight_simple=w, top=8)
        for fit in ranked:
            assert np.isclose(
                fit.score, w * fit.symbol.complexity + (1 - w) * np.log2(1 + 1e-5 - fit.r2), atol=1e-9
            )
        assert [fit.score for fit in ranked] == sorted(fit.score for fit in ranked)
    assert ranked[0].name == "0", "complexity alone"


def test_names_choose_and_aliases_count_once():
    x = np.linspace(0.1, 2, 80)
    ranked = suggest_symbolic(x, np.sqrt(x), lib=["x", "x^0.5", "sqrt", "log"], top=10)
    assert ranked[0].name == "sqrt"
    assert len(ranked) == 3
    assert len(suggest_symbolic(x, np.sqrt(x), top=2)) == 2


def test_a_symbol_that_was_added_is_suggested():
    x = np.linspace(-1, 1, 300)
    y = np.exp(0.5) * LIBRARY["J0"].value(20 * x)
    assert best(x, y) != "J0"
    add_symbolic("J0", "besselj(0, x)")
    fit = suggest_symbolic(x, y)[0]
    assert fit.name == "J0"
    assert np.allclose((fit.a, fit.b, fit.c, fit.d), (20, 0, np.exp(0.5), 0), atol=1e-10)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"lib": []}, ValueError, "lib has no names"),
        ({"lib": ["sine"]}, ValueError, "Did you mean 'sin'"),
        ({"lib": "sin"}, TypeError, "expected a list"),
        ({"top": 0}, ValueError, "top is 0"),
        ({"noise": -1.0}, ValueError, "noise is -1"),
        ({"criterion": "aic"}, ValueError, "criterion is 'aic'; expected one of 'bits', 'pykan'"),
        ({"weight_simple": 2.0}, ValueError, "weight_simple is 2"),
    ],
)
def test_bad_options_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        suggest_symbolic([0.0, 1.0], [0.0, 1.0], **options)


def test_an_empty_library_has_nothing_to_suggest():
    with pytest.raises(ValueError, match="no names"):
        suggest_symbolic([0.0, 1.0], [0.0, 1.0], library=SymbolLibrary([]))
