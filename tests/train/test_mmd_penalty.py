"""The MMD penalty on the distribution of codes."""

import pytest
import torch
from staged_trials import an_autoencoder, train

from models.metrics import batch_mmd as batches
from models.metrics.batch_mmd import batch_mmd
from models.metrics.mmd import mmd_imq
from study import (
    MMD,
    Fixed,
    Objective,
)
from study.record import Home, read


def test_the_penalty_is_the_unbiased_mmd():
    generator = torch.Generator().manual_seed(0)
    z, prior = (torch.randn(2, 40, 3, generator=generator, dtype=torch.float64) for _ in range(2))
    both = batch_mmd(z, prior)
    for index in range(2):
        assert float(both[index]) == pytest.approx(mmd_imq(z[index], prior[index])[0], abs=1e-10)


@pytest.mark.parametrize("pairs", [1, 200, 10_000])
def test_its_slope_is_that_of_its_value_whatever_is_computed_at_a_time(monkeypatch, pairs):
    monkeypatch.setattr(batches, "_PAIRS", pairs)
    generator = torch.Generator().manual_seed(1)
    z, prior = (torch.randn(3, 9, 2, generator=generator, dtype=torch.float64) for _ in range(2))
    weights = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda codes: weights * batch_mmd(codes, prior), z.requires_grad_(True))
    expected = [mmd_imq(own, other)[0] for own, other in zip(z.detach(), prior, strict=True)]
    assert batch_mmd(z, prior).tolist() == pytest.approx(expected, abs=1e-10)


def test_the_penalty_draws_codes_towards_the_prior(tmp_path):
    home = Home(tmp_path)
    free = an_autoencoder(kappa=3)
    held = free.model_copy(update={"objective": Objective(gamma=Fixed(0.5), beta=0, penalty=MMD(weight=20))})
    assert free.pack_key == held.pack_key
    train(home, free, held)
    mmd = {row["trial_id"]: row["value"] for row in read(home, "evaluations").to_pylist() if row["metric"] == "mmd_imq"}
    assert mmd[held.trial_id] < 0.5 * mmd[free.trial_id]
