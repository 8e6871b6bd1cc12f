"""skip_depth: do deep decoders without skip connections collapse, and what causes it?

The source says that deep decoders lose their latents unless skip connections carry z past the layers, and that skips and more
latents work in tandem. N(0, 1/fan_in) halves the second moment at every ReLU layer and He's weights keep it: what holds under
the first and fails under He's is about the initialisation, so He's has a claim of its own. All of this is about where a
training of fixed length leads; trials need not have converged, and a claim says how many have not.

On MNIST the network is the source's, from scratch, under either initialisation.

Source: "On the regularization balance in autoencoder-based generative models", sections 4 and 6; He et al. (2015) for
what a ReLU layer does to a second moment.
"""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.claims.claim import QUESTION, Claim, Kind
from analysis.claims.comparison import Comparison, at_least, at_most, most
from analysis.claims.estimate import Estimate, mean_count_of, mean_of, share_of
from analysis.figures.bands import SKIPS
from analysis.frames.load import Header
from analysis.frames.types import Column, Frame
from analysis.frames.view import View
from analysis.tables.cells import cells, label_text
from analysis.tables.sheet import Sheet
from study.catalog.skip_depth.figures import INITS
from study.catalog.skip_depth.table import AFFINE, FAN_IN, HE_INIT, MORE, NONE, skip_depth

SOURCE = "On the regularization balance in autoencoder-based generative models, sections 4 and 6"
HE = "He et al. (2015): weights of variance 2/fan_in keep the second moment from layer to layer"

DEEP = 20
"""Decoder layers at which a plain decoder is said to collapse."""

COLLAPSED, KEPT = 1, 3
"""Active latents: a decoder with at most the first has collapsed, one with at least the second has not."""

NRE_RESCUED, NRE_LOST = 0.15, 0.9
"""Lost fraction of the test variance: at most the first of a rescued decoder, at least the second of a collapsed one."""

BETTER = math.log(0.9)
"""Log ratio of two errors that counts as better: nobody would pay six times the latents for less than a tenth."""

ESCAPES = {AFFINE: "B11", "residual": "B12", "concat": "B12"}
"""Which statement says that a skip is an escape."""


@skip_depth.claims
def claims(view: View) -> list[Claim]:
    """The claims of the study, of the manifold and of MNIST."""
    return collapse_of_depth(view.trials, view.header)


def collapse_of_depth(frame: Frame, header: Header) -> list[Claim]:
    """The claims about trials with the axes `data`, `depth`, `init`, `skip`, `kappa` and `seed`."""
    found = []
    for (data,), trials in cells(frame.dropna(subset=["data"]), header, ["data"]):
        known = trials["intrinsic_dim"].notna().any()
        found += _planted(label_text(data), trials) if known else _pictures(label_text(data), trials, header)
    return found


def _planted(data: str, trials: Frame) -> list[Claim]:
    deep = trials[trials["depth"].eq(DEEP)]
    small, plain_he = deep[deep["init"].eq(FAN_IN)], deep[deep["init"].eq(HE_INIT) & deep["skip"].eq(NONE)]
    where = f"{data}, {INITS[FAN_IN]}"
    return [
        *(_rescued(where, small, skip, statement) for skip, statement in ESCAPES.items()),
        _together(where, small),
        _in_tandem(where, small),
        _of_he(f"{data}, {INITS[HE_INIT]}", plain_he),
    ]


def _rescued(where: str, deep: Frame, skip: str, statement: str) -> Claim:
    plain, carried = _done(deep, NONE), _done(deep, skip)
    lost = plain["n_active"].le(COLLAPSED) & plain["nre_test"].ge(NRE_LOST)
    kept = carried["n_active"].ge(KEPT) & carried["nre_test"].le(NRE_RESCUED)
    return _claim(
        where,
        f"a plain decoder of {DEEP} layers collapses, and skip={skip} rescues it",
        [
            Comparison(f"n_active ≤ {COLLAPSED} and NRE ≥ {NRE_LOST:g} without skip", _share(lost), most()),
            Comparison(f"n_active ≥ {KEPT} and NRE ≤ {NRE_RESCUED:g} with it", _share(kept), most()),
        ],
        pd.concat([plain, carried]),
        statements=[statement],
    )


def _together(where: str, deep: Frame) -> Claim:
    """Neither alone: more latents without a skip change nothing, and with any skip none of the needed ones is lost."""
    more = deep[deep["kappa"].eq(MORE)]
    compared = [Comparison(f"n_active without skip, κ = {MORE}", _active(_done(more, NONE)), at_most(COLLAPSED))]
    compared += [
        Comparison(f"n_active, {SKIPS[skip].label}", _active(_done(more, skip)), at_least(KEPT - 0.5))
        for skip in ESCAPES
    ]
    return _claim(
        where,
        f"κ = {MORE} saves no plain decoder of {DEEP} layers; with any skip it keeps the {KEPT} latents that are needed",
        compared,
        _finished(more),
        statements=["B25"],
    )


def _in_tandem(where: str, deep: Frame) -> Claim:
    """Whether skips and latents add up: the error at the larger κ against that at κ = r, with the same skip in both.

    By the logarithm of a seed's ratio, since errors differ by an order of magnitude from skip to skip.
    """
    kept = _finished(deep[deep["skip"].isin(ESCAPES)])
    return _claim(
        where,
        f"skip and latents work in tandem: with each skip a decoder of {DEEP} layers reconstructs better at κ = {MORE}, "
        "by a tenth at least",
        [
            Comparison(
                f"log of NRE at κ = {MORE} over NRE at κ = r, {SKIPS[skip].label}",
                mean_of(_log_ratios(_done(deep, skip))),
                at_most(BETTER),
            )
            for skip in ESCAPES
        ],
        kept,
        statements=["B13"],
    )


def _log_ratios(trials: Frame) -> list[float]:
    """Of the error at the largest κ to that at the smallest, seed by seed."""
    errors = trials.pivot_table(index="seed", columns="kappa", values="nre_test", observed=True)
    if len(errors.columns) < 2:
        return []
    return np.log(errors[max(errors)] / errors[min(errors)]).tolist()


def _of_he(where: str, plain: Frame) -> Claim:
    done = _finished(plain)
    return _claim(
        where,
        f"the initialisation causes the collapse: under He's, a plain decoder of {DEEP} layers reconstructs",
        [
            Comparison("NRE", mean_of(done["nre_test"], "trials"), at_most(NRE_LOST / 2)),
            Comparison("n_active ≥ 1", _share(done["n_active"].ge(1)), most()),
        ],
        done,
        source=HE,
    )


def _pictures(data: str, trials: Frame, header: Header) -> list[Claim]:
    """The source's network, for each initialisation and depth: everything is lost without skips, and kept with each."""
    found = []
    for (init, depth), own in cells(trials, header, ["init", "depth"]):
        where = f"{data}, {depth} layers, {INITS.get(init, init)}"
        plain = _done(own, NONE)
        found.append(
            _claim(
                where,
                "without skip connections everything collapses",
                [Comparison("n_active", _active(plain), at_most(COLLAPSED))],
                plain,
                statements=["B18"],
            )
        )
        found += [_keeps(where, own, skip) for skip in ESCAPES if own["skip"].eq(skip).any()]
    return found


def _keeps(where: str, trials: Frame, skip: str) -> Claim:
    more = mean_count_of(_by_seed(trials, skip) - _by_seed(trials, NONE))
    return _claim(
        f"{where}, {SKIPS[skip].label}",
        "does the skip keep latents that a plain decoder loses?",
        [Comparison("n_active less that of the plain decoder", more, at_least(1))],
        _finished(trials),
        source="asked here",
        kind=QUESTION,
    )


def _claim(
    where: str,
    said: str,
    compared: list[Comparison],
    trials: Frame,
    source: str = SOURCE,
    statements: Sequence[str] = (),
    kind: Kind | None = None,
) -> Claim:
    moving = int((~trials["converged"].astype(bool)).sum())
    numbers = "; ".join(map(str, compared))
    return Claim(
        where,
        said,
        source,
        measured=f"{numbers}; {moving} of these trials had not converged" if moving else numbers,
        trials=len(trials),
        comparisons=compared,
        statements=statements,
        kind=kind,
    )


def _finished(trials: Frame) -> Frame:
    return trials[trials["status"].eq("finished")]


def _done(trials: Frame, skip: str) -> Frame:
    return _finished(trials[trials["skip"].eq(skip)])


def _by_seed(trials: Frame, skip: str) -> Column:
    return _done(trials, skip).groupby("seed")["n_active"].mean()


def _active(trials: Frame) -> Estimate:
    return mean_count_of(trials["n_active"])


def _share(agree: Column) -> Estimate:
    return share_of(int(agree.sum()), len(agree))


@skip_depth.sheets
def sheets(view: View) -> list[Sheet]:
    """Active latents and reconstruction error, a row for each data set, initialisation, κ and skip, columns by depth."""
    rows = []
    depths = sorted(view.trials.loc[view.trials["status"].eq("finished"), "depth"].unique())
    for (data, init, kappa, skip), trials in cells(view.trials, view.header, ["data", "init", "kappa", "skip"]):
        if not trials["status"].eq("finished").any():
            rows.append(None)
            continue
        row = {"data": label_text(data), "initial weights": INITS.get(init, init), "κ": label_text(kappa)}
        row |= {"skip": SKIPS[skip].label}
        for depth in depths:
            cell = _finished(trials[trials["depth"].eq(depth)])
            row |= {
                f"active, {depth} layers": float(cell["n_active"].median()),
                f"NRE, {depth} layers": float(cell["nre_test"].median()),
            }
            row |= {f"γ, {depth} layers": float(cell["gamma_value"].median())}
        rows.append(row)
    caption = "Active latents (v < 0.5), NRE on the test set and learned γ by depth of the decoder: medians over seeds"
    return [Sheet.of("depth", caption, rows)]
