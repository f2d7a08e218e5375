"""Losses of outputs and labels, with their derivatives by the outputs: what a fit minimises the mean of.

    "squares"        (f - y)^2, the mean over the outputs
    "cross_entropy"  log(1 + e^f) - y f of one output; log sum_k e^f_k - sum_k y_k f_k of several
    "poisson"        e^f - y f - (y - y log y), the mean over the outputs: half the deviance
    "huber"          r^2 / 2 for |r| <= delta, else delta (|r| - delta / 2), r = f - y
    "quantile"       max(tau u, (tau - 1) u) with u = y - f, rounded within `width` of its kink

y are labels and f outputs of the network. Gauss-Newton methods minimise by J^T H J with H the second
derivatives by the outputs (N. N. Schraudolph (2002), Neural Computation 14, 1723). Where a loss is a straight
line H is 0 and such a matrix says nothing: "huber" and "quantile" have in place of H the curvature of the
parabola that touches the loss at f and lies above it (D. R. Hunter and K. Lange (2000), J. Comput. Graph.
Stat. 9, 60), so that full steps lower the loss.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np.objective.loss import SQUARES, ByOutput, Loss, Squares, diagonal
from kan_np.objective.own_loss import OwnLoss

#: Weight of |f|^2 / 2 in the losses whose minimum else is at infinity where classes are separable or counts
#: all zero: logits then end near 11, probabilities near 1 - 1e-5. Chosen by judgement.
RIDGE = 1e-6
#: Half of the width of the kink of "quantile", in standard deviations of the labels; chosen by judgement.
_ROUNDING = 0.05


@dataclass(frozen=True)
class CrossEntropy(Loss):
    """Logarithmic loss of classes: log(1 + e^f) - y f of one output, log sum_k e^f_k - f_y of several.

    To both ``ridge |f|^2 / 2`` is added, which keeps outputs finite where classes are separable.

    A network with one output tells two classes apart: its output is the logit of the second, and labels are
    0 and 1, or probabilities of the second. One with K outputs tells K classes apart: outputs are logits up
    to a common constant, and labels are the numbers 0 to K - 1 of the classes in one column, or one column
    a class with ones and zeros, or probabilities that sum to 1.

    Parameters
    ----------
    ridge : float

    Examples
    --------
    >>> import numpy as np
    >>> from kan_np import KAN, CrossEntropy, dataset_from_arrays
    >>> x = np.random.default_rng(0).uniform(-1, 1, (200, 2))
    >>> dataset = dataset_from_arrays(x, x[:, 0] * x[:, 1] > 0, test_fraction=0.2)
    >>> model = KAN([2, 2, 1], grid=3, seed=0)
    >>> result = model.fit(dataset, "LM", loss=CrossEntropy(), metrics=("accuracy",))
    >>> result["test_accuracy"][-1] > 0.9, model.predict_class([[0.5, 0.5]]).tolist()
    (True, [1])
    """

    ridge: float = RIDGE
    name = "cross_entropy"
    of_raw_labels = True
    #: A label of two classes holds less than a number: ten of them for each parameter are a rule of medicine
    #: (P. Peduzzi et al. (1996), J. Clin. Epidemiol. 49, 1373).
    samples_a_parameter = 10.0

    def __post_init__(self) -> None:
        _validate.real("ridge", self.ridge, 0.0)

    def value(self, y: FloatArray, f: FloatArray) -> FloatArray:
        """l of every sample, (n_samples,), for labels y and outputs f."""
        if f.shape[1] == 1:
            plain = (np.logaddexp(0.0, f) - y * f)[:, 0]
        else:
            from scipy.special import logsumexp  # imported where used, since the import takes 0.1 s

            plain = logsumexp(f, axis=1) - (y * f).sum(axis=1)
        return np.asarray(plain + 0.5 * self.ridge * np.square(f).sum(axis=1))

    def gradient(self, y: FloatArray, f: FloatArray) -> FloatArray:
        """Derivatives of l by the outputs f, (n_samples, n_out), at labels y."""
        return self.by_output(f) - y + self.ridge * f

    def curvature(self, y: FloatArray, f: FloatArray) -> FloatArray:
        """H at labels y and outputs f, (n_samples, n_out, n_out)."""
        p = self.by_output(f)
        if f.shape[1] == 1:
            return (p * (1.0 - p) + self.ridge)[:, :, None]
        return diagonal(p + self.ridge) - p[:, :, None] * p[:, None, :]

    def by_output(self, f: FloatArray) -> FloatArray:
        """Probability by outputs f of the class of each, of the second class for one: (n, n_out)."""
        from scipy.special import expit, logsumexp

        if f.shape[1] == 1:
            return np.asarray(expit(f))
        return np.asarray(np.exp(f - logsumexp(f, axis=1, keepdims=True)))

    def probabilities(self, f: FloatArray) -> FloatArray:
        """Probability of every class by outputs f, (n_samples, n_classes)."""
        from scipy.special import expit

        p = self.by_output(f)
        return p if p.shape[1] > 1 else np.hstack([np.asarray(expit(-f)), p])

    def labels(self, name: str, y: Any, n_out: int) -> FloatArray:
        """Labels y, called `name` in messages, as columns for n_out outputs; see the class."""
        given = _validate.matrix(name, y)
        if n_out == 1 and given.shape[1] == 1:
            self._check(name, given, (given >= 0) & (given <= 1), "0 or 1, for a model of one output")
            return given
        if given.shape[1] == 1:
            whole = (given == np.round(given)) & (given >= 0) & (given < n_out)
            self._check(name, given, whole, f"classes 0 to {n_out - 1}, whole numbers, for {n_out} outputs")
            return np.asarray(np.eye(n_out)[given[:, 0].astype(np.int64)])
        if given.shape[1] == n_out:
            fits = (given >= 0).all(axis=1) & (np.abs(given.sum(axis=1) - 1.0) <= 1e-9)
            wanted = "ones and zeros, or probabilities, that sum to 1 in every row"
            self._check(name, given, fits[:, None], wanted)
            return given
        raise ValueError(
            f"{name} has {given.shape[1]} columns; expected one, with the numbers of classes, or {n_out}, as "
            "many as the model has outputs. A model of K > 2 classes has K outputs, one of two 1 or 2."
        )

    def _check(self, name: str, given: FloatArray, fits: np.ndarray, wanted: str) -> None:
        if not fits.all():
            row = int(np.argmin(fits.all(axis=1)))
            found = f"{given[row, 0]:g}" if given.shape[1] == 1 else _validate.shown(given[row].tolist())
            raise ValueError(f"{name} has {found} in row {row}; expected {wanted}.")

    def n_labels(self, y: FloatArray) -> int:
        """One for every row of y, whatever the number of classes."""
        return len(y)

    def constant(self, y: FloatArray, weight: FloatArray | None) -> FloatArray:
        """Logits of the shares of classes in y by weight, as if half a sample more of each had been seen."""
        p = np.average(y, axis=0, weights=weight)
        n = 0.5 / len(y)
        if y.shape[1] == 1:
            return np.asarray(np.log((p + n) / (1.0 - p + n)))
        logs = np.log(p + n)
        return np.asarray(logs - logs.mean())

    def spread(self, y: FloatArray, weight: FloatArray | None) -> float:
        """1, for logarithms, whatever labels y and weight are."""
        return 1.0

    def described(self) -> dict[str, Any]:
        """Name and options."""
        return {"name": self.name, **asdict(self)}


@dataclass(frozen=True)
class Poisson(ByOutput):
    """Half the Poisson deviance of counts whose logarithmic rate is the output: e^f - y f - (y - y log y).

    To it ``ridge f^2 / 2`` is added, which keeps outputs finite where all counts are 0. ``predict`` gives
    logarithms of rates, ``predict_rate`` the rates.

    Parameters
    ----------
    ridge : float

    Examples
    --------
    >>> import numpy as np
    >>> from kan_np import KAN, dataset_from_arrays
    >>> rng = np.random.default_rng(0)
    >>> x = rng.uniform(-1, 1, (300, 1))
    >>> dataset = dataset_from_arrays(x, rng.poisson(np.exp(1 + x)))
    >>> model = KAN([1, 1], grid=3, seed=0)
    >>> result = model.fit(dataset, "LM", loss="poisson")
    >>> bool(abs(model.predict_rate([[0.0]])[0, 0] - np.e) < 0.6)
    True
    """

    ridge: float = RIDGE
    name = "poisson"
    of_raw_labels = True

    def __post_init__(self) -> None:
        _validate.real("ridge", self.ridge, 0.0)

    def terms(self, y: FloatArray, f: FloatArray) -> FloatArray:
        """The function of labels y and outputs f."""
        from scipy.special import xlogy

        return np.asarray(np.exp(f) - y * f - (y - xlogy(y, y)) + 0.5 * self.ridge * np.square(f))

    def slopes(self, y: FloatArray, f: FloatArray) -> FloatArray:
        """Its derivatives by f at labels y."""
        return np.asarray(np.exp(f) - y + self.ridge * f)

    def bends(self, y: FloatArray, f: FloatArray) -> FloatArray:
        """Its second derivatives by f at labels y."""
        return np.asarray(np.exp(f) + self.ridge)

    def labels(self, name: str, y: Any, n_out: int) -> FloatArray:
        """Labels y, called `name` in messages, of n_out columns, if none is negative."""
        given = _validate.matrix(name, y, n_out)
        if given.min() < 0:
            row = int(np.argmin(given.min(axis=1)))
            raise ValueError(
                f"{name} has {given[row].min():g} in row {row}; expected counts, or other numbers >= 0."
            )
        return given

    def constant(self, y: FloatArray, weight: FloatArray | None) -> FloatArray:
        """Logarithm of the mean of y by weight, as if half a count more had been seen."""
        return np.asarray(np.log(np.average(y, axis=0, weights=weight) + 0.5 / len(y)))

    def spread(self, y: FloatArray, weight: FloatArray | None) -> float:
        """1, for logarithms, whatever labels y and weight are."""
        return 1.0

    def described(self) -> dict[str, Any]:
        """Name and options."""
        return {"name": self.name, **asdict(self)}


@dataclass(frozen=True)
class Huber(ByOutput):
    """Squares of small residuals, absolute values of large ones, which outliers then hardly move.

        r^2 / 2 for |r| <= delta, else delta (|r| - delta / 2),    r = f - y

    Source: P. J. Huber (1964), Robust estimation of a location parameter, Ann. Math. Stat. 35, 73.

    Parameters
    ----------
    delta : float, optional
        In the units of the labels. None is one, of labels that are standardised inside (see ``KAN.fit``)
        their standard deviation.

    Examples
    --------
    >>> import numpy as np
    >>> from kan_np import KAN, Huber, dataset_from_arrays
    >>> x = np.linspace(-1, 1, 100)[:, None]
    >>> y = x + 50.0 * (np.arange(100) % 10 == 0)[:, None]
    >>> model = KAN([1, 1], grid=3, seed=0)
    >>> result = model.fit(dataset_from_arrays(x, y), "LM", loss=Huber(0.1))
    >>> bool(abs(model.predict([[0.5]])[0, 0] - 0.5) < 0.05)
    True
    """

    delta: float | None = None
    name = "huber"
    degree = 2

    def __post_init__(self) -> None:
        if self.delta is not None:
            _validate.real("delta", self.delta, np.finfo(float).tiny)

    @property
    def has_own_unit(self) -> bool:
        """Whether `delta` is in the units of the labels."""
        return self.delta is not None

    @property
    def _kink(self) -> float:
        return 1.0 if self.delta is None else self.delta

    def terms(self, y: FloatArray, f: FloatArray) -> FloatArray:
        """The function of labels y and outputs f."""
        size = np.abs(f - y)
        small = np.minimum(size, self._kink)
        return small * (size - 0.5 * small)

    def slopes(self, y: FloatArray, f: FloatArray) -> FloatArray:
        """Its derivatives by f at labels y."""
        return np.asarray(np.clip(f - y, -self._kink, self._kink))

    def bends(self, y: FloatArray, f: FloatArray) -> FloatArray:
        """Second derivatives of the parabola above it, at labels y and outputs f."""
        return np.asarray(self._kink / np.maximum(np.abs(f - y), self._kink))

    def described(self) -> dict[str, Any]:
        """Name and options."""
        return {"name": self.name} | {key: value for key, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class Quantile(ByOutput):
    """Pinball loss, whose minimum is the tau-quantile of the labels given the inputs.

        max(tau u, (tau - 1) u)                                 for |u| >= width,    u = y - f,
        (u^2 + width^2) / (4 width) + (tau - 1/2) u             within

    Source: X. He, X. Pan, K. M. Tan and W.-X. Zhou (2023), Smoothed quantile regression with large-scale
    inference, J. Econometrics 232, 367, with a uniform kernel.

    Parameters
    ----------
    tau : float
        Between 0 and 1.
    width : float, optional
        Half of the width of the rounded kink, in the units of the labels; it should be well below their
        noise. None is 0.05, of labels that are standardised inside (see ``KAN.fit``) as a part of their
        standard deviation.

    Examples
    --------
    >>> import numpy as np
    >>> from kan_np import KAN, Quantile, dataset_from_arrays
    >>> rng = np.random.default_rng(0)
    >>> x = rng.uniform(-1, 1, (500, 1))
    >>> dataset = dataset_from_arrays(x, x + rng.normal(size=(500, 1)))
    >>> model = KAN([1, 1], grid=2, seed=0)
    >>> result = model.fit(dataset, "LM", loss=Quantile(0.9))
    >>> share = np.mean(dataset["train_label"] <= model(dataset["train_input"]))
    >>> bool(abs(share - 0.9) < 0.03)
    True
    """

    tau: float = 0.5
    width: float | None = None
    name = "quantile"
    degree = 1

    def __post_init__(self) -> None:
        tau = _validate.real("tau", self.tau, 0.0, 1.0)
        if tau in (0.0, 1.0):
            raise ValueError(f"tau is {tau}; expected a number between 0 and 1, without these.")
        if self.width is not None:
            _validate.real("width", self.width, np.finfo(float).tiny)

    @property
    def has_own_unit(self) -> bool:
        """Whether `width` is in the units of the labels."""
        return self.width is not None

    @property
    def _rounding(self) -> float:
        return _ROUNDING if self.width is None else self.width

    def terms(self, y: FloatArray, f: FloatArray) -> FloatArray:
        """The function of labels y and outputs f."""
        u, h = y - f, self._rounding
        size = np.abs(u)
        rounded = np.where(size < h, 0.25 * (np.square(np.minimum(size, h)) / h + h), 0.5 * size)
        return np.asarray(rounded + (self.tau - 0.5) * u)

    def slopes(self, y: FloatArray, f: FloatArray) -> FloatArray:
        """Its derivatives by f at labels y."""
        return np.asarray(0.5 * np.clip((f - y) / self._rounding, -1.0, 1.0) - (self.tau - 0.5))

    def bends(self, y: FloatArray, f: FloatArray) -> FloatArray:
        """Second derivatives of the parabola above it, at labels y and outputs f."""
        return np.asarray(0.5 / np.maximum(np.abs(f - y), self._rounding))

    def described(self) -> dict[str, Any]:
        """Name and options."""
        return {"name": self.name} | {key: value for key, value in asdict(self).items() if value is not None}


_KINDS: dict[str, type[Loss]] = {
    kind.name: kind for kind in (Squares, CrossEntropy, Poisson, Huber, Quantile)
}
#: Names of other libraries, with those of here.
_OTHERS = dict.fromkeys(("mse", "l2", "squared_error", "mean_squared_error"), "squares")
_OTHERS |= dict.fromkeys(
    ("log_loss", "logloss", "logistic", "bce", "crossentropy", "softmax"), "cross_entropy"
)
_OTHERS |= {"pinball": "quantile", "l1": "quantile", "mae": "quantile", "absolute_error": "quantile"}


def loss_of(loss: object) -> Loss:
    """The loss that a name, a loss, or an object or function of a user stands for.

    Raises
    ------
    ValueError, TypeError
        If it is nothing of the kind.
    """
    if isinstance(loss, Loss):
        return loss
    if isinstance(loss, str):
        name = _validate.choice("loss", loss, _KINDS, _OTHERS)
        return SQUARES if name == SQUARES.name else _KINDS[name]()
    return OwnLoss.of(loss)


def restored_loss(described: object) -> Loss:
    """The loss that ``described()`` gave to a file; ValueError for anything else."""
    if not isinstance(described, dict) or not isinstance(described.get("name"), str):
        raise ValueError(f"its loss is {_validate.shown(described)}")
    options = {key: value for key, value in described.items() if key != "name"}
    if described["name"] == OwnLoss.name and not options:
        return OwnLoss.forgotten()
    kind = _KINDS.get(described["name"])
    if kind is None or not all(isinstance(value, float | int) for value in options.values()):
        raise ValueError(f"its loss is {_validate.shown(described)}")
    try:
        return SQUARES if kind is Squares and not options else kind(**options)
    except TypeError:
        raise ValueError(f"its loss is {_validate.shown(described)}") from None
