"""What fits and predictions warn of, and what they stay silent about."""

from __future__ import annotations

import contextlib
import io
import json
import pickle
import warnings

import numpy as np
import pytest

from kan_np import (
    KAN,
    MLP,
    ExtrapolationWarning,
    FitStatus,
    KanWarning,
    NotLearntWarning,
    OutlierWarning,
    OverfitWarning,
    Scaler,
    ScaleWarning,
    create_dataset,
    dataset_from_arrays,
    fit_mlp,
    fit_schedule,
    get_suite,
    load_model,
)

X = np.random.default_rng(0).normal(size=(200, 3))
Y = X[:, 0] + X[:, 1] ** 2
ALL = (NotLearntWarning, OverfitWarning, ScaleWarning, OutlierWarning, ExtrapolationWarning)


def told(call):
    """The result of a call, and the warnings that it gives."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = call()
    return result, caught


def kinds(caught):
    return {warning.category for warning in caught}


def line(n=100, seed=0):
    x = np.random.default_rng(seed).uniform(0, 1, (n, 1))
    return {"train_input": x, "train_label": np.sin(4 * x)}


SCALES = {
    "x*1e12": (1e12, 0.0, 1.0, 0.0),
    "x*1e14, y*1e-8": (1e14, 0.0, 1e-8, 0.0),
    "Unix seconds": (1.0, 1.7e9, 1.0, 0.0),
    "y*1e-8": (1.0, 0.0, 1e-8, 0.0),
    "y+1e7": (1.0, 0.0, 1.0, 1e7),
}


@pytest.mark.parametrize("opt", ["LM", "LBFGS"])
@pytest.mark.parametrize("kind", ["kan", "mlp"])
@pytest.mark.parametrize("case", SCALES)
def test_a_scale_that_the_start_cannot_reach_is_named(case, kind, opt):
    sx, ox, sy, oy = SCALES[case]
    data = dataset_from_arrays(X * sx + ox, Y * sy + oy)
    model = KAN([3, 3, 1], seed=0) if kind == "kan" else MLP([3, 8, 1], seed=0)
    # plain least squares: the prior for few samples reaches some of these scales
    options = {"standardize": False} | ({"smoothing": 0.0} if kind == "kan" else {})
    result, caught = told(lambda: model.fit(data, opt=opt, steps=20, **options))
    assert ScaleWarning in kinds(caught)
    assert all(issubclass(category, KanWarning) for category in kinds(caught))
    assert len(kinds(caught)) == len(caught)  # each once
    assert result.status is not FitStatus.CONVERGED
    assert any("order one" in sentence for sentence in result.advice)


@pytest.mark.slow
@pytest.mark.parametrize("opt", ["LM", "LBFGS"])
@pytest.mark.parametrize("case", SCALES)
def test_a_fit_as_it_comes_is_good(case, opt):
    sx, ox, sy, oy = SCALES[case]
    data = dataset_from_arrays(X * sx + ox, Y * sy + oy)
    result, caught = told(lambda: KAN([3, 3, 1], seed=0).fit(data, opt=opt, steps=20))
    assert result["train_loss"][-1] <= 0.02 * np.std(Y * sy)
    assert ScaleWarning not in kinds(caught)


def test_an_mlp_with_labels_of_a_million_has_not_converged():
    data = dataset_from_arrays(X, Y * 1e6)
    raw = {"opt": "LM", "steps": 20, "standardize": False}
    result, caught = told(lambda: MLP([3, 8, 1], seed=0).fit(data, **raw))
    assert result.status is FitStatus.NOT_LEARNT
    assert "no better than the mean" in result.message
    assert kinds(caught) == {NotLearntWarning, ScaleWarning}


@pytest.mark.parametrize("scale", [1e-3, 1.0, 100.0])
def test_a_scale_within_reach_is_not_named(scale):
    data = create_dataset(lambda x: scale * np.sin(3 * x[:, [0]] / scale), n_var=1, ranges=[0, scale], seed=0)
    result = KAN([1, 3, 1], seed=0).fit(data, opt="LM", steps=20)  # warnings are errors in tests
    assert result.advice == ()


def test_huge_inputs_in_standard_units_are_learnt_without_a_word():
    data = dataset_from_arrays(X * 1e14, Y * 1e-8, standardize=True)
    result = KAN([3, 1], seed=0).fit(data, opt="LM", steps=20)
    assert result.advice == ()
    assert result["train_loss"][-1] < 1e-6


def test_labels_that_the_inputs_do_not_determine_are_not_learnt():
    data = {"train_input": np.full((40, 2), 2.5), "train_label": X[:40, :1]}
    result, caught = told(lambda: KAN([2, 2, 1], seed=0).fit(data, opt="LM", steps=20))
    assert result.status is FitStatus.NOT_LEARNT
    assert kinds(caught) == {NotLearntWarning}
    assert "their mean is about as good" in result.advice[0]


def test_of_several_outputs_the_one_that_is_not_learnt_is_named():
    x = np.random.default_rng(1).uniform(-1, 1, (400, 2))
    noise = np.random.default_rng(2).normal(size=400)
    data = {"train_input": x, "train_label": np.stack([np.sin(x[:, 0]), noise], axis=1)}
    result, caught = told(lambda: KAN([2, 2, 2], 1, k=1, seed=0).fit(data, opt="LM", steps=60))
    assert kinds(caught) == {NotLearntWarning}
    assert "RMSE of output 1 is" in result.advice[0]
    assert result.status is not FitStatus.NOT_LEARNT  # something was


def test_a_strong_penalty_is_named_as_a_cause():
    data = create_dataset(lambda x: x[:, [0]], n_var=1, train_num=100, seed=0)
    result, caught = told(lambda: KAN([1, 1], seed=0).fit(data, steps=20, lamb=100.0))
    assert kinds(caught) == {NotLearntWarning}
    assert "a weaker penalty (lamb)" in result.advice[0]


def test_an_outlier_and_a_heavy_tail_in_an_input_are_named():
    outlier = np.vstack([X[:-1], [[0.0, 1e3, 0.0]]])
    tail = np.column_stack([np.random.default_rng(3).standard_cauchy(200), X[:, :2]])
    for inputs, name in ((outlier, "Input 1"), (tail, "Input 0")):
        data = {"train_input": inputs, "train_label": Y[:, None]}
        result, caught = told(lambda data=data: KAN([3, 1], seed=0).fit(data, opt="LM", steps=20))
        assert kinds(caught) == {OutlierWarning}
        assert result.advice[0].startswith(name)
        follows = told(lambda data=data: KAN([3, 1], grid_eps=0.02, seed=0).fit(data, opt="LM", steps=20))
        assert OutlierWarning not in kinds(follows[1])


def test_an_outlier_is_named_by_its_column_and_in_its_units():
    inputs = np.vstack([X[:-1] * 10 + 300, [[300.0, 9999.0, 300.0]]])
    names = ["T", "p", "v"]
    scaler = Scaler.fit(inputs, Y[:, None])
    data = {
        "train_input": scaler.scale_input(inputs),
        "train_label": scaler.scale_label(Y[:, None]),
        "scaler": scaler,
        "feature_names": names,
    }
    result, caught = told(lambda: KAN([3, 1], seed=0).fit(data, opt="LM", steps=20))
    assert kinds(caught) == {OutlierWarning}
    assert "Input 'p'" in result.advice[0]
    assert "9999" in result.advice[0]


@pytest.mark.parametrize("kind", ["uniform", "normal", "exponential", "lognormal", "binary", "counts"])
def test_usual_distributions_have_no_outliers(kind):
    rng = np.random.default_rng(4)
    column = {
        "uniform": rng.uniform(size=500),
        "normal": rng.normal(size=500),
        "exponential": rng.exponential(size=500),
        "lognormal": rng.lognormal(size=500) / 5,
        "binary": (rng.uniform(size=500) < 0.01).astype(float),
        "counts": rng.poisson(0.3, 500).astype(float),
    }[kind]
    data = {"train_input": column[:, None], "train_label": np.sin(column)[:, None]}
    KAN([1, 1], seed=0).fit(data, opt="LM", steps=20)  # warnings are errors in tests


def test_held_out_rows_far_outside_are_counted():
    data = line() | {"test_input": [[0.5], [1.2], [2.5], [-0.9]], "test_label": np.zeros((4, 1))}
    _, caught = told(lambda: KAN([1, 2, 1], seed=0).fit(data, opt="LM", steps=20))
    assert ExtrapolationWarning in kinds(caught)
    text = next(str(w.message) for w in caught if w.category is ExtrapolationWarning)
    assert text.startswith("2 of 4 test rows lie outside")
    assert "input 0 = 2.5 where training ends at 0.99" in text


def test_held_out_rows_that_are_predicted_worse_than_by_their_mean_are_named():
    data = line(40) | {"test_input": line(40, 1)["train_input"], "test_label": line(40, 2)["train_label"]}
    result, caught = told(lambda: KAN([1, 2, 1], seed=0).fit(data, opt="LM", steps=20))
    assert kinds(caught) == {OverfitWarning}
    assert "times the spread of those labels" in result.advice[0]


def test_few_rows_a_hair_outside_that_make_the_error_are_advice():
    """Lennard-Jones from 50 samples, of which the first lies at 1.035 where 0.95 is asked for."""

    def energy(r):
        return 1 / r**12 - 1 / r**6

    r = np.random.default_rng(0).uniform(1.03, 2.0, (50, 1))
    test = np.linspace(0.95, 2.0, 200)[:, None]
    data = {"train_input": r, "train_label": energy(r), "test_input": test, "test_label": energy(test)}
    stages, caught = told(lambda: fit_schedule([1, 2, 1], data, grids=(3, 5, 10), opt="LM"))
    assert "test rows lie outside the range of the training samples" in stages.advice
    assert "samples are missing there" in stages.advice
    assert ExtrapolationWarning not in kinds(caught)


def test_a_gap_between_samples_is_advice():
    x = np.concatenate([np.linspace(0, 0.4, 100), np.linspace(0.7, 1, 100)])[:, None]
    data = {"train_input": x, "train_label": np.sin(4 * x)}
    result = KAN([1, 2, 1], seed=0).fit(data, opt="LM", steps=20)
    assert any("Input 0 has no training sample between 0.4 and 0.7, 30%" in text for text in result.advice)
    even = {"train_input": np.arange(8.0)[:, None] / 8, "train_label": np.arange(8.0)[:, None] / 8}
    assert KAN([1, 1], seed=0).fit(even, opt="LM", steps=20).advice == ()


def test_a_good_fit_has_no_advice_and_the_suites_stay_silent():
    for suite in ("toy", "lennard-jones"):
        for function in get_suite(suite):
            data = function.dataset(seed=0)
            n_var = data["train_input"].shape[1]
            if n_var > 3:  # 50 and 100 inputs are learnt from more steps than these
                continue
            result = KAN([n_var, 3, 1], seed=0).fit(data, opt="LM", steps=20)
            assert result.advice == ()


@pytest.mark.slow
def test_warnings_point_at_the_line_of_the_caller():
    data = {"train_input": np.full((40, 2), 2.5), "train_label": X[:40, :1]}
    for call in (
        lambda: KAN([2, 2, 1], seed=0).fit(data, steps=20),
        lambda: MLP([2, 2, 1], seed=0).fit(data, steps=20),
        lambda: fit_schedule([2, 2, 1], data, grids=(3, 5), steps=10, restarts=2),
        lambda: fit_mlp([2, 2, 1], data, steps=10, restarts=2),
    ):
        _, caught = told(call)
        assert kinds(caught) == {NotLearntWarning}
        assert len(caught) == 1  # of all fits in a schedule together
        assert caught[0].filename == __file__


def test_all_warnings_are_filtered_by_one_category():
    assert all(issubclass(category, KanWarning) for category in ALL)
    assert issubclass(KanWarning, UserWarning)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", KanWarning)
        KAN([1, 1], seed=0).fit(line() | {"train_label": np.full((100, 1), 1e200) * X[:100, :1]}, steps=2)


# predict


def fitted(**options):
    model = KAN([3, 2, 1], seed=0, **options)
    model.fit({"train_input": X, "train_label": Y[:, None]}, opt="LM", steps=10)
    return model


def test_predicted_rows_outside_the_training_range_are_counted_in_the_units_of_the_data():
    scaler = Scaler.fit(1000 + 100 * X, Y[:, None])
    data = {
        "train_input": scaler.scale_input(1000 + 100 * X),
        "train_label": scaler.scale_label(Y[:, None]),
        "scaler": scaler,
    }
    for model in (KAN([3, 1], seed=0), MLP([3, 4, 1], seed=0)):
        model.fit(data, opt="LM", steps=10)
        np.testing.assert_allclose(model.training_range, [(1000 + 100 * X).min(0), (1000 + 100 * X).max(0)])
        rows = np.array([[1000.0, 1000, 1000], [1000, 2500, 1000], [0, 1000, 1000], [1000, 1000, -1500]])
        for batch in (1, 2, 65536):
            prediction, caught = told(lambda model=model, rows=rows, batch=batch: model.predict(rows, batch))
            assert prediction.shape == (4, 1)
            assert [w.category for w in caught] == [ExtrapolationWarning]
            text = str(caught[0].message)
            assert text.startswith("3 of 4 rows lie outside the range of the training samples")
            assert "input 2 = -1500 where training begins at" in text
            assert caught[0].filename == __file__


def test_rows_inside_and_a_hair_outside_are_predicted_without_a_word():
    model = fitted()
    low, high = model.training_range
    model.predict(X)
    model.predict([high + 0.2 * (high - low)])
    with pytest.warns(ExtrapolationWarning, match="1 of 1 rows lies outside"):
        model.predict([high + 0.3 * (high - low)])


def test_an_input_that_did_not_vary_may_not_vary_in_a_prediction():
    x = np.column_stack([X[:, 0], np.full(200, 5.0)])
    model = KAN([2, 1], seed=0)
    model.fit({"train_input": x, "train_label": np.sin(x[:, :1])}, opt="LM", steps=10)
    model.predict([[0.0, 5.5]])
    with pytest.warns(ExtrapolationWarning, match="input 1 = 9 where training ends at 5"):
        model.predict([[0.0, 9.0]])


def test_the_training_range_goes_with_the_model():
    model = fitted()
    expected = np.stack([X.min(axis=0), X.max(axis=0)])
    buffer = io.BytesIO()
    model.save(buffer)
    buffer.seek(0)
    copies = [model.copy(), model.refine(7), load_model(buffer), model.prune(X, node_th=0, edge_th=0)]
    copies.append(pickle.loads(pickle.dumps(model)))
    for other in copies:
        np.testing.assert_array_equal(other.training_range, expected)
    fewer = model.prune_input(active=[0, 2])
    np.testing.assert_array_equal(fewer.training_range, expected[:, [0, 2]])
    with pytest.warns(ExtrapolationWarning, match="input 1 = 99"):
        fewer.predict([[0.0, 0.0, 99.0]])
    fewer.fit({"train_input": 2 * X, "train_label": Y[:, None]}, opt="LM", steps=2)
    np.testing.assert_array_equal(fewer.training_range, 2 * expected[:, [0, 2]])


def test_a_model_without_a_range_predicts_anything():
    KAN([3, 1], seed=0).predict([[1e3, 0.0, 0.0]])
    assert MLP([3, 2, 1]).training_range is None
    buffer = io.BytesIO()
    fitted().save(buffer)
    buffer.seek(0)
    with np.load(buffer) as archive:  # as an earlier version wrote it
        arrays = {name: archive[name] for name in archive.files if name != "training_range"}
    old = io.BytesIO()
    np.savez(old, **arrays)
    old.seek(0)
    model = load_model(old)
    assert model.training_range is None
    model.predict([[1e3, 0.0, 0.0]])


@pytest.mark.parametrize(
    "limits", [np.zeros((2, 2)), np.zeros((2, 3), int), [[1.0] * 3, [0.0] * 3], [[np.nan] * 3] * 2]
)
def test_a_training_range_that_is_none_is_refused(limits):
    buffer = io.BytesIO()
    fitted().save(buffer)
    buffer.seek(0)
    with np.load(buffer) as archive:
        arrays = {name: archive[name] for name in archive.files}
    assert json.loads(str(arrays["header"]))["kind"] == "KAN"
    for name in ("training_range", "followed_range"):
        changed = io.BytesIO()
        np.savez(changed, **arrays | {name: np.asarray(limits)})
        changed.seek(0)
        with pytest.raises(ValueError, match=name.replace("_", " ")):
            load_model(changed)


# no others


ABSURD = [(1e14, 1e-8), (1.0, 1e200), (1e200, 1.0), (1e-300, 1e-300), (1e300, 1e300)]
WAYS = [{"opt": "LM"}, {"opt": "LBFGS"}, {"opt": "LM", "smoothing": "gcv"}]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "scales", "options"),
    [
        *(("kan", scales, WAYS[i % 3]) for i, scales in enumerate(ABSURD)),
        *(("kan", scales, WAYS[(i + 1) % 3]) for i, scales in enumerate(ABSURD)),
        # other models with one optimizer for each of the scales
        *(
            (kind, scales, WAYS[(i + j) % 2])
            for i, kind in enumerate(("continue", "products", "mlp"))
            for j, scales in enumerate(ABSURD)
        ),
    ],
    ids=str,
)
def test_absurd_data_leak_no_warnings_of_numpy(kind, scales, options):
    import matplotlib.pyplot as plt

    model = {
        "kan": lambda: KAN([3, 2, 1], 3, seed=0),
        "continue": lambda: KAN([3, 2, 1], 3, seed=0, extrapolation="continue"),
        "products": lambda: KAN([3, [1, 1], 1], 3, seed=0),
        "mlp": lambda: MLP([3, 4, 1], seed=0),
    }[kind]()
    x, y = X[:60] * scales[0], Y[:60, None] * scales[1]
    data = {"train_input": x, "train_label": y, "test_input": x[::-1], "test_label": y}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", KanWarning)
        model.fit(data, steps=3, **options)
        with contextlib.suppress(ValueError):  # an overflow where inputs are standardised, in words
            model.predict(x / scales[0] * 1e300)
        for draw in (model.plot, lambda: model.plot(x)) if kind != "mlp" else (model.plot,):
            with contextlib.suppress(ValueError):  # an overflow in the model, in words
                plt.close(draw())
        if kind == "kan":
            model.refine(7).predict(x)
            model.suggest_symbolic(0, 0, 0, x)
            assert fit_schedule([3, 1, 1], data, grids=(3, 6), steps=3).advice


def test_huge_predictions_in_units_are_infinite_without_a_word_of_numpy():
    data = dataset_from_arrays(X, Y * 1e300, standardize=True)
    model = KAN([3, 1], seed=0)
    model.fit(data, opt="LM", steps=5)
    with pytest.warns(ExtrapolationWarning):
        model.predict(X * 1e200)
