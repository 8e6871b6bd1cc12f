"""Metrics of what trained models generate, and of what they reconstruct, for the trials that declare `samples`."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float
from torch import Tensor

from models.metrics.sample_quality import Row, reference
from study.train.measure.generate import reconstructions, samples
from study.train.measure.measure import Measure

RECONSTRUCTED = ("fd_", "kd_", "fid", "kid")
"""Metrics, by the beginnings of their names, that reconstructions are compared by as well."""


def sample_rows(measure: Measure) -> Iterator[tuple[int, Row]]:
    """(place in the pack, evaluation row): every metric of a trial's samples, nulls among them, and of reconstructions.

    A metric of the reconstructions of test examples at E[z|x] ends in `_recon`; both are compared with the same test set.
    """
    wanted = {place: trial.samples for place, trial in enumerate(measure.trials) if trial.samples}
    most = max(wanted.values())
    generated = _rows(samples(measure, "generated", most))
    reconstructed = _rows(reconstructions(measure, most))
    test_set = reference(measure.data.spec)
    for place, n in wanted.items():
        seed = measure.trials[place].seed
        yield from ((place, each.row) for each in test_set.measured(generated[place][:n], seed))
        for each in test_set.measured(reconstructed[place][:n], seed):
            if each.metric.startswith(RECONSTRUCTED) and not each.metric.endswith("_null"):
                yield place, each.named(f"{each.metric}_recon").row


def downsampled_rows(measure: Measure) -> Iterator[tuple[int, Row]]:
    """(place in the pack, evaluation row): the same metrics of as many real pictures, shrunk to half and enlarged."""
    test_set = reference(measure.data.spec)
    for place, trial in enumerate(measure.trials):
        yield from ((place, each.row) for each in test_set.downsampled(trial.samples, trial.seed))


def _rows(tensor: Float[Tensor, "pack n d"]) -> Float[np.ndarray, "pack n d"]:
    return tensor.cpu().numpy().astype(np.float32)
