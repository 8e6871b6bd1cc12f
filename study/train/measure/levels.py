"""How probable each trial finds the levels of test images, for the trials that declare `bits`.

`nll_levels` is the importance-weighted estimate, with as many draws as `iwae_nll`; `neg_elbo_levels` is −ELBO,
E[log q(z|x) − log P(levels, z)], the looser bound, from the same draws.

Probabilities of all levels sum to one whatever the likelihood, densities being integrated over the levels' bins, so these
are comparable between likelihoods on the same data, and with code lengths: divided by d log 2 they are bits a dimension.
Training minimises J, which for a density is not of bins: a γ that is best for J need not be for levels, least of all where
most values lie in the open bins at the ends. A variance for each image is coded beside the image (see
`models.loss.likelihood`). β is that of training alone: here it is 1.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from models.metrics.iwae import nll
from models.metrics.measurement import Measurement
from study.train.measure.measure import IWAE_DRAWS, Measure
from study.train.stack.build import likelihood_on

Row = dict[str, float | int | str]


@torch.no_grad()
def level_rows(measure: Measure) -> Iterator[tuple[int, Row]]:
    """(place in the pack, evaluation row) of both metrics."""
    likelihood = likelihood_on(measure.trials[0], measure.data, measure.stack.device)
    gamma = measure.gamma[:, None]

    def log_probability(y: Tensor, out: Tensor) -> Tensor:
        return -likelihood.level_nats(out.double(), y.double(), gamma)

    blocks = [(nll(weights), -weights.mean(0)) for weights in measure.importance(log_probability)]
    for name, parts in zip(("nll_levels", "neg_elbo_levels"), zip(*blocks, strict=True), strict=True):
        values = torch.cat(parts, dim=1)
        for place, (trial, each) in enumerate(zip(measure.trials, values, strict=True)):
            n = len(each)
            found = Measurement(name, float(each.mean()), float(each.std() / n**0.5), n, trial.seed, IWAE_DRAWS)
            yield place, found.row
