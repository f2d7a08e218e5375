"""Text from files on terminals, in spreadsheets and in LaTeX."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest
import sympy
import synthetic

from sweeps._safe_text import cell, latex_formula, one_line, printable
from sweeps.cli import main
from sweeps.page.tables import Column, ReportTable, latex, to_csv
from sweeps.storage.store import Store

ANSI = "\x1b[31mred\x1b[0m\x1b]0;owned\x07\x1b]8;;http://x\x1b\\link\x07\x9b2J\x1bc\u202eevil\u2028\x00\x08"


def test_nothing_that_steers_a_terminal_is_left() -> None:
    assert printable(ANSI) == "redlinkevil"
    assert printable("Größe (°C), 温度\nx\ty") == "Größe (°C), 温度\nx y"
    assert one_line("a\r\nb\x0bc\u2029d") == "a b c d"
    assert printable("\udcff") == ""
    assert not re.search(r"[\x00-\x1f\x7f-\x9f]", printable("".join(map(chr, range(256)))).replace("\n", ""))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("=1+1", "'=1+1"),
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("+1+1", "'+1+1"),
        ("-x", "'-x"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("＝1+1", "'＝1+1"),
        ("-", "'-"),
        ("-1.5", "-1.5"),
        ("+2e-3", "+2e-3"),
        ("-inf", "-inf"),
        ("-1_0", "-1_0"),
        ("x = 1", "x = 1"),
        ("", ""),
        (-3, -3),
        (-0.25, -0.25),
        (None, None),
        (True, True),
    ],
)
def test_a_cell_is_never_computed_and_numbers_stay(value: object, expected: object) -> None:
    assert cell(value) == expected


@pytest.mark.parametrize(
    "text",
    [
        r"\input{/etc/passwd}",
        r"\write18{rm -rf x}",
        r"\immediate\write18{x}",
        r"\csname input\endcsname{x}",
        r"\begin{filecontents}{x}y\end{filecontents}",
        r"^^5cinput{x}",
        r"^^^^005cinput{x}",
        r"x% \input{y}",
        r"$ \def\x{\catcode}",
        "\\\ninput",
        r"\directlua{os.execute('x')}",
        r"\@@input x",
    ],
)
def test_formulas_have_the_commands_of_formulas_only(text: str) -> None:
    safe = latex_formula(text)
    left = re.findall(r"\\([A-Za-z@]+)", safe)
    assert set(left) <= {"backslash", "wedge", "x"}
    assert "^^" not in safe
    assert not re.search(r"(?<!\\)[%$]", safe)
    assert "begin{f" not in safe.replace("\\{", "")


def test_what_sympy_writes_stays_as_it_is() -> None:
    x, y, mu = sympy.symbols("x y_1 mu")
    for expression in (
        sympy.Piecewise((x, x < 1), (sympy.sqrt(y), True)),
        sympy.besselj(0, x) / (1 + mu**2) - sympy.exp(-x) * sympy.sin(3 * y),
        sympy.Abs(x) + sympy.floor(y) + sympy.asin(x) + sympy.log(mu) + sympy.sign(x) + sympy.Max(x, y),
        sympy.Function("phi_1_0")(x) + sympy.pi * sympy.Rational(2, 3) + sympy.Symbol("x_hat"),
        sympy.gamma(x) + sympy.erf(y) + sympy.airyai(x) + sympy.zeta(x) + sympy.Heaviside(x) + sympy.I,
    ):
        assert latex_formula(sympy.latex(expression)) == sympy.latex(expression)


def test_tables_are_safe_for_spreadsheets_and_papers() -> None:
    table = ReportTable(
        "t", "a caption", [Column("name"), Column("error", "error")], [["=HYPERLINK(1)", -1.0]]
    )
    assert to_csv(table).splitlines()[1] == "'=HYPERLINK(1),-1.0"
    assert latex("\\input{x}\n\n\\write18") == r"\textbackslash{}input\{x\} \textbackslash{}write18"


@pytest.fixture
def hostile(tmp_path: Path) -> tuple[Path, str]:
    """A sweep whose texts come from somebody who means ill."""
    task = "=1+1\x1b[2J\nnew line"
    search = synthetic.formula_record(task, 0, [("-x", 1.0, 0, 0.1, False), ("x**2", 2.0, 1, 0.0, True)])
    search["stages"][0]["formula"]["latex"] = r"- \input{/etc/passwd} + \frac{x}{2}"
    failed = search | {
        "run_id": "f" * 16,
        "status": "failed",
        "reason": f"@x {ANSI}\nstatus ok",
        "stages": [],
    }
    with Store.create(tmp_path / "a", {"name": "x", "title": f"title {ANSI}\nforged"}, "x") as store:
        store.set_tasks({task: {"name": task}})
        store.set_plan([(r["run_id"], r["task"], r["family"], r["config"]) for r in (search, failed)])
        store.add_all([search, failed])
    return tmp_path / "a", search["run_id"]


def test_the_export_is_safe_and_raw_on_request(hostile: tuple[Path, str], tmp_path: Path) -> None:
    directory, run_id = hostile
    assert main(["export", str(directory), "-o", str(tmp_path / "x.csv")]) == 0
    with (tmp_path / "x.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        for value in row.values():
            assert not value.startswith(("=", "+", "@", "\t", "\r")) or float(value) is not None
            assert not value.startswith("-") or float(value) < 0
    first = next(row for row in rows if row["run_id"] == run_id)
    assert first["formula"] == "'-x"
    assert first["latex"] == r"'- \backslash{}input{/etc/passwd} + \frac{x}{2}"
    assert first["task"].startswith("'=1+1")
    assert main(["export", str(directory), "-o", str(tmp_path / "y.csv"), "--raw"]) == 0
    with (tmp_path / "y.csv").open(newline="", encoding="utf-8") as file:
        raw = list(csv.DictReader(file))
    assert next(row["formula"] for row in raw if row["run_id"] == run_id) == "-x"
    assert main(["export", str(directory), "-o", str(tmp_path / "x.jsonl")]) == 0
    lines = [json.loads(line) for line in (tmp_path / "x.jsonl").read_text().splitlines()]
    assert next(line["formula"] for line in lines if line["run_id"] == run_id) == "-x"
    assert not any("\\input" in (line["latex"] or "") for line in lines)


def test_no_command_passes_on_what_steers_a_terminal(
    hostile: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    directory, run_id = hostile
    for arguments in (
        ["status", str(directory)],
        ["status", str(directory), "--watch"],
        ["list", str(directory)],
        ["show", str(directory), run_id],
        ["show", str(directory), "f" * 16],
        ["show", str(directory), "nothing\x1b[2J"],
    ):
        main(arguments)
        told = capsys.readouterr()
        both = told.out + told.err
        assert both
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u2028]", both), arguments
        assert "\nforged" not in both
        assert "\nstatus ok" not in both
        assert "\nnew line" not in both
