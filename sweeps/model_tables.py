"""The `[[models]]` tables of a specification: what every family may say, and what it says by default."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from sweeps.checks import LARGEST, Check, Expected, Table, axis, many, number_or, one_of, real, whole
from sweeps.records import ADDITIVE, AUTO, BASELINES, FORMULA, GRADIENT_OPTIMIZERS, LINEAR, SKLEARN
from sweeps.space import (
    FORMULA_RESTARTS,
    FORMULA_SECONDS,
    NO_HIDDEN,
    SUGGESTED,
    Axis,
    ModelTable,
    Shape,
)
from sweeps.training.baselines import (
    LEAST_SQUARES_STEPS,
    SKLEARN_ACTIVATIONS,
    SKLEARN_SOLVERS,
    sklearn_axes_defaults,
)

FAMILIES = ("kan", "mlp", FORMULA, *BASELINES)
#: Those of kan_np, which is not imported for their names: a test holds the two together.
OPTIMIZERS = ("LBFGS", "LM", *GRADIENT_OPTIMIZERS, "Newton-CG", "trust-ncg", "trf", "dogbox", AUTO)
INITS = ("pykan", "power", "wide")
SMOOTHINGS = ("gcv", "weak")
ACTIVATIONS = ("tanh", "relu", "silu")
BASE_FUNCTIONS = ("silu", "identity", "zero")
EXTRAPOLATIONS = ("smooth", "linear", "continue", "constant", "zero", "error")
DEFAULT_GRIDS = (3, 5, 10, 20)
MAX_DEPTH = 50
MAX_SECONDS = 86400.0


def model_table(table: Table) -> ModelTable:
    """Return what one `[[models]]` table says; raise a UserError if it cannot be used."""
    if not table.has("family"):
        raise table.error("family is missing; expected family = 'kan', 'mlp' or 'formula'.")
    family = table.take("family", one_of(FAMILIES), "")
    hidden = _NO_SHAPES[family] if family in _NO_SHAPES else _hidden(table, family)
    axes = _AXES[family](table)
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
        ("smoothing", table.take("smoothing", _smoothings(), ())),
    ]
    return axes + [option for option in options if option[1]] + _ends(table)


def _ends(table: Table) -> list[Axis]:
    """Return what may end a chain of grids early, where a table says so."""
    ends: list[Axis] = [
        ("patience", table.take("patience", axis(whole(1), "integers >= 1"), ())),
        ("enough", table.take("enough", axis(real(0.0, 1e300), "numbers >= 0"), ())),
    ]
    return [end for end in ends if end[1]]


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


def _linear_axes(table: Table) -> list[Axis]:
    return []


def _additive_axes(table: Table) -> list[Axis]:
    return [
        ("grids", table.take("grids", _chains, (DEFAULT_GRIDS,))),
        ("k", table.take("k", axis(whole(0, 5), "integers from 0 to 5"), (3,))),
        ("smoothing", table.take("smoothing", _smoothings(), ("gcv",))),
        ("steps", table.take("steps", axis(whole(1), "integers >= 1"), (LEAST_SQUARES_STEPS,))),
        *_ends(table),
    ]


def _sklearn_axes(table: Table) -> list[Axis]:
    default = sklearn_axes_defaults()
    checks: dict[str, Check[tuple[Any, ...]]] = {
        "activation": axis(one_of(SKLEARN_ACTIVATIONS), "activations"),
        "solver": axis(one_of(SKLEARN_SOLVERS), "solvers"),
        "steps": axis(whole(1), "integers >= 1"),
        "alpha": axis(real(0.0, 1e6), "numbers from 0"),
    }
    return [(name, table.take(name, check, (default[name],))) for name, check in checks.items()]


_NO_SHAPES: dict[str, tuple[Shape, ...]] = {FORMULA: (), LINEAR: NO_HIDDEN, ADDITIVE: NO_HIDDEN}
_AXES: dict[str, Callable[[Table], list[Axis]]] = {
    "kan": _kan_axes,
    "mlp": _mlp_axes,
    FORMULA: _formula_axes,
    LINEAR: _linear_axes,
    ADDITIVE: _additive_axes,
    SKLEARN: _sklearn_axes,
}


def _smoothings() -> Check[tuple[float | str, ...]]:
    return axis(number_or(SMOOTHINGS, 0.0), "numbers or words")


def _training_axes(table: Table, steps: int) -> list[Axis]:
    """Return the axes that say how a model is trained: the same for every family."""
    return [
        ("opt", table.take("opt", axis(one_of(OPTIMIZERS), "optimizers"), (AUTO,))),
        ("steps", table.take("steps", axis(whole(1), "integers >= 1"), (steps,))),
        ("restarts", table.take("restarts", axis(whole(1), "integers >= 1"), (1,))),
    ]


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
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LARGEST
