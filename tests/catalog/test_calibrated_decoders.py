"""The study of calibrated decoders: what it declares, and that its verdicts can fail."""

import math

import pandas as pd
import pytest

from analysis.claims.claim import FAILS, HOLDS, INSUFFICIENT
from analysis.frames.load import Header
from study import Bernoulli, PerPixel
from study.catalog.calibrated_decoders.claims import compared, quality, with_bits
from study.catalog.calibrated_decoders.table import DECODERS, calibrated_decoders


@pytest.mark.parametrize("scale", ["laptop", "paper"])
def test_every_decoder_is_trained_on_data_that_it_is_for(scale):
    rows = [row for row in calibrated_decoders.table(scale).rows() if row.trial]
    assert {row.axes["decoder"] for row in rows} == set(DECODERS)
    for row in rows:
        is_binary = row.trial.data.levels == 2
        assert isinstance(row.trial.objective.likelihood, Bernoulli) <= is_binary
        assert row.trial.bits
        assert row.trial.samples
        if isinstance(gamma := row.trial.objective.gamma, PerPixel):
            assert math.sqrt(12 * gamma.floor) == pytest.approx(1 / ((row.trial.data.levels or 0) - 1))
    assert {row.trial.data.label for row in rows if row.axes["decoder"] == "Bernoulli"} == {
        {"laptop": "Digits, binary", "paper": "MNIST, binary"}[scale]
    }
    per_data = {
        label: {r.axes["decoder"] for r in rows if r.trial.data.label == label} for label in ("CIFAR-10", "SVHN")
    }
    assert all(len(decoders) == 12 for decoders in per_data.values() if scale == "paper")


NUMBERS = {
    "unit variance": {"neg_elbo_test": 60.0, "nll_levels": 130.0, "fd_conv": 1500.0, "objective_train": 2.0},
    "shared": {"neg_elbo_test": -32.0, "nll_levels": 110.0, "fd_conv": 30.0, "objective_train": -100.0},
    "optimal": {"neg_elbo_test": -33.0, "nll_levels": 110.5, "fd_conv": 31.0, "objective_train": -100.5},
    "per pixel": {"nll_levels": 100.0, "fd_conv": 50.0, "objective_train": -120.0},
    "per image": {"nll_levels": 105.0, "fd_conv": 33.0, "objective_train": -105.0},
}


def frame(change=lambda row: {}, decoders=tuple(NUMBERS), column="fd_conv"):
    rows = []
    for decoder in decoders:
        for seed in range(4):
            numbers = {name: value * (1 + 1e-4 * seed) for name, value in NUMBERS[decoder].items()}
            numbers[column] = numbers.pop("fd_conv")
            row = {"data": "Digits", "decoder": decoder, "seed": seed, "status": "finished", "d": 64} | numbers
            rows.append(row | change(row))
    return pd.DataFrame(rows)


def said(**kwargs):
    trials = frame(**kwargs)
    axes = {"data": ["Digits"], "decoder": list(NUMBERS), "seed": list(range(4))}
    return [claim.verdict for claim in compared(trials, Header("calibrated_decoders", "?", "laptop", axes))]


def test_the_claims_hold_where_the_source_does():
    assert said() == [HOLDS] * 10
    assert said(decoders=("unit variance", "shared", "optimal")) == [HOLDS] * 7


@pytest.mark.parametrize(
    ("decoder", "column", "value", "place"),
    [
        ("shared", "neg_elbo_test", 61.0, 0),
        ("optimal", "neg_elbo_test", 61.0, 1),
        ("shared", "nll_levels", 131.0, 2),
        ("optimal", "nll_levels", 131.0, 3),
        ("optimal", "objective_train", -98.9, 4),
        ("optimal", "objective_train", -101.1, 4),
        ("per image", "nll_levels", 110.2, 5),
        ("per pixel", "nll_levels", 110.2, 6),
        ("shared", "fd_conv", 1600.0, 7),
        ("optimal", "fd_conv", 1600.0, 8),
        ("per pixel", "fd_conv", 29.0, 9),
    ],
)
def test_each_verdict_can_fail(decoder, column, value, place):
    verdicts = said(change=lambda row: {column: value} if row["decoder"] == decoder else {})
    assert verdicts[place] == FAILS


def test_a_density_and_levels_may_disagree():
    """As on MNIST, where most levels lie in an open bin: what the source says of densities is judged by densities alone."""
    verdicts = said(change=lambda row: {"nll_levels": 150.0} if row["decoder"] in {"shared", "optimal"} else {})
    assert verdicts[:4] == [HOLDS, HOLDS, FAILS, FAILS]


def test_seeds_that_disagree_do_not_hold():
    assert (
        said(change=lambda row: {"nll_levels": 100 + 20 * row["seed"]} if row["decoder"] == "shared" else {})[2]
        == FAILS
    )


def test_trials_that_are_missing_decide_nothing():
    assert said(change=lambda row: {"status": "diverged"} if row["seed"] > 1 else {}) == [INSUFFICIENT] * 10


def test_samples_are_judged_by_fid_where_it_was_measured():
    assert quality(frame()) == "fd_conv"
    assert quality(frame(column="fid").assign(fd_conv=1.0)) == "fid"
    assert quality(frame().drop(columns="fd_conv")) is None


def test_a_value_of_even_chances_takes_one_bit():
    """64 binary values of even chances take 64 log 2 nats, and one bit each."""
    assert with_bits(frame().assign(nll_levels=64 * math.log(2)))["bits"].tolist() == pytest.approx([1.0] * 20)
