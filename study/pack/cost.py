"""How large a pack should be, and what a trial costs: estimates from shapes alone.

A stack gains while a step's fixed cost (dispatching a few dozen operations) is a visible part of it. So there is a size
beyond which more trials in a pack gain nothing, and a size beyond which they do not fit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from models.specs import MMD, ImageVAE
from study.declare.probe import Declared, Probe
from study.declare.trial import Trial

ASSUMED_PARAMETERS = 10_000
"""Trained numbers assumed of a network whose declaration does not give its size."""

PAIR_OPERATIONS = 1500.0
"""What a pair of a minibatch costs where an MMD penalty compares all of them: as long as so many operations of a product."""

MOST, LONGEST_S = 256, 900.0
"""Most trials in a pack, and most seconds: a pack is committed whole, so a kill loses all of it."""

STILL_VISIBLE = 0.03
"""A pack is large enough when a step's fixed cost is at most this part of it."""

PACK_S = 0.2
"""Seconds that it takes to hand a pack to an actor, whatever is in it."""


class Speed(NamedTuple):
    """How fast networks of one kind train: sustained flop/s, and the seconds of a step that don't grow with the pack."""

    flops: float
    step_overhead_s: float


@dataclass(frozen=True)
class Device:
    """A device as far as packs go: torch's name, its speed with matrices and convolutions, and its memory for a pack (bytes).

    A CPU core's numbers are a line through the CPU time of a step in packs of 1 to 256, by `python -m benchmarks.core`. A
    step of the smallest network costs 0.29 ms in a pack of 1, and one of 64-64 networks 0.35 ms beside its arithmetic. Each
    further trial of these costs its arithmetic, at 5.7e10 flop/s for d = 20 and 6.6e10 for d = 64 (tanh included). Those of
    a GPU are deliberately low, since a pack that is too large is halved at the cost of a retry.

    Where `packs_convolutions` is false, convolutional networks train one at a time. On a CPU core a pack of them shares a few
    milliseconds a step and loses the caches: it gains on pictures of 8×8, and nothing from 28×28 and 16 channels on
    (`python -m benchmarks.convolutions`). On a GPU nobody has measured it for this platform: a pack is made of grouped
    convolutions, which are reported to be slower than separate ones (pytorch#70954, #73764).
    """

    name: str
    matrices: Speed
    convolutions: Speed
    packs_convolutions: bool
    memory: float


CPU_CORE = Device("cpu", Speed(5.5e10, 3.5e-4), Speed(8e10, 1.5e-3), packs_convolutions=True, memory=2 * 2**30)
GPU = Device("cuda", Speed(1e13, 2e-3), Speed(1e13, 2e-3), packs_convolutions=False, memory=10 * 2**30)


def cost(trial: Declared) -> float:
    """Floating-point operations of a trial's training, roughly: six for each multiplication, example and step.

    A probe's are what a CPU core computes in the seconds that it declares.
    """
    if isinstance(trial, Probe):
        return trial.what.seconds * CPU_CORE.matrices.flops
    return _step_cost(trial) * trial.training.steps


def seconds(pack: Sequence[Declared], device: Device = CPU_CORE) -> float:
    """Estimated training time of a pack on one device; a probe runs on a CPU core, whatever the device."""
    first = pack[0]
    if isinstance(first, Probe):
        return sum(map(cost, pack)) / CPU_CORE.matrices.flops
    speed = _speed(first, device)
    return sum(map(cost, pack)) / speed.flops + first.training.steps * speed.step_overhead_s


def largest_useful_pack(trial: Declared, device: Device) -> int:
    """How many trials like this one fit into a pack, still gain from it, and are not too many to lose at once.

    Probes gain nothing but the start of a pack: theirs are large enough to make that invisible.
    """
    if isinstance(trial, Probe):
        return max(1, min(MOST, round(PACK_S / STILL_VISIBLE / trial.what.seconds)))
    bearable = LONGEST_S * _speed(trial, device).flops / cost(trial)
    return max(1, round(min(_worth_sharing(trial, device), device.memory / _memory(trial), bearable, MOST)))


def gains_as_one(trial: Trial, device: Device) -> bool:
    """Whether trials like this one train faster as one stack than one after another."""
    return _worth_sharing(trial, device) >= 2


def _worth_sharing(trial: Trial, device: Device) -> float:
    """How many trials like this one make a step's fixed cost invisible."""
    if _is_convolutional(trial) and not device.packs_convolutions:
        return 1
    speed = _speed(trial, device)
    return speed.step_overhead_s * speed.flops / (STILL_VISIBLE * _step_cost(trial))


def _is_convolutional(trial: Trial) -> bool:
    return isinstance(trial.model, ImageVAE)


def _speed(trial: Trial, device: Device) -> Speed:
    return device.convolutions if _is_convolutional(trial) else device.matrices


def _step_cost(trial: Trial) -> float:
    """Three passes of two operations each for the minibatch, one for held-out examples now and then, and the penalty."""
    stop = trial.training.stop
    held_out = stop.examples(trial.data.n_train) / stop.every if stop else 0.0
    pairs = _batch(trial) ** 2 if isinstance(trial.objective.penalty, MMD) else 0
    network = (6.0 * _batch(trial) + 2.0 * held_out) * (trial.model.products(trial) or ASSUMED_PARAMETERS)
    return network + PAIR_OPERATIONS * pairs


def _memory(trial: Trial) -> float:
    """Bytes of a trial in a pack: weights, gradient, two moments and temporaries, and what the backward pass keeps."""
    model = trial.model
    inside = model.kept(trial)
    inside = 3 * ASSUMED_PARAMETERS**0.5 if inside is None else inside  # a linear network keeps nothing inside
    decoded = 3 * trial.d * trial.per_value.numbers
    kept = _batch(trial) * (inside + 6 * model.kappa + decoded + trial.d_in)
    numbers = 7.0 * (model.parameters(trial) or ASSUMED_PARAMETERS) + 2.0 * kept
    return (8 if trial.training.dtype == "float64" else 4) * numbers


def _batch(trial: Trial) -> int:
    return min(trial.training.batch, trial.training.examples(trial.data.n_train))
