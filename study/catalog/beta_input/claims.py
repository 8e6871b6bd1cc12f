"""beta_input: one VAE conditioned on β against separate VAEs, each trained at one β.

The conditioned VAE gives its rate and distortion at every β of the table with one set of weights; each point of the
separate VAEs takes a training. One claim compares the curves seed by seed, over the rates that both reach; another asks
whether the conditioned VAE reaches the highest rates. Distortions are those of the training set, one draw of z per example.

The measure of a second VAE is the MMD in code space from its samples to draws of q(z) at the same β. The claims compare it
with a second VAE trained at that β alone, and with the prior that it replaces.

Source: Dosovitskiy & Djolonga (2020), networks conditioned on the weights of their loss; Dai & Wipf (2019) for the second
VAE. The limits of 5 % and of a tenth of the steps are this study's own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from analysis.claims import topics
from analysis.claims.claim import Claim, judge
from analysis.figures.drawing import Drawing
from analysis.fit.area import Area, area
from analysis.frames.types import Frame
from analysis.frames.view import View
from analysis.tables.cells import ENOUGH, cells, label_text
from analysis.tables.interval import Interval, number, t_interval
from analysis.tables.sheet import Sheet
from analysis.theory import Modes, modes_of_spectrum
from analysis.theory import rate_distortion as theory
from study.catalog.beta_input.figures import figures
from study.catalog.beta_input.table import FIRST, SECOND, SEPARATE, TOLD, beta_input

AREA = 0.05
"""Largest area between the curves, as a share of the area under the separate VAEs' curve."""

STEPS = 0.1
"""Most steps of the conditioned VAE, as a share of those of all separate trainings."""

REACH = 0.9
"""Least rate of the conditioned VAE at the lowest β, as a share of the separate VAE's."""

MMD_MORE = 0.001
"""How much further from q(z) the conditioned second VAE's samples may lie, in MMD: twice the deviation of its null."""

FEWEST = 3
"""Seeds that a comparison needs."""

CONDITIONED = "Dosovitskiy & Djolonga (2020); the limits of 5 % and a tenth are this study's own"


@dataclass(frozen=True)
class BothWays:
    """One data set; `points` has a row per point: `way`, `beta`, `seed`, `rate` in nats, `distortion` in data²."""

    data: str
    modes: Modes
    kappa: int
    points: Frame
    steps: dict[str, int]
    """Training steps of all points of one seed, by way."""
    declared: int
    second: Frame
    """`way`, `beta`, `seed`, and the MMD to q(z): `mmd` of second VAEs' samples, `prior` of the prior."""

    def theory(self, rates: np.ndarray) -> np.ndarray:
        """R of reverse water-filling at these rates: the optimum of a linear network."""
        return theory.distortion_at_rate(self.modes, np.maximum(rates, 0), self.kappa)

    @property
    def trials(self) -> int:
        """Trainings behind the points."""
        told = self.points[self.points["way"].eq(TOLD)]["seed"].nunique()
        return int(self.points["way"].eq(SEPARATE).sum()) + told

    @property
    def enough(self) -> bool:
        """Whether two thirds of the declared points exist, with enough seeds both ways."""
        seeds = self.points.groupby("way")["seed"].nunique()
        return len(self.points) >= ENOUGH * self.declared and len(seeds) == 2 and int(seeds.min()) >= FEWEST

    @cached_property
    def areas(self) -> list[Area]:
        """The areas between the conditioned VAE's curve and the separate VAEs', seed by seed."""
        found = []
        for _, own in self.points.groupby("seed"):
            sides = [own[own["way"].eq(way)] for way in (SEPARATE, TOLD)]
            if min(map(len, sides)) >= 2:
                curves = [(side["rate"].to_numpy(), side["distortion"].to_numpy()) for side in sides]
                found.append(area(curves[0], curves[1], self.theory))
        return found

    @property
    def reach(self) -> Interval:
        """The conditioned VAE's rate at the lowest β, as a share of the separate VAE's."""
        lowest = self.points[self.points["beta"].eq(self.points["beta"].min())]
        table = lowest.pivot_table(index="seed", columns="way", values="rate")
        return t_interval(table[TOLD] / table[SEPARATE]) if table.shape[1] == 2 else t_interval([])


@beta_input.claims
def claims(view: View) -> list[Claim]:
    """The claims of the study, one data set after the other."""
    return [claim for one in both_ways(view) for claim in judgements(one)]


def judgements(one: BothWays) -> list[Claim]:
    """The claims about one data set."""
    found = [_curve(one), _reach(one)]
    return [*found, _samples(one), _worth_it(one)] if len(one.second) else found


@beta_input.figures
def drawings(view: View) -> list[Drawing]:
    """Both curves with theory under them, and the second VAEs."""
    return figures([one for one in both_ways(view) if len(one.points)])


@beta_input.sheets
def sheets(view: View) -> list[Sheet]:
    """Rate and distortion at each β, both ways: means over seeds."""
    rows = []
    for one in both_ways(view):
        for beta, own in one.points.groupby("beta"):
            row = {"data": one.data, "β": number(float(str(beta)))}
            for way in (SEPARATE, TOLD):
                side = own[own["way"].eq(way)]
                row |= {f"rate, {way}": str(t_interval(side["rate"])), f"R, {way}": str(t_interval(side["distortion"]))}
            rows.append(row)
    caption = "Rate (nats) and distortion R (data²), training set: mean ± half-width of the 95 % t-interval over seeds"
    return [Sheet("points", caption, pd.DataFrame(rows))] if rows else []


def both_ways(view: View) -> Iterator[BothWays]:
    """Every data set with points of at least one way."""
    trials = view.trials
    for (data,), declared in cells(trials, view.header, ["data"]):
        done = declared[declared["status"].eq("finished")]
        if done.empty:
            continue
        first, second = (done[done["network"].eq(network)] for network in (FIRST, SECOND))
        points = pd.concat([_own_points(first), _told_points(first)], ignore_index=True)
        modes = modes_of_spectrum(view.spectrum(str(done["data_id"].iloc[0])))
        wanted = declared[declared["network"].eq(FIRST)]
        separate = wanted[wanted["way"].eq(SEPARATE)]
        steps = {
            way: int(first[first["way"].eq(way)].groupby("seed")["steps"].sum().max() or 0)
            for way in first["way"].unique()
        }
        yield BothWays(
            label_text(data),
            modes,
            int(done["kappa"].iloc[0]),
            points,
            steps,
            2 * len(separate),
            _second_points(first, second),
        )


def _own_points(trials: Frame) -> Frame:
    own = trials[trials["way"].eq(SEPARATE)]
    return own[["way", "beta", "seed"]].assign(rate=own["rate_train"], distortion=own["distortion_train"])


def at_betas(trials: Frame, metric: str) -> Iterator[tuple[object, float, float]]:
    """(seed, β, value) of a metric measured at several β of one network."""
    for column in trials.columns[
        trials.columns.str.startswith(f"{metric}/beta ") & ~trials.columns.str.endswith("_se")
    ]:
        beta = float(str(column).rpartition(" ")[2])
        for seed, value in zip(trials["seed"], trials[column], strict=True):
            yield seed, beta, float(value)


def _told_points(trials: Frame) -> Frame:
    told = trials[trials["way"].eq(TOLD)]
    sides = [
        pd.DataFrame(at_betas(told, metric), columns=["seed", "beta", name]).set_index(["seed", "beta"])
        for metric, name in (("rate_train", "rate"), ("distortion_train", "distortion"))
    ]
    return sides[0].join(sides[1]).dropna().reset_index().assign(way=TOLD)


def _second_points(first: Frame, second: Frame) -> Frame:
    """Both ways at the β of the separate second VAEs, each beside the distance of its own q(z) to the prior."""
    key, betas = ["way", "beta", "seed"], set(second.loc[second["way"].eq(SEPARATE), "beta"])
    sides = [_mmd(second, "mmd_codes", "mmd_codes"), _mmd(first, "mmd", "mmd_imq")]
    found = [side[side["beta"].isin(betas)].set_index(key)["value"] for side in sides]
    return pd.DataFrame({"mmd": found[0], "prior": found[1]}).dropna().reset_index()


def _mmd(trials: Frame, own: str, metric: str) -> Frame:
    """The column `own` of the separate trials, and `metric` of the conditioned ones at each β."""
    separate = trials[trials["way"].eq(SEPARATE)]
    separate = separate[["way", "beta", "seed"]].assign(value=separate.get(own, np.nan))
    told = at_betas(trials[trials["way"].eq(TOLD)], metric)
    rows = pd.DataFrame(told, columns=["seed", "beta", "value"]).assign(way=TOLD)
    return pd.concat([separate, rows[["way", "beta", "seed", "value"]]], ignore_index=True)


def _curve(one: BothWays) -> Claim:
    signed, unsigned = (t_interval(getattr(found, kind) for found in one.areas) for kind in ("signed", "unsigned"))
    share = one.steps.get(TOLD, 0) / max(one.steps.get(SEPARATE, 0), 1)
    return _claim(
        one,
        f"one VAE conditioned on β stays within {AREA:.0%} of the separate VAEs' curve, with {STEPS:.0%} of their steps",
        "an area of 0",
        f"{unsigned} of the area under the separate VAEs' curve; signed {signed}; {share:.1%} of the steps",
        f"the 95 % t-interval of the area over seeds ends below {AREA:.0%}, and steps are at most {STEPS:.0%}",
        unsigned.high <= AREA and 0 < share <= STEPS,
        one.enough and unsigned.n >= FEWEST,
    )


def _reach(one: BothWays) -> Claim:
    reach = one.reach
    return _claim(
        one,
        "it also reaches the rate at the lowest β",
        "the rate of the separate VAE at the same β",
        f"{reach} times that",
        f"the 95 % t-interval over seeds lies above {REACH:g}",
        reach.low >= REACH,
        one.enough and reach.n >= FEWEST,
    )


def _paired(one: BothWays) -> Frame:
    """MMD of both ways by β and seed, and of the prior to the conditioned VAE's q(z)."""
    sides = {way: own.set_index(["beta", "seed"]) for way, own in one.second.groupby("way")}
    if set(sides) != {SEPARATE, TOLD}:
        return pd.DataFrame(columns=["beta", "seed", SEPARATE, TOLD, "prior"])
    found = sides[TOLD][["mmd", "prior"]].rename(columns={"mmd": TOLD})
    return found.join(sides[SEPARATE]["mmd"].rename(SEPARATE), how="inner").reset_index()


def _samples(one: BothWays) -> Claim:
    pairs = _paired(one)
    more = t_interval((pairs[TOLD] - pairs[SEPARATE]).groupby(pairs["seed"]).mean().astype(float))
    means = {way: number(float(pairs[way].mean())) for way in (SEPARATE, TOLD)}
    return _claim(
        one,
        "a second VAE conditioned on β samples q(z) as well as second VAEs trained at one β each",
        "MMD to q(z) no larger",
        f"told − separate {more}; on average {means[TOLD]} told, {means[SEPARATE]} separate",
        f"the paired 95 % t-interval over seeds ends below {MMD_MORE:g}",
        more.high <= MMD_MORE,
        more.n >= FEWEST,
    )


def _worth_it(one: BothWays) -> Claim:
    """Against the prior's distance to the same q(z): what sampling without a second VAE gives."""
    pairs = _paired(one)
    less = t_interval((pairs[TOLD] - pairs["prior"]).groupby(pairs["seed"]).mean().astype(float))
    by_beta = pairs.groupby("beta")[[TOLD, "prior"]].mean()
    told = ", ".join(
        f"β {beta:g}: {number(row[TOLD])} against {number(row['prior'])}" for beta, row in by_beta.iterrows()
    )
    return _claim(
        one,
        "its samples are nearer to q(z) than samples of the prior",
        "MMD to q(z) smaller than the prior's",
        f"told − prior {less}; {told or 'not measured'}",
        "the paired 95 % t-interval over seeds lies below 0",
        less.high < 0,
        less.n >= FEWEST,
    )


def _claim(
    one: BothWays, claim: str, expected: str, measured: str, tolerance: str, agrees: bool, enough: bool
) -> Claim:
    verdict = judge(agrees, enough)
    return Claim(one.data, claim, CONDITIONED, expected, measured, tolerance, verdict, one.trials, topics.BETA_INPUT)
