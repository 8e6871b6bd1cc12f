"""grid_gamma: learned against fixed decoder variance, and one stage against two.

The claims compare trials at β = 1 that agree in κ, skip and every other axis. A claim about where training ends needs
converged trials: if fewer than two thirds of its trials converged, or fewer than two exist, the verdict is
`insufficient data`. A claim about what training reaches *from a given start* (a γ fixed below γ* keeps needless latents)
needs convergence only of the trials it compares with, and says how many of its own are still moving. Two-stage trials have
claims of their own.
A claim about planted data holds if every such trial agrees: the tolerance on n_active is zero. On data of unknown dimension
a claim orders means, and holds if the 95 % t-interval over seeds excludes zero.

Source: Dai, Wenliang & Wipf (2021), section 3; Dai & Wipf (2019).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from analysis.claims import topics
from analysis.claims.claim import INSUFFICIENT, Claim, Verdict, judge
from analysis.frames.load import Header
from analysis.frames.types import Column, Frame
from analysis.frames.view import View
from analysis.tables.cells import ENOUGH, cells, enough_converged, label_text, moving
from analysis.tables.interval import Interval, number, t_interval
from study.catalog.grid_gamma.table import GAMMAS, ONE_STAGE, TWO_STAGES, grid_gamma

SOURCE = "Dai, Wenliang & Wipf (2021), section 3"

SMALL_GAMMA = 2e-3
"""A learned γ below this fraction of T/d has explained the data; γ stays at T/d when nothing is encoded."""

MMD_RATIO = 10
"""Least MMD to the prior of an under-regularised aggregate posterior, over that of the learned γ."""


@dataclass(frozen=True)
class _Question:
    """The trials of one data set at β = 1, and what is known about the data."""

    data: str
    trials: Frame
    learned: str
    fixed: dict[str, float]
    refit: str | None
    keys: list[str]
    header: Header

    @cached_property
    def r(self) -> int | None:
        known = self.trials["intrinsic_dim"].dropna()
        return int(known.iloc[0]) if len(known) else None

    @cached_property
    def largest(self) -> float:
        """T/d in data²: the decoder variance when nothing is encoded."""
        ratio = (self.trials["total_variance"] / self.trials["d"]).dropna()
        return float(ratio.iloc[0]) if len(ratio) else math.nan

    def of(self, label: str) -> Frame:
        return self.trials[self.trials["gamma"].eq(label)]

    def paired(self) -> Iterator[tuple[int, Frame, dict[str, Frame]]]:
        """κ, the learned trials and each fixed γ's, for every combination of the other axes."""
        for _, trials in cells(self.trials, self.header, ["kappa", *self.keys]):
            labels = [*self.fixed, *([self.refit] if self.refit else [])]
            by_label = {label: trials[trials["gamma"].eq(label)] for label in labels}
            yield int(trials["kappa"].iloc[0]), trials[trials["gamma"].eq(self.learned)], by_label


@grid_gamma.claims
def claims(view: View) -> list[Claim]:
    """The claims of the study, one data set after the other."""
    return learned_against_fixed(view.trials, view.header) + second_stages(view.trials, view.header)


def learned_against_fixed(frame: Frame, header: Header) -> list[Claim]:
    """The claims about trials with the axes `gamma` and `kappa`; none without a learned and a fixed γ."""
    if not {"gamma", "kappa"} <= header.axes.keys():
        return []
    modes = _modes(frame, header)
    fixed = {label: start for label, (mode, start) in modes.items() if mode == "fixed"}
    learned = next((label for label, (mode, _) in modes.items() if mode == "learned"), None)
    if learned is None or not fixed:
        return []
    refit = next((label for label, (mode, _) in modes.items() if mode == "refit"), None)
    trials = _at_unit_beta(frame, header).copy()
    if "method" in header.axes:
        trials = trials[trials["method"].eq(ONE_STAGE)]
    trials["kappa"] = pd.to_numeric(trials["kappa"], errors="coerce")
    known = trials["data"].dropna().unique()
    if len(known) == 1:  # a study of one data set: trials without a record use it too
        trials["data"] = known[0]
    keys = header.varying("gamma", "kappa", "seed", "data", "beta", "method")
    found = []
    for (data,), group in cells(trials.dropna(subset=["kappa", "data"]), header, ["data"]):
        question = _Question(f"{label_text(data)} at β = 1", group, learned, fixed, refit, keys, header)
        found += _planted(question) if question.r is not None else _relative(question)
    return found


def _planted(q: _Question) -> list[Claim]:
    refits = [_refit_fills(q)] if q.refit else []
    return [_learned_keeps_r(q), _large_gamma_collapses(q), _small_gamma_fills(q), *refits]


def _relative(q: _Question) -> list[Claim]:
    low, small = max(q.fixed, key=lambda label: q.fixed[label]), min(q.fixed, key=lambda label: q.fixed[label])
    return [
        _fewer(q, f"γ {low} over-regularises: fewer active latents than γ {q.learned}", low, sign=-1),
        _fewer(q, f"γ {small} from the start under-regularises: more active latents than γ {q.learned}", small, sign=1),
    ]


def _learned_keeps_r(q: _Question) -> Claim:
    trials = q.of(q.learned)
    trials = trials[trials["kappa"] >= q.r]
    usable = trials[trials["status"].eq("finished")]
    exact, limit = usable["n_active"].eq(q.r), SMALL_GAMMA * q.largest
    numbers = (
        f"n_active = {q.r} in {exact.sum()} of {len(usable)} trials, "
        f"largest γ {number(usable['gamma_value'].max())} against {limit:.3g}{moving(usable)}"
    )
    agrees = bool((exact & usable["gamma_value"].lt(limit)).all())
    claim = f"{q.learned} γ keeps exactly the {q.r} planted latents, with γ < {SMALL_GAMMA:g}·T/d"
    return _claim(q, claim, f"n_active = {q.r}, γ < {limit:.3g}", numbers, _said([trials], agrees), len(trials))


def _large_gamma_collapses(q: _Question) -> Claim:
    labels = [label for label, value in q.fixed.items() if value >= 0.95 * q.largest]  # T/d is an estimate
    trials = q.trials[q.trials["gamma"].isin(labels) & (q.trials["kappa"] >= q.r)]
    usable = trials[trials["status"].eq("finished")]
    over = usable["regime"].eq("over")
    active = t_interval(usable["n_active"])
    numbers = f"over-regularised in {over.sum()} of {len(usable)} trials, n_active {active}{moving(usable)}"
    claim = f"a γ fixed at or above T/d = {q.largest:.3g} over-regularises"
    return _claim(q, claim, "over-regularised", numbers, _said([trials], bool(over.all())), len(trials))


def _small_gamma_fills(q: _Question) -> Claim:
    pairs = []
    for kappa, learned, fixed in q.paired():
        star = learned[learned["converged"]]["gamma_value"].median()
        pairs += [(kappa, fixed[label], learned) for label, value in q.fixed.items() if value <= 1.01 * star]
    return _needless_kept(q, "a γ at or below γ*, fixed", pairs)


def _refit_fills(q: _Question) -> Claim:
    pairs = [(kappa, fixed[str(q.refit)], learned) for kappa, learned, fixed in q.paired()]
    return _needless_kept(q, "γ* itself, fixed", pairs)


def _needless_kept(q: _Question, which: str, pairs: list[tuple[int, Frame, Frame]]) -> Claim:
    """`pairs` holds κ, trials of a small fixed γ, and learned ones; at κ = r there is no needless latent to keep."""
    r = q.r or 0
    asked = [(trials, learned) for kappa, trials, learned in pairs if kappa > r]
    ratios = [_mmd_ratio(trials, learned) for trials, learned in asked]
    ours, theirs = [
        pd.concat(part) if part else q.trials.iloc[:0] for part in ([a for a, _ in asked], [b for _, b in asked])
    ]
    usable: Frame = ours[ours["status"].eq("finished")]
    more, farther = usable["n_active"].gt(r), sum(ratio >= MMD_RATIO for ratio in ratios)
    least = min((ratio for ratio in ratios if not math.isnan(ratio)), default=math.nan)
    numbers = (
        f"n_active > {r} in {more.sum()} of {len(usable)} trials, "
        f"MMD at least {MMD_RATIO} times learned's in {farther} of {len(ratios)} cells, "
        f"smallest ratio {number(least)}{moving(usable)}"
    )
    claim = f"{which} from the start, keeps needless latents (κ > {r}), with MMD ≥ {MMD_RATIO} × that of γ {q.learned}"
    expected, trials = f"n_active > {r}, MMD ratio ≥ {MMD_RATIO}", len(ours) + len(theirs)
    if usable["mmd"].isna().any():
        return _claim(q, claim, expected, f"{numbers}; some trials have no MMD", INSUFFICIENT, trials)
    agrees, enough = bool(more.all()) and farther == len(ratios), len(usable) >= ENOUGH * len(ours) > 0
    return _claim(q, claim, expected, numbers, _said([theirs], agrees) if enough else INSUFFICIENT, trials)


def _fewer(q: _Question, claim: str, label: str, sign: int) -> Claim:
    """An ordering of n_active: `label` minus learned has the given sign, paired by seed and every other axis."""
    pairs, sides_asked = [], ([], [])
    for kappa, learned, fixed in q.paired():
        if sign > 0 and not learned["n_active"].mean() <= kappa - 1:
            continue  # learned uses every latent: no fixed γ can use more
        sides_asked[0].append(fixed[label])
        sides_asked[1].append(learned)
        finished = [side[side["status"].eq("finished")] for side in (fixed[label], learned)]
        sides = [side[["seed", "n_active"]] for side in finished]
        pairs.append(sides[0].merge(sides[1], on="seed", suffixes=("_fixed", "_learned")))
    by_seed: Frame = pd.concat(pairs).groupby("seed").mean() if pairs else pd.DataFrame()
    asked = [pd.concat(part) if part else q.trials.iloc[:0] for part in sides_asked]
    columns = [by_seed[f"n_active_{side}"] if len(by_seed) else [] for side in ("fixed", "learned")]
    lead = t_interval(by_seed["n_active_fixed"] - by_seed["n_active_learned"] if len(by_seed) else [])
    which = f" (where {q.learned} leaves a latent unused)" if sign > 0 else ""
    numbers = (
        f"n_active {t_interval(columns[0])} against {t_interval(columns[1])}, "
        f"difference {lead} over {lead.n} seeds and {len(pairs)} cells{which}{moving(asked[0])}"
    )
    decided = lead.n >= 2 and (sign * lead.mean <= 0 or _excludes_zero(lead))
    # That a small γ fills the latents is a claim about a start: its own trials need not have converged.
    said = _said(asked[1:] if sign > 0 else asked, sign * lead.mean > 0) if decided else INSUFFICIENT
    expected, tolerance = f"a difference {'above' if sign > 0 else 'below'} 0", "95 % interval over seeds"
    return _claim(q, claim, expected, numbers, said, sum(map(len, asked)), tolerance)


def second_stages(frame: Frame, header: Header) -> list[Claim]:
    """For each γ with two-stage trials, whether the second stage's q(u) is nearer to the prior than the first's q(z).

    Generation samples the prior in place of q(u), so this is what the second VAE is for.
    """
    if not {"data", "gamma", "method"} <= header.axes.keys():
        return []
    found, keys = [], header.varying("data", "gamma", "method")
    done = frame[frame["status"].eq("finished")]
    for (data, gamma), trials in cells(done, header, ["data", "gamma"]):
        sides = [trials[trials["method"].eq(method)].set_index(keys)["mmd"] for method in (ONE_STAGE, TWO_STAGES)]
        pairs = pd.concat(sides, axis=1, keys=["first", "second"], join="inner").dropna()
        if len(pairs):
            found.append(_nearer(label_text(data), label_text(gamma), pairs))
    return found


def _nearer(data: str, gamma: str, pairs: Frame) -> Claim:
    gain = t_interval((pairs["first"] - pairs["second"]).groupby("seed").mean())
    first, second = (number(pairs[side].mean()) for side in ("first", "second"))
    return Claim(
        data=f"{data} at β = 1",
        claim=f"after a first stage with γ {gamma}, the second VAE's aggregate posterior is nearer to the prior",
        source="Dai & Wipf (2019), section 4",
        expected="MMD(first) − MMD(second) > 0",
        measured=f"{gain} over {gain.n} seeds; mean MMD {first} and {second} over {len(pairs)} pairs",
        tolerance="95 % interval over seeds",
        verdict=judge(gain.mean > 0, gain.n >= 2 and (gain.mean <= 0 or _excludes_zero(gain))),
        trials=2 * len(pairs),
        topic=topics.LEARNED_AGAINST_FIXED,
    )


def _excludes_zero(interval: Interval) -> bool:
    return interval.low > 0 or interval.high < 0


def _mmd_ratio(fixed: Frame, learned: Frame) -> float:
    """Mean MMD of the fixed trials over max(|learned's|, its standard error): an unbiased MMD may be zero or less."""
    ours, reference = (side[side["status"].eq("finished")] for side in (fixed, learned))
    noise = reference["mmd_se"].mean()
    floor = max(abs(reference["mmd"].mean()), 0.0 if math.isnan(noise) else noise)
    return float(ours["mmd"].mean() / floor) if floor > 0 else math.nan


def _claim(
    q: _Question, claim: str, expected: str, numbers: str, said: Verdict, trials: int, tolerance: str = "every trial"
) -> Claim:
    return Claim(q.data, claim, SOURCE, expected, numbers, tolerance, said, trials, topics.LEARNED_AGAINST_FIXED)


def _said(asked: list[Frame], agrees: bool) -> Verdict:
    """Insufficient where any side lacks converged trials, otherwise what the trials say."""
    return judge(agrees, bool(asked) and all(enough_converged(trials) for trials in asked))


def _at_unit_beta(frame: Frame, header: Header) -> Frame:
    beta: Column = pd.to_numeric(frame["beta"], errors="coerce")
    return frame[beta.eq(1.0) | (beta.isna() & frame["status"].eq("missing") & ("beta" not in header.axes))]


def _modes(frame: Frame, header: Header) -> dict[str, tuple[str, Any]]:
    """γ's label → its mode and first value, as first stages recorded them, else as the study's table declares them."""
    found: dict[str, tuple[str, Any]]
    found = {label: (gamma.kind.lower(), gamma.start) for label, gamma in GAMMAS.items()}
    known = frame[frame["gamma_mode"].notna()]
    if "method" in header.axes:
        known = known[known["method"].eq(ONE_STAGE)]
    rows = known.drop_duplicates("gamma")
    found |= {str(row["gamma"]): (row["gamma_mode"], row["gamma_init"]) for row in rows.to_dict("records")}
    return {str(label): found[str(label)] for label in header.axes["gamma"] if str(label) in found}
