"""Kolmogorov-Arnold networks on NumPy, Numba and SciPy."""

from kan_np.data import (
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
from kan_np.mlp import MLP
from kan_np.model import KAN
from kan_np.optimize.schedule import Stage, fit_schedule
from kan_np.optimize.status import FitResult, FitStatus, Progress
from kan_np.pieces import design_matrix
from kan_np.serialize import load_model

__version__ = "0.1.0"

__all__ = [
    "KAN",
    "MLP",
    "FitResult",
    "FitStatus",
    "Progress",
    "Scaler",
    "Stage",
    "Suite",
    "SuiteFunction",
    "__version__",
    "create_dataset",
    "dataset_from_arrays",
    "design_matrix",
    "fit_schedule",
    "get_suite",
    "list_suites",
    "load_csv",
    "load_model",
    "split_validation",
]
