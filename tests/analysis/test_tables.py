"""Frames, intervals, tables and glances of homes whose records are made up."""

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from made_up_studies import PLANTED, gamma_grid, row, seeds, store

from analysis import AnalysisError, curves, glance, header, latents, results, table
from analysis.tables.cells import cells, cells_of, written
from analysis.tables.grouping import Grouping
from analysis.tables.interval import number, t_interval, t_intervals
from analysis.tables.sheet import rows_in_markdown
from study.catalog.grid_gamma.claims import learned_against_fixed
from study.record import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def test_axes_win_over_record_columns_and_gamma_stays_measured(home: Home):
    gamma_grid(home, PLANTED, 3)
    frame = results("grid_gamma", home).set_index("trial_id")
    assert frame.loc["learned-8-none-1", "gamma"] == "learned"
    assert frame.loc["learned-8-none-1", "gamma_value"] == 1e-4
    assert frame.loc["fixed 1e-05-8-none-0", "mmd"] == 0.3
    assert frame.loc["fixed 1e-05-8-none-0", "mmd_se"] == 2e-4
    assert (frame["total_variance"] == 20.0).all()


def test_text_on_an_axis_is_a_category_in_declared_order_and_numbers_stay_numbers(home: Home):
    rows = [
        {"trial_id": f"{depth}-{kappa}", "depth": depth, "kappa": kappa} for kappa in (8, 2) for depth in ("b", "c")
    ]
    store(home, "s", {"depth": ["c", "a", "b"], "kappa": [8, 2]}, rows, [])
    frame = results("s", home)
    assert list(frame["depth"].cat.categories) == ["c", "a", "b"]
    assert frame["kappa"].dtype == "int64"
    assert frame.sort_values(["depth", "kappa"])["trial_id"].tolist() == ["c-2", "c-8", "b-2", "b-8"]
    assert frame.groupby("depth").size().to_dict() == {"c": 2, "b": 2}
    assert frame["depth"].eq("c").sum() == 2


def test_curves_and_latents_carry_the_axes(home: Home):
    curve = [{"trial_id": "t0", "stage": "vae", "step": step, "gamma": 0.1, "grad_z": 2.0} for step in (0, 10)]
    seeds(home, [row("")], curves=curve, latents=[{"trial_id": "t0", "stage": "vae", "latent": 0, "rate": 1.5}])
    assert curves("s", home)[["seed", "step", "gamma_value"]].values.tolist() == [[0, 0, 0.1], [0, 10, 0.1]]
    assert latents("s", home)[["seed", "latent", "rate"]].values.tolist() == [[0, 0, 1.5]]


def test_an_unknown_study_is_answered_with_the_nearest_name(home: Home):
    gamma_grid(home, PLANTED, 3)
    store(home, "grid_gamma", {"seed": [0]}, [{"trial_id": "x", "seed": 0}], [])
    with pytest.raises(AnalysisError, match="did you mean grid_gamma"):
        results("gridgama", home)
    with pytest.raises(AnalysisError, match="holds no studies: launch one"):
        results("grid_gamma", str(home) + "-elsewhere")


def test_an_axis_that_hides_a_measurement_is_refused(home: Home):
    store(home, "bad", {"n_active": [1]}, [{"trial_id": "x", "n_active": 1}], [])
    with pytest.raises(AnalysisError, match="rename the axis"):
        results("bad", home)


def test_the_interval_is_students_over_seeds():
    values = [1.0, 2.0, 4.0]
    # t.975 with two degrees of freedom, from a printed table; s computed by hand
    half = 4.302653 * math.sqrt(((1 - 7 / 3) ** 2 + (2 - 7 / 3) ** 2 + (4 - 7 / 3) ** 2) / 2) / math.sqrt(3)
    interval = t_interval(values)
    assert interval.mean == pytest.approx(7 / 3)
    assert interval.half == pytest.approx(half, rel=1e-6)


def test_one_seed_has_no_interval_and_none_has_no_mean():
    assert math.isnan(t_interval([2.0]).half)
    assert str(t_interval([2.0])) == "2 ± n/a"
    assert str(t_interval([])) == "—"
    assert str(t_interval([math.nan])) == "—"


def test_each_interval_of_many_is_that_of_its_values_alone():
    """To the last bit, whatever the order of the values; groups of no value, of one, and of NaN among them."""
    rng = np.random.default_rng(0)
    group = rng.integers(0, 60, 400) // 2 * 2  # none in odd ones
    values = np.where(rng.random(400) < 0.2, np.nan, rng.lognormal(0, 3, 400))
    values[group == 4] = np.nan
    mean, half = t_intervals(values, group, 60)
    alone = [t_interval(values[group == number]) for number in range(60)]
    assert {1, 4} <= {number for number, interval in enumerate(alone) if not interval.n}
    assert np.array_equal(mean, [interval.mean for interval in alone], equal_nan=True)
    assert np.array_equal(half, [interval.half for interval in alone], equal_nan=True)


def test_what_many_cells_say_is_what_each_says_alone(home: Home):
    gamma_grid(home, PLANTED, 3, learned={"status": "diverged"})
    frame, head = results("grid_gamma", home), header("grid_gamma", home)
    frame = frame.sample(frac=1, random_state=0)
    each = [trials for _, trials in cells(frame, head, ["gamma", "kappa"])]
    alone = [cell for trials in each for cell in cells_of(trials, Grouping.of(trials, head, []))]
    assert [cell for line in glance(frame, head).cells for cell in line] == alone
    assert table(frame, head)["regime"].tolist() == [cell.regime for cell in alone]
    assert alone[-1].regime == "diverged"


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([3, 3, 3], "3 ± 0"),
        ([1.0, 2.0, 4.0], "2.3 ± 3.8"),
        ([1.1e-4, 1.2e-4, 1.3e-4], "(1.20 ± 0.25)e-04"),
        ([0.1] * 3, "0.100 ± 0"),
    ],
)
def test_a_mean_is_written_to_the_place_its_interval_reaches(values: list[float], text: str):
    assert str(t_interval(values)) == text


def test_numbers_are_written_in_three_significant_digits():
    assert [number(value) for value in (0.012345, 123456.7, 42.0, 1e-5, 0.5)] == [
        "0.0123",
        "1.23e+05",
        "42",
        "1.00e-05",
        "0.500",
    ]


def test_the_table_gives_mean_half_width_and_counts_of_a_cell(home: Home):
    trials = [row("", distortion_test=value) for value in (1.0, 2.0, 4.0)]
    trials += [row("", status="diverged", distortion_test=None), row("", status="failed")]
    seeds(home, trials, declared=6)
    (line,) = table(results("s", home), header("s", home)).to_dict("records")
    assert line["distortion_test_mean"] == pytest.approx(7 / 3)
    assert line["distortion_test_half"] == pytest.approx(4.302653 * 1.527525 / math.sqrt(3), rel=1e-5)
    counted = [line[name] for name in ("declared", "finished", "diverged", "failed", "missing", "unconverged")]
    assert counted == [6, 3, 1, 1, 1, 0]
    assert (line["regime"], line["agreeing"], line["of"]) == ("balanced", 3, 3)


def test_a_cell_of_unconverged_trials_is_marked_as_insufficient_and_counts_them(home: Home):
    seeds(home, [row(""), row("", scale_residual=0.6), row("", scale_residual=3.0)])
    frame, head = results("s", home), header("s", home)
    text = rows_in_markdown(*written(table(frame, head), head))
    assert "balanced? 3/3" in text
    assert table(frame, head)["unconverged"].tolist() == [2]
    assert glance(frame, head).cells[0][0].text == "3 balanced?"


def test_two_converged_trials_of_three_are_enough(home: Home):
    seeds(home, [row(""), row(""), row("", scale_residual=3.0)])
    assert glance(results("s", home), header("s", home)).cells[0][0].text == "3 balanced"


def test_seeds_that_disagree_are_called_mixed(home: Home):
    seeds(home, [row(""), row("", n_active=8)])
    assert table(results("s", home), header("s", home))["regime"].tolist() == ["mixed"]


def test_the_glance_has_a_row_per_mode_and_a_column_per_kappa(home: Home):
    gamma_grid(home, PLANTED, 3)
    seen = glance(results("grid_gamma", home), header("grid_gamma", home))
    assert (seen.axes, seen.columns, seen.rows) == (
        ["gamma"],
        ["κ = 4", "κ = 8"],
        [["fixed 1"], ["fixed 1e-05"], ["learned"]],
    )
    texts = [[cell.text for cell in line] for line in seen.cells]
    assert texts == [["0 over", "0 over"], ["4 under", "8 under"], ["3 balanced", "3 balanced"]]


def test_the_glance_shows_a_decimal_where_seeds_disagree(home: Home):
    seeds(home, [row(""), row("", n_active=8), row("", n_active=8)])
    assert glance(results("s", home), header("s", home)).cells[0][0].text == "6.3 under"


def test_a_study_of_a_users_own_axes_has_a_table_and_a_glance(home: Home):
    axes = {"depth": [4, 2], "lr": [0.01, 0.001], "norm": ["none", "3"], "wide": [True]}
    plan = [
        {"trial_id": f"{depth}-{lr}-{norm}", "depth": depth, "lr": lr, "norm": norm, "wide": True}
        for depth, lr, norm in itertools.product([4, 2], [0.01, 0.001], ["none", "3"])
    ]
    store(home, "own", axes | {"norm": ["none", 3]}, plan, [row(line["trial_id"]) for line in plan[1:]])
    frame, head = results("own", home), header("own", home)
    seen = glance(frame, head)
    assert seen.axes == ["depth", "lr", "norm"]
    assert seen.columns == ["result"]
    assert seen.rows[:3] == [["4", "0.01", "none"], ["4", "0.01", "3"], ["4", "0.001", "none"]]
    assert [line[0].text for line in seen.cells] == ["missing"] + ["3 balanced"] * 7
    assert "3 ± n/a" in rows_in_markdown(*written(table(frame, head), head))
    assert learned_against_fixed(frame, head) == []


def test_a_cell_that_mostly_diverged_has_no_mean(home: Home):
    trials = [row(""), row("", status="diverged"), row("", status="diverged")]
    seeds(home, trials)
    (cell,) = glance(results("s", home), header("s", home)).cells[0]
    assert cell.regime == "diverged"
    assert table(results("s", home), header("s", home))["n_active_mean"].isna().all()
