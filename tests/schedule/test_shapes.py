"""fit_schedule chooses the shape itself: what it takes, how many parameters it allows, when it ends."""

from __future__ import annotations

import numpy as np
import pytest

from kan_np import FitStatus, create_dataset, fit_schedule
from kan_np.schedule import shapes
from kan_np.schedule.shapes import Ladder
from kan_np.schedule.stage import Schedule

QUICK = {"grids": (3, 6), "steps": 10, "restarts": 1, "seed": 0}
ADDITIVE = create_dataset(lambda x: x[:, [0]] ** 2 + np.sin(x[:, [1]]), n_var=2, train_num=300, seed=0)
ADDITIVE["train_label"] = ADDITIVE["train_label"] + 0.02 * np.random.default_rng(0).normal(size=(300, 1))
PRODUCT = create_dataset(lambda x: x[:, [0]] * x[:, [1]], n_var=2, train_num=300, seed=0)


def rmse(model, data):
    return np.sqrt(np.mean((model(data["train_input"]) - data["train_label"]) ** 2))


@pytest.fixture(scope="module")
def product():
    return fit_schedule("auto", PRODUCT, **QUICK)


def test_a_sum_takes_no_hidden_layer():
    stages = fit_schedule(None, ADDITIVE, **QUICK)
    assert list(stages.best.model.width) == [2, 1]
    assert stages.best.test_rmse < 0.02
    assert all(len(tried.width) <= 3 for tried in stages.shapes)  # nothing deep where one layer did not pay


def test_a_product_takes_a_hidden_layer(product):
    assert len(product.best.model.width) > 2
    assert product.best.test_rmse < 1e-3
    assert {tuple(stage.model.width) for stage in product} == {tuple(product.best.model.width)}
    assert product.best.score <= 1.3 * min(tried.score for tried in product.shapes)


def test_no_shape_has_more_than_half_a_parameter_a_label(product):
    assert all(tried.n_params <= 150 for tried in product.shapes)
    assert all(stage.n_params <= 150 for stage in product)


def test_the_choice_is_told(product):
    assert f"Of {len(product.shapes)} shapes validation chose" in product.advice
    assert "shapes tried" in product.summary()
    assert product[:1].shapes == product.shapes


def test_same_bits_twice(product):
    again = fit_schedule("auto", PRODUCT, **QUICK)
    assert again.shapes == product.shapes
    points = PRODUCT["test_input"]
    assert np.array_equal(again.best.model(points), product.best.model(points))


def test_a_choice_that_was_not_trained_out_sees_the_held_out_samples_too(monkeypatch):
    # where the finalists come out worse, the shape stays as it was when it was tried
    monkeypatch.setattr(shapes, "FINAL_STEPS", 1)
    monkeypatch.setattr(shapes, "_FINALISTS", 0)
    seen = []
    stages = fit_schedule("auto", PRODUCT, on_stage=seen.append, **QUICK)
    assert seen[-1] is stages.best
    before = next(stage for stage in seen if stage.val_rmse == stages.best.val_rmse)
    assert before is not stages.best
    assert list(before.model.width) == list(stages.best.model.width)
    assert stages.best.train_rmse == pytest.approx(rmse(stages.best.model, PRODUCT), rel=1e-12)
    assert stages.best.train_rmse < rmse(before.model, PRODUCT)
    assert not any(stage is before for stage in stages)
    kept = fit_schedule("auto", PRODUCT, refit=False, **QUICK)
    assert kept.best.train_rmse == before.train_rmse


def test_a_given_order_is_kept():
    stages = fit_schedule("auto", PRODUCT, k=2, **QUICK)
    assert {tried.k for tried in stages.shapes} == {2}


def test_the_callback_ends_the_search():
    calls = []

    def stop(progress):
        calls.append(progress)
        return len(calls) == 3

    stages = fit_schedule("auto", PRODUCT, callback=stop, **QUICK)
    assert len(calls) == 3
    assert len(stages.shapes) == 1
    assert stages[-1].status is FitStatus.STOPPED


def test_few_samples_leave_the_additive_model():
    data = create_dataset(lambda x: x.sum(axis=1, keepdims=True), n_var=6, train_num=20, seed=0)
    stages = fit_schedule("auto", data, **QUICK)
    assert [tried.width for tried in stages.shapes] == [(6, 1)]
    assert list(stages.best.model.width) == [6, 1]


@pytest.mark.slow
def test_two_outputs():
    data = create_dataset(
        lambda x: np.hstack([x[:, [0]], x[:, [0]] * x[:, [1]]]), n_var=2, train_num=300, seed=0
    )
    stages = fit_schedule("auto", data, **QUICK)
    assert stages.best.model.width[-1] == 2
    assert len(stages.best.model.width) > 2


@pytest.mark.parametrize(
    ("width", "options", "error", "says"),
    [
        ("auto", {"val_fraction": 0}, ValueError, "without validation samples"),
        ("best", {}, TypeError, "width"),
        ("auto", {"k": 9}, ValueError, "k is 9"),
        ("auto", {"grids": (5, 3)}, ValueError, "increasing"),
        ("auto", {"steps": 1.5}, TypeError, "steps"),
        ("auto", {"restarts": 0}, ValueError, "restarts"),
    ],
)
def test_nonsense_is_named(width, options, error, says):
    with pytest.raises(error, match=says):
        fit_schedule(width, PRODUCT, **{**QUICK, **options})


def test_data_that_are_none_are_named():
    with pytest.raises(TypeError, match="dataset"):
        fit_schedule("auto", 3)
    with pytest.raises(ValueError, match="train_label"):
        fit_schedule("auto", {"train_input": np.zeros((5, 2))})


def test_the_last_grid_is_the_finest_within_the_bound():
    class Never:
        def try_shape(self, *arguments: object, **options: object) -> Schedule:
            raise AssertionError

        def error(self, schedule: Schedule) -> float:
            raise AssertionError

    ladder = Ladder(2, 1, 1000, 200, (3, 5, 10, 20, 50), (3, 5), 1, Never())
    assert ladder._grids([2, 8, 1], 5) == [3, 5, 10, 14]  # 24 edges of 20 parameters
    assert ladder._grids([2, 1], 5) == [3, 5, 10, 20, 50]
    assert ladder._grids([2, 40, 1], 5) == []
