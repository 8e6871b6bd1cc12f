"""A trial as the mirror shows it: which of its records go into a run, and under which names.

Everything here follows from the records and the plan alone, so a mirror built live and one rebuilt later are equal.
Final numbers stand at step 0 under their column's name; curves are named `curve/…`, so that the UI keeps them in a
section of their own and out of the table's columns.
"""

import io
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow.compute as pc
import pyarrow.parquet as pq

from study.record import Home, HomeError, deciding, parts_of, read, read_artifacts, stored_ids

Pictures = Literal["first-seed", "all", "none"]
"""Which trials get pictures and weights: those of the plan's smallest seed, all, or none."""

FINAL = ("distortion_test", "rate_test", "objective_test", "neg_elbo_test", "nre_mean_test", "gamma")
FINAL += ("n_active", "n_burda", "scale_residual", "grad_z_last")
CURVES = ("distortion", "rate", "gamma", "grad_z", "n_active")
FLAT = ("data", "d", "n_train", "intrinsic_dim", "model", "kappa", "skip", "beta", "gamma_mode", "gamma_init", "seed")
FLAT += ("steps", "batch", "lr", "parameters", "engine")
MOST_METRICS, MOST_POINTS, MOST_PARAMS, LONGEST = 15, 50, 90, 500
PAGE = 1000
"""Trials whose records are read at once."""

SYMBOLS = {"kappa": "κ={}", "beta": "β={}", "gamma": "γ={}", "seed": "s{}"}


@dataclass(frozen=True)
class Entry:
    """One trial, ready to be written into a run. A curve's point is (name, step, share of the training, value)."""

    trial_id: str
    commit_id: str
    status: str
    name: str
    wall_s: float
    tags: Mapping[str, str]
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    curves: list[tuple[str, int, float, float]]
    row: Mapping[str, Any]
    latents: list[Mapping[str, Any]]
    has_files: bool


class StudyRecords:
    """What the mirror needs of a study: its plan, and the records of the plan's trials.

    Raises: HomeError where the home holds no plan of that name.
    """

    def __init__(self, home: Home, study: str, pictures: Pictures = "first-seed") -> None:
        self.home, self.study, self.pictures = home, study, pictures
        try:
            rows = pq.read_table(io.BytesIO(home.read(f"studies/{study}/plan.parquet")), use_threads=False).to_pylist()
            header = json.loads(home.read(f"studies/{study}/study.json"))
        except FileNotFoundError:
            held = ", ".join(home.folders("studies")) or "none"
            raise HomeError(f"{home} holds no study {study} (it holds {held}): launch it first") from None
        self.caption: str = header.get("caption", "")
        self.labels = {row.pop("trial_id"): row for row in rows}
        self.varying = [axis for axis in header["axes"] if len({str(row[axis]) for row in rows}) > 1]
        seeds = [row["seed"] for row in rows if row.get("seed") is not None]
        self.first_seed = min(seeds) if seeds else None

    def committed(self) -> dict[str, str]:
        """trial_id → deciding commit_id of every trial of the plan that has a record."""
        ids = stored_ids(self.home)
        return {trial: ids[index][1] for trial, index in deciding(ids).items() if trial in self.labels}

    def entries(self, wanted: Mapping[str, str]) -> Iterator[Entry]:
        """The entries of the wanted trials (trial_id → commit_id), read a page at a time."""
        pairs = sorted(wanted.items(), key=lambda pair: pair[1])
        for start in range(0, len(pairs), PAGE):
            yield from self._page(dict(pairs[start : start + PAGE]))

    def _page(self, wanted: Mapping[str, str]) -> Iterator[Entry]:
        trials = [row[0] for row in self._rows("trials", wanted).values()]
        settled = {row["trial_id"]: row["commit_id"] for row in trials if row["status"] != "failed"}
        curves = self._rows("curves", settled, ["stage", "step", *CURVES])
        latents = self._rows("latents", settled, ["stage", "latent", "rate", "post_var"])
        evaluations = self._rows("evaluations", settled, ["metric", "value", "version"])
        for row in trials:
            key = row["trial_id"]
            yield self._entry(row, curves[key], latents[key], evaluations[key])

    def _rows(
        self, table: str, wanted: Mapping[str, str], columns: list[str] | None = None
    ) -> defaultdict[str, list[dict[str, Any]]]:
        """trial_id → the wanted trials' rows of a table, in stored order."""
        grouped: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        if not wanted:
            return grouped
        keys = None if columns is None else ["trial_id", "commit_id", *columns]
        content = read(self.home, table, keys, parts=parts_of(self.home, table, set(wanted.values())))
        content = content.filter(pc.field("trial_id").isin(list(wanted)))
        for row in content.to_pylist():
            if wanted[row["trial_id"]] == row["commit_id"]:
                grouped[row["trial_id"]].append(row)
        return grouped

    def _entry(self, row: dict[str, Any], curves: list, latents: list, evaluations: list) -> Entry:
        tags = {name: str(row[name]) for name in ("trial_id", "commit_id", "status", "pack_id") if row[name]}
        if row["diverged_at"] is not None:
            tags["diverged_at"] = str(row["diverged_at"])
        return Entry(
            trial_id=row["trial_id"],
            commit_id=row["commit_id"],
            status=row["status"],
            name=run_name(self.labels[row["trial_id"]], self.varying) or row["model"] or row["trial_id"],
            wall_s=row["wall_s"] or 0.0,
            tags={**tags, "study": self.study, "kind": "trial", "mlflow.note.content": note(row)},
            params=parameters(row),
            metrics=final_numbers(row, evaluations),
            curves=thinned(curves, row["steps"] or 1),
            row=row,
            latents=latents,
            has_files=self.pictures == "all" or (self.pictures == "first-seed" and self._is_first_seed(row)),
        )

    def _is_first_seed(self, row: Mapping[str, Any]) -> bool:
        return self.first_seed is None or self.labels[row["trial_id"]]["seed"] == self.first_seed

    def files(self, entry: Entry) -> dict[str, bytes]:
        """The artifacts of a chosen trial, by path; whatever the home no longer holds is left out."""
        if not entry.has_files:
            return {}
        from safetensors.numpy import save

        from study import pictures

        files = {}
        if stage := [row for row in entry.latents if row["stage"] == entry.latents[-1]["stage"]]:
            rates, variances = [row["rate"] for row in stage], [row["post_var"] for row in stage]
            files["latents.png"] = pictures.latent_rates(rates, variances)
        if images := self._arrays(entry, "pictures"):
            files["reconstruction.png"] = pictures.reconstructions(images)
        if weights := self._arrays(entry, "weights"):
            files["weights/model.safetensors"] = save(weights)
        return files

    def _arrays(self, entry: Entry, group: str) -> dict[str, Any]:
        path = entry.row["artifacts"]
        try:
            return read_artifacts(self.home, path, entry.trial_id, group) if path else {}
        except FileNotFoundError:
            return {}


def run_name(labels: Mapping[str, Any], varying: list[str]) -> str:
    """What varies, as a person says it: `manifold r=3 · learned · κ=8 · β=1 · affine · s0`."""
    return " · ".join(_label(axis, labels[axis]) for axis in varying)


def _label(axis: str, value: Any) -> str:
    if isinstance(value, str):
        return f"{axis}={value}" if value in ("", "none") else value
    return SYMBOLS.get(axis, axis + "={}").format(_text(value))


def note(row: Mapping[str, Any]) -> str:
    """What became of the trial, in a sentence or two."""
    share = f"{row['wall_s'] or 0:.1f} s of its pack ({row['pack_size'] or 1} trials, {row['device'] or 'cpu'})"
    if row["status"] == "finished":
        return f"Finished; its share was {share}."
    if row["status"] == "diverged":
        return f"Diverged: {row['error'] or 'no reason recorded'}. A result: the numbers are of the last finite state."
    return f"Failed (attempt {row['attempt']}): {row['error'] or 'no reason recorded'}. Not a result; a relaunch tries again."


def parameters(row: Mapping[str, Any]) -> dict[str, str]:
    """The declaration, flat: the columns everyone filters by, then what else was declared, under dotted names."""
    flat = {name: _text(row[name]) for name in FLAT if row[name] is not None}
    nested = _flattened(json.loads(row["declaration"] or "{}"))
    for path, value in nested.items():
        *section, leaf = path.split(".")
        told = flat.get(leaf) == value or (leaf == "kind" and len(section) < 2)
        if not told and len(flat) < MOST_PARAMS:
            flat[_legal(path)] = value
    return flat


def _flattened(value: Any, path: str = "") -> dict[str, str]:
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        value = dict(enumerate(value))
    if isinstance(value, dict):
        inner = (_flattened(item, f"{path}.{name}" if path else str(name)) for name, item in value.items())
        return {name: text for part in inner for name, text in part.items()}
    return {} if value is None else {path: _text(value)}


def final_numbers(row: Mapping[str, Any], evaluations: list[Mapping[str, Any]]) -> dict[str, float]:
    """What training ended with, and the newest version of each later evaluation."""
    numbers = {name: row[name] for name in FINAL}
    for found in sorted(evaluations, key=lambda found: found["version"] or 0):
        numbers[_legal(found["metric"])] = found["value"]
    return {name: float(value) for name, value in list(numbers.items())[:MOST_METRICS] if value is not None}


def thinned(rows: list[Mapping[str, Any]], steps: int) -> list[tuple[str, int, float, float]]:
    """At most `MOST_POINTS` evenly spread points of each curve, the first and the last among them."""
    stages: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        stages[row["stage"]].append(row)
    points = []
    for stage, logged in stages.items():
        section = "curve" if len(stages) == 1 else f"curve {_legal(stage)}"
        for name in CURVES:
            known = sorted((row["step"], row[name]) for row in logged if row[name] is not None)
            points += [(f"{section}/{name}", step, step / steps, float(value)) for step, value in _spread(known)]
    return points


def _spread(points: list[tuple[int, float]]) -> list[tuple[int, float]]:
    if len(points) <= MOST_POINTS:
        return points
    return [points[round(i * (len(points) - 1) / (MOST_POINTS - 1))] for i in range(MOST_POINTS)]


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.12g}"
    if isinstance(value, list):
        return ", ".join(map(_text, value))[:LONGEST]
    return str(value)[:LONGEST]


def _legal(name: str) -> str:
    """A name with the characters that MLflow allows."""
    return re.sub(r"[^\w\-. :/]", "_", name)
