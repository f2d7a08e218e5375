"""The method that keeps what the samples of a fit say, for fits to other samples."""

from __future__ import annotations

from kan_np.data.check import Dataset
from kan_np.training.anchor import Anchor
from kan_np.training.anchoring import anchored
from kan_np.training.estimator import Estimator


def anchor(
    model: Estimator, dataset: Dataset, previous: Anchor | None = None, *, ridge: float = 0.0
) -> Anchor:
    """What the samples of the last fit say of the parameters, for fits to other samples.

    For data that come in phases, of which earlier ones are gone: ``fit(dataset, anchor=...)`` adds
    a quadratic penalty that holds the parameters where earlier samples have put them, as firmly as these
    do in each direction (`kan_np.training.anchor.Anchor`).

    Parameters
    ----------
    model : KAN
    dataset : dict
        The dataset of the last fit; only the training samples count, each with its weight. Weights are
        compared between phases as they are given: one over the variance of the noise, for example.
    previous : Anchor, optional
        The anchor of the phases before it; the result then stands for all of them.
    ridge : float
        Part of the mean diagonal element that is added to all of the diagonal: it holds the parameters
        that no sample has determined, too. 0 is right where the model is linear in what is trained; a
        network of several layers, whose curvature changes along the way, keeps more with 1e-3.

    Returns
    -------
    Anchor
        Of the present parameters. It holds as long as the model has the same edges, grids, frozen and
        tied parameters and units: after `refine`, `prune`, `update_grid` or `freeze` a fit refuses it.

    Raises
    ------
    ValueError, TypeError
        For a model that was not fitted, one with more than 12000 parameters, a loss without second
        derivatives, data that ``fit`` refuses, and a previous anchor of another model.

    Examples
    --------
    >>> import numpy as np
    >>> from kan_np import KAN
    >>> x = np.linspace(-1, 1, 90)[:, None]
    >>> phases = [{"train_input": part, "train_label": np.exp(part)} for part in np.split(x, 3)]
    >>> model, anchor = KAN([1, 1], grid=6, seed=0), None
    >>> for dataset in phases:
    ...     result = model.fit(dataset, "LM", smoothing=0.0, update_grid=False, anchor=anchor)
    ...     anchor = model.anchor(dataset, previous=anchor)
    >>> anchor
    Anchor(3 phases, samples of weight 90, 10 parameters)
    >>> bool(np.abs(model(x) - np.exp(x)).max() < 1e-3)
    True
    """
    return anchored(model, dataset, previous, ridge)
