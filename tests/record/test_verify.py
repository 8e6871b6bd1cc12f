"""A home is read whole, and every file that is damaged or missing is named."""

import json
import shutil
from pathlib import Path

import pytest

from study.record import Home, HomeError, read
from study.verify import _fault_of_declaration, faults_of

EARLIER = Path(__file__).parents[1] / "earlier_home/home"


@pytest.fixture
def home(tmp_path):
    shutil.copytree(EARLIER, tmp_path / "home")
    return Home(tmp_path / "home")


def a_file(home: Home, pattern: str) -> Path:
    assert home.local
    return sorted(home.local.glob(pattern))[0]


def test_a_sound_home_has_no_faults(home):
    assert list(faults_of(home)) == []


@pytest.mark.parametrize("pattern", ["records/trials/*.parquet", "records/latents/*.parquet", "artifacts/**/*.*"])
@pytest.mark.parametrize("damage", ["cut", "emptied", "overwritten"])
def test_a_damaged_file_is_named(pattern, damage, home):
    file = a_file(home, pattern)
    content = file.read_bytes()
    file.write_bytes({"cut": content[: len(content) // 2], "emptied": b"", "overwritten": b"x" * len(content)}[damage])
    faults = list(faults_of(home))
    assert len(faults) >= 1
    assert all(file.name in fault for fault in faults)


def test_a_missing_file_of_weights_is_named(home):
    assert home.local
    files = [file for file in home.local.glob("artifacts/**/*") if file.is_file()]
    for file in files:
        file.unlink()
    faults = list(faults_of(home))
    assert faults
    assert all("is gone, and with it the weights of" in fault for fault in faults)


def test_a_record_whose_declaration_is_anothers_is_named(home, monkeypatch):
    monkeypatch.setattr("study.verify.ENGINE", 1)
    rows = [{"trial_id": "0" * 16, "engine": 1, "declaration": a_declaration(home)}]
    assert "something changed it" in str(_fault_of_declaration(home, rows[0]))
    rows[0]["declaration"] = json.dumps({"kind": "Trial"})
    assert "cannot be read" in str(_fault_of_declaration(home, rows[0]))


def a_declaration(home: Home) -> str:
    return read(home, "trials", ["declaration"])["declaration"][0].as_py()


def test_a_folder_that_is_no_home_is_refused(tmp_path):
    with pytest.raises(HomeError, match="holds no studies: name the home with --home"):
        list(faults_of(Home(tmp_path / "nothing")))
