"""Axes of `[[models]]` tables that several families have: hidden layers, grids, rules of training."""

from __future__ import annotations

import itertools

from sweeps.checks import LARGEST, Check, Expected, TomlTable, axis, many, number_or, one_of, real, whole
from sweeps.families.family import SUGGESTED, Axis, HiddenWidths
from sweeps.families.optimizers import AUTO, NORMAL_EQUATIONS, optimizer_names

SMOOTHINGS = ("gcv", "weak")
DEFAULT_GRIDS = (3, 5, 10, 20)
MAX_DEPTH = 50


def hidden_layers(
    table: TomlTable, suggested: bool = False, products: bool = False
) -> tuple[HiddenWidths | str, ...]:
    """Return the hidden layers that a table asks for.

    `suggested` allows the word for those of the task, `products` pairs of sums and products for a layer.
    """
    given = table.has("hidden") or table.has("width")
    if table.has("width") != table.has("depth"):
        raise table.error("width and depth go together: every width is tried with every depth.")
    hidden = table.take("hidden", _shapes(suggested, products), ())
    widths = table.take("width", axis(whole(1), "integers >= 1"), ())
    depths = table.take("depth", axis(whole(2, MAX_DEPTH), "integers >= 2"), ())
    if not given:
        raise table.error("no shapes: expected hidden = [[5], [5, 5]], or width = 5 and depth = [2, 3].")
    regular = (((width,) * (depth - 1)) for width in widths for depth in depths)
    return tuple(dict.fromkeys((*hidden, *regular)))


def spline_axes(table: TomlTable) -> list[Axis]:
    """Return the axes of families of splines: chains of grids, and the order k."""
    return [
        ("grids", table.take("grids", chains, (DEFAULT_GRIDS,))),
        ("k", table.take("k", axis(whole(0, 5), "integers from 0 to 5"), (3,))),
    ]


def smoothing_axis(table: TomlTable, default: tuple[str, ...] = ()) -> Axis:
    """Return the axis of the weight of the penalty on rough splines."""
    check = axis(number_or(SMOOTHINGS, 0.0), "numbers or words")
    return "smoothing", table.take("smoothing", check, default)


def early_ends(table: TomlTable) -> list[Axis]:
    """Return what may end a chain of grids early, where a table says so."""
    ends: list[Axis] = [
        ("patience", table.take("patience", axis(whole(1), "integers >= 1"), ())),
        ("enough", table.take("enough", axis(real(0.0, 1e300), "numbers >= 0"), ())),
    ]
    return [end for end in ends if end[1]]


def training_axes(table: TomlTable, steps: int) -> list[Axis]:
    """Return the axes that say how a model is trained: the same for every family of networks."""
    return [
        ("opt", table.take("opt", _optimizers, (AUTO,))),
        ("steps", table.take("steps", axis(whole(1), "integers >= 1"), (steps,))),
        ("restarts", table.take("restarts", axis(whole(1), "integers >= 1"), (1,))),
    ]


def rounds_axis(table: TomlTable) -> list[Axis]:
    """Return on how many sets of points of an equation every size is trained, where a table says so."""
    rounds = table.take("rounds", axis(whole(1), "integers >= 1"), ())
    return [("rounds", rounds)] if rounds else []


def _optimizers(value: object) -> tuple[str, ...]:
    # Asked for as late as this, for their names come with the compiled part of kan_np.
    return axis(one_of((*optimizer_names(), NORMAL_EQUATIONS)), "optimizers")(value)


def _shapes(suggested: bool, products: bool) -> Check[tuple[HiddenWidths | str, ...]]:
    word = f", or {SUGGESTED!r}" if suggested else ""
    pair = ", a width being a number of nodes or [sums, products]" if products else ""
    expected = f"a list of shapes, every shape a list of hidden widths as in [[5], [5, 5]]{pair}{word}"

    def check_one(value: object) -> HiddenWidths | str:
        if value == SUGGESTED and suggested:
            return SUGGESTED
        if not isinstance(value, list) or not all(_is_layer(item, products) for item in value):
            raise Expected(expected)
        return tuple(item if isinstance(item, int) else tuple(item) for item in value)

    def check(value: object) -> tuple[HiddenWidths | str, ...]:
        if not isinstance(value, list):
            value = [value]
        return many(check_one, "shapes")(value)

    return check


def chains(value: object) -> tuple[HiddenWidths, ...]:
    """Check for one chain of sizes that grow, or a list of them."""
    expected = "a list of grid sizes that grow, such as [3, 5, 10], or a list of such lists"

    def check_one(chain: object) -> HiddenWidths:
        if not isinstance(chain, list) or not chain or not all(_is_width(grid) for grid in chain):
            raise Expected(expected)
        if any(b <= a for a, b in itertools.pairwise(chain)):
            raise Expected(expected)
        return tuple(chain)

    if isinstance(value, list) and value and isinstance(value[0], list):
        return tuple(dict.fromkeys(check_one(chain) for chain in value))
    return (check_one(value),)


def _is_layer(value: object, products: bool) -> bool:
    if not (products and isinstance(value, list)):
        return _is_width(value)
    is_pair = len(value) == 2 and (value[0] == 0 or _is_width(value[0]))
    return is_pair and type(value[0]) is int and _is_width(value[1])


def _is_width(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LARGEST
