"""Fréchet and kernel distances, against SciPy's matrix roots, torchmetrics and repeated draws."""

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from models.data.load import load
from models.metrics.features import ConvFeatures, as_pictures, standardised
from models.metrics.frechet import frechet, frechet_gaussians
from models.metrics.kid import kernel_distance
from models.specs import Digits


def gaussian(rng, d, smallest=0.1):
    """Mean and covariance with a random basis and log-spaced eigenvalues in [smallest, 3]."""
    basis = np.linalg.qr(rng.standard_normal((d, d)))[0]
    return rng.standard_normal(d), basis * np.geomspace(smallest, 3, d) @ basis.T


def by_matrix_root(mean_a, a, mean_b, b):
    root = np.real(sqrtm(a @ b))
    return np.square(mean_a - mean_b).sum() + np.trace(a + b - 2 * root)


@pytest.mark.parametrize("d", [2, 20, 100])
def test_the_distance_of_two_gaussians_is_the_closed_form(d):
    rng = np.random.default_rng(d)
    a, b = gaussian(rng, d), gaussian(rng, d)
    assert frechet_gaussians(*a, *b) == pytest.approx(by_matrix_root(*a, *b), abs=1e-6)
    assert frechet_gaussians(*a, *a) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("smallest", [1e-9, 1e-13])
def test_nearly_singular_covariances_are_no_exception(smallest):
    rng = np.random.default_rng(0)
    a, b = gaussian(rng, 20, smallest), gaussian(rng, 20, smallest)
    assert frechet_gaussians(*a, *b) == pytest.approx(by_matrix_root(*a, *b), abs=1e-6)


def test_singular_covariances_of_one_basis_have_a_distance_in_closed_form():
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.standard_normal((12, 12)))[0]
    roots = np.where(np.arange(12) < 5, rng.uniform(1, 3, (2, 12)), 0)
    covariances = [basis * each**2 @ basis.T for each in roots]
    expected = np.square(roots[0] - roots[1]).sum() + 4
    assert frechet_gaussians(
        np.zeros(12), covariances[0], np.full(12, 1 / np.sqrt(3)), covariances[1]
    ) == pytest.approx(expected, abs=1e-6)


def draws(rng, n, d=6, shift=0.5, stretch=1.5):
    scale = np.linspace(1, stretch, d)
    return rng.standard_normal((n, d)), shift + scale * rng.standard_normal((n, d))


def test_the_distance_of_two_samples_is_that_of_their_moments():
    a, b = draws(np.random.default_rng(0), 300)
    b[:, -1] = b[:, 0]  # a feature twice
    moments = [part for x in (a, b) for part in (x.mean(0), np.cov(x.T))]
    assert frechet(a, b)[0] == pytest.approx(frechet_gaussians(*moments), abs=1e-6)
    assert frechet(a, a)[0] == pytest.approx(0, abs=1e-12)


def test_the_error_of_a_distance_is_that_of_repeated_draws():
    rng = np.random.default_rng(0)
    values, errors = np.array([frechet(*draws(rng, 500)) for _ in range(200)]).T
    assert errors.mean() == pytest.approx(values.std(ddof=1), rel=0.2)
    exact = 6 * 0.25 + np.square(np.linspace(1, 1.5, 6) - 1).sum()
    assert values.mean() == pytest.approx(exact, rel=0.05)


def test_fewer_rows_than_features_are_refused_with_the_remedy():
    with pytest.raises(ValueError, match=r"6 features needs more than 6 rows .* not 6 and 300: draw more samples"):
        frechet(np.zeros((6, 6)), np.zeros((300, 6)))


@pytest.mark.filterwarnings("ignore:Metric .* will save all extracted features")
def test_torchmetrics_says_the_same_of_the_same_features():
    from torchmetrics.image.fid import FrechetInceptionDistance
    from torchmetrics.image.kid import KernelInceptionDistance

    class Given(torch.nn.Module):
        num_features = 6

        def forward(self, x):
            return x

    a, b = (torch.from_numpy(x) for x in draws(np.random.default_rng(0), 400))
    fid = FrechetInceptionDistance(Given(), normalize=True)
    kid = KernelInceptionDistance(Given(), subsets=1, subset_size=400, normalize=True)
    for metric in (fid, kid):
        metric.update(a, real=True)
        metric.update(b, real=False)
    assert frechet(a.numpy(), b.numpy())[0] == pytest.approx(float(fid.compute()), abs=1e-9)
    assert kernel_distance(a, b)[0] == pytest.approx(float(kid.compute()[0]), rel=1e-9)


def test_the_kernel_distance_is_unbiased_and_knows_its_error():
    generator = torch.Generator().manual_seed(0)
    null = [kernel_distance(*torch.randn(2, 150, 5, generator=generator).double()) for _ in range(200)]
    values, errors = np.array(null).T
    assert abs(values.mean()) < 4 * values.std() / np.sqrt(200)
    assert values.std() < errors.mean() < 1.7 * values.std()
    assert max(abs(values) / errors) < 4
    shifted = [
        kernel_distance(*torch.randn(2, 150, 5, generator=generator).double() + torch.tensor([[[0.5]], [[0.0]]]))
        for _ in range(200)
    ]
    values, errors = np.array(shifted).T
    assert errors.mean() == pytest.approx(values.std(), rel=0.25)


def test_subsets_estimate_what_the_whole_sample_does():
    generator = torch.Generator().manual_seed(0)
    a, b = torch.randn(2, 2100, 4, generator=generator).double()
    halves = [kernel_distance(a[part] + 0.3, b[part]) for part in (slice(1050), slice(1050, 2100))]
    value, error = kernel_distance(a + 0.3, b)
    assert value == pytest.approx((halves[0][0] + halves[1][0]) / 2)
    assert error == pytest.approx(np.hypot(halves[0][1], halves[1][1]) / 2)


def test_random_features_see_what_covariances_cannot():
    """Gaussian noise of the digits' mean and covariance: no further off than digits in pixels, far off in features."""
    rng = np.random.default_rng(0)
    rows = np.asarray(load(Digits()).train, np.float64)[rng.permutation(1498)]
    real, other = rows[:749], rows[749:]
    made = rng.multivariate_normal(np.zeros(64), np.cov(rows.T), 749, method="eigh")
    assert frechet(real, made)[0] < 1.2 * frechet(real, other)[0]
    network = ConvFeatures((8, 8))
    of_real, of_other, of_made = (standardised(network(x), network(rows)).numpy() for x in (real, other, made))
    assert frechet(of_real, of_made)[0] > 10 * frechet(of_real, of_other)[0]


@pytest.mark.parametrize(("image", "size"), [((8, 8), 32), ((28, 28), 64), ((64, 64, 3), 96), ((128, 128, 3), 128)])
def test_random_features_are_the_same_network_at_every_call(image, size):
    rows = np.random.default_rng(0).standard_normal((3, int(np.prod(image)))).astype(np.float32)
    features = ConvFeatures(image)(rows)
    assert features.shape == (3, size)
    assert torch.equal(features, ConvFeatures(image)(rows))


def test_rows_become_pictures_in_their_order():
    pictures = np.random.default_rng(0).random((2, 5, 4, 3))
    rows = torch.from_numpy(pictures.reshape(2, -1))
    assert np.array_equal(as_pictures(rows, (5, 4, 3)).permute(0, 2, 3, 1), pictures)
    assert as_pictures(rows[:, :20], (5, 4)).shape == (2, 1, 5, 4)


def test_a_feature_that_never_varies_is_zero():
    features = torch.randn(50, 3, generator=torch.Generator().manual_seed(0))
    features[:, 1] = 2
    scaled = standardised(features, features)
    assert torch.all(scaled[:, 1] == 0)
    assert scaled.std(0)[[0, 2]].numpy() == pytest.approx([1, 1], rel=1e-5)
