"""The import contract: who may import whom, read from the sources and from a fresh interpreter."""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
from pathlib import Path

import pytest

import kan_np
import sweeps

KAN_NP = Path(kan_np.__file__).parent
SWEEPS = Path(sweeps.__file__).parent
KERNELS = sorted((KAN_NP / "kernels").glob("*.py"))
INSTRUCTIONS = {
    "family_products.py",
    "family_rows.py",
    "simd4.py",
    "microkernels.py",
    "products.py",
    "packing.py",
    "exponential.py",
    "recursions.py",
    "waves.py",
    "piecewise_simd.py",
}
WRITTEN, COMPILED = ("intrinsic",), ("entry", "jit", "jit_inline", "jit_exact", "spliced")
LAZY = {"sympy", "matplotlib", "sklearn", "dask", "pyarrow", "openpyxl", "rich", "jinja2", "pint", "snappy"}
#: Parts of SciPy that take 0.06 to 0.5 s to import, and are for what few programs use.
LATE = {"scipy.stats", "scipy.special", "scipy.optimize"}


@functools.cache
def nodes(path):
    """All parts of a file, which several tests look at."""
    return tuple(ast.walk(ast.parse(path.read_text())))


@functools.cache
def imports(path):
    """(module, names) of every import statement of a file."""
    found = []
    for node in nodes(path):
        if isinstance(node, ast.Import):
            found += [(alias.name, []) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append((node.module, [alias.name for alias in node.names]))
    return found


def roots(path):
    return {module.split(".")[0] for module, _ in imports(path)} - {"__future__"}


#: Rooms from the ground up: each imports those above it in this list, or what stands in its own line, alone.
FLOORS = (
    {"kernels"},
    {"functions", "data", "structure"},
    {"edges"},
    {"network"},
    {"jets"},
    {"objective"},
    {"optimize"},
    {"training", "symbolic"},
    {"surgery"},
    {"plot", "uncertainty"},
    {"inspection"},
    {"methods"},
    {"model", "mlp"},
    {"compiler"},
    {"serialize", "schedule", "discovery", "options", "layers"},
    {"sklearn", "pde", "relations", "boundary", "pykan"},
)
#: What every room may use: files of their own, which import no room but for types of arrays and of data.
TOOLS = {"archive", "model_file"}


def modules(root):
    """By dotted name the files of a package, packages themselves under their own name."""
    found = {}
    for path in root.rglob("*.py"):
        parts = path.relative_to(root.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def import_graph(root):
    """Who imports whom, wherever the statement stands: in functions and under TYPE_CHECKING, too."""
    known = modules(root)
    graph = {}
    for name, path in known.items():
        wanted = set()
        for module, names in imports(path):
            wanted |= {f"{module}.{own}" if f"{module}.{own}" in known else module for own in names or [""]}
        graph[name] = {other for other in wanted if other in known} - {name}
    return graph


def circles(graph):
    """Groups of modules that reach each other."""
    reach = {name: set(others) for name, others in graph.items()}
    for middle in graph:
        for name in graph:
            if middle in reach[name]:
                reach[name] |= reach[middle]
    return sorted({tuple(sorted(b for b in reach[a] if a in reach[b])) for a in graph if a in reach[a]})


def test_a_circle_is_found():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == [("b", "c")]


def test_no_module_of_kan_np_imports_itself_by_way_of_others():
    assert circles(import_graph(KAN_NP)) == []


def test_rooms_import_downwards_only():
    floor = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
    rooms = {path.stem for path in KAN_NP.iterdir() if not path.name.startswith(("_", "."))} - {"py"}
    assert rooms == set(floor) | TOOLS
    upwards = []
    for name, others in import_graph(KAN_NP).items():
        for other in others:
            here, there = (own.split(".")[1] if "." in own else "" for own in (name, other))
            if here not in floor:
                if there in floor and there != "data" and here in TOOLS:
                    upwards.append((name, other))
            elif there in floor and here != there and floor[there] >= floor[here]:
                upwards.append((name, other))
    assert upwards == []


def test_there_are_files_to_check():
    assert len(list(KAN_NP.rglob("*.py"))) > 20
    assert len(KERNELS) > 20
    assert len(list(SWEEPS.rglob("*.py"))) > 10


def test_kernels_import_numba_and_numpy_only():
    # llvmlite is the part of Numba that writes instructions
    allowed = {"numba", "llvmlite", "numpy", "kan_np"} | sys.stdlib_module_names
    others = {path.name: roots(path) - allowed for path in KERNELS}
    assert {name: found for name, found in others.items() if found} == {}
    own = {module for path in KERNELS for module, _ in imports(path) if module.startswith("kan_np")}
    assert [module for module in own if not module.startswith("kan_np.kernels")] == []


def test_kan_np_does_not_know_the_sweeps():
    assert [path for path in KAN_NP.rglob("*.py") if "sweeps" in roots(path)] == []


#: Rooms of `sweeps` from the ground up, as `FLOORS` for `kan_np`.
SWEEPS_FLOORS = (
    {"training", "studies"},
    {"families"},
    {"spec"},
    {"run_one", "prediction", "progress"},
    {"backends", "storage"},
    {"answer"},
    {"analysis"},
    {"page"},
    {"runner"},
    {"auto"},
    {"commands"},
    {"cli"},
    {"__main__"},
)
#: What every room of `sweeps` may use; these files use each other alone.
SWEEPS_TOOLS = {
    *(
        "_collection",
        "_command",
        "_files",
        "_orphans",
        "_plural",
        "_safe_text",
        "_table_files",
        "_usage",
        "answering",
    ),
    *("checks", "environment", "errors", "interrupts", "paths", "records", "streams", "units"),
}


def test_no_module_of_sweeps_imports_itself_by_way_of_others():
    assert circles(import_graph(SWEEPS)) == []


def test_rooms_of_sweeps_import_downwards_only():
    floor = {room: number for number, rooms in enumerate(SWEEPS_FLOORS) for room in rooms}
    rooms = {path.stem for path in SWEEPS.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert rooms - {"__pycache__", "__init__"} == set(floor) | SWEEPS_TOOLS
    upwards = []
    for name, others in import_graph(SWEEPS).items():
        here = name.split(".")[1] if "." in name else ""
        for other in others:
            there = other.split(".")[1] if "." in other else ""
            if there in floor and here != there and floor[there] >= floor.get(here, -1):
                upwards.append((name, other))
    assert upwards == []


def test_only_tasks_families_studies_run_one_and_prediction_import_kan_np_and_its_public_names():
    files = {"tasks.py", "equations.py", "table_rows.py", "run_one.py", "prediction.py"}
    for path in SWEEPS.rglob("*.py"):
        for module, names in imports(path):
            if module.split(".")[0] == "kan_np":
                assert path.name in files or path.parent.name in ("families", "studies"), path
                assert module == "kan_np", path
                assert set(names) <= set(kan_np.__all__), path


def test_nothing_but_the_families_asks_for_the_name_of_a_family():
    names = {"kan", "mlp", "formula", "linear", "additive", "sklearn", "classical"}
    found = []
    for path in SWEEPS.rglob("*.py"):
        for node in nodes(path):
            if isinstance(node, ast.Compare) and "family" in ast.unparse(node):
                words = {str(part.value) for part in ast.walk(node) if isinstance(part, ast.Constant)}
                found += [(path, node.lineno)] if names & words else []
    assert found == []


def test_pareto_is_pure_numpy():
    assert roots(SWEEPS / "analysis" / "pareto.py") <= {"numpy", "collections", "typing", "dataclasses"}


def test_nothing_from_the_runner_or_the_models_is_imported_by_the_report():
    code = (
        "import sys, sweeps.page.report\n"
        "seen = {m for m in sys.modules if m.startswith(('kan_np', 'numba', 'sweeps.run'))}\n"
        "assert not seen, seen\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_heavy_libraries_are_not_imported_with_kan_np():
    code = f"import sys, kan_np\nseen = {LAZY!r} & set(sys.modules)\nassert not seen, seen\n"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_models_do_not_import_what_few_programs_use():
    imported = "import sys\nfrom kan_np import KAN, MLP\n"
    code = f"{imported}seen = {LAZY | LATE!r} & set(sys.modules)\nassert not seen, seen\n"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_public_name_is_imported_when_it_is_used():
    code = (
        "import sys, kan_np\n"
        "kan_np.__version__, kan_np.get_suite('special')\n"
        "assert 'numba' not in sys.modules\n"
        "kan_np.KAN\n"
        "assert 'numba' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_public_name_is_there_and_typed():
    stub = ast.parse((KAN_NP / "__init__.pyi").read_text())
    listed = next(ast.literal_eval(node.value) for node in stub.body if isinstance(node, ast.Assign))
    assert sorted(listed) == sorted(kan_np.__all__)
    assert all(getattr(kan_np, name) is not None for name in listed)
    with pytest.raises(AttributeError, match="KAm"):
        kan_np.KAm  # noqa: B018


def test_every_kernel_is_compiled_by_the_one_policy():
    for path in KERNELS:
        if path.name.startswith("_"):
            continue
        policy = WRITTEN if path.name in INSTRUCTIONS else COMPILED
        for node in nodes(path)[0].body:  # the first one is the whole file
            if isinstance(node, ast.FunctionDef):
                decorators = [d.id for d in node.decorator_list if isinstance(d, ast.Name)]
                assert decorators in [[name] for name in policy], f"{path.name}: {node.name}"
