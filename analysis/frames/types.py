"""Names for pandas' types in signatures: a `Frame` is a DataFrame, a `Column` a Series.

To a type checker they are `Any`: pandas' own annotations return unions (a scalar, a Series or a frame) that would need a
cast on every line.
"""

from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    Frame = Any
    Column = Any
else:
    Frame = pd.DataFrame
    Column = pd.Series
