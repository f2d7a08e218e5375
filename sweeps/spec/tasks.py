"""The tasks of a sweep and their data: functions of suites and tables of users.

Data is made in the process that trains, from the configuration alone: nothing but configurations travels to
workers. The path of a table travels beside the configuration, which holds the hash of its content.
"""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import kan_np
from sweeps.checks import pick
from sweeps.errors import UserError
from sweeps.families import family_of
from sweeps.paths import stem
from sweeps.records import canonical_json, text_id
from sweeps.spec.data_summary import described_table
from sweeps.spec.data_warnings import table_notes
from sweeps.spec.equations import DESCRIPTION, describe_equations, equation_names
from sweeps.spec.expansion import left_out
from sweeps.spec.run_config import CONFIG_FORMAT
from sweeps.spec.studies import STUDIES_DESCRIPTION, describe_studies, study_names
from sweeps.spec.sweep_spec import (
    CLASSIFICATION,
    EQUATIONS,
    ONE_HOT,
    REFUSE,
    STUDIES,
    CsvSource,
    EquationSource,
    StudySource,
    SuiteSource,
    SweepSpec,
    TaskInfo,
)
from sweeps.spec.table_options import NO_SKLEARN
from sweeps.spec.table_rows import (
    TOGETHER,
    Dataset,
    classifies,
    columns_of,
    csv_dataset,
    file_sha256,
    load_split,
    n_outputs,
)

VERSION: str = kan_np.__version__
CSV_PREFIX = "csv/"
#: How much a process keeps of past datasets. Runs come in the order of their cost, which mixes the tasks: all
#: functions of a suite should find room.
_CACHE_BYTES = 32 * 2**20
_cache: OrderedDict[str, Dataset] = OrderedDict()


def suite_overview() -> dict[str, tuple[str, list[str]]]:
    """Return for every built-in suite its description and the names of its functions."""
    suites = {name: kan_np.get_suite(name) for name in kan_np.list_suites()}
    found = {name: (suite.description, [f.name for f in suite.functions]) for name, suite in suites.items()}
    equations, studies = (DESCRIPTION, equation_names()), (STUDIES_DESCRIPTION, study_names())
    return found | {EQUATIONS: equations, STUDIES: studies}


def describe(spec: SweepSpec) -> dict[str, TaskInfo]:
    """Return the tasks of a specification, by name, in their order.

    Their descriptions count the samples after the split (n_train, n_val, n_test); those of a table have
    "notes" where there is something to know about it, see `sweeps.spec.data_warnings`.

    Raises
    ------
    UserError
        If the suite or a function is unknown, the table cannot be used, or too few samples are left to train.
    """
    source = spec.source
    if isinstance(source, EquationSource):
        infos, names = describe_equations(spec, source), equation_names()
    elif isinstance(source, StudySource):
        infos, names = describe_studies(spec, source), study_names()
    else:
        for table in spec.models:
            if reason := family_of(table.family).misplaced(table.axes, of_equations=False):
                raise UserError(reason)
            if not family_of(table.family).fits_samples:
                studies = family_of(table.family).measures_studies
                what, suite = ("studies", STUDIES) if studies else ("equations", EQUATIONS)
                raise UserError(
                    f"a table of models has the family {table.family!r}, which is for {what}; leave it "
                    f"out, or take suite = {suite!r}."
                )
        if isinstance(source, CsvSource):
            infos = [_describe_csv(spec, source)]
            names = [stem(source.path)]
        else:
            infos = _describe_suite(spec, source)
            names = [function.name for function in kan_np.get_suite(source.suite).functions]
    for name in dict.fromkeys(name for table in spec.models for name in table.tasks):
        pick("a task of a table of models", name, names)
    return {info.name: info for info in infos}


def descriptions(spec: SweepSpec, infos: Mapping[str, TaskInfo]) -> dict[str, dict[str, Any]]:
    """Return what the report says of every task; "left_out" are sentences on what `max_params` leaves out."""
    left = left_out(spec, infos)
    return {name: {**info.description, "left_out": left[name]} for name, info in infos.items()}


def plan_of(spec: SweepSpec, infos: Mapping[str, TaskInfo]) -> str:
    """Return what stands for all that the runs of a specification follow from, this version among it."""
    shapes = [[info.name, info.shape, dict(info.data)] for info in infos.values()]
    return text_id(canonical_json([kan_np.__version__, CONFIG_FORMAT, spec.to_dict(), shapes]))


def load_dataset(
    config: Mapping[str, Any], csv_path: str | None = None, test_path: str | None = None
) -> Dataset:
    """Return the dataset of a run: training, validation and test samples.

    Networks see the inputs of a suite in [-1, 1]. A formula is looked for in the function's own variables,
    on the same samples. Columns of a table are standardised, and its dataset has the `kan_np.Scaler` that
    leads back: errors are told in standard deviations of the target, and formulas are translated. The last
    datasets are kept, for many runs have the same one; treat them as read-only.

    Parameters
    ----------
    config : mapping
        The configuration of a run; its "task", "data", "fold" and "family" are used.
    csv_path, test_path : str, optional
        Where the table is, for tasks "csv/...", and that of the test rows if they have one of their own.

    Raises
    ------
    ValueError
        If the table is not the one that the configuration was made for, or too few samples are left.
    """
    fold, is_formula = config.get("fold", 0), _searches_formulas(config)
    key = canonical_json([config["task"], config["data"], fold, is_formula])
    if key in _cache:
        _cache.move_to_end(key)
        return _cache[key]
    is_table = config["task"].startswith(CSV_PREFIX)
    dataset = csv_dataset(config, csv_path, test_path) if is_table else _suite_dataset(config)
    _cache[key] = dataset
    while len(_cache) > 1 and sum(map(_n_bytes, _cache.values())) > _CACHE_BYTES:
        _cache.popitem(last=False)
    return dataset


def _n_bytes(dataset: Dataset) -> int:
    return sum(array.nbytes for array in dataset.values() if isinstance(array, np.ndarray))


def _describe_suite(spec: SweepSpec, source: SuiteSource) -> list[TaskInfo]:
    name = pick("suite", source.suite, kan_np.list_suites())
    suite = kan_np.get_suite(name)
    functions = {function.name: function for function in suite.functions}
    chosen = [pick(f"a task of suite {name}", task, functions) for task in source.functions or functions]
    infos = []
    for function in (functions[task] for task in chosen):
        data = {
            "n_train": spec.data.n_train or function.n_train,
            "n_test": spec.data.n_test or function.n_test,
        }
        description = {
            "suite": name,
            "name": function.name,
            "formula": function.formula,
            "variables": list(function.variables),
            "ranges": [[float(low), float(high)] for low, high in function.ranges],
            "shape": list(function.shape),
            "paper_kan_rmse": function.paper_kan_rmse,
            "paper_mlp_rmse": function.paper_mlp_rmse,
        }
        if function.noise:
            description["noise"] = function.noise
        if len(spec.data.seeds) > 1:
            description["data_seeds"] = list(spec.data.seeds)
        description |= _counts(data["n_train"], data["n_test"], spec.data.val_fraction)
        shape = tuple(int(n) for n in function.shape)
        infos.append(TaskInfo(f"{name}/{function.name}", shape, data, description))
    return infos


def _counts(n_train: int, n_test: int, val_fraction: float) -> dict[str, int]:
    """Return how many samples each part has after the validation samples are taken from the training ones."""
    if val_fraction == 0.0:
        return {"n_train": n_train, "n_test": n_test}
    # As `kan_np.split_validation` rounds; of millions of rows there is no need to make the split.
    n_val = max(1, round(val_fraction * n_train))
    if n_val >= n_train:
        rows = np.zeros((n_train, 1))
        try:
            kan_np.split_validation({"train_input": rows, "train_label": rows}, val_fraction)
        except ValueError as error:
            raise UserError(f"n_train = {n_train} with val_fraction = {val_fraction:g}: {error}") from None
    return {"n_train": n_train - n_val, "n_val": n_val, "n_test": n_test}


def _suite_dataset(config: Mapping[str, Any]) -> Dataset:
    suite, _, name = config["task"].partition("/")
    data = config["data"]
    function = kan_np.get_suite(suite)[name]
    dataset = function.dataset(n_train=data["n_train"], n_test=data["n_test"], seed=data["seed"])
    if _searches_formulas(config):
        dataset |= _in_own_variables(dataset, function.ranges)
    if data["val_fraction"] == 0.0:
        return dataset
    return kan_np.split_validation(dataset, data["val_fraction"], seed=data["seed"])


def _searches_formulas(config: Mapping[str, Any]) -> bool:
    return family_of(str(config.get("family"))).searches_formulas


def _in_own_variables(
    dataset: Dataset, ranges: Sequence[tuple[float, float]]
) -> dict[str, np.ndarray[Any, np.dtype[np.float64]]]:
    """Return the inputs in [-1, 1] as they were before they were brought there, to the last bit."""
    low, high = np.array(ranges, dtype=np.float64).T
    parts = ("train_input", "test_input")
    return {part: low + (high - low) * ((dataset[part] + 1.0) / 2.0) for part in parts}


def _describe_csv(spec: SweepSpec, source: CsvSource) -> TaskInfo:
    data: dict[str, Any] = {"target": source.target, "features": list(source.features)}
    if source.group is not None:
        data["group"] = source.group
    if source.classes != REFUSE:
        data["classes"] = source.classes
    if source.decimal is not None:
        data["decimal"] = source.decimal
    data |= {
        name: value
        for name, value in (("missing", source.missing), ("dates", source.dates))
        if value != REFUSE
    }
    if source.task == CLASSIFICATION:
        data["task"] = CLASSIFICATION
    try:
        data["sha256"] = file_sha256(source.path)
        if spec.data.folds:
            data["folds"] = spec.data.folds
        elif source.test is not None:
            data["test_sha256"] = file_sha256(source.test)
        elif spec.data.test_fraction == 0.0:
            raise UserError("test_fraction is 0; expected a share of the rows that test the models, above 0.")
        else:
            data["test_fraction"] = spec.data.test_fraction
        split = {"seed": spec.data.seed, "val_fraction": spec.data.val_fraction}
        dataset = _first_dataset(source, data, {"duplicates": TOGETHER} | split)
        if "duplicates" in dataset:
            data["duplicates"] = dataset["duplicates"]
        _leave_out_what_is_found(source, data, split, dataset)
    except OSError as error:
        raise UserError(f"cannot read the table {error.filename}: {error.strerror}.") from None
    except ValueError as error:
        raise UserError(str(error)) from None
    data["features"] = columns_of(dataset)
    features = [str(name) for name in dataset["feature_names"]]
    parts = [part for part in ("train", "val", "test") if f"{part}_input" in dataset]
    counts = {f"n_{part}": len(dataset[f"{part}_input"]) for part in parts}
    n_in, n_out = dataset["train_input"].shape[1], n_outputs(dataset)
    _check_families(spec, source.target, n_out, classifies({"data": data}))
    # 2 n + 1 hidden nodes are what the Kolmogorov-Arnold theorem asks for; beyond ten, data sets of ordinary
    # size do not carry them.
    shape = (n_in, min(2 * n_in + 1, 10), n_out)
    name = stem(source.path)
    description: dict[str, Any] = {
        "suite": "csv",
        "name": name,
        "formula": f"{source.target} of {Path(source.path).name}",
        "variables": features,
        "shape": list(shape),
        "target": source.target,
        "table": described_table(dataset["table"]),
    }
    if classifies({"data": data}):
        description |= {"task": CLASSIFICATION, "class_names": list(dataset["classes"][source.target])}
    elif n_out == 1:
        description["target_scale"] = _target_scales(spec, source, data | split, dataset)
    notes = [
        *dataset.get("notes", ()),
        *table_notes(dataset, source.target, spec.data.folds, source.test),
    ]
    if notes:
        description["notes"] = notes
    symbols = {symbol: name for name, symbol in kan_np.column_symbols(features).items() if symbol != name}
    if symbols:
        description["symbols"] = symbols
    if source.group is not None:
        description["group"] = source.group
    if spec.data.folds:
        description["folds"] = spec.data.folds
    return TaskInfo(CSV_PREFIX + name, shape, data, description | counts)


def _first_dataset(source: CsvSource, data: dict[str, Any], others: dict[str, Any]) -> Dataset:
    """Return the dataset of the first fold; note in `data` if the target is one of classes.

    That is what a target of text is unless the user says otherwise; text among the inputs is another matter.
    """
    try:
        dataset = load_split(source.path, source.test, others | data, 0)
    except ValueError:
        if source.task is not None or source.classes != REFUSE:
            raise
        try:
            coded = load_split(source.path, source.test, others | data | {"classes": ONE_HOT}, 0)
        except ValueError:
            coded = {}
        if source.target not in coded.get("classes", {}):
            raise
        data["task"] = CLASSIFICATION
        dataset = load_split(source.path, source.test, others | data, 0)
    else:
        if source.task is None and source.target in dataset.get("classes", {}):
            data["task"] = CLASSIFICATION
            dataset = load_split(source.path, source.test, others | data, 0)
    if classifies({"data": data}) and source.classes == REFUSE:
        # What classes there are among the inputs is refused in the same words as ever.
        features = columns_of(dataset)
        options: dict[str, Any] = {"decimal": source.decimal, "missing": "drop", "dates": source.dates}
        kan_np.load_csv(source.path, None, features=features, **options)
    return dataset


def _check_families(spec: SweepSpec, target: str, n_out: int, of_classes: bool) -> None:
    """Raise UserError if a family of models is not for this target."""
    names = {table.family for table in spec.models}
    if (n_out > 1 or of_classes) and any(family_of(name).searches_formulas for name in names):
        what = f"{n_out} classes" if n_out > 1 else "classes"
        raise UserError(
            f"the target {target!r} has {what}, and formulas are looked for of one number "
            "only. Leave --formula, or the table of family 'formula', out."
        )
    if of_classes and not all(family_of(name).can_classify for name in names):
        raise UserError(NO_SKLEARN)


def _target_scales(
    spec: SweepSpec, source: CsvSource, data: Mapping[str, Any], first: Dataset
) -> list[float]:
    """Return the standard deviation of the target in the training rows of every fold, or of the one split."""
    others = (load_split(source.path, source.test, data, fold) for fold in range(1, spec.data.folds))
    return [float(dataset["scaler"].label_scale[0]) for dataset in (first, *others)]


def _leave_out_what_is_found(
    source: CsvSource, data: dict[str, Any], split: dict[str, Any], dataset: Dataset
) -> None:
    """Take out of `data` what does not change how the table is read: a decimal mark, dates, missing cells.

    The runs are the same then, and have the same ids, whether the user says what can be found or not.
    """
    parts = [f"{part}_{side}" for part in ("train", "val", "test") for side in ("input", "label")]
    for name in ("decimal", "missing", "dates"):
        if name not in data:
            continue
        found = {key: value for key, value in data.items() if key != name}
        with contextlib.suppress(ValueError):
            other = load_split(source.path, source.test, found | split, 0)
            if all(np.array_equal(dataset[part], other[part]) for part in parts if part in dataset):
                del data[name]
