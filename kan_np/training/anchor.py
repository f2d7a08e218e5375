"""Anchors: what earlier samples say of the parameters of a model, for training on without those samples."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from os import PathLike
from typing import Any, BinaryIO, Self

import numpy as np

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np.archive import Archive, opened
from kan_np.model_file import write_arrays
from kan_np.network.state import check_text, check_vector
from kan_np.training.training_range import checked_range

_FORMAT, _VERSION = "kan_np anchor", 1


@dataclass(frozen=True, eq=False, repr=False)
class Anchor:
    """The memory of earlier phases of training, a quadratic form of the parameters of one model.

    A fit on new samples with ``fit(dataset, anchor=anchor)`` minimises

        L(theta) + 1 / (2 W) (theta - theta*)^T H (theta - theta*),    H = sum over earlier phases of W_p H_p,

    L the mean loss of the new samples and W the sum of their weights (their number where they have none),
    theta* the parameters when the anchor was made, and H_p the Gauss-Newton matrix of the mean loss of phase
    p at the parameters in which that phase ended. To second order the penalty is the weighted sum, over all
    earlier samples, of what the changes of the predictions cost; with the new samples it is the loss of all
    samples together. For a model that is linear in its trained parameters, such as a [n, 1] KAN, and squared
    errors this is exact: phases in turn end where one fit to all samples would. For other models it is exact
    near theta*.

    It is made by `KAN.anchor` and `MLP.anchor`, and never changes.

    Attributes
    ----------
    theta : ndarray of shape (n_params,)
        theta*.
    curvature : ndarray of shape (n_params, n_params)
        H, symmetric.
    weight : float
        Sum of the W_p: how many samples of weight 1 it stands for.
    n_phases : int
        Number of earlier phases.
    limits : ndarray of shape (2, n_in)
        Lowest and highest inputs of all of them, as the network sees them.
    loss : dict
        Name and options of their loss.
    digest : str
        Identifies the edges, grids, frozen parameters and units that the parameters belong to.

    Notes
    -----
    The online Laplace approximation: after phase p the posterior of the parameters is taken as normal with
    the precision H, which is the prior of the next phase. Of elastic weight consolidation it differs by the
    whole matrix in place of its diagonal.

    Sources: J. Kirkpatrick et al. (2017), Overcoming catastrophic forgetting in neural networks, PNAS 114,
    3521, eq. (3); the accumulation over phases F. Huszar (2018), Note on the quadratic penalties in elastic
    weight consolidation, PNAS 115, E2496, and H. Ritter, A. Botev and D. Barber (2018), Online structured
    Laplace approximations for overcoming catastrophic forgetting, NeurIPS 31, eq. (8); the Gauss-Newton
    matrix N. N. Schraudolph (2002), Fast curvature matrix-vector products, Neural Computation 14, 1723.

    Examples
    --------
    >>> import numpy as np
    >>> from kan_np import KAN, Anchor
    >>> x = np.linspace(-1, 1, 200)[:, None]
    >>> left, right = ({"train_input": part, "train_label": np.sin(4 * part)} for part in np.split(x, 2))
    >>> model = KAN([1, 1], grid=8, seed=0)
    >>> result = model.fit(left, "LM", update_grid=False)
    >>> anchor = model.anchor(left)
    >>> result = model.fit(right, "LM", anchor=anchor)
    >>> bool(np.abs(model(x) - np.sin(4 * x)).max() < 0.01)
    True
    >>> model.save("model.npz")
    >>> model.anchor(right, previous=anchor).save("anchor.npz")
    >>> Anchor.load("anchor.npz")
    Anchor(2 phases, samples of weight 200, 12 parameters)
    """

    theta: FloatArray
    curvature: FloatArray
    weight: float
    n_phases: int
    limits: FloatArray
    loss: dict[str, Any] = field(default_factory=dict)
    digest: str = ""

    def __post_init__(self) -> None:
        for name in ("theta", "curvature", "limits"):
            own = np.array(getattr(self, name), dtype=np.float64)
            own.flags.writeable = False
            object.__setattr__(self, name, own)

    @property
    def n_params(self) -> int:
        """Number of parameters that it is of."""
        return int(self.theta.size)

    def scaled(self, factor: float) -> Anchor:
        """An anchor in which earlier samples weigh `factor` times as much.

        Above 1 the model keeps more of what it was and takes less of the new samples (the lambda of elastic
        weight consolidation); below 1 it forgets, for data that drift.

        Parameters
        ----------
        factor : float
            Above 0.

        Raises
        ------
        ValueError, TypeError
            For another factor.
        """
        factor = _validate.real("factor", factor, 0.0)
        if factor == 0:
            raise ValueError("factor is 0.0; expected a number above 0. Without memory, leave anchor= out.")
        return replace(self, curvature=factor * self.curvature, weight=factor * self.weight)

    def save(self, file: str | PathLike[str] | BinaryIO) -> None:
        """Write the anchor to one .npz file, atomically; the model is saved by itself.

        Parameters
        ----------
        file : path or writable binary file

        Raises
        ------
        OSError
            As of ``KAN.save``.
        """
        header = {
            "format": _FORMAT,
            "version": _VERSION,
            "n_phases": self.n_phases,
            "weight": self.weight,
            "loss": self.loss,
            "digest": self.digest,
        }
        lower = self.curvature[np.tril_indices(self.n_params)]
        arrays = {"theta": self.theta, "limits": self.limits, "curvature": lower}
        write_arrays(file, {"header": np.array(json.dumps(header, sort_keys=True)), **arrays})

    @classmethod
    def load(cls, file: str | PathLike[str] | BinaryIO) -> Self:
        """Read an anchor that `save` wrote, back to the same bits.

        Parameters
        ----------
        file : path or binary file

        Raises
        ------
        OSError
            If the file cannot be read.
        ValueError
            If it is no anchor, or a damaged one. Nothing in a file is executed.
        """
        name = str(file) if isinstance(file, str | PathLike) else "the file"
        with opened(file) as handle:
            try:
                return cls._restored(Archive(handle))
            except Exception as error:  # a damaged archive can make the readers fail in any way
                raise ValueError(
                    f"{name} cannot be read as an anchor ({str(error)[:200]}); expected a file that "
                    "anchor.save wrote. Models are read by load_model."
                ) from error

    @classmethod
    def _restored(cls, archive: Archive) -> Self:
        declared = archive.declared
        if set(declared) != {"header", "theta", "limits", "curvature"}:
            raise ValueError(f"it has the arrays {sorted(declared)[:5]}")
        check_text("header", declared["header"])
        header = json.loads(str(archive.read("header")))
        if not isinstance(header, dict) or header.get("format") != _FORMAT:
            raise ValueError("its header is not that of an anchor")
        if header["version"] > _VERSION:
            raise ValueError(f"it has format version {header['version']}, and {_VERSION} is the newest known")
        n = declared["theta"].shape[0] if declared["theta"].shape else 0
        check_vector("theta", declared["theta"], n)
        check_vector("curvature", declared["curvature"], n * (n + 1) // 2)
        limits = archive.read("limits")
        checked_range("limits", limits, limits.shape[-1] if limits.ndim == 2 else 0)
        theta, lower = archive.read("theta"), archive.read("curvature")
        if not (np.isfinite(theta).all() and np.isfinite(lower).all()):
            raise ValueError("it has numbers that are not finite")
        curvature = np.zeros((n, n))
        curvature[np.tril_indices(n)] = lower
        curvature += np.tril(curvature, -1).T
        weight = _validate.real("weight", header["weight"], 0.0)
        n_phases = _validate.integer("n_phases", header["n_phases"], 1)
        return cls(theta, curvature, weight, n_phases, limits, dict(header["loss"]), str(header["digest"]))

    def __repr__(self) -> str:
        """Phases, samples and parameters."""
        phases = "1 phase" if self.n_phases == 1 else f"{self.n_phases} phases"
        return f"Anchor({phases}, samples of weight {self.weight:.6g}, {self.n_params} parameters)"
