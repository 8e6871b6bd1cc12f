"""What a report says, as a file beside it, `report.json`: for programs, and for the home's page that lists all reports."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from analysis.claims.claim import Claim
from analysis.claims.stored import as_row, claim_of
from study.record import Home

NAME = "report.json"


@dataclass(frozen=True)
class Summary:
    """A study's name, caption and scale; when its report was written, by which version; its counts and claims.

    `in_catalog` is the study's name if it is the catalog's, and `trained_by` the command that trains it.
    """

    study: str
    caption: str
    scale: str
    written: str
    version: str
    trained_by: str
    counts: dict[str, int]
    claims: Sequence[Claim]
    in_catalog: str | None = None

    def as_json(self) -> bytes:
        """The file's content."""
        return json.dumps(
            vars(self) | {"claims": [as_row(one) for one in self.claims]}, ensure_ascii=False, indent=1
        ).encode()

    @classmethod
    def of(cls, content: bytes) -> "Summary":
        """That of a file's content. Raises: ValueError, TypeError, KeyError for another content."""
        found = json.loads(content)
        return cls(**found | {"claims": [claim_of(row) for row in found["claims"]]})


def read_summaries(home: Home) -> dict[str, Summary | None]:
    """The summary of each study of a home, by its name; None where it has no report, or one of another version's form."""
    return {study: _read(home, study) for study in home.folders("studies")}


def _read(home: Home, study: str) -> Summary | None:
    try:
        return Summary.of(home.read(f"studies/{study}/report/{NAME}"))
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None
