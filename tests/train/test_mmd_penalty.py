"""The MMD penalty on the distribution of codes."""

import pytest
import torch
from staged_trials import an_autoencoder, train

from models.metrics.mmd import batch_mmd, mmd_imq
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


def test_the_slope_of_the_penalty_is_that_of_its_value():
    generator = torch.Generator().manual_seed(0)
    z, prior = (torch.randn(2, 9, 3, generator=generator, dtype=torch.float64) for _ in range(2))
    assert torch.autograd.gradcheck(lambda codes: batch_mmd(codes, prior), z.requires_grad_())


def test_the_penalty_draws_codes_towards_the_prior(tmp_path):
    home = Home(tmp_path)
    free = an_autoencoder(kappa=3)
    held = free.model_copy(update={"objective": Objective(gamma=Fixed(0.5), beta=0, penalty=MMD(weight=20))})
    assert free.pack_key == held.pack_key
    train(home, free, held)
    mmd = {row["trial_id"]: row["value"] for row in read(home, "evaluations").to_pylist() if row["metric"] == "mmd_imq"}
    assert mmd[held.trial_id] < 0.5 * mmd[free.trial_id]
