"""A study whose claims, figures or sheets cannot be had keeps its report, which says why in a sentence."""

import io
import json
from html import escape
from pathlib import Path

import pytest
from made_up_studies import store
from rich.console import Console
from users_files import CLAIM, STUDY, forget_loaded, planned

from analysis.frames.view import View
from analysis.report.findings import findings
from analysis.report.overview import as_json, every_claim, overview
from analysis.report.overview_text import as_markdown, print_overview
from analysis.report.report import write_report
from analysis.report.terminal import print_report
from study.record import Home


def faults(home: Home) -> list[str]:
    return write_report("mine", home).faults


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda file: file.unlink(), "is gone"),
        (lambda file: file.write_text("@mine.claims\ndef x("), "does not parse"),
        (lambda file: file.write_text("import nowhere\n@mine.claims\ndef x(): ..."), "nowhere"),
        (lambda file: file.write_text("import sys\nsys.exit(3)\n@mine.claims\ndef x(): ..."), "sys.exit"),
        (lambda file: file.write_text(STUDY.replace("{name}", "other") + CLAIM.replace("{name}", "other")), "any more"),
    ],
)
def test_a_file_that_cannot_be_asked_costs_its_claims_and_one_sentence(folder: Path, monkeypatch, change, said: str):
    home = planned(folder)
    forget_loaded(monkeypatch)
    change(folder / "mine_file.py")
    (fault,) = faults(home)
    assert said in fault
    assert "mine" in fault
    assert str(folder / "mine_file.py") in fault or "mine_file.py" in fault
    assert "\n" not in fault


def test_a_file_that_is_gone_and_never_had_findings_is_not_missed(folder: Path):
    home = planned(folder, body="")
    (folder / "mine_file.py").unlink()
    assert faults(home) == []


RAISING = (
    CLAIM
    + """

@{name}.claims
def divides(view):
    return [1 / 0]


@{name}.figures
def draws(view):
    raise KeyError("n_active")


@{name}.sheets
def tables(view):
    return "no sheets"


@{name}.sheets
def leaves(view):
    raise SystemExit(1)
"""
)


WORDS = ("1 / 0", "KeyError", "@mine.sheets", "SystemExit")


def test_a_function_that_raises_costs_nothing_but_what_it_says(folder: Path):
    home = planned(folder, RAISING)
    report = write_report("mine", home)
    assert [claim.claim for claim in report.claims] == ["it is so"]
    lines = (folder / "mine_file.py").read_text().splitlines()
    where = {
        word: f"mine_file.py, line {1 + next(i for i, line in enumerate(lines) if word in line)}," for word in WORDS
    }
    assert report.faults == [
        f"the claims of mine are incomplete: {where['1 / 0']} raised ZeroDivisionError: division by zero",
        f"the figures of mine are incomplete: {where['KeyError']} raised KeyError: 'n_active'",
        f"the sheets of mine are incomplete: {where['@mine.sheets']} `tables` returned no list of Sheet",
        f"the sheets of mine are incomplete: {where['SystemExit']} raised SystemExit: 1",
    ]
    console = Console(width=400, file=io.StringIO(), record=True)
    print_report(console, report)
    shown, written = console.export_text(), folder / "runs/studies/mine/report"
    for fault in report.faults:
        assert fault in shown
        assert fault in (written / "table.md").read_text(encoding="utf-8")
        assert escape(fault) in (written / "index.html").read_text(encoding="utf-8")


def test_the_overview_goes_on_with_the_other_studies_and_says_what_went_wrong(folder: Path):
    home = planned(folder, RAISING)
    planned(folder, name="second")
    found = overview(home)
    assert {told.study for told in every_claim(found)} == {"mine", "second"}
    (fault,) = found.faults
    assert "ZeroDivisionError" in fault
    console = Console(width=400, file=io.StringIO(), record=True)
    print_overview(console, found)
    assert fault in console.export_text()
    assert fault in as_markdown(found)
    assert {"fault": fault} in json.loads(as_json(found))


def test_a_study_that_cannot_be_read_keeps_no_other_from_the_overview(folder: Path):
    home = planned(folder)
    store(home, "bad", {"n_active": [1]}, [{"trial_id": "x", "n_active": 1}], [])
    found = overview(home)
    assert {told.study for told in every_claim(found)} == {"mine"}
    assert "bad cannot be read" in found.faults[0]


NAMED = """
from analysis import Drawing, Sheet


@{name}.figures
def draws(view):
    return [Drawing(name, "?", b"<svg/>", b"") for name in ("a", "a", "../b", "")]


@{name}.sheets
def tables(view):
    import pandas as pd

    return [Sheet(name, "?", pd.DataFrame({"value": [1]})) for name in ("a", "table")]
"""


def test_figures_and_sheets_have_names_of_their_own(folder: Path):
    home = planned(folder, NAMED)
    found = findings(View.of("mine", home))
    assert [drawing.name for drawing in found.figures] == ["a"]
    assert [sheet.name for sheet in found.sheets] == ["a"]
    assert len(found.faults) == 4
