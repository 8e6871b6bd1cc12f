"""sparse_codes: theory of linear autoencoders under a price, what is trained, and claims that can fail."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from priced_trials import DATA, PRICES, price_of, trial

from analysis.claims.claim import FAILS, HOLDS, INSUFFICIENT, NO, OPEN, YES
from analysis.frames.load import Header
from analysis.frames.view import View
from analysis.theory import sparse_codes as theory
from study import (
    Fixed,
    Sparsity,
    study,
)
from study.catalog.sparse_codes.claims import claims, sheets
from study.catalog.sparse_codes.figures import drawings
from study.catalog.sparse_codes.groups import COPIES, ONE, TIE, groups
from study.catalog.sparse_codes.table import AUTOENCODER, SECOND, SPARSE, sparse_codes
from study.pack.pack import make_pack
from study.plan.datasets import record_data
from study.plan.plan import make_plan, write_plan
from study.record import Home, read
from study.train.pack_run import PackRun

# Theory of linear autoencoders


def test_theory_prices_codes_as_training_does():
    u = np.geomspace(1e-6, 10, 50)
    for penalty in PRICES:
        mine = price_of(penalty.h, penalty.parameter, torch.from_numpy(u)).numpy()
        assert theory.price(penalty.h, u, penalty.parameter) == pytest.approx(mine, rel=1e-12)


@pytest.mark.parametrize(
    ("name", "parameter"), [("power", 0.3), ("MCP", 1.0), ("SCAD", 0.3), ("root", None), ("u", None)]
)
def test_no_codes_cost_less_than_theory_says(name, parameter):
    """R/(2γ) + ½Σ h over 100 random starts of κ = 4 rank-one terms, descended: none below the closed form, some close."""
    spectrum, gamma, kappa = np.array([4.0, 1.0]), 0.2, 4
    generator = torch.Generator().manual_seed(0)
    w, a = (torch.randn(100, 2, kappa, generator=generator, dtype=torch.float64).requires_grad_() for _ in range(2))
    root = torch.diag(torch.tensor([2.0, 1.0], dtype=torch.float64))

    def costs():
        r = (root - w @ a.mT).square().sum((-1, -2))
        u = (w.square().sum(-2) * a.square().sum(-2)).clamp_min(1e-14)
        return r / (2 * gamma) + price_of(name, parameter, u).sum(-1) / 2

    optimiser = torch.optim.Adam([w, a], lr=0.02)
    for _ in range(600):
        optimiser.zero_grad()
        costs().sum().backward()
        optimiser.step()
    if name == "u":
        energies_at = np.full(kappa, theory.ridge_energy(spectrum, gamma, kappa))
        sizes = np.sqrt(spectrum) - gamma * np.sqrt(energies_at[0])
    else:
        energies_at = theory.principal_energies(name, spectrum, gamma, 1.0, parameter)
        sizes = np.sqrt(energies_at)
    least = ((np.sqrt(spectrum) - sizes) ** 2).sum() / (2 * gamma)
    least += theory.price(name, energies_at, parameter).sum() / 2
    found = costs().min().item()
    assert least - 1e-6 < found < least + 0.02 * abs(least)


def test_a_logarithm_keeps_no_mode_below_four_gamma():
    kept = theory.principal_energies("log", [4.0, 0.41, 0.39], gamma=0.1)
    assert np.isnan(kept).tolist() == [False, False, True]
    s = np.sqrt(kept[:2])
    assert (s - np.sqrt([4.0, 0.41])) / 0.1 + 1 / s == pytest.approx(0, abs=1e-12)  # where the slope of the cost is 0


def test_copies_cost_what_they_should():
    assert theory.split("u", 1.0, 2) == -0.5
    assert theory.split("root", 2.0, 5) == pytest.approx(0, abs=1e-12)
    assert theory.split("log", 1.0, 2) == math.inf
    # u/(u + c): copies cost less iff u < c·m.
    assert theory.split("saturating", 0.19, 2, 0.1) < 0 < theory.split("saturating", 0.21, 2, 0.1)
    # log(u + δ), twice: u = 8δ.
    assert theory.split("log plus", 0.79, 2, 0.1) < 0 < theory.split("log plus", 0.81, 2, 0.1)


# Records, and what the analysis makes of them


@study(data=[DATA], gamma=[Fixed(0.1)], h=[PRICES[0], Sparsity(h="log plus", parameter=1e-4), PRICES[8]], seed=range(2))
def few(data, gamma, h, seed):
    """Two penalties and their edge on two modes."""
    one = trial(h, gamma=gamma, seed=seed, steps=1000, lr=3e-2, dtype="float32")
    return one.model_copy(update={"data": data})


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    home = Home(tmp_path_factory.mktemp("home"))
    plan = make_plan(few, "laptop", home)
    write_plan(plan, home)
    record_data(plan, home)
    run = PackRun(make_pack(plan.missing, {}), "cpu")
    while not run.done:
        run.advance(60)
    run.commit(home)
    return home


def test_linear_autoencoders_end_where_theory_says(trained):
    view = View.of("few", trained)
    ((_, found),) = groups(view).items()
    ridge, logarithm, root = found
    assert [group.preference for group in found] == [COPIES, ONE, TIE]
    assert ridge.used == (4, 4)
    assert logarithm.used == (2, 2)
    assert max(*ridge.energy_errors(), *logarithm.energy_errors()) < 0.05
    assert root.norms == pytest.approx(theory.nuclear_norm(root.spectrum, 0.1), rel=0.01)
    regimes = view.trials.set_index("h")["regime"]
    assert set(regimes["u"]) == {"under"}
    assert set(regimes["log(u+0.0001)"]) == {"balanced"}


def test_records_hold_the_codes_used_and_their_price(trained):
    rows = read(trained, "evaluations").to_pylist()
    view = View.of("few", trained)
    for group in groups(view)["linear r=2", "fixed 0.1"]:
        ids = view.trials[view.trials["h"].eq(group.label)]["trial_id"]
        for trial_id, used, energy in zip(ids, group.used, group.energies, strict=True):
            found = {row["metric"]: row["value"] for row in rows if row["trial_id"] == trial_id}
            assert found["codes_used"] == used == (energy > 1e-3 * group.total).sum()
            expected = theory.price(group.h, np.maximum(energy, 1e-8), group.parameter).sum()
            assert found["codes_price"] == pytest.approx(expected, rel=1e-6)
    assert {row["metric"] for row in rows} == {"mmd_imq", "sample_variance", "codes_used", "codes_price"}


def test_figures_and_sheets_are_made_of_what_was_trained(trained):
    view = View.of("few", trained)
    (drawing,) = drawings(view)
    assert all(f"<!-- {label} -->" in drawing.svg.decode() for label in ("u", "log(u+0.0001)", "√u"))
    (sheet,) = sheets(view)
    assert sheet.frame["codes used"].tolist()[:2] == ["4", "2"]
    assert sheet.latex().isascii()


def test_both_scales_are_declared_without_a_row_twice():
    for scale in ("laptop", "paper"):
        trials = [row.trial for row in sparse_codes.table(scale).rows()]
        assert len({one.trial_id for one in trials}) == len(trials)
    rows = sparse_codes.table("laptop").rows()
    assert len({row.trial.pack_key for row in rows if row.axes["part"] == AUTOENCODER}) == 2
    assert all(row.trial.after for row in rows if row.axes["part"] == SECOND)
    assert {str(row.axes["gamma"]) for row in rows if row.trial.data.kind == "LinearSubspace"} == {"fixed 0.1"}


SPECTRUM = (4.0, 2.0, 1.0)


def made_up(spoil=lambda row, energies: None) -> Any:
    """The laptop table as theory would have it, and where it has none the papers; `spoil` changes rows and energies."""
    trials, latents = [], []
    rows = sparse_codes.table("laptop").rows()
    for row in rows:
        one: Any = row.trial
        energy = np.zeros(8)
        told = {**row.axes, "trial_id": one.trial_id, "status": "finished", "declaration": one.model_dump_json()}
        if row.axes["part"] == SECOND:
            told |= {"ndb_100": 0.06, "ndb_100_null": 0.05, "mmd_x": 1e-3 if row.axes["h"] == SPARSE else 5e-3}
            spoil(told, energy)
            trials.append(told | {"data_id": "x", "intrinsic_dim": 3.0})
            continue
        penalty = one.objective.penalty
        if penalty.h in ("u", "Huber"):
            energy[:] = theory.ridge_energy(SPECTRUM, 0.1, 8)
        elif penalty.h == "root":
            energy[:4] = (theory.nuclear_norm(SPECTRUM, 0.1) / 4) ** 2
        else:
            energy[:3] = theory.principal_energies(penalty.h, SPECTRUM, 0.1, 1.0, penalty.parameter)
        if penalty.h in ("MCP", "SCAD") and row.axes["data"] == "linear r=3" and penalty.parameter < 0.3:
            energy[:] = 0.5
        if row.axes["gamma"] == "learned":
            energy[1:] = 0
        told |= {"gamma_mode": one.objective.gamma.kind.lower(), "gamma_init": one.objective.gamma.start}
        told |= {"intrinsic_dim": 3.0, "gamma_value": 0.1, "data_id": "x", "total_variance": 7.0}
        told |= {"nre_mean_test": 0.005 if row.axes["gamma"] == "fixed 0.1" else 0.001}
        spoil(told, energy)
        told["codes_used"] = float((energy > 0.007).sum())
        trials.append(told)
        latents += [{"trial_id": one.trial_id, "mean_var": u, "decoder_norm": 1.0} for u in energy]
    axes: dict[str, list[Any]] = {name: list(dict.fromkeys(row.axes[name] for row in rows)) for name in rows[0].axes}
    frames = {"trials": pd.DataFrame(trials), "latents": pd.DataFrame(latents)}
    header = Header(sparse_codes.name, sparse_codes.caption, "laptop", axes)
    return SimpleNamespace(**frames, header=header, home=None, spectrum=lambda _: SPECTRUM)


def test_every_claim_holds_for_what_theory_and_training_expect():
    assert [claim.verdict for claim in claims(made_up())] == [HOLDS] * 15 + [YES]


def test_nothing_is_said_of_a_study_without_results(tmp_path):
    write_plan(make_plan(sparse_codes, "laptop", Home(tmp_path)), Home(tmp_path))
    view = View.of("sparse_codes", tmp_path)
    assert {claim.verdict for claim in claims(view)} <= {INSUFFICIENT, OPEN}
    assert drawings(view) == []
    assert sheets(view)[0].frame.empty


def test_claims_need_every_trial():
    view = made_up()
    roots = view.trials.index[view.trials["h"].eq("√u") & view.trials["data"].eq("linear r=3")]
    view.trials.loc[roots[0], "status"] = "missing"
    verdicts = [claim.verdict for claim in claims(view)]
    assert verdicts == [INSUFFICIENT if place == 3 else HOLDS for place in range(15)] + [YES]
    view.trials.loc[roots, "status"] = "missing"  # none of a penalty at all
    assert {claim.verdict for claim in claims(view)[:6]} == {INSUFFICIENT}


def codes(n, energy=0.5):
    def change(_, energies):
        energies[:n], energies[n:] = np.where(energies[:n] > 0.01, energies[:n], energy), 0

    return change


SPOILED = [
    ("linear r=3", "fixed 0.1", ("u", "Huber √u, 0.1"), codes(3), {0, 5}),
    ("linear r=3", "fixed 0.1", ("u",), lambda _, energies: energies.__imul__(1.06), {5}),
    ("linear r=3", "fixed 0.1", ("u^0.1", "log u", "log(u+0.0001)", "MCP √u, 4", "SCAD √u, 0.5"), codes(4), {1, 4}),
    ("linear r=3", "fixed 0.1", ("MCP √u, 0.2", "SCAD √u, 0.1"), codes(3), {2}),
    ("linear r=3", "fixed 0.1", ("√u",), lambda _, energies: energies.__imul__(1.03), {3}),
    ("linear r=3", "fixed 0.1", ("√u",), codes(1), {3}),
    ("linear r=3", "fixed 0.1", ("log u",), lambda _, energies: energies.__imul__(1.06), {4}),
    ("manifold r=3", "fixed 0.1", ("log u", "log(u+0.0001)"), codes(6), {6, 9}),
    ("manifold r=3", "fixed 0.1", ("log u",), lambda row, _: row.update(nre_mean_test=0.011), {6}),
    ("manifold r=3", "fixed 0.1", ("√u", "u", "Huber √u, 0.1"), codes(3, 0.4), {7}),
    ("manifold r=3", "fixed 0.1", ("u^0.1", "u/(u+0.1)", "MCP √u, 4", "SCAD √u, 0.5", "log u"), codes(4), {8}),
    ("manifold r=3", "learned init=0.1", ("log u", "log(u+0.0001)"), codes(2), {10}),
    ("manifold r=3", "learned init=0.1", ("u", "√u"), codes(3), {11}),
    ("manifold r=3", "learned", ("log u", "log(u+0.0001)"), codes(3), {12}),
    ("manifold r=3", "learned init=0.1", ("log u",), lambda row, _: row.update(nre_mean_test=0.006), {13}),
    ("manifold r=3", "fixed 0.1", ("log u",), lambda row, _: row.update(ndb_100=0.4), {14}),
    ("manifold r=3", "fixed 0.1", ("log u",), lambda row, _: row.update(mmd_x=0.01), {15}),
]


@pytest.mark.parametrize(("data", "gamma", "penalties", "change", "fails"), SPOILED)
def test_each_claim_fails_where_its_numbers_are_spoiled(data, gamma, penalties, change, fails):
    def spoil(row, energies):
        if (row["data"], row["gamma"]) == (data, gamma) and row["h"] in penalties:
            change(row, energies)

    found = claims(made_up(spoil))
    assert {place for place, claim in enumerate(found) if claim.verdict in (FAILS, NO)} == fails
