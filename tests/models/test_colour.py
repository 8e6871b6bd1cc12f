"""Pictures in colour, from training to what is shown of them."""

import io
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from exact_image_records import view_of
from painted_pictures import paint
from PIL import Image

from analysis import AnalysisError, View
from analysis.figures.trial_pictures import CELL, GAP, MARGIN, reconstructions
from models.data import centring
from models.data.load import from_declaration, load
from study import VAE, ImageFolder
from study.catalog.image_collapse.claims import drawings
from study.pack.pack import make_pack
from study.plan.datasets import record_data
from study.record import Home, read, read_artifacts, write_artifacts
from study.train.pack_run import PackRun
from study.train.stack.training_rows import TrainingRows


def shown(png):
    picture = Image.open(io.BytesIO(png))
    return picture.mode, np.asarray(picture)


def test_colours_are_shown_as_they_are():
    images = np.zeros((2, 4, 4, 3), np.float16)
    images[0, ..., 0], images[1, ..., 2] = 1, 0.5
    mode, pixels = shown(reconstructions({"original": images, "reconstruction": images / 2}))
    assert mode == "RGB"
    first, second = (MARGIN + i * (CELL + GAP) + CELL // 2 for i in range(2))
    top, below = (GAP + i * (CELL + GAP) + CELL // 2 for i in range(2))
    assert [tuple(pixels[top, x]) for x in (first, second)] == [(255, 0, 0), (0, 0, 127)]
    assert [tuple(pixels[below, x]) for x in (first, second)] == [(127, 0, 0), (0, 0, 63)]
    assert tuple(pixels[0, 0]) == (255, 255, 255)


def test_grey_pictures_stay_grey():
    mode, pixels = shown(reconstructions({"original": np.eye(8, dtype=np.float16)[None]}))
    assert mode == "L"
    assert (
        pixels[GAP : GAP + CELL, MARGIN : MARGIN + CELL].tolist() == np.kron(255 * np.eye(8), np.ones((7, 7))).tolist()
    )


@pytest.mark.parametrize("channels", [(), (3,)])
def test_a_large_picture_keeps_its_pixels(channels):
    image = np.random.default_rng(0).random((1, 64, 70, *channels)).astype(np.float32)
    _, pixels = shown(reconstructions({"original": image}))
    low, high = image.min(), image.max()
    cell = pixels[GAP : GAP + 64, MARGIN : MARGIN + 70]
    assert np.abs(cell - 255 * (image[0] - low) / (high - low)).max() <= 1


@pytest.mark.parametrize("size", [16, 72])
def test_a_trial_on_pictures_in_colour_is_recorded_and_shown(size, tmp_path, monkeypatch, make_trial):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    data = ImageFolder.of(paint(tmp_path / "faces", 30, size), size, every=3)
    trial = make_trial(data=data, model=VAE(kappa=2, encoder=(8,), decoder=(8,)), steps=3)
    home, pack = Home(tmp_path / "home"), PackRun(make_pack([trial], {}))
    pack.advance(60)
    pack.commit(home)
    (row,) = read(home, "trials").to_pylist()
    images = read_artifacts(home, row["artifacts"], trial.trial_id, "pictures")
    assert {name: array.shape for name, array in images.items()} == dict.fromkeys(images, (8, size, size, 3))
    original = np.asarray(Image.open(tmp_path / "faces/0002.png")) / 255
    assert images["original"][0].astype(float) == pytest.approx(original, abs=1e-3)
    assert shown(reconstructions(images))[0] == "RGB"
    assert (row["d"], row["data"]) == (3 * size**2, f"faces-{size}")


def test_data_larger_than_memory_train_alike(tmp_path, monkeypatch, make_trial):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    data = ImageFolder.of(paint(tmp_path / "faces", 40, 16), 16, every=4)
    network = VAE(kappa=2, encoder=(8,), decoder=(8,))
    trials = [make_trial(data=data, model=network, steps=20, batch=8, seed=seed) for seed in (0, 1)]
    found = []
    for limit in (centring.IN_MEMORY, 0):
        monkeypatch.setattr(centring, "IN_MEMORY", limit)
        from_declaration.cache_clear()
        home, pack = Home(tmp_path / f"{limit}"), PackRun(make_pack(trials, {}))
        pack.advance(60)
        pack.commit(home)
        found.append(read(home, "trials").to_pandas().set_index("trial_id").sort_index())
    from_declaration.cache_clear()
    for column in ("distortion_train", "distortion_test", "rate_train", "gamma", "grad_z_last"):
        assert list(found[0][column]) == list(found[1][column])
    assert found[0]["nre_test"].tolist() == pytest.approx(found[1]["nre_test"].tolist(), rel=1e-6)


@pytest.mark.parametrize("held", [True, False])
def test_rows_are_gathered_alike_from_bytes_on_a_device_and_from_the_disk(held, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(centring, "IN_MEMORY", 0)
    monkeypatch.setattr("study.train.stack.training_rows._has_room", lambda *_: held)
    rows = load(ImageFolder.of(paint(tmp_path / "faces", 40, 16), 16)).train
    for dtype in (torch.float32, torch.float64):
        index = torch.tensor([[3, 1, 3], [0, 1, 35]])
        table = TrainingRows(rows, torch.device("cpu"), dtype)
        assert np.array_equal(table.gather(index).numpy(), rows[index.numpy()].astype(str(dtype)[6:]))


def test_a_spectrum_of_too_many_dimensions_is_left_out(tmp_path, monkeypatch, make_trial):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    home = Home(tmp_path / "home")
    sizes = {8: 192, 37: None}  # 37² × 3 is 4107
    for size in sizes:
        data = ImageFolder.of(paint(tmp_path / f"{size}", 30, size), size)
        plan: Any = SimpleNamespace(missing=[make_trial(data=data)])
        record_data(plan, home)
    rows = {row["data"]: row for row in read(home, "datasets").to_pylist()}
    assert [row["spectrum"] and len(row["spectrum"]) for row in rows.values()] == list(sizes.values())
    with pytest.raises(AnalysisError, match="37-37 has d = 4107 dimensions, too many"):
        View("any", home).spectrum(rows["37-37"]["data_id"])


def test_samples_in_colour_are_drawn(tmp_path):
    view = view_of(tmp_path)
    arrays = {
        f"{trial}/pictures/sample": np.tile(np.array([1.0, 0.0, 0.0], np.float16), (8, 4, 4, 1))
        for trial in view.trials["trial_id"]
    }
    write_artifacts(view.home, "a", arrays)
    (samples,) = [drawing for drawing in drawings(view) if drawing.name == "samples-mnist"]
    pixels = np.asarray(Image.open(io.BytesIO(samples.png)).convert("RGB")).reshape(-1, 3)
    assert (pixels == (255, 0, 0)).all(axis=1).mean() > 0.05
