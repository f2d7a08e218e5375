"""KAN: the model that a user holds.

It checks what it is given, calls operations of the rooms below on its network, and takes over the
network that they return.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kan_np import _validate
from kan_np._arguments import MODEL, explained, explained_fit
from kan_np._time_limit import deadline
from kan_np._validate import FloatArray
from kan_np.archive import Declared
from kan_np.data.check import Dataset
from kan_np.data.columns import in_order, without_tables
from kan_np.data.scaler import Scaler
from kan_np.edges.bspline import EXTRAPOLATIONS, MAX_ORDER, SplineTable
from kan_np.edges.choice import chosen_families, option_names
from kan_np.edges.family import BSPLINE
from kan_np.edges.knots import uniform_knots
from kan_np.edges.symbol import CONSTANTS, SymbolicEdge
from kan_np.functions.library import SymbolLibrary, checked_library
from kan_np.functions.symbol import Symbol
from kan_np.network.basis_state import basis_config, checked_families
from kan_np.network.edge_index import EdgeIndex, checked_edge
from kan_np.network.grid_update import moved
from kan_np.network.initialization import STARTS, grid_ranges, random_parameters
from kan_np.network.kernel_arrays import BASE_FUNCTIONS
from kan_np.network.network import Network
from kan_np.network.state import check_arrays, check_config, network_arrays, restored_network
from kan_np.network.structure import BASE, BASIS, SPLINE, Affine
from kan_np.network.width import Shape
from kan_np.objective.edge_scores import METRICS
from kan_np.objective.loss import Loss
from kan_np.objective.losses import loss_of
from kan_np.objective.network_objective import network_objective
from kan_np.objective.objective import SampledObjective
from kan_np.objective.shrinkage import SplinePrior, constant_network
from kan_np.objective.smoothing import check_smoothing
from kan_np.objective.sparsity_penalty import Penalty, scheduled_penalties
from kan_np.optimize.first_order import StepOptions
from kan_np.optimize.status import FitResult
from kan_np.surgery import (
    attribution,
    auto_symbolic,
    edge_families,
    edge_function,
    formula,
    frozen_parameters,
    pruning,
    set_parameters,
    symbolic_edges,
    tied_edges,
)
from kan_np.surgery.auto_symbolic import AutoSymbolic
from kan_np.surgery.edge_function import EdgeFunction
from kan_np.surgery.formula import Formula
from kan_np.symbolic.fit_symbol import SymbolFit
from kan_np.training.anchor import Anchor
from kan_np.training.anchoring import anchored
from kan_np.training.estimator import Estimator
from kan_np.training.fit import Callback, FitOptions, fit_checked
from kan_np.training.metrics import checked_metrics
from kan_np.training.progress import progress_bar
from kan_np.uncertainty import calibration, prediction
from kan_np.uncertainty.bars import ErrorBars
from kan_np.uncertainty.refits import Refit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kan_np.plot.graph import ComputationalGraph


class KAN(Estimator):
    """Kolmogorov-Arnold network: sums of trainable functions of one variable, layer by layer.

    Node j of the next layer is ``sum_i phi_ij(x_i)``, and every edge carries

        phi_ij(x) = w_ij b(x) + sum_m c_ijm B_m(x)

    with a base function b and the G + k B-splines B_m of order k on a grid of G intervals
    (arXiv:2404.19756, eq. (2.10)-(2.12), with the spline scale folded into c). A node may also be the product
    of several such sums, its subnodes (arXiv:2408.10205, section 2.1), and an edge may be a symbol,
    c f(a x + b) + d with a named function f: see `fix_symbolic`.

    Parameters
    ----------
    width : sequence of int or (int, int)
        Nodes of each layer, inputs first: [2, 5, 1]. A pair is a number of sums and one of products, which
        follow them: [2, [5, 2], 1].
    grid : int
        Number of intervals G of every grid, and the size of other families unless it is given by their own
        word.
    k : int
        Order (degree) of the splines, 0 to 5; 3 is cubic.
    base_fun : {"silu", "identity", "zero"}
        Base function b, the paper's residual activation function. "zero" leaves out b and its weight.
    grid_range : array_like of shape (2,) or (n_in, 2)
        Range of the first grids, of inputs in the units of the data. One row an input: hidden nodes then
        start with (-1, 1).
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
        that for "wide") and base weights uniform in (scale_base_mu +- scale_base_sigma) / sqrt(n_in).
    seed : int or numpy.random.Generator
        Source of the start; the same seed gives the same bits.
    mult_arity : int or list of lists of int
        Factors of every product; one list a layer, inputs first, for products of different arity.
    edges : str or sequence of str
        Family of all edges, or of those of each layer: "bspline", "chebyshev", "fourier", "gaussian",
        "linear", "mlp", "piecewise_linear", "rational", "sine", "wavelet", or one of your own. The page
        docs/edge_families.md has their formulas. Other families than B-splines have no base function; where
        they are linear in their parameters they start near to what the B-spline would be. `set_family` does
        the same for single edges.
    affine_trainable : bool
        Whether nodes become s prod_j (s_j z_j + b_j) + b of their sums of edges z_j, with trainable scales
        and biases that start as 1 and 0.
    sp_trainable, sb_trainable : bool
        Whether coefficients of splines (and parameters of other families), and base weights, are trained;
        False freezes them, see `freeze`. The names are pykan's.
    **edge_options
        Sizes of families by their own words, ``degree`` ("chebyshev", "rational"), ``frequencies``
        ("fourier"), ``hidden`` ("mlp"), ``sines``, ``wavelets``, and settings: ``squash`` ("chebyshev": of
        tanh(x), as in ChebyKAN, in place of an interval), ``denominator`` ("gaussian": width in distances of
        centres), ``period`` ("fourier": in lengths of the interval), ``features`` ("mlp": number of sines and
        of cosines).

    Attributes
    ----------
    n_params : int
        G + k + 1 an edge (G + k without base function), the free constants of every symbol (4 at most),
        affine values; pruned edges and frozen parameters do not count, locked edges count once.
    scaler : Scaler or None
        Between the units of the data and the network, chosen by the first fit; None where these are the same.
        Inputs, outputs, errors, formulas and axes of pictures are in the units of the data; `knots`, `coef`,
        constants of symbols and functions of edges are of the network's standardised numbers.

    Raises
    ------
    ValueError, TypeError
        For a width, order, range, name, size or option that makes no network.

    Examples
    --------
    >>> import numpy as np
    >>> from kan_np import KAN, create_dataset
    >>> dataset = create_dataset(lambda x: x[:, [0]] * x[:, [1]], n_var=2, train_num=200, seed=0)
    >>> model = KAN([2, 2, 1], grid=3, seed=0)
    >>> result = model.fit(dataset, opt="LBFGS", steps=20)
    >>> bool(result["test_loss"][-1] < 0.05)
    True
    >>> KAN([2, 5, 1], edges="chebyshev", degree=8).n_params
    135
    >>> KAN([9, 3, 3, 1], edges=["linear", "bspline", "linear"], grid=5).n_params
    111
    """

    _network: Network
    _start: Network
    _used: NDArray[np.bool_]  # which columns of the data are inputs
    #: Arguments of the constructor that `_config` does not have; None for models from files.
    _arguments: dict[str, Any] | None = None

    @explained(MODEL, option_names)
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
        edges: str | Sequence[str] = "bspline",
        sp_trainable: bool = True,
        sb_trainable: bool = True,
        **edge_options: Any,
    ) -> None:
        shape = Shape.parse(width, mult_arity)
        k = _validate.integer("k", k, 0, MAX_ORDER)
        self.grid_eps = _validate.real("grid_eps", grid_eps, 0.0, 1.0)
        self.grid_margin = _validate.real("grid_margin", grid_margin, 0.0)
        self.scaler = None
        grid = _validate.integer("grid", grid, 1)
        shape.check_memory(grid, k)
        choices = chosen_families(edges, len(shape.pairs), grid, edge_options)
        base_fun = _validate.choice("base_fun", base_fun, BASE_FUNCTIONS)
        extrapolation = _validate.choice("extrapolation", extrapolation, EXTRAPOLATIONS)
        init = _validate.choice("init", init, STARTS)
        scales = (
            _validate.real("noise_scale", noise_scale),
            _validate.real("scale_base_mu", scale_base_mu),
            _validate.real("scale_base_sigma", scale_base_sigma),
        )
        switches = {
            "affine_trainable": affine_trainable,
            "sp_trainable": sp_trainable,
            "sb_trainable": sb_trainable,
        }
        for name, switch in switches.items():
            if not isinstance(switch, bool):
                raise TypeError(f"{name} is {_validate.shown(switch)}; expected True or False.")
        ranges = grid_ranges(grid_range, shape.width[0], sum(shape.width[:-1]))
        knots = uniform_knots(ranges[:, 0], ranges[:, 1], grid)
        rng = _validate.generator("seed", seed)
        theta = random_parameters(init, shape.fan_in, grid, k, int(base_fun != "zero"), scales, rng)
        net = shape.network(SplineTable.build(knots, k, extrapolation), base_fun, theta, affine_trainable)
        for layer, choice in enumerate(choices):
            if choice.name != BSPLINE:
                net = edge_families.started(net, layer, choice, init, rng)
        kinds = ([] if sp_trainable else [SPLINE, BASIS]) + ([] if sb_trainable else [BASE])
        net = frozen_parameters.frozen_kinds(net, kinds)
        self._network = self._start = net
        self._used = np.ones(shape.width[0], dtype=bool)
        self._arguments = {"grid_range": np.array(grid_range, dtype=np.float64), "init": init, **switches}
        names = ("noise_scale", "scale_base_mu", "scale_base_sigma")
        self._arguments |= dict(zip(names, scales, strict=True)) | {"edges": edges, **edge_options}

    # ---------------------------------------------------------------- what it is; all arrays are copies

    @property
    def width(self) -> list[int]:
        """Nodes of each layer, sums and products, inputs first."""
        return list(self._network.width)

    @property
    def width_in(self) -> list[int]:
        """Subnodes of each layer, inputs first: `width`, but with every factor of a product by itself."""
        return list(self._network.width_in)

    @property
    def n_mult(self) -> list[int]:
        """Products among the nodes of each layer; they follow the sums."""
        return Shape.of(self._network).n_mult

    @property
    def mult_arity(self) -> list[list[int]]:
        """Factors of the products of each layer, inputs first."""
        return Shape.of(self._network).mult_arity

    @property
    def affine_trainable(self) -> bool:
        """Whether nodes have trainable scales and biases."""
        return self._network.structure.has_affine

    @property
    def affine(self) -> list[Affine]:
        """Scales and biases of subnodes and nodes, a layer above the inputs each; 1 and 0 without such."""
        layers = self._network.layers
        return [layer.unit_affine if layer.affine is None else layer.affine for layer in layers]

    @property
    def k(self) -> int:
        """Order of the splines."""
        return int(self._network.k)

    @property
    def grid(self) -> int:
        """Number of intervals G."""
        return self._network.knots[0].shape[1] - 1

    @property
    def base_fun(self) -> str:
        """Name of the base function b."""
        return str(self._network.base_fun)

    @property
    def extrapolation(self) -> str:
        """What splines do outside their grid."""
        return str(self._network.extrapolation)

    @property
    def knots(self) -> list[FloatArray]:
        """Knots of each layer's inputs, in the network's numbers: arrays of shape (n_in, G + 1)."""
        return self._network.knots

    @property
    def edges(self) -> list[NDArray[np.bool_]]:
        """Which edges there are: arrays of shape (n_in, n_subnodes), True but for those that were pruned."""
        return self._network.masks

    @property
    def symbols(self) -> dict[EdgeIndex, SymbolicEdge]:
        """The edges that are symbols, by layer, source and subnode; a copy. `fix_symbolic` makes them."""
        return self._network.symbols

    @property
    def families(self) -> dict[EdgeIndex, tuple[str, int]]:
        """Family and size of edges (l, i, j) that are neither B-splines nor symbols; see `set_family`."""
        return self._network.families

    @property
    def locks(self) -> list[list[EdgeIndex]]:
        """Groups of edges (l, i, j) that share one function; see `lock`."""
        return [list(group) for group in self._network.ties]

    @property
    def frozen(self) -> list[tuple[int, int | None, int | None, str]]:
        """What training leaves as it is, as (l, i, j, kind), i and j None for "affine"; see `freeze`."""
        parts = sorted(self._network.structure.frozen)
        return [(l, None, None, kind) if i < 0 else (l, i, j, kind) for (l, i, j), kind in parts]  # noqa: E741

    @property
    def input_id(self) -> NDArray[np.int64]:
        """Columns of the data that are inputs, in order: all but those that `prune_input` left out.

        Wherever the model takes inputs it takes all columns of the data or these alone.
        """
        return np.flatnonzero(self._used).astype(np.int64)

    @property
    def coef(self) -> list[FloatArray]:
        """Spline coefficients c of each layer: arrays of shape (n_in, n_subnodes, G + k), copies.

        Zeros where there is no spline.
        """
        return self._network.coef

    @property
    def scale_base(self) -> list[FloatArray]:
        """Base weights w of each layer: arrays of shape (n_in, n_subnodes), copies.

        Zeros where there is no spline or no base function.
        """
        return self._network.scale_base

    # ---------------------------------------------------------------- training

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
        smooth_penalty: float = 0.0,
        update_grid: bool = True,
        grid_update_num: int = 2,
        start_grid_update_step: int = -1,
        stop_grid_update_step: int = 10,
        lr: float | None = None,
        batch: int | None = None,
        momentum: float | None = None,
        seed: int | np.random.Generator = 0,
        standardize: bool | None = None,
        loss: object = "squares",
        metrics: Sequence[str | Callable[..., Any]] = (),
        anchor: Anchor | None = None,
        progress: bool = False,
        callback: Callback | None = None,
    ) -> FitResult:
        """Train in place on mean squared error, or another loss, + ``lamb`` R + ``smoothing`` S.

        R is pykan's penalty (`kan_np.objective.sparsity_penalty`), S the difference penalty of P-splines
        (`kan_np.objective.smoothing`).

        Inputs and labels may have any units. The starting parameters are for numbers of order one: data that
        are far from one are standardised inside, by `scaler`, which is chosen in the first fit and stays.

        Parameters
        ----------
        dataset : dict
            train_input, train_label, and where wanted test_* and val_*, as from `create_dataset`. With
            ``train_weight`` (n,) the mean squared error is the weighted mean; likewise for the others. Grids
            and R look at all samples alike, except that samples of weight 0 are left out.
        opt : {"LBFGS", "LM", "auto", "Adam", "SGD"} or str
            Optimizer. One step of "LBFGS" is up to 20 iterations, as in pykan; one of "LM"
            (Levenberg-Marquardt, for ``lamb=0``) is one accepted iteration. "auto" takes "LM" for ``lamb=0``
            and at most 1500 parameters, else "LBFGS". From one start, in the time of 50 steps of LM, the two
            are about even there (LM lower for 8 of 13 KANs of 135 to 1512 parameters, L-BFGS 15 times lower
            at 2016 parameters and 3000 samples: benchmarks/accuracy/optimizers.py); through finer and finer
            grids it is LM that goes on to 1e-8, where L-BFGS stalls near 1e-6. Minimisers of SciPy go by
            SciPy's names: "L-BFGS-B", "BFGS", "CG", "TNC", "SLSQP", twenty iterations a step, and for
            ``lamb=0`` "Newton-CG" and "trust-ncg" with Gauss-Newton products, "trf" and "dogbox" of
            ``least_squares``, one (`kan_np.optimize.scipy_minimizers`). "Adam" and "SGD" are for large data,
            streams of batches and ported scripts (`kan_np.optimize.first_order`): one step is one update of
            a given length, so that hundreds or thousands are needed; where the others can be used they go
            much further in the same time. They train on from where the model is: they never choose a prior,
            the best parameters of the fit are kept, and a further fit, on the next batch of a stream, widens
            the range in which edges are followed (with ``update_grid=False`` grids stay for all batches).
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
        smooth_penalty : float
            Weight of the mean squared difference of neighbouring slopes of piecewise linear edges
            (`kan_np.objective.slope_penalty`).
        update_grid, grid_update_num, start_grid_update_step, stop_grid_update_step
            Let grids follow the samples that reach them, every
            ``stop_grid_update_step // grid_update_num`` steps from ``start_grid_update_step`` on and before
            ``stop_grid_update_step``. pykan does so 10 times in 50 steps; two early updates leave the rest
            of the steps to one uninterrupted descent.
        lr, batch, momentum
            Of "Adam" and "SGD", as in torch and pykan: the learning rate, 0.03 for "Adam" and 0.1 for "SGD"
            if None; the samples of a step, all of them if None or -1; and of "SGD" the momentum, 0 if None.
            Batches are parts of a random order of the samples, another one in every epoch.
        seed : int or numpy.random.Generator
            Of these orders; nothing else in a fit is random.
        standardize : bool, optional
            Whether the first fit brings inputs and labels to mean 0 and standard deviation 1 of the training
            samples, inside; `lamb` and `smoothing` are then weighed against errors of standardised labels. If
            None that is done where the dataset says so, as that of `load_csv` does, or else for inputs or
            labels of which a column is far from one, with a spread below 0.01 or above 100, or a mean of more
            than ten times the spread (or ten); others are left as they are, to the last bit.
        loss : str or object
            What is minimised the mean of: "squares"; "cross_entropy" (classes; labels are their numbers, or
            a column a class); "poisson" (counts; outputs are logarithms of rates); "huber" (squares which
            large residuals do not dominate); "quantile" (the median); `CrossEntropy`, `Poisson`, `Huber` and
            `Quantile` with options; or a loss of your own: a function (y, f) of labels and outputs,
            (n_samples, n_out) each, that returns values (n_samples,), their gradient by f and, for "LM",
            "Newton-CG" and "trust-ncg", their Hessian by f, or an object with methods value, gradient and
            hessian (`kan_np.objective.own_loss`). Labels and outputs that a loss sees, its options and what
            `FitResult` has of it are in the units of the data. Labels of classes and counts are not
            standardised, those of a loss of your own with ``standardize=True`` only, since its outputs may be
            something else than predictions of labels. Where samples are few, for classes with fewer than ten
            labels a parameter, a prior is chosen as it is with squares, by the mean loss.
        metrics : sequence of str or callable
            Recorded after every step: "accuracy", "r2", "mae" (in the units of the labels), under
            "train_accuracy" and so on for every split, and functions without arguments or of the model, as in
            pykan, under their names.
        anchor : Anchor, optional
            What earlier samples say of the parameters, as the method `anchor` makes it: the fit then keeps
            what the model has learnt from them (`kan_np.training.anchor.Anchor` has the formula). Grids stay,
            whatever `update_grid` says, and no prior is chosen. `smoothing` may not be "gcv".
        progress : bool
            Show a bar on a terminal.
        callback : callable
            Gets a `Progress` after every iteration; returning True stops the fit. A `kan_np.plot.Film` draws
            every step.

        Returns
        -------
        FitResult
            ``result["train_loss"]``, ``["test_loss"]``, ``["reg"]``: a value a step, of RMSE in the units of
            the labels (with `batch` that of the batch before the step; the last value is of all samples);
            ``.status`` says how it ended,
            ``.advice`` what is wrong, sentences that are mostly warnings, too (`KanWarning`).

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
            smooth_penalty,
            StepOptions(lr, batch, momentum, seed),
            standardize,
            loss_of(loss),
            checked_metrics(metrics),
            anchor,
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

    def anchor(self, dataset: Dataset, previous: Anchor | None = None, *, ridge: float = 0.0) -> Anchor:
        """What the samples of the last fit say of the parameters, for fits to other samples.

        For data that come in phases, of which earlier ones are gone: ``fit(dataset, anchor=...)`` adds
        a quadratic penalty that holds the parameters where earlier samples have put them, as firmly as these
        do in each direction (`kan_np.training.anchor.Anchor`).

        Parameters
        ----------
        dataset : dict
            The dataset of the last fit; only the training samples count, each with its weight. Weights are
            compared between phases as they are given: one over the variance of the noise, for example.
        previous : Anchor, optional
            The anchor of the phases before it; the result then stands for all of them.
        ridge : float
            Part of the mean diagonal element that is added to all of the diagonal: it holds the parameters
            that no sample has determined, too. 0 is right where the model is linear in what is trained; a
            network of several layers, whose curvature changes along the way, keeps more with 1e-3.

        Returns
        -------
        Anchor
            Of the present parameters. It holds as long as the model has the same edges, grids, frozen and
            tied parameters and units: after `refine`, `prune`, `update_grid` or `freeze` a fit refuses it.

        Raises
        ------
        ValueError, TypeError
            For a model that was not fitted, one with more than 12000 parameters, a loss without second
            derivatives, data that ``fit`` refuses, and a previous anchor of another model.

        Examples
        --------
        >>> import numpy as np
        >>> from kan_np import KAN
        >>> x = np.linspace(-1, 1, 90)[:, None]
        >>> phases = [{"train_input": part, "train_label": np.exp(part)} for part in np.split(x, 3)]
        >>> model, anchor = KAN([1, 1], grid=6, seed=0), None
        >>> for dataset in phases:
        ...     result = model.fit(dataset, "LM", smoothing=0.0, update_grid=False, anchor=anchor)
        ...     anchor = model.anchor(dataset, previous=anchor)
        >>> anchor
        Anchor(3 phases, samples of weight 90, 10 parameters)
        >>> bool(np.abs(model(x) - np.exp(x)).max() < 1e-3)
        True
        """
        return anchored(self, dataset, previous, ridge)

    def refine(self, grid: int) -> KAN:
        """Return a new model on a finer grid: the same function, with ``grid`` intervals an edge.

        Exact (to rounding) where ``grid`` is a multiple of the old G, inside the grids and outside, since the
        finer splines contain the coarse ones; otherwise the new splines fit the old by least squares
        (arXiv:2404.19756, section 2.4). Only "zero" fades sooner outside, within k of the finer intervals.
        Edges of other families get the size ``grid`` where theirs is smaller. That is exact for all but
        "gaussian", and for "piecewise_linear" where ``grid`` is a multiple.

        Parameters
        ----------
        grid : int
            Number of intervals, at least the present one, and at most the largest size of the families of
            its edges.

        Returns
        -------
        KAN

        Raises
        ------
        ValueError
            If ``grid`` is smaller than the present one, or larger than a family of edges allows.
        """
        grid = _validate.integer("grid", grid, self.grid, self._network.largest_grid)
        Shape.of(self._network).check_memory(grid, self.k)
        model = self._with(self._network.refined(grid))
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
        self._move_grid(self._samples(x))
        if untrained:
            self._start, self._constant = self._network, None

    # ---------------------------------------------------------------- numbers, families, what is trained

    def set_parameters(
        self,
        coef: Sequence[ArrayLike],
        scale_base: Sequence[ArrayLike] | None = None,
        knots: Sequence[ArrayLike] | None = None,
    ) -> None:
        """Set coefficients, base weights and knots from outside, in place.

        Parameters
        ----------
        coef : list of array_like of shape (n_in, n_subnodes, G + k)
            One array a layer, as the property of the same name returns them: zero where there is no spline.
        scale_base : list of array_like of shape (n_in, n_subnodes), optional
            Unchanged if not given.
        knots : list of array_like of shape (n_in, G + 1), optional
            Unchanged if not given; may have another G than before.

        Raises
        ------
        ValueError
            For shapes that do not fit the width and order, non-finite values, values other than zero where
            there is no spline, locked edges that differ, or knots that do not increase.

        Examples
        --------
        >>> from kan_np import KAN
        >>> model = KAN([2, 1], seed=0)
        >>> model.set_parameters([2.0 * c for c in model.coef])
        """
        self._network = set_parameters.set_parameters(self._network, coef, scale_base, knots)

    def set_family(
        self,
        l: int,  # noqa: E741
        name: str,
        edges: Sequence[Sequence[int]] | None = None,
        size: int | None = None,
        **edge_options: Any,
    ) -> None:
        """Make edges of a layer those of a family, in place, as near as it comes to what they are.

        By least squares over the grid of their source node; for families that are linear in their parameters
        the same functions on a larger size are exact. `kan_np.edges.family` says how to add a family.

        Parameters
        ----------
        l : int
            Layer.
        name : str
            As for ``edges`` of `KAN`.
        edges : sequence of (i, j), optional
            Sources and subnodes; all edges of the layer if not given.
        size : int, optional
            Degree, intervals, hidden nodes, ...; the model's ``grid`` if not given. B-splines have that.
        **edge_options
            Settings of the family, or its size by its own word, as for `KAN`.

        Raises
        ------
        ValueError, TypeError
            If there is no such edge or family, and for edges that are locked.

        Examples
        --------
        >>> from kan_np import KAN
        >>> model = KAN([2, 3, 1], grid=5, seed=0)
        >>> model.set_family(1, "chebyshev", size=4)
        >>> model.n_params, model.families[1, 0, 0]
        (69, ('chebyshev', 4))
        """
        self._reshape(edge_families.set_family(self._network, l, name, edges, size, edge_options))

    def take_function(self, l: int, i: int, j: int) -> EdgeFunction:  # noqa: E741
        """Return the function of one edge: a callable with derivatives, and a model [1, 1] of its own.

        It takes and gives the values of nodes as they are in the network, in its standardised numbers.

        Parameters
        ----------
        l, i, j : int
            Layer, source and subnode of the edge.

        Returns
        -------
        EdgeFunction

        Raises
        ------
        ValueError, TypeError
            If there is no such edge.

        Examples
        --------
        >>> import numpy as np
        >>> from kan_np import KAN
        >>> model = KAN([2, 3, 1], edges="mlp", hidden=4, seed=0)
        >>> phi = model.take_function(0, 1, 2)
        >>> x = np.linspace(-1, 1, 5)
        >>> phi(x).shape, phi(x, nu=2).shape, bool(np.allclose(phi.model(x[:, None])[:, 0], phi(x)))
        ((5,), (5,), True)
        """
        network = edge_function.edge_network(self._network, (l, i, j))
        model = KAN(
            [1, 1],
            self.grid,
            self.k,
            base_fun=self.base_fun,
            grid_eps=self.grid_eps,
            grid_margin=self.grid_margin,
            extrapolation=self.extrapolation,
        )
        model._network = model._start = network
        return EdgeFunction(network, model)

    def freeze(
        self,
        l: int | None = None,  # noqa: E741
        edges: Sequence[Sequence[int]] | None = None,
        kind: str | None = None,
    ) -> None:
        """Let parameters keep their values in every fit, whatever the optimizer.

        They do not count in ``n_params``; saving, `refine` and pruning keep them. Grids of nodes that a
        frozen spline leaves do not follow the samples. Where pruning has no other edge to put a constant on
        that it leaves behind, it changes a frozen one, which is free then.

        Parameters
        ----------
        l : int, optional
            Layer of edges; all layers if not given.
        edges : sequence of (i, j), optional
            Sources and subnodes of layer l; all edges if not given. Edges that are locked with one of them
            are frozen, too.
        kind : {"base", "spline", "symbol", "affine", "basis"}, optional
            Base weights, spline coefficients, constants of symbols, scales and biases of nodes, or
            coefficients of other families alone; all if not given (of named edges all but "affine").

        Raises
        ------
        ValueError, TypeError
            If there is no such layer, edge or kind, or nothing of the kind is there.

        Examples
        --------
        >>> from kan_np import KAN
        >>> model = KAN([2, 1], grid=5, seed=0)
        >>> model.freeze(0, [(0, 0)])
        >>> model.n_params, model.frozen
        (9, [(0, 0, 0, 'base'), (0, 0, 0, 'spline')])
        >>> model.unfreeze(kind="base")
        >>> model.n_params
        10
        """
        self._reshape(frozen_parameters.freeze(self._network, l, edges, kind))

    def unfreeze(
        self,
        l: int | None = None,  # noqa: E741
        edges: Sequence[Sequence[int]] | None = None,
        kind: str | None = None,
    ) -> None:
        """Train parameters again that were frozen; those that are not frozen stay as they are.

        Parameters
        ----------
        l, edges, kind
            As for `freeze`.

        Raises
        ------
        ValueError, TypeError
            If there is no such layer, edge or kind.
        """
        self._reshape(frozen_parameters.unfreeze(self._network, l, edges, kind))

    def lock(self, l: int, edges: Sequence[Sequence[int]]) -> None:  # noqa: E741
        """Let edges of a layer be one function, that of the first of them, also while training.

        Splines get a common grid, over the ranges of all.

        Parameters
        ----------
        l : int
            Layer.
        edges : sequence of (i, j)
            Sources and subnodes: at least two edges, all splines or all one symbol. Edges that are locked
            with one of them join.

        Raises
        ------
        ValueError, TypeError
            If there is no such edge, or they cannot be one function.

        Examples
        --------
        >>> from kan_np import KAN
        >>> model = KAN([2, 1], grid=5, seed=0)
        >>> model.lock(0, [(0, 0), (1, 0)])
        >>> model.n_params, bool(abs(model([[0.1, 0.5]]) - model([[0.5, 0.1]])) < 1e-15)
        (9, True)
        """
        self._network = tied_edges.lock(self._network, l, edges)

    def unlock(self, l: int, edges: Sequence[Sequence[int]] | None = None) -> None:  # noqa: E741
        """Give locked edges of a layer parameters of their own again; the function stays.

        Parameters
        ----------
        l : int
            Layer.
        edges : sequence of (i, j), optional
            All of the layer if not given.

        Raises
        ------
        ValueError, TypeError
            If there is no such edge.
        """
        self._network = tied_edges.unlock(self._network, l, edges)

    # ---------------------------------------------------------------- what matters, and without the rest

    def edge_scores(self, x: ArrayLike, metric: str = "edge_backward") -> list[FloatArray]:
        """Scores of all edges on samples; `kan_np.objective.edge_scores` has the formulas.

        Parameters
        ----------
        x : array_like of shape (n_samples, n_in)
            As ``model(x)`` takes them.
        metric : str
            One of pykan's names. With the spreads E_lij of edge (i, j) of layer l and N_li of node i:
            "edge_forward_spline_n" and "edge_forward_sum", E_lij / (N_li + 0.1); "edge_forward_spline_u",
            E_lij; "edge_backward", B_lij, the part of the edge in the variation of the outputs;
            "node_backward", what every input contributes to every node of the layer above.

        Returns
        -------
        list of ndarray of shape (n_in, n_subnodes)
            One array a layer, indexed by source and target. For "node_backward" the source is always an
            input of the network: (n_inputs, n_nodes).

        Raises
        ------
        ValueError
            For an unknown metric, for samples that ``model(x)`` refuses, and where values on them overflow.

        Examples
        --------
        >>> import numpy as np
        >>> from kan_np import KAN
        >>> x = np.random.default_rng(0).uniform(-1, 1, (100, 2))
        >>> [scores.shape for scores in KAN([2, 5, 1], seed=0).edge_scores(x)]
        [(2, 5), (5, 1)]

        References
        ----------
        arXiv:2404.19756, section 2.5.1 (forward); arXiv:2408.10205, section 4.1 (backward).
        """
        _validate.choice("metric", metric, METRICS)
        return attribution.edge_scores(self._network, self._samples(x), metric)

    def node_scores(self, x: ArrayLike) -> list[FloatArray]:
        """Backward scores A of all nodes on samples (arXiv:2408.10205, section 4.1).

        Parameters
        ----------
        x : array_like of shape (n_samples, n_in)
            As ``model(x)`` takes them.

        Returns
        -------
        list of ndarray of shape (n_l,)
            One array a layer of nodes: inputs first, and 1 / n_out for each output last.

        Raises
        ------
        ValueError
            As `edge_scores`.

        Examples
        --------
        >>> import numpy as np
        >>> from kan_np import KAN
        >>> x = np.random.default_rng(0).uniform(-1, 1, (100, 2))
        >>> [scores.shape for scores in KAN([2, 5, 1], seed=0).node_scores(x)]
        [(2,), (5,), (1,)]
        """
        return attribution.node_scores(self._network, self._samples(x))

    def feature_score(self, x: ArrayLike) -> FloatArray:
        """Backward scores A_0 of the inputs: what each contributes to the variation of the outputs.

        They are those of `node_scores`, pykan's, unless edges cancel each other or inputs depend on each
        other, as the 0/1 columns of classes do: see `kan_np.surgery.attribution.feature_score`. The columns
        "c=class" of a column c of `classes` are scored together, as one input, and divide its score among
        them: their sum does not depend on how the classes were coded.

        Parameters
        ----------
        x : array_like of shape (n_samples, n_in)
            As ``model(x)`` takes them.

        Returns
        -------
        ndarray of shape (n_in,)

        Raises
        ------
        ValueError
            As `edge_scores`.

        Examples
        --------
        >>> import numpy as np
        >>> from kan_np import KAN, create_dataset
        >>> f = lambda x: x[:, [0]] ** 2 + 0.1 * x[:, [1]]
        >>> dataset = create_dataset(f, n_var=2, train_num=200, seed=0)
        >>> model = KAN([2, 1], seed=0)
        >>> result = model.fit(dataset, steps=10)
        >>> first, second = model.feature_score(dataset["train_input"])
        >>> bool(first > 3 * second)
        True
        """
        return attribution.feature_score(self._network, self._samples(x), self._columns.class_groups())

    def prune(self, x: ArrayLike | None = None, node_th: float = 1e-2, edge_th: float = 3e-2) -> Self:
        """Return a model without weak hidden nodes and without the weak ones of the remaining edges.

        Every edge that is left out is replaced by its mean over the samples, so that the loss does not jump;
        `kan_np.surgery.pruning` has the rules.

        Parameters
        ----------
        x : array_like of shape (n_samples, n_in), optional
            Samples on which the scores are taken, such as ``dataset["train_input"]``. If not given, 1000
            samples spread over the grids of the inputs, which follow the samples of the last fit.
        node_th, edge_th : float
            Thresholds of `prune_node` and `prune_edge`.

        Returns
        -------
        KAN

        Raises
        ------
        ValueError
            If an output would be left without a path from an input, and for samples that ``model(x)``
            refuses.

        Examples
        --------
        >>> from kan_np import KAN, create_dataset
        >>> dataset = create_dataset(lambda x: x[:, [0]] ** 2 + x[:, [1]], n_var=2, train_num=200, seed=0)
        >>> model = KAN([2, 5, 1], seed=0)
        >>> result = model.fit(dataset, steps=20, lamb=0.01)
        >>> model.prune(dataset["train_input"]).n_params < model.n_params
        True
        """
        edge_th = _validate.real("edge_th", edge_th)
        node_th = _validate.real("node_th", node_th)
        return self._with(pruning.prune(self._network, self._samples_or_spread(x), node_th, edge_th))

    def prune_node(
        self,
        threshold: float = 1e-2,
        active: Sequence[Sequence[int]] | None = None,
        x: ArrayLike | None = None,
    ) -> Self:
        """Return a model of the hidden nodes with a score above the threshold, or of those that are named.

        Edges from weak nodes leave their means behind; those from nodes that are not named are set to zero.

        Parameters
        ----------
        threshold : float
            For `node_scores`.
        active : sequence of sequences of int, optional
            Nodes to keep, one sequence a hidden layer; then scores and threshold do not matter.
        x : array_like of shape (n_samples, n_in), optional
            As for `prune`.

        Returns
        -------
        KAN

        Raises
        ------
        ValueError, TypeError
            As `prune`, and for nodes that there are not.

        Examples
        --------
        >>> from kan_np import KAN
        >>> KAN([2, 5, 1], seed=0).prune_node(active=[[0, 3]])
        KAN([2, 2, 1], grid=5, k=3, n_params=54)
        """
        if active is not None:
            return self._with(pruning.keep_nodes(self._network, active))
        threshold = _validate.real("threshold", threshold)
        return self._with(pruning.prune_node(self._network, self._samples_or_spread(x), threshold))

    def prune_edge(self, threshold: float = 3e-2, x: ArrayLike | None = None) -> Self:
        """Return a model of the edges with a score above the threshold; the others leave their means behind.

        Parameters
        ----------
        threshold : float
            For `edge_scores` with "edge_backward".
        x : array_like of shape (n_samples, n_in), optional
            As for `prune`.

        Returns
        -------
        KAN

        Raises
        ------
        ValueError
            As `prune`.
        """
        threshold = _validate.real("threshold", threshold)
        return self._with(pruning.prune_edge(self._network, self._samples_or_spread(x), threshold))

    def prune_input(
        self,
        threshold: float = 1e-2,
        active: Sequence[int] | None = None,
        x: ArrayLike | None = None,
    ) -> Self:
        """Return a model of the inputs with a score above the threshold, or of those that are named.

        It takes all columns of the data, of which it uses ``input_id``, or these columns alone. Edges from
        weak inputs leave their means behind; those from inputs that are not named are set to zero.

        Parameters
        ----------
        threshold : float
            For `feature_score`.
        active : sequence of int, optional
            Inputs of the model to keep, counted from 0, in any order: they stay in the order of the data.
        x : array_like of shape (n_samples, n_in), optional
            As for `prune`.

        Returns
        -------
        KAN

        Raises
        ------
        ValueError, TypeError
            As `prune`, and for inputs that there are not.

        Examples
        --------
        >>> import numpy as np
        >>> from kan_np import KAN
        >>> smaller = KAN([3, 2, 1], seed=0).prune_input(active=[0, 2])
        >>> smaller.width, smaller.input_id.tolist()
        ([2, 2, 1], [0, 2])
        >>> x = np.random.default_rng(0).uniform(-1, 1, (5, 3))
        >>> bool((smaller(x) == smaller(x[:, [0, 2]])).all())
        True
        """
        if active is not None:
            fewer = pruning.keep_inputs(self._network, active)
        else:
            threshold = _validate.real("threshold", threshold)
            fewer = pruning.prune_input(self._network, self._samples_or_spread(x), threshold)
        model, inputs = self._with(fewer.network), fewer.inputs
        model._used[self._used] = inputs
        model._columns = self._columns.of_inputs(inputs)
        if self._training_range is not None:
            model._training_range = self._training_range[:, inputs]
        if self._followed is not None:
            model._followed = self._followed[:, inputs]
        if self.scaler is not None:
            model.scaler = self.scaler.of_inputs(inputs)
        return model

    def remove_edge(self, l: int, i: int, j: int) -> Self:  # noqa: E741
        """Return a model without the edge from node i of layer l to subnode j of the next: as if it were 0.

        Parameters
        ----------
        l, i, j : int
            Layer, source and subnode, counted from 0.

        Returns
        -------
        KAN

        Raises
        ------
        ValueError, TypeError
            If there is no such edge, or if an output would be left without a path from an input.
        """
        return self._with(pruning.remove_edge(self._network, l, i, j))

    def remove_node(self, l: int, i: int) -> Self:  # noqa: E741
        """Return a model without the hidden node i of layer l of nodes, sum or product, as if it were zero.

        Parameters
        ----------
        l, i : int
            Layer of nodes, 0 being the inputs, and node, counted from 0.

        Returns
        -------
        KAN

        Raises
        ------
        ValueError, TypeError
            If there is no such hidden node, or if an output would be left without a path from an input.
        """
        return self._with(pruning.remove_node(self._network, l, i))

    # ---------------------------------------------------------------- symbols and formulas

    def fix_symbolic(
        self,
        l: int,  # noqa: E741
        i: int,
        j: int,
        symbol: str | Symbol,
        *,
        x: ArrayLike | None = None,
        fit: bool = True,
        a: float | None = None,
        b: float | None = None,
        c: float | None = None,
        d: float | None = None,
        library: SymbolLibrary | None = None,
    ) -> SymbolFit:
        """Make the edge from node i of layer l to subnode j of the next a symbol: c f(a x + b) + d.

        The constants are trained on with the rest of the model. Edges that are locked with this one become
        the same symbol. ``"0"`` cuts an edge down to a constant.

        Parameters
        ----------
        l, i, j : int
            Layer, source and subnode, counted from 0.
        symbol : str or Symbol
            f, by its name in the library.
        x : array_like of shape (n_samples, n_in), optional
            Samples; where they reach the edge, the symbol is fitted to it. If not given, it is fitted over
            the grid of the edge.
        fit : bool
            Whether to fit the constants; else they are those given.
        a, b, c, d : float, optional
            For ``fit=False``: 1, 0, 1, 0 if not given.
        library : SymbolLibrary, optional
            Where a name is looked up; `kan_np.symbolic.default_library` if None.

        Returns
        -------
        SymbolFit
            The constants, and how well they fit the edge as it was.

        Raises
        ------
        ValueError, TypeError
            If there is no such edge or symbol, for constants with ``fit=True``, and where the edge is not
            finite on the samples. The model is then unchanged.

        Examples
        --------
        >>> from kan_np import KAN
        >>> model = KAN([2, 1], seed=0)
        >>> fitted = model.fix_symbolic(0, 0, 0, "sin", fit=False, a=2.0)
        >>> model.fix_symbolic(0, 1, 0, "x").name
        'x'
        >>> {edge: symbol.name for edge, symbol in model.symbols.items()}, model.n_params
        ({(0, 0, 0): 'sin', (0, 1, 0): 'x'}, 6)
        """
        edge = checked_edge(self.edges, (l, i, j))
        if not isinstance(symbol, Symbol):
            symbol = checked_library(library)[symbol]
        constants = zip(CONSTANTS, (a, b, c, d), strict=True)
        given = {name: _validate.real(name, value) for name, value in constants if value is not None}
        if fit and given:
            raise ValueError(
                f"{', '.join(given)} given with fit=True; expected constants only with fit=False. Without "
                "them the constants are fitted to the edge."
            )
        samples = None if x is None else self._samples(x)
        fixed = symbolic_edges.fix_symbolic(self._network, edge, symbol, samples, None if fit else given)
        self._network = fixed.network
        return fixed.fit

    def unfix_symbolic(self, l: int, i: int, j: int) -> None:  # noqa: E741
        """Make a symbolic edge the spline that is nearest to it on its grid, by least squares.

        Edges that are locked with it become the same spline, on a common grid.

        Parameters
        ----------
        l, i, j : int
            Layer, source and subnode, counted from 0.

        Raises
        ------
        ValueError, TypeError
            If there is no such edge, or it is no symbol.

        Examples
        --------
        >>> from kan_np import KAN
        >>> model = KAN([1, 1], grid=10, seed=0)
        >>> fitted = model.fix_symbolic(0, 0, 0, "sin", fit=False)
        >>> before = model([[0.5]])
        >>> model.unfix_symbolic(0, 0, 0)
        >>> bool(abs(model([[0.5]]) - before) < 1e-6), model.symbols
        (True, {})
        """
        edge = checked_edge(self.edges, (l, i, j))
        self._network = symbolic_edges.unfix_symbolic(self._network, edge)

    def suggest_symbolic(
        self,
        l: int,  # noqa: E741
        i: int,
        j: int,
        x: ArrayLike | None = None,
        *,
        lib: Sequence[str] | None = None,
        library: SymbolLibrary | None = None,
        top: int = 5,
        noise: float | None = None,
        compose: bool = False,
    ) -> list[SymbolFit]:
        """Which symbols the edge from node i of layer l to subnode j of the next may be, best first.

        Parameters
        ----------
        l, i, j : int
            Layer, source and subnode, counted from 0.
        x : array_like of shape (n_samples, n_in), optional
            Samples, such as ``dataset["train_input"]``; spread over the grids of the inputs if None.
        lib : sequence of str, optional
            Names to try; all of the library if None.
        library : SymbolLibrary, optional
            `kan_np.symbolic.default_library` if None.
        top : int
            How many to return.
        noise : float, optional
            Error of the outputs below which differences mean nothing, such as the RMSE of the model; in the
            units of the data.
        compose : bool
            Where no symbol fits, offer sums and products of a few functions as well, such as x^3 - x.

        Returns
        -------
        list of SymbolFit
            As `kan_np.symbolic.suggest_symbolic` ranks them, samples being weighted as for `auto_symbolic`.

        Raises
        ------
        ValueError, TypeError
            If there is no such edge, for unknown names, and samples that ``model(x)`` refuses.

        Examples
        --------
        >>> from kan_np import KAN
        >>> model = KAN([2, 1], seed=0)
        >>> _ = model.fix_symbolic(0, 0, 0, "tanh", fit=False, a=2.0)
        >>> model.suggest_symbolic(0, 0, 0, lib=["x", "tanh", "sin"], top=1)[0].name
        'tanh'
        """
        edge = checked_edge(self.edges, (l, i, j))
        samples = self._samples_or_spread(x)
        noise = None if noise is None else _validate.real("noise", noise, 0.0)
        if noise is not None and self.scaler is not None:
            noise /= float(np.sqrt(np.mean(np.square(self.scaler.label_scale))))
        return auto_symbolic.suggest_edge(
            self._network, edge, samples, lib=lib, library=library, top=top, noise=noise, compose=compose
        )

    def auto_symbolic(
        self,
        x: ArrayLike | None = None,
        y: ArrayLike | None = None,
        *,
        lib: Sequence[str] | None = None,
        library: SymbolLibrary | None = None,
        edges: Sequence[EdgeIndex] | None = None,
        min_r2: float = 0.99,
        steps: int = 10,
        max_seconds: float | None = None,
        progress: bool = False,
        compose: bool = False,
    ) -> AutoSymbolic:
        """Make symbols of the edges that symbols fit, in place, the surest first; the others stay splines.

        Parameters
        ----------
        x : array_like of shape (n_samples, n_in), optional
            Samples, such as ``dataset["train_input"]``; spread over the grids of the inputs if None.
        y : array_like of shape (n_samples, n_out), optional
            Labels. With them the error of the model says what differences between symbols mean, the model is
            trained for some steps after each symbol, and a symbol that leaves ten times the error of the
            splines is taken back.
        lib : sequence of str, optional
            Names to try; all of the library if None.
        library : SymbolLibrary, optional
            `kan_np.symbolic.default_library` if None.
        edges : sequence of (l, i, j), optional
            Edges to look at; all splines if None.
        min_r2 : float
            Least part of the variance of an edge that a symbol must explain.
        steps : int
            Steps of Levenberg-Marquardt after each symbol, with labels.
        max_seconds : float, optional
            Limit of wall-clock time: edges that are no symbols by then stay splines.
        progress : bool
            Show a bar on a terminal.
        compose : bool
            Whether an edge that no symbol fits may be a sum or product of a few functions, such as x^3 - x or
            x exp(-x) (`kan_np.symbolic.small_formulas`).

        Returns
        -------
        AutoSymbolic
            The fit of every edge that became a symbol, by (l, i, j), `splines` that stay, and `rmse`.

        Raises
        ------
        ValueError, TypeError
            For unknown names or edges, and samples that ``model(x)`` refuses.

        Examples
        --------
        >>> import numpy as np
        >>> from kan_np import KAN, create_dataset
        >>> f = lambda x: np.sin(3 * x[:, [0]]) + x[:, [1]] ** 2
        >>> dataset = create_dataset(f, n_var=2, train_num=300, seed=0)
        >>> x, y = dataset["train_input"], dataset["train_label"]
        >>> model = KAN([2, 1], grid=8, seed=0)
        >>> _ = model.fit(dataset, opt="LM", steps=20)
        >>> found = model.auto_symbolic(x, y, lib=["x", "x^2", "sin"])
        >>> [found[edge].name for edge in sorted(found)], found.splines
        (['sin', 'x^2'], ())
        """
        min_r2 = _validate.real("min_r2", min_r2)
        steps = _validate.integer("steps", steps, 0)
        samples = self._samples_or_spread(x)
        labels = self._labels(y, len(samples))
        library = checked_library(library)
        if lib is not None:
            library = SymbolLibrary(library.select(lib))
        error = 0.0 if labels is None else self._rmse(samples, labels)
        unit = None if self.scaler is None else self.scaler.label_scale
        limit = deadline(max_seconds)
        n_edges = self._network.topology.n_edges if edges is None else None
        with progress_bar("symbols of edges", n_edges, progress) as show:
            symbolic = auto_symbolic.auto_symbolic(
                self._network,
                samples,
                labels,
                library,
                error=error,
                edges=edges,
                min_r2=min_r2,
                steps=steps,
                unit=unit,
                deadline=limit,
                show=show,
                compose=compose,
            )
        self._network = symbolic.network
        return symbolic.found

    def symbolic_formula(
        self,
        var: Sequence[Any] | None = None,
        normalizer: Sequence[ArrayLike] | None = None,
        digits: int | None = None,
        x: ArrayLike | None = None,
        y: ArrayLike | None = None,
        *,
        output_normalizer: Sequence[ArrayLike] | None = None,
        exact: bool = True,
        written_out: bool = False,
        max_seconds: float | None = None,
        progress: bool = False,
    ) -> Formula:
        """Write the model as a formula in the units of the data, simplified, its constants recognised.

        Constants become integers, fractions and multiples of pi, e and roots only where the labels `y`, or
        the outputs of the model without such, cannot tell the difference; see
        `kan_np.surgery.formula.symbolic_formula`. Edges that are no symbols stay functions without a
        formula; but w x of "linear" ones is written.

        Parameters
        ----------
        var : sequence of str or sympy.Expr, optional
            Names of the columns of the data, no two alike. Any text is a name: what is no word, or means a
            function or a number, is written in quotes (`kan_np.functions.names`). If None they are symbols
            made of `feature_names`, "t" of "t / h", with a ``legend``; or x_1, x_2, ... without such.
        normalizer : (mean, std), optional
            What the network's input i is: (x_i - mean_i) / std_i. The scaler of the model if None.
        digits : int, optional
            Significant digits of the numbers that stay decimal.
        x : array_like of shape (n_samples, n_in), optional
            Samples, as ``model(x)`` takes them; spread over its grids if None.
        y : array_like of shape (n_samples, n_out), optional
            Labels.
        output_normalizer : (mean, std), optional
            Of the outputs, as `normalizer`.
        exact : bool
            Whether constants are recognised.
        written_out : bool
            Whether edges of other families than B-splines are written out where they have a formula, such as
            a polynomial; then nothing is simplified or recognised.
        max_seconds : float, optional
            Limit of wall-clock time: the formula is then as simple as it could be made until there, and a
            warning says so. Long formulas take minutes, some never end.
        progress : bool
            Show on a terminal what is done.

        Returns
        -------
        Formula

        Raises
        ------
        ValueError, TypeError
            For names, normalizers or samples that do not fit the model, labels without samples, and where
            the formula or the model is not finite on the samples.

        Examples
        --------
        >>> from kan_np import KAN
        >>> model = KAN([1, 1, 1], seed=0)
        >>> _ = model.fix_symbolic(0, 0, 0, "log", fit=False, b=2.0)
        >>> _ = model.fix_symbolic(1, 0, 0, "exp", fit=False, a=2.0)
        >>> model.symbolic_formula(var=["t"]).expressions
        [(t + 2)**2]
        """
        digits = None if digits is None else _validate.integer("digits", digits, 1)
        names = formula.variable_names(var, self._used.size)
        samples = self._samples_or_spread(x)
        labels = self._labels(y, len(samples))
        units = self._units(normalizer, output_normalizer)
        limit = deadline(max_seconds)
        with progress_bar("formula", self.width[-1] if self.width[-1] > 1 else None, progress) as show:
            found = formula.symbolic_formula(
                self._network,
                names,
                units,
                samples,
                labels,
                digits=digits,
                exact=exact,
                written_out=written_out,
                deadline=limit,
                show=show,
            )
        if var is not None or self.feature_names is None:
            return found
        columns = [f"x_{i + 1}" for i in range(self._used.size)]  # where they are no inputs
        for i, name in zip(self.input_id, self.feature_names, strict=True):
            columns[i] = name
        return found.named(columns)

    # ---------------------------------------------------------------- pictures and predictions

    def plot(self, x: ArrayLike | None = None, **options: Any) -> Figure:
        """Draw the network with the function of every edge over samples x, as ``model(x)`` takes them.

        `options` are those of `kan_np.plot.plot_network`: metric, beta, in_vars, out_vars, title, threshold,
        indices, figsize.
        """
        from kan_np.plot import plot_network

        return plot_network(self._network, None if x is None else self._samples(x), **options)

    def plot_edge(self, l: int, i: int, j: int, x: ArrayLike | None = None, **options: Any) -> Figure:  # noqa: E741
        """Draw the function of the edge from node i of layer l to node j, with the samples x that reach it.

        The axis of an input is in the units of the data, values of hidden nodes and edges in the network's.

        `options` are those of `kan_np.plot.plot_edge`: symbol, in_vars, figsize.
        """
        from kan_np.plot import plot_edge

        samples = None if x is None else self._samples(x)
        return plot_edge(self._network, l, i, j, samples, scaler=self.scaler, **options)

    def draw_graph(
        self,
        x: ArrayLike,
        output: int = 0,
        *,
        in_vars: Sequence[Any] | None = None,
        out_vars: Sequence[Any] | None = None,
    ) -> ComputationalGraph:
        """Draw the computational graph of one prediction, with all its values and gradients.

        From the inputs to the outputs it has every edge, sum and product (and, where there are scales and
        biases, what they make of a sum); each with its value at the sample and the derivative of the output
        by it. Inputs and the outputs are in the units of the data, what is between in the network's.

        Parameters
        ----------
        x : array_like of shape (n_in,) or (1, n_in)
            One sample, as ``model(x)`` takes it.
        output : int
            The output that is differentiated, from 0.
        in_vars, out_vars : sequence of str or SymPy expressions, optional
            Names of inputs and outputs; x_1, x_2, ... and y if not given.

        Returns
        -------
        ComputationalGraph
            It shows itself in a notebook; ``.save("graph.svg")`` writes it, by Graphviz where the package
            graphviz and its program are installed, otherwise by matplotlib; ``.figure()`` is a matplotlib
            Figure; ``.vertices`` and ``.arrows`` are the graph itself.

        Raises
        ------
        ValueError
            For more than one sample, samples that ``model(x)`` refuses, and networks with more than 600 edges
            and sums.

        Examples
        --------
        >>> import numpy as np
        >>> from kan_np import KAN
        >>> model, x = KAN([2, 2, 1], seed=0), np.array([[0.25, 0.75]])
        >>> graph = model.draw_graph(x)
        >>> bool(np.isclose(graph["sum_2_0"].value, model(x)[0, 0])), graph["sum_2_0"].gradient
        (True, 1.0)
        >>> bool(np.isclose(graph["x_1"].gradient, model.input_jacobian(x)[0, 0, 0]))
        True
        """
        from kan_np.plot.graph import draw_graph

        row = np.asarray(x)
        sample = self._samples(row[None, :] if row.ndim == 1 else x)
        if len(sample) != 1:
            raise ValueError(f"x has {len(sample)} rows; expected one sample: model.draw_graph(x[0]).")
        self._network.check_inputs(sample)
        return draw_graph(self._network, self._within(sample)[0], output, in_vars, out_vars, self.scaler)

    @overload
    def predict(
        self, x: ArrayLike, batch_size: int = ..., *, return_std: Literal[False] = ..., interval: None = ...
    ) -> FloatArray: ...

    @overload
    def predict(
        self, x: ArrayLike, batch_size: int = ..., *, return_std: bool = ..., interval: float | None = ...
    ) -> tuple[FloatArray, ...]: ...

    def predict(
        self,
        x: ArrayLike,
        batch_size: int = 65536,
        *,
        return_std: bool = False,
        interval: float | None = None,
    ) -> FloatArray | tuple[FloatArray, ...]:
        """Predictions in the units of the data, and after `calibrate` how far they may be off.

        See `Estimator.predict`. Of a model with pruned inputs, given all columns of the data, the used ones
        are in memory as a whole.

        Parameters
        ----------
        x : array_like of shape (n_samples, n_in), or table
        batch_size : int
            Rows at a time.
        return_std : bool
            Also return the standard deviation of a new label, noise included.
        interval : float, optional
            A level such as 0.9: also return the ends of intervals that hold so many of new labels.

        Returns
        -------
        ndarray of shape (n_samples, n_out), or tuple of such
            The prediction; with `return_std` followed by the standard deviation, with `interval` by the lower
            and the upper end.

        Raises
        ------
        ValueError
            As ``model(x)``; for error bars of a model that was not calibrated, or was changed since.

        Examples
        --------
        >>> from kan_np import KAN, create_dataset
        >>> dataset = create_dataset(lambda x: x[:, [0]] ** 2, n_var=1, train_num=60, seed=0)
        >>> model = KAN([1, 1], grid=3, seed=0)
        >>> result = model.fit(dataset, "LM")
        >>> bars = model.calibrate(dataset)
        >>> y, low, high = model.predict([[0.5]], interval=0.9)
        >>> bool(low < y < high)
        True
        """
        x = self._select("x", x)
        y = super().predict(x, batch_size)
        if not return_std and interval is None:
            return y
        return prediction.with_error_bars(self, x, y, return_std, interval, batch_size)

    def calibrate(
        self,
        dataset: Dataset,
        method: str = "laplace",
        *,
        members: int = 5,
        folds: int = 10,
        refit: Refit | None = None,
        seed: int = 0,
    ) -> ErrorBars:
        """Learn from the data of the fit how far predictions may be off; then `predict` can say it.

        Parameters
        ----------
        dataset : dict
            The dataset of the fit, or its samples in the units of the data.
        method : {"laplace", "conformal", "jackknife+", "ensemble"}
            "laplace": parameters are normally distributed around the fitted ones; at once, from the training
            samples alone. It assumes normally distributed noise of one size and that the model can represent
            the truth. "conformal": the residuals of ``val_input`` and ``val_label``, which the fit must not
            have used, say how wide intervals are, "laplace" where they are wider and narrower. It assumes
            only that new rows are drawn as those were: use it if there are rows to spare. "jackknife+": the
            same by `folds` further fits, each to all rows but those of one fold: for small tables.
            "ensemble": `members` further fits from other random starts; where they disagree the model is
            uncertain, and noise is of one size. Outside the training range all of them widen
            (`kan_np.uncertainty.outside`).
        members : int
            Of "ensemble".
        folds : int
            Of "jackknife+"; as many as there are rows is the jackknife+ proper.
        refit : callable, optional
            (dataset, seed) -> fitted model, for "jackknife+" and "ensemble". By default the fit that made the
            model is repeated; a model that was trained in several steps needs this function.
        seed : int
            Of the folds, and of the starts of the members.

        Returns
        -------
        ErrorBars
            Also the attribute `error_bars`; it is saved with the model. It holds for the model as it is: one
            that is trained further or changed has to be calibrated again.

        Raises
        ------
        ValueError, TypeError
            For options and data that cannot be used: another dataset than that of the fit, no held-out rows
            for "conformal", too many parameters (3000) for "laplace".

        Notes
        -----
        Sample weights count as one over the variance of the noise; a new row has the mean weight. The
        conformal methods count all rows with a weight above 0 alike.

        Examples
        --------
        >>> import numpy as np
        >>> from kan_np import KAN, dataset_from_arrays, split_validation
        >>> rng = np.random.default_rng(0)
        >>> x = rng.uniform(-1, 1, (200, 1))
        >>> dataset = split_validation(dataset_from_arrays(x, x**2 + rng.normal(0, 0.1, (200, 1)), seed=0))
        >>> model = KAN([1, 1], grid=3, seed=0)
        >>> result = model.fit(dataset, "LM")
        >>> bars = model.calibrate(dataset, method="conformal")
        >>> y, std = model.predict([[0.5]], return_std=True)
        >>> bool(0.05 < std < 0.2)
        True
        """
        options: dict[str, Any] = {"members": members, "folds": folds, "refit": refit, "seed": seed}
        self._error_bars = calibration.calibrated(self, dataset, method, **options)
        return self._error_bars

    @property
    def error_bars(self) -> ErrorBars | None:
        """What the last `calibrate` found; None without one. A model that is changed needs another."""
        return self._error_bars

    def sample_predictions(
        self, x: ArrayLike, n: int = 10, seed: int | np.random.Generator = 0
    ) -> FloatArray:
        """Functions that the data allow, at the rows of x: for the error of what is computed of predictions.

        Each is drawn as a whole, so that a difference, a slope or an integral of predictions can be computed
        of every one of them; noise is not included. After `calibrate` with "laplace" (normally distributed
        parameters, the model being linear in them) or "ensemble" (one of its fits).

        Parameters
        ----------
        x : array_like of shape (n_samples, n_in), or table
        n : int
            Number of functions.
        seed : int or numpy.random.Generator

        Returns
        -------
        ndarray of shape (n, n_samples, n_out)
            In the units of the data.

        Raises
        ------
        ValueError
            As `predict`, and after `calibrate` by a method that knows intervals only.

        Examples
        --------
        >>> from kan_np import KAN, create_dataset
        >>> dataset = create_dataset(lambda x: x[:, [0]] ** 2, n_var=1, train_num=60, seed=0)
        >>> model = KAN([1, 1], grid=3, seed=0)
        >>> result = model.fit(dataset, "LM")
        >>> bars = model.calibrate(dataset)
        >>> model.sample_predictions([[0.0], [1.0]], n=5).shape
        (5, 2, 1)
        """
        return prediction.drawn(self, x, n, seed)

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
            dataset["scaler"] = scaler.of_inputs(self._used)
        return super()._matched(dataset)

    # ---------------------------------------------------------------- what training and files ask for

    def _reshape(self, network: Network) -> None:
        """Take a network of another structure; a model that was not trained stays one that was not."""
        if self._network is self._start:
            self._start = network
        self._network = network

    def _within(self, x: FloatArray) -> FloatArray:
        """Inputs where edges are followed; a model with symbols, which say how they go on, takes them all."""
        return x if self.symbols else super()._within(x)

    def _select(self, name: str, x: ArrayLike) -> ArrayLike:
        """The columns of x that are inputs, by their names or of all columns of the data or these alone."""
        x = super()._select(name, x)
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

    def _samples_or_spread(self, x: ArrayLike | None) -> FloatArray:
        """Samples as the network takes them; for None some that are spread over the grids of the inputs."""
        return attribution.default_samples(self._network) if x is None else self._samples(x)

    def _labels(self, y: ArrayLike | None, n_samples: int) -> FloatArray | None:
        """Labels of so many samples, in the units of the data, as the network gives them; None if None."""
        if y is None:
            return None
        labels = _validate.matrix("y", y, self.width[-1])
        if self.scaler is not None:
            labels = self.scaler.scale_label(labels)
        if labels.shape[0] != n_samples:
            raise ValueError(
                f"y has {labels.shape[0]} rows and x {n_samples}; expected as many, x being given with y."
            )
        return labels

    def _with(self, network: Network) -> Self:
        """A copy of this model, with another network."""
        model = self.copy()
        model._network = network
        return model

    def _units(
        self, normalizer: Sequence[ArrayLike] | None, output_normalizer: Sequence[ArrayLike] | None
    ) -> formula.Units:
        """What had been done to inputs and outputs: as it is said, or by the scaler of the model."""
        n_in, n_out, scaler = self.width[0], self.width[-1], self.scaler
        inputs, outputs = (np.zeros(n_in), np.ones(n_in)), (np.zeros(n_out), np.ones(n_out))
        if normalizer is not None:
            shift, scale = formula.checked_normalizer("normalizer", normalizer, self._used.size)
            inputs = shift[self._used], scale[self._used]
        elif scaler is not None:
            inputs, outputs = (
                (scaler.input_shift, scaler.input_scale),
                (scaler.label_shift, scaler.label_scale),
            )
        if output_normalizer is not None:
            outputs = formula.checked_normalizer("output_normalizer", output_normalizer, n_out)
        return formula.Units(self._used, *inputs, *outputs)

    @property
    def _goes_on_smoothly(self) -> bool:
        return self.extrapolation == "smooth"

    @property
    def _knots_follow_samples(self) -> bool:
        return self.grid_eps <= 0.5

    @property
    def _n_straight(self) -> int:
        n_edges = self._network.topology.n_edges
        return self.n_params - n_edges * max(self.grid + self.k - 2, 0)

    def _anew(self, seed: int) -> Self:
        start, config = self._start, self._config()
        config.pop("families", None)
        arguments = config | {"grid": start.table.knots.shape[1] - 1} | (self._arguments or {})
        fresh = type(self)(**arguments, seed=seed)
        own = fresh._network
        if self._arguments is None or own.structure.outline != start.structure.outline:
            raise ValueError(
                "the model was changed before its fit, so that no other start can be drawn for it; pass "
                "refit=, a function of a dataset and a seed that makes and fits such a model."
            )
        fresh._network = fresh._start = start.with_theta(own.theta)
        fresh._used, fresh.scaler = self._used, self.scaler
        return fresh

    def _prior(self, x: FloatArray, weight: FloatArray | None, label_variance: float) -> SplinePrior:
        return SplinePrior(self._network, label_variance)

    def _constant_network(self, values: FloatArray) -> Network | None:
        net = self._network
        return constant_network(net, values) if net.structure.is_free_sum else None

    def _move_grid(self, x: FloatArray, slack: float = 0.0) -> None:
        self._network = moved(self._network, x, self.grid_eps, self.grid_margin, slack)

    def _scale_grid(self, scaler: Scaler) -> None:
        """Bring grids of the inputs that were given in the units of the data to the network's numbers.

        Those that nobody gave begin at (-1, 1) of its numbers.
        """
        net = self._network
        if net is not self._start or any(layer == 0 for layer, _, _ in net.families):
            return
        first = net.knots[0]
        given = (first[:, [0, -1]] != (-1.0, 1.0)).any(axis=1)
        moved = (first - scaler.input_shift[:, None]) / scaler.input_scale[:, None]
        if given.any():
            knots = [np.where(given[:, None], moved, first), *net.knots[1:]]
            self._network = self._start = net.with_splines(net.coef, net.scale_base, knots)

    def _objective(
        self,
        x: FloatArray,
        y: FloatArray,
        penalty: Penalty,
        weight: FloatArray | None = None,
        smoothing: float | str = 0.0,
        loss: Loss | None = None,
    ) -> SampledObjective:
        return network_objective(
            self._network, x, y, penalty, weight, smoothing, loss=self._loss if loss is None else loss
        )

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
