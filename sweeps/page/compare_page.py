"""The HTML page of a comparison of two sweeps, with its figures and tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sweeps._files import write_file
from sweeps.analysis.compare import SweepComparison, TaskPair, overall_ratios, same_runs
from sweeps.page.compare_figures import pair_figure, ratios_figure
from sweeps.page.compare_text import comparison_verdict, provenance_table, ratios_table
from sweeps.page.figures import PARAMETERS, SECONDS
from sweeps.page.gallery import Gallery
from sweeps.page.html import render_page
from sweeps.page.number_format import interval_text, width_text
from sweeps.page.report_tables import front_points
from sweeps.page.style import file_names, label
from sweeps.page.tables import Column, ReportTable, write_tables
from sweeps.page.tooltips import dots_json
from sweeps.storage.provenance import machine_line


def write_comparison(comparison: SweepComparison, output: str | Path) -> Path:
    """Write the page `output`; its figures and tables go into a directory beside it, NAME_files/.

    Raises
    ------
    UserError
        If a file cannot be written.
    """
    from markupsafe import Markup

    page = Path(output)
    files = page.parent / f"{page.stem}_files"
    tasks = [pair.first for pair in comparison.pairs]
    names = file_names(task.task for task in tasks)
    gallery = Gallery(files / "figures", names)
    rows = [(pair.first, _ratio_text(pair)) for pair in comparison.pairs[::-1]]
    gallery.add_rows(ratios_figure(comparison), "ratios", "Ratios of the errors at equal parameters", rows)
    for pair in comparison.pairs:
        for cost, suffix in ((PARAMETERS, ""), (SECONDS, "-time")):
            figure = pair_figure(pair, comparison.names, cost)
            sides = zip((pair.first, pair.second), comparison.names, strict=True)
            frames = [(figure.axes[0], task, cost, name) for task, name in sides]
            error = pair.first.test_name
            title = f"{error[:1].upper()}{error[1:]} against {cost.name} of {pair.first.formula}, both sweeps"
            gallery.add_task(figure, names[pair.first.task] + suffix, title, frames)
    tables = [ratios_table(comparison), provenance_table(comparison)]
    write_tables([table for table in tables if table.rows], files / "tables")
    errors = {pair.first.test_name for pair in comparison.pairs}
    values: dict[str, Any] = {
        "comparison": comparison,
        "test_name": errors.pop() if len(errors) == 1 else "test error",
        "verdict": comparison_verdict(comparison),
        "graphics": {name: Markup(text) for name, text in gallery.graphics.items()},  # noqa: S704 (ours)
        "dots": Markup(dots_json([], {})),  # noqa: S704 (escaped there)
        "ratios": tables[0],
        "provenance": tables[1],
        "overall": [(family, n, interval_text(ratio)) for family, n, ratio in overall_ratios(comparison)],
        "sections": [
            (names[pair.first.task], pair, _fronts(pair, comparison.names)) for pair in comparison.pairs
        ],
        "machines": [
            [machine_line(environment) for environment in result.environments]
            for result in comparison.results
        ],
        "same_runs": same_runs(comparison),
        "files": files.name,
    }
    write_file(page, render_page("compare.html.j2", values).encode())
    return page


def _ratio_text(pair: TaskPair) -> str:
    lines = [
        f"{label(ratio.family)}: {interval_text(ratio.equal)} at equal parameters" for ratio in pair.ratios
    ]
    return "\n".join([pair.first.title, *lines])


def _fronts(pair: TaskPair, names: tuple[str, str]) -> ReportTable:
    """Return the fronts of both sweeps as one table."""
    columns = [
        *(Column("sweep"), Column("family"), Column("shape"), Column("grid or activation")),
        *(Column("optimizer"), Column("parameters", "count"), Column(pair.first.test_name, "error")),
        *(Column("seconds", "seconds"), Column("run")),
    ]
    rows = [
        [
            *(name, label(point.family), width_text(point)),
            *(str(point.grid) if point.grid is not None else point.activation, point.opt_text),
            *(point.n_params, point.test.median, point.time_s, f"{point.run_id} --stage {point.stage}"),
        ]
        for task, name in zip((pair.first, pair.second), names, strict=True)
        for point in front_points(task)
    ]
    return ReportTable("fronts", f"Fronts of both sweeps: {pair.first.title}", columns, rows)
