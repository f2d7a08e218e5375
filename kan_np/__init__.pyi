from . import (
    boundary,
    compiler,
    data,
    discovery,
    inspection,
    layers,
    mlp,
    model,
    optimize,
    options,
    pde,
    plot,
    relations,
    serialize,
    symbolic,
)
from ._version import __version__ as __version__
from ._warnings import (
    ExtrapolationWarning,
    KanWarning,
    NotLearntWarning,
    OutlierWarning,
    OverfitWarning,
    ScaleWarning,
)
from .boundary import discover_boundary
from .compiler import kanpiler
from .data import (
    Dataset,
    Scaler,
    Suite,
    SuiteFunction,
    TableWarning,
    augment_input,
    create_dataset,
    create_dataset_from_data,
    dataset_from_arrays,
    get_suite,
    list_suites,
    load_csv,
    load_table,
    read_table_text,
    split_validation,
    standardized,
)
from .discovery import Candidate, Discoveries, Discovery, discover
from .edges.bspline import design_matrix
from .functions.column_symbols import column_symbols
from .inspection.input_derivatives import batch_hessian, batch_jacobian
from .layers import KANLayer, Sequential
from .mlp import MLP
from .model import KAN
from .objective.losses import CrossEntropy, Huber, Poisson, Quantile
from .optimize.status import FitResult, FitStatus, GridUpdate, Progress
from .pykan import load_pykan
from .relations import find_relations
from .schedule.phases import PhaseFits, fit_phases
from .schedule.schedule import fit_mlp, fit_schedule
from .schedule.stage import Schedule, Stage
from .serialize import load_model
from .symbolic.decimals import ex_round
from .training.anchor import Anchor
from .training.fit import Callback
from .training.progress import SearchProgress

__all__ = [
    "KAN",
    "MLP",
    "Anchor",
    "Callback",
    "Candidate",
    "CrossEntropy",
    "Dataset",
    "Discoveries",
    "Discovery",
    "ExtrapolationWarning",
    "FitResult",
    "FitStatus",
    "GridUpdate",
    "Huber",
    "KANLayer",
    "KanWarning",
    "NotLearntWarning",
    "OutlierWarning",
    "OverfitWarning",
    "PhaseFits",
    "Poisson",
    "Progress",
    "Quantile",
    "ScaleWarning",
    "Scaler",
    "Schedule",
    "SearchProgress",
    "Sequential",
    "Stage",
    "Suite",
    "SuiteFunction",
    "TableWarning",
    "__version__",
    "augment_input",
    "batch_hessian",
    "batch_jacobian",
    "boundary",
    "column_symbols",
    "compiler",
    "create_dataset",
    "create_dataset_from_data",
    "data",
    "dataset_from_arrays",
    "design_matrix",
    "discover",
    "discover_boundary",
    "discovery",
    "ex_round",
    "find_relations",
    "fit_mlp",
    "fit_phases",
    "fit_schedule",
    "get_suite",
    "inspection",
    "kanpiler",
    "layers",
    "list_suites",
    "load_csv",
    "load_model",
    "load_pykan",
    "load_table",
    "mlp",
    "model",
    "optimize",
    "options",
    "pde",
    "plot",
    "read_table_text",
    "relations",
    "serialize",
    "split_validation",
    "standardized",
    "symbolic",
]
