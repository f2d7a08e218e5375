"""Reading a sweep specification from TOML, from a suite and a preset, or from a CSV and a preset.

A specification in full (the presets have the same format, without the lines that say what to learn)::

    title = "Two Bessel functions"

    suite = "special"                # a built-in suite ...
    tasks = ["jv", "yv"]             # ... all of its functions when this line is left out
    # csv = "table.csv"              # or a table, its path relative to this file,
    # target = "y"                   # with the column to predict
    # features = ["a", "b"]          # from these columns; every other column when left out

    seeds = 3                        # how many, or a list such as [0, 1, 5]
    save_models = "all"              # "all" stages, the "best" stage of a run by validation error, or "none"
    max_params = 5000                # larger models are left out; no bound when this line is left out

    [data]
    n_train = 1000                   # suites only; the suite's own sizes when left out
    n_test = 1000
    # test_fraction = 0.2            # tables only: the share of rows kept for the test
    val_fraction = 0.2               # the share of the training samples that selects models
    seed = 0

    [[models]]
    family = "kan"
    hidden = ["suggested", [5], [5, 5]]   # hidden widths; "suggested" is the shape that belongs to the task
    grids = [3, 5, 10, 20]           # one chain of stages; a list of lists tries several chains
    k = 3                            # in all that follows a list is an axis: k = [2, 3] tries both
    opt = "auto"                     # "LM", "LBFGS", or "auto": LM for small models, LBFGS for large ones
    steps = 50                       # per grid; a step of LBFGS is up to twenty iterations, of LM one
    restarts = 1                     # n > 1: the best n of 8 n short starts, fewer of them on finer grids
    # init = "power"                 # "pykan", "power" or "wide"; with restarts all in turn when left out
    # smoothing = "gcv"              # weight of the penalty on rough splines: a number, "gcv" (chosen by
                                     # cross-validation), or "weak" (a small share of the loss; the default)
    # base_fun = "silu"              # "silu", "identity" or "zero"
    # grid_eps = 1.0                 # grids between quantiles of the samples (0) and equal steps (1)
    # extrapolation = "smooth"       # "smooth", "linear", "continue", "constant", "zero" or "error"

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

A table stands for the product of its axes. An unknown key, a wrong type or an empty axis is a `UserError`
that says where it is and what was expected.
"""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from sweeps.checks import Check, Expected, Table, axis, many, number_or, one_of, pick, real, text, whole
from sweeps.errors import UserError
from sweeps.records import AUTO, FORMULA
from sweeps.space import (
    FORMULA_RESTARTS,
    FORMULA_SECONDS,
    SUGGESTED,
    Axis,
    CsvSource,
    DataSpec,
    ModelTable,
    Shape,
    SuiteSource,
    SweepSpec,
)

FAMILIES = ("kan", "mlp", FORMULA)
OPTIMIZERS = ("LBFGS", "LM", AUTO)
INITS = ("pykan", "power", "wide")
SMOOTHINGS = ("gcv", "weak")
ACTIVATIONS = ("tanh", "relu", "silu")
BASE_FUNCTIONS = ("silu", "identity", "zero")
EXTRAPOLATIONS = ("smooth", "linear", "continue", "constant", "zero", "error")
SAVE_MODELS = ("all", "best", "none")
DEFAULT_GRIDS = (3, 5, 10, 20)
MAX_DEPTH = 50
MAX_SECONDS = 86400.0


def preset_names() -> list[str]:
    """Return the names of the presets that come with the package."""
    folder = resources.files("sweeps") / "presets"
    return sorted(Path(item.name).stem for item in folder.iterdir() if item.name.endswith(".toml"))


def read_spec(path: str | Path) -> SweepSpec:
    """Read the specification in a TOML file; the path of a table in it is relative to the file."""
    path = Path(path)
    values = _toml(_read_text(path), path.name)
    spec = parse_spec(values, path.name, default_title=path.stem)
    if isinstance(spec.source, CsvSource):
        spec = replace(spec, source=replace(spec.source, path=str(path.parent / spec.source.path)))
    return spec


def suite_spec(suite: str, preset: str) -> SweepSpec:
    """Return the specification of all functions of a suite with the models of a preset."""
    values = _preset(preset) | {"suite": suite, "title": f"{suite}, preset {preset}"}
    return parse_spec(values, f"preset {preset}", default_title=suite)


def csv_spec(path: str | Path, preset: str, target: str, features: tuple[str, ...] = ()) -> SweepSpec:
    """Return the specification of a table with the models of a preset."""
    path = Path(path)
    values = _preset(preset) | {"csv": str(path), "target": target}
    values["title"] = f"{target} of {path.name}, preset {preset}"
    if features:
        values["features"] = list(features)
    return parse_spec(values, f"preset {preset}", default_title=path.stem)


def parse_spec(values: Mapping[str, Any], where: str, default_title: str) -> SweepSpec:
    """Turn the plain values of a specification into a `SweepSpec`.

    Raises
    ------
    UserError
        If a key is unknown or missing, or a value is not what its key wants.
    """
    table = Table(values, where)
    title = table.take("title", text, default_title)
    source = _source(table)
    seeds = table.take("seeds", _seeds, (0,))
    save = table.take("save_models", one_of(SAVE_MODELS), "all")
    max_params = table.take("max_params", whole(1), None)
    data = _data(table.take("data", _table, {}), f"{where}, [data]", isinstance(source, CsvSource))
    tables = table.take("models", _tables, ())
    table.close()
    if not tables:
        raise table.error("no [[models]] table: give at least one, with family = 'kan', 'mlp' or 'formula'.")
    models = tuple(
        _model_table(Table(values, f"{where}, [[models]] number {number}"))
        for number, values in enumerate(tables, start=1)
    )
    return SweepSpec(title, source, models, seeds, data, save, max_params)


def _toml(content: str, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{where} is not valid TOML: {error}.") from None


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text: {error.reason} at byte {error.start}.") from None


def _preset(name: str) -> dict[str, Any]:
    pick("preset", name, preset_names())
    content = (resources.files("sweeps") / "presets" / f"{name}.toml").read_text(encoding="utf-8")
    return _toml(content, f"preset {name}")


def _source(table: Table) -> SuiteSource | CsvSource:
    if table.has("suite") == table.has("csv"):
        raise table.error("expected either suite = '...' or csv = '...' (and target), to say what to learn.")
    if table.has("suite"):
        return SuiteSource(
            table.take("suite", text, ""), table.take("tasks", many(text, "function names"), ())
        )
    if not table.has("target"):
        raise table.error("target is missing; expected target = '...', the column of the table to predict.")
    path, target = table.take("csv", text, ""), table.take("target", text, "")
    return CsvSource(path, target, table.take("features", many(text, "column names"), ()))


def _data(values: Mapping[str, Any], where: str, is_csv: bool) -> DataSpec:
    table, default = Table(values, where), DataSpec()
    seed = table.take("seed", whole(0), default.seed)
    val_fraction = table.take("val_fraction", real(0.0, 0.9), default.val_fraction)
    if is_csv:
        test_fraction = table.take("test_fraction", real(0.0, 0.9), default.test_fraction)
        spec = DataSpec(seed=seed, val_fraction=val_fraction, test_fraction=test_fraction)
    else:
        n_train = table.take("n_train", whole(2), None)
        n_test = table.take("n_test", whole(1), None)
        spec = DataSpec(n_train, n_test, seed, val_fraction)
    table.close()
    return spec


def _model_table(table: Table) -> ModelTable:
    if not table.has("family"):
        raise table.error("family is missing; expected family = 'kan', 'mlp' or 'formula'.")
    family = table.take("family", one_of(FAMILIES), "")
    hidden = () if family == FORMULA else _hidden(table, family)
    axes = {"kan": _kan_axes, "mlp": _mlp_axes, FORMULA: _formula_axes}[family](table)
    table.close()
    return ModelTable(family, hidden, tuple(axes))


def _hidden(table: Table, family: str) -> tuple[Shape | str, ...]:
    given = table.has("hidden") or table.has("width")
    if table.has("width") != table.has("depth"):
        raise table.error("width and depth go together: every width is tried with every depth.")
    hidden = table.take("hidden", _shapes(family), ())
    widths = table.take("width", axis(whole(1), "integers >= 1"), ())
    depths = table.take("depth", axis(whole(2, MAX_DEPTH), "integers >= 2"), ())
    if not given:
        raise table.error("no shapes: expected hidden = [[5], [5, 5]], or width = 5 and depth = [2, 3].")
    regular = (((width,) * (depth - 1)) for width in widths for depth in depths)
    return tuple(dict.fromkeys((*hidden, *regular)))


def _kan_axes(table: Table) -> list[Axis]:
    axes: list[Axis] = [
        ("grids", table.take("grids", _chains, (DEFAULT_GRIDS,))),
        ("k", table.take("k", axis(whole(0, 5), "integers from 0 to 5"), (3,))),
        *_training_axes(table, steps=50),
    ]
    # These enter the configuration, and with it the run id, only where they differ from KAN_DEFAULTS: a later
    # release may add others without giving old runs new ids.
    options: list[Axis] = [
        ("base_fun", table.take("base_fun", axis(one_of(BASE_FUNCTIONS), "residual functions"), ())),
        ("grid_eps", table.take("grid_eps", axis(real(0.0, 1.0), "numbers from 0 to 1"), ())),
        ("extrapolation", table.take("extrapolation", axis(one_of(EXTRAPOLATIONS), "modes"), ())),
        ("init", table.take("init", axis(one_of(INITS), "starts"), ())),
        ("smoothing", table.take("smoothing", axis(number_or(SMOOTHINGS, 0.0), "numbers or words"), ())),
    ]
    return axes + [option for option in options if option[1]]


def _mlp_axes(table: Table) -> list[Axis]:
    return [
        ("activation", table.take("activation", axis(one_of(ACTIVATIONS), "activations"), ("tanh",))),
        *_training_axes(table, steps=200),
    ]


def _formula_axes(table: Table) -> list[Axis]:
    seconds = axis(real(0.0, MAX_SECONDS), f"numbers from 0 to {MAX_SECONDS:g}")
    return [
        ("seconds", table.take("seconds", seconds, (FORMULA_SECONDS,))),
        ("restarts", table.take("restarts", axis(whole(1), "integers >= 1"), (FORMULA_RESTARTS,))),
    ]


def _training_axes(table: Table, steps: int) -> list[Axis]:
    """Return the axes that say how a model is trained: the same for every family."""
    return [
        ("opt", table.take("opt", axis(one_of(OPTIMIZERS), "optimizers"), (AUTO,))),
        ("steps", table.take("steps", axis(whole(1), "integers >= 1"), (steps,))),
        ("restarts", table.take("restarts", axis(whole(1), "integers >= 1"), (1,))),
    ]


def _seeds(value: object) -> tuple[int, ...]:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return tuple(range(value))
    try:
        return many(whole(0), "integers >= 0")(value)
    except Expected:
        raise Expected("how many seeds, an integer >= 1, or a list of integers >= 0") from None


def _shapes(family: str) -> Check[tuple[Shape | str, ...]]:
    word = f", or {SUGGESTED!r}" if family == "kan" else ""
    expected = f"a list of shapes, every shape a list of hidden widths as in [[5], [5, 5]]{word}"

    def check_one(value: object) -> Shape | str:
        if value == SUGGESTED and family == "kan":
            return SUGGESTED
        if not isinstance(value, list) or not all(_is_width(item) for item in value):
            raise Expected(expected)
        return tuple(value)

    def check(value: object) -> tuple[Shape | str, ...]:
        if not isinstance(value, list):
            value = [value]
        return many(check_one, "shapes")(value)

    return check


def _chains(value: object) -> tuple[Shape, ...]:
    expected = "a list of grid sizes that grow, such as [3, 5, 10], or a list of such lists"

    def check_one(chain: object) -> Shape:
        if not isinstance(chain, list) or not chain or not all(_is_width(grid) for grid in chain):
            raise Expected(expected)
        if any(b <= a for a, b in itertools.pairwise(chain)):
            raise Expected(expected)
        return tuple(chain)

    if isinstance(value, list) and value and isinstance(value[0], list):
        return tuple(dict.fromkeys(check_one(chain) for chain in value))
    return (check_one(value),)


def _is_width(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _table(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Expected("a table")
    return value


def _tables(value: object) -> tuple[Mapping[str, Any], ...]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise Expected("one or more [[models]] tables")
    return tuple(value)
