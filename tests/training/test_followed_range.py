"""Outside the range of few samples edges are followed only as far as the folds show that they may be."""

import io
import json

import numpy as np
import pytest

from kan_np import KAN, create_dataset, dataset_from_arrays, load_model
from kan_np.training.training_range import with_leeway

pytestmark = pytest.mark.filterwarnings("ignore::kan_np.KanWarning")


def table(f, n, seed, noise=0.0, draw="normal", n_in=1):
    """Few rows, of which new ones lie far outside; labels with noise."""
    rng = np.random.default_rng([seed, 7])
    shape = (n + 300, n_in)
    x = rng.normal(size=shape) if draw == "normal" else rng.standard_t(3, shape)
    y = f(x)
    y = y + noise * y[:n].std() * rng.normal(size=len(y))
    return dataset_from_arrays(x[:n], y[:n, None], x[n:], y[n:, None], standardize=True)


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


def test_it_goes_with_the_model():
    data = table(product, 40, 102, noise=0.3, draw="t", n_in=3)
    model, buffer = fitted(data), io.BytesIO()
    model.save(buffer)
    buffer.seek(0)
    x = 100 * data["test_input"]
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


def test_it_ends_with_enough_samples_with_a_symbol_and_where_another_way_was_asked_for():
    data = table(cube, 20, 109, noise=0.1)
    model = fitted(data)
    assert model._within(np.array([[100.0]])) < 100.0
    symbolic = model.copy()
    for j in range(5):
        symbolic.fix_symbolic(0, 0, j, "x")
    assert symbolic._within(np.array([[100.0]])) == 100.0
    x = np.random.default_rng(0).normal(size=(2000, 1))
    model.fit({"train_input": x, "train_label": np.tanh(x)}, steps=2, smoothing=0.0)
    assert model._followed is None
    other = KAN([1, 5, 1], extrapolation="linear", seed=0)
    other.fit(data)
    assert other._followed is None


def test_absurd_inputs_have_ends_that_can_be_saved():
    for leeway in (0.0, 2.0):
        limits = with_leeway(np.array([[-1e308, 0.0], [1e308, 0.0]]), leeway)
        assert np.isfinite(limits).all()
        assert (limits[0] <= limits[1]).all()
