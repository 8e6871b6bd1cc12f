"""The rows that a user's code is rehearsed on."""

import numpy as np

from models.data.dataset import DataSet
from models.data.load import load
from study.declare.trial import Trial


def few_rows(trial: Trial, most: int) -> DataSet:
    """A few rows of the user's data; of other data, which may have to be fetched first, normal numbers of their shape."""
    if trial.data.is_own and not trial.after:
        data = load(trial.data)
        targets = tuple(part[:most] for part in data.targets) if data.targets else None
        return DataSet(trial.data, data.train[:most], data.test[:most], data.mean, targets)  # pyright: ignore[reportArgumentType]
    draw = np.random.default_rng(0).standard_normal
    sizes = [min(most, trial.data.n_train), min(most, getattr(trial.data, "n_test", most))]
    x, x_test = (draw((n, trial.d_in)).astype(np.float32) for n in sizes)
    has_targets = trial.data.has_targets and not trial.after
    targets = tuple(draw((n, trial.d)).astype(np.float32) for n in sizes) if has_targets else None
    return DataSet(trial.data, x, x_test, np.zeros(trial.d_in), targets)  # pyright: ignore[reportArgumentType]
