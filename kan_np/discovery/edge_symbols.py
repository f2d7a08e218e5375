"""Which symbols an edge of a network may become, from its curve on the samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from kan_np.discovery.training import Data, Stop, never, rmse
from kan_np.edges.symbol import SymbolicEdge
from kan_np.functions.builtin import builtin_symbols
from kan_np.functions.library import SymbolLibrary
from kan_np.network.edge_index import EdgeIndex
from kan_np.network.network import Network
from kan_np.symbolic.curves import Curve, curves
from kan_np.symbolic.fit_symbol import SymbolFit
from kan_np.symbolic.suggest import suggest_symbolic

_POINTS = 150
#: Symbols of an edge that are tried.
_TRIED = 5
#: Symbols as simple as this stay.
_SIMPLEST = 1.0
#: Symbols that differ by this many times the error may be the same.
_ALIKE = 30.0


def spline_edges(network: Network) -> list[EdgeIndex]:
    """The edges that are no symbols yet."""
    return network.topology.edges


def is_factor(network: Network, edge: EdgeIndex) -> bool:
    """Whether an edge alone is a factor of a product."""
    l, _, j = edge  # noqa: E741
    owner = network.topology.owner(l)[j]
    return network.arities[l][owner] > 1 and int(network.masks[l][:, j].sum()) == 1


def straight_edge(name: str, curve: Curve) -> SymbolicEdge | None:
    """The constant "0" or the straight line "x" through a curve; None where the curve is not finite."""
    if not (np.isfinite(curve.x).all() and np.isfinite(curve.y).all()):
        return None
    symbol = next(symbol for symbol in builtin_symbols() if symbol.name == name)
    if name == "0" or np.ptp(curve.x) == 0.0:
        return SymbolicEdge(symbol, c=0.0, d=float(curve.y.mean()))
    slope, offset = np.polyfit(curve.x, curve.y, 1)
    return SymbolicEdge(symbol, c=float(slope), d=float(offset))


def suggestions(curve: Curve, error: float, library: SymbolLibrary) -> list[SymbolFit]:
    """Symbols for a curve, best first; constants for one that does nothing.

    Parameters
    ----------
    curve : Curve
    error : float
        RMSE of the network's outputs; differences below it mean nothing.
    library : SymbolLibrary
    """
    if curve.mean_gain == 0.0 or not np.isfinite(curve.y).all() or not np.isfinite(curve.gain).all():
        return suggest_symbolic(curve.x, np.zeros_like(curve.x), lib=["0"], library=library)
    some = curve.thinned(_POINTS)
    weight = np.square(some.gain)
    return suggest_symbolic(
        some.x,
        some.y,
        library=library,
        top=_TRIED,
        noise=error / curve.mean_gain,
        weight=weight if weight.max() > 0 else None,
        compose=True,
    )


def suggestions_of_all(
    network: Network, data: Data, library: SymbolLibrary, stop: Stop = never
) -> dict[EdgeIndex, tuple[list[SymbolFit], float]]:
    """Of every spline edge its suggestions, and the error of the best one at the outputs.

    `stop` is asked before each edge; those after it are left out.
    """
    found = curves(network, data.x)
    error = rmse(network, data.x, data.y)
    fits = {}
    for edge in spline_edges(network):
        if stop():
            break
        fits[edge] = suggestions(found[edge], error, library)
    return {
        edge: (those, min(fit.rmse for fit in those) * found[edge].mean_gain) for edge, those in fits.items()
    }


def tries(network: Network, edge: EdgeIndex, fits: Sequence[SymbolFit]) -> list[SymbolicEdge]:
    """The symbols of an edge that are tried; for a factor by itself also without their shifts.

    (f + b) g = f g + b g, and b g may belong to a sum.
    """
    tried = [_as_edge(fit) for fit in fits]
    if is_factor(network, edge):
        tried += [replace(one, d=0.0) for one in tried[:2] if one.name != "0" and one.d != 0.0]
    return tried


def simpler_symbols(network: Network, data: Data, library: SymbolLibrary) -> dict[EdgeIndex, SymbolicEdge]:
    """Of each edge, the simplest symbol that differs from its own by less than the error."""
    error = rmse(network, data.x, data.y)
    found = curves(network, data.x, symbols=True)
    simpler: dict[EdgeIndex, SymbolicEdge] = {}
    for edge, own in network.symbols.items():
        if own.symbol.complexity <= _SIMPLEST:
            continue
        alike = [
            fit
            for fit in suggestions(found[edge], _ALIKE * error, library)
            if fit.rmse * found[edge].mean_gain <= _ALIKE * error
            and fit.symbol.complexity <= own.symbol.complexity
            and fit.name != own.name
        ]
        if alike:
            simpler[edge] = _as_edge(min(alike, key=lambda fit: (fit.symbol.n_free, fit.symbol.complexity)))
    return simpler


def _as_edge(fit: SymbolFit) -> SymbolicEdge:
    return SymbolicEdge(fit.symbol, fit.a, fit.b, fit.c, fit.d)
