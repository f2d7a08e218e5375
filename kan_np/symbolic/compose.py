"""The formula that a network is: its edges written inside each other.

Constants that are trained become Floats, those that the canonical form of a symbol holds become whole
numbers. An edge that is no symbol becomes an undefined function, phi_l_i_j for the edge from node i of layer
l to subnode j, unless the formula of its family is short or asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kan_np._validate import FloatArray
from kan_np.network.edge_index import EdgeIndex

if TYPE_CHECKING:
    import sympy

    from kan_np.edges.symbol import SymbolicEdge
    from kan_np.network.layer import Layer
    from kan_np.network.network import Network


def compose(
    network: Network, inputs: Sequence[sympy.Expr], *, written_out: bool = False
) -> tuple[list[sympy.Expr], dict[EdgeIndex, str]]:
    """Expressions of the outputs, and the names of the undefined functions in them.

    Parameters
    ----------
    network : Network
    inputs : sequence of sympy.Expr
        What stands for the inputs.
    written_out : bool
        Whether edges of all families that have a formula are written out.
    """
    nodes, names = list(inputs), dict[EdgeIndex, str]()
    for l, layer in enumerate(network.layers):  # noqa: E741
        nodes = _nodes(layer, _sums(l, layer, nodes, names, written_out))
    return nodes, names


def spline_functions(
    network: Network, names: dict[EdgeIndex, str]
) -> dict[str, Callable[[FloatArray], FloatArray]]:
    """Numbers of the undefined functions of `compose`, by name."""
    return {name: EdgeFunction(network, edge) for edge, name in names.items()}


@dataclass(frozen=True)
class EdgeFunction:
    """The function of an edge; an object, so that formulas can be sent to other processes and kept."""

    network: Network
    edge: EdgeIndex

    def __call__(self, u: FloatArray) -> FloatArray:
        """Values at arguments of any shape."""
        l, i, j = self.edge  # noqa: E741
        points = np.asarray(u, dtype=np.float64)
        rows = np.zeros((self.network.width[l], points.size))
        rows[i] = points.ravel()
        return self.network.edge_values(l, rows)[i, j].reshape(points.shape)


def _sums(
    l: int,  # noqa: E741
    layer: Layer,
    nodes: list[Any],
    names: dict[EdgeIndex, str],
    written_out: bool,
) -> list[Any]:
    import sympy

    sums: list[Any] = [sympy.Integer(0)] * layer.n_subnodes
    for i, j in np.argwhere(layer.mask).tolist():
        if (i, j) in layer.symbols:
            sums[j] += edge_expression(layer.symbols[i, j], nodes[i])
        elif (formula := family_expression(layer, i, j, nodes[i], written_out)) is not None:
            sums[j] += formula
        else:
            names[l, i, j] = f"phi_{l}_{i}_{j}"
            sums[j] += sympy.Function(names[l, i, j])(nodes[i])
    return sums


def _nodes(layer: Layer, sums: list[Any]) -> list[Any]:
    import sympy

    if layer.affine is None:
        starts = np.concatenate([[0], np.cumsum(layer.arity)]).tolist()
        return [sympy.Mul(*sums[a:b]) for a, b in zip(starts[:-1], starts[1:], strict=True)]
    affine = layer.affine
    terms = [
        sympy.Float(s, 17) * z + sympy.Float(b, 17)
        for s, b, z in zip(affine.subnode_scale, affine.subnode_bias, sums, strict=True)
    ]
    return [
        sympy.Float(s, 17) * sympy.Mul(*[terms[j] for j in np.flatnonzero(layer.owner == node)])
        + sympy.Float(b, 17)
        for node, (s, b) in enumerate(zip(affine.node_scale, affine.node_bias, strict=True))
    ]


def edge_expression(edge: SymbolicEdge, x: sympy.Expr) -> sympy.Expr:
    """c f(a x + b) + d with Floats for the constants that are trained."""
    import sympy

    a, b, c, d = (
        sympy.Float(value, 17) if q in edge.free else _held(value) for q, value in enumerate(edge.constants)
    )
    return c * edge.symbol.sympy(a * x + b) + d


def family_expression(layer: Layer, i: int, j: int, x: sympy.Expr, written_out: bool = True) -> Any:
    """The formula of an edge of another family than B-splines; None without one, or if it is not wanted."""
    for own in layer.bases:
        if own.mask[i, j] and (written_out or own.basis.is_short):
            return own.basis.expression(own.topology.by_layer(own.coef)[0][i, j], i, x)
    return None


def _held(value: float) -> Any:
    import sympy

    whole = math.isfinite(value) and value.is_integer() and abs(value) < 1e15
    return sympy.Integer(int(value)) if whole else sympy.Float(value, 17)
