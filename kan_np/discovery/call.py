"""discover: from data to formulas in one call."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kan_np import _validate
from kan_np._time_limit import deadline
from kan_np.data.check import Dataset
from kan_np.data.columns import without_tables
from kan_np.discovery.border import checked_data, checked_names
from kan_np.discovery.candidate import Discovery
from kan_np.discovery.found_directly import compile_kernels
from kan_np.discovery.library import wide_library
from kan_np.discovery.outputs import Discoveries
from kan_np.discovery.search import searched
from kan_np.discovery.unit_check import ColumnUnits
from kan_np.functions.library import SymbolLibrary
from kan_np.training.progress import SearchCallback, Watch, progress_bar


def discover(
    dataset: Dataset,
    *,
    library: SymbolLibrary | None = None,
    lib: Sequence[str] | None = None,
    var: Sequence[Any] | None = None,
    seconds: float = 60.0,
    most_steps: int | None = None,
    restarts: int = 6,
    seed: int = 0,
    max_seconds: float | None = None,
    progress: bool = False,
    callback: SearchCallback | None = None,
    units: Mapping[str, str] | None = None,
) -> Discovery | Discoveries:
    """Find formulas for data: small shapes first, symbols on their edges, constants recognised.

    Shapes of formulas (`kan_np.discovery.trees`) are trained as networks of splines by Levenberg-Marquardt
    from several starts and refined. Where one fits well its edges become symbols one by one, the rest being
    trained again after each (`kan_np.discovery.symbolic_search`); the formula is simplified, its constants
    are recognised and fitted together. It ends when a formula is exact up to rounding; else, when all shapes
    have been tried, also with variables that enter together merged (`kan_np.discovery.merged_variables`), or
    when the time is over. Validation samples decide which shapes and symbols are kept, so that noise is no
    accuracy. The numbers of each formula that is written are fitted to all samples in the end, and its
    `val_rmse` is that of the fitted formula on the validation samples: no error on samples that it has not
    seen. A constant and a straight line are always tried; a formula has no term, factor or variable that the
    samples do not see, and is called exact only where the labels' own digits agree with it. What is found is
    the same in any units of measurement.

    Parameters
    ----------
    dataset : dict
        train_input, train_label, and val_input, val_label; a fifth of the training samples if there is no
        validation split. Test samples are not looked at. Each of several label columns is searched for
        itself, and gets an equal part of what is left of the budget.
    library : SymbolLibrary, optional
        `wide_library()` if None: `default_library()`, with what `add_symbolic` has added, and short
        compositions.
    lib : sequence of str, optional
        Names of the library to use; all if None.
    var : sequence of str or sympy.Expr, optional
        Names of the inputs, no two alike; see `kan_np.functions.names` for how they are written. If None they
        are symbols made of the dataset's ``feature_names``, "t" of "t / h" (`kan_np.column_symbols`), with a
        ``legend``; or x_1, x_2, ... without such.
    seconds : float
        Budget, in processor time of the thread, which other programs do not use up; compiling, which happens
        once on a machine, is not counted. Training ends after nine tenths of it, and after the whole no
        further formula is written once there is one; the same seed gives the same result where it is not
        reached.
    most_steps : int, optional
        Budget in steps of the optimizer, an attempt at a sum of products being one. The result is the same on
        every machine that takes them before `seconds` are over.
    restarts : int
        Starts of each shape.
    seed : int
    max_seconds : float, optional
        Limit of wall-clock time, which ends the search as `seconds` does; it begins after compiling.
    progress : bool
        Show on a terminal how much of the time is over, and the best formula so far.
    callback : callable, optional
        Takes a `kan_np.SearchProgress` after every attempt at a sum of products, every shape and every
        formula that is written; True ends the search there, with what has been found.
    units : mapping of str to str, optional
        Unit of every input and of the label, by name, as "m/s**2", "" for numbers without unit: those of
        `var`, or of the columns, or x_1, x_2, ...; of a label without a name, "y". Formulas that do not fit
        are ruled out, and the units of their constants are said (`kan_np.discovery.unit_check`). Needs pint:
        ``pip install 'kan_np[units]'``.

    Returns
    -------
    Discovery or Discoveries
        `Discoveries`, one for each label column, if there are several.

    Raises
    ------
    ValueError, TypeError
        For data that cannot be used, fewer than four samples, names that do not fit the inputs or are given
        twice, and units that are none; all before the search begins.
    ImportError
        For `units` without pint.

    Warns
    -----
    UserWarning
        For more than 8 inputs, whose products are not searched but in those that seem to matter.

    Examples
    --------
    >>> from kan_np import create_dataset
    >>> from kan_np.discovery import discover
    >>> f = lambda x: 3 * x[:, [0]] * x[:, [1]]
    >>> found = discover(create_dataset(f, n_var=2, train_num=300, seed=0), var=["u", "v"])
    >>> found.best.formula.expressions, found.best.exact
    ([3*u*v], True)
    """
    seconds = _validate.real("seconds", seconds, 0.0)
    if most_steps is not None:
        most_steps = _validate.integer("most_steps", most_steps, 1)
    restarts = _validate.integer("restarts", restarts, 1)
    seed = _validate.integer("seed", seed, 0)
    data, columns = checked_data(dataset, seed)
    n_in, n_out = data.x.shape[1], data.y.shape[1]
    checked_names(var, n_in)
    library = wide_library(library)
    if lib is not None:
        library = SymbolLibrary(library.select(lib))
    names = list(columns.targets) or (["y"] if n_out == 1 else [f"y_{j}" for j in range(1, n_out + 1)])
    numbered = [f"x_{i}" for i in range(1, n_in + 1)]
    inputs = [str(name) for name in (var if var is not None else columns.features or numbered)]
    columns_units = _units_of_outputs(units, inputs, names)
    compile_kernels()
    end, before = deadline(max_seconds), time.thread_time()
    found = []
    with progress_bar("discover", seconds, progress, "s") as show:
        watch = Watch(show, callback, seconds)
        for j, name in enumerate(names):
            over = time.thread_time() - before
            watch.begin(over, name if n_out > 1 else "")
            found.append(
                searched(
                    dataset if n_out == 1 else _of_output(dataset, j, n_out, names),
                    library,
                    var=var,
                    units=columns_units[j],
                    seconds=max(seconds - over, 0.0) / (n_out - j),
                    most_steps=None if most_steps is None else -(-most_steps // n_out),
                    restarts=restarts,
                    seed=seed,
                    end=_part_of(end, n_out - j),
                    watch=watch,
                )
            )
    return found[0] if n_out == 1 else Discoveries(tuple(found), tuple(names))


def _units_of_outputs(
    units: Mapping[str, str] | None, inputs: Sequence[str], names: Sequence[str]
) -> list[ColumnUnits | None]:
    """Those of the inputs and each output; None where none are given."""
    if units is None:
        return [None] * len(names)
    if isinstance(units, Mapping) and len(names) > 1:
        allowed = {*inputs, *names}
        unknown = {name: unit for name, unit in units.items() if name not in allowed}
        shared = {name: units[name] for name in inputs if name in units} | unknown
        return [
            ColumnUnits.of(shared | ({name: units[name]} if name in units else {}), inputs, name)
            for name in names
        ]
    return [ColumnUnits.of(units, inputs, name) for name in names]


def _of_output(dataset: Dataset, j: int, n_out: int, names: Sequence[str]) -> Dataset:
    """The dataset with label column j alone."""
    one = without_tables(dataset)
    for key in ("train_label", "val_label", "test_label"):
        if one.get(key) is not None:
            one[key] = np.asarray(one[key], dtype=np.float64).reshape(-1, n_out)[:, [j]]
    if one.get("scaler") is not None:
        one["scaler"] = one["scaler"].of_output(j)
    if one.get("target_names") is not None:
        one["target_names"] = [names[j]]
    return one


def _part_of(end: float | None, count: int) -> float | None:
    """The end of an equal part of the wall-clock time that is left."""
    return None if end is None else time.monotonic() + (end - time.monotonic()) / count
