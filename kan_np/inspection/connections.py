"""How far the edges of a model reach across its picture."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from kan_np.inspection.model_type import KanModel
from kan_np.inspection.samples import network_inputs
from kan_np.surgery import connection_cost as cost
from kan_np.surgery.attribution import edge_scores


def connection_cost(model: KanModel, x: ArrayLike | dict[str, Any] | None = None) -> float:
    """Connection cost C = sum_l sum_ij |z_i - z_j| B_lij, which `auto_swap` makes small.

    The nodes of every layer are at z = (i + 1/2) / n, and B are the scores "edge_backward". pykan's property
    of this name.

    Parameters
    ----------
    model : KAN
    x : array_like of shape (n_samples, n_in), or dataset, optional
        As for `get_act`.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        As `edge_scores`.

    Examples
    --------
    >>> from kan_np import KAN
    >>> KAN([1, 1], seed=0).connection_cost()
    0.0
    """
    return cost.connection_cost(edge_scores(model._network, network_inputs(model, x)))
