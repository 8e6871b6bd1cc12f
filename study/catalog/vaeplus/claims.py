"""vaeplus: samples of a second VAE on the latents of a first one, against the first one's own and WAE-MMD's.

Each sample metric is compared with its null: the score of held-out real examples in place of samples, a row that the
published tables call *Downsample*. Reconstructions are the first stage's: VAE+ changes where samples come from, not how
examples are encoded.

Source: "On the regularization balance in autoencoder-based generative models", tables 3 and 4; Dai & Wipf (2019) for the
second stage.
"""

from dataclasses import dataclass

import pandas as pd

from analysis.claims import topics
from analysis.claims.claim import Claim, judge
from analysis.frames.load import Header
from analysis.frames.types import Frame
from analysis.frames.view import View
from analysis.tables.cells import cells, label_text
from analysis.tables.interval import Interval, number, t_interval
from analysis.tables.sheet import Sheet
from study.catalog.vaeplus.table import BALANCED, ONE, PLAIN, PLUS, UNDER, WAE, vaeplus

TABLES = "On the regularization balance in autoencoder-based generative models, tables 3 and 4"
SECOND = "Dai & Wipf (2019), section 4"

BETTER = {UNDER: 10.0, BALANCED: 2.0}
"""Least ratio of the first stage's MMD to that of VAE+, on planted data."""

FEWEST = 3
"""Seeds that a claim needs."""


@dataclass(frozen=True)
class Metric:
    """A sample metric: its column and its heading. Smaller is better."""

    column: str
    heading: str


PLANTED = (Metric("mmd_x", "MMD in data space"),)
IMAGES = (Metric("fd_conv", "FD of random features"), Metric("ndb_100", "NDB/K, K = 100"))

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
        planted = bool(of_data["intrinsic_dim"].notna().any())
        for (first,), trials in cells(of_data, header, ["first"]):
            where = f"{label_text(data)}, {first} first stage"
            if planted and str(first) in BETTER:
                found.append(_ratio(where, trials, BETTER[str(first)]))
            for metric in () if planted else IMAGES:
                found += [_below(where, trials, of_data, other, metric) for other in (ONE, WAE)]
    return found


def _by_seed(trials: Frame, method: str, column: str) -> pd.Series:
    done = trials[trials["method"].eq(method) & trials["status"].eq("finished")]
    values = done.set_index("seed")[column] if column in done else pd.Series(dtype=float)
    return values.dropna()


def _ratio(where: str, trials: Frame, least: float) -> Claim:
    """Compares means over seeds, as an unbiased MMD close to its null may be negative."""
    (metric,) = PLANTED
    first, plus = (_by_seed(trials, method, metric.column) for method in (ONE, PLUS))
    ratio = first.mean() / plus.mean() if len(plus) and plus.mean() > 0 else float("inf")
    return Claim(
        data=where,
        claim=f"samples of VAE+ are at least {least:g} times closer to the data than the first stage's",
        source=SECOND,
        expected=f"MMD of the VAE over that of VAE+ ≥ {least:g}",
        measured=f"{number(first.mean())} over {number(plus.mean())}: {number(ratio)} times",
        tolerance="means over seeds",
        verdict=judge(ratio >= least, min(len(first), len(plus)) >= FEWEST),
        trials=len(first) + len(plus),
        topic=topics.TWO_STAGES,
    )


def _below(where: str, trials: Frame, of_data: Frame, other: str, metric: Metric) -> Claim:
    """WAE has no γ, so every first stage is compared with the same one."""
    plus = _by_seed(trials, PLUS, metric.column)
    against = _by_seed(of_data if other == WAE else trials, other, metric.column)
    difference = t_interval((plus - against).dropna())
    return Claim(
        data=where,
        claim=f"samples of VAE+ are better than {other}'s, by {metric.heading}",
        source=TABLES,
        expected=f"{metric.heading} of VAE+ below that of {other}",
        measured=f"{number(plus.mean())} against {number(against.mean())}, paired difference {difference}",
        tolerance="the paired 95 % t-interval lies below 0",
        verdict=judge(difference.high < 0, difference.n >= FEWEST),
        trials=len(plus) + len(against),
        topic=topics.TWO_STAGES,
    )


@vaeplus.sheets
def sheets(view: View) -> list[Sheet]:
    """Tables 3 and 4 of the source: reconstruction and samples, each method and the null."""
    finished = view.trials[view.trials["status"].eq("finished")]
    rows = []
    for (data,), of_data in cells(finished, view.header, ["data"]):
        measured = [column for column in COLUMNS if column in of_data and of_data[column].notna().any()]
        rows.append({"data": label_text(data), "first": "—", "method": "real examples"} | _nulls(of_data, measured))
        for (first, method), trials in cells(of_data, view.header, ["first", "method"]):
            place = {"data": label_text(data), "first": str(first), "method": str(method)}
            first_stage = of_data[of_data["method"].eq(ONE) & of_data["first"].eq(first)]
            encoder = first_stage if method == PLUS else trials
            rows.append(place | _quality(encoder) | _samples(trials, measured, has_samples=method != PLAIN))
    caption = (
        "Reconstruction (of the first stage, for VAE+) and samples against the test set: mean ± half-width of the 95 % "
        "t-interval over seeds; real examples: the score of held-out training examples in place of samples"
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


def _nulls(trials: Frame, measured: list[str]) -> dict[str, str]:
    """The null depends on the seed alone, so each seed counts once."""
    once = trials.drop_duplicates("seed")
    return {COLUMNS[column]: str(_interval(once, f"{column}_null")) for column in measured}


def _interval(trials: Frame, column: str) -> Interval:
    return t_interval(trials.get(column, []))
