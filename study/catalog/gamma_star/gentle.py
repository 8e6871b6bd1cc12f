"""Is a large first gradient why γ* from the start ends in a worse solution? What becomes of it where that is taken away.

Trials with γ fixed near γ* keep many more latents than the learned γ does. If the large gradients of the first steps are the
cause, trainings that clip them, or take small steps, keep few of these needless latents. So each claim asks for the share
of the needless latents that such a training is rid of, over seeds.
"""

from analysis.claims.claim import Claim
from analysis.claims.comparison import Comparison, at_least
from analysis.claims.estimate import mean_of
from analysis.frames.types import Column, Frame
from study.catalog.gamma_star.table import GENTLE, LEARNED, UNTOUCHED

SOURCE = "Dai, Wenliang & Wipf (2021), figure 4"

RID = 0.5
"""Least share of the needless latents that goes with their cause."""

HOW = {
    "clipped": "where gradients are clipped",
    "small steps": "where all steps are small",
    "slow start": "where the first steps are small",
}


def causes(where: str, trials: Frame) -> list[Claim]:
    """A claim for each way to take the large gradients away; none for data without such trials."""
    done = trials[trials["status"].eq("finished")]
    if not trials["mode"].isin([*GENTLE]).any():
        return []
    learned, fixed = _active(done, LEARNED), _active(done, UNTOUCHED)
    found = []
    for mode in GENTLE:
        if mode == UNTOUCHED:
            continue
        rid = ((fixed - _active(done, mode)) / (fixed - learned)).dropna()
        counts = ", ".join(f"{count:.0f}" for count in _active(done, mode))
        found.append(
            Claim(
                where,
                f"large first gradients are why γ* from the start keeps needless latents: {HOW[mode]}, most of them go",
                SOURCE,
                measured=f"{Comparison('share of the needless latents that goes', mean_of(rid), at_least(RID))}; n_active "
                f"{counts or 'not measured'}, against {fixed.mean():.1f} untouched and {learned.mean():.1f} learned",
                trials=3 * len(rid),
                comparisons=[Comparison("share of the needless latents that goes", mean_of(rid), at_least(RID))],
                statements=["D28"],
            )
        )
    return found


def _active(done: Frame, mode: str) -> Column:
    return done[done["mode"].eq(mode)].set_index("seed")["n_active"]
