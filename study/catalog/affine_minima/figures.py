"""Barriers between the minima of an affine VAE against γ."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np

from analysis.figures.curves import COLOURS, theory
from analysis.figures.drawing import Drawing
from analysis.figures.style import SETTINGS, legend, log_scale, panels
from analysis.frames.probe_results import ProbeResult
from analysis.theory import minima

FINE = 200


def barriers(found: Sequence[ProbeResult]) -> Drawing:
    """Measured barriers on the rotations, with theory dashed, for the spectrum that has the most settings."""
    spectra = [tuple(look.what["eigenvalues"]) for look in found]
    eigenvalues = max(dict.fromkeys(spectra), key=spectra.count)
    chosen = [look for look, spectrum in zip(found, spectra, strict=True) if spectrum == eigenvalues]
    gammas = np.array([look.what["gamma"] for look in chosen])
    fine = np.geomspace(gammas.min(), gammas.max(), FINE)
    with mpl.rc_context(SETTINGS):
        figure, ((ax,),) = panels(1, 1, height=3.2)
        for name, label, colour, marker in (
            ("slot_barrier", "weakest kept mode to an unused latent", COLOURS[0], "o"),
            ("swap_barrier", "two kept modes swap latents", COLOURS[1], "s"),
        ):
            values = np.array([look[name] for look in chosen])
            ax.plot(gammas, values, marker, color=colour, markersize=5, label=label)
        lowest = np.array([min((v for v in eigenvalues if v > g), default=np.nan) for g in fine])
        theory(ax, fine, minima.empty_slot_barrier(lowest, fine))
        first, second = sorted(eigenvalues, reverse=True)[:2]
        both = fine[fine < second]
        theory(ax, both, np.full(len(both), float(minima.swap_barrier(first, second))))
        log_scale(ax, "x")
        ax.set_xlabel("decoder variance γ")
        ax.set_ylabel("barrier in 2J, nats")
        ax.set_ylim(bottom=-0.1)
        legend(figure, [ax], "Barriers between equal minima grow as γ falls")
        caption = (
            f"Rise of the loss on rotations between global minima, eigenvalues {', '.join(f'{v:g}' for v in eigenvalues)}. "
            "Dashed: theory. Where γ passes an eigenvalue, the VAE drops that mode, and another becomes the weakest."
        )
        return Drawing.of("barriers", caption, figure)
