"""How long the packs of a launch will still take, by what their training has taken so far.

What packs cost is known beforehand up to a factor that depends on the machine and on the kind of network. So every slice of
training is measured on its device: its seconds against the part of the pack's estimated cost that it did. The first slice of
a worker does not count, since libraries warm up in it. What a pack takes beside its training, to start, to measure its
trials and to commit them, is learned from packs that are done. The packs that wait are then dealt out to the workers as an
executor does it, the next one to whoever is free first: at the end of a round some workers have nothing to do.
"""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from study.pack.cost import CPU_CORE, GPU, PACK_S, seconds
from study.pack.pack import Pack

LEAST_S = 3.0
"""Seconds of measured training, of all workers together, before which nothing is said."""

BESIDE_TRAINING = 0.08
"""Seconds beside a second of training that are assumed until packs are done."""

BELIEVED = 0.02
"""The part of a pack whose own pace must be measured until it counts as much as that of its kind."""

IDLE_S = 60.0
"""A worker that took no pack for so long, while packs wait, is gone."""

ALL = ""
"""In place of a shape: all packs of a device."""

Kind = tuple[str, str]
"""A device and a shape of networks."""

_DEVICES = {device.name: device for device in (CPU_CORE, GPU)}


@dataclass
class Ratio:
    """Measured seconds of something for what was expected of it."""

    measured: float = 0.0
    expected: float = 0.0

    def after(self, before: float, weight: float) -> float:
        """The ratio, where `before` was believed of it with the weight of so many expected seconds."""
        return (self.measured + before * weight) / (self.expected + weight)


@dataclass
class Course:
    """A pack that was handed out: what it is estimated to cost on its device, and how its training goes."""

    pack: Pack
    cost: float
    share: float = 0.0
    """The part of its steps that is taken."""
    trained_s: float = 0.0
    own: Ratio = field(default_factory=Ratio)
    begun: float | None = None
    heard: float = 0.0

    @property
    def kind(self) -> Kind:
        """Packs of one kind train alike."""
        return self.pack.device, self.pack.trials[0].pack_key


class TimeLeft:
    """Hears what becomes of packs, at times `now` in seconds, and says how long the rest will take."""

    def __init__(self) -> None:
        self.training: dict[str, Course] = {}
        """The packs in training, as they began."""
        self._waiting: dict[str, Course] = {}
        self._free: dict[str, list[float]] = {}  # of each device: since when which worker has been free
        self._round_began = 0.0
        self._later: list[Course] = []
        self._pace: dict[Kind, Ratio] = {}  # seconds of training for estimated seconds
        self._beside: dict[Kind, Ratio] = {}  # seconds beside training for seconds of training

    def expect(self, packs: Sequence[Pack], later: Sequence[Pack], now: float) -> None:
        """Expect these packs and no others, and after them those of `later` rounds."""
        for pack_id in list(self.training):
            self.ended(pack_id, now)
        self._waiting = {pack.pack_id: Course(pack, _estimate(pack)) for pack in packs}
        self._later = [Course(pack, _estimate(pack)) for pack in later]
        self._free = {device: [now] * len(free) for device, free in self._free.items()}
        self._round_began = now

    def progress(self, pack_id: str, share: float, done: float, took_s: float, now: float) -> None:
        """A pack has come to `share` of its steps, by a slice of `took_s` seconds that did the part `done` of them."""
        is_warm = True
        if pack_id in self._waiting:
            course = self.training[pack_id] = self._waiting.pop(pack_id)
            is_warm = self._take_worker(course, now - took_s)
        elif (course := self.training.get(pack_id)) is None:
            return
        course.share, course.heard = share, now
        course.trained_s += took_s
        if is_warm:
            _count((course.own, *_of(self._pace, course)), took_s, done * course.cost)

    def _take_worker(self, course: Course, started: float) -> bool:
        """Give the pack the worker that became free last before it started; returns whether it has trained in this round."""
        free = self._free.setdefault(course.pack.device, [])
        if not free:
            return False
        taken = max((since for since in free if since <= started), default=min(free))
        free.remove(taken)
        course.begun = taken if taken > self._round_began else None
        return course.begun is not None

    def committed(self, pack_id: str, now: float) -> None:
        """A pack is done: where it is known when it began, it tells what packs take beside their training."""
        if (course := self.training.get(pack_id)) and course.begun is not None:
            beside_s = max(0.0, now - course.begun - course.trained_s - PACK_S)
            _count(_of(self._beside, course), beside_s, course.trained_s)
        self.ended(pack_id, now)

    def ended(self, pack_id: str, now: float) -> None:
        """A pack is no longer in training, whatever became of it, and its worker is free."""
        self._waiting.pop(pack_id, None)
        if course := self.training.pop(pack_id, None):
            self._free.setdefault(course.pack.device, []).append(now)

    def seconds(self, now: float) -> float | None:
        """How long the rest will take; None as long as too little was measured to tell."""
        devices = [device for device, kind in self._pace if kind == ALL]
        if sum(self._pace[device, ALL].measured for device in devices) < LEAST_S:
            return None
        return max(self._of_device(device, now) for device in devices)

    def _of_device(self, device: str, now: float) -> float:
        waiting = [course for course in self._waiting.values() if course.pack.device == device]
        training = [course for course in self.training.values() if course.pack.device == device]
        free = [since - now for since in self._free.get(device, ()) if now - since < IDLE_S]
        workers = [self._rest(course, now) for course in training] + free or [0.0]
        heapq.heapify(workers)
        for course in waiting:
            heapq.heapreplace(workers, max(0.0, workers[0] + self._whole(course)))
        later = sum(self._whole(course) for course in self._later if course.pack.device == device)
        return max(0.0, *workers) + later / len(workers)

    def _whole(self, course: Course) -> float:
        """Seconds that a pack will take of which nothing was heard yet."""
        return course.cost * self._pace_of(course.kind) * (1 + self._beside_of(course.kind)) + PACK_S

    def _rest(self, course: Course, now: float) -> float:
        """Seconds that a pack in training will still take. What takes longer than it should, will take half as long again."""
        whole = course.cost * course.own.after(self._pace_of(course.kind), BELIEVED * course.cost)
        training = (1 - course.share) * whole
        beside = (course.trained_s + training) * self._beside_of(course.kind)
        silent = now - course.heard
        return max(training + beside - silent, (silent - training) / 2, 0.0)

    def _pace_of(self, kind: Kind) -> float:
        """Of the kind, and the less of it was measured, the more of all packs on the device."""
        return _known(self._pace, kind, 1.0, 1e-3)

    def _beside_of(self, kind: Kind) -> float:
        return _known(self._beside, kind, BESIDE_TRAINING, 20.0)


def _estimate(pack: Pack) -> float:
    return max(1e-3, seconds(pack.trials, _DEVICES[pack.device]))


def _known(ratios: Mapping[Kind, Ratio], kind: Kind, before: float, weight: float) -> float:
    """The ratio of a kind, in the light of that of its device, and this in the light of what was believed before."""
    device, key = kind
    whole = ratios.get((device, ALL), Ratio()).after(before, weight)
    return whole if key == ALL else ratios.get(kind, Ratio()).after(whole, 1.0)


def _of(ratios: dict[Kind, Ratio], course: Course) -> tuple[Ratio, Ratio]:
    """Of the kind of a pack, and of all on its device."""
    return ratios.setdefault(course.kind, Ratio()), ratios.setdefault((course.pack.device, ALL), Ratio())


def _count(ratios: Iterable[Ratio], measured: float, expected: float) -> None:
    for ratio in ratios:
        ratio.measured, ratio.expected = ratio.measured + measured, ratio.expected + expected
