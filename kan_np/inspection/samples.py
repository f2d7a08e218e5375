"""Samples that users hand over, as a network is evaluated at them."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from kan_np._validate import FloatArray
from kan_np.inspection.model_type import KanModel


def network_inputs(model: KanModel, x: ArrayLike | dict[str, Any] | None) -> FloatArray:
    """Samples as the network is evaluated at them; those of a dataset are its training inputs."""
    given: Any = x
    if isinstance(x, dict) and "train_input" in x:
        given = model._matched(x)["train_input"]
    if given is None:
        return model._samples_or_spread(None)
    samples = model._samples(given)
    model._network.check_inputs(samples)
    return model._within(samples)
