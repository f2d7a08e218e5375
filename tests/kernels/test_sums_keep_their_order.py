"""Sums are rounded in the same order wherever in memory the arrays are."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest

import kan_np
from kan_np import KAN, MLP
from kan_np.objective.sparsity_penalty import Penalty

FILES = sorted((Path(kan_np.__file__).parent / "kernels").glob("*.py"))
#: Recurrences along the loop, which no compiler can reorder: b = b u + c, or a count of whole numbers.
RECURRENCES = {
    ("derivative_rows.py", "spline_rows"),
    ("polynomials.py", "add_sample_grad"),
    ("spline.py", "locate"),
}


def assigned(statement):
    if isinstance(statement, ast.Assign):
        return statement.targets, statement.value
    if isinstance(statement, ast.AugAssign):
        return [statement.target], ast.BinOp(statement.target, statement.op, statement.value)
    return [], None


def adds_up_and_writes(loop):
    """Whether a loop has a name that depends on its former value, and writes to an array."""
    sums, written = set(), False
    for statement in ast.walk(loop):
        targets, value = assigned(statement)
        for target in targets:
            written |= isinstance(target, ast.Subscript)
            if isinstance(target, ast.Name):
                used = {node.id for node in ast.walk(value) if isinstance(node, ast.Name)}
                sums |= {target.id} & used
    # a name that every turn sets before it is used is no sum
    set_anew = {
        t.id
        for s in loop.body
        for t in assigned(s)[0]
        if isinstance(s, ast.Assign) and isinstance(t, ast.Name)
    }
    return written and bool(sums - set_anew)


def innermost_loops(function):
    for loop in ast.walk(function):
        if isinstance(loop, ast.For) and sum(isinstance(node, ast.For) for node in ast.walk(loop)) == 1:
            yield loop


def test_the_check_finds_a_loop_that_adds_up_and_writes():
    bad = ast.parse("for s in range(n):\n    own = x[s] * y[s]\n    z[s] = own\n    total += own")
    good = ast.parse("for s in range(n):\n    total += z[s]")
    assert [adds_up_and_writes(next(innermost_loops(tree))) for tree in (bad, good)] == [True, False]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_loops_that_add_up_write_to_no_array(path):
    found = {
        (path.name, function.name)
        for function in ast.walk(ast.parse(path.read_text()))
        if isinstance(function, ast.FunctionDef)
        for loop in innermost_loops(function)
        if adds_up_and_writes(loop)
    }
    assert found <= RECURRENCES, "split these loops: see kan_np/kernels/_jit.py"
    assert {place for place in RECURRENCES if place[0] == path.name} <= found, "no longer needed"


def mixed():
    model = KAN([4, [2, 1], 1], grid=3, seed=1)
    model.fix_symbolic(0, 0, 0, "sin", fit=False)
    return model


MODELS = {
    "KAN": lambda: KAN([4, 2, 1, 1], grid=3, seed=1),
    "long grids": lambda: KAN([4, 2, 1], grid=60, seed=1),
    "symbols and products": mixed,
    "Chebyshev": lambda: KAN([4, 3, 1], edges="chebyshev", seed=1),
    "MLP": lambda: MLP([4, 5, 1], seed=1),
}


@pytest.mark.parametrize("name", MODELS)
def test_value_gradient_and_normal_matrix_are_the_same_bits_elsewhere_in_memory(name):
    rng = np.random.default_rng(0)
    x, y = rng.uniform(-1, 1, (3000, 4)), rng.normal(size=(3000, 1))
    model = MODELS[name]()
    theta, seen = model.theta, set()
    for _ in range(60):
        between = [np.ones(rng.integers(1, 3000)) for _ in range(20)]  # so that the next arrays lie elsewhere
        objective = model._objective(x, y, Penalty())
        value, gradient = objective(theta)
        _, square, matrix = objective.normal_equations(theta)
        seen.add((value, gradient.tobytes(), square.tobytes(), np.triu(matrix).tobytes()))
        del between
    assert len(seen) == 1


@pytest.mark.parametrize("opt", ["LBFGS", "LM"])
def test_fits_of_one_seed_are_the_same_bits(opt):
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (3000, 4))
    data = {"train_input": x, "train_label": np.sin(3 * x[:, [0]] * x[:, [1]]) + x[:, [2]] ** 2}
    found = set()
    for _ in range(5):
        between = [np.ones(rng.integers(1, 3000)) for _ in range(20)]
        model = MODELS["KAN"]()
        model.fit(data, opt, steps=6, lamb=1e-3 if opt == "LBFGS" else 0.0)
        found.add(model.theta.tobytes())
        del between
    assert len(found) == 1
