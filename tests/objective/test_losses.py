"""Losses: derivatives by outputs and by parameters against differences, matrices against J^T H J."""

from __future__ import annotations

import numpy as np
import pytest

from kan_np import KAN, MLP, CrossEntropy, Huber, Poisson, Quantile
from kan_np.objective.loss import SQUARES
from kan_np.objective.losses import loss_of, restored_loss
from kan_np.objective.sparsity_penalty import Penalty

SMOOTH = [SQUARES, CrossEntropy(), CrossEntropy(ridge=0.1), Poisson()]
KINKED = [Huber(0.4), Quantile(0.8, 0.3), Quantile(0.2, 0.01)]


def label(loss):
    """A name of a loss for the tests, the same in every process."""
    return str(loss).split(" object")[0].removeprefix("<kan_np.objective.")


def own(y, f):
    """log cosh, as a user writes it."""
    r = f - y
    return np.log(np.cosh(r)).sum(axis=1), np.tanh(r), 1.0 / np.cosh(r) ** 2


class Coupled:
    """An own loss whose outputs have mixed second derivatives: |f - y|^2 + (sum f)^2."""

    def value(self, y, f):
        return np.square(f - y).sum(axis=1) + np.square(f.sum(axis=1))

    def gradient(self, y, f):
        return 2.0 * (f - y) + 2.0 * f.sum(axis=1, keepdims=True)

    def hessian(self, y, f):
        n = f.shape[1]
        return np.tile(2.0 * np.eye(n) + 2.0, (len(f), 1, 1))


def labels_for(loss, n, n_out, seed=0):
    """Labels as the loss has them."""
    rng = np.random.default_rng(seed)
    if isinstance(loss, CrossEntropy):
        return loss.labels("y", rng.integers(0, max(n_out, 2), n), n_out)
    if isinstance(loss, Poisson):
        return rng.poisson(2.0, (n, n_out)).astype(float)
    return rng.normal(size=(n, n_out))


def checked(loss, n_out):
    y = labels_for(loss, 20, n_out)
    return loss.checked(y, np.random.default_rng(1).normal(size=y.shape))


@pytest.mark.parametrize("n_out", [1, 3])
@pytest.mark.parametrize("loss", [*SMOOTH, *KINKED], ids=label)
def test_derivatives_by_outputs(loss, n_out):
    y = labels_for(loss, 200, n_out)
    f = np.random.default_rng(1).normal(size=y.shape)
    h = 1e-6
    kinked = loss in KINKED
    for j in range(n_out):
        shift = h * np.eye(n_out)[j]
        slope = (loss.value(y, f + shift) - loss.value(y, f - shift)) / (2 * h)
        np.testing.assert_allclose(loss.gradient(y, f)[:, j], slope, atol=2e-8)
        if not kinked:
            bend = (loss.gradient(y, f + shift) - loss.gradient(y, f - shift)) / (2 * h)
            np.testing.assert_allclose(loss.curvature(y, f)[:, :, j], bend, atol=2e-8)


@pytest.mark.parametrize("loss", KINKED, ids=label)
def test_the_parabola_lies_above_a_loss_with_kinks(loss):
    rng = np.random.default_rng(0)
    y, f, step = (rng.normal(size=(1000, 1)) for _ in range(3))
    bend = loss.curvature(y, f)[:, 0, 0]
    above = loss.value(y, f) + (loss.gradient(y, f) * step)[:, 0] + 0.5 * bend * step[:, 0] ** 2
    assert (loss.value(y, f + step) <= above + 1e-12).all()


@pytest.mark.parametrize("loss", [*SMOOTH, *KINKED], ids=label)
def test_no_loss_is_negative(loss):
    y = labels_for(loss, 200, 1)
    assert loss.value(y, 3.0 * np.random.default_rng(2).normal(size=y.shape)).min() >= 0.0


def models():
    """By name: short grids, long ones, two layers, products with symbols, frozen values, an MLP."""
    frozen = KAN([2, 3, 3], grid=3, seed=3)
    frozen.freeze(0)
    symbolic = KAN([2, [2, 1], 3], grid=3, seed=4)
    symbolic.fix_symbolic(0, 0, 0, "sin", fit=False)
    return {
        "short": KAN([2, 2, 3], grid=3, seed=0),
        "one output": KAN([2, 2, 1], grid=3, seed=1),
        "long": KAN([2, 2, 3], grid=40, seed=2),
        "long, one output": KAN([2, 2, 1], grid=40, seed=2),
        "frozen": frozen,
        "symbolic": symbolic,
        "mlp": MLP([2, 4, 3], seed=5),
        "mlp, one output": MLP([2, 4, 1], seed=5),
    }


ALL = [CrossEntropy(), Poisson(), Huber(0.4), Quantile(0.8, 0.3), loss_of(own), loss_of(Coupled())]


# the first loss with every model, the others with three models each that take turns
@pytest.mark.parametrize(
    ("loss", "name"),
    [
        *((ALL[0], name) for name in models()),
        *((loss, list(models())[(3 * i + j) % 8]) for i, loss in enumerate(ALL[1:]) for j in range(3)),
    ],
    ids=label,
)
def test_gradient_and_matrix_by_parameters(name, loss):
    model = models()[name]
    n_out = model.width[-1]
    loss = checked(loss, n_out)
    rng = np.random.default_rng(0)
    x, y, weight = rng.uniform(-1, 1, (40, 2)), labels_for(loss, 40, n_out), rng.uniform(0.1, 2.0, 40)
    model._loss = loss
    objective = model._objective(x, y, Penalty(), weight, 0.0)
    theta = model.theta + 0.1 * rng.normal(size=model.n_params)
    value, gradient = objective(theta)

    def outputs(at):
        model.theta = at
        return model(x)

    share, f = weight / weight.sum(), outputs(theta)
    np.testing.assert_allclose(value, share @ loss.value(y, f), rtol=1e-12)
    h = 1e-6
    jacobian = np.stack(
        [(outputs(theta + h * e) - outputs(theta - h * e)) / (2 * h) for e in np.eye(theta.size)], axis=2
    )
    expected = np.einsum("s,sj,sjp->p", share, loss.gradient(y, f), jacobian)
    np.testing.assert_allclose(gradient, expected, atol=1e-8)
    again, slope, lower = objective.normal_equations(theta)
    np.testing.assert_allclose(again, value, rtol=1e-12)
    np.testing.assert_allclose(slope, gradient, atol=1e-12)
    matrix = np.einsum("s,sjp,sjk,skq->pq", share, jacobian, loss.curvature(y, f), jacobian, optimize=True)
    np.testing.assert_allclose(np.tril(lower), np.tril(matrix), atol=1e-7)
    np.testing.assert_allclose(objective.value(theta), value, rtol=1e-12)


def test_an_own_loss_with_wrong_derivatives_is_refused():
    y, f = np.zeros((10, 2)), np.ones((10, 2))
    for wrong, what in (
        (lambda y, f: (np.square(f - y).sum(axis=1), f - y), "derivative by output 0"),
        (lambda y, f: (np.square(f - y).sum(axis=1), 2 * (f - y), f), "second derivatives by output 0"),
        (lambda y, f: (np.square(f - y), 2 * (f - y)), r"shape \(10, 2\); expected \(10,\)"),
        (lambda y, f: np.square(f - y).sum(axis=1), "expected a tuple"),
    ):
        with pytest.raises(ValueError, match=what):
            loss_of(wrong).checked(y, f)
    with pytest.raises(TypeError, match="expected a name"):
        loss_of(3)
    with pytest.raises(ValueError, match="Did you mean 'cross_entropy'"):
        loss_of("log_loss")


@pytest.mark.parametrize(
    ("labels", "n_out", "what"),
    [
        ([0, 1, 2], 1, "has 2 in row 2; expected 0 or 1"),
        ([0, 1, 3], 3, "has 3 in row 2; expected classes 0 to 2"),
        ([0, 1, 0.5], 3, "expected classes 0 to 2"),
        ([-1, 1, 0], 1, "has -1 in row 0"),
        ([[1, 0, 0], [1, 1, 0]], 3, "sum to 1"),
        ([[1, 0], [0, 1]], 3, "has 2 columns"),
        (["a", "b"], 2, "text"),
    ],
)
def test_labels_that_are_no_classes(labels, n_out, what):
    with pytest.raises((ValueError, TypeError), match=what):
        CrossEntropy().labels("y", labels, n_out)


def test_classes_become_columns():
    loss = CrossEntropy()
    np.testing.assert_array_equal(loss.labels("y", [2, 0], 3), [[0, 0, 1], [1, 0, 0]])
    np.testing.assert_array_equal(loss.labels("y", [True, False], 1), [[1], [0]])
    with pytest.raises(ValueError, match=r"-1 in row 1; expected counts"):
        Poisson().labels("y", [[1.0], [-1.0]], 1)


@pytest.mark.parametrize("loss", [*SMOOTH, *KINKED, loss_of(own)], ids=label)
def test_the_best_constant_has_no_slope(loss):
    loss = checked(loss, 1)
    y = labels_for(loss, 500, 1)
    slope = loss.gradient(y, np.tile(loss.constant(y, None), (500, 1))).mean()
    assert abs(slope) < 0.02


@pytest.mark.parametrize("loss", [*SMOOTH, *KINKED], ids=label)
def test_losses_are_restored(loss):
    again = restored_loss(loss.described())
    assert again == loss
    assert type(again) is type(loss)
    for damaged in (None, {"name": "huber", "delta": "x"}, {"name": "huber", "delta": -1.0}, {"name": "x"}):
        with pytest.raises(ValueError, match=r"loss|delta"):
            restored_loss(damaged)
