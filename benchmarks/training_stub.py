"""A pack whose training is left out: its records are made up, and committed as a trained pack commits its own.

Installed in Ray's workers in place of the real one, so that everything around training can be measured on any number of
trials. A trial leaves what a small one leaves: 20 points of curves, 8 latents, 3 evaluations, no weights.
"""

from collections.abc import Callable, Mapping
from typing import Any

from study.pack.pack import Pack
from study.record import Home, commit, new_commit_id
from study.train.declared_columns import declared_row

POINTS, KAPPA = 20, 8
METRICS = ("mmd_imq", "iwae_nll", "sample_variance")

Row = dict[str, Any]


class StubRun:
    """What `study.train.pack_run.PackRun` offers, without the training."""

    def __init__(self, pack: Pack, device: str = "cpu", home: Home | None = None) -> None:
        del device, home
        self.pack, self.done = pack, False

    def advance(self, seconds: float) -> Mapping[str, float]:
        """End the training at once."""
        del seconds
        self.done = True
        return {"step": 1, "steps": 1, "trial_steps_per_s": 0.0, "diverged": 0}

    def commit(self, home: Home, known: Callable[[str], bool]) -> list[str]:
        """Write made-up records of every trial."""
        commit_id = new_commit_id(self.pack.pack_id)
        rows = [declared_row(self.pack, place, commit_id) | _numbers(place) for place in range(len(self.pack.trials))]
        keys = [{"trial_id": row["trial_id"], "commit_id": commit_id, "stage": "vae"} for row in rows]
        tables = {
            "curves": [key | _point(step) for key in keys for step in range(POINTS)],
            "latents": [key | _latent(place) for key in keys for place in range(KAPPA)],
            "evaluations": [key | _evaluation(metric) for key in keys for metric in METRICS],
            "trials": rows,
        }
        return commit(home, commit_id, tables, known)


def install() -> None:
    """Let this process train nothing."""
    import study.train.pack_run

    study.train.pack_run.PackRun = StubRun  # pyright: ignore[reportAttributeAccessIssue]


def _numbers(place: int) -> Row:
    numbers = {"rate_train": 3.0, "rate_test": 3.1, "gamma": 0.1, "gamma_eff": 0.1, "wall_s": 0.0, "parameters": 99}
    errors = {"distortion_train": 1.0 + 1e-3 * place, "distortion_test": 1.1, "distortion_data_test": 1.1}
    relative = {"nre_test": 0.1, "nre_mean_test": 0.1, "nre_mean_train": 0.1, "nre_data_test": 0.1}
    losses = {"objective_train": 2.0, "objective_test": 2.1, "neg_elbo_test": 2.1}
    latents = {"n_active": 2, "n_burda": 2, "scale_residual": 0.01}
    ending = {"status": "finished", "device": "cpu", "grad_z_first": 1.0, "grad_z_last": 2.0, "has_weights": 0}
    return numbers | errors | relative | losses | latents | ending


def _point(step: int) -> Row:
    course = {"distortion": 2.0 / (1 + step), "rate": 0.1 * step, "objective": 3.0 / (1 + step), "gamma": 0.1}
    return {"step": step, "grad_z": 1.0, "grad_norm": 1.0, "n_active": 2} | course


def _latent(place: int) -> Row:
    return {"latent": place, "mean_var": 0.5, "post_var": 0.5, "rate": 0.4, "decoder_norm": 1.0}


def _evaluation(metric: str) -> Row:
    return {"metric": metric, "value": 0.1, "standard_error": 0.01, "sample_size": 2000, "seed": 0, "version": 1}
