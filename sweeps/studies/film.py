"""The film of a fit: the network after every step, as a GIF and as a strip of pictures."""

from __future__ import annotations

import io
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweeps.studies.measured import Measured

DESCRIPTION = (
    "pykan's tutorial on videos: [4,2,1,1], G = 3, of exp((sin pi(x1^2 + x2^2) + sin pi(x3^2 + x4^2)) / 2), "
    "3000 samples, L-BFGS with lamb = 0.001 and lamb_entropy = 2; the network after every step."
)
METHODS = ("kan",)
QUANTITIES = {
    "frames": "pictures in the film",
    "first_rmse": "training RMSE after the first step",
    "last_rmse": "training RMSE after the last step",
    "test_rmse": "RMSE on 1000 fresh samples after the last step",
}
PAPER = {"kan": "the tutorial makes its film by hand, with moviepy, from five steps; it prints no RMSE"}
_STEPS, _QUICK_STEPS = 40, 8
_DPI, _QUICK_DPI, _STRIP_DPI = 80, 50, 110


def run(method: str, seed: int, quick: bool = False) -> Measured:
    """Fit the network, and draw its film.

    Parameters
    ----------
    method : str
        "kan".
    seed : int
        Of the samples; the start is always the tutorial's, seed 1.
    quick : bool
        Eight steps and smaller pictures.

    Raises
    ------
    ValueError
        For another method.
    """
    import kan_np

    if method not in METHODS:
        raise ValueError(f"method is {method!r}; expected 'kan'.")
    dataset = kan_np.create_dataset(_function, n_var=4, train_num=3000, test_num=1000, seed=seed)
    model = kan_np.KAN([4, 2, 1, 1], grid=3, k=3, seed=1)
    names = ["$x_1$", "$x_2$", "$x_3$", "$x_4$"]
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", kan_np.KanWarning)
        file, dpi = Path(folder) / "film.gif", _QUICK_DPI if quick else _DPI
        film = kan_np.plot.Film(file, dpi=dpi, beta=10, in_vars=names, title="RMSE")
        steps = _QUICK_STEPS if quick else _STEPS
        result = model.fit(dataset, "LBFGS", steps, lamb=1e-3, lamb_entropy=2.0, callback=film)
        gif = file.read_bytes()
    losses = result["train_loss"]
    return Measured(
        {
            "frames": float(len(film.frames)),
            "first_rmse": float(losses[0]),
            "last_rmse": float(losses[-1]),
            "test_rmse": float(result["test_loss"][-1]),
        },
        arrays={
            "film.gif": np.frombuffer(gif, dtype=np.uint8),
            "strip.png": _file_of(film.strip(n=6), "png"),
            "strip.pdf": _file_of(film.strip(n=6), "pdf"),
        },
    )


def _function(x: NDArray[np.float64]) -> NDArray[np.float64]:
    sines = np.sin(np.pi * (x[:, [0, 2]] ** 2 + x[:, [1, 3]] ** 2))
    return np.asarray(np.exp(0.5 * sines.sum(axis=1, keepdims=True)))


def _file_of(figure: Any, kind: str) -> NDArray[np.uint8]:
    """Return the bytes of a figure as a file, without its date."""
    buffer = io.BytesIO()
    undated: dict[str, Any] = {"metadata": {"CreationDate": None}} if kind == "pdf" else {}
    figure.savefig(buffer, format=kind, dpi=_STRIP_DPI, **undated)
    return np.frombuffer(buffer.getvalue(), dtype=np.uint8)
