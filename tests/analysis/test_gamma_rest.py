"""Whether a trained γ is at rest, on records that are made up: it hardly moves, and ends where J is least in it."""

import math
from pathlib import Path
from typing import Any

import pytest
from made_up_studies import row, seeds

from analysis import results
from analysis.frames.gamma_rest import falls_for_ever
from analysis.report.notes import restless
from study.record import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def of_gamma(drift: float | None, above: float = 1.0, mode: str = "learned", **columns: Any) -> dict[str, Any]:
    """A trial whose γ ends at `above` × R/d."""
    return row("", gamma_mode=mode, gamma_drift=drift, gamma=0.01 * above, distortion_train=0.01 * 20, **columns)


@pytest.mark.parametrize(
    ("drift", "above", "mode", "expected"),
    [
        (0.0, 1.0, "learned", True),
        (-0.095, 1.09, "learned", True),
        (0.095, 0.5, "learned", True),
        (-0.1, 1.0, "learned", False),
        (0.1, 1.0, "learned", False),
        (-0.01, 1.7, "learned", False),
        (-0.01, 1.7, "perpixel", False),
        (1e-9, 1.7, "learned", True),
        (-0.01, 1.7, "perimage", True),
        (-0.3, 1.0, "optimal", False),
        (None, 1.7, "fixed", None),
    ],
)
def test_a_gamma_is_at_rest_where_it_stays_and_where_its_slope_vanishes(
    home: Home, drift: float | None, above: float, mode: str, expected: bool | None
):
    """A falling learning rate holds it anywhere, and so does a declared floor, which lets it not move at all."""
    seeds(home, [of_gamma(drift, above, mode)])
    at_rest = results("s", home)["gamma_at_rest"]
    assert at_rest.isna().item() == (expected is None)
    assert at_rest.eq(True).fillna(False).item() == bool(expected)


def test_records_of_earlier_versions_say_nothing_of_gamma(home: Home):
    seeds(home, [row("", gamma_mode="learned")])
    frame = results("s", home)
    assert frame["gamma_at_rest"].isna().all()
    assert restless(frame) == []


def test_a_gamma_without_an_end_is_a_result_and_convergence_does_not_ask_for_it(home: Home):
    """κ ≥ r on data without noise, and β < d/r: nothing of this is missing."""
    falling = [
        of_gamma(-0.44, 3.3, kappa=3),
        of_gamma(-0.44, kappa=2),
        of_gamma(-0.44, beta=20 / 3 + 0.01),
        of_gamma(-0.44, noise=0.1, data="n", data_id="n"),
        of_gamma(-0.44, stage="second vae"),
    ]
    seeds(home, falling)
    frame = results("s", home)
    assert falls_for_ever(frame).tolist() == [True, False, False, False, False]
    assert not frame["gamma_at_rest"].any()
    assert frame["converged"].all()
    cut_off, result, noisy = restless(frame)
    assert cut_off == (
        "manifold r=3: γ was not at rest in 3 of 4 finished trials that train it (it moved by up to 55 % over the last fifth "
        "of training): train these for longer, for their γ, −ELBO and active latents are those at which training stopped."
    )
    assert "in 1 of 4 finished trials that train it (it moved by up to 55 % over the last" in result
    assert "ended up to 3.3 × R/d, where J is least), as theory says: κ ≥ r latents" in result
    assert noisy.startswith("n: γ was not at rest in 1 of 1 finished trials")
    assert "train these for longer" in noisy


def test_a_study_whose_gamma_is_at_rest_says_nothing_of_it(home: Home):
    seeds(home, [of_gamma(-0.01), of_gamma(None, mode="fixed"), of_gamma(-0.02, data="Digits", data_id="dg")])
    assert restless(results("s", home)) == []


def test_ten_percent_is_the_bound(home: Home):
    seeds(home, [of_gamma(sign * math.log(bound)) for sign in (-1, 1) for bound in (1.0999, 1.1001)])
    assert results("s", home)["gamma_at_rest"].tolist() == [True, False, True, False]
