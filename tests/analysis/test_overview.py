"""The overview of claims: every study of a home, for people and for machines."""

import json
from dataclasses import replace
from typing import Any

import pytest
from made_up_studies import PLANTED, gamma_grid
from typer.testing import CliRunner

from analysis.__main__ import app
from analysis.claims.claim import Claim
from analysis.claims.topics import TOPICS, Topic
from analysis.report.findings import claims_of
from analysis.report.overview import Answer, as_json, overview
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


def test_the_overview_lists_every_claim_with_what_is_behind_it(home):
    result = analysis("claims", "--home", home, "--json")
    assert result.exit_code == 0, result.stderr
    rows = json.loads(result.stdout)
    answered = [row for row in rows if row["verdict"] != "missing"]
    assert [row["verdict"] for row in answered] == ["holds"] * 3
    wanted = {"topic", "study", "claim", "source", "expected", "measured", "tolerance", "verdict", "trials"}
    for row in answered:
        assert wanted <= row.keys()
        assert row["study"] == "grid_gamma"
        assert row["trials"] > 0
        assert all(row[name] for name in wanted)


def test_a_person_reads_how_many_claims_hold(home):
    result = analysis("claims", "--home", home)
    assert "3 claims: 3 hold, 0 fail, 0 undecided" in result.stdout


def test_a_study_of_ones_own_makes_no_claims(home):
    plan = home.read("studies/grid_gamma/plan.parquet")
    header = json.loads(home.read("studies/grid_gamma/study.json"))
    home.write("studies/mine/plan.parquet", plan)
    home.write("studies/mine/study.json", json.dumps(header | {"name": "mine", "declared_in": {}}).encode())
    assert {study for answer in overview(home).answers for study, _ in answer.claims} == {"grid_gamma"}


def test_what_the_home_does_not_hold_is_missing(home):
    asked = {study for topic in TOPICS for study in topic.studies}
    missing = {study for answer in overview(home).answers for study in answer.missing}
    assert missing == asked - {"grid_gamma"}
    rows = json.loads(as_json(overview(home)))
    assert {row["study"] for row in rows if row["verdict"] == "missing"} == missing


def test_the_wording_of_claims_does_not_decide_where_they_stand(home, monkeypatch):
    def reworded(view):
        found = claims_of(view)
        found.claims = [replace(claim, data="all is lost", claim="all is lost") for claim in found.claims]
        return found

    def stand():
        return [
            (answer.topic, answer.verdict, answer.missing, [(study, claim.measured) for study, claim in answer.claims])
            for answer in overview(home).answers
        ]

    before = stand()
    monkeypatch.setattr("analysis.report.overview.claims_of", reworded)
    assert {claim.claim for answer in overview(home).answers for _, claim in answer.claims} == {"all is lost"}
    assert stand() == before


def test_a_topic_fails_where_a_claim_does_and_holds_where_all_do():
    topic = Topic("x", "y", "z", ("a", "b"))

    def verdict(*said, missing=()):
        return Answer(topic, [("a", Claim("", "", "", "", "", "", each, 1)) for each in said], missing).verdict

    assert verdict("holds", "holds") == "holds"
    assert verdict("holds", "fails", missing=["b"]) == "fails"
    assert verdict("holds", missing=["b"]) == verdict("holds", "insufficient") == verdict() == "insufficient"
    assert verdict(missing=["a", "b"]) == "missing"


def test_the_page_shows_every_claim_with_what_was_expected(home, tmp_path):
    page = tmp_path / "claims.md"
    assert analysis("claims", "--home", home, "--page", page).exit_code == 0
    text = page.read_text()
    for answer in overview(home).answers:
        assert answer.topic.says in text
        for study, claim in answer.claims:
            line = next(line for line in text.splitlines() if claim.measured.replace("|", "\\|") in line)
            assert all(
                part.replace("|", "\\|") in line for part in (claim.claim, claim.expected, claim.tolerance, study)
            )
    assert "launch it with `collapsar launch vaeplus`" in text


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
