"""What a pack leaves: records of what was measured, and no memory."""

import math
import subprocess
import sys

import pytest
from trained_stacks import MODES, numbers_in_packs

from models.data.load import load
from study import (
    Digits,
)
from study.pack.pack import make_pack
from study.record import Home, read
from study.train.pack_run import PackRun


def test_a_trial_that_diverges_is_a_result_and_its_neighbours_do_not_notice(make_trial, tmp_path):
    good = [make_trial(gamma=gamma, seed=seed) for gamma in MODES for seed in (0, 1)]
    absurd = make_trial(lr=1e6)
    home = Home(tmp_path)
    run = PackRun(make_pack([*good[:3], absurd, *good[3:]], {}))
    while not run.done:
        run.advance(10)
    run.commit(home)
    rows = {row["trial_id"]: row for row in read(home, "trials").to_pylist()}
    fallen = rows.pop(absurd.trial_id)
    assert fallen["status"] == "diverged"
    assert fallen["error"].startswith(f"step {fallen['diverged_at']}: the objective J")
    assert 0 < fallen["diverged_at"] < absurd.training.steps
    steps = {row["step"] for row in read(home, "curves").to_pylist() if row["trial_id"] == absurd.trial_id}
    assert max(steps) < fallen["diverged_at"]
    for trial in good:
        solo = numbers_in_packs([trial], 1)[trial.trial_id]
        assert rows[trial.trial_id]["status"] == "finished"
        assert rows[trial.trial_id]["distortion_train"] == pytest.approx(solo["distortion"], rel=1e-4)
        assert rows[trial.trial_id]["rate_train"] == pytest.approx(solo["rate"], rel=1e-4)


def test_the_record_is_the_measurement(make_trial, tmp_path):
    """Identities between the columns of a record, on data with images."""
    home = Home(tmp_path)
    trials = [make_trial(gamma=gamma, beta=2.0, data=Digits()) for gamma in MODES]
    run = PackRun(make_pack(trials, {}))
    while not run.done:
        run.advance(10)
    assert run.commit(home) == [trial.trial_id for trial in trials]
    latents = read(home, "latents").to_pandas()
    data = load(Digits())
    for row in read(home, "trials").to_pylist():
        gamma, d = row["gamma"], row["d"]
        bound = row["distortion_test"] / (2 * gamma) + d / 2 * math.log(2 * math.pi * gamma) + row["rate_test"]
        assert row["neg_elbo_test"] == pytest.approx(bound, rel=1e-9)
        # J carries β, −ELBO the constant and β = 1.
        constant = 0.5 * d * 1.8378770664093453
        assert row["neg_elbo_test"] - row["objective_test"] == pytest.approx(constant - row["rate_test"], rel=1e-9)
        assert row["nre_test"] == pytest.approx(row["distortion_test"] / data.total_variance_test)
        assert row["gamma_eff"] == 2.0 * gamma
        own = latents[latents["trial_id"] == row["trial_id"]]
        assert own["rate"].sum() == pytest.approx(row["rate_train"], rel=1e-6)
        assert row["n_active"] == (own["post_var"] < 0.5).sum()
        assert row["n_burda"] == (own["mean_var"] > 0.01).sum()
        if row["gamma_mode"] == "optimal":
            assert gamma == pytest.approx(row["distortion_train"] / d, rel=1e-9)
        if row["gamma_mode"] == "fixed":
            assert gamma == 0.5
        if row["gamma_mode"] == "annealed":
            assert gamma == pytest.approx(0.05, rel=1e-6)


OUT_OF_MEMORY = """
import gc, resource, weakref
import torch
from study import VAE, LinearSubspace, Objective, Optimal, Sparsity, Training, Trial
from study.train.pack_run import PackRun
from study.pack.pack import make_pack

torch.set_num_threads(1)
gc.disable()  # what is dropped must go by itself


def pack(size):
    model = VAE(kappa=2, encoder=(256, 256), post_var="none")
    declared = dict(data=LinearSubspace(d=5, n=2000), model=model, seed=0)
    training = Training(steps=2, batch=2000)
    penalties = [Sparsity(h="log", weight=1.0 + i) for i in range(size)]  # by autograd, which takes its memory in a step
    objectives = [Objective(gamma=Optimal(), beta=0, penalty=penalty) for penalty in penalties]
    return make_pack([Trial(**declared, objective=objective, training=training) for objective in objectives], {})


PackRun(pack(1)).advance(60)
run = PackRun(pack(64))
stack = weakref.ref(run.training.stack)
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + 200 * 2**20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
try:
    run.advance(60)
except RuntimeError as fault:
    print("out of memory" if "can't allocate memory" in str(fault) else fault)
run = None
half = PackRun(pack(4))
half.advance(60)
print("kept" if stack() else "released", "and done" if half.done else "and stuck")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on the address space")
def test_a_pack_that_is_out_of_memory_lets_go_of_it():
    done = subprocess.run([sys.executable, "-c", OUT_OF_MEMORY], capture_output=True, text=True, timeout=300)
    assert done.stdout.split("\n") == ["out of memory", "released and done", ""], done.stderr
