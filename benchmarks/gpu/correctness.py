"""What must be true on a device before a speed counts: packs train what a plain loop trains, and no fault spreads.

A pack and `benchmarks.plain_loop` take the same steps on the same device. Their trained numbers, log γ included where it is
learned, may be `TOLERANCE` apart: ‖packed − alone‖ / ‖alone‖, of each trial. A check fails as well where that would not tell
a trial from its neighbour in the pack.

Rounding grows in training, by dozens of steps to 1e-6 or 1e-5. But where an input of a ReLU is 0 but for rounding, one step
more can make 1e-3 of it, as Adam divides by gradients near 0. So networks with ReLUs take `STEPS_WITH_KINKS`.
Convolutions are compared without TF32, which cuDNN uses by default and which rounds to 1e-3 by itself.
"""

import gc
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from statistics import median

import torch
from torch import Tensor

from benchmarks.core import Trainer
from benchmarks.gpu import ways
from benchmarks.gpu.budget import Deadline, OutOfTimeError
from benchmarks.gpu.findings import Line, in_a_line
from benchmarks.gpu.networks import measured, of_length, varied
from benchmarks.networks import GAMMAS
from benchmarks.plain_loop import PlainLoop
from models.specs import Fixed, Gamma, PerImage, PerPixel
from study.declare.trial import Trial
from study.train.step.loop import Training

TOLERANCE = 1e-3
STEPS_WITH_KINKS = 5
MODES: dict[str, Sequence[Gamma]] = {
    "one γ": GAMMAS,
    "per pixel": [PerPixel(init=0.2, floor=1e-3)],
    "per image": [PerImage(floor=1e-3)],
}
NETWORKS = ("planted", "digits")
"""What is checked whatever the extent."""

Check = Callable[[], Line]


@dataclass(frozen=True)
class Extent:
    """How much is checked: steps of each training, trials of a pack that are held against the plain loop, and so on.

    Packs of all `sizes` are of one network, and in the end one of the `largest`; `others` are checked in packs of the first
    size, `convolutional` in packs of 4.
    """

    steps: int
    compared: int
    sizes: Sequence[int]
    largest: Sequence[int]
    others: Sequence[str]
    convolutional: str = "8-middle"


WHOLE = Extent(70, 64, (64, 3, 1), (1024,), ("digits", "mnist", "5-8-5"))
QUICK = Extent(10, 8, (8, 3, 1), (), ("5-8-5",), "8-small")

MANY = 4096
"""Trials of a pack for which memory is made too small."""


@dataclass
class Checks:
    """All checks on one device; what a plain loop trained once is kept."""

    device: str
    extent: Extent = WHOLE
    deadline: Deadline = field(default_factory=Deadline)
    _alone: dict[str, Tensor] = field(default_factory=dict)

    def by_name(self) -> dict[str, Check]:
        """The checks in the order of their worth."""
        sizes = self.extent.sizes
        found: dict[str, Check] = self._packs("planted", sizes)
        found["a pack twice"] = self.trains_twice_to_the_same_bits
        found["a diverging trial"] = self.a_diverging_trial_changes_no_other
        found["memory runs out"] = self.running_out_of_memory_is_survived
        found |= {f"{way} against eager": partial(self.takes_the_eager_steps, way) for way in ways.WAYS[1:]}
        for mode in list(MODES)[1:]:
            found |= self._packs("digits", sizes, mode)
        for name in self.extent.others:
            found |= self._packs(name, sizes[:1])
        return found | self._packs(self.extent.convolutional, [4]) | self._packs("planted", self.extent.largest)

    def _packs(self, name: str, sizes: Sequence[int], mode: str = "one γ") -> dict[str, Check]:
        of = name if mode == "one γ" else f"{name}, {mode}"
        return {f"{of}, packs of {size}": partial(self.equal_the_plain_loop, name, size, mode) for size in sizes}

    def equal_the_plain_loop(self, name: str, size: int, mode: str = "one γ") -> Line:
        """Trials in packs of one size, of every γ mode that can share a pack."""
        count = max(size, min(self.extent.compared, 4 * size))
        trials = self._trials(name, count - count % size, mode)
        chosen = spread(len(trials), self.extent.compared)
        with torch.backends.cudnn.flags(allow_tf32=False):
            packed = self._packed(trials, size)
            alone = {i: self._alone_of(trials[i]) for i in chosen}
        apart = [distance(packed[i], alone[i]) for i in chosen]
        neighbours = [distance(packed[i], alone[j]) for i, j in zip(chosen, [*chosen[1:], chosen[0]], strict=True)]
        return judged(apart, nearest_neighbour=min(neighbours))

    def trains_twice_to_the_same_bits(self) -> Line:
        """The same pack, trained again: what the next check stands on."""
        first, second = (self._packed(self._trials("planted", 8), 8) for _ in range(2))
        return exact([torch.equal(a, b) for a, b in zip(first, second, strict=True)])

    def a_diverging_trial_changes_no_other(self) -> Line:
        """One trial of a pack has an absurd learning rate; the others end with the bits that they have without it."""
        trials = self._trials("planted", 8)
        place = next(i for i, trial in enumerate(trials) if isinstance(trial.objective.gamma, Fixed) and i)
        wild = list(trials)
        absurd = trials[place].training.model_copy(update={"lr": 1e30})
        wild[place] = trials[place].model_copy(update={"training": absurd})
        training = self._trained("eager", wild)
        tame, beside = self._packed(trials, 8), numbers(training)
        same = [torch.equal(a, b) for i, (a, b) in enumerate(zip(tame, beside, strict=True)) if i != place]
        noted = [bool(reason) == (i == place) for i, reason in enumerate(training.divergence.reason.tolist())]
        return exact([*same, *noted, bool(beside[place].isfinite().all())])

    def running_out_of_memory_is_survived(self) -> Line:
        """A pack that needs four times the memory allowed is halved until it fits; a small pack then trains as before."""
        if not self.device.startswith("cuda"):
            return {"status": "left out", "why": f"torch cannot limit the memory of {self.device}"}
        before, trials = self._packed(self._trials("planted", 8), 8), self._trials("planted", MANY, steps=2)
        free()
        torch.cuda.reset_peak_memory_stats(self.device)
        self._trained("eager", trials)
        allowed = torch.cuda.max_memory_allocated(self.device) / 4
        free()
        with memory_of(allowed, self.device):
            sizes, faults = halve_until_it_fits(trials, partial(self._trained, "eager"))
        after = self._packed(self._trials("planted", 8), 8)
        same = [torch.equal(a, b) for a, b in zip(before, after, strict=True)]
        return exact([bool(faults), bool(sizes and sizes[-1] > 1), *same]) | {"sizes": sizes, "faults": faults[:1]}

    def takes_the_eager_steps(self, way: ways.Way) -> Line:
        """A pack whose steps are taken in another way ends where the eager one does."""
        if way not in ways.built(self.device):
            return {"status": ways.NOT_BUILT}
        trials = self._trials("planted", self.extent.compared)
        eager, other = (self._packed(trials, len(trials), each) for each in ("eager", way))
        apart = [distance(a, b) for a, b in zip(other, eager, strict=True)]
        bits = all(torch.equal(a, b) for a, b in zip(other, eager, strict=True))
        return judged(apart, same_bits=bits)

    def _trials(self, name: str, count: int, mode: str = "one γ", steps: int | None = None) -> list[Trial]:
        network = measured(name).network
        most = STEPS_WITH_KINKS if getattr(network.model, "activation", "") == "relu" else self.extent.steps
        return varied(of_length(network, min(steps or most, most)), count, MODES[mode])

    def _packed(self, trials: Sequence[Trial], size: int, way: ways.Way = "eager") -> list[Tensor]:
        """The trained numbers of each trial, from packs of one size."""
        parts = [trials[start : start + size] for start in range(0, len(trials), size)]
        return [own for part in parts for own in numbers(self._trained(way, part))]

    def _trained(self, way: ways.Way, trials: Sequence[Trial]) -> Training:
        """A pack, trained to its end."""
        training = ways.BUILT[way](trials, self.device)
        self._finish(training)
        return training

    def _finish(self, trainer: Trainer) -> None:
        """Raises: OutOfTimeError."""
        while not trainer.done:
            self.deadline.check()
            trainer.advance(1)

    def _alone_of(self, trial: Trial) -> Tensor:
        """The trained numbers that a plain loop ends with."""
        if trial.trial_id not in self._alone:
            alone = PlainLoop(trial, self.device)
            self._finish(alone)
            parts = [*alone.weights(), *([] if alone.log_gamma is None else [alone.log_gamma])]
            self._alone[trial.trial_id] = torch.cat([part.detach().flatten() for part in parts]).double().cpu()
        return self._alone[trial.trial_id]


def numbers(training: Training) -> list[Tensor]:
    """The weights of each trial, and its log γ where that is learned, in the plain loop's order."""
    weights, log_gamma = training.stack.weights().values(), training.stack.log_gamma.detach()
    flat = torch.cat([weight.detach().flatten(1) for weight in weights], dim=1).double().cpu()
    learned = [trial.objective.gamma.kind == "Learned" for trial in training.trials]
    gammas = log_gamma.double().cpu()[:, None]
    return [
        torch.cat([own, gamma]) if is_one else own for own, gamma, is_one in zip(flat, gammas, learned, strict=True)
    ]


def distance(packed: Tensor, alone: Tensor) -> float:
    """‖packed − alone‖ / ‖alone‖; infinite between trials with other numbers."""
    if packed.shape != alone.shape:
        return math.inf
    found = float((packed - alone).norm() / alone.norm())
    return math.inf if math.isnan(found) else found


def spread(count: int, wanted: int) -> list[int]:
    """Places of about so many trials, half of them from the beginning of a pack and half from its end."""
    half = max(1, wanted // 2)
    return sorted({*range(min(half, count)), *range(max(0, count - half), count)})


def halve_until_it_fits(
    trials: Sequence[Trial], train: Callable[[Sequence[Trial]], object]
) -> tuple[list[int], list[str]]:
    """Train a pack, or the first half of it where memory runs out, and so on: the sizes tried, and the faults."""
    sizes, faults = [], []
    while trials:
        sizes.append(len(trials))
        try:
            train(trials)
        except (torch.OutOfMemoryError, MemoryError) as fault:
            faults.append(in_a_line(fault))
        else:
            return sizes, faults
        free()
        trials = trials[: len(trials) // 2]
    return [], faults


@contextmanager
def memory_of(allowed: float, device: str) -> Iterator[None]:
    """So many bytes of a GPU for this process, and no more."""
    index = torch.empty(0, device=device).get_device()
    torch.cuda.set_per_process_memory_fraction(allowed / torch.cuda.get_device_properties(index).total_memory, index)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, index)


def free() -> None:
    """Give a GPU back what no tensor holds any more."""
    if torch.cuda.is_available():
        gc.collect()
        with suppress(RuntimeError):  # of a GPU that answers every call with an earlier fault
            torch.cuda.empty_cache()


def judged(apart: Sequence[float], nearest_neighbour: float = math.inf, **facts: object) -> Line:
    """The line of a check that allows for rounding. One that could not tell neighbours apart proves nothing."""
    passed = max(apart) <= TOLERANCE < nearest_neighbour
    numbers = {"worst": max(apart), "median": median(apart), "tolerance": TOLERANCE, "compared": len(apart)}
    beside = {"nearest_neighbour": nearest_neighbour} if nearest_neighbour < math.inf else {}
    return {"status": "passed" if passed else "failed"} | numbers | beside | facts


def exact(facts: Sequence[bool]) -> Line:
    """The line of a check that allows for nothing."""
    return {"status": "passed" if all(facts) else "failed", "true": sum(facts), "of": len(facts)}


def run(checks: Mapping[str, Check], deadline: Deadline) -> Iterator[Line]:
    """The lines of checks, one after another, as far as time allows; a fault is a line too."""
    for name, check in checks.items():
        try:
            deadline.check()
            line = check()
        except OutOfTimeError:
            line = {"status": "left out", "why": "the time for checks is over"}
        except Exception as fault:  # one check must not end the others: a GPU is lent for minutes
            line = {"status": "failed", "why": in_a_line(fault)}
        yield {"check": name} | line
        free()
