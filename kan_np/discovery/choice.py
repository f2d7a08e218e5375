"""Which of the candidates are shown and which one is the best: the rules of a `Discovery`.

The best is the simplest exact formula. Without one it is the candidate with the shortest message; but never a
network of splines if a formula loses, on validation samples, no more than the noise of the labels or one per
cent of their spread against it. Of few rows a formula needs to be better than the constant by more than its
numbers explain, by Akaike's criterion for small samples (Hurvich and Tsai, Biometrika 76 (1989), 297),

    n log(mse) + 2 k + 2 k (k + 1) / (n - k - 1),

k its numbers, its functions and one for the noise; one of as many numbers as there are rows says nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kan_np.discovery.candidate import Candidate, Discovery
from kan_np.discovery.noise import Noise
from kan_np.discovery.training import Trained
from kan_np.discovery.trees import Shape
from kan_np.discovery.writing import Writer
from kan_np.functions.variables import text_of

#: A formula may lose this part of the spread of the labels against splines.
_PER_CENT = 0.01
#: Of no more rows the criterion for small samples decides, too.
FEW_ROWS = 30
#: A rung is better than the one below by at least this part.
_GAIN = 1e-3
#: Two upper bounds of the noise that agree to this factor are an estimate.
_AGREE = 1.25
#: What a model leaves of this part of the spread of the labels is rounding and no noise.
_ROUNDING = 1e-9


def frontier(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Those that are more accurate than all simpler ones, simplest first."""
    chosen: list[Candidate] = []
    for candidate in sorted(candidates, key=lambda c: (c.complexity, c.val_rmse)):
        if not chosen or candidate.val_rmse < (1.0 - _GAIN) * chosen[-1].val_rmse:
            chosen.append(candidate)
    return chosen


def best_of(candidates: Sequence[Candidate], spread: float = 0.0, noise: float | None = None) -> Candidate:
    """The best by the rule of the module.

    Parameters
    ----------
    candidates : sequence of Candidate
    spread : float
        Of the labels, in their units.
    noise : float, optional
        Of the labels; if it is not known, what the splines leave, which is not less.
    """
    exact = [candidate for candidate in candidates if candidate.exact]
    if exact:
        return min(exact, key=lambda c: (c.complexity, c.length))
    best = min(candidates, key=lambda c: c.length)
    loss = best.val_rmse if noise is None else noise
    allowed = best.val_rmse + max(loss, _PER_CENT * spread)
    near = [c for c in candidates if c.symbolic and c.val_rmse <= allowed]
    return min(near, key=lambda c: c.length) if near and not best.symbolic else best


def supported(candidates: Sequence[Candidate], n_train: int, n_val: int) -> list[Candidate]:
    """Of few rows, the constants and those that are better than these by more than their numbers explain."""
    n = n_train + n_val
    if n > FEW_ROWS:
        return list(candidates)
    criterion = {id(c): _small_sample_criterion(c, n_train, n_val) for c in candidates}
    constants = [c for c in candidates if c.n_numbers <= 1 and not _variables(c)]
    least = min((criterion[id(c)] for c in constants), default=np.inf)
    return [c for c in candidates if c.exact or c in constants or criterion[id(c)] < least] or list(
        candidates
    )


def _small_sample_criterion(candidate: Candidate, n_train: int, n_val: int) -> float:
    n, k = n_train + n_val, candidate.n_numbers + 1
    if n - k - 1 <= 0:
        return np.inf
    errors = np.sqrt([n_train / n, n_val / n]) * [candidate.train_rmse, candidate.val_rmse]
    rmse = max(float(np.hypot(*errors)), 1e-300)
    return 2 * n * float(np.log(rmse)) + 2 * k + 2 * k * (k + 1) / (n - k - 1)


def _variables(candidate: Candidate) -> set[object]:
    return set().union(*(e.free_symbols for e in candidate.formula.expressions))


def joint_noise(rows: Noise | None, least: float, best: Candidate, spread: float) -> Noise | None:
    """The smaller of two estimates: by the rows, and by what the most accurate model leaves.

    Parameters
    ----------
    rows : Noise, optional
        By the rows alone.
    least : float
        Least validation RMSE of any network or formula.
    best : Candidate
    spread : float
        Of the labels.
    """
    if best.exact or not np.isfinite(least) or least <= _ROUNDING * spread:
        return None
    model = Noise(least, "what the most accurate model leaves", True)
    if rows is None or least < rows.level:
        close = rows is not None and rows.level <= _AGREE * least
        return Noise(least, model.source, not close)
    close = not rows.at_most or least <= _AGREE * rows.level
    return Noise(rows.level, rows.source, not close)


def answered(
    writer: Writer,
    candidates: Sequence[Candidate],
    trained: Sequence[tuple[Shape, Trained]],
    cpu_s: float,
    notes: Sequence[str],
) -> Discovery:
    """The frontier of candidates, the best of them, and what is to be said about it.

    Parameters
    ----------
    writer : Writer
        Of the data.
    candidates : sequence of Candidate
    trained : sequence of (Shape, Trained)
        The networks of splines.
    cpu_s : float
    notes : sequence of str
        What was said before.
    """
    tried = {shape.name: found.rmse * writer.of_label for shape, found in trained}
    n_train, n_val, spread = len(writer.raw.y), len(writer.raw.val_y), writer.spread
    fitting = [candidate for candidate in candidates if not candidate.misfit] or list(candidates)
    kept = supported(fitting, n_train, n_val)
    least = min([*tried.values(), *(candidate.val_rmse for candidate in kept)])
    noise = joint_noise(writer.noise, least, best_of(kept), spread)
    best = best_of(kept, spread, None if noise is None else noise.level)
    said = [*notes]
    if noise is not None:
        said.append(noise.said(spread))
    ruled_out = [candidate for candidate in candidates if candidate.misfit and candidate.symbolic]
    if ruled_out and len(fitting) < len(candidates):
        nearest = min(ruled_out, key=lambda c: c.val_rmse)
        text = text_of(nearest.formula.expressions[0])
        said.append(
            f"{len(ruled_out)} formulas were ruled out by their units, among them {text} with val_rmse="
            f"{nearest.val_rmse:.2e}: {nearest.misfit}"
        )
    if len(kept) < len(fitting):
        said.append(
            f"of {n_train + n_val} rows, {len(fitting) - len(kept)} formulas were left out: they are no "
            "better than a constant by more than their numbers explain"
        )
    if not best.symbolic:
        said.append(f"the best is no formula: {best.formula.what_is_left()}")
    return Discovery(frontier(kept), best, len(trained), cpu_s, tried, tuple(said), noise, spread)
