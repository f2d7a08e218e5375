"""Continual learning: five peaks that come one after the other, and what is forgotten of the earlier ones."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweeps.studies.measured import Measured

DESCRIPTION = (
    "Figure 3.4 of the paper and pykan's Example 8: five Gaussian peaks on a line, learnt in five phases of "
    "100 points about one peak each."
)
METHODS = ("kan", "mlp", "mlp-anchor")
QUANTITIES = {
    "rmse_all": "RMSE over the points of all five phases after the last one",
    "rmse_own": "RMSE on the points of a phase right after it, mean over phases",
    "forgetting": "largest rise of the RMSE on a phase until the end",
    "most_steps": "steps of Levenberg-Marquardt in the longest phase",
}
PAPER = {
    "rmse_own": "pykan's Example 8 prints 3.99e-6 after each phase, on the points of that phase",
    "rmse_all": "not printed: the whole line is never scored; figure 3.4 shows that the KAN keeps all peaks",
    "mlp": "figure 3.4 shows that the MLP forgets all peaks but the last",
    "mlp-anchor": "not in the paper: the same MLP, held by the anchors of the earlier phases",
}
CENTRES = np.linspace(-0.8, 0.8, 5)
#: Half the width of a phase, its points, and those that curves are drawn through.
_HALF, _POINTS, _DRAWN = 0.2, 100, 501
_KAN_STEPS, _MLP_STEPS, _QUICK_MLP_STEPS = 9, 200, 60


def peaks(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sum of the five peaks exp(-300 (x - c)^2) at `x`, shape (n, 1)."""
    return np.asarray(np.exp(-300.0 * (x.reshape(-1, 1) - CENTRES) ** 2).sum(axis=1, keepdims=True))


def phases() -> list[dict[str, NDArray[np.float64]]]:
    """Return the five datasets, in turn."""
    inputs = [np.linspace(c - _HALF, c + _HALF, _POINTS)[:, None] for c in CENTRES]
    return [{"train_input": x, "train_label": peaks(x)} for x in inputs]


def run(method: str, seed: int, quick: bool = False) -> Measured:
    """Train a model on the phases in turn, and measure what it knows of all of them after each.

    Parameters
    ----------
    method : str
        "kan", [1, 1] with 200 intervals and without base function, "mlp", [1, 20, 10, 1], or "mlp-anchor",
        the same MLP with the anchor of `kan_np.KAN.anchor` of all earlier phases.
    seed : int
        Of the start; nothing is random in the data.
    quick : bool
        Fewer steps of the MLP.

    Raises
    ------
    ValueError
        For another method.
    """
    import kan_np

    if method not in METHODS:
        raise ValueError(f"method is {method!r}; expected one of {', '.join(METHODS)}.")
    data, model = phases(), _model(method, seed)
    line = np.linspace(-1.0, 1.0, _DRAWN)[:, None]
    known: list[NDArray[np.float64]] = []
    losses, whole, steps, anchor = [], [], [], None
    options: dict[str, Any] = {"weight_decay": 0.0}
    if method == "kan":
        options = {"smoothing": 0.0, "update_grid": False}
    limit = _KAN_STEPS if method == "kan" else _QUICK_MLP_STEPS if quick else _MLP_STEPS
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", kan_np.KanWarning)
        for phase in data:
            result = model.fit(phase, "LM", limit, anchor=anchor, **options)
            if method == "mlp-anchor":
                anchor = model.anchor(phase, previous=anchor)
            steps.append(result.n_iter)
            known.append(model(line)[:, 0])
            residuals = [model(own["train_input"]) - own["train_label"] for own in data]
            losses.append([float(np.sqrt(np.mean(np.square(r)))) for r in residuals])
            whole.append(float(np.sqrt(np.mean(np.square(np.concatenate(residuals))))))
    matrix = np.array(losses)
    rise = [matrix[-1, q] - matrix[q:, q].min() for q in range(len(data))]
    return Measured(
        {
            "rmse_all": whole[-1],
            "rmse_own": float(matrix.diagonal().mean()),
            "forgetting": float(max(rise)),
            "most_steps": float(max(steps)),
        },
        arrays={
            "forgetting_matrix": matrix,
            "rmse_after_phase": np.array(whole),
            "x": line[:, 0],
            "target": peaks(line)[:, 0],
            "known_after_phase": np.array(known),
        },
    )


def _model(method: str, seed: int) -> Any:
    import kan_np

    if method == "kan":
        return kan_np.KAN([1, 1], grid=200, k=3, base_fun="zero", noise_scale=0.1, seed=seed)
    return kan_np.MLP([1, 20, 10, 1], seed=seed)
