"""What searches for formulas: `discover`, and peers in processes of their own; and what they found."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import sympy
from sympy.parsing.sympy_parser import parse_expr

import kan_np
from benchmarks.formula.problems import toys
from benchmarks.formula.searched import searched
from benchmarks.formula.srbench.constants import Adjustable
from benchmarks.formula.srbench.equations import Equation, Rows, read_equations, symbols
from benchmarks.formula.srbench.verdicts import Verdict, is_wrong_claim, judged, relative_error
from benchmarks.peers.environments import Peer, PeerError, peer_python
from kan_np.discovery import discover

_ROOT = Path(__file__).parents[3]
#: Settings of a process that is to have one thread.
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)
_GROUP = "formulas"
_BUILT = (("pybind11==3.0.1", "setuptools<80", "wheel"), ("--no-build-isolation", "rils-rols==1.6.7"))
PEERS = {
    "operon": Peer("operon", "pyoperon", "", _GROUP, (("pyoperon==0.6.2",),)),
    "rils-rols": Peer("rils-rols", "rils_rols", "", _GROUP, _BUILT),
    "gplearn": Peer("gplearn", "gplearn", "", _GROUP, (("gplearn==0.4.3",),)),
}
#: A method has every so many problems of the table.
EVERY = {"discover": 1, "operon": 2, "rils-rols": 4, "gplearn": 4}
#: A peer that takes so many times its seconds, and a minute, by the wall clock has failed.
_PATIENCE, _MINUTE = 40, 60.0
#: Splines below this part of the spread have the shape of the formula.
_SHAPE = 1e-4
#: A search that took this part of its seconds was ended by them.
_OVER = 0.9


@dataclass(frozen=True)
class Task:
    """One search.

    Attributes
    ----------
    method, name : str
        Of `EVERY`; of the equation.
    noise : float
    data_seed : int
    seconds : float
        Of processor time.
    rows : int
    seed : int
        Of the search.
    python : str
        That of the peer.
    """

    method: str
    name: str
    noise: float
    data_seed: int
    seconds: float
    rows: int = 1000
    seed: int = 0
    python: str = ""


@cache
def revision() -> str:
    """A digest of the code of kan_np, whatever git knows of it."""
    folder = Path(kan_np.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def version_of(method: str) -> str:
    """What a result of the method depends on beside the settings."""
    return revision() if method == "discover" else PEERS[method].installs[-1][-1]


def warm_up() -> None:
    """Have all kernels compiled that a search can need, of one input as well."""
    for problem in toys():
        if problem.name in ("product", "phase"):
            searched(problem, seconds=10.0)
    x = np.linspace(0.0, 3.0, 100)[:, None]
    discover({"train_input": x, "train_label": x * np.sin(x**2)}, seconds=10.0)


def run(task: Task) -> dict[str, Any]:
    """Search, and judge what was found: the fields of a result."""
    (equation,) = (equation for equation in read_equations() if equation.name == task.name)
    x, y, sigma = equation.training(task.rows, task.data_seed, task.noise)
    try:
        find = _discovered if task.method == "discover" else _found_by_peer
        found = _with_verdict(find(equation, task, x, y), equation, task, sigma)
    except Exception as exception:  # one search that fails is one that is missed
        nothing = {"expression": None, "cpu": task.seconds, "called_exact": False}
        found = _with_verdict(nothing, equation, task, sigma)
        found["failed"] = f"{type(exception).__name__}: {exception}"
    found["solved"] = found["exact"] if task.noise == 0 else found["solution"]
    return {**found, "missed": "" if found["solved"] else _missed(found, task)}


def _with_verdict(found: dict[str, Any], equation: Equation, task: Task, sigma: float) -> dict[str, Any]:
    """What was found with its formula as text and the fields of its verdict."""
    found = dict(found)
    expression = found.pop("expression")
    error = found.pop("error_of_splines", float("inf"))
    if expression is None:
        verdict = Verdict(error, 1 - error**2, False, False, False, float("nan"))
        return {**found, "formula": "", **asdict(verdict), "wrongly_called_exact": found["called_exact"]}
    verdict = judged(equation, expression, task.data_seed, sigma, task.rows)
    wrong = found["called_exact"] and is_wrong_claim(equation, expression, task.data_seed)
    return {
        **found,
        "formula": _readable(expression, equation),
        **asdict(verdict),
        "wrongly_called_exact": wrong,
    }


def _discovered(equation: Equation, task: Task, x: Rows, y: Rows) -> dict[str, Any]:
    dataset = {"train_input": x, "train_label": y[:, None]}
    begin = time.process_time()
    found = discover(dataset, seconds=task.seconds, seed=task.seed)
    cpu = time.process_time() - begin
    best = found.best
    result: dict[str, Any] = {"cpu": cpu, "called_exact": bool(best.exact), "shape": best.shape}
    result["splines"] = min(found.tried.values(), default=float("inf")) / float(np.std(y))
    result["trained"] = found.n_trained
    if best.symbolic:
        names = dict(zip(best.formula.variables, equation.symbols, strict=True))
        return {**result, "expression": best.formula.expressions[0].xreplace(names)}
    fresh = equation.rows(1000, task.data_seed, "fresh")
    truth = equation.function(fresh)
    # of the model: numbers of a formula with splines in it may be rounded for reading
    result["error_of_splines"] = relative_error(best.model.predict(fresh)[:, 0], truth)
    result["error_of_text"] = relative_error(best.formula.numpy()(fresh)[:, 0], truth)
    return {**result, "expression": None}


def _found_by_peer(equation: Equation, task: Task, x: Rows, y: Rows) -> dict[str, Any]:
    asked = {"method": task.method, "x": x.tolist(), "y": y.tolist()}
    asked |= {"seconds": task.seconds, "seed": task.seed}
    with tempfile.TemporaryDirectory() as folder:  # for what peers write into the current one
        try:
            done = subprocess.run(
                [task.python, "-W", "ignore", "-m", f"{__package__}.peer_search"],
                input=json.dumps(asked) + "\n",
                capture_output=True,
                text=True,
                timeout=_PATIENCE * task.seconds + _MINUTE,
                cwd=folder,
                env={**os.environ, **ONE_THREAD, "PYTHONPATH": str(_ROOT)},
            )
        except subprocess.TimeoutExpired:
            raise PeerError(f"{task.method} has not ended on {task.name}") from None
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise PeerError(f"{task.method} failed on {task.name}: {said[-1] if said else 'it said nothing'}")
    answer = json.loads(done.stdout.splitlines()[-1])
    expression = with_fitted_numbers(expression_of(answer["formula"], x.shape[1], task.method), x, y)
    return {"cpu": answer["cpu"], "called_exact": False, "shape": "", "expression": expression}


def expression_of(text: str, n: int, method: str) -> sympy.Expr:
    """A peer's formula in x_1 to x_n; some count from 0, and gplearn's roots and logarithms are of |x|."""
    names = symbols(n)
    known: dict[str, Any] = {symbol.name: symbol for symbol in names}
    known |= {f"{letter}{i}": symbol for i, symbol in enumerate(names) for letter in "xX"}
    known |= {"add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b}
    known |= {"div": lambda a, b: a / b, "ln": sympy.log, "sqr": lambda a: a**2}
    if method == "gplearn":
        known |= {"log": lambda a: sympy.log(sympy.Abs(a)), "sqrt": lambda a: sympy.sqrt(sympy.Abs(a))}
    return sympy.sympify(parse_expr(text.replace("^", "**"), local_dict=known))


def with_fitted_numbers(expression: sympy.Expr, x: Rows, y: Rows) -> sympy.Expr:
    """The formula with its decimal numbers fitted to labels, if that lowers the error."""
    adjustable = Adjustable(expression, x.shape[1])
    numbers, values = adjustable.fitted(x, y)
    before = adjustable.values(x)
    if not np.isfinite(before).all() or np.sum((values - y) ** 2) < np.sum((before - y) ** 2):
        return adjustable.with_numbers(numbers)
    return expression


def _readable(expression: sympy.Expr, equation: Equation) -> str:
    """Text with the names of the variables."""
    text = str(expression)
    for symbol, name in reversed(list(zip(equation.symbols, equation.variables, strict=True))):
        text = text.replace(symbol.name, name)
    return text


def _missed(found: dict[str, Any], task: Task) -> str:
    """What kind of miss it is; of peers nothing is known."""
    if "failed" in found:
        return "failed"
    if task.method != "discover":
        return "unknown"
    if found["solution"]:
        return "constants"
    if found.get("splines", float("inf")) < max(_SHAPE, 2 * task.noise):
        return "edges"
    return "time" if found["cpu"] > _OVER * task.seconds else "shape"


def python_of(method: str, given: str | None) -> str:
    """A Python that has the peer; of discover this one."""
    return sys.executable if method == "discover" else peer_python(PEERS[method], given)
