"""How probable each trial finds the levels of test images, for the trials that declare `bits`.

`nll_levels` is the importance-weighted estimate, with as many draws as `iwae_nll`; `neg_elbo_levels` is −ELBO,
E[log q(z|x) − log P(levels, z)], the looser bound, from the same draws.

Probabilities of all levels sum to one whatever the likelihood, densities being integrated over the levels' bins, so these
are comparable between likelihoods on the same data, and with code lengths: divided by d log 2 they are bits a dimension.
Training minimises J, which for a density is not of bins: a γ that is best for J need not be for levels, least of all where
most values lie in the open bins at the ends. A variance for each image is coded beside the image (see
`models.loss.likelihood`). β is that of training alone: here it is 1.
"""

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from models.metrics.iwae import nll
from study.train.measure.measure import Measure, Row, mean_row
from study.train.stack.build import likelihood_on


@torch.no_grad()
def level_rows(measure: Measure) -> list[tuple[int, Row]]:
    """(place in the pack, evaluation row) of both metrics."""
    likelihood = likelihood_on(measure.trials[0], measure.data, measure.stack.device)
    gamma = measure.gamma[:, None]

    def log_probability(
        y: Float[Tensor, "*pack n d"], out: Float[Tensor, "pack n outputs"]
    ) -> Float64[Tensor, "pack n"]:
        return -likelihood.level_nats(out.double(), y.double(), gamma)

    blocks = [(nll(weights), -weights.mean(0)) for weights in measure.importance(log_probability)]
    estimates = [torch.cat(parts, dim=1) for parts in zip(*blocks, strict=True)]
    return [
        (place, mean_row(name, each, measure.trials[place].seed))
        for name, values in zip(("nll_levels", "neg_elbo_levels"), estimates, strict=True)
        for place, each in enumerate(values)
    ]
