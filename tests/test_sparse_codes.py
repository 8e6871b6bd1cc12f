"""Autoencoders under a price on their codes: energies, training in packs, refusals, and theory of linear ones."""

import math
from itertools import islice
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from pydantic import ValidationError

from analysis.claim import FAILS, HOLDS, INSUFFICIENT
from analysis.load import Header
from analysis.sparse_codes import COPIES, ONE, TIE
from analysis.studies import sparse_codes as said
from analysis.theory import sparse_codes as theory
from analysis.view import View
from models.datasets import load
from models.penalties import PENALTIES, energies
from models.probes import probe
from models.probes.serpentine import curve
from models.specs.penalties import SerpentineCost
from models.streams import minibatches
from models.vae import build
from study import (
    MMD,
    VAE,
    Fixed,
    Learned,
    LinearSubspace,
    Objective,
    Optimal,
    PerPixel,
    Sparsity,
    StudentT,
    Training,
    Trial,
    study,
)
from study.catalog.sparse_codes import sparse_codes
from study.conduct import record_data
from study.packed import PackRun
from study.packed.laid import laid
from study.packed.train import Training as PackTraining
from study.packing import make_pack
from study.plan import make_plan, write_plan
from study.record import Home, read

DATA = LinearSubspace(d=6, eigenvalues=(4.0, 1.0), n=200, n_test=100)

PRICES = [
    Sparsity(h="u"),
    Sparsity(h="log plus", parameter=1e-4, weight=0.5),
    Sparsity(h="log"),
    Sparsity(h="Huber", parameter=0.1, weight=2),
    Sparsity(h="power", parameter=0.1),
    Sparsity(h="MCP", parameter=2),
    Sparsity(h="SCAD", parameter=0.3),
    Sparsity(h="saturating", parameter=0.1),
    Sparsity(h="root"),
]

MISFITS = [
    Sparsity(h="root", g="root"),
    Sparsity(h="u", g="Huber", g_parameter=0.2),
    Sparsity(h="log", g="log plus", g_parameter=0.1),
]


def trial(penalty, gamma=None, hidden=(), seed=0, steps=40, lr=1e-2, kappa=4, dtype="float64", **model):
    return Trial(
        data=DATA,
        model=VAE(kappa=kappa, encoder=hidden, decoder=hidden, post_var="none", **model),
        objective=Objective(gamma=gamma or (Optimal() if penalty.g else Fixed(0.1)), beta=0, penalty=penalty),
        training=Training(steps=steps, batch=30, lr=lr, dtype=dtype),
        seed=seed,
    )


def train(trials, until=None):
    stack, inputs = laid(trials, load(DATA), None, torch.device("cpu"))
    training = PackTraining(stack, trials, inputs)
    while training.step < (until or training.settings.steps):
        training._take_step()
    return training


def weights(training, place):
    return {name: values[place] for name, values in training.stack.weights().items()}


# Energies


def test_energies_of_a_linear_decoder_are_exact_and_know_no_scale():
    generator = torch.Generator().manual_seed(0)
    z, w = (torch.randn(*shape, generator=generator, dtype=torch.float64) for shape in ((3, 50, 4), (3, 4, 7)))
    scale, shift = torch.tensor([1e-3, 1.0, -50.0, 1e4]), torch.tensor([0.0, 5.0, -1.0, 1e3])
    expected = z.var(1, correction=0) * w.square().sum(-1)
    for codes in (z, z[:, :5]):  # fewer examples than codes need are used again
        found = energies(lambda moved: moved @ w, codes, codes @ w)
        assert torch.allclose(found, codes.var(1, correction=0) * w.square().sum(-1), rtol=1e-10)

    def rescaled(moved):
        return ((moved - shift) / scale) @ w

    other = z * scale + shift
    assert torch.allclose(energies(rescaled, other, rescaled(other)), expected, rtol=1e-8)


def test_a_constant_code_has_neither_energy_nor_a_slope_that_is_no_number():
    z = torch.randn(40, 2, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 0.0])
    z.requires_grad_()
    found = energies(torch.sin, z, torch.sin(z))
    found.clamp_min(1e-8).log().sum().backward()
    assert found[1] < 1e-20
    assert z.grad is not None
    assert z.grad.isfinite().all()


def test_both_decoders_of_a_serpentine_cost_what_the_probe_says():
    """Of the curve and its mirror image, whose codes have mean 0: then energies are mean squares."""
    eps, n = 0.5, 4000
    found = curve(eps, 7, 3)
    corners, reached = (torch.from_numpy(part) for part in (found.corners, found.reached))
    t = (torch.arange(n, dtype=torch.float64) + 0.5) * 4 / n
    t = torch.cat([t, -t])[torch.randperm(2 * n, generator=torch.Generator().manual_seed(0))]

    def along(arc):  # the second code says nothing
        size, sign = arc[:, :1].abs().clamp(max=4 - 1e-12), arc[:, :1].sign()
        piece = torch.searchsorted(reached, size[:, 0], right=True) - 1
        way = (corners[piece + 1] - corners[piece]) / (reached[piece + 1] - reached[piece])[:, None]
        return sign * (corners[piece] + way * (size - reached[piece][:, None]))

    arcs = torch.stack([t, torch.zeros_like(t)], -1)
    sparse = energies(along, arcs, along(arcs), step=1e-6)
    dense = energies(lambda points: points, along(arcs), along(arcs))
    for penalty, parameter in (("u", None), ("root", None), ("log plus", 1e-4), ("MCP", 0.2), ("power", 0.1)):
        h, p = PENALTIES[penalty], torch.tensor(parameter or 0.0)
        expected = probe(SerpentineCost(penalty=penalty, parameter=parameter, eps=eps), 0).numbers["difference"]
        assert float((h(sparse, p) - h(dense, p)).sum()) == pytest.approx(expected, rel=2e-3), penalty


# Training


def alone(one):
    """The plain loop: one module, torch's Adam, and energies by the columns of the linear decoder."""
    data, settings, penalty = load(DATA), one.training, one.objective.penalty
    x = torch.from_numpy(data.train).double()
    network: Any = build(one.model, one.data, one.seed).double()
    log_gamma = torch.nn.Parameter(torch.tensor(math.log(getattr(one.objective.gamma, "init", 1.0))).double())
    optimiser = torch.optim.Adam([*network.parameters(), log_gamma], lr=settings.lr)
    for step, rows in enumerate(islice(minibatches(one.seed, len(x), settings.batch), settings.steps)):
        late = max(0.0, (step / settings.steps - settings.decay_from) / (1 - settings.decay_from))
        optimiser.param_groups[0]["lr"] = settings.lr * (1 - (1 - settings.decay_to) * late)
        z, _ = network.encode(x[rows])
        r = ((x[rows] - network.decode(z)) ** 2).sum(1).mean()
        energy = (z.var(0, correction=0) * network.decoder[0].weight.square().sum(0)).clamp_min(penalty.floor)
        price = priced(penalty.h, penalty.parameter, energy).sum() * penalty.weight / 2
        gammas = {"Fixed": torch.tensor(0.1), "Learned": log_gamma.exp(), "Optimal": r / 6}
        gamma = gammas[one.objective.gamma.kind]
        misfit = r / (2 * gamma) + 3 * gamma.log()
        loss = 3 * priced(penalty.g, penalty.g_parameter, r / 6) if penalty.g else misfit
        optimiser.zero_grad()
        (loss + price).backward()
        optimiser.step()
    return dict(network.named_parameters())


def priced(name, p, u):
    return PENALTIES[name](u, torch.tensor(p or 0.0, dtype=torch.float64))


def test_packing_changes_no_trial():
    """Every penalty, misfit and γ mode in one pack, against the plain loop: to what float64 leaves of 20 steps."""
    trials = [trial(penalty, seed=i % 2, steps=20) for i, penalty in enumerate([*PRICES, *MISFITS])]
    trials += [trial(PRICES[2], gamma=gamma, steps=20) for gamma in (Learned(init=0.1), Optimal())]
    assert len({one.pack_key for one in trials}) == 1
    together = train(trials)
    for place, one in enumerate(trials):
        found = weights(together, place)
        for name, expected in alone(one).items():
            assert torch.allclose(found[f"network.{name}"], expected, rtol=1e-6, atol=1e-9), (one, name)


def test_networks_that_are_not_ours_train_the_same(monkeypatch):
    """By vmap as by stacked layers."""
    from study.packed import stack

    trials = [trial(penalty, hidden=(5,), steps=10) for penalty in PRICES[:3]]
    together = train(trials)
    monkeypatch.setattr(stack, "GaussianVAE", torch.nn.Identity)
    apart = train(trials)
    assert together.stack.way != apart.stack.way
    for name, values in apart.stack.weights().items():
        assert torch.allclose(together.stack.weights()[name], values, rtol=1e-7, atol=1e-10)


def test_a_trial_that_diverges_is_not_noticed_by_its_neighbours():
    trials = [trial(penalty, hidden=(8,), dtype="float32") for penalty in (PRICES[2], MISFITS[2])]
    bad = trial(PRICES[2], hidden=(8,), lr=1e30, dtype="float32")
    company = train([trials[0], bad, trials[1]])
    assert company.reason.tolist()[1] > 0
    assert [company.reason[0], company.reason[2]] == [0, 0]
    quiet = train(trials)
    for place, other in ((0, 0), (1, 2)):
        for name, values in weights(quiet, place).items():
            assert torch.allclose(values, weights(company, other)[name], rtol=1e-4, atol=1e-6)


def test_training_goes_on_from_its_state_to_the_last_bit():
    trials = [trial(penalty, hidden=(8,)) for penalty in (*PRICES, *MISFITS)]
    whole, part = train(trials), train(trials, until=17)
    later = train(trials, until=3)
    later.go_to({name: value.clone() for name, value in part.state().items()})
    while not later.done:
        later._take_step()
    assert torch.equal(later.stack.numbers, whole.stack.numbers)


def test_codes_with_a_price_have_packs_of_their_own():
    sparse = trial(PRICES[0])
    plain = sparse.model_copy(update={"objective": Objective(gamma=Fixed(0.1), beta=0)})
    held = sparse.model_copy(update={"objective": Objective(gamma=Fixed(0.1), beta=0, penalty=MMD(weight=1))})
    assert plain.pack_key == held.pack_key != sparse.pack_key
    assert sparse.pack_key == trial(MISFITS[1], gamma=Optimal(), seed=3).pack_key


REFUSED = [
    (lambda: Sparsity(h="MCP"), "MCP needs a parameter: write parameter="),
    (lambda: Sparsity(h="u", parameter=1), "u has no parameter: leave it out"),
    (lambda: Sparsity(h="support"), "no slope to follow"),
    (lambda: Sparsity(h="u", g="support"), "no slope to follow"),
    (lambda: Sparsity(h="u", g="u"), r"that of gamma=Fixed\(...\): leave g out"),
    (lambda: Sparsity(h="u", g="log"), r"that of gamma=Optimal\(\): leave g out"),
    (lambda: Sparsity(h="u", g="Huber"), "Huber needs a parameter: write g_parameter="),
    (lambda: Sparsity(h="u", g_parameter=1), "declare g too, or leave it out"),
    (lambda: trial(MISFITS[0], gamma=Fixed(1)), r"declare gamma=Optimal\(\)"),
    (lambda: Objective(gamma=Fixed(1), penalty=PRICES[0]), "declare beta=0"),
    (lambda: Objective(gamma=PerPixel(), beta=0, penalty=PRICES[0]), "one γ"),
    (lambda: Objective(gamma=Learned(), beta=0, penalty=PRICES[0], likelihood=StudentT()), "normal likelihood"),
    (lambda: trial(PRICES[0]).model_copy(update={"model": VAE(kappa=2)}), 'declare the network with post_var="none"'),
]


@pytest.mark.parametrize(("wrong", "words"), REFUSED)
def test_what_makes_no_sense_is_refused(wrong, words):
    with pytest.raises(ValidationError, match=words):
        wrong()


def test_labels_tell_penalties_apart():
    labels = [penalty.label for penalty in (*PRICES, *MISFITS)]
    assert len(set(labels)) == len(labels)
    assert Sparsity(h="u", weight=2, g="root").label == "u ×2, g = √R/d"


# Theory of linear autoencoders


def test_theory_prices_codes_as_training_does():
    u = np.geomspace(1e-6, 10, 50)
    for penalty in PRICES:
        mine = priced(penalty.h, penalty.parameter, torch.from_numpy(u)).numpy()
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
        return r / (2 * gamma) + priced(name, parameter, u).sum(-1) / 2

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
    ((_, found),) = said.groups(view).items()
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
    for group in said.groups(view)["linear r=2", "fixed 0.1"]:
        ids = view.trials[view.trials["h"].eq(group.label)]["trial_id"]
        for trial_id, used, energy in zip(ids, group.used, group.energies, strict=True):
            found = {row["metric"]: row["value"] for row in rows if row["trial_id"] == trial_id}
            assert found["codes_used"] == used == (energy > 1e-3 * group.total).sum()
            expected = theory.price(group.h, np.maximum(energy, 1e-8), group.parameter).sum()
            assert found["codes_price"] == pytest.approx(expected, rel=1e-6)
    assert {row["metric"] for row in rows} == {"mmd_imq", "sample_variance", "codes_used", "codes_price"}


def test_figures_and_sheets_are_made_of_what_was_trained(trained):
    view = View.of("few", trained)
    (drawing,) = said.drawings(view)
    assert all(f"<!-- {label} -->" in drawing.svg.decode() for label in ("u", "log(u+0.0001)", "√u"))
    (sheet,) = said.sheets(view)
    assert sheet.frame["codes used"].tolist()[:2] == ["4", "2"]
    assert sheet.latex().isascii()


def test_both_scales_are_declared_without_a_row_twice():
    for scale in ("laptop", "paper"):
        trials = [row.trial for row in sparse_codes.table(scale).rows()]
        assert len({one.trial_id for one in trials}) == len(trials)
    rows = sparse_codes.table("laptop").rows()
    assert len({row.trial.pack_key for row in rows}) == 2
    assert {str(row.axes["gamma"]) for row in rows if row.trial.data.kind == "LinearSubspace"} == {"fixed 0.1"}


SPECTRUM = (4.0, 2.0, 1.0)


def made_up(spoil=lambda row, energies: None):
    """The laptop table as theory would have it, and where it has none the papers; `spoil` changes rows and energies."""
    trials, latents = [], []
    rows = sparse_codes.table("laptop").rows()
    for row in rows:
        one: Any = row.trial
        penalty = one.objective.penalty
        energy = np.zeros(8)
        if penalty.h in ("u", "Huber"):
            energy[:] = theory.ridge_energy(SPECTRUM, 0.1, 8)
        elif penalty.h == "root":
            energy[:4] = (theory.nuclear_norm(SPECTRUM, 0.1) / 4) ** 2
        else:
            energy[:3] = theory.principal_energies(penalty.h, SPECTRUM, 0.1, 1.0, penalty.parameter)
        if row.axes["gamma"] == "learned":
            energy[1:] = 0
        told = {**row.axes, "trial_id": one.trial_id, "status": "finished", "declaration": one.model_dump_json()}
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


RULE = 8
"""The place of the claim that Thm. 4 were a rule: no numbers satisfy it and the claim about logarithms."""


def test_every_claim_but_the_rule_holds_for_what_theory_expects():
    verdicts = [claim.verdict for claim in said.claims(made_up())]
    assert verdicts == [HOLDS if place != RULE else FAILS for place in range(13)]


def test_nothing_is_said_of_a_study_without_results(tmp_path):
    write_plan(make_plan(sparse_codes, "laptop", Home(tmp_path)), Home(tmp_path))
    view = View.of("sparse_codes", tmp_path)
    assert [said.claims(view), said.drawings(view)] == [[], []]
    assert said.sheets(view)[0].frame.empty


def test_claims_need_every_trial():
    view = made_up()
    view.trials.loc[view.trials.index[view.trials["h"].eq("√u")][0], "status"] = "missing"
    verdicts = [claim.verdict for claim in said.claims(view)]
    assert verdicts[3] == INSUFFICIENT
    assert verdicts[0] == HOLDS


def codes(n, energy=0.5):
    def change(_, energies):
        energies[:n], energies[n:] = np.where(energies[:n] > 0.01, energies[:n], energy), 0

    return change


SPOILED = [
    ("linear r=3", "fixed 0.1", "u", codes(3), {0, 5}),
    ("linear r=3", "fixed 0.1", "u", lambda _, energies: energies.__imul__(1.06), {5}),
    ("linear r=3", "fixed 0.1", "u^0.1", codes(4), {1}),
    ("linear r=3", "fixed 0.1", "MCP √u, 0.2", codes(8), {2}),
    ("linear r=3", "fixed 0.1", "√u", lambda _, energies: energies.__imul__(1.03), {3}),
    ("linear r=3", "fixed 0.1", "√u", codes(3), {3}),
    ("linear r=3", "fixed 0.1", "log u", lambda _, energies: energies.__imul__(1.06), {4}),
    ("manifold r=3", "fixed 0.1", "log u", codes(4), {6}),
    ("manifold r=3", "fixed 0.1", "log u", lambda row, _: row.update(nre_mean_test=0.011), {6}),
    ("manifold r=3", "fixed 0.1", "u", codes(3), {7}),
    ("manifold r=3", "learned init=0.1", "log u", codes(2), {9}),
    ("manifold r=3", "learned init=0.1", "u", codes(3), {10}),
    ("manifold r=3", "learned", "log u", codes(3), {11}),
    ("manifold r=3", "learned init=0.1", "log u", lambda row, _: row.update(nre_mean_test=0.006), {12}),
]


@pytest.mark.parametrize(("data", "gamma", "h", "change", "fails"), SPOILED)
def test_each_claim_fails_where_its_numbers_are_spoiled(data, gamma, h, change, fails):
    def spoil(row, energies):
        if (row["data"], row["gamma"], row["h"]) == (data, gamma, h):
            change(row, energies)

    found = said.claims(made_up(spoil))
    assert {place for place, claim in enumerate(found) if claim.verdict == FAILS} - {RULE} == fails
