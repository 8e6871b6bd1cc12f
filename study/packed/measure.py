"""What training ended with: every number of a trial's record, measured on whole data sets.

Per-latent statistics are taken over the training set, whose stationary points theory speaks of; distortion, rate and
objective over both sets. Sums run in float64.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from models.datasets import DataSet
from models.gamma import gamma_at
from models.iwae import VERSION as IWAE_VERSION
from models.iwae import log_weights, nll
from models.mmd import VERSION as MMD_VERSION
from models.mmd import means_to_the_others, mmd_imq
from models.objective import latent_rates, squared_error
from models.streams import normal, stream
from study.packed.stack import Stack
from study.trial import Trial

MMD_POINTS = 2000
IWAE_POINTS, IWAE_DRAWS = 500, 64
SLOPE_POINTS = 256
SAMPLES, SAMPLE_VARIANCE_VERSION = 2000, 1
PICTURES = 8
_CHUNK_NUMBERS = 4_000_000
_BLOCK = 128  # noise is drawn in blocks of this many rows, so that it doesn't depend on how a pack's size cuts the data

ACTIVE_BELOW = 0.5
BURDA_ABOVE = 0.01


@dataclass(frozen=True)
class Moments:
    """Averages over a data set, in float64: (pack,) for the first two, (pack, kappa) for the others."""

    distortion: Tensor
    distortion_of_mean: Tensor
    latent_rate: Tensor
    mu: Tensor
    mu_square: Tensor
    variance: Tensor

    @property
    def rate(self) -> Tensor:
        return self.latent_rate.sum(-1)

    @property
    def mean_var(self) -> Tensor:
        """Var_x E[z_j|x], population variance."""
        return (self.mu_square - self.mu.square()).clamp(min=0)

    @property
    def scale_residual(self) -> Tensor:
        """max_j |E z_j² − 1|: zero at every stationary point of a network with free heads and a linear first layer."""
        return (self.mu_square + self.variance - 1).abs().amax(-1)


class Measure:
    """A trained stack, measured."""

    @torch.no_grad()
    def __init__(self, stack: Stack, trials: Sequence[Trial], data: DataSet) -> None:
        self.stack, self.trials, self.data = stack, trials, data
        self._seeds = list(dict.fromkeys(trial.seed for trial in trials))
        self._seed_of = torch.tensor([self._seeds.index(trial.seed) for trial in trials], device=stack.device)
        self._posteriors: list[tuple[Tensor, Tensor]] = []
        self.train = self._moments("train", data.train, data.train_y, keep=MMD_POINTS)
        self.test = self._moments("test", data.test, data.test_y)
        self.gamma = self._gamma()

    def latents(self) -> dict[str, Tensor]:
        """Per-latent columns of the record, each (pack, kappa)."""
        mu = torch.cat([mu for mu, _ in self._posteriors], dim=1)[:, :SLOPE_POINTS]
        return {
            "mean_var": self.train.mean_var,
            "post_var": self.train.variance,
            "rate": self.train.latent_rate,
            "decoder_norm": self.stack.decoder_slopes(mu).double(),
        }

    @torch.no_grad()
    def mmd(self) -> Iterator[dict[str, float | int | str]]:
        """One evaluation row a trial: MMD of q(z) to the prior, one z ~ q(z|x) per training example."""
        mu, log_var = (torch.cat(parts, dim=1)[:, :MMD_POINTS] for parts in zip(*self._posteriors, strict=True))
        n = mu.shape[1]
        eps, prior = self._draws("mmd", n), self._draws("prior", n)
        within_prior = [means_to_the_others(sample) for sample in prior]
        for index, trial in enumerate(self.trials):
            seed = self._seeds.index(trial.seed)
            z = mu[index] + (0.5 * log_var[index]).exp() * eps[seed]
            value, error = mmd_imq(z, prior[seed], within_prior[seed])
            yield {
                "metric": "mmd_imq",
                "value": value,
                "standard_error": error,
                "sample_size": n,
                "seed": trial.seed,
                "version": MMD_VERSION,
            }

    @torch.no_grad()
    def iwae(self) -> Iterator[dict[str, float | int | str]]:
        """One evaluation row a trial: the importance-weighted NLL, in nats per example, of the first test examples."""
        values = torch.cat(list(self._iwae_blocks()), dim=1)
        for index, trial in enumerate(self.trials):
            yield {
                "metric": "iwae_nll",
                "value": float(values[index].mean()),
                "standard_error": float(values[index].std() / len(values[index]) ** 0.5),
                "sample_size": values.shape[1],
                "draws": IWAE_DRAWS,
                "seed": trial.seed,
                "version": IWAE_VERSION,
            }

    def _iwae_blocks(self) -> Iterator[Tensor]:
        """−log p(y) of each test example, (pack, rows) a block, in float64."""
        stack, generators = self.stack, self._generators("iwae")
        x_all, y_all = (torch.from_numpy(part[:IWAE_POINTS]) for part in (self.data.test, self.data.test_y))
        gamma = self.gamma[:, None]
        for x, y in zip(x_all.split(_BLOCK), y_all.split(_BLOCK), strict=True):
            x, y = (part.to(stack.device, stack.dtype) for part in (x, y))
            mu, log_var = stack.call("encode", x)
            weights = []
            for _ in range(IWAE_DRAWS):
                eps = self._draw(generators, len(x))[self._seed_of]
                z = mu + (0.5 * log_var).exp() * eps
                error = squared_error(y.expand(len(stack), *y.shape), stack.call("decode", z)).double()
                weights.append(log_weights(error, z.double(), eps.double(), log_var.double(), gamma, stack.d))
            yield nll(torch.stack(weights))

    @torch.no_grad()
    def sample_variance(self) -> Iterator[dict[str, float | int | str]]:
        """One evaluation row a trial: tr Cov m(z) over z ~ N(0, I), in data²: how far samples lie apart.

        Source: derived from Wang & Ziyin (2022), eqs. 11-13, as what their figure 3 shows; Σ‖u_j‖² for a linear decoder.
        """
        blocks = self._draws("sample_variance", SAMPLES).split(_BLOCK, dim=1)
        means = [self.stack.call("decode", z[self._seed_of]).double().sum(1) for z in blocks]
        mean = torch.stack(means).sum(0)[:, None] / SAMPLES
        # Decoded again rather than kept: a pack of image networks would fill the memory.
        away = torch.cat([squared_error(self.stack.call("decode", z[self._seed_of]), mean) for z in blocks], dim=1)
        for trial, squares in zip(self.trials, away, strict=True):
            yield {
                "metric": "sample_variance",
                "value": float(squares.sum() / (SAMPLES - 1)),
                "standard_error": float(squares.std() / SAMPLES**0.5),
                "sample_size": SAMPLES,
                "seed": trial.seed,
                "version": SAMPLE_VARIANCE_VERSION,
            }

    @torch.no_grad()
    def pictures(self) -> dict[str, np.ndarray]:
        """For image data: test images, their reconstructions at E[z|x], and samples, (pack, images, *spec.image)."""
        if self.data.spec.image is None:
            return {}
        rows = torch.from_numpy(self.data.test[:PICTURES]).to(self.stack.device, self.stack.dtype)
        mu, _ = self.stack.call("encode", rows)
        images = {
            "original": rows.expand(len(self.stack), *rows.shape),
            "reconstruction": self.stack.call("decode", mu),
            "sample": self.stack.call("decode", self._draws("samples", len(rows))[self._seed_of]),
        }
        shape = (len(self.stack), len(rows), *self.data.spec.image)
        return {
            name: (image.double().cpu().numpy() + self.data.mean).clip(-6e4, 6e4).astype(np.float16).reshape(shape)
            for name, image in images.items()
        }

    def _gamma(self) -> Tensor:
        """The final γ: trained, scheduled, or in closed form over the training set."""
        stack = self.stack
        end = torch.ones((), dtype=torch.float64, device=stack.device)
        return gamma_at(stack.exact_knobs, stack.log_gamma.double(), self.train.distortion, stack.d, end)

    def _moments(self, split: str, rows: np.ndarray, targets: np.ndarray, keep: int = 0) -> Moments:
        """Averages over a data set; the posteriors of the first `keep` rows or a few more are kept for the metrics."""
        stack, generators = self.stack, self._generators(split)
        size = _BLOCK * max(1, _CHUNK_NUMBERS // (len(stack) * (stack.d + stack.kappa) * _BLOCK))
        total: list[Tensor] = []
        chunks = zip(torch.from_numpy(rows).split(size), torch.from_numpy(targets).split(size), strict=True)
        for index, chunk in enumerate(chunks):
            x, y = (part.to(stack.device, stack.dtype) for part in chunk)
            mu, log_var = stack.call("encode", x)
            if index * size < keep:
                self._posteriors.append((mu, log_var))
            eps = self._draw(generators, len(x))[self._seed_of]
            sums = [value.double().sum(1) for value in self._per_example(y, mu, log_var, eps)]
            total = [a + b for a, b in zip(total, sums, strict=True)] if total else sums
        return Moments(*(value / len(rows) for value in total))

    def _per_example(self, y: Tensor, mu: Tensor, log_var: Tensor, eps: Tensor) -> Iterator[Tensor]:
        """The summands of `Moments`, each (pack, n, ...)."""
        for z in (mu + (0.5 * log_var).exp() * eps, mu):
            yield squared_error(y.expand(len(self.stack), *y.shape), self.stack.call("decode", z))
        yield latent_rates(mu, log_var)
        yield mu
        yield mu.double().square()
        yield log_var.exp()

    def _draws(self, purpose: str, n: int) -> Tensor:
        return self._draw(self._generators(purpose), n)

    def _generators(self, purpose: str) -> list[torch.Generator]:
        return [stream(seed, purpose) for seed in self._seeds]

    def _draw(self, generators: Sequence[torch.Generator], n: int) -> Tensor:
        """Standard normal draws (seeds, n, kappa)."""
        stack, blocks = self.stack, -(-n // _BLOCK)
        drawn = [normal(generator, blocks, (_BLOCK, stack.kappa), stack.dtype) for generator in generators]
        return torch.stack(drawn).flatten(1, 2)[:, :n].to(stack.device)


@dataclass(frozen=True)
class Metric:
    """A metric of the evaluations table: the version of its definition, and its rows, one a trial."""

    version: int
    rows: Callable[[Measure], Iterator[dict[str, float | int | str]]]


METRICS = {
    "mmd_imq": Metric(MMD_VERSION, Measure.mmd),
    "iwae_nll": Metric(IWAE_VERSION, Measure.iwae),
    "sample_variance": Metric(SAMPLE_VARIANCE_VERSION, Measure.sample_variance),
}
"""Every metric that is computed after training, by the name it has in the evaluations table."""
