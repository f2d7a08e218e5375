"""Continual learning: peaks that come one after the other, with and without an anchor.

    python -m benchmarks.continual --check

One input: the five peaks and phases of figure 3.4 of the KAN paper (arXiv:2404.19756), KAN [1,1], G = 200,
without base function, at most nine iterations of Levenberg-Marquardt a phase; RMSE over the 500 points of
all phases. Nothing is random in these data; start seeds 0 to 4.

Two inputs: five Gaussians of width 0.2 near the corners and the middle of the square, each phase the samples
nearest to one of them (1500 in all, 2000 test samples), data seeds 300 to 304, which draw centres and
samples. Every model is trained on the phases in turn, with and without an anchor, and once on all samples.
Settings were chosen on data seeds 100 to 102.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks._common import Bar, median, positive, show_bars, show_table
from kan_np import KAN, MLP, KanWarning, PhaseFits, fit_phases

Model = KAN | MLP

CENTRES = np.linspace(-0.8, 0.8, 5)
_PLACES = np.array([(-0.5, -0.5), (0.5, -0.5), (0.0, 0.0), (-0.5, 0.5), (0.5, 0.5)])
_WIDTH, _SAMPLES, _TEST = 0.2, 1500, 2000


def peaks_on_a_line() -> list[dict]:
    """Five phases of 100 points about one peak each."""
    phases = []
    for centre in CENTRES:
        x = np.linspace(centre - 0.2, centre + 0.2, 100)[:, None]
        phases.append(
            {"train_input": x, "train_label": np.exp(-300 * (x - CENTRES) ** 2).sum(1, keepdims=True)}
        )
    return phases


def peaks_in_a_square(seed: int) -> list[dict]:
    """Five phases, the samples nearest to one centre each."""
    rng = np.random.default_rng(seed)
    centres = _PLACES + rng.uniform(-0.1, 0.1, _PLACES.shape)

    def squares(x: np.ndarray) -> np.ndarray:
        return np.square(x[:, None] - centres).sum(axis=2)

    phases: list[dict] = [{} for _ in centres]
    for split, n in (("train", _SAMPLES), ("test", _TEST)):
        x = rng.uniform(-1, 1, (n, 2))
        y = np.exp(-squares(x) / (2 * _WIDTH**2)).sum(axis=1, keepdims=True)
        nearest = squares(x).argmin(axis=1)
        for number, phase in enumerate(phases):
            phase[f"{split}_input"], phase[f"{split}_label"] = x[nearest == number], y[nearest == number]
    return phases


def joined(phases: list[dict]) -> dict:
    """All phases as one dataset."""
    return {key: np.concatenate([phase[key] for phase in phases]) for key in phases[0]}


def fixed_directions() -> KAN:
    """[2,16,1] whose hidden nodes are x projected on 16 fixed directions: linear in what is trained."""
    n = 16
    model = KAN([2, n, 1], grid=20, edges=["linear", "bspline"], base_fun="zero", seed=0)
    angle, theta = np.pi * np.arange(n) / n, model.theta
    theta[-2 * n :] = np.concatenate([np.cos(angle), np.sin(angle)]) / np.sqrt(2)
    model.theta = theta
    model.freeze(0)
    return model


@dataclass(frozen=True)
class Way:
    """A model for the square, and how it is trained."""

    make: Callable[[], Model]
    steps: int
    ridge: float = 0.0
    options: dict[str, Any] = field(default_factory=dict)


WAYS = {
    "KAN [2,16,1], all trained": Way(
        lambda: KAN([2, 16, 1], grid=5, base_fun="zero", seed=0), 20, 1e-3, {"smoothing": 1e-5}
    ),
    "KAN [2,16,1], fixed directions": Way(fixed_directions, 50, 0.0, {"smoothing": 1e-7}),
    "MLP [2,30,12,1]": Way(lambda: MLP([2, 30, 12, 1], seed=0), 50, 0.0, {"weight_decay": 1e-4}),
}


def on_a_line(bars: list[Bar]) -> None:
    """The five peaks in one dimension."""
    phases, rows = peaks_on_a_line(), []
    worst, most = 0.0, 0
    for k in (3, 5):
        for anchored in (False, True):
            fits = [
                fit_phases(
                    KAN([1, 1], grid=200, k=k, base_fun="zero", noise_scale=0.1, seed=seed),
                    phases,
                    "LM",
                    9,
                    smoothing=0.0,
                    anchored=anchored,
                )
                for seed in range(5)
            ]
            rows.append(_row(f"KAN [1,1], k = {k}", anchored, fits))
            if k == 3:
                worst = max([worst, *(fit.whole[-1] for fit in fits)])
                most = max([most, *(result.n_iter for fit in fits for result in fit.results)])
    for anchored in (False, True):
        mlps = [
            fit_phases(MLP([1, 20, 10, 1], seed=seed), phases, "LM", 50, anchored=anchored, weight_decay=0.0)
            for seed in range(5)
        ]
        rows.append(_row("MLP [1,20,10,1]", anchored, mlps))
    show_table("One input: RMSE over all five phases, start seeds 0 to 4", _HEADER, rows)
    bars += [
        Bar("one input, k = 3: largest RMSE in the end", worst, 4.1e-6),
        Bar("one input, k = 3: iterations of a phase", most, 9),
    ]


_HEADER = ("model", "anchor", "after 1", "after 2", "after 3", "after 4", "in the end", "worst", "own phase")


def _row(name: str, anchored: bool, fits: list[PhaseFits]) -> tuple[object, ...]:
    """Medians of the RMSE over all phases after each, the worst in the end, the median on the own phase."""
    medians = [f"{median(fit.whole[p] for fit in fits):.1e}" for p in range(5)]
    own = median(float(np.mean(fit.losses.diagonal())) for fit in fits)
    worst = max(fit.whole[-1] for fit in fits)
    return name, "yes" if anchored else "no", *medians, f"{worst:.1e}", f"{own:.1e}"


def in_a_square(bars: list[Bar], seeds: list[int]) -> None:
    """The five peaks in two dimensions."""
    rows, ends, matrices = [], {}, {}
    data = [peaks_in_a_square(seed) for seed in seeds]
    for name, way in WAYS.items():
        begun = time.process_time()
        together = []
        for phases in data:
            model = way.make()
            fixed = {"update_grid": False} if isinstance(model, KAN) else {}
            result = model.fit(joined(phases), "LM", way.steps, **fixed, **way.options)
            together.append(result["test_loss"][-1])
        ends[name, "all"] = together
        rows.append((name, "all at once", *[""] * 4, f"{median(together):.1e}", f"{max(together):.1e}", ""))
        for anchored in (False, True):
            options = {"anchored": anchored, "ridge": way.ridge, **way.options}
            fits = [fit_phases(way.make(), phases, "LM", way.steps, **options) for phases in data]
            rows.append(_row(name, anchored, fits))
            ends[name, anchored] = [fit.whole[-1] for fit in fits]
            matrices[name, anchored] = np.median([fit.losses for fit in fits], axis=0)
        print(f"{name}: {time.process_time() - begun:.0f} s", flush=True)
    spread = median(float(joined(phases)["test_label"].std()) for phases in data)
    title = f"Two inputs: RMSE over all five phases, data seeds {seeds[0]} to {seeds[-1]}"
    show_table(f"{title} (labels have a spread of {spread:.2f})", _HEADER, rows)
    for (name, anchored), matrix in matrices.items():
        show_table(
            f"{name}, {'with' if anchored else 'without'} anchor: medians of the forgetting matrix",
            ("after phase", *(f"on {q + 1}" for q in range(5))),
            [(p + 1, *(f"{loss:.1e}" for loss in row)) for p, row in enumerate(matrix)],
        )
    trained, fixed_first = list(WAYS)[:2]
    exact = np.array(ends[fixed_first, True]) / np.array(ends[fixed_first, "all"])
    bars += [
        Bar("fixed directions: RMSE with anchor over that of all at once, worst", float(exact.max()), 1.1),
        Bar("fixed directions: RMSE with anchor, worst", max(ends[fixed_first, True]), 2e-3),
        Bar(
            "all trained: RMSE with anchor over that without, medians",
            median(ends[trained, True]) / median(ends[trained, False]),
            0.25,
        ),
    ]


def main(argv: list[str] | None = None) -> int:
    """Print the tables, and the bars."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="exit with 1 if a bar is missed")
    parser.add_argument("--seeds", type=positive, default=5, help="data seeds, from --first on")
    parser.add_argument("--first", type=positive, default=300, help="first data seed")
    options = parser.parse_args(argv)
    warnings.simplefilter("ignore", KanWarning)
    bars: list[Bar] = []
    on_a_line(bars)
    in_a_square(bars, list(range(options.first, options.first + options.seeds)))
    return show_bars(bars, check=options.check)


if __name__ == "__main__":
    sys.exit(main())
