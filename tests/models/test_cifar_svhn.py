"""CIFAR-10 and SVHN from files in their authors' formats, made here."""

import hashlib
import io
import tarfile

import numpy as np
import pytest
import torch
from scipy.io import savemat

from models.data import centring
from models.data.disk_rows import DiskRows
from models.data.download import fetch
from models.data.load import absence, from_declaration, load
from models.data_folders import DataError
from models.loss.levels import Levels
from study import CIFAR10, SVHN, ImageVAE, Learned, Objective, Training, Trial
from study.pack.pack import make_pack
from study.train.pack_run import PackRun


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("COLLAPSAR_DATA", str(tmp_path))
    from_declaration.cache_clear()
    yield tmp_path
    from_declaration.cache_clear()


def painted(n, seed):
    return np.random.default_rng(seed).integers(0, 256, (n, 32, 32, 3), dtype=np.uint8)


def published(monkeypatch, spec, *paths):
    """The files here take the place of those that were published."""
    sums = {path.name: hashlib.md5(path.read_bytes()).hexdigest() for path in paths}
    monkeypatch.setattr(spec, "fingerprint", sums)


def records(pictures):
    """A label, then red, green and blue, each row by row."""
    labels = np.full((len(pictures), 1), 7, np.uint8)
    return np.hstack([labels, pictures.transpose(0, 3, 1, 2).reshape(len(pictures), -1)]).tobytes()


def write_cifar10(folder, parts):
    (folder / "cifar10").mkdir()
    path = folder / "cifar10/cifar-10-binary.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, content in parts.items():
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def test_cifar10_is_read_from_the_binary_version(folder, monkeypatch):
    train, test = [painted(4, seed) for seed in range(1, 6)], painted(3, 9)
    parts = {f"data_batch_{i}.bin": records(part) for i, part in enumerate(train, 1)}
    parts |= {"batches.meta.txt": b"airplane\n", "test_batch.bin": records(test)}
    published(monkeypatch, CIFAR10, write_cifar10(folder, parts))
    for n in (20, 6):  # the first of the five files in their order
        assert_holds(load(CIFAR10(n=n)), np.concatenate(train)[:n], test)
    assert CIFAR10(n=6).label == "CIFAR-10(6)"
    assert CIFAR10().n_train == 50_000


def test_svhn_is_read_from_its_matlab_files(folder, monkeypatch):
    (folder / "svhn").mkdir()
    sets = {"train_32x32.mat": painted(11, 0), "test_32x32.mat": painted(4, 1)}
    for name, pictures in sets.items():
        content = {"X": pictures.transpose(1, 2, 3, 0), "y": np.full((len(pictures), 1), 10, np.uint8)}
        savemat(folder / "svhn" / name, content, format="5", do_compression=True)
    published(monkeypatch, SVHN, *(folder / "svhn" / name for name in sets))
    assert_holds(load(SVHN(n=9)), sets["train_32x32.mat"][:9], sets["test_32x32.mat"])
    assert SVHN().n_train == 73_257


def assert_holds(data, train, test):
    """Rows in order height, width, colour, whose levels are the bytes; centred by the training mean."""
    assert data.spec.image == (32, 32, 3)
    levels = Levels(data.spec.levels, torch.from_numpy(data.mean))
    for rows, pictures in ((data.train, train), (data.test, test)):
        found = levels.of(torch.from_numpy(np.asarray(rows)))
        assert found.numpy().tolist() == pictures.reshape(len(pictures), -1).tolist()
    assert np.abs(np.asarray(data.train).mean(0)).max() < 1e-6
    assert data.total_variance == pytest.approx(np.square(np.asarray(data.train, float)).sum(1).mean(), rel=1e-6)


def test_what_does_not_fit_into_memory_stays_bytes_and_trains_alike(folder, monkeypatch):
    parts = {f"data_batch_{i}.bin": records(painted(8, i)) for i in range(1, 6)}
    published(monkeypatch, CIFAR10, write_cifar10(folder, parts | {"test_batch.bin": records(painted(8, 9))}))
    trial = Trial(
        data=CIFAR10(n=40),
        model=ImageVAE(kappa=2, channels=(4, 4)),
        objective=Objective(gamma=Learned()),
        training=Training(steps=2, batch=8),
        seed=0,
    )

    def ends_at():
        from_declaration.cache_clear()
        run = PackRun(make_pack([trial], {}))
        run.advance(60)
        return load(trial.data), run.training.stack.numbers

    held, together = ends_at()
    monkeypatch.setattr(centring, "IN_MEMORY", 0)
    streamed, apart = ends_at()
    assert isinstance(held.train, np.ndarray)
    assert isinstance(streamed.train, DiskRows)
    assert apart.equal(together)


@pytest.mark.parametrize(
    "content",
    [
        {"test_batch.bin": b"too few"},
        {f"data_batch_{i}.bin": bytes(3073) for i in range(1, 6)} | {"test_batch.bin": bytes(3072)},
    ],
)
def test_an_archive_of_something_else_is_one_sentence(folder, monkeypatch, content):
    published(monkeypatch, CIFAR10, write_cifar10(folder, content))
    with pytest.raises(DataError, match="does not hold what its authors describe: replace it"):
        load(CIFAR10())


def test_a_matlab_file_of_something_else_is_one_sentence(folder, monkeypatch):
    (folder / "svhn").mkdir()
    for name in SVHN.fingerprint:
        savemat(folder / "svhn" / name, {"Y": np.zeros(3)})
    published(monkeypatch, SVHN, *(folder / "svhn" / name for name in SVHN.fingerprint))
    with pytest.raises(DataError, match="does not hold what its authors describe"):
        load(SVHN())


@pytest.mark.parametrize(("spec", "place"), [(CIFAR10(), "cifar10"), (SVHN(), "svhn")])
def test_a_set_that_is_not_here_is_told_and_a_wrong_one_refused(folder, spec, place):
    assert f"{place}/{next(iter(spec.fingerprint))} does not exist" in (absence(spec) or "")
    (folder / place).mkdir()
    for name in spec.fingerprint:
        (folder / place / name).write_bytes(b"something else")
    with pytest.raises(DataError, match="is not the published file"):
        fetch(spec)
