"""Metrics of networks that see β, at each β they are asked about; and of second VAEs, how near their samples are to q(z)."""

import itertools
from collections.abc import Iterator

import torch

from models.metrics.mmd import mmd_imq
from models.specs.metrics import version_of
from models.streams import BLOCK
from study.train.measure.measure import ACTIVE_BELOW, MMD_POINTS, Measure

Row = dict[str, float | int | str]


@torch.no_grad()
def codes_apart(measure: Measure) -> Iterator[Row]:
    """One evaluation row a trial that trains on draws of a q(z): MMD of its samples to such draws, in code space."""
    n = min(MMD_POINTS, measure.inputs.sizes["train"])
    drawn = next(measure.inputs.split("train", -(-n // BLOCK) * BLOCK))[0][:, :n].to(measure.stack.dtype)
    samples = measure.samples_of_codes("codes sampled", n)
    for index, trial in enumerate(measure.trials):
        value, error = mmd_imq(samples[index], drawn[index])
        row: Row = {"metric": "mmd_codes", "value": value, "standard_error": error, "sample_size": n}
        yield row | {"seed": trial.seed, "version": version_of("mmd_codes")}


def _to_the_prior(measure: Measure) -> Iterator[Row]:
    """`Measure.mmd` at the u that the networks are told."""
    n = min(MMD_POINTS, measure.inputs.sizes["train"])
    x, _ = next(measure.inputs.split("train", -(-n // BLOCK) * BLOCK))
    return measure.mmd_of(*measure.stack.call("encode", x))


@torch.no_grad()
def at_every_beta(measure: Measure) -> Iterator[tuple[int, Row]]:
    """(place in the pack, evaluation row): rate, distortion, active latents and MMD at each β `at` which a spread asks.

    Names end in "/beta 0.5", say; `betas` counts them. The trials of a pack share their spread. Where they train on draws
    of a q(z), how far their samples are from draws of the same β is among them.
    """
    trials, sizes = measure.trials, measure.inputs.sizes
    spread = trials[0].spread
    betas = spread.at if spread else ()
    for beta in betas:
        with measure.told(trials[0].u_of(beta)):
            found = {split: measure.moments(split) for split in ("train", "test")}
            apart = list(_to_the_prior(measure))
            apart += list(codes_apart(measure)) if measure.inputs.is_noisy else []
        columns = {f"distortion_{split}": moments.distortion for split, moments in found.items()}
        columns |= {f"rate_{split}": moments.rate for split, moments in found.items()}
        columns["n_active"] = (found["train"].variance < ACTIVE_BELOW).sum(-1)
        for place, trial in enumerate(trials):
            for name, values in columns.items():
                size = sizes["test" if name.endswith("test") else "train"]
                row: Row = {"value": float(values[place]), "sample_size": size, "seed": trial.seed}
                yield place, row | _named(f"{name}/beta {beta:g}")
        for place, row in zip(itertools.cycle(range(len(trials))), apart, strict=False):
            yield place, row | _named(f"{row['metric']}/beta {beta:g}")
    for place, trial in enumerate(trials):
        yield place, {"value": len(betas), "seed": trial.seed} | _named("betas")


def _named(metric: str) -> Row:
    return {"metric": metric, "version": version_of(metric)}
