"""Files of public data sets, from a local folder or fetched once, verified by the published checksums.

`COLLAPSAR_DATA` names a folder that holds the original files of each set in a folder of its own: `mnist/`,
`fashion_mnist/`, `cifar10/` and `svhn/`. Without it the files are downloaded into the user's cache (and verified there) the
first time they are needed.
"""

import hashlib
from pathlib import Path

from models.data_folders import DataError, alone_in, cache_folder, own_folder
from models.specs.images import Published

_SIBLINGS = {1: "", 2: " and its sibling", 4: " and its three siblings"}
"""What stands beside a file, by the number of files of its set."""


def fetch(spec: Published) -> list[Path]:
    """The verified local paths of all files, downloaded if need be. Raises: DataError."""
    return [verified(spec, name) for name in spec.fingerprint]


def absence(spec: Published) -> str | None:
    """What is missing of a data set, in one sentence; None where nothing is."""
    own = own_folder()
    place = (own or cache_folder()) / spec.folder
    missing = [place / name for name in spec.fingerprint if not (place / name).is_file()]
    if not missing:
        return None
    if own:
        return _not_there(missing[0])
    name = type(spec).__name__
    return f"{name} is not here yet: it is downloaded when it is needed, unless COLLAPSAR_DATA names its folder"


def verified(spec: Published, name: str) -> Path:
    """The path of one file, downloaded if need be, once its checksum is the published one. Raises: DataError."""
    if own := own_folder():
        return _checked(own / spec.folder / name, spec.fingerprint[name])
    return _downloaded(spec, name)


def _downloaded(spec: Published, name: str) -> Path:
    """The file in the user's cache, where it is verified. Raises: DataError."""
    import pooch  # not at the top: only what downloads needs it

    registry = {file: f"md5:{md5}" for file, md5 in spec.fingerprint.items()}
    cache = pooch.create(path=cache_folder() / spec.folder, base_url=spec.url, registry=registry)
    try:
        with alone_in(Path(cache.path)):
            for left in Path(cache.path).glob("tmp*"):  # of a killed process: pooch downloads beside and renames
                left.unlink(missing_ok=True)
            return Path(cache.fetch(name))
    except Exception as fault:  # whatever the network stack raises, the remedy is the same
        raise DataError(
            f"{type(spec).__name__} cannot be downloaded ({type(fault).__name__}): "
            f"set COLLAPSAR_DATA to a folder that holds {spec.folder}/{name}{_SIBLINGS[len(spec.fingerprint)]}"
        ) from fault


def md5_of(path: Path) -> str:
    """The md5 of a file, in hexadecimal digits."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "md5").hexdigest()


def _checked(path: Path, md5: str) -> Path:
    if not path.is_file():
        raise DataError(_not_there(path))
    try:
        found = md5_of(path)
    except OSError as fault:
        raise DataError(f"{path} cannot be read ({fault.strerror}): fix its permissions") from fault
    if found != md5:
        raise DataError(f"{path} is not the published file (its md5 should be {md5}): replace it with the original")
    return path


def _not_there(path: Path) -> str:
    return f"{path} does not exist: put the original file there, or unset COLLAPSAR_DATA to download it"
