"""Packs on their way to an actor: `packs/<pack_id>.json` in the home, gone when the pack is done."""

import json

from study.plan import Pack
from study.record import Home
from study.trial import Trial


def write_pack(home: Home, pack: Pack) -> None:
    content = {
        "trials": [trial.model_dump(mode="json") for trial in pack.trials],
        "attempts": pack.attempts,
    }
    home.write(_path(pack.pack_id), json.dumps(content).encode())


def read_pack(home: Home, pack_id: str) -> Pack:
    """Raises: FileNotFoundError where no launch left such a pack."""
    content = json.loads(home.read(_path(pack_id)))
    trials = tuple(Trial.model_validate(trial) for trial in content["trials"])
    return Pack(pack_id, trials, tuple(content["attempts"]))


def drop_pack(home: Home, pack: Pack) -> None:
    home.delete(_path(pack.pack_id))


def _path(pack_id: str) -> str:
    return f"packs/{pack_id}.json"
