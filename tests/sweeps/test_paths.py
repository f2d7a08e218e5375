"""Paths as they are typed: home directories, and names that no file can have."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import typer

from sweeps.cli import main
from sweeps.paths import path, shortened, source

SPEC = "suite = 'toy'\ntasks = ['product']\n[[models]]\nfamily = 'linear'\n"
QUIET = ["--backend", "sequential", "--no-report", "--progress", "none"]
posix = pytest.mark.skipif(os.name != "posix", reason="a home directory by HOME")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory, and an empty folder to be in."""
    (tmp_path / "home").mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "home"


def write_table(where: Path, first: int = 0) -> None:
    where.write_text("a,b,y\n" + "".join(f"{i},{(i * 7) % 11},{2 * i}\n" for i in range(first, first + 40)))


@pytest.mark.slow
@posix
def test_a_tilde_is_the_home_directory_in_every_option(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "s.toml").write_text(SPEC)
    write_table(home / "t.csv")
    write_table(home / "test.csv", first=40)
    commands = [
        ["run", "~/s.toml", "--out=~/x", *QUIET],
        ["run", "~/s.toml", "--out=~/y", *QUIET],
        ["run", "~/t.csv", "--target", "y", "--test=~/test.csv", "--out=~/t", "--limit", "1", *QUIET],
        ["auto", "~/t.csv", "--target=y", "--out=~/a", "--test=~/test.csv", "--budget=5", "--no-report"],
        ["status", "~/x"],
        ["list", "~/x"],
        ["report", "~/x", "--output=~/r.html"],
        ["export", "~/x", "-o", "~/runs.csv"],
        ["compare", "~/x", "~/y", "--output=~/c.html"],
        ["merge", "~/x", "~/y", "--out=~/m", "--no-report"],
        ["repair", "~/x", "--out=~/n"],
    ]
    for arguments in commands:
        assert main(arguments) == 0, capsys.readouterr().err
    for name in ("x/results.db", "t/results.db", "a/results.db", "m/results.db", "n/results.db"):
        assert (home / name).is_file()
    for name in ("r.html", "runs.csv", "c.html"):
        assert (home / name).is_file()
    assert list(Path.cwd().iterdir()) == []


@posix
def test_a_specification_names_tables_in_the_home_directory(home: Path, tmp_path: Path) -> None:
    write_table(home / "t.csv")
    write_table(home / "test.csv", first=40)
    spec = tmp_path / "s.toml"
    table = "csv = '~/t.csv'\ntest = '~/test.csv'\ntarget = 'y'\n[[models]]\nfamily = 'linear'\n"
    spec.write_text(table)
    assert main(["run", str(spec), "--out", str(tmp_path / "out"), *QUIET]) == 0
    spec.write_text(table.replace("~/", "~nobody-of-that-name/"))
    assert main(["run", str(spec), "--out", str(tmp_path / "out"), *QUIET]) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        ("a\0b", "a character of code 0"),
        ("a" * 300, "is too long (300 bytes)"),
        ("/".join(["a" * 50] * 100), "is too long"),
        ("\udcff", "is not UTF-8"),
        ("~nobody-of-that-name/x", "home folder of a user who is not known"),
    ],
)
def test_a_name_that_no_file_can_have_is_refused(
    text: str,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(typer.BadParameter) as raised:
        source(text)
    assert message in str(raised.value)
    for arguments in (
        ["run", "toy", "--out", text],
        ["run", "toy", "--dry-run", f"--out={text}"],
        ["status", text],
        ["merge", text, "--out", "m"],
        ["export", "x", "-o", text],
        ["auto", "t.csv", "--target", "y", "--test", text],
    ):
        assert main(arguments) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("error: Invalid value for ")
        assert message in line
        assert len(line) < 400
    assert list(tmp_path.iterdir()) == []


def test_other_paths_stay_as_they_were_typed() -> None:
    for text in (".", "runs/x", "a~b", "./~x", "special", "d\u00e9j\u00e0 vu"):
        assert source(text) == text
        assert path(text) == Path(text)
    assert shortened("short") == "'short'"
