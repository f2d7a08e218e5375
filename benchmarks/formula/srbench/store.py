"""Results as lines of JSON, which are there as soon as a search ends and are not computed twice."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.formula.srbench.methods import Task, version_of
from benchmarks.formula.srbench.verdicts import JUDGE

Result = dict[str, Any]


class Store:
    """A file of results.

    Parameters
    ----------
    path : Path
        Made with its folder when the first result is added.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found: dict[str, Result] = {}
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                result = _read(line)
                if result is not None:
                    self._found[_key_of(result["task"])] = result

    def result(self, task: Task) -> Result | None:
        """What is known of a task."""
        return self._found.get(_key_of(described(task)))

    def add(self, task: Task, fields: Result) -> Result:
        """Keep and write a result."""
        result = {"task": described(task), **fields}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(result) + "\n")
        self._found[_key_of(result["task"])] = result
        return result


def described(task: Task) -> dict[str, Any]:
    """All that a result depends on."""
    fields = {name: value for name, value in asdict(task).items() if name != "python"}
    return {**fields, "version": version_of(task.method), "judge": JUDGE}


def _key_of(fields: dict[str, Any]) -> str:
    return json.dumps(fields, sort_keys=True)


def _read(line: str) -> Result | None:
    """A result; None for a line that an interrupted run has not finished."""
    try:
        return dict(json.loads(line))
    except json.JSONDecodeError:
        return None
