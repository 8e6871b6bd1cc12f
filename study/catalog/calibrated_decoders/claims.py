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

Source: Rybkin, Daniilidis & Levine, "Simple and effective VAE training with calibrated decoders" (2021), sections 4 and 5.
The study also asks what finer variances gain. One for all pixels is a special case of one per pixel. One per image pays off
if it explains more than its encoding costs: some five nats per image, whatever the image's size.
"""

import math
from typing import NamedTuple

import pandas as pd

from analysis.claims import topics
from analysis.claims.claim import Claim, judge
from analysis.frames.load import Header
from analysis.frames.types import Frame
from analysis.frames.view import View
from analysis.tables.cells import cells, label_text
from analysis.tables.interval import Interval, number, t_interval
from analysis.tables.sheet import Sheet
from study.catalog.calibrated_decoders.table import OPTIMAL, PER_IMAGE, PER_PIXEL, SHARED, UNIT, calibrated_decoders

SOURCE = "Rybkin, Daniilidis & Levine (2021), table 1"
SHARED_IS_BETTER = "Rybkin, Daniilidis & Levine (2021), section 3, on a variance that the decoder outputs"
DERIVED = "asked here: does a finer variance pay for itself?"
OF_LEVELS = "asked here for levels; the source compares densities"

NLL = "nll_levels"


class By(NamedTuple):
    """A measure of decoders: its column, its name, the source of the claim, and when the claim may fail."""

    column: str
    heading: str
    source: str
    proviso: str = ""


DENSITY = By("neg_elbo_test", "−ELBO by density", SOURCE)
LEVELS = By(
    NLL,
    "−log P",
    OF_LEVELS,
    "; this may fail where most values lie in an open end bin and levels are narrow relative to the noise",
)
FINER = By(NLL, "−log P", DERIVED)

J_APART = 0.01
"""Largest relative difference of J between a learned and an optimal variance."""

FEWEST = 3
"""Pairs of trials that a claim needs."""

QUALITY = {"fid": "FID", "fd_conv": "FD of random features"}
"""Distances of samples to the test set; the claims use the first one measured."""

COLUMNS = {
    NLL: "−log P, nats",
    "bits": "bits/dim",
    "neg_elbo_levels": "−ELBO, nats",
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
        name, finer = label_text(data), [one for one in (PER_IMAGE, PER_PIXEL) if one in set(trials["decoder"])]
        found += [_below(name, trials, better, UNIT, by) for by in (DENSITY, LEVELS) for better in (SHARED, OPTIMAL)]
        found.append(_same_objective(name, trials))
        found += [_below(name, trials, one, SHARED, FINER) for one in finer]
        if column := quality(trials):
            pairs = [(SHARED, UNIT, SOURCE), (OPTIMAL, UNIT, SOURCE)]
            pairs += [(SHARED, PER_PIXEL, SHARED_IS_BETTER)] if PER_PIXEL in finer else []
            found += [_below(name, trials, one, other, By(column, QUALITY[column], said)) for one, other, said in pairs]
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


def quality(trials: Frame) -> str | None:
    """The column that measures samples; None if the trials have none."""
    return next((column for column in QUALITY if column in trials and trials[column].notna().any()), None)


def _paired(trials: Frame, one: str, other: str, column: str) -> tuple[pd.Series, pd.Series]:
    """A column of two decoders, seed by seed, where both were measured."""
    done = trials[trials["status"].eq("finished")]
    if column not in done:
        return pd.Series(dtype=float), pd.Series(dtype=float)
    ours, theirs = (
        done[done["decoder"].eq(name)].set_index("seed")[column].astype(float).dropna() for name in (one, other)
    )
    shared = ours.index.intersection(theirs.index)
    return ours.loc[shared], theirs.loc[shared]


def _below(data: str, trials: Frame, one: str, other: str, by: By) -> Claim:
    ours, theirs = _paired(trials, one, other, by.column)
    difference: Interval = t_interval(ours - theirs)
    return Claim(
        data=data,
        claim=f"{by.heading} is lower with the decoder “{one}” than with “{other}”",
        source=by.source,
        expected=f"{one} − {other} < 0{by.proviso}",
        measured=f"{number(ours.mean())} against {number(theirs.mean())}, paired difference {difference}",
        tolerance="the paired 95 % t-interval lies below 0",
        verdict=judge(difference.high < 0, difference.n >= FEWEST),
        trials=2 * difference.n,
        topic=topics.CALIBRATED_DECODERS,
    )


def _same_objective(data: str, trials: Frame) -> Claim:
    """Compares means over seeds; J is that of the training set, which both minimise."""
    optimal, learned = _paired(trials, OPTIMAL, SHARED, "objective_train")
    apart = float((optimal - learned).mean() / abs(learned.mean())) if len(learned) else math.nan
    return Claim(
        data=data,
        claim="a variance in closed form reaches the same J as a learned one",
        source=SOURCE,
        expected="J equal",
        measured=f"J = {number(optimal.mean(), 4)} optimal, {number(learned.mean(), 4)} learned: {100 * apart:.2g} % apart",
        tolerance=f"{100 * J_APART:g} % of |J|, means over seeds",
        verdict=judge(abs(apart) <= J_APART, len(learned) >= FEWEST),
        trials=2 * len(learned),
        topic=topics.CALIBRATED_DECODERS,
    )
