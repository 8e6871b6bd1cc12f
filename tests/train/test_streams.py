"""Random streams: drawn ahead and gone on with, they give the numbers that were drawn one by one."""

from itertools import islice

import pytest
import torch

from models.streams import Batches, minibatches, noise


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("batch", "kappa"), [(64, 2), (20, 3), (5, 2), (300, 4)])
def test_drawing_ahead_changes_no_draw(batch, kappa, dtype):
    """To the last bit, over several epochs and blocks: 16 normal draws a group, whole groups or not, or fewer than one."""
    seeds, n = (0, 7), 200
    ahead = Batches(seeds, n, batch, kappa, dtype, torch.device("cpu"))
    orders = [minibatches(seed, n, batch) for seed in seeds]
    noises = [noise(seed, min(batch, n), kappa, dtype) for seed in seeds]
    for rows, eps in islice(ahead, 150):
        assert torch.equal(rows, torch.stack([next(order) for order in orders]))
        assert torch.equal(eps, torch.stack([next(draws) for draws in noises]))


@pytest.mark.parametrize("at", [0, 1, 63, 64, 65, 99, 100, 101, 200])
def test_streams_go_on_from_where_they_stood(at):
    """Before the first batch, within a block, at its end, at an epoch's end and behind it; and a second time."""
    sizes = ((0, 7), 300, 3, 5, torch.float32, torch.device("cpu"))
    first = Batches(*sizes)
    for _ in islice(first, at):
        pass
    state, expected = first.state(), list(islice(first, 130))
    second = Batches(*sizes)
    next(second)
    second.go_to(state)
    assert all(torch.equal(second.state()[name], place) for name, place in state.items())
    for ours, theirs in zip(islice(second, 130), expected, strict=True):
        assert all(map(torch.equal, ours, theirs))
    assert all(torch.equal(second.state()[name], place) for name, place in first.state().items())
