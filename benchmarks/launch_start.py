"""The platform's own command, timed from inside: what a launch takes once Python has imported its modules.

    python -m benchmarks.launch_start --out FILE.json -- STUDY --home … (what study.launch takes)

In a process of its own, as a person runs it. `wall_s` counts planning, records, the mirror to its last run and the report;
as for the other ways, it leaves out imports, and starting and stopping Ray.
"""

import argparse
import json
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

PARTS = (
    "torch",
    "mlflow",
    "analysis.report.report",
    "analysis.report.terminal",
    "study.run.rounds",
    "study.run.ray_tune",
    "analysis.figures.trial_pictures",
)


class Stopwatch:
    """Adds up what calls of a function take."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed."""

        def timed(*arguments: Any, **options: Any) -> Any:
            start = time.perf_counter()
            try:
                return function(*arguments, **options)
            finally:
                self.seconds += time.perf_counter() - start

        return timed


def main() -> None:
    """Launch, and write what it took."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.launch_start")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("arguments", nargs="+")
    options = parser.parse_args()
    for name in PARTS:
        import_module(name)
    import ray

    from study.launch.__main__ import app

    starting, stopping = Stopwatch(), Stopwatch()
    ray.init, ray.shutdown = starting.around(ray.init), stopping.around(ray.shutdown)
    start = time.perf_counter()
    status = app(options.arguments, standalone_mode=False)
    wall_s = time.perf_counter() - start - starting.seconds - stopping.seconds
    costs = {"ray_s": starting.seconds, "wall_s": wall_s, "status": status}
    options.out.write_text(json.dumps(costs), encoding="utf-8")


if __name__ == "__main__":
    main()
