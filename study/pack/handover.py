"""Packs on their way to an actor: `packs/<pack_id>.json` in the home, removed when the round ends.

Packs that train at once are a round. No two of a round share a trial, so an actor need not open what its round commits
meanwhile, only what others commit: else each of n packs would open the results of all the others.
"""

import contextlib
import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

from study.declare.probe import read_declaration
from study.pack.pack import Pack
from study.record import RESULTS, Home, HomeError, ids_with_results, stored_ids, with_retries
from study.record.parts import part_names

FOLDER = "packs"


@dataclass(frozen=True)
class Round:
    """What was known when a round began: the home's trials parts, the packs, and those of their trials that had a result."""

    seen: frozenset[str]
    packs: frozenset[str]
    settled: frozenset[str]


@dataclass(frozen=True)
class Known:
    """Says of a trials part, by its name, whether it holds nothing new for one pack of a round."""

    round: Round
    pack_id: str

    def __call__(self, part: str) -> bool:
        author = part.removesuffix(".parquet").rpartition("-")[2][: len(self.pack_id)]
        return part in self.round.seen or (author != self.pack_id and author in self.round.packs)


@contextlib.contextmanager
def hand_over(home: Home, packs: Sequence[Pack], tell: Callable[[str], None]) -> Iterator[None]:
    """Lay a round's packs where actors find them; remove them however it ends (what the home keeps, `study.clean` removes).

    `tell` hears of refusals that may pass. Raises: HomeError.
    """
    name = f"round-{uuid.uuid4().hex[:12]}"
    try:
        content = with_retries(partial(_round, home, packs), tell)
        with_retries(partial(home.write, _path(name), json.dumps(content).encode()), tell)
        for pack in packs:
            with_retries(partial(home.write, _path(pack.pack_id), json.dumps(_content(pack, name)).encode()), tell)
        yield
    finally:
        with contextlib.suppress(HomeError):
            for written in (*(pack.pack_id for pack in packs), name):
                home.delete(_path(written))


def read_pack(home: Home, pack_id: str) -> tuple[Pack, Known]:
    """The trials of a pack that no commit has settled, and the parts that it need not open. Raises: HomeError."""
    try:
        content = json.loads(home.read(_path(pack_id)))
        known = Known(_read_round(home, content["round"]), pack_id)
    except FileNotFoundError as fault:
        raise HomeError(f"{home} has no pack {pack_id} any more: launch the study again") from fault
    settled = known.round.settled | ids_with_results(home, known)
    listed = [(read_declaration(trial), n) for trial, n in zip(content["trials"], content["attempts"], strict=True)]
    left = [(trial, attempt) for trial, attempt in listed if trial.trial_id not in settled]
    return Pack(pack_id, tuple(trial for trial, _ in left), tuple(attempt for _, attempt in left)), known


def _round(home: Home, packs: Sequence[Pack]) -> dict[str, list[str]]:
    seen = part_names(home, "trials")
    settled = {row.trial_id for row in stored_ids(home) if row.status in RESULTS}
    ids = [pack.pack_id for pack in packs]
    return {
        "seen": seen,
        "packs": ids,
        "settled": sorted(settled.intersection(trial_id for pack in packs for trial_id in pack.trial_ids)),
    }


def _content(pack: Pack, name: str) -> dict[str, object]:
    return {
        "round": name,
        "trials": [trial.model_dump(mode="json") for trial in pack.trials],
        "attempts": pack.attempts,
    }


@lru_cache(maxsize=4)
def _read_round(home: Home, name: str) -> Round:
    content = json.loads(home.read(_path(name)))
    return Round(*(frozenset(content[field]) for field in ("seen", "packs", "settled")))


def _path(name: str) -> str:
    return f"{FOLDER}/{name}.json"
