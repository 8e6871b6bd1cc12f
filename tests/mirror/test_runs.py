"""What the runs of trials and of packs in training show."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recorded_home import (
    STUDY,
    client,
    commit_trials,
    history,
    launched,
    path_names,
    runs,
)

from models.specs.probes import PairSplit
from study import Probe
from study.mirror.entry import Pictures
from study.mirror.mirror import Mirror, opened
from study.pack.pack import Pack
from study.record import Home

# MLflow's own, when it is imported and when it migrates its tables.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*Pydantic.*:UserWarning"),
]


def test_columns_and_curves_stay_few(home: Home) -> None:
    commit_trials(home, [(4, 0)], points=2000)
    assert launched(home) is None
    (run,) = runs(home, "trial")
    final = {name for name in run.data.metrics if "/" not in name}
    assert final == {"distortion_test", "rate_test", "neg_elbo_test", "gamma", "n_active", "mmd"}
    curve = history(home, run, "curve/gamma")
    assert len(curve) == 30
    assert (min(p.step for p in curve), max(p.step for p in curve)) == (0, 1999)


def test_parameters_that_vary_stand_apart_from_the_rest(home: Home) -> None:
    commit_trials(home, [(4, 0)])
    assert launched(home) is None
    (run,) = runs(home, "trial")
    assert {name: value for name, value in run.data.params.items() if "." not in name} == {"kappa": "4", "seed": "0"}
    fixed = {name: value for name, value in run.data.params.items() if "." in name}
    declared = {"training.steps": "1000", "training.decay_from": "0.5", "model.encoder": "64, 32", "model.kind": "VAE"}
    declared |= {"objective.beta": "1", "objective.gamma.kind": "Learned", "objective.gamma.init": "1"}
    assert fixed == declared


@pytest.mark.parametrize(("pictures", "seeds"), [("first-seed", {"0"}), ("all", {"0", "1"}), ("none", set())])
def test_artifacts_are_those_of_the_chosen_trials(home: Home, pictures: Pictures, seeds: set[str]) -> None:
    commit_trials(home, [(4, 0), (4, 1)])
    assert launched(home, pictures=pictures) is None
    files = {run.data.params["seed"]: path_names(home, run.info.run_id) for run in runs(home, "trial")}
    assert {seed for seed, paths in files.items() if paths} == seeds
    assert all(set(files[seed]) == {"latents.png", "reconstruction.png", "weights/model.safetensors"} for seed in seeds)


def test_weights_are_what_was_trained(home: Home) -> None:
    from safetensors.numpy import load_file

    commit_trials(home, [(4, 0)])
    assert launched(home) is None
    (run,) = runs(home, "trial")
    folder = Path(client(home).download_artifacts(run.info.run_id, "weights"))
    np.testing.assert_array_equal(load_file(folder / "model.safetensors")["decoder.0"], np.ones((3, 2)))
    assert run.info.artifact_uri.startswith(f"file://{home}/mlartifacts/{STUDY}/")


def test_a_running_pack_is_shown_while_it_trains(home: Home) -> None:
    mirror = Mirror(home, STUDY)
    mirror.start({})
    mirror.begin([Pack("p1", (Probe(what=PairSplit()),) * 24, (1,) * 24)])
    mirror.progress("p1", {"step": 100, "trial_steps_per_s": 90.0, "objective_max": float("nan")})
    mirror.progress("p2", {"step": 100, "trial_steps_per_s": 80.0})
    mirror.progress("p3", {"step": 100, "trial_steps_per_s": 70.0})
    mirror.committed("p1")
    mirror.failed("p2", "out of memory")
    assert mirror.close("interrupted", {}) is None
    packs = {run.data.tags["pack_id"]: run for run in runs(home, "pack")}
    assert [packs[name].info.status for name in ("p1", "p2", "p3")] == ["FINISHED", "FAILED", "KILLED"]
    assert packs["p1"].info.run_name == "pack p1 · 24 trials"
    assert packs["p1"].data.metrics == {"pack/trial_steps_per_s": 90.0}
    assert packs["p2"].data.tags["reason"] == "out of memory"
    assert runs(home, "launch")[0].info.status == "KILLED"


def test_progress_is_sent_together_and_none_of_it_is_lost(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow import MlflowClient

    sent: list[int] = []
    log = MlflowClient.log_batch

    def counted(self: MlflowClient, run_id: str, metrics: Sequence[Any] = (), *rest: Any) -> None:
        sent.append(sum(metric.key.startswith("pack/") for metric in metrics))
        log(self, run_id, metrics, *rest)

    monkeypatch.setattr(MlflowClient, "log_batch", counted)
    with opened(home, STUDY, None, "none") as mirror:
        for step in range(20):
            mirror.packs.progress("p1", {"steps_per_s": float(step)}, step, 1)
        mirror.packs.committed("p1")
    (run,) = runs(home, "pack")
    assert [(point.step, point.value) for point in history(home, run, "pack/steps_per_s")] == [
        (step, float(step)) for step in range(20)
    ]
    assert (sent[0], len(sent)) == (1, 2)
