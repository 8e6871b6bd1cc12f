"""A study as the analysis sees it: its header, and its records as frames, each read on first use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from analysis.frames.load import AnalysisError, Header, Place, curves, datasets, header, latents, results
from analysis.frames.types import Frame
from study.record import Home


@dataclass(frozen=True)
class View:
    """One study of a home. Raises, when a property is first read: AnalysisError, HomeError."""

    study: str
    home: Home

    @classmethod
    def of(cls, study: str, home: Place) -> "View":
        """The study of that name in a home, given as a place or as the home itself."""
        return cls(study, home if isinstance(home, Home) else Home(home))

    @cached_property
    def header(self) -> Header:
        """What the launcher wrote about the study."""
        return header(self.study, self.home)

    @cached_property
    def trials(self) -> Frame:
        """`analysis.results`: one row a declared trial."""
        return results(self.study, self.home)

    @cached_property
    def latents(self) -> Frame:
        """`analysis.latents`: one row a trial and latent dimension."""
        return latents(self.study, self.home)

    @cached_property
    def curves(self) -> Frame:
        """`analysis.curves`: one row a trial and logged step."""
        return curves(self.study, self.home)

    @cached_property
    def datasets(self) -> Mapping[str, Mapping[str, Any]]:
        """The rows of the datasets table, by data_id: `spectrum` (ζ², descending), `total_variance`, `d`, …"""
        return datasets(self.home)

    def spectrum(self, data_id: str) -> Sequence[float]:
        """ζ² of a training set, descending, in data². Raises: AnalysisError where it has not been recorded."""
        row = self.datasets[data_id]
        if row["spectrum"] is None:
            raise AnalysisError(
                f"{row['data']} has d = {row['d']} dimensions, too many for its spectrum to be recorded: "
                f"declare {self.study} on smaller data"
            )
        return row["spectrum"]
