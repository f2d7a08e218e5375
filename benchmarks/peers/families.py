"""Edges that are no splines, beside the packages that have them: the same function, and who is faster.

Chebyshev polynomials of tanh(x), Fourier series, Gaussians and sines beside the layers of jaxKAN; small
networks with sines on every edge beside mlp-kan. Both sides get the same numbers; NumPy's formulas are the
third opinion.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from benchmarks._common import shape_text, show_table
from benchmarks.peers.cases import SAME, FloatArray, Numbers
from benchmarks.peers.checks import network_difference
from benchmarks.peers.environments import PeerError
from benchmarks.peers.gradients import race_loaded
from benchmarks.peers.process import Worker
from benchmarks.peers.results import Findings, Race

#: How many times as fast as the fastest jitted peer loss and gradient have to be.
BAR = 8.0
WIDTHS = ((2, 5, 1), (4, 9, 9, 1))
N_SAMPLES = 1000


@dataclass(frozen=True)
class FamilyCase:
    """Edges of one family, and how NumPy computes an edge from its parameters.

    Attributes
    ----------
    peer, family : str
    size : int
    functions : callable
        Values of the functions of an edge, (n_functions, n), from values (n,); or of an edge, from values and
        its parameters, if `linear` is False.
    options : dict
        Of `kan_np.KAN`, beside the size.
    interval : (float, float)
        Of every node.
    judged : bool
        Whether the bar of speed applies, to the fastest of the variants.
    variants : tuple of str
        Ways in which the peer computes the same.
    """

    peer: str
    family: str
    size: int
    functions: Callable[..., FloatArray]
    options: dict[str, object] = field(default_factory=dict)
    interval: tuple[float, float] = (-1.0, 1.0)
    linear: bool = True
    judged: bool = True
    variants: tuple[str, ...] = ("default",)

    def numbers(self, width: tuple[int, ...]) -> Numbers:
        """Parameters by layer, (n_in, n_out, n_params), samples, and the outputs that NumPy computes."""
        rng = np.random.default_rng(0)
        values = rng.uniform(-1.0, 1.0, (N_SAMPLES, width[0]))
        numbers: Numbers = {"width": width, "family": self.family, "size": self.size, "options": self.options}
        numbers |= {"interval": self.interval, "x": values.tolist(), "params": []}
        numbers["y"] = np.exp(np.sin(np.pi * values)).sum(axis=1, keepdims=True).tolist()
        for n_in, n_out in pairwise(width):
            params = PARAMETERS[self.family](rng, n_in, n_out, self.size)
            numbers["params"].append(params.tolist())
            values = self._layer(values, params)
        return numbers | {"outputs": values.tolist()}

    def _layer(self, values: FloatArray, params: FloatArray) -> FloatArray:
        out = np.zeros((values.shape[0], params.shape[1]))
        for i, j in np.ndindex(params.shape[:2]):
            x = values[:, i]
            out[:, j] += params[i, j] @ self.functions(x) if self.linear else self.functions(x, params[i, j])
        return out


def _coefficients(without_constant: bool, count: Callable[[int], int]) -> Callable[..., FloatArray]:
    """Random coefficients; the constant is zero where the peer has none."""

    def drawn(rng: np.random.Generator, n_in: int, n_out: int, size: int) -> FloatArray:
        params = rng.normal(size=(n_in, n_out, count(size))) / np.sqrt(n_in * count(size))
        params[..., 0] *= not without_constant
        return params

    return drawn


def _sines(rng: np.random.Generator, n_in: int, n_out: int, size: int) -> FloatArray:
    """jaxKAN's c (sin(w x + p) - mean) / deviation, w and p of a layer: a, w, p and d of every edge."""
    w, p = rng.normal(size=size), rng.uniform(-1.0, 1.0, size)
    c = rng.normal(size=(n_in, n_out, size)) / np.sqrt(n_in * size)
    mean = np.exp(-0.5 * w**2) * np.sin(p)
    deviation = np.sqrt(0.5 * (1.0 - np.exp(-2.0 * w**2) * np.cos(2.0 * p)) - mean**2) + 1e-8
    a = c / deviation
    shared = [np.broadcast_to(part, c.shape) for part in (w, p)]
    return np.concatenate([a, *shared, -(a * mean).sum(axis=2, keepdims=True)], axis=2)


def _networks(rng: np.random.Generator, n_in: int, n_out: int, size: int) -> FloatArray:
    """W1 (hidden x 7), b1, W2, b2 of every edge."""
    n = size * 9 + 1
    return rng.normal(size=(n_in, n_out, n)) * 0.3 / np.sqrt(n_in)


PARAMETERS: Mapping[str, Callable[..., FloatArray]] = {
    "chebyshev": _coefficients(False, lambda size: size + 1),
    "fourier": _coefficients(True, lambda size: 2 * size + 1),
    "gaussian": _coefficients(True, lambda size: size + 2),
    "sine": _sines,
    "mlp": _networks,
}


def _chebyshev(x: FloatArray) -> FloatArray:
    return np.cos(np.arange(9)[:, None] * np.arccos(np.tanh(x)))


def _fourier(x: FloatArray) -> FloatArray:
    k = np.arange(1, 6)[:, None]
    return np.concatenate([np.ones((1, x.size)), np.cos(k * x), np.sin(k * x)])


def _gaussian(x: FloatArray) -> FloatArray:
    centres = np.linspace(-2.0, 2.0, 9)[:, None]
    return np.concatenate([np.ones((1, x.size)), np.exp(-(((x - centres) / 0.5) ** 2))])


def _sine(x: FloatArray, params: FloatArray) -> FloatArray:
    a, w, p = np.split(params[:-1], 3)
    return a @ np.sin(w[:, None] * x + p[:, None]) + params[-1]


def _network(x: FloatArray, params: FloatArray) -> FloatArray:
    n = (params.size - 1) // 9
    w1, b1, w2 = params[: 7 * n].reshape(n, 7), params[7 * n : 8 * n], params[8 * n : 9 * n]
    waves = [function(2.0**j * x) for function in (np.sin, np.cos) for j in range(3)]
    z = w1 @ np.stack([x, *waves]) + b1[:, None]
    return w2 @ (z / (1.0 + np.exp(-z))) + params[-1]


CASES = (
    FamilyCase(
        "jaxkan", "chebyshev", 8, _chebyshev, {"squash": True}, variants=("default", "modified", "exact")
    ),
    FamilyCase("jaxkan", "fourier", 5, _fourier, {"period": 1.0}, (-np.pi, np.pi)),
    FamilyCase("jaxkan", "gaussian", 8, _gaussian, {"denominator": 1.0}, (-2.0, 2.0)),
    FamilyCase("jaxkan", "sine", 5, _sine, linear=False),
    FamilyCase("mlp-kan", "mlp", 8, _network, {"features": 3}, linear=False, judged=False),
)


def measure_families(ours: Worker, peers: Mapping[str, Worker], rounds: int, findings: Findings) -> None:
    """Print the table of all families and note the bars."""
    rows: list[list[str]] = []
    differences: dict[str, list[float]] = defaultdict(list)
    for case in CASES:
        if case.peer not in peers:
            continue
        for width in WIDTHS:
            name = f"{case.family} {shape_text(width)}, size {case.size}"
            ratios = []
            for variant in case.variants:
                try:
                    difference, found = _measure(case, width, variant, ours, peers[case.peer], rounds)
                except PeerError as error:
                    findings.unmeasured.append(f"{case.peer}, {variant}, {name}: {error}")
                    continue
                differences[f"{case.peer}, {case.family}"].append(difference)
                ratios.append(found.ratio)
                micros = [f"{each:.0f}" for each in found.micros]
                rows.append([name, f"{case.peer}, {variant}", *micros, f"{found.ratio:.1f}"])
            if case.judged and ratios:
                findings.at_least(f"{case.peer} / kan_np, {name}", min(ratios), BAR)
    if rows:
        show_table(
            "Loss and gradient [us], families of edges", ["edges", "peer", "kan_np", "peer's", "ratio"], rows
        )
    for title, each in differences.items():
        findings.same_function(title, each, SAME)


def _measure(
    case: FamilyCase, width: tuple[int, ...], variant: str, ours: Worker, theirs: Worker, rounds: int
) -> tuple[float, Race]:
    """Largest relative difference of the two sides, and their race."""
    numbers = case.numbers(width)
    ours.ask("load_family", numbers=numbers)
    mine = ours.ask("evaluate_family")
    theirs.ask("load_family", numbers=numbers, variant=variant)
    difference = network_difference(mine, theirs, numbers, request="evaluate_family")
    return difference, race_loaded(ours, theirs, rounds)
