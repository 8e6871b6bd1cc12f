"""Which trials train on the GPUs of a cluster, and which on the CPU cores that no GPU needs.

The smallest networks keep a GPU waiting: a core trains a pack of them in as many seconds. So the shapes of networks are
sorted by how many times faster a GPU trains them than a core, and the cores take those that lose least, until both would
end together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from study.declare.probe import Declared
from study.pack.cost import Device, largest_useful_pack, seconds
from study.pack.pack import Pack, make_packs
from study.record import Checkpoint

WORTH_IT = 0.9
"""The cores take a share where the launch is then estimated to end within this part of the time of the GPUs alone."""


@dataclass(frozen=True)
class Pool:
    """Devices of one kind that train packs side by side."""

    device: Device
    workers: int


def packs_for(
    trials: Sequence[Declared],
    attempts: Mapping[str, int],
    size: int | None,
    pools: Sequence[Pool],
    checkpoints: Sequence[Checkpoint],
) -> list[Pack]:
    """Packs of the trials for one pool, or for two, the faster first. Trials of a checkpoint go on where it was written."""
    begun = {
        pool.device.name: [head.trials for head in checkpoints if head.device == pool.device.name] for pool in pools
    }
    ids = {trial_id for lists in begun.values() for listed in lists for trial_id in listed}
    parts = [list(trials)]
    if len(pools) > 1:
        fast, slow = pools
        parts = list(share([trial for trial in trials if trial.trial_id not in ids], fast, slow, size))
        for pool, part in zip(pools, parts, strict=True):
            own = {trial_id for listed in begun[pool.device.name] for trial_id in listed}
            part += [trial for trial in trials if trial.trial_id in own]
    return [
        pack
        for pool, part in zip(pools, parts, strict=True)
        for pack in make_packs(part, attempts, size, pool.workers, pool.device, begun[pool.device.name])
    ]


@dataclass(frozen=True)
class _Shape:
    """Trials of one shape, and the seconds that one of them costs each pool."""

    trials: Sequence[Declared]
    fast_s: float
    slow_s: float


def share(
    trials: Sequence[Declared], fast: Pool, slow: Pool, size: int | None
) -> tuple[list[Declared], list[Declared]]:
    """The trials for the fast pool (GPUs) and for the slow one (cores); `size` is a fixed pack size, None chooses."""
    if not slow.workers:
        return list(trials), []
    groups: dict[str, list[Declared]] = {}
    for trial in trials:
        groups.setdefault(trial.pack_key, []).append(trial)
    shapes = [_Shape(group, _each_s(group, fast, size), _each_s(group, slow, size)) for group in groups.values()]
    shapes.sort(key=lambda shape: shape.slow_s / shape.fast_s)
    alone_s = fast_s = sum(shape.fast_s * len(shape.trials) for shape in shapes)
    slow_s, moved = 0.0, list[Declared]()
    for shape in shapes:
        count = min(len(shape.trials), int((fast_s - slow_s) / (shape.fast_s + shape.slow_s)))
        moved += shape.trials[:count]
        fast_s, slow_s = fast_s - count * shape.fast_s, slow_s + count * shape.slow_s
        if count < len(shape.trials):
            break
    if max(fast_s, slow_s) > WORTH_IT * alone_s:
        return list(trials), []
    taken = {id(trial) for trial in moved}
    return [trial for trial in trials if id(trial) not in taken], moved


def _each_s(group: Sequence[Declared], pool: Pool, size: int | None) -> float:
    """Seconds of the whole pool that one of the trials costs, in packs as large as they would be."""
    useful = size or largest_useful_pack(group[0], pool.device)
    pack = group[: max(1, min(useful, len(group)))]
    return seconds(pack, pool.device) / len(pack) / pool.workers
