"""grid_gamma: learned against fixed decoder variance, other ways to set it, and one stage against two.

The claims compare trials at β = 1 that agree in κ, skip and every other axis. A claim about where training ends needs
converged trials: it is undecided if fewer than two thirds of its trials converged, or fewer than two exist. A claim about
what training reaches *from a given start* (a γ fixed below γ* keeps needless latents) needs convergence only of the trials it
compares with, and says how many of its own are still moving. Two-stage trials have claims of their own. A γ in closed form
outruns the pruning of needless latents, and is judged by longer trainings where there are any.
On planted data a claim asks how many trials agree; on data of unknown dimension it orders means over seeds.

Source: Dai, Wenliang & Wipf (2021), sections 3 and 4; Dai & Wipf (2019).
"""

import math

import pandas as pd

from analysis.claims.claim import QUESTION, Claim, Kind
from analysis.claims.comparison import Comparison, above, below, most, within
from analysis.claims.estimate import mean_count_of, mean_of, share_of
from analysis.frames.load import Header
from analysis.frames.types import Column, Frame
from analysis.frames.view import View
from analysis.tables.cells import ENOUGH, enough_converged, moving
from analysis.tables.interval import number, t_interval
from study.catalog.grid_gamma.question import Question, finished, questions
from study.catalog.grid_gamma.stages import second_stages
from study.catalog.grid_gamma.table import grid_gamma

SOURCE = "Dai, Wenliang & Wipf (2021), sections 3 and 4"

SMALL_GAMMA = 2e-3
"""A learned γ below this fraction of T/d has explained the data; γ stays at T/d when nothing is encoded."""

MMD_RATIO = 10
"""Least MMD to the prior of an under-regularised aggregate posterior, over that of the learned γ."""

ALIKE = 1.0
"""How far mean counts of active latents may lie apart where two ways to set γ count as alike."""


@grid_gamma.claims
def claims(view: View) -> list[Claim]:
    """The claims of the study, one data set after the other."""
    return learned_against_fixed(view.trials, view.header) + second_stages(view.trials, view.header)


def learned_against_fixed(frame: Frame, header: Header) -> list[Claim]:
    """The claims about trials with the axes `gamma` and `kappa`; none without a learned and a fixed γ."""
    return [
        claim
        for question in questions(frame, header)
        for claim in (_planted(question) if question.r is not None else _relative(question))
    ]


def _planted(q: Question) -> list[Claim]:
    refits = [_needless_kept(q, "γ* itself, fixed", _beside(q, [q.refit]), "D25")] if q.refit else []
    return [
        _keeps_r(q, q.learned, "learned γ", ["D5", "D4", "B2"]),
        *(_keeps_r(q, label, f"{mode} γ", ["D23"]) for label, mode in q.others.items()),
        _large_gamma_collapses(q),
        _needless_kept(q, "a γ at or below γ*, fixed", _at_most_star(q), "D7"),
        *refits,
    ]


def _relative(q: Question) -> list[Claim]:
    low, small = max(q.fixed, key=lambda label: q.fixed[label]), min(q.fixed, key=lambda label: q.fixed[label])
    return [
        _ordered(q, f"γ {low} over-regularises: fewer active latents than γ {q.learned}", low, -1, "D6"),
        _ordered(
            q, f"γ {small} from the start under-regularises: more active latents than γ {q.learned}", small, 1, "D7"
        ),
        *(_as_learned(q, label, mode) for label, mode in q.others.items()),
    ]


def _keeps_r(q: Question, label: str, which: str, statements: list[str]) -> Claim:
    """How many trials end with exactly r active latents, and γ near 0: an annealed γ stays where it is told to.

    Where some were trained for more steps, it is they that tell where training ends.
    """
    trials, more = q.of(label), ""
    trials = trials[trials["kappa"] >= q.r]
    longer = q.longer[q.longer["gamma"].eq(label)]
    if len(longer):
        early = finished(trials)["n_active"]
        more = f"; with a quarter of the steps, as many as γ {q.learned} takes, {early.eq(q.r).sum()} of {len(early)}"
        trials, which = longer, f"{which}, in four times the steps,"
    usable = finished(trials)
    exact, limit = usable["n_active"].eq(q.r), SMALL_GAMMA * q.largest
    said = f"n_active = {q.r}"
    if label not in q.others or q.others[label] != "annealed":
        exact, said = exact & usable["gamma_value"].lt(limit), f"{said}, γ < {limit:.3g}"
    return _claim(
        q,
        f"{which} keeps exactly the {q.r} planted latents",
        [Comparison(said, share_of(int(exact.sum()), len(exact)), most())],
        [trials],
        trials,
        statements,
        f"{more}; largest γ {number(usable['gamma_value'].max())}",
    )


def _large_gamma_collapses(q: Question) -> Claim:
    labels = [label for label, value in q.fixed.items() if value >= 0.95 * q.largest]  # T/d is an estimate
    trials = q.trials[q.trials["gamma"].isin(labels) & (q.trials["kappa"] >= q.r)]
    usable = finished(trials)
    over = usable["regime"].eq("over")
    return _claim(
        q,
        f"a γ fixed at or above T/d = {q.largest:.3g} over-regularises",
        [Comparison("over-regularised", share_of(int(over.sum()), len(over)), most())],
        [trials],
        trials,
        ["D6"],
        f"; n_active {t_interval(usable['n_active'])}",
    )


Pairs = list[tuple[int, Frame, Frame]]
"""κ, trials of a small fixed γ, and learned ones that agree with them in all else."""


def _at_most_star(q: Question) -> Pairs:
    pairs: Pairs = []
    for kappa, learned, fixed in q.paired():
        star = learned[learned["converged"]]["gamma_value"].median()
        pairs += [(kappa, fixed[label], learned) for label, value in q.fixed.items() if value <= 1.01 * star]
    return pairs


def _beside(q: Question, labels: list[str]) -> Pairs:
    return [(kappa, fixed[label], learned) for kappa, learned, fixed in q.paired() for label in labels]


def _needless_kept(q: Question, which: str, pairs: Pairs, statement: str) -> Claim:
    """At κ = r there is no needless latent to keep."""
    r = q.r or 0
    asked = [(trials, learned) for kappa, trials, learned in pairs if kappa > r]
    ours, theirs = [
        pd.concat(part) if part else q.trials.iloc[:0] for part in ([a for a, _ in asked], [b for _, b in asked])
    ]
    usable = finished(ours)
    more = usable["n_active"].gt(r)
    farther = [finished(trials)["mmd"] - MMD_RATIO * _size(learned) for trials, learned in asked]
    return _claim(
        q,
        f"{which} from the start, keeps needless latents (κ > {r}), with MMD ≥ {MMD_RATIO} × that of γ {q.learned}",
        [
            Comparison(f"n_active > {r}", share_of(int(more.sum()), len(more)), most()),
            Comparison(
                f"MMD less {MMD_RATIO} times that of γ {q.learned}",
                mean_of(pd.concat(farther) if farther else [], "trials"),
                above(0.0),
            ),
        ],
        [theirs],
        pd.concat([ours, theirs]),
        [statement],
        moving(usable),
        lacks="" if len(usable) >= ENOUGH * len(ours) > 0 else f"{len(usable)} of {len(ours)} trials have a result",
    )


def _against_learned(q: Question, label: str, unused: bool) -> tuple[list[Column], list[Frame], list[Frame]]:
    """n_active of a γ mode less that of the learned one, by seed, and the trials of both, for each combination of the axes.

    `unused`: where that can differ.
    """
    leads, ours, theirs = [], [], []
    for kappa, learned, others in q.paired():
        if unused and not learned["n_active"].mean() <= kappa - 1:
            continue  # learned uses every latent: no other γ can use more
        ours.append(others[label])
        theirs.append(learned)
        sides = [finished(side)[["seed", "n_active"]] for side in (others[label], learned)]
        both = sides[0].merge(sides[1], on="seed", suffixes=("_ours", "_learned"))
        leads.append((both["n_active_ours"] - both["n_active_learned"]).groupby(both["seed"]).mean())
    return leads, ours, theirs


def _ordered(q: Question, said: str, label: str, sign: int, statement: str) -> Claim:
    """`label` minus learned has the given sign, paired by seed and every other axis."""
    leads, ours, theirs = _against_learned(q, label, unused=sign > 0)
    lead: Column = pd.concat([*leads, pd.Series(dtype=float)]).groupby(level=0).mean()
    # That a small γ fills the latents is a claim about a start: its own trials need not have converged.
    return _claim(
        q,
        said,
        [
            Comparison(
                f"n_active less that of γ {q.learned}", mean_count_of(lead), above(0.0) if sign > 0 else below(0.0)
            )
        ],
        theirs if sign > 0 else [*ours, *theirs],
        pd.concat([*ours, *theirs]) if ours else q.trials.iloc[:0],
        [statement],
        moving(pd.concat(ours)) if ours else "",
    )


def _as_learned(q: Question, label: str, mode: str) -> Claim:
    """Nobody says how near it should come on data of unknown dimension, so this is asked.

    Each network is asked by itself: more latents without a skip and fewer with one would cancel in a mean.
    """
    leads, ours, theirs = _against_learned(q, label, unused=False)
    networks = [", ".join([f"κ = {t['kappa'].iloc[0]}", *(f"{k} {t[k].iloc[0]}" for k in q.keys)]) for t in theirs]
    return _claim(
        q,
        f"does {mode} γ keep as many latents as γ {q.learned}?",
        [
            Comparison(f"n_active less that of γ {q.learned}, {network}", mean_count_of(lead), within(ALIKE, 0))
            for network, lead in zip(networks, leads, strict=True)
        ],
        theirs,
        pd.concat([*ours, *theirs]) if ours else q.trials.iloc[:0],
        [],
        kind=QUESTION,
    )


def _size(learned: Frame) -> float:
    """max(|mean MMD|, its standard error): an unbiased MMD may be zero or less."""
    reference = finished(learned)
    noise = reference["mmd_se"].mean()
    return max(abs(float(reference["mmd"].mean())), 0.0 if math.isnan(noise) else float(noise))


def _claim(
    q: Question,
    said: str,
    compared: list[Comparison],
    asked: list[Frame],
    trials: Frame,
    statements: list[str],
    more: str = "",
    lacks: str = "",
    kind: Kind | None = None,
) -> Claim:
    """Undecided where any of the `asked` lacks converged trials, otherwise what the numbers say."""
    still = [f"{int(each['converged'].sum())} of {len(each)}" for each in asked if not enough_converged(each)]
    if not lacks and (still or not asked):
        lacks = f"{still[0]} trials have converged" if still else "there are no such trials"
    return Claim(
        q.data,
        said,
        SOURCE,
        measured="; ".join(map(str, compared)) + more,
        trials=len(trials),
        comparisons=compared,
        lacks=lacks,
        statements=statements,
        kind=kind,
    )
