"""Laplace error bars: Bayesian linear regression where the model is linear, exact Jacobians, coverage."""

from __future__ import annotations

import numpy as np
import pytest
from mixed_models import mixed_model
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize
from scipy.stats import norm, t

from kan_np import KAN, MLP, design_matrix
from kan_np.objective.parameter_jacobian import parameter_jacobian
from kan_np.objective.shrinkage import prior_matrix
from kan_np.training.folds import Sample
from kan_np.uncertainty.evidence import best_evidence
from kan_np.uncertainty.laplace import Laplace
from kan_np.uncertainty.outside import Outside


def linear_data(seed, n=60, noise=0.2):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (n, 1))
    return {"train_input": x, "train_label": np.sin(2 * x) + rng.normal(0, noise, (n, 1))}


def line_model(data, **fit):
    """One edge without base function, linear in its parameters."""
    model = KAN([1, 1], grid=4, base_fun="zero", seed=0)
    model.fit(data, "LM", update_grid=False, smoothing=0.0, **fit)
    return model


def basis(model, x):
    """B-splines at x, by SciPy's recursion in `design_matrix`."""
    return design_matrix(x[:, 0], model.knots[0][0], model.k)


def dense_log_evidence(log_alpha, log_noise, design, prior, theta, y, weight):
    """The formula of a textbook, with determinants: -2 log evidence without constants."""
    alpha, noise = np.exp(log_alpha), np.exp(log_noise)
    precision = design.T @ (weight[:, None] * design) / noise + alpha * prior
    rss = weight @ (y - design @ theta) ** 2
    determinant = np.linalg.slogdet(precision)[1] - np.linalg.slogdet(alpha * prior)[1]
    return len(y) * log_noise + rss / noise + alpha * theta @ prior @ theta + determinant


@pytest.mark.parametrize("weighted", [False, True])
def test_a_linear_model_has_the_posterior_of_bayesian_linear_regression(weighted):
    data = linear_data(1)
    weight = np.random.default_rng(2).uniform(0.2, 1.0, 60) if weighted else np.ones(60)
    if weighted:
        data["train_weight"] = weight
    weight = weight / weight.mean()
    model = line_model(data)
    model.calibrate(data)
    design, y, theta = basis(model, data["train_input"]), data["train_label"][:, 0], model.theta
    prior = prior_matrix(design.shape[1], 0).copy()
    prior += 1e-4 * prior.diagonal().mean() * np.eye(len(prior))
    # the noise and the precision of the prior are those of the highest evidence
    args = (design, prior, theta, y, weight)
    found = minimize(
        lambda both: dense_log_evidence(*both, *args),
        np.log([1.0, 0.1]),
        method="Nelder-Mead",
        options={"xatol": 1e-10, "fatol": 1e-12, "maxiter": 4000},
    )
    alpha, noise = np.exp(found.x)
    assert model.error_bars.laplace.noise_variance[0] == pytest.approx(noise, rel=1e-5)
    rss, curvature = weight @ (y - design @ theta) ** 2, design.T @ (weight[:, None] * design)
    evidence = best_evidence(curvature, prior, theta, float(rss), 60)
    assert evidence.prior_precision == pytest.approx(alpha, rel=1e-4)
    assert evidence.noise_variance == pytest.approx(rss / (60 - evidence.n_effective), rel=1e-6)
    assert evidence.prior_precision == pytest.approx(evidence.n_effective / (theta @ prior @ theta), rel=1e-6)
    # with these the predictive distribution is the one in closed form
    noise, alpha = evidence.noise_variance, evidence.prior_precision
    precision = cho_factor(curvature / noise + alpha * prior)
    new = np.linspace(-1, 1, 41)[:, None]
    rows = basis(model, new)
    expected = np.sqrt(np.sum(rows * cho_solve(precision, rows.T).T, axis=1) + noise)
    inside = (new >= data["train_input"].min()) & (new <= data["train_input"].max())
    prediction, std, low, high = model.predict(new, return_std=True, interval=0.9)
    np.testing.assert_allclose(std[inside], expected[inside[:, 0]], rtol=1e-8)
    half = t.ppf(0.95, 60 - evidence.n_effective) * std
    np.testing.assert_allclose(high - prediction, half, rtol=1e-9)
    np.testing.assert_allclose(prediction - low, half, rtol=1e-9)


def test_intervals_of_a_linear_model_hold_as_often_as_they_say():
    held, n_all = 0.0, 0
    for seed in range(40):
        data = linear_data(seed)
        model = line_model(data, steps=5)
        model.calibrate(data)
        x = np.linspace(data["train_input"].min(), data["train_input"].max(), 50)[:, None]
        prediction, low, high = model.predict(x, interval=0.9)
        truth = np.sin(2 * x)  # the chance that a label with the true noise lies inside, in closed form
        held += float(np.sum(norm.cdf((high - truth) / 0.2) - norm.cdf((low - truth) / 0.2)))
        n_all += 50
        assert ((low < prediction) & (prediction < high)).all()
    assert 0.87 < held / n_all < 0.93


@pytest.mark.parametrize(
    "model",
    [
        KAN([2, 3, 2], grid=4, seed=0),
        KAN([2, 2, 1], grid=3, edges=["chebyshev", "bspline"], seed=1),
        KAN([2, [2, 1], 1], grid=3, affine_trainable=True, seed=2),
        mixed_model(affine=True),
        MLP([2, 4, 3, 2], seed=0),
    ],
    ids=["splines", "chebyshev", "products", "mixed", "mlp"],
)
def test_jacobian_is_that_of_central_differences(model):
    x = np.random.default_rng(3).uniform(-0.9, 0.9, (7, 2))
    jacobian = parameter_jacobian(model._network, x)
    theta, step = model.theta, 1e-6
    assert jacobian.shape == (model.width[-1], theta.size, 7)
    for p in range(theta.size):
        ends = [model._network.with_theta(theta + s * step * (np.arange(theta.size) == p)) for s in (1, -1)]
        slope = (ends[0].forward(x) - ends[1].forward(x)) / (2 * step)
        np.testing.assert_allclose(jacobian[:, p].T, slope, rtol=1e-6, atol=1e-7)


def test_jacobian_leaves_out_frozen_parameters():
    model = KAN([2, 2, 1], grid=3, seed=0)
    whole = parameter_jacobian(model._network, np.zeros((1, 2)))
    model.freeze(0, [(0, 0)])
    left = parameter_jacobian(model._network, np.zeros((1, 2)))
    assert whole.shape[1] - left.shape[1] == 7
    assert left.shape[1] == model.n_params


def test_outputs_have_noise_of_their_own():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (400, 1))
    y = np.hstack([x, x**2]) + rng.normal(0, 1, (400, 2)) * [0.1, 0.5]
    data = {"train_input": x, "train_label": y}
    model = KAN([1, 2], grid=3, seed=0)
    model.fit(data, "LM")
    model.calibrate(data)
    _, std = model.predict([[0.0]], return_std=True)
    np.testing.assert_allclose(std[0], [0.1, 0.5], rtol=0.1)
    # two outputs in one model say what two models of one output say, up to the prior they share
    alone = KAN([1, 1], grid=3, seed=0)
    own = {"train_input": x, "train_label": y[:, 1:]}
    alone.fit(own, "LM")
    alone.calibrate(own)
    np.testing.assert_allclose(alone.predict([[0.0]], return_std=True)[1][0, 0], std[0, 1], rtol=0.02)


def test_drawn_functions_have_the_variance_of_the_function():
    data = linear_data(4)
    model = line_model(data)
    model.calibrate(data)
    x = np.linspace(-0.9, 0.9, 5)[:, None]
    draws = model.sample_predictions(x, n=4000, seed=0)
    assert draws.shape == (4000, 5, 1)
    laplace = model.error_bars.laplace
    variance = laplace.function_variance(model._network, x)
    np.testing.assert_allclose(draws.var(axis=0), variance, rtol=0.12)
    np.testing.assert_allclose(draws.mean(axis=0), model(x), atol=5 * np.sqrt(variance.max() / 4000))
    assert (draws == model.sample_predictions(x, n=4000, seed=0)).all()


def test_outside_the_range_bars_widen_and_inside_they_do_not():
    outside = Outside.of(np.array([[0.0, 5.0], [2.0, 5.0]]), np.array([[0.0], [4.0]]))
    x = np.array([[1.0, 5.0], [3.0, 5.0], [-2.0, 5.0], [0.0, 10.0], [3.0, 10.0]])
    # lengths of the range: 2, and of an input that did not vary its size, 5; the spread is 2
    expected = 2.0 * 2.0 * np.array([0.0, 0.5, 1.0, 1.0, np.hypot(0.5, 1.0)])
    np.testing.assert_allclose(outside.std(x)[:, 0], expected)


def test_noise_free_data_and_constant_labels_have_finite_bars():
    x = np.linspace(-1, 1, 50)[:, None]
    for y in (x**2, np.full_like(x, 7.0)):
        data = {"train_input": x, "train_label": y}
        model = KAN([1, 1], grid=3, seed=0)
        model.fit(data, "LM")
        model.calibrate(data)
        _, std, low, high = model.predict(x, return_std=True, interval=0.9)
        assert np.isfinite(std).all()
        assert (std >= 0).all()
        assert (std < 1e-4).all()
        assert ((low <= high) & (np.abs(high - y) < 1e-3)).all()


def test_too_many_parameters_are_refused():
    model = KAN([30, 20, 1], grid=3, seed=0)
    x = np.zeros((3, 30))
    with pytest.raises(ValueError, match=r"'laplace' takes at most 3000.*conformal"):
        Laplace.fit(model, Sample(x, np.zeros((3, 1)), None))
