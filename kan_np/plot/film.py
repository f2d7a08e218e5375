"""A film of a fit: the network and its losses after every step, as GIF or MP4 or a strip of pictures."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Self

import matplotlib as mpl
import numpy as np
from matplotlib.animation import AbstractMovieWriter, FFMpegWriter, PillowWriter
from matplotlib.figure import Figure

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np.network.mlp_network import MlpNetwork
from kan_np.network.network import Network
from kan_np.optimize.status import Progress
from kan_np.plot import names as naming
from kan_np.plot._film_picture import Cast, FilmSheet, draw_losses, draw_strip
from kan_np.plot.network import PLOT_METRICS, Look
from kan_np.training.estimator import Estimator
from kan_np.training.recorder import FitWatcher

#: Samples that scores and ranges of the pictures come from; chosen by judgement.
_SAMPLES = 1000
#: Seconds that the last frame stays.
_HOLD_S = 1.5


@dataclass(frozen=True)
class Frame:
    """The model after a step.

    Attributes
    ----------
    step : int
        0 is the start.
    network : Network or MlpNetwork
        Its parameters; everything else is shared between frames.
    """

    step: int
    network: Network | MlpNetwork


class Film(FitWatcher):
    """A callback of ``fit`` that keeps the model after every step, and draws a film of them in the end.

    While the fit runs only parameters are kept. When it has ended, or, of several fits in a ``with`` block,
    at the end of the block, the file is written: in every frame the network with the functions of its edges,
    as ``model.plot`` draws it, and beside it the losses up to there. Squares and axes span the same in all
    frames. The same fit gives the same bytes. No figure stays open.

    Parameters
    ----------
    file : path, optional
        ``.gif``, written by pillow, which comes with matplotlib, or ``.mp4``, which needs the program ffmpeg.
        Without a file nothing is written before `save`.
    every : int
        Keep every so many steps; the start and the last step are kept always.
    fps : int
        Frames a second.
    dpi : float
        Pixels an inch.
    max_frames : int
        With more frames, the last one not counted, every second one is left out, and twice as many steps lie
        between the next: memory and file stay bounded.
    metric, beta, in_vars, out_vars
        As of `kan_np.plot.plot_network`; an MLP has none of them.
    title : str, optional
        Over the losses.

    Attributes
    ----------
    frames : list of Frame
        What was kept, also where a fit was interrupted.

    Raises
    ------
    ValueError, TypeError
        For options of a wrong kind, another ending of the file, and ``.mp4`` where there is no ffmpeg.
    FileNotFoundError
        If the folder of the file does not exist.

    Examples
    --------
    >>> from kan_np import KAN, create_dataset
    >>> from kan_np.plot import Film
    >>> dataset = create_dataset(lambda x: x[:, [0]] * x[:, [1]], n_var=2, train_num=100, seed=0)
    >>> film = Film(every=2)
    >>> result = KAN([2, 2, 1], grid=3, seed=0).fit(dataset, "LM", 4, callback=film)
    >>> [frame.step for frame in film.frames]
    [0, 2, 4]
    >>> film.strip(n=3).savefig("strip.pdf")
    """

    def __init__(
        self,
        file: str | PathLike[str] | None = None,
        *,
        every: int = 1,
        fps: int = 5,
        dpi: float = 100.0,
        max_frames: int = 400,
        metric: str = "backward",
        beta: float = 3.0,
        in_vars: Sequence[Any] | None = None,
        out_vars: Sequence[Any] | None = None,
        title: str | None = None,
    ) -> None:
        self._file = None if file is None else checked_file(file)
        self.every = _validate.integer("every", every, 1)
        self._fps = _validate.integer("fps", fps, 1, 100)
        self._dpi = _validate.real("dpi", dpi, 1.0, 2000.0)
        self._most = _validate.integer("max_frames", max_frames, 2)
        self._metric = _validate.choice("metric", metric, PLOT_METRICS)
        self._beta = _validate.real("beta", beta, 0.0)
        self._names = in_vars, out_vars
        self._title = None if title is None else naming.title_of("title", title)
        self.frames: list[Frame] = []
        self._earlier: dict[str, list[float]] = {}
        self._history: Mapping[str, Sequence[float]] = {}
        self._samples: FloatArray | None = None
        self._model: Estimator | None = None
        self._waits = False
        self._look: Look | None = None

    # ---------------------------------------------------------------- what a fit calls

    def begin(self, model: Estimator, samples: FloatArray, history: Mapping[str, Sequence[float]]) -> None:
        """See `FitWatcher`; a further fit goes on with the film.

        Parameters
        ----------
        model, samples, history
            As there.

        Raises
        ------
        ValueError
            For a model of another shape than the film has begun with, and names that do not fit it.
        """
        width = list(model.width)
        if self.frames and list(self.frames[0].network.width) != width:
            raise ValueError(
                f"the film is of a model of width {list(self.frames[0].network.width)}, this one has "
                f"{width}; expected the same width. Make a new Film."
            )
        inputs = naming.names_of("in_vars", self._names[0], "x", width[0])
        outputs = naming.names_of("out_vars", self._names[1], "y", width[-1])
        self._look = Look(inputs, outputs, None, self._metric, self._beta)
        self._take_history()
        self._model, self._history = model, history
        rows = np.unique(np.linspace(0, len(samples) - 1, min(_SAMPLES, len(samples))).astype(np.int64))
        self._samples = np.ascontiguousarray(samples[rows])
        if not self.frames:
            self._keep()

    def __call__(self, progress: Progress) -> None:
        """Keep the model if a step is complete.

        Parameters
        ----------
        progress : Progress
            Of the fit.

        Raises
        ------
        RuntimeError
            Where it was not told that a fit begins.
        """
        if self._model is None:
            raise RuntimeError(
                "a Film is the callback of one model's fit, model.fit(dataset, callback=film); it cannot "
                "follow schedules, or be called by another callback."
            )
        if self._step >= self.frames[-1].step + self.every:
            self._keep()
        if len(self.frames) > self._most:
            self.every *= 2
            self.frames = self.frames[::2]

    def end(self) -> None:
        """Keep the last step, and write the file unless a ``with`` block goes on."""
        if self._step > self.frames[-1].step or not self._is_present():
            self.frames = [frame for frame in self.frames if frame.step < self._step]
            self._keep()
        self._take_history()
        self._model = None
        if not self._waits:
            self.close()

    def __enter__(self) -> Self:
        """Wait with the file for the end of the block."""
        self._waits = True
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        """Write the file, unless an exception leaves the block: the frames are kept then, for `save`."""
        self._waits = False
        if kind is None:
            self.close()

    def close(self) -> None:
        """Write the file, if the film has one and there are frames."""
        if self._file is not None and self.frames:
            self.save(self._file)

    @property
    def _step(self) -> int:
        return len(self._history.get("train_loss", ())) + len(self._earlier.get("train_loss", ()))

    def _is_present(self) -> bool:
        """Whether the last frame is the model as it is."""
        assert self._model is not None  # noqa: S101  a fit runs
        return np.array_equal(self.frames[-1].network.theta, self._model._network.theta)

    def _keep(self) -> None:
        assert self._model is not None  # noqa: S101  a fit runs
        network = self._model._network
        self.frames.append(Frame(self._step, network.with_theta(network.theta)))  # a copy, nothing computed

    def _take_history(self) -> None:
        """Append the losses of the present fit to those of the fits before it."""
        for name in ("train_loss", "val_loss", "test_loss"):
            if self._history.get(name):
                self._earlier.setdefault(name, []).extend(self._history[name])
        self._history = {}

    @property
    def losses(self) -> dict[str, list[float]]:
        """Histories of the losses of all fits, one after the other."""
        names = dict.fromkeys([*self._earlier, *(n for n in self._history if n.endswith("_loss"))])
        return {name: [*self._earlier.get(name, ()), *self._history.get(name, ())] for name in names}

    # ---------------------------------------------------------------- pictures

    def save(self, file: str | PathLike[str]) -> None:
        """Write the film; a file that is there is replaced when the new one is whole.

        Parameters
        ----------
        file : path
            ``.gif`` or ``.mp4``.

        Raises
        ------
        ValueError, FileNotFoundError
            As the constructor, and without frames.
        """
        path = checked_file(file)
        cast, n_held = self._cast(), round(_HOLD_S * self._fps)
        kind = PillowWriter if path.suffix.lower() == ".gif" else FFMpegWriter
        writer: AbstractMovieWriter = kind(fps=self._fps)
        part = path.with_name(f".{path.stem}.part{path.suffix}")
        figure = self._drawn(cast, 0)
        try:
            with mpl.rc_context({"savefig.bbox": None}), writer.saving(figure, os.fspath(part), self._dpi):
                for number in range(len(self.frames)):
                    self._drawn(cast, number, figure)
                    writer.grab_frame()
                for _ in range(n_held):
                    writer.grab_frame()
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    def draw(self, number: int = -1) -> Figure:
        """One frame as a matplotlib Figure.

        Parameters
        ----------
        number : int
            Index in `frames`; the last by default.

        Raises
        ------
        ValueError
            Where there is no such frame.
        """
        n = len(self.frames)
        number = _validate.integer("number", number, -n, max(n - 1, 0))
        return self._drawn(self._cast(), number % max(n, 1))

    def strip(self, n: int = 6, columns: int | None = None) -> Figure:
        """Some frames side by side over the losses, for a paper.

        Parameters
        ----------
        n : int
            How many frames, evenly spaced from the first to the last; all if there are fewer.
        columns : int, optional
            Of them in a row; if not given as many as there is room for in 13 inches, or three smaller ones.

        Returns
        -------
        matplotlib.figure.Figure
            To be written by ``savefig``, as PDF, SVG or PNG.

        Raises
        ------
        ValueError
            Without frames.
        """
        n = _validate.integer("n", n, 1)
        columns = None if columns is None else _validate.integer("columns", columns, 1)
        cast = self._cast()
        places = np.unique(np.linspace(0, len(self.frames) - 1, n).round().astype(np.int64)).tolist()
        if n == 1:
            places = [len(self.frames) - 1]
        shown = [(self.frames[place].step, self.frames[place].network) for place in places]
        return draw_strip(cast, shown, self.losses, self._title, columns)

    def _cast(self) -> Cast:
        if not self.frames or self._look is None or self._samples is None:
            raise ValueError("the film has no frames; pass it to a fit, model.fit(dataset, callback=film).")
        return Cast.of([frame.network for frame in self.frames], self._samples, self._look)

    def _drawn(self, cast: Cast, number: int, figure: Figure | None = None) -> Figure:
        """A frame, on a figure that is there already if one is given."""
        frame = self.frames[number]
        sheet = FilmSheet(figure)
        cast.draw(frame.network, sheet)
        draw_losses(sheet.beside, self.losses, frame.step, self._title)
        return sheet.figure

    def __repr__(self) -> str:
        """Number of frames, and the file."""
        return f"Film({len(self.frames)} frames, file={None if self._file is None else str(self._file)!r})"


def checked_file(file: str | PathLike[str]) -> Path:
    """The path of a film.

    Raises
    ------
    ValueError
        For another ending than .gif and .mp4, and for .mp4 where there is no ffmpeg.
    FileNotFoundError
        If there is no such folder.
    TypeError
        For something else than a path.
    """
    if not isinstance(file, str | PathLike):
        raise TypeError(f"file is {_validate.shown(file)}; expected a path, such as 'film.gif'.")
    path = Path(file)
    ending = _validate.choice("the ending of the file", path.suffix.lower(), (".gif", ".mp4"))
    if ending == ".mp4" and not FFMpegWriter.isAvailable():
        raise ValueError(
            f"file is {str(path)!r}, but there is no program ffmpeg, which writes .mp4; expected a .gif, or "
            "install ffmpeg."
        )
    if not path.parent.is_dir():
        raise FileNotFoundError(f"cannot write {path}: there is no folder {path.parent}; make it first.")
    return path
