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
from kan_np._validate import FloatArray
from kan_np.archive import Declared
from kan_np.data.check import Dataset
from kan_np.data.columns import in_order, without_tables
from kan_np.data.scaler import Scaler
from kan_np.edges.bspline import EXTRAPOLATIONS, MAX_ORDER, SplineTable
from kan_np.edges.choice import chosen_families, option_names
from kan_np.edges.family import BSPLINE
from kan_np.edges.knots import uniform_knots
from kan_np.edges.symbol import SymbolicEdge
from kan_np.inspection import (
    activations,
    connections,
    evaluation,
    loss_landscape,
    pictures,
    scores,
)
from kan_np.inspection import attribution as attributions
from kan_np.methods import (
    anchors,
    calibration,
    formulas,
    grids,
    modes,
    parameters,
    pruning,
    size,
    starts,
    symbolic,
)
from kan_np.methods import history as versions
from kan_np.network.basis_state import basis_config, checked_families
from kan_np.network.edge_index import EdgeIndex
from kan_np.network.grid_update import moved
from kan_np.network.initialization import STARTS, grid_ranges, random_parameters
from kan_np.network.kernel_arrays import BASE_FUNCTIONS
from kan_np.network.network import Network
from kan_np.network.state import check_arrays, check_config, network_arrays, restored_network
from kan_np.network.structure import BASE, BASIS, SPLINE, Affine
from kan_np.network.width import Shape
from kan_np.objective.loss import Loss
from kan_np.objective.loss_fn import chosen_loss
from kan_np.objective.network_objective import network_objective
from kan_np.objective.objective import SampledObjective
from kan_np.objective.shrinkage import SplinePrior, constant_network
from kan_np.objective.smoothing import check_smoothing
from kan_np.objective.sparsity_penalty import Penalty, scheduled_penalties
from kan_np.optimize.first_order import StepOptions
from kan_np.optimize.status import FitResult
from kan_np.surgery import attribution, edge_families, edge_function, frozen_parameters
from kan_np.surgery.edge_function import EdgeFunction
from kan_np.training.anchor import Anchor
from kan_np.training.estimator import Estimator
from kan_np.training.fit import Callback, FitOptions, fit_checked
from kan_np.training.metrics import checked_metrics
from kan_np.uncertainty import prediction
from kan_np.uncertainty.bars import ErrorBars

if TYPE_CHECKING:
    pass


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
    sparse_init : bool
        Whether to start with few edges, those between the nearest nodes of neighbouring layers
        (`kan_np.network.sparse_start`); the others are as if they had been pruned.
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
    _history: versions.History | None = None
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
        sparse_init: bool = False,
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
            "sparse_init": sparse_init,
        }
        for name, switch in switches.items():
            if not isinstance(switch, bool):
                raise TypeError(f"{name} is {_validate.shown(switch)}; expected True or False.")
        ranges = grid_ranges(grid_range, shape.width[0], sum(shape.width[:-1]))
        knots = uniform_knots(ranges[:, 0], ranges[:, 1], grid)
        rng = _validate.generator("seed", seed)
        theta = random_parameters(init, shape.fan_in, grid, k, int(base_fun != "zero"), scales, rng)
        table = SplineTable.build(knots, k, extrapolation)
        net = shape.network(table, base_fun, theta, affine_trainable, sparse_init)
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

    @versions.recorded
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
        loss_fn: Callable[..., Any] | None = None,
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
        loss_fn : callable, optional
            The loss as pykan takes it, in place of `loss`: a function of predictions and labels,
            (n_samples, n_out) each, that returns values (n_samples,). Its derivatives are found by a complex
            step or differences (`kan_np.objective.loss_fn`), or it returns a pair of values and their
            gradient by the predictions. One number, the mean over the samples, does as well, but then it is
            called sample by sample.
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
            chosen_loss(loss, loss_fn),
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

    anchor = anchors.anchor
    refine = grids.refine
    update_grid = grids.update_grid
    update_grid_from_samples = grids.update_grid

    # ---------------------------------------------------------------- numbers, families, what is trained

    set_parameters = parameters.set_parameters
    set_family = parameters.set_family
    freeze = parameters.freeze
    unfreeze = parameters.unfreeze
    lock = parameters.lock
    unlock = parameters.unlock

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

    # ---------------------------------------------------------------- what matters, and without the rest

    edge_scores = scores.edge_scores
    node_scores = scores.node_scores
    feature_score = scores.feature_score
    prune = pruning.prune
    prune_node = pruning.prune_node
    prune_edge = pruning.prune_edge
    prune_input = pruning.prune_input
    remove_edge = pruning.remove_edge
    remove_node = pruning.remove_node

    # ---------------------------------------------------------------- inside, and by pykan's names

    get_act = activations.get_act
    get_fun = activations.get_fun
    get_range = activations.get_range
    attribute = attributions.attribute
    feature_interaction = attributions.feature_interaction
    connection_cost = connections.connection_cost
    evaluate = evaluation.evaluate
    reg = evaluation.reg
    get_derivative = loss_landscape.get_derivative
    expand_width = size.expand_width
    expand_depth = size.expand_depth
    swap = size.swap
    auto_swap = size.auto_swap
    perturb = starts.perturb
    initialize_from_another_model = starts.initialize_from_another_model
    set_mode = modes.set_mode
    keep_history = versions.keep_history
    history = versions.history
    checkout = versions.checkout
    rewind = versions.rewind

    @property
    def n_edge(self) -> int:
        """Number of edges that are there: all but pruned ones and the symbol "0"."""
        return evaluation.n_edge(self)

    # ---------------------------------------------------------------- symbols and formulas

    fix_symbolic = symbolic.fix_symbolic
    unfix_symbolic = symbolic.unfix_symbolic
    suggest_symbolic = symbolic.suggest_symbolic
    auto_symbolic = symbolic.auto_symbolic
    symbolic_formula = formulas.symbolic_formula

    # ---------------------------------------------------------------- pictures and predictions

    plot = pictures.plot
    plot_edge = pictures.plot_edge
    draw_graph = pictures.draw_graph
    calibrate = calibration.calibrate
    sample_predictions = calibration.sample_predictions

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

    @property
    def error_bars(self) -> ErrorBars | None:
        """What the last `calibrate` found; None without one. A model that is changed needs another."""
        return self._error_bars

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
