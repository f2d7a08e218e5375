"""Build the documentation as a site, without a network, and check it: ``python -m docs``.

Exit code 1 for a warning of Sphinx, a dead link, a page that is more than two clicks from the start page, a
public name without description, a misspelling, or anything that a page would fetch from elsewhere.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
#: Where the site goes.
OUT = ROOT / "docs" / "_build" / "html"
#: What is read for misspellings.
SPELT = ("docs", "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks", "examples", "kan_np", "sweeps")


def main(argv: list[str] | None = None) -> int:
    """Build and check; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m docs", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--out", type=Path, default=OUT, help="the folder of the site; docs/_build/html")
    parser.add_argument("--fresh", action="store_true", help="forget what former builds left")
    parser.add_argument("--no-examples", action="store_true", help="do not run the examples of the gallery")
    options = parser.parse_args(argv)
    if options.fresh:
        for made in (options.out, ROOT / "docs" / "gallery", ROOT / "docs" / "reference" / "generated"):
            shutil.rmtree(made, ignore_errors=True)
    # the package of this folder, whatever is installed
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    code = _build(options.out, options.no_examples)
    if code == 0:
        code = _check(options.out)
    return code or _spelling()


def _build(out: Path, no_examples: bool) -> int:
    """Run Sphinx; its warnings are errors."""
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-W", "--keep-going", "-n", "-q"]
    if no_examples:
        os.environ["KAN_NP_DOCS_WITHOUT_EXAMPLES"] = "1"
    return subprocess.run([*command, str(ROOT / "docs"), str(out)], check=False).returncode


def _check(out: Path) -> int:
    """Look at what was built."""
    from docs.building import public_names, site_checks

    pages = site_checks.read_site(out)
    names = public_names.addresses()
    problems = [
        *site_checks.dead_links(out, pages),
        *site_checks.too_far(pages),
        *site_checks.fetched_from_elsewhere(out, pages),
        *site_checks.undescribed(pages, names),
        *site_checks.unanswered(pages),
    ]
    for problem in problems:
        print(problem)
    count = len(site_checks.QUESTIONS)
    print(f"{len(pages)} pages, {len(names)} public names, {count} questions: {len(problems)} problems")
    return 1 if problems else 0


def _spelling() -> int:
    """Look for misspelt words in pages, docstrings and comments."""
    return subprocess.run([sys.executable, "-m", "codespell_lib", *SPELT], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
