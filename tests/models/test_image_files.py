"""Pictures from files: decoded once, and told in one sentence when they are not whole."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
from painted_pictures import ellipses, paint, small
from PIL import Image

from models.data import image_folder, picture_cache
from models.data.load import absence, from_declaration, load, prepare
from models.data.read_picture import Frame, read_picture
from models.data_folders import DataError
from models.specs.picture_files import picture_names
from study import VAE, CelebA, Fixed, Objective, Training, Trial, study
from study.plan.datasets import fetch_data
from study.plan.plan import make_plan
from study.record import Home

pytestmark = pytest.mark.usefixtures("cache")


# Decoded once


def stop_decoding(monkeypatch):
    monkeypatch.setattr(picture_cache, "read_picture", lambda *_: pytest.fail("decoded again"))


def test_a_later_launch_decodes_nothing(tmp_path, cache, monkeypatch):
    first = load(small(paint(tmp_path / "a", 20, 16)))
    assert sorted(path.suffix for path in cache.glob("folder-*")) == [".npy", ".npy"]
    from_declaration.cache_clear()
    stop_decoding(monkeypatch)
    assert np.array_equal(load(small(tmp_path / "a")).train, first.train)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    assert np.array_equal(load(small(tmp_path / "b")).train, first.train)


def test_a_linked_folder_is_the_folder_that_it_leads_to(tmp_path):
    """Also below, where one that leads back, to a folder that it lies in, is not entered again."""
    paint(tmp_path / "a", 20, 16)
    (tmp_path / "linked").symlink_to("a", target_is_directory=True)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "inner").symlink_to("../a", target_is_directory=True)
    (tmp_path / "a" / "back").symlink_to("..", target_is_directory=True)
    assert small(tmp_path / "linked").checksum == small(tmp_path / "a").checksum
    assert picture_names(tmp_path / "b") == [f"inner/{name}" for name in picture_names(tmp_path / "a")]
    assert len(load(small(tmp_path / "b")).train) == len(load(small(tmp_path / "a")).train)
    (paint(tmp_path / "c", 20, 16) / "round").symlink_to("../b", target_is_directory=True)
    (tmp_path / "a" / "about").symlink_to("../c", target_is_directory=True)
    assert [small(tmp_path / name).pictures for name in "abc"] == [40, 40, 40]


def test_those_who_want_pictures_at_once_decode_each_of_them_once(tmp_path, monkeypatch):
    spec, seen = small(paint(tmp_path, 20, 16)), []
    monkeypatch.setattr(
        picture_cache, "read_picture", lambda path, frame: seen.append(path) or read_picture(path, frame)
    )
    with ThreadPoolExecutor(4) as pool:
        loaded = list(pool.map(from_declaration.__wrapped__, [spec.model_dump_json()] * 4))
    assert len(seen) == len(set(seen)) == 20
    assert len({data.digest for data in loaded}) == 1


def test_a_decoding_that_is_broken_off_leaves_nothing_and_is_done_again(tmp_path, cache, monkeypatch):
    spec = small(paint(tmp_path / "a", 20, 16))
    with monkeypatch.context() as patch:
        patch.setattr(picture_cache, "read_picture", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            load(spec)
    assert list(cache.glob("folder-*")) == []
    place = image_folder._album(spec, image_folder._names(spec)).place
    (cache / f"{place.name}.1234.part").write_bytes(b"of a process that was killed")
    expected = load(spec)
    for file in cache.glob("*.npy"):
        file.write_bytes(file.read_bytes()[:-700])  # a damaged disk
    from_declaration.cache_clear()
    assert np.array_equal(load(spec).train, expected.train)


def test_exchanged_images_of_celeba_are_decoded_again(faces):
    before = load(CelebA(n=7, n_test=3))
    Image.fromarray(ellipses(1, (218, 178), seed=9)[0]).save(faces / "new.jpg")
    (faces / "new.jpg").replace(faces / "img_align_celeba/000001.jpg")
    from_declaration.cache_clear()
    assert load(CelebA(n=7, n_test=3)).digest != before.digest


@pytest.mark.parametrize(("free", "words"), [(10, "takes 0.0 GB .*make room there"), (None, "cannot be written")])
def test_a_disk_without_room_is_told(free, words, tmp_path, cache, monkeypatch):
    spec = small(paint(tmp_path / "a", 20, 16))
    if free is None:
        cache.parent.mkdir(parents=True)
        cache.write_text("a file in the way")
    else:
        monkeypatch.setattr(picture_cache.shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    with pytest.raises(DataError, match=words) as fault:
        load(spec)
    assert "XDG_CACHE_HOME" in str(fault.value)


# What is wrong with them


def halved(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def zeroed(path):
    """As a copy into a file of full length looks that was broken off."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2] + bytes(len(content) - len(content) // 2))


def deep(path):
    Image.fromarray(np.arange(256, dtype=np.uint16).reshape(16, 16)).save(path)


FAULTY = {
    "cut short": (halved, "is corrupt or cut short"),
    "half copied": (zeroed, "is corrupt or cut short"),
    "empty": (lambda path: path.write_bytes(b""), "is no jpg or png picture"),
    "a text": (lambda path: path.write_text("<html>"), "is no jpg or png picture"),
    "another format": (lambda path: Image.new("RGB", (16, 16)).save(path, "BMP"), "is no jpg or png picture"),
    "too small": (lambda path: Image.new("RGB", (15, 40)).save(path), "has 15×40 pixels, too few for 16×16"),
}


@pytest.mark.parametrize("form", ["png", "jpg"])
@pytest.mark.parametrize("name", FAULTY)
def test_a_faulty_picture_is_told_in_one_sentence(name, form, tmp_path, cache):
    spoil, words = FAULTY[name]
    spoil(paint(tmp_path, 20, 16, form=form) / f"0007.{form}")
    with pytest.raises(DataError) as fault:
        prepare(small(tmp_path))
    assert f"{tmp_path}/0007.{form} {words}" in str(fault.value)
    assert str(fault.value).endswith(": replace it with a sound one, or take it out of the folder")
    assert "\n" not in str(fault.value)
    assert list(cache.glob("*.part")) == []


def test_more_than_eight_bits_are_not_rounded_in_silence(tmp_path):
    deep(paint(tmp_path, 20, 16) / "0007.png")
    with pytest.raises(DataError, match=r"0007\.png has more than eight bits a channel: replace"):
        load(small(tmp_path))


def test_all_faulty_pictures_are_counted(tmp_path):
    paint(tmp_path, 20, 16)
    for i in (2, 3, 5, 7, 11):
        halved(tmp_path / f"{i:04d}.png")
    with pytest.raises(
        DataError, match=r"0002.png is corrupt.* \(and 4 others are faulty: 0003.png, 0005.png, 0007.png, …\)"
    ):
        load(small(tmp_path))


def test_a_folder_that_has_changed_is_refused(tmp_path):
    spec = small(paint(tmp_path / "a", 20, 16))
    shutil.copy(tmp_path / "a/0001.png", tmp_path / "a/0002.png")
    with pytest.raises(DataError, match=r"a have changed since a-16 was declared \(20 then, 20 now\): launch again"):
        load(spec)
    (tmp_path / "a/0003.png").unlink()
    with pytest.raises(DataError, match=r"\(20 then, 19 now\)"):
        load(spec)
    shutil.rmtree(tmp_path / "a")
    with pytest.raises(DataError, match="a does not exist: put a-16's pictures there"):
        load(spec)
    assert absence(spec)


def test_a_checksum_is_remembered_until_a_picture_changes(tmp_path, monkeypatch):
    from models.specs import picture_files

    monkeypatch.setattr(picture_files, "_SETTLED_S", -1.0)
    paint(tmp_path / "a", 20, 16)
    before = small(tmp_path / "a").checksum
    with monkeypatch.context() as patch:
        patch.setattr(picture_files, "_checksum", lambda *_: pytest.fail("read again"))
        assert small(tmp_path / "a").checksum == before
    state = (tmp_path / "a/0001.png").stat()
    content = bytearray((tmp_path / "a/0001.png").read_bytes())
    content[-20] ^= 1
    (tmp_path / "a/0001.png").write_bytes(content)
    os.utime(tmp_path / "a/0001.png", ns=(state.st_atime_ns, state.st_mtime_ns))  # as rsync leaves it
    assert small(tmp_path / "a").checksum != before


def test_no_folder_and_no_pictures_are_refused_when_they_are_declared(tmp_path):
    with pytest.raises(ValueError, match="nowhere does not exist: fix its path"):
        small(tmp_path / "nowhere")
    (tmp_path / "readme.txt").write_text("")
    with pytest.raises(ValueError, match="holds no jpg or png pictures"):
        small(tmp_path)


def test_pictures_that_are_all_the_same_are_refused(tmp_path):
    for i in range(20):
        Image.new("RGB", (16, 16), (10, 20, 30)).save(tmp_path / f"{i}.png")
    with pytest.raises(DataError, match="training pictures are all the same"):
        load(small(tmp_path))


def test_transparency_is_laid_on_white_and_a_camera_s_turn_is_taken(tmp_path):
    clear = Image.new("RGBA", (8, 8), (200, 0, 0, 0))
    clear.save(tmp_path / "clear.png")
    assert set(read_picture(tmp_path / "clear.png", Frame(8, 3))) == {255}
    upright = np.zeros((8, 8), np.uint8)
    upright[:4] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # taken with the camera turned: to be shown a quarter clockwise
    Image.fromarray(upright).save(tmp_path / "turned.jpg", exif=exif, quality=100)
    shown = read_picture(tmp_path / "turned.jpg", Frame(8, 1)).reshape(8, 8)
    assert (shown[:, 4:] > 250).all()
    assert (shown[:, :4] < 5).all()


def other_size(faces):
    Image.new("RGB", (64, 64)).save(faces / "img_align_celeba/000002.jpg")


MISSING = {
    "partition": (
        lambda faces: (faces / "list_eval_partition.txt").unlink(),
        "list_eval_partition.txt does not exist: put CelebA's list_eval_partition.txt there",
    ),
    "another partition": (
        lambda faces: (faces / "list_eval_partition.txt").write_text("000001.jpg 0\n"),
        "list_eval_partition.txt is not the published file .*replace it with the original",
    ),
    "images": (
        lambda faces: shutil.rmtree(faces / "img_align_celeba"),
        "img_align_celeba does not exist: put CelebA's img_align_celeba there",
    ),
    "an image": (
        lambda faces: (faces / "img_align_celeba/000003.jpg").unlink(),
        r"lacks 1 of the 10 images that list_eval_partition.txt names \(000003.jpg first\): unpack",
    ),
    "size": (other_size, "000002.jpg has 64×64 pixels, not 178×218: replace it with the original"),
    "half an image": (
        lambda faces: halved(faces / "img_align_celeba/000004.jpg"),
        "000004.jpg is corrupt or cut short",
    ),
}


@pytest.mark.parametrize("name", MISSING)
def test_what_celeba_lacks_is_told_in_one_sentence(name, faces):
    spoil, words = MISSING[name]
    spoil(faces)
    with pytest.raises(DataError, match=words) as fault:
        prepare(CelebA(n=7, n_test=3))
    assert "\n" not in str(fault.value)


def test_a_plan_says_that_celeba_is_not_here(tmp_path, monkeypatch):
    monkeypatch.delenv("COLLAPSAR_DATA", raising=False)
    assert f"{tmp_path}/cache/collapsar/celeba/list_eval_partition.txt does not exist" in (absence(CelebA()) or "")
    monkeypatch.setenv("COLLAPSAR_DATA", str(tmp_path))
    assert f"{tmp_path}/celeba/list_eval_partition.txt does not exist" in (absence(CelebA()) or "")


def test_a_fault_is_told_before_the_home_is_touched(tmp_path):
    halved(paint(tmp_path / "a", 20, 16) / "0011.png")

    @study(seed=[0])
    def shown(seed):
        """Pictures, one of them cut short."""
        data, objective = small(tmp_path / "a"), Objective(gamma=Fixed(1.0))
        return Trial(data=data, model=VAE(kappa=2), objective=objective, training=Training(steps=3), seed=seed)

    home = Home(tmp_path / "home")
    with pytest.raises(DataError, match=r"0011\.png is corrupt or cut short"):
        fetch_data(make_plan(shown, "laptop", home))
    assert not (tmp_path / "home").exists()
