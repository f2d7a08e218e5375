"""scikit-learn's MLPRegressor with L-BFGS."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.neural_network import MLPRegressor

from benchmarks.peers.workers.library import Answer, Library, Rows, serve, stopwatch

#: One step of kan_np's L-BFGS is up to so many iterations.
_ITERATIONS_A_STEP = 20


class _Counting(MLPRegressor):
    """MLPRegressor that counts losses with gradient: it keeps the number of iterations only."""

    evaluations = 0

    def _loss_grad_lbfgs(self, *given: Any, **options: Any) -> Any:
        self.evaluations += 1
        return super()._loss_grad_lbfgs(*given, **options)


def _regressor(width: list[int], iterations: int, seed: int) -> _Counting:
    return _Counting(
        hidden_layer_sizes=tuple(width[1:-1]),
        activation="tanh",
        solver="lbfgs",
        alpha=0.0,
        max_iter=iterations,
        max_fun=10**9,
        tol=0.0,
        random_state=seed,
    )


class ScikitLearn(Library):
    packages = ("scikit-learn", "scipy", "numpy")

    def evaluate_mlp(self, width: list[int], weights: list[Rows], biases: Rows, x: Rows) -> Answer:
        model = _regressor(width, 1, 0).fit(np.array(x), np.zeros(len(x)))  # for the shapes
        model.coefs_ = [np.array(layer) for layer in weights]
        model.intercepts_ = [np.array(layer) for layer in biases]
        return {"outputs": model.predict(np.array(x)).reshape(-1, width[-1]).tolist()}

    def time_mlp_fit(self, width: list[int], steps: int, seed: int, dataset: Answer) -> Answer:
        x, y = np.array(dataset["train_input"]), np.array(dataset["train_label"]).ravel()
        model = _regressor(width, _ITERATIONS_A_STEP * steps, seed)
        seconds, _ = stopwatch(lambda: model.fit(x, y))
        return {"seconds": seconds, "evaluations": model.evaluations}


if __name__ == "__main__":
    serve(ScikitLearn())
