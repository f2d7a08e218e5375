"""KAN: the model that a user holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from kan_np import _validate
from kan_np._arguments import MODEL, explained, explained_fit
from kan_np._validate import FloatArray
from kan_np.archive import Declared
from kan_np.data.check import Dataset
from kan_np.data.columns import in_order, without_tables
from kan_np.data.scaler import Scaler
from kan_np.edges.bspline import EXTRAPOLATIONS, MAX_ORDER, SplineTable
from kan_np.edges.family import BSPLINE, LARGEST_SIZE
from kan_np.edges.knots import uniform_knots
from kan_np.network.basis_state import basis_config, checked_families
from kan_np.network.grid_update import moved
from kan_np.network.initialization import STARTS, random_parameters
from kan_np.network.kernel_arrays import BASE_FUNCTIONS
from kan_np.network.network import Network
from kan_np.network.state import check_arrays, check_config, network_arrays, restored_network
from kan_np.network.width import Shape
from kan_np.objective.network_objective import network_objective
from kan_np.objective.objective import Objective
from kan_np.objective.shrinkage import SplinePrior, constant_network
from kan_np.objective.smoothing import check_smoothing
from kan_np.objective.sparsity_penalty import Penalty, scheduled_penalties
from kan_np.optimize.status import FitResult
from kan_np.surgery import (
    attribution,
    edge_families,
    formula,
    frozen_parameters,
    pruning,
    symbolic_edges,
    tied_edges,
)
from kan_np.surgery import auto_symbolic as auto
from kan_np.surgery import set_parameters as setting
from kan_np.training.fit import Callback, FitOptions, fit_checked
from kan_np.training.views import Views

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class KAN(Views):
    """Kolmogorov-Arnold network: sums of trainable functions of one variable, layer by layer.

    Node j of the next layer is ``sum_i phi_ij(x_i)``, and every edge carries

        phi_ij(x) = w_ij b(x) + sum_m c_ijm B_m(x)

    with a residual function b and the G + k B-splines B_m of order k on a grid of G intervals
    (arXiv:2404.19756, eq. (2.10)-(2.12), with the spline scale folded into c). A node may also be the product
    of several such sums, its subnodes (arXiv:2408.10205, section 2.1), and an edge may be a symbol,
    c f(a x + b) + d with a named function f: see `fix_symbolic`.

    Parameters
    ----------
    width : sequence of int or (int, int)
        Nodes of each layer, inputs first: [2, 5, 1]. A pair is a number of sums and one of products, which
        follow them: [2, [5, 2], 1].
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
        What an edge does outside its grid: go on as the last polynomial for one interval (at least 3 % of the
        grid) and then as a line (after a fit no further than its error allows, see `fit`), go on as a
        line at once, go on as the last polynomial for ever, stay constant, let the B-splines fade
        to zero within k intervals (pykan's way), or, for inputs, refuse to evaluate. "error" trains as
        "smooth", and its hidden nodes stay so.
    init : {"pykan", "wide", "power"}
        Start: near-zero splines as in pykan, ten times larger ones, or the power law of arXiv:2509.03417; see
        `kan_np.network.initialization`.
    noise_scale, scale_base_mu, scale_base_sigma : float
        Of the starts "pykan" and "wide": coefficients uniform in +-noise_scale / (2 G sqrt(n_in)) (ten times
        that for "wide") and residual weights uniform in (scale_base_mu +- scale_base_sigma) / sqrt(n_in).
    seed : int or numpy.random.Generator
        Source of the start; the same seed gives the same bits.
    mult_arity : int or list of lists of int
        Factors of every product; one list a layer, inputs first, for products of different arity.
    family : str or sequence of str
        Family of all edges, or of those of each layer: "bspline"; "chebyshev", polynomials of degree `grid`
        on the interval of the samples; "piecewise_linear", on `grid` equal intervals of it; or one of your
        own (`kan_np.edges.family`). Of these an edge has one coefficient a function and no residual function,
        goes on as a line outside, and starts near to what the B-spline would be. `set_family` does the same
        for single edges.
    affine_trainable : bool
        Whether nodes become s prod_j (s_j z_j + b_j) + b of their sums of edges z_j, with trainable scales
        and biases that start as 1 and 0.

    Attributes
    ----------
    n_params : int
        G + k + 1 an edge (G + k without residual function), the free constants of every symbol (4 at most),
        affine values; pruned edges and frozen parameters do not count, locked edges count once.
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

    @explained(MODEL)
    def __init__(
        self,
        width: Sequence[int | Sequence[int]],
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
        mult_arity: int | Sequence[Sequence[int]] = 2,
        affine_trainable: bool = False,
        family: str | Sequence[str] = "bspline",
    ) -> None:
        shape = Shape.parse(width, mult_arity)
        families = setting.layer_families(family, len(shape.pairs))
        k = _validate.integer("k", k, 0, MAX_ORDER)
        self.grid_eps = _validate.real("grid_eps", grid_eps, 0.0, 1.0)
        self.grid_margin = _validate.real("grid_margin", grid_margin, 0.0)
        self.scaler = None
        grid = _validate.integer("grid", grid, 1)
        shape.check_memory(grid, k)
        base_fun = _validate.choice("base_fun", base_fun, BASE_FUNCTIONS)
        extrapolation = _validate.choice("extrapolation", extrapolation, EXTRAPOLATIONS)
        init = _validate.choice("init", init, STARTS)
        scales = (
            _validate.real("noise_scale", noise_scale),
            _validate.real("scale_base_mu", scale_base_mu),
            _validate.real("scale_base_sigma", scale_base_sigma),
        )
        if not isinstance(affine_trainable, bool):
            raise TypeError(
                f"affine_trainable is {_validate.shown(affine_trainable)}; expected True or False."
            )
        ranges = setting.grid_ranges(grid_range, shape.width[0], sum(shape.width[:-1]))
        knots = uniform_knots(ranges[:, 0], ranges[:, 1], grid)
        rng = _validate.generator("seed", seed)
        theta = random_parameters(init, shape.fan_in, grid, k, int(base_fun != "zero"), scales, rng)
        self._network: Network = shape.network(
            SplineTable.build(knots, k, extrapolation), base_fun, theta, affine_trainable
        )
        self._used = np.ones(shape.width[0], dtype=bool)
        self._start = self._network
        for layer, name in enumerate(families):
            if name != BSPLINE:  # near to the start of the splines
                edge_families.set_family(self, layer, name)

    @property
    def _n_straight(self) -> int:
        n_edges = self._network.topology.n_edges
        return self.n_params - n_edges * max(self.grid + self.k - 2, 0)

    def _prior(self, x: FloatArray, weight: FloatArray | None, label_variance: float) -> SplinePrior:
        return SplinePrior(self._network, label_variance)

    def _constant_network(self, values: FloatArray) -> Network | None:
        net = self._network
        return constant_network(net, values) if net.structure.is_free_sum else None

    @explained_fit
    def fit(
        self,
        dataset: Dataset,
        opt: str = "LBFGS",
        steps: int = 50,
        *,
        lamb: float | Sequence[float] = 0.0,
        lamb_l1: float = 1.0,
        lamb_entropy: float = 2.0,
        lamb_coef: float = 0.0,
        lamb_coefdiff: float = 0.0,
        reg_metric: str = "edge_forward_spline_n",
        smoothing: float | str = "auto",
        update_grid: bool = True,
        grid_update_num: int = 2,
        start_grid_update_step: int = -1,
        stop_grid_update_step: int = 10,
        progress: bool = False,
        callback: Callback | None = None,
    ) -> FitResult:
        """Train in place on mean squared error + ``lamb`` R + ``smoothing`` S.

        R is pykan's penalty (`kan_np.objective.sparsity_penalty`), S the difference penalty of P-splines
        (`kan_np.objective.smoothing`).

        Inputs and labels should be of order one, as the starting parameters are; for others standardise the
        data (`load_csv` does, `dataset_from_arrays` and `create_dataset` on request) and use ``predict``.

        Parameters
        ----------
        dataset : dict
            train_input, train_label, and where wanted test_* and val_*, as from `create_dataset`. With
            ``train_weight`` (n,) the mean squared error is the weighted mean; likewise for the others. Grids
            and R look at all samples alike, except that samples of weight 0 are left out.
        opt : {"LBFGS", "LM", "auto"} or str
            Optimizer. One step of "LBFGS" is up to 20 iterations, as in pykan; one of "LM"
            (Levenberg-Marquardt, for ``lamb=0``) is one accepted iteration. "auto" takes "LM" for ``lamb=0``
            and at most 1500 parameters, else "LBFGS". From one start, in the time of 50 steps of LM, the two
            are about even there (LM lower for 8 of 13 KANs of 135 to 1512 parameters, L-BFGS 15 times lower
            at 2016 parameters and 3000 samples: benchmarks/accuracy/optimizers.py); through finer and finer
            grids it is LM that goes on to 1e-8, where L-BFGS stalls near 1e-6. Minimisers of SciPy go by
            SciPy's names: "L-BFGS-B", "BFGS", "CG", "TNC", "SLSQP", twenty iterations a step, and for
            ``lamb=0`` "Newton-CG" and "trust-ncg" with Gauss-Newton products, "trf" and "dogbox" of
            ``least_squares``, one (`kan_np.optimize.scipy_minimizers`).
        steps : int
        lamb, lamb_l1, lamb_entropy, lamb_coef, lamb_coefdiff, reg_metric
            Penalty: strength of all, and weights of the scores of edges, their entropy, the size of
            coefficients and of their differences; `reg_metric` names the score, one of
            "edge_forward_spline_n", "edge_forward_spline_u", "edge_forward_sum", "edge_backward",
            "node_backward" (`kan_np.objective.edge_scores`). ``lamb`` is a number, or a sequence with one for
            each equal part of the steps: ``lamb=(1e-3, 1e-2, 0)`` sparsifies gently, then strongly, then lets
            what is left fit freely.
        smoothing : float, "auto", "weak" or "gcv"
            Weight of the squared second differences of coefficients. "auto" is 0, plain least squares, unless
            samples are few: with fewer than three values of the labels a parameter least squares would go
            through the noise and be far off between and beyond the samples. A model that was not trained
            before is then fitted with a prior that keeps edges near to constants, whose weight (up to
            infinity: the mean of the labels) is chosen by cross-validation; ``result.shrinkage`` says it,
            and further fits of the model keep it (`kan_np.training.cross_validation`). Outside the range of
            so few samples edges are followed for at most a quarter of it, and less where the folds are not
            met there; rows further out are predicted as if they lay where that ends (with
            ``extrapolation="smooth"``, and until an edge becomes a symbol). Give 0.0 for least squares with
            any number of samples. Without a prior edges are followed as far as the error of the fit and that
            of validation samples say (`kan_np.training.leeway`): hardly outside the range where labels are
            noisy, and for hundreds of ranges without noise. "weak" is for data without noise: a penalty of
            higher differences, at most half the loss (coefficients over labels, where that is less) and
            sinking with it ("LM" alone, which allows it to follow), so that coefficients which few samples
            determine go on as their neighbours do, and of bends while the labels are partly explained, at
            most an eighth of the loss; see `kan_np.objective.smoothing`. "gcv" chooses the weight by
            generalised cross-validation, for ``lamb=0``: some fifteen short fits before the last steps. It is
            for noisy data. It leaves straight lines free: with fewer than three values of the labels for each
            parameter of a network of straight lines it is the same as "auto".
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
            ended, ``.advice`` what is wrong, sentences that are mostly warnings, too (`KanWarning`).

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
        penalties = scheduled_penalties(
            lamb,
            lamb_l1=lamb_l1,
            lamb_entropy=lamb_entropy,
            lamb_coef=lamb_coef,
            lamb_coefdiff=lamb_coefdiff,
            reg_metric=reg_metric,
        )
        return fit_checked(self, dataset, options, penalties, callback)

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
        grid = _validate.integer("grid", grid, self.grid, LARGEST_SIZE if self.families else None)
        Shape.of(self._network).check_memory(grid, self.k)
        model = self.copy()
        model._network = self._network.refined(grid)
        same = self._start.structure.outline == self._network.structure.outline
        if self._shrinkage is not None and same:  # a weight that held a coarse grid may not hold a finer one
            model._start, model._constant = self._start.refined(grid), model._network
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
        untrained = self._is_untrained
        self._move_grid(_validate.matrix("x", self._select("x", x), self.width[0]))
        if untrained:
            self._start, self._constant = self._network, None

    # functions of a model, as methods
    set_parameters = setting.set_parameters
    fix_symbolic = symbolic_edges.fix_symbolic
    unfix_symbolic = symbolic_edges.unfix_symbolic
    lock = tied_edges.lock
    unlock = tied_edges.unlock
    set_family = edge_families.set_family
    freeze = frozen_parameters.freeze
    unfreeze = frozen_parameters.unfreeze
    prune = pruning.prune
    prune_node = pruning.prune_node
    prune_edge = pruning.prune_edge
    prune_input = pruning.prune_input
    remove_edge = pruning.remove_edge
    remove_node = pruning.remove_node
    edge_scores = attribution.edge_scores
    node_scores = attribution.node_scores
    feature_score = attribution.feature_score
    suggest_symbolic = auto.suggest_edge
    auto_symbolic = auto.auto_symbolic
    symbolic_formula = formula.symbolic_formula

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

    def predict(self, x: ArrayLike, batch_size: int = 65536) -> FloatArray:
        """Predictions in the units of the data, batch_size rows of x at a time; see `Estimator.predict`.

        Of a model with pruned inputs, given all columns of the data, the used ones are in memory as a whole.
        """
        return super().predict(self._select("x", x), batch_size)

    def _matched(self, dataset: Dataset) -> Dataset:
        """As for every model, and without the columns that are no inputs any more."""
        if self._used.all():
            return super()._matched(dataset)
        dataset, known = without_tables(dataset), self.feature_names
        given = dataset.get("feature_names")
        if given is not None and len(given) == self._used.size:
            if known is not None and np.shape(dataset.get("train_input", ()))[1:] == (len(given),):
                dataset = in_order(dataset, known)
            else:
                dataset["feature_names"] = [given[i] for i in self.input_id]
        for name in ("train_input", "test_input", "val_input"):
            if dataset.get(name) is not None:
                dataset[name] = self._select(f"dataset[{name!r}]", dataset[name])
        scaler = dataset.get("scaler")
        if isinstance(scaler, Scaler) and scaler.input_shift.size == self._used.size:
            dataset["scaler"] = pruning.scaler_of_inputs(scaler, self._used)
        return super()._matched(dataset)

    def _move_grid(self, x: FloatArray, slack: float = 0.0) -> None:
        self._network = moved(self._network, x, self.grid_eps, self.grid_margin, slack)

    def _objective(
        self,
        x: FloatArray,
        y: FloatArray,
        penalty: Penalty,
        weight: FloatArray | None = None,
        smoothing: float | str = 0.0,
    ) -> Objective:
        return network_objective(self._network, x, y, penalty, weight, smoothing)

    def _config(self) -> dict[str, Any]:
        shape = Shape.of(self._network)
        return {
            "width": shape.pykan,
            "mult_arity": shape.mult_arity if any(shape.n_mult) else 2,
            "affine_trainable": self.affine_trainable,
            "grid": self.grid,
            "k": self.k,
            "base_fun": self.base_fun,
            "grid_eps": self.grid_eps,
            "grid_margin": self.grid_margin,
            "extrapolation": self.extrapolation,
            **({"families": found} if (found := basis_config(self._network.structure)) else {}),
        }

    def _arrays(self) -> dict[str, Any]:
        return {**network_arrays(self._network), "used": self._used}

    @classmethod
    def _check_arrays(cls, config: dict[str, Any], declared: Mapping[str, Declared]) -> list[int]:
        check_config(config, declared)
        shape, grid, like = cls._parsed(config)
        n_row = grid + like.k + like._network.has_base
        affine = like.affine_trainable
        families = checked_families(config.get("families", []))
        check_arrays(shape, n_row, grid + 1, affine=affine, families=families, declared=declared)
        return list(shape.width)

    @classmethod
    def _restore(cls, config: dict[str, Any], arrays: dict[str, Any]) -> Self:
        shape, _, model = cls._parsed(config)
        used = arrays.get("used", np.ones(shape.width[0], dtype=bool))
        if used.sum() != shape.width[0]:
            raise ValueError(f"{used.sum()} used columns of the data do not fit width {shape.pykan}")
        families, affine = checked_families(config.get("families", [])), model.affine_trainable
        model._network = restored_network(shape, model._network, arrays, affine=affine, families=families)
        model._used = used
        return model

    @classmethod
    def _parsed(cls, config: dict[str, Any]) -> tuple[Shape, int, Self]:
        """Shape and grid of a configuration, and the smallest model of its other settings."""
        shape = Shape.parse(config["width"], config.get("mult_arity", 2))
        grid = _validate.integer("grid", config.get("grid", 5), 1)
        options = {name: value for name, value in config.items() if name != "families"}
        return shape, grid, cls(**{**options, "width": [1, 1], "grid": 1, "mult_arity": 2})

    def __repr__(self) -> str:
        """Shape, grid, order and number of parameters."""
        return f"KAN({Shape.of(self._network).pykan}, grid={self.grid}, k={self.k}, n_params={self.n_params})"
