"""Metrics of networks that see β, at each β they are asked about; and of second VAEs, how near their samples are to q(z)."""

import itertools
from collections.abc import Iterator

import torch

from models.metrics.measurement import Measurement
from models.metrics.mmd import mmd_imq
from models.specs.metrics import version_of
from models.streams import BLOCK
from study.train.measure.generate import code_samples
from study.train.measure.measure import MMD_POINTS, Measure, Row
from study.train.step.outcome import ACTIVE_BELOW


@torch.no_grad()
def code_distances(measure: Measure) -> list[Row]:
    """One evaluation row a trial that trains on draws of a q(z): MMD of its samples to such draws, in code space."""
    n = min(MMD_POINTS, measure.inputs.sizes["train"])
    drawn = next(measure.inputs.split("train", -(-n // BLOCK) * BLOCK))[0][:, :n].to(measure.stack.dtype)
    samples = code_samples(measure, "codes sampled", n)
    distances = map(mmd_imq, samples, drawn)
    pairs = zip(measure.trials, distances, strict=True)
    return [Measurement("mmd_codes", *distance, n, trial.seed).row for trial, distance in pairs]


def _distances_to_prior(measure: Measure) -> Iterator[Row]:
    """`Measure.mmd` at the u that the networks see."""
    n = min(MMD_POINTS, measure.inputs.sizes["train"])
    x, _ = next(measure.inputs.split("train", -(-n // BLOCK) * BLOCK))
    return measure.mmd_of(*measure.stack.encode(x))


def beta_rows(measure: Measure) -> Iterator[tuple[int, Row]]:
    """(place in the pack, evaluation row): rate, distortion, active latents and MMD at each β of the spread's `at`, and γ
    where it is learned by β.

    Names end in "/beta 0.5", say; `betas` counts them. The trials of a pack share their spread. Where they train on draws
    of a q(z), the MMD of their samples to draws at the same β is among them.
    """
    spread = measure.trials[0].spread
    betas = spread.at if spread else ()
    for beta in betas:
        for place, row in _rows_at(measure, measure.trials[0].u_of(beta)):
            yield place, row | _identity(f"{row['metric']}/beta {beta:g}")
    for place, trial in enumerate(measure.trials):
        yield place, {"value": len(betas), "seed": trial.seed} | _identity("betas")


@torch.no_grad()
def _rows_at(measure: Measure, u: float) -> list[tuple[int, Row]]:
    """The rows of networks that see β at u."""
    with measure.see(u):
        averages = {split: measure.moments(split) for split in ("train", "test")}
        distances = list(_distances_to_prior(measure))
        distances += code_distances(measure) if measure.inputs.is_noisy else []
    columns = {f"distortion_{split}": moments.distortion for split, moments in averages.items()}
    columns |= {f"rate_{split}": moments.rate for split, moments in averages.items()}
    if (gamma := averages["train"].gamma) is not None:
        columns["gamma"] = gamma
    columns["n_active"] = (averages["train"].variance < ACTIVE_BELOW).sum(-1)
    rows: list[tuple[int, Row]] = []
    for place, trial in enumerate(measure.trials):
        for name, values in columns.items():
            size = measure.inputs.sizes["test" if name.endswith("test") else "train"]
            row = {"metric": name, "value": float(values[place]), "sample_size": size, "seed": trial.seed}
            rows.append((place, row))
    return rows + list(zip(itertools.cycle(range(len(measure.trials))), distances, strict=False))


def _identity(metric: str) -> Row:
    return {"metric": metric, "version": version_of(metric)}
