"""The answer as the store keeps it, among what is said of the whole sweep."""

from __future__ import annotations

import json
from collections.abc import Mapping, Set
from typing import Any

#: The name of the entry, and the meaning of its values; a report shows those of its own version only.
ENTRY, VERSION = "answer", 1


def stored_answer(meta: Mapping[str, Any], counted: Set[str]) -> dict[str, Any] | None:
    """Return the evidence in the entries of a store; None if it is not about one of the runs that count."""
    answer: dict[str, Any] = json.loads(meta.get(ENTRY) or "{}")
    is_known = answer.get("version") == VERSION and answer.get("run_id") in counted
    return answer if is_known else None
