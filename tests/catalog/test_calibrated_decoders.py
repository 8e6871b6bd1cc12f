"""The study of calibrated decoders: what it declares, and that its verdicts can fail."""

import math

import pandas as pd
import pytest

from analysis.claims.claim import FAILS, HOLDS, INSUFFICIENT, NO, OPEN, YES
from analysis.frames.load import Header
from study import Bernoulli, DecodedPerPixel, PerPixel
from study.catalog.calibrated_decoders.claims import compared, with_bits
from study.catalog.calibrated_decoders.decoders import Decoders
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
        if isinstance(gamma := row.trial.objective.gamma, PerPixel | DecodedPerPixel):
            assert math.sqrt(12 * gamma.floor) == pytest.approx(1 / ((row.trial.data.levels or 0) - 1))
    assert {row.trial.data.label for row in rows if row.axes["decoder"] == "Bernoulli"} == {
        {"laptop": "Digits, binary", "paper": "MNIST, binary"}[scale]
    }
    per_data = {
        label: {r.axes["decoder"] for r in rows if r.trial.data.label == label} for label in ("CIFAR-10", "SVHN")
    }
    assert all(len(decoders) == 13 for decoders in per_data.values() if scale == "paper")


MEASURED = ("neg_elbo_test", "nll_levels", "fd_conv", "objective_train")
NUMBERS = {
    "unit variance": (60.0, 130.0, 1500.0, 2.0),
    "β = 0.1": (40.0, 128.0, 100.0, 2.0),
    "β = 0.01": (50.0, 127.0, 35.0, 2.0),
    "β = 0.001": (55.0, 129.0, 200.0, 2.0),
    "shared": (-32.0, 110.0, 32.0, -100.0),
    "optimal": (-33.0, 110.5, 31.0, -100.5),
    "per pixel": (-60.0, 100.0, 50.0, -120.0),
    "per pixel, decoded": (-80.0, 95.0, 60.0, -130.0),
    "per image": (-50.0, 105.0, 33.0, -105.0),
    "Student's t": (-40.0, 108.0, 34.0, -110.0),
    "Bernoulli": (20.0, 90.0, 40.0, 20.0),
    "categorical": (90.0, 92.0, 45.0, 90.0),
    "bitwise": (95.0, 99.0, 60.0, 95.0),
    "logistic mixture": (89.0, 91.0, 44.0, 89.0),
}


AT_REST = {"gamma_value": 0.0101, "distortion_train": 0.64}
BINARY = ("unit variance", "shared", "optimal", "Bernoulli")
GREY = tuple(decoder for decoder in NUMBERS if decoder != "Bernoulli")


def frame(change=lambda row: {}, decoders=GREY, column="fd_conv", spread=1e-4):
    rows = []
    for decoder in decoders:
        for seed in range(4):
            numbers = {name: value + spread * seed for name, value in zip(MEASURED, NUMBERS[decoder], strict=True)}
            numbers[column] = numbers.pop("fd_conv")
            row = {"data": "Digits", "decoder": decoder, "seed": seed, "status": "finished", "d": 64} | numbers
            row |= AT_REST
            rows.append(row | change(row))
    return pd.DataFrame(rows)


def claims_of(**kwargs):
    trials = frame(**kwargs)
    axes = {"data": ["Digits"], "decoder": list(NUMBERS), "seed": list(range(4))}
    return compared(trials, Header("calibrated_decoders", "?", "laptop", axes))


def said(*words, **kwargs):
    """The verdict of the one claim that has all of these words."""
    decoders = BINARY if any("Bernoulli" in word for word in words) else GREY
    (found,) = [
        claim for claim in claims_of(**{"decoders": decoders} | kwargs) if all(word in claim.claim for word in words)
    ]
    return found.verdict


def test_the_claims_hold_where_the_source_does():
    found = claims_of()
    assert [claim.verdict for claim in found if claim.kind == "source"] == [HOLDS] * 11
    assert {claim.verdict for claim in found if claim.kind == "question"} == {YES}
    assert {number for claim in found for number in claim.statements} == {"S5", "S6", "S7", "S8", "S9", "S10"}
    few = claims_of(decoders=("unit variance", "shared", "optimal"))
    assert {claim.verdict for claim in few} == {HOLDS, YES}
    assert len(few) == 8


def test_j_is_not_compared_where_it_has_no_minimum():
    """Of two levels a normal density has none: there J is as low as training is long."""
    far = claims_of(
        decoders=BINARY, change=lambda row: {"objective_train": -150.0} if row["decoder"] == "optimal" else {}
    )
    (found,) = [claim for claim in far if "S5" in claim.statements]
    assert found.verdict == HOLDS
    assert len(found.comparisons) == 1


AT_FAULT = {
    ("“shared” explains", "by density"): ("shared", "neg_elbo_test", 61.0),
    ("“optimal” explains", "by density"): ("optimal", "neg_elbo_test", 61.0),
    ("at the same J",): ("optimal", "objective_train", -98.9),
    ("ends at its closed form",): ("shared", "gamma_value", 0.0108),
    ("Student's t explains",): ("Student's t", "neg_elbo_test", -32.5),
    ("bitwise is the worst",): ("bitwise", "nll_levels", 91.5),
    ("as well as a β tuned",): ("β = 0.01", "neg_elbo_test", -34.0),
    ("a σ for each image in closed form",): ("per image", "neg_elbo_test", -31.0),
    ("a σ for each pixel that the decoder gives",): ("per pixel, decoded", "nll_levels", 110.2),
    ("samples of “shared” are better", "unit"): ("shared", "fd_conv", 1600.0),
    ("samples of “optimal” are better", "unit"): ("optimal", "fd_conv", 1600.0),
    ("as good as those of a β",): ("shared", "fd_conv", 60.0),
}
ANSWERED_NO = {
    ("does “shared” explain",): ("shared", "nll_levels", 131.0),
    ("does “optimal” explain",): ("optimal", "nll_levels", 131.0),
    ("does a σ for each image",): ("per image", "nll_levels", 110.2),
    ("Bernoulli decoder explain",): ("Bernoulli", "nll_levels", 115.0),
    ("better than one trained σ",): ("per pixel", "nll_levels", 94.0),
    ("does one trained σ for each pixel",): ("per pixel", "nll_levels", 110.2),
    ("are samples of “optimal” better",): ("optimal", "fd_conv", 33.0),
    ("are samples of “shared” better", "gives each pixel's σ"): ("per pixel, decoded", "fd_conv", 31.0),
}


@pytest.mark.parametrize("words", AT_FAULT)
def test_each_verdict_can_fail_and_be_undecided(words):
    decoder, column, value = AT_FAULT[words]
    assert said(*words, change=lambda row: {column: value} if row["decoder"] == decoder else {}) == FAILS
    assert said(*words, change=disagreeing(decoder, column, value)) == INSUFFICIENT


@pytest.mark.parametrize("words", ANSWERED_NO)
def test_each_question_can_be_answered_no_and_stay_open(words):
    decoder, column, value = ANSWERED_NO[words]
    assert said(*words, change=lambda row: {column: value} if row["decoder"] == decoder else {}) == NO
    assert said(*words, change=disagreeing(decoder, column, value)) == OPEN


def disagreeing(decoder, column, wrong):
    """Half of the seeds say that the claim holds and half of them that it fails."""
    right = (dict(zip(MEASURED, NUMBERS[decoder], strict=True)) | AT_REST)[column]
    return lambda row: {column: wrong if row["seed"] % 2 else right} if row["decoder"] == decoder else {}


def test_a_density_and_levels_may_disagree():
    """As on MNIST, where most levels lie in an open bin: what the source says of densities is judged by densities alone."""

    def lost(row):
        return {"nll_levels": 150.0} if row["decoder"] in {"shared", "optimal"} else {}

    assert said("“shared” explains", "by density", change=lost) == HOLDS
    assert said("does “shared” explain", change=lost) == NO


def test_a_j_that_is_lower_is_not_the_same_either():
    assert (
        said("at the same J", change=lambda row: {"objective_train": -101.1} if row["decoder"] == "optimal" else {})
        == FAILS
    )


def test_trials_that_are_missing_decide_nothing():
    found = claims_of(change=lambda row: {"status": "diverged"} if row["seed"] > 0 else {})
    assert {claim.verdict for claim in found} == {INSUFFICIENT, OPEN}


def test_samples_are_judged_by_fid_where_it_was_measured():
    both = frame(column="fid").assign(fd_conv=1.0)
    assert Decoders("Digits", both).quality == "fid"
    assert Decoders("Digits", frame()).quality == "fd_conv"
    assert Decoders("Digits", frame().drop(columns="fd_conv")).quality is None


def test_a_value_of_even_chances_takes_one_bit():
    """64 binary values of even chances take 64 log 2 nats, and one bit each."""
    assert with_bits(frame().assign(nll_levels=64 * math.log(2)))["bits"].unique().tolist() == pytest.approx([1.0])
