"""Packs on their way to an actor: `packs/<pack_id>.json` in the home, gone when the pack is done."""

import json

from study.plan import Pack
from study.record import RESULTS, Home, HomeError, stored_ids
from study.trial import Trial


def write_pack(home: Home, pack: Pack) -> None:
    content = {
        "trials": [trial.model_dump(mode="json") for trial in pack.trials],
        "attempts": pack.attempts,
    }
    home.write(_path(pack.pack_id), json.dumps(content).encode())


def read_pack(home: Home, pack_id: str) -> Pack:
    """What is left of a pack: its trials that no commit has settled. Raises: HomeError."""
    try:
        content = json.loads(home.read(_path(pack_id)))
    except FileNotFoundError as fault:
        raise HomeError(f"{home} has no pack {pack_id} any more: launch the study again") from fault
    settled = {row.trial_id for row in stored_ids(home) if row.status in RESULTS}
    listed = [(Trial.model_validate(trial), n) for trial, n in zip(content["trials"], content["attempts"], strict=True)]
    left = [(trial, attempt) for trial, attempt in listed if trial.trial_id not in settled]
    return Pack(pack_id, tuple(trial for trial, _ in left), tuple(attempt for _, attempt in left))


def drop_pack(home: Home, pack: Pack) -> None:
    home.delete(_path(pack.pack_id))


def _path(pack_id: str) -> str:
    return f"packs/{pack_id}.json"
