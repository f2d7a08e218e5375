"""The data of every task of a store, as the configurations of its runs describe it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from sweeps.storage.provenance import plain
from sweeps.storage.store import Store

# Configurations are canonical JSON, whose names are sorted; a quote within a text has a stroke before it.
_DATA = re.compile(r'"data":(\{.*?\}),"(?:edges|enough|extrapolation|family)":')
#: What a description says of the samples of a function.
_SAMPLES = ("formula", "ranges", "n_train", "n_val", "n_test", "folds", "data_seeds")
_NAMES = {
    "data_seeds": "seeds of the samples",
    "sha256": "table",
    "test_sha256": "test table",
    "seed": "seed of the samples",
}
_DIGITS = 12

Data = Mapping[str, Any]


def task_data(store: Store) -> dict[str, list[Data]]:
    """Return for every task the data of its planned runs, of all runs without a plan; each one once.

    That is all that decides which samples there are: their numbers, the seed, the hash of a table, its
    columns, how it is split. A sweep has one for each task; several were put together from different ones.
    """
    with store.snapshot():
        texts = [(task, config) for _, (_, task, _, config) in store.plan_rows()]
        if not texts:
            runs = store.runs()
            texts = list(zip(runs["task"].tolist(), runs["config"].tolist(), strict=True))
    found: dict[str, dict[str, None]] = {}
    for task, config in texts:
        data = _DATA.search(config)
        found.setdefault(task, {})[data[1] if data else "{}"] = None
    return {task: [json.loads(text) for text in own] for task, own in found.items()}


def data_differences(descriptions: Sequence[Mapping[str, Any]], data: Sequence[Sequence[Data]]) -> list[str]:
    """Return in what the samples of one task differ in two stores, as in "n_train: 1000 | 500".

    Parameters
    ----------
    descriptions : two mappings
        From `Store.tasks`.
    data : two sequences
        From `task_data`; what a store has no run of is not compared.
    """
    found = {name: [own.get(name) for own in descriptions] for name in _SAMPLES}
    if all(own.get("data_seeds") for own in descriptions):
        data = [_without_seeds(own) for own in data]  # the descriptions say them
    if any(len(own) > 1 for own in data):
        return [f"samples: {' | '.join(f'{len(own)} kinds' if len(own) > 1 else 'one' for own in data)}"]
    if all(data):
        (first,), (second,) = data
        for name in dict.fromkeys([*first, *second]):
            both = [first.get(name), second.get(name)]
            if both[0] != both[1]:
                found[name] = both
    return [
        f"{_NAMES.get(name, name)}: {' | '.join(_text(name, value) for value in both)}"
        for name, both in found.items()
        if both[0] != both[1]
    ]


def _without_seeds(data: Sequence[Data]) -> list[Data]:
    found: list[Data] = []
    for own in data:
        rest = {name: value for name, value in own.items() if name != "seed"}
        if rest not in found:
            found.append(rest)
    return found


def _text(name: str, value: Any) -> str:
    if value is None:
        return "–"
    return f"{value[:_DIGITS]}..." if name.endswith("sha256") else plain(value)
