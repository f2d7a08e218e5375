"""kanpiler: the network that computes a formula, as pykan's compiler makes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from kan_np import _validate
from kan_np.functions.library import SymbolLibrary, checked_library
from kan_np.model import KAN
from kan_np.network.network import Network
from kan_np.network.topology import Topology
from kan_np.surgery.compiling import PlannedLayer, planned_layers

if TYPE_CHECKING:
    import sympy


def kanpiler(
    input_variables: Sequence[sympy.Symbol],
    expr: sympy.Expr | Sequence[sympy.Expr],
    grid: int = 5,
    *,
    library: SymbolLibrary | None = None,
    **options: Any,
) -> KAN:
    """Compile a formula, or several, to a KAN that computes it to rounding.

    Sums are nodes, products are product nodes of as many factors, powers and functions of one variable are
    symbolic edges c f(a x + b) + d, and parts that occur more than once are one node. There are no other
    edges: train the constants by ``fit`` on data, or make edges splines by ``unfix_symbolic``. The order of
    the arguments is pykan's.

    Parameters
    ----------
    input_variables : sequence of sympy.Symbol
        One an input, used or not.
    expr : sympy.Expr or sequence of sympy.Expr
        One formula, or one an output.
    grid : int
        Intervals of the grids, which edges have that become splines.
    library : SymbolLibrary, optional
        Whose symbols, and their names, the edges get; that of this process if None. A function of sympy that
        it does not have becomes a symbol made of its formula.
    **options
        Those of `KAN`, such as `k`, `base_fun` and `grid_range`.

    Returns
    -------
    KAN
        Its predictions are those of the formula to rounding, where it is real and no value on the way passes
        1e100; beside poles and outside of domains symbols are guarded (`kan_np.functions.guard`).

    Raises
    ------
    ValueError, TypeError
        For inputs that are no symbols or the same, other variables in the formula, numbers that are not real,
        functions that are not known or have several variables, and options of `KAN` that make no network.

    Examples
    --------
    The formula of pykan's tutorial:

    >>> import numpy as np, sympy
    >>> from kan_np import kanpiler
    >>> a, b, c = sympy.symbols("a b c")
    >>> model = kanpiler([a, b, c], sympy.exp(-((a - b) ** 2) / (2 * c**2)) / sympy.sqrt(2 * sympy.pi * c**2))
    >>> model.predict([[1.0, 1.0, 1.0], [2.0, 1.0, 0.5]]).round(4).tolist()
    [[0.3989], [0.108]]
    >>> model.symbolic_formula(var=["a", "b", "c"])
    Formula(sqrt(2)*exp(-(a - b)**2/(2*c**2))/(2*sqrt(pi)*Abs(c)))

    Two outputs; the sum is one node of both:

    >>> model = kanpiler([a, b], [sympy.sin(a + b), sympy.cos(a + b)])
    >>> model.width, len(model.symbols)
    ([2, 1, 2], 4)
    """
    inputs, expressions = _checked(input_variables, expr)
    plan = planned_layers(expressions, inputs, checked_library(library))
    pairs = [_in_pykans_form(layer) for layer in plan]
    arities = [[], *([m for m in layer.arity if m > 1] for layer in plan)]
    model = KAN([len(inputs), *pairs], grid, mult_arity=arities, **options)
    model._network = model._start = _with_edges(model._network, plan)
    return model


def _checked(input_variables: Any, expr: Any) -> tuple[list[Any], list[Any]]:
    import sympy

    if isinstance(input_variables, sympy.Symbol):
        input_variables = [input_variables]
    if isinstance(input_variables, str) or not hasattr(input_variables, "__iter__"):
        raise TypeError(
            f"input_variables is {_validate.shown(input_variables)}; expected a list of sympy symbols."
        )
    inputs = list(input_variables)
    for name in inputs:
        if not isinstance(name, sympy.Symbol):
            raise TypeError(f"input_variables has {name!r}; expected sympy symbols: sympy.symbols('x y').")
    if not inputs or len(set(inputs)) < len(inputs):
        raise ValueError(f"input_variables is {inputs}; expected at least one symbol, each once.")
    expressions = list(expr) if isinstance(expr, list | tuple) else [expr]
    if not expressions:
        raise ValueError("expr is empty; expected a formula, or one an output.")
    for one in expressions:
        if not isinstance(one, sympy.Expr | int | float):
            raise TypeError(
                f"expr has {_validate.shown(one)}; expected sympy expressions, such as sympy.sin(x) + y."
            )
    return inputs, [sympy.sympify(one) for one in expressions]


def _in_pykans_form(layer: PlannedLayer) -> tuple[int, int]:
    products = sum(m > 1 for m in layer.arity)
    return len(layer.arity) - products, products


def _with_edges(network: Network, plan: Sequence[PlannedLayer]) -> Network:
    """The network with the edges of the plan alone."""
    layers = []
    for layer, planned in zip(network.layers, plan, strict=True):
        none = Topology.from_masks([np.zeros((layer.n_in, layer.n_subnodes), dtype=bool)])
        params = np.zeros((0, layer.spline_params.shape[1]))
        layers.append(replace(layer, topology=none, spline_params=params, symbols=planned.symbols, bases=()))
    return Network.from_layers(layers, network.ties, network.structure.frozen)
