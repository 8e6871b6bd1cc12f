"""The home's page lists every study and claim as the reports say them, and each report says where it comes from."""

import io
import json
import shlex
from pathlib import Path

import platformdirs
import pytest
from made_up_studies import PLANTED, gamma_grid, row, seeds
from rich.console import Console
from typer.testing import CliRunner

import collapsar
from analysis import write_report
from analysis.__main__ import app
from analysis.claims.claim import Claim, tally
from analysis.claims.comparison import Comparison, at_most
from analysis.claims.estimate import Estimate
from analysis.frames.load import Header
from analysis.report.page.libraries import VEGA, library
from analysis.report.page.origin import Origin, training
from analysis.report.report import write_all_reports, write_home_page
from analysis.report.summary import Summary, read_summaries
from analysis.report.terminal import print_reports
from study.record import Home

PAGE = "index.html"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home of two studies, one of the catalog."""
    place = Home(tmp_path / "home")
    gamma_grid(place, PLANTED, 3)
    seeds(place, [row(""), row("")])
    return place


ENDS = {"holds": (0.1, 0.2), "fails": (1.1, 1.2), "insufficient": (0.9, 1.1)}


def claim(verdict: str) -> Claim:
    """A claim with this verdict: that a number is at most 1."""
    low, high = ENDS[verdict]
    compared = Comparison("x", Estimate((low + high) / 2, low, high, 3), at_most(1.0))
    return Claim("Digits", "it is so", "someone (2020)", comparisons=[compared], trials=3, statements=["W6"])


def header(**changed: object) -> Header:
    content = {"name": "mine", "caption": "Is it so?", "scale": "laptop", "axes": {}}
    return Header.of(content | changed)


def test_all_reports_are_written_and_listed(home: Home):
    written = write_all_reports(home)
    assert [report.study for report in written.reports] == ["grid_gamma", "s"]
    assert written.location == f"{home}/{PAGE}"
    page = home.read(PAGE).decode()
    for part in (
        "studies/grid_gamma/report/index.html",
        "What does s ask?",
        "3 claims: 3 hold",
    ):
        assert part in page
    for study in ("grid_gamma", "s"):
        assert "href='../../../index.html'" in home.read(f"studies/{study}/report/index.html").decode()


def test_one_report_is_listed_beside_studies_without_one(home: Home):
    write_report("s", home)
    page = home.read(PAGE).decode()
    assert "studies/s/report/index.html" in page
    assert f"No report yet: collapsar report grid_gamma --home {home} writes it." in page


def test_a_study_that_cannot_be_read_keeps_no_other_from_its_report(home: Home):
    head = json.loads(home.read("studies/s/study.json"))
    home.write("studies/s/study.json", json.dumps(head | {"axes": {"status": [0, 1]}}).encode())
    said = io.StringIO()
    print_reports(Console(width=200, file=said), write_all_reports(home))
    assert "grid_gamma: 18 declared, 18 finished; 3 claims: 3 hold" in said.getvalue()
    assert "s cannot be read: the axis status" in said.getvalue()


def test_the_command_writes_all(home: Home):
    done = CliRunner().invoke(app, ["--all", "--home", str(home)])
    assert done.exit_code == 0
    assert f"{home}/{PAGE}" in done.stdout.replace("\n", "")


def test_a_summary_says_again_what_was_written(home: Home):
    report = write_report("grid_gamma", home)
    found = read_summaries(home)
    assert found["s"] is None
    assert found["grid_gamma"] is not None
    assert found["grid_gamma"].claims == report.claims
    assert found["grid_gamma"].counts == report.counts
    assert found["grid_gamma"].version == collapsar.__version__


def test_statements_have_a_page_of_their_own_that_reports_link_to(home: Home):
    told = Summary("s", "", "laptop", "now", "1", "", {}, [claim("holds"), claim("fails")])
    home.write("studies/s/report/report.json", told.as_json())
    write_home_page(home)
    assert "href='claims.html#W6'" in home.read(PAGE).decode() or '"claims.html#W6"' in home.read(PAGE).decode()
    page = home.read("claims.html").decode()
    assert "<li id='W6'>" in page
    assert "href='studies/s/report/index.html#verdicts'" in page


@pytest.mark.parametrize("content", [b"", b"[]", b'{"study": "s"}', b'{"claims": []}'])
def test_a_summary_of_another_form_is_no_summary(home: Home, content: bytes):
    home.write("studies/s/report/report.json", content)
    assert read_summaries(home)["s"] is None


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        ([], "no claims"),
        (["holds"], "1 claim: 1 holds"),
        (["holds", "holds", "fails"], "3 claims: 2 hold, 1 fails"),
        (["insufficient", "fails", "fails"], "3 claims: 2 fail, 1 undecided"),
    ],
)
def test_claims_are_counted_in_words(verdicts: list[str], said: str):
    assert tally([claim(verdict) for verdict in verdicts]) == said


@pytest.mark.parametrize(
    ("changed", "command"),
    [
        ({"declared_in": {"study": "vaeplus", "package": "study.catalog.vaeplus"}}, ["vaeplus"]),
        ({"declared_in": {"study": "mine", "file": "/a b/my.py"}}, ["/a b/my.py:mine"]),
        (
            {"scale": "paper", "refine": 0.02, "declared_in": {"study": "mine", "file": "/my.py"}},
            ["/my.py:mine", "--scale", "paper", "--refine", "0.02"],
        ),
    ],
)
def test_the_command_that_trains_a_study_can_be_typed_as_it_stands(home: Home, changed: dict, command: list[str]):
    typed = shlex.split(training(header(**changed), home))
    assert typed == ["collapsar", "launch", *command, "--home", str(home)]


def test_a_study_of_a_notebook_has_no_such_command(home: Home):
    assert training(header(declared_in={"study": "mine", "origin": "notebook"}), home) == ""


def test_the_origin_masks_the_secrets_of_a_home():
    origin = Origin.of(header(), Home("memory://KEY:SECRET@origin/home"))
    assert "SECRET" not in f"{origin}"
    assert "--home memory" in origin.report or "--home 'memory" in origin.report


def test_a_kept_bundle_that_is_damaged_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda _: tmp_path)
    first = library.__wrapped__(VEGA)
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(kept.read_bytes()[:-9])
    assert library.__wrapped__(VEGA) == first
