"""Active latents beside principal components: what as many of these lose, and how many lose as little."""

from collections.abc import Mapping, Sequence

import numpy as np

from analysis.frames.types import Frame


def beside_components(trials: Frame, spectra: Mapping[str, Sequence[float]]) -> tuple[list[float], list[float]]:
    """For each trial: its NRE over that of as many components as it has active latents; components of its NRE over these.

    Both errors are of the training set, and of the mean. `spectra` holds the eigenvalues of training sets' covariances in
    data², by data_id; trials without active latents, or without a spectrum, are left out.
    """
    errors, worth = [], []
    for row in trials.to_dict("records"):
        eigenvalues = np.asarray(spectra.get(str(row["data_id"]), ()), float)
        active, nre = int(row["n_active"]), float(row["nre_mean_train"])
        if not 0 < active <= len(eigenvalues):
            continue
        lost = 1 - np.cumsum(eigenvalues) / eigenvalues.sum()
        errors.append(nre / float(lost[active - 1]))
        worth.append((int((lost > nre).sum()) + 1) / active)
    return errors, worth
