"""How large a pack should be, and what a trial costs: estimates from shapes alone.

A stack gains while a step's fixed cost (dispatching a few dozen operations) is a visible part of it. So there is a size
beyond which more trials in a pack gain nothing, and a size beyond which they do not fit.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from models.specs import VAE
from study.trial import Trial

ASSUMED_PARAMETERS = 10_000
"""Trained numbers assumed of a network whose size its declaration does not tell."""

MOST, LONGEST_S = 256, 900.0
"""A pack is committed whole, so a kill costs all of it: at most so many trials, and so many seconds."""

STILL_VISIBLE = 0.03
"""A pack is large enough when a step's fixed cost is at most this part of it."""


@dataclass(frozen=True)
class Device:
    """What matters of a device: sustained speed in packs (flop/s), a step's fixed cost (s), memory for a pack (bytes).

    For one CPU core, a line through the CPU time of a step in packs of 1 to 256: a step of the smallest network costs
    0.5 ms in a pack of 1, and each further trial of 64-64 networks of d = 20 and 64 its arithmetic at 3.7 and 4.8e10 flop/s
    (tanh included; one of 784-256-256 at 7.8e10). For a GPU deliberately low, since a pack that is too large is halved at
    the cost of a retry.
    """

    flops: float
    step_overhead_s: float
    memory: float


CPU_CORE = Device(flops=4e10, step_overhead_s=5e-4, memory=2 * 2**30)
GPU = Device(flops=1e13, step_overhead_s=2e-3, memory=10 * 2**30)


def cost(trial: Trial) -> float:
    """Floating-point operations of a trial's training, roughly: six for each trained number, example and step."""
    return _step_cost(trial) * trial.training.steps


def seconds(pack: Sequence[Trial], device: Device = CPU_CORE) -> float:
    """Estimated training time of a pack on one device."""
    return sum(map(cost, pack)) / device.flops + pack[0].training.steps * device.step_overhead_s


def largest_useful_pack(trial: Trial, device: Device) -> int:
    """The number of trials like this one that fit into a pack, still gain from it, and are not too many to lose at once."""
    gains = device.step_overhead_s * device.flops / (STILL_VISIBLE * _step_cost(trial))
    bearable = LONGEST_S * device.flops / cost(trial)
    return max(1, round(min(gains, device.memory / _memory(trial), bearable, MOST)))


def _step_cost(trial: Trial) -> float:
    return 6.0 * _parameters(trial) * _batch(trial)


def _memory(trial: Trial) -> float:
    """Bytes of a trial in a pack: weights, gradient, two moments and temporaries, and what the backward pass keeps."""
    model = trial.model
    widths = sum((*model.encoder, *model.decoder)) if isinstance(model, VAE) else ASSUMED_PARAMETERS**0.5
    kept = _batch(trial) * (3 * widths + 6 * model.kappa + 3 * trial.d + trial.d_in)
    return (8 if trial.training.dtype == "float64" else 4) * (7.0 * _parameters(trial) + 2.0 * kept)


def _parameters(trial: Trial) -> int:
    return trial.model.parameters(trial.d_in, trial.d) or ASSUMED_PARAMETERS


def _batch(trial: Trial) -> int:
    return min(trial.training.batch, trial.data.n_train)
