"""Smoothing of spline edges: penalties on their roughness, as in P-splines.

For an edge e with coefficients c the roughness S_e is a sum of squared differences,

    S_e = sum_m (D c)_m^2,

and the objective becomes the mean squared error + sum over edges of lambda_e S_e.

``smoothing=`` a number, or "gcv", which chooses the number by generalised cross-validation
(`kan_np.optimize.gcv`), means one lambda for all edges, and D are differences of order 2, (D c)_m =
c_{m+1} - 2 c_m + c_{m-1}. S vanishes for straight lines and is, up to a power of the knot distance, the
integral of the squared second derivative. This is for noisy data.

"weak" is for data without noise. D are second differences of the jumps of the k-th derivative at the knots
inside the grid, on even grids the differences of order k + 3 of c: S vanishes for polynomials of degree k and
for jumps that grow linearly, as those of smooth functions nearly do, so that coefficients which few samples
determine continue the trend of their neighbours. The weights follow the loss. Before every
Levenberg-Marquardt iteration they become

    lambda_e = q mse s_e / (sum over edges of s S + 100 n r v),    q = min(0.5, p / N),

where s_e is the sensitivity of the outputs to the edge (the trace of its block of the Gauss-Newton matrix), n
the number of B-splines of an edge, p that of all edges, N the number of residuals, v the variance of the
labels and r = min(mse / v, 1), the part of the variance that is not yet explained. So the penalty on jumps is
at most the fraction q of the loss, whatever the scales of data and edges; it falls with the loss, and is
stronger the fewer samples there are for a coefficient. Once the labels are explained (r = 0) the weights
amount to minimising log mse + q log sum(s S): the error, and the roughness in units of the outputs. Before
that the term with r keeps the weights low; without it fits would be attracted by edges that are polynomials,
for which S = 0.

Where labels are noisy the penalty on jumps is not enough, since it leaves the curvature of a cubic free. So
"weak" also penalises bends, the second differences of c as above, with one weight for all edges,

    mu = q r (1 - r) mse / (sum of their squares + v),

which is zero once the labels are explained (r = 0), and at the start (r = 1): there it would keep all edges
straight.

Sources: P. H. C. Eilers and B. D. Marx (1996), Flexible smoothing with B-splines and penalties, Statistical
Science 11, 89, for the differences; the jumps as in P. Dierckx (1993), Curve and Surface Fitting with
Splines, section 4.1 (FITPACK's smoothing norm).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from kan_np._validate import FloatArray, choice, real
from kan_np.edges.bspline import SplineTable
from kan_np.kernels import roughness as kernels
from kan_np.kernels._jit import bound
from kan_np.kernels.arrays import Ints

#: Order of the differences for a weight that is a number.
ORDER = 2

#: Words for a weight that is not given as a number.
GCV, WEAK = "gcv", "weak"
#: The default: no smoothing, and a prior where samples are few; see `kan_np.training.cross_validation`.
AUTO = "auto"

#: Grids whose steps differ by less than this fraction of their mean are even; chosen by judgement.
_EVEN = 1e-9

#: How often "weak" differences the jumps. Measured on data seeds 100 to 109 with q = 0.5 (test RMSE). Special
#: functions, three data seeds, geometric mean: 1.4e-5; without differencing 2.6e-5; with an earlier rule (3 %
#: of second differences of c) 2.7e-5. exp(sin(pi x) + y^2), [2,1,1], 1000 samples, median at G = 100 and
#: worst at G = 50: 2.8e-8 and 4.9e-7; without differencing 2.2e-8 and 4.7e-7; with the earlier rule 4.4e-8
#: and 9.5e-7. The choice was made on data seed 6, where one sample lies alone, 2.2 intervals of G = 50 beyond
#: the others: the test RMSE is 1.4e-6 if jumps are drawn to zero there, 4e-7 if they continue. So seeds 0 to
#: 9 are not independent of this choice; on seeds 200 to 209 the figures are 3.1e-8 and 6.0e-7.
_FURTHER = 2

#: Largest q, the ratio of the penalty to the loss. Where p / N is smaller q = p / N, as for a prior whose
#: variance is that of the differences. Special functions, suggested widths, median test RMSE over data seeds
#: 100 to 102, with min(0.5, p / N), with 0.5 always, and with the earlier rule: ellipj 1.5e-4, 8.5e-4,
#: 3.3e-4; lpmv2 0.050, 0.098, 0.068. The figures of [2,1,1] above are 2.9e-8 and 5.0e-7 with p / N. From q =
#: 1 on lowering the roughness by some factor is worth more than lowering the error by the same factor.
_WEAK_SHARE = 0.5

#: Factor of n r v. Worst test RMSE of ten single starts of [2,2,1] on exp(sin(pi x) + y^2), 400 samples, G =
#: 3, 6, 10, with 1, 10, 100 and 1000: 1.7e-2, 9.5e-3, 8.2e-4 and 2.7e-4; with the earlier rule 5.1e-2. But
#: the figures of [2,1,1] above rise to 3.6e-8 and 9.2e-7 with 1000.
_WEAK_FLOOR = 100.0

#: Below this r labels count as explained, and mu is zero: it would add a millionth of the loss. The effect of
#: mu on the test RMSE of the chosen stage, as a fraction of the spread of the labels, grids 3 to 20, data
#: seeds 100 to 105, given as median, worst, and worst of all stages: diabetes, [10,1], without mu 0.79, 1.57
#: and 9.3, with mu 0.74, 0.78 and 0.9; Friedman's first function, [6,2,1], without mu 0.27, 0.44 and 1.2,
#: with mu 0.25, 0.27 and 0.8. Without the factor 1 - r these are 0.74, 0.78, 0.8 and 0.24, 0.52, 1.8, but the
#: worst of twelve single starts of [2,2,1] as above is then 0.40, with the factor 2.9e-4. With 0.3 in place
#: of q (1 - r) it is 0.25.
_EXPLAINED = 1e-6


def check_smoothing(value: object) -> float | str:
    """Return the weight as a float >= 0, "auto", "gcv" or "weak"."""
    if isinstance(value, str):
        return choice("smoothing", value, (AUTO, GCV, WEAK))
    return real("smoothing", value, 0.0)


@cache
def difference_matrix(n_basis: int, order: int = ORDER) -> FloatArray:
    """D of shape (n_basis, n_basis - order): coef @ D are the differences; no columns if n_basis <= order."""
    if n_basis <= order:
        return np.zeros((n_basis, 0))
    differences: FloatArray = np.ascontiguousarray(np.diff(np.eye(n_basis), order, axis=0).T)
    differences.flags.writeable = False
    return differences


def jump_differences(table: SplineTable) -> FloatArray:
    """D of shape (n_nodes, G + k, n_differences) of "weak": second differences of jumps at the inner knots.

    coef @ D[i] are second differences, from knot to knot, of the jumps of the k-th derivative in units of the
    mean knot distance h, h^k times the jump: on even grids D is the `difference_matrix` of order k + 3. For
    fewer than four intervals D has no columns.
    """
    k, knots = table.k, table.knots
    even = difference_matrix(table.n_basis, k + 1 + _FURTHER)
    matrices = np.repeat(even[None], knots.shape[0], axis=0)
    steps = np.diff(knots, axis=1)
    uneven = np.flatnonzero(_are_uneven(knots))
    if uneven.size:
        middles = 0.5 * (knots[uneven, :-1] + knots[uneven, 1:])  # derivatives of order k are constant there
        top = SplineTable.build(knots[uneven], k).design_matrices(middles, nu=k)
        jumps = np.diff(top, axis=1) * steps[uneven].mean(axis=1)[:, None, None] ** k
        matrices[uneven] = np.swapaxes(np.diff(jumps, _FURTHER, axis=1), 1, 2)
    return matrices


def _are_uneven(knots: FloatArray) -> NDArray[np.bool_]:
    steps = np.diff(knots, axis=1)
    return np.asarray(np.ptp(steps, axis=1) > _EVEN * steps.mean(axis=1))


class Roughness:
    """The roughness S of edges and its derivatives. All arrays are C-contiguous.

    Parameters
    ----------
    differences : ndarray of shape (n_basis, n_differences) or (n_edges, n_basis, n_differences)
        D, one for all edges or one for each. Column m is zero outside rows m to m + n_basis - n_differences.
    """

    def __init__(self, differences: FloatArray) -> None:
        *_, n_basis, n_differences = differences.shape
        columns = np.arange(n_differences)[:, None]
        rows = columns + np.arange(n_basis - n_differences + 1)
        band = differences[..., rows, columns] if n_differences else np.zeros((0, 0))
        self._band = np.ascontiguousarray(band if band.ndim == 3 else band[None])
        self._squares: Callable[..., float] | None = None  # machine code; all arrays are contiguous
        self._add_gradient: Callable[..., float] | None = None
        self._add_curvature: Callable[..., None] | None = None

    @classmethod
    def of(cls, table: SplineTable, source: Ints, *, weak: bool) -> Roughness:
        """The roughness of edges that leave the nodes `source`, for "weak" smoothing or of order 2."""
        if not weak:
            return cls(difference_matrix(table.n_basis))
        if not _are_uneven(table.knots).any():
            return cls(difference_matrix(table.n_basis, table.k + 1 + _FURTHER))
        return cls(jump_differences(table)[source])

    def value(self, theta: FloatArray, first: int = 0) -> FloatArray:
        """S of every edge; its coefficients are those in its row of theta from `first` on."""
        rough = np.empty(theta.shape[0])
        given = (theta, first, self._band, rough)
        if self._squares is None:
            self._squares = bound(kernels.squares, *given)
        self._squares(*given)
        return rough

    def add_slope(self, theta: FloatArray, first: int, weight: FloatArray, grad: FloatArray) -> float:
        """Sum of weight_e S_e; its derivatives are added to `grad`, of the shape of theta."""
        given = (theta, first, self._band, weight, grad)
        if self._add_gradient is None:
            self._add_gradient = bound(kernels.add_gradient, *given)
        return self._add_gradient(*given)

    def add_curvature(self, first: int, steps: tuple[int, int], weight: FloatArray, out: FloatArray) -> None:
        """Add the second derivatives of that sum to `out`; see `kan_np.kernels.roughness.add_curvature`."""
        given = (first, *steps, self._band, weight, out)
        if self._add_curvature is None:
            self._add_curvature = bound(kernels.add_curvature, *given)
        self._add_curvature(*given)


class Smoother:
    """The penalty of all edges with its weights: sum over edges of lambda_e S_e + mu B_e.

    The coefficients are the columns from `first` on of the parameters (n_edges, n_row).

    Parameters
    ----------
    rough : Roughness
        S.
    weight : float or "weak"
        lambda of all edges. With "weak" all weights are zero until `follow` sets them, and B are second
        differences; else there is no B.
    n_edges, n_basis : int
    """

    def __init__(self, rough: Roughness, weight: float | str, n_edges: int, n_basis: int) -> None:
        self._rough, self._n_edges, self._n_basis = rough, n_edges, n_basis
        self._bends = Roughness(difference_matrix(n_basis)) if weight == WEAK else None
        self.weight = 0.0 if isinstance(weight, str) else weight
        self.bend_weight = 0.0

    @property
    def weight(self) -> float | FloatArray:
        """lambda, one for all edges or one for each."""
        return self._weight

    @weight.setter
    def weight(self, weight: float | FloatArray) -> None:
        self._weight = weight
        of_edges = weight if isinstance(weight, np.ndarray) else np.full(self._n_edges, weight)
        self._weights = np.ascontiguousarray(of_edges, dtype=np.float64)
        self._has_weight = bool(self._weights.any())

    @property
    def shape(self) -> tuple[int, int]:
        """Number of edges, and of coefficients of an edge."""
        return self._n_edges, self._n_basis

    @property
    def follows_loss(self) -> bool:
        """Whether the weights are those of "weak"."""
        return self._bends is not None

    @property
    def acts(self) -> bool:
        """Whether any weight is not zero."""
        return self._has_weight or self.bend_weight > 0

    def follow(
        self,
        mse: float,
        theta: FloatArray,
        first: int,
        sensitivity: FloatArray,
        n_residuals: int,
        label_variance: float,
    ) -> None:
        """Set the weights of "weak" for the present loss and parameters; see `weak_weights`."""
        assert self._bends is not None  # noqa: S101  the caller asks follows_loss
        rough, bent = self._rough.value(theta, first), float(self._bends.value(theta, first).sum())
        self.weight = weak_weights(mse, rough, sensitivity, self._n_basis, n_residuals, label_variance)
        share = weak_share(self._n_edges * self._n_basis, n_residuals)
        self.bend_weight = weak_bend_weight(mse, bent, share, label_variance)

    def value(self, theta: FloatArray, first: int) -> float:
        """The penalty of parameters."""
        value = float(self._weights @ self._rough.value(theta, first))
        if self._bends is not None and self.bend_weight > 0:
            value += self.bend_weight * float(self._bends.value(theta, first).sum())
        return value

    def add_slope(self, theta: FloatArray, first: int, grad: FloatArray) -> float:
        """The penalty; its derivatives are added to `grad`, of the shape of theta."""
        value = self._rough.add_slope(theta, first, self._weights, grad)
        if self._bends is not None and self.bend_weight > 0:
            value += self._bends.add_slope(theta, first, np.full(self._n_edges, self.bend_weight), grad)
        return value

    def add_curvature(self, first: int, steps: tuple[int, int], out: FloatArray) -> None:
        """Add the second derivatives of every edge to `out`; see `kan_np.kernels.roughness`."""
        self._rough.add_curvature(first, steps, self._weights, out)
        if self._bends is not None and self.bend_weight > 0:
            self._bends.add_curvature(first, steps, np.full(self._n_edges, self.bend_weight), out)


def weak_share(n_coefficients: int, n_residuals: int) -> float:
    """Return q, the largest ratio of the penalty on jumps to the loss."""
    return min(_WEAK_SHARE, n_coefficients / n_residuals)


def weak_bend_weight(mse: float, bent: float, share: float, label_variance: float) -> float:
    """The weight mu of bends of "weak" smoothing; zero where it is not finite.

    Parameters
    ----------
    mse : float
    bent : float
        Sum of the squared second differences of all edges.
    share : float
        q.
    label_variance : float
        v.
    """
    with np.errstate(all="ignore"):
        left = min(mse / label_variance, 1.0) if label_variance > 0 else 0.0
        weight = share * left * (1.0 - left) * mse / (bent + label_variance) if left > _EXPLAINED else 0.0
    return weight if np.isfinite(weight) else 0.0


def weak_weights(
    mse: float,
    rough: FloatArray,
    sensitivity: FloatArray,
    n_basis: int,
    n_residuals: int,
    label_variance: float,
) -> FloatArray:
    """The weights lambda_e of "weak" smoothing for all edges; zeros where they are not finite.

    Parameters
    ----------
    mse : float
    rough : ndarray of shape (n_edges,)
        S of every edge.
    sensitivity : ndarray of shape (n_edges,)
        s of every edge.
    n_basis : int
        n, B-splines of an edge.
    n_residuals : int
        N.
    label_variance : float
        v.
    """
    share = weak_share(len(rough) * n_basis, n_residuals)
    with np.errstate(all="ignore"):  # divergence is a status of the fit
        total = float(sensitivity @ rough) + _WEAK_FLOOR * n_basis * min(mse, label_variance)
        weights: FloatArray = (share * mse / total if total > 0 else 0.0) * sensitivity
    return weights if np.isfinite(weights).all() else np.zeros(len(rough))
