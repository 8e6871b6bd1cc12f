"""The report is complete and self-contained, in any home."""

import io
import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pandas as pd
import pytest
from made_up_studies import DIGITS, GAMMA_COLUMNS, PLANTED, gamma_grid, grid, row, seeds, store
from rich.console import Console
from typer.testing import CliRunner

from analysis import header, results, write_report
from analysis.__main__ import app
from analysis.explore.axes import gamma_axis
from analysis.figures.looks import looks
from analysis.frames.recorded import UNDECLARED
from analysis.report.page.columns import glossary
from analysis.report.report import Report
from analysis.report.terminal import print_report
from models.specs.metrics import METRICS
from study.record import Home, commit, read

FILES = {"table.md", "table.csv", "table.tex", "report.json", "index.html", "best_trials.csv", "best_trials.tex"}
"""What every report of trained trials has."""
ALWAYS = {"plane"}
"""The charts of every study with a finished trial."""
OF_CURVES = {"gamma_trajectory", "gradient_z", "training"}
OF_SWEEPS = {"explorer", "active_dimensions", "importance", "parallel"}


def full_study(home: Home) -> None:
    """A study `full` of two data sets, four modes, three κ, two skips, two β and three seeds, with curves."""
    gammas, kappas, skips = ["fixed 1", "fixed 1e-05", "learned", "optimal"], [2, 4, 8], ("none", "affine")
    plan, trials, curve = [], [], []
    for data in (DIGITS, PLANTED):
        for beta in (4.0, 1.0):
            for gamma, kappa, skip, seed, name in grid(gammas, kappas, 3, skips):
                trial_id = f"{data['data_id']}-{beta}-{name}"
                axes = {"data": data["data"], "beta": beta, "gamma": gamma, "kappa": kappa, "skip": skip, "seed": seed}
                plan.append({"trial_id": trial_id, **axes})
                trials.append(
                    row(trial_id, **data, **GAMMA_COLUMNS[gamma], beta=beta, kappa=kappa, skip=skip, seed=seed)
                    | {"n_active": min(3, kappa)}
                )
                for step in (0, 50, 100):
                    numbers = {"gamma": 0.1 / (1 + step), "grad_z": 1.0 + step}
                    curve.append({"trial_id": trial_id, "stage": "vae", "step": step, **numbers})
    labels = {"data": ["Digits", "manifold r=3"], "beta": [4.0, 1.0], "gamma": gammas, "kappa": kappas}
    store(
        home, "grid_gamma", labels | {"skip": list(skips), "seed": [0, 1, 2]}, plan, trials, catalog=True, curves=curve
    )


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Report]:
    """The home of `full_study`, and its report."""
    home = Home(tmp_path_factory.mktemp("full"))
    full_study(home)
    return home, write_report("grid_gamma", home)


def test_the_report_writes_its_tables_figures_and_page(full: tuple[Home, Report]):
    home, report = full
    names = {path.rsplit("/", 1)[1] for path in report.paths}
    figures = ALWAYS | OF_CURVES | OF_SWEEPS
    assert names == {f"{name}.{suffix}" for name in figures for suffix in ("svg", "png")} | FILES
    folder = Path(str(home)) / "studies/grid_gamma/report"
    assert report.location == str(folder / "index.html")
    for name in figures:
        assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert len(list(ET.parse(folder / f"{name}.svg").iter())) > 30
    table = pd.read_csv(folder / "table.csv")
    assert len(table) == 2 * 2 * 4 * 3 * 2
    assert set(table["n_active_half"]) == {0.0}


def test_the_page_needs_no_network_and_no_other_file(full: tuple[Home, Report]):
    text = full[0].read("studies/grid_gamma/report/index.html").decode()
    assert text.count("data-chart=") == len(ALWAYS | OF_CURVES | OF_SWEEPS)
    for outside in ("<script src", "<link", "<img", "src=", "@import", 'href="http'):
        assert outside not in text
    for part in ("What does grid_gamma ask?", "<b>288</b> declared", "What the numbers say"):
        assert part in text
    assert "r is unknown, so regimes are relative" in text


def test_text_from_a_study_is_escaped_in_the_page(home: Home):
    store(
        home,
        "odd",
        {"tag": ["<b>&", "x"]},
        [{"trial_id": "a", "tag": "<b>&"}, {"trial_id": "b", "tag": "x"}],
        [row("a")],
    )
    write_report("odd", home)
    text = home.read("studies/odd/report/index.html").decode()
    assert "<b>&<" not in text
    assert "&lt;b&gt;&amp;" in text


def test_the_same_records_give_the_same_files(full: tuple[Home, Report]):
    home, report = full
    paths = [path for path in report.paths if not path.endswith((".html", ".json"))]
    files = [home.read(path) for path in paths]
    assert write_report("grid_gamma", home).paths == report.paths
    assert [home.read(path) for path in paths] == files


def test_a_study_without_kappa_or_curves_goes_without_those_figures(home: Home):
    seeds(home, [row(""), row("")])
    report = write_report("s", home)
    assert {path.rsplit("/", 1)[1] for path in report.paths} == FILES | {"plane.svg", "plane.png"}


def test_quantities_that_were_never_logged_have_no_chart(home: Home):
    names = ["a", "b", "c", "e"]
    plan = [{"trial_id": f"{data}{kappa}", "data": data, "kappa": kappa} for data in names for kappa in (2, 4)]
    trials = [row(**line, gamma_mode="learned", n_active=min(line["kappa"], 3)) for line in plan]
    curve = [{"trial_id": line["trial_id"], "stage": "vae", "step": 0, "gamma": 0.1, "grad_z": None} for line in plan]
    store(home, "plain", {"data": names, "kappa": [2, 4]}, plan, trials, curves=curve)
    names_written = {path.rsplit("/", 1)[1] for path in write_report("plain", home).paths}
    assert {"active_dimensions.svg", "gamma_trajectory.svg"} < names_written
    assert "gradient_z.svg" not in names_written


def test_the_axis_that_says_how_gamma_is_set_may_have_any_name(home: Home):
    modes = {"steep": "fixed 1e-05", "flat": "fixed 1", "free": "learned"}
    plan = [
        {"trial_id": f"{n}{k}{lr}", "noise": n, "kappa": k, "lr": lr} for n in modes for k in (2, 4) for lr in (1, 2)
    ]
    trials = [row(**line) | GAMMA_COLUMNS[modes[line["noise"]]] for line in plan]
    store(home, "own", {"noise": list(modes), "kappa": [2, 4], "lr": [1, 2]}, plan, trials)
    frame, head = results("own", home), header("own", home)
    assert gamma_axis(frame, head) == "noise"
    assert gamma_axis(frame[frame["noise"].eq("free")], head) is None


def test_a_study_that_has_not_run_has_a_report_of_missing_trials(home: Home):
    axes = {"gamma": ["learned", "fixed 1"], "kappa": [2, 4]}
    plan = [{"trial_id": f"{g}{k}", "gamma": g, "kappa": k} for g in axes["gamma"] for k in axes["kappa"]]
    store(home, "new", axes, plan, [])
    report = write_report("new", home)
    assert report.counts == {"declared": 4, "finished": 0, "diverged": 0, "failed": 0, "missing": 4, "unconverged": 0}
    assert {cell.text for line in report.glance.cells for cell in line} == {"missing"}


def test_each_mode_has_one_look_that_its_company_does_not_change():
    few = looks({"learned": "learned", "fixed 1": "fixed"})
    many = looks({"fixed 1": "fixed", "a": "fixed", "learned": "learned", "b": "optimal", "c": "custom"})
    assert few["learned"].colour == many["learned"].colour
    assert few["fixed 1"].colour == many["fixed 1"].colour
    assert len({look.colour for look in many.values()}) == 5


def test_the_glossary_takes_units_from_the_records():
    rows = {column: (unit, meaning) for column, unit, meaning in glossary({}).values()}
    assert rows["trials.distortion_test"][0] == "data²"
    assert rows["trials.rate_test"][0] == "nats"
    unit, meaning = rows["trials.gamma"]
    assert unit == "data²"
    assert meaning.startswith("the final decoder variance")


def test_the_glossary_takes_units_of_metrics_from_the_plan(home: Home):
    """As the launcher wrote them down; a home from before it did shows what it always showed."""
    gamma_grid(home, PLANTED, 3)
    assert all([METRICS[name].unit, METRICS[name].meaning] == said for name, said in UNDECLARED.items())
    write_report("grid_gamma", home)
    assert "in q(z)-units" not in home.read("studies/grid_gamma/report/index.html").decode()
    header = json.loads(home.read("studies/grid_gamma/study.json"))
    header["metrics"] = {"mmd_imq": ["in q(z)-units", "how far codes lie from the prior"]}
    home.write("studies/grid_gamma/study.json", json.dumps(header).encode())
    write_report("grid_gamma", home)
    page = home.read("studies/grid_gamma/report/index.html").decode()
    assert "<td>in q(z)-units</td><td class='meaning'>how far codes lie from the prior</td>" in page


def test_a_home_may_be_a_uri():
    place = "memory://analysis-report"
    gamma_grid(Home(place), PLANTED, 3)
    report = write_report("grid_gamma", place)
    assert report.location.startswith("memory://analysis-report/studies/grid_gamma/report/")
    assert Home(place).read("studies/grid_gamma/report/index.html").startswith(b"<!doctype html>")


def test_the_terminal_shows_the_glance_and_the_verdicts(home: Home):
    gamma_grid(home, PLANTED, 3)
    report = write_report("grid_gamma", home)
    console = Console(width=200, file=io.StringIO(), record=True)
    print_report(console, report)
    text = console.export_text()
    for part in ("3 balanced", "18 declared", "holds", "index.html"):
        assert part in text


def test_a_part_of_a_study_says_what_it_can(home: Home):
    """The rest is one line: not a paragraph for each claim that lacks data, nor columns of what is missing."""
    gamma_grid(home, PLANTED, 3)
    kept = [line["trial_id"] for line in results("grid_gamma", home).to_dict("records") if line["gamma"] == "learned"]
    part = Home(f"{home}-part")
    for name in ("plan.parquet", "study.json"):
        part.write(f"studies/grid_gamma/{name}", home.read(f"studies/grid_gamma/{name}"))
    trials = [line for line in read(home, "trials").to_pylist() if line["trial_id"] in kept and line["kappa"] == 8]
    commit(part, "c", {"trials": [{**line, "commit_id": "c"} for line in trials]})
    report = write_report("grid_gamma", part)
    assert len(report.claims) == 3
    print_report(Console(width=80, file=(out := io.StringIO())), report)
    assert "tried so far: gamma learned" in out.getvalue()
    assert "3 claims are undecided while 15 trials are not trained: launch the whole study" in out.getvalue()
    for absent in ("κ = 4", "fixed", "insufficient"):
        assert absent not in out.getvalue()
    assert "undecided" in part.read("studies/grid_gamma/report/table.md").decode()


def test_the_command_prints_the_report(home: Home):
    gamma_grid(home, PLANTED, 3)
    done = CliRunner().invoke(app, ["grid_gamma", "--home", str(home)])
    assert done.exit_code == 0
    assert "3 balanced" in done.stdout


@pytest.mark.parametrize("place", ["here", "nowhere", "odd://x"])
def test_a_wrong_study_or_home_is_one_sentence_and_exit_2(home: Home, place: str):
    gamma_grid(home, PLANTED, 3)
    where = {"here": str(home), "nowhere": str(home) + "-nowhere", "odd://x": "odd://x"}[place]
    done = CliRunner().invoke(app, ["gg", "--home", where])
    assert done.exit_code == 2
    assert done.stderr.strip().count("\n") == 0
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
