"""The computational graph of one prediction: its numbers are those of the network, and it is drawn."""

import subprocess
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from mixed_models import mixed_model

from kan_np import KAN
from kan_np.plot import graph as drawing

X = np.array([[0.25, 0.75]])


def computed(graph, name):
    """What the vertices that lead to one make of their values."""
    vertex = graph[name]
    values = [graph[source].value for source, target in graph.arrows if target == name]
    return float(np.prod(values) if vertex.kind == "product" else np.sum(values))


def test_values_follow_from_each_other_and_end_in_the_prediction():
    model = KAN([2, 2, 2, 1], seed=0)
    graph = model.draw_graph(X)
    kinds = [v.kind for v in graph.vertices]
    assert [kinds.count(kind) for kind in ("input", "edge", "sum", "product")] == [2, 10, 5, 0]
    assert [graph["x_1"].value, graph["x_2"].value] == [0.25, 0.75]
    for vertex in graph.vertices:
        if vertex.kind == "sum":
            assert vertex.value == pytest.approx(computed(graph, vertex.name), rel=1e-14)
    assert graph.vertices[-1].value == pytest.approx(model(X)[0, 0], rel=1e-12)
    assert model.draw_graph(X[0]) == graph


@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize("output", [0, 1])
def test_gradients_are_central_differences(affine, output):
    """Of the output by the values of edges, sums, products and inputs: a bump on each is felt so much."""
    model = mixed_model(affine=affine)
    graph, net = model.draw_graph(X, output), model._network
    jacobian = model.input_jacobian(X)[0, output]
    assert [graph["x_1"].gradient, graph["x_2"].gradient] == pytest.approx(jacobian.tolist(), rel=1e-9)

    def bumped(layer, i, j, by):
        """The output where edge (l, i, j) is larger."""
        rows = X.T
        for number, own in enumerate(drawing_passes(net)):
            out = own.forward(rows)
            if number == layer:
                own.sums[j] += by
                out = own._nodes()
            rows = out
        return rows[output, 0]

    for vertex in graph.vertices:
        if vertex.kind == "edge":
            l, i, j = map(int, vertex.name.split("_")[1:])  # noqa: E741
            slope = (bumped(l, i, j, 1e-6) - bumped(l, i, j, -1e-6)) / 2e-6
            assert vertex.gradient == pytest.approx(slope, rel=1e-5, abs=1e-8)
            if f"sum_{l + 1}_{j}" in {v.name for v in graph.vertices}:
                assert graph[f"sum_{l + 1}_{j}"].gradient == vertex.gradient
    kinds = {v.kind for v in graph.vertices}
    assert kinds == {"input", "edge", "sum", "product"} | ({"affine"} if affine else set())
    outputs = [v for v in graph.vertices if v.column == graph.vertices[-1].column]
    names = {v.name for v in graph.vertices}
    assert {source for source, _ in graph.arrows} | {target for _, target in graph.arrows} <= names
    assert outputs[-1].gradient in (0.0, 1.0)


def drawing_passes(net):
    from kan_np.network.layered import new_passes

    return new_passes(net.structure, net.values)


def test_products_multiply_their_factors():
    graph = mixed_model().draw_graph(X)
    products = [v for v in graph.vertices if v.kind == "product"]
    assert len(products) == 3
    for vertex in products:
        assert vertex.value == pytest.approx(computed(graph, vertex.name), rel=1e-13)


def test_pruned_edges_are_left_out_and_symbols_are_named():
    model = KAN([2, 2, 1], seed=0).remove_edge(0, 0, 1)
    model.fix_symbolic(0, 1, 1, "sin", fit=False)
    graph = model.draw_graph(X, in_vars=["mass", r"$\alpha$"], out_vars=["energy"])
    names = {v.name: v for v in graph.vertices}
    assert "phi_0_0_1" not in names
    assert names["phi_0_1_1"].label == "sin"
    assert names["phi_0_1_1"].value == pytest.approx(np.sin(0.75))
    assert [names["x_1"].label, names["sum_2_0"].label] == ["mass", "energy"]


def test_files_are_pictures(tmp_path, monkeypatch):
    graph = KAN([2, 2, 2, 1], seed=0).draw_graph(X)
    monkeypatch.setattr(drawing.shutil, "which", lambda name: None)
    assert graph.renderer == "matplotlib"
    for ending in ("svg", "png", "pdf"):
        graph.save(tmp_path / f"graph.{ending}")
        assert (tmp_path / f"graph.{ending}").stat().st_size > 5000
    assert ElementTree.parse(tmp_path / "graph.svg").getroot().tag.endswith("svg")  # noqa: S314
    assert ElementTree.fromstring(graph._repr_svg_()).tag.endswith("svg")  # noqa: S314
    (axes,) = graph.figure().axes
    told = [t.get_text() for t in axes.texts]
    for vertex in graph.vertices:
        assert f"value {vertex.value:.4g}" in told
        assert f"gradient {vertex.gradient:.4g}" in told
    with pytest.raises(ValueError, match=r"the ending of the file is '\.gif'; expected one of '\.svg'"):
        graph.save(tmp_path / "graph.gif")


def test_boxes_do_not_overlap():
    for model in (KAN([2, 2, 2, 1], seed=0), mixed_model(affine=True)):
        boxes = [
            (p.get_x(), p.get_y(), p.get_x() + p.get_width(), p.get_y() + p.get_height())
            for p in model.draw_graph(X).figure().axes[0].patches
            if isinstance(p, drawing.FancyBboxPatch)
        ]
        for number, (a, b, c, d) in enumerate(boxes):
            for e, f, g, h in boxes[number + 1 :]:
                assert c <= e or g <= a or d <= f or h <= b


def test_graphviz_gets_a_graph_that_it_can_read(tmp_path, monkeypatch):
    """Where it is installed it draws; the text that it gets has every vertex and arrow once."""
    graph = mixed_model().draw_graph(X)
    graph.save(tmp_path / "graph.dot")
    text = (tmp_path / "graph.dot").read_text()
    assert text == graph.dot
    assert text.count("shape=record") == len(graph.vertices)
    signs = sum(v.kind in ("sum", "product") for v in graph.vertices)
    assert text.count("->") == len(graph.arrows) + signs
    odd = replace(graph.vertices[0], label='a "b" {c} <d> | e')
    label = replace(graph, vertices=(odd, *graph.vertices[1:])).dot.splitlines()[3]
    assert r"a\ \"b\"\ c\ \<d\>\ \|\ e" in label
    given = []

    def source(text):
        given.append(text)
        return SimpleNamespace(pipe=lambda **options: b"<svg/>")

    monkeypatch.setitem(
        __import__("sys").modules, "graphviz", SimpleNamespace(Source=source, __spec__=object())
    )
    monkeypatch.setattr(drawing.shutil, "which", lambda name: "/bin/dot")
    assert graph.renderer == "graphviz"
    assert graph.svg() == "<svg/>"
    assert given == [graph.dot]


def test_the_program_dot_accepts_it():
    import shutil

    if shutil.which("dot") is None:
        pytest.skip("the program dot of Graphviz is not installed")
    for model in (KAN([2, 2, 2, 1], seed=0), mixed_model(affine=True)):
        done = subprocess.run(["dot", "-Tsvg"], input=model.draw_graph(X).dot.encode(), capture_output=True)
        assert done.returncode == 0
        assert not done.stderr
        assert b"</svg>" in done.stdout


def test_what_cannot_be_drawn_is_refused():
    model = KAN([2, 2, 1], seed=0)
    with pytest.raises(ValueError, match=r"x has 3 rows; expected one sample: model.draw_graph\(x\[0\]\)"):
        model.draw_graph(np.zeros((3, 2)))
    with pytest.raises(ValueError, match="x has 3 columns"):
        model.draw_graph(np.zeros(3))
    with pytest.raises(ValueError, match="output is 1; expected an integer from 0 to 0"):
        model.draw_graph(X, output=1)
    with pytest.raises(
        ValueError, match=r"the graph has 800 edges and .* sums; expected at most 600 together"
    ):
        KAN([20, 40], grid=2).draw_graph(np.zeros(20))
