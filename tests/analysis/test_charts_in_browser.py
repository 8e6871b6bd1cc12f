"""The charts as a reader uses them: choices, the pointer, the legend, and the history of a search, in a browser."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chromium import BROWSER, running_browser
from made_up_studies import row, store

from analysis.report.report import write_report
from study.record import Home

playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install playwright")

pytestmark = pytest.mark.skipif(not BROWSER, reason="needs Chromium or Chrome on the PATH")

LOUD = ("error", "warning")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a search over β, lr and κ, whose best trial is number 5 of `tpe`."""
    folder = tmp_path_factory.mktemp("hunted")
    home = Home(folder)
    plan = [
        {"trial_id": f"{s}{n}", "sampler": s, "repeat": 0, "number": n, "beta": 0.1 * 1.5**n, "kappa": 2 + 2 * (n % 2)}
        for s in ("tpe", "random")
        for n in range(15)
    ]
    trials = [
        row(line["trial_id"], neg_elbo_test=abs(line["number"] - 5.0) + (line["sampler"] == "random")) for line in plan
    ]
    axes = {axis: list(dict.fromkeys(line[axis] for line in plan)) for axis in plan[0] if axis != "trial_id"}
    store(home, "hunt", axes, plan, trials)
    header = json.loads(home.read("studies/hunt/study.json")) | {"search": {"minimise": {"neg_elbo_test": 9.0}}}
    home.write("studies/hunt/study.json", json.dumps(header).encode())
    return Path(write_report("hunt", home).location)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with running_browser() as chromium:
        yield chromium


@pytest.fixture
def page(browser: Any, place: Path) -> Iterator[Any]:
    """The page, as wide as a desk's; at its end nothing went wrong in it."""
    tab, faults = browser.new_page(viewport={"width": 1400, "height": 900}), []
    tab.set_default_timeout(30_000)
    tab.on("console", lambda said: faults.append(said.text) if said.type in LOUD else None)
    tab.on("pageerror", lambda fault: faults.append(str(fault)))
    tab.goto(place.as_uri())
    yield tab
    tab.close()
    assert faults == []


def chart(page: Any, name: str) -> Any:
    """A chart, once it is drawn, and the table above it made."""
    figure = page.locator(f"#figure-{name}")
    page.locator("#sheet-best_trials table.dataTable").wait_for()
    figure.scroll_into_view_if_needed()
    figure.locator("canvas").wait_for()
    return figure


def test_whatever_a_reader_chooses_is_drawn(page: Any):
    figure = chart(page, "explorer")
    for name in ("show", "against", "colour by", "panels by", "panels also by"):
        listed = figure.get_by_label(name)
        before = figure.locator("canvas").evaluate("one => one.toDataURL()")
        values = listed.locator("option").evaluate_all("all => all.map(one => one.value)")
        assert len(values) > 1
        drawn = set()
        for value in values:
            listed.select_option(value)
            page.wait_for_timeout(100)
            drawn.add(figure.locator("canvas").evaluate("one => one.toDataURL()"))
        assert len(drawn | {before}) > 1


def test_the_pointer_names_the_trials_of_a_history_and_their_best_so_far(page: Any):
    figure = chart(page, "history")
    box = figure.locator("canvas").bounding_box()
    said = set()
    bottom = int(box["height"]) - 40
    for x in range(60, int(box["width"]), 4):  # points are six pixels wide
        for y in range(bottom - 120, bottom, 4):  # the best trial is the lowest
            page.mouse.move(box["x"] + x, box["y"] + y)
            tip = page.locator("#vg-tooltip-element.visible")
            if tip.count():
                said.add(tip.inner_text())
        if any("tpe5" in text for text in said):
            break
    found = next(text for text in said if "tpe5" in text)
    assert "best so far" in found
    assert "sampler" in found


def test_a_click_on_the_legend_leaves_one_sampler(page: Any):
    figure = chart(page, "history")
    canvas = figure.locator("canvas")
    before = canvas.evaluate("one => one.toDataURL()")
    box = canvas.bounding_box()
    for x in range(40, 200, 8):
        page.mouse.click(box["x"] + x, box["y"] + 27)
        page.wait_for_timeout(60)
        if canvas.evaluate("one => one.toDataURL()") != before:
            return
    pytest.fail("no click on the legend changes the chart")
