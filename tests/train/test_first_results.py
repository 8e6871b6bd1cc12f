"""The first results of the field, reproduced on the declarations of grid_gamma itself."""

import json
from pathlib import Path

import numpy as np
import pytest
from trained_rows import train_rows

from study.catalog.grid_gamma.table import grid_gamma
from study.pack.pack import make_pack
from study.record import Home, read
from study.train.pack_run import PackRun

GOLDEN = Path(__file__).parents[1] / "golden"


def grid_rows(**wanted):
    """The rows of one stage with these labels."""
    rows = [row for row in grid_gamma.table("laptop").rows() if not row.trial.stages]
    return [row for row in rows if all(row.axes[axis] in values for axis, values in wanted.items())]


@pytest.fixture(scope="module")
def manifold(tmp_path_factory):
    """κ = 4 and 8 on the planted manifold of r = 3, β = 1, the γ modes that claims are about, three seeds."""
    modes = ["fixed 4", "learned", "fixed 0.0001"]
    rows = grid_rows(data=["manifold r=3"], kappa=[4, 8], beta=[1.0], skip=["none"], gamma=modes)
    frame = train_rows(rows, tmp_path_factory.mktemp("manifold"))
    labels = {row.trial.trial_id: row.axes["gamma"] for row in rows}
    return frame.assign(mode=[labels[trial_id] for trial_id in frame.index])


def test_a_learned_gamma_keeps_exactly_the_planted_dimensions(manifold):
    learned = manifold[manifold["gamma_mode"] == "learned"]
    assert len(learned) == 6
    assert (learned["n_active"] == 3).all()
    assert (learned["gamma"] < 2e-3).all()
    assert (learned["scale_residual"] < 0.5).all()
    assert (learned["nre_mean_test"] < 0.01).all()
    assert (learned["gamma_drift"] < -0.3).all(), "without noise γ falls for ever"
    assert manifold[manifold["gamma_mode"] == "fixed"]["gamma_drift"].isna().all()


def test_a_large_fixed_gamma_over_regularises(manifold):
    large = manifold[manifold["mode"] == "fixed 4"]
    assert len(large) == 6
    assert (large["n_active"] < 3).all()
    assert (large["nre_mean_test"] > 0.01).all()


def test_a_gamma_fixed_below_the_optimum_from_the_start_under_regularises(manifold):
    small = manifold[manifold["mode"] == "fixed 0.0001"]
    learned = manifold[manifold["gamma_mode"] == "learned"]
    for kappa in (4, 8):
        ours, reference = small[small["kappa"] == kappa], learned[learned["kappa"] == kappa]
        assert (ours["gamma"] <= reference["gamma"].min()).all()
        assert (ours["n_active"] > 3).all()
        assert (ours["nre_mean_test"] < 0.01).all()
        floor = max(reference["value"].mean(), reference["standard_error"].mean())
        assert (ours["value"] >= 10 * floor).all()


def test_digits_show_the_same_ordering_with_intervals(tmp_path):
    """n_active: fixed 4 < learned < fixed 1e-4, each difference's 95 % t-interval over three seeds above zero."""
    rows = grid_rows(
        data=["Digits"], kappa=[16], beta=[1.0], skip=["none"], gamma=["fixed 4", "learned", "fixed 0.0001"]
    )
    frame = train_rows(rows, tmp_path)
    active = {
        label: np.array([frame.loc[row.trial.trial_id, "n_active"] for row in rows if row.axes["gamma"] == label])
        for label in ("fixed 4", "learned", "fixed 0.0001")
    }
    for less, more in (("fixed 4", "learned"), ("learned", "fixed 0.0001")):
        gap = active[more] - active[less]
        assert gap.mean() - 4.303 * gap.std(ddof=1) / np.sqrt(3) > 0


def test_the_gradient_at_z_grows_as_a_learned_gamma_falls(manifold):
    learned = manifold[manifold["gamma_mode"] == "learned"]
    assert (learned["grad_z_last"] > 50 * learned["grad_z_first"]).all()


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    """The home of 40 steps with each γ mode."""
    rows = grid_rows(data=["Digits"], kappa=[4], beta=[1.0], skip=["affine"], seed=[0])
    home = Home(tmp_path_factory.mktemp("short"))
    pack = PackRun(make_pack([_short(row.trial) for row in rows], {}))
    while not pack.done:
        pack.advance(60)
    pack.commit(home)
    return home


def test_the_drift_of_a_trained_gamma_is_read_off_its_curve(short):
    curves = read(short, "curves").to_pandas().set_index("trial_id")
    trials = read(short, "trials").to_pandas()
    is_trained = trials["gamma_mode"].isin(["learned", "optimal"])
    assert trials["gamma_drift"].notna().tolist() == is_trained.tolist()
    assert 0 < is_trained.sum() < len(trials)
    for trial in trials[is_trained].to_dict("records"):
        curve = curves.loc[trial["trial_id"]]
        late = curve[curve["step"].between(0.7 * curve["step"].max(), 0.9 * curve["step"].max())]
        assert trial["gamma_drift"] == pytest.approx(np.log(trial["gamma"]) - np.log(late["gamma"]).mean(), abs=1e-6)


def test_golden_numbers_have_not_moved(short):
    """A change of code that changes numbers raises ENGINE; one that does not leaves these where they are."""
    names = ["distortion_test", "rate_test", "objective_test", "gamma", "n_active", "scale_residual", "grad_z_last"]
    measured = {row["trial_id"]: [row[name] for name in names] for row in read(short, "trials").to_pylist()}
    expected = json.loads((GOLDEN / "numbers.json").read_text())
    assert measured.keys() == expected.keys()
    for trial_id, numbers in expected.items():
        assert measured[trial_id] == pytest.approx(numbers, rel=2e-3, abs=1e-6)


def _short(trial):
    """The trial that the numbers are of: κ = 2, 40 steps."""
    training = trial.training.model_copy(update={"steps": 40})
    return trial.model_copy(update={"model": trial.model.model_copy(update={"kappa": 2}), "training": training})
