"""calibrated_decoders: how well the decoders' likelihoods explain the same images.

−log P is that of the images' levels: every density is integrated over the levels' bins, so all decoders of one data set are
comparable. Bits per dimension are −log P/(d log 2). The estimate is importance-weighted, on test images, and an upper bound
in expectation. A variance per image pays for its own encoding. A β other than 1 weights the rate in training alone.

The source compares Gaussian decoders by the density that they train on. There a free variance should win, because γ = 1 is
among its choices. For levels this does not follow, because the end bins are open. Level 0 costs log 2 under every normal
density centred on its bin's upper edge; under one centred further in, it costs more the narrower the density is. Yet the
density at 0 grows as 1/σ. So on MNIST the order reverses. Of 784 pixels 643 have level 0. After 800 steps on 5,000 images
(seed 0, the first 500 test images), −ELBO of the levels in nats per image is

    unit variance      1370.9 = 476.9 of level 0 + 883.5 of 1 to 254 +  6.7 of 255 +  3.8 of the rate
    shared, σ = 0.149  1542.2 = 601.2 of level 0 + 877.2 of 1 to 254 + 24.0 of 255 + 39.8 of the rate

By density times bin width, level 0 costs 4161 and 3059: this is all that the density gains. The levels in between gain
little, because one γ serves both strokes, with root mean square errors of 0.29, and background, with 0.10. The shared
decoder's means are the better ones: with σ = 0.354, fitted to the levels of training images, they reach 1315, and those of
unit variance 1350 with their own best σ, 0.57. More training does not restore the order: with one seed each, −log P is 1534
against 1358 after 2,000 steps, and 1468 against 1356 after 8,000 on 60,000 images. Between the ends, where bins are narrow
relative to σ, a probability is the density times the width, so levels and densities agree.

Claims compare decoders seed by seed. Samples are decoded means, without the decoder's noise. Their measure is FID if the
home has it, otherwise the Fréchet distance of random features; the two may rank decoders differently.

Source: Rybkin, Daniilidis & Levine, "Simple and effective VAE training with calibrated decoders" (2021), sections 3 to 5 and
table 1. The study also asks what finer variances gain. One for all pixels is a special case of one per pixel. One per image,
R/d of the image itself, has seen what it is to explain. The source counts its density like every other's, and there it
cannot lose at equal means, since the mean of log R is no larger than the log of R's mean. Nobody could decode that: the
variance would have to be sent as well. One per image pays off if it explains more than that costs: some five nats per image,
whatever the image's size.
"""

import math

import pandas as pd

from analysis.claims.claim import QUESTION, Claim
from analysis.claims.comparison import Comparison, above, at_most, near, within
from analysis.claims.estimate import mean_of
from analysis.frames.load import Header
from analysis.frames.types import Frame
from analysis.frames.view import View
from analysis.tables.cells import cells, label_text
from analysis.tables.interval import t_interval
from analysis.tables.sheet import Sheet
from study.catalog.calibrated_decoders.decoders import QUALITY, Decoders
from study.catalog.calibrated_decoders.table import (
    BERNOULLI,
    BETAS,
    BITWISE,
    CATEGORICAL,
    DECODED,
    MIXTURE,
    OPTIMAL,
    PER_IMAGE,
    PER_PIXEL,
    SHARED,
    STUDENT,
    UNIT,
    calibrated_decoders,
)

ASKED = "asked here"

NLL, DENSITY = "nll_levels", "neg_elbo_test"

ONE_SCALE = (UNIT, *BETAS, SHARED, OPTIMAL)
"""Normal decoders with one variance for all values."""

SAME_GAMMA, SAME_J = 0.05, 0.01
"""Largest relative difference of a learned γ from R/d; and of J between a learned and an optimal variance."""

AS_WELL = 0.1
"""How much a distance may exceed another's, relative, where one decoder does as well as the other."""

COLUMNS = {
    NLL: "−log P, nats",
    "bits": "bits/dim",
    "neg_elbo_levels": "−ELBO, nats",
    DENSITY: "−ELBO by density, nats",
    "fid": "FID",
    "fd_conv": "FD, random features",
    "kd_conv": "KD, random features",
    "ndb_100": "NDB/K, 100",
    "nre_test": "NRE",
    "n_active": "active, v < 0.5",
    "gamma_value": "γ",
}


@calibrated_decoders.claims
def claims(view: View) -> list[Claim]:
    """The claims of the study, for each data set."""
    return compared(view.trials, view.header)


def compared(frame: Frame, header: Header) -> list[Claim]:
    """The claims about trials with the axes `data`, `decoder` and `seed`."""
    found = []
    for (data,), trials in cells(frame, header, ["data"]):
        one = Decoders(label_text(data), trials)
        found += [*_learned(one), *_orderings(one), *_finer(one), *_of_samples(one)]
    return found


def _learned(one: Decoders) -> list[Claim]:
    """A learned variance against one of 1, by density as in the source and by levels, and against the closed form."""
    found = []
    for better in (SHARED, OPTIMAL):
        said = f"“{better}” explains the images better than “{UNIT}”"
        found.append(one.claim(f"{said}, by density", one.less(better, [UNIT], DENSITY), "S6"))
        asked = f"does “{better}” explain the images better than “{UNIT}” by −log P of levels, too?"
        found.append(one.claim(asked, one.less(better, [UNIT], NLL), kind=QUESTION, source=ASKED))
    return [*found, _closed_form(one)]


def _closed_form(one: Decoders) -> Claim:
    """A variance that is learned against R/d of its own network, and, where J has a minimum, J against J.

    A normal density of two levels has none. A decoder that tells them apart draws R to 0, and J to −∞, for as long as it
    trains: after 6,000 steps J is 28 nats lower than after 2,000, with less than a third of γ, and of three seeds one has the
    learned variance ahead and two the other.
    """
    learned, optimal = (one.of(decoder, "objective_train") for decoder in (SHARED, OPTIMAL))
    best = one.of(SHARED, "distortion_train") / one.of(SHARED, "d")
    ratio = mean_of((one.of(SHARED, "gamma_value") / best).dropna())
    same = [Comparison("learned γ over R/d", ratio, near(1.0, SAME_GAMMA))]
    if not one.have(BERNOULLI):
        apart = mean_of(((optimal - learned) / learned.abs()).dropna())
        same.append(Comparison("relative difference of J", apart, within(SAME_J, of=0.0)))
        return one.claim(
            "a learned variance ends at its closed form, and at the same J as one in closed form", same, "S5"
        )
    return one.claim("a learned variance ends at its closed form", same, "S5")


def _orderings(one: Decoders) -> list[Claim]:
    """What the source's table orders: likelihoods by density, those of levels by −log P, and β against a learned variance."""
    found = []
    if one.have(STUDENT):
        said = "Student's t explains the images best by density, of decoders with one scale"
        found.append(one.claim(said, one.less(STUDENT, ONE_SCALE, DENSITY), "S8"))
    if one.have(BITWISE):
        worst = one.less(BITWISE, (CATEGORICAL, MIXTURE), NLL, above(0.0, " nats"))
        found.append(one.claim("bitwise is the worst likelihood of levels by −log P", worst, "S8"))
    if one.have(*BETAS):
        tuned = one.best([UNIT, *BETAS], DENSITY)
        said = "a learned variance explains the images as well as a β tuned for it, by density"
        found.append(one.claim(said, one.less(SHARED, [tuned], DENSITY, at_most(0.0, " nats")), "S8"))
    if one.have(BERNOULLI):
        asked = "does a Bernoulli decoder explain black and white images best, by −log P?"
        best = one.less(BERNOULLI, (UNIT, SHARED, OPTIMAL), NLL)
        found.append(one.claim(asked, best, kind=QUESTION, source=ASKED))
    return found


def _finer(one: Decoders) -> list[Claim]:
    """A variance per image and per pixel against one for all."""
    found = []
    if one.have(PER_IMAGE):
        said = (
            "a σ for each image in closed form explains images better than one for all, by density, its coding unpaid"
        )
        found.append(one.claim(said, one.less(PER_IMAGE, [SHARED], DENSITY), "S10"))
        asked = "does a σ for each image explain the images better than one for all by −log P, its coding paid, too?"
        found.append(one.claim(asked, one.less(PER_IMAGE, [SHARED], NLL), kind=QUESTION, source=ASKED))
    if one.have(DECODED):
        said = "a σ for each pixel that the decoder gives explains the images better than one for all, by −log P"
        found.append(one.claim(said, one.less(DECODED, [SHARED], NLL), "S9"))
        asked = "does it explain them better than one trained σ for each pixel, by −log P?"
        found.append(one.claim(asked, one.less(DECODED, [PER_PIXEL], NLL), kind=QUESTION, source=ASKED))
    if one.have(PER_PIXEL):
        asked = "does one trained σ for each pixel explain the images better than one for all, by −log P?"
        found.append(one.claim(asked, one.less(PER_PIXEL, [SHARED], NLL), kind=QUESTION, source=ASKED))
    return found


def _of_samples(one: Decoders) -> list[Claim]:
    """By the distance of samples to the test set."""
    if (column := one.quality) is None:
        return []
    by = f"by {QUALITY[column]}"
    found = [
        one.claim(f"samples of “{better}” are better than those of “{UNIT}”, {by}", [*worse], "S7")
        for better in (SHARED, OPTIMAL)
        for worse in [one.less(better, [UNIT], column, unit="")]
    ]
    if one.have(*BETAS):
        tuned = one.best([UNIT, *BETAS], column)
        ours, theirs = one.of(SHARED, column), one.of(tuned, column)
        ratio = Comparison(f"“{SHARED}” over “{tuned}”", mean_of((ours / theirs).dropna()), at_most(1 + AS_WELL))
        said = f"samples of a learned variance are as good as those of a β tuned for them, {by}"
        found.append(one.claim(said, [ratio], "S8"))
    asked = f"are samples of “{OPTIMAL}” better than those of “{SHARED}”, {by}?"
    found.append(one.claim(asked, one.less(OPTIMAL, [SHARED], column, unit=""), kind=QUESTION, source=ASKED))
    if one.have(DECODED):
        asked = f"are samples of “{SHARED}” better than those of a decoder that gives each pixel's σ, {by}?"
        found.append(one.claim(asked, one.less(SHARED, [DECODED], column, unit=""), kind=QUESTION, source=ASKED))
    return found


@calibrated_decoders.sheets
def sheets(view: View) -> list[Sheet]:
    """Decoder × likelihood, sample quality and active latents: the source's table 1."""
    finished = with_bits(view.trials[view.trials["status"].eq("finished")])
    measured = [column for column in COLUMNS if column in finished and finished[column].notna().any()]
    rows = []
    for (data, decoder), trials in cells(finished, view.header, ["data", "decoder"]):
        texts = {COLUMNS[column]: str(t_interval(trials[column])) for column in measured}
        rows.append({"data": label_text(data), "decoder": str(decoder)} | texts | {"seeds": str(len(trials))})
    caption = (
        "Decoders on test images: mean ± half-width of the 95 % t-interval over seeds. −log P of the images' levels, "
        "importance-weighted; −ELBO is the looser bound; samples against the test set. Decoders named β = … train with "
        "γ = 1 and that weight of the rate. Numbers of different data sets are not comparable, least of all binary ones"
    )
    return [Sheet("decoders", caption, pd.DataFrame(rows))] if rows else []


def with_bits(trials: Frame) -> Frame:
    """The frame with `bits`, per dimension, if it has the probability of levels."""
    if NLL not in trials:
        return trials
    return trials.assign(bits=trials[NLL] / (trials["d"] * math.log(2)))
