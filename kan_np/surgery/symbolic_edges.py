"""Edges of a KAN that become symbols, or splines again.

The functions change the model that they are given; ``KAN`` has them as methods.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np.edges.knots import uniform_knots
from kan_np.edges.symbol import CONSTANTS, SymbolicEdge
from kan_np.functions.library import SymbolLibrary, default_library
from kan_np.functions.symbol import Symbol
from kan_np.network.edge_index import EdgeIndex, checked_edge
from kan_np.network.network import Network
from kan_np.surgery.tied_edges import tied_with, with_shared_grids
from kan_np.symbolic.fit_symbol import SymbolFit, fit_symbol

if TYPE_CHECKING:
    from kan_np.training.views import Views

#: Samples over the grid of an edge.
_SAMPLES = 1000
_UNIT = {"a": 1.0, "b": 0.0, "c": 1.0, "d": 0.0}


def fix_symbolic(
    model: Views,
    l: int,  # noqa: E741
    i: int,
    j: int,
    symbol: str | Symbol,
    *,
    x: ArrayLike | None = None,
    fit: bool = True,
    a: float | None = None,
    b: float | None = None,
    c: float | None = None,
    d: float | None = None,
    library: SymbolLibrary | None = None,
) -> SymbolFit:
    """Make the edge from node i of layer l to subnode j of the next a symbol: c f(a x + b) + d.

    The constants are trained on with the rest of the model. Edges that are locked with this one become
    the same symbol. ``"0"`` cuts an edge down to a constant.

    Parameters
    ----------
    model : KAN
        Changed in place.
    l, i, j : int
        Layer, source and subnode, counted from 0.
    symbol : str or Symbol
        f, by its name in the library.
    x : array_like of shape (n_samples, n_in), optional
        Samples; where they reach the edge, the symbol is fitted to it. If not given, it is fitted over
        the grid of the edge.
    fit : bool
        Whether to fit the constants; else they are those given.
    a, b, c, d : float, optional
        For ``fit=False``: 1, 0, 1, 0 if not given.
    library : SymbolLibrary, optional
        Where a name is looked up; `kan_np.symbolic.default_library` if None.

    Returns
    -------
    SymbolFit
        The constants, and how well they fit the edge as it was.

    Raises
    ------
    ValueError, TypeError
        If there is no such edge or symbol, for constants with ``fit=True``, and where the edge is not
        finite on the samples. The model is then unchanged.

    Examples
    --------
    >>> from kan_np import KAN
    >>> model = KAN([2, 1], seed=0)
    >>> fitted = model.fix_symbolic(0, 0, 0, "sin", fit=False, a=2.0)
    >>> model.fix_symbolic(0, 1, 0, "x").name
    'x'
    >>> {place: edge.name for place, edge in model.symbols.items()}, model.n_params
    ({(0, 0, 0): 'sin', (0, 1, 0): 'x'}, 6)
    """
    net = model._network
    place = checked_edge(net.masks, (l, i, j))
    if not isinstance(symbol, Symbol):
        symbol = (default_library() if library is None else library)[symbol]
    constants = zip(CONSTANTS, (a, b, c, d), strict=True)
    given = {name: _validate.real(name, value) for name, value in constants if value is not None}
    if fit and given:
        raise ValueError(
            f"{', '.join(given)} given with fit=True; expected constants with fit=False alone. Without them "
            "the constants are fitted to the edge."
        )
    points, values = _curve(model, place, x)
    if fit:
        _refuse_infinite(place, points, values)
        result = fit_symbol(points, values, symbol)
    else:
        result = _as_given(symbol, {**_UNIT, **given}, points, values)
    edge = SymbolicEdge(symbol, result.a, result.b, result.c, result.d)
    model._network = net.with_symbols(dict.fromkeys(tied_with(net, place), edge))
    return result


def unfix_symbolic(model: Views, l: int, i: int, j: int) -> None:  # noqa: E741
    """Make a symbolic edge the spline that is nearest to it on its grid, by least squares.

    Edges that are locked with it become the same spline, on a common grid.

    Parameters
    ----------
    model : KAN
        Changed in place.
    l, i, j : int
        Layer, source and subnode, counted from 0.

    Raises
    ------
    ValueError, TypeError
        If there is no such edge, or it is no symbol.

    Examples
    --------
    >>> from kan_np import KAN
    >>> model = KAN([1, 1], grid=10, seed=0)
    >>> fitted = model.fix_symbolic(0, 0, 0, "sin", fit=False)
    >>> before = model([[0.5]])
    >>> model.unfix_symbolic(0, 0, 0)
    >>> bool(abs(model([[0.5]]) - before) < 1e-6), model.symbols
    (True, {})
    """
    net = model._network
    place = checked_edge(net.masks, (l, i, j))
    level, i, j = place
    if place not in net.structure.symbols:
        raise ValueError(f"edge {place} is a spline; expected one of model.symbols: {list(net.symbols)}.")
    group, edge = tied_with(net, place), net.symbols[place]
    net = net.with_symbols(dict.fromkeys(group))
    net = with_shared_grids(net, level, net.shared_grids(level))
    coef, weight = net.coef, net.scale_base
    nearest = _nearest_spline(edge, net, place)
    for _, source, subnode in group:
        coef[level][source, subnode] = nearest
    model._network = net.with_splines(coef, weight)


def edge_curve(model: Views, place: EdgeIndex, x: ArrayLike | None = None) -> tuple[FloatArray, FloatArray]:
    """Points on the axis of an edge and its values there.

    Parameters
    ----------
    model : KAN
    place : (l, i, j)
        Layer, source and subnode.
    x : array_like of shape (n_samples, n_in), optional
        The points are where these samples reach the edge; else they are spread evenly over its grid.

    Returns
    -------
    tuple of ndarrays of shape (n,)

    Raises
    ------
    ValueError, TypeError
        If there is no such edge, or points or values are not finite.

    Examples
    --------
    >>> from kan_np import KAN
    >>> from kan_np.surgery.symbolic_edges import edge_curve
    >>> points, values = edge_curve(KAN([2, 5, 1], seed=0), (1, 2, 0))
    >>> float(points[0]), float(points[-1]), values.shape
    (-1.0, 1.0, (1000,))
    """
    place = checked_edge(model.edges, place)
    points, values = _curve(model, place, x)
    _refuse_infinite(place, points, values)
    return points, values


def _curve(model: Views, place: EdgeIndex, x: ArrayLike | None) -> tuple[FloatArray, FloatArray]:
    level, i, j = place
    net = model._network
    if x is None:
        knots = net.knots[level]
        rows = uniform_knots(knots[:, 0], knots[:, -1], _SAMPLES - 1)
    else:
        samples = _validate.matrix("x", model._select("x", x), model.width[0])
        net.check_inputs(samples)
        first = sum(net.width[:level])
        rows = net.node_values(samples)[first : first + net.width[level]]
    return rows[i], net.edge_values(level, rows)[i, j]


def _refuse_infinite(place: EdgeIndex, points: FloatArray, values: FloatArray) -> None:
    if not np.isfinite(points).all() or not np.isfinite(values).all():
        raise ValueError(
            f"edge {place} has values that are not finite on these samples, so nothing can be fitted to it; "
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


def _nearest_spline(edge: SymbolicEdge, net: Network, place: EdgeIndex) -> FloatArray:
    """Coefficients of the least-squares spline over the grid of the edge, with exact integrals in effect."""
    table = net.layers[place[0]].table
    knots = table.knots[place[1]]
    point, weight = np.polynomial.legendre.leggauss(2 * table.k + 6)
    half = 0.5 * np.diff(knots)[:, None]
    x = (knots[:-1, None] + half * (point + 1.0)).ravel()
    root = np.sqrt(half * weight).ravel()
    with np.errstate(all="ignore"):
        y = edge(x)
    if not np.isfinite(y).all():
        raise ValueError(f"edge {place}, {edge.name}, is not finite over its grid; no spline comes near it.")
    rows = np.zeros((table.knots.shape[0], x.size))
    rows[place[1]] = x
    design = table.design_matrices(rows)[place[1]]
    return np.linalg.lstsq(root[:, None] * design, root * y, rcond=None)[0]
