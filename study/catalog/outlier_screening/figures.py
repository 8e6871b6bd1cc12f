"""Figures of outlier_screening: AUROC and active latents against κ."""

import matplotlib as mpl

from analysis.figures.bands import band, kappa_axis
from analysis.figures.drawing import Drawing
from analysis.figures.looks import INK, QUIET, Look
from analysis.figures.style import SETTINGS, legend, panels
from analysis.frames.types import Frame
from analysis.frames.view import View
from analysis.tables.cells import cells, label_text
from study.catalog.outlier_screening.table import FULL, ON_CURVE, PLAIN, outlier_screening

LOOKS = {PLAIN: Look("plain autoencoder", "#D55E00", "s"), FULL: Look("VAE, γ learned", "#0072B2", "o")}
COMPONENTS = Look("κ principal components", QUIET, "v")


@outlier_screening.figures
def drawings(view: View) -> list[Drawing]:
    """AUROC above, active latents below, a column for each data set."""
    finished, _ = split(view.trials[view.trials["status"].eq("finished")])
    if finished.empty:
        return []
    groups = list(cells(finished, view.header, ["data"]))
    with mpl.rc_context(SETTINGS):
        figure, grid = panels(2, len(groups), height=2.4, sharex="col")
        for column, ((data,), trials) in enumerate(groups):
            area, active = grid[0][column], grid[1][column]
            area.set_title(label_text(data), loc="left", color=INK)
            area.axhline(0.5, color=INK, linewidth=0.8, linestyle=(0, (4, 3)), label="chance")
            band(area, trials, "kappa", "auroc_pca", COMPONENTS)
            for network, look in LOOKS.items():
                band(area, trials[trials["network"].eq(network)], "kappa", "auroc", look)
            band(active, trials[trials["network"].eq(FULL)], "kappa", "n_active", LOOKS[FULL])
            kappas = sorted(trials["kappa"].unique())
            active.plot(kappas, kappas, color=LOOKS[PLAIN].colour, linewidth=1.0, label="all κ")
            kappa_axis(active, trials)
            active.set_yscale("symlog", linthresh=1)
            active.set_ylim(bottom=0)
            active.set_xlabel("latent dimensions κ")
            area.set_ylim(min(0.45, area.get_ylim()[0]), 1.02)
        grid[0][0].set_ylabel("AUROC of the error")
        grid[1][0].set_ylabel("latents in use")
        legend(figure, [ax for line in grid for ax in line], "Outliers detected by their reconstruction error")
        caption = (
            "AUROC of the reconstruction error, inliers of the test set against outliers, and active latents (v < 0.5), "
            "against κ: mean and 95 % t-interval over seeds. Outliers of the arc: other points of its plane; of "
            "Fashion-MNIST: MNIST's digits."
        )
        return [Drawing.of("screening", caption, figure)]


def split(frame: Frame) -> tuple[Frame, Frame]:
    """Trials whose outliers are apart from the data, and those whose outliers are not."""
    if "outliers" not in frame:
        return frame, frame.iloc[:0]
    return frame[frame["outliers"].ne(ON_CURVE)], frame[frame["outliers"].eq(ON_CURVE)]
