"""Shape and weight by cross-validation: equal rows, folds, what is chosen, and what is left of noise."""

from __future__ import annotations

import numpy as np
import pytest

from kan_np import KAN, MLP
from kan_np.schedule.cross_validated import WEIGHTS, _fold_parts, distinct_rows, fit_cross_validated
from kan_np.training.folds import Sample


def maker(n_in, n_out=1, **options):
    return lambda hidden, grid, number: KAN([n_in, *hidden, n_out], grid, seed=number, **options)


def rows(n=60, seed=0):
    x = np.random.default_rng(seed).uniform(-1, 1, (n, 2))
    return x, (x[:, 0] * x[:, 1])[:, None]


def test_equal_rows_become_one_with_the_sum_of_their_weights():
    x = np.array([[2.0], [1.0], [2.0], [1.0], [0.0]])
    y = np.array([[0.0], [5.0], [0.0], [6.0], [1.0]])
    inputs, labels, weight = distinct_rows(x, y, np.array([1.0, 2.0, 3.0, 4.0, 0.0]))
    assert inputs.ravel().tolist() == [1.0, 1.0, 2.0]
    assert labels.ravel().tolist() == [5.0, 6.0, 0.0]
    assert weight.tolist() == [0.5, 1.0, 1.0]
    assert distinct_rows(x, y, np.array([3.0, 0.0, 0.0, 3.0, 3.0]))[2] is None


def test_folds_hold_out_every_row_once_and_equal_inputs_together():
    x = np.repeat(np.arange(20.0), 3)[:, None]
    parts = _fold_parts(x, 5, seed=0)
    assert sorted(np.concatenate(parts).tolist()) == list(range(60))
    assert all(len(part) == 12 for part in parts)
    assert sum(len(set(x[part, 0])) for part in parts) == 20


def test_large_tables_do_with_fewer_folds():
    parts = _fold_parts(np.arange(10_000.0)[:, None], 5, seed=0)
    assert [len(part) for part in parts] == [2000]


@pytest.mark.slow
def test_hidden_nodes_are_taken_where_they_pay():
    x, y = rows()
    shapes = [((), 3), ((2,), 3)]
    product = fit_cross_validated(maker(2), shapes, Sample(x, y, None), refine=False)
    assert product.best.hidden == (2,)
    assert product.best.error < 0.05 < product.tried[0].error
    total = fit_cross_validated(maker(2), shapes, Sample(x, x.sum(axis=1, keepdims=True), None), refine=False)
    assert total.best.hidden == ()


def test_the_model_is_fitted_to_all_rows_with_the_weight_that_was_chosen():
    x, y = rows()
    found = fit_cross_validated(maker(2), [((2,), 3)], Sample(x, y, None))
    assert found.model._shrinkage == found.best.weight
    assert found.model.n_params == found.best.n_params
    assert found.best.weight in WEIGHTS
    assert np.array_equal(found.model.training_range, [x.min(axis=0), x.max(axis=0)])
    assert np.sqrt(np.mean((found.model(x) - y) ** 2)) < 0.1 * y.std()


def test_where_nothing_is_better_the_model_is_the_mean():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 3)), rng.normal(size=(40, 1))
    x[:, :] = np.sign(x) * 1.0  # eight settings, of which each fold holds some out
    y -= np.average(y)
    found = fit_cross_validated(maker(3), [((), 3)], Sample(x, y, None))
    assert np.isinf(found.best.weight)
    assert np.allclose(found.model(x), y.mean())


@pytest.mark.slow
def test_mlps_are_chosen_alike():
    x, y = rows()
    found = fit_cross_validated(
        lambda hidden, grid, number: MLP([2, *hidden, 1], seed=number),
        [((6,), 0)],
        Sample(x, y, None),
        usual=None,
        anew=True,
    )
    assert isinstance(found.model, MLP)
    assert found.best.error < 0.1


def test_without_shapes_there_is_nothing_to_fit():
    with pytest.raises(ValueError, match="no shapes"):
        fit_cross_validated(maker(2), [], Sample(*rows(), None))
