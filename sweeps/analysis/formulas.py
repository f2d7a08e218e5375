"""From the formulas in a store to what a report shows of them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from sweeps.analysis.formula_results import Formula, FormulaSearch
from sweeps.analysis.pareto import front
from sweeps.analysis.results import TaskResult
from sweeps.storage.database import Columns


def searches_by_task(runs: Columns, stages: Columns, formulas: Columns) -> dict[str, FormulaSearch]:
    """Return what was found for every task for which a formula was looked for.

    Parameters
    ----------
    runs, stages : mapping of str to ndarray
        From `Store.runs` and `Store.stages`, of the searches alone.
    formulas : mapping of str to ndarray
        From `Store.formulas`.
    """
    task_of = dict(zip(runs["run_id"], runs["task"], strict=True))
    found: dict[str, list[Formula]] = {task: [] for task in task_of.values()}
    for formula in _formulas(runs, stages, formulas):
        found[task_of[formula.run_id]].append(formula)
    n_runs = Counter(task_of.values())
    return {task: _search(own, n_runs[task]) for task, own in found.items()}


def _formulas(runs: Columns, stages: Columns, formulas: Columns) -> list[Formula]:
    seed_of = dict(zip(runs["run_id"], runs["seed"].tolist(), strict=True))
    rows = {
        place: row for row, place in enumerate(zip(stages["run_id"], stages["stage"].tolist(), strict=True))
    }
    made = []
    for i, (run_id, stage) in enumerate(zip(formulas["run_id"], formulas["stage"].tolist(), strict=True)):
        row = rows.get((run_id, stage))
        if row is None:
            continue
        made.append(
            Formula(
                run_id=run_id,
                stage=stage,
                seed=seed_of[run_id],
                text=formulas["formula"][i],
                complexity=float(formulas["complexity"][i]),
                n_constants=int(formulas["n_constants"][i]),
                n_params=int(stages["n_params"][row]),
                train_rmse=float(stages["train_rmse"][row]),
                val_rmse=float(stages["val_rmse"][row]),
                test_rmse=float(stages["test_rmse"][row]),
                time_s=float(stages["wall_s"][row]),
                exact=bool(formulas["exact"][i]),
                best=bool(formulas["best"][i]),
            )
        )
    return made


def _search(found: Sequence[Formula], n_runs: int) -> FormulaSearch:
    # Several seeds may find the same one.
    different = list({formula.text: formula for formula in reversed(found)}.values())[::-1]
    order = front([f.complexity for f in different], [f.val_rmse for f in different])
    recommended = [formula for formula in found if formula.best]
    return FormulaSearch(
        best=min(recommended, key=_preference, default=None),
        frontier=[different[i] for i in order],
        n_runs=n_runs,
        n_exact=sum(formula.exact for formula in recommended),
    )


def _preference(formula: Formula) -> tuple[bool, float]:
    """Order the formulas of several searches: exact ones first, the shortest of them; else by their error."""
    error = formula.val_rmse if math.isfinite(formula.val_rmse) else math.inf
    return not formula.exact, formula.complexity if formula.exact else error


def formula_verdict(tasks: Sequence[TaskResult]) -> str:
    """Return one sentence that says for how many functions the formula was found; empty without a search."""
    searches = [task.search for task in tasks if task.search is not None]
    if not searches:
        return ""
    n_exact = sum(search.best is not None and search.best.exact for search in searches)
    if len(searches) == 1:
        return f"{'An' if n_exact else 'No'} exact formula was found."
    return f"An exact formula was found for {n_exact} of {len(searches)} functions."
