"""Reading a sweep specification from TOML, from a suite and a preset, or from a CSV and a preset.

A specification in full (the presets have the same format, without the lines that say what to learn)::

    title = "Two Bessel functions"

    suite = "special"                # a built-in suite ("pde" has differential equations) ...
    tasks = ["jv", "yv"]             # ... all of its functions when this line is left out
    # csv = "table.csv"              # or a table, its path relative to this file,
    # target = "y"                   # with the column to predict
    # features = ["a", "b"]          # from these columns; every other column when left out
    # group = "patient"              # rows with the same value here come into the same part
    # test = "test.csv"              # a second table, relative to this file, whose rows are the test samples
    # classes = "one-hot"            # text becomes columns of 0 and 1; "refuse" when left out
    # decimal = ","                  # the decimal mark; found in the table when left out
    # missing = "drop"               # rows with missing cells are left out; "refuse" when left out
    # dates = "days"                 # dates become days since 1970-01-01; "refuse" when left out
    # task = "classification"        # or "regression"; when left out a target of text is one of classes

    seeds = 3                        # how many, or a list such as [0, 1, 5]
    save_models = "all"              # "all" stages, the "best" stage of a run by validation error, or "none"
    max_params = 5000                # larger models are left out; no bound when this line is left out

    [data]
    n_train = 1000                   # suites only; the suite's own sizes when left out
    n_test = 1000
    # test_fraction = 0.2            # tables only: the share of rows kept for the test
    # folds = 5                      # tables only: every run once with each fifth of the rows as its test
    val_fraction = 0.2               # the share of the training samples that selects models
    seed = 0                         # suites only: a list, to do every run with several sets of samples, or
                                     # of points of an equation, which has nothing else in [data]

    [[models]]
    family = "kan"
    # tasks = ["jv"]                 # which of the tasks these models are for; all when left out
    hidden = ["suggested", [5], [5, 5]]   # hidden widths; "suggested" is the shape that belongs to the task;
                                     # [[2, 3]] are one layer of 2 sums and 3 products of two sums
    grids = [3, 5, 10, 20]           # one chain of stages; a list of lists tries several chains
    k = 3                            # in all that follows a list is an axis: k = [2, 3] tries both
    opt = "auto"                     # "LM", "LBFGS", or "auto": LM for small models, LBFGS for large ones;
                                     # and SciPy's "L-BFGS-B", "BFGS", "CG", "TNC", "SLSQP", "Newton-CG",
                                     # "trust-ncg", "trf", "dogbox"
    steps = 50                       # per grid; a step is up to twenty iterations of LBFGS and of those of
                                     # SciPy that see the gradient alone, otherwise one
    restarts = 1                     # n > 1: the best n of 6 n short fits, fewer of them on finer grids
    # init = "power"                 # "pykan", "power" or "wide"; with restarts all in turn when left out
    # smoothing = "gcv"              # weight of the penalty on rough splines: a number, "gcv" (chosen by
                                     # cross-validation), or "weak" (a small share of the loss; the default)
    # edges = "bspline"              # a family of edges such as "chebyshev" or "piecewise_linear", "all" for
                                     # all of kan_np, or in an inner list one for each layer; their sizes are
                                     # the grids, or stand behind their own word, as in
    # degree = [4, 8, 16]            # for those of the edges that have a degree
    # squash = true                  # Chebyshev polynomials of tanh(x)
    # rounds = 3                     # equations only: every grid on so many sets of points in turn
    # base_fun = "silu"              # "silu", "identity" or "zero"
    # grid_eps = 1.0                 # grids between quantiles of the samples (0) and equal steps (1)
    # extrapolation = "smooth"       # "smooth", "linear", "continue", "constant", "zero" or "error"
    # patience = 1                   # end a chain after so many grids without a lower validation RMSE,
    # enough = 1e-6                  # or where the validation RMSE is not above this

    [[models]]
    family = "mlp"
    width = [5, 20]                  # shapes of equal hidden widths: every width with every depth, where
    depth = [2, 3]                   # depth counts layers: inputs-5-outputs has depth 2; joined with hidden
    activation = ["tanh", "silu"]
    opt = "auto"
    steps = 200
    restarts = 1

    [[models]]
    family = "formula"               # looks for a formula, which finds its own shape: one run a seed
    seconds = 60                     # of processor time, unless an exact formula is found before
    restarts = 6                     # starts of every shape

    [[models]]
    family = "linear"                # least squares: no hidden layer, nothing to choose

    [[models]]
    family = "additive"              # a spline of every input, summed: least squares too
    grids = [3, 5, 10, 20]
    k = 3
    smoothing = "gcv"

    # [[models]]
    # family = "classical"           # the solver that belongs to an equation; suite "pde" only

    # [[models]]
    # family = "study"               # methods of a study; suite "study" only, which has nothing in [data]
    # method = ["kan", "mlp"]        # its names are those of the study
    # quick = true                   # a smaller size of the same

    [[models]]
    family = "sklearn"               # MLPRegressor of scikit-learn
    hidden = [[20, 20], [100]]
    activation = "tanh"              # or "relu"
    solver = ["lbfgs", "adam"]
    steps = 500                      # iterations, of "adam" epochs
    alpha = 1e-4

A table stands for the product of its axes. An unknown key, a wrong type or an empty axis is a `UserError`
that says where it is and what was expected.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from sweeps.checks import LARGEST, Expected, TomlTable, axis, many, one_of, pick, real, text, whole
from sweeps.errors import UserError
from sweeps.families import KAN, MLP
from sweeps.paths import stem
from sweeps.spec.expansion import check_size
from sweeps.spec.model_tables import model_tables, named_families
from sweeps.spec.studies import study_values
from sweeps.spec.sweep_spec import (
    DAYS,
    DECIMALS,
    DROP,
    EQUATIONS,
    ONE_HOT,
    REFUSE,
    STUDIES,
    TASKS,
    CsvSource,
    DataSpec,
    EquationSource,
    Source,
    StudySource,
    SuiteSource,
    SweepSpec,
)
from sweeps.spec.table_options import TableOptions

#: Every worker makes the samples of its runs: those of a function of ten variables take 9 GB then.
MAX_SAMPLES = 100_000_000
#: The preset that is taken where none is named, and that of studies and of the paper.
DEFAULT_PRESET, FULL = "quick", "full"
SAVE_MODELS = ("all", "best", "none")


def preset_names() -> list[str]:
    """Return the names of the presets that come with the package."""
    folder = resources.files("sweeps.spec") / "presets"
    return sorted(Path(item.name).stem for item in folder.iterdir() if item.name.endswith(".toml"))


def read_spec(path: str | Path) -> SweepSpec:
    """Read the specification in a TOML file; the path of a table in it is relative to the file."""
    path = Path(path)
    values = _toml(_read_text(path), path.name)
    spec = parse_spec(values, path.name, default_title=path.stem)
    if isinstance(spec.source, CsvSource):
        test = None if spec.source.test is None else _beside(path, spec.source.test)
        source = replace(spec.source, path=_beside(path, spec.source.path), test=test)
        spec = replace(spec, source=source)
    return spec


def _beside(path: Path, named: str) -> str:
    """Return the path of a file that the one at `path` names: relative to it, or in a home directory."""
    try:
        return str(path.parent / Path(named).expanduser())
    except RuntimeError:
        raise UserError(
            f"{path.name} names {named!r}: the home directory of that user is not known. For a folder of "
            f"that name write ./{named}"
        ) from None


def suite_spec(suite: str, preset: str | None = None) -> SweepSpec:
    """Return the specification of all functions of a suite with the models of a preset.

    By default the preset is the one that has the name of the suite, otherwise "quick". A suite may have a
    version of a preset of its own, presets/SUITE/PRESET.toml.
    """
    if suite == STUDIES:
        preset = pick("a preset of suite study", preset or FULL, (DEFAULT_PRESET, FULL))
        values = study_values(quick=preset == DEFAULT_PRESET) | {"title": f"{suite}, preset {preset}"}
        return parse_spec(values, f"preset {preset}", default_title=suite)
    if preset is None:
        preset = suite if suite in preset_names() else DEFAULT_PRESET
    values = _preset(preset, suite) | {"suite": suite, "title": f"{suite}, preset {preset}"}
    return parse_spec(values, f"preset {preset}", default_title=suite)


def csv_spec(
    path: str | Path,
    preset: str,
    target: str,
    features: tuple[str, ...] = (),
    options: TableOptions | None = None,
) -> SweepSpec:
    """Return the specification of a table with the models of a preset and the baselines."""
    path, options = Path(path), options or TableOptions()
    values = _preset(preset) | {"csv": str(path), "target": target}
    data = dict(values.get("data", {}))
    if isinstance(data.get("seed"), list):  # a table has one set of samples
        data["seed"] = data["seed"][0]
    values |= options.values([*values["models"], *_small_models(preset)], data)
    values["title"] = f"{target} of {path.name}, preset {preset}"
    if features:
        values["features"] = list(features)
    return parse_spec(values, f"preset {preset}", default_title=stem(path))


def _small_models(preset: str) -> list[dict[str, Any]]:
    """Return models that a preset does not have for functions, but `kan-sweep auto` tries on a table.

    Tables have few rows: there the models of the default preset are large.
    """
    if preset != DEFAULT_PRESET:
        return []
    rules = {"opt": "auto", "steps": 30}
    kan = {"family": KAN.name, "hidden": [[1], [2], [3]], "grids": [3, 5, 10], "k": 3}
    mlp = {"family": MLP.name, "hidden": [[2], [3, 3]], "activation": "tanh"}
    return [kan | rules, mlp | rules | {"steps": 120}]


def parse_spec(values: Mapping[str, Any], where: str, default_title: str) -> SweepSpec:
    """Turn the plain values of a specification into a `SweepSpec`.

    Raises
    ------
    UserError
        If a key is unknown or missing, or a value is not what its key wants.
    """
    table = TomlTable(values, where)
    title = table.take("title", text, default_title)
    source = _source(table)
    seeds = table.take("seeds", _seeds, range(1))
    save = table.take("save_models", one_of(SAVE_MODELS), "all")
    max_params = table.take("max_params", whole(1), None)
    data = _data(table.take("data", _table, {}), f"{where}, [data]", source)
    tables = table.take("models", _tables, ())
    table.close()
    if not tables:
        raise table.error("no [[models]] table: give at least one, with family = " + named_families() + ".")
    models = tuple(
        model
        for number, values in enumerate(tables, start=1)
        for model in model_tables(TomlTable(values, f"{where}, [[models]] number {number}"))
    )
    n_tasks = 1 if isinstance(source, CsvSource) else len(source.tasks) or None
    check_size(
        models, len(seeds) * len(data.seeds), data.folds, n_tasks
    )  # before there is a number for every seed
    return SweepSpec(title, source, models, tuple(seeds), data, save, max_params)


def _toml(content: str, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(content)
    except ValueError as error:  # a mistake, or a number of thousands of digits
        raise UserError(f"{where} is not valid TOML: {str(error).partition(';')[0].rstrip('.')}.") from None
    except RecursionError:
        raise UserError(
            f"{where} has lists or tables that are nested too deeply to be read; expected shapes such as "
            "[[5], [5, 5]]."
        ) from None


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")  # some editors on Windows mark UTF-8 at its beginning
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text: {error.reason} at byte {error.start}.") from None


def _preset(name: str, suite: str = "") -> dict[str, Any]:
    of_equations = (EQUATIONS, DEFAULT_PRESET)
    if suite == EQUATIONS:
        pick(f"a preset of suite {suite}", name, of_equations)
    pick("preset", name, [own for own in preset_names() if own != EQUATIONS or suite == EQUATIONS])
    folder, file = resources.files("sweeps.spec") / "presets", f"{name}.toml"
    own = folder / suite / file
    content = (own if own.is_file() else folder / file).read_text(encoding="utf-8")
    return _toml(content, f"preset {name}")


def _source(table: TomlTable) -> Source:
    if table.has("suite") == table.has("csv"):
        raise table.error("expected either suite = '...' or csv = '...' (and target), to say what to learn.")
    if table.has("suite"):
        suite = table.take("suite", text, "")
        if suite == EQUATIONS:
            return EquationSource(table.take("tasks", many(text, "names of equations"), ()))
        if suite == STUDIES:
            return StudySource(table.take("tasks", many(text, "names of studies"), ()))
        return SuiteSource(suite, table.take("tasks", many(text, "function names"), ()))
    if not table.has("target"):
        raise table.error("target is missing; expected target = '...', the column of the table to predict.")
    return CsvSource(
        table.take("csv", text, ""),
        table.take("target", text, ""),
        table.take("features", many(text, "column names"), ()),
        table.take("group", text, None),
        table.take("test", text, None),
        table.take("classes", one_of((REFUSE, ONE_HOT)), REFUSE),
        table.take("decimal", one_of(DECIMALS), None),
        table.take("missing", one_of((REFUSE, DROP)), REFUSE),
        table.take("dates", one_of((REFUSE, DAYS)), REFUSE),
        table.take("task", one_of(TASKS), None),
    )


def _data(values: Mapping[str, Any], where: str, source: Source) -> DataSpec:
    table, default = TomlTable(values, where), DataSpec()
    if isinstance(source, StudySource):  # it makes its samples from the seed of a run
        table.close()
        return default
    seeds = table.take("seed", axis(whole(0), "integers >= 0"), default.seeds)
    if isinstance(source, EquationSource):
        table.close()
        return DataSpec(seeds=seeds)
    val_fraction = table.take("val_fraction", real(0.0, 0.9), default.val_fraction)
    if isinstance(source, CsvSource):
        given = table.has("test_fraction")
        test_fraction = table.take("test_fraction", real(0.0, 0.9), default.test_fraction)
        folds = table.take("folds", whole(2), 0)
        ways = [
            word for word, said in (("folds", folds), ("test_fraction", given), ("test", source.test)) if said
        ]
        if len(ways) > 1:
            raise table.error(f"{' and '.join(ways)} exclude each other: each says what the test rows are.")
        if len(seeds) > 1:
            raise table.error("seed is a list, and a table has one set of samples: try its rows with folds.")
        spec = DataSpec(seeds=seeds, val_fraction=val_fraction, test_fraction=test_fraction, folds=folds)
    else:
        n_train = table.take("n_train", whole(2, room=MAX_SAMPLES), None)
        n_test = table.take("n_test", whole(1, room=MAX_SAMPLES), None)
        spec = DataSpec(n_train, n_test, seeds, val_fraction)
    table.close()
    return spec


def _seeds(value: object) -> Sequence[int]:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LARGEST:
        return range(value)
    try:
        return many(whole(0), "integers >= 0")(value)
    except Expected:
        raise Expected("how many seeds, an integer >= 1, or a list of integers >= 0") from None


def _table(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Expected("a table")
    return value


def _tables(value: object) -> tuple[Mapping[str, Any], ...]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise Expected("one or more [[models]] tables")
    return tuple(value)
