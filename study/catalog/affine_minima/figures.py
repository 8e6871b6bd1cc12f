"""What separates the minima of an affine VAE against γ."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np

from analysis.figures.curves import COLOURS, theory
from analysis.figures.drawing import Drawing
from analysis.figures.style import SETTINGS, legend, log_scale, panels
from analysis.frames.probe_results import ProbeResult
from analysis.theory import linear, minima

FINE = 200

SHOWN = (
    ("slot_rotation", "weakest kept mode to an unused latent, by a rotation", COLOURS[0], "none"),
    ("slot_saddle", "the same by the lowest way", COLOURS[0], COLOURS[0]),
    ("swap_rotation", "two kept modes swap latents by a rotation", COLOURS[1], "none"),
    ("swap_saddle", "the same by the lowest way", COLOURS[1], COLOURS[1]),
)
"""Measured rise, its label, the colour of its markers' edges and that inside."""


def barriers(found: Sequence[ProbeResult]) -> Drawing:
    """Measured rises to saddles and on rotations, with theory dashed, for the spectrum that has the most settings."""
    spectra = [tuple(sorted(look.what["eigenvalues"], reverse=True)) for look in found]
    eigenvalues = max(dict.fromkeys(spectra), key=spectra.count)
    chosen = [look for look, spectrum in zip(found, spectra, strict=True) if spectrum == eigenvalues]
    gammas = np.array([look.what["gamma"] for look in chosen])
    fine = np.geomspace(gammas.min(), gammas.max(), FINE)
    with mpl.rc_context(SETTINGS):
        figure, ((ax,),) = panels(1, 1, height=3.2)
        for name, label, edge, inside in SHOWN:
            values = np.array([look[name] for look in chosen])
            marker = "o" if name.startswith("slot") else "s"
            ax.plot(gammas, values, marker, color=edge, markerfacecolor=inside, markersize=5, label=label)
        for curve in _theory(np.array(eigenvalues), fine):
            theory(ax, fine, curve)
        log_scale(ax, "x")
        ax.set_xlabel("decoder variance γ")
        ax.set_ylabel("rise of 2J, nats")
        ax.set_ylim(bottom=-0.1)
        legend(figure, [ax], "What separates equal minima grows as γ falls")
        caption = (
            "Rise of the loss between global minima, to the saddle of the lowest way and on a rotation, eigenvalues "
            f"{', '.join(f'{v:g}' for v in eigenvalues)}. Dashed: theory. Where γ passes an eigenvalue, the VAE drops that "
            "mode, and another becomes the weakest."
        )
        return Drawing.of("barriers", caption, figure)


def _theory(eigenvalues: np.ndarray, levels: np.ndarray) -> list[np.ndarray]:
    """The rises of `SHOWN` at each γ, NaN where no two minima lie so."""
    kept = linear.active_modes(eigenvalues, levels, len(eigenvalues))
    padded = np.append(eigenvalues, 0.0)
    weakest, next_one = padded[kept - 1], padded[kept]
    slots = (minima.rotation_rise(weakest, levels), minima.empty_slot_saddle(weakest, levels, next_one))
    swaps = (rise(eigenvalues[0], eigenvalues[1]) for rise in (minima.rotation_rise, minima.swap_saddle))
    return [np.where(kept > 0, rise, np.nan) for rise in slots] + [np.where(kept > 1, rise, np.nan) for rise in swaps]
