"""Solutions of differential equations as a store keeps them: fields on a grid, in the entries of a sweep."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping, Set
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: The start of the name of an entry, before the task, and the meaning of its values.
ENTRY, VERSION = "solution:", 1
FloatArray = NDArray[np.float64]


def stored_solutions(meta: Mapping[str, Any], counted: Set[str]) -> dict[str, dict[str, Any]]:
    """Return by task the solutions in the entries of a store that are of one of the runs that count.

    Each has the entries of `sweeps.answer.solutions.found_fields`, its fields as arrays of numbers.
    """
    found = {}
    for name, text in meta.items():
        if not name.startswith(ENTRY):
            continue
        kept: dict[str, Any] = json.loads(text)
        if kept.get("version") == VERSION and kept.get("run_id") in counted:
            fields = {title: unpacked(field, len(kept["ranges"])) for title, field in kept["fields"]}
            found[name.removeprefix(ENTRY)] = kept | {"fields": fields}
    return found


def packed(field: FloatArray) -> str:
    """Return a field in single precision as text.

    Examples
    --------
    >>> unpacked(packed(np.array([1.0, 0.5])), 1)
    array([1. , 0.5])
    """
    return base64.b64encode(zlib.compress(field.astype("<f4").tobytes(), 6)).decode()


def unpacked(text: str, n_coordinates: int) -> FloatArray:
    """Return the field, as many points along every coordinate."""
    flat = np.frombuffer(zlib.decompress(base64.b64decode(text)), dtype="<f4").astype(np.float64)
    n = round(flat.size ** (1.0 / n_coordinates))
    return flat.reshape((n,) * n_coordinates)
