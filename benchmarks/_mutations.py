"""Mutations for fuzzing: damaged model files, tables, specifications and stores, each given by a number.

Mutations of bytes find what readers of archives, text and pages trust; those that know the format get past
them, to headers, arrays, formulas, cells, values and rows.
"""

from __future__ import annotations

import io
import json
import random
import re
import sqlite3
import struct
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from kan_np import KAN, MLP, create_dataset
from kan_np.archive import Archive
from kan_np.data.scaler import Scaler
from sweeps.storage.rows import CHECKS
from sweeps.storage.store import Store

KINDS = ("model", "table", "spec", "store")
Draw = random.Random

NASTY: tuple[Any, ...] = (
    *(0, 1, -1, 2, 3, 20000, 10**6, 10**9, 2**31, 2**63, -(2**63), 10**30, 10**400),
    *(0.5, -0.0, 1e308, -1e308, 5e-324, float("nan"), float("inf"), float("-inf")),
    *(True, False, None, "", " ", "x", "silu", "error", "zero", "é\u202e\x1b[2J", "\x00", "a" * 5000),
    *([], {}, [[]], [2, 20000, 20000, 1], [1, [0, 10**8], 1], ["x"], [None], {"a": {"b": []}}),
)
_FORMULAS = (
    "x",
    *(
        "factorial(10**7)*x",
        "9**9**9*x",
        "x**10**9",
        "(3*x)**10**9",
        "exp(10**9*log(3))*x",
        "legendre(10**6,x)",
    ),
    *("1/0*x", "0**x", "zoo*x", "nan*x", "oo*x", "log(0)*x", "x.__class__", "lambda: x", "x if x else 1"),
    *("Piecewise((x,x<1),(1,True))", "Max(x,1,x**2)", "besselj(0,1e300*x)", "sign(x)", "x<1", "(x,x)", "5"),
    *("sin(" * n + "x" + ")" * n for n in (3, 15, 90, 3000)),
    *("-" * 3000 + "x", "1+" * 3000 + "x", "(" * 250 + "x" + ")" * 250, "sqrt(-1)*x", "x**x**x", "y+x", ""),
)
_CELLS = (
    *("", " ", "nan", "inf", "-inf", "1e999", "1e-999", "1,5", "1.5.2", "1_000", "0x10", "−3", "1e5", "--1"),
    *("12 m", "2024-01-31", "N/A", "=1+1", '"', '""', "a\nb", "\x00", "é", "\ufeff", "9" * 400, "a" * 9000),
)


#: Bytes of a file at most: bounds of time are for files of this size, not for millions of rows.
_LARGEST = 2_000_000


def mutated(kind: str, number: int) -> bytes:
    """The file of a number: the same one whenever, and wherever, it is asked for."""
    draw = Draw(f"{kind} {number}")
    data: bytes = draw.choice(originals()[kind])
    rounds = draw.choice((1, 1, 1, 2, 4))
    for _ in range(rounds):
        try:
            data = draw.choice((_bytes, _CHANGES[kind], _CHANGES[kind]))(data, draw)
        except (ValueError, KeyError, TypeError, zipfile.BadZipFile, EOFError, OSError, sqlite3.Error):
            data = _bytes(data, draw)  # an earlier round has left nothing that has a structure
        except (zlib.error, struct.error, NotImplementedError, OverflowError, RecursionError, IndexError):
            data = _bytes(data, draw)
    return data[:_LARGEST]


@cache
def originals() -> dict[str, list[bytes]]:
    """Whole files of every kind."""
    return {"model": _models(), "table": _tables(), "spec": _specs(), "store": [_store(_models()[0])]}


def _models() -> list[bytes]:
    dataset = create_dataset(lambda x: x[:, [0]] * x[:, [1]], n_var=2, train_num=50, seed=0)
    plain = KAN([2, 3, 1], grid=3, seed=0)
    mixed = KAN([2, [2, 1], 1], grid=3, seed=0, affine_trainable=True)
    mixed.fix_symbolic(0, 0, 0, "sin", fit=False)
    mixed.lock(1, [(0, 0), (1, 0)])
    scaled = KAN([2, 1], grid=4, k=2, base_fun="zero", extrapolation="zero", seed=0).remove_edge(0, 0, 0)
    scaled.scaler = Scaler.fit(dataset["train_input"], dataset["train_label"])
    found = []
    for model in (plain, mixed, scaled, MLP([2, 3, 1], seed=0)):
        buffer = io.BytesIO()
        model.save(buffer)
        found.append(buffer.getvalue())
    return found


def _tables() -> list[bytes]:
    draw = Draw(0)
    rows = [[f"{draw.uniform(-2, 2):.4f}" for _ in range(4)] for _ in range(40)]
    header = ["a", "b (m/s)", "c", "y"]
    plain = "\n".join(",".join(row) for row in [header, *rows])
    commas = "\n".join(";".join(row).replace(".", ",") for row in [header, *rows])
    classes = "\n".join("\t".join([*row[:2], draw.choice("uvw"), row[3]]) for row in [header, *rows])
    quoted = "\r\n".join(",".join(f'"{cell}"' for cell in row) for row in [header, *rows])
    return [text.encode() for text in (plain, commas, classes, quoted)]


def _specs() -> list[bytes]:
    suite = (
        'title = "t"\nsuite = "toy"\ntasks = ["product", "expsin"]\nseeds = 2\nmax_params = 500\n\n[data]\n'
        "n_train = 60\nn_test = 40\nseed = 1\nval_fraction = 0.2\n\n"
        '[[models]]\nfamily = "kan"\nhidden = ["suggested", [3]]\ngrids = [3, 5]\nk = 3\nopt = "LM"\n'
        "steps = 2\n\n"
        '[[models]]\nfamily = "mlp"\nhidden = [[3], [4, 4]]\nactivation = ["tanh", "silu"]\nsteps = 2\n\n'
        '[[models]]\nfamily = "formula"\nseconds = 5\n'
    )
    table = (
        'csv = "t.csv"\ntarget = "y"\nfeatures = ["a", "c"]\nseeds = [0, 3]\nclasses = "one-hot"\n\n'
        '[data]\nfolds = 3\n\n[[models]]\nfamily = "linear"\n\n[[models]]\nfamily = "additive"\ngrids = [3]\n'
    )
    return [suite.encode(), table.encode()]


def _store(model: bytes) -> bytes:
    environment = {"versions": {"kan_np": "1"}, "kernels": "k", "machine": "m"}
    records = []
    for seed in range(6):
        config = {"format": 2, "task": "t", "family": "kan", "width": [2, 3, 1], "grids": [3, 5], "k": 3}
        config |= {"opt": "LM", "steps": 2, "seed": seed, "data": {"n_train": 60, "n_test": 40, "seed": 0}}
        stages = [
            dict(
                *[{"stage": stage, "grid": 3 + 2 * stage, "n_params": 63 + stage, "status": "converged"}],
                **dict.fromkeys(("train_rmse", "val_rmse", "test_rmse"), 0.1 / (1 + seed + stage)),
                **{"wall_s": 0.5, "n_iter": 9, "n_fev": 12, "opt": "LM", "model": model},
            )
            for stage in range(2)
        ]
        if seed == 4:
            stages[0]["formula"] = {"formula": "-x", "latex": "- x", "complexity": 2.0, "n_constants": 0}
            stages[0]["formula"] |= {"exact": False, "best": True}
        end = {"status": "ok", "reason": ""} if seed < 5 else {"status": "failed", "reason": "ValueError: no"}
        records.append(
            {"run_id": f"{seed:016x}", "task": "t", "family": "kan", "config": config, **end}
            | {"wall_s": 1.0, "cpu_s": 1.0, "environment": environment, "stages": stages if seed < 5 else []}
        )
    with tempfile.TemporaryDirectory() as folder:
        with Store.create(folder, {"name": "t", "suite": "toy"}, "kan-sweep run t") as store:
            store.set_tasks({"t": {"formula": "x*y", "variables": ["x", "y"], "n_train": 60, "n_test": 40}})
            store.set_plan([(r["run_id"], r["task"], r["family"], r["config"]) for r in records])
            store.add_all(records)
        return (Path(folder) / "results.db").read_bytes()


def _bytes(data: bytes, draw: Draw) -> bytes:
    """Flip, overwrite, cut, repeat or move some bytes."""
    changed = bytearray(data or b"\0")
    a, b = sorted(draw.randrange(len(changed) + 1) for _ in range(2))
    b = min(b, a + draw.choice((1, 8, 64, len(changed))))
    match draw.randrange(6):
        case 0:
            for _ in range(draw.choice((1, 3, 30))):
                changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
        case 1:
            changed[a:b] = draw.randbytes(b - a)
        case 2:
            del changed[a:b]
        case 3:
            changed[a:a] = changed[a:b] * draw.choice((1, 1, 40))
        case 4:
            changed[a:b] = draw.choice((b"\xff", b"\0", b"(", b"[", b"9")) * (b - a)
        case 5:
            del changed[a:]
    return bytes(changed[:_LARGEST])


def _model(data: bytes, draw: Draw) -> bytes:
    archive = Archive(
        io.BytesIO(data)
    )  # `numpy.load` would take gigabytes for what an earlier round has made
    arrays = {name: archive.read(name) for name in archive.declared}
    match draw.randrange(5):
        case 0 | 1:
            header = json.loads(str(arrays["header"]))
            config = header.get("config")  # which an earlier round may have made into anything
            part = draw.choice((header, config, config) if isinstance(config, dict) else (header,))
            key = draw.choice((*part, "seed", "unknown"))
            if draw.random() < 0.2:
                part.pop(key, None)
            else:
                part[key] = draw.choice(NASTY)
            arrays["header"] = np.array(json.dumps(header))
        case 2:
            rows = json.loads(str(arrays["symbols"])) if "symbols" in arrays else []
            row = rows[0] if rows else [0, 0, 0, "x", "x", 1]
            place = draw.randrange(6)
            row[place] = draw.choice(_FORMULAS) if place == 4 else draw.choice(NASTY)
            arrays["symbols"] = np.array(json.dumps(rows * draw.choice((1, 1, 2))))
        case _:
            name = draw.choice([*arrays][1:])
            arrays[name] = _array(arrays[name], draw)
            if draw.random() < 0.1:
                arrays[draw.choice(("extra", "scaler_x", "used"))] = np.zeros(3)
    buffer = io.BytesIO()
    draw.choice((np.savez, np.savez, np.savez_compressed))(buffer, **arrays)
    return _zip_tricks(buffer.getvalue(), draw) if draw.random() < 0.15 else buffer.getvalue()


def _array(array: np.ndarray, draw: Draw) -> np.ndarray:
    changed = array.copy()
    match draw.randrange(7):
        case 0:
            changed.flat[draw.randrange(max(changed.size, 1))] = draw.choice(
                (np.nan, np.inf, 1e308, -1, 5e-324)
            )
        case 1:
            changed = changed[..., ::-1]
        case 2:
            changed = changed.astype(draw.choice(("f4", "c16", "i8", "?", "U3", ">f8", "S2")))
        case 3:
            changed = changed.reshape(-1)[: draw.randrange(changed.size + 1)]
        case 4:
            changed = np.concatenate([changed, changed])
        case 5:
            changed = np.zeros(draw.choice(((0,), (10**6,), (1, 1, 1), (0, 10**6), ())))
        case 6:
            changed = np.asfortranarray(changed * draw.choice((0, -1, 1e300, 1e-320)))
    return changed


def _zip_tricks(data: bytes, draw: Draw) -> bytes:
    buffer = io.BytesIO(data)
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")  # that there are two of one name
        body = io.BytesIO()
        shape = draw.choice(((10**9,), (2**40, 2**40), (3,), ()))
        fields = {"descr": draw.choice(("<f8", "|O", "<U0", "|V8", "<M8[s]")), "fortran_order": False}
        np.lib.format.write_array_header_1_0(body, fields | {"shape": shape})
        name = draw.choice(("theta2", "unused", "../x", "header", "é" * 9))
        archive.writestr(f"{name}.npy", body.getvalue() + b"\0" * draw.choice((0, 24, 3_000_000)))
    return buffer.getvalue()


def _table(data: bytes, draw: Draw) -> bytes:
    text = data.decode("utf-8", "surrogateescape")
    mark = max(",;\t", key=text.count)
    rows = [line.split(mark) for line in text.split("\n")]
    row = draw.choice((rows[0], draw.choice(rows)))
    match draw.randrange(8):
        case 0 | 1 | 2:
            row[draw.randrange(len(row))] = draw.choice(_CELLS)
        case 3:
            column = draw.randrange(len(rows[0]))
            for line in rows[1:]:
                line[column % len(line)] = draw.choice(_CELLS)
        case 4:
            row += row * draw.choice((1, 300))
        case 5:
            rows += rows[1:] * draw.choice((1, 20))
        case 6:
            row[:] = [draw.choice(_CELLS) * 3]
        case 7:
            mark = draw.choice((",", ";", "\t", "|", " ", '"'))
    text = "\n".join(mark.join(line) for line in rows)
    coding = draw.choice(("utf-8", "utf-8", "utf-8", "utf-16", "utf-8-sig", "latin-1"))
    return text.encode(coding, "replace" if coding != "utf-8" else "surrogateescape")


_VALUE = re.compile(r"(?<== )(.+)$|(?<=\[)[^\[\]\n]+(?=\])", re.MULTILINE)


def _spec(data: bytes, draw: Draw) -> bytes:
    text = data.decode("utf-8", "surrogateescape")
    lines = text.split("\n")
    at = draw.randrange(len(lines))
    match draw.randrange(6):
        case 0 | 1 | 2:
            found = draw.choice([*_VALUE.finditer(text)])
            text = text[: found.start()] + _toml(draw.choice(NASTY)) + text[found.end() :]
        case 3:
            text = "\n".join([*lines[:at], *lines[at + 1 :]])
        case 4:
            text = "\n".join([*lines[:at], draw.choice(lines), *lines[at:]])
        case 5:
            depth = draw.choice((3, 200, 5000))
            text += draw.choice(
                ("x = " + "[" * depth + "]" * depth, "x = " + "{a=" * depth + "1" + "}" * depth)
            )
    return text.encode("utf-8", "surrogateescape")


def _toml(value: Any) -> str:
    text = json.dumps(value)
    return re.sub(r"(-?)Infinity", r"\1inf", text).replace("NaN", "nan").replace("null", "''")


def _rows(data: bytes, draw: Draw) -> bytes:
    """Change rows, half of the time with the check sum that they then have."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "results.db"
        path.write_bytes(data)
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            table = draw.choice(list(CHECKS))
            column = draw.choice((*CHECKS[table].columns, "parts" if table == "runs" else "crc"))
            value: Any = draw.choice(NASTY)
            if not isinstance(value, int | float | str | None) or (
                isinstance(value, int) and abs(value) >= 2**63
            ):
                value = json.dumps(value)
            which = f"WHERE rowid % {draw.choice((1, 2, 3))} = 0"
            match draw.randrange(8):
                case 0:
                    connection.execute(f"DELETE FROM {table} {which}")  # noqa: S608
                case 1:
                    connection.execute(
                        draw.choice((f"DROP TABLE {table}", f"ALTER TABLE {table} DROP COLUMN crc"))
                    )
                case _:
                    if draw.random() < 0.3 and column in ("config", "json", "value"):
                        text = str(connection.execute(f"SELECT {column} FROM {table}").fetchone()[0])  # noqa: S608
                        value = _bytes(text.encode(), draw).decode("utf-8", "replace")
                    connection.execute(f"UPDATE {table} SET {column} = ? {which}", (value,))  # noqa: S608
                    if draw.random() < 0.5:
                        _sums(connection, table)
        finally:
            connection.close()
        return path.read_bytes()


def _sums(connection: sqlite3.Connection, table: str) -> None:
    check = CHECKS[table]
    rows = connection.execute(f"SELECT {', '.join(check.columns)}, rowid FROM {table}").fetchall()  # noqa: S608
    connection.executemany(f"UPDATE {table} SET crc = ? WHERE rowid = ?", [(check(r), r[-1]) for r in rows])  # noqa: S608


_CHANGES: dict[str, Callable[[bytes, Draw], bytes]] = {
    "model": _model,
    "table": _table,
    "spec": _spec,
    "store": _rows,
}
