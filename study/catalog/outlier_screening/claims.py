"""outlier_screening: the reconstruction errors of autoencoders and of principal components as outlier scores.

An AUROC of ½ is chance, and 1 is perfect. Two principal components reconstruct the whole plane of the arc, outliers
included. The source screens with networks that have few active latents, and argues that needless latents let outliers
through. A plain autoencoder uses every latent it has, so the claim about it tests that argument.

Source: Dai, Wenliang & Wipf (2021), figure 1 and supplement.
"""

import math

import pandas as pd

from analysis.claims import topics
from analysis.claims.claim import Claim, judge
from analysis.frames.load import Header
from analysis.frames.types import Frame
from analysis.frames.view import View
from analysis.tables.cells import cells, label_text
from analysis.tables.interval import Interval, number, t_interval
from analysis.tables.sheet import Sheet
from study.catalog.outlier_screening.table import FULL, PLAIN, outlier_screening

SOURCE = "Dai, Wenliang & Wipf (2021), figure 1 and supplement"

PCA_AUROC, PCA_ERROR = 0.65, 1e-10
"""Largest AUROC of the components that span the plane, and their largest error on the inliers, in data²."""

VAE_AUROC = 0.95
"""Least AUROC of a VAE on the arc."""

LOSS = 0.02
"""How far a VAE's AUROC may fall below its best as κ rises far beyond what is needed."""

SCORES = ["auroc", "auroc_se", "auroc_pca"]

FEWEST = 3
"""Trials, or pairs of trials, that a claim needs."""


@outlier_screening.claims
def claims(view: View) -> list[Claim]:
    """The claims of the study, one data set after the other."""
    return screening_claims(view.trials, view.header)


def screening_claims(frame: Frame, header: Header) -> list[Claim]:
    """The claims about trials with the axes `data`, `network`, `kappa` and `seed`."""
    found = []
    for (data,), trials in cells(frame[frame["status"].eq("finished")], header, ["data"]):
        name, vae, plain = label_text(data), *(trials[trials["network"].eq(network)] for network in (FULL, PLAIN))
        if trials["intrinsic_dim"].notna().any():
            found += [_components_see_nothing(name, trials), _tells_the_arc(name, vae)]
        else:
            found += [_stays(name, vae), _beats_components(name, vae)]
        found.append(_needless_latents(name, vae, plain))
    return found


@outlier_screening.sheets
def sheets(view: View) -> list[Sheet]:
    """AUROC of the networks and of principal components for each κ."""
    rows, every = [], view.trials
    every = every.reindex(columns=every.columns.union(SCORES, sort=False))  # no trial may have finished yet
    for (data, kappa, network), trials in cells(every, view.header, ["data", "kappa", "network"]):
        done = trials[trials["status"].eq("finished")]
        if done.empty:
            rows.append(None)
            continue
        rows.append(
            {
                "data": label_text(data),
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
    area, error = plane["auroc_pca"].max(), plane["error_pca"].max()
    return _claim(
        name,
        plane,
        "two principal components reconstruct the plane, and detect no outlier in it",
        f"AUROC ≤ {PCA_AUROC:g}, inliers' error < {PCA_ERROR:g}",
        f"AUROC {number(area)}, error {number(error)} data²",
        "every trial of κ = 2",
        bool(area <= PCA_AUROC and error < PCA_ERROR),
        1,
    )


def _tells_the_arc(name: str, vae: Frame) -> Claim:
    worst = vae["auroc"].min()
    active = vae["n_active"].dropna()
    used = f"{active.min():.0f} to {active.max():.0f} active" if len(active) else "none measured"
    return _claim(
        name,
        vae,
        "a VAE detects what lies off the arc, at every κ",
        f"AUROC ≥ {VAE_AUROC:g}",
        f"at least {number(worst)}, with {used} latents",
        "every trial",
        bool(worst >= VAE_AUROC),
    )


def _needless_latents(name: str, vae: Frame, plain: Frame) -> Claim:
    """At the largest κ, where the plain autoencoder has the most needless latents."""
    most = vae["kappa"].max()
    lead = _lead(vae[vae["kappa"].eq(most)], plain[plain["kappa"].eq(most)], "auroc")
    return _claim(
        name,
        pd.concat([vae, plain])[lambda rows: rows["kappa"].eq(most)],
        "needless latents let outliers through: a plain autoencoder detects them worse than a VAE",
        f"AUROC(VAE) − AUROC(AE) > 0 at κ = {label_text(most)}",
        f"{lead}",
        "the paired 95 % t-interval lies above 0",
        lead.low > 0,
        2 * FEWEST,
    )


def _stays(name: str, vae: Frame) -> Claim:
    """The largest κ against the best one, paired by seed."""
    means = vae.groupby("kappa")["auroc"].mean()
    best, most = (means.idxmax(), means.index.max()) if len(means) else (math.nan, math.nan)
    lead = _lead(vae[vae["kappa"].eq(most)], vae[vae["kappa"].eq(best)], "auroc")
    measured = ", ".join(f"{value:.3f} at κ = {label_text(kappa)}" for kappa, value in means.items())
    return _claim(
        name,
        vae,
        "a VAE detects outliers as well with far more latents than it needs",
        f"a loss of at most {LOSS:g} from the best κ to the largest",
        f"AUROC {measured}; largest − best {lead if most != best else 0}",
        f"{LOSS:g} of the mean",
        most == best or lead.mean >= -LOSS,
    )


def _beats_components(name: str, vae: Frame) -> Claim:
    most = vae[vae["kappa"].eq(vae["kappa"].max())]
    lead = t_interval(most["auroc"] - most["auroc_pca"])
    return _claim(
        name,
        most,
        "a VAE detects outliers better than the same number of principal components",
        f"AUROC(VAE) − AUROC(components) > 0 at κ = {label_text(vae['kappa'].max())}",
        f"{lead}; components {number(most['auroc_pca'].mean())}",
        "the 95 % t-interval over seeds lies above 0",
        lead.low > 0,
    )


def _lead(ours: Frame, theirs: Frame, column: str) -> Interval:
    """Ours minus theirs over the seeds of both: trials of one seed share minibatches and noise."""
    return t_interval((ours.set_index("seed")[column] - theirs.set_index("seed")[column]).dropna())


def _claim(
    name: str,
    trials: Frame,
    claim: str,
    expected: str,
    measured: str,
    tolerance: str,
    agrees: bool,
    fewest: int = FEWEST,
) -> Claim:
    verdict = judge(agrees, len(trials) >= fewest)
    return Claim(name, claim, SOURCE, expected, measured, tolerance, verdict, len(trials), topics.OUTLIERS)
