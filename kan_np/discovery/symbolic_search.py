"""From splines to symbols, edge by edge: the beam search that keeps what trains well.

An edge of a trained network is known up to what its neighbours can take back: scales, shifts, and more than
those around products. So a symbol is judged by the network that it leaves: it is fixed, all the rest is
trained again for some steps, and the error on validation samples decides. States are compared by the length
of a message that gives residuals and edges,

    L = n/2 log2 mse + sum over symbols (2 C + k/2 log2 n) + (cost of a spline) for each edge that is left,

C the complexity of a symbol and k its free constants; a few of the shortest go on. n is the number of
validation samples once there are symbols alone; before, errors are those of splines, which are smooth: a
thousand samples of them are some dozens of independent values.

The shortest goes on alone at first. If it meets the validation samples up to rounding the others need not be
looked at; if not, they are, and what was computed for the first is not computed again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from kan_np.discovery.edge_symbols import (
    is_factor,
    simpler_symbols,
    spline_edges,
    straight_edge,
    suggestions,
    suggestions_of_all,
    tries,
)
from kan_np.discovery.inner_constants import descend_together, inner_numbers
from kan_np.discovery.training import Data, Stop, Trained, descend, never, rmse, with_moved_grids
from kan_np.functions.library import SymbolLibrary
from kan_np.network.edge_index import EdgeIndex
from kan_np.network.network import Network
from kan_np.network.structure import Part
from kan_np.symbolic.curves import curves
from kan_np.symbolic.fit_symbol import SymbolFit

#: States that go on.
_KEPT = 3
_STEPS = 15
_LAST_STEPS = 300
#: A symbol that leaves this many times the error, or the noise, does not fit.
_WORSE = 30.0
#: A constant or a straight line that leaves no more than this many times the error is taken at once.
_AS_GOOD = 1.2
_BITS_PER_UNIT = 2.0
#: Independent values that the error of splines has.
_SMOOTH = 50
#: Networks with an error of this part of the spread meet the samples up to rounding.
_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class State:
    """A network on its way to a formula.

    Attributes
    ----------
    trained : Trained
    length : float
        Bits; see the module.
    failed : frozenset of EdgeIndex
        Edges that no symbol fits.
    unshifted : frozenset of EdgeIndex
        Factors that began without a shift; each is a constant less.
    fits : mapping of EdgeIndex to list of SymbolFit
        What is known already of the symbols of its edges.
    """

    trained: Trained
    length: float
    failed: frozenset[EdgeIndex] = frozenset()
    unshifted: frozenset[EdgeIndex] = frozenset()
    fits: Mapping[EdgeIndex, list[SymbolFit]] = field(default_factory=dict, repr=False)

    @property
    def names(self) -> object:
        """What tells its formula from others: the symbols and the factors without a shift."""
        symbols = self.trained.network.symbols.items()
        return tuple((edge, own.name) for edge, own in symbols), self.unshifted


def snap(
    trained: Trained,
    data: Data,
    library: SymbolLibrary,
    *,
    kept: int = _KEPT,
    stop: Stop = never,
) -> Iterator[State]:
    """Networks whose edges are symbols as far as symbols fit.

    The first to come is one that meets the samples up to rounding, if it is found by the shortest states
    alone; then come those of the whole search, the shortest message first.

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
    search = _Beam(_settled(trained, data, stop), data, library, stop)
    alone = search.finished(1)[0]
    exact = is_symbolic(alone.trained.network) and alone.trained.rmse <= _ROUNDING * data.spread
    if exact:
        yield alone
    first, *others = search.finished(kept)
    yield from (
        state
        for state in (_with_better_symbols(first, data, library, stop), *others)
        if not (exact and state.names == alone.names)
    )


class _Beam:
    """The search from one network; what follows from a state is computed once."""

    def __init__(self, trained: Trained, data: Data, library: SymbolLibrary, stop: Stop) -> None:
        self.data, self.library, self.stop = data, library, stop
        self._following: dict[State, list[State]] = {}
        self._last: dict[State, State] = {}
        found = {} if stop() else suggestions_of_all(trained.network, data, library, stop)
        # factors come before all others, since their shifts decide what those are; then those whose best
        # symbol does least to the error of the outputs
        self.order = sorted(found, key=lambda edge: (not is_factor(trained.network, edge), found[edge][1]))
        fits = {edge: those for edge, (those, _) in found.items()}
        self.first = State(trained, message_length(trained, data), fits=fits)

    def finished(self, kept: int) -> list[State]:
        """The states at the end, so many of which go on at each edge, trained to the end."""
        beam = [self.first]
        for edge in self.order:
            if self.stop():
                break
            beam = _best([new for state in beam for new in self._next(state, edge)], kept)
        for state in beam:
            if state not in self._last:
                self._last[state] = _trained_to_the_end(state, self.data, self.stop)
        return _best([self._last[state] for state in beam], kept)

    def _next(self, state: State, edge: EdgeIndex) -> list[State]:
        if state not in self._following:
            self._following[state] = _next_states(state, edge, self.data, self.library, self.stop)
        return self._following[state]


def _settled(trained: Trained, data: Data, stop: Stop) -> Trained:
    """With constants and straight lines on the edges that can be, tried one after the other.

    This settles what neighbours can take back: of all functions that an edge might be, these are simplest.
    """
    for symbol in ("0", "x"):
        for edge in spline_edges(trained.network):
            if stop():
                return trained
            straight = straight_edge(symbol, curves(trained.network, data.x)[edge])
            if straight is None:
                continue
            network = trained.network.with_symbols({edge: straight})
            new = descend(with_moved_grids(network, data.x), data, _STEPS, stop=stop)
            if new.rmse <= _AS_GOOD * max(trained.rmse, 1e-12 * data.spread):
                trained = new
    return trained


def message_length(trained: Trained, data: Data, fewer: int = 0) -> float:
    """L of the module's description, with so many constants fewer."""
    n = data.val_y.size if is_symbolic(trained.network) else min(data.val_y.size, _SMOOTH)
    rounding = max(1e-15 * float(np.sqrt(np.mean(np.square(data.val_y)))), data.noise)
    length = n * float(np.log2(max(trained.rmse, rounding, 1e-300)))
    network = trained.network
    for own in network.symbols.values():
        length += _BITS_PER_UNIT * own.symbol.complexity + len(own.free) / 2 * float(np.log2(n))
    rows = network.spline_params.size
    return length + (rows - fewer) / 2 * float(np.log2(n))


def _next_states(
    state: State, edge: EdgeIndex, data: Data, library: SymbolLibrary, stop: Stop
) -> list[State]:
    """The states with one more edge settled."""
    before = state.trained.network
    fits = state.fits.get(edge)
    if fits is None:
        fits = suggestions(curves(before, data.x)[edge], rmse(before, data.x, data.y), library)
    states = []
    allowed = _WORSE * max(state.trained.rmse, 1e-9 * data.spread)
    for tried in tries(before, edge, fits):
        if stop():
            break
        whole = tried.d == 0.0 and is_factor(before, edge)
        network = before.with_symbols({edge: tried})
        held: Part | None = (edge, "d") if whole else None
        new = descend(with_moved_grids(network, data.x), data, _STEPS, held, stop)
        if new.rmse <= allowed:
            new = _settled_together(new, data, stop)
            unshifted = state.unshifted | ({edge} if whole else set())
            states.append(State(new, message_length(new, data, len(unshifted)), state.failed, unshifted))
    if not states:
        states.append(replace(state, failed=state.failed | {edge}))
    return states


def _settled_together(trained: Trained, data: Data, stop: Stop) -> Trained:
    """With the numbers inside symbols, once there are no splines that would take up what these lack."""
    if not (is_symbolic(trained.network) and inner_numbers(trained.network)):
        return trained
    together = descend_together(trained.network, data, _STEPS, stop)
    return together if together.rmse < trained.rmse else trained


def _trained_to_the_end(state: State, data: Data, stop: Stop) -> State:
    trained = _settled_together(descend(state.trained.network, data, _LAST_STEPS, stop=stop), data, stop)
    if trained.rmse > state.trained.rmse:
        trained = state.trained
    length = message_length(trained, data, len(state.unshifted))
    return replace(state, trained=trained, length=length)


def _with_better_symbols(state: State, data: Data, library: SymbolLibrary, stop: Stop) -> State:
    """Simpler symbols, for all edges at once and for one at a time, where that shortens the message.

    While neighbours were splines, x^2 and a cosine of long period were the same; now they are not.
    """
    before = np.inf
    while is_symbolic(state.trained.network) and state.length < before:
        before = state.length
        if state.trained.rmse <= _ROUNDING * data.spread:
            return state
        simpler = simpler_symbols(state.trained.network, data, library)
        for changes in [simpler, *({edge: one} for edge, one in simpler.items())]:
            if not changes or stop():
                return state
            trained = descend(state.trained.network.with_symbols(changes), data, _LAST_STEPS, stop=stop)
            length = message_length(trained, data, len(state.unshifted))
            if length < state.length:
                state = replace(state, trained=trained, length=length)
                break
    return state


def _best(states: Sequence[State], kept: int) -> list[State]:
    """The shortest, networks of the same symbols counting once."""
    chosen: dict[object, State] = {}
    for state in sorted(states, key=lambda state: state.length):
        chosen.setdefault(state.names, state)
    return list(chosen.values())[:kept]


def is_symbolic(network: Network) -> bool:
    """Whether no edge is a spline."""
    return network.spline_params.size == 0
