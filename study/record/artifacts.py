"""Weights and pictures: one safetensors file per commit, `artifacts/<commit_id>.safetensors`.

Keys are `<trial_id>/weights/<parameter>` and, for image data, `<trial_id>/pictures/{original,reconstruction,sample}`
(images × height × width, grey values on the data's own scale, float16).
"""

from collections.abc import Mapping

import numpy as np
from safetensors.numpy import load, save

from study.record.home import Home


def artifact_path(commit_id: str) -> str:
    return f"artifacts/{commit_id}.safetensors"


def write_artifacts(home: Home, commit_id: str, arrays: Mapping[str, np.ndarray]) -> str:
    """Write a commit's arrays and return the path in the home."""
    path = artifact_path(commit_id)
    home.write(path, save({name: np.ascontiguousarray(array) for name, array in arrays.items()}))
    return path


def read_artifacts(home: Home, path: str, trial_id: str, group: str) -> dict[str, np.ndarray]:
    """The arrays of one trial in a group (`weights` or `pictures`), by their short names. Reads only those on a local disk.

    Raises: FileNotFoundError where the file is gone.
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
