"""Functions of records of runs: canonical JSON, group over seeds, best stage, optimizer as text.

Plain functions of plain values, for whoever writes, stores or reads records.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

#: Entries in which repetitions of one configuration differ: the seed, and in cross-validation the fold.
_REPEATS = ("seed", "fold")

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def canonical_json(value: object) -> str:
    """Return `value` as JSON with sorted keys and no spaces: equal configurations give equal text."""
    return _ENCODER.encode(value)


def member_json(name: str, value: object) -> str:
    """Return one member of an object as it stands in its canonical JSON; see `object_json`."""
    return f"{canonical_json(name)}:{canonical_json(value)}"


def object_json(members: Iterable[str]) -> str:
    """Return the canonical JSON of an object from that of its members, which many objects may share.

    Examples
    --------
    >>> object_json([member_json("width", [2, 1]), member_json("seed", 0)])
    '{"seed":0,"width":[2,1]}'
    """
    # Names are words, so that members sort as their names do.
    return "{" + ",".join(sorted(members)) + "}"


def read_json(texts: Iterable[str]) -> list[Any]:
    """Return what JSON texts hold; read as one text they take less time and share the names in them."""
    return list(json.loads(f"[{','.join(texts)}]"))


def text_id(text: str) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def group_id(config: Mapping[str, Any]) -> str:
    """Return the id of the group a run belongs to: the hash of its configuration without seed and fold.

    Examples
    --------
    >>> group_id({"width": [2, 1], "seed": 0}) == group_id({"width": [2, 1], "seed": 1})
    True
    """
    return _hash_without(config, *_REPEATS)


def without_data_seed(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration without the seed of its samples: what runs with several sets of them share.

    Examples
    --------
    >>> without_data_seed({"data": {"n_train": 10, "seed": 3}, "seed": 1})
    {'data': {'n_train': 10}, 'seed': 1}
    """
    data = {key: value for key, value in config.get("data", {}).items() if key != "seed"}
    return {**config, "data": data}


def twin_id(config: Mapping[str, Any]) -> str:
    """Return what groups that differ in nothing but their optimizer have in common.

    Examples
    --------
    >>> twin_id({"width": [2, 1], "opt": "LM"}) == twin_id({"width": [2, 1], "opt": "LBFGS", "seed": 1})
    True
    """
    return _hash_without(config, *_REPEATS, "opt")


def _hash_without(config: Mapping[str, Any], *keys: str) -> str:
    rest = {key: value for key, value in config.items() if key not in keys}
    return text_id(canonical_json(rest))


def best_stage(stages: Sequence[Mapping[str, Any]]) -> int:
    """Return the number of the best stage of a run: the one with the least validation RMSE.

    Without a finite validation RMSE the training RMSE decides, never the test RMSE; the earlier stage wins a
    tie, and the last one if nothing is finite. Of formulas it is the one that the search recommends, which
    weighs error against length.

    Examples
    --------
    >>> best_stage([{"stage": 0, "val_rmse": 0.2}, {"stage": 1, "val_rmse": 0.1}])
    1
    """
    for row in stages:
        if (row.get("formula") or {}).get("best"):
            return int(row["stage"])
    for metric in ("val_rmse", "train_rmse"):
        finite = [row for row in stages if math.isfinite(row[metric])]
        if finite:
            return int(min(finite, key=lambda row: row[metric])["stage"])
    return int(stages[-1]["stage"])


def opt_text(asked: str, used: str = "") -> str:
    """Return the optimizer of a model: the one that was used, and that it was chosen by its size if so.

    Without `used`, as for a run that has no stage yet, it is the one that was asked for.

    Examples
    --------
    >>> opt_text("LM", "LM"), opt_text("auto", "LM"), opt_text("auto")
    ('LM', 'LM (auto)', 'auto')
    """
    if not used or used == asked:
        return asked
    return f"{used} ({asked})" if asked else used
