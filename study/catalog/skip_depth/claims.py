"""skip_depth: do deep decoders without skip connections collapse, and what causes it?

The source claims that deep decoders lose their latents unless skip connections carry z past the layers. Each initialisation
of the weights gets its own verdict, since N(0, 1/fan_in) halves the second moment at every ReLU layer and He's keeps it: a
claim that holds under the first and fails under He's is about the initialisation. Medians over seeds are compared after a
training of fixed length. Trials need not have converged; each claim says how many have not.

Source: "On the regularization balance in autoencoder-based generative models", sections 4 and 6; He et al. (2015) for
what a ReLU layer does to a second moment.
"""

from analysis.claims import topics
from analysis.claims.claim import Claim, judge
from analysis.figures.bands import SKIPS
from analysis.frames.load import Header
from analysis.frames.types import Frame
from analysis.frames.view import View
from analysis.tables.cells import ENOUGH, cells, label_text
from analysis.tables.interval import number
from analysis.tables.sheet import Sheet
from study.catalog.skip_depth.figures import INITS
from study.catalog.skip_depth.table import AFFINE, HE_INIT, NONE, skip_depth

SOURCE = "On the regularization balance in autoencoder-based generative models, sections 4 and 6"
HE = "He et al. (2015): weights of variance 2/fan_in keep the second moment from layer to layer"

DEEP, MIDDLE = 20, 6
"""Decoder layers at which the source says that a plain decoder collapses, and at which it does not."""

COLLAPSED, KEPT = 1, 3
"""Median active latents: a decoder with at most the first has collapsed, one with at least the second has not."""

NRE_RESCUED, NRE_LOST = 0.15, 0.9
"""Lost fraction of the test variance: largest with the affine skip, and least median of a collapsed decoder."""


@skip_depth.claims
def claims(view: View) -> list[Claim]:
    """The claims of the study, for each data set, κ and initialisation."""
    return collapse_of_depth(view.trials, view.header)


def collapse_of_depth(frame: Frame, header: Header) -> list[Claim]:
    """The claims about trials with the axes `depth`, `init`, `skip`, `kappa` and `seed`."""
    found = []
    for (kappa, init), trials in cells(frame, header, ["kappa", "init"]):
        where = f"κ = {label_text(kappa)}, {INITS.get(init, init)}"
        found += [_rescued(where, trials), _reconstructed(where, trials)]
        found += [_alike(where, trials)] if trials["depth"].eq(MIDDLE).any() else []
    for (kappa,), trials in cells(frame, header, ["kappa"]):
        found.append(_not_collapsed(f"κ = {label_text(kappa)}, {INITS[HE_INIT]}", trials[trials["init"].eq(HE_INIT)]))
    return found


def _rescued(where: str, trials: Frame) -> Claim:
    plain, affine = _cell(trials, DEEP, NONE), _cell(trials, DEEP, AFFINE)
    agrees = _median(plain, "n_active") <= COLLAPSED and _median(affine, "n_active") >= KEPT
    return Claim(
        data=where,
        claim=f"a plain decoder of {DEEP} layers collapses, and the affine skip rescues it",
        source=SOURCE,
        expected=f"median n_active ≤ {COLLAPSED} without skip, ≥ {KEPT} with it",
        measured=f"{_counts(plain)} without, {_counts(affine)} with{_moving(plain, affine)}",
        tolerance="medians over seeds",
        verdict=judge(agrees, _enough(plain, affine)),
        trials=len(plain) + len(affine),
        topic=topics.DEPTH_AND_SKIPS,
    )


def _reconstructed(where: str, trials: Frame) -> Claim:
    plain, affine = _cell(trials, DEEP, NONE), _cell(trials, DEEP, AFFINE)
    lost, rescued = _median(plain, "nre_test"), float(affine["nre_test"].max())
    return Claim(
        data=where,
        claim=f"with {DEEP} layers a plain decoder does not reconstruct; one with the affine skip does",
        source=SOURCE,
        expected=f"NRE ≥ {NRE_LOST:g} without skip, ≤ {NRE_RESCUED:g} with it",
        measured=f"median {number(lost)} without, at most {number(rescued)} with{_moving(plain, affine)}",
        tolerance="the median without, every trial with",
        verdict=judge(lost >= NRE_LOST and rescued <= NRE_RESCUED, _enough(plain, affine)),
        trials=len(plain) + len(affine),
        topic=topics.DEPTH_AND_SKIPS,
    )


def _alike(where: str, trials: Frame) -> Claim:
    plain, affine = _cell(trials, MIDDLE, NONE), _cell(trials, MIDDLE, AFFINE)
    kept = min(_median(plain, "n_active"), _median(affine, "n_active"))
    return Claim(
        data=where,
        claim=f"with {MIDDLE} layers nothing collapses, with or without the skip",
        source=SOURCE,
        expected=f"median n_active ≥ {KEPT} with and without",
        measured=f"{_counts(plain)} without, {_counts(affine)} with{_moving(plain, affine)}",
        tolerance="medians over seeds",
        verdict=judge(kept >= KEPT, _enough(plain, affine)),
        trials=len(plain) + len(affine),
        topic=topics.DEPTH_AND_SKIPS,
    )


def _not_collapsed(where: str, trials: Frame) -> Claim:
    """By the criteria by which the first two claims call a decoder collapsed."""
    plain = _cell(trials, DEEP, NONE)
    active, lost = _median(plain, "n_active"), _median(plain, "nre_test")
    return Claim(
        data=where,
        claim=f"the initialisation causes the collapse: under He's, a plain decoder of {DEEP} layers does not collapse",
        source=HE,
        expected=f"median n_active > {COLLAPSED}, median NRE < {NRE_LOST:g}",
        measured=f"{_counts(plain)}, median NRE {number(lost)}{_moving(plain)}",
        tolerance="medians over seeds",
        verdict=judge(active > COLLAPSED and lost < NRE_LOST, _enough(plain)),
        trials=len(plain),
        topic=topics.DEPTH_AND_SKIPS,
    )


def _cell(trials: Frame, depth: int, skip: str) -> Frame:
    return trials[trials["depth"].eq(depth) & trials["skip"].eq(skip)]


def _finished(trials: Frame) -> Frame:
    return trials[trials["status"].eq("finished")]


def _median(trials: Frame, column: str) -> float:
    """NaN if no trial has finished: every comparison with it is false."""
    return float(_finished(trials)[column].median())


def _counts(trials: Frame) -> str:
    found = sorted(int(count) for count in _finished(trials)["n_active"])
    return f"n_active {', '.join(map(str, found)) or '—'}"


def _enough(*sides: Frame) -> bool:
    """Whether each side has at least two finished trials, and two thirds of those declared."""
    finished = [len(_finished(trials)) for trials in sides]
    return all(n >= 2 and n >= ENOUGH * len(trials) for n, trials in zip(finished, sides, strict=True))


def _moving(*sides: Frame) -> str:
    moving = sum(int((trials["status"].eq("finished") & ~trials["converged"]).sum()) for trials in sides)
    return f"; {moving} of these trials had not converged" if moving else ""


@skip_depth.sheets
def sheets(view: View) -> list[Sheet]:
    """Active latents and reconstruction error, a row for each initialisation, κ and skip, columns by depth."""
    rows = []
    depths = sorted(view.trials.loc[view.trials["status"].eq("finished"), "depth"].unique())
    for (init, kappa, skip), trials in cells(view.trials, view.header, ["init", "kappa", "skip"]):
        if not trials["status"].eq("finished").any():
            rows.append(None)
            continue
        row = {"initial weights": INITS.get(init, init), "κ": label_text(kappa), "skip": SKIPS[skip].label}
        for depth in depths:
            cell = _cell(trials, depth, skip)
            row |= {
                f"active, {depth} layers": _median(cell, "n_active"),
                f"NRE, {depth} layers": _median(cell, "nre_test"),
            }
            row |= {f"γ, {depth} layers": _median(cell, "gamma_value")}
        rows.append(row)
    caption = "Active latents (v < 0.5), NRE on the test set and learned γ by depth of the decoder: medians over seeds"
    return [Sheet.of("depth", caption, rows)]
