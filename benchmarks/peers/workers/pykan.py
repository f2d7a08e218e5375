"""pykan. Variants: "default", a model as its constructor makes it, and "speed", in its speed mode."""

from __future__ import annotations

import tempfile
import time

import numpy as np
import torch
from kan import KAN

from benchmarks.peers.workers.library import Answer, EdgeLibrary, serve, stopwatch

#: The functions that pykan's hello world offers its edges. With the whole library, whose cheapest entry is
#: the constant 0, `auto_symbolic` at its default weight of simplicity makes a constant of most formulas.
_HELLO_WORLD_LIBRARY = ["x", "x^2", "x^3", "x^4", "exp", "log", "sqrt", "tanh", "sin", "abs"]

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)


class Pykan(EdgeLibrary):
    packages = ("pykan", "torch", "numpy")

    def load(self, numbers: Answer, variant: str) -> Answer:
        model = KAN(width=numbers["width"], grid=numbers["grid"], k=numbers["k"], seed=0, auto_save=False)
        layers = zip(model.act_fun, numbers["coef"], numbers["scale_base"], numbers["t"], strict=True)
        for layer, coef, scale_base, t in layers:
            layer.grid.data = torch.tensor(t)
            layer.coef.data = torch.tensor(coef)
            layer.scale_base.data = torch.tensor(scale_base)
            layer.scale_sp.data = torch.ones_like(layer.scale_sp)
        self._model = model.speed() if variant == "speed" else model
        self._x, self._y = torch.tensor(numbers["x"]), torch.tensor(numbers["y"])
        return {}

    def evaluate(self) -> Answer:
        self._step()
        return {
            "outputs": self._model(self._x).tolist(),
            "gradient": {
                "coef": [layer.coef.grad.tolist() for layer in self._model.act_fun],
                "scale_base": [layer.scale_base.grad.tolist() for layer in self._model.act_fun],
            },
        }

    def _step(self) -> object:
        self._model.zero_grad()
        loss = torch.mean((self._model(self._x) - self._y) ** 2)
        loss.backward()
        return loss

    def time_fit(self, width: list[int], grid: int, steps: int, seed: int, dataset: Answer) -> Answer:
        data = {name: torch.tensor(np.array(rows)) for name, rows in dataset.items()}
        model = KAN(width=width, grid=grid, k=3, seed=seed, auto_save=False)
        seconds, result = stopwatch(lambda: model.fit(data, opt="LBFGS", steps=steps))
        return {"seconds": seconds, "test_rmse": float(result["test_loss"][-1])}

    def formula(self, width: list[int], seed: int, dataset: Answer) -> Answer:
        """The road of pykan's hello world: sparsify, prune, train, refine, train, symbols, train."""
        data = {name: torch.tensor(np.array(rows)) for name, rows in dataset.items()}
        with tempfile.TemporaryDirectory() as folder:  # pykan writes a history whether asked to or not
            return _hello_world_road(data, width, seed, folder)


def _hello_world_road(data: dict[str, torch.Tensor], width: list[int], seed: int, folder: str) -> Answer:
    start = time.process_time()
    model = KAN(width=width, grid=3, k=3, seed=seed, auto_save=False, ckpt_path=folder)
    model.fit(data, opt="LBFGS", steps=50, lamb=0.001)
    model = model.prune()
    model.fit(data, opt="LBFGS", steps=50)
    model = model.refine(10)
    model.fit(data, opt="LBFGS", steps=50)
    splines = float(torch.sqrt(torch.mean((model(data["test_input"]) - data["test_label"]) ** 2)))
    model.auto_symbolic(lib=_HELLO_WORLD_LIBRARY, verbose=0)
    model.fit(data, opt="LBFGS", steps=50)
    error = float(torch.sqrt(torch.mean((model(data["test_input"]) - data["test_label"]) ** 2)))
    text = str(model.symbolic_formula()[0][0])
    return {
        "cpu_seconds": time.process_time() - start,
        "splines": splines,
        "test_rmse": error,
        "formula": text,
    }


if __name__ == "__main__":
    serve(Pykan())
