from . import (
    boundary,
    compiler,
    data,
    discovery,
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
    create_dataset,
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
from .layers import KANLayer, Sequential
from .mlp import MLP
from .model import KAN
from .objective.losses import CrossEntropy, Huber, Poisson, Quantile
from .optimize.status import FitResult, FitStatus, GridUpdate, Progress
from .relations import find_relations
from .schedule.schedule import fit_mlp, fit_schedule
from .schedule.stage import Schedule, Stage
from .serialize import load_model
from .training.fit import Callback

__all__ = [
    "KAN",
    "MLP",
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
    "Poisson",
    "Progress",
    "Quantile",
    "ScaleWarning",
    "Scaler",
    "Schedule",
    "Sequential",
    "Stage",
    "Suite",
    "SuiteFunction",
    "TableWarning",
    "__version__",
    "boundary",
    "column_symbols",
    "compiler",
    "create_dataset",
    "data",
    "dataset_from_arrays",
    "design_matrix",
    "discover",
    "discover_boundary",
    "discovery",
    "find_relations",
    "fit_mlp",
    "fit_schedule",
    "get_suite",
    "kanpiler",
    "layers",
    "list_suites",
    "load_csv",
    "load_model",
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
