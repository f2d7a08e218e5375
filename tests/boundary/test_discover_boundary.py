"""discover_boundary: the curve where two classes meet, from their labels alone."""

from __future__ import annotations

import numpy as np
import pytest
import sympy

from kan_np import KAN, KanWarning
from kan_np.boundary import Boundary, discover_boundary
from kan_np.boundary.border import warn_of_few
from kan_np.boundary.find import _ordered
from kan_np.boundary.logistic import BoundaryFit
from kan_np.boundary.points import crossings
from kan_np.boundary.rows import Rows

P, Q = sympy.symbols("p q")


def labels_of(x, h, flips=0.0, seed=0):
    above = x[:, 1] > h(x[:, 0])
    return (above ^ (np.random.default_rng(seed).random(len(x)) < flips)).astype(int)


def fit_of(text, x, label, groups=None):
    expression = sympy.sympify(text, {"p": P, "q": Q})
    groups = np.arange(len(x)) if groups is None else groups
    slope = 4.0 + x[:, 0]
    return BoundaryFit(expression, [P, Q], 1, x, 2.0 * label - 1.0, slope, groups)


def test_crossings_lie_on_the_zero_set():
    x = np.random.default_rng(0).uniform(-1, 1, (300, 2))
    found = crossings(lambda x: 3.0 * x[:, [1]] - 1.5 * np.sin(3 * x[:, [0]]), x, 1, (-1.0, 1.0))
    np.testing.assert_allclose(found.value, 0.5 * np.sin(3 * x[:, 0]), atol=1e-9)
    np.testing.assert_allclose(found.slope, 3.0, rtol=1e-9)


def test_the_slope_has_the_sign_of_the_class_beyond():
    x = np.random.default_rng(0).uniform(-1, 1, (50, 2))
    found = crossings(lambda x: -(2.0 + x[:, [0]]) * x[:, [1]], x, 1, (-1.0, 1.0))
    np.testing.assert_allclose(found.slope, -(2.0 + x[:, 0]), rtol=1e-9)


def test_rows_with_two_crossings_and_with_none_have_none():
    x = np.random.default_rng(0).uniform(-1, 1, (200, 2))
    for logit in (lambda x: x[:, [1]] ** 2 - 0.25, lambda x: 0.0 * x[:, [1]] + 1.0):
        found = crossings(logit, x, 1, (-1.0, 1.0))
        assert np.isnan(found.value).all()


@pytest.mark.parametrize("flips", [1e-6, 0.07])
def test_derivatives_of_the_loss(flips):
    x = np.random.default_rng(0).uniform(0.5, 2, (60, 2))
    fit = fit_of("1.3*p**2 + 0.4*exp(0.7*p)", x, labels_of(x, lambda p: 1 / p, flips=0.1))
    theta = fit.start + 0.1
    numbers = np.array([0.8, flips, *theta])

    def loss_at(numbers):
        return fit._loss(numbers[0], numbers[1], numbers[2:])[0]

    loss, by_factor, by_flips, by_theta = fit._loss(0.8, flips, theta)
    for k, found in enumerate([by_factor, by_flips, *by_theta]):
        step = 1e-6 if k != 1 else 0.1 * flips
        moved = np.eye(numbers.size)[k] * step
        difference = (loss_at(numbers + moved) - loss_at(numbers - moved)) / (2 * step)
        assert found == pytest.approx(difference, rel=2e-2 if k == 1 else 1e-5, abs=1e-9)
    z = fit.sign * 0.8 * fit.slope * (x[:, 1] - fit._tape(*x.T, *theta))
    right = flips + (1 - 2 * flips) / (1 + np.exp(-z))
    np.testing.assert_allclose(loss, np.mean(-np.log(right)), rtol=1e-9)


def test_few_labels_that_are_far_from_right_do_not_move_the_boundary():
    x = np.random.default_rng(0).uniform(0.5, 2, (1000, 2))
    noise = np.random.default_rng(1).logistic(scale=0.05, size=1000)
    label = (x[:, 1] > 1 / x[:, 0] + noise).astype(int)
    wrong = (x[:, 0] > 1.5) & (x[:, 1] > 1.7)
    label[wrong] = 0
    assert 0.02 < wrong.mean() < 0.08
    found = fit_of("1.1/p", x, label).fit()
    assert found.theta[0] == pytest.approx(1.0, abs=4 * found.stderr[0])
    assert 4 * found.stderr[0] < 0.06
    assert 0.3 * wrong.mean() < found.flips < 2.0 * wrong.mean()


def test_standard_errors_are_those_of_repeated_samples():
    found = []
    for seed in range(40):
        x = np.random.default_rng(seed).uniform(0.5, 2, (400, 2))
        noise = np.random.default_rng(seed + 100).logistic(scale=0.1, size=400)
        label = (x[:, 1] > 1.5 / x[:, 0] + noise).astype(int)
        found.append(fit_of("1.0*c/p".replace("c", "1.2"), x, label).fit())
    numbers = np.array([one.theta[0] for one in found])
    errors = np.array([one.stderr[0] for one in found])
    assert abs(numbers.mean() - 1.5) < 4 * numbers.std() / np.sqrt(40)
    assert 0.6 < errors.mean() / numbers.std() < 1.6


def test_copies_of_rows_in_one_group_say_no_more_of_numbers():
    rng = np.random.default_rng(0)
    x = rng.uniform(0.5, 2, (200, 2))
    label = (x[:, 1] > 1 / x[:, 0] + rng.logistic(scale=0.2, size=200)).astype(int)
    found = {}
    for count in (4, 16):
        groups = np.tile(np.arange(200), count)
        copies = np.tile(x, (count, 1)), np.tile(label, count)
        found[count] = fit_of("1.1/p", *copies, groups).fit(), fit_of("1.1/p", *copies).fit()
    (grouped, alone), (more, more_alone) = found[4], found[16]
    np.testing.assert_allclose(more.theta, grouped.theta, rtol=1e-3)
    np.testing.assert_allclose(more.stderr, grouped.stderr, rtol=2e-2)
    np.testing.assert_allclose(more_alone.stderr, alone.stderr / 2, rtol=2e-2)


def test_errors_are_small_where_classes_are_separated():
    x = np.random.default_rng(0).uniform(0.5, 2, (800, 2))
    found = fit_of("1.02/p", x, labels_of(x, lambda p: 1 / p)).fit()
    assert abs(found.theta[0] - 1.0) < 3 * found.stderr[0] < 0.05


def test_a_formula_that_is_not_finite_has_no_fit():
    x = np.random.default_rng(0).uniform(0.5, 2, (200, 2))
    fit = fit_of("1.38*p*log(1.1*p) + 6.18/p", x, labels_of(x, lambda p: 1 / p))
    k = int(np.argmin(np.abs(fit.start - 1.1)))
    assert fit.fit() is not None
    assert fit.fit(held={k: 0.0}) is None
    assert fit.fit(held={k: -1.0}) is None
    found, numbers = fit.with_exact_numbers(fit.fit())
    assert k not in numbers or float(numbers[k]) > 0
    assert np.isfinite(found.loss)


@pytest.mark.parametrize("of_v", [1.0, 1e-19, 1e7])
@pytest.mark.parametrize("of_p", [1e-5, 1e3, 1e6])
def test_numbers_and_their_errors_do_not_depend_on_units(of_p, of_v):
    x = np.random.default_rng(0).uniform(0.5, 2, (400, 2))
    noise = np.random.default_rng(1).logistic(scale=0.1, size=400)
    sign = np.where(x[:, 1] > 0.2 + 0.3 * x[:, 0] ** 2 + noise, 1.0, -1.0)

    def found(units):
        a, b = 0.22 * units[1], 0.29 * units[1] / units[0] ** 2
        expression = sympy.Float(a, 17) + sympy.Float(b, 17) * P**2
        steep = np.full(400, 10.0 / units[1])
        fit = BoundaryFit(expression, [P, Q], 1, x * units, sign, steep, np.arange(400))
        order = np.argsort([float(n) != a for n in fit.start])
        scale = np.array([units[1], units[1] / units[0] ** 2])
        one = fit.fit()
        return one.theta[order] / scale, one.stderr[order] / scale, one.loss

    for own, there in zip(found(np.array([of_p, of_v])), found(np.ones(2)), strict=True):
        np.testing.assert_allclose(own, there, rtol=1e-4)


def test_numbers_become_simple_where_classes_cannot_tell():
    x = np.random.default_rng(0).uniform(0.5, 2, (800, 2))
    fit = fit_of("1.02/p + 0.01", x, labels_of(x, lambda p: 1 / p))
    found, numbers = fit.with_exact_numbers(fit.fit())
    assert fit.written(found, numbers) == 1 / P
    fit = fit_of("1.02/p", x, labels_of(x, lambda p: 1.137 / p, flips=0.02))
    found, numbers = fit.with_exact_numbers(fit.fit())
    assert float(fit.written(found, numbers).subs(P, 1.0)) == pytest.approx(1.137, abs=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_a_boundary_is_found_with_its_numbers(seed):
    x = np.random.default_rng(seed).uniform(0.5, 2, (800, 2))
    label = labels_of(x, lambda p: p**2 / 2, flips=0.02, seed=seed)
    found = discover_boundary(
        {"train_input": x, "train_label": label},
        columns=["x_2"],
        most_steps=6,
        lib=["x", "x^2", "1/x"],
        seed=seed,
    )
    one = found.best
    assert one.equation == "x_2 = x_1**2/2"
    assert one.side == 1
    assert one.accuracy > 0.95
    assert one.accuracy >= found.model_accuracy - 0.02
    np.testing.assert_allclose(one.solved(x), x[:, 0] ** 2 / 2, rtol=1e-12)
    np.testing.assert_allclose(one.decision(x), x[:, 1] - x[:, 0] ** 2 / 2, rtol=1e-9, atol=1e-12)
    assert one.equation in found.table()
    assert repr(found).splitlines()[1] == f"best: {one.equation}"


@pytest.mark.slow
def test_a_model_of_ones_own_and_named_columns():
    x = np.random.default_rng(0).uniform(0.5, 2, (400, 2))
    table = {"p": x[:, 0], "q": x[:, 1]}
    data = {"train_input": table, "train_label": labels_of(x, lambda p: 1 / p)}
    model = KAN([2, 1], grid=4, seed=0)
    model.fit(data, "LM", loss="cross_entropy")
    found = discover_boundary(data, model=model, columns=["q"], most_steps=4, lib=["x", "1/x"])
    assert found.model is model
    assert found.best.equation == "q = 1/p"
    swapped = {"q": x[:5, 1], "p": x[:5, 0]}
    np.testing.assert_allclose(found.best.decision(swapped), x[:5, 1] - 1 / x[:5, 0], atol=1e-12)


@pytest.mark.parametrize(("least_gain", "first"), [(0.0, "long"), (5.0, "long"), (8.0, "short")])
def test_a_simpler_formula_may_be_worse_by_the_tolerance(least_gain, first):
    wrong = {"short": np.full(8, 2.0), "long": np.full(8, 1.0)}
    found = [
        (Boundary(P, P, 1, 0.9, 0.1, complexity, (P,), (name,)), wrong[name])
        for name, complexity in (("long", 9.0), ("short", 1.0))
    ]
    best, _ = _ordered(found, least_gain)
    assert best.features == (first,)


def test_a_simpler_formula_may_be_worse_by_two_standard_errors():
    rows = np.zeros(16)
    rows[[0, 1, 2]] = 1.0
    found = [
        (Boundary(P, P, 1, 0.9, 0.1, complexity, (P,), (name,)), wrong)
        for name, complexity, wrong in (("long", 9.0, np.zeros(16)), ("short", 1.0, rows))
    ]
    assert _ordered(found, 0.0)[0].features == ("short",)


def test_columns_that_do_not_vary_and_classes_of_one_row_are_told():
    x = np.random.default_rng(0).uniform(0.5, 2, (60, 2))
    label = labels_of(x, lambda p: 1 / p)
    with pytest.raises(ValueError, match="'x_1' is the same in all training rows"):
        discover_boundary({"train_input": x * [0, 1] + 1, "train_label": label}, columns=["x_1"])
    own = {"train_input": x, "train_label": label, "val_input": x[:2], "val_label": label[:2]}
    with pytest.raises(ValueError, match="train_label is the same"):
        discover_boundary(own | {"train_label": np.ones(60)})
    few = Rows.of(x[:30], np.arange(30) < 15)
    with pytest.warns(KanWarning, match="the smaller class has 15 rows"):
        warn_of_few(few.chosen(np.arange(20)), few.chosen(np.arange(20, 30)))


def test_wrong_data_are_refused():
    x = np.random.default_rng(0).uniform(size=(40, 2))
    label = (x[:, 0] > 0.5).astype(int)
    with pytest.raises(ValueError, match="other values than 0 and 1"):
        discover_boundary({"train_input": x, "train_label": 0.5 * label})
    with pytest.raises(ValueError, match="train_label is the same in every row"):
        discover_boundary({"train_input": x, "train_label": np.ones(40)})
    with pytest.raises(ValueError, match="columns is 'z'; expected one of 'x_1', 'x_2'"):
        discover_boundary({"train_input": x, "train_label": label}, columns=["z"])
    with pytest.raises(ValueError, match=r"model has the shape \[3, 1\]; expected 2 inputs and one output"):
        discover_boundary({"train_input": x, "train_label": label}, model=KAN([3, 1]))
    with pytest.raises(ValueError, match="groups has 3 entries; expected 40"):
        discover_boundary({"train_input": x, "train_label": label}, groups=[1, 2, 3])
    with pytest.raises(TypeError, match="dataset is a list"):
        discover_boundary([x, label])


def test_rows_that_cross_the_other_way_have_no_crossing():
    x = np.random.default_rng(0).uniform(-1, 1, (300, 2))
    found = crossings(lambda x: (x[:, [0]] + 0.5) * x[:, [1]], x, 1, (-1.0, 0.9))
    assert np.isnan(found.value[x[:, 0] < -0.5]).all()
    np.testing.assert_allclose(found.value[x[:, 0] > -0.5], 0.0, atol=1e-9)
    assert (found.slope > 0.0).all()


@pytest.mark.slow
def test_a_threshold_on_the_only_column():
    x = np.random.default_rng(0).uniform(0, 2, (80, 1))
    found = discover_boundary({"train_input": x, "train_label": x > 1.0})
    apart = np.sort(x[:, 0])
    below, above = apart[apart <= 1.0][-1], apart[apart > 1.0][0]
    assert found.best.equation.startswith("x_1 = ")
    assert below - 0.02 < float(found.best.expression) < above + 0.02
    assert found.best.side == 1
    assert found.best.accuracy == 1.0
    np.testing.assert_allclose(found.best.solved(x[:3]), float(found.best.expression))


def test_groups_are_split_with_both_classes_in_each_part():
    x = np.random.default_rng(0).uniform(size=(60, 2))
    second = np.arange(60) % 6 == 0
    rows = Rows.of(x, second, np.arange(60) // 3)  # every other group has the first class only
    for seed in range(20):
        train, held = rows.held_out(seed)
        assert len(train.x) == 48
        assert len(held.x) == 12
        assert not set(train.x[:, 0]) & set(held.x[:, 0])
        assert train.second.any()
        assert held.second.any()
        part = rows.part(0.1, seed)
        assert part.second.any()
        assert not part.second.all()


def test_a_large_group_is_no_validation_split_where_small_ones_are():
    x = np.random.default_rng(0).uniform(size=(100, 2))
    rows = Rows.of(x, np.arange(100) % 2 == 0, np.maximum(np.arange(100) - 76, 0) // 4)
    for seed in range(10):
        assert len(rows.held_out(seed)[1].x) == 20


@pytest.mark.parametrize("groups", [np.zeros(40), "label"])
def test_groups_that_cannot_be_split_are_refused(groups):
    x = np.random.default_rng(0).uniform(size=(40, 2))
    label = (x[:, 0] > 0.5).astype(int)
    own = label if isinstance(groups, str) else groups
    with pytest.raises(ValueError, match=r"groups has .* expected .* give val_input and val_label") as raised:
        discover_boundary({"train_input": x, "train_label": label}, groups=own)
    assert ("one group" if own is groups else "2 groups") in str(raised.value)


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"columns": "x_1"}, TypeError, r"columns is the str 'x_1'; expected several names"),
        ({"columns": []}, ValueError, "columns is empty"),
        ({"columns": ["x_1", "x_1"]}, ValueError, "with a name twice"),
        ({"model": lambda x: x}, TypeError, "model is a function; expected a KAN"),
        ({"foo": 3}, TypeError, "'foo' is no option here; expected one of library, lib, .*, of discover"),
        ({"var": ["a"]}, TypeError, "'var' is no option"),
        ({"units": {}}, TypeError, "'units' is no option"),
        ({"lib": ["x", "sinn"]}, ValueError, "sinn"),
        ({"most_steps": 0}, ValueError, "most_steps"),
    ],
)
def test_arguments_are_checked_before_training(given, error, words, monkeypatch):
    x = np.random.default_rng(0).uniform(size=(40, 2))
    monkeypatch.setattr(KAN, "fit", lambda *_, **__: pytest.fail("trained before the check"))
    with pytest.raises(error, match=words):
        discover_boundary({"train_input": x, "train_label": x[:, 0] > 0.5}, **given)
