"""Microseconds of one loss and full gradient, and what an iteration of Levenberg-Marquardt costs beside it.

    python -m benchmarks.kernels --check

1000 samples, one thread, processor time of this thread. What is compared takes turns; ratios are medians over
the rounds. An iteration is assembly, solution and trial, once each; dense assembly is counted as p^2
operations a sample, the lower triangle of a product, and set beside the rate of a plain matrix product.
Networks with symbols and products stand beside networks of as many splines. Jets are what a residual with a
Laplacian needs: value, gradient and Laplacian by the inputs, and the derivatives of a weighted sum of these
by all parameters, or their rows of a Jacobian.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks._common import Bar, median, shape_text, show_bars, show_table
from benchmarks.mixed_networks import MIXED
from kan_np import KAN, MLP, create_dataset
from kan_np.jets.multi_index import DerivativeSet
from kan_np.jets.network import Jets, input_derivatives, jets_of
from kan_np.network.kernel_arrays import is_short
from kan_np.objective.regularized_loss import RegularizedLoss
from kan_np.objective.sparsity_penalty import Penalty
from kan_np.optimize.levenberg_marquardt import NormalSearch

SHAPES = (([2, 1, 1], 3), ([2, 5, 1], 5), ([2, 5, 1], 20), ([2, 5, 5, 1], 10), ([4, 9, 9, 1], 5))
MLPS = ([2, 5, 1], [2, 20, 20, 1], [2, 100, 100, 1])
#: Loss-gradient evaluations that an iteration of LM may cost.
ITERATION_BARS = {(2, 5, 1, 5): 25.0, (2, 5, 1, 50): 220.0}
CURVED = (([2, 5, 1], 5), ([2, 5, 1], 20), ([2, 5, 1], 50), ([4, 9, 1], 5), ([4, 9, 9, 1], 5))
RATE_BAR = 0.3
#: Loss and gradient over that of as many splines, for networks with symbols and products.
MIXED_BAR = 3.0
#: Jets with derivatives by all parameters over loss and gradient, on splines of these orders.
JETS_BAR, JETS_ORDERS = 6.0, (4, 5)

_ROUNDS = 15
_SQUARE = np.random.default_rng(0).normal(size=(400, 400))


def seconds(call: Callable[[], object], calls: int) -> float:
    """Processor time of one call."""
    clock = time.thread_time()
    for _ in range(calls):
        call()
    return (time.thread_time() - clock) / calls


def in_turn(calls: Sequence[Callable[[], object]], repeats: Sequence[int]) -> list[tuple[float, ...]]:
    """Seconds of each call in each round, after one round that does not count."""
    rounds = [[seconds(call, n) for call, n in zip(calls, repeats, strict=True)] for _ in range(_ROUNDS + 1)]
    return [tuple(own) for own in zip(*rounds[1:], strict=True)]


def objective_of(model: KAN | MLP, n_in: int, penalty: Penalty | None = None) -> tuple[object, np.ndarray]:
    samples = create_dataset(lambda x: np.exp(np.sin(np.pi * x)).mean(axis=1), n_in, train_num=1000, seed=0)
    x, y = samples["train_input"], samples["train_label"]
    return model._objective(x, y, penalty or Penalty()), x


def losses() -> None:
    rows = []
    for width, grid in SHAPES:
        model = KAN(width, grid, seed=0)
        theta = model._theta
        plain, x = objective_of(model, width[0])
        penalised, _ = objective_of(model, width[0], Penalty(1e-3))
        calls = [partial(plain, theta), partial(penalised, theta), partial(model, x)]
        times = in_turn(calls, (50, 20, 20))
        rows.append([f"KAN {shape_text(width)} G={grid}", str(model.n_params), *map(_micros, times)])
    for width in MLPS:
        network = MLP(width, seed=0)
        plain, x = objective_of(network, width[0])
        times = in_turn([partial(plain, network._theta), partial(network, x)], (20, 20))
        loss, prediction = map(_micros, times)
        rows.append([f"MLP {shape_text(width)} tanh", str(network.n_params), loss, "", prediction])
    header = ["model", "parameters", "loss, gradient", "with penalties", "prediction"]
    show_table("Medians [us]", header, rows)


def iterations() -> list[Bar]:
    rows, bars = [], []
    for width, grid in CURVED:
        model = KAN(width, grid, seed=0)
        theta = model._theta
        objective, _ = objective_of(model, width[0])
        assert isinstance(objective, RegularizedLoss)
        search = NormalSearch(objective, theta)
        calls = [
            partial(objective, theta),
            partial(objective.normal_equations, theta),
            partial(_iterate, search),
            lambda: _SQUARE @ _SQUARE,
        ]
        loss, assembly, iterated, product = in_turn(calls, (40, 4, 4, 4))
        iteration = median(own / unit for own, unit in zip(iterated, loss, strict=True))
        share = median(
            theta.size**2 * 1000 / own / (2 * _SQUARE.size * 400 / unit)
            for own, unit in zip(assembly, product, strict=True)
        )
        way = "rows" if is_short(model._network.structure) else "scattered"
        name = f"{shape_text(width)} G={grid}"
        parts = [_micros(loss), _micros(assembly), f"{iteration:.1f}", way]
        rows.append([name, str(theta.size), *parts, f"{share:.2f}" if way == "rows" else ""])
        if (bar := ITERATION_BARS.get((*width, grid))) is not None:
            bars.append(Bar(f"{name}: LM iteration / loss and gradient", iteration, bar))
        if way == "rows":
            bars.append(Bar(f"{name}: assembly / matrix product", share, RATE_BAR, at_least=True))
    header = ["model", "parameters", "loss, gradient [us]", "assembly [us]", "iteration", "way", "rate"]
    show_table("LM: an iteration in losses with gradients; rate of dense assembly over dgemm's", header, rows)
    return bars


def mixed() -> list[Bar]:
    rows, bars = [], []
    for case in MIXED:
        model, twin = case.make(), case.twin()
        calls, sizes = [], []
        for network in (model, twin):
            objective, _ = objective_of(network, network.width[0])
            assert isinstance(objective, RegularizedLoss)
            theta = network._theta
            calls += [partial(objective, theta), partial(objective.normal_equations, theta)]
            sizes.append(str(theta.size))
        own, own_assembly, splines, assembly = in_turn(calls, (40, 10, 40, 10))
        ratios = [
            median(a / b for a, b in zip(*pair, strict=True))
            for pair in ((own, splines), (own_assembly, assembly))
        ]
        times = map(_micros, (own, splines, own_assembly, assembly))
        rows.append([case.name, *sizes, *times, *(f"{ratio:.2f}" for ratio in ratios)])
        bars.append(Bar(f"{case.name}: loss and gradient / of splines", ratios[0], MIXED_BAR))
    header = ["network", "parameters", "of splines", "loss, gradient [us]", "of splines", "assembly [us]"]
    show_table("Symbols and products", [*header, "of splines", "loss ratio", "assembly ratio"], rows)
    return bars


def jets() -> list[Bar]:
    rows, bars = [], []
    derivatives = DerivativeSet.containing([(0, 0), (1, 1)])
    for k in JETS_ORDERS:
        model = KAN([2, 5, 1], 5, k, seed=0)
        theta = model._theta
        plain, x = objective_of(model, 2)
        own, inputs = jets_of(model._network, derivatives, fixed=True), input_derivatives(derivatives, x)
        weights = np.random.default_rng(1).normal(size=(len(derivatives.indices), 1, len(x)))
        calls = [
            partial(plain, theta),
            partial(_jets, own, theta, inputs, weights, np.empty(theta.size)),
            partial(_jets, own, theta, inputs, weights, np.empty((theta.size, len(x)))),
        ]
        times = in_turn(calls, (80, 20, 20))
        ratio = median(a / b for a, b in zip(times[1], times[0], strict=True))
        rows.append([f"[2,5,1] G=5 k={k}", str(theta.size), *map(_micros, times), f"{ratio:.2f}"])
        bars.append(Bar(f"[2,5,1] G=5 k={k}: jets / loss and gradient", ratio, JETS_BAR))
    header = ["model", "parameters", "loss, gradient [us]", "jets", "jets with rows", "ratio"]
    show_table("Value, gradient and Laplacian, with derivatives by parameters", header, rows)
    return bars


def _jets(own: Jets, theta: np.ndarray, inputs: np.ndarray, weights: np.ndarray, out: np.ndarray) -> None:
    own.forward(theta, inputs)
    own.backward(weights, out)


def _iterate(search: NormalSearch) -> None:
    """Assembly, solution and trial, once each, without taking the step."""
    search.linearise()
    step = search.solve()
    search.objective.value(search.theta if step is None else search.theta + step)


def _micros(times: Sequence[float]) -> str:
    return f"{1e6 * median(times):.0f}"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jets", action="store_true", help="only jets")
    parser.add_argument("--check", action="store_true", help="exit 1 when a bar is missed")
    arguments = parser.parse_args()
    with threadpool_limits(1):
        if arguments.jets:
            bars = jets()
        else:
            losses()
            bars = iterations() + mixed() + jets()
    return show_bars(bars, check=arguments.check)


if __name__ == "__main__":
    raise SystemExit(main())
