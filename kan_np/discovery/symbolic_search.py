"""From splines to symbols, edge by edge: the beam search that keeps what trains well.

An edge of a trained network is known up to what its neighbours can take back: scales, shifts, and more than
those around products. So a symbol is judged by the network that it leaves: it is fixed, all the rest is
trained again for some steps, and the error on validation samples decides. States are compared by the length
of a message that gives residuals and edges,

    L = n/2 log2 mse + sum over symbols (2 C + k/2 log2 n) + (cost of a spline) for each edge that is left,

C the complexity of a symbol and k its free constants; a few of the shortest go on. n is the number of
validation samples once there are symbols alone; before, errors are those of splines, which are smooth: a
thousand samples of them are some dozens of independent values.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from kan_np.discovery.training import Data, Trained, descend, rmse, with_moved_grids
from kan_np.edges.symbol import SymbolicEdge
from kan_np.functions.builtin import builtin_symbols
from kan_np.functions.library import SymbolLibrary
from kan_np.network.edge_index import EdgeIndex
from kan_np.network.network import Network
from kan_np.network.structure import Part
from kan_np.symbolic.curves import Curve, curves
from kan_np.symbolic.fit_symbol import SymbolFit
from kan_np.symbolic.suggest import suggest_symbolic

_POINTS = 150
#: Symbols of an edge that are tried, and states that go on.
_TRIED, _KEPT = 5, 3
_STEPS = 15
_LAST_STEPS = 300
#: A symbol that leaves this many times the error, or the noise, does not fit.
_WORSE = 30.0
#: A constant or a straight line that leaves no more than this many times the error is taken at once.
_AS_GOOD = 1.2
_BITS_PER_UNIT = 2.0
#: Independent values that the error of splines has.
_SMOOTH = 50
#: Symbols as simple as this stay, and networks with an error of this part of the spread.
_SIMPLEST, _ROUNDING = 1.0, 1e-12
#: Symbols that differ by this many times the error may be the same.
_ALIKE = 30.0


@dataclass(frozen=True)
class State:
    """A network on its way to a formula.

    Attributes
    ----------
    trained : Trained
    length : float
        Bits; see the module.
    failed : frozenset of places
        Edges that no symbol fits.
    unshifted : frozenset of places
        Factors that began without a shift; each is a constant less.
    """

    trained: Trained
    length: float
    failed: frozenset[EdgeIndex] = frozenset()
    unshifted: frozenset[EdgeIndex] = frozenset()


def snap(
    trained: Trained,
    data: Data,
    library: SymbolLibrary,
    *,
    kept: int = _KEPT,
    stop: Callable[[], bool] = lambda: False,
) -> list[State]:
    """Networks whose edges are symbols as far as symbols fit, the shortest message first.

    Parameters
    ----------
    trained : Trained
    data : Data
    library : SymbolLibrary
    kept : int
        States that go on at each edge.
    stop : callable
        Asked before each edge; True ends the search with what there is.
    """
    trained = _settled(trained, data, stop)
    beam = [State(trained, message_length(trained, data))]
    order = [] if stop() else _order(trained, data, library)
    for place in order:
        if stop():
            break
        beam = _best([new for state in beam for new in _next_states(state, place, data, library, stop)], kept)
    finished = _best([_finished(state, data, stop) for state in beam], kept)
    return [_with_better_symbols(finished[0], data, library, stop), *finished[1:]]


def _settled(trained: Trained, data: Data, stop: Callable[[], bool]) -> Trained:
    """With constants and straight lines on the edges that can be, tried one after the other.

    This settles what neighbours can take back: of all functions that an edge might be, these are simplest.
    """
    for symbol in ("0", "x"):
        for place in _spline_edges(trained.network):
            if stop():
                return trained
            curve = curves(trained.network, data.x)[place]
            edge = _straight_edge(symbol, curve)
            if edge is None:
                continue
            network = trained.network.with_symbols({place: edge})
            new = descend(with_moved_grids(network, data.x), data, _STEPS, stop=stop)
            if new.rmse <= _AS_GOOD * max(trained.rmse, 1e-12 * data.spread):
                trained = new
    return trained


def _straight_edge(name: str, curve: Curve) -> SymbolicEdge | None:
    if not (np.isfinite(curve.x).all() and np.isfinite(curve.y).all()):
        return None
    symbol = next(symbol for symbol in builtin_symbols() if symbol.name == name)
    if name == "0" or np.ptp(curve.x) == 0.0:
        return SymbolicEdge(symbol, c=0.0, d=float(curve.y.mean()))
    slope, level = np.polyfit(curve.x, curve.y, 1)
    return SymbolicEdge(symbol, c=float(slope), d=float(level))


def _spline_edges(network: Network) -> list[EdgeIndex]:
    return network.topology.edges


def _order(trained: Trained, data: Data, library: SymbolLibrary) -> list[EdgeIndex]:
    """The spline edges, those first whose best symbol does least to the error of the outputs.

    Factors come before all others, since their shifts decide what those are.
    """
    found = curves(trained.network, data.x)
    error = rmse(trained.network, data.x, data.y)
    unclear = {
        place: _unclear(_suggestions(found[place], error, library), found[place])
        for place in _spline_edges(trained.network)
    }
    return sorted(unclear, key=lambda place: (not _is_factor(trained.network, place), unclear[place]))


def message_length(trained: Trained, data: Data, fewer: int = 0) -> float:
    """L of the module's description, with so many constants fewer."""
    n = data.val_y.size if is_symbolic(trained.network) else min(data.val_y.size, _SMOOTH)
    rounding = max(1e-15 * float(np.sqrt(np.mean(np.square(data.val_y)))), data.noise)
    length = n * float(np.log2(max(trained.rmse, rounding, 1e-300)))
    network = trained.network
    for edge in network.symbols.values():
        length += _BITS_PER_UNIT * edge.symbol.complexity + len(edge.free) / 2 * float(np.log2(n))
    rows = network.spline_params.size
    return length + (rows - fewer) / 2 * float(np.log2(n))


def _next_states(
    state: State, place: EdgeIndex, data: Data, library: SymbolLibrary, stop: Callable[[], bool]
) -> list[State]:
    """The states with one more edge settled."""
    curve = curves(state.trained.network, data.x)[place]
    fits = _suggestions(curve, rmse(state.trained.network, data.x, data.y), library)
    states = []
    allowed = _WORSE * max(state.trained.rmse, 1e-9 * data.spread)
    for edge in _tries(state.trained.network, place, fits):
        if stop():
            break
        whole = edge.d == 0.0 and _is_factor(state.trained.network, place)
        network = state.trained.network.with_symbols({place: edge})
        held: Part | None = (place, "d") if whole else None
        new = descend(with_moved_grids(network, data.x), data, _STEPS, held, stop)
        if new.rmse <= allowed:
            unshifted = state.unshifted | ({place} if whole else set())
            states.append(State(new, message_length(new, data, len(unshifted)), state.failed, unshifted))
    if not states:
        states.append(replace(state, failed=state.failed | {place}))
    return states


def _tries(network: Network, place: EdgeIndex, fits: list[SymbolFit]) -> list[SymbolicEdge]:
    """The symbols of an edge that are tried; for a factor by itself also without their shifts.

    (f + b) g = f g + b g, and b g may belong to a sum.
    """
    tries = [SymbolicEdge(fit.symbol, fit.a, fit.b, fit.c, fit.d) for fit in fits]
    if _is_factor(network, place):
        tries += [replace(edge, d=0.0) for edge in tries[:2] if edge.name != "0" and edge.d != 0.0]
    return tries


def _is_factor(network: Network, place: EdgeIndex) -> bool:
    """Whether an edge alone is a factor of a product."""
    l, _, j = place  # noqa: E741
    owner = network.topology.owner(l)[j]
    return network.arities[l][owner] > 1 and int(network.masks[l][:, j].sum()) == 1


def _suggestions(curve: Curve, error: float, library: SymbolLibrary) -> list[SymbolFit]:
    """Symbols for a curve; constants for one that does nothing."""
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
    )


def _unclear(fits: list[SymbolFit], curve: Curve) -> float:
    """Error of the best symbol at the outputs."""
    return min(fit.rmse for fit in fits) * curve.mean_gain


def _finished(state: State, data: Data, stop: Callable[[], bool]) -> State:
    trained = descend(state.trained.network, data, _LAST_STEPS, stop=stop)
    if trained.rmse > state.trained.rmse:
        trained = state.trained
    length = message_length(trained, data, len(state.unshifted))
    return replace(state, trained=trained, length=length)


def _with_better_symbols(state: State, data: Data, library: SymbolLibrary, stop: Callable[[], bool]) -> State:
    """Simpler symbols, for all edges at once and for one at a time, where that shortens the message.

    While neighbours were splines, x^2 and a cosine of long period were the same; now they are not.
    """
    before = np.inf
    while is_symbolic(state.trained.network) and state.length < before:
        before = state.length
        simpler = _simpler_symbols(state.trained.network, data, library)
        for changes in [simpler, *({place: edge} for place, edge in simpler.items())]:
            if not changes or state.trained.rmse <= _ROUNDING * data.spread or stop():
                return state
            trained = descend(state.trained.network.with_symbols(changes), data, _LAST_STEPS, stop=stop)
            length = message_length(trained, data, len(state.unshifted))
            if length < state.length:
                state = replace(state, trained=trained, length=length)
                break
    return state


def _simpler_symbols(network: Network, data: Data, library: SymbolLibrary) -> dict[EdgeIndex, SymbolicEdge]:
    """Of each edge, the simplest symbol that differs from its own by less than the error."""
    error = rmse(network, data.x, data.y)
    found = curves(network, data.x, symbols=True)
    simpler: dict[EdgeIndex, SymbolicEdge] = {}
    for place, edge in network.symbols.items():
        if edge.symbol.complexity <= _SIMPLEST:
            continue
        alike = [
            fit
            for fit in _suggestions(found[place], _ALIKE * error, library)
            if fit.rmse * found[place].mean_gain <= _ALIKE * error
            and fit.symbol.complexity <= edge.symbol.complexity
            and fit.name != edge.name
        ]
        if alike:
            fit = min(alike, key=lambda fit: (fit.symbol.n_free, fit.symbol.complexity))
            simpler[place] = SymbolicEdge(fit.symbol, fit.a, fit.b, fit.c, fit.d)
    return simpler


def _best(states: list[State], kept: int) -> list[State]:
    """The shortest, networks of the same symbols counting once."""
    chosen: dict[object, State] = {}
    for state in sorted(states, key=lambda state: state.length):
        names = tuple((place, edge.name) for place, edge in state.trained.network.symbols.items())
        chosen.setdefault((names, state.unshifted), state)
    return list(chosen.values())[:kept]


def is_symbolic(network: Network) -> bool:
    """Whether no edge is a spline."""
    return network.spline_params.size == 0
