"""scikit-learn's handwritten digits."""

import numpy as np

from models.data.centring import from_grey
from models.data.dataset import DataSet
from models.data.loaders import loads
from models.specs.data import Digits


@loads(Digits)
def digits(spec: Digits) -> DataSet:
    """Grey values in [0, 1]; every sixth image is held out."""
    from sklearn.datasets import load_digits  # takes a second, and only this data set needs it

    images = np.asarray(load_digits(return_X_y=True)[0]) / 16.0
    held_out = np.arange(len(images)) % 6 == 5
    return from_grey(spec, images[~held_out], images[held_out])
