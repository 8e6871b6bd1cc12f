"""learned_sigma: what the study declares, when a training has come down, and that its verdicts can turn."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.claims.claim import FAILS, HOLDS, INSUFFICIENT
from analysis.frames.load import Header
from analysis.theory import fixed_sigma, modes_of_spectrum
from study.catalog.learned_sigma.claims import claims, sheets, with_arrival
from study.catalog.learned_sigma.table import HELD, LEARNED, learned_sigma

SPECTRUM = [1.0, 0.5, 0.25, *[0.0] * 7]


def test_every_training_with_sigma_held_has_a_twin_that_differs_in_nothing_else():
    for scale in ("laptop", "paper"):
        rows: list[Any] = learned_sigma.table(scale).rows()
        assert len({row.trial.trial_id for row in rows}) == len(rows)
        sides = {HELD: set(), LEARNED: set()}
        for row in rows:
            model = row.trial.model.model_copy(update={"post_var": "shared"})
            sides[row.axes["sigma"]].add(row.trial.model_copy(update={"model": model}).trial_id)
        assert sides[HELD] == sides[LEARNED]


def level(gamma: float) -> float:
    """The least J with Σ held, in nats."""
    modes = modes_of_spectrum(SPECTRUM)
    return float(fixed_sigma.loss_wz(modes, np.ones(3), gamma, 1.0)) + 5 * math.log(gamma)


def view_of(change=lambda row: {}) -> Any:
    """The laptop table in which Σ held diverges at the highest rate, and comes down at step 100, learned at 50."""
    trials, curves, rows = [], [], learned_sigma.table("laptop").rows()
    for row in rows:
        axes: dict[str, Any] = {**row.axes}
        trial_id = row.trial.trial_id
        axes["optimiser"] = str(axes["optimiser"])
        held = axes["sigma"] == HELD
        told = axes | {"trial_id": trial_id, "data_id": "x", "gamma_value": axes["gamma"], "down": 100 if held else 50}
        told["status"] = "diverged" if held and axes["rate"] in (1.0, 0.1) else "finished"
        told |= change(told)
        trials.append(told)
        for step in (10, 50, 100, 200):
            excess = 0.5 if step >= told["down"] else 5.0
            curves.append({"trial_id": trial_id, "step": step, "objective": level(axes["gamma"]) + excess})
    labels = {name: list(dict.fromkeys(str(row.axes[name]) for row in rows)) for name in rows[0].axes}
    header = Header("learned_sigma", "?", "laptop", labels)
    return SimpleNamespace(
        trials=pd.DataFrame(trials), curves=pd.DataFrame(curves), header=header, spectrum=lambda _: SPECTRUM
    )


def said(change=lambda row: {}) -> list[str]:
    return [claim.verdict for claim in claims(view_of(change))]


def test_a_training_has_come_down_where_j_is_near_the_level():
    view = view_of()
    arrived = with_arrival(view)
    finished = arrived[arrived["status"].eq("finished")]
    assert set(finished.loc[finished["sigma"].eq(HELD), "arrived"]) == {101.0}
    assert set(finished.loc[finished["sigma"].eq(LEARNED), "arrived"]) == {51.0}
    assert np.isinf(arrived.loc[arrived["status"].eq("diverged"), "arrived"]).all()
    assert sheets(view)[0].frame["diverged"].isin(["0 of 5", "5 of 5"]).all()


def test_the_claims_hold_where_sigma_held_diverges_and_is_late():
    assert said() == [HOLDS] * 4


@pytest.mark.parametrize(
    ("change", "places"),
    [
        (
            lambda row: {"status": "finished" if row["sigma"] == HELD else "diverged"},
            {0, 1},
        ),
        (lambda row: {"down": 50 if row["sigma"] == HELD else 100}, {1, 3}),
        (lambda row: {"down": 999} if row["sigma"] == LEARNED else {}, {1, 3}),
    ],
)
def test_each_claim_fails_where_learned_sigma_does_worse(change, places):
    verdicts = said(change)
    assert {place for place, verdict in enumerate(verdicts) if verdict == FAILS} & places


def test_trainings_that_do_alike_decide_nothing():
    alike = said(lambda row: {"status": "finished", "down": 50})
    assert alike == [INSUFFICIENT] * 4
    assert claims(view_of(lambda row: {"status": "missing"})) == []
