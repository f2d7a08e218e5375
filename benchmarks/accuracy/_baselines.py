"""What a sceptic would try before a KAN: a Gaussian process, cubic RBF interpolation, a linear model, an MLP.

All see inputs and labels with mean 0 and standard deviation 1, so that units change nothing, and choose what
there is to choose on the training samples alone. The same data give the same numbers.

Gaussian process (scikit-learn): anisotropic squared exponential, one process an output, hyperparameters by
marginal likelihood from several starts. How much noise there is, none up to rounding or an estimated
amount, is chosen by the leave-one-out error, which the Cholesky factor gives without fitting again (Rasmussen
and Williams 2006, equations 5.10 to 5.12). Cubic RBF (SciPy): r^3 with a linear polynomial; it interpolates
unless a fifth of the samples, held out, says that smoothing is better. Linear: least squares. MLP: `fit_mlp`
with the optimizer, the starts and the steps that the KAN gets.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator
from scipy.linalg import LinAlgError, LinAlgWarning, cho_solve
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Kernel, WhiteKernel
from threadpoolctl import threadpool_limits

from benchmarks._common import show_table
from benchmarks.accuracy._common import Errors, geometric_mean, rmse, run_tasks, spread
from kan_np import Dataset, fit_mlp

FloatArray = NDArray[np.float64]
Predictor = Callable[[FloatArray], FloatArray]

MLP, GP, CUBIC, LINEAR = "MLP", "GP", "RBF", "linear"
NAMES = (MLP, GP, CUBIC, LINEAR)

#: Samples with which the hyperparameters of a Gaussian process are looked for, and those that choose among
#: what was found and give it the last steps; predictions are from all. A search with 1000 took some ten times
#: as long as one with 300, and changed the leave-one-out error by less than a factor of two on most of nine
#: functions, before those last steps.
_GP_SEARCH, _GP_CHOICE = 300, 1000
#: Where searches start: length scales in standard deviations times the root of the number of inputs, with
#: which distances grow, and the noise where it is estimated; and one random start beside each. From length
#: scales of 1 fifty inputs ended at the mean, as diabetes did from a noise of 0.01; its estimate is 0.48.
_GP_STARTS, _GP_RESTARTS = ((1.0, 0.3), (4.0, 0.3), (1.0, 1e-3)), 1
#: Variances of the noise, in units of the labels' variance, None for an estimated one. Of fixed ones the
#: smallest that can be factored is the best on smooth data, and which one that is depends on the function.
_GP_NOISES = (None, 1e-13, 1e-11, 1e-9)
#: Fixed ones are not tried where more than this is estimated.
_GP_NOISY = 1e-6
#: Added to the diagonal in powers of ten up to the last where the Cholesky factor does not exist.
_GP_JITTERS = (0.0, 1e-12, 1e-11, 1e-10, 1e-9, 1e-8, 1e-6, 1e-4)
_RBF_SMOOTHINGS = (0.0, 1e-6, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0)
_HELD_OUT = 0.2


@dataclass(frozen=True)
class MlpEffort:
    """How hard an MLP is trained, and its hidden layers."""

    hidden: tuple[int, ...] = (10, 10)
    opt: str = "LM"
    steps: int = 250
    restarts: int = 8
    val_fraction: float = 0.2
    seed: int = 0


@dataclass(frozen=True)
class Task:
    """A baseline to train on one dataset, which is made where it is trained."""

    name: str
    case: str
    data_seed: int
    make: Callable[[str, int], Dataset]
    effort: MlpEffort = field(default_factory=MlpEffort)


# ---------------------------------------------------------------- the models


def linear(x: FloatArray, y: FloatArray) -> Predictor:
    """Least squares with an intercept; of several solutions the shortest.

    Examples
    --------
    >>> x = np.arange(4.0)[:, None]
    >>> linear(x, 2 * x + 1)(np.array([[10.0]])).round(12).tolist()
    [[21.0]]
    """

    def fit(x: FloatArray, y: FloatArray) -> Predictor:
        weight = np.linalg.lstsq(_with_ones(x), y, rcond=None)[0]
        return lambda new: _with_ones(new) @ weight

    return _scaled(fit, x, y)


def cubic_rbf(x: FloatArray, y: FloatArray) -> Predictor:
    """Cubic radial basis functions and a linear polynomial; see the module for the smoothing."""
    return _scaled(_cubic, x, y)


def gaussian_process(x: FloatArray, y: FloatArray) -> Predictor:
    """A Gaussian process for every output; see the module for its hyperparameters."""

    def fit(x: FloatArray, y: FloatArray) -> Predictor:
        processes = [_process(x, label) for label in y.T]
        return lambda new: np.stack([process.predict(new) for process in processes], axis=1)

    return _scaled(fit, x, y)


def mlp(x: FloatArray, y: FloatArray, effort: MlpEffort) -> Predictor:
    """An MLP of kan_np, trained by the rules of `fit_schedule`."""

    def fit(x: FloatArray, y: FloatArray) -> Predictor:
        stage = fit_mlp(
            [x.shape[1], *effort.hidden, y.shape[1]],
            {"train_input": x, "train_label": y},
            opt=effort.opt,
            steps=effort.steps,
            restarts=effort.restarts,
            seed=effort.seed,
            val_fraction=effort.val_fraction,
        )
        return stage.model

    return _scaled(fit, x, y)


def predictor(name: str, dataset: Dataset, effort: MlpEffort | None = None) -> Predictor:
    """Train a baseline by name on the rows of a dataset that train and, where there are such, validate."""
    parts = [part for part in ("train", "val") if f"{part}_input" in dataset]
    x = np.concatenate([dataset[f"{part}_input"] for part in parts])
    y = np.concatenate([dataset[f"{part}_label"] for part in parts])
    with threadpool_limits(1):
        if name == MLP:
            return mlp(x, y, effort or MlpEffort())
        return {GP: gaussian_process, CUBIC: cubic_rbf, LINEAR: linear}[name](x, y)


def baseline_rmse(name: str, dataset: Dataset, effort: MlpEffort | None = None) -> float:
    """Test RMSE of a baseline, in the units of the labels."""
    predict = predictor(name, dataset, effort)
    with threadpool_limits(1):
        return rmse(predict(dataset["test_input"]), dataset["test_label"])


# ---------------------------------------------------------------- how they are fitted


def _scaled(fit: Callable[[FloatArray, FloatArray], Predictor], x: FloatArray, y: FloatArray) -> Predictor:
    """Fit standardised inputs and labels and predict in their own units.

    Inputs that do not vary are left out; without any, and for labels that do not vary, the mean is left.
    """
    x_mean, x_scale = x.mean(axis=0), x.std(axis=0)
    y_mean, y_scale = y.mean(axis=0), y.std(axis=0)
    used = x_scale > 1e-14 * np.abs(x).max(axis=0)
    y_scale = np.where(y_scale > 1e-14 * np.abs(y).max(axis=0), y_scale, 0.0)
    if not used.any() or not y_scale.any():
        return lambda new: np.tile(y_mean, (len(new), 1))
    divisor = np.where(y_scale == 0.0, 1.0, y_scale)

    def scale(inputs: FloatArray) -> FloatArray:
        return np.ascontiguousarray((inputs - x_mean)[:, used] / x_scale[used])

    inner = fit(scale(x), (y - y_mean) / divisor)
    return lambda new: inner(scale(np.asarray(new, dtype=np.float64))) * y_scale + y_mean


def _with_ones(x: FloatArray) -> FloatArray:
    return np.column_stack([np.ones(len(x)), x])


def _shuffled(n: int) -> NDArray[np.intp]:
    """A fixed order, of which the first ones are a random sample."""
    return np.random.default_rng(0).permutation(n)


def _cubic(x: FloatArray, y: FloatArray) -> Predictor:
    x, y = _merged(x, y)
    if len(x) < x.shape[1] + 2:  # fewer samples than the polynomial has terms
        return lambda new: np.zeros((len(new), y.shape[1]))
    order = _shuffled(len(x))
    cut = max(1, round(_HELD_OUT * len(x)))
    held, rest = order[:cut], order[cut:]
    scores = []
    if len(rest) >= x.shape[1] + 2:
        for smoothing in _RBF_SMOOTHINGS:
            inner = _rbf(x[rest], y[rest], smoothing)
            scores.append(np.inf if inner is None else rmse(inner(x[held]), y[held]))
    first = int(np.argmin(scores)) if scores else 0
    for smoothing in _RBF_SMOOTHINGS[first:]:
        inner = _rbf(x, y, smoothing)
        if inner is not None:
            return inner
    return lambda new: np.zeros((len(new), y.shape[1]))


def _rbf(x: FloatArray, y: FloatArray, smoothing: float) -> Predictor | None:
    """The interpolant, None where its matrix is singular."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LinAlgWarning)
            return RBFInterpolator(x, y, kernel="cubic", degree=1, smoothing=smoothing)
    except np.linalg.LinAlgError:
        return None


def _merged(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Samples with equal inputs become one with their mean label: no function goes through all of them."""
    places, number, count = np.unique(x, axis=0, return_inverse=True, return_counts=True)
    if len(places) == len(x):
        return x, y
    sums = np.zeros((len(places), y.shape[1]))
    np.add.at(sums, number.ravel(), y)
    return places, sums / count[:, None]


def _process(x: FloatArray, y: FloatArray) -> GaussianProcessRegressor:
    """The process whose leave-one-out error is the lowest of all kinds of noise."""
    order = _shuffled(len(x))
    search, choice = order[:_GP_SEARCH], order[:_GP_CHOICE]
    tried: list[tuple[GaussianProcessRegressor, float]] = []
    for noise in _GP_NOISES:
        if noise is not None and tried[0][0].kernel_.k2.noise_level > _GP_NOISY:
            break
        alpha = 1e-14 if noise is None else noise
        starts = _GP_STARTS if noise is None else _GP_STARTS[:2]
        kernels = [_kernel(x.shape[1], *start, estimates_noise=noise is None) for start in starts]
        found = [_optimised(kernel, alpha, x[search], y[search], _GP_RESTARTS) for kernel in kernels]
        likeliest = max(found, key=lambda process: process.log_marginal_likelihood(process.kernel_.theta))
        tried.append(_factored(likeliest.kernel_, alpha, x[choice], y[choice]))
    best, error = min(tried, key=lambda pair: pair[1])
    if len(choice) > len(search):
        kernel = _optimised(best.kernel, best.alpha, x[choice], y[choice], 0).kernel_
        polished, again = _factored(kernel, best.alpha, x[choice], y[choice])
        best = polished if again < error else best
    return best if len(choice) == len(x) else _factored(best.kernel, best.alpha, x, y)[0]


def _kernel(n_in: int, scale: float, noise: float, estimates_noise: bool) -> Kernel:
    """Variance and length scales from far below to far above those of standardised data."""
    kernel = ConstantKernel(1.0, (1e-3, 1e6)) * RBF([scale * np.sqrt(n_in)] * n_in, (1e-2, 1e3))
    return kernel + WhiteKernel(noise, (1e-11, 10.0)) if estimates_noise else kernel


def _optimised(
    kernel: Kernel, alpha: float, x: FloatArray, y: FloatArray, restarts: int
) -> GaussianProcessRegressor:
    """The process with the highest marginal likelihood that was found from a kernel on."""
    process = GaussianProcessRegressor(kernel, alpha=alpha, n_restarts_optimizer=restarts, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        with suppress(
            LinAlgError
        ):  # after the search, where rounding decides: its result is there all the same
            process.fit(x, y)
    return process


def _factored(
    kernel: Kernel, alpha: float, x: FloatArray, y: FloatArray
) -> tuple[GaussianProcessRegressor, float]:
    """The process with this kernel, and its leave-one-out RMSE (equation 5.12)."""
    for jitter in _GP_JITTERS:
        if jitter and jitter <= alpha:
            continue
        process = GaussianProcessRegressor(kernel, alpha=max(alpha, jitter), optimizer=None)
        try:
            process.fit(x, y)
        except LinAlgError:
            continue
        inverse = cho_solve((process.L_, True), np.eye(len(x)))
        return process, float(np.sqrt(np.mean((process.alpha_.ravel() / np.diag(inverse)) ** 2)))
    raise LinAlgError(f"no Cholesky factor of {kernel} with {_GP_JITTERS[-1]} on its diagonal")


# ---------------------------------------------------------------- many of them, and their table


def run(task: Task) -> float:
    """Test RMSE of a task."""
    return baseline_rmse(task.name, task.make(task.case, task.data_seed), task.effort)


def train_all(
    make: Callable[[str, int], Dataset],
    cases: Sequence[str],
    data_seeds: Sequence[int],
    *,
    jobs: int,
    effort: MlpEffort | Callable[[str], MlpEffort] | None = None,
    names: Sequence[str] = NAMES,
) -> dict[str, Errors]:
    """Test RMSE of every baseline on every dataset: by name, then by (case, data seed).

    Parameters
    ----------
    make : callable
        Makes the dataset of a case and a data seed; a function of a module, for it goes to other processes.
    cases : sequence of str
    data_seeds : sequence of int
    jobs : int
    effort : MlpEffort, or callable of the case
    names : sequence of str
    """
    chosen = effort if callable(effort) else lambda case: effort or MlpEffort()
    tasks = [
        Task(name, case, seed, make, chosen(case)) for name in names for case in cases for seed in data_seeds
    ]
    found = run_tasks(run, tasks, jobs, "baselines")
    errors: dict[str, dict[tuple[str, int], list[float]]] = {name: {} for name in names}
    for task, value in zip(tasks, found, strict=True):
        errors[task.name][task.case, task.data_seed] = [value]
    return dict(errors)


def show_beside(title: str, errors: Mapping[str, Errors]) -> None:
    """Print median and worst over the seeds of every model and case, and who has the lowest median.

    The first of `errors` is what the others are compared with.
    """
    names = list(errors)
    cases = list(dict.fromkeys(case for case, _ in errors[names[0]]))
    spreads = {(name, case): spread(errors[name], case) for name in names for case in cases}
    lowest = [min(names, key=lambda name: spreads[name, case].median) for case in cases]
    rows = [
        (case, *(str(spreads[name, case]) for name in names), winner)
        for case, winner in zip(cases, lowest, strict=True)
    ]
    show_table(f"{title}: median (worst)", ("", *names, "lowest median"), rows)
    print("lowest median: " + "; ".join(f"{name} {lowest.count(name)}" for name in names))
    for name in names[1:]:
        ratios = [spreads[name, case].median / spreads[names[0], case].median for case in cases]
        print(f"{name} / {names[0]}, geometric mean of the medians: {geometric_mean(ratios):.3g}")
