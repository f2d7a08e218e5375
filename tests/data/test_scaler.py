"""Scaler: the affine maps, their inverse, and what they refuse."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kan_np.data import Scaler

NUMBERS = st.floats(-1e12, 1e12, allow_subnormal=False)
TABLES = st.integers(1, 3).flatmap(
    lambda d: arrays(np.float64, st.tuples(st.integers(2, 8), st.just(d)), elements=NUMBERS)
)


@given(TABLES)
def test_labels_come_back(table):
    scaler = Scaler.fit(table, table)
    back = scaler.unscale_label(scaler.scale_label(table))
    size = np.abs(table).max(axis=0) + np.abs(scaler.label_shift)
    assert (np.abs(back - table) <= 8 * np.finfo(float).eps * size).all()


@given(TABLES)
def test_scaled_columns_have_mean_0_and_std_1_or_are_0(table):
    scaled = Scaler.fit(table, table).scale_input(table)
    for column, original in zip(scaled.T, table.T, strict=True):
        if (original == original[0]).all():
            assert (column == 0).all()
        elif np.ptp(original) > 1e-6 * np.abs(original).max():
            np.testing.assert_allclose([column.mean(), column.std()], [0, 1], atol=1e-8)


def test_statistics_are_those_of_the_columns():
    x, y = np.array([[1.0, 5.0], [3.0, 5.0]]), np.array([[0.0], [8.0]])
    scaler = Scaler.fit(x, y)
    np.testing.assert_array_equal(scaler.input_shift, [2, 5])
    np.testing.assert_array_equal(scaler.input_scale, [1, 1])  # the second column does not vary
    np.testing.assert_array_equal(scaler.label_shift, [4])
    np.testing.assert_array_equal(scaler.label_scale, [4])
    np.testing.assert_array_equal(scaler.scale_input(x), [[-1, 0], [1, 0]])


def test_a_constant_column_whose_mean_rounds_keeps_scale_1():
    column = np.full((1000, 1), 0.1)
    scaler = Scaler.fit(column, column)
    assert scaler.input_scale.tolist() == [1.0]
    assert (scaler.scale_input(column) == 0).all()


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_extreme_magnitudes_keep_their_spread(size):
    scaled = Scaler.fit(np.array([-size, size]), np.array([0.0, 1.0])).scale_input([-size, size])
    np.testing.assert_allclose(scaled.ravel(), [-1, 1], rtol=1e-15)


def test_one_side_can_be_left_alone():
    scaler = Scaler.fit([1.0, 3.0], [10.0, 30.0], scale_inputs=False)
    assert (scaler.input_shift[0], scaler.input_scale[0]) == (0, 1)
    assert (scaler.label_shift[0], scaler.label_scale[0]) == (20, 10)


def test_arrays_round_trip_and_pickle():
    scaler = Scaler.fit(np.random.default_rng(0).random((5, 3)), np.arange(5.0))
    for copy in (Scaler.from_arrays(scaler.to_arrays()), pickle.loads(pickle.dumps(scaler))):
        for name, values in scaler.to_arrays().items():
            np.testing.assert_array_equal(getattr(copy, name), values)


def test_it_is_frozen_and_holds_copies():
    shift = np.zeros(2)
    scaler = Scaler(shift, np.ones(2), np.zeros(1), np.ones(1))
    shift[0] = 7
    assert scaler.input_shift[0] == 0
    with pytest.raises(ValueError, match="read-only"):
        scaler.input_shift[0] = 1
    with pytest.raises(AttributeError):
        scaler.input_shift = shift


def test_predictions_that_are_not_finite_stay_visible():
    scaler = Scaler([0.0], [1.0], [3.0], [2.0])
    np.testing.assert_array_equal(
        scaler.unscale_label([[np.nan], [np.inf], [1.0]]), [[np.nan], [np.inf], [5]]
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Scaler([0.0], [0.0], [0.0], [1.0]), "input_scale .* expected positive"),
        (lambda: Scaler([0.0], [1.0], [np.nan], [1.0]), "label_shift .* expected finite"),
        (lambda: Scaler([0.0, 1.0], [1.0], [0.0], [1.0]), "input_shift has 2 values and input_scale 1"),
        (lambda: Scaler([[0.0]], [1.0], [0.0], [1.0]), r"input_shift has shape \(1, 1\)"),
        (lambda: Scaler.fit([[1.0], [2.0]], [[1.0]]), "2 rows and labels 1"),
        (lambda: Scaler.fit([1e308, 1.5e308], [0.0, 1.0]), "input_shift .* near overflow"),
        (lambda: Scaler.from_arrays({"input_shift": [0.0]}), "lack input_scale, label_shift, label_scale"),
        (lambda: Scaler([0.0], [1.0], [0.0], [1.0]).scale_input([[1.0, 2.0]]), "x has 2 columns"),
        (
            lambda: Scaler([0.0], [1.0], [0.0], [1.0]).unscale_label([[1.0, 2.0]]),
            r"expected \(n_samples, 1\)",
        ),
    ],
)
def test_bad_values_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_values_that_no_number_holds_after_scaling_are_named():
    scaler = Scaler.fit([[0.0, 1e-300], [1.0, 3e-300]], [[0.0], [2e-5]])
    with pytest.raises(
        ValueError, match=r"x holds 1e\+300 in column 2, which overflows when it is divided by"
    ):
        scaler.scale_input([[0.0, 1e-300], [0.0, 1e300]])
    with pytest.raises(ValueError, match=r"y holds -1.7e\+308 in column 1"):
        scaler.scale_label([[-1.7e308]])
