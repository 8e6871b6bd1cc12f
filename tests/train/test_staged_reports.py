"""Studies of several stages from end to end: pictures, records, reports."""

from importlib import import_module

import numpy as np
import pytest
from painted_pictures import paint
from staged_trials import DATA, a_trial, an_autoencoder, rows_of, train, train_plan

from analysis.report.report import write_report
from study import (
    VAE,
    ImageFolder,
    Learned,
    Objective,
    Refit,
    Training,
    study,
)
from study.launch.find import find
from study.plan.plan import make_plan, write_plan
from study.record import Home, read, read_artifacts


def test_vae_plus_trains_on_a_folder_of_pictures_from_end_to_end(tmp_path, monkeypatch):
    """The way CelebA takes: files, decoded once, codes, a VAE on them, a second one on its latents, samples in colour."""
    monkeypatch.delenv("COLLAPSAR_INCEPTION", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    paint(tmp_path / "pictures", 200, size=64)
    data, steps = ImageFolder.of(tmp_path / "pictures", size=64, every=4), Training(steps=100, batch=25, lr=1e-3)
    first = an_autoencoder(data=data, training=steps, samples=40)
    second = a_trial(data=data, training=steps, after=first, samples=40)
    model = VAE(kappa=4, skip="concat", encoder=(32,), decoder=(32,))
    third = second.model_copy(
        update={"model": model, "objective": Objective(gamma=Learned(init=0.05)), "after": second}
    )
    home = Home(tmp_path / "runs")
    for trial in (first, second, third):
        train(home, trial)
    rows = rows_of(home)
    assert all(rows[trial.trial_id]["status"] == "finished" for trial in (first, second, third))
    course = [row["distortion"] for row in read(home, "curves").to_pylist() if row["trial_id"] == first.trial_id]
    assert course[-1] < course[0] / 2
    pictures = read_artifacts(home, rows[third.trial_id]["artifacts"], third.trial_id, "pictures")
    assert pictures["sample"].shape == pictures["reconstruction"].shape == (8, 64, 64, 3)
    assert pictures["sample"].std(0).max() > 0  # samples differ
    ends = pictures["interpolation"][[0, -1]]
    assert ends == pytest.approx(pictures["reconstruction"][:2], abs=5e-3)
    assert (np.diff(pictures["interpolation"], axis=0) != 0).any()
    metrics = {row["metric"] for row in read(home, "evaluations").to_pylist() if row["trial_id"] == third.trial_id}
    assert {"mmd_x", "mmd_x_null", "kd_conv", "kd_conv_recon"} <= metrics
    assert not {"fid", "kid"} & metrics


@study(data=[DATA], mode=["learned", "refit"], seed=[0])
def gamma_star(data, mode, seed):
    """A little of the catalog's study."""
    return a_trial(seed, data=data, objective=Objective(gamma=Learned() if mode == "learned" else Refit()))


@study(data=[DATA], first=["balanced"], method=["VAE", "VAE+"], seed=[0])
def vaeplus(data, first, method, seed):
    """A little of the catalog's study."""
    gamma = {"balanced": Learned()}[first]
    stage = a_trial(seed, data=data, objective=Objective(gamma=gamma), samples=200)
    return stage if method == "VAE" else a_trial(seed, data=data, after=stage, samples=200)


def ask_as_the_catalog_does(table):
    """Give a study the claims, figures and sheets of the catalog's, whose axes it has."""
    for module in ("claims", "figures"):
        import_module(f"study.catalog.{table.name}.{module}")
    table.findings = find(table.name).findings


@pytest.mark.parametrize(("table", "figures"), [(gamma_star, 2), (vaeplus, 1)])
def test_the_report_of_a_staged_study_is_drawn(table, figures, tmp_path):
    home = Home(tmp_path)
    plan = make_plan(table, "laptop", home)
    train_plan(plan, home)
    write_plan(plan, home)
    ask_as_the_catalog_does(table)
    report = write_report(table.name, home, table)
    assert report.faults == []
    page = home.read(f"studies/{table.name}/report/index.html").decode()
    assert page.count("<svg") - page.count("<svg class='strip") == figures
    assert all(claim.is_undecided for claim in report.claims)
