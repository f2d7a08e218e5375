"""Times of kernels, fits and sweeps for comparison between revisions: pytest benchmarks --benchmark-autosave.

Processor time of this thread, which does all the work here, so that other load disturbs little. What is
compiled at the first call is called once before.
"""

from __future__ import annotations

import itertools
import time
from functools import partial
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.evaluations import DEEP, EVALUATIONS, PERCEPTRON, SMALL, STANDARD, Evaluation, Network
from benchmarks.sweeps._tiny import tiny_spec
from kan_np import KAN, load_model
from sweeps.run_one import RunOptions
from sweeps.runner import Outcome, RunnerOptions, SweepEnd, run_plan
from sweeps.spec import tasks
from sweeps.spec.expansion import expand
from sweeps.spec.plan import make_plan
from sweeps.spec.spec_reader import read_spec
from sweeps.storage.store import Store

pytestmark = pytest.mark.benchmark(timer=time.thread_time, max_time=0.5)

of_kans = pytest.mark.parametrize("network", [SMALL, DEEP], ids=lambda network: network.name)


@pytest.mark.parametrize("evaluation", EVALUATIONS, ids=lambda evaluation: evaluation.name)
def test_evaluation(benchmark: BenchmarkFixture, evaluation: Evaluation) -> None:
    call = evaluation.prepare()
    call()
    benchmark(call)


@pytest.mark.parametrize("network", STANDARD, ids=lambda network: network.name)
def test_construction(benchmark: BenchmarkFixture, network: Network) -> None:
    assert benchmark(network.model).width == list(network.width)


@of_kans
def test_refine(benchmark: BenchmarkFixture, network: Network) -> None:
    model = KAN(network.width, grid=5, seed=0)
    assert benchmark(model.refine, 10).grid == 10


@of_kans
def test_update_grid(benchmark: BenchmarkFixture, network: Network) -> None:
    x = network.dataset()["train_input"]
    # grids that have moved stay where they are: every round moves those of a new model
    benchmark.pedantic(KAN.update_grid, setup=lambda: ((network.model(), x), {}), rounds=20, warmup_rounds=1)


@pytest.mark.parametrize(
    ("network", "opt"),
    [(SMALL, "LBFGS"), (SMALL, "LM"), (PERCEPTRON, "LBFGS"), (PERCEPTRON, "LM")],
    ids=lambda part: getattr(part, "name", part),
)
def test_short_fit(benchmark: BenchmarkFixture, network: Network, opt: str) -> None:
    dataset = network.dataset()
    free = {"smoothing": 0.0} if network.grid else {"weight_decay": 0.0}  # whatever the number of samples
    fit = lambda: network.model().fit(dataset, opt=opt, steps=5, **free)  # noqa: E731
    first, result = fit(), benchmark(fit)
    assert result["train_loss"] == first["train_loss"]


@pytest.mark.parametrize("network", [DEEP, PERCEPTRON], ids=lambda network: network.name)
def test_save(benchmark: BenchmarkFixture, network: Network, tmp_path: Path) -> None:
    benchmark(network.model().save, tmp_path / "model.npz")


@pytest.mark.parametrize("network", [DEEP, PERCEPTRON], ids=lambda network: network.name)
def test_load(benchmark: BenchmarkFixture, network: Network, tmp_path: Path) -> None:
    network.model().save(tmp_path / "model.npz")
    assert benchmark(load_model, tmp_path / "model.npz").width == list(network.width)


@pytest.mark.benchmark(timer=time.perf_counter)  # the store writes to disk
def test_tiny_sweep(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    rooms = (tmp_path / str(number) for number in itertools.count())
    sweep = partial(_sweep, tiny_spec(tmp_path, 20))
    outcome = benchmark.pedantic(sweep, setup=lambda: ((next(rooms),), {}), rounds=5, warmup_rounds=1)
    assert (outcome.end, outcome.done, outcome.failed) == (SweepEnd.FINISHED, 20, 0)


def _sweep(path: Path, directory: Path) -> Outcome:
    """Carry out a sweep in this process, from the reading of its specification to its last record."""
    spec = read_spec(path)
    runs = expand(spec, tasks.describe(spec))
    with Store.create(directory, spec.to_dict(), "") as store:
        store.set_plan([(run.run_id, run.task, run.family, run.config) for run in runs])
        runner = RunnerOptions("sequential", jobs=1, progress="none")
        return run_plan(store, make_plan(runs, ()), RunOptions(), runner, lambda line: None)
