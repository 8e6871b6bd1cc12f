"""The overview: every claim of every study of a home, from the records there are."""

import json
from dataclasses import asdict

from rich.console import Console

from analysis.claim import Claim
from analysis.load import DEFAULT_HOME, AnalysisError, Place
from analysis.studies import claims
from analysis.terminal import claim_line
from analysis.view import View
from study.record import Home


def overview(home: Place = DEFAULT_HOME) -> dict[str, list[Claim]]:
    """Study → its claims, for every study launched into the home that makes any. Raises: AnalysisError, HomeError."""
    place = home if isinstance(home, Home) else Home(home)
    names = place.folders("studies")
    if not names:
        raise AnalysisError(f"the home {place} holds no studies: launch one with `python -m study.launch`")
    found = {name: claims(View.of(name, place)) for name in names}
    return {name: listed for name, listed in found.items() if listed}


def as_json(found: dict[str, list[Claim]]) -> str:
    """The claims as a list of objects, each with its study's name."""
    rows = [{"study": name} | asdict(claim) for name, listed in found.items() for claim in listed]
    return json.dumps(rows, ensure_ascii=False, indent=1)


def print_overview(console: Console, found: dict[str, list[Claim]]) -> None:
    """The claims below the names of their studies, and how many hold."""
    for name, listed in found.items():
        console.print(f"[bold]{name}[/]")
        for claim in listed:
            console.print(claim_line(claim))
    said = [claim.verdict for listed in found.values() for claim in listed]
    console.print(
        f"{len(said)} claims: {said.count('holds')} hold, {said.count('fails')} fail, "
        f"{said.count('insufficient')} lack data"
    )
