"""Formulas of the families of edges, their options, and what is said where they cannot be."""

from __future__ import annotations

import io

import numpy as np
import pytest
import sympy
from reference import edge_function

from kan_np import KAN, KanWarning, create_dataset, load_model
from kan_np.edges.registry import LIBRARY_NAMES, family
from kan_np.objective.slope_penalty import SlopePenalty
from kan_np.options import edge_options, kan_params

#: A family, its size and its settings.
CASES = [
    ("piecewise_linear", 4, ()),
    ("chebyshev", 1, (0.0,)),
    ("chebyshev", 7, (0.0,)),
    ("chebyshev", 5, (1.0,)),
    ("gaussian", 1, (1.0,)),
    ("gaussian", 11, (1.0,)),
    ("gaussian", 30, (2.5,)),
    ("gaussian", 6, (0.2,)),
    ("fourier", 1, (1.0,)),
    ("fourier", 12, (2.0,)),
    ("linear", 1, ()),
    ("wavelet", 3, ()),
    ("sine", 3, ()),
    ("rational", 2, ()),
    ("rational", 5, ()),
    ("mlp", 3, (3.0,)),
    ("mlp", 2, (0.0,)),
]
X = np.array([-7.3, -1.0, -0.98, -0.31, 0.0, 0.5, 0.77, 2.0, 5.5])  # ends, knots, beyond both


def one_edge(name, size, settings, low=-1.0, high=2.0):
    """A model of one input, one output and one edge on an interval, with random parameters."""
    model = KAN([1, 1], grid_range=(low, high), seed=0)
    options = {o.name: o.kind(v) for o, v in zip(family(name).options, settings, strict=True)}
    model.set_family(0, name, size=size, **options)
    model._theta = np.random.default_rng(size).normal(size=model.n_params)
    return model


@pytest.mark.parametrize(("name", "size", "settings"), CASES)
def test_edges_have_their_formula(name, size, settings):
    model = one_edge(name, size, settings)
    theta = model._theta.tolist()
    wanted = [edge_function(name, theta, x, -1.0, 2.0, size, *settings) for x in X.tolist()]
    np.testing.assert_allclose(model(X[:, None])[:, 0], wanted, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(model.take_function(0, 0, 0)(X), wanted, rtol=1e-11, atol=1e-11)
    assert model.n_params == len(theta) == family(name)(X[:1], X[1:2], size, settings).n_params


@pytest.mark.parametrize(("name", "size", "settings"), CASES)
def test_one_sample_and_one_that_is_not_a_number(name, size, settings):
    model = one_edge(name, size, settings)
    for x in X:
        np.testing.assert_allclose(model([[x]])[0], model(X[:, None])[x == X][0], rtol=1e-12, atol=1e-12)
    from kan_np.network.compiled import node_values

    net = model._network
    values = node_values(net.structure, net.net, net.values, np.array([[0.5], [np.nan], [0.25]]))[1]
    assert np.isnan(values).tolist() == [False, True, False]


def test_chebyshev_is_that_of_numpy_and_fourier_kan_that_of_its_code():
    theta = np.random.default_rng(0).normal(size=6)
    model = one_edge("chebyshev", 5, (0.0,), -1.0, 1.0)
    model._theta = theta
    x = np.linspace(-1, 1, 30)
    np.testing.assert_allclose(model(x[:, None])[:, 0], np.polynomial.chebyshev.chebval(x, theta), atol=1e-13)
    model = one_edge("fourier", 4, (1.0,), -np.pi, np.pi)
    k = np.arange(1, 5)[:, None]
    c = model._theta
    x = np.linspace(-np.pi, np.pi, 30)
    wanted = c[0] + c[1:5] @ np.cos(k * x) + c[5:] @ np.sin(k * x)
    np.testing.assert_allclose(model(x[:, None])[:, 0], wanted, atol=1e-13)


def _wavelet(theta, x):
    w, t, s = (theta[k * 3 : (k + 1) * 3, None] for k in range(3))
    u = (x - t) / s
    return 2 / (3**0.5 * np.pi**0.25) * (w * (1 - u**2) * np.exp(-(u**2) / 2)).sum(axis=0) + theta[-1]


def _sine(theta, x):
    a, w, p = (theta[k * 3 : (k + 1) * 3, None] for k in range(3))
    return (a * np.sin(w * x + p)).sum(axis=0) + theta[-1]


def _rational(theta, x):
    return sum(theta[j] * x**j for j in range(4)) / (1 + (theta[4] * x) ** 2)


def _mlp(theta, x):
    waves = [f(2**j * x) for f in (np.sin, np.cos) for j in range(3)]
    z = theta[:21].reshape(3, 7) @ np.stack([x, *waves]) + theta[21:24, None]
    return theta[24:27] @ (z / (1 + np.exp(-z))) + theta[27]


@pytest.mark.parametrize(
    ("name", "phi"), [("wavelet", _wavelet), ("sine", _sine), ("rational", _rational), ("mlp", _mlp)]
)
def test_derivatives_by_parameters_and_by_x_are_those_of_complex_steps(name, phi):
    basis = family(name)(np.array([-1.0]), np.array([1.0]), 3)
    theta, h = np.random.default_rng(0).normal(size=basis.n_params), 1e-30
    x = np.linspace(-2.0, 2.0, 7)
    rows = basis.by_params(theta[None], x[None])[0]
    for r, row in enumerate(rows):
        slope = phi(theta + 1j * h * (np.arange(theta.size) == r), x).imag / h
        np.testing.assert_allclose(row, slope, rtol=1e-11, atol=1e-13)
    for nu in (1, 2, 3):  # of derivatives by x
        ahead, behind = (basis.by_params(theta[None], x[None] + step, nu - 1)[0] for step in (1e-5, -1e-5))
        steep = basis.by_params(theta[None], x[None], nu)[0]
        np.testing.assert_allclose(steep, (ahead - behind) / 2e-5, rtol=1e-6, atol=1e-7 * np.abs(steep).max())
    slope = phi(theta, x + 1j * h).imag / h
    np.testing.assert_allclose(basis.phi(theta[None], x[None], 1)[0], slope, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("name", LIBRARY_NAMES)
def test_taken_functions_have_derivatives_and_a_model_of_their_own(name):
    model = KAN([2, 3, 1], edges=name, seed=0)
    model.update_grid(np.random.default_rng(0).uniform(-1, 1, (50, 2)))
    phi = model.take_function(0, 1, 2)
    x = np.linspace(-0.93, 0.87, 12)
    nodes = np.stack([np.zeros_like(x), x])
    np.testing.assert_allclose(phi(x), model._network.edge_values(0, nodes)[1, 2], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(phi.model(x[:, None])[:, 0], phi(x), rtol=1e-11, atol=1e-13)
    for nu in (1, 2, 3):
        slope = (phi(x + 1e-5, nu - 1) - phi(x - 1e-5, nu - 1)) / 2e-5
        np.testing.assert_allclose(phi(x, nu), slope, rtol=1e-4, atol=1e-5 * (1 + np.abs(slope).max()))
    phi.model.fit({"train_input": x[:, None], "train_label": x[:, None]}, opt="LM", steps=2, smoothing=0.0)
    np.testing.assert_allclose(phi(x), model._network.edge_values(0, nodes)[1, 2], rtol=1e-12, atol=1e-14)
    assert phi(0.5).shape == ()


def test_taken_symbols_and_what_cannot_be_taken():
    model = KAN([1, 1], seed=0)
    model.fix_symbolic(0, 0, 0, "sin", fit=False, a=2.0, d=1.0)
    phi = model.take_function(0, 0, 0)
    np.testing.assert_allclose(phi([0.3], nu=2), -4 * np.sin([0.6]))
    assert str(phi.formula()) == "1.0*sin(2.0*x) + 1.0"
    np.testing.assert_allclose(phi([0.3], nu=3), -8 * np.cos([0.6]))
    with pytest.raises(ValueError, match="j is 4"):
        model.take_function(0, 0, 4)
    with pytest.raises(ValueError, match="x has NaN"):
        phi([np.nan])


def test_sizes_and_options_by_their_own_words():
    assert KAN([2, 5, 1], edges="chebyshev", degree=8).families[0, 0, 0] == ("chebyshev", 8)
    mixed = KAN([4, 3, 2, 1], edges=["linear", "bspline", "mlp"], hidden=4, features=1, seed=0)
    assert mixed.families[0, 0, 0] == ("linear", 1)
    assert mixed.families[2, 0, 0] == ("mlp", 4)
    assert mixed.n_params == kan_params(
        [4, 3, 2, 1], 5, edges=["linear", "bspline", "mlp"], hidden=4, features=1
    )
    for name in LIBRARY_NAMES:
        found = edge_options(name)
        word = {} if found.size_name == "grid" else {found.size_name: max(found.smallest, 3)}
        model = KAN([2, 2], grid=3, edges=name, **word, **found.settings)
        assert model.n_params == kan_params([2, 2], 3, edges=name, **word, **found.settings)
    squashed = KAN([1, 1], edges="chebyshev", degree=3, squash=True, seed=0)
    before = squashed([[0.4]])
    squashed.update_grid(np.linspace(5, 6, 9)[:, None])
    np.testing.assert_allclose(squashed([[0.4]]), before)
    np.testing.assert_allclose(
        squashed([[0.4]]), KAN([1, 1], edges="chebyshev", degree=3, squash=True)([[0.4]])
    )
    buffer = io.BytesIO()
    squashed.save(buffer)
    buffer.seek(0)
    again = load_model(buffer)
    assert again._network.structure.bases[0].basis.settings == (1.0,)
    np.testing.assert_array_equal(again([[0.4]]), squashed([[0.4]]))


def test_two_settings_of_a_family_live_in_one_layer():
    model = KAN([2, 1], seed=0)
    model.set_family(0, "fourier", [(0, 0)], size=3, period=1.0)
    model.set_family(0, "fourier", [(1, 0)], size=3, period=4.0)
    assert [edges.basis.settings for edges in model._network.structure.bases] == [(1.0,), (4.0,)]
    assert model.refine(6).n_params == 26


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (
            lambda: KAN([2, 1], edges="chebychev"),
            ValueError,
            "edges is 'chebychev'.*Did you mean 'chebyshev'",
        ),
        (lambda: KAN([2, 1], edges=3), ValueError, "edges is 3; expected one of 'bspline'"),
        (
            lambda: KAN([2, 1], edges="chebyshev", degree=0),
            ValueError,
            "degree is 0; expected an integer from 1",
        ),
        (
            lambda: KAN([2, 1], edges="rational", degree=1),
            ValueError,
            "degree is 1.*from 2 to 30 for edges .*ra",
        ),
        (lambda: KAN([2, 1], edges="rational", grid=1), ValueError, "grid is 1; expected an integer from 2"),
        (lambda: KAN([2, 1], edges="mlp", hidden=2.5), TypeError, "hidden is 2.5 of type float"),
        (
            lambda: KAN([2, 1], edges="mlp", features=9),
            ValueError,
            "features is 9; expected an integer from 0",
        ),
        (
            lambda: KAN([2, 1], edges="fourier", period=0),
            ValueError,
            "period is 0.0; expected a finite number in",
        ),
        (lambda: KAN([2, 1], edges="chebyshev", squash=1), TypeError, "squash is 1; expected True or False"),
        (lambda: KAN([2, 1], edges="chebyshev", degre=3), TypeError, "'degre'.*Did you mean 'degree'"),
        (lambda: KAN([2, 1], family="chebyshev"), TypeError, "no argument 'family'; use edges="),
        (
            lambda: KAN([2, 1], edges="mlp", degree=3),
            ValueError,
            "degree is an option of 'chebyshev' and 'rational', but the edges are 'mlp'.*'mlp' has hidden",
        ),
        (lambda: KAN([2, 1], degree=3), ValueError, "degree is an option of .*'bspline' has none"),
        (lambda: KAN([2, 1]).set_family(0, "linear", size=3), ValueError, "size is 3; expected .*'linear'"),
        (lambda: KAN([2, 1]).set_family(0, "mlp", hiden=3), ValueError, "'hiden'.*Did you mean 'hidden'"),
        (lambda: KAN([2, 1], edges="rational").refine(31), ValueError, "grid is 31; expected .*30"),
        (lambda: KAN([2, 1], sp_trainable=1), TypeError, "sp_trainable is 1; expected True or False"),
        (lambda: kan_params([2, 1], 5, edges="sin"), ValueError, "edges is 'sin'.*Did you mean 'sine'"),
    ],
)
def test_what_is_no_family_size_or_option_is_said(make, error, said):
    with pytest.raises(error, match=said):
        make()


def test_trainable_scales_of_pykan_freeze_their_parts():
    model = KAN([2, 2, 1], sp_trainable=False, seed=0)
    assert model.n_params == 6
    assert {kind for *_, kind in model.frozen} == {"spline"}
    assert KAN([2, 2, 1], sb_trainable=False, seed=0).n_params == 6 * 8
    assert KAN([2, 2, 1], base_fun="zero", sb_trainable=False).n_params == 6 * 8
    assert KAN([2, 2, 1], edges=["mlp", "bspline"], sp_trainable=False).n_params == 2
    data = create_dataset(lambda x: x[:, [0]] * x[:, [1]], n_var=2, train_num=50, seed=0)
    before = model.coef
    model.fit(data, steps=3, update_grid=False, smoothing=0.0)
    for old, new in zip(before, model.coef, strict=True):
        np.testing.assert_array_equal(old, new)


def test_frequencies_that_samples_cannot_tell_apart_are_warned_of():
    x = np.repeat(np.linspace(-1, 1, 5), 8)[:, None]
    data = {"train_input": x, "train_label": np.sin(2 * x)}
    model = KAN([1, 1], edges="fourier", frequencies=4, seed=0)
    with pytest.warns(KanWarning, match="Input 0 has 5 distinct values in a period.*4 frequencies"):
        model.fit(data, opt="LM", steps=2, smoothing=0.0)
    other = KAN([1, 1], edges="sine", sines=2, seed=0)
    other._theta = np.array([1.0, 0.5, 40.0, 1.0, 0.0, 0.0, 0.0])
    with pytest.warns(KanWarning, match="Input 0 has 5 distinct values, and a sine.*half waves"):
        other.fit(data, opt="LM", steps=1, smoothing=0.0)


@pytest.mark.filterwarnings("ignore::kan_np.NotLearntWarning")
def test_smooth_penalty_is_the_mean_squared_difference_of_slopes():
    model = KAN([2, 2, 1], edges="piecewise_linear", grid=4, seed=0)
    model._theta = np.random.default_rng(0).normal(size=model.n_params)
    net = model._network
    total, n_terms = 0.0, 0
    for layer in net.layers:
        for own in layer.bases:
            for e, i in enumerate(own.topology.source.tolist()):
                step = (own.basis.high[i] - own.basis.low[i]) / 4
                total += float(np.sum(np.diff(np.diff(own.coef[e]) / step) ** 2))
                n_terms += 3
    penalty = SlopePenalty(net)
    value, slope = penalty.value_and_slope(net.theta)
    assert value == pytest.approx(total / n_terms, rel=1e-12)
    curvature = np.zeros((slope.size, slope.size))
    penalty.add_curvature(curvature, 1.0)
    np.testing.assert_allclose(curvature @ net.theta, slope, rtol=1e-10, atol=1e-10)
    data = create_dataset(lambda x: np.sin(9 * x[:, [0]]) + x[:, [1]] ** 2, n_var=2, train_num=300, seed=0)
    for opt in ("LM", "LBFGS"):
        sizes = []
        for weight in (0.0, 1e-3, 1e3):
            other = KAN([2, 1], edges="piecewise_linear", grid=20, seed=0)
            other.fit(data, opt=opt, steps=20, smooth_penalty=weight, smoothing=0.0)
            sizes.append(SlopePenalty(other._network).value_and_slope(other._theta)[0])
        assert sizes[0] > sizes[1] > 1e3 * sizes[2]
    with pytest.raises(ValueError, match="no edge is piecewise linear"):
        KAN([2, 1]).fit(data, smooth_penalty=1.0)
    with pytest.raises(ValueError, match="smooth_penalty is -1"):
        model.fit(data, smooth_penalty=-1)


def test_constants_that_linear_edges_cannot_hold_make_one_of_them_a_symbol():
    x = np.random.default_rng(0).uniform(-1, 1, (100, 2))
    model = KAN([2, 2, 1], edges="linear", seed=0)
    model.fix_symbolic(0, 0, 0, "0", fit=False, d=0.5)
    model.fix_symbolic(0, 1, 0, "0", fit=False, d=0.25)  # the node 0 is the constant 0.75
    folded = model.prune(x, 0.0, 0.0)
    np.testing.assert_allclose(folded(x), model(x), rtol=1e-12, atol=1e-14)
    assert folded.width == [2, 1, 1]
    assert {edge: symbol.name for edge, symbol in folded.symbols.items()} == {(1, 0, 0): "x"}
    assert set(folded.families.values()) == {("linear", 1)}


@pytest.mark.parametrize(("name", "size", "settings"), CASES)
def test_edges_are_written_out_as_formulas(name, size, settings):
    model = one_edge(name, size, settings)
    x = np.linspace(-1.0, 2.0, 25)
    symbol = sympy.Symbol("x")
    values = sympy.lambdify(symbol, model.take_function(0, 0, 0).formula(symbol), "numpy")(x)
    np.testing.assert_allclose(values, model(x[:, None])[:, 0], rtol=1e-10, atol=1e-10)
    formula = model.symbolic_formula(x=x[:, None], written_out=True)
    assert not formula.splines
    assert formula.max_error < 1e-9
    np.testing.assert_allclose(formula.numpy()(x[:, None]), model(x[:, None]), rtol=1e-9, atol=1e-9)


def test_formulas_of_networks_write_lines_out_and_other_families_when_asked():
    model = KAN([2, 2, 1], edges=["linear", "sine"], sines=1, seed=0)
    formula = model.symbolic_formula()
    assert set(formula.splines.values()) == {"phi_1_0_0", "phi_1_1_0"}
    assert not any(name.startswith("phi_0") for name in map(str, formula[0][0].atoms(sympy.Function)))
    whole = model.symbolic_formula(written_out=True)
    assert not whole.splines
    assert {str(f.func) for f in whole[0][0].atoms(sympy.Function)} == {"sin"}
    assert whole.max_error < 1e-12
    assert KAN([1, 1], seed=0).take_function(0, 0, 0).formula() is None
