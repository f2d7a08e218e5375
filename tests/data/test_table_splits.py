"""load_csv on tables as people have them: groups, folds, a second table, classes, missing cells."""

from __future__ import annotations

import numpy as np
import pytest

from kan_np import load_csv, standardized
from kan_np.data.rows import split_table

PARTS = ("train", "val", "test")


@pytest.fixture
def write(tmp_path):
    def write_file(text, name="table.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write_file


def patients(n=60, n_groups=12):
    """A table in which `a` tells the row, and b the group, which is text."""
    rows = [f"{i},p{i % n_groups},{i % n_groups},{i * i}" for i in range(n)]
    return "a,patient,b,y\n" + "\n".join(rows) + "\n"


def column(dataset, name, part):
    place = dataset["feature_names"].index(name)
    return dataset[f"{part}_input"][:, place]


@pytest.mark.parametrize("seed", range(4))
def test_no_group_is_in_two_parts(write, seed):
    dataset = load_csv(write(patients()), "y", group="patient", standardize=False, seed=seed)
    assert dataset["feature_names"] == ["a", "b"]
    groups = [set(column(dataset, "b", part)) for part in PARTS]
    assert groups[0] | groups[1] | groups[2] == set(range(12))
    assert sum(map(len, groups)) == 12
    rows = np.concatenate([column(dataset, "a", part) for part in PARTS])
    np.testing.assert_array_equal(np.sort(rows), np.arange(60))
    assert all(8 <= len(dataset[f"{part}_input"]) <= 16 for part in ("val", "test"))


@pytest.mark.parametrize("group", [None, "patient"])
def test_every_row_is_tested_in_one_fold(write, group):
    path = write(patients())
    folds = [
        load_csv(path, "y", features=["a", "b"], group=group, folds=4, fold=fold, standardize=False)
        for fold in range(4)
    ]
    tested = np.concatenate([column(dataset, "a", "test") for dataset in folds])
    np.testing.assert_array_equal(np.sort(tested), np.arange(60))
    assert [len(dataset["test_input"]) for dataset in folds] == [15] * 4
    for dataset in folds:
        rows = np.concatenate([column(dataset, "a", part) for part in PARTS])
        np.testing.assert_array_equal(np.sort(rows), np.arange(60))
        if group:
            groups = [set(column(dataset, "b", part)) for part in PARTS]
            assert sum(map(len, groups)) == 12


def test_folds_of_unequal_groups_are_balanced():
    groups = [f"g{size}" for size in range(1, 13) for _ in range(size)]
    sizes = [len(split_table(78, 0.0, 0.2, 0, groups, folds=3, fold=fold).test) for fold in range(3)]
    assert sum(sizes) == 78
    assert max(sizes) - min(sizes) <= 2


def test_the_folds_come_from_the_seed(write):
    path = write(patients())
    one, again, other = (
        load_csv(path, "y", features=["a"], folds=3, seed=seed)["test_input"] for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


def test_a_second_table_is_the_test(write):
    train = write("a,b,y\n" + "".join(f"{i},{i % 3},{i * i}\n" for i in range(20)))
    # Columns are found by name, further ones do not matter.
    test = write("note,y,b,a\n" + "".join(f"x,{i * i},{i % 3},{i}\n" for i in range(100, 107)), "test.csv")
    dataset = load_csv(train, "y", test=test, standardize=False)
    np.testing.assert_array_equal(dataset["test_input"], [[i, i % 3] for i in range(100, 107)])
    np.testing.assert_array_equal(dataset["test_label"], [[i * i] for i in range(100, 107)])
    assert (len(dataset["train_input"]), len(dataset["val_input"])) == (16, 4)
    scaled = standardized(load_csv(train, "y", test=test))
    assert scaled["scaler"].input_shift[0] < 20  # of the training rows alone


COLOURS = "a,colour,sort,y\n" + "".join(
    f"{i},{('red', 'blue', 'green')[i % 3]},{('new', 'old')[i % 2]},{i * i}\n" for i in range(24)
)


def test_classes_become_columns_when_asked_for(write):
    dataset = load_csv(write(COLOURS), "y", classes="one-hot", standardize=False)
    names = ["a", "colour=blue", "colour=green", "colour=red", "sort=old"]
    assert dataset["feature_names"] == names
    assert dataset["classes"] == {"colour": ["blue", "green", "red"], "sort": ["new", "old"]}
    for part in PARTS:
        a, *indicators = dataset[f"{part}_input"].T
        expected = [a % 3 == 1, a % 3 == 2, a % 3 == 0, a % 2 == 1]
        np.testing.assert_array_equal(indicators, expected)


def test_a_target_of_classes_becomes_one_output_a_class(write):
    dataset = load_csv(write(COLOURS), "colour", features=["a"], classes="one-hot", standardize=False)
    assert dataset["target_names"] == ["colour=blue", "colour=green", "colour=red"]
    np.testing.assert_array_equal(dataset["train_label"].sum(axis=1), 1.0)


def test_classes_are_refused_with_the_way_out(write):
    message = (
        r"row 2, column 'colour' \(column 2\) holds the text 'red', and the column holds 3 different texts "
        r"\('blue', 'green', 'red'\): classes; expected numbers.*classes='one-hot', or.*features="
    )
    with pytest.raises(ValueError, match=message):
        load_csv(write(COLOURS), "y")


def test_the_test_table_has_the_classes_of_the_training_table(write):
    path = write(COLOURS)
    test = write("a,colour,sort,y\n1,red,new,1\n2,pink,new,2\n", "test.csv")
    with pytest.raises(ValueError, match=r"row 3, column 'colour' holds 'pink'.*'blue', 'green', 'red'"):
        load_csv(path, "y", test=test, classes="one-hot")
    fine = write("a,colour,sort,y\n1,red,new,1\n2,blue,old,2\n", "fine.csv")
    dataset = load_csv(path, "y", test=fine, classes="one-hot", standardize=False)
    np.testing.assert_array_equal(dataset["test_input"], [[1, 0, 0, 1, 0], [2, 1, 0, 0, 1]])


def test_numbers_among_texts_are_classes_too(write):
    cells = ["I", "II", "3", "I", "II", "3.0"] * 3
    text = "kind,y\n" + "".join(f"{cell},{i}\n" for i, cell in enumerate(cells))
    dataset = load_csv(write(text), "y", classes="one-hot")
    assert dataset["classes"] == {"kind": ["3", "I", "II"]}


def test_names_of_rows_are_not_classes(write):
    text = "name,a,y\n" + "".join(f"mouse {i},{i},{i}\n" for i in range(150))
    with pytest.raises(ValueError, match=r"'name' holds 150 different texts in 150 rows.*group="):
        load_csv(write(text), "y", classes="one-hot")


def test_all_missing_cells_are_named(write):
    lines = ["a,b,y"] + [f"{i},{i},{i}" for i in range(20)]
    lines[3], lines[7], lines[9] = "2,,2", "NA,6,6", "8,?,8"
    with pytest.raises(ValueError, match=r"row 4, column 'b' \(column 2\) is empty") as caught:
        load_csv(write("\n".join(lines) + "\n"), "y")
    assert "2 other cells are missing too: row 8 'a', row 10 'b'." in str(caught.value)
    # in a column that is not needed nothing is missed
    assert len(load_csv(write("\n".join(lines[:4] + lines[10:]) + "\n"), "y", features=["a"])["test_input"])


def test_very_many_missing_cells_are_counted(write):
    text = "a,y\n" + "".join(f",{i}\n" for i in range(40))
    with pytest.raises(ValueError, match=r"39 other cells are missing too: row 3 'a', .*, 29 more\."):
        load_csv(write(text), "y")


def test_a_missing_group_is_a_missing_cell(write):
    text = patients().replace("\n5,p5,", "\n5,,")
    with pytest.raises(ValueError, match=r"row 7, column 'patient' \(column 2\) is empty"):
        load_csv(write(text), "y", group="patient")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"folds": 1}, "folds is 1; expected 0 for a single split, or 2"),
        ({"folds": 3, "fold": 3}, "fold is 3"),
        ({"folds": 61}, "folds is 61, and there are 60 rows"),
        ({"folds": 13, "group": "patient"}, "folds is 13, and there are 12 groups"),
        ({"folds": 3, "test": "other.csv"}, "folds is 3, and a test table is given too"),
        ({"group": "nobody"}, "group is 'nobody'"),
        ({"group": "y"}, "'y' is both the group and a target"),
        ({"classes": "hot"}, "classes is 'hot'"),
        ({"group": "patient", "test_fraction": 1.0}, "test_fraction is 1"),
    ],
)
def test_bad_options_are_refused(write, options, message):
    with pytest.raises(ValueError, match=message):
        load_csv(write(patients()), "y", **{"features": ["a", "b"], **options})


def test_too_few_groups_are_refused(write):
    with pytest.raises(ValueError, match="2 different groups; expected at least 3"):
        load_csv(write(patients(20, 2)), "y", group="patient")


def test_a_test_table_without_a_column_is_refused(write):
    train, test = write("a,b,y\n" + "1,2,3\n4,5,7\n" * 5), write("a,y\n1,2\n", "test.csv")
    with pytest.raises(ValueError, match=r"test.csv has no column 'b'; expected the columns a, b, y"):
        load_csv(train, "y", test=test)
