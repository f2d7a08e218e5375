"""Two hundred random configurations, many of them absurd: nothing raises, nothing becomes non-finite.

    python -m benchmarks.accuracy.robustness --check
    python -m benchmarks.accuracy.robustness --only 17

KANs and MLPs of random widths, depths, grids and orders on 2 to 2000 samples, with constant, duplicated, few,
far and lumped inputs, weights of zero, constant, noisy, huge and tiny labels; every optimizer, start and kind
of smoothing; single fits, fits with refinement, and schedules. A configuration is made of its seed alone, the
data as much as the model, so that --only repeats one, with the traceback of what went wrong. Nothing stands
beside it: what is asked is not how good a model is, but whether there is one.
"""

from __future__ import annotations

import faulthandler
import time
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks._common import Bar, positive, shape_text, show_bars
from benchmarks.accuracy._common import parser, run_tasks
from kan_np import KAN, MLP, Dataset, KanWarning, fit_mlp, fit_schedule

INPUTS = ("uniform", "constant column", "all constant", "duplicated rows", "few values", "far", "lumped")
LABELS = ("smooth", "constant", "noise", "step", "huge", "tiny")
WAYS = ("fit", "refine", "schedule", "held out")
#: Levenberg-Marquardt solves a dense system in every iteration: far beyond this size it is only slow.
MOST_PARAMS = 2000
#: Seconds after which a configuration is taken to hang.
PATIENCE = 300.0


@dataclass(frozen=True)
class Configuration:
    """Everything that a seed decides."""

    seed: int
    family: str
    way: str
    width: list[int]
    inputs: str
    labels: str
    n_train: int
    weighted: bool
    opt: str
    steps: int
    restarts: int
    model: dict[str, Any] = field(default_factory=dict)
    fit: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        options = {"opt": self.opt, "steps": self.steps, **self.model, **self.fit}
        told = ", ".join(f"{name}={value}" for name, value in options.items())
        return (
            f"{self.family} {shape_text(self.width)}, {self.way}, {self.n_train} samples, "
            f"inputs {self.inputs}, labels {self.labels}{', weighted' if self.weighted else ''}, "
            f"restarts={self.restarts}, {told}"
        )


@dataclass(frozen=True)
class Outcome:
    """What happened; an empty problem is a success."""

    configuration: Configuration
    problem: str
    warned: tuple[str, ...]
    status: str
    seconds: float


def configuration(seed: int) -> Configuration:
    rng = np.random.default_rng(seed)

    def pick(*choices: Any) -> Any:
        return choices[rng.integers(len(choices))]

    family, way = pick("KAN", "KAN", "KAN", "MLP"), pick(*WAYS)
    hidden = rng.integers(1, 7, size=rng.integers(0, 4)).tolist()
    width = [int(rng.integers(1, 6)), *hidden, int(rng.integers(1, 4))]
    opt, smoothing, lamb = pick("LM", "LBFGS", "auto"), pick(0.0, 1e-6, 1e-2, "gcv"), pick(0.0, 0.0, 1e-3)
    options: dict[str, Any] = {}
    model: dict[str, Any] = {}
    if family == "KAN":
        k = int(rng.integers(0, 6))
        edges = sum(a * b for a, b in zip(width[:-1], width[1:], strict=True))
        finest = max(1, (MOST_PARAMS // edges - k - 1) // (2 if way == "refine" else 1))
        model = {
            "k": k,
            "grid": int(min(finest, rng.integers(1, 61))),
            "init": pick("pykan", "wide", "power"),
            "grid_eps": pick(1.0, 0.5, 0.02, 0.0),
            "base_fun": pick("silu", "identity", "zero"),
            "extrapolation": pick("smooth", "linear", "continue", "constant", "zero"),
        }
        options["smoothing"] = smoothing
    else:
        model["activation"] = pick("tanh", "silu", "relu")
    inputs = pick(*INPUTS)
    if inputs == "far" and model.get("extrapolation") == "continue":
        # the first grids span -1 to 1: polynomials that go on for ever rightly overflow at 1000
        model["extrapolation"] = "smooth"
    # what is refused on purpose: this penalty is no sum of squares, and has no cross-validation
    if opt != "LM" and options.get("smoothing") != "gcv":
        options["lamb"] = lamb
    return Configuration(
        seed=seed,
        family=family,
        way=way,
        width=width,
        inputs=inputs,
        labels=pick(*LABELS),
        n_train=int(round(2.0 * 1000.0 ** rng.random())),
        weighted=bool(pick(False, False, True)),
        opt=opt,
        steps=int(pick(1, 5, 20)) if opt != "LBFGS" else int(pick(1, 3)),
        restarts=int(pick(1, 1, 2)),
        model=model,
        fit=options,
    )


def data(chosen: Configuration) -> Dataset:
    """Samples as the configuration wants them; the test inputs reach beyond the others.

    Not where polynomials go on for ever: those of several layers may rightly overflow out there.
    """
    rng = np.random.default_rng([chosen.seed, 1])
    n, n_in, n_out = chosen.n_train, chosen.width[0], chosen.width[-1]
    x = rng.uniform(-1.0, 1.0, (n, n_in))
    if chosen.inputs == "constant column":
        x[:, rng.integers(n_in)] = rng.normal()
    elif chosen.inputs == "all constant":
        x[:] = rng.normal(size=n_in)
    elif chosen.inputs == "duplicated rows":
        x = x[rng.integers(max(1, n // 5), size=n)]
    elif chosen.inputs == "few values":
        x = np.round(x)
    elif chosen.inputs == "far":
        x = 1e3 + 50.0 * x
    elif chosen.inputs == "lumped":
        x = x**15
    middle, spread = x.mean(axis=0), np.ptp(x, axis=0) + 0.1
    x_test = middle + spread * rng.uniform(-1.0, 1.0, (50, n_in))
    if chosen.model.get("extrapolation") == "continue":
        x_test = x[rng.integers(n, size=50)]
    dataset = {
        "train_input": x,
        "train_label": labels(chosen, x, n_out, rng),
        "test_input": x_test,
        "test_label": labels(chosen, x_test, n_out, rng),
    }
    if chosen.weighted:
        weight = rng.uniform(size=n) * rng.integers(0, 2, n)
        weight[rng.integers(n)] = 1.0
        dataset["train_weight"] = weight
    return dataset


def labels(chosen: Configuration, x: np.ndarray, n_out: int, rng: np.random.Generator) -> np.ndarray:
    phase = x.sum(axis=1, keepdims=True) + np.arange(n_out)
    if chosen.labels == "constant":
        return np.full(phase.shape, 3.0)
    if chosen.labels == "noise":
        return rng.normal(size=phase.shape)
    if chosen.labels == "step":
        return np.where(phase > 0.3, 1.0, -1.0)
    scale = {"smooth": 1.0, "huge": 1e6, "tiny": 1e-9}[chosen.labels]
    return scale * np.sin(2.0 * phase)


def train(chosen: Configuration, dataset: Dataset) -> tuple[list[KAN | MLP], list[float], str]:
    """Train as the configuration says: the models, all figures that are reported, and how it ended."""
    if chosen.way in ("schedule", "held out"):
        common: dict[str, Any] = {
            "opt": chosen.opt,
            "steps": chosen.steps,
            "restarts": chosen.restarts,
            "seed": chosen.seed,
            "val_fraction": 0.0 if chosen.way == "schedule" else 0.2,
            "fit_options": {name: value for name, value in chosen.fit.items() if name != "smoothing"},
        }
        if chosen.family == "MLP":
            stages = [fit_mlp(chosen.width, dataset, **common, **chosen.model)]
        else:
            options = {name: value for name, value in chosen.model.items() if name != "grid"}
            options["smoothing"] = chosen.fit["smoothing"]
            finest = chosen.model["grid"]
            grids = sorted({max(1, finest // 4), max(1, finest // 2), finest})
            stages = list(fit_schedule(chosen.width, dataset, grids=grids, **common, **options))
        figures = [figure for stage in stages for figure in (stage.train_rmse, stage.test_rmse)]
        return [stage.model for stage in stages], figures, stages[-1].status.value
    family = KAN if chosen.family == "KAN" else MLP
    model = family(chosen.width, seed=chosen.seed, **chosen.model)
    result = model.fit(dataset, opt=chosen.opt, steps=chosen.steps, **chosen.fit)
    figures = [result["train_loss"][-1], result["test_loss"][-1]]
    models = [model]
    if chosen.way == "refine" and isinstance(model, KAN):
        twice = model.refine(2 * model.grid)
        models += [twice, twice.refine(2 * model.grid + 1)]
        result = models[-1].fit(dataset, opt=chosen.opt, steps=chosen.steps, **chosen.fit)
        figures += [result["train_loss"][-1], result["test_loss"][-1]]
    return models, figures, result.status.value


def attempt(seed: int) -> Outcome:
    """Train one configuration; whatever goes wrong is a sentence, and what hangs ends with a traceback."""
    chosen, status, clock = configuration(seed), "", time.perf_counter()
    faulthandler.dump_traceback_later(PATIENCE, exit=True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", KanWarning)  # rightly: most of these data cannot be learnt
        try:
            dataset = data(chosen)
            models, figures, status = train(chosen, dataset)
            problem = "" if np.isfinite(figures).all() else f"RMSE {figures}"
            for model in models:
                for split in ("train", "test"):
                    if not np.isfinite(model.predict(dataset[f"{split}_input"])).all():
                        problem = f"a prediction of the {split} samples is not finite"
        except Exception:
            problem = traceback.format_exc()
    faulthandler.cancel_dump_traceback_later()
    told = tuple(sorted({f"{w.category.__name__}: {w.message}" for w in caught}))
    return Outcome(chosen, problem, told, status, time.perf_counter() - clock)


def show_failures(outcomes: list[Outcome], whole: bool) -> None:
    for outcome in outcomes:
        if outcome.problem:
            problem = outcome.problem.strip()
            print(f"\nseed {outcome.configuration.seed} FAILED: {outcome.configuration}")
            print(problem if whole else "  " + problem.splitlines()[-1])
        for warned in outcome.warned:
            print(f"\nseed {outcome.configuration.seed} warned: {warned}: {outcome.configuration}")


def main() -> int:
    made = parser(__doc__, seeds=200, data_seeds=0)
    made.add_argument("--first", type=int, default=0, help="first seed (default 0)")
    made.add_argument("--only", type=int, help="this seed alone, with its traceback")
    made.add_argument("--slowest", type=positive, default=5, help="slowest ones to list (default 5)")
    arguments = made.parse_args()
    if arguments.only is None:
        seeds = list(range(arguments.first, arguments.first + arguments.seeds))
    else:
        seeds = [arguments.only]
        print(configuration(arguments.only))
    outcomes = run_tasks(attempt, seeds, arguments.jobs, "configurations")
    counts = {
        "family": Counter(o.configuration.family for o in outcomes),
        "way": Counter(o.configuration.way for o in outcomes),
        "optimizer": Counter(o.configuration.opt for o in outcomes),
        "inputs": Counter(o.configuration.inputs for o in outcomes),
        "labels": Counter(o.configuration.labels for o in outcomes),
        "status": Counter(o.status or "raised" for o in outcomes),
    }
    print(f"\n{len(outcomes)} random configurations\n")
    for name, count in counts.items():
        print(f"{name:9s}  " + ", ".join(f"{key} {n}" for key, n in count.most_common()))
    print("\nThe slowest\n")
    for o in sorted(outcomes, key=lambda o: -o.seconds)[: arguments.slowest]:
        print(f"seed {o.configuration.seed}, {o.seconds:.1f} s: {o.configuration}")
    show_failures(outcomes, arguments.only is not None)
    failed = [o.configuration.seed for o in outcomes if o.problem]
    if failed:
        print(f"\nto repeat: python -m benchmarks.accuracy.robustness --only {failed[0]}")
    bars = [
        Bar("configurations that raise or are not finite", len(failed), 0),
        Bar("configurations with a warning of numpy", sum(bool(o.warned) for o in outcomes), 0),
    ]
    return show_bars(bars, check=arguments.check)


if __name__ == "__main__":
    raise SystemExit(main())
