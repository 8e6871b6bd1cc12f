"""What training ended with: every number of a trial's record, measured on whole data sets.

Per-latent statistics are taken over the training set, whose stationary points theory speaks of; distortion, rate and
objective over both sets. Sums run in float64.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from models.data.dataset import DataSet
from models.loss.gamma import gamma_at
from models.loss.objective import misfit, normal_constant, squared_error
from models.metrics.iwae import log_normal, nll, weighted
from models.metrics.mmd import means_to_the_others, mmd_imq
from models.specs.metrics import version_of
from models.streams import BLOCK, draws, stream
from study.declare.trial import Trial
from study.train.measure.moments import Moments
from study.train.stack.inputs import Inputs
from study.train.stack.stack import Stack

MMD_POINTS = 2000
IWAE_POINTS, IWAE_DRAWS = 500, 64
SLOPE_POINTS = 256
SAMPLES = 2000
PICTURES = 8
_CHUNK_NUMBERS = 4_000_000

ACTIVE_BELOW = 0.5
BURDA_ABOVE = 0.01


class Measure:
    """A trained stack, measured."""

    @torch.no_grad()
    def __init__(self, stack: Stack, trials: Sequence[Trial], data: DataSet, inputs: Inputs) -> None:
        self.stack, self.trials, self.data, self.inputs = stack, trials, data, inputs
        self._seeds = list(dict.fromkeys(trial.seed for trial in trials))
        self._seed_of = torch.tensor([self._seeds.index(trial.seed) for trial in trials], device=stack.device)
        self._posteriors: list[tuple[Tensor, Tensor]] = []
        self.train = self.moments("train", keep=MMD_POINTS)
        self.test = self.moments("test")
        self.gamma = self._gamma(self.train.distortion) if self.train.gamma is None else self.train.gamma

    def misfit(self, split: Literal["train", "test"]) -> Tensor:
        """What J counts of −log p(y|z) on the training or the test set, in nats an example, (pack,)."""
        moments = self.train if split == "train" else self.test
        return misfit(moments.distortion, self.gamma, self.stack.d) if moments.nats is None else moments.nats

    @property
    def constant(self) -> float:
        """What `misfit` leaves out of −log p(y|z), in nats an example."""
        return self.stack.likelihood.constant if self.stack.likelihood else normal_constant(self.stack.d)

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
        yield from self.mmd_of(*(torch.cat(parts, dim=1) for parts in zip(*self._posteriors, strict=True)))

    def mmd_of(self, mu: Tensor, log_var: Tensor) -> Iterator[dict[str, float | int | str]]:
        """The same of other posteriors of training examples, (pack, n, kappa) each, n ≥ `MMD_POINTS` if there are as many."""
        n = min(mu.shape[1], MMD_POINTS)
        eps, prior = self._draws("mmd", n), self._draws("prior", n)
        within_prior = [means_to_the_others(sample) for sample in prior]
        for index, trial in enumerate(self.trials):
            seed = self._seeds.index(trial.seed)
            z = mu[index, :n] + (0.5 * log_var[index, :n]).exp() * eps[seed]
            value, error = mmd_imq(z, prior[seed], within_prior[seed])
            yield {
                "metric": "mmd_imq",
                "value": value,
                "standard_error": error,
                "sample_size": n,
                "seed": trial.seed,
                "version": version_of("mmd_imq"),
            }

    @torch.no_grad()
    def iwae(self) -> Iterator[dict[str, float | int | str]]:
        """One evaluation row a trial: the importance-weighted NLL, in nats per example, of the first test examples."""
        values = torch.cat([nll(weights) for weights in self.importance(self._log_density)], dim=1)
        for index, trial in enumerate(self.trials):
            yield {
                "metric": "iwae_nll",
                "value": float(values[index].mean()),
                "standard_error": float(values[index].std() / len(values[index]) ** 0.5),
                "sample_size": values.shape[1],
                "draws": IWAE_DRAWS,
                "seed": trial.seed,
                "version": version_of("iwae_nll"),
            }

    @torch.no_grad()
    def importance(self, log_likelihood: Callable[[Tensor, Tensor], Tensor]) -> Iterator[Tensor]:
        """log w of each draw and test example, (draws, pack, rows) a block, in float64, given log p(y|z) of (y, outputs)."""
        stack, generators, left = self.stack, self._generators("iwae"), IWAE_POINTS
        for x, y in self.inputs.split("test", BLOCK):
            x, y = (part[..., :left, :] for part in (x, y))
            mu, log_var = stack.call("encode", x)
            weights = []
            for _ in range(IWAE_DRAWS):
                eps = self._draw(generators, x.shape[-2])[self._seed_of]
                z = mu + (0.5 * log_var).exp() * eps
                given = log_likelihood(y, stack.outputs("decode", z))
                weights.append(weighted(given, z.double(), eps.double(), log_var.double()))
            yield torch.stack(weights)
            left -= x.shape[-2]
            if not left:
                return

    def _log_density(self, y: Tensor, out: Tensor) -> Tensor:
        """log p(y|z), all constants kept."""
        gamma, likelihood = self.gamma[:, None], self.stack.likelihood
        if likelihood is None:
            return log_normal(squared_error(y, out).double(), gamma, self.stack.d)
        return -(likelihood.nats(out.double(), y.double(), gamma) + likelihood.constant)

    @torch.no_grad()
    def sample_variance(self) -> Iterator[dict[str, float | int | str]]:
        """One evaluation row a trial: tr Cov m(z) over z ~ N(0, I), in data²: how far samples lie apart.

        Source: derived from Wang & Ziyin (2022), eqs. 11-13, as what their figure 3 shows; Σ‖u_j‖² for a linear decoder.
        """
        blocks = self._draws("sample_variance", SAMPLES).split(BLOCK, dim=1)
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
                "version": version_of("sample_variance"),
            }

    @contextmanager
    def told(self, u: float) -> Iterator[None]:
        """Networks that see β, and the stages before them, at u."""
        self.stack.u = u
        self.inputs.see(u)
        try:
            yield
        finally:
            self.stack.u = None
            self.inputs.see(None)

    @torch.no_grad()
    def pictures(self) -> dict[str, np.ndarray]:
        """For image data, (pack, images, *spec.image): test images, their reconstructions at E[z|x], samples, and what is
        decoded along the line from the first image's E[z|x] to the second's."""
        if self.data.spec.image is None:
            return {}
        rows = torch.from_numpy(self.data.test[:PICTURES]).to(self.stack.device, self.stack.dtype)
        x, _ = next(self.inputs.split("test", BLOCK))
        mu, _ = self.stack.call("encode", x[..., :PICTURES, :])
        along = torch.linspace(0, 1, len(rows), device=mu.device, dtype=mu.dtype)[:, None]
        line = torch.lerp(mu[:, :1], mu[:, 1:2], along)
        images = {
            "original": rows.expand(len(self.stack), *rows.shape),
            "reconstruction": self.inputs.in_data(self.stack.call("decode", mu)),
            "sample": self.samples("samples", len(rows)),
            "interpolation": self.inputs.in_data(self.stack.call("decode", line)),
        }
        shape = (len(self.stack), len(rows), *self.data.spec.image)
        return {
            name: (image.double().cpu().numpy() + self.data.mean).clip(-6e4, 6e4).astype(np.float16).reshape(shape)
            for name, image in images.items()
        }

    @torch.no_grad()
    def samples(self, purpose: str, n: int) -> Tensor:
        """Samples of each trial's model in data space, (pack, n, d): z ~ N(0, I), and the decoders' means from there on."""
        return self.inputs.in_data(self.samples_of_codes(purpose, n))

    @torch.no_grad()
    def samples_of_codes(self, purpose: str, n: int) -> Tensor:
        """The same of what the trials decode, (pack, n, ·): of codes, where they stand on a stage.

        A second VAE models the density of latents, so there the decoder's noise is drawn too, as Dai & Wipf (2019) do.
        """
        z = self._draws(purpose, n)[self._seed_of]
        out = self.stack.call("decode", z)
        if self.inputs.is_noisy:
            noise = draws(self._generators(f"{purpose} noise"), n, self.stack.d, self.stack.dtype).to(out.device)
            out = out + self.gamma.sqrt().to(out.dtype)[:, None, None] * noise[self._seed_of]
        return out

    @torch.no_grad()
    def reconstructions(self, most: int) -> Tensor:
        """The first test examples, at most so many, reconstructed at E[z|x]: (pack, n, d), in data space."""
        parts, left = [], most
        for x, _ in self.inputs.split("test", BLOCK):
            mu, _ = self.stack.call("encode", x[..., :left, :])
            parts.append(self.inputs.in_data(self.stack.call("decode", mu)))
            left -= mu.shape[1]
            if not left:
                break
        return torch.cat(parts, dim=1)

    @torch.no_grad()
    def errors(self, rows: np.ndarray) -> Tensor:
        """‖x − m(E[z|x])‖² of any rows of data space (n, d): (pack, n), in float64 and data²."""
        parts = []
        for x in torch.from_numpy(rows).to(self.stack.device, self.stack.dtype).split(BLOCK):
            mu, _ = self.stack.call("encode", x)
            parts.append(squared_error(x.double(), self.stack.call("decode", mu).double()))
        return torch.cat(parts, dim=1)

    def _gamma(self, distortion: Tensor) -> Tensor:
        """The final γ: trained, scheduled, or in closed form over the training set, given the distortion there."""
        stack = self.stack
        end = torch.ones((), dtype=torch.float64, device=stack.device)
        return gamma_at(stack.exact_knobs, stack.log_gamma.double(), distortion, stack.d, end)

    def moments(self, split: str, keep: int = 0) -> Moments:
        """Averages over a data set; the posteriors of the first `keep` rows or a few more are kept for the metrics."""
        stack, generators = self.stack, self._generators(split)
        size = BLOCK * max(1, _CHUNK_NUMBERS // (len(stack) * (stack.width + stack.kappa) * BLOCK))
        total: list[Tensor] = []
        for index, (x, y) in enumerate(self.inputs.split(split, size)):
            mu, log_var = stack.call("encode", x)
            if index * size < keep:
                self._posteriors.append((mu, log_var))
            eps = self._draw(generators, x.shape[-2])[self._seed_of]
            original = self.inputs.original(split, index * size, size)
            sums = [value.double().sum(1) for value in self._per_example(y, original, mu, log_var, eps)]
            total = [a + b for a, b in zip(total, sums, strict=True)] if total else sums
        return Moments(*(value / self.inputs.sizes[split] for value in total))

    def _per_example(
        self, y: Tensor, original: Tensor | None, mu: Tensor, log_var: Tensor, eps: Tensor
    ) -> Iterator[Tensor]:
        """The summands of `Moments`, each (pack, n, ...)."""
        z, likelihood = mu + (0.5 * log_var).exp() * eps, self.stack.likelihood
        out = self.stack.outputs("decode", z)
        decoded = likelihood.mean(out) if likelihood else out
        yield (error := squared_error(y, decoded))
        yield squared_error(y, self.stack.call("decode", mu))
        yield error if original is None else squared_error(original, self.inputs.in_data(decoded))
        yield self.stack.rates(mu, log_var)
        yield mu
        yield mu.double().square()
        yield log_var.exp()
        if likelihood:
            gamma = self._gamma(torch.zeros_like(self.stack.exact_knobs["floor"]))[
                :, None
            ]  # none goes by the distortion
            yield likelihood.nats(out.double(), y.double(), gamma)
            yield likelihood.variance(out, y, gamma)

    def _draws(self, purpose: str, n: int) -> Tensor:
        return self._draw(self._generators(purpose), n)

    def _generators(self, purpose: str) -> list[torch.Generator]:
        return [stream(seed, purpose) for seed in self._seeds]

    def _draw(self, generators: Sequence[torch.Generator], n: int) -> Tensor:
        """Standard normal draws (seeds, n, kappa)."""
        return draws(generators, n, self.stack.kappa, self.stack.dtype).to(self.stack.device)
