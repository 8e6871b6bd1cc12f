"""collapse_point: the gradient at a latent whose weights are all zero, under three hypotheses.

Source: "On the regularization balance in autoencoder-based generative models", Thm. 2. It omits two hypotheses: that
the latent's biases are zero in both heads, and that the gradient is an expectation over the noise.
"""

import math
from collections.abc import Sequence

import pandas as pd

from analysis.claims.claim import Claim
from analysis.claims.comparison import Comparison, at_least, at_most, within
from analysis.claims.estimate import computed, mean_of, worst_of
from analysis.claims.lacks import uncomputed
from analysis.figures.drawing import Drawing
from analysis.frames.probe_results import ProbeResult, probe_results
from analysis.frames.view import View
from analysis.tables.interval import t_interval
from analysis.tables.sheet import Sheet
from study.catalog.collapse_point.figures import noise
from study.catalog.collapse_point.table import MEAN_BIAS, STATED, VARIANCE_BIAS, collapse_point

ZERO = 1e-6
"""Largest gradient that counts as zero, in nats."""

PRESENT = 1e-3
"""Least gradient that counts as nonzero, in nats."""

EXPONENT = 0.1

SLOPES = {"decoder_slope": "decoder column", "mean_slope": "mean", "variance_slope": "log variance"}

MOVED: dict[str, tuple[str, ...]] = {MEAN_BIAS: ("decoder_slope", "mean_slope"), VARIANCE_BIAS: ("variance_slope",)}
"""The weights that get a gradient of J under each bias; the others get none."""

SOURCE = "On the regularization balance in autoencoder-based generative models, Thm. 2"


@collapse_point.claims
def claims(view: View) -> list[Claim]:
    """The claims of the study."""
    found, lacks = _by_hypothesis(view), uncomputed(view.trials)
    stated = found.get(STATED, [])
    slopes = worst_of((look[name] for look in stated for name in SLOPES), "gradients")
    exponents = mean_of((look["noise_exponent"] for look in stated), "networks")
    return [
        Claim(
            "biases zero",
            "J's gradient on a collapsed latent's weights is zero in expectation over the noise",
            SOURCE,
            trials=len(stated),
            comparisons=[Comparison("largest, with antithetic pairs of noise", slopes, at_most(ZERO, " nats"))],
            lacks=lacks,
            statements=["B9"],
        ),
        Claim(
            "biases zero",
            "averaged over n independent draws, this gradient is noise that falls as n^(−½)",
            f"{SOURCE}; derived",
            trials=len(stated),
            comparisons=[Comparison("exponent", exponents, within(EXPONENT, -0.5))],
            lacks=lacks,
        ),
        *(_biased(name, found.get(name, []), lacks) for name in MOVED),
    ]


@collapse_point.figures
def drawings(view: View) -> list[Drawing]:
    """Noise of the gradient against the number of draws."""
    arrays = [look.arrays(view.home) for look in _by_hypothesis(view).get(STATED, [])]
    known = [found for found in arrays if found]
    return [noise(known)] if known else []


@collapse_point.sheets
def sheets(view: View) -> list[Sheet]:
    """Mean norms of the gradients under each hypothesis."""
    rows = [
        {"hypothesis": name}
        | {text: t_interval(look[slope] for look in found).mean for slope, text in SLOPES.items()}
        | {"noise exponent": t_interval(look["noise_exponent"] for look in found).mean, "networks": len(found)}
        for name, found in _by_hypothesis(view).items()
    ]
    caption = "Norm of the gradient of J with respect to a collapsed latent's weights, in nats: means over networks"
    return [Sheet("gradients", caption, pd.DataFrame(rows))] if rows else []


def _by_hypothesis(view: View) -> dict[str, list[ProbeResult]]:
    found: dict[str, list[ProbeResult]] = {}
    for look in probe_results(view.trials):
        found.setdefault(look.what["hypothesis"], []).append(look)
    return found


def _biased(name: str, found: Sequence[ProbeResult], lacks: str) -> Claim:
    """Where the latent has a bias, J has a gradient on some of its weights, and none on the others."""
    moved, still = MOVED[name], [slope for slope in SLOPES if slope not in MOVED[name]]
    least = min((look[slope] for look in found for slope in moved), default=math.nan)
    names = " and ".join(SLOPES[slope] for slope in moved)
    return Claim(
        name,
        f"a collapsed latent with a {name} is not stationary: J has a gradient on its {names}",
        f"{SOURCE}, a hypothesis that it omits",
        trials=len(found),
        comparisons=[
            Comparison(f"least, on its {names}", computed(least, len(found), "networks"), at_least(PRESENT, " nats")),
            Comparison(
                "largest, on the rest",
                worst_of((look[slope] for look in found for slope in still), "gradients"),
                at_most(ZERO, " nats"),
            ),
        ],
        lacks=lacks,
    )
