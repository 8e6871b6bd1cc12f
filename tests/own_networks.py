"""Networks as people write them, to be trained as they are; a test writes them into a file and imports it."""

import importlib.util
import sys

NETWORKS = '''
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.distributions import Independent, Normal
from torch.nn.utils import parametrizations


class Plain(nn.Module):
    def __init__(self, d, kappa, width=8):
        super().__init__()
        self.body = nn.Linear(d, width)
        self.norm = nn.Identity()
        self.mu = nn.Linear(width, kappa)
        self.log_var = nn.Linear(width, kappa)
        self.out = nn.Linear(kappa, d)

    def features(self, x):
        return torch.tanh(self.norm(self.body(x)))

    def encode(self, x):
        h = self.features(x)
        return self.mu(h), self.log_var(h)

    def decode(self, z):
        return self.out(z)


class BatchNormed(Plain):
    def __init__(self, d, kappa, width=8):
        super().__init__(d, kappa, width)
        self.norm = nn.BatchNorm1d(width)


class Dropping(Plain):
    def __init__(self, d, kappa):
        super().__init__(d, kappa)
        self.drop = nn.Dropout(0.3)

    def features(self, x):
        return self.drop(super().features(x))


class AlphaDropping(Plain):
    def features(self, x):
        return nn.functional.alpha_dropout(super().features(x), 0.2, self.training)


class Noisy(Plain):
    def features(self, x):
        return super().features(x + 0.1 * torch.randn_like(x) if self.training else x)


class LayerNormed(Plain):
    def __init__(self, d, kappa):
        super().__init__(d, kappa)
        self.norm = nn.LayerNorm(8)


class Spectral(Plain):
    def __init__(self, d, kappa):
        super().__init__(d, kappa)
        self.body = parametrizations.spectral_norm(self.body)


class WeightNormed(Plain):
    def __init__(self, d, kappa):
        super().__init__(d, kappa)
        self.body = parametrizations.weight_norm(self.body)


class Tied(Plain):
    def __init__(self, d, kappa):
        super().__init__(d, kappa)
        self.other = nn.Linear(d, kappa, bias=False)
        self.other.weight = nn.Parameter(self.other.weight * 0.5)
        self.mirror = self.other

    def decode(self, z):
        return super().decode(z) + z @ self.mirror.weight

    def encode(self, x):
        mu, log_var = super().encode(x)
        return mu + self.other(x), log_var


class Lazy(Plain):
    def __init__(self, d, kappa):
        super().__init__(d, kappa)
        self.body = nn.LazyLinear(8)


class Frozen(Plain):
    def __init__(self, d, kappa):
        super().__init__(d, kappa)
        self.out.bias.requires_grad_(False)


class Loose(Plain):
    def __init__(self, d, kappa):
        super().__init__(d, kappa)
        self.mixing = torch.randn(d, d) / d**0.5

    def features(self, x):
        return super().features(x @ self.mixing)


class Fourier(Plain):
    def __init__(self, d, kappa):
        super().__init__(d, kappa)
        self.w = nn.Parameter(torch.polar(torch.ones(d // 2 + 1), torch.full((d // 2 + 1,), 1.5)))

    def features(self, x):
        return super().features(torch.fft.irfft(torch.fft.rfft(x) * self.w, n=x.shape[-1]))


class Branching(Plain):
    """It asks for values, which vmap has none of."""

    def features(self, x):
        return super().features(x) * (1.0 if x.mean() > 0 else 0.5)


class InPlace(Plain):
    def features(self, x):
        return super().features(x.relu_())

    def decode(self, z):
        return super().decode(z.mul_(2))


class OutOfPlace(Plain):
    def features(self, x):
        return super().features(x.relu())

    def decode(self, z):
        return super().decode(z * 2)


class NumPyDrawn(Plain):
    def __init__(self, d, kappa):
        super().__init__(d, kappa)
        self.register_buffer("w", torch.from_numpy(np.random.randn(d, d) / d**0.5).float())

    def features(self, x):
        return super().features(x @ self.w)


class Listed(Plain):
    def encode(self, x):
        return [*super().encode(x)]


class InADict(Plain):
    def encode(self, x):
        mu, log_var = super().encode(x)
        return {"logvar": log_var, "mu": mu, "z": mu}

    def decode(self, z):
        return {"reconstruction": super().decode(z)}


class Output(NamedTuple):
    log_covariance: torch.Tensor
    embedding: torch.Tensor


class Named(Plain):
    def encode(self, x):
        mu, log_var = super().encode(x)
        return Output(log_var, mu)


@dataclass
class Posterior:
    mean: torch.Tensor
    std: torch.Tensor


class Deviating(Plain):
    def encode(self, x):
        mu, log_var = super().encode(x)
        return Posterior(mu, (log_var / 2).exp())


class Distributed(Plain):
    def encode(self, x):
        mu, log_var = super().encode(x)
        return Independent(Normal(mu, (log_var / 2).exp()), 1)

    def decode(self, z):
        return Normal(super().decode(z), 1.0)


class InParts(nn.Module):
    """As in pythae: an encoder and a decoder in the place of methods."""

    def __init__(self, d, kappa):
        super().__init__()
        self.inner = Plain(d, kappa)
        self.encoder, self.decoder = self.inner.encode, self.inner.decode


class Renamed(nn.Module):
    def __init__(self, input_dim, latent_dim, hidden=8):
        super().__init__()
        self.inner = Plain(input_dim, latent_dim, hidden)

    def encode(self, x):
        return self.inner.encode(x)

    def decode(self, z):
        return self.inner.decode(z)


def made(d, kappa):
    """A function that builds a network is as good as a class."""
    return Plain(d, kappa)


class Pictures(nn.Module):
    """Convolutions, with statistics and dropout, on pictures of one colour."""

    def __init__(self, kappa):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Dropout2d(0.2)
        )
        self.mu, self.log_var = nn.Conv2d(4, kappa, 4), nn.Conv2d(4, kappa, 4)
        self.up = nn.Linear(kappa, 64)
        self.out = nn.ConvTranspose2d(4, 1, 4, stride=2, padding=1)

    def encode(self, x):
        h = self.body(x)
        return self.mu(h), self.log_var(h)

    def decode(self, z):
        return self.out(torch.relu(self.up(z)).view(-1, 4, 4, 4))
'''


def imported(folder, source=NETWORKS, name="own_nets"):
    """The module of a source, written into a folder."""
    path = folder / f"{name}.py"
    path.write_text(source)
    spec = importlib.util.spec_from_file_location(f"{name}_{folder.name}", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
