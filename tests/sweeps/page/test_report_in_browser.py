"""The page in a real browser: pointing, sorting, filtering, the keyboard, a phone, paper, the dark."""

from __future__ import annotations

import json
import re

import pytest
import synthetic
from browser import CHROMIUM, Browser

from sweeps.page.report import write_report

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium to look at the page"),
]
TIP = "(() => { const t = document.querySelector('.tip'); return t.hidden ? '' : t.textContent })()"
FOCUSED = "document.activeElement.getAttribute('aria-label')"
SECTION = "#special-jv"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    directory = tmp_path_factory.mktemp("page")
    synthetic.build(directory)
    return write_report(directory)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


def column(browser, table, index):
    """The texts of a column of the rows that are shown."""
    return browser.evaluate(
        f"[...document.querySelector({json.dumps(table)}).tBodies[0].rows].filter(row => !row.hidden)"
        f".map(row => row.cells[{index}].textContent.trim())"
    )


def front_label(browser, number=0):
    return browser.evaluate(
        f"document.querySelectorAll('{SECTION} a.hit')[{number}].getAttribute('aria-label')"
    )


def test_pointing_at_a_front_point_shows_its_configuration(browser, page):
    browser.open(page)
    assert browser.evaluate(TIP) == ""
    x, y = browser.place(f"{SECTION} a.hit circle")
    browser.point(x + 2, y + 1)
    text = browser.evaluate(TIP)
    assert re.match(r"KAN \[2, \d+(, \d+)?\], G = \d+, LM\n\d+ parameters, .* s\ntest RMSE ", text)
    assert "; ".join(text.split("\n")) == front_label(browser)
    browser.point(2, 2)
    assert browser.evaluate(TIP) == ""


LONE_DOT = """(() => {
const svg = document.querySelector("FIGURE"), data = JSON.parse(document.getElementById("dots").textContent);
const [[task, , [x0, y0, x1, y1], [left, right, low, top]]] = data.figures[svg.dataset.name];
const taken = [...svg.querySelectorAll("a.hit circle")].map(c => [c.cx.baseVal.value, c.cy.baseVal.value]);
const dots = [];
for (const [, , , , params, , runs, errors] of data.tasks[task])
  params.forEach((n, i) => errors[i].forEach((e, j) => { if (e) dots.push([
    x0 + Math.log(n / left) / Math.log(right / left) * (x1 - x0),
    y1 - Math.log(e / low) / Math.log(top / low) * (y1 - y0), runs[j]]); }));
const [x, y, run] = dots.find(([x, y], i) => y > y0 && taken.concat(dots.filter((_, j) => j !== i))
  .every(([a, b]) => Math.hypot(a - x, b - y) > 18));
const at = new DOMPoint(x, y).matrixTransform(svg.getScreenCTM());
return [at.x, at.y, run];
})()"""


def test_pointing_at_a_faint_dot_names_its_run(browser, page):
    browser.open(page)
    figure = f"{SECTION} svg[data-name]"
    browser.place(figure)
    # A dot that no front point is near, found in the numbers that the page holds.
    x, y, run = browser.evaluate(LONE_DOT.replace("FIGURE", figure))
    browser.point(x + 1, y)
    text = browser.evaluate(TIP)
    assert f"run {run}, stage" in text
    assert "in this run" in text


def test_the_keyboard_walks_from_point_to_point_and_on_to_the_row(browser, page):
    browser.open(page)
    browser.place(f"{SECTION} figure")
    browser.evaluate(f"document.querySelector('{SECTION} h2').setAttribute('tabindex', 0)")
    browser.evaluate(f"document.querySelector('{SECTION} h2').focus({{preventScroll: true}})")
    browser.key("Tab")
    assert browser.evaluate(FOCUSED) == front_label(browser)
    assert browser.evaluate(TIP).split("\n")[0] in front_label(browser)
    browser.key("ArrowRight")
    assert browser.evaluate(FOCUSED) == front_label(browser, 1)
    assert browser.evaluate(TIP).split("\n")[0] in front_label(browser, 1)
    browser.key("Escape")
    assert browser.evaluate(TIP) == ""
    browser.key("Home")
    assert browser.evaluate(FOCUSED) == front_label(browser)
    browser.key("Enter")
    row = browser.evaluate("document.querySelector('tr:target').textContent")
    run, stage = re.search(r"run (\w+), stage (\d)", front_label(browser)).groups()
    assert f"{run} --stage {stage}" in row


def test_tab_goes_once_through_a_figure(browser, page):
    browser.open(page)
    stops = browser.evaluate(
        "[...document.querySelectorAll('figure svg')]"
        ".map(svg => svg.querySelectorAll('a.hit[tabindex=\"0\"]').length)"
    )
    assert set(stops) == {1}


def test_the_head_of_a_column_sorts_its_table(browser, page):
    browser.open(page)
    table = f"{SECTION} table.front"
    head = f"{table} thead tr:last-child th:nth-child(8)"
    assert browser.evaluate(f"document.querySelector('{head}').getAttribute('aria-sort')") == "none"
    for order in ("ascending", "descending"):
        browser.click(f"{head} button")
        assert browser.evaluate(f"document.querySelector('{head}').getAttribute('aria-sort')") == order
        errors = [float(re.match(r"[\d.]+e-?\d", text)[0]) for text in column(browser, table, 7)]
        assert errors == sorted(errors, reverse=order == "descending")
    browser.click(f"{table} thead tr:last-child th:nth-child(5) button")
    assert browser.evaluate(f"document.querySelector('{head}').getAttribute('aria-sort')") == "none"
    sizes = [int(text.replace("\u2009", "")) for text in column(browser, table, 4)]
    assert sizes == sorted(sizes)


def test_sorting_needs_no_mouse(browser, page):
    browser.open(page)
    table = f"{SECTION} table.front"
    browser.evaluate(f"document.querySelector('{table} .sort').focus()")
    browser.key("Enter")
    browser.key("Enter")
    families = column(browser, table, 0)
    assert families == sorted(families, reverse=True)


def test_words_and_limits_filter_a_table(browser, page):
    browser.open(page)
    table, box = f"{SECTION} table.front", f"{SECTION} .filter input"
    everything = column(browser, table, 0)

    def shown_with(words):
        browser.evaluate(f"document.querySelector('{box}').focus(); document.querySelector('{box}').select()")
        browser.type(words)
        return column(browser, table, 0)

    assert shown_with("MLP") == [text for text in everything if text == "MLP"]
    status = browser.evaluate(f"document.querySelector('{SECTION} .filter [role=status]').textContent")
    assert status == f"{everything.count('MLP')} of {len(everything)} rows"
    assert shown_with("-mlp") == [text for text in everything if text == "KAN"]
    shown_with("kan parameters<=30")
    sizes = [int(text) for text in column(browser, table, 4)]
    assert sizes
    assert max(sizes) <= 30
    assert shown_with("no such word") == []
    assert browser.evaluate(f"getComputedStyle(document.querySelector('{table} tbody tr')).display") == "none"


def test_a_phone_needs_no_scrolling_sideways(browser, page):
    browser.open(page, width=360, height=740)
    assert browser.evaluate("document.documentElement.scrollWidth") <= 360
    wide = browser.evaluate(
        "[...document.querySelectorAll('table')].filter(t => !t.closest('.scroll')).length"
    )
    assert wide == 0
    x, y = browser.place(f"{SECTION} a.hit circle")
    browser.point(x, y)
    left, right = browser.evaluate(
        "(() => { const box = document.querySelector('.tip').getBoundingClientRect();"
        " return [box.left, box.right] })()"
    )
    assert 0 <= left < right <= 360


def luminance(colour):
    red, green, blue = (int(value) / 255 for value in re.findall(r"\d+", colour)[:3])
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue)]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(browser, selector, name="color"):
    text, paper = (
        luminance(browser.evaluate(f"getComputedStyle(document.querySelector({json.dumps(s)}))['{n}']"))
        for s, n in ((selector, name), ("body", "backgroundColor"))
    )
    return (max(text, paper) + 0.05) / (min(text, paper) + 0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_text_and_figures_can_be_read_by_day_and_night(browser, page, dark):
    browser.open(page, dark=dark)
    body = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (luminance(body) < 0.05) is dark
    for selector in ("p", ".soft", "td", "th", ".kan", ".mlp", "a"):
        assert contrast(browser, selector) >= 4.5, selector
    ink = f"{SECTION} figure svg [style*='--ink']"
    assert contrast(browser, ink, "fill") >= 4.5


def test_on_paper_there_are_no_controls_and_no_night(browser, page):
    browser.open(page)
    browser.media(kind="print", dark=True)
    shown = browser.evaluate(
        "[...document.querySelectorAll('.filter, nav, .hit, .tip')]"
        ".filter(e => getComputedStyle(e).display !== 'none').length"
    )
    assert shown == 0
    assert luminance(browser.evaluate("getComputedStyle(document.body).backgroundColor")) == 1
    assert browser.pdf().startswith(b"%PDF")


def test_without_scripts_the_page_says_everything(browser, page):
    browser.open(page, scripts=False)
    text = browser.evaluate("document.body.innerText")
    assert "The best KAN has the lower test error" in text
    titles = browser.evaluate("document.querySelectorAll('a.hit title').length")
    assert titles > 20
    assert browser.evaluate("document.querySelectorAll('.filter, .sort').length") == 0


def test_no_error_is_thrown_and_nothing_is_asked_for(browser, page):
    browser.open(page)
    assert browser.evaluate("performance.getEntriesByType('resource').length") == 0
    assert browser.evaluate("document.querySelectorAll('.sort').length") > 20
