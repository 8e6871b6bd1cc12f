"""Which codes an autoencoder under a price uses, and what all of them cost."""

from collections.abc import Iterator

from models.loss.code_penalties import PENALTIES
from models.specs.metrics import version_of
from study.train.measure.measure import Measure, Row
from study.train.step.code_price import price

USED_ABOVE = 1e-3
"""Energy of a code that is used, as a part of the data's total variance."""


def code_rows(measure: Measure) -> Iterator[tuple[int, Row]]:
    """(place in the pack, evaluation row): how many codes are used, and Σ h of them all without its weight.

    The energies are those of the record's latents, mean_var · decoder_norm²: variances over the training set, and the
    decoder's slopes where the first of its examples are encoded.
    """
    latents = measure.latents()
    energies = latents["mean_var"] * latents["decoder_norm"].square()
    for place, (trial, energy) in enumerate(zip(measure.trials, energies, strict=True)):
        declared = price(trial)
        parameter = energy.new_tensor(declared.parameter or 0.0)
        values = {
            "codes_used": float((energy > USED_ABOVE * measure.inputs.variance("train", place)).sum()),
            "codes_price": float(PENALTIES[declared.h](energy.clamp_min(declared.floor), parameter).sum()),
        }
        for name, value in values.items():
            size = measure.inputs.sizes["train"]
            row: Row = {"metric": name, "value": value, "sample_size": size, "seed": trial.seed}
            yield place, row | {"version": version_of(name)}
