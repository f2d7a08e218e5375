"""create_dataset, dataset_from_arrays and split_validation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kan_np.data import create_dataset, dataset_from_arrays, split_validation, standardized

SPLITS = ("train_input", "train_label", "test_input", "test_label")


def hello(x):
    return np.exp(np.sin(np.pi * x[:, [0]]) + x[:, [1]] ** 2)


def assert_same(one, other):
    assert one.keys() == other.keys()
    for key, value in one.items():
        np.testing.assert_array_equal(value, other[key])


def test_shapes_types_and_labels():
    dataset = create_dataset(hello, n_var=2, ranges=[-1, 1], train_num=30, test_num=7, seed=0)
    assert set(dataset) == set(SPLITS)
    assert [dataset[key].shape for key in SPLITS] == [(30, 2), (30, 1), (7, 2), (7, 1)]
    for key in SPLITS:
        assert dataset[key].dtype == np.float64
        assert dataset[key].flags.c_contiguous
    np.testing.assert_array_equal(dataset["train_label"], hello(dataset["train_input"]))
    np.testing.assert_array_equal(dataset["test_label"], hello(dataset["test_input"]))


def test_the_sampling_rule_is_the_documented_one():
    dataset = create_dataset(hello, n_var=2, ranges=[[0, 2], [-3, 5]], train_num=4, test_num=3, seed=11)
    unit = np.random.default_rng(11).random((7, 2))
    points = np.array([0, -3]) + np.array([2, 8]) * unit
    np.testing.assert_array_equal(np.vstack([dataset["train_input"], dataset["test_input"]]), points)


def test_seeds_reproduce_and_differ_and_leave_the_global_stream():
    np.random.seed(5)  # noqa: NPY002 - the global stream is what must not move
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first, again, other = (create_dataset(hello, seed=seed) for seed in (1, 1, 2))
    split_validation(dataset_from_arrays(np.arange(9.0), np.arange(9.0)), 0.5)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    assert_same(first, again)
    assert not np.array_equal(first["train_input"], other["train_input"])


@given(st.floats(-100, 99), st.floats(1e-3, 100), st.integers(0, 99))
def test_samples_stay_in_their_ranges(low, width, seed):
    ranges = [[low, low + width], [0, 1]]
    dataset = create_dataset(lambda x: x[:, [0]], n_var=2, ranges=ranges, train_num=20, test_num=5, seed=seed)
    points = np.vstack([dataset["train_input"], dataset["test_input"]])
    assert (points >= [low, 0]).all()
    assert (points <= [low + width, 1]).all()


def test_row_and_column_mode_agree_and_vectors_become_columns():
    by_column = create_dataset(lambda x: x[:, 0] * x[:, 1] + x[:, 2], n_var=3, f_mode="col")
    by_row = create_dataset(lambda x: x[0] * x[1] + x[2], n_var=3, f_mode="row")
    assert by_column["train_label"].shape == (1000, 1)
    assert_same(by_column, by_row)


def test_several_outputs():
    dataset = create_dataset(lambda x: np.hstack([x, x**2]), n_var=2, train_num=5)
    np.testing.assert_array_equal(dataset["train_label"][:, 2:], dataset["train_input"] ** 2)


def test_arguments_are_never_changed():
    ranges, array_ranges = [[-1, 1], [0, 2]], np.array([[-1, 1], [0, 2]])

    def greedy(x):
        x *= 0  # overwrites what it was given
        return x[:, [0]] + 1

    dataset = create_dataset(greedy, ranges=ranges, train_num=10)
    create_dataset(hello, ranges=array_ranges, normalize_input=True)
    assert ranges == [[-1, 1], [0, 2]]
    assert array_ranges.tolist() == [[-1, 1], [0, 2]]
    assert (dataset["train_input"] != 0).all()


@pytest.mark.parametrize(("inputs", "labels"), [(True, False), (False, True), (True, True)])
def test_normalisation_uses_training_rows_only(inputs, labels):
    plain = create_dataset(hello, ranges=[0, 3], train_num=40, test_num=20)
    asked = create_dataset(
        hello, ranges=[0, 3], train_num=40, test_num=20, normalize_input=inputs, normalize_label=labels
    )
    for key in SPLITS:
        np.testing.assert_array_equal(asked[key], plain[key])  # models normalise inside
    scaled = standardized(asked)
    for side, wanted in (("input", inputs), ("label", labels)):
        train = plain[f"train_{side}"]
        mean, std = (train.mean(axis=0), train.std(axis=0)) if wanted else (0.0, 1.0)
        for split in ("train", "test"):
            expected = (plain[f"{split}_{side}"] - mean) / std
            np.testing.assert_allclose(scaled[f"{split}_{side}"], expected, rtol=1e-12, atol=1e-13)
    scaler = scaled["scaler"]
    np.testing.assert_allclose(scaler.unscale_label(scaled["test_label"]), plain["test_label"], rtol=1e-13)
    np.testing.assert_allclose(scaler.scale_input(plain["test_input"]), scaled["test_input"], rtol=1e-13)


def test_a_constant_label_survives_normalisation():
    dataset = standardized(create_dataset(lambda x: np.full(len(x), 0.1), normalize_label=True))
    assert (dataset["train_label"] == 0).all()
    assert dataset["scaler"].label_scale.tolist() == [1.0]


@pytest.mark.parametrize(
    ("f", "options", "error", "message"),
    [
        (lambda x: 3.0, {}, ValueError, r"shape \(\) for 1000 samples; expected \(1000,\)"),
        (lambda x: x[:5, [0]], {}, ValueError, r"shape \(5, 1\) for 1000 samples"),
        (lambda x: x[[0]], {"f_mode": "row"}, ValueError, r"shape \(1, 1000\).*Transpose"),
        (lambda x: np.log(x[:, [0]] - 2), {}, ValueError, r"NaN or infinity for 1000 of 1000 .* x = \["),
        (lambda x: 1 / (x[:, [0]] * 0), {}, ValueError, "NaN or infinity"),
        (lambda x: x[:, [0]] + 1j, {}, TypeError, "the value of f is complex"),
        (lambda x: np.array(["a"] * len(x)), {}, TypeError, "is text, dtype <U1; expected numbers"),
        (
            lambda x: np.ones((len(x), 1 + (len(x) == 7))),
            {"test_num": 7},
            ValueError,
            "1 columns .* and 2 for",
        ),
        (None, {}, TypeError, "expected a function"),
        (hello, {"f_mode": "cols"}, ValueError, "Did you mean 'col'"),
        (hello, {"n_var": 0}, ValueError, "n_var is 0; expected an integer >= 1"),
        (
            hello,
            {"n_var": 3, "ranges": [[0, 1], [0, 1]]},
            ValueError,
            r"shape \(2, 2\); expected .* 3 such pairs",
        ),
        (hello, {"ranges": [1, -1]}, ValueError, "low < high"),
        (hello, {"ranges": [0, np.inf]}, ValueError, "finite"),
        (hello, {"ranges": "wide"}, ValueError, "ranges is 'wide'"),
        (hello, {"train_num": 0}, ValueError, "train_num is 0"),
        (hello, {"test_num": 2.5}, TypeError, "test_num is 2.5"),
        (hello, {"seed": -1}, ValueError, "seed is -1"),
        (hello, {"seed": None}, TypeError, "seed is None"),
    ],
)
def test_create_dataset_refuses(f, options, error, message):
    with pytest.raises(error, match=message):
        create_dataset(f, **options)


def test_non_finite_labels_name_how_many_and_the_first_input():
    points = np.random.default_rng(0).random((1010, 1))[:1000] * 2 - 1
    first = points[np.argmax(points[:, 0] < 0), 0]
    with pytest.raises(ValueError, match="NaN or infinity") as caught:
        create_dataset(lambda x: np.sqrt(x), n_var=1, test_num=10)
    assert f"for {(points < 0).sum()} of 1000 samples, the first at x = [{first}]" in str(caught.value)


@given(st.integers(10, 60), st.floats(0.05, 0.45), st.floats(0.05, 0.45), st.integers(0, 5))
def test_a_split_is_a_partition_with_whole_rows(n, test_fraction, val_fraction, seed):
    rows = np.arange(n, dtype=float)
    options = {"test_fraction": test_fraction, "val_fraction": val_fraction, "seed": seed}
    dataset = dataset_from_arrays(np.column_stack([rows, -rows]), rows * 10, **options)
    parts = [dataset[f"{split}_input"][:, 0] for split in ("train", "test", "val")]
    assert sorted(np.concatenate(parts).tolist()) == rows.tolist()
    assert [len(part) for part in parts[1:]] == [
        max(1, round(fraction * n)) for fraction in (test_fraction, val_fraction)
    ]
    for split, part in zip(("train", "test", "val"), parts, strict=True):
        assert (np.diff(part) > 0).all()  # rows keep their order
        np.testing.assert_array_equal(dataset[f"{split}_label"][:, 0], 10 * part)
        np.testing.assert_array_equal(dataset[f"{split}_input"][:, 1], -part)
    assert_same(dataset, dataset_from_arrays(np.column_stack([rows, -rows]), rows * 10, **options))


def test_given_test_arrays_are_not_shuffled_and_all_arrays_are_copied():
    x, y = np.arange(5.0), np.arange(5.0) ** 2
    tx, ty = np.array([9.0, 7.0, 8.0]), np.array([1.0, 2.0, 3.0])
    dataset = dataset_from_arrays(x, y, tx, ty, val_input=[[4.0]], val_label=[16.0])
    np.testing.assert_array_equal(dataset["train_input"][:, 0], x)
    np.testing.assert_array_equal(dataset["test_input"][:, 0], tx)
    np.testing.assert_array_equal(dataset["test_label"][:, 0], ty)
    assert dataset["val_input"].tolist() == [[4.0]]
    for array in dataset.values():
        array += 1
    assert x.tolist() == [0, 1, 2, 3, 4]
    assert tx.tolist() == [9, 7, 8]


def test_standardise_uses_training_rows_of_the_split():
    x, y = np.random.default_rng(3).random((50, 2)), np.random.default_rng(4).random(50) * 9
    plain, asked = (dataset_from_arrays(x, y, val_fraction=0.2, standardize=s) for s in (False, True))
    scaled = standardized(asked)
    mean, std = plain["train_label"].mean(), plain["train_label"].std()
    for split in ("train", "test", "val"):
        np.testing.assert_allclose(
            scaled[f"{split}_label"], (plain[f"{split}_label"] - mean) / std, atol=1e-13
        )
    assert "standardize" not in plain
    assert standardized(scaled)["scaler"] is scaled["scaler"]
    assert "scaler" not in standardized(asked | {"standardize": False})
    with pytest.raises(ValueError, match=r"'standardize'\] is 'input'; expected True, False, 'inputs' or"):
        standardized(asked | {"standardize": "input"})


def test_float32_lists_and_fortran_order_are_taken():
    x = np.asfortranarray(np.arange(12, dtype=np.float32).reshape(6, 2))
    dataset = dataset_from_arrays(x, list(range(6)))
    assert all(dataset[key].dtype == np.float64 and dataset[key].flags.c_contiguous for key in SPLITS)


@pytest.mark.parametrize(
    ("args", "options", "message"),
    [
        ((np.ones((5, 2)), np.ones(4)), {}, "train_input has 5 rows and train_label has 4"),
        ((np.ones((5, 2)), np.ones(5), np.ones((2, 3)), np.ones(2)), {}, "test_input has 3 columns"),
        (
            (np.ones((5, 2)), np.ones(5), np.ones((2, 2)), np.ones(3)),
            {},
            "test_input has 2 rows and test_label",
        ),
        ((np.ones((5, 2)), np.ones(5), np.ones((2, 2))), {}, "test_input is given without test_label"),
        ((np.ones(5), np.ones(5)), {"val_label": np.ones(2)}, "val_label is given without val_input"),
        (
            (np.ones(5), np.ones(5)),
            {"val_input": np.ones(2), "val_label": np.ones(2), "val_fraction": 0.1},
            "expected one of them",
        ),
        ((np.ones(5), np.ones(5)), {"test_fraction": 0}, "test_fraction is 0; expected a fraction"),
        ((np.ones(5), np.ones(5)), {"test_fraction": 1.0}, "test_fraction is 1; expected a fraction"),
        ((np.ones(5), np.ones(5)), {"val_fraction": -0.1}, "val_fraction is -0.1; expected a fraction"),
        ((np.ones(2), np.ones(2)), {"val_fraction": 0.2}, "2 rows cannot be split: holding out 0.2 and 0.2"),
        ((np.ones(9), np.ones(9)), {"test_fraction": 0.5, "val_fraction": 0.5}, "9 rows cannot be split"),
        ((np.array([1.0, np.nan]), np.ones(2)), {}, "train_input has 1 NaN or infinite values"),
    ],
)
def test_dataset_from_arrays_refuses(args, options, message):
    with pytest.raises(ValueError, match=message):
        dataset_from_arrays(*args, **options)


def test_validation_is_held_out_of_training_only():
    dataset = create_dataset(hello, train_num=50, test_num=20, normalize_input=True, seed=3)
    kept = {key: np.array(value) for key, value in dataset.items() if key in SPLITS}
    held = split_validation(dataset, 0.2, seed=1)
    assert held["train_input"].shape == (40, 2)
    assert held["val_label"].shape == (10, 1)
    together = np.vstack([held["train_input"], held["val_input"]])
    np.testing.assert_array_equal(np.sort(together, axis=0), np.sort(dataset["train_input"], axis=0))
    assert held["standardize"] == "inputs"
    np.testing.assert_array_equal(held["test_input"], dataset["test_input"])
    assert "val_input" not in dataset
    for key, value in kept.items():
        np.testing.assert_array_equal(dataset[key], value)
    assert_same(split_validation(dataset, 0.2, seed=1), held)
    other = split_validation(dataset, 0.2, seed=2)
    assert not np.array_equal(other["val_input"], held["val_input"])


@pytest.mark.parametrize(
    ("dataset", "fraction", "message"),
    [
        ({"train_input": np.ones(4)}, 0.2, "has no 'train_label'"),
        ({"train_input": np.ones(4), "train_label": np.ones(4)}, 1.5, "fraction is 1.5"),
        ({"train_input": np.ones(1), "train_label": np.ones(1)}, 0.5, "1 rows cannot be split"),
        (
            {"train_input": np.ones(4), "train_label": np.ones(4), "val_input": 1},
            0.5,
            "validation split already",
        ),
    ],
)
def test_split_validation_refuses(dataset, fraction, message):
    with pytest.raises(ValueError, match=message):
        split_validation(dataset, fraction)


def test_rows_of_weight_0_are_in_neither_split():
    weight = np.zeros(100)
    weight[[3, 50, 97]] = 1.0, 2.0, 3.0
    x = np.arange(100.0)[:, None]
    data = {"train_input": x, "train_label": x, "train_weight": weight}
    for seed in range(20):
        split = split_validation(data, 0.3, seed)
        assert sorted([*split["train_input"][:, 0], *split["val_input"][:, 0]]) == [3, 50, 97]
        assert split["val_weight"].min() > 0
        assert (split["val_weight"] * 3 == weight[split["val_input"][:, 0].astype(int)]).all()


def test_held_out_rows_do_not_depend_on_where_the_samples_lie():
    # With one shared random stream, the same bits would place a sample and decide whether it is held out.
    rate = np.zeros(10)
    for seed in range(300):
        held = split_validation(
            create_dataset(lambda x: x, n_var=1, ranges=[0, 10], train_num=100, seed=seed), 0.5, seed
        )
        rate += np.histogram(held["val_input"], bins=10, range=(0, 10))[0]
    # 30000 samples, half held out: 1500 a bin, with a standard deviation of about 37
    assert (np.abs(rate - 1500) < 6 * 38).all()
