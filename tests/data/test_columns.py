"""Columns of tables: matched by their names, or refused."""

from __future__ import annotations

import copy
import datetime
import io
import json
import pickle
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest

from kan_np import (
    KAN,
    MLP,
    ExtrapolationWarning,
    Scaler,
    create_dataset,
    discover,
    fit_schedule,
    load_csv,
    load_model,
)
from kan_np.data.columns import Columns, matched, names_in

NAMES = ["a", "b", "c"]
X = np.random.default_rng(0).uniform(-1.0, 1.0, (60, 3))
Y = X[:, [0]] - 2.0 * X[:, [1]] ** 2 + 0.1 * X[:, [2]]


class Frame:
    """As much of a data frame as is needed: named columns, some of one name, and an array of them."""

    def __init__(self, names, values):
        self.columns, self.values = list(names), np.asarray(values)

    def __getitem__(self, name):
        (column,) = [i for i, other in enumerate(self.columns) if other == name]
        return self.values[:, column]

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype=dtype)

    def __len__(self):
        return len(self.values)


def frame(names, x=X):
    return Frame(names, x[:, [NAMES.index(name) for name in names]])


def fitted(model, **dataset):
    model.fit({"train_input": X, "train_label": Y, "feature_names": NAMES, **dataset}, steps=3)
    return model


@pytest.fixture(scope="module", params=[KAN([3, 2, 1], grid=3, seed=0), MLP([3, 4, 1], seed=0)])
def model(request):
    return fitted(request.param)


@pytest.mark.parametrize("call", ["predict", "__call__", "input_jacobian"])
def test_reordered_columns_are_matched_by_their_names(model, call):
    expected = getattr(model, call)(X)
    for names in (NAMES, ["c", "a", "b"], ["b", "c", "a"]):
        assert np.array_equal(getattr(model, call)(frame(names)), expected)
    wide = Frame(["id", "c", "b", "y", "a"], np.c_[np.arange(60), X[:, 2], X[:, 1], Y, X[:, 0]])
    assert np.array_equal(getattr(model, call)(wide), expected)
    fields = np.zeros(60, dtype=[("c", float), ("b", float), ("a", float)])
    for i, name in enumerate(NAMES):
        fields[name] = X[:, i]
    assert np.array_equal(getattr(model, call)(fields), expected)


@pytest.mark.parametrize("call", ["predict", "__call__", "input_jacobian"])
def test_renamed_and_repeated_columns_are_refused_by_name(model, call):
    with pytest.raises(ValueError, match="x has the columns 'A', 'b', 'c', and not 'a'; expected 'a', 'b'"):
        getattr(model, call)(Frame(["A", "b", "c"], X))
    with pytest.raises(ValueError, match="x has the column 'b' more than once"):
        getattr(model, call)(Frame(["a", "b", "c", "b"], np.c_[X, X[:, 1]]))


def test_pandas_frames_are_tables():
    pandas = pytest.importorskip("pandas")
    model = fitted(KAN([3, 1], grid=3, seed=0))
    table = pandas.DataFrame(X, columns=NAMES)
    assert np.array_equal(model.predict(table[["c", "b", "a"]]), model.predict(X))
    assert np.array_equal(model.predict(pandas.DataFrame(X)), model.predict(X))  # 0, 1, 2 are no names
    with pytest.raises(ValueError, match="not 'a'"):
        model.predict(table.rename(columns={"a": "x"}))


@pytest.mark.slow
def test_every_method_that_takes_samples_matches_them():
    model = fitted(KAN([3, 2, 1], grid=3, seed=0))
    other = frame(["c", "a", "b"])
    assert np.array_equal(model.feature_score(X), model.feature_score(other))
    for one, two in zip(model.edge_scores(X), model.edge_scores(other), strict=True):
        assert np.array_equal(one, two)
    assert model.suggest_symbolic(0, 1, 0, X)[0].rmse == model.suggest_symbolic(0, 1, 0, other)[0].rmse
    assert model.symbolic_formula(x=X).rms_error == model.symbolic_formula(x=other).rms_error
    moved, again = model.copy(), model.copy()
    moved.update_grid(X)
    again.update_grid(other)
    assert np.array_equal(moved.knots[0], again.knots[0])
    assert np.array_equal(model.prune(X, 0.0, 0.0)(X), model.prune(other, 0.0, 0.0)(X))


def test_names_go_with_the_model():
    model = fitted(KAN([3, 2, 1], grid=3, seed=0), target_names=["y"])
    buffer = io.BytesIO()
    model.save(buffer)
    buffer.seek(0)
    others = [
        load_model(buffer),
        copy.deepcopy(model),
        model.copy(),
        model.refine(6),
        model.prune(node_th=0.0, edge_th=0.0),
        model.prune_edge(0.0),
        pickle.loads(pickle.dumps(model)),
    ]
    for other in others:
        assert (other.feature_names, other.target_names) == (NAMES, ["y"])
        assert np.array_equal(other.predict(frame(["c", "b", "a"])), other.predict(X))


def test_a_pruned_input_takes_its_name_along():
    model = fitted(KAN([3, 2, 1], grid=3, seed=0)).prune_input(active=[0, 2])
    assert model.feature_names == ["a", "c"]
    expected = model.predict(X)
    for names in (["c", "b", "a"], ["c", "a"]):
        assert np.array_equal(model.predict(frame(names)), expected)
    with pytest.raises(ValueError, match="not 'c'"):
        model.predict(frame(["a", "b"]))
    same = [model.copy() for _ in range(4)]
    same[0].fit({"train_input": X, "train_label": Y}, steps=2)
    same[1].fit({"train_input": X, "train_label": Y, "feature_names": NAMES}, steps=2)
    same[2].fit({"train_input": X[:, [2, 1, 0]], "train_label": Y, "feature_names": NAMES[::-1]}, steps=2)
    same[3].fit({"train_input": X[:, [0, 2]], "train_label": Y, "feature_names": NAMES}, steps=2)
    for other in same:
        assert other.feature_names == ["a", "c"]
        assert np.array_equal(other(X), same[0](X))


def test_a_second_fit_goes_by_the_names_of_the_first():
    scaler = Scaler([1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [0.0], [1.0])
    models = [fitted(KAN([3, 1], grid=3, seed=0)) for _ in range(3)]
    models[0].fit({"train_input": X, "train_label": Y, "scaler": scaler}, steps=2)
    turned = {"train_input": X[:, ::-1], "test_input": X[:5, ::-1], "test_label": Y[:5], "train_label": Y}
    back = Scaler(scaler.input_shift[::-1], scaler.input_scale[::-1], [0.0], [1.0])
    models[1].fit(turned | {"feature_names": NAMES[::-1], "scaler": back}, steps=2)
    moved = Scaler(scaler.input_shift[[1, 2, 0]], scaler.input_scale[[1, 2, 0]], [0.0], [1.0])
    models[2].fit({"train_input": frame(["b", "c", "a"]), "train_label": Y, "scaler": moved}, steps=2)
    assert np.array_equal(models[1](X), models[0](X))
    assert np.array_equal(models[1].scaler.input_shift, scaler.input_shift)
    assert np.array_equal(models[2](X), models[0](X))
    before = models[0](X)
    with pytest.raises(ValueError, match=r"not 'b'; .* set model\.feature_names first"):
        models[0].fit({"train_input": X, "train_label": Y, "feature_names": ["a", "B", "c"]})
    assert np.array_equal(models[0](X), before)
    assert models[0].feature_names == NAMES


def test_tables_train_under_their_own_names():
    dataset = {"train_input": frame(["c", "a", "b"]), "test_input": frame(NAMES)}
    dataset |= {"train_label": Frame(["y"], Y), "test_label": Frame(["z", "y"], np.c_[0 * Y, Y])}
    model = KAN([3, 1], grid=3, seed=0)
    result = model.fit(dataset, steps=3)
    assert (model.feature_names, model.target_names) == (["c", "a", "b"], ["y"])
    assert result["test_loss"] == pytest.approx(result["train_loss"])
    stage = fit_schedule([3, 1], dataset, grids=(3,), steps=3).best
    assert stage.model.feature_names == ["c", "a", "b"]


def test_a_model_without_names_takes_columns_as_they_come():
    model = KAN([3, 1], seed=0)
    model.fit({"train_input": X, "train_label": Y}, steps=2)
    assert (model.feature_names, model.target_names, model.classes) == (None, None, {})
    assert np.array_equal(model.predict(frame(["c", "b", "a"])), model.predict(X[:, ::-1]))
    model.feature_names = NAMES
    assert np.array_equal(model.predict(frame(["c", "b", "a"])), model.predict(X))
    model.feature_names = None
    assert model.feature_names is None


@pytest.mark.parametrize(
    ("names", "error", "message"),
    [
        (["a", "b"], ValueError, "has 2 names, 'a', 'b'; expected 3"),
        (["a", "b", "a"], ValueError, "has 'a' more than once"),
        ("abc", TypeError, "is 'abc'; expected a list of names"),
        (["a", "b", 3], TypeError, "has 3; expected text"),
    ],
)
def test_names_that_do_not_fit_are_refused_before_the_fit(names, error, message):
    model = KAN([3, 1], seed=0)
    before = model(X)
    with pytest.raises(error, match=message):
        model.fit({"train_input": X, "train_label": Y, "feature_names": names})
    assert np.array_equal(model(X), before)
    with pytest.raises(error, match=message):
        model.feature_names = names


def test_classes_are_read_as_they_were_for_the_training(tmp_path):
    kinds = ["x", "2", "y z", "x"] * 15
    rows = [f"{kind},{'mn'[i % 2]},{X[i, 0]},{X[i, 0] + len(kind)}" for i, kind in enumerate(kinds)]
    (tmp_path / "t.csv").write_text("kind,side,a,y\n" + "\n".join(rows) + "\n")
    dataset = load_csv(tmp_path / "t.csv", "y", classes="one-hot")
    names = ["kind=2", "kind=x", "kind=y z", "side=n", "a"]
    assert dataset["feature_names"] == names
    model = KAN([5, 1], grid=2, seed=0)
    model.fit(dataset, steps=2)
    buffer = io.BytesIO()
    model.save(buffer)
    buffer.seek(0)
    model = load_model(buffer)
    assert model.classes == {"kind": ["2", "x", "y z"], "side": ["m", "n"]}
    table = np.array([[0.5, "n", "y z"], [0.25, "m", 2], [0.0, "m", " x "]], dtype=object)
    expected = model.predict([[0, 0, 1, 1, 0.5], [1, 0, 0, 0, 0.25], [0, 1, 0, 0, 0.0]])
    assert np.array_equal(model.predict(Frame(["a", "side", "kind"], table)), expected)
    table[1, 2] = "w"
    with pytest.raises(ValueError, match=r"column 'kind', has 'w' in row 1, a class that .* one of '2', 'x'"):
        model.predict(Frame(["a", "side", "kind"], table))


@pytest.fixture
def lab(tmp_path):
    """A dataset with classes and dates among its columns, and a model of it."""
    rows = [
        f"{20 + i % 7},{['THF', 'DMF', 'water'][i % 3]},{1 + i % 28}.3.2024,{i % 7 + 2 * (i % 3)}"
        for i in range(60)
    ]
    (tmp_path / "t.csv").write_text("T,solvent,day,y\n" + "\n".join(rows) + "\n")
    dataset = load_csv(tmp_path / "t.csv", "y", classes="one-hot", dates="days")
    model = KAN([5, 1], grid=2, seed=0)
    model.fit(dataset, steps=2)
    return model


def test_rows_with_text_and_dates_are_read_by_the_columns_of_the_table(lab):
    buffer = io.BytesIO()
    lab.save(buffer)
    buffer.seek(0)
    model = load_model(buffer)
    assert model.input_columns == ["T", "solvent", "day"]
    assert model.dates == {"day": "day-month-year"}
    days = float((datetime.date(2024, 3, 5) - datetime.date(1970, 1, 1)).days)
    expected = model.predict([[21.0, 0, 1, 0, days], [25.0, 1, 0, 0, days + 0.5]])
    rows = [[21, "THF", "5.3.2024"], [25, "DMF", "2024-03-05 12:00"]]
    moment = datetime.datetime(2024, 3, 5, 12)
    records = [
        {"day": datetime.date(2024, 3, 5), "solvent": "THF", "T": 21},
        {"T": 25, "day": moment, "solvent": "DMF", "more": 0},
    ]
    records[0]["more"] = 1
    columns = {"solvent": ["THF", "DMF"], "day": np.array([days, days + 0.5]), "T": (21, 25)}
    for x in (rows, np.array(rows, dtype=object), records, columns):
        assert np.array_equal(model.predict(x), expected)
        assert np.array_equal(model(x), model(np.array([[21, 0, 1, 0, days], [25, 1, 0, 0, days + 0.5]])))
    days_only = {"T": [21.0], "solvent": ["THF"], "day": np.array(["2024-03-05"], dtype="datetime64[ns]")}
    assert np.array_equal(model.predict(days_only), expected[:1])
    assert np.array_equal(model.predict({"T": 21, "solvent": "THF", "day": "2024-03-05"}), expected[:1])


def test_a_data_frame_with_categories_and_timestamps_is_read(lab):
    pandas = pytest.importorskip("pandas")
    days = pandas.to_datetime(["2024-03-05", "2024-03-06"])
    solvents = pandas.Categorical(["THF", "water"])
    table = pandas.DataFrame({"day": days, "id": ["a", "b"], "solvent": solvents, "T": [21, 25]})
    expected = lab.predict([[21, "THF", "2024-03-05"], [25, "water", "2024-03-06"]])
    assert np.array_equal(lab.predict(table), expected)
    assert np.array_equal(lab.predict(table.astype({"T": "Int64", "day": str})), expected)
    table.loc[1, "day"] = pandas.NaT
    with pytest.raises(ValueError, match="column 'day', has a missing date"):
        lab.predict(table)


def test_a_row_far_outside_is_warned_of_by_the_name_of_its_column(lab):
    with pytest.warns(ExtrapolationWarning, match="input 'T' = 90 where training ends at 26"):
        lab.predict([[90, "THF", "5.3.2024"]])


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (
            [[30, "oil", "5.3.2024"]],
            "column 'solvent', has 'oil' in row 0.*expected one of 'DMF', 'THF'",
        ),
        ([[21, "THF", "32.3.2024"]], "column 'day', has '32.3.2024' in row 0; expected a date"),
        (
            [30, "THF", "5.3.2024"],
            r"holds text and has shape \(3,\); expected .*'T', 'solvent', 'day'.*\[\[",
        ),
        ([[21, "THF"]], r"holds text and has shape \(1, 2\); expected \(n_samples, 3\)"),
        ({"T": [1.0], "Solvent": ["THF"], "day": [1.0]}, "not 'solvent'.*Is 'Solvent' the column 'solvent'?"),
        ({"T": [1.0, 2.0], "solvent": ["THF"], "day": [1.0]}, "columns of different lengths: 'T' has 2"),
        ([{"T": 1.0, "solvent": "THF", "day": 1.0}, {"T": 1.0}], "other names in row 1"),
    ],
)
def test_rows_that_do_not_fit_are_named(lab, x, message):
    with pytest.raises(ValueError, match=message):
        lab.predict(x)


def test_a_class_that_would_be_called_as_a_column_is_refused(tmp_path):
    (tmp_path / "t.csv").write_text("c,c=x,y\n" + "".join(f"{'xyz'[i % 3]},{i},{i}\n" for i in range(30)))
    with pytest.raises(ValueError, match="2 columns would have the name 'c=x', one of them for a class"):
        load_csv(tmp_path / "t.csv", "y", classes="one-hot")


def test_what_discover_finds_knows_its_columns():
    dataset = create_dataset(lambda x: 2 * x[:, [0]], n_var=1, train_num=100, seed=0)
    found = discover(dataset | {"feature_names": ["a"]}, seconds=20)
    assert found.best.model.feature_names == ["a"]


def test_files_of_earlier_versions_have_no_names_and_damaged_names_are_refused():
    model = fitted(KAN([3, 1], seed=0))
    plain = KAN([3, 1], seed=0)
    for described, message in (
        (None, None),
        (["a"], "expected a dict"),
        ({"feature_names": ["a"]}, "has 1 names"),
        ({"feature_names": ["a", "a", "b"]}, "more than once"),
        ({"classes": {"a": 3}}, "expected a list"),
        ({"dates": ["a"]}, "expected a dict"),
        ({"dates": {"a": "day"}}, "expected one of 'year-month-day'"),
    ):
        buffer = io.BytesIO()
        (plain if described is None else model).save(buffer)
        if described is None:
            assert b"columns" not in buffer.getvalue()
        file = with_columns(buffer, described)
        if message is None:
            assert load_model(file).feature_names is None
        else:
            with pytest.raises(ValueError, match=f"damaged .*{message}"):
                load_model(file)


def with_columns(buffer, described):
    """The file with other names in its header."""
    arrays = dict(np.load(io.BytesIO(buffer.getvalue()), allow_pickle=False))
    header = json.loads(str(arrays["header"]))
    header.pop("columns", None)
    if described is not None:
        header["columns"] = described
    arrays["header"] = np.array(json.dumps(header))
    file = io.BytesIO()
    np.savez(file, **arrays)
    file.seek(0)
    assert zipfile.is_zipfile(file)
    return file


def test_what_has_names():
    assert names_in(SimpleNamespace(column_names=["a"], columns=[np.zeros(3)])) == ["a"]  # as of pyarrow
    assert names_in(Frame([("a", 1), ("a", 2)], X[:, :2])) == ["('a', 1)", "('a', 2)"]
    for nameless in (X, X.tolist(), Frame([0, 1, 2], X), SimpleNamespace(columns="abc"), None):
        assert names_in(nameless) is None


def test_many_columns_are_matched():
    names = [f"column {i}" for i in range(20_000)]
    table = Frame(names, np.zeros((1, len(names))))
    table.__class__ = type("Fast", (Frame,), {"__getitem__": lambda self, name: self.values[:, 0]})
    assert matched("x", table, names[::-1]).shape == (1, len(names))
    assert Columns.of({"feature_names": names}, len(names), 1).features[-1] == names[-1]
