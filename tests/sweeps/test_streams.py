"""Standard streams that are closed, full or cut off: no command stops, and no run is lost."""

from __future__ import annotations

import errno
import io
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from small_sweep import call, command, n_recorded

from sweeps import cli, streams
from sweeps.cli import main

posix = pytest.mark.skipif(os.name != "posix", reason="redirections of a shell")
full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")

SPEC = "suite = 'toy'\ntasks = ['product']\nseeds = 2\n[[models]]\nfamily = 'linear'\n"
CLOSED = [">&-", "2>&-", "<&- >&- 2>&-"]
FULL = ">/dev/full 2>/dev/full"


class Broken(io.StringIO):
    """A stream whose every write fails with one error."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number, self.tries = number, 0

    def write(self, text: str) -> int:
        self.tries += 1
        raise OSError(self.number, os.strerror(self.number))


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(SPEC)
    return path


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a finished sweep."""
    folder = tmp_path_factory.mktemp("streams")
    (folder / "small.toml").write_text(SPEC)
    run = ["run", folder / "small.toml", "--out", folder / "out", "--no-report", "--backend", "sequential"]
    assert main([*map(str, run), "--progress", "none"]) == 0
    return folder / "out"


def redirected(how: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a command with its streams redirected as by a shell."""
    words = ["sh", "-c", f'exec "$@" {how}', "sh", *command(*arguments)]
    return subprocess.run(words, capture_output=True, text=True, timeout=120)


def without_reader(stream: str, *arguments: object) -> tuple[int, str]:
    """Run a command with a stream that nobody reads, as behind `| head`; return its code and errors."""
    reading, writing = os.pipe()
    os.close(reading)
    other = "stderr" if stream == "stdout" else "stdout"
    try:
        ended = subprocess.run(
            command(*arguments), **{stream: writing, other: subprocess.PIPE}, text=True, timeout=120
        )
    finally:
        os.close(writing)
    return ended.returncode, ended.stderr or ""


@pytest.mark.slow
@posix
@pytest.mark.parametrize(
    ("backend", "how"),
    [
        ("sequential", CLOSED[0]),
        ("sequential", CLOSED[1]),
        pytest.param("sequential", FULL, marks=full),
        ("loky", CLOSED[-1]),
        pytest.param("loky", FULL, marks=full),
    ],
)
def test_a_sweep_computes_everything_whatever_its_streams(backend: str, how: str, spec: Path) -> None:
    out = spec.parent / "out"
    ended = redirected(
        how,
        "run",
        spec,
        "--out",
        out,
        "--jobs",
        1,
        "--no-report",
        "--backend",
        backend,
        "--progress",
        "plain",
    )
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr
    assert "Exception ignored" not in ended.stderr
    assert n_recorded(out) == 2


@pytest.mark.slow
@posix
@pytest.mark.parametrize(("backend", "stream"), [("sequential", "stderr"), ("loky", "stdout")])
def test_a_sweep_goes_on_when_its_reader_has_left(backend: str, stream: str, spec: Path) -> None:
    out = spec.parent / "out"
    code, errors = without_reader(
        stream, "run", spec, "--out", out, "--jobs", 1, "--no-report", "--backend", backend
    )
    assert (code, n_recorded(out)) == (0, 2)
    assert "Traceback" not in errors
    assert "error" not in errors


@pytest.mark.slow
@posix
def test_a_dask_sweep_needs_no_streams(spec: Path) -> None:
    pytest.importorskip("distributed")
    out = spec.parent / "out"
    ended = redirected(
        "<&- >&- 2>&-", "run", spec, "--out", out, "--jobs", 1, "--no-report", "--backend", "dask"
    )
    assert (ended.returncode, n_recorded(out)) == (0, 2)


@pytest.mark.slow
@posix
def test_auto_needs_no_streams(tmp_path: Path) -> None:
    rows = "".join(f"{i},{(i * 7) % 11},{2 * i - (i * 7) % 11}\n" for i in range(40))
    (tmp_path / "t.csv").write_text("a,b,y\n" + rows)
    out = tmp_path / "out"
    ended = redirected(
        "<&- >&- 2>&-",
        "auto",
        tmp_path / "t.csv",
        "--target",
        "y",
        "--budget",
        20,
        "--out",
        out,
        "--no-report",
    )
    assert ended.returncode == 0
    assert (out / "recommended.npz").is_file()


@pytest.mark.slow
@posix
def test_every_command_that_writes_files_writes_them_without_streams(sweep: Path, tmp_path: Path) -> None:
    commands: list[tuple[list[Any], Path]] = [
        (["report", sweep, "-o", tmp_path / "r.html"], tmp_path / "r.html"),
        (["export", sweep, "-o", tmp_path / "runs.csv"], tmp_path / "runs.csv"),
        (
            ["compare", sweep, shutil.copytree(sweep, tmp_path / "other"), "-o", tmp_path / "c.html"],
            tmp_path / "c.html",
        ),
        (["merge", sweep, "--out", tmp_path / "m", "--no-report"], tmp_path / "m" / "results.db"),
        (["repair", sweep, "--out", tmp_path / "n"], tmp_path / "n" / "results.db"),
    ]
    for number, (arguments, written) in enumerate(commands):
        how = (*CLOSED, ">/dev/full 2>/dev/full")[number % 4]
        ended = redirected(how, *arguments)
        assert "Traceback" not in ended.stderr
        assert written.is_file(), (arguments, ended.stderr)
        # Nothing of what was meant for a stream went into a file.
        assert b"error" not in written.read_bytes()[:100]


@pytest.mark.slow
@posix
@full
@pytest.mark.parametrize("arguments", [["list"], ["status", "DIR"], ["--version"]])
def test_what_cannot_be_shown_is_an_error_where_it_is_all_there_is(arguments: list[str], sweep: Path) -> None:
    arguments = [str(sweep) if word == "DIR" else word for word in arguments]
    ended = redirected(">/dev/full", *arguments)
    assert ended.returncode == cli.EXIT_NOT_SHOWN
    (line,) = ended.stderr.splitlines()
    assert line.startswith("error: cannot write to standard output: ")
    assert redirected(CLOSED[-1], *arguments).returncode == 0
    assert without_reader("stdout", *arguments) == (0, "")


@pytest.mark.slow
@posix
@full
def test_the_files_of_a_sweep_are_its_result_and_not_what_it_says(spec: Path) -> None:
    arguments = ("run", spec, "--out", spec.parent / "out", "--no-report", "--backend", "sequential")
    ended = redirected(">/dev/full", *arguments)
    assert ended.returncode == 0
    assert ended.stderr.splitlines()[-1].startswith("error: cannot write to standard output: ")
    planned = redirected(">/dev/full", *arguments, "--dry-run")
    assert planned.returncode == cli.EXIT_NOT_SHOWN


@posix
def test_watching_ends_when_nobody_reads_any_more(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom sweeps.storage.store import Store\nfrom sweeps.cli import main\n"
        f"with Store.create({str(tmp_path)!r}, {{}}, '') as store:\n"
        "    store.set_plan([('0' * 16, 't', 'kan', {'seed': 0, 'family': 'formula', 'seconds': 1})])\n"
        f"    sys.exit(main(['status', {str(tmp_path)!r}, '--watch']))\n"
    )
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [sys.executable, "-c", code], stdout=writing, stderr=subprocess.PIPE, text=True, timeout=60
    )
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (0, "")


@posix
def test_a_file_does_not_take_the_number_of_a_closed_stream(tmp_path: Path) -> None:
    code = (
        "import os, sys\nfrom sweeps import streams\n"
        "with streams.forgiving():\n"
        f"    file = open({str(tmp_path / 'data')!r}, 'w')\n"
        "    assert file.fileno() > 2, file.fileno()\n"
        "    os.write(1, b'lost'); os.write(2, b'lost'); sys.stdout.write('lost')\n"
        "    file.write('kept')\n"
    )
    words = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", sys.executable, "-c", code]
    assert subprocess.run(words, timeout=60).returncode == 0
    assert (tmp_path / "data").read_text() == "kept"


def test_characters_that_a_stream_lacks_are_escaped() -> None:
    ended = subprocess.run(
        command("run", "t\u00fcy"),
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii:strict"},
    )
    assert ended.returncode == 2
    assert "t\\xfcy" in ended.stderr
    raw = io.BytesIO()
    stream = streams.ForgivingStream(io.TextIOWrapper(raw, encoding="ascii", write_through=True))
    assert stream.write("\u03bc = 1") == 5
    assert raw.getvalue() == b"\\u03bc = 1"


def test_a_reader_that_left_is_not_asked_again_and_a_full_disk_is() -> None:
    gone, disk = Broken(errno.EPIPE), Broken(errno.ENOSPC)
    left, crowded = streams.ForgivingStream(gone), streams.ForgivingStream(disk)
    for stream in (left, crowded):
        for _ in range(3):
            stream.write("line\n")
    assert (gone.tries, disk.tries) == (1, 3)
    assert streams.reader_left(left)
    assert not streams.reader_left(crowded)
    assert crowded.error is not None
    assert crowded.error.errno == errno.ENOSPC


def test_streams_are_given_back(capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout, sys.stderr
    with streams.forgiving():
        streams.show("shown")
        streams.say("said")
        assert streams.output_error() == ""
    assert (sys.stdout, sys.stderr) == before
    assert capsys.readouterr() == ("shown\n", "said\n")


def test_a_fault_of_the_system_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = call("status", "/proc/self/mem/nothing" if os.name == "posix" else "nul/nothing")
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
