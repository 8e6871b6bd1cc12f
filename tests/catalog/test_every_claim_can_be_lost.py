"""Every claim of the catalog can fail, and can be undecided, for what is recorded: in a made-up world of its study.

The claims are those that a study makes of the first world, where nothing differs. What it says of slopes of the rate, where γ
falls in training, `tests/analysis/test_dimension.py` turns.
"""

import warnings
from collections import defaultdict
from collections.abc import Iterable
from importlib import import_module
from itertools import chain
from typing import Any

import pytest
from made_up_worlds import STEEP, STEP, World, recorded, worlds

from analysis.claims.claim import ANSWERS, FAILS, HOLDS, INSUFFICIENT
from analysis.frames.view import View
from study import Study
from study.catalog.gamma_star.claims import ERROR_APART
from study.launch.find import catalog_names
from study.record import Home

OUTCOMES = {said: outcome for outcome, answer in ANSWERS.items() for said in (outcome, answer)}
"""What became of a claim's comparisons, by its verdict or by a question's answer."""

UP, DOWN = STEEP / 2, -STEEP / 2


def apart(axis: str, label: str, height: float, **more: Any) -> World:
    return World(f"{axis} {label} apart by {height:g}", apart={(axis, label): height}, **more)


def diverging(*at: tuple[str, str]) -> World:
    return World(f"trainings diverge at {at}", diverge=at)


BY_STUDY: dict[str, list[World]] = {
    "balance_search": [apart("sampler", "random", DOWN, kept=3)],
    "beta_input": [
        *(apart("way", "told", height, tilts={"beta": STEEP}) for height in (UP / 2, DOWN / 2)),
        apart("mode", "learned", DOWN / 2, tilts={"beta": STEEP}),
        apart("way", "told", DOWN, shifted={"mmd_codes": STEEP}),
    ],
    "dimension_law": [World(f"{axis} bends the law", 0.05, {"beta": STEEP, axis: UP / 2}) for axis in ("d", "r")],
    "gamma_star": [
        World("gradients fall", tilts={STEP: -STEEP}),
        *(apart("mode", m, DOWN) for m in ("learned", "refit")),
        apart("mode", "refit", ERROR_APART),
    ],
    "grid_gamma": [apart("gamma", "fixed 4", DOWN), *(apart("gamma", "fixed 0.0001", height) for height in (UP, DOWN))],
    "groundwork": [World("nothing is kept, and means are large", shifted={"kept_modes": 2 * DOWN, "mean": UP})],
    "learned_sigma": [diverging(("sigma", "learned"))],
    "linear_collapse": [World(f"tilted by {tilt:g} along β", tilts={"beta": tilt}) for tilt in (STEEP, -STEEP)],
    "outlier_screening": [World("pixels tell outliers", shifted={"auroc": DOWN})],
    "rate_distortion": [apart("mode", "learned", DOWN / 2, tilts={"beta": STEEP})],
    "stability": [
        *(diverging(("lr", "0.2"), ("remedy", remedy)) for remedy in ("warm-up", "ceiling", "slower", "signs")),
        apart("remedy", "none", UP),
        apart("remedy", "none", DOWN, level=20),
    ],
    "vaeplus": [World("shrunk pictures are as near", shifted={"fd_conv_downsampled": DOWN})],
}
"""Worlds that turn claims which those for any study leave standing. They come first."""

ELSEWHERE = {
    "kl_halves": "where it is lost, E μ² falls to 0 from what theory says",
}
"""A claim that no world here turns; `test_kl_halves.py` does."""


def turned(study: Study, view: View, measured: set[str], every: Iterable[World]) -> dict[tuple[str, str], set[str]]:
    """The verdicts that each claim had, by its data and its words, up to the world with which all have had both."""
    had: dict[tuple[str, str], set[str]] = defaultdict(set)
    asked: set[tuple[str, str]] = set()
    for world in every:
        seen = world.of(view, measured)
        with warnings.catch_warnings(action="ignore", category=RuntimeWarning):  # of means of nothing
            found = [claim for function in asking(study) for claim in function(seen)]
        for claim in found:
            had[claim.data, claim.claim].add(OUTCOMES[claim.verdict])
        asked = asked or {claim for claim in had if ELSEWHERE.get(study.name, "nowhere else") not in ": ".join(claim)}
        if never(had, asked) == []:
            break
    return {claim: had[claim] for claim in asked}


def asking(study: Study) -> list[Any]:
    """The study's functions of claims, but for those on slopes of K and J: `test_dimension.py` turns what they share."""
    return [each for each in study.findings["claims"].values() if not each.__module__.endswith(".dimension")]


def never(had: dict[tuple[str, str], set[str]], asked: Iterable[tuple[str, str]]) -> list[str]:
    """The claims that never failed, or never were undecided, and which of these."""
    wanted = (FAILS, INSUFFICIENT)
    return [f"{data}: {says}: never {one}" for data, says in asked for one in wanted if one not in had[data, says]]


@pytest.mark.parametrize("name", catalog_names())
def test_every_claim_fails_in_some_world_and_is_undecided_in_another(name, tmp_path):
    import_module(f"study.catalog.{name}.claims")
    study = getattr(import_module(f"study.catalog.{name}.table"), name)
    view, measured = recorded(study, Home(tmp_path))
    whole, *others = worlds(view.header)
    had = turned(study, view, measured, chain([whole], BY_STUDY.get(name, []), others))
    assert len(had) >= 2
    assert never(had, had) == []


def test_a_claim_that_no_record_turns_is_named():
    lost, kept = ("data", "turns"), ("data", "stands")
    assert never({lost: {HOLDS, FAILS, INSUFFICIENT}, kept: {HOLDS, FAILS}}, [lost, kept]) == [
        "data: stands: never insufficient"
    ]
