"""Which trials of each study the slopes of K and J are taken of, and under which name they are claimed."""

import itertools
import math

import numpy as np
import pandas as pd

from analysis.claims.beta_sweep import BetaSweep
from analysis.claims.claim import FAILS, HOLDS, YES
from analysis.frames.load import Header
from analysis.theory import modes_of_spectrum
from study.catalog.gamma_star import dimension as gamma_star
from study.catalog.kappa_saturation import dimension as kappa_saturation
from study.catalog.learned_gamma_collapse import dimension as learned_gamma_collapse

D, GAMMAS = 20, np.geomspace(0.3, 1e-4, 30)


def trial(data, seed, r=3.0, **fields):
    row = {"data": data, "seed": seed, "d": D, "beta": 1.0, "kappa": 6, "status": "finished", "gamma_mode": "learned"}
    return row | {"intrinsic_dim": r, "n_active": 3} | fields


def with_curves(rows, slope):
    """The trials as a frame, and curves whose K has the slope −`slope`(row)/2, with R as it is where γ is at its best."""
    trials = pd.DataFrame([row | {"trial_id": str(place)} for place, row in enumerate(rows)])
    curves = [
        {"trial_id": str(place), "step": step, "gamma_value": gamma}
        | {"rate": -slope(row) / 2 * np.log(gamma), "distortion": D * gamma}
        for place, row in enumerate(rows)
        for step, gamma in enumerate(GAMMAS)
    ]
    return trials, pd.DataFrame(curves)


def said(claims):
    return [(claim.data, claim.verdict) for claim in claims]


def test_a_sweep_counts_where_gamma_falls_and_has_no_ceiling():
    """d/r is 6.7: at β = 3 γ falls, at β = 6 it does no more."""
    rows = [trial("manifold", seed, beta=beta) for beta, seed in itertools.product((3.0, 6.0), range(3))]
    trials, curves = with_curves(rows, lambda row: 3 if row["beta"] == 3 else 1)
    declared = '{"objective": {"gamma": {"ceiling": %s}}, "data": {"kind": "PlantedManifold"}, "model": {"kappa": 6}}'
    modes = modes_of_spectrum(np.ones(D))

    def sweep(ceiling):
        return BetaSweep("manifold", "none", trials.assign(declaration=declared % ceiling), modes)

    claims = learned_gamma_collapse.slopes([sweep("null"), sweep("0.8")], curves)
    assert said(claims) == [("manifold", HOLDS)] * 2
    assert {one for claim in claims for one in claim.statements} == {"S3", "D9", "D1-7"}
    assert [claim.trials for claim in claims] == [3, 3]


def test_kappa_counts_from_r_on_and_on_pictures_where_latents_are_to_spare():
    of_manifold = [trial("manifold", seed, kappa=k, n_active=min(k, 3)) for k in (2, 3, 6) for seed in range(3)]
    of_digits = [trial("Digits", seed, math.nan, kappa=k, n_active=min(k, 16)) for k in (10, 32) for seed in range(3)]
    rows = [row | {"skip": "none"} for row in of_manifold + of_digits]
    trials, curves = with_curves(rows, lambda row: row["n_active"] if row["kappa"] != 10 else 40)
    header = Header("kappa_saturation", "?", "laptop", {"data": ["manifold", "Digits"], "skip": ["none"]})
    claims = kappa_saturation.slopes(trials, header, curves)
    assert [claim.verdict for claim in claims] == [HOLDS, HOLDS, YES]
    assert [claim.trials for claim in claims] == [6, 6, 3]


def test_nothing_is_asked_of_pictures_on_which_a_trial_uses_every_latent():
    rows = [
        trial("MNIST", seed, math.nan, kappa=32, n_active=32 if seed else 31) | {"skip": "none"} for seed in range(3)
    ]
    trials, curves = with_curves(rows, lambda row: row["n_active"])
    header = Header("kappa_saturation", "?", "laptop", {"data": ["MNIST"], "skip": ["none"]})
    assert kappa_saturation.slopes(trials, header, curves) == []


def test_of_pairs_only_the_learned_one_counts():
    rows = [
        trial("manifold", seed, gamma_mode=mode) for mode, seed in itertools.product(("learned", "refit"), range(3))
    ]
    header = Header("gamma_star", "?", "laptop", {"data": ["manifold"]})
    trials, curves = with_curves(rows, lambda row: 3 if row["gamma_mode"] == "learned" else 9)
    assert said(gamma_star.slopes(trials, header, curves)) == [("manifold", HOLDS)] * 2
    trials, curves = with_curves(rows, lambda row: 9 if row["gamma_mode"] == "learned" else 3)
    assert said(gamma_star.slopes(trials, header, curves)) == [("manifold", FAILS)] * 2
