"""Outside the range of the samples edges are followed only as far as folds, or the error of the fit, say."""

import io
import json

import numpy as np
import pytest

from kan_np import KAN, create_dataset, dataset_from_arrays, fit_mlp, fit_schedule, load_model, standardized
from kan_np.training.leeway import LEEWAY
from kan_np.training.training_range import with_leeway

pytestmark = pytest.mark.filterwarnings("ignore::kan_np.KanWarning")


def of_order_one(dataset):
    """The standardised samples by themselves, as if they were the data."""
    return {name: values for name, values in standardized(dataset).items() if name != "scaler"}


def table(f, n, seed, noise=0.0, draw="normal", n_in=1):
    """Few rows, of which new ones lie far outside; labels with noise."""
    rng = np.random.default_rng([seed, 7])
    shape = (n + 300, n_in)
    x = rng.normal(size=shape) if draw == "normal" else rng.standard_t(3, shape)
    y = f(x)
    y = y + noise * y[:n].std() * rng.normal(size=len(y))
    return of_order_one(dataset_from_arrays(x[:n], y[:n, None], x[n:], y[n:, None]))


def cube(x):
    return x[:, 0] ** 3


def sine(x):
    return np.sin(6 * x[:, 0])


def product(x):
    return x[:, 0] * x[:, 1] + x[:, 2]


def fitted(data, **options):
    model = KAN([data["train_input"].shape[1], 5, 1], seed=0)
    model.fit({name: data[name] for name in ("train_input", "train_label")}, **options)
    return model


def against_the_mean(model, data):
    truth, mean = data["test_label"], data["train_label"].mean()
    return np.sqrt(np.mean((model(data["test_input"]) - truth) ** 2) / np.mean((mean - truth) ** 2))


@pytest.mark.slow
@pytest.mark.parametrize("opt", ["LBFGS", "LM"])
@pytest.mark.parametrize(
    ("f", "n", "seed", "options"),
    [
        (cube, 20, 103, {"draw": "t"}),  # 3.1 where edges went on without an end
        (cube, 20, 109, {"noise": 0.1}),  # 12
        (cube, 20, 118, {"noise": 0.1}),  # 1.3 where a sample outside chose the weight, 89 without an end
        (sine, 40, 103, {"noise": 0.3}),  # 13
        (sine, 40, 111, {"noise": 0.3}),  # 5.6
        (product, 40, 102, {"noise": 0.3, "draw": "t", "n_in": 3}),  # 1.9
    ],
)
def test_rows_outside_the_range_of_few_samples_do_not_blow_up(f, n, seed, options, opt):
    data = table(f, n, seed, **options)
    assert against_the_mean(fitted(data, opt=opt), data) <= 1.2


def test_what_is_further_out_is_taken_as_if_it_lay_at_the_end():
    data = table(sine, 40, 103, noise=0.3)
    model = fitted(data)
    low, high = model._followed[:, 0]
    first, last = model.training_range[:, 0]
    assert low <= first < last <= high
    assert last - first <= high - low < 1.2 * (last - first)
    far = np.array([[low - 1.0], [low - 50.0], [high + 1.0], [high + 50.0]])
    np.testing.assert_array_equal(model(far), model([[low], [low], [high], [high]]))
    assert not model.input_jacobian(far).any()
    assert model.input_jacobian(data["train_input"]).all()


def test_without_noise_edges_go_on_for_a_quarter_of_the_range():
    data = create_dataset(
        lambda r: r**-12.0 - r**-6.0, n_var=1, ranges=[0.95, 2.0], train_num=50, test_num=1000, seed=101
    )
    model = KAN([1, 2, 1], grid=6, seed=0)
    result = model.fit(data)
    assert result["test_loss"][-1] < 1.5e-3  # 9e-3 with two distances of neighbours
    np.testing.assert_array_equal(model._followed, with_leeway(data["train_input"], 0.25 * 50))
    assert np.isclose(np.ptp(model._followed), 1.5 * np.ptp(data["train_input"]))


def test_further_samples_widen_it_only_if_the_grids_may_follow_them():
    """Where the last fit of a schedule had rows far outside its grids, cubics between were off by 20."""
    data = table(sine, 40, 103, noise=0.3)
    x, y = data["train_input"], data["train_label"]
    near = np.abs(x[:, 0]) < 1.2
    model = KAN([1, 5, 1], seed=0)
    model.fit({"train_input": x[near], "train_label": y[near]})
    before = model._followed
    stays, moves = model.copy(), model.copy()
    stays.fit(data, update_grid=False)
    np.testing.assert_array_equal(stays._followed, before)
    moves.fit(data)
    np.testing.assert_array_equal(moves._followed, with_leeway(x, model._leeway))
    np.testing.assert_allclose(moves.knots[0][0, [0, -1]], [x.min(), x.max()])
    for same in (stays, moves):
        assert against_the_mean(same, data) <= 1.2


@pytest.mark.parametrize("n", [40, 2000])
def test_it_goes_with_the_model(n):
    data = table(product, n, 102, noise=0.3, draw="t", n_in=3)
    model, buffer = fitted(data, steps=10), io.BytesIO()
    model.save(buffer)
    buffer.seek(0)
    x = 100 * data["test_input"]
    assert (model._within(x) != x).any()
    for same in (load_model(buffer), model.copy()):
        np.testing.assert_array_equal(same(x), model(x))
    np.testing.assert_allclose(model.refine(10)(x), model(x))
    fewer = model.prune_input(active=[0, 2])
    np.testing.assert_array_equal(fewer._followed, model._followed[:, [0, 2]])


def test_files_without_it_are_for_readers_that_know_nothing_of_it():
    with_it, without = fitted(table(product, 40, 102, noise=0.3, draw="t", n_in=3)), KAN([3, 1], seed=0)
    versions = []
    for model in (with_it, without):
        buffer = io.BytesIO()
        model.save(buffer)
        buffer.seek(0)
        with np.load(buffer) as archive:
            versions.append(json.loads(str(archive["header"]))["version"])
    assert versions == [5, 4]


def test_it_ends_with_a_symbol_and_where_another_way_was_asked_for():
    data = table(cube, 20, 109, noise=0.1)
    model = fitted(data)
    assert model._within(np.array([[100.0]])) < 100.0
    symbolic = model.copy()
    for j in range(5):
        symbolic.fix_symbolic(0, 0, j, "x")
    assert symbolic._within(np.array([[100.0]])) == 100.0
    model.fit(data, smoothing=0.0)  # goes through all samples: nothing is known of its errors
    np.testing.assert_array_equal(model._followed, with_leeway(data["train_input"], model._leeway))
    for n in (20, 2000):
        other = KAN([1, 5, 1], extrapolation="linear", seed=0)
        other.fit(table(cube, n, 109, noise=0.1), steps=3)
        assert other._followed is None


def tails(n, seed, noise=0.5):
    """Inputs some of which lie dozens of ranges outside; a sum of steps."""
    rng = np.random.default_rng([seed, 8])
    x = rng.standard_t(2.0, (n + 300, 3))
    y = np.tanh(x[:, 0]) + np.tanh(x[:, 1] - x[:, 2])
    y = y + noise * y.std() * rng.normal(size=len(y))
    return of_order_one(dataset_from_arrays(x[:n], y[:n, None], x[n:], y[n:, None]))


@pytest.mark.parametrize(
    ("width", "seed", "options"),
    [
        ([3, 1], 1, {"opt": "LM", "smoothing": "gcv"}),  # 30 where edges went on without an end
        ([3, 1], 5, {"opt": "LM", "smoothing": "gcv"}),  # 70
        ([3, 1], 8, {"opt": "LBFGS"}),  # 50
        ([3, 1, 1], 0, {"opt": "LM"}),  # 318
        ([3, 1, 1], 4, {"opt": "LM"}),  # 9000
        ([3, 1, 1], 9, {"opt": "LM", "lamb": 0.0}),  # 17000
    ],
)
def test_rows_outside_the_range_of_enough_samples_do_not_blow_up_either(width, seed, options):
    data = tails(120, seed)
    model = KAN(width, grid=3, seed=0)
    assert data["train_label"].size > 3 * model.n_params
    model.fit({name: data[name] for name in ("train_input", "train_label")}, **options)
    assert against_the_mean(model, data) <= 1.2


def test_nor_do_those_of_a_schedule():
    for seed in (4, 5):  # 40 and 15 without an end
        data = tails(300, seed)
        stages = fit_schedule([3, 1], data, grids=(3, 5), steps=6, smoothing="gcv")
        assert against_the_mean(stages.best.model, data) <= 1.2
        assert stages.best.test_rmse == stages.best.model._rmse(data["test_input"], data["test_label"])


def test_without_noise_enough_samples_set_no_end_that_matters():
    """Least squares of x y, on [-1, 1]^2, is as good a hundred ranges outside as it was without ends."""
    data = create_dataset(lambda x: x[:, [0]] * x[:, [1]], train_num=1000, test_num=500, seed=0)
    model = KAN([2, 2, 1], grid=3, seed=0)
    model.fit(data, opt="LM")
    endless = model.copy()
    endless._followed = None
    for factor in (1.0, 2.0, 100.0):
        x = factor * data["test_input"]
        np.testing.assert_array_equal(model(x), endless(x))
        np.testing.assert_array_equal(model.input_jacobian(x), endless.input_jacobian(x))


def test_edges_are_followed_by_the_ratio_of_signal_and_noise():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1.0, 1.0, (20_000, 1))
    length = np.ptp(x)
    for part in (0.5, 0.9, 0.99):  # explained, of the variance
        y = np.sqrt(part) * np.sqrt(3.0) * x + np.sqrt(1.0 - part) * rng.normal(size=x.shape)
        model = KAN([1, 1], grid=3, seed=0)
        model.fit({"train_input": x, "train_label": y}, opt="LM")
        wanted = LEEWAY * part / (1.0 - part) * length
        assert np.allclose(x.min() - model._followed[0, 0], wanted, rtol=0.05)
        assert np.allclose(model._followed[1, 0] - x.max(), wanted, rtol=0.05)


def test_noise_is_not_followed_at_all_and_the_worst_output_counts():
    rng = np.random.default_rng(1)
    x = rng.uniform(-1.0, 1.0, (200, 2))
    noise, plane = rng.normal(size=(200, 1)), x @ [[1.0], [2.0]]
    for labels in (noise, np.hstack([plane, noise])):
        model = KAN([2, labels.shape[1]], grid=3, seed=0)
        model.fit({"train_input": x, "train_label": labels}, opt="LM")
        np.testing.assert_array_equal(model._followed, model.training_range)


def test_validation_samples_say_it_where_parameters_are_as_many_as_labels():
    data = table(sine, 40, 103, noise=0.3)
    train = {name: data[name] for name in ("train_input", "train_label")}
    model = KAN([1, 5, 1], seed=0)
    model.fit(train, smoothing=0.0)
    assert model._followed is None  # nothing is known, and nothing was found before
    result = model.fit(
        {**train, "val_input": data["test_input"], "val_label": data["test_label"]}, smoothing=0.0
    )
    np.testing.assert_array_equal(model._followed, model._training_range)
    assert result["val_loss"][-1] == model._rmse(data["test_input"], data["test_label"])
    assert result["val_loss"][-1] < result["val_loss"][-2]
    model.fit(train, smoothing=0.0)  # what was found holds
    np.testing.assert_array_equal(model._followed, model._training_range)


def test_a_plane_goes_on():
    """The linear baseline is a plane everywhere, however noisy the labels are."""
    data = tails(120, 1)
    plane = fit_mlp([3, 1], data, opt="LM", fit_options={"weight_decay": 0.0}).model
    x = data["test_input"]
    np.testing.assert_allclose(plane(3 * x) - plane(2 * x), plane(2 * x) - plane(x), atol=1e-9)


def test_absurd_inputs_have_ends_that_can_be_saved():
    for leeway in (0.0, 2.0):
        limits = with_leeway(np.array([[-1e308, 0.0], [1e308, 0.0]]), leeway)
        assert np.isfinite(limits).all()
        assert (limits[0] <= limits[1]).all()
