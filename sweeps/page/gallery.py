"""The figures of a page: as SVG elements with tooltips, and as files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sweeps._files import write_file
from sweeps.analysis.results import TaskResult
from sweeps.page.figure_writer import FigureWriter
from sweeps.page.figures import Cost
from sweeps.page.html import inline_svg
from sweeps.page.style import lay_out, render
from sweeps.page.tooltips import Panel, front_links, link, panel, panel_link, row_shapes

#: Axes, what they show, and against what; and whose it is, where that has to be said.
Frames = Sequence[tuple[Axes, TaskResult, Cost, str]]


class Gallery:
    """Writes figures into a directory and keeps what a page needs of them.

    Parameters
    ----------
    directory : Path
        Where the files go.
    names : mapping of str to str
        The address of every function in the page.
    writer : FigureWriter, optional
        Writes the files that are not part of a page; they are written at once if not given.
    told : callable, optional
        Takes the name of every figure that is done.

    Attributes
    ----------
    names : mapping of str to str
        As given.
    graphics : dict of str to str
        Every figure as an SVG element, by name.
    panels : dict of str to list of Panel
        The frames of every figure that shows dots, by name.
    """

    def __init__(
        self,
        directory: Path,
        names: Mapping[str, str],
        writer: FigureWriter | None = None,
        told: Callable[[str], None] | None = None,
    ) -> None:
        self.graphics: dict[str, str] = {}
        self.panels: dict[str, list[Panel]] = {}
        self.names, self._directory = names, directory
        self._writer = writer or FigureWriter()
        self._told = told

    def add_task(self, figure: Figure, name: str, title: str, frames: Frames) -> None:
        """Add a figure of one function; its front points lead to their rows."""
        self._write(figure, name)
        panels = self._panels(figure, name, frames)
        links = "".join(front_links(one, self.names[one.task.task]) for one in panels)
        self._keep(name, title, links)

    def add_overview(self, figure: Figure, name: str, title: str, frames: Frames) -> None:
        """Add a figure of many functions; each of its frames leads to its function."""
        self._write(figure, name)
        panels = self._panels(figure, name, frames)
        self._keep(name, title, "".join(panel_link(one, self.names[one.task.task]) for one in panels))

    def add_rows(self, figure: Figure, name: str, title: str, rows: Sequence[tuple[TaskResult, str]]) -> None:
        """Add a figure with a row a function, from below; each has a text and leads to its function."""
        self._write(figure, name)
        shapes = row_shapes(figure, figure.axes[0], len(rows))
        links = (
            link(self.names[task.task], text, shape) for (task, text), shape in zip(rows, shapes, strict=True)
        )
        self._keep(name, title, "".join(links))

    def add_plain(self, figure: Figure, name: str, title: str) -> None:
        """Add a figure that leads nowhere."""
        self._write(figure, name)
        self._keep(name, title, "")

    def _write(self, figure: Figure, name: str) -> None:
        lay_out(figure)
        content = render(figure, "svg")
        write_file(self._directory / f"{name}.svg", content)
        self.graphics[name] = content.decode()
        self._writer.add(figure, self._directory / name)
        if self._told is not None:
            self._told(name)

    def _panels(self, figure: Figure, name: str, frames: Frames) -> list[Panel]:
        found = [panel(figure, *frame) for frame in frames]
        self.panels[name] = [one for one in found if one is not None]
        return self.panels[name]

    def _keep(self, name: str, title: str, links: str) -> None:
        prefix = f"g{len(self.graphics)}-"
        self.graphics[name] = inline_svg(self.graphics[name], prefix, name, title, links)
