"""A trial as the mirror shows it: which of its records go into a run, and under which names.

Axes that vary in the study have plain names and everything else declared has dotted ones, so a reader tells them apart at a
glance. Final numbers are logged at step 0 under their column's name. Curves are named `curve/…`, which the UI puts into a
section of their own and keeps out of the table's columns.
"""

import json
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from models.specs.gamma import ManyGammas

Pictures = Literal["first-seed", "all", "none"]
"""Which trials get pictures and weights: those of the plan's smallest seed, all, or none."""

FINAL = ("distortion_test", "rate_test", "objective_test", "neg_elbo_test", "nre_mean_test", "gamma")
FINAL += ("n_active", "n_burda", "scale_residual", "grad_z_last")
OF_STAGES = ("distortion_test", "n_active", "gamma")
"""The numbers of an earlier stage that a run shows."""
MANY_GAMMAS = frozenset(kind.__name__.lower() for kind in get_args(ManyGammas))
"""Modes in which no one γ says how wide p(x|z) is, as `gamma_mode` records them."""
CURVES = ("distortion", "rate", "gamma", "grad_z", "n_active")
NEG_ELBO = "neg_elbo"
"""The curve of −ELBO at β = 1, which follows from three others."""
DERIVED = {
    "d": "data.d",
    "n_train": "data.n_train",
    "intrinsic_dim": "data.intrinsic_dim",
    "parameters": "model.parameters",
}
"""Columns that follow from a declaration without being part of it, and the params that show them."""

MOST_METRICS, MOST_POINTS, MOST_PARAMS, LONGEST = 15, 30, 90, 500
SYMBOLS = {"kappa": "κ={}", "beta": "β={}", "gamma": "γ={}", "seed": "s{}"}


@dataclass(frozen=True)
class Entry:
    """One trial, ready to be written into a run. A point of a curve is (name, step, share of the training, value).

    `versions` are those of its evaluated metrics; `relative_tags` may change with the study's table and its other trials.
    """

    trial_id: str
    commit_id: str
    status: str
    name: str
    wall_s: float
    tags: Mapping[str, str]
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    versions: Mapping[str, int]
    curves: list[tuple[str, int, float, float]]
    row: Mapping[str, Any]
    latents: list[Mapping[str, Any]]
    has_files: bool
    relative_tags: Mapping[str, str]


@dataclass(frozen=True)
class Run:
    """A trial's run, as MLflow knows it: its start in ms, its params, and the commit that it shows completely.

    `numbers_of` is the commit that its numbers, or some of them, come from; `begun_with` the commit whose tags it was
    created with by this writer; `relative_tags` those of its tags that follow from the study as a whole.
    """

    run_id: str
    started: int
    name: str
    parent: str | None
    params: frozenset[str] = frozenset()
    mirrored: str | None = None
    numbers_of: str | None = None
    begun_with: str | None = None
    relative_tags: Mapping[str, str] = field(default_factory=dict)


def run_name(labels: Mapping[str, Any], varying: Iterable[str]) -> str:
    """The axes that vary, as a person writes them: `manifold r=3 · learned · κ=8 · β=1 · affine · s0`."""
    return " · ".join(_label(axis, labels[axis]) for axis in varying)


def _label(axis: str, value: Any) -> str:
    if isinstance(value, str):
        return f"{axis}={value}" if value in ("", "none") else value
    return SYMBOLS.get(axis, axis + "={}").format(text_of(value))


def note(row: Mapping[str, Any]) -> str:
    """What became of the trial, in a sentence or two."""
    share = f"{row['wall_s'] or 0:.1f} s of its pack ({row['pack_size'] or 1} trials, {row['device'] or 'cpu'})"
    if row["status"] == "finished":
        return f"Finished; its share was {share}."
    if row["status"] == "diverged":
        return f"Diverged: {row['error'] or 'no reason recorded'}. A result: the numbers are of the last finite state."
    return f"Failed (attempt {row['attempt']}): {row['error'] or 'no reason recorded'}. Not a result; a relaunch tries again."


def parameters(row: Mapping[str, Any], varying: Mapping[str, Any]) -> dict[str, str]:
    """The axes that vary under their names, then the whole declaration under dotted names."""
    params = {axis: text_of(value) for axis, value in varying.items()}
    declared = _flattened(json.loads(row["declaration"] or "{}"))
    derived = {path: text_of(row[name]) for name, path in DERIVED.items() if row[name] is not None}
    for path, value in sorted({**derived, **declared}.items()):
        *section, leaf = path.split(".")
        said = params.get(leaf) == value or (leaf == "kind" and value.lower() in ("trial", "probe", *section))
        if not said and len(params) < MOST_PARAMS:
            params[_legal(path) if section else f"trial.{_legal(path)}"] = value
    return params


def _flattened(value: Any, path: str = "") -> dict[str, str]:
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        value = dict(enumerate(value))
    if isinstance(value, dict):
        inner = (_flattened(item, f"{path}.{name}" if path else str(name)) for name, item in value.items())
        return {name: text for part in inner for name, text in part.items()}
    return {} if value is None else {path: text_of(value)}


def placed(order: int) -> str:
    """A place in the table as a tag: MLflow sorts tags as text."""
    return f"{order:06d}"


def minimised(header: Mapping[str, Any]) -> tuple[str, ...]:
    """The columns that a search minimises; none of a study that is no search."""
    listed = header.get("search", {}).get("settings", {}).get("minimise", "")
    return tuple(part.partition("=")[0] for part in listed.split())


def final_numbers(
    row: Mapping[str, Any], evaluations: list[Mapping[str, Any]], wanted: Iterable[str] = ()
) -> dict[str, float]:
    """The numbers at the end of training, those `wanted` first, and the newest version of each later evaluation."""
    numbers = {name: row[name] for name in (*wanted, *FINAL) if row["stage"] != "probe"}
    for found in sorted(evaluations, key=lambda found: found["version"] or 0):
        numbers[_legal(found["metric"])] = found["value"]
    return {name: float(value) for name, value in list(numbers.items())[:MOST_METRICS] if value is not None}


def versions(evaluations: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """The newest version of each evaluation."""
    known: dict[str, int] = {}
    for found in evaluations:
        name = _legal(found["metric"])
        known[name] = max(known.get(name, 0), found["version"] or 0)
    return known


def numbers_of_stages(rows: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """A few final numbers of each earlier stage, under its name: `autoencoder/distortion_test`."""
    named = {f"{_legal(row['stage'])}/{name}": row[name] for row in rows for name in OF_STAGES}
    return {name: float(value) for name, value in named.items() if value is not None}


def with_neg_elbo(points: Sequence[Mapping[str, Any]], row: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """A trial's curve with −ELBO = R/(2γ) + (d/2) log 2πγ + K, where p(x|z) is normal with one γ, and K is known."""
    if row["likelihood"] not in (None, "normal") or row["gamma_mode"] in MANY_GAMMAS:
        return points
    return [{**point, NEG_ELBO: _neg_elbo(point, row["d"])} for point in points]


def _neg_elbo(point: Mapping[str, Any], d: int | None) -> float | None:
    distortion, rate, gamma = (point[name] for name in ("distortion", "rate", "gamma"))
    if d is None or None in (distortion, rate) or not gamma:
        return None
    return distortion / (2 * gamma) + d / 2 * math.log(2 * math.pi * gamma) + rate


def thinned(rows: list[Mapping[str, Any]], steps: int) -> list[tuple[str, int, float, float]]:
    """At most `MOST_POINTS` evenly spread points of each curve, with its first and last."""
    stages: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        stages[row["stage"]].append(row)
    points = []
    for stage, logged in stages.items():
        section = "curve" if len(stages) == 1 else f"curve {_legal(stage)}"
        for name in (NEG_ELBO, *CURVES):
            known = sorted((row["step"], row[name]) for row in logged if row.get(name) is not None)
            points += [(f"{section}/{name}", step, step / steps, float(value)) for step, value in _spread(known)]
    return points


def _spread(points: list[tuple[int, float]]) -> list[tuple[int, float]]:
    if len(points) <= MOST_POINTS:
        return points
    return [points[round(i * (len(points) - 1) / (MOST_POINTS - 1))] for i in range(MOST_POINTS)]


def text_of(value: Any) -> str:
    """A value as a param or a label shows it."""
    if isinstance(value, float):
        return f"{value:.12g}"
    if isinstance(value, list):
        return ", ".join(map(text_of, value))[:LONGEST]
    return str(value)[:LONGEST]


def _legal(name: str) -> str:
    """A name in characters that MLflow allows."""
    return re.sub(r"[^\w\-. :/]", "_", name)
