"""mlp-kan. Variants: "interpolation", its piecewise linear edges, which are splines of order 1 without
base function, and "sinusoid", a small MLP of sines and cosines on each edge, which no spline can repeat.
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
            if variant == "interpolation":
                layer = KANInterpoLayer(n_in, n_out, num_x=numbers["grid"] + 1)
                layer.X = torch.tensor(numbers["knots"][i][0])  # one grid for all nodes of a layer
                layer.Y.data = torch.tensor(numbers["coef"][i])
            else:
                layer = KANLayer(n_in, n_out)
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

    def _step(self) -> object:
        self._model.zero_grad()
        loss = torch.mean((self._model(self._x) - self._y) ** 2)
        loss.backward()
        return loss


if __name__ == "__main__":
    serve(MlpKan())
