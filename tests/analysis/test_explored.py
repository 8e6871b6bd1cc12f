"""What varies and what is measured is found out, and how much each axis decides is measured rightly."""

from pathlib import Path

import numpy as np
import pytest
from made_up_studies import row, store

from analysis.explore.axes import Axis, class_texts, thresholds
from analysis.explore.charts import charts_of
from analysis.explore.explored import Explored
from analysis.explore.fronts import best_so_far, on_front
from analysis.explore.importance import SEEDS, TOGETHER, share_between
from analysis.explore.scales import Scale, scale_of_axis, scale_of_measure
from analysis.frames.view import View
from study.record import Home


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1e-4, 1e-3, 1e-2], "log"),
        ([2, 4, 8, 16], "log"),
        ([0.1, 10], "log"),
        ([1, 2, 3, 4, 5], "linear"),
        ([0, 1, 10, 100], "linear"),
        ([1, 2], "linear"),
        ([-1, 1], "linear"),
    ],
)
def test_values_that_are_spread_geometrically_lie_on_a_logarithmic_axis(values: list[float], kind: str):
    assert scale_of_axis(values).kind == kind


def test_measures_over_decades_are_shown_by_their_logarithms_and_counts_are_not():
    rng = np.random.default_rng(0)
    assert scale_of_measure(np.exp(rng.normal(0, 3, 100))).kind == "log"
    assert scale_of_measure(rng.normal(0, 1, 100)).kind == "linear"
    assert scale_of_measure(np.arange(1, 1000)).kind == "linear"
    assert scale_of_measure(np.append(rng.normal(0, 1, 100), 1e5)).kind == "symlog"


@pytest.mark.parametrize("scale", [Scale(), Scale("log"), Scale("symlog", 0.1)])
def test_positions_keep_the_order_of_numbers(scale: Scale):
    numbers = np.array([1e-3, 0.1, 2.0, 1e4])
    assert (np.diff(scale.position(numbers)) > 0).all()


def test_numbers_without_a_logarithm_have_no_place_and_give_no_warning():
    assert np.isnan(Scale("log").position([-1.0, 0.0])).all()


def test_classes_of_a_continuous_axis_hold_as_many_trials_and_cover_all():
    numbers = np.random.default_rng(1).uniform(0, 1, 600)
    axis = Axis("beta", "a0", "setting", sorted(numbers), is_numeric=True)
    counts = np.bincount(axis.codes(numbers))
    assert len(counts) == len(axis.texts) == len(thresholds(numbers)) + 1
    assert counts.min() >= 95
    assert class_texts([0.0, 1.0], [0.5]) == ["0 to 0.500", "0.500 to 1"]


def test_an_axis_that_decides_has_all_of_the_variance_and_one_that_does_nothing_none():
    rng = np.random.default_rng(2)
    decides, idle = rng.integers(0, 4, 2000), rng.integers(0, 4, 2000)
    values = decides.astype(float)
    assert share_between(values, decides) == pytest.approx(1)
    assert share_between(values, idle) < 0.01
    noise = np.mean([share_between(rng.normal(size=40), np.arange(40) % 8) for _ in range(300)])
    assert noise < 0.08  # a share that is not corrected for eight labels would be 7/39 = 0.18


def test_a_measure_that_never_changes_and_groups_of_one_trial_have_no_share():
    assert np.isnan(share_between(np.full(6, 0.1), np.arange(6) % 2))
    assert np.isnan(share_between(np.arange(6.0), np.arange(6)))
    assert np.isnan(share_between(np.arange(6.0), np.zeros(6, int)))


def test_what_two_axes_do_only_together_belongs_to_neither(tmp_path: Path):
    """J = ±1 by whether both axes agree: no main effect, no noise between seeds."""
    home = Home(tmp_path / "home")
    cells = [(a, b, seed) for a in (0, 1) for b in (0, 1) for seed in range(4)]
    plan = [{"trial_id": f"{a}{b}{seed}", "first": a, "second": b, "seed": seed} for a, b, seed in cells]
    trials = [row(line["trial_id"], neg_elbo_test=float(line["first"] == line["second"])) for line in plan]
    store(home, "both", {"first": [0, 1], "second": [0, 1], "seed": [0, 1, 2, 3]}, plan, trials)
    shares = Explored.of(View.of("both", home)).importance["neg_elbo_test"]
    assert shares == pytest.approx({"first": 0, "second": 0, TOGETHER: 1, SEEDS: 0}, abs=1e-9)


def test_charts_of_a_part_of_a_study_show_what_varies_in_this_part(tmp_path: Path):
    """Of three axes one has a single label among the trials that were trained, and one differs in a failed trial alone."""
    home = Home(tmp_path / "home")
    cells = [(k, b, lr, seed) for k in (2, 4, 8) for b in (1, 2) for lr in (1, 2) for seed in range(3)]
    plan = [{"trial_id": f"{k}{b}{lr}{s}", "kappa": k, "beta": b, "lr": lr, "seed": s} for k, b, lr, s in cells]
    trained = [line for line in plan if line["lr"] == 1 and line["kappa"] < 8]
    trials = [row(line["trial_id"], neg_elbo_test=float(i % 5)) for i, line in enumerate(trained)]
    trials.append(row("2120", status="failed"))
    store(home, "part", {"kappa": [2, 4, 8], "beta": [1, 2], "lr": [1, 2], "seed": [0, 1, 2]}, plan, trials)
    view = View.of("part", home)
    explored = Explored.of(view)
    assert [axis.name for axis in explored.axes] == ["kappa", "beta", "seed"]
    assert explored.axes[0].labels == [2, 4]
    shown = {each["axis"] for each in charts_of(view).datasets["importance"]}
    assert {"latent dimensions κ", "weight of the rate β"} <= shown
    assert "learning rate" not in shown


@pytest.mark.parametrize("measures", [2, 3])
def test_the_front_is_what_no_row_betters(measures: int):
    rng = np.random.default_rng(3)
    values = rng.integers(0, 6, (200, measures)).astype(float)
    values[rng.integers(0, 200, 10), 0] = np.nan

    def is_bettered(one: np.ndarray) -> bool:
        return any((other <= one).all() and (other < one).any() for other in values)

    expected = [bool(np.isfinite(one).all() and not is_bettered(one)) for one in values]
    assert on_front(values).tolist() == expected
    assert any(expected)


def test_no_rows_have_no_front():
    assert on_front(np.empty((0, 2))).tolist() == []


def test_the_best_so_far_never_rises_and_ignores_what_is_not_known():
    found = best_so_far(np.array([np.nan, 3.0, 5.0, np.nan, 1.0, 2.0]))
    assert np.isnan(found[0])
    assert found[1:].tolist() == [3, 3, 3, 1, 1]
