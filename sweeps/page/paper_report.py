"""Writes the page about the KAN paper: every part with figures and numbers, beside what the paper prints."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sweeps._files import write_file
from sweeps.analysis.aggregate import aggregate
from sweeps.analysis.results import SweepResult
from sweeps.analysis.studies import StudyResult, read_studies
from sweeps.errors import UserError
from sweeps.page.gallery import Gallery
from sweeps.page.html import render_page
from sweeps.page.number_format import duration
from sweeps.page.paper_view import add_part
from sweeps.page.study_view import add_study
from sweeps.page.tables import Column, ReportTable, write_tables
from sweeps.page.tooltips import dots_json
from sweeps.spec.paper import Part, parts
from sweeps.storage.database import DATABASE_NAME
from sweeps.storage.provenance import machine_line
from sweeps.storage.sqlite_errors import understood
from sweeps.storage.store import Store

PAGE_NAME = "report.html"


@dataclass(frozen=True)
class _Held:
    """What the store of a part has; nothing where it was not begun, or `error` where it cannot be read."""

    part: Part
    result: SweepResult | None = None
    studies: tuple[StudyResult, ...] = ()
    error: str = ""

    @property
    def state(self) -> str:
        """How far it is, in words."""
        if self.error:
            return f"cannot be read: {self.error}"
        if self.result is None:
            return "not begun"
        counts = self.result.counts
        bad = counts["finished"] - counts["ok"]
        told = [f"{counts['missing']} of {counts['planned']} runs missing"] if counts["missing"] else []
        told += [f"{bad} of {counts['planned']} runs failed"] if bad else []
        told += [f"{counts['stale']} runs of other code left out"] if counts["stale"] else []
        return ", ".join(told) or "finished"

    @property
    def cpu_s(self) -> float:
        """Seconds of processor time of its runs."""
        return math.nan if self.result is None else sum(own.cpu_s for own in self.result.compute)


def is_paper(directory: Path) -> bool:
    """Say whether a directory holds parts of the paper and no sweep of its own."""
    if (directory / DATABASE_NAME).is_file():
        return False
    return any((directory / name / DATABASE_NAME).is_file() for name in parts())


def write_paper(directory: str | Path, output: str | Path | None = None) -> Path:
    """Write the page about all parts in a directory, with its figures and tables; return its path.

    Parts that are not begun, not finished, or of which runs failed are shown as such.

    Parameters
    ----------
    directory : path
        Of `kan-sweep run paper`, with a folder for each part.
    output : path, optional
        Where the page goes; report.html in the directory if not given. Figures and tables go beside it, for
        another page into a folder named after it.

    Raises
    ------
    UserError
        If the files cannot be written.
    """
    from markupsafe import Markup

    directory = Path(directory)
    page = directory / PAGE_NAME if output is None else Path(output)
    at_home = page.resolve() == (directory / PAGE_NAME).resolve()
    files = page.parent if at_home else page.parent / f"{page.stem}_files"
    held = [_held(directory, part) for part in parts().values()]
    gallery = Gallery(files / "figures", {})
    sections = [_section(gallery, own, directory, page.parent) for own in held]
    overview = _overview(held)
    write_tables([overview, *(table for one in sections for table in one["tables"])], files / "tables")
    machines = {
        machine_line(found) for own in held if own.result is not None for found in own.result.environments
    }
    values = {
        "sections": sections,
        "overview": overview,
        "graphics": {name: Markup(text) for name, text in gallery.graphics.items()},  # noqa: S704 (ours)
        "dots": Markup(dots_json([], {})),  # noqa: S704 (escaped there)
        "test_name": "test RMSE",
        "machines": sorted(filter(None, machines)),
        "commands": sorted({own.result.meta["command"] for own in held if own.result is not None}),
        "total": duration(sum(own.cpu_s for own in held if own.result is not None)),
    }
    write_file(page, render_page("paper.html.j2", values).encode())
    return page


def _held(directory: Path, part: Part) -> _Held:
    folder = directory / part.name
    if not (folder / DATABASE_NAME).is_file():
        return _Held(part)
    try:
        with understood(folder), Store.open(folder, readonly=True) as store:
            return _Held(part, aggregate(store), tuple(read_studies(store)))
    except UserError as error:
        return _Held(part, error=str(error))


def _overview(held: list[_Held]) -> ReportTable:
    columns = [
        *(Column("part"), Column("in the paper"), Column("runs", "count"), Column("state")),
        Column("processor time", "seconds"),
    ]
    rows = [
        [
            own.part.title,
            own.part.section,
            None if own.result is None else own.result.counts["planned"],
            own.state,
            None if own.result is None else own.cpu_s,
        ]
        for own in held
    ]
    return ReportTable("parts", "The parts of the paper, and how far they are.", columns, rows)


def _section(gallery: Gallery, held: _Held, directory: Path, home: Path) -> dict[str, Any]:
    """Return what the page shows of a part."""
    part = held.part
    folder = _seen_from(home, directory / part.name)
    shown: dict[str, Any] = {
        "part": part,
        "state": held.state,
        "report": f"{folder}{PAGE_NAME}" if (directory / part.name / PAGE_NAME).is_file() else "",
        "folder": folder,
        **{"figures": [], "tables": [], "sentences": [], "studies": []},
    }
    if held.result is None:
        return shown
    if part.is_study:
        views = [add_study(gallery, study, directory / part.name) for study in held.studies]
        tables = [t for view in views for t in (view["numbers"], view["formulas"]) if t is not None]
        return shown | {"studies": views, "tables": tables}
    return shown | add_part(gallery, part.name, held.result)


def _seen_from(home: Path, folder: Path) -> str:
    """Return the address of a folder on a page in another one: relative where it lies below it."""
    try:
        return f"{folder.resolve().relative_to(home.resolve()).as_posix()}/"
    except ValueError:
        return f"{folder.resolve().as_uri()}/"
