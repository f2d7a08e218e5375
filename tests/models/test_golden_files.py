"""Model files of every format that was ever written: they are read, and give the outputs that they gave."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from golden.write import inputs

from kan_np import load_model

HERE = Path(__file__).parents[1] / "golden"
EXPECTED = json.loads((HERE / "expected.json").read_text(encoding="utf-8"))


def test_there_are_files_of_every_format():
    formats = {int(name.split("/")[0].removeprefix("format_")) for name in EXPECTED}
    assert formats == {1, 2, 3, 4, 5}
    for number in formats:
        path = next(HERE.glob(f"format_{number}/few_samples.npz"))
        with np.load(path) as stored:
            assert json.loads(str(stored["header"]))["version"] == number


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_outputs_are_what_they_were(name):
    """To rounding: the order of additions in vector registers is that of the processor."""
    model = load_model(HERE / f"{name}.npz")
    expected = np.array(EXPECTED[name])
    np.testing.assert_allclose(model(inputs(model.width[0])), expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_what_is_written_again_gives_the_same_bits(name, tmp_path):
    model = load_model(HERE / f"{name}.npz")
    model.save(tmp_path / "again.npz")
    again, x = load_model(tmp_path / "again.npz"), inputs(model.width[0])
    np.testing.assert_array_equal(again(x), model(x))
