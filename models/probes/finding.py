"""What a probe finds."""

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Found:
    """The measured numbers by name, NaN where one does not apply, and arrays that figures are drawn from."""

    numbers: dict[str, float]
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
