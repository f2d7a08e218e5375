"""Formulas by parts: factors of one quantity, parts that are peeled off, merged variables, noise, limits."""

import numpy as np
import pytest
import sympy

from kan_np.discovery import discover, search
from kan_np.discovery.library import wide_library
from kan_np.discovery.structure import find_by_structure
from kan_np.discovery.structure.direct import direct
from kan_np.discovery.structure.moves import AffinePart, Seen, moves
from kan_np.discovery.structure.one_quantity import one_quantity
from kan_np.discovery.structure.problem import Problem
from kan_np.discovery.terms.polish import Samples, input_symbols
from kan_np.structure.surrogate import fit_surrogate

#: Name: function and ranges. None of them is a sum of products of usual terms after a usual transform.
FORMULAS = {
    "oscillating product": (lambda a, b, c: c * np.sin(7 * a / b) ** 2, [(1, 2), (1, 2), (1, 5)]),
    "two products of sums": (
        lambda a, b, c, d: (a + b**2) / np.sqrt(1 - c**2 / d**2),
        [(1, 5), (1, 3), (1, 2), (3, 8)],
    ),
    "term beside a root": (
        lambda a, b, c, d: a * b + np.sqrt(c**2 + 2 * c + d**3 * a),
        [(1, 5), (1, 5), (1, 5), (1, 5)],
    ),
    "a factor before a difference inside": (
        lambda a, b, c: a * np.exp(-((b - c) ** 2)) + a**2,
        [(1, 3), (0, 2), (0, 2)],
    ),
}
QUICK = ("oscillating product",)


def samples(name, seed, n=500, noise=0.0):
    function, ranges = FORMULAS[name]
    rng = np.random.default_rng(seed)
    x = np.column_stack([rng.uniform(low, high, n) for low, high in ranges])
    y = function(*x.T)
    return x, y + noise * np.sqrt(np.mean(y**2)) * rng.normal(size=n)


def found_in(x, y, seconds=60.0, **options):
    k = len(y) * 4 // 5
    own = Samples(x[:k], y[:k], x[k:], y[k:], 0.0)
    return find_by_structure(own, wide_library(), seconds=seconds, **options)


def values(expression, x):
    return sympy.lambdify(input_symbols(x.shape[1]), expression, "numpy")(*x.T) * np.ones(len(x))


def cases():
    return [pytest.param(n, marks=[] if n in QUICK else [pytest.mark.slow]) for n in FORMULAS]


@pytest.mark.parametrize("name", cases())
def test_formulas_that_are_taken_apart_are_exact(name):
    best = found_in(*samples(name, 11))[0]
    assert best.exact
    fresh, _ = samples(name, 111)
    y = FORMULAS[name][0](*fresh.T)
    assert np.abs(values(best.expression, fresh) - y).max() <= 1e-9 * np.std(y)


@pytest.mark.slow
def test_noise_is_not_called_a_formula():
    x, _ = samples("oscillating product", 12, 200)
    rng = np.random.default_rng(0)
    for own in found_in(x, rng.normal(size=200), seconds=3.0):
        assert not own.exact


def test_a_factor_and_a_quantity_are_found_with_noise():
    x, y = samples("oscillating product", 13, 500, noise=0.01)
    a, b, c = input_symbols(3)
    best = one_quantity(Problem(x, y, (a, b, c)), lambda: False)[0]
    # any power of the quantity may be part of the factor
    assert (best.factor / c).free_symbols <= {a, b}
    assert sympy.simplify((best.factor / c).subs({a: 2 * a, b: 2 * b}) - best.factor / c) == 0
    assert best.quantity in (a / b, b / a)
    assert best.roughness < 0.05


def test_no_quantity_explains_a_sum_of_two():
    rng = np.random.default_rng(0)
    x = rng.uniform(1, 2, (300, 2))
    y = np.sin(9 * x[:, 0]) + np.cos(7 * x[:, 1])
    assert one_quantity(Problem(x, y, tuple(input_symbols(2))), lambda: False) == []


def test_a_part_is_read_from_the_surrogate():
    """b of y = a + b x_0 is known to the error that is said, and what it leaves is free of x_0."""
    x, y = samples("term beside a root", 14, 400)
    problem = Problem(x, y, tuple(input_symbols(4)))
    seen = Seen.of(problem, fit_surrogate(x, y))
    found = [m for m in moves(seen) if isinstance(m, AffinePart) and m.affine.i == 1 and m.outer.name == "y"]
    assert "x" in [m.affine.function for m in found]
    move = next(m for m in found if m.affine.function == "x")
    first = move.first(seen)
    # d y / d b = a
    assert np.sqrt(np.mean((first.y - first.x[:, 0]) ** 2)) < 5 * first.noise
    rest = move.rest(problem, x[:, 0])
    assert np.allclose(rest, y - x[:, 0] * x[:, 1])


def test_formulas_of_a_part_are_short_where_the_part_is_known_roughly():
    rng = np.random.default_rng(3)
    x = rng.uniform(1, 3, (200, 2))
    y = 2 * x[:, 0] / x[:, 1] + 1e-3 * rng.normal(size=200)
    problem = Problem(x, y, tuple(input_symbols(2)), noise=1e-3)
    best = direct(problem, wide_library(), 5.0, lambda: False, lambda: True, lambda expression: True)[0]
    a, b = input_symbols(2)
    assert best.expression == 2 * a / b
    assert problem.fits(best.error)


def test_the_search_ends_when_it_is_told():
    x, y = samples("term beside a root", 15, 200)
    asked = []

    def stop():
        asked.append(True)
        return len(asked) > 3

    found_in(x, y, stop=stop)
    assert len(asked) < 20
    attempts = []

    def more():
        attempts.append(True)
        return len(attempts) <= 2

    found_in(x, y, more=more)
    assert len(attempts) == 3


def test_few_rows_and_constants_are_not_taken_apart():
    x, y = samples("oscillating product", 16, 40)
    assert found_in(x, y) == []
    x, _ = samples("oscillating product", 16, 100)
    assert found_in(x, np.ones(100)) == []
    assert found_in(np.ones((100, 2)), np.arange(100.0)) == []


def test_functions_that_the_library_lacks_are_not_in_the_answer():
    x, y = samples("oscillating product", 17, 300)
    refused = []

    def accepts(expression):
        refused.append(expression)
        return not expression.has(sympy.sin, sympy.cos)

    for own in found_in(x, y, seconds=3.0, accepts=accepts):
        assert not own.expression.has(sympy.sin, sympy.cos)
    assert any(e.has(sympy.sin, sympy.cos) for e in refused)


@pytest.mark.slow
def test_discover_takes_labels_apart_before_it_trains_networks(monkeypatch):
    monkeypatch.setattr(search, "shapes", lambda sources: pytest.fail("networks were trained"))
    x, y = samples("oscillating product", 18, 500)
    found = discover({"train_input": x, "train_label": y[:, None]}, seconds=120.0)
    assert found.best.exact
    assert found.best.shape == "by parts"
