"""SciPy's minimisers behind `fit`: they reach known minima, and end as the compiled optimizers do."""

import numpy as np
import pytest

from kan_np import KAN, MLP, FitStatus, ScaleWarning, create_dataset, fit_schedule
from kan_np.objective.network_objective import network_objective
from kan_np.objective.sparsity_penalty import Penalty
from kan_np.optimize import OPTIMIZERS, choose_optimizer
from kan_np.optimize.scipy_minimizers import (
    CURVATURE_METHODS,
    GRADIENT_METHODS,
    LEAST_SQUARES_METHODS,
    minimizer,
)

METHODS = (*GRADIENT_METHODS, *CURVATURE_METHODS, *LEAST_SQUARES_METHODS)
SQUARES = (*CURVATURE_METHODS, *LEAST_SQUARES_METHODS)
DATA = create_dataset(
    lambda x: np.exp(np.sin(np.pi * x[:, [0]]) + x[:, [1]] ** 2), train_num=400, test_num=200, seed=0
)

#: What is tested here mostly has not learnt much yet.
pytestmark = pytest.mark.filterwarnings("ignore::kan_np.NotLearntWarning")


def linear_problem():
    """A KAN without a hidden layer is linear in its parameters; its minimum is known."""
    model = KAN([2, 1], grid=3, seed=1)
    x, y = DATA["train_input"], DATA["train_label"]
    objective = network_objective(model._network, x, y)
    base = model._theta
    zero = np.zeros_like(base)
    rows = []
    for unit in np.eye(base.size):
        model._theta = unit
        rows.append(model(x)[:, 0])
    model._theta = zero
    solution, *_ = np.linalg.lstsq(np.stack(rows, axis=1), y[:, 0] - model(x)[:, 0], rcond=None)
    return objective, base, objective(solution)[0]


@pytest.mark.parametrize(
    "method", [pytest.param(m, marks=pytest.mark.slow) if m == "CG" else m for m in METHODS]
)
def test_they_reach_the_minimum_of_a_linear_problem(method):
    objective, start, lowest = linear_problem()
    seen = []
    # conjugate gradients crawl where curvatures differ as much as here
    steps = 40_000 if method == "CG" else 3000
    outcome = minimizer(method)(objective, start, steps, lambda theta: seen.append(objective.mse) or False)
    assert objective(outcome.theta)[0] == pytest.approx(lowest, rel=1e-4)
    assert outcome.n_iter == len(seen) > 0
    assert (np.diff(seen) <= 0).all()  # a fit never gets worse, and the loss is that of the accepted point
    assert objective(outcome.theta)[0] == seen[-1]


@pytest.mark.parametrize("method", METHODS)
def test_the_start_is_not_changed_and_the_same_start_gives_the_same_bits(method):
    objective, start, _ = linear_problem()
    kept = start.copy()
    first, again = (minimizer(method)(objective, start, 5, lambda theta: False).theta for _ in range(2))
    np.testing.assert_array_equal(start, kept)
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("model", [KAN([2, 4, 1], seed=0), MLP([2, 8, 1], seed=0)], ids=["kan", "mlp"])
def test_fits_have_histories_steps_and_a_status(model, method):
    model = model.copy()
    before = float(np.sqrt(np.mean((model(DATA["train_input"]) - DATA["train_label"]) ** 2)))
    result = model.fit(DATA, opt=method, steps=3)
    assert result.opt == method
    per_step = OPTIMIZERS[method].iterations_per_step
    assert result.status in (FitStatus.STEP_LIMIT, FitStatus.STALLED)
    assert -(-result.n_iter // per_step) <= len(result["train_loss"]) <= 5
    assert result["train_loss"][-1] < before
    rmse = float(np.sqrt(np.mean((model(DATA["train_input"]) - DATA["train_label"]) ** 2)))
    assert rmse == pytest.approx(result["train_loss"][-1], rel=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_a_callback_stops_them_and_the_last_accepted_parameters_stay(method):
    losses = []

    def watch(progress):
        losses.append(progress.train_loss)
        return len(losses) == 3

    model = KAN([2, 3, 1], seed=0)
    result = model.fit(DATA, opt=method, steps=50, callback=watch, update_grid=False)
    assert result.status is FitStatus.STOPPED
    assert result.n_iter == len(losses) == 3
    assert result["train_loss"][-1] == losses[-1]
    rmse = float(np.sqrt(np.mean((model(DATA["train_input"]) - DATA["train_label"]) ** 2)))
    assert rmse == pytest.approx(losses[-1], rel=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_errors_of_the_callback_are_its_own(method):
    def broken(progress):
        raise KeyError("mine")

    def ended(progress):
        raise StopIteration

    with pytest.raises(KeyError, match="mine"):
        KAN([2, 2, 1], seed=0).fit(DATA, opt=method, callback=broken)
    with pytest.raises(RuntimeError, match="return True to stop"):
        KAN([2, 2, 1], seed=0).fit(DATA, opt=method, callback=ended)


class Cliff:
    """(theta - 3)^2 summed, but NaN from 2 on: every line search must step back, and no minimum is met."""

    n_residuals, least_squares = 2, True

    def __init__(self):
        self.n_fev, self.mse, self.reg = 0, np.nan, 0.0

    def __call__(self, theta):
        value = np.square(theta - 3.0).sum() if (theta < 2.0).all() else np.nan
        self.n_fev, self.mse = self.n_fev + 1, float(value)
        return float(value), 2.0 * (theta - 3.0) * (1.0 if np.isfinite(value) else np.nan)

    def value(self, theta):
        return self(theta)[0]

    def normal_equations(self, theta):
        value, gradient = self(theta)
        return value, gradient, np.asfortranarray(2.0 * np.eye(theta.size))


@pytest.mark.parametrize("method", METHODS)
def test_what_is_not_finite_is_never_accepted(method):
    seen = []
    outcome = minimizer(method)(Cliff(), np.zeros(2), 40, lambda theta: seen.append(theta) or False)
    assert (outcome.theta < 2.0).all()
    assert np.isfinite(Cliff()(outcome.theta)[0])
    assert all((theta < 2.0).all() for theta in seen)
    assert isinstance(outcome.status, FitStatus)
    assert outcome.status is not FitStatus.CONVERGED


@pytest.mark.parametrize("method", METHODS)
def test_a_start_that_is_not_finite_ends_at_once(method):
    outcome = minimizer(method)(Cliff(), np.full(2, 5.0), 40, lambda theta: False)
    assert outcome.status is FitStatus.NON_FINITE
    assert outcome.n_iter == 0


@pytest.mark.parametrize("method", METHODS)
def test_nothing_is_left_to_do_at_a_minimum(method):
    objective, start, _ = linear_problem()
    there = minimizer("trf")(objective, start, 500, lambda theta: False).theta
    outcome = minimizer(method)(objective, there, 200, lambda theta: False)
    assert outcome.status is FitStatus.CONVERGED
    assert objective(outcome.theta)[0] <= objective(there)[0]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("make", [lambda: KAN([2, 2, 1], seed=0), lambda: MLP([2, 3, 1], seed=0)])
def test_without_a_gradient_there_is_nothing_to_do(make, method):
    """Constant labels and a single sample are met before the first step."""
    x = np.random.default_rng(0).normal(size=(50, 2))
    for rows, labels in ((50, 0.0), (50, 7.0), (1, 3.0)):
        data = {"train_input": x[:rows], "train_label": np.full((rows, 1), labels)}
        model = make()
        result = model.fit(data, opt=method, steps=5)
        assert result.status is not FitStatus.NON_FINITE  # what is left is rounding, lowered or not
        np.testing.assert_allclose(model(x[:rows]), labels, atol=1e-10)


@pytest.mark.parametrize("method", METHODS)
def test_matrices_that_are_not_finite_are_a_status(method):
    model = MLP.from_weights([np.zeros((2, 1))], [np.zeros(1)])
    x = np.random.default_rng(0).normal(size=(50, 2))
    with pytest.warns(ScaleWarning):
        result = model.fit({"train_input": x * 1e160, "train_label": x[:, :1]}, opt=method, weight_decay=0.0)
    assert result.status in (FitStatus.NON_FINITE, FitStatus.STALLED)


class Lost(Cliff):
    """Falls by less and less, but no point that is looked at is ever lower: SciPy would look for ever."""

    def __call__(self, theta):
        self.n_fev += 1
        self.mse = 1.0 if not theta.any() else 2.0
        return self.mse, np.ones(theta.size)


@pytest.mark.parametrize("method", METHODS)
def test_a_search_that_finds_nothing_ends(method):
    objective = Lost()
    outcome = minimizer(method)(objective, np.zeros(2), 40, lambda theta: False)
    assert outcome.status is FitStatus.STALLED
    assert objective.n_fev < 1000
    assert not outcome.theta.any()


@pytest.mark.parametrize("method", METHODS)
def test_warnings_of_the_callback_are_its_own(method):
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        KAN([2, 2, 1], seed=0).fit(DATA, opt=method, callback=lambda progress: np.log(np.zeros(1)))


@pytest.mark.parametrize("method", ["BFGS", "SLSQP", "trf", "dogbox", "Newton-CG"])
def test_matrices_that_no_memory_holds_are_refused(method):
    most = OPTIMIZERS[method].max_params
    assert choose_optimizer(method, most, True) == method
    with pytest.raises(ValueError, match=f"opt is '{method}' with {most + 1} parameters; expected at most"):
        choose_optimizer(method, most + 1, True)


@pytest.mark.parametrize("method", SQUARES)
def test_penalties_that_are_no_squares_are_refused(method):
    with pytest.raises(ValueError, match=f"opt is '{method}' with lamb > 0; expected lamb = 0"):
        KAN([2, 2, 1]).fit(DATA, opt=method, lamb=0.1)


@pytest.mark.parametrize("method", GRADIENT_METHODS)
def test_penalties_are_minimised_by_those_that_see_the_gradient(method):
    model = KAN([2, 3, 1], seed=0)
    result = model.fit(DATA, opt=method, steps=2, lamb=0.01)
    objective = model._objective(DATA["train_input"], DATA["train_label"], Penalty(lamb=0.01))
    assert objective(model._theta)[0] < objective(KAN([2, 3, 1], seed=0)._theta)[0]
    assert result["reg"][-1] > 0


@pytest.mark.parametrize("method", ["L-BFGS-B", "trust-ncg", "trf"])
def test_weak_smoothing_follows_the_loss_with_levenberg_marquardt_alone(method):
    weak, none = (KAN([2, 3, 1], seed=0).fit(DATA, opt=method, steps=5, smoothing=s) for s in ("weak", 0.0))
    assert weak["train_loss"] == none["train_loss"]


def test_schedules_priors_and_gcv_take_them():
    stages = fit_schedule([2, 2, 1], DATA, grids=(3, 5), opt="trf", steps=10, restarts=2, seed=0)
    assert stages.best.test_rmse < 0.3
    few = {key: value[:30] for key, value in DATA.items() if key.startswith("train")}
    assert KAN([2, 3, 1], seed=0).fit(few, opt="BFGS", steps=3).shrinkage > 0
    noisy = {**DATA, "train_label": DATA["train_label"] + np.random.default_rng(0).normal(size=(400, 1))}
    assert KAN([2, 1], seed=0).fit(noisy, opt="trf", steps=5, smoothing="gcv").smoothing > 0


def test_the_square_root_of_the_normal_equations_has_their_products():
    from kan_np.optimize.scipy_minimizers import _Search

    objective, start, _ = linear_problem()
    search = _Search(objective, start, 10, lambda theta: False)
    residuals, jacobian = search._residuals(start), search._jacobian(start)
    value, gradient, lower = objective.normal_equations(start)
    assert 0.5 * residuals @ residuals == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(jacobian.T @ residuals, gradient, rtol=1e-6, atol=1e-9)
    hessian = np.tril(lower) + np.tril(lower, -1).T
    np.testing.assert_allclose(jacobian.T @ jacobian, hessian, atol=1e-12 * np.abs(hessian).max())


def test_compiled_lbfgs_ends_where_scipys_does():
    """Losses after the same steps are on a par: the geometric mean over starts."""
    ratios = []
    for seed in range(6):
        ours, theirs = (
            KAN([2, 3, 1], seed=seed).fit(DATA, opt=opt, steps=10)["train_loss"][-1]
            for opt in ("LBFGS", "L-BFGS-B")
        )
        ratios.append(ours / theirs)
    assert 0.7 < np.exp(np.mean(np.log(ratios))) < 1.4
