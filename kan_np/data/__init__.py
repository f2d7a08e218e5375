"""Datasets, sampled from functions or read from text files, split; suites of functions."""

from kan_np.data.check import Dataset
from kan_np.data.csv import TableWarning, load_csv
from kan_np.data.dataset import create_dataset, dataset_from_arrays, split_validation
from kan_np.data.scaler import Scaler
from kan_np.data.standardize import standardized
from kan_np.data.suites import Suite, SuiteFunction, get_suite, list_suites

__all__ = [
    "Dataset",
    "Scaler",
    "Suite",
    "SuiteFunction",
    "TableWarning",
    "create_dataset",
    "dataset_from_arrays",
    "get_suite",
    "list_suites",
    "load_csv",
    "split_validation",
    "standardized",
]
