"""Verifying a home: a sound one is sound, and every damaged or missing file is named."""

import shutil
from pathlib import Path

import pyarrow as pa
import pytest
from launches import ROOT
from many_commands import answer

from study.record import Home, part_names, write_part
from study.record.parts import read_part
from study.verify import faults_of

EARLIER = ROOT / "tests" / "earlier_home" / "home"
"""A home that an earlier version wrote."""

WEIGHTS, PICTURES = "293cdfb5082ddcb1b3010a2c4e19", "09a3c160e818e343780e4da94a07"
"""Commits there: one with weights, one without."""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    shutil.copytree(EARLIER, tmp_path / "home")
    return tmp_path / "home"


def verify(home: Path) -> tuple[object, str, str]:
    return answer(["--home", home], {"COLUMNS": "300"}, "study.verify")


def first(place: Path, pattern: str) -> Path:
    return sorted(place.glob(pattern))[0]


def test_a_sound_home_is_whole(place):
    status, out, err = verify(place)
    assert (status, err) == (0, "")
    assert f"{place} is whole: 21 trials of collapse_point, stability" in out


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-30])


def scramble(file: Path) -> None:
    """Bytes within the file, which keeps its size and its end."""
    content = bytearray(file.read_bytes())
    content[8:200] = bytes(byte ^ 255 for byte in content[8:200])
    file.write_bytes(bytes(content))


DAMAGES = {
    "a truncated part": ("records/trials/*.parquet", truncate, "is not a readable part"),
    "a part of other bytes": ("records/curves/*.parquet", scramble, "records/curves/"),
    "a part that is no Parquet": (
        "records/latents/*.parquet",
        lambda file: file.write_text("x"),
        "not a readable part",
    ),
    "a plan that is no Parquet": (
        "studies/*/plan.parquet",
        lambda file: file.write_text("x"),
        "is not a readable plan",
    ),
    "a header that is gone": ("studies/*/study.json", Path.unlink, "has no readable studies/"),
    "truncated weights": ("artifacts/*.safetensors", truncate, ".safetensors cannot be read ("),
    "weights that are gone": (
        "artifacts/*.safetensors",
        Path.unlink,
        ".safetensors is gone: restore it (8 trials stored weights or pictures there)",
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_what_is_damaged_or_missing_is_named(name, place):
    pattern, damage, words = DAMAGES[name]
    file = first(place, pattern)
    damage(file)
    status, out, err = verify(place)
    assert status == 1
    assert words in out
    assert (file.stem if file.suffix != ".json" else file.parent.name) in out
    assert err.startswith("error: 1 fault found in")


def test_weights_that_were_promised_and_are_not_there_are_missed(place):
    """As if a file of another commit had taken the place of this one."""
    with_weights, without = (place / f"artifacts/{name}.safetensors" for name in (WEIGHTS, PICTURES))
    shutil.copy(without, with_weights)
    (fault,) = faults_of(Home(place))
    assert f"{WEIGHTS}.safetensors lacks the weights of trial 2e6e0ef7bdee9675" in fault


def test_a_record_that_holds_another_trials_declaration_is_told(place):
    home = Home(place)
    for name in part_names(home, "trials"):
        rows = read_part(home, "trials", name)
        swapped = rows["declaration"].to_pylist()[::-1]
        column = rows.schema.get_field_index("declaration")
        write_part(home, "trials", name, rows.set_column(column, rows.schema.field(column), pa.array(swapped)))
    found = list(faults_of(home))
    assert found
    assert all("holds the declaration of trial" in fault for fault in found)


def test_a_damaged_manifest_ends_the_look_at_the_tables(place):
    (place / "records" / "manifest.json").write_text("{")
    assert [text for text in faults_of(Home(place)) if "manifest.json is damaged" in text]


def test_several_faults_are_named_together(place):
    for pattern in ("records/trials/*.parquet", "records/curves/*.parquet", "studies/*/study.json"):
        truncate(first(place, pattern))
    assert len(list(faults_of(Home(place)))) == 3


def test_nothing_is_changed(place):
    before = {path: path.stat().st_mtime_ns for path in place.rglob("*")}
    verify(place)
    assert {path: path.stat().st_mtime_ns for path in place.rglob("*")} == before


def test_a_folder_that_is_no_home_is_refused(tmp_path):
    status, _, err = verify(tmp_path)
    assert status == 2
    assert "holds no studies: name the home with --home" in err
