"""Datasets, sampled from functions or read from text files, split; suites of functions."""

from kan_np.data.augmented import augment_input
from kan_np.data.check import Dataset
from kan_np.data.csv import TableWarning, load_csv, load_table
from kan_np.data.dataset import (
    create_dataset,
    create_dataset_from_data,
    dataset_from_arrays,
    split_validation,
)
from kan_np.data.dates import days_of
from kan_np.data.knots import load_knots
from kan_np.data.localization import load_localization
from kan_np.data.records import read_table_text
from kan_np.data.scaler import Scaler
from kan_np.data.standardize import standardized
from kan_np.data.suites import Suite, SuiteFunction, get_suite, list_suites

__all__ = [
    "Dataset",
    "Scaler",
    "Suite",
    "SuiteFunction",
    "TableWarning",
    "augment_input",
    "create_dataset",
    "create_dataset_from_data",
    "dataset_from_arrays",
    "days_of",
    "get_suite",
    "list_suites",
    "load_csv",
    "load_knots",
    "load_localization",
    "load_table",
    "read_table_text",
    "split_validation",
    "standardized",
]
