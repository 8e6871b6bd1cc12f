"""The trials of beta_input by data set and γ mode: points of both curves, the γ of each β, and the second VAEs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from analysis.fit.area import Area, area
from analysis.frames.declaration import data_kind
from analysis.frames.types import Column, Frame
from analysis.frames.view import View
from analysis.tables.cells import ENOUGH, cells, label_text
from analysis.theory import Modes, learned_gamma, modes_of_spectrum
from analysis.theory import rate_distortion as theory
from study.catalog.beta_input.table import FIRST, LEARNED, SECOND, SEPARATE, TOLD


@dataclass(frozen=True)
class BothWays:
    """One data set and γ mode; `points` has a row per point: `way`, `beta`, `seed`, `rate` in nats, `distortion` and the
    γ that belongs to that β, `gamma`, in data²."""

    data: str
    mode: str
    is_linear: bool
    modes: Modes
    d: int
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

    def gamma_star(self, betas: np.ndarray) -> np.ndarray:
        """The γ that a linear network learns at these β, in data²."""
        return learned_gamma.gamma_star(self.modes, betas, self.kappa)

    @property
    def is_learned(self) -> bool:
        """Whether γ is learned."""
        return self.mode == LEARNED

    @property
    def trials(self) -> int:
        """Trainings behind the points."""
        told = self.points[self.points["way"].eq(TOLD)]["seed"].nunique()
        return int(self.points["way"].eq(SEPARATE).sum()) + told

    @property
    def lacks(self) -> str:
        """Why the trials do not suffice, if they do not: two thirds of the declared points, of both ways."""
        if set(self.points["way"]) != {SEPARATE, TOLD}:
            return "points of one way alone were measured"
        if len(self.points) < ENOUGH * self.declared:
            return f"{len(self.points)} of {self.declared} points were measured"
        return ""

    @property
    def share_of_steps(self) -> float:
        """Steps of the conditioned VAE, as a share of those of all separate trainings."""
        return self.steps.get(TOLD, 0) / max(self.steps.get(SEPARATE, 0), 1)

    @cached_property
    def areas(self) -> list[Area]:
        """The areas between the conditioned VAE's curve and the separate VAEs', seed by seed."""
        separate, told = (self.points[self.points["way"].eq(way)] for way in (SEPARATE, TOLD))
        return areas_between(self, separate, told)

    @property
    def reach(self) -> Column:
        """The conditioned VAE's rate at the lowest β, as a share of the separate VAE's, seed by seed."""
        lowest = self.points[self.points["beta"].eq(self.points["beta"].min())]
        table = lowest.pivot_table(index="seed", columns="way", values="rate")
        return table[TOLD] / table[SEPARATE] if table.shape[1] == 2 else pd.Series(dtype=float)

    @property
    def pairs(self) -> Frame:
        """The second VAEs' MMD of both ways by β and seed, and of the prior to the conditioned VAE's q(z)."""
        sides = {way: own.set_index(["beta", "seed"]) for way, own in self.second.groupby("way")}
        if set(sides) != {SEPARATE, TOLD}:
            return pd.DataFrame(columns=["beta", "seed", SEPARATE, TOLD, "prior"])
        found = sides[TOLD][["mmd", "prior"]].rename(columns={"mmd": TOLD})
        return found.join(sides[SEPARATE]["mmd"].rename(SEPARATE), how="inner").reset_index()


def areas_between(of: BothWays, one: Frame, other: Frame) -> list[Area]:
    """The areas between the curves through two sets of points of one data set, for each seed that has both."""
    found = []
    for seed in sorted({*one["seed"]} & {*other["seed"]}):
        sides = [side[side["seed"].eq(seed)] for side in (one, other)]
        if min(map(len, sides)) >= 2:
            curves = [(side["rate"].to_numpy(), side["distortion"].to_numpy()) for side in sides]
            found.append(area(curves[0], curves[1], of.theory))
    return found


def both_ways(view: View) -> Iterator[BothWays]:
    """Every data set and γ mode with points of at least one way."""
    for (data, mode), declared in cells(view.trials, view.header, ["data", "mode"]):
        done = declared[declared["status"].eq("finished")]
        if done.empty:
            continue
        first, second = (done[done["network"].eq(network)] for network in (FIRST, SECOND))
        wanted = declared[declared["network"].eq(FIRST)]
        separate = wanted[wanted["way"].eq(SEPARATE)]
        steps = {
            way: int(first[first["way"].eq(way)].groupby("seed")["steps"].sum().max() or 0)
            for way in first["way"].unique()
        }
        yield BothWays(
            label_text(data),
            str(mode),
            data_kind(done) == "LinearSubspace",
            modes_of_spectrum(view.spectrum(str(done["data_id"].iloc[0]))),
            int(done["d"].iloc[0]),
            int(done["kappa"].iloc[0]),
            pd.concat([_own_points(first), _told_points(first)], ignore_index=True),
            steps,
            len(separate) + wanted[wanted["way"].eq(TOLD)]["seed"].nunique() * separate["beta"].nunique(),
            _second_points(first, second),
        )


def at_betas(trials: Frame, metric: str) -> Iterator[tuple[object, float, float]]:
    """(seed, β, value) of a metric measured at several β of one network."""
    for column in trials.columns[
        trials.columns.str.startswith(f"{metric}/beta ") & ~trials.columns.str.endswith("_se")
    ]:
        beta = float(str(column).rpartition(" ")[2])
        for seed, value in zip(trials["seed"], trials[column], strict=True):
            yield seed, beta, float(value)


def _own_points(trials: Frame) -> Frame:
    own = trials[trials["way"].eq(SEPARATE)]
    measured = {"rate": own["rate_train"], "distortion": own["distortion_train"], "gamma": own["gamma_value"]}
    return own[["way", "beta", "seed"]].assign(**measured)


def _told_points(trials: Frame) -> Frame:
    told = trials[trials["way"].eq(TOLD)]
    sides = [
        pd.DataFrame(at_betas(told, metric), columns=["seed", "beta", name]).set_index(["seed", "beta"])
        for metric, name in (("rate_train", "rate"), ("distortion_train", "distortion"), ("gamma", "gamma"))
    ]
    found = sides[0].join(sides[1]).dropna().join(sides[2]).reset_index()
    fixed = found["seed"].map(told.set_index("seed")["gamma_value"])  # which a network of one γ has at every β
    return found.assign(way=TOLD, gamma=found["gamma"].fillna(fixed))


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


def by_data(every: Sequence[BothWays]) -> dict[str, dict[str, BothWays]]:
    """Data set → γ mode → what there is of it."""
    found: dict[str, dict[str, BothWays]] = {}
    for one in every:
        found.setdefault(one.data, {})[one.mode] = one
    return found
