"""
Interp 5: separability and symmetries of a function
===================================================

Where a formula is out of reach its structure may not be: a sum, a product, a quantity through which some
variables act. The steps of pykan's notebook Interp_5_test_symmetry, whose tests compare medians with
thresholds that the user chooses. Here a condition is compared with the error of the derivatives, so that the
same call serves formulas, models and noisy samples.
"""

# %%
# Find groups
# -----------

import os

import numpy as np
import sympy

from kan_np.plot import plot_tree
from kan_np.structure import depends_through, detect_separability, find_tree, has_symmetry, is_separable

QUICK = "KAN_NP_QUICK_EXAMPLES" in os.environ
rng = np.random.default_rng(0)
x = rng.uniform(-1, 1, (100, 6))


def sums(x):
    """x1 x2 + x3 x4 + x5 x6."""
    return x[:, 0] * x[:, 1] + x[:, 2] * x[:, 3] + x[:, 4] * x[:, 5]


def products(x):
    """(x1 + x2) (x3 + x4) (x5 + x6)."""
    return (x[:, 0] + x[:, 1]) * (x[:, 2] + x[:, 3]) * (x[:, 4] + x[:, 5])


def waves(x):
    """sin((x1 + x2) (x3 + x4) (x5 + x6))."""
    return np.sin(products(x))


print("a sum of functions of", detect_separability(sums, x, "add").groups, "(pykan finds these three)")
print("a product of functions of", detect_separability(products, x, "mul").groups, "(pykan, too)")

# %%
# Test groups that one has in mind
# --------------------------------
# "general" asks for a function of a sum, of which products are some.

pairs, others = [[0, 1], [2, 3], [4, 5]], [[0, 1], [2, 4], [3, 5]]
#: The answer, and that of pykan.
answers = [
    ("products, pairs, mul", is_separable(products, x, pairs, "mul"), True),
    ("products, others, mul", is_separable(products, x, others, "mul"), False),
    ("waves, pairs, mul", is_separable(waves, x, pairs, "mul"), False),
    ("waves, pairs, general", is_separable(waves, x, pairs, "general"), True),
    ("symmetry of products in 1, 2", has_symmetry(products, x, [0, 1]), True),
    ("symmetry of products in 1, 3", has_symmetry(products, x, [0, 2]), False),
    ("symmetry of products in 3, 4", has_symmetry(products, x, [2, 3]), True),
]

# %%
# A quantity that one has in mind
# -------------------------------

a, b, c = sympy.symbols("a b c")
points = rng.uniform(-1, 1, (100, 3))


def root(x):
    """a sqrt(1 + (b/c)^2)."""
    return x[:, 0] * np.sqrt(1 + (x[:, 1] / x[:, 2]) ** 2)


answers += [
    ("a sqrt(1 + (b/c)^2) through b/c", depends_through(root, points, (a, b, c), b / c), True),
    ("a sqrt(1 + (b/c)^2) through b c", depends_through(root, points, (a, b, c), b * c), False),
]
for name, test, pykan in answers:
    print(f"{name:33s} {test.passed!s:5s} (pykan {pykan!s:5s}), {test.statistic:.0e} beside {test.error:.0e}")
disagree = sum(test.passed != pykan for _, test, pykan in answers)

# %%
# Trees
# -----
# The tests one after the other: what belongs together, and what joins it. g(+) is a function of a sum.


def ring(x, i, j):
    """(x_i^2 + x_j^2)^2."""
    return (x[:, i] ** 2 + x[:, j] ** 2) ** 2


def nested(x):
    """Eight variables, by pairs of pairs of pairs."""
    return (ring(x, 0, 1) + ring(x, 2, 3)) ** 2 + (ring(x, 4, 5) + ring(x, 6, 7)) ** 2


def uneven(x):
    """Five variables, one of which stands alone."""
    return (ring(x, 0, 1) + ring(x, 2, 3)) ** 2 + x[:, 4] ** 2


for name, function, d in (("nested", nested, 8), ("uneven", uneven, 5)):
    tree = find_tree(function, rng.uniform(-1, 1, (100, d)))
    print(name, tree)
    plot_tree(tree).savefig(f"{name}_tree.png")
    plot_tree(tree, style="box").savefig(f"{name}_box.png")

# %%
# The same from samples with noise
# --------------------------------
# Labels instead of a function: derivatives are those of a Gaussian process, their error what its halves
# disagree by.

n = 300 if QUICK else 800
samples = rng.uniform(-1, 1, (n, 3))
labels = np.sin(samples[:, 0] * samples[:, 1] + samples[:, 0]) + samples[:, 2]
labels += 0.01 * labels.std() * rng.normal(size=n)
print("from samples with 1 % of noise:", find_tree(labels, samples))

# %%

RESULT = {
    "tutorial": "Interp_5_test_symmetry",
    "what": "answers of nine tests that differ from pykan's",
    "loss": float(disagree),
    "pykan": 0.0,
}
