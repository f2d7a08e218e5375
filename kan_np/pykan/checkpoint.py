"""Reads a network that pykan saved with `saveckpt`, without torch."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np.edges.knots import continued_knots
from kan_np.functions.builtin import ALIASES
from kan_np.functions.library import default_library
from kan_np.model import KAN
from kan_np.network.structure import AFFINE, BASE, KINDS
from kan_np.network.topology import Topology
from kan_np.network.width import Shape
from kan_np.options import BASE_FUNCTIONS
from kan_np.pykan.torch_file import read_tensors
from kan_np.surgery.frozen_parameters import frozen_kinds

#: Most bytes of the file of settings: names of the functions of a million edges.
_LONGEST_SETTINGS = 2**23
#: Most settings: the names of the functions of a million edges.
_MOST_SETTINGS = 2**21
#: Part of a step, or of a knot, by which single precision may move a knot.
_KNOTS = 1e-4
_AFFINE = ("subnode_scale", "subnode_bias", "node_scale", "node_bias")


def load_pykan(path: str | PathLike[str]) -> KAN:
    """Read a network that pykan saved with ``model.saveckpt(path)``.

    The same function: outputs agree with pykan's to its single precision, on the grids and outside, where
    pykan's splines fade to zero (``extrapolation="zero"``). Its edges are

        phi(x) = mask (scale_base b(x) + scale_sp sum_g coef_g B_g(x))  or  mask (c f(a x + b) + d),

    KAN paper arXiv:2404.19756, eq. (2.10); mask and scale_sp become part of the coefficients, and edges of
    mask 0 are removed. Grids, products, scales and biases of nodes, and symbols are kept. Frozen are what
    pykan froze, base weights (``sb_trainable=False``) and scales and biases of nodes; its ``sp_trainable``
    freezes scale_sp alone, which is no parameter here.

    Parameters
    ----------
    path : path
        As it was given to ``saveckpt``, or one of the files of that name: ``<path>_config.yml`` and
        ``<path>_state`` are read, ``<path>_cache_data``, which holds samples, is not. pykan's automatic
        versions are ``"model/0.0"``, ``"model/0.1"`` and so on.

    Returns
    -------
    KAN

    Raises
    ------
    FileNotFoundError
        If one of the two files is missing.
    ValueError
        If they are damaged, do not fit together, or hold what KAN has not: an edge that is a spline and a
        symbol at once, or a symbol that the library does not know (see `add_symbolic`).
    ImportError
        Without PyYAML, which ``pip install 'kan_np[pykan]'`` brings.

    Notes
    -----
    Files from anywhere may be opened: the settings are read as plain YAML, and the tensors without
    unpickling, so nothing in them is executed.

    Examples
    --------
    >>> from kan_np import load_pykan
    >>> model = load_pykan("model/0.3")  # doctest: +SKIP
    >>> model.save("model.npz")  # doctest: +SKIP
    """
    prefix = str(path)
    if not Path(f"{prefix}_config.yml").exists():  # one of the files of a checkpoint
        prefix = re.sub(r"_(config\.yml|state|cache_data)$", "", prefix)
    settings, tensors = _settings(Path(f"{prefix}_config.yml")), read_tensors(f"{prefix}_state")
    try:
        return _model(settings, tensors)
    except KeyError as error:
        raise ValueError(f"{prefix} is no whole checkpoint of pykan: {error} is missing.") from error
    except (TypeError, AttributeError, IndexError) as error:
        raise ValueError(f"{prefix} is damaged: its settings and tensors do not fit ({error}).") from error


def _settings(path: Path) -> dict[str, Any]:
    try:
        import yaml
    except ImportError as error:
        raise ImportError(
            "Checkpoints of pykan need PyYAML: install it with pip install 'kan_np[pykan]'."
        ) from error
    if not path.exists():
        raise FileNotFoundError(
            f"there is no file {str(path)!r}; expected the path that was given to pykan's saveckpt."
        )
    if path.stat().st_size > _LONGEST_SETTINGS:
        raise ValueError(f"{path} has more than {_LONGEST_SETTINGS} bytes; expected settings of a network.")
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"{path} is no YAML: {str(error)[:300]}.") from error
    _check_size(found, path)
    if not isinstance(found, dict) or "width" not in found:
        raise ValueError(f"{path} has no settings of a network of pykan; expected width, grid, k and others.")
    return found


def _check_size(settings: object, path: Path) -> None:
    """Raise ValueError for settings that are larger, written out, than those of a network.

    In YAML a list may name another one twice, and that one another.
    """
    left, count = [settings], 0
    while left:
        one = left.pop()
        count += 1
        if count > _MOST_SETTINGS:
            raise ValueError(f"{path} has more than {_MOST_SETTINGS} settings; expected those of a network.")
        if isinstance(one, dict):
            left += [*one.keys(), *one.values()]
        elif isinstance(one, list | tuple | set):
            left += one


def _model(settings: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]) -> KAN:
    shape = Shape.parse(settings["width"], settings.get("mult_arity", 2))
    k = settings["k"]
    base_fun = settings.get("base_fun_name", "silu")
    if base_fun not in BASE_FUNCTIONS:
        raise ValueError(
            f"the base function is {_validate.shown(base_fun)}; expected one of {', '.join(BASE_FUNCTIONS)}."
        )
    tensors = _checked(shape, k, tensors)
    arrays = _edges(shape, settings, tensors, has_base=base_fun != "zero")
    knots = [tensors[f"act_fun.{layer}.grid"] for layer in range(len(shape.pairs))]
    arrays["knots"] = np.concatenate([own[:, k : own.shape[1] - k] for own in knots])
    _check_outer_knots(np.concatenate(knots), k)
    arrays |= _affine(len(shape.pairs), tensors, trains=bool(settings.get("affine_trainable", False)))
    config = {
        "width": settings["width"],
        "mult_arity": settings.get("mult_arity", 2),
        "grid": arrays["knots"].shape[1] - 1,
        "k": k,
        "base_fun": base_fun,
        "grid_eps": settings.get("grid_eps", 0.02),
        "extrapolation": "zero",
        "affine_trainable": "affine" in arrays,
    }
    model = KAN._restore(config, arrays)
    if not settings.get("sb_trainable", True):
        model._network = frozen_kinds(model._network, [BASE])
    model._start = model._network
    return model


def _affine(n_layers: int, tensors: Mapping[str, FloatArray], *, trains: bool) -> dict[str, Any]:
    """Scales and biases of nodes, layer by layer; none where pykan has them and they neither do nor learn."""
    own = [tensors[f"{name}_{layer}"] for layer in range(n_layers) for name in _AFFINE]
    idle = all(
        (values == float("scale" in name)).all() for values, name in zip(own, _AFFINE * n_layers, strict=True)
    )
    if idle and not trains:
        return {}
    frozen = [] if trains else [(layer, -1, -1, KINDS.index(AFFINE)) for layer in range(n_layers)]
    return {"affine": np.concatenate(own), "frozen": np.array(frozen, dtype=np.int64).reshape(-1, 4)}


def _checked(shape: Shape, k: object, tensors: Mapping[str, NDArray[Any]]) -> dict[str, FloatArray]:
    """The tensors as float64; raises ValueError unless they are those of a network of this shape."""
    found: dict[str, FloatArray] = {}
    if not isinstance(k, int) or k < 0:
        raise ValueError(f"the order k is {_validate.shown(k)}; expected a whole number.")
    n_knots = tensors["act_fun.0.grid"].shape[-1]
    for layer, (n_in, n_sums) in enumerate(shape.pairs):
        n_nodes = shape.width[layer + 1]
        expected = {
            f"act_fun.{layer}.grid": (n_in, n_knots),
            f"act_fun.{layer}.coef": (n_in, n_sums, n_knots - k - 1),
            **{f"act_fun.{layer}.{name}": (n_in, n_sums) for name in ("mask", "scale_base", "scale_sp")},
            f"symbolic_fun.{layer}.mask": (n_sums, n_in),
            f"symbolic_fun.{layer}.affine": (n_sums, n_in, 4),
            **{f"subnode_{name}_{layer}": (n_sums,) for name in ("scale", "bias")},
            **{f"node_{name}_{layer}": (n_nodes,) for name in ("scale", "bias")},
        }
        for name, wanted in expected.items():
            if tensors[name].shape != wanted:
                raise ValueError(f"{name} has the shape {tensors[name].shape}; expected {wanted}.")
            if not np.isfinite(tensors[name]).all():
                raise ValueError(f"{name} has values that are not finite.")
            found[name] = tensors[name].astype(np.float64)
    return found


def _check_outer_knots(knots: FloatArray, k: int) -> None:
    """Raise ValueError unless the k knots beyond each end go on in even steps, as pykan has them."""
    inner = knots[:, k : knots.shape[1] - k]
    expected = continued_knots(inner, k)
    step = (inner[:, -1:] - inner[:, :1]) / (inner.shape[1] - 1)
    if not (np.abs(knots - expected) <= _KNOTS * np.maximum(step, np.abs(knots))).all():
        raise ValueError("the knots outside of a grid do not go on in even steps; expected those of pykan.")


def _edges(
    shape: Shape, settings: Mapping[str, Any], tensors: Mapping[str, FloatArray], *, has_base: bool
) -> dict[str, Any]:
    """Edges, their parameters and symbols as `kan_np.network.state` takes them from a file."""
    symbolic = bool(settings.get("symbolic_enabled", True))
    splines, present, rows, symbols, constants = [], [], [], [], []
    for layer in range(len(shape.pairs)):
        own = {
            name: tensors[f"act_fun.{layer}.{name}"] for name in ("coef", "mask", "scale_base", "scale_sp")
        }
        mask = own["mask"]
        weight = tensors[f"symbolic_fun.{layer}.mask"].T * float(symbolic)
        both = np.argwhere((mask != 0.0) & (weight != 0.0))
        if both.size:
            raise ValueError(
                f"the edge {(layer, *map(int, both[0]))} is a spline and a symbol at once; expected one of "
                "them. In pykan set_mode(l, i, j, 'n') or 's' chooses."
            )
        splines.append(mask != 0.0)
        present.append((mask != 0.0) | (weight != 0.0))
        coef = own["coef"] * (own["scale_sp"] * mask)[:, :, None]
        base = (own["scale_base"] * mask)[:, :, None]
        rows.append(np.concatenate([base, coef], axis=2) if has_base else coef)
        names = settings[f"symbolic.funs_name.{layer}"]
        for i, j in np.argwhere(weight != 0.0):
            a, b, c, d = tensors[f"symbolic_fun.{layer}.affine"][j, i]
            symbols.append([layer, int(i), int(j), *_symbol(names[j][i], (layer, int(i), int(j)))])
            constants.append([a, b, c * weight[i, j], d * weight[i, j]])
    found = {
        "theta": Topology.from_masks(splines, shape.arities).by_edge(rows),
        "edges": np.concatenate([own.ravel() for own in present]),
    }
    if symbols:
        found |= {"symbols": np.array(json.dumps(symbols)), "constants": np.array(constants)}
    return found


def _symbol(name: object, edge: tuple[int, int, int]) -> tuple[Any, ...]:
    """Name, expression and complexity of one of pykan's functions."""
    library, text = default_library(), str(name)
    text = ALIASES.get(text, text)
    if text not in library:
        raise ValueError(
            f"the edge {edge} is the symbol {text[:40]!r}, which the library does not know; say what it is "
            "with kan_np.symbolic.add_symbolic first."
        )
    return library[text].identity
