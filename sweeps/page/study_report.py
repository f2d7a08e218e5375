"""Writes the report of a sweep of studies: numbers, formulas and figures of each."""

from __future__ import annotations

from pathlib import Path

from sweeps._files import write_file
from sweeps.analysis.results import SweepResult
from sweeps.analysis.studies import StudyResult
from sweeps.page.gallery import Gallery
from sweeps.page.html import render_page
from sweeps.page.study_view import add_study
from sweeps.page.tables import write_tables
from sweeps.page.tooltips import dots_json
from sweeps.storage.provenance import machine_line


def write_study_report(result: SweepResult, studies: list[StudyResult], page: Path, files: Path) -> None:
    """Write the page; figures, tables and what studies have made go into `files`."""
    from markupsafe import Markup

    gallery = Gallery(files / "figures", {})
    views = [add_study(gallery, study, files) for study in studies]
    tables = [table for view in views for table in (view["numbers"], view["formulas"]) if table is not None]
    write_tables(tables, files / "tables")
    values = {
        "result": result,
        "test_name": result.test_name,
        "views": views,
        "graphics": {name: Markup(text) for name, text in gallery.graphics.items()},  # noqa: S704 (ours)
        "dots": Markup(dots_json([], {})),  # noqa: S704 (escaped there)
        "machine_line": [machine_line(environment) for environment in result.environments],
        "files": "" if files == page.parent else f"{files.name}/",
    }
    write_file(page, render_page("studies.html.j2", values).encode())
