"""The documentation as a site: lists of pages, links, public names, and the checks of what is built."""

from __future__ import annotations

import posixpath
import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.append(str(Path(__file__).parents[2]))  # beside the tests, and no part of the package

from printed_pages import DOCS, pages, text_of

import kan_np
from docs.building import command_pages, public_names, site_checks
from docs.building.site_checks import Page

#: Pages that are written when the site is built.
WRITTEN = ("gallery/index", "reference/generated/")


def _listed(page: str) -> list[str]:
    """The pages in the lists (toctree) of a page, by their path in the folder of the documentation."""
    lists = re.findall(r"^```\{toctree\}\n(.*?)^```", text_of(page), flags=re.MULTILINE | re.DOTALL)
    names = [line for text in lists for line in text.splitlines() if line and not line.startswith(":")]
    return [posixpath.normpath((Path(page).parent / name).as_posix()) for name in names]


def test_every_page_is_in_a_list_at_most_two_clicks_from_the_start() -> None:
    first = [name for name in _listed("index.md") if not name.startswith(WRITTEN)]
    second = [name for page in first for name in _listed(f"{page}.md")]
    reached = {"index.md", *(f"{name}.md" for name in [*first, *second])}
    assert sorted(reached) == pages()


@pytest.mark.parametrize("page", pages())
def test_links_between_pages_lead_to_files(page: str) -> None:
    prose = re.sub(r"^```.*?^```", "", text_of(page), flags=re.MULTILINE | re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", prose):
        file = (DOCS / page).parent / link.split("#")[0]
        built = file.resolve().relative_to(DOCS).as_posix().startswith(("gallery/", "reference/generated/"))
        assert "://" in link or link.startswith("#") or built or file.exists(), link


def test_every_public_name_has_a_place_in_the_reference() -> None:
    described = {entry.path for entries in public_names.described().values() for entry in entries}
    assert {f"kan_np.{name}" for name in public_names.names_of("kan_np")} <= described
    modules = {name for name in kan_np.__all__ if f"kan_np.{name}" in public_names.rooms()}
    assert set(kan_np.__all__) == modules | set(public_names.names_of("kan_np"))
    assert {"kan_np.pde", "kan_np.pde.equations", "kan_np.sklearn", "kan_np.symbolic"} <= set(
        public_names.rooms()
    )
    assert "kan_np.pde.solve" in described
    assert public_names.addresses() == sorted(described)


def test_names_are_described_once_under_their_shortest_path() -> None:
    addresses = public_names.addresses()
    assert "kan_np.create_dataset" in addresses
    assert "kan_np.data.create_dataset" not in addresses
    assert "kan_np.data.days_of" in addresses


def test_the_page_of_the_command_line_has_every_option() -> None:
    text = command_pages.command_line()
    commands = command_pages.commands()
    assert {"run", "auto", "predict", "status", "merge"} <= set(commands)
    for name, command in commands.items():
        section = text.split(f"\n## kan-sweep {name}\n")[1].split("\n## ")[0]
        for parameter in command.params:
            if parameter.param_type_name == "option":
                assert all(option in section for option in parameter.opts), (name, parameter.name)
            assert (parameter.help or "").replace("|", "\\|") in section


def test_the_page_of_specifications_is_a_specification(tmp_path: Path) -> None:
    import tomllib

    text = command_pages.specification().removeprefix("```toml\n").removesuffix("```\n")
    read = tomllib.loads(text)
    assert {"title", "suite", "seeds", "data", "models"} <= set(read)


def test_pages_of_the_reference_are_written_and_old_ones_leave(tmp_path: Path) -> None:
    pytest.importorskip("sphinx")
    from docs.building import reference_pages

    (tmp_path / "kan_np.gone.rst").write_text("a name of yesterday")
    reference_pages.write(tmp_path)
    written = {path.stem for path in tmp_path.glob("*.rst")}
    assert "kan_np.gone" not in written
    assert set(public_names.addresses()) | set(public_names.rooms()) == written | {"kan_np"}
    listing = (tmp_path / "all_names.txt").read_text()
    assert all(f"~{path}`" in listing for path in public_names.addresses())
    assert ".. autoclass:: KAN\n   :members:" in (tmp_path / "kan_np.KAN.rst").read_text()
    assert "train_input" in (tmp_path / "kan_np.Dataset.rst").read_text()


def test_code_that_is_a_public_name_is_a_link() -> None:
    pytest.importorskip("sphinx")
    from docs.building.links_to_names import path_of

    assert path_of("KAN") == "kan_np.KAN"
    assert path_of("KAN.fit") == "kan_np.KAN.fit"
    assert path_of("kan_np.data.create_dataset") == "kan_np.create_dataset"
    assert path_of("discover") == "kan_np.discover"
    assert path_of("prune", "KAN") == "kan_np.KAN.prune"
    assert path_of("prune") is None
    assert path_of("grid") is None  # an argument, and a function of kan_np.pde
    assert path_of("model.fit(x)") is None


def test_formulas_of_docstrings_keep_their_lines() -> None:
    pytest.importorskip("sphinx")
    from docs.building.docstrings import keep_formulas

    lines = [
        "It is",
        "",
        "    y = w_i x",
        "",
        "of all.",
        "",
        "- one",
        "",
        "    more of one",
        "",
        "A::",
        "",
        "    b",
    ]
    keep_formulas(None, "function", "f", None, {}, lines)  # type: ignore[arg-type]
    assert lines[2:5] == ["::", "", "    y = w_i x"]
    assert lines.count("::") == 1


def test_bars_and_final_underscores_of_docstrings_are_themselves() -> None:
    pytest.importorskip("sphinx")
    from docs.building.docstrings import escaped, plain_signs

    assert escaped("|u - v| of n_in_, and x_i") == r"\|u - v\| of n_in\_, and x_i"
    assert escaped("``|u|`` and `n_in_` are code, `a link`_") == "``|u|`` and `n_in_` are code, `a link`_"
    lines = ["sum |W|", "", ">>> a | b", "c_", "", "|d|", "", "::", "", "    |e|", "", "|f|"]
    plain_signs(None, "function", "f", None, {}, lines)  # type: ignore[arg-type]
    assert lines == [r"sum \|W\|", "", ">>> a | b", "c_", "", r"\|d\|", "", "::", "", "    |e|", "", r"\|f\|"]


def _site(folder: Path, files: dict[str, str]) -> dict[str, Page]:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return site_checks.read_site(folder)


def test_dead_links_are_found(tmp_path: Path) -> None:
    index = '<a href="a/b.html#there">x</a><a href="a/b.html#gone">x</a><a href="c.html">x</a><a href="https://d">x</a>'
    found = _site(tmp_path, {"index.html": index, "a/b.html": '<h1 id="there">x</h1><img src="../p.png">'})
    assert site_checks.dead_links(tmp_path, found) == [
        "a/b.html: ../p.png leads to no file.",
        "index.html: a/b.html#gone leads to no place of a/b.html.",
        "index.html: c.html leads to no file.",
    ]


def test_pages_that_are_too_far_are_found(tmp_path: Path) -> None:
    files = {"index.html": '<a href="1.html">x</a>', "1.html": '<a href="2.html">x</a>'}
    files |= {"2.html": '<a href="3.html">x</a>', "3.html": "", "alone.html": ""}
    found = _site(tmp_path, files)
    assert site_checks.clicks(found) == {"index.html": 0, "1.html": 1, "2.html": 2, "3.html": 3}
    assert [line.split(":")[0] for line in site_checks.too_far(found)] == ["3.html", "alone.html"]


@pytest.mark.parametrize(
    "text",
    [
        '<script src="https://cdn.example/x.js"></script>',
        '<link rel="stylesheet" href="//fonts.example/x.css">',
        '<img srcset="a.png, https://pictures.example/b.png 2x">',
    ],
)
def test_what_is_fetched_from_elsewhere_is_found(text: str, tmp_path: Path) -> None:
    found = _site(tmp_path, {"index.html": text, "b.html": '<a href="https://a.example">no</a>'})
    (problem,) = site_checks.fetched_from_elsewhere(tmp_path, found)
    assert problem.startswith("index.html: ")


def test_style_sheets_that_fetch_are_found(tmp_path: Path) -> None:
    found = _site(tmp_path, {"a.css": "p { background: url('https://a.example/b.png') }", "b.css": "p { }"})
    assert site_checks.fetched_from_elsewhere(tmp_path, found) == [
        "a.css: https://a.example/b.png is fetched from elsewhere."
    ]


def test_names_without_description_are_found() -> None:
    described = Page(anchors={"kan_np.a", "kan_np.b"})
    site = {"reference/index.html": Page(links=["x.html#kan_np.a"]), "reference/x.html": described}
    assert site_checks.undescribed(site, ["kan_np.a"]) == []
    assert "does not link" in site_checks.undescribed(site, ["kan_np.b"])[0]
    assert "no description" in site_checks.undescribed(site, ["kan_np.c"])[0]


def test_questions_without_an_answer_are_found() -> None:
    site = {name: Page(text=words) for name, words in site_checks.QUESTIONS.values()}
    site["index.html"] = Page(links=list(site))
    assert site_checks.unanswered(site) == []
    site["losses.html"] = Page(text="nothing")
    assert [line.split("?")[0] for line in site_checks.unanswered(site)] == ["How do I classify"]
    site["index.html"].links.remove("units.html")
    assert len(site_checks.unanswered(site)) == 2
