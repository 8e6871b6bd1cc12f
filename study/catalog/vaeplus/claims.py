"""vaeplus: samples of a second VAE on the latents of a first one, against the first one's own and WAE-MMD's.

Each sample metric is compared with its null: the score of held-out real examples in place of samples. Beside it stands the
row that published tables call *Downsample*: the same examples, shrunk to half their size and enlarged again. The source does
so at 128 pixels, where nobody sees it; at 28 pixels something is lost, so whether NDB misses it is asked. Reconstructions
are the first stage's: VAE+ changes where samples come from, not how examples are encoded.

The question that the slides ask is whether the sparsest first stage is needed for good samples, or whether one that uses all
of its channels does better. So VAE+ after a balanced first stage is compared with VAE+ after an under-regularised one, by
each metric on its own: they need not agree.

Source: "On the regularization balance in autoencoder-based generative models", tables 3 and 4; Dai & Wipf (2019) for the
second stage.
"""

from collections.abc import Sequence

import pandas as pd

from analysis.claims.claim import QUESTION, Claim, Kind
from analysis.claims.comparison import Comparison, Target, above, at_least, at_most, below
from analysis.claims.estimate import mean_of
from analysis.frames.load import Header
from analysis.frames.types import Column, Frame
from analysis.frames.view import View
from analysis.tables.cells import cells, label_text
from analysis.tables.interval import Interval, t_interval
from analysis.tables.sheet import Sheet
from study.catalog.vaeplus.table import BALANCED, ONE, PLAIN, PLUS, UNDER, WAE, vaeplus

TABLES = "On the regularization balance in autoencoder-based generative models, tables 3 and 4"
SECOND = "Dai & Wipf (2019), section 4"
SLIDES = "the slides' question, and Dai, Wenliang & Wipf (2021), discussion"

BETTER = {UNDER: 10.0, BALANCED: 2.0}
"""Least ratio of the first stage's MMD to that of VAE+, on planted data."""

FRECHET, MMD = "fd_conv", "mmd_x"
BINS = {"ndb_100": "K = 100", "ndb_200": "K = 200", "ndb_300": "K = 300"}
OVER_BINS = "mean of K = 100, 200 and 300"
"""How NDB compares two methods. The source's table has the three K, and one order at each. They bin the same samples, so
their mean is one number with less noise, and not three chances to be undecided."""

NEARLY = 1.1
"""Largest distance of samples that are nearly as good as reconstructions, over that of the reconstructions."""

BY_CHANCE = 0.07
"""Largest share of different bins that still counts as chance: 0.05, and the spread between test sets."""

COLUMNS = {
    "fd_conv": "FD, random features",
    "fd_x": "FD",
    "fid": "FID",
    "kd_conv": "KD, random features",
    "mmd_x": "MMD in data space",
    "ndb_100": "NDB/K, 100",
    "ndb_200": "NDB/K, 200",
    "ndb_300": "NDB/K, 300",
    "js_100": "JS, 100 bins, nats",
}
"""Sample metrics in the order of the table; a column that was not measured is left out."""


@vaeplus.claims
def claims(view: View) -> list[Claim]:
    """The claims of the study, for each data set and first stage."""
    return compared(view.trials, view.header)


def compared(frame: Frame, header: Header) -> list[Claim]:
    """The claims about trials with the axes `data`, `first`, `method` and `seed`."""
    found = []
    for (data,), of_data in cells(frame, header, ["data"]):
        planted, name = bool(of_data["intrinsic_dim"].notna().any()), label_text(data)
        for (first,), trials in cells(of_data, header, ["first"]):
            where = f"{name}, {first} first stage"
            if planted:
                found.append(_ratio(where, trials, BETTER[str(first)]))
                continue
            found += [claim for other in (ONE, WAE) for claim in _better(where, trials, of_data, other)]
            found += [_no_better(where, trials), _nearly(where, trials)]
        found += _sparsest(name, of_data, [MMD] if planted else [FRECHET])
        found += [] if planted else _downsampled(name, of_data)
    return found


def _by_seed(trials: Frame, method: str, column: str) -> Column:
    done = trials[trials["method"].eq(method) & trials["status"].eq("finished")]
    values = done.set_index("seed")[column] if column in done else pd.Series(dtype=float)
    return values.astype(float).dropna()


def _bins_by_seed(trials: Frame, method: str) -> Column:
    """The mean of NDB/K over the numbers of bins, where each was measured."""
    return pd.DataFrame({column: _by_seed(trials, method, column) for column in BINS}).dropna().mean(axis=1)


def _pair(what: str, ours: Column, theirs: Column, target: Target) -> Comparison:
    """A difference, seed by seed, where both were measured."""
    return Comparison(what, mean_of((ours - theirs).dropna()), target)


def _claim(
    where: str,
    said: str,
    source: str,
    comparisons: Sequence[Comparison],
    statements: Sequence[str] = (),
    kind: Kind | None = None,
) -> Claim:
    return Claim(
        where,
        said,
        source,
        trials=2 * max((each.found.n for each in comparisons), default=0),
        comparisons=comparisons,
        statements=statements,
        kind=kind,
    )


def _ratio(where: str, trials: Frame, least: float) -> Claim:
    """By differences and not by ratios: an unbiased MMD close to its null may be negative."""
    first, plus = (_by_seed(trials, method, MMD) for method in (ONE, PLUS))
    compared = _pair(
        f"MMD of the first stage's samples less {least:g} times VAE+'s", first, least * plus, at_least(0.0)
    )
    return _claim(where, f"samples of VAE+ are at least {least:g} times closer to the data", SECOND, [compared])


def _better(where: str, trials: Frame, of_data: Frame, other: str) -> list[Claim]:
    """By both kinds of metric. WAE has no γ, so every first stage is compared with the same one."""
    theirs = of_data if other == WAE else trials
    distances = (_by_seed(trials, PLUS, FRECHET), _by_seed(theirs, other, FRECHET))
    shares = (_bins_by_seed(trials, PLUS), _bins_by_seed(theirs, other))
    by_distance = _pair(f"FD, VAE+ less {other}", *distances, below(0.0))
    by_bins = _pair(f"mean NDB/K, VAE+ less {other}", *shares, below(0.0))
    better = f"samples of VAE+ are better than {other}'s"
    return [
        _claim(where, f"{better}, by the Fréchet distance of random features", TABLES, [by_distance], ["B21"]),
        _claim(where, f"{better}, by NDB/K, {OVER_BINS}", TABLES, [by_bins], ["B24"]),
    ]


def _no_better(where: str, trials: Frame) -> Claim:
    """Each method's samples against the reconstructions of the network that encodes: the first stage's for VAE+."""
    methods = [method for method in (WAE, ONE, PLUS) if len(_by_seed(trials, method, FRECHET))] or [ONE, PLUS]
    compared = [
        _pair(
            f"FD, samples of {method} less reconstructions",
            _by_seed(trials, method, FRECHET),
            _by_seed(trials, ONE if method == PLUS else method, f"{FRECHET}_recon"),
            at_least(0.0),
        )
        for method in methods
    ]
    return _claim(where, "samples are no better than reconstructions", TABLES, compared, ["B22"])


def _nearly(where: str, trials: Frame) -> Claim:
    ratio = _by_seed(trials, PLUS, FRECHET) / _by_seed(trials, ONE, f"{FRECHET}_recon")
    compared = Comparison("FD, samples over reconstructions", mean_of(ratio.dropna()), at_most(NEARLY))
    return _claim(where, "samples of VAE+ are nearly as good as reconstructions", TABLES, [compared], ["B22"])


def _sparsest(data: str, trials: Frame, distances: Sequence[str]) -> list[Claim]:
    """VAE+ after a balanced first stage against VAE+ after one that keeps every latent active."""
    sides = {first: trials[trials["first"].eq(first)] for first in (BALANCED, UNDER)}

    def less(column: str, what: str) -> Comparison:
        balanced, under = (_by_seed(side, PLUS, column) for side in sides.values())
        return _pair(f"{what}, after the balanced one less after the other", balanced, under, below(0.0))

    asked = "are samples of VAE+ better after the sparsest first stage than after one that uses all latents"
    found = [
        _claim(
            data, f"{asked}, by {COLUMNS[column]}?", SLIDES, [less(column, COLUMNS[column])], ["S4", "D10"], QUESTION
        )
        for column in distances
    ]
    if distances == [FRECHET]:
        balanced, under = (_bins_by_seed(side, PLUS) for side in sides.values())
        by_bins = _pair("mean NDB/K, after the balanced one less after the other", balanced, under, below(0.0))
        asked += f", by NDB/K, {OVER_BINS}?"
        found.append(_claim(data, asked, SLIDES, [by_bins], ["S4", "D10"], QUESTION))
    return found


def _downsampled(data: str, trials: Frame) -> list[Claim]:
    """Real pictures, shrunk and enlarged: their scores follow from the seed alone, so each seed counts once."""
    once = trials[trials["status"].eq("finished")].drop_duplicates("seed").set_index("seed")

    def of(column: str) -> Column:
        return once[column].astype(float).dropna() if column in once else pd.Series(dtype=float)

    far = _pair("FD less that of untouched ones", of(f"{FRECHET}_downsampled"), of(f"{FRECHET}_null"), above(0.0))
    bins = [
        Comparison(f"NDB/K, {what}", mean_of(of(f"{column}_downsampled")), at_most(BY_CHANCE))
        for column, what in BINS.items()
    ]
    said = "real pictures, shrunk to half their size and enlarged, are farther by Fréchet distance than untouched ones"
    asked = "are real pictures, shrunk to half their size and enlarged, no farther than chance by NDB?"
    return [_claim(data, said, TABLES, [far], ["B23"]), _claim(data, asked, TABLES, bins, ["B23"], QUESTION)]


@vaeplus.sheets
def sheets(view: View) -> list[Sheet]:
    """Tables 3 and 4 of the source: reconstruction and samples, each method and the null."""
    finished = view.trials[view.trials["status"].eq("finished")]
    rows = []
    for (data,), of_data in cells(finished, view.header, ["data"]):
        measured = [column for column in COLUMNS if column in of_data and of_data[column].notna().any()]
        place = {"data": label_text(data), "first": "—"}
        rows.append(place | {"method": "real examples"} | _nulls(of_data, measured, "null"))
        if any(f"{column}_downsampled" in of_data for column in measured):
            rows.append(place | {"method": "shrunk and enlarged"} | _nulls(of_data, measured, "downsampled"))
        for (first, method), trials in cells(of_data, view.header, ["first", "method"]):
            place = {"data": label_text(data), "first": str(first), "method": str(method)}
            first_stage = of_data[of_data["method"].eq(ONE) & of_data["first"].eq(first)]
            encoder = first_stage if method == PLUS else trials
            rows.append(place | _quality(encoder) | _samples(trials, measured, has_samples=method != PLAIN))
    caption = (
        "Reconstruction (of the first stage, for VAE+) and samples against the test set: mean ± half-width of the 95 % "
        "t-interval over seeds; real examples: the score of held-out training examples in place of samples, untouched, and "
        "shrunk to half their size and enlarged again"
    )
    return [Sheet("methods", caption, pd.DataFrame(rows).fillna("—"))]


def _quality(trials: Frame) -> dict[str, str]:
    columns = {"NRE": "nre_data_test", "FD of reconstructions": _reconstruction_column(trials)}
    return {heading: str(_interval(trials, column)) for heading, column in columns.items()} | {
        "seeds": str(len(trials))
    }


def _reconstruction_column(trials: Frame) -> str:
    return "fd_conv_recon" if "fd_conv_recon" in trials and trials["fd_conv_recon"].notna().any() else "fd_x_recon"


def _samples(trials: Frame, measured: list[str], has_samples: bool) -> dict[str, str]:
    return {COLUMNS[column]: str(_interval(trials, column)) if has_samples else "—" for column in measured}


def _nulls(trials: Frame, measured: list[str], name: str) -> dict[str, str]:
    """A null depends on the seed alone, so each seed counts once."""
    once = trials.drop_duplicates("seed")
    return {COLUMNS[column]: str(_interval(once, f"{column}_{name}")) for column in measured}


def _interval(trials: Frame, column: str) -> Interval:
    return t_interval(trials.get(column, []))
