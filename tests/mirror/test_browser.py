"""What a person sees: the mirror in MLflow's own UI, in a browser."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chromium import BROWSER, running_browser
from recorded_home import REGIMES, STUDY, commit_trials, reported, runs, write_plan

from study.mirror.mirror import Mirror, tracking_uri
from study.record import Home

playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install playwright")

pytestmark = [
    pytest.mark.skipif(not BROWSER, reason="needs Chromium or Chrome on the PATH"),
    # MLflow's own, when it is imported and when it migrates its tables.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*Pydantic.*:UserWarning"),
]


@pytest.fixture(scope="module")
def mirrored(tmp_path_factory: pytest.TempPathFactory, database: Path) -> Home:
    """A home whose three trials are mirrored and reported: one cell is whole, of the other a seed is missing."""
    folder = tmp_path_factory.mktemp("seen")
    shutil.copy(database, folder / "mlflow.db")
    home = Home(folder)
    write_plan(home)
    there = [(4, 0), (4, 1), (8, 0)]
    commit_trials(home, there)
    page = "<h1>A report</h1><p id='drawn'></p><script>drawn.textContent = 'drawn by a script'</script>"
    reported(home, page, {pair: REGIMES[pair] for pair in there})
    return home


@pytest.fixture(scope="module")
def server(mirrored: Home) -> Iterator[str]:
    """The address of MLflow's UI over that home."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).parent / "mlflow"), "ui", "--backend-store-uri", tracking_uri(mirrored)]
    quiet = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true"}
    process = subprocess.Popen(
        [*command, "--port", str(port), "--workers", "1"],
        env=quiet,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(f"http://127.0.0.1:{port}/health", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=5).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise AssertionError("mlflow ui does not start")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with running_browser() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def page(browser: Any) -> Iterator[Any]:
    """One tab for all tests: MLflow's UI takes seconds to load, and none to go from one of its pages to another."""
    context = browser.new_context(viewport={"width": 1800, "height": 1000})
    context.set_default_timeout(30_000)
    yield context.new_page()
    context.close()


def visit_anew(page: Any, address: str) -> None:
    """Open a page in a browser that remembers nothing of an earlier visit."""
    if page.url != "about:blank":
        page.evaluate("localStorage.clear(); sessionStorage.clear()")
        page.goto("about:blank")
    page.goto(address)


def run_page(home: Home, name: str, tab: str = "") -> str:
    (run,) = [run for kind in ("trial", "cell") for run in runs(home, kind) if run.info.run_name == name]
    return f"#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}{tab}"


def see(page: Any, *texts: str) -> None:
    """Wait until each text is visible."""
    for text in texts:
        playwright.expect(page.get_by_text(text, exact=True).first).to_be_visible(timeout=30_000)


def row(page: Any, name: str) -> Any:
    """The row of a run in the list of runs."""
    return page.locator(".ag-row").filter(has=page.get_by_text(name, exact=True)).first


def test_the_page_that_the_launcher_names_shows_the_means_over_seeds(mirrored: Home, server: str, page: Any) -> None:
    address = str(Mirror(mirrored, STUDY).page)
    visit_anew(page, address.replace("http://127.0.0.1:5000", server))
    see(page, "κ=4", "κ=8", "Means over seeds", "A question?", "2 matching runs")
    headings = page.get_by_role("columnheader").all_inner_texts()
    assert {"regime", "seeds", "neg_elbo_test", "n_active", "rate_test"} <= set(
        headings
    )  # others are further to the right
    see(page, "13", "balanced", "under")  # the mean of 12.5 and 13.5, and what the report says


def test_two_cells_are_compared(server: str, page: Any) -> None:
    page.goto(f"{server}/#/experiments/1/runs?workflowType=machine_learning&viewStateShareKey=cells")
    see(page, "κ=4", "κ=8")
    for name in ("κ=4", "κ=8"):
        row(page, name).locator(".ag-selection-checkbox input").click()
    page.get_by_test_id("runs-compare-button").click()
    see(page, "Comparing 2 Runs from 1 Experiment", "κ=4", "κ=8", "distortion_test")


def test_curves_are_drawn_as_means_over_seeds(server: str, page: Any) -> None:
    page.goto(f"{server}/#/experiments/1/runs?workflowType=machine_learning&viewStateShareKey=trials")
    see(page, "κ=4 · s0")
    page.get_by_test_id("saved-views-trigger").click()
    page.get_by_role("menuitem").filter(has_text="Curves, mean over seeds").click()
    see(page, "Group by: cell")


def test_a_trial_s_page_shows_its_parameters_and_curves(mirrored: Home, server: str, page: Any) -> None:
    page.goto(f"{server}/{run_page(mirrored, 'κ=4 · s0')}")
    see(page, "κ=4 · s0", "Parent run", "objective.gamma.kind")
    page.get_by_text("Model metrics", exact=True).click()
    see(page, "rate", "gamma")
    page.locator(".js-plotly-plot .scatterlayer .trace").first.wait_for()


def test_a_trial_s_pictures_open(mirrored: Home, server: str, page: Any) -> None:
    page.goto(f"{server}/{run_page(mirrored, 'κ=4 · s0', '/artifacts')}")
    for name, width in (("latents.png", 560), ("reconstruction.png", 176)):
        page.get_by_text(name, exact=True).first.click()
        page.wait_for_function(
            "width => [...document.images].some(image => image.src.startsWith('blob:') && image.naturalWidth == width)",
            arg=width,
        )


def test_whoever_opens_the_runs_without_a_view_finds_seeds_below_their_cells(server: str, page: Any) -> None:
    visit_anew(page, f"{server}/#/experiments/1/runs")
    see(page, "κ=4", "κ=8")
    assert not page.get_by_text("κ=4 · s0", exact=True).is_visible()
    row(page, "κ=4").get_by_role("button").click()  # unfolds it
    see(page, "κ=4 · s0", "κ=4 · s1")


def test_the_description_says_how_to_read_the_runs_and_leads_to_views_and_to_the_report_which_can_draw(
    mirrored: Home, server: str, page: Any
) -> None:
    page.goto(f"{server}/#/experiments/1/runs?workflowType=machine_learning")
    see(page, "A question?")
    page.locator("[data-testid=experiment-metadata-editor-edit-button] + button").click()  # unfolds it
    see(page, f"{mirrored}/studies/{STUDY}/report/index.html")
    playwright.expect(page.get_by_text("latents with mean posterior variance below 0.5")).to_be_visible()
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Every trial").click()
    see(opened.value, "κ=4 · s0", "κ=4 · s1", "κ=8 · s0", "3 matching runs")
    opened.value.close()
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="open it here").click()
    report = opened.value.frame_locator("iframe.mlflow-html-iframe")
    for text in ("A report", "drawn by a script"):
        playwright.expect(report.get_by_text(text)).to_be_visible(timeout=30_000)
