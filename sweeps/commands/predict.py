"""`kan-sweep predict`: what a saved model predicts for the rows of a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sweeps import paths, streams


def predict(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", parser=paths.source, help="A model, such as recommended.npz.")
    ],
    table: Annotated[
        str, typer.Argument(metavar="TABLE", parser=paths.source, help="New rows (.csv, .xlsx, .parquet).")
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", parser=paths.path, help="out.csv, .jsonl, .parquet or .xlsx."),
    ],
    interval: Annotated[
        float | None,
        typer.Option(help="Also the ends of intervals of this level, 0.9; for models that were calibrated."),
    ] = None,
    decimal: Annotated[
        str | None, typer.Option(help="The decimal mark, . or , ; found in the table if not given.")
    ] = None,
    raw: Annotated[
        bool, typer.Option("--raw", help="CSV: no quote in front of texts that spreadsheets compute.")
    ] = False,
) -> int:
    """Predict the rows of a table with a saved model.

    Its columns are found by their names; rows outside the training range are flagged.

    Example:  kan-sweep predict runs/data-auto/recommended.npz new.csv -o predicted.csv
    """
    from sweeps.prediction import PredictionRequest, predict_table

    for line in predict_table(PredictionRequest(model, table, output, interval, decimal, raw)):
        streams.show(line)
    return 0
