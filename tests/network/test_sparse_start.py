"""The few edges of a sparse start."""

from __future__ import annotations

import io

import numpy as np
import pytest

from kan_np import KAN, create_dataset, load_model
from kan_np.network.sparse_start import sparse_mask


def plain(n_in, n_out):
    mask = np.zeros((n_in, n_out), dtype=bool)
    for i in range(n_in):
        mask[i, min(range(n_out), key=lambda j: (abs((2 * i + 1) * n_out - (2 * j + 1) * n_in), j))] = True
    for j in range(n_out):
        mask[min(range(n_in), key=lambda i: (abs((2 * i + 1) * n_out - (2 * j + 1) * n_in), i)), j] = True
    return mask


@pytest.mark.parametrize(("n_in", "n_out"), [(1, 1), (4, 2), (2, 5), (3, 4), (7, 3), (6, 6)])
def test_every_node_is_joined_to_the_nearest(n_in, n_out):
    mask = sparse_mask(n_in, n_out)
    np.testing.assert_array_equal(mask, plain(n_in, n_out))
    assert mask.any(axis=0).all()
    assert mask.any(axis=1).all()
    assert mask.sum() <= n_in + n_out


def test_a_sparse_model_has_the_parameters_of_its_edges_and_trains():
    model = KAN([4, 4, [2, 1], 1], sparse_init=True, seed=0)
    dense = KAN([4, 4, [2, 1], 1], seed=0)
    for own, coef, whole in zip(model.edges, model.coef, dense.coef, strict=True):
        np.testing.assert_array_equal(coef[own], whole[own])
    assert model.n_params == 9 * model.n_edge
    dataset = create_dataset(lambda x: x[:, [0]] ** 2 + x[:, [3]], n_var=4, train_num=200, seed=0)
    result = model.fit(dataset, steps=10)
    assert result["train_loss"][-1] < 0.5 * dataset["train_label"].std()
    assert [mask.sum() for mask in model.edges] == [
        mask.sum() for mask in KAN([4, 4, [2, 1], 1], sparse_init=True).edges
    ]
    file = io.BytesIO()
    model.save(file)
    file.seek(0)
    x = dataset["test_input"]
    np.testing.assert_array_equal(load_model(file)(x), model(x))


def test_it_goes_with_families_and_frozen_kinds():
    model = KAN([3, 2, 1], edges="chebyshev", degree=4, sparse_init=True, seed=0)
    assert len(model.families) == model.n_edge == 3 + 2
    model = KAN([3, 2, 1], sparse_init=True, sb_trainable=False, seed=0)
    assert model.n_params == 8 * model.n_edge
    with pytest.raises(TypeError, match="sparse_init is 1"):
        KAN([2, 1], sparse_init=1)
