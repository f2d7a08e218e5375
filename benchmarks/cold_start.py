"""Time to the first result: import, first fit with an empty and a filled kernel cache, start of a worker.

    python -m benchmarks.cold_start --check

Every figure comes from fresh processes with one thread, one at a time; pykan's import takes turns with ours.
The first process of each kind fills a Numba cache of its own; the ones that find it filled, and byte code and
libraries in memory, are repeated. A fit is pykan's hello world, [2,5,1], G = 5, 1000 samples, or an MLP
[2,20,20,1], cut to 5 steps, for the start is what counts here; the same fit again shows how much is training.
"""

from __future__ import annotations

import argparse
import inspect
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from joblib.externals.loky import get_reusable_executor

from benchmarks._common import Bar, median, positive, show_bars, show_table
from benchmarks.peers.environments import PEERS, PeerError, peer_python

FITS = ("KAN, L-BFGS", "KAN, LM", "MLP, L-BFGS")
IMPORT_BAR = 1.0
IMPORT_RATIO_BAR = 0.25
EMPTY_BAR = 20.0
WARM_BAR = 0.3

_ROOT = Path(__file__).parents[1]
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_IMPORT_PYKAN = "import time; clock = time.perf_counter(); import kan; print(time.perf_counter() - clock)"


def first_fits(kind: str) -> dict[str, float]:
    """Import kan_np and fit twice, in a process that has imported nothing yet; seconds of each."""
    import time

    clock = time.perf_counter()
    from kan_np import KAN, MLP, create_dataset

    imported = time.perf_counter() - clock
    import numpy as np

    dataset = create_dataset(
        lambda x: np.exp(np.sin(np.pi * x[:, [0]]) + x[:, [1]] ** 2), n_var=2, train_num=2000, seed=0
    )
    seconds = []
    for _ in range(2):
        clock = time.perf_counter()
        model = MLP([2, 20, 20, 1], seed=0) if kind.startswith("MLP") else KAN([2, 5, 1], grid=5, seed=0)
        model.fit(dataset, opt="LM" if kind.endswith("LM") else "LBFGS", steps=5)
        seconds.append(time.perf_counter() - clock)
    return {"import": imported, "first": seconds[0], "second": seconds[1]}


def _environment(cache: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
    return {**kept, **_ONE_THREAD, "NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": path}


def in_new_process(kind: str, cache: Path) -> dict[str, float]:
    """`first_fits` in a process of its own."""
    program = f"{inspect.getsource(first_fits)}\nimport json\nprint(json.dumps(first_fits({kind!r})))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=_environment(cache),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def in_new_worker(kind: str, cache: Path) -> float:
    """Seconds from asking for a worker process to the end of its first task, which is `first_fits`."""
    clock = time.perf_counter()
    # the environment of the parent is what a worker starts with; `env` adds to it
    executor = get_reusable_executor(max_workers=1, reuse=False, env=_environment(cache))
    try:
        answer = executor.submit(first_fits, kind).result()
        return time.perf_counter() - clock - float(answer["second"])
    finally:
        executor.shutdown()


def pykan_import(python: str, folder: Path) -> float:
    """Seconds of `import kan`."""
    done = subprocess.run(
        [python, "-W", "ignore", "-c", _IMPORT_PYKAN],
        cwd=folder,
        env={**os.environ, **_ONE_THREAD, "PYTHONPATH": ""},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return float(done.stdout.splitlines()[-1])


def measure_fits(room: Path, repeats: int) -> list[Bar]:
    """Print a table of first fits; its bars."""
    rows, bars = [], []
    for kind in FITS:
        cache = room / kind
        empty = in_new_process(kind, cache)
        files = list(cache.rglob("*.nbc"))
        warm = [in_new_process(kind, cache) for _ in range(repeats)]
        workers = [in_new_worker(kind, cache) for _ in range(repeats)]
        filled = median(run["first"] for run in warm)
        rows.append(
            (
                kind,
                f"{empty['first']:.1f}",
                len(files),
                f"{sum(file.stat().st_size for file in files) / 1e6:.1f}",
                f"{filled:.3f}",
                f"{median(run['second'] for run in warm):.3f}",
                f"{median(workers):.2f}",
            )
        )
        bars.append(Bar(f"{kind}: first fit, empty cache, s", empty["first"], EMPTY_BAR))
        bars.append(Bar(f"{kind}: first fit, warm cache, s", filled, WARM_BAR))
    show_table(
        "Seconds of a first fit after the import; a worker's start holds process, import and first fit",
        ("fit", "empty cache", "kernels", "MB", "warm cache", "again", "worker"),
        rows,
    )
    return bars


def measure_imports(room: Path, repeats: int, given: str | None) -> list[Bar]:
    """Print a table of imports, ours and pykan's in turn; its bars."""
    try:
        python = peer_python(PEERS["pykan"], given)
        pykan_import(python, room)  # from disk into memory
    except PeerError as error:
        python = None
        print(f"pykan is not measured: {error}")
    ours, theirs = [], []
    for _ in range(repeats):
        ours.append(in_new_process(FITS[0], room / FITS[0])["import"])
        if python is not None:
            theirs.append(pykan_import(python, room))
    rows = [("kan_np", f"{median(ours):.2f}", f"{min(ours):.2f}", f"{max(ours):.2f}")]
    bars = [Bar("import KAN, MLP, create_dataset, s", median(ours), IMPORT_BAR)]
    if theirs:
        ratio = median(mine / other for mine, other in zip(ours, theirs, strict=True))
        rows.append(("pykan", f"{median(theirs):.2f}", f"{min(theirs):.2f}", f"{max(theirs):.2f}"))
        bars.append(Bar("the same / import pykan", ratio, IMPORT_RATIO_BAR))
    show_table("Seconds of an import", ("library", "median", "least", "most"), rows)
    return bars


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.cold_start",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--check", action="store_true", help="exit 1 when a bar is missed")
    parser.add_argument("--peer-python", help="a Python that has pykan; by default an environment is made")
    parser.add_argument("--repeats", type=positive, default=5, help="processes of each kind (default 5)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        room = Path(folder)
        bars = measure_fits(room, arguments.repeats)
        bars += measure_imports(room, arguments.repeats, arguments.peer_python)
    return show_bars(bars, check=arguments.check)


if __name__ == "__main__":
    raise SystemExit(main())
