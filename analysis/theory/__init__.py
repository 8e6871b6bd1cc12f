"""Closed forms to lay over what was measured: one equation a function, each with its source, NumPy alone.

    from analysis.theory import learned_gamma, linear, modes_of_spectrum

    linear.active_units(spectrum, betas * gamma, kappa)          # (betas, kappa)
    linear.thresholds(spectrum, gamma, kappa)                    # β_i*
    learned_gamma.thresholds(modes_of_spectrum(spectrum), kappa)

`modes` says what a data set is to the theory; `linear` and `fixed_sigma` hold the minimum at a given γ, `learned_gamma`
the one over γ, `solution` its weights; `kl_halves` what each half of the rate does, `denoising` what noisy data are
decoded to; `rate_distortion` the curve that a sweep of β traces, `sampling` what finite samples add; `hessian` the
curvature at the origin; `affine` and `minima` the landscape over affine decoders; `ppca` the exact likelihood; `serpentine`
what penalties make of a curve, `sparse_codes` of a linear autoencoder; `conventions` the objectives of the literature in
terms of one. γ is a variance, and a level is the product βγ.
"""

from analysis.theory import (
    affine,
    conventions,
    denoising,
    fixed_sigma,
    hessian,
    kl_halves,
    learned_gamma,
    linear,
    minima,
    ppca,
    rate_distortion,
    sampling,
    serpentine,
    solution,
    sparse_codes,
)
from analysis.theory.modes import Modes, modes_of_data, modes_of_moments, modes_of_spectrum

__all__ = [
    "Modes",
    "affine",
    "conventions",
    "denoising",
    "fixed_sigma",
    "hessian",
    "kl_halves",
    "learned_gamma",
    "linear",
    "minima",
    "modes_of_data",
    "modes_of_moments",
    "modes_of_spectrum",
    "ppca",
    "rate_distortion",
    "sampling",
    "serpentine",
    "solution",
    "sparse_codes",
]
