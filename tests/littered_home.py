"""A home that holds, beside two studies, everything that no study refers to."""

import io
import os
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from study.record import commit, compact, read, read_artifacts, write_artifacts, write_part

TABLES = ("trials", "curves", "latents", "evaluations")
STUDY_FILES = ("plan.parquet", "report/index.html", "study.json")
DECLARED = ("a0", "a1", "a2", "a3", "b0")
"""The trials with results that a study refers to."""


def put_commit(home, commit_id, trials, status="finished", data_id="used"):
    """A commit as a pack makes it: artifacts, then the other tables, then the trials."""
    arrays = {f"{trial}/weights/w": np.full(50, weight_of(trial)) for trial in trials}
    path = write_artifacts(home, commit_id, arrays)
    key = [{"trial_id": trial, "commit_id": commit_id} for trial in trials]
    rows = [row | {"status": status, "attempt": 1, "artifacts": path, "data_id": data_id, "gamma": 1.0} for row in key]
    staged = [row | {"stage": "vae"} for row in key]
    curves = [row | {"step": step} for row in staged for step in (0, 9)]
    commit(home, commit_id, {"curves": curves, "latents": staged, "evaluations": staged, "trials": rows})


def weight_of(trial):
    """A number that tells one trial's weights from another's."""
    return float(sum(map(ord, trial)))


def declare_study(home, study, trials):
    """A study's folder as a launch leaves it: plan, header and report."""
    buffer = io.BytesIO()
    pq.write_table(pa.table({"trial_id": list(trials), "seed": list(range(len(trials)))}), buffer)
    home.write(f"studies/{study}/plan.parquet", buffer.getvalue())
    home.write(f"studies/{study}/study.json", b"{}")
    home.write(f"studies/{study}/report/index.html", b"<html>")


def litter(home):
    """Two studies that refer to a0 … a3 and b0; beside them everything that a home can hold for nobody."""
    declare_study(home, "first", ["a0", "a1", "a2", "a3", "untrained"])
    declare_study(home, "second", ["b0", "a3"])
    put_commit(home, "f1", ["a0"], status="failed")
    put_commit(home, "c1", ["a0", "a1", "x0"])
    put_commit(home, "c2", ["a2", "a3", "b0"])
    compact(home, at_least=2, alone=True)
    put_commit(home, "c3", ["a0", "x1"], data_id="unused")  # a0 lost against c1
    put_commit(home, "c4", ["x2", "x3"], data_id="unused")
    write_artifacts(home, "dead", {"a9/weights/w": np.ones(9)})
    dead = {"trial_id": "a1", "commit_id": "dead", "stage": "vae"}
    write_part(home, "curves", "dead.parquet", [dead | {"step": 0}])
    write_part(home, "latents", "merged-dead.parquet", [dead])
    for data_id in ("used", "unused"):
        write_part(home, "datasets", f"{data_id}.parquet", [{"data_id": data_id, "data": "x"}])
    home.write("packs/left.json", b"{}")
    for folder in ("records", "records/curves", "artifacts", "studies/first", "studies/first/report", "packs"):
        home.write(f"{folder}/.thing.0a1b2c3d", b"half")


def content_of(home, trials=DECLARED):
    """All that a reader sees of these trials, weights included."""
    content = {}
    for table in TABLES:
        rows = read(home, table).to_pylist()
        content[table] = sorted(str(sorted(row.items(), key=str)) for row in rows if row["trial_id"] in trials)
    for row in read(home, "trials", ["trial_id", "artifacts"]).to_pylist():
        if row["trial_id"] in trials:
            weights = read_artifacts(home, row["artifacts"], row["trial_id"], "weights")
            content[row["trial_id"]] = [*weights["w"]]
    return content


def files_of(home):
    """path → content of every file."""
    folders = ("records", "artifacts", "packs", "studies")
    return {path: home.read(path) for folder in folders for path in files_below(home, folder)}


def files_below(home, folder):
    """Paths of the files in a folder, its locks left out."""
    return [file.path for file in home.stored(folder, deep=True) if not file.path.endswith(".lock")]


def make_old(home, seconds=7200):
    """Make every file of a local home as old as that."""
    for path in files_of(home) if home.local else ():
        os.utime(home.local / path, (time.time() - seconds, time.time() - seconds))
