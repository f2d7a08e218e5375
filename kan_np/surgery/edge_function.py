"""The function of one edge, taken out of a network: values, derivatives, and a network of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np.edges.composition import DERIVATIVES
from kan_np.network.edge_index import checked_edge
from kan_np.network.layer import Layer, LayerBasis
from kan_np.network.network import Network
from kan_np.network.topology import Topology
from kan_np.symbolic.compose import family_expression

if TYPE_CHECKING:
    import sympy


def edge_network(net: Network, edge: Sequence[int]) -> Network:
    """The network of one input and one output whose only edge is the edge (l, i, j) of another one."""
    number, i, j = checked_edge(net.masks, edge)
    layer, only = net.layers[number], np.ones((1, 1), dtype=bool)
    is_spline = bool(layer.spline_mask[i, j])
    topology = Topology.from_masks([only & is_spline])
    params = layer.topology.by_layer(layer.spline_params)[0][i, j][None][:is_spline]
    symbols = {(0, 0): layer.symbols[i, j]} if (i, j) in layer.symbols else {}
    bases = tuple(
        LayerBasis(
            Topology.from_masks([only]), own.basis.part([i]), own.topology.by_layer(own.coef)[0][i, j][None]
        )
        for own in layer.bases
        if own.mask[i, j]
    )
    table = layer.table.part(slice(i, i + 1))
    return Network.from_layers([Layer(topology, table, layer.base_fun, params, symbols, (1,), None, bases)])


@dataclass(frozen=True, eq=False)
class EdgeFunction:
    """phi of one edge as a function of arrays; its parameters are copies.

    Attributes
    ----------
    network : Network
        Of one input and one output.
    model : KAN
        The same as a model [1, 1], to be drawn, trained or saved. The function stays when it is trained.

    Examples
    --------
    >>> from kan_np import KAN
    >>> phi = KAN([2, 1], edges="sine", grid=2, seed=0).take_function(0, 1, 0)
    >>> phi([0.0, 0.5]).shape, phi([0.0, 0.5], nu=1).shape, phi.model.width
    ((2,), (2,), [1, 1])
    """

    network: Network
    model: Any

    def __call__(self, x: ArrayLike, nu: int = 0) -> FloatArray:
        """phi, or its nu-th derivative, at `x` of any shape.

        Parameters
        ----------
        x : array_like
        nu : {0, 1, 2, 3}

        Returns
        -------
        ndarray of the shape of `x`

        Raises
        ------
        ValueError, TypeError
            For values that are no finite numbers.
        """
        nu = _validate.integer("nu", nu, 0, 3)
        points = np.asarray(_validate.real_array("x", x), dtype=np.float64)
        if not np.isfinite(points).all():
            raise ValueError("x has NaN or infinite values; expected finite numbers.")
        value = _derivative(self.network.layers[0], np.ascontiguousarray(points.reshape(1, -1)), nu)
        return value.reshape(points.shape)

    def formula(self, x: Any = None) -> sympy.Expr | None:
        """The formula at a sympy expression, at the symbol x if None; None for B-splines, which have none."""
        import sympy

        layer, x = self.network.layers[0], sympy.Symbol("x") if x is None else x
        symbol = layer.symbols.get((0, 0))
        return family_expression(layer, 0, 0, x) if symbol is None else symbol.expression(x)


def _derivative(layer: Layer, x: FloatArray, nu: int) -> FloatArray:
    """nu-th derivative of the only edge of a layer at x (1, n)."""
    for own in layer.bases:
        with np.errstate(over="ignore", invalid="ignore"):
            return own.basis.curves(own.coef, own.topology.source, x, nu)[0]
    for symbol in layer.symbols.values():
        f = symbol.symbol.guarded(symbol.a * x[0] + symbol.b, order=nu)[nu]
        return np.asarray(symbol.c * symbol.a**nu * f + (symbol.d if nu == 0 else 0.0))
    row = layer.spline_params[0]
    value = np.zeros(x.shape[1])
    if nu <= layer.table.k:
        value += layer.table.design_matrices(x, nu)[0] @ row[layer.has_base :]
    if layer.has_base:
        value += row[0] * DERIVATIVES[layer.base_fun](x[0], nu)[nu]
    return value
