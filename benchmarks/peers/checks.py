"""Do all libraries compute the same function? Outputs against SciPy or ours, gradients against ours."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.peers.cases import Numbers
from benchmarks.peers.process import Worker


def network_difference(mine: Numbers, theirs: Worker, numbers: Numbers, request: str = "evaluate") -> float:
    """Largest relative difference between our answer to `request`, a peer with `numbers` loaded, and SciPy.

    Outputs of both sides are compared with those that SciPy or NumPy gave, and their gradients with each
    other: of the parameters that the peer has.
    """
    other = theirs.ask(request)
    differences = [_difference(side["outputs"], numbers["outputs"]) for side in (mine, other)]
    for name, layers in other["gradient"].items():
        pairs = zip(layers, mine["gradient"][name], strict=True)
        differences += [_difference(layer, own) for layer, own in pairs]
    return float(np.max(differences))  # NaN if any is


def mlp_difference(ours: Worker, theirs: Worker, width: tuple[int, ...], x: Any) -> float:
    """Largest relative difference of outputs of tanh networks with the same random weights."""
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=(a, b)).tolist() for a, b in zip(width[:-1], width[1:], strict=True)]
    biases = [rng.normal(size=b).tolist() for b in width[1:]]
    network = {"width": width, "weights": weights, "biases": biases, "x": x}
    outputs = [worker.ask("evaluate_mlp", **network)["outputs"] for worker in (ours, theirs)]
    return _difference(outputs[1], outputs[0])


def _difference(values: Any, reference: Any) -> float:
    """Largest difference relative to the largest reference value; infinite for other shapes."""
    a, b = np.asarray(values), np.asarray(reference)
    return float(np.abs(a - b).max() / np.abs(b).max()) if a.shape == b.shape else float("inf")
