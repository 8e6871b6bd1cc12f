"""A study's own claims, figures and sheets: whom a report asks."""

import json
import sys
from importlib import import_module
from pathlib import Path

import pytest
from made_up_studies import row, store
from users_files import CLAIM, STUDY, forget_loaded, planned

from analysis.frames.load import header
from analysis.report.declaring_study import declaring_study
from analysis.report.overview import every_claim, overview
from analysis.report.report import write_report
from study.launch.find import find
from study.record import Home

CATALOG_NAMES = ["stability", "vaeplus", "rotations", "penalties", "skip_depth", "sparse_codes", "gamma_star"]


@pytest.mark.parametrize("name", CATALOG_NAMES)
def test_a_users_study_of_any_name_has_its_report_and_its_claims(folder: Path, name: str):
    home = planned(folder, name=name)
    report = write_report(name, home)
    assert [claim.claim for claim in report.claims] == ["it is so"]
    assert report.faults == []
    found = overview(home)
    assert [told.study for told in every_claim(found)] == [told.study for told in found.derived] == [name]
    assert name in found.missing


def test_a_file_is_run_once_in_a_process_and_again_where_it_has_changed(folder: Path, runs: list[int]):
    home = planned(folder)
    write_report("mine", home)
    overview(home)
    assert len(runs) == 1
    (folder / "mine_file.py").write_text((STUDY + CLAIM).replace("{name}", "mine").replace("it is so", "it was so"))
    assert [claim.claim for claim in write_report("mine", home).claims] == ["it was so"]
    assert len(runs) == 2


def test_the_study_at_hand_is_asked_and_its_file_left_alone(folder: Path, runs: list[int], monkeypatch):
    home = planned(folder)
    study = find("mine_file.py:mine")
    forget_loaded(monkeypatch)
    (folder / "mine_file.py").unlink()
    assert [claim.claim for claim in write_report("mine", home, study).claims] == ["it is so"]
    assert len(runs) == 1


def test_a_file_without_findings_is_not_run(folder: Path, runs: list[int], monkeypatch):
    home = planned(folder, body="class Other: claims = 1  # @mine.claims\n")
    forget_loaded(monkeypatch)
    assert write_report("mine", home).faults == []
    assert len(runs) == 1


def test_findings_that_were_written_since_the_launch_are_asked(folder: Path, monkeypatch):
    home = planned(folder, body="")
    forget_loaded(monkeypatch)
    (folder / "mine_file.py").write_text((STUDY + CLAIM).replace("{name}", "mine"))
    assert [claim.claim for claim in write_report("mine", home).claims] == ["it is so"]


def test_a_home_that_was_moved_with_its_file_finds_it_from_the_launch_folder(
    folder: Path, tmp_path_factory, monkeypatch
):
    planned(folder)
    forget_loaded(monkeypatch)
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "moved"
    folder.rename(elsewhere)
    monkeypatch.chdir(elsewhere)
    assert [claim.claim for claim in write_report("mine", elsewhere / "runs").claims] == ["it is so"]
    elsewhere.rename(folder)


def test_a_script_that_analyses_its_own_study_is_not_run_again(folder: Path, runs: list[int], monkeypatch):
    home = planned(folder)
    module = sys.modules[find("mine_file.py").module]
    forget_loaded(monkeypatch)
    monkeypatch.delitem(sys.modules, module.__name__)
    monkeypatch.setitem(sys.modules, "__main__", module)
    assert [claim.claim for claim in write_report("mine", home).claims] == ["it is so"]
    assert len(runs) == 1


# Homes of earlier versions


def catalog_header(name: str, **axes: list[object]) -> dict[str, object]:
    table = getattr(import_module(f"study.catalog.{name}.table"), name).tables["laptop"]
    labels = {axis: list(of) for axis, of in table.labels.items()} | axes
    return {"name": name, "caption": "?", "scale": "laptop", "axes": labels}


@pytest.mark.parametrize(
    ("axes", "known"),
    [({}, True), ({"seed": [0]}, True), ({"lr": [0.5]}, True), ({"remedy": ["none", "other"]}, False)],
)
def test_a_record_that_does_not_say_where_is_the_catalogs_if_its_axes_are(folder: Path, axes, known: bool):
    home = Home(folder / "runs")
    head = catalog_header("stability", **axes)
    store(home, "stability", head["axes"], [], [])  # pyright: ignore[reportArgumentType]
    assert (declaring_study(header("stability", home)).in_catalog == "stability") is known


def test_a_record_names_packages_of_the_catalog_alone(folder: Path):
    home = Home(folder / "runs")
    store(home, "s", {"seed": [0]}, [{"trial_id": "a", "seed": 0}], [row("a")])
    content = json.loads(home.read("studies/s/study.json"))
    home.write("studies/s/study.json", json.dumps(content | {"declared_in": {"study": "s", "package": "os"}}).encode())
    assert "os is not in study.catalog" in write_report("s", home).faults[0]
