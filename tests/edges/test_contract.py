"""What every family of edges does, whoever wrote it: each registered one goes through all of this."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from evaluated import layered_objective

from kan_np import KAN, create_dataset, fit_schedule, load_model
from kan_np.edges.family import BSPLINE, Basis, ConstantError, register
from kan_np.edges.pointwise import Pointwise
from kan_np.edges.registry import LIBRARY_NAMES, family, family_names
from kan_np.network import layered
from kan_np.objective.network_objective import network_objective
from kan_np.objective.sparsity_penalty import Penalty

RNG = np.random.default_rng(0)
X = np.concatenate([RNG.uniform(-1.6, 1.6, (60, 2)), [[-1.0, 1.0], [0.0, 0.5], [0.25, -0.25]]])
Y = RNG.normal(size=(len(X), 2))
DATA = create_dataset(
    lambda x: np.exp(np.sin(np.pi * x[:, [0]]) + x[:, [1]] ** 2), n_var=2, train_num=300, seed=0
)


@register
@dataclass(frozen=True, eq=False)
class Sines(Basis):
    """1, t and sin(pi r t): what somebody outside of the library would write."""

    name: ClassVar[str] = "sines"

    @property
    def n_params(self):
        return self.size + 2

    def local_values(self, t, nu):
        inside = np.clip(t, 0.0, 1.0)
        rows = [np.ones_like(t), t] if nu == 0 else [np.zeros_like(t), np.full_like(t, float(nu == 1))]
        for r in range(1, self.size + 1):
            w = np.pi * r
            value, slope = np.sin(w * inside), w * np.cos(w * inside)
            if nu == 0:
                rows.append(value + (t - inside) * slope)
            else:
                rows.append((slope, -(w**2) * value, -(w**2) * slope)[nu - 1] * ((nu == 1) | (t == inside)))
        return np.stack(rows)


@register
@dataclass(frozen=True, eq=False)
class Bumps(Pointwise):
    """sum_k a_k exp(-(x - t_k)^2) + d: as `Sines`, but not linear in its parameters."""

    name: ClassVar[str] = "bumps"

    @property
    def groups(self):
        return self.size, self.size, 1

    @property
    def linear(self):
        return True, False, True

    def phi(self, theta, x, nu=0):
        a, t, d = self.split(theta)
        u = x[:, None] - t[:, :, None]
        factor = (1.0, -2 * u, 4 * u**2 - 2, 12 * u - 8 * u**3)[nu]
        return np.einsum("ek,ekn->en", a, factor * np.exp(-(u**2))) + d * (nu == 0)

    def by_params(self, theta, x, nu=0):
        a, t, _ = self.split(theta)
        u = x[:, None] - t[:, :, None]
        bells = [factor * np.exp(-(u**2)) for factor in (1.0, -2 * u, 4 * u**2 - 2, 12 * u - 8 * u**3)]
        by_d = np.full((len(x), 1, x.shape[1]), float(nu == 0))
        return np.concatenate([bells[nu], -a[:, :, None] * bells[nu + 1], by_d], axis=1)

    def guesses(self, low, high):
        places = np.linspace(low, high, self.size)
        return np.concatenate([np.zeros(self.size), places, [0.0]])[None]

    def start(self, init, fan_in, rng):
        shape = fan_in.size, self.size
        return np.hstack([rng.normal(size=shape), rng.uniform(-1, 1, shape), np.zeros((fan_in.size, 1))])


FAMILIES = tuple(name for name in family_names() if name != BSPLINE)
WITH_CONSTANTS = tuple(name for name in FAMILIES if family(name).has_constants)


def some_quick(names):
    """All names, as parameters of a test that takes seconds: those but two are left to the slow tests."""
    quick = ("chebyshev", "sine")
    return [name if name in quick else pytest.param(name, marks=pytest.mark.slow) for name in names]


def sized(name, size):
    """The nearest size that the family has."""
    return int(np.clip(size, family(name).smallest, family(name).largest))


def random_model(name, width=(2, 3, 2), size=4, seed=0):
    """A KAN of a family with coefficients of order one."""
    model = KAN(list(width), grid=size, edges=name, seed=seed)
    model._theta = np.random.default_rng(seed).normal(size=model.n_params)
    return model


def mixed(name, seed=0):
    """Edges of a family beside splines, a symbol, a product."""
    model = KAN([2, [2, 1], 2], grid=4, seed=seed, noise_scale=2.0)
    model.set_family(0, name, [(0, 0), (1, 2)], size=sized(name, 3))
    model.set_family(1, name, [(2, 1)])
    model.fix_symbolic(0, 1, 0, "sin", fit=False)
    model._theta = model._theta + 0.3 * np.random.default_rng(seed).normal(size=model.n_params)
    return model


def central(f, theta, h=1e-6):
    return np.array([(f(theta + step) - f(theta - step)) / (2 * h) for step in h * np.eye(theta.size)])


def test_the_library_has_its_families():
    library = "bspline chebyshev fourier gaussian linear mlp piecewise_linear rational sine wavelet"
    assert {*library.split(), "sines", "bumps"} <= set(family_names())


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("make", [random_model, mixed])
def test_derivatives_are_those_of_the_values(name, make):
    model = make(name)
    objective = network_objective(model._network, X, Y, Penalty(0.1, reg_metric="edge_backward"))
    numeric = central(lambda theta: objective(theta)[0], model._theta)
    np.testing.assert_allclose(objective(model._theta)[1], numeric, rtol=2e-5, atol=1e-6)
    for i in range(2):
        step = 1e-7 * (np.arange(2) == i)
        slope = (model(X[:60] + step) - model(X[:60] - step)) / 2e-7
        np.testing.assert_allclose(model.input_jacobian(X[:60])[:, :, i], slope, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("make", [random_model, mixed])
@pytest.mark.parametrize("n", [1, 60])
def test_compiled_and_layer_by_layer_agree(name, make, n):
    net = make(name)._network
    np.testing.assert_allclose(
        net.forward(X[:n]), layered.forward(net.structure, net.values, X[:n]), rtol=1e-12, atol=1e-12
    )
    fast, slow = network_objective(net, X[:n], Y[:n]), layered_objective(net, X[:n], Y[:n])
    (f, g, first), (value, gradient, second) = (o.normal_equations(net.theta) for o in (fast, slow))
    assert value == pytest.approx(f, rel=1e-12)
    np.testing.assert_allclose(gradient, g, rtol=1e-10, atol=1e-11)
    np.testing.assert_allclose(np.tril(second), np.tril(first), rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("name", FAMILIES)
def test_gauss_newton_matrices_are_those_of_differences(name):
    model = random_model(name, (2, 2, 1))
    y = Y[:, :1]

    def roots(theta):
        other = model.copy()
        other._theta = theta
        return ((other(X) - y) / np.sqrt(len(X))).ravel()

    jacobian = central(roots, model._theta)
    _, gradient, matrix = network_objective(model._network, X, y).normal_equations(model._theta)
    np.testing.assert_allclose(gradient, 2 * jacobian @ roots(model._theta), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(np.tril(matrix), np.tril(2 * jacobian @ jacobian.T), rtol=1e-4, atol=1e-5)


@pytest.mark.filterwarnings("ignore::kan_np.KanWarning")
@pytest.mark.parametrize("name", some_quick(FAMILIES))
@pytest.mark.parametrize("opt", ["LBFGS", "LM"])
def test_it_is_trained_and_its_intervals_follow_the_samples(name, opt):
    model = KAN([2, 2, 1], grid=6, edges=name, seed=4)
    result = model.fit(DATA, opt=opt, steps=25, smoothing=0.0)
    assert result["test_loss"][-1] < {"linear": 1.7, "bumps": 0.5}.get(name, 0.3) * DATA["test_label"].std()
    start = KAN([2, 2, 1], grid=6, edges=name, seed=4)._network.structure.bases
    for edges, before in zip(model._network.structure.bases, start, strict=True):
        np.testing.assert_allclose(edges.basis.low[:2], DATA["train_input"].min(axis=0), atol=0.05)
        np.testing.assert_allclose(edges.basis.high[:2], DATA["train_input"].max(axis=0), atol=0.05)
        assert (edges.basis.low[2:] != before.basis.low[2:]).all()
    assert model.n_params == 6 * family(name)(np.zeros(1), np.ones(1), sized(name, 6)).n_params


@pytest.mark.filterwarnings("ignore::kan_np.KanWarning")
@pytest.mark.parametrize("name", FAMILIES)
def test_smoothing_of_splines_leaves_it_alone_or_says_so(name):
    model, plain = (KAN([2, 2, 1], grid=4, edges=name, seed=1) for _ in range(2))
    model.fit(DATA, opt="LM", steps=8, smoothing="weak")
    plain.fit(DATA, opt="LM", steps=8, smoothing=0.0)
    np.testing.assert_allclose(model(X), plain(X), rtol=1e-6, atol=1e-6)
    for smoothing in ("gcv", 1e-3):
        with pytest.raises(ValueError, match="no edge is a B-spline"):
            model.fit(DATA, opt="LM", steps=8, smoothing=smoothing)


@pytest.mark.filterwarnings("ignore::kan_np.KanWarning")
@pytest.mark.parametrize("name", some_quick(WITH_CONSTANTS))
def test_noise_and_constants_end_at_their_mean(name):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 2))
    model = KAN([2, 2, 1], grid=3, edges=name, seed=0)
    result = model.fit({"train_input": x, "train_label": rng.normal(size=(40, 1))})
    if np.isinf(result.shrinkage):
        assert np.ptp(model(x)) < 1e-9
    constant = KAN([2, 2, 1], grid=3, edges=name, seed=0)
    constant.fit({"train_input": X, "train_label": np.full((len(X), 1), 2.0)}, opt="LM", steps=3)
    np.testing.assert_allclose(constant(X), 2.0, atol=1e-9)


@pytest.mark.parametrize("name", FAMILIES)
def test_intervals_of_one_ulp_and_of_frozen_edges(name):
    model = KAN([1, 1], grid=3, edges=name, seed=0)
    model.update_grid([[1.0], [np.nextafter(1.0, 2.0)]])
    assert np.abs(model([[0.3]])).max() < 10.0
    other = KAN([1, 2], grid=3, seed=0)
    other.set_family(0, name, [(0, 0)])
    other.set_parameters(other.coef, knots=[np.arange(4.0)[None]])
    other.set_family(0, "piecewise_linear", [(0, 1)], size=7)
    other.freeze(0, [(0, 1)])
    x = np.linspace(0.0, 3.0, 7)[:, None]
    before = other(x)[:, 1]
    other.update_grid(x)
    np.testing.assert_array_equal(other(x)[:, 1], before)


@pytest.mark.parametrize("name", FAMILIES)
def test_what_was_frozen_is_free_when_the_edge_changes_its_kind(name):
    model = KAN([2, 1], grid=3, seed=0)
    model.set_family(0, name, [(0, 0)])
    model.freeze(0, [(0, 0)])
    coef = model._network.layers[0].bases[0].coef
    model.set_family(0, name, [(1, 0)])
    model.set_family(0, BSPLINE, [(1, 0)])
    np.testing.assert_array_equal(model._network.layers[0].bases[0].coef, coef)
    model.set_family(0, BSPLINE)
    assert model.frozen == []
    buffer = io.BytesIO()
    model.save(buffer)
    buffer.seek(0)
    np.testing.assert_array_equal(load_model(buffer)(X), model(X))


@pytest.mark.filterwarnings("ignore::kan_np.KanWarning")
@pytest.mark.filterwarnings("ignore::kan_np.KanWarning")
@pytest.mark.parametrize("name", some_quick(FAMILIES))
def test_grids_by_default_are_sizes_that_the_family_has(name):
    stages = fit_schedule([2, 1], DATA, steps=1, refit=False, edges=name, seed=0)
    sizes = family(name).sizes
    assert 1 <= len(stages) <= len(sizes)
    assert {size for _, size in stages[-1].model.families.values()} == {sizes[len(stages) - 1]}


@pytest.mark.filterwarnings("ignore::kan_np.NotLearntWarning")  # of "linear", a matrix without intercept
@pytest.mark.parametrize("name", some_quick(FAMILIES))
def test_grids_in_turn_go_on_to_larger_sizes(name):
    stages = fit_schedule([2, 2, 1], DATA, grids=(3, 6), steps=8, restarts=2, refit=False, edges=name, seed=0)
    assert [stage.model.grid for stage in stages] == [3, 6]
    assert {kind for kind, _ in stages.best.model.families.values()} == {name}
    assert stages[1].train_rmse <= 1.0001 * stages[0].train_rmse


@pytest.mark.parametrize("name", FAMILIES)
def test_values_and_derivatives_belong_together(name):
    basis = family(name)(np.array([-2.0, 0.5]), np.array([3.0, 0.75]), sized(name, 4))
    rng = np.random.default_rng(0)
    theta, source = rng.normal(size=(3, basis.n_params)), np.array([0, 1, 0])
    x = np.array([[-5.3, -1.7, 0.1, 2.4, 9.2], [0.1, 0.53, 0.6, 0.71, 2.0]])
    for nu in (1, 2, 3):
        h = 1e-5
        ends = (basis.curves(theta, source, x + step, nu - 1) for step in (h, -h))
        slope = np.subtract(*ends) / (2 * h)
        bound = 1e-4 * np.abs(slope).max() + 1e-6
        np.testing.assert_allclose(basis.curves(theta, source, x, nu), slope, rtol=1e-4, atol=bound)
    rows, block = basis.parameter_rows(theta, source, x)
    for e in range(3):
        numeric = central(lambda own, e=e: basis.curves(own[None], source[[e]], x)[0], theta[e])
        np.testing.assert_allclose(rows[block[e]], numeric, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", FAMILIES)
def test_constants_multiples_and_larger_sizes(name):
    basis = family(name)(np.array([-2.0, 0.5]), np.array([3.0, 0.75]), sized(name, 4))
    theta, source = np.random.default_rng(0).normal(size=(3, basis.n_params)), np.array([0, 1, 0])
    x = np.array([[-5.0, 0.0, 9.0], [0.1, 0.6, 2.0]])
    phi = basis.curves(theta, source, x)
    np.testing.assert_allclose(basis.curves(basis.times(theta, -2.5), source, x), -2.5 * phi, rtol=1e-12)
    if basis.has_constants:
        more = basis.curves(basis.plus_constant(theta, 0.7), source, x)
        np.testing.assert_allclose(more, phi + 0.7, rtol=1e-9, atol=1e-9)
        still = basis.constants(theta, np.array([1.0, 2.0, -3.0]))
        np.testing.assert_allclose(basis.curves(still, source, x).T, [[1.0, 2.0, -3.0]] * 3, atol=1e-9)
        shrunk = np.diag(still @ basis.prior_matrix(0.2) @ still.T)
        assert name == "rational" or np.abs(shrunk).max() < 1e-9
    else:
        with pytest.raises(ConstantError, match="expected an edge of another family"):
            basis.plus_constant(theta, 0.7)
    model = random_model(name)
    fine = model.refine(8)
    assert fine.n_params > model.n_params or sized(name, 4) == sized(name, 8)
    if basis.is_nested:
        np.testing.assert_allclose(fine(X), model(X), rtol=1e-8, atol=1e-8)
    else:
        finer, x = basis.grown(16), basis.points()
        curves = finer.curves(basis.carry_over(finer, theta, source), source, x)
        np.testing.assert_allclose(curves, basis.curves(theta, source, x), atol=0.05)
    with pytest.raises(ValueError, match="grid"):
        model.refine(2)


@pytest.mark.parametrize("name", FAMILIES)
def test_files_copies_and_frozen_edges(name):
    for model in (random_model(name), mixed(name)):
        edge = next(iter(model.families))
        model.freeze(edge[0], [edge[1:]])
        assert (*edge, "basis") in model.frozen
        buffer = io.BytesIO()
        model.save(buffer)
        buffer.seek(0)
        again = load_model(buffer)
        np.testing.assert_array_equal(again(X), model(X))
        assert (again.families, again.frozen, again.n_params) == (
            model.families,
            model.frozen,
            model.n_params,
        )
        x = np.random.default_rng(1).uniform(-1, 1, (model.width[edge[0]], 20))
        phi = model._network.edge_values(edge[0], x)[edge[1:]]
        model.fit({"train_input": X, "train_label": Y}, opt="LM", steps=3, smoothing=0.0)
        np.testing.assert_array_equal(model._network.edge_values(edge[0], x)[edge[1:]], phi)


@pytest.mark.parametrize("name", FAMILIES)
def test_pruning_folds_constants_and_keeps_the_family(name):
    model = random_model(name, (2, 4, 1))
    small = model.prune_node(active=[[0, 3]])
    if name in WITH_CONSTANTS:
        assert {kind for kind, _ in small.families.values()} == {name}
        assert len(small.families) == 6
    less = model.remove_edge(0, 1, 2)
    assert (0, 1, 2) not in less.families
    weak = model.prune_edge(0.05, X)
    assert set(weak.families.values()) == {(name, sized(name, 4))}
    product = mixed(name)
    np.testing.assert_allclose(product.prune(X, 0.0, 0.0)(X), product(X), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", some_quick(FAMILIES))
def test_edges_change_their_family_and_back(name):
    model = KAN([2, 3, 1], grid=5, base_fun="zero", seed=0)
    model.fit(DATA, opt="LM", steps=10)
    other = model.copy()
    other.set_family(0, name, [(0, 1), (1, 2)], size=sized(name, 30))
    assert set(other.families) == {(0, 0, 1), (0, 1, 2)}
    if name in WITH_CONSTANTS:
        assert np.abs(other(DATA["test_input"]) - model(DATA["test_input"])).max() < 0.05
    before = other(DATA["test_input"])
    other.set_family(0, BSPLINE)
    assert (other.families, other.n_params) == ({}, model.n_params)
    assert np.abs(other(DATA["test_input"]) - before).max() < 0.05
    other.set_family(0, name)
    fitted = other.fix_symbolic(0, 0, 0, "sin", x=DATA["train_input"])
    assert np.isfinite(fitted.r2)
    other.unfix_symbolic(0, 0, 0)
    assert (0, 0, 0) not in other.families


@pytest.mark.slow
@pytest.mark.parametrize("name", ["chebyshev", "mlp", "piecewise_linear", "wavelet"])
def test_pictures_scores_and_formulas(name):
    model = mixed(name)
    edge = next(iter(model.families))
    assert model.plot(X).axes
    assert model.plot_edge(*edge, X).axes
    assert all(np.isfinite(score).all() for score in model.edge_scores(X))
    formula = model.symbolic_formula(x=X)
    np.testing.assert_allclose(formula.numpy()(X), model(X), rtol=1e-8, atol=1e-8)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::kan_np.KanWarning")
@pytest.mark.parametrize("name", [name for name in LIBRARY_NAMES if name != BSPLINE])
def test_few_noisy_samples_do_not_blow_it_up(name):
    rng = np.random.default_rng(3)
    x, fresh = rng.normal(size=(30, 4)), rng.normal(size=(500, 4))
    y = x[:, :1] + 0.5 * rng.normal(size=(30, 1))
    model = KAN([4, 3, 1], grid=5, edges=name, seed=0)
    model.fit({"train_input": x, "train_label": y})
    rmse = np.sqrt(np.mean((model.predict(fresh) - fresh[:, :1]) ** 2))
    assert rmse < 1.2


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda: KAN([2, 1], edges="wavelet_packets"),
            "edges is .wavelet_packets.; expected .*chebyshev.*Did you mean .wavelet.",
        ),
        (lambda: KAN([2, 1], edges=["chebyshev", "bspline"]), "edges has 2 names; expected one"),
        (lambda: KAN([2, 1]).set_family(0, "chebyshev", [(5, 0)]), "i is 5"),
        (lambda: KAN([2, 1]).set_family(3, "chebyshev"), "l is 3"),
        (lambda: KAN([2, 1]).set_family(0, "chebyshev", size=0), "size is 0"),
        (lambda: KAN([2, 1]).set_family(0, "chebyshev", size=30_000), "size is 30000; expected .*1000"),
        (lambda: KAN([2, 1], edges="chebyshev").refine(50_000), "grid is 50000; expected .*1000"),
        (lambda: KAN([2, 1], edges="chebyshev", extrapolation="error"), "extrapolation is 'error'"),
        (lambda: KAN([2, 1]).set_family(0, "bspline", size=4), "size is given for B-splines"),
        (lambda: KAN([2, 1], edges="chebyshev").lock(0, [(0, 0), (1, 0)]), "expected splines or symbols"),
    ],
)
def test_what_cannot_be_is_said(make, said):
    with pytest.raises(ValueError, match=said):
        make()


def test_a_name_is_taken_once():
    with pytest.raises(ValueError, match="'sines' of an edge family is taken"):
        register(type("Other", (Sines,), {"name": "sines"}))
