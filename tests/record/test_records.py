"""Records: written whole or not at all, and read the same by everyone."""

import pytest
from record_rows import curves_of, rows_of
from write_kills import StoppedError, stop_after

from study.record import (
    TABLES,
    Home,
    HomeError,
    commit,
    compact,
    new_commit_id,
    part_names,
    read,
    read_commits,
    write_part,
)
from study.record.parts import MANIFEST

pytestmark = pytest.mark.every_python


def put(home, trial_ids, status="finished", **columns):
    commit_id = new_commit_id()
    tables = {"curves": curves_of(trial_ids, commit_id), "trials": rows_of(trial_ids, commit_id, status, **columns)}
    return commit_id, commit(home, commit_id, tables)


@pytest.fixture(params=["disk", "memory"])
def home(request, tmp_path):
    """A home on a local disk, and one that only a file-system library can reach."""
    return Home(tmp_path if request.param == "disk" else f"memory://{tmp_path}")


def test_every_column_has_a_unit_and_a_meaning():
    for schema in TABLES.values():
        for field in schema:
            assert set(field.metadata) == {b"unit", b"meaning"}


def test_the_first_commit_of_a_trial_wins(home):
    first, new = put(home, ["a", "b"], gamma=1.0)
    assert new == ["a", "b"]
    _, again = put(home, ["b", "c"], gamma=2.0)
    assert again == ["c"]
    kept = {row["trial_id"]: row["gamma"] for row in read(home, "trials").to_pylist()}
    assert kept == {"a": 1.0, "b": 1.0, "c": 2.0}
    curves = read(home, "curves").to_pylist()
    assert len(curves) == 6
    assert {row["commit_id"] for row in curves if row["trial_id"] == "b"} == {first}


def test_two_writers_without_a_lock_still_leave_one_row_a_trial(home):
    """On an object store two commits of one trial may both be written: the first in stored order counts."""
    for sequence, commit_id in ((1, "zz"), (2, "aa")):
        write_part(home, "curves", f"{commit_id}.parquet", curves_of(["a"], commit_id))
        write_part(home, "trials", f"{sequence:010d}-{commit_id}.parquet", rows_of(["a"], commit_id))
    assert [row["commit_id"] for row in read(home, "trials").to_pylist()] == ["zz"]
    assert {row["commit_id"] for row in read(home, "curves").to_pylist()} == {"zz"}


@pytest.mark.parametrize("is_merged", [False, True])
def test_a_few_trials_are_read_without_the_rest_and_after_a_compaction_too(home, is_merged):
    (lost, _), (key, _), (other, _) = put(home, ["a", "b"], "failed"), put(home, ["a"]), put(home, ["c"])
    if is_merged:
        compact(home)
    rows = read_commits(home, "trials", {"a": key, "b": lost}).to_pylist()
    assert {(row["trial_id"], row["commit_id"], row["status"]) for row in rows} == {
        ("a", key, "finished"),
        ("b", lost, "failed"),
    }
    assert len(rows) == 2
    curves = read_commits(home, "curves", {"c": other}, ["step"]).to_pylist()
    assert curves == [{"trial_id": "c", "commit_id": other, "step": step} for step in (0, 9)]
    assert read_commits(home, "evaluations", {"c": other}).num_rows == 0


def test_a_commit_does_not_read_again_what_earlier_ones_left(home, monkeypatch):
    """Or else a study of many packs spends its time on its own past: n commits would read n²/2 parts."""
    opened = []
    monkeypatch.setattr(Home, "read", lambda self, path, plain=Home.read: opened.append(path) or plain(self, path))
    for trial_id in "abcdefgh":
        put(home, [trial_id])
    parts = [path for path in opened if path.startswith("records/trials/")]
    assert len(parts) == len(set(parts))


def test_a_killed_attempt_leaves_nothing_that_a_reader_sees(home):
    write_part(home, "curves", "dead.parquet", curves_of(["a"], "dead"))
    assert read(home, "curves").num_rows == 0
    put(home, ["a"])
    assert read(home, "curves").num_rows == 2


def test_a_failure_is_no_result_and_a_later_result_replaces_it(home):
    put(home, ["a"], status="failed", error="killed")
    assert [row["status"] for row in read(home, "trials").to_pylist()] == ["failed"]
    _, new = put(home, ["a"])
    assert new == ["a"]
    assert [row["status"] for row in read(home, "trials").to_pylist()] == ["finished"]
    put(home, ["a"], status="failed")
    assert [row["status"] for row in read(home, "trials").to_pylist()] == ["finished"]


def test_compaction_changes_nothing_that_a_reader_sees(home):
    for i in range(5):
        put(home, [f"t{i}", "shared"], gamma=float(i))
    put(home, ["f"], status="failed")
    write_part(home, "curves", "dead.parquet", curves_of(["t0"], "dead"))
    before = {table: read(home, table) for table in ("trials", "curves")}
    assert compact(home, at_least=2, alone=True)
    assert len(part_names(home, "trials")) == 1
    for table, content in before.items():
        assert read(home, table).equals(content)
    put(home, ["t0", "late"])
    assert sorted(read(home, "trials")["trial_id"].to_pylist()) == ["f", "late", "shared", *(f"t{i}" for i in range(5))]
    assert compact(home, at_least=2, alone=True)
    assert read(home, "curves").num_rows == 16


@pytest.mark.parametrize("writes_before_the_kill", range(8))
def test_a_compaction_killed_anywhere_loses_and_doubles_nothing(home, monkeypatch, writes_before_the_kill):
    for i in range(4):
        put(home, [f"t{i}"])
    before = {table: read(home, table) for table in ("trials", "curves")}
    with monkeypatch.context() as patch:
        stop_after(home, patch, writes_before_the_kill, ("write", "delete"))
        with pytest.raises(StoppedError):
            compact(home, at_least=2, alone=True)
    for table, content in before.items():
        assert read(home, table).equals(content)
    put(home, ["t9"])
    assert read(home, "curves").num_rows == 10
    compact(home, at_least=1, alone=True)
    compact(home, at_least=1, alone=True)
    assert read(home, "curves").num_rows == 10
    assert sorted(read(home, "trials")["trial_id"].to_pylist()) == ["t0", "t1", "t2", "t3", "t9"]


@pytest.mark.parametrize("calls_before", range(12))
@pytest.mark.parametrize("method", ["read", "names"])
def test_a_reader_survives_a_compaction_under_its_feet(home, monkeypatch, method, calls_before):
    """Whenever the compaction comes, before, between or after a reader's looks at the home, it sees every row once."""
    for i in range(3):
        put(home, [f"t{i}"])
    real, left = getattr(home, method), [calls_before]

    def late(path):
        left[0] -= 1
        if left[0] == -1:
            monkeypatch.undo()
            compact(home, at_least=2, alone=True)
        return real(path)

    monkeypatch.setattr(home, method, late)
    assert sorted(read(home, "trials")["trial_id"].to_pylist()) == ["t0", "t1", "t2"]
    assert read(home, "curves").num_rows == 6
    monkeypatch.undo()
    compact(home, at_least=2, alone=True)
    assert home.exists(MANIFEST)
    assert put(home, ["t0", "new"])[1] == ["new"]


def test_numbers_that_are_not_finite_become_null(home):
    put(home, ["a"], gamma=float("nan"), objective_test=float("inf"))
    row = read(home, "trials").to_pylist()[0]
    assert row["gamma"] is None
    assert row["objective_test"] is None


def test_an_unknown_column_is_refused(home):
    with pytest.raises(KeyError, match="trials has no column gama"):
        put(home, ["a"], gama=1.0)


def test_a_part_of_an_older_engine_reads_with_nulls(tmp_path):
    home = Home(tmp_path)
    old = TABLES["trials"].empty_table().select(["trial_id", "commit_id", "status", "attempt"])
    write_part(home, "trials", "0000000001-old.parquet", old)
    put(home, ["a"], gamma=1.0)
    assert read(home, "trials")["gamma"].to_pylist() == [1.0]


def test_a_foreign_file_is_named_not_read(tmp_path):
    home = Home(tmp_path)
    put(home, ["a"])
    (tmp_path / "records/trials/0000000009-x.parquet").write_bytes(b"not parquet")
    with pytest.raises(HomeError, match=r"0000000009-x\.parquet is not a readable part"):
        read(home, "trials")


def test_a_home_that_cannot_be_is_refused_in_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeError, match="choose another --home"):
        put(Home(tmp_path / "file"), ["a"])
    with pytest.raises(HomeError, match="cannot be opened"):
        Home("nonsense://x")


def test_two_compactions_at_once_lose_no_commit(tmp_path, monkeypatch):
    """One lists the parts; a commit comes; another compacts: the first must then not publish."""
    home = Home(f"memory://{tmp_path}/two")
    for i in range(3):
        put(home, [f"t{i}"])
    assert not compact(home, at_least=2)
    real = home.write

    def late(path, content):
        monkeypatch.undo()
        put(home, ["late"])
        assert compact(home, at_least=2, alone=True)
        real(path, content)

    monkeypatch.setattr(home, "write", late)
    assert not compact(home, at_least=2, alone=True)
    assert sorted(read(home, "trials")["trial_id"].to_pylist()) == ["late", "t0", "t1", "t2"]
    assert read(home, "curves").num_rows == 8
    assert len(home.names("records/trials")) == 1
