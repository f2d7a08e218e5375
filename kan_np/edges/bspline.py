"""B-splines as piecewise polynomials: the coefficients of every B-spline on every interval of a grid.

Inside the grid each interval is a piece. Outside it there is one more piece at each end, which holds what the
extrapolation asks for: the polynomial of the end interval, a line, a constant, or zero.

Source of the recursion: C. de Boor, A Practical Guide to Splines, ch. X, eq. (11)-(14).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property

import numpy as np
from numpy.typing import ArrayLike

from kan_np import _memory, _validate
from kan_np._validate import FloatArray
from kan_np.edges.knots import continued_knots, uniform_knots
from kan_np.kernels import spline
from kan_np.kernels.arrays import Ints
from kan_np.kernels.simd4 import LANES

#: Highest order of a spline; higher ones are refused with an error. Chosen by judgement.
MAX_ORDER = 5

#: Ridge of a least-squares fit: this fraction of the largest diagonal element of the normal equations is
#: added to their diagonal. About 50 times the rounding unit of float64; chosen by judgement.
_RIDGE = 1e-14

#: Least reach of "smooth", as a fraction of the length of the grid. A hidden sum has few samples at its ends,
#: and new samples may lie outside by 1 to 2 % of its range, which is more than an interval of a fine grid.
#: Worst test RMSE of exp(sin(pi x) + y^2), [2,1,1], G = 100, 1000 samples, data seeds 100 to 109: 8e-5 with
#: one interval, 1.1e-6 with 3 or 5 %.
_REACH = 0.03

#: What a spline does outside its grid. "error" trains as "smooth" and is refused on evaluation.
EXTRAPOLATIONS = ("smooth", "linear", "continue", "constant", "zero", "error")


@dataclass(frozen=True, eq=False)
class SplineTable:
    """B-splines of order k on the grids of several nodes, as piecewise polynomials.

    Attributes
    ----------
    knots : ndarray of shape (n_nodes, G + 1)
    k : int
    extrapolation : str
        One of `EXTRAPOLATIONS`.
    reach : ndarray of shape (n_nodes, 2)
        How far beyond each end of the grid "smooth" carries the end polynomials on.
    even, breaks, bucket, bucket_scale, origin, scale, poly, start : ndarray
        What the kernels read; see `kan_np.kernels.arrays.Net`.
    """

    knots: FloatArray
    k: int
    extrapolation: str
    reach: FloatArray
    even: Ints
    breaks: FloatArray
    bucket: Ints
    bucket_scale: FloatArray
    origin: FloatArray
    scale: FloatArray
    poly: FloatArray
    start: Ints

    @classmethod
    def build(
        cls, knots: FloatArray, k: int, extrapolation: str = "smooth", reach: FloatArray | None = None
    ) -> SplineTable:
        """The B-splines on these knots; `knots` of shape (n_nodes, G + 1) must increase strictly.

        `reach` is by default that of `default_reach`. Finer grids of the same function inherit it, since
        their end intervals are shorter.
        """
        grid = knots.shape[1] - 1
        if reach is None:
            reach = default_reach(knots)
        # fading B-splines live on k more intervals on each side; "smooth" has one more piece, its reach
        lead = {"zero": k, "smooth": 1, "error": 1}.get(extrapolation, 0)
        outside = 2 * k + 1
        t = continued_knots(knots, outside)
        spans = np.arange(outside - lead, outside + grid + lead)
        breaks = t[:, spans[0] : spans[-1] + 2].copy()
        start = np.clip(np.arange(spans.size) - lead, 0, grid - 1)
        if extrapolation != "zero":
            spans = spans[lead] + start
        if extrapolation in ("smooth", "error"):
            breaks[:, 0] = knots[:, 0] - reach[:, 0]
            breaks[:, -1] = knots[:, -1] + reach[:, 1]
        origin, scale = t[:, spans], 1.0 / (t[:, spans + 1] - t[:, spans])
        even = _even(knots, k, extrapolation)
        # one rounding for all steps: 1 / (t_1 - t_0) would be off by G roundings at the far end
        scale = np.where(even[:, None] == 1, grid / (knots[:, -1:] - knots[:, :1]), scale)
        poly = active_polynomials(t, spans, k)
        if extrapolation == "zero":
            poly = _only_existing(poly, np.arange(spans.size) - lead, start, grid + k)
        inner = (origin, scale, poly, start)
        origin, scale, poly, start = _with_outer_pieces(extrapolation, breaks, *inner)
        return cls(
            knots=knots,
            k=k,
            extrapolation=extrapolation,
            reach=np.ascontiguousarray(reach),
            even=even,
            breaks=np.ascontiguousarray(breaks),
            bucket=_buckets(breaks),
            bucket_scale=2 * spans.size / (breaks[:, -1] - breaks[:, 0]),
            origin=np.ascontiguousarray(origin),
            scale=np.ascontiguousarray(scale),
            poly=_by_piece(poly),
            start=start,
        )

    def part(self, nodes: slice) -> SplineTable:
        """The B-splines of some of the nodes."""
        names = ("knots", "reach", "even", "breaks", "bucket", "bucket_scale", "origin", "scale", "poly")
        return replace(self, **{name: getattr(self, name)[nodes] for name in names})

    @classmethod
    def joined(cls, tables: Sequence[SplineTable]) -> SplineTable:
        """The B-splines of the nodes of all `tables`, which have the same order and number of intervals."""
        first = tables[0]
        knots, reach = (np.concatenate([getattr(t, name) for t in tables]) for name in ("knots", "reach"))
        return cls.build(knots, first.k, first.extrapolation, reach)

    @cached_property
    def poly_transposed(self) -> FloatArray:
        """`poly` with the axes of B-splines and powers exchanged."""
        return np.ascontiguousarray(self.poly.swapaxes(2, 3))

    @property
    def n_basis(self) -> int:
        """Number of B-splines of a node: G + k."""
        return self.knots.shape[1] - 1 + self.k

    def design_matrices(self, x: FloatArray, nu: int = 0) -> FloatArray:
        """nu-th derivatives of all B-splines; x of shape (n_nodes, q) gives (n_nodes, q, G + k)."""
        out = np.zeros((*x.shape, self.n_basis))
        piece = np.empty(x.shape[1], dtype=np.int64)
        for i in range(x.shape[0]):
            spline.basis_derivative(
                x[i],
                self.breaks[i],
                self.bucket[i],
                self.bucket_scale[i],
                self.origin[i],
                self.scale[i],
                self.poly[i],
                self.start,
                nu,
                piece,
                out[i],
            )
        return out

    def sites(self) -> FloatArray:
        """Knot averages of the grid with its ends repeated, shape (n_nodes, G + k).

        Interpolation there is always solvable (Schoenberg-Whitney) and well conditioned; see de Boor,
        A Practical Guide to Splines, ch. XIII.
        """
        if self.k == 0:
            return 0.5 * (self.knots[:, :-1] + self.knots[:, 1:])
        padded = np.pad(self.knots, ((0, 0), (self.k, self.k)), mode="edge")
        windows = np.lib.stride_tricks.sliding_window_view(padded[:, 1:-1], self.k, axis=1)
        return np.clip(windows.mean(axis=2), self.knots[:, :1], self.knots[:, -1:])

    def carry_over(self, other: SplineTable, coef: FloatArray, source: Ints) -> FloatArray:
        """Coefficients on `other` of the splines that have the coefficients `coef` here.

        Where the new knots contain the old ones the new spline interpolates the old one at its `sites`, which
        is knot insertion: exact to rounding. Elsewhere it is the least-squares fit to the old spline over the
        new grid (exact integrals, with a ridge of about rounding size). No samples are needed, so few samples
        or constant inputs cannot make either fail.

        Parameters
        ----------
        coef : ndarray of shape (n_edges, G + k)
        source : ndarray of shape (n_edges,)
            Node of each edge.

        Returns
        -------
        ndarray of shape (n_edges, G' + k)
        """
        if _contains(other.knots, self.knots):
            x = other.sites()
            _check_matrices(other, x)
            matrices, old = other.design_matrices(x), self.design_matrices(x)
        else:
            x, weight = self._quadrature(other)
            _check_matrices(other, x)
            design = other.design_matrices(x)
            weighted = np.swapaxes(design * weight[:, :, None], 1, 2)
            matrices, old = weighted @ design, weighted @ self.design_matrices(x)
            m = np.arange(other.n_basis)
            matrices[:, m, m] += _RIDGE * matrices[:, m, m].max(axis=1, keepdims=True)
        carried = np.empty((coef.shape[0], other.n_basis))
        for i in range(x.shape[0]):
            edges = source == i
            carried[edges] = np.linalg.solve(matrices[i], old[i] @ coef[edges].T).T
        return carried

    def _quadrature(self, other: SplineTable) -> tuple[FloatArray, FloatArray]:
        """Gauss points between all knots of both tables over the grid of `other`, and their weights."""
        low, high = other.knots[:, :1], other.knots[:, -1:]
        ends = np.sort(np.hstack([other.knots, np.clip(self.knots, low, high)]), axis=1)
        point, weight = _gauss_points(self.k + 1)
        half = 0.5 * np.diff(ends, axis=1)[:, :, None]
        x = ends[:, :-1, None] + half * (point + 1.0)
        return x.reshape(low.size, -1), ((half / (high - low)[:, :, None]) * weight).reshape(low.size, -1)


def default_reach(knots: FloatArray) -> FloatArray:
    """How far "smooth" carries the end polynomials on: (n_nodes, 2), for knots of shape (n_nodes, G + 1).

    As far as the end intervals are long, but at least 3 % of the grid.
    """
    return np.maximum(np.diff(knots, axis=1)[:, [0, -1]], _REACH * (knots[:, -1:] - knots[:, :1]))


@cache
def _gauss_points(n: int) -> tuple[FloatArray, FloatArray]:
    """Points and weights of n-point Gauss quadrature on [-1, 1]."""
    return np.polynomial.legendre.leggauss(n)


def _check_matrices(table: SplineTable, x: FloatArray) -> None:
    """Raise ValueError if the design matrices at x, (n_nodes, q), do not fit in memory."""
    grid = table.knots.shape[1] - 1
    _memory.check_memory(
        f"refitting splines on grid {grid}", 8 * x.size * table.n_basis, "Use a coarser grid."
    )


def _contains(fine: FloatArray, coarse: FloatArray) -> bool:
    """Whether the knots `coarse` are every m-th of the knots `fine`, to rounding."""
    n_fine, n_coarse = fine.shape[1] - 1, coarse.shape[1] - 1
    if n_fine % n_coarse:
        return False
    off = np.abs(fine[:, :: n_fine // n_coarse] - coarse).max(axis=1)
    size = np.abs(coarse).max(axis=1) + (coarse[:, -1] - coarse[:, 0])
    return bool((off <= 1e-14 * size).all())


def active_polynomials(t: FloatArray, spans: Ints, k: int) -> FloatArray:
    """Polynomials of the k + 1 B-splines that are not zero on each span [t_m, t_{m+1}], in u = (x - t_m) / h.

    Each degree follows from the one below, with left = x - t_{m+r+1-d} and right = t_{m+r+1} - x:
    B_{r}^{d} gets right / (left + right) of B_{r}^{d-1} and passes left / (left + right) of it on.

    Parameters
    ----------
    t : ndarray of shape (n_nodes, n_knots)
        Knots, at least k on each side of every span.
    spans : ndarray of shape (n_spans,)
        m of each span.
    k : int

    Returns
    -------
    ndarray of shape (n_nodes, k + 1, k + 1, n_spans)
        [:, r, d, :] is the coefficient of u^(k-d) of B_{m-k+r}.
    """
    here = t[:, spans]
    h = t[:, spans + 1] - here
    power = np.zeros((k + 1, k + 1, *here.shape))  # [r, p]: coefficient of u^p
    power[0, 0] = 1.0
    for degree in range(1, k + 1):
        carried = np.zeros_like(power[0])
        for r in range(degree):
            right = t[:, spans + r + 1] - here
            left = here - t[:, spans + r + 1 - degree]
            lower = power[r] / (right + left)
            times_u = np.zeros_like(lower)
            times_u[1:] = lower[:-1] * h
            power[r] = carried + right * lower - times_u
            carried = left * lower + times_u
        power[degree] = carried
    return np.ascontiguousarray(power[:, ::-1].transpose(2, 0, 1, 3))


def _by_piece(poly: FloatArray) -> FloatArray:
    """Coefficients as the kernels read them: (n_nodes, n_pieces, k + 1, width), powers filled up to LANES."""
    missing = max(LANES - poly.shape[2], 0)
    padded = np.pad(poly, ((0, 0), (0, 0), (missing, 0), (0, 0)))
    return np.ascontiguousarray(padded.transpose(0, 3, 1, 2))


def _only_existing(poly: FloatArray, lowest: Ints, start: Ints, n_basis: int) -> FloatArray:
    """Polynomials of each span in the order from B-spline `start` on; zero outside 0 .. n_basis - 1."""
    kept = np.zeros_like(poly)
    for span, (low, first) in enumerate(zip(lowest, start, strict=True)):
        for r in range(poly.shape[1]):
            if 0 <= low + r < n_basis:
                kept[:, low + r - first, :, span] = poly[:, r, :, span]
    return kept


def _with_outer_pieces(
    extrapolation: str,
    breaks: FloatArray,
    origin: FloatArray,
    scale: FloatArray,
    poly: FloatArray,
    start: Ints,
) -> tuple[FloatArray, FloatArray, FloatArray, Ints]:
    """Add the piece left of the grid at the front and the one right of it at the end."""
    k = poly.shape[1] - 1
    ends = []
    for inner, at in ((0, breaks[:, 0]), (-1, breaks[:, -1])):
        neighbour = poly[:, :, :, inner]
        u = ((at - origin[:, inner]) * scale[:, inner])[:, None]
        piece = np.zeros_like(neighbour)
        if extrapolation == "continue":
            piece = neighbour
        elif extrapolation != "zero":
            piece[:, :, k] = _sum_powers(neighbour, u ** np.arange(k, -1, -1.0))
            if extrapolation != "constant" and k > 0:
                falling = np.arange(k, 0, -1)
                piece[:, :, k - 1] = _sum_powers(neighbour[:, :, :k], falling * u ** (falling - 1.0))
        place = origin[:, inner] if extrapolation == "continue" else at
        ends.append((place[:, None], scale[:, [inner]], piece[..., None], start[[inner]]))
    (left_origin, left_scale, left_poly, left_start), (right_origin, right_scale, right_poly, right_start) = (
        ends
    )
    return (
        np.hstack([left_origin, origin, right_origin]),
        np.hstack([left_scale, scale, right_scale]),
        np.concatenate([left_poly, poly, right_poly], axis=3),
        np.concatenate([left_start, start, right_start]),
    )


def _sum_powers(poly: FloatArray, powers: FloatArray) -> FloatArray:
    """sum_d poly[i, r, d] powers[i, d]."""
    total: FloatArray = np.einsum("ird,id->ir", poly, powers)
    return total


def _buckets(breaks: FloatArray) -> Ints:
    """The inner piece at the left end of each bucket: equal parts of the range, two for each piece."""
    n_inner = breaks.shape[1] - 1
    left = uniform_knots(breaks[:, 0], breaks[:, -1], 2 * n_inner)[:, :-1]
    rows = [np.searchsorted(row, at, side="right") - 1 for row, at in zip(breaks, left, strict=True)]
    return np.clip(np.stack(rows), 0, n_inner - 1).astype(np.int64)


def _even(knots: FloatArray, k: int, extrapolation: str) -> Ints:
    """1 for nodes whose inner pieces all have the same polynomials, so that kernels need no search; else 0.

    It is 0 with "zero" extrapolation, where the end pieces lack some B-splines; for orders 0 and 1, which
    jump at the knots (order 1 in its slope), where only a search among the knots tells the two sides apart;
    and for grids so far from zero that the rounding of the knots is not small beside their distance.
    """
    if k < 2 or extrapolation == "zero":
        return np.zeros(knots.shape[0], dtype=np.int64)
    grid = knots.shape[1] - 1
    off = np.abs(knots - uniform_knots(knots[:, 0], knots[:, -1], grid)).max(axis=1)
    rounding = np.finfo(np.float64).eps * np.abs(knots).max(axis=1)
    step = (knots[:, -1] - knots[:, 0]) / grid
    return ((off <= 1e-13 * step) & (rounding <= 1e-13 * step)).astype(np.int64)


def design_matrix(
    x: ArrayLike, knots: ArrayLike, k: int = 3, nu: int = 0, extrapolation: str = "smooth"
) -> FloatArray:
    """B-splines of order k on a grid, or their nu-th derivatives, as a dense matrix.

    out[s, m] = d^nu B_m / dx^nu at x[s], where the grid t_0 < ... < t_G is continued by k equal steps of
    (t_G - t_0) / G on both sides, as in pykan. Outside [t_0, t_G] the choice is explicit:

    - "smooth": the polynomial of an end interval goes on for its length once more (for 3 % of the grid where
      that is longer), then its tangent;
    - "linear": value and slope at the end go on as a line;
    - "continue": the polynomial of the last interval goes on, as in ``scipy.interpolate.BSpline``;
    - "constant": the value at the end stays;
    - "zero": the B-splines fade to zero within k steps, as in pykan;
    - "error": x outside is refused.

    Parameters
    ----------
    x : array_like of shape (n_samples,)
    knots : array_like of shape (G + 1,)
        Strictly increasing.
    k : int
        Order 0 to 5; 3 is cubic.
    nu : int
        Derivative, 0 to 3; derivatives above k vanish.
    extrapolation : str

    Returns
    -------
    ndarray of shape (n_samples, G + k)

    Raises
    ------
    ValueError
        For knots that do not increase, an order or derivative out of range, an unknown extrapolation, and
        samples outside the grid under "error".

    Examples
    --------
    >>> from kan_np import design_matrix
    >>> design_matrix([0.5], [0.0, 1.0, 2.0], k=1)
    array([[0.5, 0.5, 0. ]])

    References
    ----------
    C. de Boor, A Practical Guide to Splines, ch. IX and X; arXiv:2404.19756, section 2.2.
    """
    samples, grid = _validate.vector("x", x), _validate.vector("knots", knots)
    k = _validate.integer("k", k, 0, MAX_ORDER)
    nu = _validate.integer("nu", nu, 0, 3)
    extrapolation = _validate.choice("extrapolation", extrapolation, EXTRAPOLATIONS)
    if grid.size < 2 or not (np.diff(grid) > 0).all():
        raise ValueError(f"knots are {grid}; expected at least 2 strictly increasing numbers.")
    if extrapolation == "error":
        refuse_outside("x", samples, grid[0], grid[-1])
    if nu > k:
        return np.zeros((samples.size, grid.size - 1 + k))
    table = SplineTable.build(grid[None, :], k, extrapolation)
    return table.design_matrices(samples[None, :], nu)[0]


def refuse_outside(name: str, x: FloatArray, low: float, high: float, first_row: int = 0) -> None:
    """Raise for values outside [low, high] under ``extrapolation="error"``; rows count from `first_row`."""
    outside = (x < low) | (x > high)
    if outside.any():
        first = int(np.argmax(outside))
        raise ValueError(
            f"{name} has {int(outside.sum())} values outside its grid [{low:.6g}, {high:.6g}], the first is "
            f"{x[first]:.6g} at sample {first_row + first}; use another extrapolation or a wider grid_range."
        )
