"""Penalties on a serpentine, a VAE's crossing there, and Lemmas 2 and 3: known numbers, and claims that can fail."""

import math
from typing import Any

import numpy as np
import pytest
from probe_studies import computed, failing, missing_one, view_of
from pydantic import ValidationError

from analysis.claims.claim import HOLDS, INSUFFICIENT
from analysis.frames.view import View
from analysis.theory import affine, serpentine
from models.probes import probe
from models.probes.crossing import dense_loss
from models.probes.serpentine import curve
from models.specs.penalties import ColumnScale, LogTransform, SerpentineCost, SerpentineCritical, SerpentineCrossing
from models.specs.probes import Probing
from study import study
from study.catalog.penalties.changes import CHANGES
from study.catalog.penalties.claims import SIGNS, claims, drawings, sheets
from study.catalog.penalties.table import EPS, LOOKS, PENALTIES, penalties
from study.record import Home

KNOWN_SIGNS = {
    "u": "+++++++",
    "Huber √u": "+++++++",
    "u/(u+0.01)": "---++++",
    "log(u+1e-4)": "--+++++",
    "log(u+1e-8)": "-----++",
    "√u": "+++++++",
    "u^0.1": "---++++",
    "u^0.02": "-------",
    "MCP √u": "---?+++",
    "SCAD √u": "--?++++",
    "1[u>0]": "-------",
    "log u": "-------",
}
"""At ε = 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01; near-ties are marked."""


def measured(what: Probing, seed: int = 0) -> dict[str, float]:
    found = probe(what, seed).numbers
    assert found.keys() == what.measures.keys()
    return found


def cost(name: str, eps: float) -> dict[str, float]:
    penalty, parameter = PENALTIES[name]
    return measured(SerpentineCost(penalty=penalty, parameter=parameter, eps=eps))


def test_every_penalty_prefers_the_decoder_of_the_table():
    for name, signs in KNOWN_SIGNS.items():
        for eps, sign in zip(EPS, signs, strict=True):
            assert sign == "?" or cost(name, eps)["sign"] == (1 if sign == "+" else -1), (name, eps)
    assert cost("1[u>0]", 0.1)["difference"] == -1
    assert cost("log u", 0.1)["difference"] == -math.inf
    assert SIGNS.keys() == KNOWN_SIGNS.keys() == PENALTIES.keys()


@pytest.mark.parametrize("runs", [2, 3, 6, 7, 39])
def test_the_curve_is_as_long_as_it_should_be_and_has_the_moments_of_theory(runs):
    eps = 4 / (runs + 1)
    found = curve(eps, runs, 3)
    steps = np.abs(np.diff(found.corners, axis=0))
    assert steps.sum() == pytest.approx(4)
    assert (steps.min(1) == 0).all()
    assert np.abs(found.corners - eps / 2).max() == pytest.approx(eps / 2)
    square, variance = serpentine.moments(eps), serpentine.variances(eps)
    for values, m, v in zip((found.t, *found.points.T), square, variance, strict=True):
        assert found.mean(values**2) == pytest.approx(m, rel=1e-12)
        assert found.mean((values - found.mean(values)) ** 2) == pytest.approx(v, rel=1e-11)
    assert square.arc == pytest.approx(16 / 3)
    assert square.x == pytest.approx(eps**2 / 3, rel=1.4 / runs)


def test_penalties_are_what_they_are_called():
    """A code √u beyond and within each knee, by hand."""

    def values(penalty: Any, parameter: float | None) -> tuple[float, float]:
        """h of the arc length, and the sum of h of both coordinates, from the two numbers that are kept."""
        found = measured(SerpentineCost(penalty=penalty, parameter=parameter, eps=0.5))
        return found["rise"], found["rise"] - found["difference"]

    x, y = (math.sqrt(value) for value in serpentine.moments(0.5)[1:])  # 0.298 and 0.299
    arc = math.sqrt(16 / 3)
    assert values("Huber", 0.1) == pytest.approx((0.1 * (arc - 0.05), 0.1 * (x + y - 0.1)))
    assert values("Huber", 1.0) == pytest.approx((arc - 0.5, (x * x + y * y) / 2))
    assert values("MCP", 0.2) == pytest.approx((0.1, 0.2))
    assert values("MCP", 1.0) == pytest.approx((0.5, x + y - (x * x + y * y) / 2))
    # SCAD: its slope is p up to p, falls to 0 at 3.7 p, and stays there.
    assert values("SCAD", 1.0) == pytest.approx((1 + (3.7 * (arc - 1) - (arc**2 - 1) / 2) / 2.7, x + y))
    assert values("SCAD", 0.05) == pytest.approx((0.0025 * 4.7 / 2, 0.0025 * 4.7))


def test_critical_parameters_are_those_of_theory():
    def critical(penalty: Any, eps: float) -> float:
        return measured(SerpentineCritical(penalty=penalty, eps=eps))["critical"]

    assert [critical("saturating", eps) for eps in (0.5, 0.1)] == pytest.approx([0.092, 0.0034], rel=0.01)
    offsets, powers = ([critical(penalty, eps) for eps in (0.5, 0.1, 0.02)] for penalty in ("log plus", "power"))
    assert offsets == pytest.approx([1.5e-3, 2.1e-6, 3.4e-9], rel=0.03)
    assert powers == pytest.approx([0.169, 0.094, 0.065], abs=6e-4)
    for eps in (4 / 3, 1.0, 0.2, 0.01):
        m = serpentine.moments(eps)
        assert critical("saturating", eps) == pytest.approx(serpentine.critical_saturation(m), rel=1e-9)
        assert critical("log plus", eps) == pytest.approx(serpentine.critical_offset(m), rel=1e-9)
        assert critical("power", eps) == pytest.approx(serpentine.critical_power(m), rel=1e-9)


@pytest.mark.parametrize(("eps", "known"), [(0.5, 1.55e-3), (0.2, 2.83e-5)])
def test_a_vae_prefers_the_sparse_decoder_below_a_gamma(eps, known):
    found = probe(SerpentineCrossing(eps=eps), 0)
    assert found.numbers["crossing"] == pytest.approx(known, rel=0.02)
    assert found.numbers["crossing"] == pytest.approx(serpentine.crossing(serpentine.variances(eps)), rel=0.15)
    assert found.numbers["growth"] == pytest.approx(2.30, abs=0.02)
    gamma, difference = found.arrays["gamma"], found.arrays["difference"]
    assert max(np.diff(difference).max(), np.diff(gamma).max()) < 0
    assert gamma[2] == pytest.approx(found.numbers["crossing"])
    assert difference[2] == pytest.approx(0, abs=1e-6)


def test_the_dense_vae_costs_what_linear_theory_says():
    """The profile loss at its least, without d log γ: log(v/γ) + 2 for each latent that is kept."""
    found, v = curve(0.5, 7, 16), serpentine.variances(0.5)
    least = math.log(v.x) + math.log(v.y) + 4 - 2 * math.log(1e-3)
    assert dense_loss(found, 1e-3) == pytest.approx(least, abs=1e-8)


def test_the_price_of_a_latent_is_the_closed_form_and_becomes_a_logarithm():
    codes = np.array(ColumnScale(gamma=1).variances)
    for gamma, error in ((1e-4, 5e-3), (1e-6, 5e-5), (1e-8, 5e-7)):
        found = measured(ColumnScale(gamma=gamma))
        assert found["price"] == pytest.approx(affine.sparse_penalty(codes, gamma).sum(), abs=1e-10)
        assert found["price"] - (np.log(codes) + 1).sum() == pytest.approx(error, rel=0.01)
        assert found["unused"] == pytest.approx(math.log(gamma), abs=1e-10)


def test_the_best_gamma_makes_logarithms_of_an_autoencoder():
    for seed, (d, kappa) in enumerate([(4, 5), (12, 3), (30, 5)]):
        found = measured(LogTransform(d=d, kappa=kappa), seed)
        assert found["least"] - found["logarithms"] == pytest.approx(d + kappa, abs=1e-10)
    assert measured(LogTransform(), 0) != measured(LogTransform(), 1)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: SerpentineCritical(penalty="power", eps=2), "lower eps to 1.33333 or less"),
        (lambda: SerpentineCrossing(eps=1e-6), "raise it to 4e-05 or more"),
        (lambda: SerpentineCost(penalty="MCP", eps=0.1), r"MCP needs a parameter: write parameter="),
        (lambda: SerpentineCost(penalty="log", parameter=1, eps=0.1), "log has no parameter: leave it out"),
        (lambda: ColumnScale(gamma=1, variances=()), "at least 1 item"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong, words):
    with pytest.raises(ValidationError, match=words):
        wrong()


def exact(what: Any, _: int) -> dict[str, float]:
    """What theory expects of a laptop probe."""
    match what:
        case SerpentineCost():
            name = next(name for name, of in PENALTIES.items() if of == (what.penalty, what.parameter))
            sign = KNOWN_SIGNS[name][EPS.index(what.eps)]
            moments = serpentine.moments(what.eps)
            value = {"+": 1.0, "-": -1.0, "?": 1e-6}[sign]
            squares = {f"{of}_moment": value for of, value in zip(("arc_length", "x", "y"), moments, strict=True)}
            return {"difference": value, "sign": math.copysign(1, value), "rise": 2.0, **squares}
        case SerpentineCritical() | SerpentineCrossing():
            look = {"saturating": "critical c", "log plus": "critical δ", "power": "critical p"}
            change = CHANGES[look.get(getattr(what, "penalty", ""), "VAE")]
            grown = {"growth": math.log(10)} if isinstance(what, SerpentineCrossing) else {}
            return {change.number: change.theory(what.eps, what.length), **grown}
        case ColumnScale():
            price = affine.sparse_penalty(np.array(what.variances), what.gamma).sum()
            return {"price": float(price), "unused": math.log(what.gamma)}
    return {"least": 30.0 + what.d + what.kappa, "logarithms": 30.0}


def test_every_claim_holds_for_what_theory_expects_and_needs_every_probe():
    view = view_of(penalties, exact)
    assert {item.verdict for item in claims(view)} == {HOLDS}
    assert all(item.trials for item in claims(view))
    signs, critical = sheets(view)
    assert signs.frame.set_index("h(u)").loc["u/(u+0.01)", "0.5"] == "−"
    assert len(critical.frame) == 12
    assert INSUFFICIENT in {item.verdict for item in claims(missing_one(view))}


@study(look=LOOKS, at=[0.5, 0.02], seed=range(1))
def folded_once(look, at, seed):
    """Two ε of the catalog's study: the second folds the curve too closely to be drawn."""
    return penalties.table("laptop").function(look, at, seed)


def test_what_is_drawn_is_what_was_computed(tmp_path):
    computed(Home(tmp_path), folded_once)
    view = View.of("folded_once", tmp_path)
    (drawing,) = drawings(view)
    text = drawing.svg.decode()
    assert drawing.name == "decoders"
    assert all(f"<!-- {name.replace('>', '&gt;')} -->" in text for name in (*SIGNS, "ε = 0.5", "VAE, ε = 0.5"))
    assert drawings(view_of(penalties, exact)) == []
    assert all(sheet.latex().isascii() for sheet in sheets(view))


SPOILED: list[tuple[dict[str, Any], dict[str, float], set[int]]] = [
    ({"penalty": "root", "eps": 0.5}, {"sign": -1.0}, {0}),
    ({"penalty": "MCP", "eps": 0.1}, {"sign": -1.0}, set()),  # a near-tie
    ({"penalty": "saturating", "eps": 0.1, "kind": "SerpentineCritical"}, {"critical": 0.00338}, {1}),
    ({"penalty": "log plus", "eps": 0.02, "kind": "SerpentineCritical"}, {"critical": 3.4e-9}, {2}),
    ({"penalty": "power", "eps": 0.5, "kind": "SerpentineCritical"}, {"critical": 0.1694}, {3}),
    ({"kind": "SerpentineCrossing", "eps": 0.2}, {"crossing": 2.3e-5}, {4}),
    ({"penalty": "u", "eps": 0.01}, {"sign": -1.0}, {0, 5}),
    ({"penalty": "SCAD", "eps": 0.01}, {"sign": -1.0}, {0, 6}),
    ({"penalty": "support", "eps": 0.05}, {"sign": 1.0}, {0, 7}),
    ({"kind": "SerpentineCrossing", "eps": 0.1}, {"growth": 2.25}, {8}),
    ({"kind": "ColumnScale", "gamma": 1e-2}, {"unused": -4.6051}, {9}),
    ({"kind": "ColumnScale", "gamma": 1e-4}, {"price": -5.8149}, {9, 10}),
    ({"kind": "LogTransform", "d": 12}, {"least": 47.0 + 1e-9}, {11}),
]


@pytest.mark.parametrize(("where", "numbers", "fails"), SPOILED)
def test_each_claim_fails_where_its_numbers_are_spoiled(where, numbers, fails):
    def spoil(what: Any, found: dict[str, float]) -> None:
        if all(getattr(what, name, None) == value for name, value in where.items()):
            found.update(numbers)

    assert failing(claims(view_of(penalties, exact, spoil))) == fails


def test_both_scales_are_declared_without_a_row_twice():
    for scale in ("laptop", "paper"):
        rows = penalties.table(scale).rows()
        assert len({row.trial.trial_id for row in rows}) == len(rows)
        asked = {(row.axes["look"], row.axes["at"]) for row in rows}
        assert {(name, eps) for name in SIGNS for eps in EPS} <= asked
        assert {("column scale", gamma) for gamma in (1e-2, 1e-4, 1e-6, 1e-8)} <= asked
    assert sum(row.trial.what.seconds for row in penalties.table("laptop").rows()) < 10


def test_a_serpentine_in_which_two_runs_are_all_is_still_one():
    assert SerpentineCritical(penalty="power", eps=4 / 3).runs == serpentine.runs(4 / 3) == 2
