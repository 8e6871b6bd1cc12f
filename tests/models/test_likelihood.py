"""Likelihoods against other people's: densities, probabilities of levels, and what a decoder shows."""

import math

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.special import log_softmax, logsumexp

from models.data.disk_rows import LEVEL
from models.loss.discrete import Bitwise, Categorical, LogisticMixture
from models.loss.levels import Levels
from models.loss.likelihood import (
    GRID_STEP,
    BetaNormal,
    DecodedNormal,
    ImageNormal,
    PixelNormal,
    SharedNormal,
    StudentT,
)

D, N = 6, 40


def drawn(*shape, seed=0, scale=1.0):
    return torch.from_numpy(scale * np.random.default_rng(seed).standard_normal(shape))


def pictures(count, d=D, n=N, seed=1):
    """Levels (n, d), every one among them where there is room, and the data set's own rows of them."""
    rng = np.random.default_rng(seed)
    values = rng.integers(0, count, (n, d))
    values[:2] = [[0], [count - 1]]
    levels = Levels(count, torch.from_numpy(rng.uniform(0.2, 0.6, d)))
    return values, levels, torch.from_numpy(values / (count - 1)) - levels.mean


@pytest.mark.parametrize("count", [2, 17, 256])
def test_levels_come_back_from_float32_rows(count):
    values = np.arange(count)[:, None].repeat(D, 1)
    mean = np.random.default_rng(0).uniform(0, 1, D)
    loaded = (values / (count - 1) - mean).astype(np.float32)
    streamed = values.astype(np.float32) * (LEVEL if count == 256 else np.float32(1 / (count - 1))) - mean.astype("f4")
    for rows in (loaded, streamed):
        found = Levels(count, torch.from_numpy(mean)).of(torch.from_numpy(rows))
        assert found.numpy().tolist() == values.tolist()


def test_densities_are_scipys():
    mean, y, gamma = drawn(N, D), drawn(N, D, seed=1), torch.tensor(0.3, dtype=torch.float64)
    normal = SharedNormal(D)
    expected = -stats.norm.logpdf(y, mean, 0.3**0.5).sum(1)
    assert (normal.nats(mean, y, gamma) + normal.constant).numpy() == pytest.approx(expected)

    v = drawn(D, seed=2)
    pixel, out = PixelNormal(D, floor=0.1), torch.cat([mean, v.expand(N, D)], 1)
    stds = np.sqrt(0.1 + np.exp(v.numpy()))
    assert (pixel.nats(out, y, gamma) + pixel.constant).numpy() == pytest.approx(
        -stats.norm.logpdf(y, mean, stds).sum(1)
    )
    assert pixel.variance(out, y, gamma).numpy() == pytest.approx(np.full(N, (stds**2).mean()))

    decoded = DecodedNormal(D, init=0.4, floor=0.1)
    stds = np.sqrt(0.1 + 0.4 * np.exp(y.numpy()))  # any v of each value, beside its mean
    expected = -stats.norm.logpdf(y, mean, stds).sum(1)
    out = torch.stack([mean, y], -1).flatten(-2)
    assert (decoded.nats(out, y, gamma) + decoded.constant).numpy() == pytest.approx(expected)
    assert decoded.variance(out, y, gamma).numpy() == pytest.approx((stds**2).mean(1))

    each = np.maximum(((y - mean) ** 2).mean(1).numpy(), 1.5)  # the floor holds some of them
    image = ImageNormal(D, floor=1.5)
    expected = -stats.norm.logpdf(y, mean, np.sqrt(each)[:, None]).sum(1)
    assert (image.nats(mean, y, gamma) + image.constant).numpy() == pytest.approx(expected)
    assert 0 < (each == 1.5).sum() < N

    log_gammas = drawn(N, 1, seed=3)
    by_beta, out = BetaNormal(D), torch.cat([mean, log_gammas], 1)
    expected = -stats.norm.logpdf(y, mean, np.exp(0.5 * log_gammas.numpy())).sum(1)
    assert (by_beta.nats(out, y, gamma) + by_beta.constant).numpy() == pytest.approx(expected)
    assert by_beta.variance(out, y, gamma).numpy() == pytest.approx(np.exp(log_gammas[:, 0].numpy()))

    heavy = StudentT(D, freedom=4.0)
    expected = -stats.t.logpdf(y, 4, mean, math.sqrt(0.3 * 2 / 4)).sum(1)
    assert (heavy.nats(mean, y, gamma) + heavy.constant).numpy() == pytest.approx(expected)
    assert stats.t.var(4, scale=math.sqrt(0.3 * 2 / 4)) == pytest.approx(0.3)  # γ is a variance here too


def test_a_variance_for_each_image_is_the_best_one():
    mean, y = drawn(N, D), drawn(N, D, seed=1)
    best = ImageNormal(D, floor=0.0).nats(mean, y, torch.tensor(1.0))
    for gamma in np.geomspace(0.05, 20, 30):
        assert (best <= SharedNormal(D).nats(mean, y, torch.tensor(gamma)) + 1e-12).all()


def bins(distribution, values, count, mean):
    """−log of the probability of every level's bin, by scipy's distribution function of rows that lie about `mean`."""
    edges = (np.stack([values - 0.5, values + 0.5]) / (count - 1)) - mean
    low = np.where(values > 0, distribution.cdf(edges[0]), 0)
    high = np.where(values < count - 1, distribution.cdf(edges[1]), 1)
    return -np.log(high - low).sum(1)


@pytest.mark.parametrize("count", [2, 17, 256])
def test_densities_are_integrated_over_the_bins_of_levels(count):
    values, levels, y = pictures(count)
    mean, gamma = drawn(N, D, scale=0.3), torch.tensor(0.09, dtype=torch.float64)
    normal = SharedNormal(D, levels).level_nats(mean, y, gamma).numpy()
    assert normal == pytest.approx(bins(stats.norm(mean, 0.3), values, count, levels.mean.numpy()), rel=1e-9)
    heavy = StudentT(D, 5.0, levels).level_nats(mean, y, gamma).numpy()
    scale = 0.3 * (3 / 5) ** 0.5
    assert heavy == pytest.approx(bins(stats.t(5, mean, scale), values, count, levels.mean.numpy()), rel=1e-9)
    v = drawn(D, seed=2)
    pixel = PixelNormal(D, 0.01, levels).level_nats(torch.cat([mean, v.expand(N, D)], 1), y, gamma).numpy()
    stds = np.sqrt(0.01 + np.exp(v.numpy()))
    assert pixel == pytest.approx(bins(stats.norm(mean, stds), values, count, levels.mean.numpy()), rel=1e-9)


def test_a_narrower_density_gains_nothing_in_the_open_bin_of_an_end():
    """About its edge it gets one half at every scale; further in the end's level costs more the narrower the density."""
    levels = Levels(256, torch.zeros(1, dtype=torch.float64))

    def costs(level, mean):
        y, centre = (torch.tensor([[value]], dtype=torch.float64) for value in (level / 255, mean))
        gammas = torch.tensor([1.0, 0.3, 0.1, 0.03], dtype=torch.float64) ** 2
        return [float(SharedNormal(1, levels).level_nats(centre, y, gamma)) for gamma in gammas]

    for end, inwards in ((0, 1), (255, -1)):
        edge = (end + 0.5 * inwards) / 255
        assert costs(end, edge) == pytest.approx([math.log(2)] * 4)
        further_in = costs(end, edge + 0.05 * inwards)
        assert [math.log(2), *further_in] == sorted([math.log(2), *further_in])
    between = costs(100, 100 / 255)
    assert between == sorted(between, reverse=True)


def test_a_bin_far_from_the_mean_keeps_its_probability():
    """30 standard deviations off, on either side, where differences of distribution functions are 0 or 1 − 1."""
    levels, y = Levels(256, torch.zeros(D, dtype=torch.float64)), torch.full((1, D), 128 / 255, dtype=torch.float64)
    for side in (-1, 1):
        mean = y + side * 0.3
        found = SharedNormal(D, levels).level_nats(mean, y, torch.tensor(1e-4, dtype=torch.float64)).item()
        near, far = stats.norm.logsf((0.3 + np.array([-0.5, 0.5]) / 255) / 0.01)
        assert found == pytest.approx(-D * logsumexp([near, far], b=[1, -1]), rel=1e-7)


def test_with_small_bins_a_probability_is_a_density_times_the_bins_width():
    values, levels, y = pictures(256)
    y, gamma = y[2:], torch.tensor(0.25, dtype=torch.float64)
    inside = np.flatnonzero(((values[2:] > 0) & (values[2:] < 255)).all(1))
    mean = drawn(len(y), D, scale=0.1)
    for likelihood in (SharedNormal(D, levels), StudentT(D, 4.0, levels)):
        density = likelihood.nats(mean, y, gamma) + likelihood.constant
        assert likelihood.level_nats(mean, y, gamma)[inside].numpy() == pytest.approx(
            density[inside].numpy() + D * math.log(255), abs=1e-4
        )


def test_student_t_with_many_degrees_is_normal():
    mean, y, gamma = drawn(N, D), drawn(N, D, seed=1), torch.tensor(0.5, dtype=torch.float64)
    normal, heavy = SharedNormal(D), StudentT(D, 1e6)
    expected = normal.nats(mean, y, gamma) + normal.constant
    assert heavy.nats(mean, y, gamma).numpy() == pytest.approx(expected.numpy(), abs=1e-3)


@pytest.mark.parametrize("count", [2, 17, 256])
def test_discrete_likelihoods_are_scipys(count):
    values, levels, y = pictures(count)
    rows, columns = np.indices(values.shape)
    gamma = torch.tensor(1.0)

    out = drawn(N, D, count)
    softmax = log_softmax(out.numpy(), -1)
    categorical = Categorical(levels, count)
    assert categorical.nats(out.flatten(1), y, gamma).numpy() == pytest.approx(
        -softmax[rows, columns, values].sum(1), rel=1e-9
    )

    width = (count - 1).bit_length()
    out = drawn(N, D, width)
    digits = (values[..., None] >> np.arange(width)) & 1
    expected = -stats.bernoulli.logpmf(digits, 1 / (1 + np.exp(-out.numpy()))).sum((1, 2))
    assert Bitwise(levels, width).nats(out.flatten(1), y, gamma).numpy() == pytest.approx(expected, rel=1e-9)

    out = drawn(N, D, 9, scale=0.5)
    weight, mean, log_scale = np.split(out.numpy(), 3, -1)
    edges = (np.stack([values - 0.5, values + 0.5]) / (count - 1) - levels.mean.numpy())[..., None]
    low, high = (stats.logistic.cdf(edge, mean, np.exp(log_scale)) for edge in edges)
    low = np.where((values > 0)[..., None], low, 0)
    high = np.where((values < count - 1)[..., None], high, 1)
    expected = -np.log((np.exp(log_softmax(weight, -1)) * (high - low)).sum(-1)).sum(1)
    assert LogisticMixture(levels, 9).nats(out.flatten(1), y, gamma).numpy() == pytest.approx(expected, rel=1e-7)


def every_level(count):
    """One example a level, of one value."""
    levels = Levels(count, torch.tensor([0.3], dtype=torch.float64))
    return levels, torch.arange(count, dtype=torch.float64)[:, None] / (count - 1) - 0.3


@pytest.mark.parametrize("count", [2, 17, 256])
def test_probabilities_of_all_levels_sum_to_one(count):
    levels, y = every_level(count)
    width = (count - 1).bit_length()
    cases = {
        SharedNormal(1, levels): 1,
        StudentT(1, 4.0, levels): 1,
        PixelNormal(1, 0.01, levels): 2,
        Categorical(levels, count): count,
        LogisticMixture(levels, 9): 9,
        Bitwise(levels, width): width,
        ImageNormal(1, 0.0, levels): 1,
    }
    for likelihood, outputs in cases.items():
        out = drawn(1, outputs, seed=3).expand(count, outputs)
        total = torch.exp(-likelihood.level_nats(out, y, torch.tensor(0.02, dtype=torch.float64))).sum().item()
        loses = isinstance(likelihood, ImageNormal) or (isinstance(likelihood, Bitwise) and count == 17)
        assert total < 1 if loses else total == pytest.approx(1, rel=1e-9)


def test_a_variance_for_each_image_is_paid_for():
    """Never below what the mixture over the grid gives, which is a likelihood; at inner levels only the grid's step above."""
    _, levels, y = pictures(256, d=400)
    mean = y + drawn(N, 400, scale=0.1)
    found = ImageNormal(400, 0.0, levels).level_nats(mean, y, torch.tensor(1.0))
    least = (0.25 / 255) ** 2
    size = math.ceil(-math.log(least) / math.log(GRID_STEP)) + 1
    grid = [torch.tensor(least * GRID_STEP**i, dtype=torch.float64) for i in range(size)]
    each = torch.stack([SharedNormal(400, levels).level_nats(mean, y, gamma) for gamma in grid])
    mixture = math.log(size) - torch.logsumexp(-each, 0)
    best = each.amin(0) + math.log(size)
    assert (found >= mixture).all()
    assert (found >= best - 1e-9).all()
    assert (found - best)[2:].max() < 400 * math.log(GRID_STEP) ** 2 / 8


def test_what_is_shown_is_the_mean_level():
    levels, _ = every_level(16)
    all_levels, gamma = torch.arange(16.0, dtype=torch.float64)[:, None], torch.tensor(1.0)
    for likelihood, outputs in ((Categorical(levels, 16), 16), (Bitwise(levels, 4), 4)):
        out = drawn(1, outputs, seed=4)
        chances = torch.exp(-likelihood.nats(out.expand(16, outputs), levels.centred(all_levels), gamma))
        expected = (chances * all_levels[:, 0]).sum() / 15 - 0.3
        assert likelihood.mean(out).item() == pytest.approx(expected.item())
    out = torch.tensor([[0.0, 0.0, math.log(3), 0.1, -9.0, 9.0, 0.0, 0.0, 0.0]], dtype=torch.float64)
    assert LogisticMixture(levels, 9).mean(out).item() == pytest.approx((1 * 0.4 + 1 * 0 + 3 * 1) / 5 - 0.3)
