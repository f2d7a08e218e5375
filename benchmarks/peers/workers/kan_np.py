"""kan_np itself, under the conditions of its peers."""

from __future__ import annotations

from dataclasses import replace
from inspect import signature

import numpy as np

from benchmarks.mixed_networks import MIXED
from benchmarks.peers.workers.library import Answer, EdgeLibrary, Rows, repeated, serve, stopwatch
from kan_np import KAN, MLP

try:
    from kan_np.objective.sparsity_penalty import Penalty
except ModuleNotFoundError:  # of a revision that `benchmarks.revisions` measures, where it stood elsewhere
    from kan_np.penalty import Penalty


class KanNp(EdgeLibrary):
    packages = ("numpy", "scipy", "numba")

    def load(self, numbers: Answer, variant: str) -> Answer:
        base_fun = "silu" if numbers["base"] else "zero"
        self._model = KAN(numbers["width"], numbers["grid"], numbers["k"], base_fun=base_fun)
        self._model.set_parameters(numbers["coef"], numbers["scale_base"], numbers["knots"])
        self._x = np.array(numbers["x"])
        self._objective = self._model._objective(self._x, np.array(numbers["y"]), Penalty())
        self._theta = self._model._theta
        return {}

    def load_mixed(self, number: int) -> Answer:
        """Take one of `benchmarks.mixed_networks` on 1000 samples."""
        self._model = MIXED[number].make()
        self._x = np.random.default_rng(0).uniform(-1.0, 1.0, (1000, self._model.width[0]))
        labels = np.sin(self._x.sum(axis=1, keepdims=True))
        self._objective = self._model._objective(self._x, labels, Penalty())
        self._theta = self._model._theta
        return {"n_params": self._theta.size}

    def evaluate(self) -> Answer:
        gradient = self._model.copy()
        gradient._theta = self._objective(self._theta)[1]
        return {
            "outputs": self._model(self._x).tolist(),
            "gradient": {
                "coef": [layer.tolist() for layer in gradient.coef],
                "scale_base": [layer.tolist() for layer in gradient.scale_base],
            },
        }

    def load_family(self, numbers: Answer) -> Answer:
        """Take a network whose edges are all of another family than B-splines."""
        model = KAN(numbers["width"], numbers["size"], edges=numbers["family"], **numbers["options"])
        net = model._network
        low, high = (np.full(len(net.structure.bases[0].basis.low), end) for end in numbers["interval"])
        bases = tuple(replace(edges, basis=edges.basis.moved(low, high)) for edges in net.structure.bases)
        values = np.concatenate([np.ravel(layer) for layer in numbers["params"]])
        model._network = replace(net, structure=replace(net.structure, bases=bases), values=values)
        self._model, self._x = model, np.array(numbers["x"])
        self._shapes = [np.shape(layer) for layer in numbers["params"]]
        self._objective = model._objective(self._x, np.array(numbers["y"]), Penalty())
        self._theta = model._theta
        return {}

    def evaluate_family(self) -> Answer:
        """Outputs and gradient of what `load_family` took; also without the first parameter of every edge."""
        gradient = self._objective(self._theta)[1]
        cuts = np.cumsum([np.prod(shape) for shape in self._shapes])[:-1]
        layers = [
            part.reshape(shape) for part, shape in zip(np.split(gradient, cuts), self._shapes, strict=True)
        ]
        return {
            "outputs": self._model(self._x).tolist(),
            "gradient": {
                "params": [layer.tolist() for layer in layers],
                "without_constant": [layer[..., 1:].tolist() for layer in layers],
            },
        }

    def _step(self) -> object:
        return self._objective(self._theta)

    def time_normal_equations(self, seconds: float) -> Answer:
        """Seconds of each of some evaluations of what Levenberg-Marquardt sees of the loaded model."""
        return {"seconds": repeated(lambda: self._objective.normal_equations(self._theta), seconds)}

    def time_fit(self, width: list[int], grid: int, steps: int, seed: int, dataset: Answer) -> Answer:
        data = {name: np.array(rows) for name, rows in dataset.items()}
        model = KAN(width, grid, seed=seed)
        # what the peers minimise; as it comes a fit to few samples has a prior
        seconds, result = stopwatch(lambda: model.fit(data, opt="LBFGS", steps=steps, smoothing=0.0))
        return {"seconds": seconds, "test_rmse": float(result["test_loss"][-1])}

    def evaluate_mlp(self, width: list[int], weights: list[Rows], biases: Rows, x: Rows) -> Answer:
        model = MLP(width, activation="tanh")
        pairs = zip(weights, biases, strict=True)
        model._theta = np.concatenate([np.ravel(part) for pair in pairs for part in pair])
        return {"outputs": model(np.array(x)).tolist()}

    def time_mlp_fit(self, width: list[int], steps: int, seed: int, dataset: Answer) -> Answer:
        data = {name: np.array(rows) for name, rows in dataset.items()}
        model = MLP(width, activation="tanh", seed=seed)
        # revisions before weight decay had none
        free = {"weight_decay": 0.0} if "weight_decay" in signature(MLP.fit).parameters else {}
        seconds, result = stopwatch(lambda: model.fit(data, opt="LBFGS", steps=steps, **free))
        return {"seconds": seconds, "evaluations": result.n_fev}

    def peak(self, size: int = 1024, repeats: int = 3) -> Answer:
        """Floating-point operations a second: the best of several matrix products of 2 size^3 of them."""
        a = np.random.default_rng(0).normal(size=(size, size))
        out = np.empty_like(a)
        times = [stopwatch(lambda: np.matmul(a, a, out=out))[0] for _ in range(repeats)]
        return {"flops": 2.0 * size**3 / min(times)}


if __name__ == "__main__":
    serve(KanNp())
