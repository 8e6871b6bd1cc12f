"""Weights and pictures: one safetensors file per commit, `artifacts/<commit_id>.safetensors`.

Keys are `<trial_id>/weights/<parameter>` and, for image data, `<trial_id>/pictures/{original,reconstruction,sample}`
(images × height × width, and × 3 for those in colour: values on the data's own scale, float16). Its metadata hold a
checksum, the CRC-32 of all arrays in the order of their keys.
"""

import json
import zlib
from collections.abc import Mapping, Set

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from study.record.home import Home, HomeError

_CHECKSUM = "crc32"


def artifact_path(commit_id: str) -> str:
    """Where a commit's arrays are, in the home."""
    return f"artifacts/{commit_id}.safetensors"


def write_artifacts(home: Home, commit_id: str, arrays: Mapping[str, np.ndarray]) -> str:
    """Write a commit's arrays and return the path in the home."""
    path = artifact_path(commit_id)
    home.write(path, _packed({name: np.ascontiguousarray(array) for name, array in arrays.items()}))
    return path


def checked_artifacts(home: Home, path: str) -> dict[str, np.ndarray]:
    """All arrays of a file, by their keys, held against its checksum; an earlier version's file has none.

    Raises: HomeError where they are damaged; FileNotFoundError where the file is gone.
    """
    content = home.read(path)
    try:
        arrays = load(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    except (SafetensorError, ValueError) as fault:
        raise HomeError(f"{home}/{path} holds no readable weights or pictures ({fault})") from fault
    if header.get("__metadata__", {}).get(_CHECKSUM) not in (None, _checksum(arrays)):
        raise HomeError(f"{home}/{path} holds other weights or pictures than were written to it")
    return arrays


def _packed(arrays: Mapping[str, np.ndarray]) -> bytes:
    return save(dict(arrays), metadata={_CHECKSUM: _checksum(arrays)})


def _checksum(arrays: Mapping[str, np.ndarray]) -> str:
    found = 0
    for name in sorted(arrays):
        found = zlib.crc32(arrays[name].tobytes(), found)
    return f"{found:08x}"


def read_artifacts(home: Home, path: str, trial_id: str, group: str) -> dict[str, np.ndarray]:
    """One trial's arrays of a group (`weights` or `pictures`), by their short names.

    On a local disk nothing else is read. Raises: FileNotFoundError where the file is gone.
    """
    prefix = f"{trial_id}/{group}/"
    if not home.local:
        return {
            name.removeprefix(prefix): array for name, array in load(home.read(path)).items() if name.startswith(prefix)
        }
    from safetensors import safe_open

    with safe_open(str(home.local / path), framework="numpy") as file:
        names = [name for name in file.keys() if name.startswith(prefix)]  # noqa: SIM118 (the file is no mapping)
        return {name.removeprefix(prefix): file.get_tensor(name) for name in names}


def sizes_by_trial(home: Home, path: str) -> dict[str, int]:
    """The bytes of each trial in an artifacts file; reads its header alone. Raises: HomeError."""
    try:
        size = int.from_bytes(home.read(path, 8), "little")
        header = json.loads(home.read(path, 8 + size)[8:])
    except (ValueError, OverflowError, MemoryError) as fault:
        raise HomeError(f"{home}/{path} holds no readable weights or pictures: move it out of the home") from fault
    sizes: dict[str, int] = {}
    for name, entry in header.items():
        if name != "__metadata__":
            start, end = entry["data_offsets"]
            trial_id = name.partition("/")[0]
            sizes[trial_id] = sizes.get(trial_id, 0) + end - start
    return sizes


def write_kept(home: Home, path: str, trials: Set[str]) -> None:
    """Rewrite an artifacts file with the arrays of these trials alone."""
    arrays = {name: array for name, array in load(home.read(path)).items() if name.partition("/")[0] in trials}
    home.write(path, _packed(arrays))
