"""Studies of probes: computed in this process, with numbers that a test makes up, or to be launched."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from analysis.claims.claim import FAILS, INSUFFICIENT, Claim
from analysis.frames.load import Header
from study import Study
from study.pack.cost import CPU_CORE
from study.pack.pack import make_packs
from study.plan.plan import make_plan, write_plan
from study.record import Home
from study.train.probe_run import ProbeRun


def computed(home: Home, study: Study) -> None:
    """Write a study's plan, and compute and commit its probes."""
    plan = make_plan(study, "laptop", home)
    write_plan(plan, home)
    for pack in make_packs(plan.missing, {}, None, 1, CPU_CORE):
        probes: list[Any] = list(pack.trials)
        run = ProbeRun(pack, probes)
        while not run.done:
            run.advance(1.0)
        run.commit(home)


def view_of(study: Study, numbers: Callable[[Any, int], dict[str, float]], spoil: Any = None) -> Any:
    """The laptop table with made-up numbers; `spoil(what, numbers)` changes some, `spoil=None` none."""
    rows = study.table("laptop").rows()
    trials = []
    for row in rows:
        found = numbers(row.trial.what, row.trial.seed)
        assert found.keys() == row.trial.what.measures.keys()
        if spoil:
            spoil(row.trial.what, found)
        told = {"trial_id": row.trial.trial_id, "status": "finished", "artifacts": None, "stage": "probe"}
        trials.append({**row.axes, **told, "declaration": row.trial.model_dump_json(), **found})
    axes: dict[str, list[Any]] = {name: list(dict.fromkeys(row.axes[name] for row in rows)) for name in rows[0].axes}
    header = Header(study.name, study.caption, "laptop", axes, trained=False)
    return SimpleNamespace(trials=pd.DataFrame(trials), header=header, home=None)


def failing(claims: list[Claim]) -> set[int]:
    """Which claims fail, by their places; none may lack data."""
    assert all(item.verdict != INSUFFICIENT for item in claims)
    return {place for place, item in enumerate(claims) if item.verdict == FAILS}


def missing_one(view: Any) -> Any:
    """The same view in which the last probe has no result."""
    trials = view.trials.copy()
    trials.loc[trials.index[-1], "status"] = "missing"
    measured = [name for name in trials if trials[name].dtype == np.float64]
    trials.loc[trials.index[-1], measured] = np.nan
    return SimpleNamespace(**vars(view) | {"trials": trials})


MIXED = """
from models.specs.probes import PairSlice
from study import VAE, Fixed, Objective, PlantedManifold, Probe, Training, Trial, study


@study(how=["probe", "trial"], gamma=[0.1, 0.01], seed=range(2))
def mixed(how, gamma, seed):
    'Probes and trials in one table.'
    if how == "probe":
        return Probe(what=PairSlice(gamma=gamma, points=1001), seed=seed)
    return Trial(
        data=PlantedManifold(n=100, n_test=50), model=VAE(kappa=2, encoder=(4,), decoder=(4,)),
        objective=Objective(gamma=Fixed(gamma)), training=Training(steps=20, batch=32), seed=seed,
    )
"""


def write_mixed(folder: Path) -> Path:
    """The file of a study of probes and trials, `mixed`."""
    path = folder / "mixed_study.py"
    path.write_text(MIXED)
    return path
