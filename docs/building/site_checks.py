"""Checks of the built site: links, clicks from the start page, names, questions, what pages would fetch."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

#: Pages that Sphinx makes beside those of the project; the search page is reached by the field for searching.
MADE_BY_SPHINX = ("genindex.html", "search.html", "py-modindex.html")
START = "index.html"
MOST_CLICKS = 2

#: What a newcomer asks, the page that answers, and words that the answer has.
QUESTIONS = {
    "How do I fit my own arrays?": ("start/own_arrays.html", "dataset_from_arrays(x, "),
    "How do I predict with error bars?": ("error_bars.html", "interval=0.9"),
    "How do I resume a sweep?": ("how_to/resume_a_sweep.html", "The same command again"),
    "How do I use two output columns?": ("how_to/two_outputs.html", "KAN([2, 3, 2]"),
    "How do I get the formula?": ("formulas.html", "found.best.formula"),
    "How do I add a symbol?": ("how_to/symbol.html", "add_symbolic("),
    "How do I classify?": ("losses.html", "cross_entropy"),
    "How do I install it for a cluster?": ("start/install.html", "NUMBA_CACHE_DIR=/shared"),
    "Which units do I get?": ("units.html", "those of the data"),
    "What is this call of pykan here?": ("migrating/from_pykan.html", "update_grid_from_samples"),
}

_FROM_STYLES = re.compile(r"url\(\s*['\"]?((?:https?:)?//[^)'\"]+)|@import\s+['\"](https?:[^'\"]+)")


@dataclass
class Page:
    """What a page has that matters here."""

    links: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)
    text: str = ""


class _Reader(HTMLParser):
    """Collects links, anchors, text, and addresses that a browser loads by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.page = Page()
        self._code = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if "id" in given:
            self.page.anchors.add(given["id"])
        if tag == "a" and "name" in given:
            self.page.anchors.add(given["name"])
        if tag == "a" and "href" in given:
            self.page.links.append(given["href"])
        if tag in ("script", "img", "iframe", "source", "video", "embed"):
            self.page.fetched += [given["src"]] if given.get("src") else []
            self.page.fetched += [
                part.split()[0] for part in given.get("srcset", "").split(",") if part.strip()
            ]
        loads = {"stylesheet", "icon", "preload", "shortcut", "modulepreload", "preconnect", "prefetch"}
        if tag == "link" and loads & set(given.get("rel", "").split()):
            self.page.fetched.append(given.get("href", ""))
        self._code = tag in ("script", "style") or (self._code and tag not in ("script", "style"))

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._code = False

    def handle_data(self, data: str) -> None:
        if not self._code:
            self.page.text += data


def read_site(folder: Path) -> dict[str, Page]:
    """All pages of a built site by their path in it."""
    pages = {}
    for path in sorted(folder.rglob("*.html")):
        name = path.relative_to(folder).as_posix()
        if name.startswith(("_static/", "_sources/")):
            continue
        reader = _Reader()
        reader.feed(path.read_text(encoding="utf-8"))
        pages[name] = reader.page
    return pages


def _target(page: str, link: str) -> tuple[str, str] | None:
    """The file and the anchor that a link of a page means; None for other sites and for scripts."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return None
    where = page if not parts.path else _joined(page, unquote(parts.path))
    return where, unquote(parts.fragment)


def _joined(page: str, path: str) -> str:
    """A path relative to a page, from the root of the site."""
    steps: list[str] = [] if path.startswith("/") else page.split("/")[:-1]
    for step in path.strip("/").split("/"):
        if step == "..":
            if not steps:
                return "../" + path
            steps.pop()
        elif step not in (".", ""):
            steps.append(step)
    return "/".join(steps)


def dead_links(folder: Path, pages: dict[str, Page]) -> list[str]:
    """Say which links and pictures lead nowhere."""
    found = []
    for name, page in pages.items():
        for link in dict.fromkeys([*page.links, *page.fetched]):
            target = _target(name, link)
            if target is None or link in ("#", ""):
                continue
            file, anchor = target
            if not (folder / file).is_file():
                found.append(f"{name}: {link} leads to no file.")
            elif anchor and file in pages and anchor not in pages[file].anchors:
                found.append(f"{name}: {link} leads to no place of {file}.")
    return found


def clicks(pages: dict[str, Page], start: str = START) -> dict[str, int]:
    """How many clicks every page that can be reached is away from the first."""
    distance = {start: 0}
    waiting = deque([start])
    while waiting:
        name = waiting.popleft()
        for link in pages[name].links:
            target = _target(name, link)
            if target is not None and target[0] in pages and target[0] not in distance:
                distance[target[0]] = distance[name] + 1
                waiting.append(target[0])
    return distance


def too_far(pages: dict[str, Page]) -> list[str]:
    """Say which pages are more than two clicks away from the start page."""
    distance = clicks(pages)
    found = []
    for name in pages:
        away = distance.get(name)
        if name not in MADE_BY_SPHINX and (away is None or away > MOST_CLICKS):
            how = "cannot be reached" if away is None else f"is {away} clicks away"
            found.append(f"{name}: {how} from {START}; it should be {MOST_CLICKS} at most.")
    return found


def fetched_from_elsewhere(folder: Path, pages: dict[str, Page]) -> list[str]:
    """Say what a browser would fetch from another site to show a page."""
    found = [
        f"{name}: {address} is fetched from elsewhere."
        for name, page in pages.items()
        for address in page.fetched
        if urlsplit(address).netloc
    ]
    for path in folder.rglob("*.css"):
        addresses = _FROM_STYLES.findall(path.read_text(encoding="utf-8"))
        name = path.relative_to(folder)
        found += [f"{name}: {''.join(address)} is fetched from elsewhere." for address in addresses]
    return found


def undescribed(pages: dict[str, Page], names: Iterable[str]) -> list[str]:
    """Say which of some names have no description, or none that the list of all names links to."""
    index = "reference/index.html"
    listed = {_target(index, link) for link in pages[index].links} if index in pages else set()
    anchors = {
        anchor for name, page in pages.items() if name.startswith("reference/") for anchor in page.anchors
    }
    found = []
    for name in names:
        if name not in anchors:
            found.append(f"{name}: it is public and has no description in the reference.")
        elif not any(target is not None and target[1] == name for target in listed):
            found.append(f"{name}: {index} does not link to its description.")
    return found


def unanswered(pages: dict[str, Page]) -> list[str]:
    """Say which questions of newcomers are not answered within two clicks."""
    distance = clicks(pages)
    found = []
    for question, (name, words) in QUESTIONS.items():
        if name not in pages or words not in pages[name].text:
            found.append(f"{question} {name} has no {words!r}.")
        elif distance.get(name, MOST_CLICKS + 1) > MOST_CLICKS:
            found.append(f"{question} {name} is too far from the start page.")
    return found
