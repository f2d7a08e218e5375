"""What a page shows of a study: its numbers beside the paper's, the formulas, pictures, and files."""

from __future__ import annotations

import base64
import math
from pathlib import Path
from typing import Any

from sweeps._files import write_file
from sweeps.analysis.results import Interval, OfSome
from sweeps.analysis.studies import MethodResult, StudyResult
from sweeps.page.gallery import Gallery
from sweeps.page.study_figures import study_figures
from sweeps.page.tables import Column, ReportTable

#: The suffix of pictures that a study has made itself, which a page carries in it, and their kind.
_PICTURE, _KIND = ".png", "image/png"


def numbers_table(study: StudyResult) -> ReportTable:
    """Return medians, and least and greatest over seeds: methods and quantities, the fewer as columns.

    Where some seeds did not find a quantity the cell says how many did. What the paper prints of a row stands
    in the last column.
    """
    caption = f"Medians of {study.name} over seeds, and from the least to the greatest."
    cells = [_cell(own, name) for own in study.methods for name in study.quantities]
    if any(isinstance(cell, OfSome) for cell in cells):
        caption += " Where not all seeds found a number it is of those that did, as in (3 of 5)."
    quantities = list(study.quantities)
    if len(study.methods) > len(quantities):
        columns = [Column("method"), *(Column(name.replace("_", " "), "plain") for name in quantities)]
        rows = [
            [
                own.method,
                *(_cell(own, name) for name in quantities),
                own.n_done,
                study.paper.get(own.method, ""),
            ]
            for own in study.methods
        ]
        return ReportTable(
            study.name, caption, [*columns, Column("seeds", "count"), Column("the paper")], rows
        )
    columns = [Column("quantity"), *(Column(own.method, "plain") for own in study.methods)]
    rows = [
        [words, *(_cell(own, name) for own in study.methods), study.paper.get(name, "")]
        for name, words in study.quantities.items()
    ]
    rows.append(["seeds", *(own.n_done for own in study.methods), ""])
    return ReportTable(study.name, caption, [*columns, Column("the paper")], rows)


def _cell(method: MethodResult, quantity: str) -> Interval | None:
    found, value = method.n_found(quantity), method.median(quantity)
    if not found and quantity not in method.sought:
        return None
    low, high = method.ends(quantity)
    ends = (math.nan, math.nan) if low == high else (low, high)
    if found < method.n_done:
        return OfSome(value, *ends, found=found, of=method.n_done)
    return Interval(value, *ends)


def formulas_table(study: StudyResult) -> ReportTable | None:
    """Return every formula that was found, and how often; None where there is none."""
    counts: dict[tuple[str, str, str], int] = {}
    for method in study.methods:
        for found in method.formulas:
            for what, text in found.items():
                counts[method.method, what, text] = counts.get((method.method, what, text), 0) + 1
    if not counts:
        return None
    columns = [Column("method"), Column("looked for"), Column("found"), Column("seeds", "count")]
    rows = [[*key, n] for key, n in counts.items()]
    return ReportTable(f"{study.name}-formulas", f"Formulas of {study.name}", columns, rows)


def method_notes(study: StudyResult) -> list[tuple[str, str]]:
    """Return what the paper says of methods, where no row of the table of numbers says it."""
    if len(study.methods) > len(study.quantities):
        names = [name for name in study.quantities if name in study.paper]
    else:
        names = [own.method for own in study.methods if own.method in study.paper]
    return [(name, study.paper[name]) for name in names]


def add_study(gallery: Gallery, study: StudyResult, files: Path) -> dict[str, Any]:
    """Put the figures of a study into a gallery, write its own files, and return what its section shows.

    Parameters
    ----------
    gallery : Gallery
    study : StudyResult
    files : Path
        Where the files go that the study has made, such as a film.
    """
    figures = []
    for suffix, title, figure in study_figures(study):
        name = f"{study.name}-{suffix}"
        gallery.add_plain(figure, name, title)
        figures.append((name, title))
    made = _own_files(study)
    for name, content in made.items():
        write_file(files / name, content)
    return {
        "study": study,
        "numbers": numbers_table(study) if study.quantities else None,
        "words": [
            (name.replace("_", " "), words)
            for name, words in study.quantities.items()
            if len(study.methods) > len(study.quantities)
        ],
        "formulas": formulas_table(study),
        "notes": method_notes(study),
        "figures": figures,
        "pictures": [_embedded(content) for name, content in made.items() if name.endswith(_PICTURE)],
        "files": list(made),
        "n_planned": sum(own.n_planned for own in study.methods),
        "n_done": sum(own.n_done for own in study.methods),
        "n_failed": sum(own.n_failed for own in study.methods),
    }


def _own_files(study: StudyResult) -> dict[str, bytes]:
    """Return the files that a study made: arrays whose names are those of files."""
    arrays = {
        name: values
        for method in study.methods
        if method.first is not None
        for name, values in method.first.arrays.items()
    }
    return {name: values.tobytes() for name, values in arrays.items() if "." in name and "/" not in name}


def _embedded(content: bytes) -> str:
    return f"data:{_KIND};base64,{base64.b64encode(content).decode()}"
