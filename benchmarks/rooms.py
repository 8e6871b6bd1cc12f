"""Where each second of a launch goes: the study of a name, launched in this process, room by room.

    python -m benchmarks.rooms [STUDY] [--only AXIS=VALUE]

It counts this process's clock, from the first import on. A second counts in the innermost of the rooms that are open, so
that the rows add up. Without Ray there is one core and no worker: `python -m benchmarks.overhead` says what those cost.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

from benchmarks.machine import load_average, machine, sentence
from benchmarks.options import add_out, parser_of, write_numbers

REST = "the rest"

ROOMS = {
    "planning": ["study.plan.plan:make_plan", "study.plan.plan:replan", "study.plan.plan:write_plan"],
    "data and stacks": ["study.train.pack_run:PackRun.__init__"],
    "training": ["study.train.step.loop:Training.advance"],
    "measuring": ["study.train.pack_run:PackRun._measure"],
    "records": ["study.train.pack_run:PackRun.commit"],
    "waiting for MLflow": ["study.mirror.mirror:Mirror.wait"],
    "report": ["analysis.report.report:write_report"],
}
"""What opens each room: functions by their modules."""


class Clock:
    """Seconds by room; a room that opens within another stops that one's clock."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(["imports", *ROOMS, REST], 0.0)
        self._open, self._since = [REST], time.perf_counter()

    def enter(self, room: str) -> None:
        """Count for this room from now on."""
        self._count()
        self._open.append(room)

    def leave(self) -> None:
        """Count for the room around it again."""
        self._count()
        self._open.pop()

    def _count(self) -> None:
        now = time.perf_counter()
        self.seconds[self._open[-1]] += now - self._since
        self._since = now

    def around(self, room: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, which opens a room."""

        def timed(*arguments: Any, **options: Any) -> Any:
            self.enter(room)
            try:
                return function(*arguments, **options)
            finally:
                self.leave()

        return timed


def main() -> None:
    """Launch, and print where the time went."""
    options = _options()
    clock = Clock()
    clock.enter("imports")
    launch = _instrumented(clock)
    clock.leave()
    with tempfile.TemporaryDirectory(prefix="benchmark-") as home:
        arguments = [options.study, "--home", home, "--in-process", *(f"--only={part}" for part in options.only)]
        status = launch(arguments, standalone_mode=False)
    clock.leave()
    total = sum(clock.seconds.values())
    print(sentence(facts := machine()))
    for room, seconds in clock.seconds.items():
        print(f"{room:20}{seconds:8.1f} s{100 * seconds / total:7.1f} %")
    print(f"{'in all':20}{total:8.1f} s, load {load_average()}")
    write_numbers(options.out, "rooms", {"machine": facts, "study": options.study, "seconds": clock.seconds})
    raise SystemExit(status)


def _instrumented(clock: Clock) -> Callable[..., Any]:
    """The command of a launch, its rooms timed."""
    for room, places in ROOMS.items():
        for place in places:
            owner, name = located(place)
            setattr(owner, name, clock.around(room, getattr(owner, name)))
    return import_module("study.launch.__main__").app


def located(place: str) -> tuple[Any, str]:
    """What holds the function of a place, a module or a class, and the function's name there."""
    module, _, path = place.partition(":")
    *outer, name = path.split(".")
    owner: Any = import_module(module)
    for part in outer:
        owner = getattr(owner, part)
    return owner, name


def _options() -> argparse.Namespace:
    parser = parser_of("rooms", __doc__)
    parser.add_argument("study", nargs="?", default="grid_gamma", metavar="STUDY")
    parser.add_argument("--only", action="append", default=[], metavar="AXIS=VALUE", help="a part of the table")
    add_out(parser)
    return parser.parse_args()


if __name__ == "__main__":
    main()
