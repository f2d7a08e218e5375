"""Sentences of the paper's page: each count is of the functions that it can be of."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

from sweeps.analysis.results import KAN, MLP
from sweeps.page.paper_view import _counts, _on_missing


def task(kan: float, mlp: float, **printed: float) -> Any:
    errors = {KAN: kan, MLP: mlp}
    best = {name: SimpleNamespace(test=SimpleNamespace(median=error)) for name, error in errors.items()}
    return SimpleNamespace(best=best, overall=object(), description=printed)


def test_functions_without_a_printed_error_are_not_counted_as_missed() -> None:
    printed = [task(0.1, 0.2, paper_kan_rmse=0.15, paper_mlp_rmse=0.3), task(0.3, 0.2, paper_kan_rmse=0.2)]
    sentences = _counts([*printed, task(0.1, 0.2), task(0.3, 0.2)])
    assert sentences[0].endswith("smaller error than the best MLP on 2 of 4 functions.")
    assert sentences[1] == "In the paper it is 1 of 1."
    assert sentences[2].endswith("that the paper prints on 1 of 2.")


def test_where_the_paper_prints_nothing_nothing_is_compared_with_it() -> None:
    assert len(_counts([task(0.1, 0.2)])) == 1


def test_an_infinite_error_is_explained() -> None:
    assert _on_missing([["I.6.2", 140, 1e-5, 2e-5], ["I.9.18", None, 1e-4, math.nan]]) == ""
    assert "refining had ended" in _on_missing(
        [["I.6.2", 140, 1e-5, 2e-5], ["II.6.15a", 480, 1e-5, math.inf]]
    )
