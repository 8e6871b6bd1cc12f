"""How many trials a minute each network trains at, in packs of 1 to 4,096 and one at a time, beside the device's limit.

`floor` is the least time that a step could take: its matrix products at the rate measured for fp32, or the fewest bytes that
it must move at the rate measured for copies, whichever takes longer. These bytes are every trained number and its two
moments, read and written once, and the rows and noise of the minibatch, read once; whatever lies between could stay on the
chip. `of_limit` is the floor divided by what a step took.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import torch

from benchmarks.convolutions import CarriedPack
from benchmarks.core import Trainer
from benchmarks.gpu import ways
from benchmarks.gpu.budget import Deadline
from benchmarks.gpu.correctness import free
from benchmarks.gpu.findings import Line, in_a_line
from benchmarks.gpu.limit import timed
from benchmarks.gpu.networks import NAMES, is_convolutional, measured, of_length, varied
from benchmarks.plain_loop import PlainLoop
from models.specs import Fixed
from study.declare.trial import Trial
from study.train.step.loop import Training

ALONE = "one at a time"
PASSES: Sequence[Sequence[int]] = ((1, 64, 1024), (4, 16, 256, 4096))
"""Sizes in the order in which they are measured, for all networks before the next pass."""

CARRIED = ("together", "vmap")
"""How a convolutional pack can be carried besides as the platform chooses (`benchmarks.convolutions`), with a fixed γ."""

ENDLESS = 1_000_000
"""Steps of a training that is only timed, which must not end while it is."""

AHEAD = 64
"""Steps whose random numbers are drawn at once: a fair span holds whole multiples."""

LONGEST_STEP_S, SPAN_S = 2.0, 0.4


@dataclass(frozen=True)
class Job:
    """One way of training one network, in packs of one size."""

    name: str
    way: str
    size: int

    def trainer(self, device: str) -> Trainer:
        """The training that is timed."""
        endless = of_length(measured(self.name).network, ENDLESS)
        if self.way == ALONE:
            return PlainLoop(varied(endless, 1)[0], device)
        if self.way in CARRIED:
            fixed = varied(endless, self.size, [Fixed(0.1)])
            return CarriedPack(fixed, "together" if self.way == "together" else "vmap", device)
        return ways.BUILT[_as_way(self.way)](varied(endless, self.size), device)


@dataclass(frozen=True)
class Limit:
    """What the device can do: flop/s of fp32 products, bytes/s of copies."""

    flops: float | None
    bytes: float | None

    def floor(self, trial: Trial, size: int) -> tuple[float, str] | None:
        """Seconds that a step takes at least, and what it is made of."""
        if not (self.flops and self.bytes):
            return None
        seconds = {"products": size * flops_of(trial) / self.flops, "copies": size * bytes_of(trial) / self.bytes}
        longer = max(seconds, key=lambda what: seconds[what])
        return seconds[longer], longer


@dataclass
class Sweep:
    """All jobs on one device, and what the smaller sizes said of the larger ones."""

    device: str
    limit: Limit
    span_s: float = SPAN_S
    _alone_s: dict[str, float] = field(default_factory=dict)
    _known: dict[tuple[str, str], Line] = field(default_factory=dict)

    def run(self, jobs: Sequence[Job], deadline: Deadline) -> Iterator[Line]:
        """A line for each job, `left_out` in it where there is no number."""
        for job in jobs:
            line = {"network": job.name, "way": job.way, "pack": job.size}
            if why := self._too_long(job, deadline):
                yield line | {"left_out": why}
                continue
            free()
            try:
                yield line | self._measure(job)
            except (torch.OutOfMemoryError, MemoryError):
                yield line | {"left_out": "it does not fit the memory"}
            except Exception as fault:  # a size that the device cannot do is a finding, and no end of the run
                yield line | {"left_out": in_a_line(fault)}

    def _measure(self, job: Job) -> Line:
        build_s, trainer = self._built(job)
        step_s = step_seconds(trainer, self.device, self.span_s)
        if job.way == ALONE:
            self._alone_s[job.name] = step_s
        network = measured(job.name).network
        first, alone_s = varied(network, 1)[0], self._alone_s.get(job.name)
        line: Line = {
            "step_ms": 1e3 * step_s,
            "trials_per_minute": 60 * job.size / (step_s * network.training.steps),
            "times_alone": job.size * alone_s / step_s if alone_s else None,
            "tflops": job.size * flops_of(first) / step_s / 1e12,
            "build_s": build_s,
        }
        if floor := self.limit.floor(first, job.size):
            line |= {"of_limit": floor[0] / step_s, "limited_by": floor[1]}
        if self.device.startswith("cuda"):
            line["peak_gib"] = torch.cuda.max_memory_allocated(self.device) / 2**30
        if isinstance(trainer, CarriedPack | Training):
            line["carried"] = trainer.stack.way
        self._known[job.name, job.way] = line | {"pack": job.size}
        return line

    def _built(self, job: Job) -> tuple[float, Trainer]:
        """The seconds until a training has taken its first step, with whatever is prepared once, and the training."""
        if self.device.startswith("cuda"):
            torch.cuda.reset_peak_memory_stats(self.device)
        made: list[Trainer] = []
        measured(job.name)
        seconds = timed(lambda: made.append(job.trainer(self.device)), 1, self.device)
        return seconds + timed(partial(made[0].advance, 1e-5), 1, self.device), made[0]

    def _too_long(self, job: Job, deadline: Deadline) -> str | None:
        """Why a job is not begun, judged from the last smaller size: nothing takes longer than in proportion."""
        known = self._known.get((job.name, job.way))
        times = job.size / known["pack"] if known else 1.0
        step_s, build_s = (known["step_ms"] / 1e3 * times, known["build_s"] * times) if known else (0.0, 0.0)
        if step_s > LONGEST_STEP_S:
            return f"a step would take up to {step_s:.0f} s"
        needed = build_s + 8 * (self.span_s + step_s)
        return (
            None
            if needed <= deadline.left
            else f"it may take {needed:.0f} s, and {max(0.0, deadline.left):.0f} s were left"
        )


def jobs(device: str, names: Sequence[str] = NAMES, passes: Sequence[Sequence[int]] = PASSES) -> list[Job]:
    """What is measured, the most telling first."""
    found = []
    for number, sizes in enumerate(passes):
        for name in names:
            found += [Job(name, ALONE, 1)] * (number == 0)
            carried = CARRIED if is_convolutional(name) else ()
            found += [Job(name, way, size) for way in (*ways.built(device), *carried) for size in sizes]
    return found


def step_seconds(trainer: Trainer, device: str, span_s: float) -> float:
    """Seconds of a step: the less of two spans, of whole multiples of `AHEAD` steps where that takes bearable time."""
    about_s = _seconds_each(trainer, 2, device)
    count = max(1, round(span_s / about_s))
    if count * 4 >= AHEAD:
        count = -(-count // AHEAD) * AHEAD
    return min(_seconds_each(trainer, count, device) for _ in range(2))


def _seconds_each(trainer: Trainer, count: int, device: str) -> float:
    """Steps are asked for one by one: what `advance` launches on a GPU within a second may take it far longer to do."""
    taken = 0

    def take() -> None:
        nonlocal taken
        while taken < count:
            taken += trainer.advance(1e-5)

    seconds = timed(take, 1, device)
    return seconds / taken


def flops_of(trial: Trial) -> float:
    """Operations of a step: three passes of two for each multiplication and example, tanh and Adam not counted."""
    return 6.0 * trial.training.batch * (trial.model.products(trial) or 0)


def bytes_of(trial: Trial) -> float:
    """The fewest bytes that a step moves."""
    minibatch = trial.training.batch * (trial.d_in + trial.model.kappa)
    return 4.0 * (6 * (trial.model.parameters(trial) or 0) + minibatch)


def _as_way(name: str) -> ways.Way:
    return next(way for way in ways.WAYS if way == name)
