"""Training packs with Ray Tune: one Tune trial a pack.

Tune's own state is never trusted to resume: every launch is a fresh Tuner on what is missing. A Tune trial's configuration
is a pack id; the reused actor reads the pack from the home, trains it and commits it there.
"""

import contextlib
import pickle
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
from ray import tune
from ray.exceptions import RayActorError, RayError
from ray.tune.error import TuneError

from study.pack.cost import GPU
from study.pack.devices import Pool
from study.pack.pack import Pack
from study.record import Home
from study.run.executor import ExecutorLostError
from study.run.listener import Listener
from study.run.outcomes import Outcomes
from study.run.ray_connection import connected, dead
from study.run.wait_for_nodes import Wait
from study.run.worker import DONE, REFUSED, Worker

NO_CUDA = (
    "the node {} offers a GPU that torch cannot use there: install a CUDA build of torch on it and its driver, "
    "or start its Ray with --num-gpus=0"
)


@contextlib.contextmanager
def opened(address: str | None, say: Callable[[str], None], leave_if_stuck: bool = False) -> Iterator["RayTune"]:
    """An executor on the Ray at `address`, or on one of our own where it is None. See `connected`."""
    with connected(address, say, leave_if_stuck) as pools:
        yield RayTune(pools)


@dataclass(frozen=True)
class RayTune:
    """Trains packs side by side on all that Ray has."""

    pools: Sequence[Pool]

    @property
    def resource(self) -> str:
        """What Ray must have one of."""
        return "GPU" if self.pools[0].device == GPU else "CPU"

    def run(self, packs: Sequence[Pack], home: Home, listener: Listener) -> Mapping[str, str]:
        """Raises: HomeError; ExecutorLostError; ClusterError where no node is left to train on, and none comes."""
        outcomes, wait = Outcomes(listener), Wait(self.resource, ray.cluster_resources, listener.say)
        left = {pack.pack_id: pack.device for pack in packs}
        try:
            while left:
                _fit(left, home, _Events(outcomes, wait))
                outcomes.raise_refusal()
                left = {pack_id: left[pack_id] for pack_id in outcomes.take_spared()}
        except KeyboardInterrupt:  # is answered at once: to take Ray down takes seconds
            listener.say("stopping (Ctrl-C again leaves at once)")
            raise
        return outcomes.failures


def _fit(devices: Mapping[str, str], home: Home, events: "_Events") -> None:
    """Have Tune train the packs, each on its device."""

    def needed(config: Mapping[str, Any]) -> tune.PlacementGroupFactory:
        return tune.PlacementGroupFactory([{"CPU": 1, "GPU": 1} if devices[config["pack"]] == GPU.name else {"CPU": 1}])

    actor = tune.with_resources(_PackTrainable, needed)
    with tempfile.TemporaryDirectory(prefix="collapsar-") as scratch:
        tuner = tune.Tuner(
            actor,
            param_space={"home": home.uri, "pack": tune.grid_search(list(devices))},
            tune_config=tune.TuneConfig(reuse_actors=True),
            run_config=tune.RunConfig(
                storage_path=scratch,  # Tune's own state is the driver's, and nothing is restored from it
                callbacks=[events],
                failure_config=tune.FailureConfig(max_failures=0),  # see _Events
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
                verbose=0,
            ),
        )
        try:
            tuner.fit()
        except (TuneError, RayError, RuntimeError) as fault:  # Tune expects few of the ways in which a node may go
            raise ExecutorLostError(f"Ray Tune could not go on ({_line(fault)})") from fault


class _PackTrainable(tune.Trainable):
    """The actor: trains and commits a pack, and is reused for the next."""

    def setup(self, config: dict[str, Any]) -> None:
        """Choose the device, once for the life of the actor."""
        import torch

        self._device = "cuda" if ray.get_gpu_ids() else "cpu"  # what Tune gave us, not what the machine has
        self._lacks_cuda = self._device == "cuda" and not torch.cuda.is_available()
        if self._device == "cpu":
            torch.set_num_threads(1)  # one core an actor: the parallelism is between packs
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take the next pack; returns that the actor can be reused."""
        if not new_config.get("pack"):
            raise ValueError("a Tune trial without a pack: Tune lost its configuration; relaunch the study")
        self._worker = Worker(new_config["home"], new_config["pack"], self._device)
        return True

    def step(self) -> dict[str, Any]:
        """A slice of the pack's training, as a result for Tune."""
        if self._lacks_cuda:
            return {DONE: True, REFUSED: NO_CUDA.format(ray.util.get_node_ip_address())}
        return self._worker.step()


class _Events(tune.Callback):
    """Passes Tune's events on to the outcomes.

    Tune itself starts a pack again when its worker dies in training. When a worker dies while it starts, or while it is
    handed its next pack, Tune may give the pack up instead, and leaves it to us.
    """

    def __init__(self, outcomes: Outcomes, wait: Wait) -> None:
        self._outcomes, self._wait = outcomes, wait
        self._looked = 0.0

    def __getstate__(self) -> dict[str, Any]:
        return {}  # Tune pickles its callbacks; ours holds a progress bar and a thread, and nothing worth restoring

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """Tune would wait for a lost node forever, and train on for a home that takes nothing more: look, and raise."""
        self._outcomes.raise_refusal()
        if (now := time.monotonic()) - self._looked > 1:
            self._looked = now
            if gone := dead():
                raise ExecutorLostError(f"Ray's {gone} on this machine died")
            self._wait.look()

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Tune counts failures of its own: allow it as many more as the pack is forgiven."""
        trial.max_failures = trial.num_failures + self._outcomes.started(trial.config["pack"])

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """What a worker reports, the last time after its commit."""
        self._outcomes.reported(trial.config["pack"], result)

    def on_trial_recover(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """A worker died, and Tune starts its pack again once it may: `on_trial_start` says how often."""
        trial.max_failures = 0
        self._outcomes.died(trial.config["pack"], str(_error(trial)))

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Tune gives a pack up, for its worker's death or for what our own code raised."""
        error = _error(trial)
        by_death = isinstance(error, RayActorError)
        self._outcomes.given_up(trial.config["pack"], str(error) if by_death else _line(error), by_death)


def _error(trial: Any) -> BaseException:
    """What a Tune trial died of last, as Tune has just written it down."""
    file = trial.pickled_error_file
    return pickle.loads(Path(file).read_bytes()) if file else TuneError(Path(trial.error_file).read_text())


def _line(error: BaseException) -> str:
    """What went wrong: the first line of what our own code raised, the last of Ray's."""
    if cause := getattr(error, "cause", None):
        return f"{type(cause).__name__}: {cause}".splitlines()[0][:500]
    return (str(error).strip().splitlines() or [type(error).__name__])[-1][:500]
