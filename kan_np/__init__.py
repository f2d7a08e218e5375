"""Kolmogorov-Arnold networks on NumPy, Numba and SciPy."""

from kan_np._version import __version__
from kan_np.data import (
    Dataset,
    Scaler,
    Suite,
    SuiteFunction,
    create_dataset,
    dataset_from_arrays,
    get_suite,
    list_suites,
    load_csv,
    split_validation,
)
from kan_np.discovery import Candidate, Discovery, discover
from kan_np.mlp import MLP
from kan_np.model import KAN
from kan_np.optimize.fit import Callback
from kan_np.optimize.schedule import fit_mlp, fit_schedule
from kan_np.optimize.stage import Schedule, Stage
from kan_np.optimize.status import FitResult, FitStatus, GridUpdate, Progress
from kan_np.pieces import design_matrix
from kan_np.serialize import load_model

__all__ = [
    "KAN",
    "MLP",
    "Callback",
    "Candidate",
    "Dataset",
    "Discovery",
    "FitResult",
    "FitStatus",
    "GridUpdate",
    "Progress",
    "Scaler",
    "Schedule",
    "Stage",
    "Suite",
    "SuiteFunction",
    "__version__",
    "create_dataset",
    "dataset_from_arrays",
    "design_matrix",
    "discover",
    "fit_mlp",
    "fit_schedule",
    "get_suite",
    "list_suites",
    "load_csv",
    "load_model",
    "split_validation",
]
