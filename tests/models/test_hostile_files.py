"""Model files from anywhere: each is a model, or a ValueError in little time and memory."""

from __future__ import annotations

import io
import json
import os
import struct
import subprocess
import sys
import tracemalloc
import zipfile

import numpy as np
import pytest
from mixed_models import mixed_model

from kan_np import KAN, MLP, load_model
from kan_np.data.scaler import Scaler

CONFIG = {"width": [2, 3, 1], "grid": 4, "k": 3, "base_fun": "silu", "extrapolation": "smooth"}


def content(model=None):
    """Header and arrays of the file of a model."""
    buffer = io.BytesIO()
    (KAN([2, 3, 1], 4, seed=0) if model is None else model).save(buffer)
    arrays = dict(np.load(io.BytesIO(buffer.getvalue())))
    return json.loads(str(arrays.pop("header"))), arrays


def packed(header, arrays, save=np.savez):
    buffer = io.BytesIO()
    text = header if isinstance(header, str) else json.dumps(header)
    save(buffer, header=np.array(text), **arrays)
    return buffer.getvalue()


def with_config(**config):
    header, arrays = content()
    header["config"] |= config
    return packed(header, arrays)


def with_arrays(model=None, **changed):
    header, arrays = content(model)
    return packed(header, {**arrays, **changed})


def with_symbol(expression, name="mine", rows=1):
    model = KAN([1, rows], seed=0)
    for j in range(rows):
        model.fix_symbolic(0, 0, j, "sin", fit=False)
    header, arrays = content(model)
    listed = [[0, 0, j, name, expression, 2.0 + j] for j in range(rows)]
    return packed(header, arrays | {"symbols": np.array(json.dumps(listed))})


def claiming(name, shape, descr="<f8"):
    """A file one of whose arrays claims a shape that its bytes do not have."""
    header, arrays = content()
    kept = {key: array for key, array in arrays.items() if key != name}
    buffer = io.BytesIO(packed(header, kept))
    with zipfile.ZipFile(buffer, "a") as archive:
        body = io.BytesIO()
        fields = {"descr": descr, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(body, fields)
        archive.writestr(f"{name}.npy", body.getvalue() + b"\0" * 800)
    return buffer.getvalue()


def bomb(name, size):
    """A file that is small until a member of it is unpacked."""
    header, arrays = content()
    buffer = io.BytesIO(packed(header, {key: array for key, array in arrays.items() if key != name}))
    with (
        zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open(f"{name}.npy", "w", force_zip64=True) as member,
    ):
        fields = {"descr": "<f8", "fortran_order": False, "shape": (size // 8,)}
        np.lib.format.write_array_header_1_0(member, fields)
        for _ in range(size // 2**20):
            member.write(b"\0" * 2**20)
    return buffer.getvalue()


def many_members(count):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(count):
            archive.writestr(f"{number}.npy", b"")
    return buffer.getvalue()


def knots(change):
    _, arrays = content()
    array = arrays["knots"].copy()
    change(array)
    return with_arrays(knots=array)


def assign(place, value):
    def change(array):
        array[place] = value

    return change


def reverse(array):
    array[:] = array[:, ::-1].copy()


def theta(value, model=None):
    _, arrays = content(model)
    array = arrays["theta"].copy()
    array.flat[3] = value
    return with_arrays(model, theta=array)


def scaled(**changed):
    model = KAN([2, 3, 1], 4, seed=0)
    model.scaler = Scaler.fit([[1.0, 2.0], [3.0, 5.0]], [[1.0], [2.0]])
    return with_arrays(model, **changed)


HEADER, ARRAYS = content()
HOSTILE = {
    "wide": lambda: with_config(width=[2, 20000, 20000, 1]),
    "wider": lambda: with_config(width=[2, 10**9, 1]),
    "widest": lambda: with_config(width=[2, 10**4000, 1]),
    "products": lambda: with_config(width=[2, [0, 10**8], 1]),
    "arity": lambda: with_config(width=[2, [0, 3], 1], mult_arity=10**9),
    "arities": lambda: with_config(width=[2, [0, 1], 1], mult_arity=[[], [10**9], []]),
    "deep": lambda: with_config(width=[1] * 100_000),
    "width of floats": lambda: with_config(width=[2, 3.0, 1]),
    "negative width": lambda: with_config(width=[2, -3, 1]),
    "width of text": lambda: with_config(width="231"),
    "width of lists": lambda: with_config(width=[[[2]], 3, 1]),
    "grid": lambda: with_config(grid=10**9),
    "order": lambda: with_config(k=10**9),
    "long word": lambda: with_config(base_fun="x" * 10**6),
    "unknown option": lambda: with_config(colour="red"),
    "affine of text": lambda: with_config(affine_trainable="yes"),
    "no configuration": lambda: packed(HEADER | {"config": None}, ARRAYS),
    "other kind": lambda: packed(HEADER | {"kind": "MLP"}, ARRAYS),
    "version": lambda: packed(HEADER | {"version": 10**400}, ARRAYS),
    "nested json": lambda: packed("[" * 100_000 + "]" * 100_000, ARRAYS),
    "nested header": lambda: packed('{"a":' * 100_000 + "1" + "}" * 100_000, ARRAYS),
    "header of bytes": lambda: with_arrays(header2=np.zeros(3)),
    "unused member": lambda: with_arrays(unused=np.zeros(10)),
    "unused member of 2 GB": lambda: claiming("unused", (2**28,)),
    "claim of 2 GB": lambda: claiming("theta", (2**25, 8)),
    "claim of much": lambda: claiming("theta", (2**40, 2**40)),
    "claim of nothing": lambda: claiming("theta", (10**17,), "<U0"),
    "object array": lambda: claiming("theta", (12, 8), "|O"),
    "records": lambda: claiming("theta", (12, 8), [("a", "<f8")]),
    "bomb": lambda: bomb("theta", 200 * 2**20),
    "unused bomb": lambda: bomb("unused", 200 * 2**20),
    "many members": lambda: many_members(20_000),
    "single precision": lambda: with_arrays(theta=ARRAYS["theta"].astype(np.float32)),
    "complex": lambda: with_arrays(theta=ARRAYS["theta"].astype(complex)),
    "integers": lambda: with_arrays(knots=np.arange(25).reshape(5, 5)),
    "text": lambda: with_arrays(theta=ARRAYS["theta"].astype(str)),
    "reversed knots": lambda: knots(reverse),
    "unordered knots": lambda: knots(assign((0, 1), 0.9)),
    "equal knots": lambda: knots(assign((0, 1), -1.0)),
    "NaN knot": lambda: knots(assign((1, 2), np.nan)),
    "infinite knot": lambda: knots(assign((1, -1), np.inf)),
    "huge knots": lambda: knots(assign((0, slice(None)), np.array([-1.7, -1.0, 0.0, 1.0, 1.7]) * 1e308)),
    "tiny knots": lambda: knots(assign((0, slice(None)), np.arange(5) * 5e-324)),
    "NaN reach": lambda: with_arrays(reach=np.full((5, 2), np.nan)),
    "negative reach": lambda: with_arrays(reach=np.full((5, 2), -1.0)),
    "NaN parameter": lambda: theta(np.nan),
    "infinite parameter": lambda: theta(np.inf),
    "NaN weight": lambda: theta(np.nan, MLP([2, 3, 1], seed=0)),
    "weights of objects": lambda: with_arrays(MLP([2, 3, 1], seed=0), theta=np.zeros(13, dtype=np.float32)),
    "array of an MLP": lambda: with_arrays(MLP([2, 3, 1], seed=0), knots=np.zeros(3)),
    "NaN constant": lambda: with_arrays(mixed_model(), constants=np.full((7, 4), np.nan)),
    "infinite affine": lambda: with_arrays(
        mixed_model(affine=True), affine=np.full_like(content(mixed_model(affine=True))[1]["affine"], np.inf)
    ),
    "NaN scaler": lambda: scaled(scaler_input_shift=np.array([np.nan, 0.0])),
    "zero scale": lambda: scaled(scaler_input_scale=np.zeros(2)),
    "wide scaler": lambda: scaled(scaler_input_scale=np.ones(3), scaler_input_shift=np.ones(3)),
    "scaler of text": lambda: scaled(scaler_label_scale=np.array(["a"])),
    "unknown scaler": lambda: scaled(scaler_colour=np.zeros(1)),
    "used of all": lambda: with_arrays(used=np.ones(10**6, dtype=bool)),
    "factorial": lambda: with_symbol("factorial(10**7)*x"),
    "sines": lambda: with_symbol("sin(" * 90 + "x" + ")" * 90),
    "tower": lambda: with_symbol("9**9**9**9*x"),
    "tower of roots": lambda: with_symbol("sqrt(2)**10**9*x"),
    "tower in a factor": lambda: with_symbol("(3*x)**10**8"),
    "tower in an exponential": lambda: with_symbol("exp(10**9*log(3))*x"),
    "tower of exponentials": lambda: with_symbol("exp(exp(exp(exp(9))))*x"),
    "polynomial": lambda: with_symbol("legendre(10**6, x)"),
    "brackets": lambda: with_symbol("(" * 100_000 + "x" + ")" * 100_000),
    "minus signs": lambda: with_symbol("-" * 1900 + "x"),
    "many factors": lambda: with_symbol("*".join(f"sin({n}*x)" for n in range(1, 60))),
    "execution": lambda: with_symbol("__import__('os').system('true')"),
    "name of a number": lambda: with_symbol("sin(x)", name=5),
    "name of a list": lambda: with_symbol("sin(x)", name=["sin"]),
    "name of null": lambda: with_symbol("sin(x)", name=None),
    "formula of a number": lambda: with_symbol(5),
    "symbols nested": lambda: with_arrays(mixed_model(), symbols=np.array("[" * 100_000)),
    "nothing": lambda: b"",
    "zip of nothing": lambda: many_members(0),
    "half": lambda: packed(HEADER, ARRAYS)[:900],
    "no start": lambda: packed(HEADER, ARRAYS)[100:],
}
#: Beside those that take some seconds, which the processor spends on sympy.
SLOW = {"many polynomials": lambda: with_symbol("+".join(f"bell({n},x)" for n in range(45, 60)), rows=20)}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_file_is_a_value_error_in_little_memory(kind):
    data = HOSTILE[kind]()
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="the file") as caught:
            load_model(io.BytesIO(data))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 60e6 + 2 * len(data)
    assert len(str(caught.value)) < 1500


CHILD = """
import resource, sys, time
from kan_np import load_model, KAN
import kan_np.symbolic, sympy
start, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    load_model(sys.argv[1])
except ValueError as error:
    print("refused", time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="counts memory in kilobytes")
@pytest.mark.parametrize("kind", ["wide", "grid", "bomb", "factorial", "many polynomials"])
def test_a_hostile_file_takes_five_seconds_and_a_hundred_megabytes_at_most(kind, tmp_path):
    path = tmp_path / "m.npz"
    path.write_bytes({**HOSTILE, **SLOW}[kind]())
    command = [sys.executable, "-c", CHILD, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    word, seconds, kilobytes = done.stdout.split()
    assert word == "refused"
    assert float(seconds) < 5.0
    assert int(kilobytes) < 100_000 + path.stat().st_size / 500


def test_a_file_needs_at_most_twice_its_arrays():
    for model in (KAN([60, 200, 60, 1], 5, seed=0), MLP([300, 1000, 300], seed=0)):
        buffer = io.BytesIO()
        model.save(buffer)
        tracemalloc.start()
        try:
            buffer.seek(0)
            load_model(buffer)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 2 * len(buffer.getvalue())


def test_a_pruned_model_needs_no_more_than_what_is_left_of_it():
    header, arrays = content(KAN([1, 1], 4, seed=0))
    n = 2_000_000  # edges of 64 bytes, were they all there
    header["config"]["width"] = [1, n]
    edges = np.zeros(n, dtype=bool)
    edges[7] = True
    data = packed(header, arrays | {"edges": edges})
    tracemalloc.start()
    try:
        model = load_model(io.BytesIO(data))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert model.n_params == 8
    assert peak < 60e6


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="has no pipes with a name")
def test_a_pipe_a_device_and_a_folder_are_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="is a pipe or a device"):
        load_model(tmp_path / "pipe")
    with pytest.raises(ValueError, match="is a pipe or a device"):
        load_model("/dev/zero")
    with pytest.raises(IsADirectoryError, match=r"cannot read .*: it is a folder"):
        load_model(tmp_path)


def test_what_is_no_file_says_so_in_plain_words(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"^cannot read nope: there is no such file"):
        load_model("nope")
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match="a part of the path is a file"):
        load_model(tmp_path / "file" / "m.npz")
    with pytest.raises(TypeError, match="file is a int; expected a path"):
        load_model(5)
    with pytest.raises(ValueError, match="cannot be read as a kan_np model"):
        load_model(tmp_path / "file")


def test_what_cannot_be_saved_says_so_in_plain_words(tmp_path):
    model = KAN([2, 1], seed=0)
    with pytest.raises(IsADirectoryError, match="it is a folder; expected a file"):
        model.save(tmp_path)
    with pytest.raises(IsADirectoryError, match="it is a folder; expected a file"):
        model.save("")
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        model.save(tmp_path / "nowhere" / "m.npz")
    with pytest.raises(OSError, match=r"^cannot save .*: File name too long\.$"):
        model.save(tmp_path / ("x" * 300))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() == 0, reason="nobody forbids root anything")
def test_a_folder_that_may_not_be_written_to_says_so(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError, match="this user has no right to"):
        KAN([2, 1], seed=0).save(tmp_path / "m.npz")


def test_compressed_files_are_read():
    header, arrays = content()
    model = load_model(io.BytesIO(packed(header, arrays, np.savez_compressed)))
    assert repr(model) == "KAN([2, 3, 1], grid=4, k=3, n_params=72)"


def test_thousands_of_locks_and_symbols_take_no_square_of_their_number():
    n = 3000
    model = KAN([1, 1], 2, seed=0)
    header, arrays = content(model)
    header["config"]["width"] = [n, 1]
    table = {name: np.repeat(arrays[name], n, axis=0) for name in ("theta", "knots", "reach")}
    locks = np.array([[i // 2, 0, i, 0] for i in range(n)])
    own = {"edges": np.ones(n, dtype=bool), "used": np.ones(n, dtype=bool), "locks": locks}
    again = load_model(io.BytesIO(packed(header, table | own)))
    assert len(again.locks) == n // 2
    assert again.n_params == n // 2 * model.n_params


def test_a_directory_of_members_that_is_too_long_is_not_read():
    data = bytearray(packed(HEADER, ARRAYS) + b"\0" * 10**6)
    end = data.rfind(b"PK\5\6")
    record = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 9, 9, 900_000, 100, 0)
    with pytest.raises(ValueError, match="list of members"):
        load_model(io.BytesIO(bytes(data[:end] + b"\0" * 10**6 + record)))
