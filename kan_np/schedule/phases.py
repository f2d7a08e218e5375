"""Fits to data that come in phases, one after the other, and what a model forgets of the earlier ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np.data.check import Dataset
from kan_np.mlp import MLP
from kan_np.model import KAN
from kan_np.optimize.status import FitResult
from kan_np.training.anchor import Anchor
from kan_np.training.anchoring import network_data

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False, repr=False)
class PhaseFits:
    """A model that was trained on phases in turn, with the matrix of what it knew of each after each.

    Attributes
    ----------
    model : KAN or MLP
        As the last phase left it.
    anchor : Anchor or None
        Of all phases, for the next one; None without anchors.
    results : tuple of FitResult
        One a phase.
    losses : ndarray of shape (n_phases, n_phases)
        The forgetting matrix R: R[p, q] is the loss on phase q after training on phase p, as histories have
        it, for squares the RMSE in the units of the labels, on the test samples of phase q or, where it has
        none, the training samples.
    whole : ndarray of shape (n_phases,)
        The same on the samples of all phases together, after each phase.
    names : tuple of str
        Of the phases.
    """

    model: KAN | MLP
    anchor: Anchor | None
    results: tuple[FitResult, ...]
    losses: FloatArray
    whole: FloatArray
    names: tuple[str, ...] = field(default=())

    @property
    def forgetting(self) -> FloatArray:
        """How much the loss on each phase has risen in the end above its lowest since it was trained.

            F_q = R[last, q] - min_{p >= q} R[p, q],

        (n_phases,); 0 for the last phase.
        """
        n = len(self.losses)
        best = [self.losses[q:, q].min() for q in range(n)]
        return np.asarray(self.losses[-1] - np.array(best))

    @property
    def backward_transfer(self) -> float:
        """Mean change of the loss on earlier phases since they were trained, above 0 where it has risen.

        B = sum_{q < last} (R[last, q] - R[q, q]) / (n_phases - 1); NaN for one phase.
        """
        n = len(self.losses)
        changes = self.losses[-1] - self.losses.diagonal()
        return float(changes[:-1].sum() / (n - 1)) if n > 1 else float("nan")

    def plot(self) -> Figure:
        """Draw the forgetting matrix as a matplotlib Figure."""
        from kan_np.plot.forgetting import plot_forgetting

        return plot_forgetting(self.losses, self.names)

    def _repr_html_(self) -> str:
        """For notebooks: the matrix as a picture."""
        from kan_np import _html

        return _html.paragraph(repr(self)) + _html.drawing(self.model.n_params, self.plot)

    def __repr__(self) -> str:
        """The matrix, row by row."""
        rows = [" ".join(f"{loss:9.2e}" for loss in row) for row in self.losses]
        told = [
            f"after {name}: {row}  all: {whole:.2e}"
            for name, row, whole in zip(self.names, rows, self.whole, strict=True)
        ]
        return "\n".join([f"PhaseFits({len(rows)} phases, {self.model!r})", *told])


def fit_phases(
    model: KAN | MLP,
    phases: Sequence[Dataset],
    opt: str = "auto",
    steps: int = 50,
    *,
    anchored: bool = True,
    ridge: float = 0.0,
    names: Sequence[str] | None = None,
    **fit_options: Any,
) -> PhaseFits:
    """Train a copy of a model on phases in turn, each without the samples of the others.

    After every phase an anchor is made of its samples (`KAN.anchor`), and the fits to the next phases have
    it, so that they keep what was learnt. After every phase the loss on all phases is measured.

    Parameters
    ----------
    model : KAN or MLP
        Not changed.
    phases : sequence of dict
        Datasets, in the order of training. Losses are of their test samples where they have such.
    opt, steps
        Of every fit, as of ``KAN.fit``.
    anchored : bool
        False trains without anchors, which shows what a model forgets.
    ridge : float
        Of every anchor, see `KAN.anchor`.
    names : sequence of str, optional
        Of the phases; 1, 2, ... if not given.
    **fit_options
        Passed to ``fit``. Unless they say otherwise ``update_grid`` is False, since the grids of a KAN would
        follow the samples of one phase: choose ``grid_range`` so that all of them lie in it.

    Returns
    -------
    PhaseFits

    Raises
    ------
    ValueError, TypeError
        For phases and options that ``fit`` or ``anchor`` refuses.

    Notes
    -----
    The matrix and its summaries follow D. Lopez-Paz and M. Ranzato (2017), Gradient episodic memory for
    continual learning, NeurIPS 30, section 2 (R and the backward transfer), and A. Chaudhry et al. (2018),
    Riemannian walk for incremental learning, ECCV, section 4 (forgetting), with losses for accuracies.

    Examples
    --------
    >>> import numpy as np
    >>> from kan_np import KAN, fit_phases
    >>> x = np.linspace(-1, 1, 120)[:, None]
    >>> phases = [{"train_input": part, "train_label": np.exp(part)} for part in np.split(x, 3)]
    >>> fits = fit_phases(KAN([1, 1], grid=6, seed=0), phases, "LM", smoothing=0.0)
    >>> fits.losses.shape, bool(fits.whole[-1] < 1e-3 < fits.whole[0])
    ((3, 3), True)
    >>> fits.anchor
    Anchor(3 phases, samples of weight 120, 10 parameters)
    """
    if not isinstance(model, KAN | MLP):
        raise TypeError(f"model is {_validate.shown(model)}; expected a KAN or an MLP.")
    if isinstance(phases, dict) or not len(phases):
        raise ValueError("phases is one dataset or none; expected a list of datasets, one for each phase.")
    titles = tuple(str(n + 1) for n in range(len(phases))) if names is None else tuple(map(str, names))
    if len(titles) != len(phases):
        raise ValueError(f"names has {len(titles)} names; expected {len(phases)}, one for each phase.")
    if "anchor" in fit_options:
        raise TypeError("fit_phases makes the anchors itself; expected no anchor=, or model.fit by phase.")
    if isinstance(model, KAN):
        fit_options = {"update_grid": False, **fit_options}
    model, anchor = model.copy(), None
    results, losses, whole = [], [], []
    for dataset in phases:
        results.append(model.fit(dataset, opt, steps, anchor=anchor, **fit_options))
        if anchored:
            anchor = model.anchor(dataset, previous=anchor, ridge=ridge)
        row, together = _measured(model, phases)
        losses.append(row)
        whole.append(together)
    return PhaseFits(model, anchor, tuple(results), np.array(losses), np.array(whole), titles)


def _measured(model: KAN | MLP, phases: Sequence[Dataset]) -> tuple[list[float], float]:
    """The loss on every phase, and on all of them together."""
    parts = [_held_out(model, dataset) for dataset in phases]
    unit: FloatArray | float = 1.0 if model.scaler is None else model.scaler.label_scale
    row = [model._mean_loss(*part, unit) for part in parts]
    x, y, weight = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return row, model._mean_loss(x, y, weight, unit)


def _held_out(model: KAN | MLP, dataset: Dataset) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Test samples as the network sees them, or training samples where there are none, and weights."""
    given, data = network_data(model, dataset)
    split = "test" if "test_input" in data else "train"
    weight: ArrayLike | None = given.get(f"{split}_weight")
    x, y = data[f"{split}_input"], data[f"{split}_label"]
    return x, y, np.ones(len(y)) if weight is None else np.asarray(weight, dtype=np.float64)
