"""Column names: models keep those of their training table and find the columns of other tables by them.

A table is anything with named columns: a data frame (pandas, polars), a pyarrow table, a NumPy array with
named fields, a dict of columns, or a list of dicts. Columns without names, or with the numbers 0, 1, 2, ...
as names, are used in their order.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kan_np import _validate
from kan_np._validate import FloatArray, listed, repeated
from kan_np.data.dates import ORDERS, days_of
from kan_np.data.scaler import Scaler

#: Names among which a similar spelling is searched; comparing takes about 10 microseconds for each name.
_COMPARED = 10_000


@dataclass(frozen=True)
class Columns:
    """Names of inputs and outputs; empty where they are not known.

    Attributes
    ----------
    features, targets : tuple of str
        In the order of the columns.
    classes : dict of str to tuple of str
        Classes of the columns that hold such, which became columns "name=class" of 0 and 1.
    dates : dict of str to str
        Columns of dates, which became days since 1970-01-01, and the order of day, month and year in them.
    """

    features: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    dates: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, described: Mapping[str, Any], n_in: int, n_out: int) -> Columns:
        """Read the keys feature_names, target_names, classes and dates of a dataset or a file.

        Raises
        ------
        TypeError, ValueError
            For anything but a list of different names, one for each column.
        """
        if not isinstance(described, Mapping):
            raise TypeError(f"the names of the columns are {described!r}; expected a dict.")
        classes = described.get("classes") or {}
        if not isinstance(classes, Mapping):
            raise TypeError(f"classes is {classes!r}; expected a dict from names to lists of classes.")
        return cls(
            checked_names("feature_names", described.get("feature_names"), n_in),
            checked_names("target_names", described.get("target_names"), n_out),
            {str(name): _texts(f"classes[{name!r}]", labels) for name, labels in classes.items()},
            _checked_dates(described.get("dates")),
        )

    def sources(self) -> list[str]:
        """Names of the columns of a table that the inputs come from: one for all classes of a column.

        Examples
        --------
        >>> Columns(("T", "solvent=DMF", "solvent=THF"), (), {"solvent": ("DMF", "THF")}).sources()
        ['T', 'solvent']
        """
        column_of = {f"{name}={label}": name for name, labels in self.classes.items() for label in labels}
        return list(dict.fromkeys(column_of.get(name, name) for name in self.features))

    def as_table(self, what: str, x: Any) -> Any:
        """Return rows of a list or an array as a table if there are texts or dates among them.

        Such rows have a cell for every column of the training table, with its classes as text.
        """
        if names_in(x) is not None or not (self.classes or self.dates):
            return x
        if isinstance(x, np.ndarray) and x.dtype.kind not in "OUSM":
            return x
        cells = _cells_of(x)
        if cells is None or not any(_is_no_number(cell) for cell in cells.ravel()):
            return x
        names = self.sources()
        if cells.ndim != 2 or cells.shape[1] != len(names):
            hint = " For one sample pass [[...]]." if cells.shape == (len(names),) else ""
            raise ValueError(
                f"{what} holds text and has shape {cells.shape}; expected (n_samples, {len(names)}), a "
                f"column for each of {listed(names)}.{hint}"
            )
        return dict(zip(names, cells.T, strict=True))

    def of_inputs(self, kept: NDArray[np.bool_]) -> Columns:
        """The names for a model that keeps only some of the inputs."""
        features = tuple(name for name, stays in zip(self.features, kept, strict=False) if stays)
        return replace(self, features=features)

    def class_groups(self) -> list[list[int]]:
        """Positions of the inputs "name=class" of every column that holds classes."""
        place = {name: i for i, name in enumerate(self.features)}
        groups = (
            [place[f"{name}={label}"] for label in labels if f"{name}={label}" in place]
            for name, labels in self.classes.items()
        )
        return [group for group in groups if group]

    def described(self) -> dict[str, Any]:
        """The names as a dict of lists, without empty ones, as `of` reads it."""
        plain = {"feature_names": list(self.features), "target_names": list(self.targets)}
        held = {name: list(labels) for name, labels in self.classes.items()}
        coded = {"classes": held, "dates": dict(self.dates)}
        return {key: value for key, value in {**plain, **coded}.items() if value}


def _checked_dates(dates: Any) -> dict[str, str]:
    if dates is None:
        return {}
    if not isinstance(dates, Mapping) or not all(isinstance(name, str) for name in dates):
        raise TypeError(f"dates is {dates!r}; expected a dict from names to the order of their dates.")
    return {name: _validate.choice(f"dates[{name!r}]", order, ORDERS) for name, order in dates.items()}


def checked_names(what: str, names: Any, count: int) -> tuple[str, ...]:
    """Return `names` as a tuple of `count` different texts; an empty one for None.

    Raises
    ------
    TypeError, ValueError
        For anything else.
    """
    if names is None:
        return ()
    found = _texts(what, names)
    if len(found) != count:
        raise ValueError(
            f"{what} has {len(found)} names, {listed(found)}; expected {count}, one for each column. Leave "
            f"out {what} if the columns have no names."
        )
    twice = repeated(found)
    if twice:
        raise ValueError(f"{what} has {listed(twice)} more than once; expected different names.")
    return found


def names_in(table: Any) -> list[str] | None:
    """Names of the columns of a table; None for arrays and other objects without names.

    Examples
    --------
    >>> names_in(np.zeros(3, dtype=[("a", float), ("b", float)]))
    ['a', 'b']
    >>> names_in([[1.0, 2.0]]) is None
    True
    """
    keys = _keys(table)
    return None if keys is None else [str(key) for key in keys]


def matched(
    what: str,
    table: Any,
    names: Sequence[str],
    classes: Mapping[str, Sequence[str]] | None = None,
    dates: Mapping[str, str] | None = None,
) -> FloatArray:
    """Return the named columns of a table in the order of `names`, (n_rows, n_names); others are left out.

    A column "name=class" that the table does not have is made of its column "name".

    Parameters
    ----------
    what : str
        Name of the argument, for messages.
    table : object
        With named columns; see `names_in`.
    names : sequence of str
    classes : mapping of str to sequence of str, optional
        Classes of the columns that hold classes.
    dates : mapping of str to str, optional
        The columns of dates, which become days, with the order in which texts are written.

    Raises
    ------
    ValueError
        If a column is missing or exists twice, or holds a class that is not known, or if columns have
        different lengths.

    Examples
    --------
    >>> table = np.array([(1.0, 2.0)], dtype=[("b", float), ("a", float)])
    >>> matched("x", table, ["a", "b"])
    array([[2., 1.]])
    """
    if _are_records(table):
        table = _by_columns(what, table)
    keys = _keys(table) or []
    found = [str(key) for key in keys]
    key_of = dict(zip(found, keys, strict=True))
    classes, dates = classes or {}, dates or {}
    source = {f"{name}={label}": (name, label) for name, labels in classes.items() for label in labels}
    needed = {name: source[name][0] if name not in key_of and name in source else name for name in names}
    missing = [column for column in dict.fromkeys(needed.values()) if column not in key_of]
    if missing:
        raise ValueError(_missing(what, missing, found, names))
    wanted = set(needed.values())
    twice = [name for name in repeated(found) if name in wanted]
    if twice:
        raise ValueError(f"{what} has the column {listed(twice)} more than once; expected it once.")
    parts = []
    for name in names:
        column = table[key_of[needed[name]]]
        if isinstance(table, Mapping):
            column = np.atleast_1d(np.asarray(column))
        if name in dates:
            parts.append(_days(f"{what}, column {name!r},", column, dates[name]))
        elif needed[name] == name:
            parts.append(_validate.vector(f"{what}, column {name!r},", column))
        else:
            known = list(classes[needed[name]])
            texts = _classes_of(f"{what}, column {needed[name]!r},", column, known)
            parts.append(np.array([float(text == source[name][1]) for text in texts]))
    lengths = {len(part) for part in parts}
    if len(lengths) > 1:
        told = ", ".join(f"{name!r} has {len(part)}" for name, part in zip(names, parts, strict=True))
        raise ValueError(f"{what} has columns of different lengths: {told}; expected as many rows in each.")
    return np.stack(parts, axis=1)


def without_tables(dataset: Mapping[str, Any]) -> dict[str, Any]:
    """Return a dataset with arrays in place of tables; columns are matched by the training table's names.

    The names become its feature_names and target_names if it has none.
    """
    arrays = dict(dataset)
    for side, key in (("input", "feature_names"), ("label", "target_names")):
        if arrays.get(key) is None:
            found = names_in(arrays.get(f"train_{side}"))
            if found is None:
                continue
            arrays[key] = found
        for name in (f"{split}_{side}" for split in ("train", "test", "val")):
            if names_in(arrays.get(name)) is not None:
                coded = (arrays.get("classes"), arrays.get("dates"))
                arrays[name] = matched(f"dataset[{name!r}]", arrays[name], arrays[key], *coded)
    return arrays


def in_order(dataset: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return a dataset of arrays, and its scaler, with the inputs `names` in this order.

    Raises
    ------
    ValueError
        If it lacks one of them.
    """
    given = checked_names("feature_names", dataset["feature_names"], len(dataset["feature_names"]))
    place = {name: i for i, name in enumerate(given)}
    missing = [name for name in names if name not in place]
    if missing:
        raise ValueError(
            _missing("the dataset", missing, given, names)
            + " To train on under other names, set model.feature_names first."
        )
    moved = {**dataset, "feature_names": list(names)}
    if given == tuple(names):
        return moved
    order = [place[name] for name in names]
    for key in ("train_input", "test_input", "val_input"):
        if moved.get(key) is not None:
            moved[key] = _validate.matrix(f"dataset[{key!r}]", moved[key], len(given))[:, order]
    scaler = moved.get("scaler")
    if isinstance(scaler, Scaler) and scaler.input_shift.size == len(given):
        shift, scale = scaler.input_shift[order], scaler.input_scale[order]
        moved["scaler"] = Scaler(shift, scale, scaler.label_shift, scaler.label_scale)
    return moved


def _missing(what: str, missing: Sequence[str], found: Sequence[str], names: Sequence[str]) -> str:
    near = difflib.get_close_matches(missing[0], found[:_COMPARED], n=1, cutoff=0.6)
    hint = f" Is {near[0]!r} the column {missing[0]!r}?" if near and near[0] not in names else ""
    return (
        f"{what} has the columns {listed(found)}, and not {listed(missing)}; expected {listed(names)}, the "
        "names of the training table, in any order. Rename the columns, or pass an array without names, "
        f"whose columns are matched by position.{hint}"
    )


def _keys(table: Any) -> list[Any] | None:
    """The keys by which the columns of a table are accessed; None if it has no names."""
    if _are_records(table):
        return list(table[0])
    if isinstance(table, Mapping):
        named = list(table)
        return None if not named or named == list(range(len(named))) else named
    fields = getattr(getattr(table, "dtype", None), "names", None)
    keys: Any = getattr(table, "column_names", None)  # pyarrow, whose `columns` are values
    if keys is None:
        keys = fields if isinstance(table, np.ndarray) else getattr(table, "columns", None)
    if keys is None or isinstance(keys, str) or not hasattr(keys, "__iter__"):
        return None
    keys = list(keys)
    return None if keys == list(range(len(keys))) else keys


def _are_records(table: Any) -> bool:
    """Whether a table is a list of rows that name their cells."""
    return isinstance(table, list | tuple) and bool(table) and isinstance(table[0], Mapping)


def _by_columns(what: str, records: Sequence[Any]) -> dict[Any, list[Any]]:
    """Return a list of dicts as a dict of columns."""
    keys = list(records[0])
    for i, record in enumerate(records):
        if not isinstance(record, Mapping) or set(record) != set(keys):
            names = listed(list(map(str, keys)))
            raise ValueError(f"{what} has other names in row {i} than in the first one; expected {names}.")
    return {key: [record[key] for record in records] for key in keys}


def _cells_of(x: Any) -> NDArray[Any] | None:
    """Rows as an array of objects; None for what is no array."""
    try:
        return np.asarray(x, dtype=object)
    except (ValueError, TypeError):
        return None


def _is_no_number(cell: Any) -> bool:
    return isinstance(cell, str | np.datetime64) or hasattr(cell, "isoformat")


def _days(what: str, column: ArrayLike, order: str) -> FloatArray:
    """A column of dates as days since 1970-01-01; numbers are such days already."""
    try:
        return days_of(column, order)
    except ValueError as error:
        raise ValueError(str(error).replace("values", what, 1)) from None


def _classes_of(what: str, column: ArrayLike, known: Sequence[str]) -> list[str]:
    """The cells of a column of classes, written as in the training table."""
    cells = np.asarray(column, dtype=object).ravel()
    texts = [_text(cell, known) for cell in cells]
    unknown = next((i for i, text in enumerate(texts) if text not in known), None)
    if unknown is not None:
        raise ValueError(
            f"{what} has {cells[unknown]!r} in row {unknown}, a class that the training table does not have; "
            f"expected one of {listed(known)}."
        )
    return texts


def _text(cell: Any, known: Sequence[str]) -> str:
    text = str(cell).strip()
    if text in known:
        return text
    try:
        return f"{float(cell):.17g}"  # as kan_np.data.cells writes numbers in columns of classes
    except (TypeError, ValueError):
        return text


def _texts(what: str, names: Any) -> tuple[str, ...]:
    if isinstance(names, str) or not hasattr(names, "__iter__"):
        raise TypeError(f"{what} is {names!r}; expected a list of names.")
    found = list(names)
    for name in found:
        if not isinstance(name, str):
            raise TypeError(f"{what} has {name!r}; expected text.")
    return tuple(str(name) for name in found)
