"""Which runs a report puts together: families of models, and configurations over several sets of samples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sweeps.families.compared import compared_families, have_other_edges
from sweeps.records import canonical_json, group_id, read_json, without_data_seed
from sweeps.storage.database import Columns


def with_compared_families(runs: Columns, by_edges: bool | None = None) -> tuple[Columns, bool]:
    """Return runs whose "family" is the one that a report compares, and whether KANs differ by their edges.

    Parameters
    ----------
    runs : Columns
        From `Store.runs`.
    by_edges : bool, optional
        Count KANs by their edges also where all are B-splines; by default where there are others.
    """
    if by_edges is None:
        by_edges = have_other_edges(runs["config"])
    if not by_edges:
        return runs, False
    families = compared_families(runs["family"], runs["config"])
    return {**runs, "family": np.array(families, dtype=object)}, True


def over_data_seeds(runs: Columns, descriptions: Mapping[str, Mapping[str, Any]]) -> Columns:
    """Return runs with a column "data_seed", in one group whatever the seed of their samples.

    That is so for tasks whose runs are done with several sets of samples ("data_seeds" of a description). All
    others stay as they are, with a "data_seed" of 0.
    """
    several = [task for task, description in descriptions.items() if description.get("data_seeds")]
    seeds = np.zeros(len(runs["run_id"]), dtype=np.intp)
    rows = np.flatnonzero(np.isin(runs["task"], several)) if several else np.empty(0, dtype=np.intp)
    if not rows.size:
        return {**runs, "data_seed": seeds}
    texts, groups = runs["config"].copy(), runs["group_id"].copy()
    for row, config in zip(rows.tolist(), read_json(texts[rows].tolist()), strict=True):
        seeds[row] = config["data"]["seed"]
        shared = without_data_seed(config)
        texts[row], groups[row] = canonical_json(shared), group_id(shared)
    return {**runs, "config": texts, "group_id": groups, "data_seed": seeds}
