"""Rows without a target, tables of which all rows train, and columns that would have one name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kan_np import KAN, load_csv


@pytest.fixture
def tables(tmp_path: Path) -> tuple[Path, Path]:
    """A table kind, a, y with y = a^2 + (1 for red), and one of rows to predict."""
    kinds = ("red", "blue", "green")
    rows = [f"{kinds[i % 3]},{i / 40:.3f},{(i / 40) ** 2 + (i % 3 == 0):.6f}" for i in range(120)]
    (tmp_path / "train.csv").write_text("\n".join(["kind,a,y", *rows]) + "\n")
    (tmp_path / "new.csv").write_text("note,a,kind\nx,0.5,red\nx,1.5,green\nx,1.5,red\n")
    return tmp_path / "train.csv", tmp_path / "new.csv"


def test_rows_without_a_target_are_coded_as_the_training_table(tables: tuple[Path, Path]) -> None:
    train, new = tables
    dataset = load_csv(train, "y", classes="one-hot")
    rows = load_csv(new, None, features=["kind", "a"], classes=dataset["classes"])
    assert rows.keys() == {"test_input", "feature_names", "classes", "rows"}
    assert rows["feature_names"] == dataset["feature_names"]
    np.testing.assert_array_equal(rows["test_input"], [[0, 0, 1, 0.5], [0, 1, 0, 1.5], [0, 0, 1, 1.5]])
    model = KAN([4, 1], grid=5, seed=0)
    model.fit(dataset, steps=30)
    np.testing.assert_allclose(model.predict(rows["test_input"]).ravel(), [1.25, 2.25, 3.25], atol=0.02)


def test_without_classes_of_another_table_their_own_are_found(tables: tuple[Path, Path]) -> None:
    _, new = tables
    with pytest.raises(ValueError, match=r"row 2, column 'kind' .*classes='one-hot'"):
        load_csv(new, None, features=["a", "kind"])
    rows = load_csv(new, None, features=["a", "kind"], classes="one-hot")
    assert rows["classes"] == {"kind": ["green", "red"]}
    with pytest.raises(
        ValueError, match=r"column 'kind' holds 'green', a class that the training table does"
    ):
        load_csv(new, None, features=["a", "kind"], classes={"kind": ["red", "blue"]})


def test_all_columns_are_inputs_unless_said(tmp_path: Path) -> None:
    (tmp_path / "n.csv").write_text("a,b\n0.1,0.2\n0.3,0.4\n")
    rows = load_csv(tmp_path / "n.csv", None)
    assert rows["feature_names"] == ["a", "b"]
    np.testing.assert_array_equal(rows["test_input"], [[0.1, 0.2], [0.3, 0.4]])


@pytest.mark.parametrize("options", [{"group": "a"}, {"test": "n.csv"}, {"folds": 3}])
def test_what_splits_rows_does_not_go_without_a_target(tmp_path: Path, options: dict) -> None:
    (tmp_path / "n.csv").write_text("a,b\n0.1,0.2\n0.3,0.4\n")
    with pytest.raises(ValueError, match=f"{next(iter(options))} is .*, and target is None; expected one of"):
        load_csv(tmp_path / "n.csv", None, **options)


def test_a_test_table_without_a_target_says_how_it_is_read(tables: tuple[Path, Path]) -> None:
    train, new = tables
    with pytest.raises(ValueError, match=r"new.csv has no column 'y'.*read by load_csv with None"):
        load_csv(train, "y", test=new, classes="one-hot")


def test_all_rows_can_train(tables: tuple[Path, Path]) -> None:
    train, _ = tables
    dataset = load_csv(train, "y", features=["a"], test_fraction=0, val_fraction=0, standardize=False)
    assert not {"test_input", "test_label", "val_input", "val_label"} & dataset.keys()
    np.testing.assert_array_equal(dataset["train_input"].ravel(), [round(i / 40, 3) for i in range(120)])
    result = KAN([1, 1], seed=0).fit(dataset, steps=3)
    assert len(result["test_loss"]) == 0 or not np.isfinite(result["test_loss"]).any()
    validated = load_csv(train, "y", features=["a"], test_fraction=0)
    assert (len(validated["train_input"]), len(validated["val_input"])) == (96, 24)


@pytest.mark.parametrize(
    ("header", "cells"),
    [("c,c=x,y", "{0},{1},{1}"), ("c=x,c,y", "{1},{0},{1}"), ("c,c=x=q,y", "{0}=q,{1},{1}")],
)
def test_a_class_that_makes_the_name_of_another_column_is_refused(
    tmp_path: Path, header: str, cells: str
) -> None:
    rows = "\n".join(cells.format("xyz"[i % 3], i * i) for i in range(30))
    (tmp_path / "t.csv").write_text(f"{header}\n{rows}\n")
    name = "c=x=q" if "q" in header else "c=x"
    with pytest.raises(
        ValueError, match=rf"t.csv: 2 columns would have the name '{name}'.*Rename the column"
    ):
        load_csv(tmp_path / "t.csv", "y", classes="one-hot")
    with pytest.raises(ValueError, match=f"2 columns would have the name '{name}'"):
        load_csv(tmp_path / "t.csv", None, features=header.split(",")[:2], classes="one-hot")
