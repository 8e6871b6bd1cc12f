"""outlier_screening: the reconstruction errors of autoencoders and of principal components as outlier scores.

An AUROC of ½ is chance, and 1 is perfect. Two principal components reconstruct the whole plane of the arc, outliers
included. The source screens with networks that have few active latents, and argues that needless latents let outliers
through. A plain autoencoder uses every latent it has, so the claim about it tests that argument. It needs a VAE whose γ has
arrived at its place: with γ still at 0.40, where 0.0175 is best, the VAE used 6 latents instead of 28, lost 35 % of the
variance instead of 20 %, and was the worse of the two (AUROC 0.965, 0.980 and 0.974; κ = 128). It does not need a plain
autoencoder that trains for long, but that shows the argument at work: from 1,200 to 4,800 steps its error falls from 0.147 to
0.122, and its AUROC from 0.974 to 0.969 (seed 0).

Source: Dai, Wenliang & Wipf (2021), figure 1 and supplement.
"""

import pandas as pd

from analysis.claims.claim import Claim
from analysis.claims.comparison import Comparison, above, at_least, at_most
from analysis.claims.estimate import mean_of, worst_of
from analysis.frames.load import Header
from analysis.frames.types import Column, Frame
from analysis.frames.view import View
from analysis.tables.cells import cells, label_text
from analysis.tables.interval import number, t_interval
from analysis.tables.sheet import Sheet
from study.catalog.outlier_screening.figures import split
from study.catalog.outlier_screening.table import FULL, PLAIN, outlier_screening

SOURCE = "Dai, Wenliang & Wipf (2021), figure 1 and supplement"

PCA_AUROC, PCA_ERROR = 0.65, 1e-10
"""Largest AUROC of the components that span the plane, and their largest error on the inliers, in data²."""

VAE_AUROC = 0.95
"""Least AUROC of a VAE on the arc."""

BLIND = 0.65
"""Largest AUROC of outliers that are not told; ½ is chance."""

LOSS = 0.02
"""How far a VAE's AUROC may fall below its best as κ rises far beyond what is needed."""

SCORES = ["auroc", "auroc_se", "auroc_pca"]


@outlier_screening.claims
def claims(view: View) -> list[Claim]:
    """The claims of the study, one data set after the other."""
    return screening_claims(view.trials, view.header)


def screening_claims(frame: Frame, header: Header) -> list[Claim]:
    """The claims about trials with the axes `data`, `network`, `kappa` and `seed`, and `outliers` where these differ."""
    found, (apart, on_curve) = [], split(frame[frame["status"].eq("finished")])
    for (data,), trials in cells(apart, header, ["data"]):
        name, vae, plain = label_text(data), *(trials[trials["network"].eq(network)] for network in (FULL, PLAIN))
        if trials["intrinsic_dim"].notna().any():
            found += [_components_see_nothing(name, trials), _tells_the_arc(name, vae)]
            found.append(_blind_on_the_arc(name, on_curve))
        else:
            found += [_stays(name, vae), _beats_components(name, vae), _needless_latents(name, vae, plain)]
    return found


@outlier_screening.sheets
def sheets(view: View) -> list[Sheet]:
    """AUROC of the networks and of principal components for each κ."""
    rows, every = [], view.trials
    every = every.reindex(columns=every.columns.union(SCORES, sort=False))  # no trial may have finished yet
    axes = ["data", "outliers", "kappa", "network"] if "outliers" in every else ["data", "kappa", "network"]
    for labels, trials in cells(every, view.header, axes):
        data, *kind, kappa, network = labels
        done = trials[trials["status"].eq("finished")]
        if done.empty:
            rows.append(None)
            continue
        rows.append(
            {
                "data": label_text(data),
                **({"outliers": str(kind[0])} if kind else {}),
                "κ": label_text(kappa),
                "network": str(network),
                "AUROC": str(t_interval(done["auroc"])),
                "error within a trial": number(done["auroc_se"].mean()),
                "AUROC, κ components": number(done["auroc_pca"].mean()),
                "NRE mean": str(t_interval(done["nre_mean_test"])),
                "active, v < 0.5": str(t_interval(done["n_active"])) if network == FULL else "all",
                "trials": str(len(done)),
            }
        )
    caption = (
        "AUROC of the reconstruction error, inliers against outliers: mean ± half-width of the 95 % t-interval over seeds; "
        "error within a trial: DeLong's standard error over the examples"
    )
    return [Sheet.of("screening", caption, rows)]


def _components_see_nothing(name: str, trials: Frame) -> Claim:
    plane = trials[trials["kappa"].eq(2)]
    return _claim(
        name,
        plane,
        "two principal components reconstruct the plane, and detect no outlier in it",
        [
            Comparison("AUROC of two components", worst_of(plane["auroc_pca"], "trials"), at_most(PCA_AUROC)),
            Comparison("their error of inliers", worst_of(plane["error_pca"], "trials"), at_most(PCA_ERROR, " data²")),
        ],
        ["D12"],
    )


def _tells_the_arc(name: str, vae: Frame) -> Claim:
    active = vae["n_active"].dropna()
    used = f"; {active.min():.0f} to {active.max():.0f} latents active" if len(active) else ""
    return _claim(
        name,
        vae,
        "a VAE detects what lies off the arc, at every κ",
        [
            Comparison(f"AUROC, κ = {label_text(kappa)}", mean_of(own["auroc"]), at_least(VAE_AUROC))
            for kappa, own in vae.groupby("kappa")
        ],
        ["D12", "D14"],
        used,
    )


def _blind_on_the_arc(name: str, vae: Frame) -> Claim:
    """An AUROC below ½ says that the middle of the arc, where the outliers lie, is reconstructed better than its ends."""
    return _claim(
        name,
        vae,
        "outliers on the arc itself are not told, however unlike the data's their distribution is",
        [Comparison("AUROC", mean_of(vae["auroc"], "trials"), at_most(BLIND))],
        ["D13"],
    )


def _needless_latents(name: str, vae: Frame, plain: Frame) -> Claim:
    """At the largest κ, where the plain autoencoder has the most needless latents. On the arc both reach 1."""
    most = vae["kappa"].max()
    lead = _lead(vae[vae["kappa"].eq(most)], plain[plain["kappa"].eq(most)], "auroc")
    return _claim(
        name,
        pd.concat([vae, plain])[lambda rows: rows["kappa"].eq(most)],
        "needless latents let outliers through: a plain autoencoder detects them worse than a VAE",
        [Comparison(f"AUROC(VAE) − AUROC(AE) at κ = {label_text(most)}", mean_of(lead), above(0.0))],
        ["D15"],
    )


def _stays(name: str, vae: Frame) -> Claim:
    """The largest κ against every other, paired by seed."""
    means = vae.groupby("kappa")["auroc"].mean()
    largest = vae[vae["kappa"].eq(vae["kappa"].max())]
    return _claim(
        name,
        vae,
        "a VAE detects outliers as well with far more latents than it needs",
        [
            Comparison(
                f"AUROC at κ = {label_text(means.index.max())} less that at {label_text(kappa)}",
                mean_of(_lead(largest, vae[vae["kappa"].eq(kappa)], "auroc")),
                at_least(-LOSS),
            )
            for kappa in means.index[:-1]
        ],
        ["D14"],
        "; AUROC " + ", ".join(f"{value:.3f} at κ = {label_text(kappa)}" for kappa, value in means.items()),
    )


def _beats_components(name: str, vae: Frame) -> Claim:
    most = vae[vae["kappa"].eq(vae["kappa"].max())]
    return _claim(
        name,
        most,
        "a VAE detects outliers better than the same number of principal components",
        [
            Comparison(
                f"AUROC(VAE) − AUROC(components) at κ = {label_text(vae['kappa'].max())}",
                mean_of(most["auroc"] - most["auroc_pca"]),
                above(0.0),
            )
        ],
        ["D12"],
        f"; components {number(most['auroc_pca'].mean())}",
    )


def _lead(ours: Frame, theirs: Frame, column: str) -> Column:
    """Ours minus theirs over the seeds of both: trials of one seed share minibatches and noise."""
    return (ours.set_index("seed")[column] - theirs.set_index("seed")[column]).dropna()


def _claim(
    name: str, trials: Frame, said: str, compared: list[Comparison], statements: list[str], more: str = ""
) -> Claim:
    return Claim(
        name,
        said,
        SOURCE,
        measured="; ".join(map(str, compared)) + more,
        trials=len(trials),
        comparisons=compared,
        lacks="" if len(trials) else "no trial has a result",
        statements=statements,
    )
