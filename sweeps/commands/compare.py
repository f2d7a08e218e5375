"""`kan-sweep compare`: two sweeps side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sweeps import paths, streams
from sweeps.storage.sqlite_errors import understood


def compare(
    first: Annotated[
        Path, typer.Argument(metavar="A", parser=paths.path, help="The --out directory of a sweep.")
    ],
    second: Annotated[Path, typer.Argument(metavar="B", parser=paths.path, help="That of another one.")],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            parser=paths.path,
            help="The page; for x.html its files go to x_files/. Its directory is made.",
        ),
    ] = Path("compare.html"),
) -> int:
    """Set two sweeps side by side: errors at equal parameters, fronts, what differs in their origins.

    Only functions that both have learnt from the same samples are compared; the others are named. Exit
    code 1: no model of one family is finished in both.
    """
    from sweeps.analysis.compare import compare_sweeps
    from sweeps.page.compare_page import write_comparison
    from sweeps.page.compare_text import comparison_verdict, left_out_lines, ratios_table
    from sweeps.page.tables import text_lines

    with understood(first), understood(second):
        found = compare_sweeps(first, second)
    write_comparison(found, output)
    told = (*left_out_lines(found), comparison_verdict(found))
    for line in (*text_lines(ratios_table(found)), *told, str(output)):
        streams.show(line)
    return 0 if any(pair.ratios for pair in found.pairs) else 1
