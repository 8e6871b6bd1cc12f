"""The report's page and the home's page as a reader uses them, in a browser that may load nothing but the file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chromium import BROWSER, running_browser
from made_up_studies import PLANTED, gamma_grid, row, store

from analysis.claims.claim import Claim
from analysis.claims.comparison import Comparison, near
from analysis.claims.estimate import computed
from analysis.figures.chart import Chart, Charts
from analysis.frames.view import View
from analysis.report.findings import findings
from analysis.report.page.origin import Origin
from analysis.report.page.study_page import Content, study_page
from analysis.report.report import write_all_reports, write_home_page
from analysis.report.summary import Summary
from analysis.tables.cells import counts, glance, table
from study.record import Home

playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install playwright")
playwright.expect.set_options(timeout=30_000)

pytestmark = pytest.mark.skipif(not BROWSER, reason="needs Chromium or Chrome on the PATH")

WIDE, NARROW = 1400, 400
at_both_widths = pytest.mark.parametrize("page", [WIDE, NARROW], indirect=True, ids=["wide", "narrow"])

LONG = "learned_gamma_collapse_of_many-paper"
"""A long name of a study."""

ODD = "</script><b>\"odd\" & 'own'"
"""What would end a script or start a tag, were it not escaped."""

POINTS = Charts(
    [
        Chart(
            "points",
            f"Points of {ODD}",
            {
                "data": {"name": "points"},
                "width": "container",
                "height": 200,
                "params": [{"name": "shown", "value": "all", "bind": {"input": "select", "options": ["all", "some"]}}],
                "mark": {"type": "point", "size": 4000, "filled": True, "tooltip": True},
                "encoding": {"x": {"field": "x", "type": "quantitative"}, "y": {"field": "name", "type": "nominal"}},
            },
        )
    ],
    {"points": [{"x": 1, "name": ODD}]},
)

TEXT_SIZES = """() => [...new Set([...document.querySelectorAll('body *')]
    .filter(one => !one.closest('script, style, svg') && one.checkVisibility())
    .filter(one => [...one.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim()))
    .map(one => parseFloat(getComputedStyle(one).fontSize)))]"""


def many_rates(home: Home) -> None:
    """A study `rates` of 40 rates, from 1e-05 to 0.75, and two names, one of them odd."""
    rates, names = [float(f"{10 ** (i / 8 - 5):.2g}") for i in range(40)], ["plain", ODD]
    plan = [{"trial_id": f"{rate}-{name}", "lr": rate, "name": name} for rate in rates for name in names]
    trials = [row(line["trial_id"], nre_mean_test=0.5 / (1 + i), n_active=i % 5) for i, line in enumerate(plan)]
    store(home, "rates", {"lr": rates, "name": names}, plan, trials)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the reports of two studies, one of which has a chart, and its page, which lists a third study's claims."""
    folder = tmp_path_factory.mktemp("read")
    place = Home(folder)
    many_rates(place)
    gamma_grid(place, PLANTED, 3)
    write_all_reports(place)
    wrong = Comparison("x", computed(1.1), near(1.0, 0.01))
    claims = [Claim(f"set {i}", "it is so", "me", comparisons=[wrong], trials=3) for i in range(12)]
    told = Summary(
        LONG, "Are many so?", "laptop", "2026-01-02 03:04 UTC", "1", "", {"declared": 3, "finished": 3}, claims
    )
    place.write(f"studies/{LONG}/report/report.json", told.as_json())
    write_home_page(place)
    view = View.of("rates", place)
    summary, seen = table(view.trials, view.header), glance(view.trials, view.header)
    content = Content(
        view.header, Origin.of(view.header, place), counts(view.trials), seen, findings(view), summary, [], POINTS
    )
    (folder / "studies/rates/report/index.html").write_text(study_page(content), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with running_browser() as chromium:
        yield chromium


@pytest.fixture
def page(request: pytest.FixtureRequest, browser: Any) -> Iterator[Any]:
    """A tab as wide as a desk's or a phone's; at its end nothing was loaded from elsewhere, and nothing went wrong."""
    context = browser.new_context(
        viewport={"width": getattr(request, "param", WIDE), "height": 900}, color_scheme="light"
    )
    context.set_default_timeout(20_000)
    tab, faults = context.new_page(), []
    tab.on("console", lambda message: faults.append(message.text))
    tab.on("pageerror", lambda fault: faults.append(str(fault)))
    tab.on("request", lambda sent: faults.append(sent.url) if not sent.url.startswith(("file:", "blob:")) else None)
    yield tab
    context.close()
    assert faults == []


def opened(page: Any, home: Path, study: str = "rates") -> Any:
    """The report of a study, with its table made; returns the table."""
    page.goto((home / f"studies/{study}/report/index.html").as_uri())
    return made(page, "table")


def made(page: Any, section: str) -> Any:
    """The interactive table of a section, which is made when it is scrolled to."""
    found = page.locator(f"#{section}")
    found.scroll_into_view_if_needed()
    playwright.expect(found.locator("table.dataTable")).to_be_visible()
    return found


def column(table: Any, number: int) -> list[str]:
    return table.locator(f"tbody tr td:nth-child({number})").all_inner_texts()


def heading(table: Any, text: str) -> Any:
    return table.locator("thead th").filter(has_text=text).first


def fits(page: Any) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_a_table_is_sorted_by_numbers_and_not_by_their_texts(home: Path, page: Any):
    shown = opened(page, home)
    first = shown.locator("tbody td").first
    playwright.expect(first).to_have_text("1e-05")
    for expected in ("1e-05", "0.75"):
        heading(shown, "lr").locator(".dt-column-title").click()
        playwright.expect(first).to_have_text(expected)
    rates = [float(text) for text in column(shown, 1)]
    assert rates == sorted(rates, reverse=True)
    heading(shown, "NRE mean").locator(".dt-column-title").click()
    playwright.expect(first).to_have_text("0.75")


def test_a_table_is_searched_and_turned_over(home: Path, page: Any):
    shown = opened(page, home)
    assert len(column(shown, 1)) == 25
    shown.get_by_role("link", name="Next").click()
    playwright.expect(shown.locator("tbody td").first).to_have_text("0.00032")
    shown.get_by_role("searchbox").fill("plain")
    playwright.expect(shown.get_by_text("1 to 25 of 40")).to_be_visible()
    assert set(column(shown, 2)) == {"plain"}


@at_both_widths
def test_a_column_is_filtered_by_number_and_by_label(home: Path, page: Any):
    shown = opened(page, home)
    heading(shown, "lr").locator("button.dtcc-button").click()
    page.locator(".dtcc-dropdown select").select_option("greater")
    page.locator(".dtcc-dropdown input").fill("0.3")
    playwright.expect(shown.locator("tbody tr")).to_have_count(8)
    page.keyboard.press("Escape")
    page.mouse.click(5, 400)
    heading(shown, "name").locator("button.dtcc-button").click()
    page.locator(".dtcc-dropdown").get_by_role("button", name="plain").click()
    playwright.expect(shown.locator("tbody tr")).to_have_count(4)


def test_a_chart_answers_the_pointer(home: Path, page: Any):
    opened(page, home)
    chart = page.locator("[data-chart=points]")
    chart.scroll_into_view_if_needed()
    playwright.expect(chart.locator("canvas")).to_be_visible()
    box = chart.locator("canvas").bounding_box()
    page.mouse.move(box["x"] + box["width"] - 38, box["y"] + 100)
    tip = page.locator("#vg-tooltip-element")
    playwright.expect(tip).to_be_visible()
    assert ODD in tip.inner_text()


def test_the_theme_is_the_system_s_until_the_reader_chooses(home: Path, page: Any):
    opened(page, home)
    paper = "getComputedStyle(document.body).backgroundColor"
    page.locator("[data-chart=points]").scroll_into_view_if_needed()
    page.locator(".chart select").select_option("some")
    light = page.evaluate(paper)
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(paper)
    assert dark != light
    page.get_by_role("button", name="Theme: auto").click()
    assert page.evaluate(paper) == light
    playwright.expect(page.locator(".chart select")).to_have_value("some")  # what was chosen stays when colours change
    page.get_by_role("button", name="Theme: light").click()
    page.emulate_media(color_scheme="light")
    assert page.evaluate(paper) == dark
    page.reload()
    playwright.expect(page.get_by_role("button", name="Theme: dark")).to_be_visible()
    assert page.evaluate(paper) == dark


@at_both_widths
@pytest.mark.parametrize("study", ["rates", "grid_gamma"])
def test_the_page_fits_its_window_in_three_sizes_of_letters(home: Path, page: Any, study: str):
    opened(page, home, study)
    page.mouse.wheel(0, 20_000)
    assert fits(page)
    sizes = page.evaluate(TEXT_SIZES)
    assert len(sizes) <= 3
    assert min(sizes) >= 12


@at_both_widths
def test_the_glance_is_seen_without_scrolling_sideways(home: Path, page: Any):
    opened(page, home, "grid_gamma")
    cells = page.locator(".glance td").filter(has_text="balanced")
    assert cells.count() == 2
    for cell in cells.all():
        box = cell.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= page.viewport_size["width"]


def test_what_a_study_calls_things_is_shown_as_text(home: Path, page: Any):
    shown = opened(page, home)
    assert ODD in column(shown, 2)
    assert page.locator("main b").filter(has_text="odd").count() == 0
    playwright.expect(page.locator("figcaption").filter(has_text=ODD)).to_be_visible()


@at_both_widths
def test_the_home_s_page_leads_to_reports_and_back(home: Path, page: Any):
    page.goto((home / "index.html").as_uri())
    assert fits(page)
    names = made(page, "studies").get_by_role("link", name=LONG)
    assert names.evaluate("one => one.getClientRects().length") == 1  # on one line
    claims = made(page, "claims")
    assert claims.locator("tbody tr").count() == 15
    claims.get_by_role("searchbox").fill("planted latents")
    playwright.expect(claims.locator("tbody tr")).to_have_count(1)
    claims.get_by_role("link", name="grid_gamma").click()
    playwright.expect(page.get_by_role("heading", name="grid_gamma")).to_be_visible()
    page.get_by_role("link", name="all studies").click()
    playwright.expect(page.get_by_role("heading", name="Studies").first).to_be_visible()


def test_without_scripts_the_answer_is_there(home: Path, browser: Any):
    context = browser.new_context(java_script_enabled=False)
    plain = context.new_page()
    plain.goto((home / "studies/grid_gamma/report/index.html").as_uri())
    assert plain.locator(".glance td").filter(has_text="3 balanced").count() == 2
    assert plain.locator(".verdicts li").count() == 3
    assert plain.locator("#table tbody tr").count() == 6
    context.close()
