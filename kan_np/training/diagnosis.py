"""What is wrong with a fit, in plain sentences: nothing learnt, scales, outliers, rows outside, gaps.

A fit that is well has none. Every threshold was set so that the functions of the suites, scikit-learn's small
tables and random samples of usual distributions stay silent, and fits known to be useless do not; the counts
stand beside the thresholds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kan_np._validate import FloatArray
from kan_np._warnings import (
    ExtrapolationWarning,
    Finding,
    KanWarning,
    NotLearntWarning,
    OutlierWarning,
    OverfitWarning,
    ScaleWarning,
)
from kan_np.data.check import Dataset, without_idle_samples
from kan_np.network.mlp_network import MlpNetwork
from kan_np.optimize.status import FitStatus
from kan_np.training.estimator import Estimator
from kan_np.training.loss_diagnosis import held_out_loss, judge_loss
from kan_np.training.training_range import far_rows, in_units, input_name, training_range

#: A training RMSE of this part of the spread of the labels (R2 below 0.1) is that of having learnt nothing.
_NOTHING_LEARNT = 0.95
#: Fits that ended for want of steps are judged from so many iterations on: 50 steps of LM, 3 of L-BFGS.
_FEWEST_ITERATIONS = 50
#: Above this part of the spread a fit is compared with least squares on the inputs themselves, which it must
#: not exceed by more than the margin. An MLP with labels of 1e6 ends 8 % above it, with inputs of 1e6 5 %.
_ASKS_PLANE, _PLANE_MARGIN = 0.5, 1.01
#: Held-out RMSE in spreads of those labels from which on the model is worse than their mean.
_WORSE_THAN_MEAN = 1.2
#: Labels whose spread is below this part of their size are one number.
_CONSTANT = 1e-12
#: A fit of one number is learnt when it is off by less than this part of it.
_CONSTANT_LEARNT = 1e-3

#: Held-out rows that lie by this part of the training range outside it are named. Largest distance among the
#: test rows of 200 splits: suites 0.03; normal inputs, 100 rows, 0.24 in one of a hundred.
FAR_HELD_OUT = 0.5
#: Rows outside the training range, however near, that make this part of a held-out squared error are named.
_MAKES_ERROR = 0.5

#: An input with at least so many distinct values, half of which lie within this part of its range, has an
#: outlier or a heavy tail. Smallest part: suites 0.42, diabetes 0.21, wine 0.21, breast cancer 0.05; of 100
#: draws of 1000 log-normal numbers 0.03; California housing's AveOccup 0.0007, Cauchy numbers 0.0003.
_BULK, _FEWEST_VALUES = 0.02, 10

#: A gap without training samples is named where it is so many times the median one, and either as wide as
#: the support of a B-spline (whose coefficient no sample then determines) or this part of the range.
_GAP_TIMES, _GAP_PART = 10.0, 0.2


@dataclass(frozen=True)
class _Reach:
    """Scales from which on a start does not reach what standardised data reach.

    Measured as the training RMSE of [2,3,1] and [2,10,1] on two functions after 30 steps, times 10 or more of
    that on standardised data: a KAN at inputs of 1e3 (L-BFGS 0.17, LM 0.03 of the spread), 1e4 spreads from
    zero (0.13, 0.47), labels of 1e-4 (0.04, 0.005; 1e-6: 0.5, 0.4); an MLP at inputs of 1e2 (0.27, 0.04) and
    1e-3 (0.36, 0.007), 10 spreads from zero (0.13, 0.41), labels of 1e3 (0.3, 0.2) and 1e-4 (0.1, 0.1),
    100 spreads from zero (0.1, 0.1).
    """

    inputs: tuple[float, float]  # spread: least, largest
    input_offset: float  # distance from zero in spreads
    labels: tuple[float, float]
    label_offset: float


_KAN_REACH = _Reach((1e-6, 7e2), 7e3, (1e-4, 1e4), 3e3)
_MLP_REACH = _Reach((1e-2, 7e1), 7.0, (5e-4, 5e2), 7e1)
#: Where the training RMSE is below this part of the spread the scale did no harm.
_SCALE_HARMS = 0.02


@dataclass(frozen=True)
class Shares:
    """How large errors are beside the labels, an output each.

    Attributes
    ----------
    rmse, spread : ndarray of shape (n_out,)
        Of the samples; where the labels are one number `spread` is its size.
    constant : ndarray of bool
    residual : ndarray of shape (n_samples, n_out)
    """

    rmse: FloatArray
    spread: FloatArray
    constant: np.ndarray
    residual: FloatArray

    @staticmethod
    def of(model: Estimator, data: Dataset, split: str) -> Shares:
        y, weight = data[f"{split}_label"], data.get(f"{split}_weight")
        size = np.abs(y).max(axis=0)
        unit = np.where(size > 0, size, 1.0)  # squares of absurd labels leave the range of doubles
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            residual = (model._network.forward(model._within(data[f"{split}_input"])) - y) / unit
            rmse = unit * np.sqrt(np.average(np.square(residual), axis=0, weights=weight))
            centred = (y - np.average(y / unit, axis=0, weights=weight) * unit) / unit
            std = unit * np.sqrt(np.average(np.square(centred), axis=0, weights=weight))
            constant = std <= _CONSTANT * size
            rmse = np.where(np.isnan(rmse), np.inf, rmse)
            if "label_unit" not in data:
                return Shares(rmse, np.where(constant, size, std), constant, residual * unit)
            own = data["label_unit"]  # errors are told in the units of the data
            size = np.abs(y * own + data["scaler"].label_shift).max(axis=0)
            return Shares(rmse * own, np.where(constant, size, std * own), constant, residual * unit * own)

    @property
    def parts(self) -> FloatArray:
        """RMSE in spreads; of labels that are one number, 1 where that is not met."""
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            parts = self.rmse / self.spread
        off = np.where(parts > _CONSTANT_LEARNT, 1.0, 0.0)
        return np.nan_to_num(np.where(self.constant, off, parts), nan=0.0, posinf=np.inf)  # zero labels, met


def label_spread(y: FloatArray) -> float:
    """Standard deviation of labels, of all outputs together as RMSE is; NaN where all are one number."""
    size = float(np.abs(y).max())
    spread = float(np.sqrt(np.mean(np.var(y / size, axis=0)))) * size if size > 0 else 0.0
    return spread if spread > _CONSTANT * size else float("nan")


def judge(
    model: Estimator,
    data: Dataset,
    status: FitStatus,
    n_iter: int,
    free: bool,
    *,
    shrunk: bool = False,
    anchored: bool = False,
) -> tuple[FitStatus, list[Finding]]:
    """The status of a fit with what was learnt in mind, and what kept it from learning.

    Parameters
    ----------
    model : Estimator
        As it was fitted.
    data : dict
        Checked.
    status : FitStatus
        Of the optimizer.
    n_iter : int
        Optimizer iterations.
    free : bool
        Whether the fit had no sparsity penalty, so that nothing kept it above a plane.
    shrunk : bool
        Whether a prior kept it near to constants, which may leave it above a plane that goes through noise.
    anchored : bool
        Whether an anchor held it where earlier samples put it.
    """
    if not model._loss.is_squares:
        return judge_loss(model, data, status, n_iter)
    data = without_idle_samples(data)
    if status is FitStatus.STOPPED or data["train_input"].shape[0] < 2:
        return status, []
    shares = Shares.of(model, data, "train")
    found = _scales(model, data, shares)
    if status is FitStatus.NON_FINITE:
        return status, [Finding(status.message), *found]
    ended = status in (FitStatus.CONVERGED, FitStatus.STALLED, FitStatus.NOT_LEARNT)
    missed = shares.parts >= (_ASKS_PLANE if found and ended else _NOTHING_LEARNT)
    if (
        ended
        and free
        and not (shrunk or anchored)
        and not missed.all()
        and (shares.parts > _ASKS_PLANE).any()
    ):
        missed |= (shares.parts > _ASKS_PLANE) & _above_plane(model, data, shares)
    if not missed.any() or (not ended and n_iter < _FEWEST_ITERATIONS):
        return status, found
    if status is FitStatus.CONVERGED and missed.all():
        status = FitStatus.NOT_LEARNT
    worst = int(np.argmax(np.where(missed, shares.parts, -1.0)))
    where = "" if shares.spread.size == 1 else f" of output {', '.join(map(str, np.flatnonzero(missed)))}"
    rmse, spread = shares.rmse[worst], shares.spread[worst]
    bar = "their mean" if shares.parts[worst] >= _NOTHING_LEARNT else "a plane by least squares"
    text = (
        f"The training RMSE{where} is {rmse:.3g} with labels whose spread is {spread:.3g}: predicting {bar} "
    )
    text += "is about as good. "
    if shares.constant[worst]:
        text = f"The training RMSE{where} is {rmse:.3g} although all labels are {spread:.3g} in size. "
    if anchored:
        text += (
            "The anchor of earlier samples holds the model: a larger model may have room for both, and "
            "anchor=anchor.scaled(0.1) keeps less of the earlier ones."
        )
        return status, [*found, Finding(text, NotLearntWarning)]
    return status, [*found, Finding(text + _what_to_try(model, data, free, shrunk), NotLearntWarning)]


def _what_to_try(model: Estimator, data: Dataset, free: bool, shrunk: bool) -> str:
    of_mlp = isinstance(model._network, MlpNetwork)
    if model._shrinkage == np.inf and model._network is model._constant:
        option = "weight_decay" if of_mlp else "smoothing"
        return (
            f"By cross-validation the {data['train_input'].shape[0]} samples say no more than that: use more "
            f"samples, fewer inputs or a smaller model; {option}=0.0 fits them all the same."
        )
    cause = "" if free else "a weaker penalty (lamb), "
    if shrunk and of_mlp:
        cause += "a smaller weight_decay, "
    return (
        f"Nothing was learnt: try {cause}another seed, standardize=True or another shape, unless the labels "
        "are noise or the inputs do not determine them."
    )


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _above_plane(model: Estimator, data: Dataset, shares: Shares) -> np.ndarray:
    """Which outputs are worse than least squares on the inputs, where the model could be as good."""
    net = model._network
    inner = min(model.width[1:-1], default=model.width[-1])
    x, y, weight = data["train_input"], data["train_label"], data.get("train_weight")
    narrow = inner < min(model.width[0], model.width[-1])
    whole = isinstance(net, MlpNetwork) or (
        net.structure.is_plain and not net.ties and net.k > 0 and all(mask.all() for mask in net.masks)
    )
    if narrow or not whole or x.shape[0] <= x.shape[1] + 1:
        return np.zeros(y.shape[1], dtype=bool)
    root = np.ones((x.shape[0], 1)) if weight is None else np.sqrt(weight)[:, None]
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        x = x - x.mean(axis=0)
        scale = np.abs(x).max(axis=0)
        design = np.hstack([np.ones((x.shape[0], 1)), x / np.where(scale > 0, scale, 1.0)]) * root
        size = np.where(shares.spread > 0, shares.spread, 1.0)
        labels = (y - np.average(y, axis=0, weights=weight)) / size * root
    if not (np.isfinite(design).all() and np.isfinite(labels).all()):
        return np.zeros(y.shape[1], dtype=bool)
    solution = np.linalg.lstsq(design, labels, rcond=None)[0]
    plane = np.sqrt(np.square(labels - design @ solution).sum(axis=0) / np.square(root).sum())
    return shares.parts > _PLANE_MARGIN * np.maximum(plane, np.finfo(float).tiny)


def data_findings(model: Estimator, data: Dataset, names: Sequence[str] | None = None) -> list[Finding]:
    """What the samples say of a fitted model: outliers, held-out rows and their errors, gaps.

    Parameters
    ----------
    model : Estimator
    data : dict
        Checked.
    names : sequence of str, optional
        Of the inputs.
    """
    data = without_idle_samples(data)
    train, found = Shares.of(model, data, "train"), _outliers(model, data, names)
    for split in ("val", "test"):
        if f"{split}_input" in data:
            found += _held_out(model, data, split, train, names)
    return found + _aliasing(model, data, names) + _gaps(model, data, names)


def _aliasing(model: Estimator, data: Dataset, names: Sequence[str] | None) -> list[Finding]:
    """The first input whose values cannot tell the frequencies of its edges apart."""
    net = model._network
    if isinstance(net, MlpNetwork):
        return []
    for own in net.layers[0].bases:
        for i in np.unique(own.topology.source).tolist():
            theta = own.coef[own.topology.source == i]
            said = own.basis.aliasing(i, theta, np.unique(data["train_input"][:, i]))
            if said:
                return [Finding(f"{_capital(input_name(i, names))} {said}", KanWarning)]
    return []


def _scales(model: Estimator, data: Dataset, shares: Shares) -> list[Finding]:
    """Inputs and labels of scales that the initial parameters are not for, where the fit is bad."""
    if (shares.parts < _SCALE_HARMS).all():
        return []
    reach = _MLP_REACH if isinstance(model._network, MlpNetwork) else _KAN_REACH
    told = []
    for split, limits, offset in (
        ("input", reach.inputs, reach.input_offset),
        ("label", reach.labels, reach.label_offset),
    ):
        values = data[f"train_{split}"]
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            size = np.maximum(np.abs(values).max(axis=0), np.finfo(float).tiny)
            middle, spread = size * (values / size).mean(axis=0), size * (values / size).std(axis=0)
        varies = spread > _CONSTANT * size
        if split == "label":
            varies &= shares.parts >= _SCALE_HARMS
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            # how many times beyond the limits; near zero no offset harms
            off = np.abs(middle) / (offset * np.maximum(spread, 1.0))
            out = np.where(varies, np.maximum.reduce([limits[0] / spread, spread / limits[1], off]), 0.0)
        if (out > 1.0).any():
            i = int(np.argmax(out))
            told.append(f"{split} {i} is {middle[i]:.3g} with a spread of {spread[i]:.3g}")
    if not told:
        return []
    return [
        Finding(
            f"The scales of the data are too far from one: {' and '.join(told)}; the initial parameters are "
            "for inputs and labels of order one. Fit a new model without standardize=False.",
            ScaleWarning,
        )
    ]


def _outliers(model: Estimator, data: Dataset, names: Sequence[str] | None) -> list[Finding]:
    """Inputs most of whose values lie in a small part of their range."""
    if model._knots_follow_samples:
        return []
    for i, column in enumerate(data["train_input"].T):
        values = np.unique(column)
        if values.size < _FEWEST_VALUES:
            continue
        with np.errstate(over="ignore", invalid="ignore"):
            low, high = values[values.size // 4], values[3 * values.size // 4]
            part = (high - low) / (values[-1] - values[0])
        if part < _BULK:
            ends = in_units(model.scaler, i, np.array([low, high, values[0], values[-1]]))
            bulk, all_of_it = f"{ends[0]:.4g} and {ends[1]:.4g}", f"{ends[2]:.4g} and {ends[3]:.4g}"
            return [
                Finding(
                    f"{_capital(input_name(i, names))} has an outlier or a heavy tail: half of its values "
                    f"lie between {bulk}, all of them between {all_of_it}. Check the outermost rows, or "
                    "learn from the logarithm (or with KAN(grid_eps=0.02), whose knots follow the values).",
                    OutlierWarning,
                )
            ]
    return []


def _held_out(
    model: Estimator, data: Dataset, split: str, train: Shares, names: Sequence[str] | None
) -> list[Finding]:
    """Held-out rows outside the training range, and errors beyond that of the mean."""
    x = data[f"{split}_input"]
    kind = {"val": "validation", "test": "test"}[split]
    found = []
    limits = training_range(data["train_input"])
    far = far_rows(x, limits, FAR_HELD_OUT)
    if far is not None:
        found.append(Finding(far.sentence(f"{kind} rows", model.scaler, names), ExtrapolationWarning))
    if not model._loss.is_squares:
        return found + held_out_loss(model, data, split, kind)
    shares = Shares.of(model, data, split)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        square = np.square(shares.residual).sum(axis=1)
        outside = ((x < limits[0]) | (x > limits[1])).any(axis=1)
        share = float(square[outside].sum() / square.sum()) if square.sum() > 0 else 0.0
    if far is None and outside.any() and share > _MAKES_ERROR and outside.mean() < 0.5 * share:
        near = far_rows(x, limits, 0.0)
        assert near is not None  # noqa: S101  some are outside
        found.append(
            Finding(
                f"{near.sentence(f'{kind} rows', model.scaler, names)} They make {share:.0%} of the squared "
                f"{kind} error: samples are missing there."
            )
        )
    worst = int(np.argmax(shares.parts))
    ratio = shares.parts[worst]
    of_mlp = isinstance(model._network, MlpNetwork)
    less = "fewer nodes, or weight_decay" if of_mlp else "fewer intervals or nodes, or smoothing='gcv'"
    if (
        x.shape[0] > 1
        and not shares.constant[worst]
        and ratio > max(_WORSE_THAN_MEAN, 2.0 * train.parts[worst])
    ):
        found.append(
            Finding(
                f"The {kind} RMSE is {shares.rmse[worst]:.3g}, {ratio:.3g} times the spread of those labels, "
                f"and {train.rmse[worst]:.3g} on the training samples: other rows are predicted worse than "
                f"by their mean. Use more samples, {less}.",
                OverfitWarning,
            )
        )
    return found


def _gaps(model: Estimator, data: Dataset, names: Sequence[str] | None) -> list[Finding]:
    """The widest gap between samples of an only input, or of a node it leads to."""
    net = model._network
    if model.width[0] != 1 or isinstance(net, MlpNetwork):
        return []
    worst: tuple[float, str] = (0.0, "")
    with np.errstate(over="ignore", invalid="ignore"):
        nodes = np.split(net.node_values(data["train_input"]).T, np.cumsum(net.width)[:-1], axis=1)[:-1]
    for layer, values in enumerate(nodes):
        for i, column in enumerate(values.T):
            places = np.unique(column)
            if places.size < _FEWEST_VALUES or not np.isfinite(places).all():
                continue
            steps, width = np.diff(places), places[-1] - places[0]
            at = int(np.argmax(steps))
            support = min((net.k + 1) / (net.knots[layer].shape[1] - 1), _GAP_PART)
            if steps[at] > max(_GAP_TIMES * np.median(steps), support * width, worst[0] * width):
                ends = places[at : at + 2] if layer else in_units(model.scaler, i, places[at : at + 2])
                name = _capital(input_name(i, names)) if layer == 0 else f"The hidden node ({layer}, {i})"
                share = steps[at] / width
                worst = (
                    share,
                    f"{name} has no training sample between {ends[0]:.4g} and {ends[1]:.4g}, {share:.0%} of "
                    "its range: what the model says there is a guess.",
                )
    return [Finding(worst[1])] if worst[1] else []
