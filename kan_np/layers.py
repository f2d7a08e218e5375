"""Layers by themselves, and networks made of them: `KANLayer` and `Sequential`, used like those of torch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np.model import KAN
from kan_np.network.network import Network


class KANLayer:
    """One layer of a Kolmogorov-Arnold network, y_j = sum_i phi_ij(x_i): a function of arrays.

    Parameters
    ----------
    n_in, n_out : int
    **options
        Those of `KAN`: grid, k, base_fun, edges, seed and so on. Layers of one shape and seed start alike, so
        that the layers of a network should have seeds of their own.

    Attributes
    ----------
    model : KAN
        The layer as a network without hidden nodes, which can be trained, drawn and saved.

    Raises
    ------
    ValueError, TypeError
        As `KAN`.

    Examples
    --------
    >>> import numpy as np
    >>> from kan_np import KANLayer
    >>> layer = KANLayer(2, 5, grid=8, seed=0)
    >>> layer(np.zeros((16, 2))).shape
    (16, 5)
    """

    def __init__(self, n_in: int, n_out: int, **options: Any) -> None:
        n_in, n_out = _validate.integer("n_in", n_in, 1), _validate.integer("n_out", n_out, 1)
        self.model = KAN([n_in, n_out], **options)

    @property
    def n_params(self) -> int:
        """Number of trainable scalars."""
        return self.model.n_params

    def __call__(self, x: ArrayLike) -> FloatArray:
        """Values of the nodes above: (n_samples, n_in) -> (n_samples, n_out)."""
        return self.model(x)

    def __repr__(self) -> str:
        """Shape, grid and order or families, and number of parameters."""
        n_in, n_out = self.model.width
        names = sorted({name for name, _ in self.model.families.values()})
        kind = f"edges={', '.join(names)}" if names else f"grid={self.model.grid}, k={self.model.k}"
        return f"KANLayer({n_in}, {n_out}, {kind}, n_params={self.n_params})"


class Sequential:
    """A Kolmogorov-Arnold network from layers, the outputs of each being the inputs of the next.

    The layers are copied: training the network leaves the given ones as they are, and ``network[0]`` is the
    first layer as it has become.

    Parameters
    ----------
    *layers : KANLayer
        At least one; of one grid size, order, base function and extrapolation, as all layers of a `KAN`.

    Attributes
    ----------
    model : KAN
        The network: ``model.fit(dataset)`` trains it, ``model.plot()`` draws it, and so on.

    Raises
    ------
    ValueError, TypeError
        For layers that do not fit together.

    Examples
    --------
    >>> import numpy as np
    >>> from kan_np import KANLayer, Sequential
    >>> first, second = KANLayer(2, 5, seed=0), KANLayer(5, 1, seed=1)
    >>> network = Sequential(first, second)
    >>> x = np.random.default_rng(0).uniform(-1, 1, (16, 2))
    >>> bool(np.allclose(network(x), second(first(x)))), network.model
    (True, KAN([2, 5, 1], grid=5, k=3, n_params=135))
    """

    def __init__(self, *layers: KANLayer) -> None:
        if not layers:
            raise ValueError(
                "Sequential has no layers; expected at least one, as Sequential(KANLayer(2, 1))."
            )
        for number, layer in enumerate(layers):
            if not isinstance(layer, KANLayer):
                raise TypeError(f"layer {number} is {_validate.shown(layer)}; expected a KANLayer.")
        models = [layer.model for layer in layers]
        _check_fit(models)
        self.model = models[0].copy()
        self.model._network = self.model._start = _stacked([model._network for model in models])

    @property
    def n_params(self) -> int:
        """Number of trainable scalars."""
        return self.model.n_params

    def __call__(self, x: ArrayLike) -> FloatArray:
        """Outputs of the last layer: (n_samples, n_in) -> (n_samples, n_out)."""
        return self.model(x)

    def __len__(self) -> int:
        """Number of layers."""
        return len(self.model.width) - 1

    def __getitem__(self, number: int) -> KANLayer:
        """A copy of a layer, as it is now."""
        number = range(len(self))[number]
        layer = KANLayer.__new__(KANLayer)
        layer.model = self.model.copy()
        layer.model.scaler, layer.model._followed, layer.model._training_range = None, None, None
        layer.model._columns = type(layer.model._columns)()
        layer.model._used = np.ones(self.model.width[number], dtype=bool)
        layer.model._network = layer.model._start = _one_layer(self.model._network, number)
        return layer

    def __iter__(self) -> Iterator[KANLayer]:
        """Copies of the layers, inputs first."""
        return (self[number] for number in range(len(self)))

    def __repr__(self) -> str:
        """The layers."""
        return f"Sequential({', '.join(map(repr, self))})"


def _stacked(networks: list[Network]) -> Network:
    """The network that computes with networks of one layer in turn; locked and frozen edges stay so."""
    layers = [net.layers[0] for net in networks]
    ties = [tuple((at, i, j) for _, i, j in group) for at, net in enumerate(networks) for group in net.ties]
    frozen = [((at, i, j), kind) for at, net in enumerate(networks) for (_, i, j), kind in net.frozen]
    return Network.from_layers(layers, tuple(ties), frozenset(frozen))


def _one_layer(net: Network, number: int) -> Network:
    """A layer of a network by itself."""
    ties = [tuple((0, i, j) for _, i, j in group) for group in net.ties if group[0][0] == number]
    frozen = [((0, i, j), kind) for (layer, i, j), kind in net.frozen if layer == number]
    return Network.from_layers([net.layers[number]], tuple(ties), frozenset(frozen))


def _check_fit(models: list[KAN]) -> None:
    """Raise unless layers can follow each other in one network."""
    for number, (below, model) in enumerate(zip(models[:-1], models[1:], strict=True), start=1):
        if model.width[0] != below.width[-1]:
            raise ValueError(
                f"layer {number} has {model.width[0]} inputs and layer {number - 1} {below.width[-1]} "
                "outputs; expected as many."
            )
        for name in ("grid", "k", "base_fun", "extrapolation"):
            first, own = getattr(models[0], name), getattr(model, name)
            if first != own:
                raise ValueError(
                    f"{name} is {first!r} in layer 0 and {own!r} in layer {number}; expected one {name} for "
                    "all layers of a network."
                )
