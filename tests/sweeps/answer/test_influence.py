"""Which columns a model uses, and how: known models have known importances and curves."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sweeps.answer.influence import Part, curves, importances

COLUMNS = {"a": [0], "b": [1], "kind": [2, 3, 4]}
CLASSES = {"kind": ("x", "y", "z")}
LEVELS = np.array([0.0, 1.0, 4.0])


def rows(n: int = 300, seed: int = 0) -> np.ndarray:
    """Inputs a, b and three classes as columns of 0 and 1."""
    rng = np.random.default_rng(seed)
    return np.hstack([rng.normal(size=(n, 2)), np.eye(3)[rng.integers(0, 3, n)]])


def truth(x: np.ndarray) -> np.ndarray:
    """3 a and a level a class; b has no influence."""
    return (3.0 * x[:, 0] + x[:, 2:] @ LEVELS)[:, None]


def squares(predicted: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.mean((predicted - y) ** 2, axis=1)


def root(losses: np.ndarray) -> float:
    return math.sqrt(np.mean(losses))


def by_column(parts: list[Part], columns: dict[str, list[int]]) -> dict[str, dict[str, object]]:
    return {str(own["column"]): own for own in importances(parts, columns, squares, root)}


def test_a_shuffled_column_of_an_exact_linear_model_costs_its_own_variance() -> None:
    """Two independent draws of c x differ by c sqrt(2) standard deviations of x."""
    x = rows(400)
    found = by_column([Part(x, truth(x), truth)], COLUMNS)
    assert found["a"]["value"] == pytest.approx(3.0 * math.sqrt(2.0) * x[:, 0].std(), rel=0.05)
    level = x[:, 2:] @ LEVELS
    assert found["kind"]["value"] == pytest.approx(math.sqrt(2.0) * level.std(), rel=0.05)
    assert found["b"]["value"] == 0.0
    assert [found[name]["clear"] for name in COLUMNS] == [True, False, True]
    for own in found.values():
        assert own["low"] <= own["value"] <= own["high"]
    assert list(found) == ["a", "kind", "b"]  # the most important first


def test_the_importance_of_a_category_does_not_depend_on_how_it_is_coded() -> None:
    """One number for three classes, or three columns of 0 and 1: the same column, the same importance."""
    x = rows(400)
    level = (x[:, 2:] @ LEVELS)[:, None]
    other = np.hstack([x[:, :2], level])
    as_one = by_column(
        [Part(other, truth(x), lambda z: (3.0 * z[:, 0] + z[:, 2])[:, None])],
        {"a": [0], "b": [1], "kind": [2]},
    )
    as_three = by_column([Part(x, truth(x), truth)], COLUMNS)
    assert as_one["kind"]["value"] == pytest.approx(as_three["kind"]["value"], rel=1e-12)


def test_noise_makes_no_column_important() -> None:
    rng = np.random.default_rng(3)
    x = rows(60)
    found = by_column([Part(x, rng.normal(size=(60, 1)), lambda z: 1e-3 * z[:, [1]])], COLUMNS)
    assert not any(own["clear"] for own in found.values())


def test_every_fold_is_shuffled_within_itself() -> None:
    """Folds at different levels: among their own rows a column that is constant there changes nothing."""
    parts = []
    for fold in range(2):
        x = rows(80, fold)
        x[:, 1] = fold
        parts.append(Part(x, 10.0 * x[:, [1]], lambda z: 10.0 * z[:, [1]]))
    assert by_column(parts, COLUMNS)["b"]["value"] == 0.0


def test_curves_are_the_functions_of_an_additive_model_with_a_band_of_no_width() -> None:
    x = rows(150)
    a, kind = curves(truth, x, COLUMNS, CLASSES, ["a", "kind"])
    points = np.array(a["x"])
    assert (points[0], points[-1]) == (x[:, 0].min(), x[:, 0].max())
    assert np.diff(a["mean"][0]) == pytest.approx(3.0 * np.diff(points))  # type: ignore[index]
    assert a["low"][0] == pytest.approx(a["high"][0])  # type: ignore[index]
    assert kind["x"] == ["x", "y", "z"]
    assert np.diff(kind["mean"][0]) == pytest.approx(np.diff(LEVELS))  # type: ignore[index]


def test_a_band_is_wide_where_the_effect_depends_on_other_columns() -> None:
    x = rows(150)
    (a,) = curves(lambda z: (z[:, 0] * z[:, 1])[:, None], x, COLUMNS, CLASSES, ["a"])
    width = np.subtract(a["high"][0], a["low"][0])  # type: ignore[index]
    assert width[0] > 1.0
    assert width[-1] > 1.0


def test_a_column_of_two_classes_is_one_number() -> None:
    x = np.repeat([[0.0], [1.0]], 5, axis=0)
    (kind,) = curves(lambda z: 2.0 + 5.0 * z, x, {"kind": [0]}, {"kind": ("no", "yes")}, ["kind"])
    assert kind["x"] == ["no", "yes"]
    assert kind["mean"] == [[2.0, 7.0]]
