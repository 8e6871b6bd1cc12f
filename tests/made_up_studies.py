"""Studies of made-up records whose answers are known."""

import io
import itertools
import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from study.record import Home, commit, write_part

PLANTED = {"data": "manifold r=3", "data_id": "m3", "d": 20, "intrinsic_dim": 3}


DIGITS = {"data": "Digits", "data_id": "dg", "d": 64, "intrinsic_dim": None}


VARIANCE = {"m3": 20.0, "dg": 4.693}


def row(trial_id: str, **columns: Any) -> dict[str, Any]:
    """A finished, converged trials row on the planted manifold, reconstructing with r = 3 active latents."""
    noise = {"noise": columns.pop("noise", 0.0)} if columns.get("data", "manifold") != "Digits" else {}
    measured = {"n_active": 3, "nre_mean_test": 1e-3, "scale_residual": 0.1, "gamma": 1e-4, "neg_elbo_test": -10.0}
    measured |= {"distortion_test": 0.02, "rate_test": 20.0, "beta": 1.0, "kappa": 8, "seed": 0, "skip": "none"}
    known = {"trial_id": trial_id, "status": "finished", "attempt": 1, "declaration": json.dumps({"data": noise})}
    return known | measured | PLANTED | columns


def store(
    home: Home,
    name: str,
    axes: dict[str, list[Any]],
    plan: list[dict[str, Any]],
    trials: list[dict[str, Any]],
    catalog: bool = False,
    **tables: list[dict[str, Any]],
) -> None:
    """Write a study's plan as the launcher does, declared in the catalog or nowhere, and commit its rows."""
    content = pa.table({key: [line[key] for line in plan] for key in ("trial_id", *axes)})
    buffer = io.BytesIO()
    pq.write_table(content, buffer)
    home.write(f"studies/{name}/plan.parquet", buffer.getvalue())
    head = {"name": name, "caption": f"What does {name} ask?", "scale": "laptop", "axes": axes}
    if catalog:
        head["declared_in"] = {"study": name, "package": f"study.catalog.{name}"}
    home.write(f"studies/{name}/study.json", json.dumps(head).encode())
    sets = [{"data_id": key, "total_variance": value} for key, value in VARIANCE.items()]
    write_part(home, "datasets", f"{name}.parquet", sets)
    stamped = {"trials": trials, **tables}
    commit(
        home, f"c-{name}", {key: [{**line, "commit_id": f"c-{name}"} for line in rows] for key, rows in stamped.items()}
    )


def seeds(home: Home, trials: list[dict[str, Any]], declared: int | None = None, **tables: Any) -> None:
    """A study `s` whose only axis is the seed."""
    labels = list(range(declared or len(trials)))
    plan = [{"trial_id": f"t{seed}", "seed": seed} for seed in labels]
    store(home, "s", {"seed": labels}, plan, [{**line, "trial_id": f"t{i}"} for i, line in enumerate(trials)], **tables)


def grid(
    gammas: list[str], kappas: list[int], n_seeds: int = 3, skips: tuple[str, ...] = ("none",)
) -> Iterator[tuple[str, int, str, int, str]]:
    for gamma, kappa, skip, seed in itertools.product(gammas, kappas, skips, range(n_seeds)):
        yield gamma, kappa, skip, seed, f"{gamma}-{kappa}-{skip}-{seed}"


GAMMA_COLUMNS: dict[str, dict[str, Any]] = {
    "fixed 1": {"gamma_mode": "fixed", "gamma_init": 1.0},
    "fixed 1e-05": {"gamma_mode": "fixed", "gamma_init": 1e-5},
    "learned": {"gamma_mode": "learned", "gamma_init": 1.0},
    "optimal": {"gamma_mode": "optimal", "gamma_init": None},
    "refit": {"gamma_mode": "refit", "gamma_init": None},
}
"""What is recorded of each γ mode."""


def behaviour(gamma: str, kappa: int, needed: int) -> dict[str, Any]:
    """What theory expects of a mode on data that need `needed` latents."""
    if gamma == "fixed 1":
        return {"n_active": 0, "nre_mean_test": 1.0, "gamma": 1.0, "neg_elbo_test": 30.0, "mmd": 1e-3}
    if gamma in ("fixed 1e-05", "refit"):
        return {"n_active": kappa, "nre_mean_test": 1e-3, "gamma": 1e-5, "neg_elbo_test": 5.0, "mmd": 0.3}
    return {"n_active": min(kappa, needed), "nre_mean_test": 1e-3, "gamma": 1e-4, "neg_elbo_test": -20.0, "mmd": 1e-3}


def gamma_grid(
    home: Home, data: dict[str, Any], needed: int, also: tuple[str, ...] = (), **changed: dict[str, Any]
) -> None:
    """A study `g` of γ mode × κ × seed as theory expects it; `changed` maps a mode's first word to other columns."""
    gammas, kappas = ["fixed 1", "fixed 1e-05", "learned", *also], [4, 8]
    plan, trials, evaluations = [], [], []
    for gamma, kappa, skip, seed, trial_id in grid(gammas, kappas):
        plan.append({"trial_id": trial_id, "gamma": gamma, "kappa": kappa, "seed": seed})
        columns = behaviour(gamma, kappa, needed) | changed.get(gamma.replace(" ", "_").replace("-", "_"), {})
        metric = {
            "trial_id": trial_id,
            "metric": "mmd_imq",
            "value": columns.pop("mmd"),
            "standard_error": 2e-4,
            "version": 1,
        }
        evaluations.append(metric)
        columns = data | {"kappa": kappa, "skip": skip, "seed": seed} | GAMMA_COLUMNS[gamma] | columns
        trials.append(row(trial_id, **columns))
    axes = {"gamma": gammas, "kappa": kappas, "seed": [0, 1, 2]}
    store(home, "grid_gamma", axes, plan, trials, catalog=True, evaluations=evaluations)
