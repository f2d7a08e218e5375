"""Files of figures: the same bytes from this process and from others, none lost with a process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from joblib.externals.loky import BrokenProcessPool
from matplotlib.figure import Figure

from sweeps.errors import UserError
from sweeps.page import figure_writer as pages
from sweeps.page.figure_writer import KINDS, FigureWriter
from sweeps.page.style import lay_out, render

MANY = 16


def drawn(seed=0):
    figure = Figure(figsize=(3, 2), layout="constrained")
    axes = figure.add_subplot()
    axes.plot([1, 2, 3], [seed, 1, 2], "o", rasterized=True)
    axes.set_title(f"number {seed}")
    lay_out(figure)
    return figure


def wait_for_end(process):
    end = time.monotonic() + 60.0
    while Path(f"/proc/{process}").exists() and "Z" not in Path(f"/proc/{process}/stat").read_text().split():
        assert time.monotonic() < end
        time.sleep(0.05)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.slow
def test_other_processes_write_the_same_bytes(tmp_path):
    for cores in (1, 3):
        with FigureWriter(MANY, cores) as writer:
            assert (writer._pool is None) == (cores == 1)
            for seed in range(3):
                writer.add(drawn(seed), tmp_path / str(cores) / f"figure.{seed}")
    here, there = contents(tmp_path / "1"), contents(tmp_path / "3")
    assert set(here) == {f"figure.{seed}.{kind}" for seed in range(3) for kind in KINDS}
    assert here == there


@pytest.mark.slow
def test_no_more_than_some_figures_wait(tmp_path, monkeypatch):
    monkeypatch.setattr(pages, "_MOST_WAITING", 1)
    with FigureWriter(MANY, 2) as writer:
        for seed in range(4):
            writer.add(drawn(seed), tmp_path / str(seed))
            assert len(writer._waiting) <= 1
        assert len(contents(tmp_path)) >= 3 * len(KINDS)
    assert len(contents(tmp_path)) == 4 * len(KINDS)


def test_few_figures_start_no_process():
    with FigureWriter(3, 4) as writer:
        assert writer._pool is None


def test_figures_of_a_killed_process_are_written_here(tmp_path, monkeypatch):
    with FigureWriter(MANY, 2) as writer:
        process = writer._pool.submit(os.getpid).result()
        os.kill(process, signal.SIGSTOP)
        writer.add(drawn(0), tmp_path / "0")
        os.kill(process, signal.SIGKILL)
        with pytest.raises(BrokenProcessPool):
            writer._waiting[0][0].result()
        writer.add(drawn(1), tmp_path / "1")
    assert len(contents(tmp_path)) == 2 * len(KINDS)


@pytest.mark.parametrize("cores", [1, 2])
def test_a_place_that_cannot_be_written_is_an_error(tmp_path, cores):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"), FigureWriter(MANY, cores) as writer:
        writer.add(drawn(), tmp_path / "file" / "figure")


def test_an_error_of_the_owner_is_not_hidden_and_ends_the_processes(tmp_path):
    writer = FigureWriter(MANY, 2)

    helper = writer._pool.submit(os.getpid).result()
    figure = drawn()

    def interrupted():
        with writer:
            os.kill(helper, signal.SIGSTOP)
            for seed in range(12):  # more than are handed to a process at once
                writer.add(figure, tmp_path / str(seed))
            threading.Timer(1.0, os.kill, (helper, signal.SIGCONT)).start()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    wait_for_end(helper)
    written = contents(tmp_path)
    assert len(written) < 12 * len(KINDS)
    assert not any(name.startswith(".") for name in written)


OWNER = """
import os, time
from sweeps.page import figure_writer as pages
from sweeps.page.figure_writer import FigureWriter
with FigureWriter(16, 2) as writer:
    print(writer._pool.submit(os.getpid).result(), flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_processes_end_with_an_owner_that_is_killed(number):
    owner = subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True)
    with owner:
        helper = int(owner.stdout.readline())
        os.kill(owner.pid, number)
        wait_for_end(helper)


def test_no_file_has_a_font_in_it_or_the_figure_changed():
    figure = drawn()
    before = figure.dpi, figure.canvas
    assert b"/FontDescriptor" not in (pdf := render(figure, "pdf"))
    assert b"/Type /Font" not in pdf
    assert (figure.dpi, figure.canvas) == before
    assert render(figure, "png") == render(figure, "png")
