"""The history of a model: kept where it is asked for, gone back to, and not in the way otherwise."""

from __future__ import annotations

import numpy as np
import pytest

from kan_np import KAN, create_dataset, load_model

DATASET = create_dataset(lambda x: x[:, [0]] ** 2 + np.sin(x[:, [1]]), train_num=100, test_num=10, seed=0)
X = DATASET["train_input"]


def test_without_being_asked_nothing_is_kept_or_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = KAN([2, 2, 1], seed=0)
    model.fit(DATASET, steps=2)
    assert list(tmp_path.iterdir()) == []
    for call in (model.history, lambda: model.rewind("0.0"), lambda: model.checkout("0.0")):
        with pytest.raises(ValueError, match="keeps no history"):
            call()


def test_every_method_that_changes_the_model_makes_a_version():
    model = KAN([2, 2, 1], seed=0)
    model.keep_history(limit=30)
    model.fit(DATASET, steps=2)
    fitted = model(X)
    model.fix_symbolic(0, 0, 0, "x^2")
    model.set_mode(0, 0, 0, "n")
    model.lock(1, [(0, 0), (1, 0)])
    model.freeze(1)
    model.update_grid(X)
    model.expand_width(1, 1)
    model.perturb()
    pruned = model.prune(X, 0.0, 0.0)
    names = [line.split(" => ")[1] for line in pruned.history()[1:]]
    assert names == ["fit", "fix_symbolic", "set_mode", "lock", "freeze", "update_grid", "expand_width",
                     "perturb", "prune"]  # fmt: skip
    assert model.history() == pruned.history()[:-1]
    np.testing.assert_array_equal(pruned.checkout("0.1")(X), fitted)
    assert pruned.history(1) == ["0.8 => prune => 0.9"]


def test_going_back_begins_a_round_and_leaves_the_versions():
    model = KAN([2, 2, 1], seed=0)
    model.keep_history()
    model.fit(DATASET, steps=2)
    fitted = model(X)
    model.fit(DATASET, steps=2)
    later = model(X)
    back = model.rewind("0.1")
    np.testing.assert_array_equal(back(X), fitted)
    np.testing.assert_array_equal(model(X), later)
    back.fit(DATASET, steps=1)
    assert back.history()[-2:] == ["0.1 => rewind => 1.1", "1.1 => fit => 1.2"]
    assert model.history() == ["0.0", "0.0 => fit => 0.1", "0.1 => fit => 0.2"]
    np.testing.assert_array_equal(back.checkout("1.1")(X), fitted)
    np.testing.assert_array_equal(back.checkout("0.2")(X), later)


def test_versions_cannot_be_changed_through_what_is_checked_out():
    model = KAN([2, 1], seed=0)
    model.keep_history()
    start = model(X)
    other = model.checkout("0.0")
    other.fit(DATASET, steps=2)
    np.testing.assert_array_equal(model.checkout("0.0")(X), start)
    with pytest.raises(ValueError, match="keeps no history"):
        other.history()


def test_at_most_the_limit_is_kept_and_none_ends_it():
    model = KAN([2, 1], seed=0)
    model.keep_history(limit=2)
    for _ in range(3):
        model.update_grid(X)
    assert [line[-3:] for line in model.history()] == ["0.2", "0.3"]
    with pytest.raises(ValueError, match=r"no version '0.0'; .* that are kept: '0.2', '0.3'"):
        model.checkout("0.0")
    model.keep_history(None)
    model.update_grid(X)
    with pytest.raises(ValueError, match="keeps no history"):
        model.history()


def test_copies_have_no_history_and_a_failed_change_makes_no_version():
    model = KAN([2, 1], seed=0)
    model.keep_history()
    with pytest.raises(ValueError, match="keeps no history"):
        model.copy().history()
    with pytest.raises(ValueError, match="mode is 'x'"):
        model.set_mode(0, 0, 0, "x")
    assert model.history() == ["0.0"]


def test_files_go_where_the_user_says(tmp_path):
    model = KAN([2, 1], seed=0)
    model.keep_history(folder=tmp_path, limit=1)
    model.fit(DATASET, steps=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.0.npz", "0.1.npz"]
    np.testing.assert_array_equal(load_model(tmp_path / "0.1.npz")(X), model(X))
    with pytest.raises(FileNotFoundError, match="folder is"):
        model.keep_history(folder=tmp_path / "none")
    with pytest.raises(ValueError, match="limit is 0"):
        model.keep_history(0)
