"""KAN with symbols, products, affine values and locked edges."""

from __future__ import annotations

import numpy as np
import pytest
from mixed_models import mixed_model

from kan_np import KAN, FitStatus, create_dataset, design_matrix
from kan_np.symbolic import SymbolLibrary

RNG = np.random.default_rng(0)
X = RNG.uniform(-1, 1, (300, 2))
HELLO = create_dataset(
    lambda x: np.exp(np.sin(np.pi * x[:, [0]]) + x[:, [1]] ** 2), n_var=2, train_num=400, test_num=200, seed=0
)
PRODUCT = create_dataset(lambda x: x[:, [0]] * x[:, [1]], n_var=2, train_num=300, test_num=100, seed=0)


def hello():
    """[2, 1, 1] with the symbols of HELLO near their true constants."""
    model = KAN([2, 1, 1], seed=0)
    model.fix_symbolic(0, 0, 0, "sin", fit=False, a=3.0, b=0.1, c=0.9, d=0.05)
    model.fix_symbolic(0, 1, 0, "x^2", fit=False, b=0.1, c=1.1)
    model.fix_symbolic(1, 0, 0, "exp", fit=False, a=1.1, c=0.9, d=0.1)
    return model


@pytest.mark.slow
@pytest.mark.parametrize(("opt", "steps", "error"), [("LM", 12, 1e-14), ("LBFGS", 20, 1e-12)])
def test_symbols_near_the_truth_are_trained_to_rounding(opt, steps, error):
    model = hello()
    result = model.fit(HELLO, opt=opt, steps=steps)
    assert result["test_loss"][-1] < error
    sine, square, power = (model.symbols[place] for place in ((0, 0, 0), (0, 1, 0), (1, 0, 0)))
    np.testing.assert_allclose([sine.a, sine.b, square.b, power.d], [np.pi, 0, 0, 0], atol=1e-11)
    np.testing.assert_allclose([sine.c * power.a, square.c * power.a], 1.0, rtol=1e-11)
    assert model.n_params == 10


def test_fixing_fits_the_edge_on_its_grid_or_on_samples():
    model = KAN([2, 1], grid=8, seed=0, base_fun="zero")
    knots = np.linspace(-1, 1, 201)
    coef = model.coef
    B = design_matrix(knots, model.knots[0][0])
    coef[0][0, 0] = np.linalg.lstsq(B, 0.5 * np.sin(2 * knots + 0.3) + 0.7, rcond=None)[0]
    model.set_parameters(coef)
    other = model.copy()
    fitted = model.fix_symbolic(0, 0, 0, "sin")
    np.testing.assert_allclose([fitted.a, fitted.b, fitted.c, fitted.d], [2, 0.3, 0.5, 0.7], atol=1e-4)
    assert model.symbols[0, 0, 0].constants == (fitted.a, fitted.b, fitted.c, fitted.d)
    x = np.array([[0.5, 0.0], [0.52, 0.0], [0.54, 0.3], [0.56, 0.1]])
    local = other.fix_symbolic(0, 0, 0, "x", x=x)
    slope = np.cos(2 * 0.53 + 0.3)
    assert local.c == pytest.approx(slope, rel=1e-2)
    assert (local.name, local.r2 > 0.99) == ("x", True)


def test_given_constants_are_taken_as_they_are_and_judged():
    model = KAN([1, 1], seed=0)
    before = model.copy()
    fitted = model.fix_symbolic(0, 0, 0, "tanh", fit=False, a=2.0, d=-1.0)
    x = RNG.uniform(-1, 1, (50, 1))
    np.testing.assert_allclose(model(x), np.tanh(2 * x) - 1.0, rtol=0, atol=3e-16)
    grid = np.linspace(-1, 1, 1000)[:, None]
    rest = before(grid) - (np.tanh(2 * grid) - 1.0)
    assert fitted.rmse == pytest.approx(np.sqrt(np.mean(rest**2)), rel=1e-12)
    assert fitted.one_minus_r2 == pytest.approx(np.mean(rest**2) / np.var(before(grid)), rel=1e-12)


def test_the_symbol_zero_cuts_an_edge():
    model = KAN([2, 1], seed=0)
    model.fix_symbolic(0, 1, 0, "0", fit=False)
    moved = X * [1.0, 0.0]
    assert (model(X) == model(moved)).all()
    assert model.n_params == 9 + 1
    before = KAN([2, 1], seed=0)
    mean = before.copy().fix_symbolic(0, 1, 0, "0", x=X).d
    other = before.copy()
    other.fix_symbolic(0, 0, 0, "0", fit=False)
    assert mean == pytest.approx(float(other(X).mean()), rel=1e-10)


def test_symbols_of_libraries_and_of_ones_own():
    library = SymbolLibrary().add("J0", "besselj(0, x)")
    model = KAN([1, 1], seed=0)
    with pytest.raises(ValueError, match="symbol is 'J0'"):
        model.fix_symbolic(0, 0, 0, "J0")
    assert model.symbols == {}
    model.fix_symbolic(0, 0, 0, "J0", library=library)
    other = KAN([1, 1], seed=0)
    other.fix_symbolic(0, 0, 0, library["J0"])
    assert model.symbols == other.symbols


@pytest.mark.parametrize("name", ["sin", "exp", "x^2", "tanh", "0"])
def test_unfixing_keeps_the_function_up_to_what_a_spline_can(name):
    errors = []
    for grid in (5, 10, 20):
        model = KAN([1, 1], grid=grid, seed=0)
        model.fix_symbolic(0, 0, 0, name, fit=False, a=1.5, b=0.2)
        x = RNG.uniform(-1, 1, (200, 1))
        before = model(x)
        model.unfix_symbolic(0, 0, 0)
        assert model._network.structure.is_plain
        assert (model.symbols, model.n_params) == ({}, grid + 4)
        errors.append(np.abs(model(x) - before).max())
    assert errors[2] < max(errors[0] / 60, 1e-12)  # the fourth power of the intervals, roughly


def test_other_edges_keep_their_numbers():
    model = KAN([2, 3, 1], seed=0)
    before = model.coef, model.scale_base
    model.fix_symbolic(0, 1, 1, "sin")
    for l, (coef, weight) in enumerate(zip(model.coef, model.scale_base, strict=True)):  # noqa: E741
        others = np.ones(weight.shape, dtype=bool)
        if l == 0:
            others[1, 1] = False
            assert not coef[1, 1].any()
            assert model.edges[0][1, 1]
        assert (coef[others] == before[0][l][others]).all()
        assert (weight[others] == before[1][l][others]).all()
    model.unfix_symbolic(0, 1, 1)
    assert model._network.structure.is_plain


@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize("factor", [2, 3])
def test_refining_keeps_the_function(affine, factor):
    model = mixed_model(affine=affine, grid_eps=0.3)
    fine = model.refine(4 * factor)
    assert (fine.grid, model.grid) == (4 * factor, 4)
    np.testing.assert_allclose(fine(X), model(X), rtol=1e-11, atol=1e-11)
    assert (fine.symbols, fine.locks) == (model.symbols, model.locks)


def test_grids_follow_the_samples_and_locked_splines_stay_one_function():
    model = mixed_model(grid=12)
    before = model(X)
    model.update_grid(X)
    np.testing.assert_allclose(model.knots[0][:, [0, -1]], [[X.min(), X.max()]] * 2)
    coef, weight = model.coef[0], model.scale_base[0]
    assert (coef[0, 0] == coef[1, 2]).all()
    assert (coef[0, 0] == coef[0, 4]).all()
    assert weight[0, 0] == weight[1, 2]
    assert (model.knots[0][0] == model.knots[0][1]).all()
    np.testing.assert_allclose(model(X), before, atol=2e-2 * np.abs(before).max())


def test_products_come_after_sums():
    model = KAN([2, [1, 2], [0, 1]], seed=0, mult_arity=[[], [2, 3], [4]])
    assert (model.width, model.width_in) == ([2, 3, 1], [2, 6, 4])
    assert (model.n_mult, model.mult_arity) == ([0, 2, 1], [[], [2, 3], [4]])
    assert [edges.shape for edges in model.edges] == [(2, 6), (3, 4)]
    assert repr(model) == "KAN([2, [1, 2], [0, 1]], grid=5, k=3, n_params=216)"
    same = KAN([2, [3, 0], (1, 0)], seed=0)
    assert (same.width, repr(same)) == ([2, 3, 1], "KAN([2, 3, 1], grid=5, k=3, n_params=81)")
    assert same._network.structure.is_plain
    assert (same._theta == KAN([2, 3, 1], seed=0)._theta).all()


def test_products_multiply():
    model = KAN([2, [0, 1]], seed=0)
    for place in ((0, 0, 0), (0, 1, 1)):
        model.fix_symbolic(*place, "x", fit=False)
    for place in ((0, 1, 0), (0, 0, 1)):
        model.fix_symbolic(*place, "0", fit=False)
    np.testing.assert_allclose(model(X)[:, 0], X[:, 0] * X[:, 1], rtol=1e-15)


@pytest.mark.parametrize(("base_fun", "seed"), [("identity", 0), ("identity", 1), ("silu", 2)])
def test_a_product_is_learned_to_rounding(base_fun, seed):
    model = KAN([2, [0, 1], 1], grid=3, seed=seed, base_fun=base_fun)
    result = model.fit(PRODUCT, opt="LM", steps=120)
    assert result["test_loss"][-1] < 1e-12


@pytest.mark.slow
@pytest.mark.parametrize("start", ["pykan", "wide", "power"])
def test_every_start_of_products_trains(start):
    model = KAN([2, [2, 1], 1], grid=3, seed=1, init=start)
    result = model.fit(PRODUCT, opt="LBFGS", steps=10)
    assert result["train_loss"][-1] < 0.05


def test_affine_values_start_as_nothing_and_are_trained():
    plain = KAN([2, 3, 1], seed=0, noise_scale=3.0)
    model = KAN([2, 3, 1], seed=0, noise_scale=3.0, affine_trainable=True)
    assert (model.affine_trainable, plain.affine_trainable) == (True, False)
    assert model.n_params - plain.n_params == 4 * (3 + 1)
    np.testing.assert_allclose(model(X), plain(X), rtol=1e-13, atol=1e-14)
    for ours, theirs in zip(model.affine, plain.affine, strict=True):
        for a, b, value in zip(ours, theirs, (1.0, 0.0, 1.0, 0.0), strict=True):
            assert (a == value).all()
            assert (b == value).all()
    model.fit(PRODUCT, steps=3)
    assert all((part != value).all() for part, value in zip(model.affine[0], (1, 0, 1, 0), strict=True))


def test_locked_edges_train_as_one():
    data = create_dataset(
        lambda x: np.sin(2 * x[:, [0]]) + np.sin(2 * x[:, [1]]), n_var=2, train_num=200, seed=0
    )
    model = KAN([2, 1], grid=8, seed=3)
    model.lock(0, [(1, 0), (0, 0)])
    assert model.locks == [[(0, 0, 0), (0, 1, 0)]]
    result = model.fit(data, opt="LM", steps=20)
    assert result["train_loss"][-1] < 1e-3
    np.testing.assert_allclose(model(X), model(X[:, ::-1]), rtol=1e-13, atol=1e-13)
    model.fix_symbolic(0, 1, 0, "sin")
    assert list(model.symbols) == [(0, 0, 0), (0, 1, 0)]
    assert model.n_params == 4
    assert model.fit(data, opt="LM", steps=10)["train_loss"][-1] < 1e-13
    before = model(X)
    model.unfix_symbolic(0, 0, 0)
    assert (model.symbols, model.n_params) == ({}, 12)
    np.testing.assert_allclose(model(X), before, atol=1e-3)
    before = model(X)
    model.unlock(0)
    assert model._network.structure.is_plain
    assert (model.locks, model.n_params) == ([], 24)
    np.testing.assert_allclose(model(X), before, rtol=1e-14, atol=1e-14)


def test_locks_take_the_function_of_the_first_and_join():
    model = KAN([1, 4], seed=0)
    second = model.coef[0][0, 1]
    model.lock(0, [(0, 1), (0, 0)])
    assert (model.coef[0][0, :2] == second).all()
    model.lock(0, [(0, 2), (0, 3)])
    assert len(model.locks) == 2
    third = model.coef[0][0, 2]
    model.lock(0, [(0, 3), (0, 0)])
    assert model.locks == [[(0, 0, j) for j in range(4)]]
    assert (model.coef[0][0] == third).all()
    model.unlock(0, [(0, 0)])
    assert model.locks == [[(0, 0, j) for j in (1, 2, 3)]]
    assert model.n_params == 18


def test_parameters_of_splines_are_set_and_locks_are_kept():
    model = mixed_model()
    coef = [2.0 * c for c in model.coef]
    model.set_parameters(coef)
    assert all((a == b).all() for a, b in zip(model.coef, coef, strict=True))
    coef[0][0, 0] += 1.0
    with pytest.raises(ValueError, match="locked edges differ"):
        model.set_parameters(coef)
    coef[0][0, 0] -= 1.0
    coef[0][0, 1] = 1.0
    with pytest.raises(ValueError, match="or of another family; expected zeros"):
        model.set_parameters(coef)
    assert (2.0 * mixed_model().coef[0] == model.coef[0]).all()


def test_a_copy_is_independent():
    model = hello()
    twin = model.copy()
    twin.fit(HELLO, opt="LM", steps=2)
    twin.unfix_symbolic(0, 0, 0)
    assert model.symbols == hello().symbols
    assert len(twin.symbols) == 2


@pytest.mark.parametrize("opt", ["LM", "LBFGS"])
def test_divergence_is_a_status(opt):
    model = KAN([1, 1, 1], seed=0)
    model.fix_symbolic(0, 0, 0, "exp", fit=False, a=500.0, c=1e300)
    model.fix_symbolic(1, 0, 0, "x^5", fit=False, c=1e300)
    x = np.linspace(-1, 1, 20)[:, None]
    result = model.fit({"train_input": x, "train_label": x}, opt=opt, steps=3)
    assert result.status is FitStatus.NON_FINITE


@pytest.mark.parametrize("smoothing", ["weak", "gcv", 1e-3])
def test_smoothing_of_the_splines_that_are_left(smoothing):
    model = KAN([2, 1], grid=10, seed=0)
    model.fix_symbolic(0, 1, 0, "x^2", fit=False)
    data = create_dataset(lambda x: np.sin(3 * x[:, [0]]) + x[:, [1]] ** 2, n_var=2, train_num=150, seed=0)
    result = model.fit(data, opt="LM", steps=15, smoothing=smoothing)
    assert result["train_loss"][-1] < 0.02


def test_samples_of_weight_zero_do_not_count():
    data = {"train_input": X, "train_label": X[:, :1] ** 2, "train_weight": (X[:, 0] > 0).astype(float)}
    model = KAN([2, 1], seed=0)
    model.fix_symbolic(0, 0, 0, "x", fit=False)
    model.fix_symbolic(0, 1, 0, "0", fit=False)
    model.fit(data, opt="LM", steps=5)
    inside = X[:, 0] > 0
    slope, offset = np.polyfit(X[inside, 0], X[inside, 0] ** 2, 1)
    np.testing.assert_allclose(model([[0.0, 0.0], [1.0, 0.0]])[:, 0], [offset, slope + offset], rtol=1e-8)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: KAN([2, [1, 1, 1], 1]),
            ValueError,
            r"width\[1\] is \[1, 1, 1\]; expected a number of nodes, or",
        ),
        (lambda: KAN([2, [0, 0], 1]), ValueError, "expected at least one node"),
        (lambda: KAN([2, [-1, 2], 1]), ValueError, r"width\[1\]\[0\] is -1"),
        (lambda: KAN([[1, 1], 1]), ValueError, "expected inputs without products"),
        (lambda: KAN([2, "ab", 1]), TypeError, r"width\[1\] is 'ab'"),
        (lambda: KAN([2, [0, 1], 1], mult_arity=1), ValueError, "mult_arity is 1; expected an integer >= 2"),
        (lambda: KAN([2, [0, 1], 1], mult_arity=[[2]]), ValueError, r"with \[0, 1, 0\] entries"),
        (lambda: KAN([2, [0, 1], 1], mult_arity=[[], [1], []]), ValueError, r"mult_arity\[1\]\[0\] is 1"),
        (lambda: KAN([2, 1], affine_trainable=1), TypeError, "expected True or False"),
        (lambda: KAN([2, 1]).fix_symbolic(0, 0, 0, "sine"), ValueError, "Did you mean 'sin'"),
        (
            lambda: KAN([2, 1]).fix_symbolic(1, 0, 0, "sin"),
            ValueError,
            "l is 1; expected 0 to 0",
        ),
        (lambda: KAN([2, 1]).fix_symbolic(0, 2, 0, "sin"), ValueError, "i is 2"),
        (lambda: KAN([2, 1]).fix_symbolic(0, 0, 0.0, "sin"), TypeError, "j is 0.0"),
        (lambda: KAN([2, 1]).fix_symbolic(0, 0, 0, "sin", a=1.0), ValueError, "a given with fit=True"),
        (lambda: KAN([2, 1]).fix_symbolic(0, 0, 0, "sin", fit=False, c=np.inf), ValueError, "c is inf"),
        (lambda: KAN([2, 1]).fix_symbolic(0, 0, 0, "sin", x=np.zeros((3, 4))), ValueError, "x has 4 columns"),
        (
            lambda: KAN([2, 1]).remove_edge(0, 0, 0).fix_symbolic(0, 0, 0, "sin"),
            ValueError,
            "was pruned before",
        ),
        (
            lambda: KAN([2, 1]).unfix_symbolic(0, 0, 0),
            ValueError,
            "is a spline; expected one of model.symbols",
        ),
        (lambda: KAN([2, 1]).lock(0, [(0, 0)]), ValueError, "edges has 1 different ones"),
        (lambda: KAN([2, 1]).lock(0, [(0, 0), (2, 0)]), ValueError, "i is 2"),
        (lambda: KAN([2, 1]).lock(0, "ab"), TypeError, "expected pairs"),
        (lambda: KAN([2, 1]).lock(0, [0, 1]), ValueError, "expected pairs"),
        (
            lambda: mixed_model().lock(0, [(0, 0), (0, 1)]),
            ValueError,
            "expected all splines or all one symbol",
        ),
        (
            lambda: mixed_model().lock(0, [(0, 1), (1, 3)]),
            ValueError,
            "expected all splines or all one symbol",
        ),
        (lambda: KAN([2, 1]).unlock(3), ValueError, "l is 3"),
    ],
)
def test_bad_input_gets_one_clear_message(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_refused_fix_changes_nothing():
    model = KAN([2, 1, 1], seed=0)
    model.set_parameters([c + 1e308 for c in model.coef])
    network = model._network
    with pytest.raises(ValueError, match="not finite on these samples"):
        model.fix_symbolic(1, 0, 0, "sin", x=10.0 * X)
    assert model._network is network
