"""Thousands of files that were tampered with: readers refuse them in documented ways, or read them.

The same numbers every time, in this process; `python -m benchmarks.fuzz` goes on where it can be killed.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import fuzz
from benchmarks._mutations import KINDS, mutated, originals
from benchmarks._readers import read


@pytest.mark.parametrize("kind", KINDS)
def test_whole_files_are_read(kind: str, tmp_path: Path) -> None:
    for data in originals()[kind]:
        assert read(kind, data, tmp_path) == "read"


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "count"), [("model", 2500), ("table", 500), ("spec", 150), ("store", 60)])
def test_bad_files_are_refused_as_documented_or_read(kind: str, count: int, tmp_path: Path) -> None:
    found = {"read": 0, "refused": 0}
    for number in range(count):
        try:
            found[read(kind, mutated(kind, number), tmp_path)] += 1
        except Exception as error:
            pytest.fail(f"python -m benchmarks.fuzz --only {kind}:{number} ends with {error!r}")
    assert min(found.values()) > count / 100


def test_a_number_is_always_the_same_file() -> None:
    for kind in KINDS:
        assert mutated(kind, 3) == mutated(kind, 3)
        assert len({mutated(kind, number) for number in range(20)}) > 15


def test_a_failure_is_counted_and_can_be_repeated(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Broken:
        alive = True

        def read(self, kind: str, number: int) -> dict[str, object]:
            return {"answer": "crash", "what": "the process ended"} if number == 2 else {"answer": "read"}

        def end(self) -> None: ...

    monkeypatch.setattr(fuzz, "Child", Broken)
    assert fuzz._fuzz(1e-4, 1, ("model",), check=True) == 1
    told = capsys.readouterr().out
    assert "--only model:2  crash: the process ended" in told
    assert "1 of 1 bars missed" in told

    def fails(kind: str, data: bytes, folder: Path) -> str:
        raise KeyError("x")

    monkeypatch.setattr(fuzz, "read", fails)
    found = fuzz.answer("spec", 1, tmp_path)
    assert found["answer"] == "error"
    assert str(found["what"]).startswith("KeyError: 'x' (fails:")
