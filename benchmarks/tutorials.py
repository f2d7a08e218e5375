"""pykan's tutorials, ported in examples/pykan, at full size: what pykan prints, what we get, and the time.

    python -m benchmarks.tutorials --check
    python -m benchmarks.tutorials hellokan interp_10_hessian
    python -m benchmarks.tutorials --page docs/tutorials.md

Each script runs in a process of its own and ends with a dictionary RESULT; where network, optimizer, steps
or starts are not those of pykan's notebook its entry "differs" says how. Seconds are processor time of the
whole process but for the compilation of kernels, which a first run of the package does for all later ones.
The bar, where pykan prints a loss: ours is not above it. `--page` puts the table into a page, in the place
of the table that it has; only a run of all scripts can do that.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks._common import Bar, show_bars, show_table

FOLDER = Path(__file__).parent.parent / "examples" / "pykan"
HEADER = ("tutorial", "number", "what differs", "pykan", "kan_np", "seconds")
#: What runs in the process of a script: its prints go elsewhere, the last line is the result.
_RUN = """
import contextlib, io, json, runpy, sys, time
with contextlib.redirect_stdout(io.StringIO()):
    result = runpy.run_path(sys.argv[1])["RESULT"]
print(json.dumps({**result, "seconds": time.process_time()}))
"""


@dataclass(frozen=True)
class Row:
    """The result of a script."""

    script: str
    tutorial: str
    what: str
    differs: str
    loss: float
    pykan: float | None
    seconds: float

    def cells(self) -> tuple[str, ...]:
        """As printed and as on the page."""
        pykan = "" if self.pykan is None else f"{self.pykan:.2e}"
        return (self.tutorial, self.what, self.differs, pykan, f"{self.loss:.2e}", f"{self.seconds:.1f}")


def names() -> list[str]:
    """Scripts, in the order of their names with numbers as numbers."""
    return sorted((path.stem for path in FOLDER.glob("*.py")), key=_order)


def _order(name: str) -> list[tuple[int, str]]:
    return [(int("".join(filter(str.isdigit, part)) or -1), part) for part in name.split("_")]


def run(name: str) -> Row:
    """Run a script in a process and an empty folder of its own."""
    command = [sys.executable, "-c", _RUN, str(FOLDER / f"{name}.py")]
    environment = {key: value for key, value in os.environ.items() if key != "KAN_NP_QUICK_EXAMPLES"}
    # the package of this folder, whatever is installed
    environment["PYTHONPATH"] = os.pathsep.join(
        filter(None, [str(FOLDER.parent.parent), environment.get("PYTHONPATH")])
    )
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr}")
    found = json.loads(done.stdout.splitlines()[-1])
    return Row(
        name,
        found["tutorial"],
        found["what"],
        found.get("differs", ""),
        float(found["loss"]),
        None if found["pykan"] is None else float(found["pykan"]),
        float(found["seconds"]),
    )


def bars(rows: list[Row]) -> list[Bar]:
    """Ours at most pykan's where pykan prints a number, otherwise a finite one."""
    return [
        Bar(f"{row.tutorial}: {row.what}", row.loss, math.inf if row.pykan is None else _at_most(row.pykan))
        for row in rows
    ]


def _at_most(printed: float) -> float:
    """What was rounded to three digits may have been larger by half a unit of the last one."""
    return printed if printed == 0 else printed + 0.5 * 10.0 ** (math.floor(math.log10(printed)) - 2)


def into_page(page: str, rows: list[Row]) -> str:
    """The text of a page with its table of tutorials replaced."""
    lines = page.splitlines()
    first = next((n for n, line in enumerate(lines) if line.startswith("| tutorial |")), None)
    if first is None:
        raise SystemExit("The page has no table that begins with '| tutorial |'.")
    last = first
    while last < len(lines) and lines[last].startswith("|"):
        last += 1
    table = [HEADER, ("---", "---", "---", "---:", "---:", "---:"), *(row.cells() for row in rows)]
    written = ["| " + " | ".join(cells) + " |" for cells in table]
    return "\n".join([*lines[:first], *written, *lines[last:]]) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="scripts without .py; all if none is given")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a bar is missed")
    parser.add_argument("--page", type=Path, help="the page whose table is replaced")
    arguments = parser.parse_intermixed_args()
    known = names()
    unknown = sorted(set(arguments.names) - set(known))
    if unknown:
        parser.error(f"no script {', '.join(unknown)}; there are {', '.join(known)}")
    if arguments.page and arguments.names:
        parser.error("--page takes the results of all scripts; leave the names out.")
    rows = []
    for name in arguments.names or known:
        rows.append(run(name))
        print("  ".join(rows[-1].cells()), flush=True)
    show_table("pykan's tutorials", HEADER, [row.cells() for row in rows])
    print(f"\n{len(rows)} scripts, {sum(row.seconds for row in rows):.0f} s of processor time")
    if arguments.page:
        arguments.page.write_text(
            into_page(arguments.page.read_text(encoding="utf-8"), rows), encoding="utf-8"
        )
    return show_bars(bars(rows), check=arguments.check)


if __name__ == "__main__":
    raise SystemExit(main())
