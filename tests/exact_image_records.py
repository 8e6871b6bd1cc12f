"""Records of a β sweep on images that are exactly what linear theory says."""

import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from analysis.frames.load import Header
from analysis.theory import Modes, linear
from study.catalog.image_collapse.table import image_collapse
from study.record import Home, write_artifacts

SPECTRUM = np.array([5.12, 3.74, 3.25, 2.84, 2.57, 1.0])


MODES = Modes(SPECTRUM, float(SPECTRUM.sum()), 6)


KAPPA = 5


def betas_of(scale: Any) -> list[Any]:
    return sorted({row.axes["beta"] for row in image_collapse.table(scale).rows()})


def view_of(place, change=lambda row, latents: None, data="MNIST", gamma=1.0) -> Any:
    """A study of linear and nonlinear networks in which the linear theory is exact, but for what `change` does."""
    trials, latents, arrays = [], [], {}
    for network in ("linear", "nonlinear"):
        for beta in betas_of("paper"):
            for seed in range(4):
                trial_id = f"{network}-{beta}-{seed}"
                units = linear.active_units(SPECTRUM, beta, KAPPA)
                rows: Any = pd.DataFrame(
                    {"trial_id": trial_id, "beta": beta / gamma, "seed": seed, "latent": range(KAPPA)}
                )
                rows = rows.assign(mean_var=units, post_var=1 - units, rate=linear.rates(SPECTRUM, beta, KAPPA))
                row = {"trial_id": trial_id, "network": network, "beta": beta / gamma, "seed": seed, "kappa": KAPPA}
                row |= {"status": "finished", "converged": True, "data": data, "data_id": "x", "gamma_value": gamma}
                row |= {"objective_train": float(linear.objective(MODES, gamma, beta / gamma, KAPPA)), "has_weights": 1}
                row |= {"sample_variance": float(linear.sample_diversity(SPECTRUM, beta, KAPPA))}
                declared = {"data": {"kind": data}, "model": {"prior_std": 1.0, "post_var": "amortised"}}
                row |= {"artifacts": "artifacts/a.safetensors", "declaration": json.dumps(declared)}
                row |= {"scale_residual": 0.0, "gamma_eff": beta}
                change(row, rows)
                row["n_burda"] = int(rows["mean_var"].gt(0.01).sum())
                size = np.sqrt(beta * rows["mean_var"] / (1 - rows["mean_var"]))  # λ² = g AU/(1 − AU)
                arrays[f"{trial_id}/weights/network.decoder.0.weight"] = np.eye(6, KAPPA) * size.to_numpy()
                arrays[f"{trial_id}/pictures/sample"] = np.full((8, 4, 4), beta / 6, np.float16)
                trials.append(row)
                latents.append(rows.assign(decoder_norm=1.0))
    home = Home(place)
    write_artifacts(home, "a", arrays)
    axes = {"data": [data], "network": ["linear", "nonlinear"], "beta": betas_of("paper"), "seed": [0, 1, 2, 3]}
    return SimpleNamespace(
        trials=pd.DataFrame(trials),
        latents=pd.concat(latents, ignore_index=True),
        header=Header("image_collapse-paper", "?", "paper", axes),
        datasets={"x": {"spectrum": list(SPECTRUM), "total_variance": MODES.total, "d": 6}},
        home=home,
    )
