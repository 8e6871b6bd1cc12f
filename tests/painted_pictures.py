"""Small folders of pictures, painted: ellipses in colour, of known dimension, as PNG or JPEG files."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from study import CelebA, ImageFolder

DIMENSIONS = 5
"""Of an ellipse: its place (2), its two half axes and its hue."""

PARTITION = "list_eval_partition.txt"


def ellipses(n: int, size: tuple[int, int], seed: int = 0) -> np.ndarray:
    """Pictures (n, height, width, 3) in bytes: a smooth function of five uniform numbers each."""
    height, width = size
    x, y, a, b, hue = np.random.default_rng(seed).uniform(size=(DIMENSIONS, n, 1, 1))
    rows, columns = np.arange(height)[:, None] / height, np.arange(width) / width
    across = (columns - 0.3 - 0.4 * x) / (0.12 + 0.15 * a)
    down = (rows - 0.3 - 0.4 * y) / (0.12 + 0.15 * b)
    inside = 1 / (1 + np.exp(6 * (across**2 + down**2 - 1)))
    colour = 0.5 + 0.5 * np.cos(2 * np.pi * (0.8 * hue[..., None] + np.arange(3) / 3))
    return (255 * (0.9 - inside[..., None] * (0.9 - colour))).astype(np.uint8)


def paint(folder: Path, n: int = 100, size: int = 64, seed: int = 0, form: str = "png") -> Path:
    """Put `n` square pictures into a folder, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    for i, picture in enumerate(ellipses(n, (size, size), seed)):
        Image.fromarray(picture).save(folder / f"{i:04d}.{form}")
    return folder


def small(folder: Path, **changes: Any) -> ImageFolder:
    """A declaration of a folder's pictures, shrunk to 16×16."""
    return ImageFolder.of(folder, **({"size": 16} | changes))


def paint_celeba(folder: Path, parts: str, seed: int = 0) -> Path:
    """A folder laid out as CelebA's authors do: an image of 178×218 pixels for each part's digit (0, 1 or 2) in `parts`."""
    images = folder / "celeba" / "img_align_celeba"
    images.mkdir(parents=True)
    lines = []
    for i, (part, picture) in enumerate(zip(parts, ellipses(len(parts), (218, 178), seed), strict=True), start=1):
        Image.fromarray(picture).save(images / f"{i:06d}.jpg", quality=95)
        lines.append(f"{i:06d}.jpg {part}\n")
    (folder / "celeba" / PARTITION).write_text("".join(lines))
    return folder / "celeba"


def published_celeba(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Eight training, three validation and four test images in CelebA's layout, for this test the published ones."""
    celeba = paint_celeba(folder, "000010200212012")
    md5 = hashlib.md5((celeba / PARTITION).read_bytes()).hexdigest()
    monkeypatch.setattr(CelebA, "fingerprint", CelebA.fingerprint | {PARTITION: md5})
    monkeypatch.setenv("COLLAPSAR_DATA", str(folder))
    return celeba
