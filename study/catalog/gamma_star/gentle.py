"""Is a large first gradient why γ* from the start ends in a worse solution? What becomes of it where that is taken away.

Trials with γ fixed at γ* keep many more latents than the learned γ does. Their gradient ‖∂J/∂z‖ is hundreds of times larger
at first, and what it holds can be taken away in two ways.

A γ that comes down to γ* from 1 makes the first gradient small, and gives the rate its weight while the decoder is still
poor. If the source is right, the needless latents go with it.

Clipping leaves γ at γ* and makes every gradient as long as any other, so that nothing is large about the first. Adam divides
lengths out in any case. So what is left of the cause is not the size of the gradient but that it outweighs the rate's. With
γ fixed at γ* and β falling from 1/γ* to 1, Adam takes the very steps that it takes with γ falling from 1 to γ*, though the
first gradient is 1/γ* times as long: J at γ and β is β times J at βγ and 1, but for a constant.

Smaller steps are no such test. They also prune more slowly: with a fifth of the learning rate 30 of 32 latents are left after
6,000 steps, but J is 13 nats higher, and both are still falling.
"""

from analysis.claims.claim import DERIVED, SOURCE, Claim, Kind
from analysis.claims.comparison import Comparison, at_least, at_most
from analysis.claims.estimate import mean_of
from analysis.frames.types import Column, Frame
from study.catalog.gamma_star.table import ANNEALED, CLIPPED, LEARNED, REFIT

FIGURE = "Dai, Wenliang & Wipf (2021), figure 4"

RID = 0.5
"""Share of the needless latents: most of them, or few."""

SMALL = 0.1
"""Largest first ‖∂J/∂z‖, as a part of that under γ*, that counts as small."""


def causes(where: str, trials: Frame) -> list[Claim]:
    """What becomes of the needless latents without the first gradient, and without its size; none without such trials."""
    if not trials["mode"].isin([ANNEALED, CLIPPED]).any():
        return []
    done = trials[trials["status"].eq("finished")]
    first = _of(done, ANNEALED, "grad_z_first") / _of(done, REFIT, "grad_z_first")
    return [
        _claim(
            where,
            done,
            ANNEALED,
            "large first gradients are why γ* from the start keeps needless latents: where γ comes down to γ* from 1, and "
            "they are small, most of the needless latents go",
            [
                Comparison("first ‖∂J/∂z‖, over that under γ*", mean_of(first.dropna()), at_most(SMALL)),
                Comparison("share of the needless latents that goes", mean_of(_rid(done, ANNEALED)), at_least(RID)),
            ],
            SOURCE,
        ),
        _claim(
            where,
            done,
            CLIPPED,
            "it is not the gradients' size: where all are clipped to one length, few of the needless latents go",
            [Comparison("share of the needless latents that goes", mean_of(_rid(done, CLIPPED)), at_most(RID))],
            DERIVED,
        ),
    ]


def _claim(where: str, done: Frame, mode: str, said: str, compared: list[Comparison], kind: Kind) -> Claim:
    left = ", ".join(f"{count:.0f}" for count in _of(done, mode, "n_active"))
    against = (
        f"{_of(done, REFIT, 'n_active').mean():.1f} under γ* and {_of(done, LEARNED, 'n_active').mean():.1f} learned"
    )
    return Claim(
        where,
        said,
        FIGURE if kind == SOURCE else f"{FIGURE}, corrected",
        measured=f"{'; '.join(map(str, compared))}; n_active {left or 'not measured'}, against {against}",
        trials=3 * len(_rid(done, mode)),
        comparisons=compared,
        statements=["D28"],
        kind=kind,
    )


def _rid(done: Frame, mode: str) -> Column:
    """The share of the latents that γ* has and a learned γ has not which a mode is rid of, by seed."""
    learned, fixed, gentle = (_of(done, each, "n_active") for each in (LEARNED, REFIT, mode))
    return ((fixed - gentle) / (fixed - learned)).dropna()


def _of(done: Frame, mode: str, column: str) -> Column:
    return done[done["mode"].eq(mode)].set_index("seed")[column]
