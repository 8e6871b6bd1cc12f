"""CelebA as its authors distribute it: `img_align_celeba/*.jpg` and `list_eval_partition.txt` in one folder, `celeba/`.

The folder lies where `COLLAPSAR_DATA` says, else in the user's cache. Nothing is downloaded: its authors want their terms
agreed to.
"""

from pathlib import Path

from models.data.centring import from_pictures
from models.data.dataset import DataSet
from models.data.download import md5_of
from models.data.loaders import loads
from models.data.picture_cache import Album, decode
from models.data.read_picture import Frame
from models.data_folders import DataError, cache_folder, own_folder
from models.specs.data import CelebA

IMAGES, PARTITION = "img_align_celeba", "list_eval_partition.txt"
TRAINING, TEST = "0", "2"
WHOLE, CROP = (178, 218), 140

_AUTHORS = "mmlab.ie.cuhk.edu.hk/projects/CelebA.html"


def absence(spec: CelebA) -> str | None:
    """What is missing of CelebA, in one sentence; None where nothing is."""
    for path in (_folder() / PARTITION, _folder() / IMAGES):
        if not path.exists():
            return (
                f"{path} does not exist: put {spec.kind}'s {path.name} there (its authors give it at {_AUTHORS}), "
                f"or set COLLAPSAR_DATA to the folder that holds {_folder().name}/{path.name}"
            )
    return None


@loads(CelebA, absence=absence)
def celeba(spec: CelebA) -> DataSet:
    """Training and test images. Raises: DataError."""
    if missing := absence(spec):
        raise DataError(missing)
    parts = _partition(spec)
    names = {TRAINING: parts[TRAINING][: spec.n], TEST: parts[TEST][: spec.n_test]}
    _check_there([name for part in names.values() for name in part])
    return from_pictures(spec, *(decode(_album(spec, part)) for part in names.values()))


def _folder() -> Path:
    return (own_folder() or cache_folder()) / "celeba"


def _partition(spec: CelebA) -> dict[str, list[str]]:
    """The images' names by the number of their part. Raises: DataError."""
    path, published = _folder() / PARTITION, spec.fingerprint[PARTITION]
    try:
        found = md5_of(path)
        lines = path.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError as fault:
        raise DataError(f"{path} cannot be read ({fault.strerror}): fix its permissions") from fault
    if found != published:
        raise DataError(
            f"{path} is not the published file (its md5 should be {published}): replace it with the original"
        )
    parts: dict[str, list[str]] = {}
    for name, part in (line.split() for line in lines):
        parts.setdefault(part, []).append(name)
    return parts


def _check_there(names: list[str]) -> None:
    folder = _folder() / IMAGES
    try:
        there = {path.name for path in folder.iterdir()}
    except OSError as fault:
        raise DataError(f"{folder} cannot be read ({fault.strerror}): make it a folder that can") from fault
    if missing := [name for name in names if name not in there]:
        raise DataError(
            f"{folder} lacks {len(missing):,} of the {len(names):,} images that {PARTITION} names ({missing[0]} first): "
            f"unpack {IMAGES}.zip there again, whole"
        )


def _album(spec: CelebA, names: list[str]) -> Album:
    folder = _folder() / IMAGES
    return Album(
        name=f"celeba-{spec.size}",
        folder=folder,
        names=names,
        frame=Frame(spec.size, 3, crop=CROP, whole=WHOLE),
        origin=f"{spec.kind} {spec.fingerprint[PARTITION]}",
        remedy=f"replace it with the original of {IMAGES}.zip",
        state=f"{folder.resolve()} {folder.stat().st_mtime_ns}",
    )
