"""What the command line says of wrong values, of presets, and of an interrupt."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sweeps._usage import usage_text
from sweeps.cli import main
from sweeps.spec.spec_reader import preset_names


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "toy", "--folds", "x"], "--folds is 'x'; expected a whole number."),
        (["run", "toy", "-j", "many"], "--jobs is 'many'; expected a whole number."),
        (["run", "toy", "--limit=0"], "--limit is '0'; expected a number not below 1."),
        (["run", "toy", "--limit", "2", "--limit", "x"], "--limit is 'x'; expected a whole number."),
        (["run", "toy", "--limit=x", "--limit=0"], "--limit is '0'; expected a number not below 1."),
        (
            ["auto", "t.csv", "--target", "y", "--tolerance", "low"],
            "--tolerance is 'low'; expected a number.",
        ),
        (["auto", "t.csv"], "which column of t.csv is to be predicted? Say it with --target NAME."),
    ],
)
def test_a_wrong_value_is_named_with_its_option(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("command", ["run", "auto"])
def test_columns_are_listed_where_no_target_is_named(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "lab.csv"
    table.write_text("T / K,yield\n1,2\n", encoding="utf-8")
    assert main([command, str(table), "--out", str(tmp_path / "out")]) == 2
    assert "Say it with --target NAME: one of 'T / K', 'yield'." in capsys.readouterr().err


class OfClickError(Exception):
    """What the releases of typer raise that build on click."""

    class param:  # noqa: N801
        opts = ("--limit",)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("'x' is not a valid integer.", "a whole number"),
        ("'x' is not a valid float.", "a number"),
        ("x is not in the range x>=1.", "a number not below 1"),
    ],
)
def test_other_releases_of_typer_are_understood(message: str, expected: str) -> None:
    assert (
        usage_text(OfClickError(), message, ["run", "--limit", "x"])
        == f"--limit is 'x'; expected {expected}."
    )
    assert usage_text(OfClickError(), message, ["run"]) == message


def test_the_help_names_every_preset(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--help"]) == 0
    said = re.findall(r"--preset.*?(?=--out)", capsys.readouterr().out, re.DOTALL)[-1]
    for name in preset_names():
        assert name in said


@pytest.mark.usefixtures("signals_are_heard")
@pytest.mark.skipif(os.name != "posix", reason="interrupts by a signal")
def test_an_interrupt_of_a_command_that_waits_is_one_line(tmp_path: Path) -> None:
    """The table is a pipe that nobody writes to: the command waits for it as for a slow disk."""
    os.mkfifo(tmp_path / "t.csv")
    command = [sys.executable, "-m", "sweeps", "auto", "t.csv", "--target", "y"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    # Opening it for writing waits for the reader, which is then inside the command.
    writer = os.open(tmp_path / "t.csv", os.O_WRONLY)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    os.close(writer)
    assert process.returncode == 130
    assert said.splitlines() == [
        "interrupted; nothing that was stored is lost, and the same command goes on or begins again."
    ]
