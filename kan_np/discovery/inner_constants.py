"""Descent of all constants of a network of symbols together, those inside the symbols among them.

Levenberg-Marquardt of a network trains a, b, c and d of its symbols and holds the numbers k that a
`ParametricSymbol` has inside. Where a network is nothing but symbols these are few, and all descend together:
the Jacobian of the network gets a column (d output / d phi) c df/dk for each number k of an edge phi, and the
symbols are made anew after each step. So the last digits of all constants come at once, which a descent in
turns would reach slowly. Kernels stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from kan_np._threads import one_thread
from kan_np._validate import FloatArray
from kan_np.discovery.training import Data, Stop, Trained, never, rmse
from kan_np.functions.parametric_symbol import ParametricSymbol
from kan_np.network.edge_index import EdgeIndex
from kan_np.network.layered import new_passes
from kan_np.network.network import Network
from kan_np.objective.parameter_jacobian import parameter_jacobian

#: Damping in units of the largest squared singular value.
_FIRST_DAMPING, _LEAST_DAMPING, _LARGEST_DAMPING = 1e-10, 1e-16, 1e2
#: Steps that gain less than this part are the last.
_SETTLED = 1e-6
_EPS = float(np.finfo(np.float64).eps)


def inner_numbers(network: Network) -> list[tuple[EdgeIndex, int]]:
    """Edges with numbers inside their symbols, and how many these are."""
    return [
        (edge, len(own.symbol.numbers))
        for edge, own in network.symbols.items()
        if isinstance(own.symbol, ParametricSymbol) and own.symbol.numbers
    ]


def descend_together(network: Network, data: Data, steps: int, stop: Stop = never) -> Trained:
    """Levenberg-Marquardt in all constants of a network of one output without splines.

    Parameters
    ----------
    network : Network
    data : Data
    steps : int
    stop : callable
        Asked after each step; True ends the descent with what there is.
    """
    label = data.y[:, 0]
    rest = _outputs(network, data.x) - label
    cost, damping = float(rest @ rest), _FIRST_DAMPING
    floor = float(label @ label) * (4 * _EPS) ** 2
    with one_thread():
        for _ in range(steps if np.isfinite(cost) else 0):
            jacobian = np.vstack([parameter_jacobian(network, data.x)[0], inner_jacobian(network, data.x)])
            size = np.abs(jacobian).max(axis=1)
            if not np.isfinite(size).all():
                break
            unit = np.where(size > 0, size, 1.0)
            length = unit * np.maximum(np.linalg.norm(jacobian / unit[:, None], axis=1), 1e-300)
            u, s, vt = np.linalg.svd((jacobian / length[:, None]).T, full_matrices=False)
            before = cost
            while damping < _LARGEST_DAMPING:
                move = -(vt.T @ (s / (s**2 + damping * s[0] ** 2) * (u.T @ rest))) / length
                trial = _moved(network, move)
                new = _outputs(trial, data.x) - label
                trial_cost = float(new @ new)
                if trial_cost < cost:
                    network, rest, cost = trial, new, trial_cost
                    damping = max(damping / 10, _LEAST_DAMPING)
                    break
                damping *= 10
            if stop() or cost <= floor or before - cost <= _SETTLED * before:
                break
    return Trained(network, rmse(network, data.val_x, data.val_y))


def inner_jacobian(network: Network, x: FloatArray) -> FloatArray:
    """Derivatives of the first output by all numbers inside symbols: shape (count of numbers, n_samples)."""
    inner = inner_numbers(network)
    passes = new_passes(network.structure, network.values)
    rows: dict[EdgeIndex, FloatArray] = {}
    with np.errstate(all="ignore"):
        values = np.ascontiguousarray(x.T)
        for layer in passes:
            values = layer.forward(values, back=True)
        delta = np.zeros_like(values)
        delta[0] = 1.0
        for number in reversed(range(len(passes))):
            layer = passes[number]
            by_sum = layer.to_subnodes(delta)[0]
            for edge, _ in inner:
                if edge[0] == number:
                    own = network.symbols[edge]
                    symbol = own.symbol
                    if isinstance(symbol, ParametricSymbol):
                        by_number = symbol.by_numbers(own.a * layer.x[edge[1]] + own.b)
                        rows[edge] = own.c * by_sum[edge[2]] * by_number
            delta = layer.pull(delta, np.zeros(layer.n_values))
    return np.concatenate([np.zeros((0, x.shape[0])), *(rows[edge] for edge, _ in inner)])


def _moved(network: Network, move: FloatArray) -> Network:
    """The network with all constants moved: its own, then those inside symbols."""
    inner, at = inner_numbers(network), network.theta.size
    moved = network.with_theta(network.theta + move[:at])
    symbols = {}
    for edge, count in inner:
        own = moved.symbols[edge]
        if isinstance(own.symbol, ParametricSymbol):
            symbols[edge] = replace(
                own, symbol=own.symbol.with_numbers(_added(own.symbol.numbers, move[at : at + count]))
            )
        at += count
    return moved.with_symbols(symbols)


def _added(numbers: Sequence[float], move: FloatArray) -> list[float]:
    return [number + float(step) for number, step in zip(numbers, move, strict=True)]


def _outputs(network: Network, x: FloatArray) -> FloatArray:
    with np.errstate(all="ignore"):
        return np.asarray(network.forward(x)[:, 0])
