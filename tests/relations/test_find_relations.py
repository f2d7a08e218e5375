"""find_relations: relations that are there are found, and none where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from kan_np.relations import find_relations
from kan_np.relations.contrast import Contrast, argument, fitted


def columns_of_two_relations(n=600, seed=0):
    """pykan's example: x3 = exp(sin(pi x1) + x2^2), x5 = x4^3, and a column that depends on none."""
    x = np.random.default_rng(seed).uniform(-1, 1, (n, 6))
    x[:, 2] = np.exp(np.sin(np.pi * x[:, 0]) + x[:, 1] ** 2)
    x[:, 4] = x[:, 3] ** 3
    return x


def test_permuted_rows_have_the_same_columns_and_no_relation():
    x = np.random.default_rng(0).normal(size=(500, 1)) + np.zeros((1, 3))
    contrast = Contrast.of(x, np.random.default_rng(1))
    np.testing.assert_array_equal(np.sort(contrast.permuted, axis=0), np.sort(x, axis=0))
    assert np.abs(np.corrcoef(contrast.permuted.T) - np.eye(3)).max() < 0.15
    data = contrast.columns([0, 2]).dataset
    assert data["train_input"].shape == (1000, 2)
    assert data["train_label"].sum() == 500


def test_the_network_is_a_gaussian_of_the_sum():
    x = np.random.default_rng(0).normal(size=(80, 2))
    contrast = Contrast.of(x, np.random.default_rng(1))
    found = fitted(contrast, contrast, [0, 1], 3, 0)
    np.testing.assert_allclose(
        found.model(x)[:, 0], np.exp(-(argument(found.model, x) ** 2)), rtol=1e-9, atol=1e-12
    )


@pytest.mark.slow
def test_both_relations_are_found_and_nothing_else():
    found = find_relations(columns_of_two_relations(), n_starts=2, max_searches=4)
    assert {one.columns for one in found} == {("x_1", "x_2", "x_3"), ("x_4", "x_5")}
    assert min(one.r2 for one in found) > 0.99
    assert found[0].r2 >= found[1].r2
    assert found.of("x_5", "x_4").columns == ("x_4", "x_5")
    assert found.of("x_1", "x_2") is None
    assert "x_1, x_2, x_3" in found.table()


def test_columns_without_a_relation_give_none():
    x = np.random.default_rng(3).normal(size=(400, 3))
    found = find_relations(x, n_starts=2)
    assert len(found) == 0
    assert found.n_searches == 1
    assert repr(found).startswith("0 relations in 1 searches")


def test_what_a_relation_says():
    u, v = np.random.default_rng(0).uniform(1, 2, (2, 400))
    table = {"u": u, "v": v, "w": 0.5 * u * v}
    found = find_relations(table, n_starts=1, max_searches=1)
    (one,) = found
    assert one.columns == ("u", "v", "w")
    assert one.r2 > 0.99  # splines of five intervals leave up to a hundredth
    assert one.starts == (0,)
    shuffled = {**table, "v": np.roll(v, 1)}
    assert np.std(one.residual(table)) < 0.1 * np.std(one.residual(shuffled))
    array = np.stack(list(table.values()), axis=1)
    np.testing.assert_allclose(one.residual(array), one.residual(table))
    where, phi = one.curve("u", 50)
    assert where.min() >= u.min() - 0.2
    assert where.max() <= u.max() + 0.2
    # log u + log v - log w is constant: the curves of u and v are alike
    np.testing.assert_allclose(abs(np.corrcoef(np.log(where), phi)[0, 1]), 1.0, atol=1e-2)
    assert str(one.solve(table, "w", most_steps=20).best.formula.expressions[0]) == "u*v/2"


def test_the_same_seed_gives_the_same_relations_in_any_units():
    u, v = np.random.default_rng(0).uniform(1, 2, (2, 200))
    tables = [{"u": u, "v": v, "w": u + v}, {"u": 1e6 * u, "v": 1e6 * v, "w": 1e-3 * (u + v)}]
    found = [find_relations(table, n_starts=1, max_searches=1) for table in (tables[0], *tables)]
    assert found[0][0].r2 == found[1][0].r2
    assert found[2][0].columns == found[0][0].columns
    assert found[2][0].r2 == pytest.approx(found[0][0].r2, abs=1e-3)


def test_wrong_tables_are_refused():
    x = np.random.default_rng(0).normal(size=(50, 2))
    with pytest.raises(ValueError, match="10 rows of 2 columns; expected at least 20 rows and 2 columns"):
        find_relations(x[:10])
    with pytest.raises(ValueError, match="'b' of x has the same value"):
        find_relations({"a": x[:, 0], "b": np.ones(50)})
    with pytest.raises(ValueError, match="names has 3 names"):
        find_relations(x, ["a", "b", "c"])
    one = find_relations({"a": x[:, 0], "b": x[:, 0] ** 3}, n_starts=1, max_searches=1)[0]
    with pytest.raises(ValueError, match="column is 'c'; expected one of 'a', 'b'"):
        one.curve("c")
    with pytest.raises(ValueError, match="x has 3 columns; expected 2"):
        one.residual(np.zeros((4, 3)))
