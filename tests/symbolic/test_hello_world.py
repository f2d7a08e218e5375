"""pykan's notebook "hellokan", line by line, with NumPy for torch."""

from __future__ import annotations

import numpy as np
import pytest
import sympy

from kan_np import KAN, create_dataset

LIB = ["x", "x^2", "x^3", "x^4", "exp", "log", "sqrt", "tanh", "sin", "abs"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_hello_world_ends_in_the_formula(seed):
    model = KAN(width=[2, 5, 1], grid=3, k=3, seed=seed)

    def f(x):
        return np.exp(np.sin(np.pi * x[:, [0]]) + x[:, [1]] ** 2)

    dataset = create_dataset(f, n_var=2, train_num=1000, test_num=1000, seed=seed)
    # of pykan's metrics this is the one that leaves one hidden node from every start tried
    model.fit(dataset, opt="LBFGS", steps=50, lamb=0.001, reg_metric="edge_backward")
    model = model.prune(dataset["train_input"])
    assert model.width == [2, 1, 1]
    model.fit(dataset, opt="LBFGS", steps=50)
    model = model.refine(10)
    model.fit(dataset, opt="LBFGS", steps=50)
    found = model.auto_symbolic(dataset["train_input"], dataset["train_label"], lib=LIB)
    assert {place: fit.name for place, fit in found.items()} == {
        (0, 0, 0): "sin",
        (0, 1, 0): "x^2",
        (1, 0, 0): "exp",
    }
    result = model.fit(dataset, opt="LM", steps=50)
    assert result["test_loss"][-1] <= 1e-9
    formula = model.symbolic_formula(x=dataset["train_input"], y=dataset["train_label"])
    x, y = sympy.symbols("x_1 x_2")
    assert formula[0][0] == sympy.exp(sympy.sin(sympy.pi * x) + y**2)
    assert formula.max_error <= 1e-9
