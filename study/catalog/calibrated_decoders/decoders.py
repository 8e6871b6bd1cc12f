"""The decoders of one data set, compared seed by seed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from analysis.claims.claim import Claim, Kind
from analysis.claims.comparison import Comparison, Target, below
from analysis.claims.estimate import mean_of
from analysis.frames.types import Column, Frame

SOURCE = "Rybkin, Daniilidis & Levine (2021), table 1"

QUALITY = {"fid": "FID", "fd_conv": "FD of random features"}
"""Distances of samples to the test set; the claims use the first one measured."""


@dataclass(frozen=True)
class Decoders:
    """The trials of one data set, with the axes `decoder` and `seed`."""

    data: str
    trials: Frame

    def have(self, *decoders: str) -> bool:
        """Whether the study declares all of these on the data."""
        return {*decoders} <= {*self.trials["decoder"]}

    def of(self, decoder: str, column: str) -> Column:
        """A column of the finished trials of a decoder, by seed."""
        done = self.trials[self.trials["status"].eq("finished") & self.trials["decoder"].eq(decoder)]
        values = done.set_index("seed")[column] if column in done else pd.Series(dtype=float)
        return values.astype(float).dropna()

    def less(
        self, one: str, others: Iterable[str], column: str, target: Target | None = None, unit: str = " nats"
    ) -> list[Comparison]:
        """A decoder's column less another's, seed by seed, against below 0 where nothing else is given."""
        return [
            Comparison(
                f"“{one}” less “{other}”",
                mean_of((self.of(one, column) - self.of(other, column)).dropna()),
                target or below(0.0, unit),
            )
            for other in others
        ]

    @property
    def quality(self) -> str | None:
        """The column that measures samples; None if the trials have none."""
        return next((one for one in QUALITY if one in self.trials and self.trials[one].notna().any()), None)

    def best(self, decoders: Sequence[str], column: str) -> str:
        """The decoder with the smallest mean of a column."""
        known = [one for one in decoders if len(self.of(one, column))]
        return min(known, key=lambda one: float(self.of(one, column).mean()), default=decoders[0])

    def claim(
        self,
        said: str,
        comparisons: Sequence[Comparison],
        *statements: str,
        kind: Kind | None = None,
        source: str = SOURCE,
    ) -> Claim:
        """A claim about the data set."""
        trials = sum(each.found.n for each in comparisons) + max((each.found.n for each in comparisons), default=0)
        return Claim(
            self.data,
            said,
            source,
            trials=trials,
            comparisons=comparisons,
            statements=statements,
            kind=kind,
        )
