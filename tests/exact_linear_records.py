"""Records of linear VAEs in which theory is exact, but for what a test changes."""

import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from analysis.claims.claim import FAILS
from analysis.claims.linear_optimum import DECODER
from analysis.frames.load import Header
from analysis.theory import fixed_sigma, linear
from study.catalog.linear_collapse.claims import claims
from study.catalog.linear_collapse.table import BATCHES, HELD, LEARNED, WIDE
from study.record import Home, write_artifacts

SPECTRUM = np.array([6.0, 4.0, 2.5, 1.2, 0.5, 0.2])
BETAS = np.geomspace(0.3, 9, 24)
BETAS_KEPT, BETAS_LOST = 1.316, 4.981
"""Grid points with three modes of the declared data left, and with one."""

T, KAPPAS, SEEDS = float(SPECTRUM.sum()), (3, 8), 4


def exact(variant, kappa, beta):
    """The latents of the minimum of J: Var E[z|x], σ², KL and the decoder's singular values."""
    if variant == HELD:
        ones = np.ones(kappa)
        units = fixed_sigma.encoder_singular_values(SPECTRUM, ones, beta) ** 2
        rates = fixed_sigma.rates(SPECTRUM, ones, beta)
        return units, ones, rates, fixed_sigma.decoder_singular_values(SPECTRUM, ones, beta)
    units = linear.active_units(SPECTRUM, beta, kappa)
    return units, 1 - units, linear.rates(SPECTRUM, beta, kappa), linear.decoder_singular_values(SPECTRUM, beta, kappa)


def model_of(variant, kappa):
    return {"prior_std": 1.0, "post_var": [1.0] * kappa if variant == HELD else "shared"}


VARIANTS_HERE = (LEARNED, HELD, WIDE, *BATCHES)


def view_of(place, change=lambda row, latents: None, kappas=KAPPAS) -> Any:
    """A study in which theory is exact, but for what `change` does to a trial's row and latents (a frame)."""
    trials, latents, arrays = [], [], {}
    for variant in VARIANTS_HERE:
        for kappa in kappas:
            for beta in BETAS:
                for seed in range(3 if variant in BATCHES else 2):  # fewer decide no count
                    units, variance, rates, values = exact(variant, kappa, beta)
                    trial_id = f"{variant}-{kappa}-{beta:.3f}-{seed}"
                    rows: Any = pd.DataFrame({"trial_id": trial_id, "beta": beta, "seed": seed, "latent": range(kappa)})
                    rows = rows.assign(mean_var=units, post_var=variance, rate=rates, decoder_norm=values)
                    row = {"trial_id": trial_id, "variant": variant, "kappa": kappa, "beta": beta, "seed": seed}
                    row |= {
                        "status": "finished",
                        "data": "linear",
                        "data_id": "x",
                        "gamma_value": 1.0,
                        "gamma_eff": beta,
                    }
                    row |= {"scale_residual": 0.0, "artifacts": "artifacts/a.safetensors", "has_weights": 1}
                    row |= {"declaration": json.dumps({"model": model_of(variant, kappa)})}
                    change(row, rows)
                    kept = rows["decoder_norm"].to_numpy()
                    missed = np.sqrt(SPECTRUM[:kappa]) - (values * np.sqrt(units))[: len(SPECTRUM)]
                    distortion = SPECTRUM[kappa:].sum() + (missed**2).sum()
                    row |= {"nre_mean_train": distortion / T, "rate_train": rows["rate"].sum()}
                    arrays[f"{trial_id}/weights/{DECODER}.weight"] = np.eye(max(6, kappa), kappa) * kept
                    trials.append(row)
                    latents.append(rows)
    home = Home(place)
    write_artifacts(home, "a", arrays)
    axes = {"variant": [*VARIANTS_HERE], "kappa": list(kappas), "beta": list(BETAS), "seed": [0, 1, 2]}
    return SimpleNamespace(
        trials=pd.DataFrame(trials),
        latents=pd.concat(latents, ignore_index=True),
        header=Header("linear_collapse", "?", "laptop", axes),
        spectrum=lambda data_id: SPECTRUM,
        home=home,
    )


def said(view):
    return {f"{item.data}: {item.claim}": item.verdict for item in claims(view)}


def failing(view):
    return {name for name, verdict in said(view).items() if verdict == FAILS}
