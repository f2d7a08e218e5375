"""The leading networks of a sweep whose KANs have different edges: sentences and tables."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sweeps._plural import counted
from sweeps.analysis.results import Interval, Leader, Rival, SweepResult
from sweeps.families import networks
from sweeps.page.number_format import interval_text, plain
from sweeps.page.style import label
from sweeps.page.tables import Column, ReportTable

#: Most families that a sentence or a cell names.
_MOST_NAMED = 3


def leaders_verdict(result: SweepResult) -> str:
    """Return which network leads with how many parameters, by how much, and where that is noise."""
    if not result.leaders:
        trained = [label(family) for family in result.n_models] or ["no model"]
        return f"No comparison yet: this sweep has results of {_listed(trained)} only."
    n_tasks = max(leader.n_tasks for leader in result.leaders)
    sentences = [f"At equal parameters and on equal data, over {counted(n_tasks, 'function')}."]
    blocks = itertools.groupby(result.leaders, key=lambda own: (own.family, _level_names(own)))
    sentences += [_sentence(list(block), n_tasks) for _, block in blocks]
    if len(result.task_leaders) > 1:
        sentences.append(_by_function(result.leaders[-1].budget, result.task_leaders))
    return " ".join(sentences)


def _sentence(block: Sequence[Leader], n_tasks: int) -> str:
    """Return what is said of limits at which the same network leads and the same ones are level with it."""
    first, last = block[0], block[-1]
    limits = str(first.budget) if first is last else f"{first.budget} to {last.budget}"
    start = f"With at most {limits} parameters {label(last.family)}"
    at = f"at {last.budget} parameters " if first is not last else ""
    functions = "" if last.n_tasks == n_tasks else f" on {last.n_tasks} of them"
    nearest = last.rivals[0]
    if _unknown(nearest):
        return (
            f"{start} has the smallest error{functions}; {at}that of {label(nearest.family)} is "
            f"{plain(nearest.ratio.value)} times as large, from one run of every configuration, which tells "
            "nothing about chance."
        )
    level = last.level
    if not level:
        return (
            f"{start} leads{functions}: {at}the error of the next, {label(nearest.family)}, is "
            f"{interval_text(nearest.ratio)} times as large."
        )
    return (
        f"{start} has the smallest error{functions}, but the lead over {_listed(list(map(_name, level)))} is "
        f"noise: {at}the error of {label(level[0].family)} is {interval_text(level[0].ratio)} times as large."
    )


def _by_function(limit: int, task_leaders: Mapping[str, Sequence[Leader]]) -> str:
    """Return how many functions each network leads on beyond chance with at most `limit` parameters."""
    found = [own for leaders in task_leaders.values() for own in leaders if own.budget == limit]
    won = Counter(leader.family for leader in found if not leader.level)
    start = f"Function by function, with at most {limit} parameters,"
    if not won:
        return f"{start} no network leads beyond chance on any of {len(found)}."
    counts = sorted(won.items(), key=lambda own: (-own[1], own[0]))
    listed = "; ".join(f"{label(family)} on {n}" for family, n in counts)
    n_open = len(found) - won.total()
    rest = f"; on {n_open} the lead is noise" if n_open else ""
    return f"{start} these lead beyond chance: {listed}{rest}."


def _unknown(rival: Rival) -> bool:
    return math.isnan(rival.ratio.low)


def _name(rival: Rival) -> str:
    return label(rival.family)


def _level_names(leader: Leader) -> tuple[str, ...]:
    return tuple(sorted(rival.family for rival in leader.level))


def _listed(names: Sequence[str]) -> str:
    """Return names in a row, the last ones of many as a number."""
    if len(names) > _MOST_NAMED + 1:
        names = [*names[:_MOST_NAMED], f"{len(names) - _MOST_NAMED} others"]
    # Names have commas in them.
    return " and ".join(["; ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def leaders_table(result: SweepResult) -> ReportTable:
    """Return the error of every network over that of the leader with at most so many parameters."""
    rivals = {rival.family for leader in result.leaders for rival in leader.rivals}
    names = networks(rivals | {leader.family for leader in result.leaders})
    columns = [
        *(Column("at most N parameters", "count"), Column("functions", "count"), Column("leads")),
        *(Column(label(name), "plain") for name in names),
    ]
    rows: list[list[Any]] = []
    for leader in result.leaders:
        ratios = {rival.family: rival.ratio for rival in leader.rivals} | {leader.family: Interval(1.0)}
        rows.append([leader.budget, leader.n_tasks, _lead_text(leader), *map(ratios.get, names)])
    caption = "Test error over that of the leader, the geometric mean over functions, at equal parameters."
    return ReportTable("leaders", caption, columns, rows)


def task_leaders_table(result: SweepResult) -> ReportTable:
    """Return which network leads on every function with at most so many parameters, and by how much."""
    limits = sorted({leader.budget for own in result.task_leaders.values() for leader in own})
    columns = [Column("function"), *(Column(f"at most {limit}") for limit in limits)]
    rows = []
    for task in result.tasks:
        found = {leader.budget: leader for leader in result.task_leaders.get(task.task, ())}
        if found:
            cells = [_cell(found[limit]) if limit in found else "" for limit in limits]
            rows.append([task.title, *cells])
    caption = (
        "The network with the smallest test error at equal parameters, and by what factor that of the next "
        "is larger; or those that are level with it."
    )
    return ReportTable("function-leaders", caption, columns, rows)


def _lead_text(leader: Leader) -> str:
    if not leader.level or _unknown(leader.rivals[0]):
        return label(leader.family)
    return f"{label(leader.family)}; level: {_listed(list(map(_name, leader.level)))}"


def _cell(leader: Leader) -> str:
    if leader.level and not _unknown(leader.rivals[0]):
        return _lead_text(leader)
    return f"{label(leader.family)} {interval_text(leader.rivals[0].ratio)}"
