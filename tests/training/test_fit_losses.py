"""Fits by other losses than squares: what is learnt, what stays finite, files, metrics, errors."""

from __future__ import annotations

import io
import warnings

import numpy as np
import pytest

from kan_np import (
    KAN,
    MLP,
    CrossEntropy,
    FitStatus,
    Huber,
    KanWarning,
    Poisson,
    Quantile,
    create_dataset,
    dataset_from_arrays,
    fit_schedule,
    load_model,
)

OPTIMIZERS = ("LM", "LBFGS", "L-BFGS-B", "Newton-CG", "trust-ncg", "Adam")


def two_classes(n=150, noise=0.3, seed=0):
    """Points on both sides of a parabola, some of them on the wrong one."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (n, 2))
    y = x[:, 1] + noise * rng.normal(size=n) > x[:, 0] ** 2 - 0.3
    return dataset_from_arrays(x, y, test_fraction=0.2)


def three_classes(n=150, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (n, 2))
    return dataset_from_arrays(x, np.digitize(x[:, 0] + 0.2 * rng.normal(size=n), [-0.3, 0.3]))


def quiet_fit(model, dataset, *args, **options):
    """A fit whose advice is not asked for."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", KanWarning)
        return model.fit(dataset, *args, **options)


@pytest.mark.parametrize("opt", OPTIMIZERS)
def test_every_optimizer_learns_two_classes(opt):
    dataset = two_classes(300, noise=0.1)
    model = KAN([2, 1], grid=3, seed=0)
    steps = 300 if opt == "Adam" else 20
    result = model.fit(dataset, opt, steps, loss="cross_entropy", smoothing=1e-3, metrics=("accuracy",))
    assert result["test_accuracy"][-1] >= 0.8
    p = model.predict_proba(dataset["test_input"])
    y = dataset["test_label"][:, 0]
    loss = -np.mean(y * np.log(p[:, 1]) + (1 - y) * np.log(p[:, 0]))
    assert result["test_loss"][-1] == pytest.approx(loss, rel=1e-3)
    np.testing.assert_allclose(p.sum(axis=1), 1.0, rtol=1e-14)
    np.testing.assert_array_equal(model.predict_class(dataset["test_input"]), p.argmax(axis=1))


@pytest.mark.parametrize("model", [KAN([2, 3], grid=3, seed=0), MLP([2, 4, 3], seed=0)], ids=str)
@pytest.mark.parametrize("opt", ["LM", pytest.param("LBFGS", marks=pytest.mark.slow)])
def test_several_classes_as_numbers_or_columns(model, opt):
    dataset = three_classes(60)
    numbers, columns = model.copy(), model.copy()
    quiet_fit(numbers, dataset, opt, 8, loss="cross_entropy")
    one_hot = dict(dataset)
    one_hot["train_label"] = np.eye(3)[dataset["train_label"][:, 0].astype(int)]
    quiet_fit(columns, one_hot, opt, 8, loss="cross_entropy")
    np.testing.assert_array_equal(numbers.theta, columns.theta)
    found = numbers.predict_class(dataset["train_input"])
    assert np.mean(found == dataset["train_label"][:, 0]) > 0.7


def test_optimizers_find_one_minimum_of_a_convex_loss():
    dataset = two_classes()
    values = []
    for opt in ("LM", "LBFGS"):
        model = KAN([2, 1], grid=2, seed=0)
        result = model.fit(dataset, opt, 60, loss="cross_entropy", update_grid=False, smoothing=1e-2)
        values.append(
            model.loss_and_gradient(dataset["train_input"], dataset["train_label"], loss=CrossEntropy())
        )
        assert result.status in (FitStatus.CONVERGED, FitStatus.STEP_LIMIT, FitStatus.STALLED)
    assert values[0][0] == pytest.approx(values[1][0], rel=1e-5)


def test_the_choice_of_an_output_for_two_classes_does_not_matter():
    """Two logits that differ by f are one logit f: the same probabilities at the minimum, up to the prior."""
    dataset = two_classes(noise=0.5)
    one, two = KAN([2, 1], grid=2, seed=0), KAN([2, 2], grid=2, seed=0)
    for model in (one, two):
        model.fit(dataset, "LM", 40, loss="cross_entropy", smoothing=0.0, update_grid=False)
    x = dataset["test_input"]
    np.testing.assert_allclose(one.predict_proba(x), two.predict_proba(x), atol=2e-2)


@pytest.mark.parametrize("smoothing", ["auto", 0.0])
@pytest.mark.parametrize("opt", ["LM", "LBFGS"])
def test_separable_classes_stay_finite(opt, smoothing):
    x = np.linspace(-1, 1, 40)[:, None]
    model = KAN([1, 1], grid=3, seed=0)
    result = quiet_fit(
        model, dataset_from_arrays(x, x > 0.0), opt, 30, loss="cross_entropy", smoothing=smoothing
    )
    logits = model(x)
    assert np.isfinite(result["train_loss"]).all()
    assert np.abs(logits).max() < 60.0
    far = np.abs(x[:, 0]) > 0.1
    np.testing.assert_array_equal(model.predict_class(x[far]), x[far, 0] > 0.0)


@pytest.mark.parametrize("loss", ["cross_entropy", "poisson"])
@pytest.mark.parametrize("opt", ["LM", "LBFGS"])
def test_labels_of_one_class_or_without_counts(opt, loss):
    x = np.linspace(-1, 1, 30)[:, None]
    model = KAN([1, 1], grid=3, seed=0)
    result = quiet_fit(model, dataset_from_arrays(x, np.zeros(30)), opt, 30, loss=loss)
    assert result.status is not FitStatus.NON_FINITE
    assert (model(x) < -3.0).all()
    assert np.isfinite(model.theta).all()


def test_a_prior_is_chosen_where_classes_are_noise():
    rng = np.random.default_rng(3)
    x, y = rng.uniform(-1, 1, (60, 4)), rng.integers(0, 2, 60)
    test_x, test_y = rng.uniform(-1, 1, (500, 4)), rng.integers(0, 2, 500)
    model = KAN([4, 3, 1], grid=5, seed=0)
    result = quiet_fit(model, dataset_from_arrays(x, y), loss="cross_entropy")
    assert result.shrinkage > 0
    p = model.predict_proba(test_x)[np.arange(500), test_y]
    assert -np.log(p).mean() < 0.85  # log 2 = 0.69 is all there is to know


def test_poisson_finds_the_rate():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (1000, 1))
    dataset = dataset_from_arrays(x, rng.poisson(np.exp(1.0 + np.sin(2.0 * x))))
    model = KAN([1, 1], grid=4, seed=0)
    result = model.fit(dataset, "LM", 30, loss="poisson", metrics=("mae",))
    x, y = dataset["train_input"], dataset["train_label"]
    rate = model.predict_rate(x)
    assert np.abs(rate / np.exp(1.0 + np.sin(2.0 * x)) - 1.0).mean() < 0.1
    assert result["train_mae"][-1] == pytest.approx(np.abs(rate - y).mean(), rel=1e-12)
    deviance = 2.0 * (rate - y + np.where(y > 0, y * np.log(np.maximum(y, 1.0) / rate), 0.0))
    assert result["train_loss"][-1] == pytest.approx(0.5 * deviance.mean(), abs=1e-5)


def test_huber_is_not_moved_by_outliers():
    x = np.linspace(-1, 1, 200)[:, None]
    y = np.sin(2 * x)
    y[::10] += 20.0
    errors = []
    for loss in ("squares", Huber(0.1)):
        model = KAN([1, 1], grid=4, seed=0)
        quiet_fit(model, dataset_from_arrays(x, y), "LM", 40, loss=loss)
        errors.append(np.abs(model(x) - np.sin(2 * x)).mean())
    assert errors[0] > 1.0
    assert errors[1] < 0.05


@pytest.mark.parametrize("opt", ["LM", "LBFGS"])
@pytest.mark.parametrize("tau", [0.1, 0.5, 0.9])
def test_as_many_labels_as_tau_lie_below_a_quantile(tau, opt):
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (1000, 1))
    y = x + (1.0 + 0.5 * x) * rng.normal(size=x.shape)
    model = KAN([1, 1], grid=3, seed=0)
    dataset = dataset_from_arrays(x, y)
    quiet_fit(model, dataset, opt, 40, loss=Quantile(tau, 0.02))
    below = dataset["train_label"] <= model(dataset["train_input"])
    assert np.mean(below) == pytest.approx(tau, abs=0.02)


def test_weights_are_repetitions():
    dataset = two_classes(60)
    counts = np.random.default_rng(0).integers(1, 4, len(dataset["train_input"]))
    weighted = dataset | {"train_weight": counts.astype(float)}
    repeated = dataset | {
        name: np.repeat(dataset[name], counts, axis=0) for name in ("train_input", "train_label")
    }
    values = []
    for data in (weighted, repeated):
        model = KAN([2, 1], grid=2, seed=0)
        result = model.fit(data, "LM", 20, loss="cross_entropy", smoothing=1e-2, update_grid=False)
        values.append((result["train_loss"][-1], model(dataset["test_input"])))
    assert values[0][0] == pytest.approx(values[1][0], rel=1e-9)
    np.testing.assert_allclose(values[0][1], values[1][1], atol=1e-5)


def test_an_own_loss_is_what_it_is():
    def halves(y, f):
        return 0.5 * np.square(f - y).sum(axis=1), f - y, np.ones_like(f)

    dataset = create_dataset(lambda x: np.sin(3 * x[:, [0]]) * x[:, [1]], n_var=2, train_num=200, seed=0)
    own, squares = KAN([2, 2, 1], grid=3, seed=0), KAN([2, 2, 1], grid=3, seed=0)
    mine = own.fit(dataset, "LM", 20, loss=halves, smoothing=0.0)
    theirs = squares.fit(dataset, "LM", 20, smoothing=0.0)
    np.testing.assert_allclose(np.array(mine["train_loss"]), 0.5 * np.square(theirs["train_loss"]), rtol=1e-3)
    with pytest.raises(ValueError, match="without second derivatives"):
        own.fit(dataset, "LM", loss=lambda y, f: halves(y, f)[:2])
    own.fit(dataset, "LBFGS", 2, loss=lambda y, f: halves(y, f)[:2])


@pytest.mark.parametrize("loss", [CrossEntropy(1e-4), Poisson(), Huber(0.3), Quantile(0.2, 0.1)], ids=str)
def test_files_keep_the_loss(loss):
    model = KAN([2, 1], grid=2, seed=0)
    dataset = two_classes(60)
    quiet_fit(model, dataset, "LM", 3, loss=loss)
    file = io.BytesIO()
    model.save(file)
    file.seek(0)
    again = load_model(file)
    assert again._loss == loss
    if isinstance(loss, CrossEntropy):
        x = dataset["test_input"]
        np.testing.assert_array_equal(again.predict_proba(x), model.predict_proba(x))
        assert again.refine(4)._loss == loss
    else:
        with pytest.raises(ValueError, match="no probabilities"):
            again.predict_proba([[0.0, 0.0]])


def test_the_same_seed_gives_the_same_bits():
    results = []
    for _ in range(2):
        model = KAN([2, 2, 3], grid=3, seed=1)
        quiet_fit(model, three_classes(60), "LM", 5, loss="cross_entropy", smoothing=0.0)
        results.append(model.theta)
    np.testing.assert_array_equal(*results)


def test_batches_are_parts_of_the_mean():
    dataset = two_classes()
    model = KAN([2, 1], grid=2, seed=0)
    objective = model._objective(
        dataset["train_input"], dataset["train_label"], no_penalty(), None, 0.0, CrossEntropy()
    )
    rows = np.arange(120).reshape(4, 30)
    parts = [objective.on_samples(model.theta, part) for part in rows]
    value, gradient = objective(model.theta)
    assert np.mean([part[0] for part in parts]) == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(np.mean([part[1] for part in parts], axis=0), gradient, atol=1e-14)


def no_penalty():
    from kan_np.objective.sparsity_penalty import Penalty

    return Penalty()


def test_a_sparsity_penalty_adds_to_a_loss():
    dataset = two_classes(300, noise=0.1)
    plain, sparse = KAN([2, 3, 1], grid=3, seed=0), KAN([2, 3, 1], grid=3, seed=0)
    quiet_fit(plain, dataset, steps=15, loss="cross_entropy")
    result = quiet_fit(sparse, dataset, steps=15, loss="cross_entropy", lamb=2e-2, metrics=("accuracy",))
    assert result["reg"][-1] < 0.7 * plain.reg(dataset["train_input"])
    assert result["train_accuracy"][-1] > 0.7


def test_metrics_of_names_and_functions():
    dataset = create_dataset(lambda x: x[:, [0]] ** 2, n_var=1, train_num=100, seed=0)
    model = KAN([1, 1], grid=3, seed=0)

    def largest():
        return np.abs(model(dataset["train_input"]) - dataset["train_label"]).max()

    def n_params(model):
        return model.n_params

    result = model.fit(dataset, "LM", 4, metrics=(largest, n_params, "r2", "mae"))
    assert result["largest"][-1] == largest()
    assert result["n_params"] == [model.n_params] * len(result["train_loss"])
    y, f = dataset["test_label"], model(dataset["test_input"])
    assert result["test_r2"][-1] == pytest.approx(1 - np.square(f - y).sum() / np.square(y - y.mean()).sum())
    assert result["test_mae"][-1] == pytest.approx(np.abs(f - y).mean())
    assert all(len(values) == len(result["train_loss"]) for name, values in result.items())
    plain = KAN([1, 1], grid=3, seed=0)
    plain.fit(dataset, "LM", 4)
    np.testing.assert_array_equal(plain.theta, model.theta)


def test_what_cannot_be_used_is_refused():
    dataset, model = two_classes(), KAN([2, 1], grid=2, seed=0)
    before = model.theta
    for options, what in (
        ({"loss": "entropy"}, "Did you mean 'cross_entropy'"),
        ({"loss": "cross_entropy", "smoothing": "gcv"}, "derived for squared errors"),
        ({"loss": "cross_entropy", "smoothing": "weak"}, "derived for squared errors"),
        ({"loss": "cross_entropy", "opt": "trf"}, "works on residuals"),
        ({"loss": "cross_entropy", "opt": "LM", "lamb": 1e-3}, "lamb"),
        ({"loss": "cross_entropy", "metrics": ("r2",)}, "expected 'accuracy'"),
        ({"metrics": ("accuracy",)}, "expected 'r2' or 'mae'"),
        ({"metrics": ("mae", "mae")}, "'mae' twice"),
        ({"metrics": ("f1",)}, "metrics is 'f1'"),
    ):
        with pytest.raises(ValueError, match=what):
            model.fit(dataset, **options)
    with pytest.raises(ValueError, match="compared here"):
        fit_schedule([2, 1], dataset, fit_options={"loss": "cross_entropy"})
    with pytest.raises(TypeError, match="returned None"):
        model.copy().fit(dataset, metrics=(lambda: None,))
    with pytest.raises(ValueError, match="no rates"):
        model.predict_rate([[0.0, 0.0]])
    np.testing.assert_array_equal(model.theta, before)


def test_standardised_classes_are_brought_back():
    plain = three_classes()
    scaled = dataset_from_arrays(plain["train_input"], plain["train_label"], standardize=True)
    model = KAN([2, 3], grid=2, seed=0)
    quiet_fit(model, scaled, "LM", 10, loss="cross_entropy")
    found = model.predict_class(plain["train_input"])
    assert np.mean(found == plain["train_label"][:, 0]) > 0.7


def test_useless_inputs_are_told():
    rng = np.random.default_rng(0)
    dataset = dataset_from_arrays(rng.uniform(-1, 1, (400, 1)), rng.integers(0, 2, 400))
    with pytest.warns(KanWarning, match="nothing was learnt"):
        result = KAN([1, 1], grid=1, seed=0).fit(dataset, "LM", loss="cross_entropy", smoothing=10.0)
    assert result.advice
