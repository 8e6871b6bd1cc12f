"""Claims of groundwork about minima: the lowest losses of random linear problems against their closed forms.

Source: Wang & Ziyin (2022), Props. 2 and 3, Thms. 1 and 2, appendix D.
"""

import math

import numpy as np

from analysis.claims.claim import Claim
from analysis.claims.comparison import Comparison, at_most
from analysis.claims.estimate import worst_of
from analysis.claims.lacks import uncomputed
from analysis.frames.probe_results import ProbeResult, probe_results
from analysis.frames.view import View
from analysis.theory import fixed_sigma, learned_gamma, linear
from analysis.theory.modes import Modes
from study.catalog.groundwork.table import LEARNED_GAMMA, MINIMA

MINIMAL, GAMMA = 1e-6, 1e-4
"""Relative tolerances: on minima, and on a learned γ."""

WZ = "Wang & Ziyin (2022)"

PROPOSITIONS = {
    "equal Σ": f"{WZ}, Prop. 2 and Thm. 1",
    "unequal Σ": f"{WZ}, Prop. 2 and Thm. 1, with σ ascending where ζ descends",
    "learned Σ": f"{WZ}, Prop. 3 and Thm. 2",
    "learned γ": f"{WZ}, appendix D, derived again",
}

STATED = {"equal Σ": ["W2"], "unequal Σ": ["W2"], "learned Σ": ["W3"], "learned γ": ["W14"]}
"""The statements that each closed form is."""


def of_minima(view: View) -> list[Claim]:
    """The claims about minima, one for each kind of linear problem, and about the learned γ."""
    minima = [_minimum(view, name, probe.variant) for name, probe in MINIMA.items()]
    return [*minima, _learned_gamma(view), _no_other_minimum(view)]


def _no_other_minimum(view: View) -> Claim:
    """Of fixed γ, as the theorem says it."""
    trials = view.trials[view.trials["look"].isin([name for name in MINIMA if name != LEARNED_GAMMA])]
    found, errors = probe_results(trials), []
    for look in found:
        expected = _lowest(look, view)
        errors.append((look["highest_end"] - expected) / max(1.0, abs(expected)))
    starts = int(sum(look["ends"] for look in found))
    return Claim(
        "linear problems",
        "every random start ends at the global minimum",
        f"{WZ}, Thm. 1",
        comparisons=[
            Comparison(f"worst of {starts} ends, off the closed form, relative", worst_of(errors), at_most(MINIMAL))
        ],
        lacks=uncomputed(trials),
        trials=len(found),
        statements=["W4"],
    )


def _minimum(view: View, name: str, variant: str) -> Claim:
    trials = view.trials[view.trials["look"].eq(name)]
    found, errors = probe_results(trials), []
    for look in found:
        expected = _lowest(look, view)
        errors.append((look["lowest"] - expected) / max(1.0, abs(expected)))
    return Claim(
        f"linear problems, {variant}",
        "the lowest loss by L-BFGS from random starts is that of the closed form",
        PROPOSITIONS[variant],
        comparisons=[Comparison("largest relative distance", worst_of(errors), at_most(MINIMAL))],
        lacks=uncomputed(trials),
        trials=len(found),
        statements=STATED[variant],
    )


def _lowest(look: ProbeResult, view: View) -> float:
    """The lowest loss in theory, in nats."""
    modes, arrays = _modes(look, view)
    gamma, beta, kappa = look["at_gamma"], look["at_beta"], int(look["latents"])
    if look.what["variant"] == "learned γ":
        return float(learned_gamma.objective(modes, beta, kappa, floor=gamma))
    if "sigma2" not in arrays:
        return float(linear.objective(modes, gamma, beta, kappa))
    given = fixed_sigma.loss_wz(modes, arrays["sigma2"], gamma, beta, look["prior_std"])
    return float(given) + 0.5 * modes.d2 * math.log(gamma)


def _modes(look: ProbeResult, view: View) -> tuple[Modes, dict[str, np.ndarray]]:
    arrays = look.arrays(view.home)
    return Modes(arrays["zeta2"], look["target_variance"], int(look["outputs"])), arrays


def _learned_gamma(view: View) -> Claim:
    """About the problems whose γ* lies above the floor."""
    trials = view.trials[view.trials["look"].eq(LEARNED_GAMMA)]
    found = probe_results(trials)
    errors = []
    for look in found:
        expected = float(learned_gamma.gamma_star(_modes(look, view)[0], look["at_beta"], int(look["latents"])))
        if expected > look["at_gamma"]:
            errors.append(look["found_gamma"] / expected - 1)
    lacks = uncomputed(trials) or ("" if errors else "no problem has γ* above its floor")
    return Claim(
        "linear problems, learned γ",
        "γ* = (C₀ + Σ_{k<i≤m} ζᵢ²)/(d₂ − βk), where that is above 0",
        f"{PROPOSITIONS['learned γ']}; k by derivation",
        comparisons=[Comparison("largest relative distance to γ*", worst_of(errors), at_most(GAMMA))],
        lacks=lacks,
        trials=len(errors),
        statements=["W14"],
    )
