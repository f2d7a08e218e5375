"""Files of models with symbols, products, affine values and locks."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from mixed_models import mixed_model

from kan_np import KAN, load_model
from kan_np.symbolic import SymbolLibrary

X = np.random.default_rng(0).uniform(-1.2, 1.2, (50, 2))


def saved(model):
    buffer = io.BytesIO()
    model.save(buffer)
    return buffer.getvalue()


def loaded(data):
    return load_model(io.BytesIO(data))


def changed(model, **arrays):
    """The file of a model with other arrays; None leaves one out."""
    content = {**dict(np.load(io.BytesIO(saved(model)))), **arrays}
    buffer = io.BytesIO()
    np.savez(buffer, **{name: array for name, array in content.items() if array is not None})
    return buffer.getvalue()


@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize("locked", [False, True])
def test_everything_comes_back_to_the_bit(affine, locked):
    model = mixed_model(affine=affine, locked=locked, grid_eps=0.4)
    model.fit({"train_input": X, "train_label": X}, steps=2)
    fine = model.refine(8)
    for one in (model, fine):
        again = loaded(saved(one))
        assert (again(3 * X) == one(3 * X)).all()
        assert (again._theta == one._theta).all()
        assert (again.symbols, again.locks, repr(again)) == (one.symbols, one.locks, repr(one))
        assert (again.mult_arity, again.affine_trainable) == (one.mult_arity, one.affine_trainable)
        assert saved(again) == saved(one)


def test_a_loaded_model_trains_on_like_the_original():
    model = mixed_model(affine=True)
    again = loaded(saved(model))
    for one in (model, again):
        one.fit({"train_input": X, "train_label": X}, opt="LM", steps=4)
    assert (model._theta == again._theta).all()


@pytest.mark.parametrize("seed", range(6))
def test_locked_splines_stay_one_function_to_the_bit_whatever_happens_to_grids(seed):
    rng = np.random.default_rng(seed)
    model = KAN([3, [0, 1]], grid=3, seed=seed, noise_scale=5.0)
    model.fix_symbolic(0, 0, 1, "sin", fit=False)
    model.fix_symbolic(0, 2, 0, "x", fit=False)
    model.lock(0, [(1, 1), (0, 0), (1, 0)])
    for grid in (4, 7, 14):
        model = model.refine(grid)
        model.update_grid(rng.uniform(-2, 3, (100, 3)))
        coef, knots = model.coef[0], model.knots[0]
        assert (coef[0, 0] == coef[1, 0]).all()
        assert (coef[0, 0] == coef[1, 1]).all()
        assert (knots[0] == knots[1]).all()
        again = loaded(saved(model))
        assert (again._theta == model._theta).all()


def test_symbols_of_ones_own_travel_with_the_model():
    model = KAN([2, 1], seed=0)
    J0 = SymbolLibrary().add("my J0", "besselj(0, x)")["my J0"]
    model.fix_symbolic(0, 0, 0, J0)
    again = loaded(saved(model))
    assert again.symbols[0, 0, 0].symbol == J0
    assert (again(X) == model(X)).all()


def test_a_file_of_format_3_is_read():
    model = KAN([2, 3, 1], seed=0).remove_edge(0, 0, 1)
    data = dict(np.load(io.BytesIO(saved(model))))
    header = json.loads(str(data["header"])) | {"version": 3}
    for name in ("mult_arity", "affine_trainable"):
        del header["config"][name]
    old = changed(model, header=np.array(json.dumps(header)))
    assert (loaded(old)(X) == model(X)).all()


@pytest.mark.parametrize(
    "arrays",
    [
        {"constants": None},
        {"constants": np.zeros((6, 4))},
        {"constants": np.zeros((7, 4), dtype=np.float32)},
        {"symbols": np.array("nonsense")},
        {"symbols": np.array('[[0, 0, 1, "sin", "sin(x)", 2]]')},
        {"symbols": np.array('[[0, 9, 1, "sin", "sin(x)", 2]]'), "constants": np.ones((1, 4))},
        {"symbols": np.array('[[0, 0, -1, "sin", "sin(x)", 2]]'), "constants": np.ones((1, 4))},
        {"symbols": np.array('[[0, 0, 1, "mine", "open(x)", 2]]'), "constants": np.ones((1, 4))},
        {"symbols": np.array('[["a"]]'), "constants": np.ones((1, 4))},
        {"symbols": np.array("[1]"), "constants": np.ones((1, 4))},
        {"affine": np.zeros(3)},
        {"locks": np.zeros((2, 3), dtype=np.int64)},
        {"locks": np.array([[0, 0, 0, 0], [0, 0, 7, 0]])},
        {"locks": np.array([[0, 0, 0, 0], [0, 0, 0, 1]])},
        {"theta": np.zeros((3, 8))},
        {"edges": np.ones(4, dtype=bool)},
        {"knots": np.zeros((2, 5))},
        {"used": np.ones(3, dtype=bool)},
    ],
)
def test_damaged_files_are_refused(arrays):
    with pytest.raises(ValueError, match="damaged"):
        loaded(changed(mixed_model(), **arrays))
