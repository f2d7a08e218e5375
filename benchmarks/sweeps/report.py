"""The report over 100,000 points: of as many runs of one model, and of chains of four with two seeds each."""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks._common import Bar, show_table
from benchmarks.sweeps._command import MIB, call
from benchmarks.sweeps._synthetic import CHAINS, SINGLES, finished_sweep

SECONDS_BAR = 30.0
MIB_BAR = 1024.0
#: A browser draws so many elements at once without being slow, and reads a page of so many MiB.
ELEMENTS_BAR = 30_000
PAGE_BAR = 16.0
_CASES = {
    "100,000 runs of 1 model": ("singles", SINGLES),
    "56,000 runs of 200,000 models": ("chains", CHAINS),
}


def measure(room: Path) -> list[Bar]:
    """Write both reports; `room` is where the made-up sweeps are or will be."""
    rows, seconds, peaks, elements, pages = [], [], [], [], []
    for name, (label, text) in _CASES.items():
        _, out = finished_sweep(room, label, text)
        ended = call("report", out)
        page = (out / "report.html").read_text(encoding="utf-8")
        seconds.append(ended.seconds)
        peaks.append(ended.peak_mib)
        pages.append(len(page.encode()) / MIB)
        elements.append(len(re.findall(r"<[a-z]", page)))
        rows.append(
            (
                name,
                f"{seconds[-1]:.1f}",
                f"{ended.cpu_s:.1f}",
                f"{peaks[-1]:.0f}",
                f"{pages[-1]:.1f}",
                elements[-1],
            )
        )
    header = ("sweep", "seconds", "processor s", "peak MiB", "page MiB", "elements")
    show_table("Report over 100,000 points", header, rows)
    return [
        Bar("report, 100,000 points, seconds", max(seconds), SECONDS_BAR),
        Bar("report, 100,000 points, peak MiB", max(peaks), MIB_BAR),
        Bar("report, 100,000 points, elements of the page", max(elements), ELEMENTS_BAR),
        Bar("report, 100,000 points, MiB of the page", max(pages), PAGE_BAR),
    ]
