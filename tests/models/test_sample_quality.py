"""All metrics of generated rows beside their nulls: which are told, by which name, and that they tell good from bad."""

import hashlib
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from models.data.load import load
from models.data_folders import DataError
from models.metrics import inception, sample_quality
from models.metrics.downsample import downsampled
from models.metrics.measurement import Measurement
from models.metrics.mmd import data_variance, mmd, rbf
from models.metrics.sample_quality import Reference, reference, sample_metrics
from models.specs import Digits, PlantedManifold
from study.record.schema import EVALUATIONS

PLANTED = PlantedManifold(n=4000, n_test=1200)


def by_name(measured):
    return {each.metric: each for each in measured}


def test_data_without_pictures_have_the_metrics_that_their_sizes_can_bear():
    found = by_name(reference(PLANTED).measured(load(PLANTED).test[:1100], seed=3))
    names = {"ndb_100", "ndb_200", "js_100", "js_200", "mmd_x", "fd_x"}  # 300 bins expect fewer than five rows
    assert found.keys() == names | {f"{name}_null" for name in names}
    assert {each.sample_size for each in found.values()} == {1100}
    assert {each.seed for each in found.values()} == {3}


def test_real_examples_score_their_null_and_wrong_ones_do_not():
    """Rows of the manifold that the reference has not seen; Gaussian noise of the data's mean and covariance."""
    rng = np.random.default_rng(0)
    data: Any = load(PLANTED)
    against = Reference(data.train[:2800], data.test, None)
    made = rng.multivariate_normal(np.zeros(20), np.cov(data.train.T), 1200).astype(np.float32)
    for rows, good in ((data.train[2800:], True), (made, False)):
        found = by_name(against.measured(rows, seed=0))
        for name in ("ndb_100", "js_100", "mmd_x"):
            ours, null = found[name], found[f"{name}_null"]
            away = abs(ours.value - null.value) / np.hypot(ours.standard_error, null.standard_error)
            assert away < 4 if good else away > 2.5 and ours.value > 2 * null.value, name
        assert found["ndb_100_null"].value == pytest.approx(0.05, abs=0.06)


def test_the_null_is_made_of_examples_that_nothing_was_fitted_to():
    data: Any = load(PLANTED)
    made = reference(PLANTED)
    sets = [{row.tobytes() for row in rows} for rows in (made.fitted, made.held_out, data.test)]
    assert [len(each) for each in sets] == [2000, 2000, 1200]
    assert sets[0] | sets[1] == {row.tobytes() for row in data.train}
    assert not sets[0] & sets[1]


def test_pictures_have_distances_in_features_that_are_never_called_fid(monkeypatch):
    monkeypatch.delenv("COLLAPSAR_INCEPTION", raising=False)
    data: Any = load(Digits())
    rows = sample_metrics(data.train, data.test, data.train[:200] + 0.2, (8, 8), 0, data.mean)
    names = {"mmd_x", "fd_conv", "kd_conv"}  # 299 test images fill no hundred bins
    assert {row["metric"] for row in rows} == names | {f"{name}_null" for name in names}
    assert all(set(row) <= set(EVALUATIONS.names) for row in rows)
    value, error = ({row["metric"]: float(row[column]) for row in rows} for column in ("value", "standard_error"))
    for name in names:
        assert value[name] > value[f"{name}_null"] + 4 * error[name]


def test_shrinking_and_enlarging_keeps_smooth_pictures_and_takes_the_finest_detail():
    ramp = np.broadcast_to(np.linspace(0, 1, 24), (2, 6, 24)).reshape(2, 144)
    kept = downsampled(ramp, (6, 24)).reshape(2, 6, 24)
    assert kept[:, :, 6:-6] == pytest.approx(ramp.reshape(2, 6, 24)[:, :, 6:-6], abs=0.005)
    checks = np.indices((6, 24)).sum(0).reshape(1, 144) % 2.0
    assert downsampled(checks, (6, 24)) == pytest.approx(np.full((1, 144), 0.5), abs=0.1)
    colours = np.repeat(ramp[:1].reshape(6, 24, 1), 3, 2) * [1, 2, 3]
    assert downsampled(colours.reshape(1, -1), (6, 24, 3)).reshape(6, 24, 3)[:, 6:-6, 2] == pytest.approx(
        3 * kept[0, :, 6:-6]
    )
    assert downsampled(np.ones((1, 35)), (5, 7)) == pytest.approx(np.ones((1, 35)))  # sides need not be even


def test_a_frechet_distance_punishes_what_bins_do_not_see():
    """Pictures with detail of one pixel, in 60 kinds that bins tell apart: bins count kinds, and features see detail."""
    rng = np.random.default_rng(0)
    kinds = rng.normal(size=(60, 6, 6)).repeat(2, 1).repeat(2, 2).reshape(60, 144)

    def pictures(n):
        return (kinds[rng.integers(0, 60, n)] + 0.3 * rng.normal(size=(n, 144))).astype(np.float32)

    against = Reference(pictures(3000), pictures(1500), (12, 12), mean=0.5)
    null, shrunk = by_name(against.measured(pictures(1000), 0)), by_name(against.downsampled(1000, 0))
    assert shrunk.keys() == {f"{name[:-5]}_downsampled" for name in null if name.endswith("_null")}
    assert shrunk["fd_conv_downsampled"].value > 10 * null["fd_conv_null"].value
    assert shrunk["ndb_100_downsampled"].value < 0.15
    assert Reference(pictures(3000), pictures(1500), None).downsampled(1000, 0) == []


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
def test_samples_of_a_diverged_network_are_nan_in_every_metric(value):
    samples = load(PLANTED).test[:600].copy()
    samples[5, 3] = value
    found = reference(PLANTED).measured(samples, seed=0)
    assert by_name(found).keys() == by_name(reference(PLANTED).measured(load(PLANTED).test[:600], seed=0)).keys()
    assert all(np.isnan(each.value) != each.metric.endswith("_null") for each in found)


def test_a_reference_is_made_once_and_its_numbers_repeat():
    assert reference(PLANTED) is reference(PlantedManifold(n=4000, n_test=1200))
    data: Any = load(PLANTED)
    samples = data.test[:600]
    again = Reference(data.train, data.test, None).measured(samples, seed=1)
    assert again == reference(PLANTED).measured(samples, seed=1)
    assert again != reference(PLANTED).measured(samples, seed=2)  # the null draws other examples


def test_a_row_leaves_out_what_does_not_apply():
    made = partial(Measurement, "mmd_x", 0.1, 0.01, 5, 0)
    assert "draws" not in made().row
    assert made(draws=64).row["draws"] == 64


def test_the_gaussian_kernel_has_the_closed_form_of_two_gaussians():
    """E k = (σ²/(σ²+s²+s'²))^{d/2} exp(−‖m−m'‖²/2(σ²+s²+s'²)) for isotropic variances s², s'²."""
    generator, d, variance = torch.Generator().manual_seed(0), 3, 2.0

    def mean_kernel(spread, gap):
        return (variance / (variance + spread)) ** (d / 2) * np.exp(-gap / (2 * (variance + spread)))

    draws = torch.randn(2, 1500, d, generator=generator).double() * torch.tensor([[[1.0]], [[1.5]]])
    value, error = mmd(draws[0] + 0.4, draws[1], rbf(variance))
    exact = mean_kernel(2, 0) + mean_kernel(4.5, 0) - 2 * mean_kernel(3.25, 3 * 0.16)
    assert abs(value - exact) < 4 * error < 0.4 * exact


def test_the_mmd_in_data_space_is_zero_within_its_error_for_data():
    generator = torch.Generator().manual_seed(0)
    width = data_variance(torch.randn(1000, 20, generator=generator))
    assert width == pytest.approx(0.1 * 2 * 20, rel=0.05)  # distances of N(0, I_d) are about √(2d)
    kernel = rbf(width)
    found = [mmd(a, b, kernel) for a, b in torch.randn(100, 2, 200, 20, generator=generator).double()]
    values, errors = np.array(found).T
    assert max(abs(values) / errors) < 4
    assert abs(values.mean()) < 4 * values.std() / 10
    assert values.std() < errors.mean() < 1.7 * values.std()


class StandIn(torch.nn.Module):
    """Sixteen numbers of an 8-bit colour picture."""

    num_features = 16

    def forward(self, pictures):
        assert pictures.dtype == torch.uint8
        assert pictures.shape[1] == 3
        rows = pictures.flatten(1).float() / 255
        return torch.sin(rows @ torch.arange(16 * rows.shape[1]).sin().reshape(-1, 16))


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """A stand-in for the published file, which counts as it where its checksum is said to be the published one."""
    path = tmp_path / "weights.pth"
    path.write_bytes(b"a stand-in")
    monkeypatch.setenv("COLLAPSAR_INCEPTION", str(path))
    monkeypatch.setattr(inception, "_SHA256_BEGINS", hashlib.sha256(path.read_bytes()).hexdigest()[:8])
    return path


def test_only_with_the_published_weights_a_distance_is_called_fid(weights, monkeypatch):
    from torchmetrics.image.fid import FrechetInceptionDistance

    asked = []
    monkeypatch.setattr(sample_quality, "standard_network", lambda path: asked.append(path) or StandIn())
    data: Any = load(Digits())
    made = Reference(data.train, data.test, (8, 8), data.mean)
    found = by_name(made.measured(data.train[:250], seed=0))
    assert asked == [weights]
    assert {"fid", "kid", "fid_null", "kid_null"} <= found.keys()
    metric = FrechetInceptionDistance(StandIn())
    for rows, real in ((made.test[:250], True), (data.train[:250], False)):
        pictures = np.round(255 * np.clip(rows + data.mean, 0, 1)).astype(np.uint8).reshape(-1, 1, 8, 8)
        metric.update(torch.from_numpy(pictures).expand(-1, 3, -1, -1), real=real)
    assert found["fid"].value == pytest.approx(float(metric.compute()), rel=1e-4)


def test_another_file_is_refused_before_it_is_read(weights):
    assert inception.weights() == weights
    weights.write_bytes(b"something else")
    with pytest.raises(DataError, match=r"is not the published file .*sha256 should begin with"):
        inception.weights()


def test_weights_are_found_in_the_data_folder_or_missed_in_one_sentence(tmp_path, monkeypatch, weights):
    monkeypatch.setenv("COLLAPSAR_INCEPTION", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match="nowhere does not exist: put weights-inception"):
        inception.weights()
    monkeypatch.delenv("COLLAPSAR_INCEPTION")
    monkeypatch.setenv("COLLAPSAR_DATA", str(tmp_path))
    assert inception.weights() is None
    place = tmp_path / "inception" / inception.FILE
    place.parent.mkdir()
    place.write_bytes(weights.read_bytes())
    assert inception.weights() == place


def test_without_the_networks_code_the_remedy_is_an_installation(weights, monkeypatch):
    monkeypatch.setattr("torchmetrics.image.fid._TORCH_FIDELITY_AVAILABLE", False)
    with pytest.raises(DataError, match=r"pip install 'collapsar\[inception\]'"):
        inception.standard_network(weights)


def test_pictures_are_rounded_and_clipped_to_eight_bits():
    features = inception.InceptionFeatures(StandIn(), (2, 2), np.full(4, 0.5))
    pictures = features.pictures(np.array([[-0.5, 0.5, 253 / 255 - 0.5, 7.0]], dtype=np.float32))
    assert pictures.shape == (1, 3, 2, 2)
    assert pictures[0, 2].flatten().tolist() == [0, 255, 253, 255]
