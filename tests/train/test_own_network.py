"""A user's own network in packs, and which are refused."""

import pytest
import torch
from reference_loop import train_alone
from trained_stacks import MODES, numbers_in_packs

from models.networks.build import build
from models.networks.methods import Methods
from study import (
    VAE,
    Digits,
    ImageVAE,
    LinearSubspace,
    Own,
    PlantedManifold,
    Trial,
)

OWN_NETWORK = """
import torch
from torch import nn

from models.specs import VAE
from models.networks.vae import GaussianVAE

WIDTH = 8  # used by Plain: part of its source
UNUSED = "not used by Plain: no part of it"


class Plain(nn.Module):
    def __init__(self, d, kappa, width=WIDTH):
        super().__init__()
        self.body = nn.Linear(d, width)
        self.mu = nn.Linear(width, kappa)
        self.log_var = nn.Linear(width, kappa)
        self.out = nn.Linear(kappa, d)

    def encode(self, x):
        h = torch.relu(self.body(x))
        return self.mu(h), self.log_var(h)

    def decode(self, z):
        return self.out(z)


class Derived(GaussianVAE):
    def __init__(self, d, kappa):
        super().__init__(VAE(kappa=kappa, encoder=(8,), decoder=(8,)), d)
        self.scale = nn.Parameter(torch.ones(d))

    def decode(self, z):
        return super().decode(z) * self.scale


class Narrow(Plain):
    def decode(self, z):
        return self.out(z)[:, :1]


class Mute(nn.Module):
    def encode(self, x):
        return x, x
"""

REFUSED = {
    "Narrow": r"Narrow: decode has shape \(2, 1\) for 2 rows: return \(2, 5\), d = 5 numbers a row",
    "Mute": "Mute has no decode",
}


def test_a_users_own_module_trains_in_a_pack_as_it_does_alone(make_trial, tmp_path, monkeypatch):
    (tmp_path / "plain.py").write_text(OWN_NETWORK)
    monkeypatch.syspath_prepend(tmp_path)
    import plain  # pyright: ignore[reportMissingImports]

    model = Own.of(plain.Plain, kappa=3, width=10)
    assert "UNUSED" not in model.source
    assert "WIDTH = 8" in model.source
    for name, words in REFUSED.items():
        with pytest.raises(ValueError, match=words):
            build(Own.of(getattr(plain, name), kappa=3), PlantedManifold(d=5), seed=0)
    for network in (model, Own.of(plain.Derived, kappa=3)):
        trials = [make_trial(model=network, gamma=gamma, seed=seed) for gamma in MODES for seed in (0, 1)]
        stacked = numbers_in_packs([Trial.model_validate_json(trial.model_dump_json()) for trial in trials], 8)
        for trial in trials:
            assert stacked[trial.trial_id] == pytest.approx(vars(train_alone(trial)), rel=1e-3)


def test_the_output_scale_is_a_factor_on_what_a_decoder_starts_with():
    """Of the last layer and of an affine skip: the mean of p(x|z) is small at first, and nothing else is different."""
    pictures, rows = Digits(), LinearSubspace(d=64)
    cases = ((VAE(kappa=2), rows), (VAE(kappa=2, skip="affine"), rows), (ImageVAE(kappa=2, skip="affine"), pictures))
    for spec, data in cases:
        small = spec.model_copy(update={"output_scale": 0.1})
        whole, tenth = (Methods(build(each, data, 3)) for each in (spec, small))
        z = torch.randn(7, 2, generator=torch.Generator().manual_seed(0))
        assert torch.allclose(tenth("decode", z), 0.1 * whole("decode", z), atol=1e-7)
        x = torch.randn(7, 64, generator=torch.Generator().manual_seed(1))
        assert torch.equal(tenth("encode", x)[0], whole("encode", x)[0])
