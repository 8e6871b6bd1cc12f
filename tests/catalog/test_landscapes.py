"""The studies of landscapes: numbers known beforehand, and claims that fail where the numbers are spoiled."""

import math
from typing import Any

import numpy as np
import pytest
from probe_studies import failing, missing_one, view_of

from analysis.claims.claim import HOLDS, INSUFFICIENT
from analysis.theory import affine, conventions, linear, minima, modes_of_spectrum
from models.probes import probe
from models.specs.probes import (
    AffineMinima,
    CollapsePoint,
    OriginHessian,
    PairSlice,
    PairSplit,
    PlantedSlice,
    Probing,
    Rotations,
)
from study.catalog.affine_minima import claims as minima_claims
from study.catalog.affine_minima.table import affine_minima
from study.catalog.collapse_point import claims as collapse_claims
from study.catalog.collapse_point.table import collapse_point
from study.catalog.landscape_slices import claims as slices_claims
from study.catalog.landscape_slices.table import landscape_slices
from study.catalog.origin_hessian import claims as origin_claims
from study.catalog.origin_hessian.table import origin_hessian
from study.catalog.rotations import claims as rotations_claims
from study.catalog.rotations.table import rotations
from study.launch.find import find

NAMES = ("affine_minima", "collapse_point", "landscape_slices", "origin_hessian", "rotations")


def measured(what: Probing, seed: int = 0) -> dict[str, float]:
    found = probe(what, seed).numbers
    assert found.keys() == what.measures.keys()
    return found


@pytest.mark.parametrize(("kappa", "gamma", "supports", "signed"), [(3, 0.1, 6, 24), (2, 0.1, 2, 8), (3, 5.0, 1, 1)])
def test_starts_find_every_minimum_of_the_affine_vae_and_no_other(kappa, gamma, supports, signed):
    found = measured(AffineMinima(eigenvalues=(2, 4), gamma=gamma, kappa=kappa, starts=200))
    least = conventions.eq3(linear.objective(modes_of_spectrum([4, 2]), gamma, 1.0, kappa), kappa)
    assert found["lowest"] == pytest.approx(float(least), abs=1e-9)
    assert found["excess"] < 1e-9
    assert (found["supports"], found["minima"]) == (supports, signed)
    assert found["profile_error"] < 1e-9
    rises = rises_in_theory(gamma, kappa)
    assert {name: found[name] for name in rises} == pytest.approx(rises, abs=1e-6, nan_ok=True)
    if gamma < 2:
        assert found["saddle_slope"] < 1e-9
        assert found["saddle_falls"] == 1
        assert found["saddle_missed"] < 1e-5


def rises_in_theory(gamma: float, kappa: int) -> dict[str, float]:
    """Between minima of the eigenvalues 4 and 2."""
    kept = [v for v in (4, 2)[:kappa] if v > gamma]
    rises: dict[str, float] = dict.fromkeys(("swap_rotation", "slot_rotation", "swap_saddle", "slot_saddle"), math.nan)
    if len(kept) > 1:
        rises |= {"swap_rotation": float(minima.rotation_rise(4, 2)), "swap_saddle": float(minima.swap_saddle(4, 2))}
    if 0 < len(kept) < kappa:
        unkept = 2 if kept == [4] else 0
        rises["slot_rotation"] = float(minima.rotation_rise(kept[-1], gamma))
        rises["slot_saddle"] = float(minima.empty_slot_saddle(kept[-1], gamma, unkept))
    return rises


def test_close_to_its_threshold_an_unkept_mode_lowers_the_saddle():
    found = measured(AffineMinima(eigenvalues=(4, 2), gamma=2.05, kappa=2, starts=10))
    assert found["slot_saddle"] == pytest.approx(float(minima.empty_slot_saddle(4, 2.05, 2)), abs=1e-9)
    assert found["slot_saddle"] < float(minima.empty_slot_saddle(4, 2.05)) - 1e-3
    assert (found["saddle_falls"], found["saddle_missed"] < 1e-5) == (1, True)


def test_a_collapsed_latent_is_stationary_but_for_noise_and_biases():
    small: dict[str, Any] = {"width": 16, "examples": 8, "draws": 1280}
    found = measured(CollapsePoint(hypothesis="as stated", **small))
    assert max(found[name] for name in ("decoder_slope", "mean_slope", "variance_slope")) < 1e-12
    assert found["noise_exponent"] == pytest.approx(-0.5, abs=0.15)
    assert found["noise_20"] > 3 * found["noise_320"] > 0
    mean = measured(CollapsePoint(hypothesis="mean bias", **small))
    assert min(mean["decoder_slope"], mean["mean_slope"]) > 1e-3 > 1e-12 > mean["variance_slope"]
    variance = measured(CollapsePoint(hypothesis="variance bias", **small))
    assert variance["variance_slope"] > 1e-3 > 1e-12 > max(variance["decoder_slope"], variance["mean_slope"])


@pytest.mark.parametrize("variant", ["fixed Σ", "learned Σ", "learned γ"])
def test_the_origin_is_a_minimum_iff_it_is_the_global_one(variant):
    for seed in range(6):
        found = measured(OriginHessian(variant=variant), seed)
        is_global = found["at_origin"] - found["lowest"] < 1e-8 * max(1, abs(found["at_origin"]))
        is_minimum = found["least_eigenvalue"] > -1e-9 * found["largest_eigenvalue"]
        assert is_minimum == is_global == (found["threshold_ratio"] <= 1), seed


def test_two_layers_make_the_origin_a_minimum_that_is_not_the_global_one():
    found = measured(OriginHessian(variant="two layers"))
    values = [found[name] for name in ("least_eigenvalue", "largest_eigenvalue", "at_origin", "lowest")]
    assert values == pytest.approx([0, 4, 2, 1.5], abs=1e-9)


def test_lines_are_the_profile_loss_of_theory():
    found = probe(PairSlice(gamma=0.01, points=4001), 0)
    t, loss = found.arrays["t"], found.arrays["loss"]
    w = math.sqrt(0.08) * np.stack([1 - t, 0.8 * t], -1)[:, None, :]
    assert loss == pytest.approx(affine.profile_loss(w, [[0.08]], 0.01), rel=1e-12)
    assert found.numbers["minima"] == 2
    assert found.numbers["argmin"] == pytest.approx(0.017, abs=1e-3)
    assert found.numbers["steepest"] == pytest.approx(np.abs(np.gradient(loss, t)).max(), rel=0.02)


def test_the_split_of_two_latents_alike_is_where_theory_has_it():
    assert minima.pair_split() == pytest.approx(0.931144, abs=1e-6)
    assert measured(PairSplit(variance=0.3, points=2001))["split"] == pytest.approx(minima.pair_split(), abs=1e-4)


@pytest.mark.parametrize(("gamma", "count", "place"), [(1.0, 1, 0.025), (0.1, 1, 0.001), (1e-3, 2, 0.0)])
def test_the_planted_line_of_seed_zero(gamma, count, place):
    found = measured(PlantedSlice(gamma=gamma))
    assert (found["minima"], abs(found["argmin"])) == pytest.approx((count, place), abs=5e-4)


def test_only_permutations_are_free_unless_sigma_is_that_of_every_latent():
    def rise(**options: Any) -> tuple[float, float]:
        declared: dict[str, Any] = {"gamma": 0.3, "kappa": 3, "count": 20, "eigenvalues": (4, 2, 1)} | options
        found = measured(Rotations(**declared))
        return found["least_rise"], max(abs(found["least_rise"]), abs(found["largest_rise"]))

    assert min(rise()[0], rise(sigma="best")[0]) > 1e-3
    free = [{"sigma": "given"}, {"eigenvalues": (2, 2, 2)}, {"turn": "signed permutation"}]
    assert max(rise(**options)[1] for options in free) < 1e-12


def exact(what: Any, seed: int) -> dict[str, float]:
    """What theory expects every laptop probe to measure."""
    match what:
        case AffineMinima():
            modes = modes_of_spectrum([4, 2])
            least = float(conventions.eq3(linear.objective(modes, what.gamma, 1.0, what.kappa), what.kappa))
            supports, signed = minima.count([4, 2], what.gamma, what.kappa)
            counted = {"supports": supports, "minima": signed, **rises_in_theory(what.gamma, what.kappa)}
            nothing = math.nan if all(map(math.isnan, list(counted.values())[2:])) else 0.0
            counted |= {"saddle_slope": nothing, "saddle_falls": nothing + 1, "saddle_missed": nothing}
            return {"lowest": least, "excess": 0.0, "slope": 0.0, "spread": 0.0, **counted, "profile_error": 0.0}
        case CollapsePoint():
            moved = collapse_claims.MOVED.get(what.hypothesis, ())
            slopes = {name: float(name in moved) for name in collapse_claims.SLOPES}
            return slopes | {"noise_20": 1.0, "noise_320": 0.25, "noise_exponent": -0.5}
        case OriginHessian(variant="two layers"):
            known = {"least_eigenvalue": 0.0, "largest_eigenvalue": 4.0, "at_origin": 2.0, "lowest": 1.5}
            return {"threshold_ratio": 4.0, **known}
        case OriginHessian():
            below = seed % 2
            ends = {"least_eigenvalue": 0.1 - below, "largest_eigenvalue": 2.0, "at_origin": 3.0, "lowest": 3.0 - below}
            return {"threshold_ratio": 0.8 + below, **ends}
        case PairSlice():
            count, place, slope = slices_claims.OF_PAIR[what.gamma]
            return {"minima": count, "argmin": float(place), "lowest": 0.0, "steepest": float(slope)}
        case PlantedSlice():
            count, place = slices_claims.OF_PLANTED[what.gamma]
            # Nineteen of thirty lines do as seed 0 does, the seeds that are looked at closely among them.
            as_planted = seed < 19 or what.gamma > 0.1
            return {"minima": count if as_planted else 1, "argmin": place, "lowest": 0.0, "steepest": 1.0}
        case PairSplit():
            return {"split": minima.pair_split()}
    free = what.turn != "orthogonal" or what.sigma == "given" or what.eigenvalues == (2, 2, 2)
    return {"lowest": 2.0, "least_rise": 0.0 if free else 0.1, "largest_rise": 0.0 if free else 1.0}


STUDIES: list[tuple[Any, Any]] = [
    (affine_minima, minima_claims),
    (collapse_point, collapse_claims),
    (landscape_slices, slices_claims),
    (origin_hessian, origin_claims),
    (rotations, rotations_claims),
]


@pytest.mark.parametrize(("study", "said"), STUDIES, ids=[study.name for study, _ in STUDIES])
def test_every_claim_holds_for_what_theory_expects_and_needs_every_probe(study, said):
    view = view_of(study, exact)
    assert {item.verdict for item in said.claims(view)} == {HOLDS}
    assert all(item.trials for item in said.claims(view))
    assert said.sheets(view)
    assert INSUFFICIENT in {item.verdict for item in said.claims(missing_one(view))}


SPOILED: list[tuple[Any, Any, dict[str, Any], dict[str, float], set[int]]] = [
    (affine_minima, minima_claims, {"gamma": 1e-3}, {"excess": 1e-5}, {0}),
    (affine_minima, minima_claims, {"gamma": 1e-3}, {"lowest": 7.2}, {0}),
    (affine_minima, minima_claims, {"kappa": 4}, {"minima": 47}, {1}),
    (affine_minima, minima_claims, {"kappa": 2}, {"swap_saddle": 0.0598}, {2}),
    (affine_minima, minima_claims, {"gamma": 1e-2}, {"slot_saddle": 3.5456}, {3}),
    (affine_minima, minima_claims, {"gamma": 1e-2}, {"slot_saddle": math.nan}, {3}),
    (affine_minima, minima_claims, {"kappa": 2}, {"swap_rotation": 0.1180}, {4}),
    (affine_minima, minima_claims, {"gamma": 1e-2}, {"slot_rotation": 3.9222}, {5}),
    (affine_minima, minima_claims, {"gamma": 1e-2}, {"saddle_falls": 2}, {6}),
    (affine_minima, minima_claims, {"gamma": 1e-2}, {"saddle_slope": 1e-3}, {6}),
    (affine_minima, minima_claims, {"gamma": 1e-2}, {"saddle_missed": 0.5}, {6}),
    (affine_minima, minima_claims, {"gamma": 3.0}, {"profile_error": 1e-5}, {7}),
    (collapse_point, collapse_claims, {"hypothesis": "as stated"}, {"mean_slope": 1e-5}, {0}),
    (collapse_point, collapse_claims, {"hypothesis": "as stated"}, {"noise_exponent": -0.35}, {1}),
    (collapse_point, collapse_claims, {"hypothesis": "mean bias"}, {"mean_slope": 0.0}, {2}),
    (collapse_point, collapse_claims, {"hypothesis": "variance bias"}, {"decoder_slope": 1e-4}, {3}),
    (landscape_slices, slices_claims, {"kind": "PairSlice", "gamma": 0.1}, {"minima": 2}, {0}),
    (landscape_slices, slices_claims, {"kind": "PairSlice", "gamma": 0.01}, {"steepest": 3.1}, {0}),
    (landscape_slices, slices_claims, {"kind": "PairSplit"}, {"split": 0.9312}, {1}),
    (landscape_slices, slices_claims, {"kind": "PlantedSlice", "gamma": 0.3}, {"argmin": 0.006}, {2}),
    (landscape_slices, slices_claims, {"kind": "PlantedSlice", "gamma": 0.01}, {"argmin": 0.01}, {2, 3}),
    (landscape_slices, slices_claims, {"kind": "PlantedSlice", "gamma": 0.1}, {"minima": 2}, {2, 4}),
    (origin_hessian, origin_claims, {"variant": "fixed Σ"}, {"lowest": 2.9}, {0}),
    (origin_hessian, origin_claims, {"variant": "learned Σ"}, {"least_eigenvalue": 0.1}, {1}),
    (origin_hessian, origin_claims, {"variant": "learned γ"}, {"threshold_ratio": 1.1}, {2}),
    (origin_hessian, origin_claims, {"variant": "two layers"}, {"lowest": 2.0}, {3}),
    (rotations, rotations_claims, {"sigma": "kept", "turn": "orthogonal"}, {"least_rise": 0.0}, {0}),
    (rotations, rotations_claims, {"sigma": "best", "turn": "orthogonal"}, {"least_rise": -0.1}, {1, 3}),
    (rotations, rotations_claims, {"turn": "signed permutation"}, {"largest_rise": 1e-9}, {2}),
    (rotations, rotations_claims, {"sigma": "given", "turn": "orthogonal"}, {"least_rise": -1e-9}, {3}),
]


@pytest.mark.parametrize(("study", "said", "where", "numbers", "fails"), SPOILED)
def test_each_claim_fails_where_its_numbers_are_spoiled(study, said, where, numbers, fails):
    def spoil(what: Any, found: dict[str, float]) -> None:
        if all(getattr(what, name) == value for name, value in where.items()):
            found.update(numbers)

    assert failing(said.claims(view_of(study, exact, spoil))) == fails


@pytest.mark.parametrize("name", NAMES)
def test_both_scales_are_declared_without_a_row_twice(name):
    study = find(name)
    for scale in ("laptop", "paper"):
        rows = study.table(scale).rows()
        assert len({row.trial.trial_id for row in rows}) == len(rows)
    assert sum(row.trial.what.seconds for row in study.table("laptop").rows()) < 60


@pytest.mark.slow
def test_more_starts_than_usual_find_sixty_supports():
    found = measured(AffineMinima(eigenvalues=(8, 4, 2), gamma=0.1, kappa=5, starts=6000))
    assert (found["supports"], found["minima"]) == minima.count([8, 4, 2], 0.1, 5) == (60, 480)
    assert found["excess"] < 1e-9
