"""gamma_star: a learned γ against its final value γ*, fixed from the start.

Both trials of a pair end at the same γ. On the source's pictures both reconstruct equally well. These have 12,288 and 49,152
values for 64 latents: whatever needless latents do to the error, they do little. Of fewer values it is a question. On the
digits (64 values, 32 latents) they carry details, and the error on new examples is 39 % lower; on MNIST (784 values, 64
latents) it is 5 % higher. In both a needless latent changes an error of dγ by 2.5 to 3 γ; on the source's pictures 14 of them
would change it by 0.3 %.

The learned γ starts large, when few latents are worth their rate, and falls as the decoder sharpens; a γ that is small from
the start skips that phase. So the fixed γ keeps needless latents, and leaves the aggregate posterior far from the prior. Its
training is often still pruning: the claims are about the state after equal numbers of steps, and say how many trials were
still moving.

The gradient ‖∂J/∂z‖ scales as 1/γ, so its first value under γ* is larger by γ_init/γ* by construction, and proves nothing.
Its growth as a learned γ falls is evidence, and so is its agreement at the end. Whether a large first gradient is *why* the
fixed γ ends elsewhere is asked by taking it away (`study.catalog.gamma_star.gentle`).

Source: Dai, Wenliang & Wipf, "On the value of infinite gradients in variational autoencoder models" (2021), figure 4;
"On the regularization balance in autoencoder-based generative models", table 2 and figure 1.
"""

from collections.abc import Sequence

from analysis.claims.claim import QUESTION, Claim, Kind
from analysis.claims.comparison import Comparison, above, at_least, at_most, between, within
from analysis.claims.estimate import Estimate, mean_count_of, mean_of
from analysis.frames.load import Header
from analysis.frames.types import Column, Frame
from analysis.frames.view import View
from analysis.tables.cells import cells, label_text
from analysis.tables.interval import number, t_interval
from analysis.tables.sheet import Sheet
from study.catalog.gamma_star.gentle import causes
from study.catalog.gamma_star.table import LEARNED, REFIT, gamma_star

INFINITE = "Dai, Wenliang & Wipf (2021), figure 4"
BALANCE = "On the regularization balance in autoencoder-based generative models, table 2"

MMD_LEARNED, MMD_RATIO = 0.005, 10.0
"""On planted data: the largest MMD of a learned γ, and the least ratio of its fixed twin's to it."""

NRE_LIMIT = 1e-3
"""Largest share of the test variance that either may lose where it can be zero."""

RISE, APART = 50.0, 2.0
"""Least factor by which ‖∂J/∂z‖ grows as a learned γ falls; largest ratio of the final norms."""

ERROR_APART = 0.03
"""Largest relative difference between reconstruction errors that count as equal, on images; the source's are within 1.5 %."""

FEW = ERROR_APART / 3
"""Largest κ/d for errors to be equal, since a needless latent was seen to change an error of dγ by up to 3 γ."""

OF_COUNT = 0.5
"""How far a mean of counts may lie from a whole number that it is to be."""


@gamma_star.claims
def claims(view: View) -> list[Claim]:
    """The claims of the study, for each data set (and κ, where it varies)."""
    return paired_claims(view.trials, view.header)


def paired_claims(frame: Frame, header: Header) -> list[Claim]:
    """The claims about trials with the axes `data`, `mode` and `seed`, paired by how they set γ."""
    found = []
    for labels, trials in cells(frame, header, _places(header)):
        where = _where(header, labels)
        pairs = _pairs(trials)
        known = trials["intrinsic_dim"].dropna()
        found += _planted(where, pairs, int(known.iloc[0])) if len(known) else _pictures(where, pairs)
        found += [_rises(where, pairs, planted=bool(len(known))), _meets(where, pairs)]
        found += causes(where, trials)
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
            "J, training": "objective_train",
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
    where: str,
    pairs: Frame,
    said: str,
    source: str,
    compared: list[Comparison],
    statements: Sequence[str],
    more: str = "",
    kind: Kind | None = None,
    lacks: str = "",
) -> Claim:
    counts = {mode: int((~pairs[f"converged_{mode}"].astype(bool)).sum()) for mode in (LEARNED, REFIT)}
    told = [f"{n} {mode}" for mode, n in counts.items() if n]
    moving = f"; still moving: {' and '.join(told)}" if told else ""
    return Claim(
        where,
        said,
        source,
        measured="; ".join(map(str, compared)) + more + moving,
        trials=2 * len(pairs),
        comparisons=compared,
        lacks=lacks,
        statements=statements,
        kind=kind,
    )


def _more(pairs: Frame, column: str) -> Column:
    """Refit minus learned, over pairs of equal seed."""
    return pairs[f"{column}_refit"] - pairs[f"{column}_learned"]


def _planted(where: str, pairs: Frame, r: int) -> list[Claim]:
    unused = pairs["kappa_refit"] - pairs["n_active_refit"]
    ratio = pairs["mmd_refit"] - MMD_RATIO * pairs["mmd_learned"]
    return [
        _claim(
            where,
            pairs,
            "a learned γ keeps only the planted dimensions; the same γ from the start keeps every latent",
            BALANCE,
            [
                Comparison("n_active, learned", mean_count_of(pairs["n_active_learned"]), within(OF_COUNT, r)),
                Comparison("latents left unused, fixed", mean_count_of(unused), within(OF_COUNT, 0)),
            ],
            ["D25"],
        ),
        _claim(
            where,
            pairs,
            "q(z) matches the prior under the learned γ, but not under the fixed one",
            BALANCE,
            [
                Comparison("MMD, learned", mean_of(pairs["mmd_learned"]), at_most(MMD_LEARNED)),
                Comparison(f"MMD fixed less {MMD_RATIO:g} times the learned one's", mean_of(ratio), above(0.0)),
            ],
            ["D25", "B16"],
        ),
        _claim(
            where,
            pairs,
            "both reconstruct completely",
            INFINITE,
            [
                Comparison(f"NRE, {how}", mean_of(pairs[f"nre_test_{mode}"]), at_most(NRE_LIMIT))
                for how, mode in (("learned", LEARNED), ("fixed", REFIT))
            ],
            ["D25", "B19"],
        ),
        _better_solution(where, pairs),
    ]


def _pictures(where: str, pairs: Frame) -> list[Claim]:
    ratio = pairs["mmd_refit"].mean() / pairs["mmd_learned"].mean()
    is_full = (pairs["kappa_learned"] - pairs["n_active_learned"]).mean() < 1
    return [
        _claim(
            where,
            pairs,
            "γ* fixed from the start leaves more latents active than a learned γ",
            BALANCE,
            [Comparison("n_active(fixed) − n_active(learned)", mean_count_of(_more(pairs, "n_active")), above(0.0))],
            ["D25"],
            lacks="the learned γ leaves no latent unused: no other can use more" if is_full else "",
        ),
        _claim(
            where,
            pairs,
            "γ* fixed from the start leaves q(z) farther from the prior than a learned γ",
            BALANCE,
            [Comparison("MMD(fixed) − MMD(learned)", mean_of(_more(pairs, "mmd")), above(0.0))],
            ["D25", "B16"],
            f"; ratio of the means {number(ratio)}, the source's are 3.44 and 3.13",
        ),
        _same_error(where, pairs),
        _better_solution(where, pairs),
        _claim(
            where,
            pairs,
            "does that better solution explain new examples better?",
            "asked here",
            [Comparison("J fixed − learned, test set, nats", mean_of(_more(pairs, "objective_test")), above(0.0))],
            [],
            kind=QUESTION,
        ),
    ]


def _same_error(where: str, pairs: Frame) -> Claim:
    apart = _more(pairs, "distortion_test") / pairs["distortion_test_learned"]
    equal = [Comparison("error fixed − learned, over the learned one's", mean_of(apart), within(ERROR_APART, 0))]
    if (pairs["kappa_learned"] > FEW * pairs["d_learned"]).any():
        asked = "do both reconstruct equally well, where latents are not few beside the values of an image?"
        return _claim(where, pairs, asked, "asked here", equal, [], kind=QUESTION)
    return _claim(where, pairs, "both reconstruct equally well", BALANCE, equal, ["B19"])


def _better_solution(where: str, pairs: Frame) -> Claim:
    """By what is minimised, on the training set: new examples are another question."""
    return _claim(
        where,
        pairs,
        "learning γ ends in a better local solution than fixing γ* from the start",
        INFINITE,
        [Comparison("J fixed − learned, training set, nats", mean_of(_more(pairs, "objective_train")), above(0.0))],
        ["D26"],
    )


def _rises(where: str, pairs: Frame, planted: bool) -> Claim:
    """Where γ can fall to zero the gradient grows without bound; on images γ* limits it."""
    rise = mean_of(pairs["grad_z_last_learned"] / pairs["grad_z_first_learned"])
    return _claim(
        where,
        pairs,
        "‖∂J/∂z‖ grows during training as a learned γ falls",
        INFINITE,
        [Comparison("last over first", rise, at_least(RISE) if planted else above(1.0))],
        ["D27", "D8"],
    )


def _meets(where: str, pairs: Frame) -> Claim:
    ratio: Estimate = mean_of(pairs["grad_z_last_learned"] / pairs["grad_z_last_refit"])
    return _claim(
        where,
        pairs,
        "at the end both have the same ‖∂J/∂z‖",
        INFINITE,
        [Comparison("learned over fixed", ratio, between(1 / APART, APART))],
        ["D27"],
    )
