"""The figure of a tree has every variable, every sign, and both styles."""

import numpy as np
import pytest

from kan_np.plot import plot_tree
from kan_np.structure import Tree, find_tree

TREE = Tree(
    "product",
    (0, 2, 1),
    (
        Tree("function", (0, 2), (Tree("variable", (0,)), Tree("variable", (2,)))),
        Tree("variable", (1,)),
    ),
)


@pytest.mark.parametrize("style", ["tree", "box"])
def test_names_and_signs(style):
    axes = plot_tree(TREE, ["a", "b", "c"], style).axes[0]
    places = {text.get_text(): text.get_position() for text in axes.texts}
    assert set(places) == {"a", "b", "c", "g", "\N{MULTIPLICATION SIGN}"}
    assert places["a"][0] < places["c"][0] < places["b"][0]  # branches stay together
    assert places["a"][1] == places["b"][1] < places["g"][1] < places["\N{MULTIPLICATION SIGN}"][1]
    assert len(axes.lines) == 4
    assert len(axes.patches) == (2 if style == "box" else 0)


def test_one_variable_and_names_of_columns_that_are_not_used():
    tree = find_tree(lambda x: x[:, 1] ** 2, np.random.default_rng(0).uniform(size=(50, 2)))
    assert [text.get_text() for text in plot_tree(tree, ["a", "b"]).axes[0].texts] == ["b"]


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="at least 3 columns"):
        plot_tree(TREE, ["a"])
    with pytest.raises(ValueError, match="style"):
        plot_tree(TREE, style="round")
    with pytest.raises(TypeError, match="find_tree"):
        plot_tree("sum")
