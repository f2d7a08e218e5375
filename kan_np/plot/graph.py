"""The computational graph of one prediction: inputs, edges, sums, products, their values and gradients."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import StringIO
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np.data.scaler import Scaler
from kan_np.network.network import Network
from kan_np.network.sample_trace import sample_trace
from kan_np.plot import names as naming
from kan_np.plot._style import BLUE, GREY, INK, POINT, VERMILION, check_network, sheet

INPUT, EDGE, SUM, PRODUCT, AFFINE = "input", "edge", "sum", "product", "affine"

#: Vertices that a picture may have; those of larger networks could not be read.
_MOST = 600
_FILLS = {INPUT: "#ffffff", EDGE: "#e3eff8", SUM: "#ffffff", PRODUCT: "#ffffff", AFFINE: "#ffffff"}
_SYMBOLIC_FILL = "#fbe8dc"
# In inches: a box, the distance of columns, and of the centres of boxes in one.
_BOX, _COLUMN, _ROW, _MARGIN = (1.12, 0.56), 2.0, 0.72, 0.3
_INKS = (INK, INK, "#555b66")  # of the label, the value and the gradient
_RADIUS = 0.13  # of the circle with the sign of an operation


@dataclass(frozen=True)
class Vertex:
    """One number of a prediction.

    Attributes
    ----------
    name : str
        Unique: "x_1"; "phi_0_1_2" of edge (l, i, j); "sum_1_0" of a subnode of layer 1 of nodes, and where
        that is not the node itself "node_1_0".
    kind : {"input", "edge", "sum", "product", "affine"}
        "affine" is a sum with its scale and bias.
    label : str
        What is written over the numbers.
    value, gradient : float
        The number, and the derivative of the output by it.
    column : int
        Place in the picture, from the inputs on the left.
    """

    name: str
    kind: str
    label: str
    value: float
    gradient: float
    column: int
    symbolic: bool = False


@dataclass(frozen=True)
class ComputationalGraph:
    """The graph of one prediction; see `KAN.draw_graph`.

    It shows itself in a notebook. `save` writes a file, `figure` returns a matplotlib Figure, and `dot` is
    the graph in the language of Graphviz.

    Attributes
    ----------
    vertices : tuple of Vertex
        In the order of computation: inputs first, the output last.
    arrows : tuple of (str, str)
        Names of vertices: the first enters the computation of the second.
    """

    vertices: tuple[Vertex, ...]
    arrows: tuple[tuple[str, str], ...]

    def __getitem__(self, name: str) -> Vertex:
        """The vertex of that name."""
        for vertex in self.vertices:
            if vertex.name == name:
                return vertex
        raise KeyError(name)

    @property
    def renderer(self) -> str:
        """What draws it: "graphviz" where that package and its program are installed, else "matplotlib"."""
        found = importlib.util.find_spec("graphviz") is not None and shutil.which("dot") is not None
        return "graphviz" if found else "matplotlib"

    @property
    def dot(self) -> str:
        """The graph in the language of Graphviz, for its program `dot` and others that read it."""
        lines = ["digraph prediction {", "  rankdir=LR;", '  node [fontname="sans-serif", fontsize=10];']
        for v in self.vertices:
            numbers = f"value {v.value:.4g}|gradient {v.gradient:.4g}"
            fill = _SYMBOLIC_FILL if v.symbolic else _FILLS[v.kind]
            lines.append(
                f'  "{v.name}" [shape=record, style=filled, fillcolor="{fill}", '
                f'label="{_escaped(_plain(v.label))}|{numbers}"];'
            )
            if v.kind in _SIGNS:
                lines.append(f'  "op_{v.name}" [shape=circle, label="{_SIGNS[v.kind]}"];')
                lines.append(f'  "op_{v.name}" -> "{v.name}";')
        signed = {v.name for v in self.vertices if v.kind in _SIGNS}
        for source, target in self.arrows:
            lines.append(f'  "{source}" -> "{"op_" * (target in signed)}{target}";')
        return "\n".join([*lines, "}"]) + "\n"

    def save(self, file: str | PathLike[str]) -> None:
        """Write a picture, by Graphviz where it is installed (see `renderer`), otherwise by matplotlib.

        Parameters
        ----------
        file : path
            Its ending is the format: .svg, .png or .pdf; .dot writes the text of `dot`.

        Raises
        ------
        ValueError
            For another ending.
        """
        path = Path(fspath(file))
        ending = _validate.choice("the ending of the file", path.suffix, (".svg", ".png", ".pdf", ".dot"))
        if ending == ".dot":
            path.write_text(self.dot)
        elif self.renderer == "graphviz":
            path.write_bytes(self._by_graphviz(ending[1:]))
        else:
            self.figure().savefig(path)

    savefig = save

    def svg(self) -> str:
        """The picture as SVG, by the same program as `save`."""
        if self.renderer == "graphviz":
            return self._by_graphviz("svg").decode()
        text = StringIO()
        self.figure().savefig(text, format="svg")
        return text.getvalue()

    def _repr_svg_(self) -> str:
        return self.svg()

    def _by_graphviz(self, kind: str) -> bytes:
        import graphviz

        drawn: bytes = graphviz.Source(self.dot).pipe(format=kind)
        return drawn

    def figure(self) -> Figure:
        """The graph as a matplotlib Figure, from the inputs on the left to the output on the right."""
        columns: dict[int, list[Vertex]] = {}
        for vertex in self.vertices:
            columns.setdefault(vertex.column, []).append(vertex)
        most, n = max(map(len, columns.values())), len(columns)
        width, height = (n - 1) * _COLUMN + _BOX[0] + 2 * _MARGIN, most * _ROW + 2 * _MARGIN
        figure, axes = sheet(width, height)
        places: dict[str, tuple[float, float]] = {}
        for number, column in enumerate(sorted(columns)):
            own = columns[column]
            apart = most * _ROW / len(own)
            for row, vertex in enumerate(own):
                x = _MARGIN + 0.5 * _BOX[0] + number * _COLUMN
                places[vertex.name] = (x, height - _MARGIN - (row + 0.5) * apart)
        enters = {v.name: 0.5 * _BOX[0] + (0.3 if v.kind in _SIGNS else 0.0) for v in self.vertices}
        for source, target in self.arrows:
            (x, y), (to_x, to_y) = places[source], places[target]
            sign = _RADIUS if enters[target] > 0.5 * _BOX[0] else 0.0
            _draw_arrow(axes, (x + 0.5 * _BOX[0], y), (to_x - enters[target], to_y), sign)
        for vertex in self.vertices:
            _draw_vertex(axes, vertex, places[vertex.name])
        return figure


_SIGNS = {SUM: "+", PRODUCT: "×", AFFINE: "s, b"}  # scale and bias


def draw_graph(
    net: Network,
    x: FloatArray,
    output: int = 0,
    in_vars: Sequence[Any] | None = None,
    out_vars: Sequence[Any] | None = None,
    scaler: Scaler | None = None,
) -> ComputationalGraph:
    """Draw how a network computes one output from one sample; see `KAN.draw_graph`.

    Parameters
    ----------
    net : Network
    x : ndarray of shape (n_in,)
    output : int
        The output whose derivatives are the gradients.
    in_vars, out_vars : sequence of str or SymPy expressions, optional
        Names of inputs and outputs.
    scaler : Scaler, optional
        That of the model: inputs and outputs are then in the units of the data.
    """
    check_network(net, Network, "draw_graph")
    output = _validate.integer("output", output, 0, net.width[-1] - 1)
    inputs = naming.names_of("in_vars", in_vars, "x", net.width[0])
    outputs = naming.names_of("out_vars", out_vars, "y", net.width[-1])
    n_edges = sum(int(mask.sum()) for mask in net.masks)
    if n_edges + sum(net.width_in) > _MOST:
        raise ValueError(
            f"the graph has {n_edges} edges and {sum(net.width_in)} sums; expected at most {_MOST} together. "
            "Draw a smaller model, or this one after model.prune()."
        )
    trace = sample_trace(net, x, output)
    below = [f"x_{i + 1}" for i in range(net.width[0])]
    vertices = [
        Vertex(name, INPUT, inputs[i], float(trace.inputs[i]), float(trace.input_grads[i]), 0)
        for i, name in enumerate(below)
    ]
    arrows: list[tuple[str, str]] = []
    for l, layer in enumerate(trace.layers):  # noqa: E741
        last = l + 1 == len(trace.layers)
        arity, mask = net.arities[l], net.masks[l]
        for i, j in np.argwhere(mask).tolist():
            symbol = net.symbols.get((l, i, j))
            name, label = f"phi_{l}_{i}_{j}", rf"$\phi_{{{l},{i},{j}}}$" if symbol is None else symbol.name
            numbers = float(layer.edges[i, j]), float(layer.edge_grads[i, j])
            vertices.append(Vertex(name, EDGE, label, *numbers, 3 * l + 1, symbol is not None))
            arrows.append((below[i], name))
        at, above = 0, []
        for j, n in enumerate(arity):
            label = outputs[j] if last else f"$h_{{{l + 1},{j}}}$"
            numbers = float(layer.nodes[j]), float(layer.node_grads[j])
            plain = n == 1 and not net.structure.has_affine
            above.append(f"sum_{l + 1}_{at}" if plain else f"node_{l + 1}_{j}")
            for q in range(at, at + n):
                own = numbers if plain else (float(layer.sums[q]), float(layer.sum_grads[q]))
                name = f"sum_{l + 1}_{q}"
                text = label if plain else f"$z_{{{l + 1},{q}}}$"
                vertices.append(Vertex(name, SUM, text, *own, 3 * l + 2))
                arrows += [(f"phi_{l}_{i}_{q}", name) for i in np.flatnonzero(mask[:, q]).tolist()]
                if not plain:
                    arrows.append((name, above[-1]))
            if not plain:
                kind = PRODUCT if n > 1 else AFFINE
                vertices.append(Vertex(above[-1], kind, label, *numbers, 3 * l + 3))
            at += n
        below = above
    if scaler is not None:
        vertices = _in_units(vertices, scaler, output, below)
    return ComputationalGraph(tuple(sorted(vertices, key=lambda v: v.column)), tuple(arrows))


def _in_units(vertices: list[Vertex], scaler: Scaler, output: int, outputs: list[str]) -> list[Vertex]:
    """The vertices with inputs, outputs and the differentiated output in the units of the data."""
    unit = float(scaler.label_scale[output])
    told = [replace(vertex, gradient=vertex.gradient * unit) for vertex in vertices]
    for number, vertex in enumerate(told):
        if vertex.kind == INPUT:
            shift, scale = scaler.input_shift[number], scaler.input_scale[number]
        elif vertex.name in outputs:
            j = outputs.index(vertex.name)
            shift, scale = scaler.label_shift[j], scaler.label_scale[j]
        else:
            continue
        value, gradient = float(vertex.value * scale + shift), float(vertex.gradient / scale)
        told[number] = replace(vertex, value=value, gradient=gradient)
    return told


def _draw_vertex(axes: Axes, vertex: Vertex, place: tuple[float, float]) -> None:
    """Draw a box with a label and two numbers, and before it the sign of its operation."""
    (x, y), (width, height) = place, _BOX
    edge = VERMILION if vertex.symbolic else BLUE if vertex.kind == EDGE else INK
    fill = _SYMBOLIC_FILL if vertex.symbolic else _FILLS[vertex.kind]
    corner = (x - 0.5 * width, y - 0.5 * height)
    style: dict[str, Any] = {"boxstyle": "round,pad=0,rounding_size=0.05", "fc": fill, "ec": edge, "lw": 0.9}
    axes.add_patch(FancyBboxPatch(corner, width, height, zorder=3, **style))
    lines = (vertex.label, f"value {vertex.value:.4g}", f"gradient {vertex.gradient:.4g}")
    centred: dict[str, Any] = {"ha": "center", "va": "center", "zorder": 4}
    for line, down, size, colour in zip(lines, (0.13, 0.31, 0.46), (9.0, 8.0, 7.5), _INKS, strict=True):
        up = y + 0.5 * height - down
        axes.text(x, up, line, size=size, color=colour, math_fontfamily="cm", **centred)
    if vertex.kind in _SIGNS:
        centre = (x - 0.5 * width - 0.3, y)
        axes.add_patch(Circle(centre, _RADIUS, fc="white", ec=INK, lw=0.9, zorder=3))
        sign = _SIGNS[vertex.kind]
        axes.text(*centre, sign, size=10.0 if len(sign) == 1 else 6.0, color=INK, **centred)
        _draw_arrow(axes, (centre[0] + _RADIUS, y), (x - 0.5 * width, y), 0.0)


def _draw_arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], short: float) -> None:
    """Draw an arrow; `short` is the radius of the circle that it ends at."""
    style: dict[str, Any] = {
        "arrowstyle": "-|>",
        "mutation_scale": 6.0,
        "color": GREY,
        "lw": 0.8,
        "zorder": 2,
    }
    axes.add_patch(FancyArrowPatch(start, end, shrinkA=0.0, shrinkB=short / POINT, **style))


def _plain(label: str) -> str:
    """A label without the signs of a formula."""
    return label.replace("$", "").replace("\\", "").replace("{", "").replace("}", "")


def _escaped(label: str) -> str:
    """A label with the signs quoted that mean something in a record of Graphviz."""
    return "".join(f"\\{sign}" if sign in '|<>{}" ' else sign for sign in label)
