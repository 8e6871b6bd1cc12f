"""rate_distortion: do a fixed and a learned γ trace the same rate-distortion curve as β varies?

At a level g = βγ a VAE minimises R + 2gK, and a learned γ = R/d is only another level. So both sweeps reach the same points,
each at a β of its own: on linear data reverse water-filling, on images a curve that depends on the networks, with slope −2βγ
at every point. The two can differ only in where training ends.

On linear data, distortions are exact expectations (see `analysis.claims.linear_optimum`); on images they use one draw of z
for each example. All are measured on the training set, over which J is minimised. Areas are computed seed by seed; what two
seeds of one way to set γ differ by is no difference between the ways.

On the digits the ways do differ, and neither curve has its slope everywhere: these networks are not at their minimum. At
the highest rates a learned γ is ahead, as it finds better solutions than a small βγ from the start (`gamma_star`). Three
times the steps lower both curves there by a tenth and halve the difference, but some 2 % of area stay between them.

Source: Rybkin, Daniilidis & Levine (2021), for a γ that is learned beside β; Cover & Thomas (2006), section 10.3.3, for the
curve of linear data; the rest is derived.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import pandas as pd

from analysis.claims.claim import Claim
from analysis.claims.comparison import Comparison, at_most
from analysis.claims.estimate import mean_of
from analysis.claims.lacks import too_few
from analysis.figures.drawing import Drawing
from analysis.fit.area import Area, area
from analysis.frames.declaration import data_kind
from analysis.frames.types import Column, Frame
from analysis.frames.view import View
from analysis.tables.cells import cells, label_text
from analysis.tables.interval import t_interval
from analysis.tables.sheet import Sheet
from analysis.theory import Modes, modes_of_spectrum
from analysis.theory import rate_distortion as theory
from study.catalog.rate_distortion.figures import figures
from study.catalog.rate_distortion.table import rate_distortion

FIXED, LEARNED = "fixed", "learned"
"""How γ is set, as `gamma_mode` records it."""

ON_CURVE = 0.01
"""Largest |R − R_wf(K)|, as a fraction of T."""

AREA = 0.01
"""Largest area between the two curves beyond that between two seeds, as a fraction of the area under that of the fixed γ."""

SLOPE = 0.1
"""Relative tolerance on the slope of a curve, between any two neighbouring points."""

DERIVED = "derived: a minimum of J, γ fixed or learned, minimises R + 2gK with g = βγ"


@dataclass(frozen=True)
class BothCurves:
    """The trials of one data set, and the linear theory of its training set."""

    data: str
    linear: bool
    modes: Modes
    kappa: int
    declared: int
    trials: Frame
    """Converged trials, with `rate` in nats and `distortion` in data² of the training set."""

    @property
    def lacks(self) -> str:
        """What is missing where less than two thirds of the declared trials have converged."""
        return too_few(len(self.trials), self.declared)

    def theory(self, rates: np.ndarray) -> np.ndarray:
        """R of reverse water-filling at these rates: the optimum of a linear network."""
        return theory.distortion_at_rate(self.modes, np.maximum(rates, 0), self.kappa)

    @cached_property
    def away(self) -> Column:
        """R − R_wf(K) of each trial, as a fraction of T."""
        return (self.trials["distortion"] - self.theory(self.trials["rate"].to_numpy())) / self.modes.total

    @cached_property
    def areas(self) -> list[Area]:
        """Areas between the curves of the learned and the fixed γ, for each seed with at least two points of both."""
        return [self._area((FIXED, seed), (LEARNED, seed)) for seed in self._seeds]

    @cached_property
    def beyond_seeds(self) -> list[float]:
        """The unsigned area of each seed, less the mean of those between it and other seeds of the same way to set γ."""
        found = []
        for seed, between in zip(self._seeds, self.areas, strict=True):
            others = [other for other in self._seeds if other != seed]
            same = [self._area((mode, seed), (mode, other)).unsigned for mode in (FIXED, LEARNED) for other in others]
            found.append(between.unsigned - float(np.mean(same)) if same else np.nan)
        return found

    @cached_property
    def _seeds(self) -> list[int]:
        sizes = self.trials.groupby(["seed", "gamma_mode"]).size().unstack(fill_value=0)
        enough = sizes.reindex(columns=[FIXED, LEARNED], fill_value=0).ge(2).all(axis=1)
        return [int(seed) for seed in sizes.index[enough]]

    def _area(self, one: tuple[str, int], other: tuple[str, int]) -> Area:
        """Between two curves, each named by how γ is set and by its seed."""
        first, second = (
            self.trials[self.trials["gamma_mode"].eq(m) & self.trials["seed"].eq(s)] for m, s in (one, other)
        )
        points = [(side["rate"].to_numpy(), side["distortion"].to_numpy()) for side in (first, second)]
        return area(points[0], points[1], self.theory)

    @cached_property
    def slopes(self) -> Frame:
        """ΔR/ΔK between neighbouring β, divided by −2g, by mode and seed; g is the logarithmic mean of the two βγ."""
        rows = []
        for (mode, seed), own in self.trials.groupby(["gamma_mode", "seed"]):
            own = own.sort_values("beta")
            ends = own[["rate", "distortion", "gamma_eff"]].to_numpy(float)
            for (r0, d0, g0), (r1, d1, g1) in pairwise(ends):
                level = (g1 - g0) / np.log(g1 / g0)
                rows.append((mode, seed, (d1 - d0) / (r1 - r0) / (-2 * level)))
        return pd.DataFrame(rows, columns=["mode", "seed", "ratio"])


@rate_distortion.claims
def claims(view: View) -> list[Claim]:
    """The claims of the study, one data set after the other."""
    return [claim for one in both_curves(view) for claim in judgements(one)]


def judgements(one: BothCurves) -> list[Claim]:
    """The claims about one data set."""
    return [_on_the_curve(one), _same_curve(one)] if one.linear else [_same_curve(one), _slope(one)]


@rate_distortion.figures
def drawings(view: View) -> list[Drawing]:
    """Both curves beside theory, and their distance from it."""
    return figures([one for one in both_curves(view) if len(one.trials)])


@rate_distortion.sheets
def sheets(view: View) -> list[Sheet]:
    """Rate, distortion and γ at each β: means over seeds."""
    rows = []
    for one in both_curves(view):
        for (mode, beta), own in one.trials.groupby(["gamma_mode", "beta"]):
            measured = {"rate, nats": "rate", "distortion": "distortion", "γ": "gamma_value", "βγ": "gamma_eff"}
            texts = {heading: str(t_interval(own[column])) for heading, column in measured.items()}
            rows.append({"data": one.data, "γ mode": mode, "β": f"{beta:g}"} | texts | {"trials": str(len(own))})
    caption = "The points of the curves, training set: mean ± half-width of the 95 % t-interval over seeds"
    return [Sheet("curves", caption, pd.DataFrame(rows))] if rows else []


def both_curves(view: View) -> Iterator[BothCurves]:
    """The converged trials of each data set that has any."""
    for (data,), declared in cells(view.trials, view.header, ["data"]):
        known = declared[declared["converged"]]
        if known.empty:
            continue
        modes = modes_of_spectrum(view.spectrum(str(known["data_id"].iloc[0])))
        linear = data_kind(known) == "LinearSubspace"
        exact = _exact(known, view.latents, modes) if linear else known["distortion_train"]
        trials = known.assign(rate=known["rate_train"], distortion=exact)
        yield BothCurves(label_text(data), linear, modes, int(known["kappa"].iloc[0]), len(declared), trials)


def _exact(trials: Frame, latents: Frame, modes: Modes) -> Column:
    """E‖x − Uz‖² = E‖x − Uμ(x)‖² + Σ_j σ_j²‖u_j‖² for linear networks, without a draw of z."""
    spread = (latents["post_var"] * latents["decoder_norm"] ** 2).groupby(latents["trial_id"]).sum()
    return trials["nre_mean_train"] * modes.total + trials["trial_id"].map(spread)


def _on_the_curve(one: BothCurves) -> Claim:
    farthest = one.away.abs().groupby(one.trials["seed"]).max()
    return Claim(
        one.data,
        "every network lies on the curve of reverse water-filling, γ fixed or learned",
        "Cover & Thomas (2006), section 10.3.3; derived from Wang & Ziyin (2022), eqs. 11-13",
        comparisons=[Comparison("largest |R − R_wf(K)| over β, in T", mean_of(farthest), at_most(ON_CURVE))],
        lacks=one.lacks,
        trials=len(one.trials),
        statements=["S11"],
        kind="derived",
    )


def _same_curve(one: BothCurves) -> Claim:
    signed, unsigned = (mean_of(getattr(found, kind) for found in one.areas) for kind in ("signed", "unsigned"))
    beyond = Comparison(
        "area between them beyond that between two seeds, of that under the fixed γ's",
        mean_of(one.beyond_seeds),
        at_most(AREA),
    )
    return Claim(
        one.data,
        "a fixed and a learned γ trace the same curve: there is no area between them",
        DERIVED,
        measured=f"{beyond}; the area itself {unsigned}; learned − fixed, with its sign, {signed}",
        comparisons=[beyond],
        lacks=one.lacks,
        trials=len(one.trials),
        statements=["S11"],
    )


def _slope(one: BothCurves) -> Claim:
    """dR/dK = −2g for any network at a minimum, by the envelope theorem; for linear networks the whole curve is known."""
    farthest = (one.slopes["ratio"] - 1).abs().groupby([one.slopes["mode"], one.slopes["seed"]]).max().groupby("mode")
    return Claim(
        one.data,
        "the slope of either curve is −2βγ",
        "derived: at a minimum of R + 2gK the slope is dR/dK = −2g, whatever the network",
        comparisons=[
            Comparison(f"ΔR/ΔK over −2βγ, farthest from 1 over β, γ {mode}", mean_of(values), at_most(SLOPE))
            for mode, values in farthest
        ],
        lacks=one.lacks or ("" if len(farthest) == len((FIXED, LEARNED)) else "only one way to set γ has trials"),
        trials=len(one.trials),
    )
