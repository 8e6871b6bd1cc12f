"""Whatever a person types is planned, or refused in one line that names the fault."""

import io
import json
from collections.abc import Callable
from typing import Any

import pyarrow.parquet as pq
from declarations import ANYTHING, TRIALS, bounded, empty_home, made_or_refused
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from study import VAE, Digits, Fixed, Objective, Training, Trial, study
from study.launch.find import find
from study.plan.plan import make_plan, write_plan
from study.plan.selection import meant

BROKEN: dict[tuple[str, ...], list[Any]] = {
    ("seed",): [-1, 0.5, 2**63, "0", None, True, float("nan"), [0], 10**5000],
    ("data",): ["digits", None, 3, {}, {"kind": "Nothing"}, Digits, [], Fixed(1.0)],
    ("model",): ["VAE", VAE, {"kind": "VAE"}, {"kind": "VAE", "kappa": 2, "depth": 3}, Digits(), None],
    ("model", "kappa"): [0, -1, 1.5, 2**31, "2", True, None, float("inf"), 10**5000],
    ("model", "unknown"): [1, None, "x"],
    ("objective",): [None, "J", 1.0, Fixed(1.0)],
    ("objective", "gamma"): ["learned", 1.0, None, {}, {"kind": "Fixed"}, {"kind": "Fixed", "value": 0}, Digits()],
    ("objective", "beta"): [-1, -1e-300, float("nan"), float("inf"), "1", None, True, 1j, 10**400],
    ("objective", "spread"): [1, "wide", {"kind": "Spread", "low": 2, "high": 1}],
    ("model", "sees_beta"): ["yes", None, 2],
    ("training",): [None, 10, {}, {"steps": 0}],
    ("training", "steps"): [0, -1, 2.5, "10", None, 2**31],
    ("training", "batch"): [0, None, 0.5],
    ("training", "lr"): [0, -1e-3, float("nan"), 1e31, "fast", None],
    ("training", "decay_from"): [-0.1, 1.1, None],
    ("training", "adam_beta1"): [1, 1.0, 2],
    ("training", "dtype"): ["float16", None, 32, float],
    ("training", "blow_up"): [0, float("inf")],
    ("training", "warm_up"): [-0.1, 1.1, None],
    ("training", "slower"): ["sqrt", 0.5, {"kind": "Slower", "below": 0}],
    ("training", "signs"): ["rprop", True, {"kind": "Rprop", "shrink": 0}],
    ("training", "optimiser"): ["adamw", 3, {"kind": "SGD", "momentum": 1}],
    ("training", "schedule"): ["cosine", {"kind": "Steps", "at": []}],
    ("training", "clip"): [0, -1, "1", float("inf")],
    ("training", "stop"): ["early", 5, {"kind": "Patience", "on": "loss"}, {"kind": "Patience", "held_out": 1}],
}


@settings(bounded, max_examples=3)
@given(TRIALS)
def test_a_declaration_with_one_fault_is_refused_in_one_line_that_names_it(trial):
    for place, value in [(place, value) for place, values in BROKEN.items() for value in values]:

        def broken(seed, place=place, value=value):
            """A study with one fault."""
            content: Any = trial.model_dump() | {"seed": seed}
            inner = content
            for name in place[:-1]:
                inner = inner[name]
            inner[place[-1]] = value
            return Trial.model_validate(content)

        plan, text = made_or_refused(lambda broken=broken: make_plan(alone(broken), "laptop", empty_home()))
        assert plan is None, (place, value)
        assert text.startswith("alone(seed=0): Trial."), text
        assert place[-1] in text


def alone(function: Callable[[int], Trial]):
    """The study of one row that the function makes, by the path that every study takes."""

    def alone(seed):
        """One row."""
        return function(seed)

    return study(seed=[0])(alone)


@settings(bounded, max_examples=300)
@given(st.lists(ANYTHING, min_size=1, max_size=4))
def test_whatever_an_axis_holds_it_is_planned_or_refused_in_one_line(values):
    def any_axis(x):
        """The label alone decides the trial."""
        return Trial(
            data=Digits(),
            model=VAE(kappa=2),
            objective=Objective(gamma=Fixed(1.0)),
            training=Training(steps=1),
            seed=sum(str(x).encode()),
        )

    home = empty_home()
    plan, _ = made_or_refused(lambda: make_plan(study(x=values)(any_axis), "laptop", home))
    if plan is None:
        return
    write_plan(plan, home)
    stored = pq.read_table(io.BytesIO(home.read("studies/any_axis/plan.parquet")))
    assert stored["trial_id"].to_pylist() == [row.trial.trial_id for row in plan.declared]
    json.loads(home.read("studies/any_axis/study.json"))
    for row, text in zip(plan.declared, stored["x"].to_pylist(), strict=True):
        assert text == row.axes["x"] or text == str(row.axes["x"])
        if str(row.axes["x"]):
            chosen = make_plan(plan.study, "laptop", home, {"x": [str(row.axes["x"])]}).rows
            assert row.trial.trial_id in {other.trial.trial_id for other in chosen}


@settings(bounded, max_examples=200)
@given(ANYTHING)
def test_whatever_stands_for_an_axis_is_declared_or_refused(values):
    def table(x):
        """Nothing is laid out."""
        raise AssertionError(x)

    made_or_refused(lambda: study(x=values)(table))


@settings(bounded, max_examples=200)
@given(ANYTHING, st.sampled_from(["data", "model", "objective", "training", "seed"]))
def test_whatever_a_trial_is_made_of_it_is_one_or_is_refused_in_one_line(value, field):
    def any_field(seed):
        fields: dict[str, Any] = {
            "data": Digits(),
            "model": VAE(kappa=2),
            "objective": Objective(gamma=Fixed(1.0)),
            "training": Training(steps=1),
            "seed": seed,
        }
        return Trial(**(fields | {field: value}))

    plan, text = made_or_refused(lambda: make_plan(alone(any_field), "laptop", empty_home()))
    if plan is None:
        assert f"alone(seed=0): Trial.{field}" in text
    else:
        trial = plan.rows[0].trial
        assert Trial.model_validate_json(trial.model_dump_json()).trial_id == trial.trial_id


@settings(bounded, max_examples=200)
@given(st.text(max_size=12) | st.from_regex(r"[a-z./:]{0,8}\.py(:[a-z]{0,4})?", fullmatch=True))
def test_whatever_is_typed_for_a_study_is_found_or_refused_in_one_line(text):
    assume(text != "grid_gamma")
    assert made_or_refused(lambda: find(text))[0] is None


@settings(bounded, max_examples=200)
@given(st.integers() | st.floats() | st.booleans() | st.text(max_size=8), st.text(max_size=8))
def test_whatever_is_typed_for_a_label_means_it_or_is_refused_in_one_line(label, text):
    assert label != label or meant(str(label), [label], "the axis") == [label]
    assert made_or_refused(lambda: meant(text, [label], "the axis"))[0] in ([label], None)
