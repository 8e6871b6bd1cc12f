"""Grouping trials into packs: those of one shape together, as many as fit and still gain."""

import math
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from study.declare.probe import Declared
from study.pack.cost import CPU_CORE, Device, cost, largest_useful_pack


@dataclass(frozen=True)
class Pack:
    """Trials that share shapes and train as one stack, or probes of one kind."""

    pack_id: str
    trials: tuple[Declared, ...]
    attempts: tuple[int, ...]
    device: str = CPU_CORE.name
    """The device that it is made for, by torch's name."""

    @property
    def trial_ids(self) -> tuple[str, ...]:
        """The ids of the pack's trials, in their order."""
        return tuple(trial.trial_id for trial in self.trials)


def make_packs(
    trials: Sequence[Declared],
    attempts: Mapping[str, int],
    size: int | None,
    workers: int,
    device: Device,
    begun: Iterable[Sequence[str]] = (),
) -> list[Pack]:
    """Group trials into packs: first those that have `begun` (by the ids of their trials), then the others, costliest first.

    `size` is a fixed pack size; None chooses: as many as fit and still gain, but enough packs to keep `workers` busy.
    A pack that has begun keeps its trials, since its checkpoint is of these and no others.
    """
    old = _begun_packs(trials, attempts, device, begun)
    taken = {trial.trial_id for pack in old for trial in pack.trials}
    trials = [trial for trial in trials if trial.trial_id not in taken]
    groups: dict[str, list[Declared]] = {}
    for trial in trials:
        groups.setdefault(trial.pack_key, []).append(trial)
    costs = {key: cost(group[0]) for key, group in groups.items()}  # of each trial: one shape, as many steps
    total = sum(costs[key] * len(group) for key, group in groups.items())
    packs: list[tuple[float, Pack]] = []
    for key, group in groups.items():
        share = max(1, math.ceil(costs[key] * len(group) * workers / total)) if total else 1
        limit = size or min(largest_useful_pack(group[0], device), math.ceil(len(group) / min(share, len(group))))
        parts = math.ceil(len(group) / limit)
        packs += [
            (costs[key] * len(part), make_pack(part, attempts, device))
            for part in (group[i::parts] for i in range(parts))
        ]
    return old + [pack for _, pack in sorted(packs, key=lambda priced: -priced[0])]


def _begun_packs(
    trials: Sequence[Declared], attempts: Mapping[str, int], device: Device, begun: Iterable[Sequence[str]]
) -> list[Pack]:
    """The packs that have begun and whose trials all wait for training; of two that share a trial, the first."""
    left = {trial.trial_id: trial for trial in trials}
    packs = []
    for ids in begun:
        found = [left[trial_id] for trial_id in ids if trial_id in left]
        if len(found) == len(ids) and len({trial.pack_key for trial in found}) == 1:
            packs.append(make_pack(found, attempts, device))
            left = {trial_id: trial for trial_id, trial in left.items() if trial_id not in ids}
    return packs


def make_pack(trials: Iterable[Declared], attempts: Mapping[str, int], device: Device = CPU_CORE) -> Pack:
    """A pack under a new name: two launches at once must not take each other's packs away."""
    listed = tuple(trials)
    return Pack(
        uuid.uuid4().hex[:12], listed, tuple(attempts.get(trial.trial_id, 0) + 1 for trial in listed), device.name
    )
