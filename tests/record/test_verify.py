"""Verifying a home: a sound one is whole, and whatever is damaged, exchanged or gone is named."""

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from launches import launch_here, write_study
from many_commands import answer

from study.record import Home, HomeError, compact, read, read_artifacts, write_artifacts
from study.verify import faults_of

ZSTD = bytes.fromhex("28b52ffd")
"""How what zstd has compressed begins."""

EARLIER = Path(__file__).parents[1] / "earlier_home" / "home"


@pytest.fixture(scope="module")
def launched(tmp_path_factory):
    """Two commits of two trials each, and their report."""
    folder = tmp_path_factory.mktemp("verified")
    words = ("--only", "kappa=2", "--home", folder / "home", "--no-mirror", "--pack", 2)
    done = launch_here(f"{write_study(folder, steps=5)}:tiny", *words)
    assert done.returncode == 0, done.stderr
    return folder / "home"


@pytest.fixture
def home(launched, tmp_path):
    return Home(shutil.copytree(launched, tmp_path / "home"))


def first(home, pattern):
    return sorted(home.local.glob(pattern))[0]


def flip(path):
    """Change one bit of a file's numbers: of a page that Parquet has compressed, or of an array at a file's end."""
    content = bytearray(path.read_bytes())
    content[content.find(ZSTD) + 12 if path.suffix == ".parquet" else -9] ^= 1
    path.write_bytes(content)


def test_a_sound_home_is_whole_and_stays_as_it_is(home):
    before = {path: path.read_bytes() for path in home.local.rglob("*") if path.is_file()}
    assert answer(["--home", home], {"COLUMNS": "40"}, "study.verify") == (
        0,
        f"{home} is whole: 4 trials of tiny\n",
        "",
    )
    assert {path: path.read_bytes() for path in home.local.rglob("*") if path.is_file()} == before


def test_a_compacted_home_and_one_of_an_earlier_version_are_whole(home):
    assert compact(home, at_least=2)
    assert [*faults_of(home)] == []
    assert [*faults_of(Home(EARLIER))] == []


DAMAGE = {
    "records/trials/*.parquet": "is not a readable part",
    "records/curves/*.parquet": "is not a readable part",
    "records/latents/*.parquet": "is not a readable part",
    "records/evaluations/*.parquet": "is not a readable part",
    "records/datasets/*.parquet": "is not a readable part",
    "artifacts/*": "holds other weights or pictures than were written to it: restore it",
}


@pytest.mark.parametrize("pattern", DAMAGE)
def test_one_bit_that_is_wrong_is_found_and_its_file_named(pattern, home):
    path = first(home, pattern)
    flip(path)
    (fault,) = faults_of(home)
    assert fault.startswith(str(path))
    assert DAMAGE[pattern] in fault


def test_a_column_whose_name_is_damaged_is_found_for_it_would_read_as_empty(home):
    path = first(home, "records/trials/*")
    path.write_bytes(path.read_bytes().replace(b"nre_test", b"nre_tess"))
    (fault,) = faults_of(home)
    assert fault.startswith(f"{path} has a column nre_tess, which this version does not know")


FILES = ("records/trials/*", "artifacts/*", "studies/tiny/plan.parquet", "studies/tiny/study.json")


@pytest.mark.parametrize("pattern", FILES)
@pytest.mark.parametrize("content", [b"", b"rubbish", None], ids=["empty", "rubbish", "cut"])
def test_a_file_that_cannot_be_read_is_named(pattern, content, home):
    path = first(home, pattern)
    path.write_bytes(path.read_bytes()[:-20] if content is None else content)
    (fault,) = faults_of(home)
    assert fault.startswith(str(path))


GONE = (
    "records/curves/*",
    "records/latents/*",
    "records/evaluations/*",
    "records/datasets/*",
    "artifacts/*",
    *FILES[2:],
)


@pytest.mark.parametrize("pattern", GONE)
def test_a_file_that_is_gone_is_named(pattern, home):
    path = first(home, pattern)
    path.unlink()
    (fault,) = faults_of(home)
    assert fault.startswith(f"{path} is gone")


def test_the_part_that_a_compaction_made_is_named_where_it_is_gone(home):
    assert compact(home, at_least=2)
    path = first(home, "records/trials/merged-*")
    path.unlink()
    assert [fault for fault in faults_of(home) if fault.startswith(f"{path} is gone")]


def test_a_damaged_manifest_is_named(home):
    (home.local / "records/manifest.json").write_text("{")
    (fault,) = faults_of(home)
    assert "records/manifest.json is damaged" in fault


def test_weights_of_another_trial_are_no_substitute(home):
    path = read(home, "trials", ["artifacts"])["artifacts"][0].as_py()
    write_artifacts(home, Path(path).stem, {"another/weights/w": read_weights(home)})
    (fault,) = faults_of(home)
    assert fault.startswith(f"{home}/{path} lacks the weights of trial ")


def read_weights(home):
    row = read(home, "trials", ["artifacts", "trial_id"]).to_pylist()[0]
    return next(iter(read_artifacts(home, row["artifacts"], row["trial_id"], "weights").values()))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda trial: trial | {"seed": 99}, "holds the declaration of trial"),
        (lambda trial: trial | {"seed": "?"}, "cannot be read"),
        (lambda _: [], "cannot be read"),
    ],
)
def test_a_record_whose_declaration_was_changed_is_named(change, words, home):
    path = first(home, "records/trials/*")
    content = pq.read_table(path)
    rows = content.to_pylist()
    rows[0]["declaration"] = json.dumps(change(json.loads(rows[0]["declaration"])))
    pq.write_table(pa.Table.from_pylist(rows, schema=content.schema), path)
    (fault,) = faults_of(home)
    assert rows[0]["trial_id"] in fault
    assert words in fault


def test_the_command_lists_the_faults_and_leaves_with_status_1(home):
    gone, damaged = first(home, "artifacts/*"), home.local / "studies/tiny/study.json"
    gone.unlink()
    damaged.write_text("{")
    status, out, err = answer(["--home", home], {"COLUMNS": "40"}, "study.verify")
    assert (status, err) == (1, f"error: 2 faults found in {home}\n")
    assert [line.startswith(str(path)) for line, path in zip(out.splitlines(), (damaged, gone), strict=True)] == [
        True
    ] * 2


def test_a_folder_that_is_no_home_is_refused(tmp_path):
    with pytest.raises(HomeError, match="holds no studies: name the home with --home"):
        next(faults_of(Home(tmp_path)))


@pytest.mark.parametrize("name", ["plan.parquet", "study.json"])
@pytest.mark.parametrize("content", ["rubbish", "{"])
def test_every_command_names_a_damaged_file_of_a_study_and_its_remedy_works(name, content, home, tmp_path):
    path, words = home.local / "studies/tiny" / name, ["--home", home]
    path.write_text(content)
    launch = (f"{write_study(tmp_path, steps=5)}:tiny", "--only", "kappa=2", "--no-mirror", *words)
    commands = [answer(words, module="study.clean"), answer(["tiny", *words], module="analysis")]
    commands.append(answer([*launch, "--in-process"]))
    for status, _, err in commands:
        assert status == 2
        assert err.startswith(f"error: {path} is not a readable ")
        assert err.count("\n") == 1
    path.unlink()
    assert launch_here(*launch).returncode == 0
    assert [*faults_of(home)] == []
