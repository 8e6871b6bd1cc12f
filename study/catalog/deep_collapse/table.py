"""The collapsed point of deep decoders: its curvature, and training that starts at it or near it.

At the collapsed point the encoder ignores x and the decoder z, while all other weights are as they were drawn. Probes compute
the curvature of J there, by automatic differentiation; trials of the same networks on the same spectrum start there. A
decoder has 1 to 20 tanh layers, without skip or with an affine one. The gain scales its weights: 1 is N(0, 1/fan_in), 0.7
makes tanh layers lose as much as ReLU layers do under N(0, 1/fan_in), which halve a second moment. γ is fixed at an eighth
of the largest variance, so that three of the six modes are worth encoding; around the level at which theory makes the
point a minimum, probes look at both sides. The deepest decoders without skip have ten seeds: a share needs many.

This is a study of its own, beside `collapse_point`, which asks about one latent's gradient, and `skip_depth`, whose
decoders start where their initial weights put them.
"""

from typing import Literal

from models.specs import VAE, Fixed, LinearSubspace, Objective, Skip, Training
from models.specs.probes import CollapsedCurvature
from study.declare.probe import Declared, Probe
from study.declare.table import study
from study.declare.trial import Trial

Part = Literal["curvature", "below", "above", "start near", "start at"]

CURVATURE: Part = "curvature"
BELOW: Part = "below"
ABOVE: Part = "above"
NEAR: Part = "start near"
AT: Part = "start at"

AFFINE: Skip = "affine"
NONE: Skip = "none"

SPECTRUM = (4.0, 2.0, 1.0, 0.5, 0.25, 0.1)
"""Variances of the data, in data²: the same that a probe has by default."""

LEVELS = {CURVATURE: 0.5, BELOW: 3.6, ABOVE: 4.4}
"""γ = βγ of each probe, in data²: far below the largest variance, a tenth below it, and a tenth above it."""

STARTS = {NEAR: 1e-3, AT: 0.0}
"""What initial weights that take z in, and those of both heads, are multiplied by."""

WEAK, WHOLE = 0.7, 1.0
"""Gains of the decoder."""

DEPTHS = [1, 6, 12, 20]


@study(part=[*LEVELS, *STARTS], depth=DEPTHS, gain=[WEAK, WHOLE], skip=[NONE, AFFINE], seed=range(10))
def deep_collapse(part: Part, depth: int, gain: float, skip: Skip, seed: int) -> Declared | None:
    """Is the collapsed point of a deep decoder a local minimum, and does training leave it?"""
    ends = depth in (DEPTHS[0], DEPTHS[-1])
    if part in (BELOW, ABOVE) and (seed or gain != WEAK):
        return None
    if part == CURVATURE and seed > 2:
        return None
    if seed > 4 and not (part in STARTS and depth == DEPTHS[-1] and skip == NONE):
        return None
    if part == AT and not (ends and gain == WEAK):
        return None
    if part == NEAR and gain == WHOLE and not ends:
        return None
    return _row(part, depth, gain, skip, seed, width=32, steps=1500)


@deep_collapse.paper(
    part=[*LEVELS, *STARTS], depth=[1, 2, 6, 12, 20, 40], gain=[0.5, 0.7, 1.0], skip=[NONE, AFFINE], seed=range(20)
)
def deep_collapse_paper(part: Part, depth: int, gain: float, skip: Skip, seed: int) -> Declared:
    """The same question for wider networks, more depths and gains, and ten times the steps."""
    return _row(part, depth, gain, skip, seed, width=128, steps=15_000)


def _row(part: Part, depth: int, gain: float, skip: Skip, seed: int, width: int, steps: int) -> Declared:
    if part in LEVELS:
        look = CollapsedCurvature(
            depth=depth, skip=skip, gain=gain, gamma=LEVELS[part], eigenvalues=SPECTRUM, width=width
        )
        return Probe(what=look, seed=seed)
    scale = STARTS[part]
    return Trial(
        data=LinearSubspace(d=len(SPECTRUM), eigenvalues=SPECTRUM, n=2000),
        model=VAE(
            kappa=3,
            encoder=(),
            decoder=(width,) * depth,
            skip=skip,
            mu_scale=scale,
            log_var_scale=scale,
            z_scale=scale,
            decoder_gain=gain,
        ),
        objective=Objective(gamma=Fixed(LEVELS[CURVATURE])),
        training=Training(steps=steps, batch=128, lr=3e-3),
        seed=seed,
    )
