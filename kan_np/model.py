"""KAN: the model that a user holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kan_np import _validate, attribution, pruning
from kan_np._validate import FloatArray
from kan_np.data.check import Dataset
from kan_np.data.scaler import Scaler
from kan_np.grid import knots_from_samples, refined_knots, uniform_knots
from kan_np.network import BASE_FUNCTIONS, Network, Wiring
from kan_np.objective import KanObjective
from kan_np.optimize.fit import Callback, FitOptions
from kan_np.optimize.status import FitResult
from kan_np.penalty import Penalty
from kan_np.pieces import EXTRAPOLATIONS, MAX_ORDER, SplineTable
from kan_np.smoothing import check_smoothing
from kan_np.starts import STARTS, random_parameters
from kan_np.trainable import Trainable, check_width

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class KAN(Trainable):
    """Kolmogorov-Arnold network: sums of trainable functions of one variable, layer by layer.

    Node j of the next layer is ``sum_i phi_ij(x_i)``, and every edge carries

        phi_ij(x) = w_ij b(x) + sum_m c_ijm B_m(x)

    with a residual function b and the G + k B-splines B_m of order k on a grid of G intervals
    (arXiv:2404.19756, eq. (2.10)-(2.12), with the spline scale folded into c).

    Parameters
    ----------
    width : sequence of int
        Nodes of each layer, inputs first: [2, 5, 1].
    grid : int
        Number of intervals G of every grid.
    k : int
        Order (degree) of the splines, 0 to 5; 3 is cubic.
    base_fun : {"silu", "identity", "zero"}
        Residual function b. "zero" leaves out b and its weight.
    grid_range : array_like of shape (2,) or (n_in, 2)
        Range of the first grids. One row an input: hidden nodes then start with (-1, 1).
    grid_eps : float
        Grids that follow the samples are ``grid_eps`` uniform + (1 - ``grid_eps``) quantiles.
    grid_margin : float
        Part of the range of the samples by which such grids reach further at each end.
    extrapolation : {"smooth", "linear", "continue", "constant", "zero", "error"}
        What an edge does outside its grid: go on as the last polynomial for one interval and then as a line,
        go on as a line at once, go on as the last polynomial for ever, stay constant, let the B-splines fade
        to zero within k intervals (pykan's way), or, for inputs, refuse to evaluate. "error" trains as
        "smooth", and its hidden nodes stay so.
    init : {"pykan", "wide", "power"}
        Start: near-zero splines as in pykan, ten times larger ones, or the power law of arXiv:2509.03417; see
        `kan_np.starts`.
    noise_scale, scale_base_mu, scale_base_sigma : float
        Of the starts "pykan" and "wide": coefficients uniform in +-noise_scale / (2 G sqrt(n_in)) (ten times
        that for "wide") and residual weights uniform in (scale_base_mu +- scale_base_sigma) / sqrt(n_in).
    seed : int or numpy.random.Generator
        Source of the start; the same seed gives the same bits.

    Attributes
    ----------
    n_params : int
        G + k + 1 an edge (G + k without residual function); pruned edges do not count.
    scaler : Scaler or None
        Standardisation of the data it was fitted on.

    Raises
    ------
    ValueError, TypeError
        For a width, order, range or name that makes no network.

    Examples
    --------
    >>> import numpy as np
    >>> from kan_np import KAN, create_dataset
    >>> dataset = create_dataset(lambda x: x[:, [0]] * x[:, [1]], n_var=2, train_num=200, seed=0)
    >>> model = KAN([2, 2, 1], grid=3, seed=0)
    >>> result = model.fit(dataset, opt="LBFGS", steps=20)
    >>> bool(result["test_loss"][-1] < 0.05)
    True
    """

    def __init__(
        self,
        width: Sequence[int],
        grid: int = 5,
        k: int = 3,
        *,
        base_fun: str = "silu",
        grid_range: ArrayLike = (-1.0, 1.0),
        grid_eps: float = 1.0,
        grid_margin: float = 0.0,
        extrapolation: str = "smooth",
        init: str = "pykan",
        noise_scale: float = 0.3,
        scale_base_mu: float = 0.0,
        scale_base_sigma: float = 1.0,
        seed: int | np.random.Generator = 0,
    ) -> None:
        layers = check_width(width)
        k = _validate.integer("k", k, 0, MAX_ORDER)
        self.grid_eps = _validate.real("grid_eps", grid_eps, 0.0, 1.0)
        self.grid_margin = _validate.real("grid_margin", grid_margin, 0.0)
        self.scaler = None
        grid = _validate.integer("grid", grid, 1)
        base_fun = _validate.choice("base_fun", base_fun, BASE_FUNCTIONS)
        extrapolation = _validate.choice("extrapolation", extrapolation, EXTRAPOLATIONS)
        init = _validate.choice("init", init, STARTS)
        scales = (
            _validate.real("noise_scale", noise_scale),
            _validate.real("scale_base_mu", scale_base_mu),
            _validate.real("scale_base_sigma", scale_base_sigma),
        )
        wiring = Wiring.dense(tuple(layers))
        ranges = _check_ranges(grid_range, layers[0], wiring.n_sources)
        table = SplineTable.build(uniform_knots(ranges[:, 0], ranges[:, 1], grid), k, extrapolation)
        rng = np.random.default_rng(seed)
        fan_in = np.repeat(np.asarray(layers[:-1], float), np.diff(wiring.edge_start))
        has_base = int(base_fun != "zero")
        theta = random_parameters(init, fan_in, grid, k, has_base, scales, rng)
        self._network = Network(wiring, table, base_fun, theta)
        self._used = np.ones(layers[0], dtype=bool)

    @property
    def width(self) -> list[int]:
        """Nodes of each layer, inputs first."""
        return list(self._network.wiring.width)

    @property
    def k(self) -> int:
        """Order of the splines."""
        return int(self._network.table.k)

    @property
    def grid(self) -> int:
        """Number of intervals G."""
        return self._network.table.n_basis - self.k

    @property
    def base_fun(self) -> str:
        """Name of the residual function b."""
        return str(self._network.base_fun)

    @property
    def extrapolation(self) -> str:
        """What edges do outside their grid."""
        return str(self._network.table.extrapolation)

    @property
    def knots(self) -> list[FloatArray]:
        """Knots of each layer's inputs: arrays of shape (n_in, G + 1)."""
        start = self._network.wiring.node_start
        return [self._network.table.knots[start[i] : start[i + 1]].copy() for i in range(len(self.width) - 1)]

    @property
    def edges(self) -> list[NDArray[np.bool_]]:
        """Which edges there are: arrays of shape (n_in, n_out), True but for those that were pruned."""
        return self._network.wiring.masks

    @property
    def input_id(self) -> NDArray[np.int64]:
        """Columns of the data that are inputs, in order: all but those that `prune_input` left out.

        Wherever the model takes inputs it takes all columns of the data or these alone.
        """
        return np.flatnonzero(self._used).astype(np.int64)

    @property
    def coef(self) -> list[FloatArray]:
        """Spline coefficients c of each layer: arrays of shape (n_in, n_out, G + k), copies.

        Zeros where there is no edge.
        """
        return self._network.wiring.by_layer(self._network.theta[:, self._network.has_base :])

    @property
    def scale_base(self) -> list[FloatArray]:
        """Residual weights w of each layer: arrays of shape (n_in, n_out), copies.

        Zeros where there is no edge or no residual function.
        """
        theta = self._network.theta
        weights = theta[:, 0] if self._network.has_base else np.zeros(theta.shape[0])
        return self._network.wiring.by_layer(weights)

    def set_parameters(
        self,
        coef: Sequence[ArrayLike],
        scale_base: Sequence[ArrayLike] | None = None,
        knots: Sequence[ArrayLike] | None = None,
    ) -> None:
        """Set coefficients, residual weights and knots from outside.

        Parameters
        ----------
        coef : list of array_like of shape (n_in, n_out, G + k)
            One array a layer, as the property of the same name returns them: zero where there is no edge.
        scale_base : list of array_like of shape (n_in, n_out), optional
            Unchanged if not given.
        knots : list of array_like of shape (n_in, G + 1), optional
            Unchanged if not given; may have another G than before.

        Raises
        ------
        ValueError
            For shapes that do not fit the width and order, non-finite values, values other than zero where
            there is no edge, or knots that do not increase.
        """
        net = self._network
        if knots is not None:
            tables = [_validate.matrix("knots", t) for t in knots]
            shapes = [t.shape for t in tables]
            n_knots = max(shapes[0][1] if shapes else 0, 2)
            expected = [(n, n_knots) for n in self.width[:-1]]
            if shapes != expected or not all((np.diff(t) > 0).all() for t in tables):
                raise ValueError(
                    f"knots have shapes {shapes}; expected {expected}, strictly increasing rows."
                )
            table = SplineTable.build(np.concatenate(tables), self.k, self.extrapolation)
        else:
            table = net.table
        matrix = np.empty((net.wiring.n_edges, table.n_basis + net.has_base))
        matrix[:, net.has_base :] = self._by_edge("coef", coef, (table.n_basis,))
        if net.has_base:
            weights = self.scale_base if scale_base is None else scale_base
            matrix[:, 0] = self._by_edge("scale_base", weights, ())
        self._network = Network(net.wiring, table, net.base_fun, matrix)

    def fit(
        self,
        dataset: Dataset,
        opt: str = "LBFGS",
        steps: int = 50,
        *,
        lamb: float = 0.0,
        lamb_l1: float = 1.0,
        lamb_entropy: float = 2.0,
        lamb_coef: float = 0.0,
        lamb_coefdiff: float = 0.0,
        reg_metric: str = "edge_forward_spline_n",
        smoothing: float | str = 0.0,
        update_grid: bool = True,
        grid_update_num: int = 2,
        start_grid_update_step: int = -1,
        stop_grid_update_step: int = 10,
        progress: bool = False,
        callback: Callback | None = None,
    ) -> FitResult:
        """Train in place on mean squared error + ``lamb`` R + ``smoothing`` S.

        R is pykan's penalty (`kan_np.penalty`), S the difference penalty of P-splines (`kan_np.smoothing`).

        Inputs and labels should be of order one, as the starting parameters are; for others standardise the
        data (`load_csv` does, `dataset_from_arrays` and `create_dataset` on request) and use ``predict``.

        Parameters
        ----------
        dataset : dict
            train_input, train_label, and where wanted test_* and val_*, as from `create_dataset`. With
            ``train_weight`` (n,) the mean squared error is the weighted mean; likewise for the others. Grids
            and R look at all samples alike, except that samples of weight 0 are left out.
        opt : {"LBFGS", "LM", "auto"}
            Optimizer. One step of "LBFGS" is up to 20 iterations, as in pykan; one of "LM"
            (Levenberg-Marquardt, for ``lamb=0``) is one accepted iteration. "auto" takes "LM" for ``lamb=0``
            and at most 1500 parameters, else "LBFGS". From one start, in the time of 50 steps of LM, the two
            are about even there (LM lower for 8 of 13 KANs of 135 to 1512 parameters, L-BFGS 15 times lower
            at 2016 parameters and 3000 samples: benchmarks/accuracy/optimizers.py); through finer and finer
            grids it is LM that goes on to 1e-8, where L-BFGS stalls near 1e-6.
        steps : int
        lamb, lamb_l1, lamb_entropy, lamb_coef, lamb_coefdiff, reg_metric
            Penalty: strength of all, and weights of the spread of edges, its entropy, the size of
            coefficients and of their differences.
        smoothing : float, "weak" or "gcv"
            Weight of the squared second differences of coefficients. "weak" keeps that penalty at three per
            cent of the loss ("LM" alone, which allows it to follow). "gcv" chooses the weight by generalised
            cross-validation, for ``lamb=0``: some fifteen short fits before the last steps. It is for noisy
            data, and for parameters that approach the samples in number.
        update_grid, grid_update_num, start_grid_update_step, stop_grid_update_step
            Let grids follow the samples that reach them, every
            ``stop_grid_update_step // grid_update_num`` steps from ``start_grid_update_step`` on and before
            ``stop_grid_update_step``. pykan does so 10 times in 50 steps; two early updates leave the rest
            of the steps to one uninterrupted descent.
        progress : bool
            Show a bar on a terminal.
        callback : callable
            Gets a `Progress` after every iteration; returning True stops the fit.

        Returns
        -------
        FitResult
            ``result["train_loss"]``, ``["test_loss"]``, ``["reg"]``: a value a step; ``.status`` says how it
            ended.

        Raises
        ------
        ValueError, TypeError
            For data or options that cannot be used; the model is then unchanged. NaN or infinity during
            training is a status, not an exception.
        """
        options = FitOptions(
            opt,
            steps,
            update_grid,
            grid_update_num,
            start_grid_update_step,
            stop_grid_update_step,
            progress,
            check_smoothing(smoothing),
        )
        penalty = Penalty(lamb, lamb_l1, lamb_entropy, lamb_coef, lamb_coefdiff, reg_metric)
        return self._fit(dataset, options, penalty, callback)

    train = fit

    def refine(self, grid: int) -> KAN:
        """Return a new model on a finer grid: the same function, with ``grid`` intervals an edge.

        Exact (to rounding) where ``grid`` is a multiple of the old G, inside the grids and outside, since the
        finer splines contain the coarse ones; otherwise the new splines fit the old by least squares
        (arXiv:2404.19756, section 2.4). Only "zero" fades sooner outside, within k of the finer intervals.

        Parameters
        ----------
        grid : int
            Number of intervals, at least the present one.

        Returns
        -------
        KAN

        Raises
        ------
        ValueError
            If ``grid`` is smaller than the present one.
        """
        grid = _validate.integer("grid", grid, self.grid)
        model = self.copy()
        table = self._network.table
        model._network = self._network.with_knots(refined_knots(table.knots, grid), table.reach)
        return model

    def update_grid(self, x: ArrayLike) -> None:
        """Move all grids to where samples and their hidden values lie, layer by layer.

        The function is kept as far as the moved grids can carry it.

        Parameters
        ----------
        x : array_like of shape (n_samples, n_in)

        Raises
        ------
        ValueError
            For a wrong number of columns and for NaN or infinite values.
        """
        self._move_grid(_validate.matrix("x", self._select("x", x), self.width[0]))

    def prune(self, x: ArrayLike | None = None, node_th: float = 1e-2, edge_th: float = 3e-2) -> KAN:
        """Return a model without weak nodes, then without weak edges: `prune_node`, then `prune_edge`.

        x, node_th and edge_th are those of `kan_np.pruning.prune`.
        """
        return pruning.prune(self, x, node_th, edge_th)

    def prune_node(
        self,
        threshold: float = 1e-2,
        active: Sequence[Sequence[int]] | None = None,
        x: ArrayLike | None = None,
    ) -> KAN:
        """Return a model of the hidden nodes above the threshold of `node_scores` on x, or of `active`.

        See `kan_np.pruning.prune_node`.
        """
        return pruning.prune_node(self, threshold, active, x)

    def prune_edge(self, threshold: float = 3e-2, x: ArrayLike | None = None) -> KAN:
        """Return a model of the edges above the threshold of `edge_scores` on x.

        See `kan_np.pruning.prune_edge`.
        """
        return pruning.prune_edge(self, threshold, x)

    def prune_input(
        self, threshold: float = 1e-2, active: Sequence[int] | None = None, x: ArrayLike | None = None
    ) -> KAN:
        """Return a model of the inputs above the threshold of `feature_score` on x, or of `active`.

        See `kan_np.pruning.prune_input`, and `input_id` for the data that the new model takes.
        """
        return pruning.prune_input(self, threshold, active, x)

    def remove_edge(self, l: int, i: int, j: int) -> KAN:  # noqa: E741
        """Return a model without the edge from node i of layer l to node j of the next."""
        return pruning.remove_edge(self, l, i, j)

    def remove_node(self, l: int, i: int) -> KAN:  # noqa: E741
        """Return a model without the hidden node i of layer l of nodes, l = 0 being the inputs."""
        return pruning.remove_node(self, l, i)

    def edge_scores(self, x: ArrayLike, metric: str = "edge_backward") -> list[FloatArray]:
        """Score all edges on samples x by a `metric` of pykan; see `kan_np.attribution.edge_scores`."""
        return attribution.edge_scores(self, x, metric)

    def node_scores(self, x: ArrayLike) -> list[FloatArray]:
        """Score all nodes on samples x by their part in the outputs; see `kan_np.attribution.node_scores`."""
        return attribution.node_scores(self, x)

    def feature_score(self, x: ArrayLike) -> FloatArray:
        """Score the inputs on samples x by their part in the outputs: `node_scores` of the first layer."""
        return attribution.feature_score(self, x)

    def plot(self, x: ArrayLike | None = None, **options: Any) -> Figure:
        """Draw the network with the function of every edge over samples x.

        `options` are those of `kan_np.plot.plot_network`: metric, beta, in_vars, out_vars, title, threshold,
        indices, figsize.
        """
        from kan_np.plot import plot_network

        return plot_network(self, None if x is None else self._select("x", x), **options)

    def plot_edge(self, l: int, i: int, j: int, x: ArrayLike | None = None, **options: Any) -> Figure:  # noqa: E741
        """Draw the function of the edge from node i of layer l to node j, with the samples x that reach it.

        `options` are those of `kan_np.plot.plot_edge`: symbol, in_vars, figsize.
        """
        from kan_np.plot import plot_edge

        return plot_edge(self, l, i, j, None if x is None else self._select("x", x), **options)

    def __call__(self, x: ArrayLike) -> FloatArray:
        """Outputs of the network for inputs as it was trained on: (n_samples, n_in) -> (n_samples, n_out).

        Raises
        ------
        ValueError
            For a wrong number of columns, for NaN or infinite values, and outside the grid of a model with
            ``extrapolation="error"``.
        """
        return super().__call__(self._select("x", x))

    def predict(self, x: ArrayLike, batch_size: int = 65536) -> FloatArray:
        """Predictions in the units of the data, batch_size rows of x at a time; see `Trainable.predict`.

        Of a model with pruned inputs, given all columns of the data, the used ones are in memory as a whole.
        """
        return super().predict(self._select("x", x), batch_size)

    def input_jacobian(self, x: ArrayLike) -> FloatArray:
        """Exact derivatives d f_j / d x_i of ``model(x)`` by the inputs of the model; see `Trainable`."""
        return super().input_jacobian(self._select("x", x))

    def _fit(
        self, dataset: Dataset, options: FitOptions, penalty: Penalty, callback: Callback | None
    ) -> FitResult:
        if isinstance(dataset, dict) and not self._used.all():
            dataset = dict(dataset)
            for name in ("train_input", "test_input", "val_input"):
                if dataset.get(name) is not None:
                    dataset[name] = self._select(f"dataset[{name!r}]", dataset[name])
            scaler = dataset.get("scaler")
            if isinstance(scaler, Scaler) and scaler.input_shift.size == self._used.size:
                dataset["scaler"] = pruning.scaler_of_inputs(scaler, self._used)
        return super()._fit(dataset, options, penalty, callback)

    def _select(self, name: str, x: ArrayLike) -> ArrayLike:
        """The columns of x that are inputs, of all columns of the data or these alone."""
        if self._used.all():
            return x
        array = x if isinstance(x, np.ndarray) else _validate.matrix(name, x)
        n_columns = array.shape[1] if array.ndim == 2 else self.width[0]  # other shapes are refused later
        if n_columns not in (self._used.size, self.width[0]):
            raise ValueError(
                f"{name} has {n_columns} columns, shape {array.shape}; expected all {self._used.size} "
                f"columns of the data or only those that are inputs, columns {self.input_id.tolist()}."
            )
        return array[:, self._used] if n_columns == self._used.size else array

    def _move_grid(self, x: FloatArray, slack: float = 0.0) -> None:
        # layer by layer: what reaches a layer depends on the moved grids before it
        for layer in range(len(self.width) - 1):
            net = self._network
            nodes = slice(net.wiring.node_start[layer], net.wiring.node_start[layer + 1])
            samples = net.node_values(x)[nodes]
            if not np.isfinite(samples).all():
                return
            knots = net.table.knots.copy()
            moved = knots_from_samples(samples, self.grid, self.grid_eps, self.grid_margin)
            # a constant says nothing about scale: a grid that holds it stays
            flat = samples.min(axis=1) == samples.max(axis=1)
            held = (knots[nodes, 0] <= samples[:, 0]) & (samples[:, 0] <= knots[nodes, -1])
            stays = flat & held | self._fits(knots[nodes], moved, slack)
            knots[nodes] = np.where(stays[:, None], knots[nodes], moved)
            # the samples are inside again: what a refined grid inherited for outside has done its work
            reach = net.table.reach.copy()
            reach[nodes] = np.diff(knots[nodes], axis=1)[:, [0, -1]]
            carried = net.with_knots(knots, reach)
            if not np.isfinite(carried.theta).all():
                return
            self._network = carried

    def _fits(self, knots: FloatArray, moved: FloatArray, slack: float) -> NDArray[np.bool_]:
        """Nodes whose even grid ends within `slack` intervals of where it would be moved."""
        off = np.abs(knots[:, [0, -1]] - moved[:, [0, -1]]).max(axis=1)
        step = (moved[:, -1] - moved[:, 0]) / self.grid
        uneven = np.ptp(np.diff(knots, axis=1), axis=1) > 1e-6 * step
        return np.asarray((off <= slack * step) & (self.grid_eps == 1.0) & ~uneven)

    def _objective(
        self,
        x: FloatArray,
        y: FloatArray,
        penalty: Penalty,
        weight: FloatArray | None = None,
        smoothing: float | str = 0.0,
    ) -> KanObjective:
        return KanObjective(self._network, x, y, penalty, weight, smoothing)

    def _by_edge(self, name: str, layers: Sequence[ArrayLike], tail: tuple[int, ...]) -> FloatArray:
        shapes = [(n, m, *tail) for n, m in zip(self.width[:-1], self.width[1:], strict=True)]
        arrays = [np.asarray(a, dtype=np.float64) for a in layers]
        if [a.shape for a in arrays] != shapes:
            raise ValueError(f"{name} has shapes {[a.shape for a in arrays]}; expected {shapes}.")
        for layer, (a, mask) in enumerate(zip(arrays, self.edges, strict=True)):
            _validate.finite(name, a)
            if np.any(a[~mask]):
                raise ValueError(
                    f"{name}[{layer}] is not zero for all of the {np.count_nonzero(~mask)} edges that were "
                    "pruned; expected zeros where model.edges is False."
                )
        return self._network.wiring.by_edge(arrays)

    def _config(self) -> dict[str, Any]:
        return {
            "width": self.width,
            "grid": self.grid,
            "k": self.k,
            "base_fun": self.base_fun,
            "grid_eps": self.grid_eps,
            "grid_margin": self.grid_margin,
            "extrapolation": self.extrapolation,
        }

    def _arrays(self) -> dict[str, Any]:
        table = self._network.table
        edges = np.concatenate([mask.ravel() for mask in self.edges])
        return {
            "theta": self._network.theta,
            "knots": table.knots,
            "reach": table.reach,
            "edges": edges,
            "used": self._used,
        }

    @classmethod
    def _restore(cls, config: dict[str, Any], arrays: dict[str, Any]) -> Self:
        model = cls(**config)
        net, width = model._network, model.width
        knots, theta = arrays["knots"], arrays["theta"]
        # files of format 1 have no reach, which was always one interval; nothing was pruned before format 3
        reach = arrays.get("reach")
        edges = arrays.get("edges", np.ones(net.wiring.n_edges, dtype=bool))
        used = arrays.get("used", np.ones(width[0], dtype=bool))
        if not edges.dtype == used.dtype == bool or edges.shape != (net.wiring.n_edges,):
            raise ValueError(f"an array of {edges.dtype} of shape {edges.shape} does not fit width {width}")
        if used.ndim != 1 or used.sum() != width[0]:
            raise ValueError(f"{used.sum()} used columns of the data do not fit width {width}")
        wiring = Wiring.from_masks(net.wiring.by_layer(edges))
        if theta.shape != (wiring.n_edges, net.theta.shape[1]) or knots.shape != net.table.knots.shape:
            raise ValueError(f"arrays of shapes {theta.shape} and {knots.shape} do not fit width {width}")
        if reach is not None and reach.shape != (knots.shape[0], 2):
            raise ValueError(f"an array of shape {reach.shape} does not fit width {width}")
        table = SplineTable.build(knots, model.k, model.extrapolation, reach)
        model._network, model._used = Network(wiring, table, model.base_fun, theta), used
        return model

    def __repr__(self) -> str:
        """Shape, grid, order and number of parameters."""
        return f"KAN({self.width}, grid={self.grid}, k={self.k}, n_params={self.n_params})"


def _check_ranges(grid_range: ArrayLike, n_in: int, n_sources: int) -> FloatArray:
    """One row (low, high) a source node."""
    try:
        given = np.asarray(grid_range, dtype=np.float64)
    except (ValueError, TypeError):
        raise TypeError(f"grid_range is {grid_range!r}; expected numbers (low, high).") from None
    if given.shape not in ((2,), (n_in, 2)):
        raise ValueError(
            f"grid_range has shape {given.shape}; expected (2,) for all inputs or ({n_in}, 2) for each."
        )
    ranges = np.tile([-1.0, 1.0], (n_sources, 1))
    if given.ndim == 1:
        ranges[:] = given
    else:
        ranges[:n_in] = given
    if not np.isfinite(ranges).all() or not (ranges[:, 1] > ranges[:, 0]).all():
        raise ValueError(f"grid_range is {given.tolist()}; expected finite low < high.")
    return ranges
