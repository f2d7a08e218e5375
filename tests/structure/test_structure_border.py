"""What answers of `kan_np.structure` do not depend on, when they are not known, and what is refused."""

import numpy as np
import pytest
import sympy

from kan_np.structure import depends_through, detect_separability, find_tree, has_symmetry, is_separable
from kan_np.structure.derivatives import Derivatives, derivatives_of, spread_of, unit_of
from kan_np.structure.hypotheses import worst
from kan_np.structure.separability import UNKNOWN, StructureTest, additive, multiplicative

#: Units of values, down to where they begin to lose digits and up to where they end.
UNITS = [1e-300, 1e-200, 1e-68, 1e-40, 3.7, 1e40, 1e200, 1e300]


def points(d=3, n=100, seed=0, low=-1.0):
    return np.random.default_rng(seed).uniform(low, 1.0, (n, d))


def wave(x):
    return np.sin((x[:, 0] + x[:, 1]) * x[:, 2])


@pytest.mark.parametrize("unit", UNITS)
def test_the_unit_of_values_does_not_matter(unit):
    x = points()
    own, scaled = (is_separable(lambda x, s=s: s * wave(x), x, [[0, 1], [2]], "general") for s in (1.0, unit))
    assert own.passed
    assert scaled.passed
    assert abs(scaled.statistic / own.statistic - 1.0) < 1e-3
    assert find_tree(lambda x: unit * wave(x), x) == find_tree(wave, x)
    pair = lambda x: unit * x[:, 0] * x[:, 1]  # noqa: E731
    assert detect_separability(pair, x[:, :2], "add").groups == [[0, 1]]
    assert detect_separability(pair, x[:, :2], "mul").groups == [[0], [1]]
    assert has_symmetry(lambda x: unit * wave(x), x, [0, 1]).passed
    assert not has_symmetry(lambda x: unit * wave(x), x, [0, 2]).passed


@pytest.mark.parametrize("unit", [1e-200, 1e-35, 1e80])
def test_the_units_of_columns_do_not_matter(unit):
    x = points()
    f = lambda x: wave(x / unit)  # noqa: E731
    assert is_separable(f, unit * x, [[0, 1], [2]], "general").passed
    assert not is_separable(f, unit * x, [[0, 2], [1]], "general").passed
    assert find_tree(f, unit * x) == find_tree(wave, x)
    a, b, c = sympy.symbols("a b c")
    assert depends_through(f, unit * x, (a, b, c), a + b).passed
    assert not depends_through(f, unit * x, (a, b, c), a - b).passed


@pytest.mark.parametrize("unit", [1e-200, 1e200])
def test_the_unit_of_labels_does_not_matter(unit):
    x = points(2, 60, low=0.2)
    y = np.exp(x[:, 0]) + x[:, 1] ** 2
    own, scaled = (is_separable(labels, x, [[0], [1]]) for labels in (y, unit * y))
    assert own.passed
    assert scaled.passed
    assert not detect_separability(unit * y, x, "mul").separable.any()


def test_powers_of_two_change_no_bit():
    x = points()
    own = is_separable(wave, x, [[0, 1], [2]], "general")
    assert is_separable(lambda x: 2.0**-300 * wave(x), x, [[0, 1], [2]], "general") == own
    assert is_separable(lambda x: wave(x / 2.0**90), 2.0**90 * x, [[0, 1], [2]], "general") == own


@pytest.mark.parametrize("size", [5e-324, 1e-200, 0.3, 1.0, 6.5, 1.7e308])
def test_units_are_powers_of_two_below_a_size(size):
    unit = unit_of(size)
    assert np.frexp(unit)[0] == 0.5
    assert unit <= size
    assert size / 2 < unit or unit == 5e-324


def test_spreads_of_any_size():
    values = points()[:, 0]
    for size in (1e-300, 1.0, 1e300):
        assert np.isclose(spread_of(size * values) / size, values.std(), rtol=1e-12)
    assert unit_of(0.0) == 1.0
    # the mean of many 0.1 is not 0.1, and their deviation not 0
    assert spread_of(np.full(100, 0.1)) == spread_of(np.zeros(3)) == spread_of(np.zeros(0)) == 0.0


@pytest.mark.parametrize("n", [1, 2, 5])
@pytest.mark.parametrize("repeated", [1, 10])
def test_few_points_are_refused(n, repeated):
    x = np.repeat(points(2, n), repeated, axis=0)
    f = lambda x: np.sin(5 * x[:, 0] * x[:, 1]) + x[:, 0]  # noqa: E731
    calls = [
        lambda f: detect_separability(f, x),
        lambda f: is_separable(f, x, [[0], [1]]),
        lambda f: is_separable(f, x, [[0], [1]], "general"),
        lambda f: has_symmetry(f, x, [0]),
        lambda f: depends_through(f, x, sympy.symbols("a b"), sympy.Symbol("a")),
        lambda f: find_tree(f, x),
    ]
    for call in calls:
        for own in (f, [f, f], f(x)):
            with pytest.raises(ValueError, match=f"x has {n} different rows; expected at least 6"):
                call(own)


def test_the_least_points_are_enough_to_see_that_this_is_no_sum():
    f = lambda x: np.sin(5 * x[:, 0] * x[:, 1]) + x[:, 0]  # noqa: E731
    for seed in range(5):
        for mode in ("add", "mul"):
            test = is_separable(f, points(2, 6, seed), [[0], [1]], mode)
            assert test.known
            assert not test.passed


def test_columns_with_one_value_are_refused():
    x = points()
    x[:, 1] = 0.5
    with pytest.raises(ValueError, match=r"Columns \[1\] of x have one value"):
        detect_separability(wave, x)


def test_of_a_constant_nothing_is_known():
    x, f = points(), lambda x: np.full(len(x), 0.1)
    for mode in ("add", "mul"):
        found = detect_separability(f, x, mode)
        assert found.groups == [[0, 1, 2]]
        assert not found.known[~np.eye(3, dtype=bool)].any()
    for mode in ("add", "mul", "general"):
        assert not is_separable(f, x, [[0], [1, 2]], mode).known
    assert not has_symmetry(f, x, [0, 1]).known
    a, b, c = sympy.symbols("a b c")
    assert not depends_through(f, x, (a, b, c), a * b).known
    for constant in (f, f(x), lambda x: 1e200 + 0.0 * x[:, 0]):
        with pytest.raises(ValueError, match="does not depend on any"):
            find_tree(constant, x)


def test_a_variable_that_is_not_used_is_separable():
    found = detect_separability(lambda x: np.sin(x[:, 0] * x[:, 2]), points())
    assert found.groups == [[0, 2], [1]]
    assert found.known.all()


def test_separability_tells_no_from_unknown():
    x = points(low=0.2)
    right = lambda x: np.exp(x[:, 0]) + x[:, 1] * x[:, 2]  # noqa: E731
    off = lambda x: right(x) + 3.0 * x[:, 0] * x[:, 1]  # noqa: E731
    found = detect_separability([right, off], x)
    assert found.groups == [[0, 1, 2]]
    assert not found.known[0, 1]
    assert not found.separable[0, 1]
    # x1 x2 is in both
    assert found.known[1, 2]
    assert not found.separable[1, 2]
    assert np.array_equal(found.known, found.known.T)


def test_a_known_no_says_more_than_unknown():
    no = StructureTest(0.5, 1e-9)
    assert worst([UNKNOWN, no, StructureTest(0.0, 0.0)]) is no
    assert worst([UNKNOWN, StructureTest(0.0, 0.0)]) is UNKNOWN


def test_a_test_in_parts_of_nothing():
    x = points(2, 20)
    d = Derivatives(x, x[:, 0], np.zeros((20, 2)), np.ones((20, 2, 2)))
    assert additive(d, 0, 1) == StructureTest(np.inf, 0.0)
    assert not additive(d, 0, 1).passed
    # slopes of neither, and no error beside: an unused variable
    assert multiplicative(derivatives_of(lambda x: np.exp(x[:, 0]), x), 0, 1) == StructureTest(0.0, 0.0)
    assert additive(d.at(np.arange(0)), 0, 1) == UNKNOWN


@pytest.mark.parametrize("shift", [0.0, 2.0])
@pytest.mark.parametrize("seed", range(3))
def test_the_kind_of_an_inner_node_where_the_function_vanishes_at_the_middle(shift, seed):
    x = points(3, 50, seed)
    f = lambda x: np.sin(x[:, 0] + x[:, 1] ** 2) * (x[:, 2] + shift)  # noqa: E731
    assert str(find_tree(f, np.concatenate([x, -x]))) == "product(function of a sum(x_1, x_2), x_3)"


def test_values_that_are_not_finite_are_refused():
    x = points()
    with pytest.raises(ValueError, match=r"f is nan at row 0 of x, .* at 100 of 100 rows"):
        detect_separability(lambda x: np.full(len(x), np.nan), x)
    first = int(np.flatnonzero(x[:, 0] < 0)[0])
    with pytest.raises(ValueError, match=f"f is nan at row {first} of x"):
        is_separable(lambda x: np.log(x[:, 0]) + x[:, 1], x, [[0], [1]])
    # of many rows some are looked at; their numbers are those of x
    many = points(2, 1000)
    looked_at = np.unique(np.linspace(0, 999, 300).astype(int))
    with pytest.raises(ValueError, match=f"f is inf at row {looked_at[7]} of x"):
        find_tree(lambda x: np.where(np.isclose(x[:, 0], many[looked_at[7], 0]), np.inf, x[:, 1]), many)
    # one of several fits
    with pytest.raises(ValueError, match="f is nan at row"):
        detect_separability([wave, lambda x: np.sqrt(x[:, 0])], x)


def test_rows_around_which_a_function_is_not_finite_are_left_out():
    x = np.abs(points())
    x[:5, 0] = 1e-6
    f = lambda x: np.log(x[:, 0]) + x[:, 1] * x[:, 2]  # noqa: E731
    assert detect_separability(f, x).groups == [[0], [1, 2]]
    assert is_separable(f, x, [[0], [1, 2]], "general").passed


def test_a_function_that_is_finite_at_the_points_alone():
    x = points(2, 30)
    given = {tuple(row) for row in x}
    only = lambda x: np.array([row.sum() if tuple(row) in given else np.nan for row in x])  # noqa: E731
    with pytest.raises(ValueError, match="close to all except 0 of 30"):
        detect_separability(only, x)
    assert not is_separable(only, x, [[0], [1]], "general").known


def test_values_needed_outside_are_within_what_is_documented():
    x, seen = points(2, 50), []

    def f(x):
        seen.append(x)
        return np.exp(x[:, 0]) * x[:, 1]

    for call, margin in (
        (lambda: detect_separability(f, x), 0.01),
        (lambda: is_separable(f, x, [[0], [1]], "general"), 0.04),
        (lambda: find_tree(f, x), 0.04),
    ):
        seen.clear()
        call()
        everywhere = np.concatenate(seen)
        width = margin * np.ptp(x, axis=0)
        assert (everywhere >= x.min(axis=0) - width).all()
        assert (everywhere <= x.max(axis=0) + width).all()
        assert (everywhere.max(axis=0) > x.max(axis=0)).all()


def test_complex_values_are_refused():
    with pytest.raises(TypeError, match="complex"):
        detect_separability(lambda x: x[:, 0] + 1j * x[:, 1], points())


A, B, C = sympy.symbols("a b c")


@pytest.mark.parametrize(
    ("variables", "expression", "error", "message"),
    [
        ([A, A, C], A * C, ValueError, "each symbol once"),
        ([A, B, C], None, TypeError, "expression is None; expected an expression"),
        ([A, B, C], B < C, TypeError, "expected an expression"),
        ([A, B, C], "b*", ValueError, "sympy cannot read"),
        ([A, B, C], sympy.Function("q")(B), ValueError, "cannot evaluate"),
        ([A, B, C], sympy.I * B, ValueError, "complex"),
        ([A, B, C], sympy.sqrt(B), ValueError, "expression is not finite at"),
        ([A, B, C], B - B, ValueError, "expression is 0"),
        (3, B, TypeError, "variables are 3"),
        ([A, 1, C], C, TypeError, "symbols of sympy alone"),
    ],
)
def test_mistakes_in_a_given_expression_are_named(variables, expression, error, message):
    with pytest.raises(error, match=message):
        depends_through(wave, points(), variables, expression)


def test_a_given_expression_may_be_text_or_have_functions_of_scipy():
    x = points(low=0.2)
    f = lambda x: x[:, 0] * np.exp(x[:, 1] * x[:, 2])  # noqa: E731
    assert depends_through(f, x, "abc", "b*c").passed
    # names that sympy has a meaning for, and symbols that differ by what is assumed of them
    assert depends_through(f, x, ["x", "S", "E"], "S*E").passed
    positive = sympy.Symbol("b", positive=True)
    assert depends_through(f, x, [A, B, positive], B * positive).passed
    assert depends_through(f, x, [A, B, C], sympy.erf(B * C)).passed


def test_groups_that_are_no_lists_are_refused():
    for call in (
        lambda: has_symmetry(wave, points(), 0),
        lambda: is_separable(wave, points(), [0, 1]),
        lambda: is_separable(wave, points(), 1),
    ):
        with pytest.raises(TypeError, match=r"groups are .*; expected lists of columns"):
            call()
