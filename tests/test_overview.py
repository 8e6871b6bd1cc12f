"""The overview of claims: every study of a home, for people and for machines."""

import json
import subprocess
import sys

import pytest
from launching import ROOT
from test_analysis import PLANTED, gamma_grid

from analysis.overview import overview
from analysis.sheet import Sheet
from study.record import Home


def analysis(*arguments):
    command = [sys.executable, "-m", "analysis", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False, timeout=120)


@pytest.fixture
def home(tmp_path):
    home = Home(tmp_path)
    gamma_grid(home, PLANTED, 3)
    return home


def test_the_overview_lists_every_claim_with_what_is_behind_it(home):
    result = analysis("claims", "--home", home, "--json")
    assert result.returncode == 0, result.stderr
    rows = json.loads(result.stdout)
    assert [row["verdict"] for row in rows] == ["holds"] * 3
    wanted = {"study", "claim", "source", "expected", "measured", "tolerance", "verdict", "trials"}
    for row in rows:
        assert wanted <= row.keys()
        assert row["study"] == "grid_gamma"
        assert row["trials"] > 0
        assert all(row[name] for name in wanted)


def test_a_person_reads_how_many_claims_hold(home):
    result = analysis("claims", "--home", home)
    assert "3 claims: 3 hold, 0 fail, 0 lack data" in result.stdout


def test_a_study_of_ones_own_makes_no_claims(home):
    plan = home.read("studies/grid_gamma/plan.parquet")
    header = json.loads(home.read("studies/grid_gamma/study.json"))
    home.write("studies/mine/plan.parquet", plan)
    home.write("studies/mine/study.json", json.dumps(header | {"name": "mine"}).encode())
    assert list(overview(home)) == ["grid_gamma"]


def test_a_home_without_studies_is_one_sentence(tmp_path):
    result = analysis("claims", "--home", tmp_path)
    assert result.returncode == 2
    assert len(result.stderr.strip().splitlines()) == 1
    assert "launch one with" in result.stderr


def test_a_sheet_is_written_for_readers_programs_and_papers():
    import pandas as pd

    sheet = Sheet("x", "β* & more", pd.DataFrame({"mode": ["1_a"], "β*": [13.8512], "n": [3], "none": [None]}))
    assert sheet.csv() == "mode,β*,n,none\n1_a,13.8512,3,\n".encode()
    assert "| 1_a  | 13.9 | 3 | —    |" in sheet.markdown()
    assert r"\caption{$\beta$* \& more}" in sheet.latex().decode()
    assert r"1\_a & 13.9 & 3 & --- \\" in sheet.latex().decode()
