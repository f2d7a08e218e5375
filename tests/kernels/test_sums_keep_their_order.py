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
#: Recurrences along the loop, which no compiler can reorder: b = b u + c.
RECURRENCES = {
    ("derivative_rows.py", "spline_rows"),
    ("jet_splines.py", "sum_by_piece"),
    ("jet_splines.py", "powers_of"),
    ("polynomials.py", "add_sample_grad"),
}


def names_in(node):
    return {own.id for own in ast.walk(node) if isinstance(own, ast.Name)}


def assigned(statement):
    """Targets, those of tuples by themselves, each with what it becomes."""
    if isinstance(statement, ast.AugAssign):
        return [(statement.target, ast.BinOp(statement.target, statement.op, statement.value))]
    if not isinstance(statement, ast.Assign):
        return []
    pairs = []
    for target in statement.targets:
        if isinstance(target, ast.Tuple):
            values = statement.value.elts if isinstance(statement.value, ast.Tuple) else None
            pairs += zip(target.elts, values or [statement.value] * len(target.elts), strict=True)
        else:
            pairs.append((target, statement.value))
    return pairs


def adds_up_and_writes(loop):
    """Whether a loop has a number that depends on its former value, and writes to an array.

    Such a number is a name, or an element whose place is the same in every turn.
    """
    sums, written = set(), False
    moving = names_in(loop.target) if isinstance(loop, ast.For) else set()
    for statement in ast.walk(loop):
        for target, value in assigned(statement):
            if isinstance(target, ast.Name):
                sums |= {target.id} & names_in(value)
                moving |= {target.id}
    for statement in ast.walk(loop):
        for target, value in assigned(statement):
            if isinstance(target, ast.Subscript):
                written = True
                stays = not names_in(target.slice) & moving
                if stays and ast.unparse(target) in {ast.unparse(own) for own in ast.walk(value)}:
                    sums.add(ast.unparse(target))
    for statement in loop.body:  # a name that every turn sets before it is used is no sum
        for target, value in assigned(statement):
            if isinstance(target, ast.Name) and target.id not in names_in(value):
                sums.discard(target.id)
            elif isinstance(target, ast.Name) and target.id in sums:
                return written
    return written and bool(sums)


def innermost_loops(function):
    kinds = (ast.For, ast.While)
    for loop in ast.walk(function):
        if isinstance(loop, kinds) and sum(isinstance(node, kinds) for node in ast.walk(loop)) == 1:
            yield loop


@pytest.mark.parametrize(
    ("body", "bad"),
    [
        ("own = x[s] * y[s]; z[s] = own; total += own", True),
        ("z[s] = x[s]; total = total + z[s]", True),
        ("z[s] = x[s]; a, b = a + x[s], b + x[s]", True),
        ("z[s] = x[s]; grad[k] += z[s]", True),
        ("total += z[s]", False),
        ("u = x[s]; u = u if u > 0 else 0.0; z[s] = u", False),
        ("z[s] += x[s]", False),
    ],
)
def test_the_check_finds_a_loop_that_adds_up_and_writes(body, bad):
    for head in ("for s in range(n):", "while s < n:"):
        step = "" if head.startswith("for") else "; s = at(q)"
        loop = next(innermost_loops(ast.parse(f"{head} {body}{step}")))
        assert adds_up_and_writes(loop) == bad


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_loops_that_add_up_write_to_no_array(path):
    found = {
        (path.name, function.name)
        for function in ast.walk(ast.parse(path.read_text()))
        if isinstance(function, ast.FunctionDef)
        and "jit_exact" not in map(ast.unparse, function.decorator_list)
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
