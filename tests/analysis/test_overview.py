"""The overview of claims: every study of a home, for people and for machines."""

import json
from html import unescape
from typing import Any

import pytest
from made_up_studies import PLANTED, gamma_grid
from typer.testing import CliRunner

from analysis.__main__ import app
from analysis.claims.claim import Claim
from analysis.claims.comparison import Comparison, at_most
from analysis.claims.estimate import Estimate, mean_of
from analysis.claims.statements import STATEMENTS
from analysis.claims.statements.studies import STUDIES
from analysis.report.overview import Answer, Told, as_json, every_claim, overview, overview_of
from analysis.report.page.claims_page import claims_page
from analysis.report.page.interval_strip import strip
from analysis.tables.sheet import Sheet
from study.record import Home


def analysis(*arguments) -> Any:
    """The command `python -m analysis`, in this process."""
    return CliRunner().invoke(app, [*map(str, arguments)])


@pytest.fixture
def home(tmp_path):
    home = Home(tmp_path)
    gamma_grid(home, PLANTED, 3)
    return home


def compared(*ends: float, statements=(), kind=None) -> Claim:
    """A claim that something lies below 1."""
    found = Comparison("x", Estimate(sum(ends) / 2, ends[0], ends[1], 5), at_most(1.0))
    return Claim("data", "x is below 1", "someone", comparisons=[found], statements=statements, kind=kind)


HELD, FAILED, WIDE = (0.1, 0.2), (1.1, 1.2), (0.9, 1.1)


def test_the_overview_lists_every_claim_with_what_is_behind_it(home):
    result = analysis("claims", "--home", home, "--json")
    assert result.exit_code == 0, result.stderr
    rows = [row for row in json.loads(result.stdout) if "claim" in row]
    assert [row["verdict"] for row in rows] == ["holds"] * 3
    wanted = {"study", "claim", "source", "expected", "measured", "verdict", "trials", "kind", "scale", "seeds"}
    for row in rows:
        assert wanted <= row.keys()
        assert row["study"] == "grid_gamma"
        assert all(row[name] for name in wanted)


def test_a_person_reads_how_many_statements_hold(home):
    result = analysis("claims", "--home", home)
    assert f"Of {len(STATEMENTS)} statements of the sources:" in " ".join(result.stdout.split())


def test_a_study_of_ones_own_makes_no_claims(home):
    plan = home.read("studies/grid_gamma/plan.parquet")
    header = json.loads(home.read("studies/grid_gamma/study.json"))
    home.write("studies/mine/plan.parquet", plan)
    home.write("studies/mine/study.json", json.dumps(header | {"name": "mine", "declared_in": {}}).encode())
    assert {one.study for one in every_claim(overview(home))} == {"grid_gamma"}


def test_what_the_home_does_not_hold_is_missing(home):
    found = overview(home)
    assert set(found.missing) == STUDIES.keys() - {"grid_gamma"}
    rows = json.loads(as_json(found))
    assert {row["study"] for row in rows if row.keys() == {"study", "verdict"}} == set(found.missing)
    for answer in found.answers:
        asked = {study for study, numbers in STUDIES.items() if answer.statement.number in numbers}
        assert set(answer.missing) == asked - {"grid_gamma"}


def test_a_statement_fails_where_a_claim_does_and_holds_where_all_do():
    def verdict(*claims, missing=()):
        return Answer(STATEMENTS["W6"], [Told("a", claim) for claim in claims], missing).verdict

    held, failed, wide = (compared(*ends, statements=["W6"]) for ends in (HELD, FAILED, WIDE))
    assert verdict(held, held) == "holds"
    assert verdict(held, failed, missing=["b"]) == "fails"
    assert verdict(held, wide) == verdict(held, missing=["b"]) == "insufficient"
    assert (verdict(), verdict(missing=["b"])) == ("not asked", "missing")


def test_a_statement_that_is_wrong_is_corrected_by_what_was_derived():
    def verdict(*claims):
        return Answer(STATEMENTS["W5"], [Told("a", claim) for claim in claims]).verdict

    held, wide = (compared(*ends, statements=["W5"], kind="derived") for ends in (HELD, WIDE))
    assert (verdict(held), verdict(held, wide)) == ("corrected", "insufficient")


def test_a_statement_that_leaves_something_open_is_answered_by_questions():
    def verdict(*claims, missing=()):
        return Answer(STATEMENTS["S4"], [Told("a", claim) for claim in claims], missing).verdict

    yes, no, still_open = (compared(*ends, statements=["S4"], kind="question") for ends in (HELD, FAILED, WIDE))
    assert (verdict(yes), verdict(yes, no), verdict(yes, still_open)) == ("answered", "answered", "insufficient")
    assert verdict(yes, missing=["b"]) == "insufficient"


def test_claims_of_no_statement_stand_by_their_kind_and_each_stands_once():
    kinds = ("derived", "question", "check")
    told = [Told("s", compared(*HELD, kind=kind)) for kind in kinds]
    told += [
        Told("s", compared(*FAILED, statements=["W6", "W7"])),
        Told("s", compared(*WIDE, statements=["S4"], kind="question")),
    ]
    found = overview_of(told, {"s"})
    assert [len(part) for part in (found.derived, found.questions, found.checks)] == [1, 2, 1]
    assert sorted(map(str, (one.claim for one in every_claim(found)))) == sorted(map(str, (one.claim for one in told)))
    assert {one.statement.number for one in found.answers if one.verdict == "fails"} == {"W6", "W7"}
    assert "2 fail" in found.counted
    assert "1 of 2 questions answered" in found.counted


def test_a_statement_that_fails_is_told_from_one_whose_error_is_known():
    told = [Told("s", compared(*FAILED, statements=[number])) for number in ("W6", "W15", "W16")]
    assert "3 fail (2 of them known errors of the sources)," in overview_of(told, {"s"}).counted
    assert " (" not in overview_of(told[:1], {"s"}).counted


def test_the_pages_show_every_claim_with_what_was_expected(home, tmp_path):
    page = tmp_path / "claims.md"
    assert analysis("claims", "--home", home, "--page", page).exit_code == 0
    text, html = page.read_text(), unescape(page.with_suffix(".html").read_text())
    found = overview(home)
    for answer in found.answers:
        assert answer.statement.says in text
        assert answer.statement.says in html
    for one in every_claim(found):
        assert one.claim.claim in html
        line = next(line for line in text.splitlines() if one.claim.claim.replace("|", "\\|") in line)
        for part in (one.claim.measured, one.claim.expected, one.study):
            assert part.replace("|", "\\|") in line
    assert "launch it with `collapsar launch linear_collapse`" in text


def test_every_comparison_has_a_picture_in_colour_of_what_it_decides():
    told = [Told("s", compared(*ends, statements=["W6"])) for ends in (HELD, FAILED, WIDE)]
    page = claims_page(overview_of(told, {"s"}), Home("h"))
    for outcome in ("holds", "fails", "insufficient"):
        assert f"class='strip {outcome}'" in page
    assert strip(Comparison("x", mean_of([]), at_most(1.0))) == ""


@pytest.mark.parametrize("wrong", [["grid_gamma", "--json"], ["claims", "--page", "/dev/null/page.md"]])
def test_options_of_the_overview_have_their_faults_in_one_sentence(home, wrong):
    result = analysis(*wrong, "--home", home)
    assert result.exit_code == 2
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_home_without_studies_is_one_sentence(tmp_path):
    result = analysis("claims", "--home", tmp_path)
    assert result.exit_code == 2
    assert len(result.stderr.strip().splitlines()) == 1
    assert "launch one with" in result.stderr


def test_a_sheet_is_written_for_readers_programs_and_papers():
    import pandas as pd

    sheet = Sheet("x", "β* & more", pd.DataFrame({"mode": ["1_a"], "β*": [13.8512], "n": [3], "none": [None]}))
    assert sheet.csv() == "mode,β*,n,none\n1_a,13.8512,3,\n".encode()
    assert "| 1_a  | 13.9 | 3 | —    |" in sheet.markdown()
    assert r"\caption{$\beta$* \& more}" in sheet.latex().decode()
    assert r"1\_a & 13.9 & 3 & --- \\" in sheet.latex().decode()
