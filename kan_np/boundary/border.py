"""What `discover_boundary` is given, checked before anything is trained."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np._warnings import KanWarning
from kan_np.boundary.rows import Rows
from kan_np.data.check import Dataset, check_dataset
from kan_np.data.columns import Columns, without_tables
from kan_np.data.dataset import split_validation
from kan_np.discovery.call import discover
from kan_np.discovery.library import wide_library
from kan_np.functions.library import SymbolLibrary
from kan_np.model import KAN
from kan_np.objective.losses import CrossEntropy

#: Options of `discover` that are settled here: names are those of the columns, and points of a boundary have
#: no units of their own.
_SETTLED = ("dataset", "var", "units", "seconds", "seed")
#: Rows of the smaller class below which formulas are right by chance.
_FEW = 20


def checked_rows(dataset: Dataset, groups: ArrayLike | None, seed: int) -> tuple[Rows, Rows, list[str]]:
    """Training and validation rows, and the names of the columns."""
    if not isinstance(dataset, dict):
        raise TypeError(
            f"dataset is a {type(dataset).__name__}; expected a dict with train_input, train_label."
        )
    plain = without_tables(dataset)
    shape = np.shape(plain.get("train_input"))  # type: ignore[arg-type]
    n_in = shape[1] if len(shape) == 2 else 1
    own = None if groups is None else np.asarray(groups).reshape(-1)
    n_rows = shape[0] if shape else 0
    if own is not None and len(own) != n_rows:
        raise ValueError(f"groups has {len(own)} entries; expected {n_rows}, one for every training row.")
    label = plain.get("train_label")
    if label is not None and np.size(label) and (np.asarray(label) == np.ravel(label)[0]).all():
        raise ValueError("train_label is the same in every row; expected two classes, 0 and 1.")
    given_val = plain.get("val_input") is not None
    if not given_val and own is None:
        plain = split_validation(plain, 0.2, seed)
    checked = check_dataset(plain, n_in, 1)
    for name in ("train_label", "val_label"):
        if checked.get(name) is not None:
            checked[name] = _labels(name, checked[name])
    if np.ptp(checked["train_label"]) == 0.0:
        raise ValueError(
            f"of {n_rows} rows those left for training are of one class; expected several rows of each. Give "
            "more rows, or val_input and val_label."
        )
    names = list(Columns.of(plain, n_in, 1).features) or [f"x_{i}" for i in range(1, n_in + 1)]
    train = Rows.of(checked["train_input"], checked["train_label"][:, 0] > 0.5, own)
    if not given_val and own is not None:
        return *train.held_out(seed), names
    return train, Rows.of(checked["val_input"], checked["val_label"][:, 0] > 0.5), names


def _labels(name: str, label: FloatArray) -> FloatArray:
    found = CrossEntropy().labels(name, label, 1)
    if not np.isin(found, (0.0, 1.0)).all():
        raise ValueError(f"{name} has other values than 0 and 1; expected one of two classes in every row.")
    return found


def warn_of_few(train: Rows, held: Rows) -> None:
    """Warn where a formula that is right in all rows may be so by chance."""
    second = int(train.second.sum()) + int(held.second.sum())
    least = min(second, len(train.x) + len(held.x) - second)
    if least < _FEW:
        warnings.warn(
            f"the smaller class has {least} rows. Many of the formulas that are tried tell so few from the "
            "others by chance: look at the accuracy on rows that were not given.",
            KanWarning,
            stacklevel=3,
        )


def checked_columns(columns: Sequence[str] | None, names: Sequence[str], x: FloatArray) -> list[int]:
    """Numbers of the columns that v may be: those that vary in x."""
    varying = np.ptp(x, axis=0) > 0.0
    if columns is None:
        return np.flatnonzero(varying).tolist()
    if isinstance(columns, str):
        raise TypeError(f"columns is the str {columns!r}; expected several names, such as [{columns!r}].")
    chosen = [list(names).index(_validate.choice("columns", name, names)) for name in columns]
    if not chosen:
        raise ValueError("columns is empty; expected names of columns, or None for all.")
    if len(set(chosen)) < len(chosen):
        raise ValueError(f"columns is {list(columns)}, with a name twice; expected each column once.")
    for k in chosen:
        if not varying[k]:
            raise ValueError(
                f"column {names[k]!r} is the same in all training rows; expected one that varies, for no "
                "boundary is seen along another. Leave it out of columns."
            )
    return chosen


def checked_model(model: KAN | None, n_in: int) -> None:
    """Raise if a model is none that can be a classifier of these columns."""
    if model is None:
        return
    if not isinstance(model, KAN):
        raise TypeError(f"model is a {type(model).__name__}; expected a KAN with one output, a logit.")
    if model.width[0] != n_in or model.width[-1] != 1:
        raise ValueError(f"model has the shape {model.width}; expected {n_in} inputs and one output.")


def checked_options(options: Mapping[str, Any]) -> SymbolLibrary:
    """The functions that formulas may have; raises for what is no option of a search for formulas."""
    known = [name for name in inspect.signature(discover).parameters if name not in _SETTLED]
    for name in options:
        if name not in known:
            raise TypeError(f"{name!r} is no option here; expected one of {', '.join(known)}, of discover.")
    for name in ("most_steps", "restarts"):
        if options.get(name) is not None:
            _validate.integer(name, options[name], 1)
    library = wide_library(options.get("library"))
    return library if options.get("lib") is None else SymbolLibrary(library.select(options["lib"]))
