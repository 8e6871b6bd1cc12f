"""What docs/your_own_claims.md shows works as it stands there."""

import subprocess
import sys
from pathlib import Path

import pytest
from documents import ROOT, blocks_of, file_of
from trained_rows import train_rows

from analysis.report.overview import overview
from analysis.report.report import Report, write_report
from study.launch.find import find
from study.plan.plan import make_plan, write_plan
from study.record import Home

PAGE = "docs/your_own_claims.md"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the example was launched: its file and its home."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "my_study.py").write_text(file_of(PAGE, "my_study.py"), encoding="utf-8")
    home = Home(folder / "runs")
    plan = make_plan(find(f"{folder / 'my_study.py'}:my_grid"), "laptop", home)
    write_plan(plan, home)
    train_rows(plan.rows, folder / "runs")
    return folder


@pytest.fixture(scope="module")
def report(folder: Path) -> Report:
    return write_report("my_grid", folder / "runs")


def test_the_claim_takes_ten_lines():
    study, claim, _ = (block.text for block in blocks_of(PAGE) if block.language == "python")
    assert len(study.strip().splitlines()) <= 11  # with the file's name
    assert len(claim[claim.index("@") :].strip().splitlines()) <= 10


def test_the_report_says_what_the_study_says(folder: Path, report: Report):
    assert report.faults == []
    (claim,) = report.claims
    assert (claim.verdict, claim.kind, claim.seeds) == ("holds", "derived", 3)
    assert [sheet.name for sheet in report.sheets] == ["by_kappa", "best_trials"]
    files = {path.rsplit("/", 1)[1] for path in report.paths}
    assert {"active.svg", "active.png", "by_kappa.csv", "by_kappa.tex"} < files
    assert "explorer.svg" in files  # the charts that every report has
    page = (folder / "runs/studies/my_grid/report/index.html").read_text(encoding="utf-8")
    for said in (
        "no more latents stay active than the data need",
        "Active latents against κ",
        "Mean number of active latents",
    ):
        assert said in page


def test_the_overview_has_it_among_the_claims_of_no_source(folder: Path):
    (told,) = overview(folder / "runs").derived
    assert (told.study, told.claim.verdict, told.claim.measured[:7]) == ("my_grid", "holds", "trials ")


def test_the_command_prints_it_from_any_folder(folder: Path, tmp_path: Path):
    for arguments, said in ((["my_grid"], "manifold: no more latents"), (["claims"], "6 of 6 trials")):
        command = [sys.executable, "-m", "analysis", *arguments, "--home", str(folder / "runs")]
        environment = {"PYTHONPATH": str(ROOT), "PATH": "", "COLUMNS": "200"}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert said in done.stdout


def test_planning_it_imports_neither_pandas_nor_matplotlib(folder: Path):
    code = (
        "import sys\n"
        "from study.launch.find import find\n"
        "from study.plan.plan import make_plan\n"
        "from study.record import Home\n"
        "for name in ('my_study.py:my_grid', 'vaeplus'):\n"
        "    make_plan(find(name), 'laptop', Home('runs'))\n"
        "print(sorted({'pandas', 'matplotlib', 'scipy', 'torch'} & sys.modules.keys()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "[]", done.stdout + done.stderr
