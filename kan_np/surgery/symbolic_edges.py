"""Edges that become symbols c f(a x + b) + d, or splines again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from kan_np._validate import FloatArray
from kan_np.edges.knots import uniform_knots
from kan_np.edges.symbol import CONSTANTS, SymbolicEdge
from kan_np.functions.symbol import Symbol
from kan_np.network.edge_index import EdgeIndex
from kan_np.network.network import Network
from kan_np.surgery.tied_edges import tied_with, with_shared_grids
from kan_np.symbolic.fit_symbol import SymbolFit, fit_symbol

#: Samples over the grid of an edge.
_SAMPLES = 1000
_UNIT = {"a": 1.0, "b": 0.0, "c": 1.0, "d": 0.0}


@dataclass(frozen=True)
class FixedEdge:
    """A network in which an edge has become a symbol.

    Attributes
    ----------
    network : Network
    fit : SymbolFit
        The constants, and how well they fit the edge as it was.
    """

    network: Network
    fit: SymbolFit


def fix_symbolic(
    net: Network,
    edge: EdgeIndex,
    symbol: Symbol,
    x: FloatArray | None = None,
    constants: Mapping[str, float] | None = None,
) -> FixedEdge:
    """Make an edge, and those that are locked with it, a symbol.

    Its constants are fitted to the edge as it is where samples x, (n_samples, n_in), reach it, or over its
    grid without such; or they are those of `constants`, with a = c = 1 and b = d = 0 where one is left out.
    """
    points, values = _curve(net, edge, x)
    if constants is None:
        _refuse_infinite(edge, points, values)
        fit = fit_symbol(points, values, symbol)
    else:
        fit = _as_given(symbol, {**_UNIT, **constants}, points, values)
    carried = SymbolicEdge(symbol, fit.a, fit.b, fit.c, fit.d)
    return FixedEdge(net.with_symbols(dict.fromkeys(tied_with(net, edge), carried)), fit)


def unfix_symbolic(net: Network, edge: EdgeIndex) -> Network:
    """Make a symbol the spline that is nearest to it on its grid, by least squares.

    Edges that are locked with it become the same spline, on a common grid.
    """
    if edge not in net.structure.symbols:
        raise ValueError(f"edge {edge} is a spline; expected one of model.symbols: {list(net.symbols)}.")
    layer, group, carried = edge[0], tied_with(net, edge), net.symbols[edge]
    net = net.with_symbols(dict.fromkeys(group))
    net = with_shared_grids(net, layer, net.shared_grids(layer))
    coef, weight = net.coef, net.scale_base
    nearest = _nearest_spline(carried, net, edge)
    for _, i, j in group:
        coef[layer][i, j] = nearest
    return net.with_splines(coef, weight)


def _curve(net: Network, index: EdgeIndex, x: FloatArray | None) -> tuple[FloatArray, FloatArray]:
    """Points on the axis of an edge, where samples reach it or evenly over its grid, and its values there."""
    layer, i, j = index
    if x is None:
        knots = net.knots[layer]
        rows = uniform_knots(knots[:, 0], knots[:, -1], _SAMPLES - 1)
    else:
        net.check_inputs(x)
        first = sum(net.width[:layer])
        rows = net.node_values(x)[first : first + net.width[layer]]
    return rows[i], net.edge_values(layer, rows)[i, j]


def _refuse_infinite(index: EdgeIndex, points: FloatArray, values: FloatArray) -> None:
    if not np.isfinite(points).all() or not np.isfinite(values).all():
        raise ValueError(
            f"edge {index} has values that are not finite on these samples, so nothing can be fitted to it; "
            "expected samples on which model(x) is finite."
        )


def _as_given(symbol: Symbol, constants: dict[str, float], x: FloatArray, y: FloatArray) -> SymbolFit:
    """What these constants are worth as a fit."""
    edge = SymbolicEdge(symbol, **constants)
    with np.errstate(all="ignore"):
        rest, centred = y - edge(x), y - y.mean()
        rmse, spread = (np.sqrt(np.mean(np.square(values))) for values in (rest, centred))
        unexplained = (rmse / spread) ** 2 if spread > 0 else 0.0
    a, b, c, d = (constants[name] for name in CONSTANTS)
    return SymbolFit(
        symbol, a, b, c, d, float(1.0 - unexplained), float(unexplained), float(rmse), 0, (0.0,) * 4, x.size
    )


def _nearest_spline(edge: SymbolicEdge, net: Network, index: EdgeIndex) -> FloatArray:
    """Coefficients of the least-squares spline over the grid of the edge, with exact integrals in effect."""
    table = net.layers[index[0]].table
    knots = table.knots[index[1]]
    point, weight = np.polynomial.legendre.leggauss(2 * table.k + 6)
    half = 0.5 * np.diff(knots)[:, None]
    x = (knots[:-1, None] + half * (point + 1.0)).ravel()
    root = np.sqrt(half * weight).ravel()
    with np.errstate(all="ignore"):
        y = edge(x)
    if not np.isfinite(y).all():
        raise ValueError(f"edge {index}, {edge.name}, is not finite over its grid; no spline comes near it.")
    rows = np.zeros((table.knots.shape[0], x.size))
    rows[index[1]] = x
    design = table.design_matrices(rows)[index[1]]
    return np.linalg.lstsq(root[:, None] * design, root * y, rcond=None)[0]
