"""Statistically different bins and the divergence of their shares, against SciPy's tests and their own nulls."""

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import chi2_contingency

from models.metrics.ndb import different_bins, fit_bins, jensen_shannon, jensen_shannon_null


def clusters(rng, n, k=10, d=3, weights=None):
    """Rows about k far centres, which all calls share, and the centre of each row."""
    centres = 50 * np.random.default_rng(7).standard_normal((k, d))
    of = rng.choice(k, n, p=weights)
    return centres[of] + rng.standard_normal((n, d)), of


def test_a_bin_differs_where_the_test_of_two_proportions_says_so():
    """Without Yates' correction, the χ² test of a 2×2 table is the two-sided z-test with pooled proportions."""
    rng = np.random.default_rng(0)
    reference, sample = rng.multinomial(800, [0.1] * 10), rng.multinomial(300, np.arange(1, 11) / 55)
    tables = [[[a, 800 - a], [b, 300 - b]] for a, b in zip(reference, sample, strict=True)]
    expected = [chi2_contingency(table, correction=False).pvalue < 0.05 for table in tables]  # pyright: ignore[reportAttributeAccessIssue]
    assert 0 < sum(expected) < 10
    assert different_bins(reference, sample)[0] == np.mean(expected)


def test_bins_that_are_empty_in_both_are_not_different():
    assert different_bins(np.array([50, 50, 0, 0]), np.array([10, 90, 0, 0]))[0] == 0.5
    assert different_bins(np.array([500, 500]), np.array([700, 0]))[0] == 1


def test_samples_of_the_data_differ_in_one_bin_of_twenty():
    rng = np.random.default_rng(0)
    bins = fit_bins(rng.standard_normal((10_000, 4)), 100)
    counts = bins.counts(rng.standard_normal((10_000, 4)))
    found = [different_bins(counts, bins.counts(rng.standard_normal((2000, 4)))) for _ in range(20)]
    values, errors = np.array(found).T
    assert values.mean() == pytest.approx(0.05, abs=0.02)
    assert np.sqrt(np.square(errors).mean()) == pytest.approx(values.std(ddof=1), rel=0.5)
    assert max(abs(values - 0.05) / errors) < 4


def test_lost_clusters_and_a_wrong_width_are_seen():
    rng = np.random.default_rng(0)
    train, _ = clusters(rng, 5000)
    bins = fit_bins(train, 10)
    counts = bins.counts(clusters(rng, 5000)[0])
    lost = bins.counts(clusters(rng, 2000, weights=[0, 0] + [1 / 8] * 8)[0])
    assert np.sum(lost == 0) == 2
    assert different_bins(counts, lost)[0] > 0.5
    assert jensen_shannon(counts, lost)[0] > 10 * jensen_shannon_null(10, 5000, 2000)
    wide = fit_bins(rng.standard_normal((5000, 3)), 50)
    counts = wide.counts(rng.standard_normal((5000, 3)))
    assert different_bins(counts, wide.counts(1.5 * rng.standard_normal((2000, 3))))[0] > 0.5


def test_bins_are_planted_clusters_and_the_same_for_the_same_seed():
    train, of = clusters(np.random.default_rng(0), 3000)
    bins = fit_bins(train, 10)
    assert sorted(bins.counts(train)) == sorted(np.bincount(of))
    assert np.array_equal(bins.centres, fit_bins(train, 10).centres)
    assert not np.array_equal(bins.centres, fit_bins(train, 10, seed=1).centres)


def test_above_a_thousand_dimensions_bins_are_cut_in_a_sixth_of_them():
    rng = np.random.default_rng(0)
    train = np.zeros((60, 1200))
    train[:, :3] = 10 * rng.standard_normal((60, 3))
    bins = fit_bins(train + 1e-3 * rng.standard_normal(train.shape), 5)
    assert bins.dims is not None
    assert len(set(bins.dims)) == bins.centres.shape[1] == 200
    moved = train.copy()
    moved[:, np.setdiff1d(np.arange(1200), bins.dims)] = 1e6
    assert np.array_equal(bins.counts(moved), bins.counts(train))


def test_too_few_rows_are_one_sentence():
    with pytest.raises(ValueError, match="100 bins need as many training rows at least, not 40: use fewer bins"):
        fit_bins(np.zeros((40, 2)), 100)
    with pytest.raises(ValueError, match="need a row at least"):
        different_bins(np.array([1, 2]), np.array([0, 0]))


def test_the_divergence_is_that_of_scipy():
    reference, sample = np.array([500, 300, 200, 0, 0]), np.array([10, 0, 30, 60, 0])
    expected = jensenshannon(reference / 1000, sample / 100) ** 2
    assert jensen_shannon(reference, sample)[0] == pytest.approx(expected, rel=1e-12)
    assert jensen_shannon(np.array([5, 0]), np.array([0, 7]))[0] == pytest.approx(np.log(2))


@pytest.mark.parametrize("same", [False, True])
def test_the_errors_of_the_divergence_and_its_null_are_those_of_repeated_draws(same):
    rng = np.random.default_rng(0)
    p, n = np.arange(1, 41) / 820, (4000, 1500)
    q = p if same else np.full(40, 1 / 40)
    draws = zip(rng.multinomial(n[0], p, 400), rng.multinomial(n[1], q, 400), strict=True)
    values, errors = np.array([jensen_shannon(*draw) for draw in draws]).T
    assert np.sqrt(np.square(errors).mean()) == pytest.approx(values.std(ddof=1), rel=0.15)
    if same:
        assert values.mean() == pytest.approx(jensen_shannon_null(40, *n), rel=0.05)
        assert max(abs(values - jensen_shannon_null(40, *n)) / errors) < 4.5
