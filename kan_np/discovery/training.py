"""From a tree to a trained network of splines: random starts, the best of which go on to finer grids."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from kan_np._threads import one_thread
from kan_np._validate import FloatArray
from kan_np.discovery.trees import Layer, Tree, layers_of
from kan_np.edges.bspline import SplineTable
from kan_np.edges.knots import uniform_knots
from kan_np.edges.symbol import SymbolicEdge
from kan_np.functions.builtin import builtin_symbols
from kan_np.network.grid_update import moved
from kan_np.network.layer import Layer as NetworkLayer
from kan_np.network.network import Network
from kan_np.network.structure import Part
from kan_np.network.topology import Topology
from kan_np.objective.network_objective import network_objective
from kan_np.optimize.levenberg_marquardt import minimize

Stop = Callable[[], bool]

_ORDER = 3
_FIRST_STEPS, _STEPS = 8, 25
#: Starts whose errors differ by no more than this part are at the same minimum.
_SAME = 1e-2
#: Sizes of the line, the parabola and the rest of a random start.
_LINE, _PARABOLA, _REST = 1.0, 0.5, 0.1


def never() -> bool:
    """No reason to stop."""
    return False


@dataclass(frozen=True)
class Data:
    """Samples to train on and to judge by.

    Attributes
    ----------
    x, y : ndarray of shape (n, n_in), (n, n_out)
    val_x, val_y : ndarray
    noise : float
        Deviation of the labels that their last digit leaves.
    """

    x: FloatArray
    y: FloatArray
    val_x: FloatArray
    val_y: FloatArray
    noise: float = 0.0

    @property
    def spread(self) -> float:
        """Standard deviation of the labels, over all outputs."""
        return float(np.sqrt(np.mean(np.square(self.y - self.y.mean(axis=0)))))


@dataclass(frozen=True)
class Trained:
    """A network and its RMSE on the validation samples."""

    network: Network
    rmse: float


def train_tree(
    tree: Tree,
    data: Data,
    rng: np.random.Generator,
    *,
    grids: Sequence[int] = (4, 8, 16),
    restarts: int = 6,
    keep: int = 2,
    stop: Stop = never,
) -> Trained:
    """The best network of a tree on validation samples, over starts and grids.

    Parameters
    ----------
    tree : Tree
    data : Data
    rng : numpy.random.Generator
    grids : sequence of int
    restarts, keep : int
        Starts on the first grid, and those that go on.
    stop : callable
        Asked after each step; True ends the training with what there is.
    """
    layers = layers_of(tree, data.x.shape[1])
    if tree.is_linear:  # in its coefficients: all starts lead to the same network
        restarts = 1
    starts = [_started(layers, data, grids[0], rng, stop)]
    while len(starts) < restarts and not stop():
        starts.append(_started(layers, data, grids[0], rng, stop))
    starts.sort(key=lambda trained: trained.rmse)
    best = starts[0]
    for trained in _unlike(starts[:keep]):
        for grid in grids[1:]:
            if stop():
                return best
            network = with_moved_grids(trained.network, data.x).refined(grid)
            trained = descend(network, data, _STEPS, stop=stop)
            if trained.rmse < best.rmse:
                best = trained
    return best


def _unlike(starts: Sequence[Trained]) -> list[Trained]:
    """Those, the best first, that have not come to the error of the one before: to the same minimum."""
    others = [new for old, new in pairwise(starts) if new.rmse > (1.0 + _SAME) * old.rmse]
    return [starts[0], *others]


def descend(
    network: Network, data: Data, steps: int, held: Part | None = None, stop: Stop = never
) -> Trained:
    """Levenberg-Marquardt for some steps, some parameters held if asked for, and the error after it."""
    free = network.with_frozen(frozenset([held])) if held is not None else network
    with one_thread():
        objective = network_objective(free, data.x, data.y)
        theta = minimize(objective, free.theta, steps, lambda _: stop()).theta
    network = free.with_theta(theta).with_frozen(network.structure.frozen)
    return Trained(network, rmse(network, data.val_x, data.val_y))


def rmse(network: Network, x: FloatArray, y: FloatArray) -> float:
    """Root mean square error; infinite where the outputs are not finite."""
    with np.errstate(all="ignore"):
        error = float(np.sqrt(np.mean(np.square(network.forward(x) - y))))
    return error if np.isfinite(error) else np.inf


def with_moved_grids(network: Network, x: FloatArray) -> Network:
    """The same function on even grids where the samples are, as far as they can carry it."""
    return moved(network, x, 1.0, 0.0)


def start_network(tree: Tree, data: Data, grid: int, rng: np.random.Generator) -> Network:
    """A network of a tree with smooth random edges."""
    return _random_network(layers_of(tree, data.x.shape[1]), data, grid, rng)


def _started(layers: Sequence[Layer], data: Data, grid: int, rng: np.random.Generator, stop: Stop) -> Trained:
    network = with_moved_grids(_random_network(layers, data, grid, rng), data.x)
    first = descend(network, data, _FIRST_STEPS, stop=stop).network
    return descend(with_moved_grids(first, data.x), data, _STEPS, stop=stop)


def _random_network(layers: Sequence[Layer], data: Data, grid: int, rng: np.random.Generator) -> Network:
    """Smooth random edges, the last layer in the units of the labels."""
    line = next(symbol for symbol in builtin_symbols() if symbol.name == "x")
    built: list[NetworkLayer] = []
    low, high = data.x.min(axis=0), data.x.max(axis=0)
    high = np.where(high > low, high, low + 1.0)
    for layer in layers:
        n_in = low.size
        mask = np.zeros((n_in, sum(layer.arity)), dtype=bool)
        for edge, scale in layer.edges.items():
            mask[edge] = scale is None
        symbols = {
            edge: SymbolicEdge(line, c=scale) for edge, scale in layer.edges.items() if scale is not None
        }
        table = SplineTable.build(uniform_knots(low, high, grid), _ORDER, "smooth")
        coef = _random_curves(int(mask.sum()), grid + _ORDER, rng)
        built.append(NetworkLayer(Topology.from_masks([mask]), table, "zero", coef, symbols, layer.arity))
        low, high = -np.ones(len(layer.arity)), np.ones(len(layer.arity))
    return Network.from_layers(_in_units_of(built, data))


def _random_curves(n_edges: int, n_basis: int, rng: np.random.Generator) -> FloatArray:
    t = np.linspace(-1.0, 1.0, n_basis)
    sizes = rng.normal(size=(4, n_edges, 1)) * np.array([_LINE, _PARABOLA, _PARABOLA, 0.0])[:, None, None]
    noise = _REST * rng.normal(size=(n_edges, n_basis))
    return np.asarray(sizes[0] * t + sizes[1] * t**2 + sizes[2] + noise)


def _in_units_of(layers: list[NetworkLayer], data: Data) -> list[NetworkLayer]:
    """The last layer scaled so that its edges are of the size of the labels."""
    spread = data.spread or 1.0
    last = layers[-1]
    symbols = {edge: SymbolicEdge(e.symbol, e.a, e.b, spread, 0.0) for edge, e in last.symbols.items()}
    return [*layers[:-1], replace(last, symbols=symbols, spline_params=last.spline_params * spread)]
