"""Stages: trials that stand on other trials, each trained once, whatever stands on it."""

import json
from collections import Counter
from typing import Any

import pytest
import torch
from launches import launch_here
from pydantic import ValidationError
from staged_trials import CPU, DATA, a_chain, a_trial, an_autoencoder, rows_of, staged, train, train_plan

from models.data.load import load as load_data
from study import (
    VAE,
    LinearMap,
    Objective,
    PlantedManifold,
    Refit,
    Trial,
    load,
)
from study.clean import clean
from study.mirror.records import StudyRecords
from study.plan.plan import make_plan, write_plan
from study.record import Home, journal, read
from study.train.earlier_results import ground
from study.train.stack.build import build_stack


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    home = Home(tmp_path_factory.mktemp("staged"))
    plan = make_plan(staged, "laptop", home)
    rounds = train_plan(plan, home)
    write_plan(plan, home)
    return home, plan, rounds


def test_a_stage_is_part_of_the_identity_of_what_stands_on_it():
    first, second, third = a_chain()
    assert [stage.trial_id for stage in third.stages] == [first.trial_id, second.trial_id]
    assert a_trial(after=an_autoencoder(seed=1)).trial_id != second.trial_id != a_trial().trial_id
    assert Trial.model_validate_json(third.model_dump_json()).trial_id == third.trial_id
    assert [trial.stage for trial in (first, second, third)] == ["autoencoder", "vae", "second vae"]


def test_trials_on_different_stages_of_one_width_share_a_pack():
    one, other = a_trial(after=an_autoencoder(0)), a_trial(after=an_autoencoder(1))
    assert one.pack_key == other.pack_key
    assert one.pack_key != a_trial(after=an_autoencoder(kappa=5)).pack_key != a_trial().pack_key


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: a_trial(after=an_autoencoder(data=PlantedManifold(r=2))), "give both the same data"),
        (lambda: a_trial(after=a_chain()[2]), "a chain is autoencoders, then a VAE, then a VAE"),
        (lambda: a_trial(model=an_autoencoder().model), r"has no rate: declare Objective\(beta=0\)"),
        (lambda: VAE(kappa=2, post_var="none", log_var_range=(-1, 1)), "leave log_var_range and prior_std out"),
        (lambda: a_trial(data=LinearMap(), after=an_autoencoder(data=LinearMap())), "a stage needs data without"),
    ],
)
def test_a_wrong_chain_says_what_is_wrong(make, words):
    with pytest.raises(ValidationError, match=words):
        make()


def test_each_stage_is_trained_once_and_after_what_it_stands_on(trained):
    home, plan, rounds = trained
    counts = Counter(trial for one in rounds for trial in one)
    assert set(counts.values()) == {1}
    assert len(counts) == 8 + 2  # two autoencoders are no rows of the study; the refits' twins are
    place = {trial: number for number, one in enumerate(rounds) for trial in one}
    for row in plan.rows:
        assert all(place[stage.trial_id] < place[row.trial.trial_id] for stage in row.trial.stages)
    again = make_plan(staged, "laptop", home)
    assert not again.missing
    assert again.settled == 8


def test_records_name_the_stages(trained):
    home, plan, _ = trained
    rows = rows_of(home)
    for row in plan.rows:
        recorded = rows[row.trial.trial_id]
        assert recorded["stage"] == row.trial.stage
        assert recorded["stages"] == [stage.trial_id for stage in row.trial.stages]
    assert {row["stage"] for row in read(home, "curves").to_pylist()} == {"autoencoder", "vae", "second vae", "refit"}


def test_an_autoencoder_has_no_rate_and_no_density(trained):
    home, _, _ = trained
    rows = rows_of(home)
    row = rows[an_autoencoder().trial_id]
    assert row["status"] == "finished"
    assert all(row[name] is None for name in ("rate_test", "n_active", "scale_residual"))
    assert row["nre_test"] == row["nre_mean_test"] < 0.9
    metrics = {(row["trial_id"], row["metric"]) for row in read(home, "evaluations").to_pylist()}
    assert (a_trial().trial_id, "iwae_nll") in metrics
    assert (an_autoencoder().trial_id, "mmd_imq") in metrics
    assert (an_autoencoder().trial_id, "iwae_nll") not in metrics


def test_codes_are_of_unit_variance_and_lead_back_to_the_reconstruction(trained):
    home, _, _ = trained
    first, second, third = a_chain()
    data = load_data(DATA)
    (frozen,) = ground([second], data, home, CPU).stages
    assert frozen is not None
    codes = frozen.codes["train"].double()
    assert codes.mean(0).abs().max() < 1e-5
    assert codes.var(0, correction=0).mean() == pytest.approx(1, abs=1e-5)
    network: Any = load(first.trial_id, home)
    x = torch.from_numpy(data.test)
    with torch.no_grad():
        reconstructed = network.decode(network.encode(x)[0])
    assert torch.allclose(frozen.decode(frozen.codes["test"]), reconstructed, atol=1e-5)
    (frozen,) = ground([third], data, home, CPU).stages
    assert frozen is not None
    posterior = frozen.codes["train"].double().square().mean() + frozen.stds["train"].double().square().mean()
    assert posterior == pytest.approx(
        frozen.codes["train"].double().mean(0).square().mean() + frozen.variance["train"] / 4
    )


def test_reconstruction_is_measured_in_data_space_through_the_frozen_decoder(trained):
    home, _, _ = trained
    first, second, _ = a_chain()
    rows, data = rows_of(home), load_data(DATA)
    x = torch.from_numpy(data.test)
    vae: Any = load(second.trial_id, home)
    (frozen,) = ground([second], data, home, CPU).stages
    assert frozen is not None
    with torch.no_grad():
        at_the_mean = frozen.decode(vae.decode(vae.encode(frozen.codes["test"])[0]))
    error = float((x - at_the_mean).square().sum(1).mean())
    assert rows[second.trial_id]["distortion_data_test"] > error > rows[first.trial_id]["distortion_test"]
    assert rows[first.trial_id]["distortion_data_test"] == rows[first.trial_id]["distortion_test"]
    assert vae.trial == second


def test_a_second_vae_trains_on_fresh_draws(trained):
    home, _, _ = trained
    second = a_chain()[2]
    _, inputs = build_stack([second], load_data(DATA), CPU, ground([second], load_data(DATA), home, CPU))
    rows = torch.arange(50)[None]
    assert not torch.equal(inputs.batch(rows)[0], inputs.batch(rows)[0])
    one, other = ([x for x, _ in inputs.split("test", size)] for size in (128, 256))
    assert torch.equal(torch.cat(one, dim=1), torch.cat(other, dim=1))  # measured on the same draws, however cut


def test_a_refit_starts_afresh_at_what_its_twin_learned(trained):
    home, _, _ = trained
    refit = a_trial(objective=Objective(gamma=Refit()))
    rows = rows_of(home)
    row, twin = rows[refit.trial_id], rows[a_trial().trial_id]
    assert refit.stages == (a_trial(),)
    assert row["gamma"] == pytest.approx(twin["gamma"], rel=1e-12)
    assert (row["seed"], twin["weights_seed"]) == (0, 0)
    assert row["weights_seed"] == refit.weights_seed != 0
    first = {r["trial_id"]: r["distortion"] for r in read(home, "curves").to_pylist() if r["step"] == 0}
    assert first[refit.trial_id] != first[twin["trial_id"]]


def test_the_numbers_of_a_stage_do_not_depend_on_its_company(trained, tmp_path):
    home, _, _ = trained
    together = Home(tmp_path)
    pairs = list(zip(a_chain(0), a_chain(1), strict=True))
    for pair in pairs:
        train(together, *pair)
    alone, packed = rows_of(home), rows_of(together)
    for trial in (trial for pair in pairs for trial in pair):
        for name in ("distortion_test", "distortion_data_test", "gamma"):
            assert packed[trial.trial_id][name] == pytest.approx(alone[trial.trial_id][name], rel=1e-4)


def test_cleaning_keeps_the_stages_of_what_is_declared(trained):
    home, _, _ = trained
    assert clean(home).trials == 0


STUDY = '''
from study import VAE, Fixed, Learned, Objective, PlantedManifold, Refit, Training, Trial, study

DATA = PlantedManifold(n=200, n_test=100)
STEPS = Training(steps=40, batch=50)


@study(kappa=[2, 3], seed=[0, 1])
def chained(kappa, seed):
    """Two VAEs on one autoencoder."""
    model = VAE(kappa=5, encoder=(8,), decoder=(8,), post_var="none")
    first = Trial(data=DATA, model=model, objective=Objective(gamma=Fixed(0.5), beta=0), training=STEPS, seed=seed)
    own = VAE(kappa=kappa, encoder=(8,), decoder=(8,))
    return Trial(data=DATA, model=own, objective=Objective(gamma=Learned()), training=STEPS, seed=seed, after=first)
'''


def test_a_launch_trains_a_shared_stage_once(tmp_path):
    path, home = tmp_path / "chained.py", tmp_path / "runs"
    path.write_text(STUDY)
    done = launch_here(f"{path}:chained", "--home", home, "--no-mirror")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 trials declared, 0 already there, 4 to train, and 2 stages that they stand on" in done.stdout
    committed = Counter(
        trial for event in journal(Home(home)) if event["event"] == "commit" for trial in event["trials"]
    )
    assert len(committed) == 6
    assert set(committed.values()) == {1}
    header = json.loads((home / "studies" / "chained" / "study.json").read_text())
    assert len(header["stages"]) == 2


def test_mlflow_shows_the_curves_and_a_few_numbers_of_the_stages_before(trained):
    home, plan, _ = trained
    records = StudyRecords(home, "staged")
    entries = {entry.trial_id: entry for entry in records.entries(records.committed())}
    assert entries.keys() == {row.trial.trial_id for row in plan.rows}
    third = entries[a_chain()[2].trial_id]
    sections = {name.partition("/")[0] for name, *_ in third.curves}
    assert sections == {"curve autoencoder", "curve vae", "curve second vae"}
    rows = rows_of(home)
    assert third.metrics["vae/gamma"] == rows[a_chain()[1].trial_id]["gamma"]
    assert "autoencoder/n_active" not in third.metrics  # it has no rate
    assert {name.partition("/")[0] for name, *_ in entries[a_trial().trial_id].curves} == {"curve"}
