"""What a model is worth: its losses on a dataset, its size, and the sparsity penalty."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from kan_np.data.check import Dataset, check_dataset
from kan_np.data.standardize import network_samples
from kan_np.inspection.model_type import KanModel
from kan_np.inspection.samples import network_inputs
from kan_np.objective.sparsity_penalty import Penalty, coefficient_penalty, sparsity
from kan_np.surgery.attribution import measure_spread
from kan_np.training.labels import labelled_for


def n_edge(model: KanModel) -> int:
    """Number of edges that are there: all but pruned ones and the symbol "0"."""
    net = model._network
    idle = sum(symbol.name == "0" for symbol in net.structure.symbols.values())
    return int(sum(mask.sum() for mask in net.masks)) - idle


def evaluate(model: KanModel, dataset: Dataset) -> dict[str, float]:
    """Evaluate the model on the splits of a dataset; pykan's ``evaluate``, which knows the test split alone.

    Parameters
    ----------
    model : KAN
    dataset : dict
        As ``fit`` takes it, with ``train_input`` and ``train_label``, and test_* and val_* where there are.

    Returns
    -------
    dict of str to float
        ``train_loss``, ``test_loss``, ``val_loss``: the RMSE in the units of the labels, or the mean of
        another loss that the model was fitted with; weighted where the dataset has weights. ``n_edge``,
        ``n_grid`` and ``n_params``.

    Raises
    ------
    ValueError, TypeError
        As ``fit``, for a dataset that does not fit the model.

    Examples
    --------
    >>> from kan_np import KAN, create_dataset
    >>> dataset = create_dataset(lambda x: x[:, [0]] ** 2, n_var=2, train_num=100, seed=0)
    >>> model = KAN([2, 1], seed=0)
    >>> result = model.fit(dataset, steps=5)
    >>> found = model.evaluate(dataset)
    >>> found["test_loss"] == result["test_loss"][-1], found["n_edge"], found["n_grid"]
    (True, 2, 5)
    """
    n_in, n_out = model.width[0], model.width[-1]
    if isinstance(dataset, dict):
        dataset = labelled_for(model._loss, model._matched(dataset), n_out)
    data = network_samples(check_dataset(dataset, n_in, n_out), None, model.scaler, False)
    unit = data.get("label_unit", 1.0)
    found: dict[str, float] = {}
    for split in ("train", "test", "val"):
        if f"{split}_input" in data:
            inputs, labels = data[f"{split}_input"], data[f"{split}_label"]
            model._network.check_inputs(inputs)
            found[f"{split}_loss"] = model._mean_loss(inputs, labels, data.get(f"{split}_weight"), unit)
    return found | {"n_edge": n_edge(model), "n_grid": model.grid, "n_params": model.n_params}


def reg(
    model: KanModel,
    x: ArrayLike | dict[str, Any] | None = None,
    *,
    reg_metric: str = "edge_forward_spline_n",
    lamb_l1: float = 1.0,
    lamb_entropy: float = 2.0,
    lamb_coef: float = 0.0,
    lamb_coefdiff: float = 0.0,
) -> float:
    """Value of pykan's sparsity penalty R on samples, by which ``fit`` multiplies ``lamb``.

    pykan's ``reg`` and ``get_reg``, which take the scores of the last forward pass.

    Parameters
    ----------
    model : KAN
    x : array_like of shape (n_samples, n_in), or dataset, optional
        As for `get_act`.
    reg_metric, lamb_l1, lamb_entropy, lamb_coef, lamb_coefdiff
        As for ``fit``; `kan_np.objective.sparsity_penalty` has the formula.

    Returns
    -------
    float

    Raises
    ------
    ValueError, TypeError
        For weights below 0, an unknown metric, and as ``model(x)``.

    Examples
    --------
    >>> import numpy as np
    >>> from kan_np import KAN
    >>> x = np.random.default_rng(0).uniform(-1, 1, (100, 2))
    >>> model = KAN([2, 5, 1], seed=0)
    >>> model.reg(x) > model.reg(x, lamb_entropy=0.0) > 0
    True
    """
    penalty = Penalty(1.0, lamb_l1, lamb_entropy, lamb_coef, lamb_coefdiff, reg_metric)
    net = model._network
    value, _ = sparsity(penalty, measure_spread(net, network_inputs(model, x)))
    return value + coefficient_penalty(penalty, net.structure, net.spline_params, None)
