"""Properties of every declaration: its identity, its plan, and the sentence that refuses what is none."""

import io
import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow.parquet as pq
from declarations import ANYTHING, DATA, GAMMAS, MODELS, SEEDS, TRAININGS, TRIALS
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from study import VAE, Digits, Fixed, Objective, Training, Trial, study
from study.errors import DeclarationError
from study.launch.find import find
from study.pack.cost import CPU_CORE, GPU
from study.pack.pack import make_packs
from study.plan.plan import MAX_ATTEMPTS, make_plan, write_plan
from study.plan.selection import matches
from study.record import RESULTS, Home, commit

bounded = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
HOMES = count()


def empty_home():
    return Home(f"memory://properties-{os.getpid()}-{next(HOMES)}")


@bounded
@given(TRIALS)
def test_a_declaration_survives_json_with_its_identity(trial):
    again = Trial.model_validate_json(trial.model_dump_json())
    assert again == trial
    assert again.trial_id == trial.trial_id
    assert again.pack_key == trial.pack_key
    assert Trial.model_validate(json.loads(json.dumps(trial.model_dump(mode="json")))).trial_id == trial.trial_id


def reversed_keys(value: Any) -> Any:
    if isinstance(value, list):
        return [reversed_keys(item) for item in value]
    return {k: reversed_keys(value[k]) for k in reversed(value)} if isinstance(value, dict) else value


def typed_otherwise(value: Any, chance: random.Random) -> Any:
    """The same declaration as another person types it: keywords in another order, numbers of other types."""
    if isinstance(value, dict):
        items = list(value.items())
        chance.shuffle(items)
        return {name: _retyped(name, item, chance) for name, item in items}
    if isinstance(value, list | tuple):
        return [typed_otherwise(item, chance) for item in value]
    if isinstance(value, int) and not isinstance(value, bool):
        forms: list[Any] = [int, np.int64] + ([float, np.float64, np.float32] if value < 2**20 else [])
        return chance.choice(forms)(value)
    if isinstance(value, float):
        kinds: list[Any] = [float, np.float64, *([int] if value.is_integer() else [])]
        return chance.choice(kinds)(value)
    return value


def _retyped(name: str, item: Any, chance: random.Random) -> Any:
    match name:
        case "options":  # plain JSON: a 1 is not a 1.0 there
            return reversed_keys(item)
        case "files":  # told apart by their order: their names do not count
            return item
        case _:
            return typed_otherwise(item, chance)


@bounded
@given(TRIALS, st.randoms(use_true_random=False))
def test_what_means_the_same_is_one_trial_however_it_is_typed(trial, chance):
    again = Trial.model_validate(typed_otherwise(trial.model_dump(), chance))
    assert again == trial
    assert again.trial_id == trial.trial_id
    assert again.pack_key == trial.pack_key


@settings(bounded, max_examples=2)
@given(st.lists(TRIALS, min_size=40, max_size=40))
def test_ids_are_the_same_in_every_process(trials):
    code = (
        "import json, sys; from study.declare.trial import Trial\n"
        "trials = [Trial.model_validate(trial) for trial in json.load(sys.stdin)]\n"
        "print(json.dumps([[trial.trial_id, trial.pack_key] for trial in trials]))"
    )
    for seed in ("1", "4242"):
        result = subprocess.run(
            [sys.executable, "-c", code],
            input=json.dumps([trial.model_dump(mode="json") for trial in trials]),
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(__file__).parents[2],
            env=os.environ | {"PYTHONHASHSEED": seed},
        )
        assert json.loads(result.stdout) == [[trial.trial_id, trial.pack_key] for trial in trials]


@bounded
@given(TRIALS, TRIALS)
def test_two_declarations_share_an_id_only_where_they_are_equal(one, other):
    """Where files lie is no part of what they are."""
    here, there = (trial.model_dump() for trial in (one, other))
    for data in (here["data"], there["data"]):
        data.pop("path", None)
        data["files"] = list(data.get("files", {}).values())
    assert (one.trial_id == other.trial_id) == (here == there)


AXES = st.fixed_dictionaries(
    {
        "data": st.lists(DATA, min_size=1, max_size=2),
        "gamma": st.lists(GAMMAS, min_size=1, max_size=3),
        "model": st.lists(MODELS, min_size=1, max_size=2),
        "training": st.lists(TRAININGS, min_size=1, max_size=2),
        "seed": st.lists(SEEDS, min_size=1, max_size=3),
    }
)


T = TypeVar("T")


def attempt(make: Callable[[], T]) -> tuple[T | None, str]:
    """What it makes, or the one line that refuses it. Any other exception fails the test."""
    try:
        return make(), ""
    except DeclarationError as fault:
        text = str(fault)
    assert text
    assert "\n" not in text
    assert len(text) < 400
    return None, text


def table_of(axes):
    @study(**axes)
    def table(data, gamma, model, training, seed):
        """Any table."""
        return Trial(data=data, model=model, objective=Objective(gamma=gamma), training=training, seed=seed)

    return table


def declared(axes):
    """The study, but for axes whose different values cannot be told apart by their labels: that is refused in words."""
    table, fault = attempt(lambda: table_of(axes))
    if table is None:
        assert "would share a label" in fault
    assume(table is not None)
    assert table
    return table


@bounded
@given(AXES, st.randoms(use_true_random=False))
def test_reordering_a_table_renames_nothing(axes, chance):
    shuffled = [(name, chance.sample(values, len(values))) for name, values in axes.items()]
    chance.shuffle(shuffled)
    rows, again = (declared(table).table("laptop").rows() for table in (axes, dict(shuffled)))
    assert {row.trial.trial_id for row in rows} == {row.trial.trial_id for row in again}
    named = {frozenset(row.axes.items()): row.trial.trial_id for row in rows}
    assert named == {frozenset(row.axes.items()): row.trial.trial_id for row in again}


@bounded
@given(
    AXES,
    st.randoms(use_true_random=False),
    st.none() | st.integers(1, 300),
    st.integers(1, 64),
    st.sampled_from([CPU_CORE, GPU]),
)
def test_every_table_plans_and_its_packs_hold_each_missing_trial_once(axes, chance, size, workers, device):
    table, home = declared(axes), empty_home()
    tried = {}
    for row in make_plan(table, "laptop", home).rows:
        if chance.random() < 0.5:
            tried[row.trial.trial_id] = chance.choice(RESULTS), 1
            if chance.random() < 0.5:
                tried[row.trial.trial_id] = "failed", chance.randint(1, MAX_ATTEMPTS + 1)
    trials = [
        {"trial_id": trial_id, "commit_id": "c", "status": status, "attempt": attempt}
        for trial_id, (status, attempt) in tried.items()
    ]
    commit(home, "c", {"trials": trials})
    plan = make_plan(table, "laptop", home)
    ids = {row.trial.trial_id for row in plan.rows}
    missing = {i for i in ids if i not in tried or (tried[i][0] == "failed" and tried[i][1] < MAX_ATTEMPTS)}
    packs = make_packs(plan.missing, plan.attempts, size, workers, device)
    assert Counter(trial.trial_id for pack in packs for trial in pack.trials) == Counter(missing)
    for pack in packs:
        assert len({trial.pack_key for trial in pack.trials}) == 1
        assert 1 <= len(pack.trials) <= (size or 256)
        assert pack.attempts == tuple(tried.get(trial.trial_id, ("", 0))[1] + 1 for trial in pack.trials)
    assert len({pack.pack_id for pack in packs}) == len(packs)


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

        plan, text = attempt(lambda broken=broken: make_plan(alone(broken), "laptop", empty_home()))
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
    plan, _ = attempt(lambda: make_plan(study(x=values)(any_axis), "laptop", home))
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

    attempt(lambda: study(x=values)(table))


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

    plan, text = attempt(lambda: make_plan(alone(any_field), "laptop", empty_home()))
    if plan is None:
        assert f"alone(seed=0): Trial.{field}" in text
    else:
        trial = plan.rows[0].trial
        assert Trial.model_validate_json(trial.model_dump_json()).trial_id == trial.trial_id


@settings(bounded, max_examples=200)
@given(st.text(max_size=12) | st.from_regex(r"[a-z./:]{0,8}\.py(:[a-z]{0,4})?", fullmatch=True))
def test_whatever_is_typed_for_a_study_is_found_or_refused_in_one_line(text):
    assume(text != "grid_gamma")
    assert attempt(lambda: find(text))[0] is None


@settings(bounded, max_examples=200)
@given(st.integers() | st.floats() | st.booleans() | st.text(max_size=8), st.text(max_size=8))
def test_whatever_is_typed_for_a_label_can_be_compared(label, text):
    assert matches(label, str(label)) or label != label
    matches(label, text)
