"""The same trials by Ray Tune as its documentation teaches it: one configuration a Tune trial, a function trainable.

    python -m benchmarks.plain_tune STUDY --tracking-uri URI --out FILE.json [--reuse-actors]

The function trains one network with one thread and reports once, at its end; `MLflowLoggerCallback` logs a run a trial; the
loggers are Tune's default ones. Nothing is slowed down, and nothing is tuned but `reuse_actors`.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import ray
import torch
from ray import tune
from ray.air.integrations.mlflow import MLflowLoggerCallback

from benchmarks.plain_loop import PlainLoop
from benchmarks.studies import few, trial_of

REPORTED = ("declared", "distortion_test", "rate_test", "n_active", "pid")


def main() -> None:
    """Tune the study's trials, and write seconds and results as JSON."""
    options = _options()
    space: dict[str, Any] = {axis: tune.grid_search(labels) for axis, labels in few(options.study).items()}
    start = time.perf_counter()
    ray.init(address="local", include_dashboard=False, log_to_driver=False)
    ray_s = time.perf_counter() - start
    with tempfile.TemporaryDirectory() as storage:
        callback = MLflowLoggerCallback(options.tracking_uri, experiment_name=options.study)
        tuner = tune.Tuner(
            tune.with_resources(train, {"cpu": 1}),
            param_space=space | {"study": options.study},
            tune_config=tune.TuneConfig(reuse_actors=options.reuse_actors),
            run_config=tune.RunConfig(storage_path=storage, callbacks=[callback], verbose=0),
        )
        start = time.perf_counter()
        found = tuner.fit()
        wall_s = time.perf_counter() - start
    if found.errors:
        raise found.errors[0]
    trials = [{name: (result.metrics or {})[name] for name in REPORTED} for result in found]
    options.out.write_text(json.dumps({"ray_s": ray_s, "wall_s": wall_s, "trials": trials}), encoding="utf-8")


def train(config: dict[str, Any]) -> None:
    """Train one configuration and report its numbers."""
    torch.set_num_threads(1)
    trial = trial_of(config["study"], config)
    alone = PlainLoop(trial)
    while not alone.done:
        alone.advance(3600)
    tune.report({"declared": trial.trial_id, **alone.evaluate()})


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.plain_tune")
    parser.add_argument("study")
    parser.add_argument("--tracking-uri", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--reuse-actors", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
