"""A trained stack, measured on whole data sets: averages for its trials' records, and metrics that need no more than z.

Per-latent statistics are taken over the training set, whose stationary points theory speaks of; distortion, rate and
objective over both sets. Sums run in float64.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Literal

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from models.data.dataset import DataSet
from models.loss.gamma import gamma_at
from models.loss.objective import misfit, normal_constant, squared_error, weighed_rate
from models.metrics.iwae import log_normal, nll, weighted
from models.metrics.measurement import Measurement
from models.metrics.mmd import means_to_the_others, mmd_imq
from models.streams import BLOCK, draws, stream
from study.declare.trial import Trial
from study.train.measure.moments import Moments
from study.train.stack.inputs import Inputs
from study.train.stack.stack import Stack

MMD_POINTS = 2000
IWAE_POINTS, IWAE_DRAWS = 500, 64
SLOPE_POINTS = 256
SAMPLES = 2000

BURDA_ABOVE = 0.01

Row = dict[str, float | int | str]


class Measure:
    """A trained stack, measured. `train` and `test` are its averages over both sets, `gamma` its final γ."""

    @torch.no_grad()
    def __init__(self, stack: Stack, trials: Sequence[Trial], data: DataSet, inputs: Inputs) -> None:
        self.stack, self.trials, self.data, self.inputs = stack, trials, data, inputs
        self._seeds = list(dict.fromkeys(trial.seed for trial in trials))
        self._seed_of = torch.tensor([self._seeds.index(trial.seed) for trial in trials], device=stack.device)
        columns = [(trial.objective.mean_weight, trial.objective.variance_weight) for trial in trials]
        self._halves = torch.tensor(columns, dtype=torch.float64, device=stack.device).unbind(1)
        self._posteriors: list[tuple[Float[Tensor, "pack n kappa"], Float[Tensor, "pack n kappa"]]] = []
        self.train = self.moments("train", keep=MMD_POINTS)
        self.test = self.moments("test")
        self.gamma = self._gamma(self.train.distortion) if self.train.gamma is None else self.train.gamma

    def misfit(self, split: Literal["train", "test"]) -> Float64[Tensor, " pack"]:
        """What J counts of −log p(y|z) on the training or the test set, in nats an example."""
        moments = self.train if split == "train" else self.test
        return misfit(moments.distortion, self.gamma, self.stack.d) if moments.nats is None else moments.nats

    def counted_rate(self, split: Literal["train", "test"]) -> Float64[Tensor, " pack"]:
        """What the rate counts for in J on the training or the test set: each of its halves by its weight, in nats."""
        moments = self.train if split == "train" else self.test
        return weighed_rate(moments.rate, moments.rate_of_means, *self._halves)

    @cached_property
    def scale_residual(self) -> Float64[Tensor, " pack"]:
        """`Moments.scale_residual` of the training set, by the weights of the rate's halves."""
        mean_weight, variance_weight = (each[:, None] for each in self._halves)
        return self.train.scale_residual(mean_weight, variance_weight)

    @property
    def constant(self) -> float:
        """What `misfit` leaves out of −log p(y|z), in nats an example."""
        return self.stack.likelihood.constant if self.stack.likelihood else normal_constant(self.stack.d)

    def latents(self) -> dict[str, Float64[Tensor, "pack kappa"]]:
        """Per-latent columns of the record."""
        mu = torch.cat([mu for mu, _ in self._posteriors], dim=1)[:, :SLOPE_POINTS]
        return {
            "mean_var": self.train.mean_var,
            "post_var": self.train.variance,
            "rate": self.train.latent_rate,
            "decoder_norm": self.stack.decoder_slopes(mu).double(),
        }

    def mmd(self) -> Iterator[Row]:
        """One evaluation row a trial: MMD of q(z) to the prior, one z ~ q(z|x) per training example."""
        yield from self.mmd_of(*(torch.cat(parts, dim=1) for parts in zip(*self._posteriors, strict=True)))

    def mmd_of(self, mu: Float[Tensor, "pack n kappa"], log_var: Float[Tensor, "pack n kappa"]) -> Iterator[Row]:
        """The same of other posteriors of training examples, n ≥ `MMD_POINTS` if there are as many."""
        n = min(mu.shape[1], MMD_POINTS)
        eps, prior = self.draw_prior("mmd", n), self.draw_prior("prior", n)
        within_prior = [means_to_the_others(sample) for sample in prior]
        for index, trial in enumerate(self.trials):
            seed = self._seeds.index(trial.seed)
            z = mu[index, :n] + (0.5 * log_var[index, :n]).exp() * eps[seed]
            value, error = mmd_imq(z, prior[seed], within_prior[seed])
            yield Measurement("mmd_imq", value, error, n, trial.seed).row

    @torch.no_grad()
    def iwae(self) -> list[Row]:
        """One evaluation row a trial: the importance-weighted NLL, in nats per example, of the first test examples."""
        values = torch.cat([nll(weights) for weights in self.importance(self._log_density)], dim=1)
        return [mean_row("iwae_nll", each, trial.seed) for trial, each in zip(self.trials, values, strict=True)]

    def importance(
        self, log_likelihood: Callable[[Tensor, Tensor], Tensor]
    ) -> Iterator[Float64[Tensor, "draws pack n"]]:
        """log w of each draw and test example, block by block, given log p(y|z) of (y, outputs).

        Gradients are the caller's to turn off.
        """
        stack, generators, left = self.stack, self.generators("iwae"), IWAE_POINTS
        for x, y in self.inputs.split("test", BLOCK):
            x, y = (part[..., :left, :] for part in (x, y))
            mu, log_var = stack.encode(x)
            weights = []
            for _ in range(IWAE_DRAWS):
                eps = self.draw(generators, x.shape[-2])[self._seed_of]
                z = mu + (0.5 * log_var).exp() * eps
                given = log_likelihood(y, stack.outputs(z))
                weights.append(weighted(given, z.double(), eps.double(), log_var.double()))
            yield torch.stack(weights)
            left -= x.shape[-2]
            if not left:
                return

    def _log_density(
        self, y: Float[Tensor, "*pack n d"], out: Float[Tensor, "pack n outputs"]
    ) -> Float64[Tensor, "pack n"]:
        """log p(y|z), all constants kept."""
        gamma, likelihood = self.gamma[:, None], self.stack.likelihood
        if likelihood is None:
            return log_normal(squared_error(y, out).double(), gamma, self.stack.d)
        return -(likelihood.nats(out.double(), y.double(), gamma) + likelihood.constant)

    @torch.no_grad()
    def sample_variance(self) -> list[Row]:
        """One evaluation row a trial: tr Cov m(z) over z ~ N(0, I), in data²: how far samples lie apart.

        Source: derived from Wang & Ziyin (2022), eqs. 11-13, as what their figure 3 shows; Σ‖u_j‖² for a linear decoder.
        """
        blocks = [z[self._seed_of] for z in self.draw_prior("sample_variance", SAMPLES).split(BLOCK, dim=1)]
        mean = torch.stack([self.stack.decode(z).double().sum(1) for z in blocks]).sum(0)[:, None] / SAMPLES
        # Decoded again rather than kept: a pack of image networks would fill the memory.
        away = torch.cat([squared_error(self.stack.decode(z), mean) for z in blocks], dim=1)
        sizes = [(float(each.sum() / (SAMPLES - 1)), float(each.std() / SAMPLES**0.5)) for each in away]
        return [
            Measurement("sample_variance", *size, SAMPLES, trial.seed).row
            for trial, size in zip(self.trials, sizes, strict=True)
        ]

    @contextmanager
    def see(self, u: float) -> Iterator[None]:
        """Networks that see β, and the stages before them, see it at u."""
        self.stack.u = u
        self.inputs.see(u)
        try:
            yield
        finally:
            self.stack.u = None
            self.inputs.see(None)

    def _gamma(self, distortion: Float64[Tensor, " pack"]) -> Float64[Tensor, " pack"]:
        """The final γ: trained, scheduled, or in closed form over the training set, given the distortion there."""
        stack = self.stack
        end = torch.ones((), dtype=torch.float64, device=stack.device)
        return gamma_at(stack.exact_knobs, stack.log_gamma.double(), distortion, stack.d, end)

    def moments(self, split: str, keep: int = 0) -> Moments:
        """Averages over a data set; the posteriors of the first `keep` rows or a few more are kept for the metrics."""
        stack, generators = self.stack, self.generators(split)
        size = stack.rows_at_once
        total: list[Float64[Tensor, "pack ..."]] = []
        for index, (x, y) in enumerate(self.inputs.split(split, size)):
            mu, log_var = stack.encode(x)
            if index * size < keep:
                self._posteriors.append((mu, log_var))
            eps = self.draw(generators, x.shape[-2])[self._seed_of]
            original = self.inputs.original(split, index * size, size)
            sums = [value.double().sum(1) for value in self._per_example(y, original, mu, log_var, eps)]
            total = [a + b for a, b in zip(total, sums, strict=True)] if total else sums
        return Moments(*(value / self.inputs.sizes[split] for value in total))

    def _per_example(
        self,
        y: Float[Tensor, "*pack n d"],
        original: Float[Tensor, "n d_data"] | None,
        mu: Float[Tensor, "_ n kappa"],
        log_var: Float[Tensor, "_ n kappa"],
        eps: Float[Tensor, "_ n kappa"],
    ) -> Iterator[Float[Tensor, "pack n ..."]]:
        """The summands of `Moments`."""
        z, likelihood = mu + (0.5 * log_var).exp() * eps, self.stack.likelihood
        out = self.stack.outputs(z)
        decoded = likelihood.mean(out) if likelihood else out
        yield (error := squared_error(y, decoded))
        yield squared_error(y, self.stack.decode(mu))
        yield error if original is None else squared_error(original, self.inputs.to_data(decoded))
        yield self.stack.rates(mu, log_var)
        yield mu
        yield mu.double().square()
        yield log_var.exp()
        if likelihood:
            # No γ that is asked for here goes by the distortion.
            gamma = self._gamma(torch.zeros_like(self.stack.exact_knobs["floor"]))[:, None]
            yield likelihood.nats(out.double(), y.double(), gamma)
            yield likelihood.variance(out, y, gamma)

    def by_trial(self, drawn: Float[Tensor, "seeds n width"]) -> Float[Tensor, "pack n width"]:
        """Draws of each trial's seed."""
        return drawn[self._seed_of]

    def draw_prior(self, purpose: str, n: int) -> Float[Tensor, "seeds n kappa"]:
        """Standard normal draws, one set for each seed."""
        return self.draw(self.generators(purpose), n)

    def generators(self, purpose: str) -> list[torch.Generator]:
        """The random streams of the trials' seeds for one purpose."""
        return [stream(seed, purpose) for seed in self._seeds]

    def draw(self, generators: Sequence[torch.Generator], n: int) -> Float[Tensor, "seeds n kappa"]:
        """Standard normal draws of each seed, the next ones of its stream."""
        return draws(generators, n, self.stack.kappa, self.stack.dtype).to(self.stack.device)


def mean_row(metric: str, values: Float64[Tensor, " n"], seed: int) -> Row:
    """The mean of importance-weighted estimates of n examples, as an evaluation row."""
    n = len(values)
    return Measurement(metric, float(values.mean()), float(values.std() / n**0.5), n, seed, IWAE_DRAWS).row
