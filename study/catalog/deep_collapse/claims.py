"""deep_collapse: is the collapsed point of a deep decoder a local minimum, and does training leave it?

The source says that it is one for deep decoders, and that a skip connection gives an escape. For smooth layers theory says
otherwise: J has a negative curvature there iff βγ is below the largest eigenvalue of what a regression of x on the encoder's
features explains, on the range of the decoder's Jacobian. Neither depth nor gain enters that condition; they scale the
curvature. A curvature of 1e-5 is a saddle to theory and a minimum to training, so trials say where training leads.

Source: "On the regularization balance in autoencoder-based generative models", section 4; `analysis.theory.hessian`.
"""

import math

import numpy as np
import pandas as pd

from analysis.claims.claim import Claim
from analysis.claims.comparison import Comparison, Target, at_least, at_most, below, most, near
from analysis.claims.estimate import Estimate, computed, share_of, worst_of
from analysis.claims.lacks import uncomputed
from analysis.figures.drawing import Drawing
from analysis.frames.probe_results import ProbeResult, probe_results
from analysis.frames.types import Frame
from analysis.frames.view import View
from analysis.tables.interval import NOTHING
from analysis.tables.sheet import Sheet
from analysis.theory import hessian
from study.catalog.deep_collapse.figures import escapes
from study.catalog.deep_collapse.table import (
    AFFINE,
    DEPTHS,
    LEVELS,
    NONE,
    SPECTRUM,
    STARTS,
    WEAK,
    WHOLE,
    deep_collapse,
)

SOURCE = "On the regularization balance in autoencoder-based generative models, section 4"
DERIVED = f"{SOURCE}; derived in analysis.theory.hessian"

DIGITS = 5e-4
"""Largest relative error of an eigenvalue that agrees to three digits."""

FADED = 1e-3
"""The curvature of the deepest decoders of a weak gain, as a part of that of one layer, is below this."""

OF_SKIP = 0.05
"""How far the curvature with an affine skip may lie from that of the skip alone, as a part of it."""


ROUNDING = 1e-12
"""What rounding may make of a zero: an eigenvalue of a semi-definite matrix, or a gradient, in nats."""

Looks = list[tuple[ProbeResult, float, float]]
"""Probes, each with the least eigenvalue of its closed form in nats, and the level βγ of its point in data²."""


@deep_collapse.claims
def claims(view: View) -> list[Claim]:
    """What probes say of the point, and where training from it leads."""
    looks = _looks(view)
    lacks = uncomputed(view.trials[view.trials["part"].isin(LEVELS)])
    return [*_of_curvature(looks, lacks), *_of_training(view.trials)]


@deep_collapse.figures
def drawings(view: View) -> list[Drawing]:
    """The curvature against depth, and how many trainings leave the point."""
    table = summary(view)
    return [escapes(table)] if len(table) else []


@deep_collapse.sheets
def sheets(view: View) -> list[Sheet]:
    """Curvature and escapes, a row for each gain, skip and depth."""
    table = summary(view)
    caption = (
        "The least eigenvalue of the Hessian of J at the collapsed point (nats, mean over networks), and how many of the "
        "trainings that start near it or at it end with an active latent"
    )
    return [Sheet("escapes", caption, table)] if len(table) else []


def summary(view: View) -> Frame:
    """Mean curvature, and trainings that left the point, for each gain, skip and depth that has a result."""
    rows, looks = [], _looks(view)
    trained = _trained(view.trials)
    for gain in sorted(view.trials["gain"].unique()):
        for skip in (NONE, AFFINE):
            for depth in sorted(view.trials["depth"].unique()):
                own = trained[trained["gain"].eq(gain) & trained["skip"].eq(skip) & trained["depth"].eq(depth)]
                found = _least(looks, skip=skip, depth=depth, gain=gain)
                if len(own) or found:
                    curvature = float(np.mean(found)) if found else float("nan")
                    left = f"{int(own['n_active'].ge(1).sum())} of {len(own)}" if len(own) else NOTHING
                    rows.append({"gain": gain, "skip": skip, "layers": depth, "curvature": curvature, "left": left})
    return pd.DataFrame(rows)


def _looks(view: View) -> Looks:
    """Every finished probe whose arrays are there."""
    found = []
    for look in probe_results(view.trials[view.trials["part"].isin(LEVELS)]):
        arrays = look.arrays(view.home)
        if arrays:
            parts = arrays["jacobian"], arrays["cross"], arrays["features"]
            exact = np.linalg.eigvalsh(hessian.collapsed_hessian(*parts, look.what["gamma"]))[0]
            found.append((look, float(exact), hessian.collapse_level(*parts)))
    return found


def _least(looks: Looks, **of: object) -> list[float]:
    """Least eigenvalues, far below the threshold, of the probes that are declared so."""
    return [
        look["least_eigenvalue"]
        for look, _, level in looks
        if look.what["gamma"] < level / 2 and all(look.what[name] == value for name, value in of.items())
    ]


def _of_curvature(looks: Looks, lacks: str) -> list[Claim]:
    def claim(said: str, source: str, compared: list[Comparison], statements: tuple[str, ...] = ()) -> Claim:
        return Claim(
            "tanh decoders",
            said,
            source,
            trials=len(looks),
            comparisons=compared,
            lacks=lacks,
            statements=statements,
        )

    return [
        claim(
            "the collapsed point of a decoder of 1 to 20 layers is a local minimum, also where βγ < ζ₁²",
            SOURCE,
            [_flattest(looks)],
            ("B10",),
        ),
        claim(
            "it is stationary, and a minimum iff βγ is at least the largest eigenvalue of the regressed covariance, at "
            "every depth and gain, with and without skip",
            DERIVED,
            _by_level(looks),
        ),
        claim(
            "the least eigenvalue of J's Hessian there, by automatic differentiation, is that of the closed form",
            DERIVED,
            [_beside_closed_form(looks)],
        ),
        claim(
            f"depth only flattens it: a gain of {WEAK:g} leaves next to no curvature at {DEPTHS[-1]} layers, and the "
            "affine skip gives back its own",
            DERIVED,
            _flattened(looks),
        ),
    ]


def _flattest(looks: Looks) -> Comparison:
    """The least eigenvalue that is nearest to zero, or above it, of networks far below their level."""
    found = _least(looks)
    least = computed(max(found, default=math.nan), len(found), "networks")
    return Comparison("least curvature in nats, of the flattest decoder", least, at_least(0.0, " nats"))


def _by_level(looks: Looks) -> list[Comparison]:
    signs = [(look["least_eigenvalue"] < -ROUNDING) == (look.what["gamma"] < level) for look, _, level in looks]
    agree = computed(float(np.mean(signs)) if signs else math.nan, len(signs), "networks")
    slope = worst_of([look["slope"] for look, _, _ in looks], "networks")
    return [
        Comparison("largest component of J's gradient", slope, at_most(ROUNDING, " nats")),
        Comparison("networks of which that is true", agree, Target(1.0, 1.0, "all networks")),
    ]


def _beside_closed_form(looks: Looks) -> Comparison:
    errors = [look["least_eigenvalue"] / exact - 1 for look, exact, _ in looks if exact < -ROUNDING]
    return Comparison("largest relative error", worst_of(errors, "networks"), at_most(DIGITS))


def _flattened(looks: Looks) -> list[Comparison]:
    deep, single, carried = (
        _mean(_least(looks, skip=skip, gain=WEAK, depth=depth))
        for skip, depth in ((NONE, DEPTHS[-1]), (NONE, DEPTHS[0]), (AFFINE, DEPTHS[-1]))
    )
    part = computed(deep.value / single.value if single.value else math.nan, deep.n, "networks")
    return [
        Comparison(f"curvature at {DEPTHS[-1]} layers, as a part of that at 1", part, at_most(FADED)),
        Comparison("with the affine skip", carried, near(_of_skip_alone(), OF_SKIP, " nats")),
    ]


def _mean(found: list[float]) -> Estimate:
    return computed(float(np.mean(found)) if found else math.nan, len(found), "networks")


def _of_skip_alone() -> float:
    """The least eigenvalue for a linear decoder, whose Jacobian is I, and an encoder that is linear in x."""
    covariance = np.diag(SPECTRUM)
    found = hessian.collapsed_hessian(np.eye(len(SPECTRUM)), covariance, covariance, min(LEVELS.values()))
    return float(np.linalg.eigvalsh(found)[0])


def _trained(trials: Frame) -> Frame:
    return trials[trials["part"].isin(STARTS) & trials["status"].eq("finished")]


def _of_training(trials: Frame) -> list[Claim]:
    trained = _trained(trials)
    plain, affine = (_leave(trained, DEPTHS[-1], WEAK, skip) for skip in (NONE, AFFINE))
    shallow = _leave(trained, DEPTHS[0], WEAK, NONE)
    deep = f"{DEPTHS[-1]} layers, gain {WEAK:g}"
    whole = _leave(trained, DEPTHS[-1], WHOLE, NONE)
    return [
        Claim(
            f"tanh decoders, {deep}",
            "from the collapsed point, and from near it, a decoder with an affine skip escapes; a plain one does not",
            SOURCE,
            trials=plain.n + affine.n,
            comparisons=[
                Comparison("leave it with the affine skip", affine, most()),
                Comparison("leave it without skip", plain, below(0.5)),
            ],
            statements=("B11",),
        ),
        Claim(
            f"tanh decoders, gain {WEAK:g}",
            "a plain decoder of one layer escapes: the depth holds the others, not the start",
            DERIVED,
            trials=shallow.n,
            comparisons=[Comparison("leave it", shallow, most())],
        ),
        Claim(
            f"tanh decoders, {DEPTHS[-1]} layers",
            "does a plain decoder escape if its layers keep what they are given (gain 1)?",
            "asked here",
            trials=whole.n,
            comparisons=[Comparison("leave it", whole, most())],
            kind="question",
        ),
    ]


def _leave(trained: Frame, depth: int, gain: float, skip: str) -> Estimate:
    """The share of trainings that end with an active latent."""
    own = trained[trained["depth"].eq(depth) & trained["gain"].eq(gain) & trained["skip"].eq(skip)]
    return share_of(int(own["n_active"].ge(1).sum()), len(own), "trainings")
