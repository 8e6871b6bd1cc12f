"""Pictures from files: identified by content, divided as declared, and the same numbers wherever they lie."""

import shutil

import numpy as np
import pytest
import torch
from painted_pictures import ellipses, paint, small
from PIL import Image

from models.data import centring, image_folder
from models.data.disk_rows import LEVEL, DiskRows
from models.data.load import from_declaration, load
from models.data.read_picture import Frame, read_picture
from study import CelebA, ImageFolder, OwnData
from study.declare.identity import content_id

pytestmark = pytest.mark.usefixtures("cache")


# What a data set is, and what it is known by


def test_a_folder_is_known_by_names_and_contents_wherever_it_lies(tmp_path):
    spec = small(paint(tmp_path / "a", 20, 16))
    assert ImageFolder.model_validate_json(spec.model_dump_json()) == spec
    shutil.copytree(tmp_path / "a", tmp_path / "moved")
    (tmp_path / "moved/notes.txt").write_text("not looked at")
    (tmp_path / "moved/._0000.png").write_bytes(b"nor is what is hidden")
    assert content_id(small(tmp_path / "moved")) == content_id(spec)
    (tmp_path / "moved/0003.png").rename(tmp_path / "moved/x.png")
    others = [
        small(tmp_path / "moved"),
        small(paint(tmp_path / "b", 20, 16, seed=1)),
        small(tmp_path / "a", size=8),
        small(tmp_path / "a", channels=1),
        small(tmp_path / "a", n=10),
        small(tmp_path / "a", every=5),
        small(tmp_path / "a", fraction=0.1),
        small(tmp_path / "a", fraction=0.1, seed=1),
    ]
    assert len({content_id(other) for other in [spec, *others]}) == 9


def test_celeba_is_known_by_what_its_authors_published():
    assert content_id(CelebA()) == content_id(CelebA(size=64, n=162_770))
    assert len({content_id(spec) for spec in (CelebA(), CelebA(size=128), CelebA(n=9), CelebA(n_test=9))}) == 4
    assert (CelebA().d, CelebA().d_in, CelebA().image, CelebA().label) == (12_288, 12_288, (64, 64, 3), "CelebA-64")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"every": 11}, "20 pictures leave 1 for the test set"),
        ({"fraction": 0.01}, "20 pictures leave 0 for the test set"),
        ({"n": 19}, "20 pictures leave 18 for training, not n = 19"),
        ({"every": 5, "fraction": 0.2}, "needs one way to hold out a test set"),
        ({"fraction": 0.0}, "greater than 0"),
        ({"every": 1}, "greater than or equal to 2"),
        ({"channels": 2}, "should be 1 or 3"),
        ({"intrinsic_dim": 2000}, "intrinsic_dim = 2000 exceeds d = 768"),
    ],
)
def test_a_wrong_declaration_of_a_folder_is_refused_when_it_is_made(changes, words, tmp_path):
    with pytest.raises(ValueError, match=words):
        small(paint(tmp_path, 20, 16), **changes)


def test_a_wrong_size_of_celeba_is_refused_when_it_is_declared():
    with pytest.raises(ValueError, match="should be 64 or 128"):
        CelebA(size=32)


def test_own_pictures_may_be_in_colour():
    own = {"name": "mine", "source": "", "n": 9}
    assert OwnData(**own, d=12, image=(2, 2, 3)).image == (2, 2, 3)
    for d, image, words in [(12, (2, 2), "2×2 pixels has not d = 12"), (4, (2, 2, 3), "2×2 pixels in colour has not")]:
        with pytest.raises(ValueError, match=words):
            OwnData(**own, d=d, image=image)
    with pytest.raises(ValueError, match=r"should be \(height, width\), or \(height, width, 3\)"):
        OwnData(**own, d=16, image=(2, 2, 4))


@pytest.mark.parametrize(
    "chosen", [{}, {"every": 3}, {"fraction": 0.3}, {"fraction": 0.3, "seed": 1}, {"n": 7}, {"n": 7, "fraction": 0.5}]
)
def test_a_folder_is_divided_as_declared(chosen, tmp_path):
    spec = small(paint(tmp_path, 41, 4), size=4, **chosen)
    train, test = image_folder.divided(spec)
    assert (len(train), len(test)) == (spec.n_train, spec.n_test)
    assert not set(train) & set(test)
    assert list(train) == sorted(set(train))
    assert spec.n or sorted([*train, *test]) == list(range(41))
    assert np.diff(train).max() < 14  # `n` are spread over the folder, not its beginning


# The numbers


def test_rows_are_the_pictures_in_order_height_width_colour(tmp_path):
    painted = ellipses(30, (16, 16))
    data = load(small(paint(tmp_path, 30, 16), every=3))
    held_out = np.arange(30) % 3 == 2
    for rows, pictures in ((data.train, painted[~held_out]), (data.test, painted[held_out])):
        assert (rows + data.mean) * 255 == pytest.approx(pictures.reshape(len(pictures), -1), abs=1e-3)
    assert np.abs(np.asarray(data.train).mean(0)).max() < 1e-6


def test_grey_is_the_luma_of_the_colours(tmp_path):
    data = load(small(paint(tmp_path, 20, 16), channels=1, every=10))
    luma = ellipses(20, (16, 16)) @ np.array([0.299, 0.587, 0.114])
    assert data.spec.image == (16, 16)
    test = np.arange(20) % 10 == 9
    assert (data.test + data.mean) * 255 == pytest.approx(luma[test].reshape(2, -1), abs=0.51)


def test_pictures_in_subfolders_are_sorted_by_their_paths(tmp_path):
    for name in ("b/1.PNG", "a/2.png", "a/10.png", "c.jpeg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("L", (4, 4), 60).save(tmp_path / name)
    from models.specs.picture_files import picture_names

    assert picture_names(tmp_path) == ["a/10.png", "a/2.png", "b/1.PNG", "c.jpeg"]


def test_celeba_is_the_centre_of_each_image_shrunk(faces):
    """On a ramp a pixel of the small picture is the mean of what it covers: its centre, in the 140×140 cut out."""
    across, down = np.meshgrid(np.arange(178), np.arange(218))
    ramp = np.stack([across, down, 0 * across], axis=2).astype(np.uint8)
    for i in range(1, 16):
        Image.fromarray(ramp).save(faces / f"img_align_celeba/{i:06d}.jpg", quality=100, subsampling=0)
    row = read_picture(faces / "img_align_celeba/000001.jpg", Frame(64, 3, crop=140)).reshape(64, 64, 3)
    centres = (np.arange(64) + 0.5) * 140 / 64 - 0.5
    assert row[:, :, 0] == pytest.approx(np.tile(19 + centres, (64, 1)), abs=1.5)
    assert row[:, :, 1] == pytest.approx(np.tile(39 + centres, (64, 1)).T, abs=1.5)


def test_celeba_takes_the_published_partition_and_leaves_validation_out(faces):
    data = load(CelebA(n=7, n_test=3))
    assert (data.train.shape, data.test.shape) == ((7, 12_288), (3, 12_288))
    lines = (faces / "list_eval_partition.txt").read_text().split()
    test = [name for name, part in zip(lines[::2], lines[1::2], strict=True) if part == "2"]
    frame = Frame(64, 3, crop=140)
    expected = [read_picture(faces / "img_align_celeba" / name, frame) for name in test[:3]]
    assert (data.test + data.mean) * 255 == pytest.approx(np.array(expected, float), abs=1e-3)


@pytest.mark.parametrize("form", ["png", "jpg"])
def test_data_larger_than_memory_have_the_same_numbers(form, tmp_path, monkeypatch):
    spec = small(paint(tmp_path, 60, 16, form=form), every=4)
    here = load(spec)
    from_declaration.cache_clear()
    monkeypatch.setattr(centring, "IN_MEMORY", 0)
    monkeypatch.setattr("models.data.disk_rows._CHUNK_NUMBERS", 7 * spec.d)  # several chunks
    there = load(spec)
    assert isinstance(here.train, np.ndarray)
    assert isinstance(there.train, DiskRows)
    assert (len(there.train), there.train.shape, there.d) == (45, (45, 768), 768)
    some = np.array([[3, 1], [44, 3]])
    for got, expected in [
        (there.train[some], here.train[some]),
        (there.train[5:9], here.train[5:9]),
        (np.asarray(there.test), here.test),
    ]:
        assert got.dtype == np.float32
        assert np.array_equal(got, expected)
    assert there.digest == here.digest
    assert there.spectrum == pytest.approx(here.spectrum, rel=1e-9, abs=1e-12)
    assert there.total_variance == pytest.approx(float(np.square(here.train, dtype=float).sum(1).mean()), rel=1e-6)
    assert there.total_variance_test == pytest.approx(here.total_variance_test, rel=1e-6)


def test_a_device_that_holds_the_bytes_gets_the_same_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr(centring, "IN_MEMORY", 0)
    rows = load(small(paint(tmp_path, 20, 16))).train
    assert isinstance(rows, DiskRows)
    held, centre = torch.tensor(rows.stored), torch.from_numpy(rows.centre)
    some = torch.tensor([3, 1, 4])
    examples = held.index_select(0, some).float().mul_(float(LEVEL)).sub_(centre)
    assert np.array_equal(examples.numpy(), rows[some.numpy()])


def test_a_digest_sees_one_other_pixel(tmp_path):
    before = load(small(paint(tmp_path, 20, 16))).digest
    picture = ellipses(20, (16, 16))[3].copy()
    picture[8, 8, 1] ^= 1
    Image.fromarray(picture).save(tmp_path / "0003.png")
    assert load(small(tmp_path)).digest != before
