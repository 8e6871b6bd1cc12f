"""Claims of groundwork about what avoids collapse while γ is learned: a β below d₂/d*, β = 1, few latents or enough.

Exact minima by L-BFGS on either side of each sentence; some of them beside networks trained on samples. Second moments cannot
tell noise from what is curved in x, so what is said of noise holds for both.

Source: Wang & Ziyin (2022), section 4.4 and appendix D, derived again (`analysis.theory.learned_gamma`).
"""

import math

from analysis.claims.claim import Claim
from analysis.claims.comparison import Comparison, Target, at_least, at_most, near
from analysis.claims.estimate import Estimate, computed, mean_count_of, mean_of
from analysis.claims.lacks import too_few
from analysis.frames.probe_results import ProbeResult, probe_results
from analysis.frames.types import Frame
from analysis.frames.view import View
from analysis.theory import learned_gamma
from analysis.theory.modes import Modes
from study.catalog.groundwork.table import AVOIDED, TRAINED

EQUAL = 1e-6
"""How far two J that are equal in theory may lie apart, in nats, and γ from its floor, relative."""

GAMMA, SAMPLED = 1e-4, 0.03
"""Relative tolerance on γ*: of an exact minimum, and of training."""

VANISHED, THERE = 1e-3, 10.0
"""γ over T/d below which it counts as zero after training; γ over its floor above which it does not count as zero."""

SOURCE = "Wang & Ziyin (2022), section 4.4 and appendix D"


def of_avoided(view: View) -> list[Claim]:
    """The claims, as far as the study has the rows for them."""
    rows = _Rows(view)
    return [*_below_the_ratio(rows), *_at_one(rows), *_latents(rows)] if rows.asked else []


class _Rows:
    """The rows of `AVOIDED` and `TRAINED` by name."""

    def __init__(self, view: View) -> None:
        chosen = view.trials[view.trials["look"].isin([*AVOIDED, *TRAINED])]
        self.asked = len(chosen) > 0
        self._trained = chosen[chosen["look"].isin(list(TRAINED))]
        probes = chosen[chosen["look"].isin(list(AVOIDED))]
        self._looks = {str(look.row["look"]): look for look in probe_results(probes)}
        self._datasets = view.datasets if len(self._trained["data_id"].dropna()) else {}
        done = int(chosen["status"].eq("finished").sum())
        self.lacks = "" if done == len(chosen) else too_few(0, len(chosen), "have finished")

    def look(self, name: str) -> ProbeResult | None:
        return self._looks.get(name)

    def number(self, name: str, of: str) -> float:
        look = self.look(name)
        return look[of] if look else math.nan

    def trained(self, name: str) -> Frame:
        rows = self._trained[self._trained["look"].eq(name)]
        return rows[rows["status"].eq("finished")]

    def kept(self, name: str, target: Target) -> Comparison:
        return Comparison(f"modes kept, {name}", computed(self.number(name, "kept_modes")), target)

    def in_use(self, name: str, target: Target) -> Comparison:
        return Comparison(f"latents in use, {name}", mean_count_of(self.trained(name)["n_burda"]), target)

    def modes(self, name: str) -> Modes:
        """What theory knows of the training set of a trained row."""
        row = self._datasets[str(self.trained(name)["data_id"].iloc[0])]
        return Modes(row["spectrum"], max(float(row["total_variance"]), float(sum(row["spectrum"]))), int(row["d"]))

    def claim(
        self, data: str, says: str, comparisons: list[Comparison], statements: list[str], measured: str = ""
    ) -> Claim:
        trials = len(comparisons)
        source = SOURCE if statements else f"derived from {SOURCE}"
        return Claim(
            data,
            says,
            source,
            measured=measured,
            comparisons=comparisons,
            lacks=self.lacks,
            trials=trials,
            statements=statements,
        )


def _below_the_ratio(rows: _Rows) -> list[Claim]:
    some, none = at_least(1.0), at_most(0.0)
    exact, sampled = "y linear in x, β = 1.9", "trained, y linear in x, β = 1.5"
    noisy, sampled_noisy = "y with noise, β = 1.5", "trained, y with noise, β = 1.5"
    return [
        rows.claim(
            "y linear in x, d₂/d* = 2, γ learned",
            "below β = d₂/d* something is kept",
            [rows.kept(exact, some), rows.in_use(sampled, some)],
            ["W15"],
        ),
        rows.claim(
            "y of which R² = 0.076 is linear in x, d₂/d* = 2, γ learned",
            "below β = d₂/d* something is kept there, too",
            [rows.kept(noisy, some), rows.in_use(sampled_noisy, some)],
            ["W15"],
        ),
        rows.claim(
            "y of which R² = 0.076 is linear in x, d₂/d* = 2, γ learned",
            "something is kept below β = (d₂/d*) R² = 0.152, and everything is lost from d₂ζ₁²/T = 0.273 on",
            [
                rows.kept("y with noise, β = 0.15", some),
                rows.kept("y with noise, β = 0.259", some),
                rows.kept("y with noise, β = 0.287", none),
            ],
            [],
        ),
    ]


def _at_one(rows: _Rows) -> list[Claim]:
    equal, unequal, low = (name for name in AVOIDED if name.endswith("β = 1"))
    nothing = at_most(EQUAL, " nats")
    gamma = rows.number(equal, "least_gamma")
    gained = _gain(rows, equal)
    return [
        rows.claim(
            "as many equal modes as columns, γ learned",
            "at β = 1 no minimum lies below complete collapse",
            [gained],
            ["W16"],
            measured=f"{gained}; the minimum is a valley, in which every γ up to T/d is as good: γ = {gamma:.3g} was found",
        ),
        rows.claim(
            "unequal modes, or fewer than columns, γ learned",
            "at β = 1 no minimum lies below complete collapse there, either",
            [Comparison(each.what, each.found, nothing) for each in (_gain(rows, unequal), _gain(rows, low))]
            + [rows.in_use("trained, unequal modes, full rank, β = 1", at_most(0.0))],
            ["W16"],
        ),
    ]


def _gain(rows: _Rows, name: str) -> Comparison:
    """How far the lowest J lies below that of complete collapse, (d/2)(log(T/d) + 1)."""
    look = rows.look(name)
    if not look:
        return Comparison(f"gain over collapse, {name}", computed(math.nan), at_most(EQUAL, " nats"))
    d, total = look.what["d"], sum(look.what["zeta2"]) + look.what["d"] * look.what["rest"]
    collapsed = 0.5 * d * (math.log(total / d) + 1)
    return Comparison(f"gain over collapse, {name}", computed(collapsed - look["least_j"]), at_most(EQUAL, " nats"))


def _latents(rows: _Rows) -> list[Claim]:
    few = [name for name in AVOIDED if ", κ = 2," in name]
    enough = ["r = 3, κ = 3, β = 0.5", "r = 3, κ = 4, β = 1.9"]
    beyond, sampled = "r = 3, κ = 4, β = 2.1", "trained, r = 3, κ = 2, β = 0.5"
    return [
        rows.claim(
            "three modes in six columns, γ learned",
            "with fewer latents than modes γ ends at C₀/(d₂ − βκ) > 0, however small β",
            [*(_against_theory(rows, name) for name in few), _trained_gamma(rows, sampled)],
            ["W17"],
        ),
        rows.claim(
            "three modes in six columns, γ learned",
            "with as many latents as modes γ falls to 0 for every β below d₂/r = 2, and above it does not",
            [
                *(
                    Comparison(f"γ over its floor, {name}", _over_floor(rows, name), at_most(1 + EQUAL))
                    for name in enough
                ),
                _vanished(rows, "trained, r = 3, κ = 3, β = 0.5"),
                Comparison(f"γ over its floor, {beyond}", _over_floor(rows, beyond), at_least(THERE)),
            ],
            ["W17"],
        ),
    ]


def _over_floor(rows: _Rows, name: str) -> Estimate:
    return computed(rows.number(name, "least_gamma") / rows.number(name, "gamma_floor"))


def _against_theory(rows: _Rows, name: str) -> Comparison:
    look, expected = rows.look(name), math.nan
    if look:
        zeta2, d = look.what["zeta2"], look.what["d"]
        modes = Modes(zeta2, sum(zeta2) + d * look.what["rest"], d)
        expected = float(learned_gamma.gamma_star(modes, look.what["beta"], look.what["kappa"]))
    return Comparison(f"γ over γ*, {name}", computed(rows.number(name, "least_gamma") / expected), near(1.0, GAMMA))


def _trained_gamma(rows: _Rows, name: str) -> Comparison:
    done, (_, kappa, beta) = rows.trained(name), TRAINED[name]
    ratios = done["gamma_value"] / float(learned_gamma.gamma_star(rows.modes(name), beta, kappa)) if len(done) else []
    return Comparison(f"γ over γ* of the sample, {name}", mean_of(ratios), near(1.0, SAMPLED))


def _vanished(rows: _Rows, name: str) -> Comparison:
    done = rows.trained(name)
    parts = done["gamma_value"] * rows.modes(name).d2 / rows.modes(name).total if len(done) else []
    return Comparison(f"γ over T/d, {name}", mean_of(parts), at_most(VANISHED))
