"""Formulas that are found by taking the labels apart, as candidates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kan_np.discovery.candidate import Candidate
from kan_np.discovery.structure import find_by_structure
from kan_np.discovery.terms.polish import Samples
from kan_np.discovery.training import Data
from kan_np.discovery.writing import Writer
from kan_np.functions.library import SymbolLibrary

#: Formulas that are written.
_WRITTEN = 2


def taken_apart(
    writer: Writer,
    data: Data,
    library: SymbolLibrary,
    known: float,
    *,
    seconds: float,
    stop: Callable[[], bool],
    more: Callable[[], bool],
    accepts: Callable[[Any], bool],
) -> list[Candidate]:
    """The best formulas whose parts were found one by one.

    Parameters
    ----------
    writer : Writer
    data : Data
        Of the writer, its noise that of the last digits of the labels.
    library : SymbolLibrary
    known : float
        RMSE on validation rows that they have to beat, in the units of `writer.physical`.
    seconds : float
        Processor time of the thread.
    stop, more, accepts : callable
        As in `find_by_structure`.
    """
    x, y = writer.physical
    n, noise = len(data.y), data.noise * writer.of_label
    if writer.scaler is not None:
        noise *= float(writer.scaler.label_scale[0])
    if len(y) - n < 2:
        return []
    samples = Samples(x[:n], y[:n], x[n:], y[n:], noise, writer.inputs)
    found = find_by_structure(samples, library, seconds=seconds, stop=stop, more=more, accepts=accepts)
    candidates: list[Candidate] = []
    for own in found[:_WRITTEN]:
        if not own.exact and not own.val_rmse < known:
            continue
        candidate = writer.if_possible("by parts", own.expression)
        if candidate is not None:
            candidates.append(candidate)
        if own.exact:
            break
    return candidates
