"""The area under the ROC curve, its error and interval; reconstruction errors as scores."""

from statistics import NormalDist

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from models.metrics.auroc import auroc
from models.metrics.outliers import principal_reconstructions, reconstruction_errors


def test_the_area_is_the_share_of_ordered_pairs_with_ties_as_halves():
    rng = np.random.default_rng(0)
    inliers, outliers = rng.integers(0, 8, 70).astype(float), rng.integers(2, 10, 40).astype(float)
    expected = roc_auc_score([0] * 70 + [1] * 40, np.concatenate([inliers, outliers]))
    found = auroc(inliers, outliers)
    assert found.value == pytest.approx(expected, abs=1e-12)
    assert found.low < found.value < found.high
    assert auroc(outliers, inliers).value == pytest.approx(1 - expected, abs=1e-12)
    assert auroc(outliers, inliers).standard_error == pytest.approx(found.standard_error)


def test_the_error_is_delongs_by_its_definition():
    rng = np.random.default_rng(0)
    inliers, outliers = rng.standard_normal(30), rng.standard_normal(20) + 1
    pairs = (outliers[:, None] > inliers).astype(float)
    expected = pairs.mean(1).var(ddof=1) / 20 + pairs.mean(0).var(ddof=1) / 30
    assert auroc(inliers, outliers).standard_error == pytest.approx(expected**0.5, abs=1e-12)


@pytest.mark.parametrize(("shift", "scale"), [(0.0, 1.0), (1.0, 3.0), (2.0, 1.0), (4.0, 1.0), (5.5, 1.0)])
def test_intervals_hold_the_true_area_as_often_as_they_say(shift, scale):
    """Binormal scores, whose area is Φ(δ/√(1+s²)); the last are mostly separated without an error."""
    rng = np.random.default_rng(0)
    truth = NormalDist().cdf(shift / np.hypot(1, scale))
    found = [auroc(rng.standard_normal(100), shift + scale * rng.standard_normal(50)) for _ in range(300)]
    assert np.mean([each.low <= truth <= each.high for each in found]) >= 0.9
    if truth < 0.99:
        spread = np.std([each.value for each in found])
        assert np.mean([each.standard_error for each in found]) == pytest.approx(spread, rel=0.1)
        assert np.mean([each.low <= truth <= each.high for each in found]) <= 0.99


def test_a_perfect_separation_still_has_an_interval():
    found = auroc(np.arange(50.0), np.arange(50.0) + 100)
    assert (found.value, found.high) == (1, 1)
    assert 0.9 < found.low < 0.98
    worst = auroc(np.arange(50.0) + 100, np.arange(50.0))
    assert (worst.low, worst.high) == pytest.approx((0, 1 - found.low))
    assert auroc(np.arange(500.0), np.arange(500.0) + 1000).low > found.low


def test_scores_that_cannot_be_ranked_are_refused():
    with pytest.raises(ValueError, match="two inliers and two outliers at least, not 1 and 3"):
        auroc(np.zeros(1), np.zeros(3))
    with pytest.raises(ValueError, match="NaN"):
        auroc(np.zeros(3), np.array([1.0, np.nan]))


def test_principal_components_reconstruct_their_plane_and_miss_what_lies_off_it():
    """A sine arc in a plane: two components reconstruct it exactly, and outliers of the plane as well."""
    rng = np.random.default_rng(0)
    plane = np.linalg.qr(rng.standard_normal((20, 2)))[0]
    t = rng.uniform(-3, 3, 400)
    arc = np.stack([t, np.sin(2 * t)], axis=1) @ plane.T + 1.0
    in_plane = rng.uniform(-3, 3, (100, 2)) @ plane.T + 1.0
    off_plane = in_plane + 0.1 * rng.standard_normal((100, 20))
    errors = [
        reconstruction_errors(x, principal_reconstructions(arc[:300], x, 2)) for x in (arc[300:], in_plane, off_plane)
    ]
    assert errors[0].max() < 1e-10
    assert errors[1].max() < 1e-10
    assert auroc(errors[0], errors[2]).value == 1
    one = [reconstruction_errors(x, principal_reconstructions(arc[:300], x, 1)).mean() for x in (arc[:300],)]
    values = np.linalg.eigvalsh(np.cov(arc[:300].T, ddof=0))
    assert one[0] == pytest.approx(values[-2])


def test_a_component_beyond_the_dimensions_is_refused():
    with pytest.raises(ValueError, match="3 dimensions have no 4 principal components: choose k in 0 to 3"):
        principal_reconstructions(np.zeros((5, 3)), np.zeros((5, 3)), 4)
