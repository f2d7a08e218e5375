"""Networks that are evaluated in a given way, whatever would be faster."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kan_np.network.structure import ACTIVE, INPUT_ROWS, ROWS
from kan_np.objective.layered import LayeredEvaluator
from kan_np.objective.network_objective import network_objective

WAYS = (ROWS, INPUT_ROWS, ACTIVE)


def evaluated(network, how):
    """The network, evaluated by `how`."""
    return replace(network, structure=replace(network.structure, evaluation=how))


def evaluate(model, how):
    """Let a model be evaluated by `how`; returns it."""
    model._network = evaluated(model._network, how)
    return model


def layered_objective(net, x, y, penalty=None, weight=None, smoothing=0.0, part_bytes=None):
    """The objective of a network that is evaluated layer by layer, whatever its symbols are."""
    objective = network_objective(net, x, y, penalty, weight, smoothing)
    room = {} if part_bytes is None else {"part_bytes": part_bytes}
    slow = LayeredEvaluator(net.structure, np.asarray(x), np.asarray(y), weight, **room)
    slow.values[:] = net.values
    objective.evaluator = objective.regularizer._evaluator = slow
    return objective


def penalty_value(penalty, net, x):
    """The sparsity penalty R of a network on the samples x."""
    objective = network_objective(net, x, x[:, :1].repeat(net.width[-1], axis=1), penalty)
    value, _ = objective.regularizer.pull()
    return value + objective.regularizer.add_gradient(net.values, net.values.copy())
