"""Data sets: what theory needs to know of them is true, and a wrong file is refused."""

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.data.download import fetch
from models.data.load import load
from models.data_folders import DataError
from models.specs import MNIST, Digits, FashionMNIST, LinearSubspace, PlantedManifold

HAS_IMAGES = pytest.mark.skipif(
    "COLLAPSAR_DATA" not in os.environ,
    reason="COLLAPSAR_DATA names no folder with mnist/ and fashion_mnist/",
)


def test_digits_hold_every_image_once_and_are_centred():
    data = load(Digits())
    assert data.train.shape == (1498, 64)
    assert data.test.shape == (299, 64)
    assert np.abs(np.asarray(data.train).mean(0)).max() < 1e-6
    everything = np.concatenate([data.train, data.test]) + data.mean
    assert np.square(everything - everything.mean(0)).sum(1).mean() == pytest.approx(4.693, abs=5e-4)


def test_a_linear_subspace_has_the_planted_rank_and_spectrum():
    data = load(LinearSubspace(d=10, eigenvalues=(4, 2, 1), n=100_000))
    assert data.spectrum[:3] == pytest.approx([4, 2, 1], rel=0.02)
    assert np.all(data.spectrum[3:] < 1e-10)
    assert data.spec.intrinsic_dim == 3


def test_noise_lifts_every_eigenvalue_by_its_variance():
    data = load(LinearSubspace(d=10, eigenvalues=(4, 2), noise=0.5, n=100_000))
    assert data.spectrum[2:] == pytest.approx([0.5] * 8, rel=0.05)


def test_the_planted_manifold_is_the_test_bed_of_the_field():
    """Total variance d, and so curved that nine principal components are needed for 99 % of three dimensions."""
    data = load(PlantedManifold())
    assert data.total_variance == pytest.approx(20, rel=1e-6)
    assert data.spectrum.sum() == pytest.approx(20, rel=1e-6)
    assert data.spectrum[:4] == pytest.approx([9.20, 6.30, 3.18, 0.41], abs=0.02)
    assert np.searchsorted(np.cumsum(data.spectrum) / 20, 0.99) + 1 == 9


def test_a_generator_depends_on_its_own_seed_alone():
    assert load(PlantedManifold()).digest == load(PlantedManifold(seed=0)).digest
    assert load(PlantedManifold()).digest != load(PlantedManifold(seed=1)).digest


@pytest.mark.parametrize("size", [1e-15, 1e-6, 1.0, 1e9])
def test_a_digest_sees_a_change_at_any_scale_but_not_the_last_bits(size):
    data = load(PlantedManifold(n=100, n_test=50))
    factor = np.float32(size)
    train, test = np.asarray(data.train) * factor, np.asarray(data.test) * factor
    scaled = replace(data, train=train, test=test)
    assert replace(scaled, test=test * np.float32(1.01)).digest != scaled.digest
    spare = replace(scaled, train=train + np.float32(1e-12 * size))
    assert spare.digest == scaled.digest


def test_the_digest_of_a_home_at_unit_scale_has_not_moved():
    data = load(PlantedManifold(n=100, n_test=50))
    for factor in (np.float32(0.01), np.float32(1), np.float32(99)):
        train, test = np.asarray(data.train) * factor, np.asarray(data.test) * factor
        hasher = hashlib.sha256()
        for array in (train, test):
            hasher.update(str(array.shape).encode())
            hasher.update((np.round(array, 6) + 0.0).astype("<f4").tobytes())
        assert replace(data, train=train, test=test).digest == hasher.hexdigest()


def test_the_test_set_is_not_the_training_set():
    for spec in (Digits(), PlantedManifold(), LinearSubspace()):
        data = load(spec)
        train = {row.tobytes() for row in data.train}
        # A handful of digits are pixel for pixel the same as another.
        assert sum(row.tobytes() in train for row in data.test) <= 0.01 * len(data.test)


@HAS_IMAGES
def test_mnist_is_centred_and_has_the_known_spectrum():
    data = load(MNIST())
    assert data.train.shape == (60_000, 784)
    assert data.test.shape == (10_000, 784)
    assert data.spectrum[:6] == pytest.approx([5.1168, 3.7413, 3.2527, 2.8416, 2.5671, 2.2736], abs=1e-4)
    assert data.total_variance == pytest.approx(52.725, abs=1e-3)
    assert np.square(data.train + data.mean).sum(1).mean() == pytest.approx(87.81, abs=0.01)


@HAS_IMAGES
def test_a_part_of_fashion_mnist_is_its_beginning():
    part, more = load(FashionMNIST(n=100)), load(FashionMNIST(n=200))
    assert part.train + part.mean == pytest.approx(more.train[:100] + more.mean, abs=1e-6)
    assert len(part.test) == 10_000


def test_a_missing_file_is_one_sentence_with_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setenv("COLLAPSAR_DATA", str(tmp_path))
    with pytest.raises(DataError, match="does not exist: put the original file there"):
        fetch(MNIST())


def test_a_file_with_a_wrong_checksum_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("COLLAPSAR_DATA", str(tmp_path))
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / "train-images-idx3-ubyte.gz").write_bytes(b"something else")
    with pytest.raises(DataError, match="is not the published file"):
        load(MNIST(n=5))


@pytest.mark.parametrize("spec", [MNIST(), FashionMNIST()])
def test_a_download_that_fails_names_the_folder_to_set(tmp_path, monkeypatch, spec):
    monkeypatch.delenv("COLLAPSAR_DATA", raising=False)
    monkeypatch.setattr("pooch.os_cache", lambda name: Path(tmp_path) / name)
    monkeypatch.setattr("pooch.Pooch.fetch", lambda *_: (_ for _ in ()).throw(ConnectionError("no route")))
    with pytest.raises(DataError, match="set COLLAPSAR_DATA"):
        fetch(spec)
