"""auto_symbolic: a symbol for every edge that one fits, the surest first.

On an edge, errors count by what they do to the outputs: samples are weighted with the squared derivative of
the outputs by the edge, and the error of the model, divided by its root mean square, is the noise below which
two symbols fit alike (`kan_np.symbolic.suggest`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from kan_np import _validate
from kan_np._threads import one_thread
from kan_np._validate import FloatArray
from kan_np.edges.symbol import SymbolicEdge
from kan_np.functions.library import SymbolLibrary
from kan_np.network.edge_index import EdgeIndex
from kan_np.network.network import Network
from kan_np.objective.network_objective import network_objective
from kan_np.optimize import levenberg_marquardt
from kan_np.surgery.tied_edges import tied_with
from kan_np.symbolic.curves import Curve, curves
from kan_np.symbolic.fit_symbol import SymbolFit
from kan_np.symbolic.suggest import suggest_symbolic
from kan_np.training.progress import Show

#: Points of an edge that symbols are fitted to.
_POINTS = 300
#: With labels, a symbol may leave this many times the error of the splines, after training.
_WORSE = 10.0


@dataclass(frozen=True)
class AutoSymbolic(Mapping[EdgeIndex, SymbolFit]):
    """What `auto_symbolic` did: the fit of every edge that became a symbol, in that order.

    Attributes
    ----------
    fits : dict from (l, i, j) to SymbolFit
    splines : tuple of (l, i, j)
        Edges that stay splines.
    rmse : list of float
        Error of the model on the samples before the first symbol and after each, in the units of the labels;
        empty without labels.
    """

    fits: dict[EdgeIndex, SymbolFit]
    splines: tuple[EdgeIndex, ...]
    rmse: list[float] = field(default_factory=list)

    def __getitem__(self, edge: EdgeIndex) -> SymbolFit:
        """Fit of one edge."""
        return self.fits[edge]

    def __iter__(self) -> Iterator[EdgeIndex]:
        """Edges that became symbols."""
        return iter(self.fits)

    def __len__(self) -> int:
        """Number of edges that became symbols."""
        return len(self.fits)

    def __repr__(self) -> str:
        """Symbols by edge, and the splines."""
        found = ", ".join(f"{edge}: {fit.name}, r2={fit.r2:.6f}" for edge, fit in self.fits.items())
        return f"AutoSymbolic({{{found}}}, splines={list(self.splines)})"


@dataclass(frozen=True)
class SymbolicNetwork:
    """A network whose edges are symbols as far as symbols fit.

    Attributes
    ----------
    network : Network
    found : AutoSymbolic
        Which edges have become symbols, and how well these fit.
    """

    network: Network
    found: AutoSymbolic


def auto_symbolic(
    net: Network,
    x: FloatArray,
    y: FloatArray | None,
    library: SymbolLibrary,
    *,
    error: float = 0.0,
    edges: Sequence[EdgeIndex] | None = None,
    min_r2: float = 0.99,
    steps: int = 10,
    unit: FloatArray | None = None,
    over: Callable[[], object] = lambda: False,
    show: Show | None = None,
    compose: bool = False,
) -> SymbolicNetwork:
    """Make symbols of the edges that symbols fit; the others stay splines.

    Parameters
    ----------
    net : Network
    x, y : ndarray of shape (n_samples, n_in) and (n_samples, n_out)
        Samples and, or None, their labels. With labels the network is trained for some steps after each
        symbol, and a symbol that leaves ten times the error of the splines is taken back.
    library : SymbolLibrary
        What is tried.
    error : float
        With labels, RMSE of the network before: what differences between symbols mean.
    edges : sequence of (l, i, j), optional
        Edges to look at; all but symbols if None.
    min_r2 : float
        Least part of the variance of an edge that a symbol must explain.
    steps : int
        Steps of Levenberg-Marquardt after each symbol.
    unit : ndarray of shape (n_out,), optional
        Of the labels, in which errors are told; 1 if None.
    over : callable
        Whether the time is over, asked before every edge: those that are no symbols then stay splines.
    show : callable, optional
        Takes how many edges are settled, and what the last one became.
    compose : bool
        Whether an edge that no symbol fits may be a sum or product of a few functions.
    """
    net.check_inputs(x)
    left = _chosen(net, x, edges)
    fits: dict[EdgeIndex, SymbolFit] = {}
    history = [] if y is None else [error]
    told = history if y is None or unit is None else [_rmse(net, x, y, unit)]
    first = history[0] if history else 0.0
    stays: list[EdgeIndex] = []

    def stay(edge: EdgeIndex) -> None:
        stays.append(edge)
        tell(edge, "stays a spline")

    def tell(edge: EdgeIndex, text: str) -> None:
        if show is not None:
            show(len(fits) + len(stays), f"{edge}: {text}")

    while left:
        curve_of = curves(net, x)
        left = [edge for edge in left if edge in curve_of]  # edges locked with a fixed one are fixed too
        if not left:
            break
        noise = history[-1] if history else 0.0
        best = {}
        for edge in left:
            if over():
                break
            best[edge] = _best(curve_of[edge], noise, library, compose)
        if len(best) < len(left):
            stays += left
            break
        edge = min(left, key=lambda edge: best[edge].one_minus_r2)
        left.remove(edge)
        fit = best[edge]
        if fit.r2 < min_r2 and curve_of[edge].y.std() > 0:
            stay(edge)
            continue
        symbol = SymbolicEdge(fit.symbol, fit.a, fit.b, fit.c, fit.d)
        new = net.with_symbols(dict.fromkeys(tied_with(net, edge), symbol))
        if y is not None:
            new = _trained(new, x, y, steps)
            error = _rmse(new, x, y)
            if not error <= max(_WORSE * first, 1e-12 * float(np.abs(y).max())):
                stay(edge)
                continue
            history.append(error)
            if unit is not None:
                told.append(_rmse(new, x, y, unit))
        net = new
        fits[edge] = fit
        tell(edge, fit.name)
    return SymbolicNetwork(net, AutoSymbolic(fits, tuple(sorted(stays)), told))


def _best(curve: Curve, error: float, library: SymbolLibrary, compose: bool) -> SymbolFit:
    some, weight = _weighted(curve)
    noise = 0.0 if weight is None else error / curve.mean_gain
    return suggest_symbolic(
        some.x, some.y, library=library, top=1, noise=noise, weight=weight, compose=compose
    )[0]


def _weighted(curve: Curve) -> tuple[Curve, FloatArray | None]:
    """Some points of a curve, and what an error there counts at the outputs; None where nothing does."""
    some = curve.thinned(_POINTS)
    weight = np.square(some.gain)
    return some, weight if np.isfinite(weight).all() and weight.max() > 0 else None


def _trained(net: Network, x: FloatArray, y: FloatArray, steps: int) -> Network:
    """The network after some steps of Levenberg-Marquardt."""
    if steps == 0:
        return net
    with one_thread():
        objective = network_objective(net, x, y)
        return net.with_theta(
            levenberg_marquardt.minimize(objective, net.theta, steps, lambda _: False).theta
        )


def _rmse(net: Network, x: FloatArray, y: FloatArray, unit: FloatArray | float = 1.0) -> float:
    size = float(np.max(unit))
    with np.errstate(over="ignore", invalid="ignore"):  # then the symbol is taken back
        return float(np.sqrt(np.mean(np.square((net.forward(x) - y) * (unit / size)).mean(axis=1)))) * size


def _chosen(net: Network, x: FloatArray, edges: Sequence[EdgeIndex] | None) -> list[EdgeIndex]:
    splines = list(curves(net, x[:2]))
    if edges is None:
        return splines
    if isinstance(edges, str) or not hasattr(edges, "__iter__"):
        raise TypeError(f"edges is {_validate.shown(edges)}; expected a list of edges (l, i, j).")
    asked = [tuple(edge) if hasattr(edge, "__iter__") else edge for edge in edges]
    unknown = [edge for edge in asked if edge not in splines]
    if unknown:
        raise ValueError(
            f"edges has {_validate.shown(unknown)}; expected some of the spline edges {splines}."
        )
    return [edge for edge in splines if edge in asked]


def suggest_edge(
    net: Network,
    edge: EdgeIndex,
    x: FloatArray,
    *,
    lib: Sequence[str] | None = None,
    library: SymbolLibrary | None = None,
    top: int = 5,
    noise: float | None = None,
    compose: bool = False,
) -> list[SymbolFit]:
    """Which symbols an edge may be, the best first; samples are weighted as in `auto_symbolic`.

    `noise` is the error of the outputs below which differences mean nothing; `lib`, `library`, `top` and
    `compose` are those of `kan_np.symbolic.suggest_symbolic`.
    """
    net.check_inputs(x)
    curve_of = curves(net, x, symbols=True)
    if edge not in curve_of:
        raise ValueError(f"there is no edge {edge}; expected one of {list(curve_of)}.")
    some, weight = _weighted(curve_of[edge])
    return suggest_symbolic(
        some.x,
        some.y,
        library=library,
        lib=lib,
        top=top,
        noise=None if noise is None or weight is None else noise / curve_of[edge].mean_gain,
        weight=weight,
        compose=compose,
    )
