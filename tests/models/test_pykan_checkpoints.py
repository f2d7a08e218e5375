"""Networks that pykan saved, read without torch. `golden/pykan` has them and what pykan gets from them."""

from __future__ import annotations

import io
import json
import pickle
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from kan_np import load_model, load_pykan
from kan_np.pykan.torch_file import read_tensors

FOLDER = Path(__file__).parents[1] / "golden" / "pykan"
EXPECTED = json.loads((FOLDER / "expected.json").read_text())


@pytest.fixture
def checkpoint(tmp_path):
    """A copy that may be damaged."""
    for end in ("config.yml", "state"):
        shutil.copy(FOLDER / f"everything_{end}", tmp_path / f"m_{end}")
    return tmp_path / "m"


def change(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize("name", EXPECTED)
def test_outputs_are_pykans_to_single_precision(name):
    model, case = load_pykan(FOLDER / name), EXPECTED[name]
    x, y = np.array(case["x"]), np.array(case["y"])
    assert np.abs(x).max() > 2.0  # outside of the grid, too
    assert np.abs(y).max() > 0.5
    assert model(x) == pytest.approx(y, abs=1e-6, rel=1e-6)


def test_what_the_network_is_made_of_is_kept():
    model = load_pykan(FOLDER / "everything")
    assert (model.width, model.n_mult, model.k, model.grid) == ([2, 5, 1], [0, 2, 0], 3, 4)
    assert (model.base_fun, model.extrapolation, model.affine_trainable) == ("identity", "zero", True)
    assert model.mult_arity == [[], [2, 2], []]
    formula = model.symbolic_formula(exact=False)
    assert "sin(1.5*x_1 - 0.25)" in str(formula.expressions[0])
    edges = set(model._network.topology.edge_number)
    assert (0, 1, 0) not in edges  # removed
    assert (0, 0, 1) not in edges  # the sine


def test_any_of_its_files_names_a_checkpoint():
    theta = load_pykan(FOLDER / "splines").theta
    for end in ("_state", "_config.yml", "_cache_data"):
        assert np.array_equal(load_pykan(str(FOLDER / f"splines{end}")).theta, theta)


def test_it_can_be_saved_trained_and_changed():
    model = load_pykan(FOLDER / "everything")
    x = np.array(EXPECTED["everything"]["x"])
    buffer = io.BytesIO()
    model.save(buffer)
    buffer.seek(0)
    assert np.array_equal(load_model(buffer)(x), model(x))
    data = {"train_input": x, "train_label": np.sin(x[:, [0]]) * x[:, [1]]}
    before = float(np.sqrt(np.mean((model(x) - data["train_label"]) ** 2)))
    assert model.fit(data, "LM", steps=5)["train_loss"][-1] < 0.5 * before


def test_what_pykan_does_not_train_is_frozen(checkpoint):
    whole, settings = load_pykan(checkpoint), Path(f"{checkpoint}_config.yml")
    for name in ("affine", "sp", "sb"):
        change(settings, f"{name}_trainable: true", f"{name}_trainable: false")
    model, x = load_pykan(checkpoint), np.array(EXPECTED["everything"]["x"])
    assert np.array_equal(model(x), whole(x))
    # scales and biases of nodes, a base weight an edge; scale_sp of sp_trainable is no parameter
    n_affine = 2 * (7 + 5 + 1 + 1)
    assert model.theta.size == whole.theta.size - n_affine - len(whole._network.topology.edge_number)


def test_a_name_may_end_as_a_file_does(tmp_path):
    for name, copied in (("splines", "m"), ("arities", "m_state")):
        for end in ("config.yml", "state"):
            shutil.copy(FOLDER / f"{name}_{end}", tmp_path / f"{copied}_{end}")
    assert load_pykan(tmp_path / "m_state").k == 2
    assert load_pykan(tmp_path / "m").k == 3
    assert load_pykan(tmp_path / "m_state_state").k == 2


@pytest.mark.parametrize("end", ["config.yml", "state"])
def test_a_missing_file_is_named(checkpoint, end):
    Path(f"{checkpoint}_{end}").unlink()
    with pytest.raises(FileNotFoundError, match=f"m_{end}"):
        load_pykan(checkpoint)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("- - 3\n  - 2", "- - 3\n  - 3", r"act_fun.0.coef has the shape \(2, 7, 7\); expected \(2, 9, 7\)"),
        ("k: 3", "k: 2", "act_fun.0.coef has the shape"),
        ("k: 3", "k: three", "the order k is 'three'"),
        (
            "- - sin",
            "- - besselj",
            r"the edge \(0, 0, 1\) is the symbol 'besselj', which the library does not know",
        ),
        ("identity", "relu", "the base function is 'relu'; expected one of silu, identity, zero"),
        ("width:", "depth:", "has no settings of a network"),
        ("width:\n- - 2\n  - 0", "width:\n- x", "width"),
        ("grid: 4", "grid: [", "is no YAML"),
        pytest.param("grid: 4", "grid: " + 3000 * "[" + 3000 * "]", "is no YAML", id="deep lists"),
        ("k: 3", "k: *a21", "has more than 2097152 settings"),
        ("symbolic.funs_name.0:", "other:", "'symbolic.funs_name.0' is missing"),
        (
            "symbolic.funs_name.0:\n- - '0'\n  - '0'\n- - sin\n  - '0'",
            "symbolic.funs_name.0: 3\na:",
            "is damaged",
        ),
    ],
)
def test_settings_that_do_not_fit_are_refused(checkpoint, old, new, message):
    change(Path(f"{checkpoint}_config.yml"), old, new)
    if "*" in new:  # a list of two, of which each next one holds the last twice
        ladder = ["a0: &a0 [x, x]", *(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 22))]
        settings = Path(f"{checkpoint}_config.yml")
        settings.write_text("\n".join([*ladder, settings.read_text()]))
    with pytest.raises(ValueError, match=message):
        load_pykan(checkpoint)


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path, contents, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)


class Evil:
    """Writes a file where it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("protocol", range(2, 6))
def test_nothing_in_a_file_is_executed(checkpoint, protocol):
    state, victim = Path(f"{checkpoint}_state"), checkpoint.parent / "victim"
    contents = members(state)
    contents["everything_state/data.pkl"] = pickle.dumps({"act_fun.0.grid": Evil(victim)}, protocol)
    write(state, contents)
    with pytest.raises(ValueError, match="which no dictionary of tensors needs"):
        load_pykan(checkpoint)
    assert not victim.exists()


def test_damaged_files_are_refused(checkpoint):
    state = Path(f"{checkpoint}_state")
    contents = members(state)
    name = "everything_state/data/0"
    for damaged in (
        contents | {name: contents[name][:-4]},
        {key: value for key, value in contents.items() if key != name},
        contents | {"everything_state/data.pkl": contents["everything_state/data.pkl"][:100]},
        contents | {"everything_state/byteorder": b"big"},
        {},
    ):
        write(state, damaged)
        with pytest.raises(ValueError, match="cannot be read as tensors of torch"):
            load_pykan(checkpoint)
    write(state, contents, zipfile.ZIP_DEFLATED)  # a compressed member may be far larger than the file
    with pytest.raises(ValueError, match="is compressed"):
        load_pykan(checkpoint)
    state.write_bytes(b"not an archive")
    with pytest.raises(ValueError, match="cannot be read as tensors of torch"):
        load_pykan(checkpoint)


TUPLES = b"".join(b"q" + bytes([i]) + b"h" + bytes([i]) + b"\x86" for i in range(40))


@pytest.mark.parametrize(
    "pickled", [b"\x80\x02)" + TUPLES + b")R.", b"\x80\x02})" + TUPLES + b"Ns."], ids=["called", "key"]
)
def test_tuples_that_hold_the_last_one_twice_do_not_grow(checkpoint, pickled):
    state = Path(f"{checkpoint}_state")
    write(state, members(state) | {"everything_state/data.pkl": pickled})
    with pytest.raises(ValueError, match="tuples in tuples in tuples"):
        load_pykan(checkpoint)


def test_tensors_are_no_larger_than_their_file(checkpoint):
    """A storage of a megabyte under a thousand names would be a gigabyte."""
    state = Path(f"{checkpoint}_state")
    write(state, {"a/data.pkl": _one_storage_many_names(1000, 2**20), "a/data/0": bytes(2**20)})
    with pytest.raises(ValueError, match="are larger together than the file"):
        read_tensors(state)


def test_a_shared_storage_is_read_once(checkpoint, monkeypatch):
    state, read = Path(f"{checkpoint}_state"), []
    whole = zipfile.ZipFile.read
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda self, name: read.append(name) or whole(self, name))
    write(state, {"a/data.pkl": _one_storage_many_names(50, 8), "a/data/0": bytes(8)})
    assert len(read_tensors(state)) == 50
    assert len(read) == 2  # the pickle and the storage


def _one_storage_many_names(n, size):
    """What torch writes for a dictionary whose tensors share a storage of bytes."""

    def text(value):
        return b"X" + len(value).to_bytes(4, "little") + value.encode()

    stored = b"(" + text("storage") + b"ctorch\nByteStorage\n" + text("0") + text("cpu")
    whole = b"J" + size.to_bytes(4, "little")
    tensor = (
        b"ctorch._utils\n_rebuild_tensor_v2\n("
        + stored
        + whole
        + b"tQ"
        + b"K\x00"
        + whole
        + b"\x85K\x01\x85\x89}tR"
    )
    return b"\x80\x02}(" + b"".join(text(f"t{i}") + tensor for i in range(n)) + b"u."


def test_any_byte_of_the_pickle_may_be_wrong(checkpoint):
    """Every change of one byte is refused, or gives tensors: there is no other error, and no crash."""
    state, rng = Path(f"{checkpoint}_state"), np.random.default_rng(0)
    contents = members(state)
    whole = contents["everything_state/data.pkl"]
    refused = 0
    for place in rng.integers(0, len(whole), 200):
        other = bytearray(whole)
        other[place] ^= int(rng.integers(1, 256))
        write(state, contents | {"everything_state/data.pkl": bytes(other)})
        try:
            assert all(isinstance(array, np.ndarray) for array in read_tensors(state).values())
        except ValueError:
            refused += 1
    assert refused > 100


def with_tensor(checkpoint, change_of):
    """Change the numbers of the tensor whose storage is the first that `change_of` maps to others."""
    state = Path(f"{checkpoint}_state")
    contents = members(state)
    for name, content in contents.items():
        if "/data/" in name and (found := change_of(np.frombuffer(content, "<f4"))) is not None:
            write(state, contents | {name: found.astype("<f4").tobytes()})
            return
    raise AssertionError("no tensor is changed")


def test_an_edge_that_is_spline_and_symbol_is_refused(checkpoint):
    # the mask of the splines of layer 0: the removed edge, the symbol, and the two of the removed node are 0
    with_tensor(checkpoint, lambda a: np.ones(14) if a.size == 14 and set(a) == {0, 1} else None)
    with pytest.raises(ValueError, match=r"the edge \(0, 0, 1\) is a spline and a symbol at once"):
        load_pykan(checkpoint)


def test_values_that_are_not_finite_are_refused(checkpoint):
    with_tensor(checkpoint, lambda a: np.full(14, np.nan) if a.size == 14 else None)
    with pytest.raises(ValueError, match=r"act_fun.0.mask has values that are not finite"):
        load_pykan(checkpoint)


def test_knots_that_pykan_would_not_have_are_refused(checkpoint):
    with_tensor(checkpoint, lambda a: np.where(np.arange(22) % 11 == 0, a - 5.0, a) if a.size == 22 else None)
    with pytest.raises(ValueError, match="the knots outside of a grid do not go on in even steps"):
        load_pykan(checkpoint)
