"""The factor on a learning rate, and a cycled momentum, at each step: plain numbers, the same in every company.

Every schedule is written in closed form; the schedulers of `torch.optim.lr_scheduler` go from step to step, and agree to
rounding.
"""

import math
from bisect import bisect_right
from typing import assert_never

from models.specs import Constant, Cosine, Linear, OneCycle, Schedule, Steps


def factor(schedule: Schedule, step: int, steps: int) -> float:
    """What the learning rate of step `step`, from 0, of `steps` is multiplied by."""
    if isinstance(schedule, OneCycle):
        return _one_cycle(schedule, step, steps, schedule.start, 1.0, schedule.end)
    rise = round(schedule.warm_up * steps)
    if step < rise:
        return schedule.start + (1 - schedule.start) * (step / rise)
    match schedule:
        case Constant():
            return 1.0
        case Linear():
            return _linear(schedule, step / steps, rise / steps)
        case Cosine():
            return _cosine(1.0, schedule.end, (step - rise) / (steps - rise))
        case Steps():
            return schedule.factor ** bisect_right([round(at * steps) for at in schedule.at], step)
        case _:
            assert_never(schedule)


def momentum(schedule: Schedule, step: int, steps: int) -> float | None:
    """The momentum of a step; None where the schedule leaves it alone."""
    if not isinstance(schedule, OneCycle) or not schedule.momentum:
        return None
    low, high = schedule.momentum
    return _one_cycle(schedule, step, steps, high, low, high)


def _linear(schedule: Linear, progress: float, risen: float) -> float:
    """1 up to the beginning of the fall, then linear to `end`."""
    after = max(schedule.after, risen)
    late = progress - after
    if late <= 0:
        return 1.0
    if progress >= schedule.until:
        return schedule.end
    return 1 - (1 - schedule.end) * late / (schedule.until - after)


def _one_cycle(schedule: OneCycle, step: int, steps: int, start: float, peak: float, end: float) -> float:
    """From start to peak, and on to end at the last step."""
    turn, last = schedule.peak * steps - 1, steps - 1
    if step <= turn:
        return _between(schedule, start, peak, step, turn)
    return _between(schedule, peak, end, step - turn, last - turn)


def _between(schedule: OneCycle, start: float, end: float, gone: float, way: float) -> float:
    part = gone / way if way else 1.0
    return _cosine(start, end, part) if schedule.anneal == "cos" else start + (end - start) * part


def _cosine(start: float, end: float, part: float) -> float:
    """Half a cosine from start to end."""
    return end + (start - end) * (1 + math.cos(math.pi * part)) / 2
