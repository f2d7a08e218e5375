"""``python -m benchmarks.sweeps._simulate SPEC OUT ENGINE JOBS``: a sweep whose runs compute nothing.

Everything but the training is what `kan-sweep run` does: the plan, the engine, the store.
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.sweeps._simulated import simulated_run
from sweeps.run_one import RunOptions
from sweeps.runner import RunnerOptions, SweepEnd, run_plan
from sweeps.spec import tasks
from sweeps.spec.expansion import expand
from sweeps.spec.plan import longest_first, make_plan
from sweeps.spec.spec_reader import read_spec
from sweeps.storage.store import Store


def main(spec_path: str, out: str, engine: str, jobs: str) -> None:
    """Carry the sweep out."""
    spec = read_spec(Path(spec_path))
    infos = tasks.describe(spec)
    runs = expand(spec, infos)
    with Store.create(out, spec.to_dict(), f"kan-sweep run {spec_path}") as store:
        store.set_tasks(tasks.descriptions(spec, infos))
        plan = [(run.run_id, run.task, run.family, run.config) for run in runs]
        store.set_plan(plan, tasks.plan_of(spec, infos))
        todo = make_plan(longest_first(runs), store.statuses())
        runner = RunnerOptions(engine, int(jobs), progress="none")
        outcome = run_plan(store, todo, RunOptions(), runner, lambda line: None, compute=simulated_run)
        assert outcome.end is SweepEnd.FINISHED, outcome.message
        assert (outcome.done, outcome.failed) == (len(runs), 0)
        print(outcome.wall_s)


if __name__ == "__main__":
    main(*sys.argv[1:])
