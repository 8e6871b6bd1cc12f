"""The claims of grid_gamma hold, fail and lack data where made-up records say so."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from made_up_studies import DIGITS, PLANTED, gamma_grid

from analysis import header, results
from analysis.frames.load import Header
from study.catalog.grid_gamma.claims import learned_against_fixed, second_stages
from study.catalog.grid_gamma.table import LONGER, METHODS, ONE_STAGE, TWO_STAGES, grid_gamma
from study.record import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def said(home: Home) -> list[str]:
    return [item.verdict for item in learned_against_fixed(results("grid_gamma", home), header("grid_gamma", home))]


def test_the_claims_hold_where_planted_data_behave_as_theory_says(home: Home):
    gamma_grid(home, PLANTED, 3)
    found = learned_against_fixed(results("grid_gamma", home), header("grid_gamma", home))
    assert [item.verdict for item in found] == ["holds"] * 3
    assert "n_active = 3, γ < 0.002: 6 of 6 trials" in found[0].measured
    assert "over-regularised: 6 of 6 trials" in found[1].measured
    assert "MMD less 10 times that of γ learned: 0.290" in found[2].measured
    assert [claim.statements for claim in found] == [["D5", "D4", "B2"], ["D6"], ["D7"]]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"learned": {"n_active": 4}}, ["fails", "holds", "holds"]),
        ({"learned": {"gamma": 3e-3}}, ["fails", "holds", "holds"]),
        ({"fixed_1": {"n_active": 3, "nre_mean_test": 1e-3}}, ["holds", "fails", "holds"]),
        ({"fixed_1e_05": {"n_active": 3}}, ["holds", "holds", "fails"]),
        ({"fixed_1e_05": {"mmd": 9e-3}}, ["holds", "holds", "fails"]),
        ({"fixed_1e_05": {"mmd": None}}, ["holds", "holds", "insufficient"]),
        ({"fixed_1e_05": {"scale_residual": 0.9}}, ["holds", "holds", "holds"]),
        ({"fixed_1": {"scale_residual": 0.9}}, ["holds", "insufficient", "holds"]),
        ({"learned": {"scale_residual": 0.9}}, ["insufficient", "holds", "insufficient"]),
    ],
)
def test_data_that_contradict_a_claim_fail_it(home: Home, changed: dict[str, Any], expected: list[str]):
    gamma_grid(home, PLANTED, 3, **changed)
    assert said(home) == expected


@pytest.mark.parametrize(
    ("changed", "verdict"),
    [({}, "holds"), ({"n_active": 3}, "fails"), ({"mmd": 9e-3}, "fails"), ({"scale_residual": 0.9}, "holds")],
)
def test_a_refit_is_asked_what_a_small_gamma_is(home: Home, changed: dict[str, Any], verdict: str):
    gamma_grid(home, PLANTED, 3, also=("refit",), refit=changed)
    found = learned_against_fixed(results("grid_gamma", home), header("grid_gamma", home))
    assert [item.verdict for item in found] == ["holds"] * 3 + [verdict]
    assert found[3].claim.startswith("γ* itself, fixed from the start")
    assert found[3].statements == ["D25"]


@pytest.mark.parametrize(
    ("changed", "verdict"), [({}, "holds"), ({"n_active": 5}, "fails"), ({"scale_residual": 0.9}, "insufficient")]
)
def test_other_ways_to_the_balance_are_judged_as_the_learned_one_is(home: Home, changed: dict[str, Any], verdict: str):
    gamma_grid(home, PLANTED, 3, also=("optimal",), optimal=changed)
    found = learned_against_fixed(results("grid_gamma", home), header("grid_gamma", home))
    assert [item.verdict for item in found] == ["holds", verdict, "holds", "holds"]
    assert found[1].statements == ["D23"]


@pytest.mark.parametrize(("active", "verdict"), [(3, "holds"), (4, "fails")])
def test_a_gamma_that_trains_longer_is_judged_by_where_that_ends(home: Home, active: int, verdict: str):
    gamma_grid(home, PLANTED, 3, also=("optimal",), optimal={"n_active": 5, "scale_residual": 0.9})
    frame, head = results("grid_gamma", home), header("grid_gamma", home)
    longer = frame[frame["gamma"].eq("optimal")].assign(method=LONGER, n_active=active, converged=True)
    head.axes["method"] = [ONE_STAGE, LONGER]
    found = learned_against_fixed(pd.concat([frame.assign(method=ONE_STAGE), longer]), head)
    assert [item.verdict for item in found] == ["holds", verdict, "holds", "holds"]
    assert found[1].claim == "optimal γ, in four times the steps, keeps exactly the 3 planted latents"
    assert "as many as γ learned takes, 0 of 6" in found[1].measured


def test_what_trains_longer_is_the_closed_form_with_latents_to_spare():
    rows: list[Any] = grid_gamma.table("laptop").rows()
    longer = [row for row in rows if row.axes["method"] == LONGER]
    steps = {method: {r.trial.training.steps for r in rows if r.axes["method"] == method} for method in METHODS}
    assert steps == {ONE_STAGE: {2000}, TWO_STAGES: {2000}, LONGER: {8000}}
    assert {row.trial.objective.gamma.label for row in longer} == {"optimal"}
    assert {(row.trial.data.intrinsic_dim, row.axes["kappa"], row.axes["beta"]) for row in longer} == {
        (3, 4, 1),
        (3, 8, 1),
    }


@pytest.mark.parametrize(("changed", "answer"), [({}, "yes"), ({"n_active": 8}, "no")])
def test_on_unknown_data_it_is_asked_whether_they_end_where_the_learned_one_does(
    home: Home, changed: dict[str, Any], answer: str
):
    gamma_grid(home, DIGITS, 3, also=("optimal",), optimal=changed)
    assert said(home) == ["holds", "holds", answer]


@pytest.mark.parametrize(
    ("second", "verdict"), [((0.1, 0.2, 0.15), "holds"), ((0.1, 0.7, 0.2), "insufficient"), ((0.5, 0.6, 0.55), "fails")]
)
def test_a_second_stage_is_held_against_its_first(second: tuple[float, ...], verdict: str):
    common = {"data": "digits", "gamma": "learned", "status": "finished"}
    sides = {"VAE": (0.4, 0.5, 0.45), "VAE+": second}
    frame = pd.DataFrame(
        common | {"method": method, "kappa": kappa, "seed": seed, "mmd": value / kappa**2}
        for method, values in sides.items()
        for seed, value in enumerate(values)
        for kappa in (2, 4, 8)
    )
    axes: dict[str, list[Any]] = {
        "data": ["digits"],
        "gamma": ["learned"],
        "kappa": [2, 4, 8],
        "method": ["VAE", "VAE+"],
    }
    (claim,) = second_stages(frame, Header("grid_gamma", "?", "laptop", axes | {"seed": [0, 1, 2]}))
    assert (claim.verdict, claim.trials) == (verdict, 18)
    assert second_stages(frame, Header("grid_gamma", "?", "laptop", {"seed": [0, 1, 2]})) == []


def test_a_claim_about_a_start_holds_before_training_ends_and_says_so(home: Home):
    gamma_grid(home, PLANTED, 3, fixed_1e_05={"scale_residual": 0.9})
    found = learned_against_fixed(results("grid_gamma", home), header("grid_gamma", home))[2]
    assert found.verdict == "holds"
    assert "6 of these trials have not converged" in found.measured


def test_a_tiny_learned_mmd_is_measured_by_its_standard_error(home: Home):
    gamma_grid(home, PLANTED, 3, learned={"mmd": -1e-5}, fixed_1e_05={"mmd": 1.9e-3})  # the error is 2e-4
    found = learned_against_fixed(results("grid_gamma", home), header("grid_gamma", home))
    assert "-1.00e-04" in found[2].measured
    assert found[2].verdict == "fails"


def test_on_unknown_data_the_claims_are_orderings(home: Home):
    gamma_grid(home, DIGITS, 3)
    found = learned_against_fixed(results("grid_gamma", home), header("grid_gamma", home))
    assert [item.verdict for item in found] == ["holds", "holds"]
    assert "n_active less that of γ learned: -3 (95 %: -3.72 to -2.28)" in found[0].measured
    assert "n_active less that of γ learned: 3 (95 %: 2.28 to 3.72)" in found[1].measured


def test_on_unknown_data_an_inverted_ordering_fails(home: Home):
    gamma_grid(home, DIGITS, 3, fixed_1={"n_active": 4}, fixed_1e_05={"n_active": 1})
    assert said(home) == ["fails", "fails"]


def test_networks_that_differ_both_ways_do_not_cancel(home: Home):
    gamma_grid(home, DIGITS, 3, also=("optimal",))
    frame, head = results("grid_gamma", home), header("grid_gamma", home)
    optimal = frame["gamma"].eq("optimal")
    frame.loc[optimal & frame["kappa"].eq(8), "n_active"] += 3
    frame.loc[optimal & frame["kappa"].eq(4), "n_active"] -= 3
    question = learned_against_fixed(frame, head)[-1]
    assert question.verdict == "no"
    assert [each.found.value for each in question.comparisons] == [-3, 3]


def test_trials_at_another_beta_do_not_count(home: Home):
    gamma_grid(home, PLANTED, 3, learned={"beta": 4.0})
    assert said(home)[0] == "insufficient"


def test_how_gamma_is_set_is_read_from_the_records_and_not_from_labels(home: Home):
    gamma_grid(home, PLANTED, 3, also=("refit",))
    names = {"fixed 1": "learned", "fixed 1e-05": "b", "learned": "fixed 7", "refit": "d"}
    frame, head = results("grid_gamma", home), header("grid_gamma", home)
    frame["gamma"] = frame["gamma"].map(names)
    head.axes["gamma"] = list(names.values())
    found = learned_against_fixed(frame, head)
    assert [item.verdict for item in found] == ["holds"] * 4
    assert "n_active = 3, γ < 0.002: 6 of 6 trials" in found[0].measured


def test_a_mode_that_nothing_is_recorded_of_is_that_of_the_table(home: Home):
    gamma_grid(home, PLANTED, 3)
    head = header("grid_gamma", home)
    head.axes["gamma"] = [*head.axes["gamma"], "refit"]
    found = learned_against_fixed(results("grid_gamma", home), head)
    assert [item.verdict for item in found] == ["holds"] * 3 + ["insufficient"]
