"""Training in phases: the forgetting matrix is what the model says after every phase."""

from __future__ import annotations

import numpy as np
import pytest

from kan_np import KAN, MLP, fit_phases
from kan_np.plot import plot_forgetting

CENTRES = np.linspace(-0.8, 0.8, 5)


def peaks(x):
    return np.exp(-300 * (x - CENTRES) ** 2).sum(axis=1, keepdims=True)


def in_phases(n=100):
    """The five phases of figure 3.4 of arXiv:2404.19756, 100 even points about each peak."""
    return [
        {"train_input": x, "train_label": peaks(x)}
        for x in np.linspace(CENTRES - 0.2, CENTRES + 0.2, n).T[:, :, None]
    ]


def one_edge(k=3):
    return KAN([1, 1], grid=200, k=k, base_fun="zero", noise_scale=0.1, seed=0)


@pytest.mark.parametrize("anchored", [False, True])
def test_five_peaks_in_one_dimension_are_kept_to_the_limit_of_the_spline(anchored):
    fits = fit_phases(one_edge(), in_phases(), "LM", 9, smoothing=0.0, anchored=anchored)
    assert fits.whole[-1] < 4.1e-6
    assert all(result.n_iter < 10 for result in fits.results)
    assert fits.losses[np.tril_indices(5)].max() < 4.1e-6
    assert (fits.losses[np.triu_indices(5, 1)] > 0.1).all()
    assert np.abs(fits.forgetting).max() < 1e-7


def test_neighbouring_phases_share_splines_which_an_anchor_keeps():
    plain, kept = (
        fit_phases(one_edge(5), in_phases(), "LM", 9, smoothing=0.0, anchored=anchored)
        for anchored in (False, True)
    )
    assert kept.whole[-1] < 0.7 * plain.whole[-1]


def test_the_matrix_is_the_rmse_of_the_model_after_every_phase():
    rng = np.random.default_rng(0)
    parts = []
    for low in (-1.0, 0.0):
        x, new = rng.uniform(low, low + 1, (40, 1)), rng.uniform(low, low + 1, (30, 1))
        weight = rng.uniform(0.5, 3.0, 30)
        parts.append(
            {
                "train_input": x,
                "train_label": 1e3 * np.sin(3 * x),
                "test_input": new,
                "test_label": 1e3 * np.sin(3 * new),
                "test_weight": weight,
            }
        )
    start = MLP([1, 6, 1], seed=0)
    fits = fit_phases(start, parts, "LM", 20, names=["left", "right"], weight_decay=0.0, ridge=1e-3)
    model = start.copy()
    assert np.array_equal(start.theta, MLP([1, 6, 1], seed=0).theta)
    anchor = None
    for p, part in enumerate(parts):
        model.fit(part, "LM", 20, anchor=anchor, weight_decay=0.0)
        anchor = model.anchor(part, previous=anchor, ridge=1e-3)
        squares = [np.square(model(q["test_input"]) - q["test_label"])[:, 0] for q in parts]
        for q, square in enumerate(squares):
            rmse = np.sqrt(np.average(square, weights=parts[q]["test_weight"]))
            assert fits.losses[p, q] == pytest.approx(rmse, rel=1e-9)
        weights = np.concatenate([q["test_weight"] for q in parts])
        assert fits.whole[p] == pytest.approx(np.sqrt(np.average(np.concatenate(squares), weights=weights)))
    np.testing.assert_array_equal(fits.model.theta, model.theta)
    np.testing.assert_array_equal(fits.anchor.curvature, anchor.curvature)
    assert fits.forgetting[0] == pytest.approx(fits.losses[1, 0] - min(fits.losses[:, 0]))
    assert fits.backward_transfer == pytest.approx(fits.losses[1, 0] - fits.losses[0, 0])
    assert repr(fits).splitlines()[1].startswith("after left:")
    assert [t.get_text() for t in fits.plot().axes[0].get_xticklabels()] == ["left", "right"]


def test_mistakes_are_told():
    model, parts = KAN([1, 1], seed=0), in_phases(20)
    with pytest.raises(TypeError, match="a KAN or an MLP"):
        fit_phases(np.sin, parts)
    for wrong in ([], parts[0]):
        with pytest.raises(ValueError, match="a list of datasets"):
            fit_phases(model, wrong)
    with pytest.raises(ValueError, match="expected 5"):
        fit_phases(model, parts, names=["a"])
    with pytest.raises(TypeError, match="makes the anchors itself"):
        fit_phases(model, parts, anchor=None)
    for wrong in (np.zeros(3), -np.eye(2), np.zeros((2, 3))):
        with pytest.raises(ValueError, match="in a square"):
            plot_forgetting(wrong)
    with pytest.raises(ValueError, match="2 names"):
        plot_forgetting(np.eye(2), ["a"])


@pytest.mark.parametrize("losses", [np.zeros((2, 2)), np.full((3, 3), np.nan), [[1.0]], np.ones((13, 13))])
def test_any_matrix_is_drawn(losses):
    figure = plot_forgetting(losses)
    figure.canvas.draw()
    assert len(figure.axes[0].images) == 1
