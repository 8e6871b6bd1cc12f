"""gamma_star: a learned γ against its final value γ*, fixed from the start.

Both trials of a pair end at the same γ and reconstruct equally well. The learned γ starts large, when few latents are worth
their rate, and falls as the decoder sharpens; a γ that is small from the start skips that phase. So the fixed γ keeps
needless latents, and leaves the aggregate posterior far from the prior. Its training is often still pruning: the claims are
about the state after equal numbers of steps, and say how many trials were still moving.

The gradient ‖∂J/∂z‖ scales as 1/γ, so its first value under γ* is larger by γ_init/γ* by construction, and proves nothing.
Its growth as a learned γ falls is evidence, and so is its agreement at the end.

Source: Dai, Wenliang & Wipf, "On the value of infinite gradients in variational autoencoder models" (2021), figure 4;
"On the regularization balance in autoencoder-based generative models", table 2 and figure 1.
"""

from analysis.claims import topics
from analysis.claims.claim import Claim, judge
from analysis.frames.load import Header
from analysis.frames.types import Frame
from analysis.frames.view import View
from analysis.tables.cells import cells, label_text
from analysis.tables.interval import Interval, number, t_interval
from analysis.tables.sheet import Sheet
from study.catalog.gamma_star.table import gamma_star

INFINITE = "Dai, Wenliang & Wipf (2021), figure 4"
BALANCE = "On the regularization balance in autoencoder-based generative models, table 2"

LEARNED, REFIT = "learned", "refit"
"""How γ is set, as `gamma_mode` records it."""

MMD_LEARNED, MMD_RATIO = 0.005, 10.0
"""On planted data: the largest MMD of a learned γ, and the least ratio of its fixed twin's to it."""

NRE_LIMIT = 1e-3
"""Largest share of the test variance that either may lose where it can be zero."""

RISE, APART = 50.0, 2.0
"""Least factor by which ‖∂J/∂z‖ grows as a learned γ falls; largest ratio of the final norms."""

ERROR_APART = 0.03
"""Largest relative difference between reconstruction errors that count as equal, on images."""

FEWEST = 3
"""Pairs that a claim needs."""


@gamma_star.claims
def claims(view: View) -> list[Claim]:
    """The claims of the study, for each data set (and κ, where it varies)."""
    return paired_claims(view.trials, view.header)


def paired_claims(frame: Frame, header: Header) -> list[Claim]:
    """The claims about trials with the axes `data` and `seed`, paired by how they set γ."""
    found = []
    for labels, trials in cells(frame, header, _places(header)):
        where = _where(header, labels)
        pairs = _pairs(trials)
        known = trials["intrinsic_dim"].dropna()
        if len(known):
            found += [_active_planted(where, pairs, int(known.iloc[0])), _mmd_planted(where, pairs)]
            found += [_complete(where, pairs)]
        else:
            found += [_more_active(where, pairs), _mmd_larger(where, pairs), _alike(where, pairs)]
        found += [_rises(where, pairs, planted=bool(len(known))), _meets(where, pairs)]
    return found


@gamma_star.sheets
def sheets(view: View) -> list[Sheet]:
    """The source's table 2, with active latents and gradients added."""
    rows = []
    for labels, trials in cells(view.trials, view.header, [*_places(view.header), "mode"]):
        usable = trials[trials["status"].eq("finished")]
        if usable.empty:
            rows.append(None)
            continue
        *place, mode = labels
        measured = {
            "error": "distortion_test",
            "NRE": "nre_test",
            "MMD": "mmd",
            "active, v < 0.5": "n_active",
            "J, test": "objective_test",
            "γ": "gamma_value",
            "‖∂J/∂z‖ first": "grad_z_first",
            "‖∂J/∂z‖ last": "grad_z_last",
        }
        texts = {heading: str(t_interval(usable[column])) for heading, column in measured.items()}
        moving = str(int((~usable["converged"]).sum()))
        rows.append(
            {"data": _where(view.header, tuple(place)), "γ mode": mode}
            | texts
            | {"unconverged": moving, "trials": str(len(usable))}
        )
    caption = (
        "A learned γ against γ* fixed from the start: mean ± half-width of the 95 % t-interval over seeds, test set"
    )
    return [Sheet.of("modes", caption, rows)]


def _places(header: Header) -> list[str]:
    return ["data", *(axis for axis in header.varying("seed") if axis not in ("data", "mode"))]


def _where(header: Header, labels: tuple[object, ...]) -> str:
    data, *others = labels
    named = zip(_places(header)[1:], others, strict=True)
    return ", ".join([label_text(data), *(f"{axis} = {label_text(label)}" for axis, label in named)])


def _pairs(trials: Frame) -> Frame:
    """One row per seed with both trials finished: the columns of both, ending in `_learned` and `_refit`."""
    done = trials[trials["status"].eq("finished")]
    sides = [done[done["gamma_mode"].eq(mode)].set_index("seed").add_suffix(f"_{mode}") for mode in (LEARNED, REFIT)]
    return sides[0].join(sides[1], how="inner")


def _claim(
    where: str, pairs: Frame, claim: str, source: str, expected: str, measured: str, tolerance: str, agrees: bool
) -> Claim:
    return Claim(
        data=where,
        claim=claim,
        source=source,
        expected=expected,
        measured=measured + _moving(pairs),
        tolerance=tolerance,
        verdict=judge(agrees, len(pairs) >= FEWEST),
        trials=2 * len(pairs),
        topic=topics.LEARNED_AGAINST_FIXED,
    )


def _moving(pairs: Frame) -> str:
    counts = {mode: int((~pairs[f"converged_{mode}"].astype(bool)).sum()) for mode in (LEARNED, REFIT)}
    told = [f"{n} {mode}" for mode, n in counts.items() if n]
    return f"; still moving: {' and '.join(told)}" if told else ""


def _active_planted(where: str, pairs: Frame, r: int) -> Claim:
    learned, fixed, kappa = pairs["n_active_learned"], pairs["n_active_refit"], pairs["kappa_refit"]
    return _claim(
        where,
        pairs,
        "a learned γ keeps only the planted dimensions; the same γ from the start keeps every latent",
        BALANCE,
        f"{r} active learned, κ active fixed",
        f"{_listed(learned)} learned, {_listed(fixed)} of {_listed(kappa.unique())} fixed",
        "every seed",
        bool(learned.eq(r).all() and fixed.eq(kappa).all()),
    )


def _mmd_planted(where: str, pairs: Frame) -> Claim:
    learned, fixed = pairs["mmd_learned"], pairs["mmd_refit"]
    agrees = learned.max() <= MMD_LEARNED and bool((fixed >= MMD_RATIO * learned).all())
    return _claim(
        where,
        pairs,
        "q(z) matches the prior under the learned γ, but not under the fixed one",
        BALANCE,
        f"MMD ≤ {MMD_LEARNED:g} learned, at least {MMD_RATIO:g} times its twin's fixed",
        f"at most {number(learned.max())} learned, at least {number(fixed.min())} fixed",
        "every seed",
        agrees,
    )


def _complete(where: str, pairs: Frame) -> Claim:
    worst = max(pairs["nre_test_learned"].max(), pairs["nre_test_refit"].max())
    return _claim(
        where,
        pairs,
        "both reconstruct completely",
        INFINITE,
        f"NRE < {NRE_LIMIT:g} on the test set",
        f"largest NRE {number(worst)}",
        "every seed",
        bool(worst < NRE_LIMIT),
    )


def _difference(pairs: Frame, column: str) -> Interval:
    """Refit minus learned, over pairs of equal seed."""
    return t_interval(pairs[f"{column}_refit"] - pairs[f"{column}_learned"])


def _more_active(where: str, pairs: Frame) -> Claim:
    more = _difference(pairs, "n_active")
    return _claim(
        where,
        pairs,
        "γ* fixed from the start leaves more latents active than a learned γ",
        BALANCE,
        "n_active(fixed) − n_active(learned) > 0",
        f"{more}",
        "the paired 95 % t-interval lies above 0",
        more.low > 0,
    )


def _mmd_larger(where: str, pairs: Frame) -> Claim:
    more = _difference(pairs, "mmd")
    ratio = pairs["mmd_refit"].mean() / pairs["mmd_learned"].mean()
    return _claim(
        where,
        pairs,
        "γ* fixed from the start leaves q(z) further from the prior than a learned γ",
        BALANCE,
        "MMD(fixed) − MMD(learned) > 0; the source's ratios are 3.44 and 3.13",
        f"{more}; ratio of the means {number(ratio)}",
        "the paired 95 % t-interval lies above 0",
        more.low > 0,
    )


def _alike(where: str, pairs: Frame) -> Claim:
    apart = _difference(pairs, "distortion_test")
    relative = apart.mean / pairs["distortion_test_learned"].mean() if len(pairs) else float("nan")
    return _claim(
        where,
        pairs,
        "both reconstruct equally well",
        BALANCE,
        f"errors within {ERROR_APART:.0%}; the source's are within 1.5 %",
        f"fixed − learned {apart}, {relative:+.1%} of the learned one's",
        f"{ERROR_APART:.0%} of the means",
        abs(relative) <= ERROR_APART,
    )


def _rises(where: str, pairs: Frame, planted: bool) -> Claim:
    """Where γ can fall to zero the gradient grows without bound; on images γ* limits it."""
    rise = pairs["grad_z_last_learned"] / pairs["grad_z_first_learned"]
    mean = t_interval(rise)
    return _claim(
        where,
        pairs,
        "‖∂J/∂z‖ grows during training as a learned γ falls",
        INFINITE,
        f"by a factor of at least {RISE:g}" if planted else "by a factor above 1",
        f"by a factor of {mean}",
        "every seed" if planted else "the 95 % t-interval lies above 1",
        bool(rise.min() >= RISE) if planted else mean.low > 1,
    )


def _meets(where: str, pairs: Frame) -> Claim:
    ratio = pairs["grad_z_last_learned"] / pairs["grad_z_last_refit"]
    return _claim(
        where,
        pairs,
        "at the end both have the same ‖∂J/∂z‖",
        INFINITE,
        f"within a factor of {APART:g}",
        f"learned over fixed {number(ratio.min())} to {number(ratio.max())}" if len(ratio) else "not measured",
        "every seed",
        bool(ratio.max() <= APART and ratio.min() >= 1 / APART),
    )


def _listed(values: object) -> str:
    return ", ".join(f"{value:.0f}" for value in values) or "none"  # pyright: ignore[reportGeneralTypeIssues]
