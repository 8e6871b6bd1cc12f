"""How long the report of a large study takes to write, how large it is, and how soon a browser opens it.

    python -m benchmarks.reports [--trials 10000] [--out FOLDER]

The records are made up (`benchmarks/synthetic_records.py`), in two forms: a sweep with 25 seeds a cell, and as many cells as
trials, as after a search; and a small sweep, for what every report costs. The report is written, all its files and charts,
and Chromium opens its page: until everything that is in sight at first is there, and, after a jump, until the table is. It
needs Playwright, and Chromium or Chrome on the PATH.
"""

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from analysis.report.report import write_report
from benchmarks.machine import load_average, machine, sentence
from benchmarks.options import add_out, parser_of, write_numbers
from benchmarks.synthetic_records import fill, parse_trials, sweep
from study.record import Home

GOAL_S, GOAL_MB, GOAL_WRITING_S = 3.0, 10.0, 30.0
"""To open the page; its size; and of a core, to write the report."""

SMALL = 150
"""Trials of the small sweep, 3 seeds a cell."""

BETAS = 50
FORMS = {"25 seeds a cell": 25, "one seed a cell": 1}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")

WAITING = """() => [...document.querySelectorAll('table[data-rows]:not(.dataTable), [data-chart]:empty')]
    .map(one => one.getBoundingClientRect())
    .every(place => place.top > innerHeight || place.bottom < 0)"""
"""Whether everything in sight is there."""


def main() -> None:
    """Measure, print, and exit with status 1 where a large study misses a goal."""
    options = _options()
    facts = machine()
    print(sentence(facts), flush=True)
    found: dict[str, Any] = {"machine": facts}
    for form, seeds in FORMS.items():
        found[form] = _measure(options.trials, seeds) | {"load": load_average()}
        _show(form, found[form])
    small = f"{SMALL} trials"
    found[small] = _measure(SMALL, 3) | {"load": load_average()}
    _show("3 seeds a cell", found[small])
    write_numbers(options.out, "reports", found)
    if options.trials >= 10_000:
        verdicts = [_verdict(form, found[form]) for form in FORMS]  # each is printed
        sys.exit(not all(verdicts))


def _measure(trials: int, seeds: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        home = Home(folder)
        declared = fill(home, sweep(max(1, round(trials / BETAS / seeds)), BETAS, seeds))
        start, busy = time.perf_counter(), time.process_time()
        page = Path(write_report("generated", home).location)
        taken = {"trials": declared, "writing": time.perf_counter() - start, "core": time.process_time() - busy}
        taken["MB"] = page.stat().st_size / 1e6
        return taken | _opened(page)


def _opened(page: Path) -> dict[str, float]:
    """Seconds from the request of the page; the browser itself runs already."""
    from playwright.sync_api import sync_playwright

    place = next(filter(None, map(shutil.which, BROWSERS)), None)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=place, args=["--no-sandbox", "--disable-gpu"])
        tab = browser.new_page(viewport={"width": 1400, "height": 1000})
        tab.goto("about:blank")
        start = time.perf_counter()
        tab.goto(page.as_uri())
        tab.wait_for_function(WAITING)
        opened = time.perf_counter() - start
        tab.evaluate("location.hash = 'table'")
        tab.wait_for_selector("#table table.dataTable tbody tr")
        tab.wait_for_function(WAITING)
        table = time.perf_counter() - start - opened
        browser.close()
    return {"opening": opened, "table": table}


def _show(form: str, costs: dict[str, float]) -> None:
    print(f"{costs['trials']:,.0f} trials, {form} (load {costs['load']:.1f}):")
    print(f"  writing the report     {costs['writing']:8.2f} s, {costs['core']:.2f} s of a core")
    print(f"  size of the page       {costs['MB']:8.2f} MB")
    print(f"  opening it             {costs['opening']:8.2f} s")
    print(f"  its table, after that  {costs['table']:8.2f} s", flush=True)


def _verdict(form: str, costs: dict[str, float]) -> bool:
    met = costs["opening"] <= GOAL_S and costs["MB"] <= GOAL_MB and costs["core"] <= GOAL_WRITING_S
    numbers = (
        f"written in {costs['core']:.1f} s of a core (at most {GOAL_WRITING_S:g}), "
        f"{costs['MB']:.1f} MB (at most {GOAL_MB:g}), opened in {costs['opening']:.1f} s (at most {GOAL_S:g})"
    )
    print(f"{'goal met' if met else 'goal missed'}: {form}: {numbers}")
    return met


def _options() -> argparse.Namespace:
    parser = parser_of("reports", __doc__)
    add_out(parser)
    return parse_trials(parser)


if __name__ == "__main__":
    main()
