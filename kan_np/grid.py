"""Knot grids: uniform, from quantiles of samples, blended; and the piece tables made of them.

A grid has G intervals, so G + 1 knots t_0 < ... < t_G, and carries G + k B-splines of order k (degree k, as
in pykan and `scipy.interpolate`); its knots are continued by k equal steps on both sides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np.kernels import spline
from kan_np.kernels.network import Ints

MAX_ORDER = 5

#: What a spline does outside its grid. "error" trains as "linear" and is refused on evaluation.
EXTRAPOLATIONS = {
    "linear": spline.LINEAR,
    "continue": spline.CONTINUE,
    "constant": spline.CONSTANT,
    "zero": spline.FADE,
    "error": spline.LINEAR,
}

#: Knots never come closer than this part of the uniform step: repeated samples make no empty interval.
_SMALLEST_STEP = 1e-3


def uniform_knots(low: ArrayLike, high: ArrayLike, grid: int) -> FloatArray:
    """Equally spaced knots between `low` and `high`, one row a node.

    Returns
    -------
    ndarray of shape (n_nodes, grid + 1)
    """
    a, b = np.atleast_1d(np.asarray(low, float)), np.atleast_1d(np.asarray(high, float))
    knots = a[:, None] + (b - a)[:, None] * (np.arange(grid + 1) / grid)
    knots[:, -1] = b
    return knots


def knots_from_samples(samples: FloatArray, grid: int, grid_eps: float, margin: float = 0.0) -> FloatArray:
    """Knots that follow the samples: eps * uniform + (1 - eps) * quantiles.

    Parameters
    ----------
    samples : ndarray of shape (n_nodes, n_samples)
    grid : int
        Number of intervals G.
    grid_eps : float
        1 gives uniform knots over the range of the samples, 0 their quantiles (arXiv:2404.19756,
        section 2.5).
    margin : float
        Part of the range that is added at each end.

    Returns
    -------
    ndarray of shape (n_nodes, grid + 1), strictly increasing. A node whose samples are all equal gets an
    interval of length 2 around them (more where float64 needs it).
    """
    low, high = samples.min(axis=1), samples.max(axis=1)
    size = np.maximum(np.abs(low), np.abs(high))
    flat = high - low <= 1e-9 * size + 1e-300
    half = np.where(flat, np.maximum(1.0, 1e-6 * size), margin * (high - low))
    uniform = uniform_knots(low - half, high + half, grid)
    if grid_eps >= 1.0 or flat.all():
        return uniform
    quantiles = np.quantile(samples, np.arange(grid + 1) / grid, axis=1).T
    quantiles[:, 0], quantiles[:, -1] = uniform[:, 0], uniform[:, -1]
    knots = grid_eps * uniform + (1.0 - grid_eps) * quantiles
    step = (uniform[:, -1] - uniform[:, 0]) / grid
    close = (np.diff(knots, axis=1) < _SMALLEST_STEP * step[:, None]).any(axis=1) | flat
    eps = np.where(flat, 1.0, max(grid_eps, 2 * _SMALLEST_STEP))[close, None]
    knots[close] = eps * uniform[close] + (1.0 - eps) * quantiles[close]
    return knots


def refined_knots(knots: FloatArray, grid: int) -> FloatArray:
    """Knots of a grid with `grid` intervals that follows the density of `knots`.

    The k-th new knot is the old knot function, piecewise linear in the index, at k G / G': a multiple of the
    old G keeps every old knot, so the finer splines contain the coarse ones.
    """
    old = knots.shape[1] - 1
    index = np.arange(old + 1)
    place = np.arange(grid + 1) * (old / grid)
    return np.stack([np.interp(place, index, row) for row in knots])


@dataclass(frozen=True)
class SplineTable:
    """B-splines of order k on the grids of several nodes, as piecewise polynomials.

    Attributes
    ----------
    knots : ndarray of shape (n_nodes, G + 1)
    k : int
    extrapolation : str
        One of `EXTRAPOLATIONS`.
    even, breaks, bucket, bucket_scale, origin, scale, poly, start : ndarray
        The tables of `kan_np.kernels.spline`.
    """

    knots: FloatArray
    k: int
    extrapolation: str
    even: Ints
    breaks: FloatArray
    bucket: Ints
    bucket_scale: FloatArray
    origin: FloatArray
    scale: FloatArray
    poly: FloatArray
    start: Ints

    @classmethod
    def build(cls, knots: FloatArray, k: int, extrapolation: str = "linear") -> SplineTable:
        """Build the tables; knots of shape (n_nodes, G + 1) must increase strictly."""
        outside = EXTRAPOLATIONS[extrapolation]
        n_nodes, n_knots = knots.shape
        n_inner = n_knots - 1 + (2 * k if outside == spline.FADE else 0)
        table = cls(
            knots=knots,
            k=k,
            extrapolation=extrapolation,
            even=_even(knots, k, outside),
            breaks=np.empty((n_nodes, n_inner + 1)),
            bucket=np.empty((n_nodes, 2 * n_inner), dtype=np.int64),
            bucket_scale=np.empty(n_nodes),
            origin=np.empty((n_nodes, n_inner + 2)),
            scale=np.empty((n_nodes, n_inner + 2)),
            poly=np.empty((n_nodes, k + 1, k + 1, n_inner + 2)),
            start=np.empty(n_inner + 2, dtype=np.int64),
        )
        spline.build_pieces(
            knots,
            k,
            outside,
            table.breaks,
            table.bucket,
            table.bucket_scale,
            table.origin,
            table.scale,
            table.poly,
            table.start,
        )
        return table

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

        The new spline interpolates the old one at the sites of `other`: exact (to rounding) where the new
        knots contain the old ones, and within O(h^(k+1)) of it elsewhere. No samples are needed, so few
        samples or constant inputs cannot make it fail.

        Parameters
        ----------
        coef : ndarray of shape (n_edges, G + k)
        source : ndarray of shape (n_edges,)
            Node of each edge.

        Returns
        -------
        ndarray of shape (n_edges, G' + k)
        """
        sites = other.sites()
        old, new = self.design_matrices(sites), other.design_matrices(sites)
        carried = np.empty((coef.shape[0], other.n_basis))
        for i in range(sites.shape[0]):
            edges = source == i
            carried[edges] = np.linalg.solve(new[i], old[i] @ coef[edges].T).T
        return carried


def _even(knots: FloatArray, k: int, outside: int) -> Ints:
    """1 for the nodes whose inner pieces all carry the same polynomials.

    Fading B-splines lack some of them at the ends. Orders 0 and 1 jump at the knots (1 in its slope), where
    only the search among the knots themselves tells the sides apart.
    """
    if k < 2 or outside == spline.FADE:
        return np.zeros(knots.shape[0], dtype=np.int64)
    uniform = uniform_knots(knots[:, 0], knots[:, -1], knots.shape[1] - 1)
    rounding = 1e-14 * np.abs(knots).max(axis=1)
    return (np.abs(knots - uniform).max(axis=1) <= rounding).astype(np.int64)


def design_matrix(
    x: ArrayLike, knots: ArrayLike, k: int = 3, nu: int = 0, extrapolation: str = "linear"
) -> FloatArray:
    """B-splines of order k on a grid, or their nu-th derivatives, as a dense matrix.

    out[s, m] = d^nu B_m / dx^nu at x[s], where the grid t_0 < ... < t_G is continued by k equal steps of
    (t_G - t_0) / G on both sides, as in pykan. Outside [t_0, t_G] the choice is explicit:

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
    samples = _validate.matrix("x", x)[:, 0]
    grid = _validate.matrix("knots", knots)[:, 0]
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


def refuse_outside(name: str, x: FloatArray, low: float, high: float) -> None:
    """Raise for values outside [low, high] under ``extrapolation="error"``."""
    outside = (x < low) | (x > high)
    if outside.any():
        first = int(np.argmax(outside))
        raise ValueError(
            f"{name} has {int(outside.sum())} values outside its grid [{low:.6g}, {high:.6g}], the first is "
            f"{x[first]:.6g} at sample {first}; use another extrapolation or a wider grid_range."
        )
