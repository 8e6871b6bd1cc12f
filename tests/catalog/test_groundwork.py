"""groundwork: its probes give known numbers, and its verdicts can fail."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from probe_studies import missing_one

from analysis.claims.claim import FAILS, HOLDS, INSUFFICIENT
from analysis.frames.load import Header
from analysis.theory import Modes, learned_gamma
from models.probes import Finding
from models.specs.data import LinearMap
from models.specs.groundwork import (
    Conventions,
    LearnedGammaMinimum,
    LinearLikelihood,
    LinearMinimum,
    LossThresholds,
    NullBins,
    NullMMD,
)
from study.catalog.groundwork.claims import claims, sheets
from study.catalog.groundwork.table import AVOIDED, LOOKS, NOISY, SEEDS, TRAINED, groundwork
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

OF_TRAINED = dict(zip(TRAINED, ((3, 1e-6), (0, 3.7), (4, 0.25), (2, 0.2), (3, 1e-6)), strict=True))
"""Latents in use and γ after training, where it does what theory says of the declared data."""

SPECTRA = {
    name: (data.zeta2 if isinstance(data, LinearMap) else data.eigenvalues, data.noise)
    for name, (data, _, _) in TRAINED.items()
}
"""ζ² of what is declared, and the noise in each dimension."""


@pytest.fixture(scope="module")
def found():
    """What every look finds, of two seeds, and the minima that are given."""
    looks = {(name, seed): probe(what, seed) for name, what in QUICK.items() for seed in (0, 1)}
    return looks | {(name, 0): exact(what) for name, what in AVOIDED.items()}


def exact(what: LearnedGammaMinimum) -> Finding:
    """What theory says of a model with a learned γ; two of them are computed in a test of their own."""
    total = sum(what.zeta2) + what.d * what.rest
    modes, floor = Modes(np.array(what.zeta2), total, what.d), 1e-2 * total / what.d
    of = (modes, what.beta, what.kappa, floor)
    numbers = {"kept_modes": float(learned_gamma.active_modes(*of)), "least_j": float(learned_gamma.objective(*of))}
    return Finding(numbers | {"least_gamma": float(learned_gamma.gamma_star(*of)), "gamma_floor": floor})


@pytest.mark.parametrize("name", ["y with noise, β = 0.259", "y with noise, β = 0.287"])
def test_a_minimum_with_a_learned_gamma_is_that_of_theory(name):
    measured, expected = (of.numbers for of in (probe(AVOIDED[name], 0), exact(AVOIDED[name])))
    assert measured == pytest.approx(expected, rel=1e-5)


LOOKS_HERE = QUICK | AVOIDED


def view_of(place, found, change=lambda row: None) -> Any:
    """The study with what was found, and trained trials that agree with it, but for what `change` does to a row."""
    rows, arrays = [], {}
    for (name, seed), one in found.items():
        trial_id = f"{name}-{seed}"
        arrays |= {f"{trial_id}/probe/{key}": value for key, value in one.arrays.items()}
        told = {"trial_id": trial_id, "look": name, "seed": seed, "status": "finished"}
        told |= {"artifacts": "artifacts/a.safetensors" if one.arrays else None}
        rows.append({**told, "declaration": Probe(what=LOOKS_HERE[name], seed=seed).model_dump_json(), **one.numbers})
    for seed in (0, 1, 2):
        for name, (kappa, r) in OF_NOISE.items():
            row = {"trial_id": f"{name}-{seed}", "look": name, "seed": seed, "status": "finished"}
            rows.append(row | {"kappa": kappa, "intrinsic_dim": r, "n_burda": kappa, "n_active": r, "data_id": name})
        for name, (used, gamma) in OF_TRAINED.items():
            row = {"trial_id": f"{name}-{seed}", "look": name, "seed": seed, "status": "finished", "data_id": name}
            rows.append(row | {"n_burda": used, "gamma_value": gamma})
    for row in rows:
        change(row)
    home = Home(place)
    write_artifacts(home, "a", arrays)
    axes: dict[str, list[Any]] = {"look": list(dict.fromkeys(row["look"] for row in rows)), "seed": [0, 1]}
    datasets = {
        name: {
            "spectrum": list(zeta2),
            "total_variance": sum(zeta2) + TRAINED[name][0].d * rest,
            "d": TRAINED[name][0].d,
        }
        for name, (zeta2, rest) in SPECTRA.items()
    }
    header = Header("groundwork", "?", "laptop", axes)
    return SimpleNamespace(trials=pd.DataFrame(rows), header=header, home=home, datasets=datasets)


def verdicts(view):
    return {f"{claim.data}: {claim.claim}": claim.verdict for claim in claims(view)}


def test_every_probe_measures_what_it_declares_under_names_of_its_own(found):
    recorded = {field.name for field in TRIALS}
    for (name, _), one in found.items():
        assert one.numbers.keys() == LOOKS_HERE[name].measures.keys()
        assert not recorded & one.numbers.keys()


SENTENCES = (
    "y of which R² = 0.076 is linear in x, d₂/d* = 2, γ learned: below β = d₂/d* something is kept there, too",
    "unequal modes, or fewer than columns, γ learned: at β = 1 no minimum lies below complete collapse there, either",
)
"""What the source says more generally than it is true."""


def test_every_claim_holds_of_what_is_found_but_two_that_go_too_far(found, tmp_path):
    told = verdicts(view_of(tmp_path, found))
    assert {name for name, verdict in told.items() if verdict == FAILS} == set(SENTENCES)
    assert set(told.values()) == {HOLDS, FAILS}
    assert {sheet.name for sheet in sheets(view_of(tmp_path, found))} == {"identities", "nulls"}


SPOILT = {
    "conventions": ("eq3", 1.0, "random networks: Dai, Wenliang & Wipf's eq. 3"),
    "minimum, equal Σ": ("lowest", 1e-3, "linear problems, equal Σ: the lowest"),
    "minimum, unequal Σ": ("lowest", 1e-3, "linear problems, unequal Σ: the lowest"),
    "minimum, learned Σ": ("lowest", -1e-3, "linear problems, learned Σ: the lowest"),
    "minimum, learned γ": ("found_gamma", 0.1, "linear problems, learned γ: γ*"),
    "NDB, 100 bins": ("mean", 0.05, "NDB, 100 bins"),
    "MMD, κ = 64": ("of_zeros", 0.1, "MMD, κ = 64: MMD² of codes"),
    "likelihood": ("misjudged", 1e-6, "linear VAE at its optimum"),
    "likelihood and ELBO": ("elbo_off", 0.02, "linear models of random covariances, β = 1: the exact likelihood"),
    "y linear in x, β = 1.9": ("kept_modes", -3, "y linear in x, d₂/d* = 2, γ learned: below"),
    "y with noise, β = 0.259": (
        "kept_modes",
        -1,
        "y of which R² = 0.076 is linear in x, d₂/d* = 2, γ learned: something",
    ),
    "equal modes, full rank, β = 1": ("least_j", -0.1, "as many equal modes as columns"),
    "r = 3, κ = 2, β = 0.01": ("least_gamma", -0.1, "three modes in six columns, γ learned: with fewer"),
    "r = 3, κ = 4, β = 1.9": ("least_gamma", 0.1, "three modes in six columns, γ learned: with as many"),
    "trained, y linear in x, β = 1.5": ("n_burda", -3, "y linear in x, d₂/d* = 2, γ learned: below"),
    "trained, r = 3, κ = 2, β = 0.5": ("gamma_value", 0.1, "three modes in six columns, γ learned: with fewer"),
    "trained, r = 3, κ = 3, β = 0.5": ("gamma_value", 0.1, "three modes in six columns, γ learned: with as many"),
    "noise, d = 20": ("n_burda", -3, "noise, d = 20: on noisy data"),
    "noise, d = 64": ("n_active", 3, "noise, d = 64: the latents"),
}
"""Look → a number, what is added to it, and which claim fails then."""


@pytest.mark.parametrize("look", SPOILT)
def test_a_claim_fails_where_its_number_is_off(found, tmp_path, look):
    column, more, claim = SPOILT[look]

    def spoil(row):
        if row["look"] == look:
            row[column] += more

    (failed,) = failing(view_of(tmp_path, found, spoil))
    assert failed.startswith(claim)


def failing(view):
    return [name for name, verdict in verdicts(view).items() if verdict == FAILS and name not in SENTENCES]


@pytest.mark.parametrize(("sentence", "looks"), [*zip(SENTENCES, ("noise, β = 1.5", "β = 1"), strict=True)])
def test_a_sentence_that_goes_too_far_would_hold_if_it_were_true(found, tmp_path, sentence, looks):
    def spoil(row):
        if row["look"].endswith(looks):
            row |= {"kept_modes": 1.0, "n_burda": 3} if "noise" in looks else {"least_j": 99.0, "n_burda": 0}

    changed = verdicts(view_of(tmp_path, found, spoil))
    assert changed[sentence] != FAILS


def test_a_start_that_ends_elsewhere_fails(found, tmp_path):
    def spoil(row):
        if row["look"] == "minimum, learned Σ":
            row["highest_end"] += 0.01

    assert failing(view_of(tmp_path, found, spoil)) == [
        "linear problems: every random start ends at the global minimum"
    ]


@pytest.mark.parametrize("column", ["j_graph", "j_recorded", "j_optimal", "step_gamma"])
def test_a_step_or_a_record_of_another_j_fails(found, tmp_path, column):
    def spoil(row):
        if row["look"] == "conventions":
            row[column] *= 1.001

    (failed,) = failing(view_of(tmp_path, found, spoil))
    assert failed.startswith("random networks: what steps minimise and records hold is J")


@pytest.mark.parametrize(
    ("column", "claim"), [("turned", "only βγ matters"), ("slopes_apart", "the slopes that a step")]
)
def test_gradients_that_point_another_way_fail(found, tmp_path, column, claim):
    view = view_of(tmp_path, found, lambda row: row.update({column: 1e-3}) if row["look"] == "conventions" else None)
    (failed,) = failing(view)
    assert failed.startswith(f"random networks: {claim}")


def test_what_is_missing_decides_nothing(found, tmp_path):
    told = verdicts(missing_one(view_of(tmp_path, found)))  # the last row is one that is trained with a learned γ
    open_ones = [name for name, verdict in told.items() if verdict == INSUFFICIENT]
    assert len(open_ones) == 7
    assert all(name.partition(":")[0].endswith("γ learned") for name in open_ones)


def test_no_claim_is_decided_by_half_of_its_rows(found, tmp_path):
    def lose(row):
        if row["seed"] or row["look"] in AVOIDED:
            row["status"] = "missing"

    assert set(verdicts(view_of(tmp_path, found, lose)).values()) == {INSUFFICIENT}


def test_the_table_has_every_look_as_often_as_it_says():
    rows = groundwork.table("laptop").rows()
    assert len(rows) == len({row.trial.trial_id for row in rows}) == sum(SEEDS.values())
    assert {row.axes["look"] for row in rows} == {*LOOKS, *NOISY, *TRAINED} == SEEDS.keys()
    assert len(groundwork.table("paper").rows()) == 10 * sum(SEEDS.values())
