"""mlp-kan. Variant "interpolation": piecewise linear edges, splines of order 1 without base function.

Edges of the family "mlp" are its small networks of sines and cosines.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from mlp_kan import KANInterpoLayer, KANLayer

from benchmarks.peers.workers.library import Answer, EdgeLibrary, serve

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)


class MlpKan(EdgeLibrary):
    packages = ("mlp-kan", "torch", "numpy")

    def load(self, numbers: Answer, variant: str) -> Answer:
        layers = []
        for i, (n_in, n_out) in enumerate(pairwise(numbers["width"])):
            if variant != "interpolation":
                raise ValueError(f"no variant {variant}")
            layer = KANInterpoLayer(n_in, n_out, num_x=numbers["grid"] + 1)
            layer.X = torch.tensor(numbers["knots"][i][0])  # one grid for all nodes of a layer
            layer.Y.data = torch.tensor(numbers["coef"][i])
            layers.append(layer)
        self._model = torch.nn.Sequential(*layers)
        self._x, self._y = torch.tensor(numbers["x"]), torch.tensor(numbers["y"])
        return {}

    def evaluate(self) -> Answer:
        self._step()
        return {
            "outputs": self._model(self._x).tolist(),
            "gradient": {"coef": [layer.Y.grad.tolist() for layer in self._model]},
        }

    def load_family(self, numbers: Answer, variant: str) -> Answer:
        """Take a network of small networks on edges: parameters W1, b1, W2, b2 of every edge."""
        layers = []
        for (n_in, n_out), params in zip(pairwise(numbers["width"]), numbers["params"], strict=True):
            n, features = numbers["size"], numbers["options"]["features"]
            layer = KANLayer(n_in, n_out, fcn_hidden=n, fcn_n_sin=features)
            given = torch.tensor(params)
            sizes = [n * (1 + 2 * features), n, n, 1]
            for own, part in zip(
                (layer.W1, layer.B1, layer.W2, layer.B2), given.split(sizes, 2), strict=True
            ):
                own.data = part.reshape(own.shape).contiguous()
            layers.append(layer)
        self._model = torch.nn.Sequential(*layers)
        self._x, self._y = torch.tensor(numbers["x"]), torch.tensor(numbers["y"])
        return {}

    def evaluate_family(self) -> Answer:
        """Outputs and gradient of what `load_family` took."""
        self._step()
        parts = [
            [own.grad.reshape(*own.shape[:2], -1) for own in (layer.W1, layer.B1, layer.W2, layer.B2)]
            for layer in self._model
        ]
        gradient = [torch.cat(part, 2).tolist() for part in parts]
        return {"outputs": self._model(self._x).tolist(), "gradient": {"params": gradient}}

    def _step(self) -> object:
        self._model.zero_grad()
        loss = torch.mean((self._model(self._x) - self._y) ** 2)
        loss.backward()
        return loss


if __name__ == "__main__":
    serve(MlpKan())
