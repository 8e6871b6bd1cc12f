"""groundwork: its probes give known numbers, and its verdicts can fail."""

from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from probe_studies import missing_one

from analysis.claims.claim import FAILS, HOLDS, INSUFFICIENT
from analysis.frames.load import Header
from models.specs.groundwork import Conventions, LinearLikelihood, LinearMinimum, LossThresholds, NullBins, NullMMD
from study.catalog.groundwork.claims import claims, sheets
from study.catalog.groundwork.table import LOOKS, NOISY, SEEDS, groundwork
from study.declare.probe import Probe
from study.record import Home
from study.record.artifacts import write_artifacts
from study.record.schema import TRIALS
from study.train.probe_run import probe

QUICK = {
    "conventions": Conventions(examples=10),
    "minimum, equal Σ": LinearMinimum(variant="equal Σ"),
    "minimum, unequal Σ": LinearMinimum(variant="unequal Σ"),
    "minimum, learned Σ": LinearMinimum(variant="learned Σ"),
    "minimum, learned γ": LinearMinimum(variant="learned γ"),
    "NDB, 100 bins": NullBins(bins=20, n=1000, repeats=40),
    "MMD, κ = 64": NullMMD(kappa=64, n=300, repeats=20),
    "likelihood": LinearLikelihood(),
    "likelihood and ELBO": LossThresholds(d=2, kappa=1),
}
"""The study's looks, with less to compute."""

OF_NOISE = {"noise, d = 20": (10, 3), "noise, d = 64": (32, 5)}


@pytest.fixture(scope="module")
def found():
    """What every look finds, of two seeds."""
    return {(name, seed): probe(what, seed) for name, what in QUICK.items() for seed in (0, 1)}


def view_of(place, found, change=lambda row: None) -> Any:
    """The study with what was found, and trained trials that agree with it, but for what `change` does to a row."""
    rows, arrays = [], {}
    for (name, seed), one in found.items():
        trial_id = f"{name}-{seed}"
        arrays |= {f"{trial_id}/probe/{key}": value for key, value in one.arrays.items()}
        told = {"trial_id": trial_id, "look": name, "seed": seed, "status": "finished"}
        told |= {"artifacts": "artifacts/a.safetensors" if one.arrays else None}
        rows.append({**told, "declaration": Probe(what=QUICK[name], seed=seed).model_dump_json(), **one.numbers})
    for name, (kappa, r) in OF_NOISE.items():
        row = {"trial_id": name, "look": name, "seed": 0, "status": "finished", "kappa": kappa, "intrinsic_dim": r}
        rows.append(row | {"n_burda": kappa, "n_active": r + 1})
    for row in rows:
        change(row)
    home = Home(place)
    write_artifacts(home, "a", arrays)
    axes: dict[str, list[Any]] = {"look": list(dict.fromkeys(row["look"] for row in rows)), "seed": [0, 1]}
    return SimpleNamespace(trials=pd.DataFrame(rows), header=Header("groundwork", "?", "laptop", axes), home=home)


def verdicts(view):
    return {f"{claim.data}: {claim.claim}": claim.verdict for claim in claims(view)}


def test_every_probe_measures_what_it_declares_under_names_of_its_own(found):
    recorded = {field.name for field in TRIALS}
    for (name, _), one in found.items():
        assert one.numbers.keys() == QUICK[name].measures.keys()
        assert not recorded & one.numbers.keys()


def test_every_claim_holds_of_what_is_found(found, tmp_path):
    assert set(verdicts(view_of(tmp_path, found)).values()) == {HOLDS}
    assert {sheet.name for sheet in sheets(view_of(tmp_path, found))} == {"identities", "nulls"}


SPOILT = {
    "conventions": ("eq3", 1.0, "random networks: training minimises J"),
    "minimum, equal Σ": ("lowest", 1e-3, "linear problems, equal Σ: the lowest"),
    "minimum, unequal Σ": ("lowest", 1e-3, "linear problems, unequal Σ: the lowest"),
    "minimum, learned Σ": ("lowest", -1e-3, "linear problems, learned Σ: the lowest"),
    "minimum, learned γ": ("found_gamma", 0.1, "linear problems, learned γ: γ*"),
    "NDB, 100 bins": ("mean", 0.05, "NDB, 100 bins"),
    "MMD, κ = 64": ("of_zeros", 0.1, "MMD, κ = 64: MMD² of codes"),
    "likelihood": ("misjudged", 1e-6, "linear VAE at its optimum"),
    "noise, d = 20": ("n_burda", -1, "noise, d = 20: on noisy data"),
    "noise, d = 64": ("n_active", 3, "noise, d = 64: the latents"),
}
"""Look → a number, what is added to it, and which claim fails then."""


@pytest.mark.parametrize("look", SPOILT)
def test_a_claim_fails_where_its_number_is_off(found, tmp_path, look):
    column, more, claim = SPOILT[look]

    def spoil(row):
        if row["look"] == look:
            row[column] += more

    failed = [name for name, verdict in verdicts(view_of(tmp_path, found, spoil)).items() if verdict == FAILS]
    assert len(failed) == 1
    assert failed[0].startswith(claim)


@pytest.mark.parametrize("column", ["j_graph", "j_recorded", "j_optimal", "step_gamma"])
def test_a_step_or_a_record_of_another_j_fails(found, tmp_path, column):
    def spoil(row):
        if row["look"] == "conventions":
            row[column] *= 1.001

    (failed,) = (name for name, verdict in verdicts(view_of(tmp_path, found, spoil)).items() if verdict == FAILS)
    assert failed.startswith("random networks: training minimises J")


@pytest.mark.parametrize(
    ("column", "claim"), [("turned", "only βγ matters"), ("slopes_apart", "the slopes that a step")]
)
def test_gradients_that_point_another_way_fail(found, tmp_path, column, claim):
    view = view_of(tmp_path, found, lambda row: row.update({column: 1e-3}) if row["look"] == "conventions" else None)
    (failed,) = (name for name, verdict in verdicts(view).items() if verdict == FAILS)
    assert failed.startswith(f"random networks: {claim}")


def test_what_is_missing_decides_nothing(found, tmp_path):
    told = verdicts(missing_one(view_of(tmp_path, found)))  # the last row is of the larger noisy data
    assert [name.partition(":")[0] for name, verdict in told.items() if verdict == INSUFFICIENT] == [
        "noise, d = 64"
    ] * 2


def test_the_table_has_every_look_as_often_as_it_says():
    rows = groundwork.table("laptop").rows()
    assert len(rows) == len({row.trial.trial_id for row in rows}) == sum(SEEDS.values())
    assert {row.axes["look"] for row in rows} == {*LOOKS, *NOISY} == SEEDS.keys()
    assert len(groundwork.table("paper").rows()) == 10 * sum(SEEDS.values())
