"""How studies are to be launched: the options that the command line, Python and a job on a cluster share."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from study.declare.axes import label
from study.declare.table import Scale, Study
from study.errors import OptionError, shown
from study.mirror.address import asked_tracking_uri
from study.mirror.entry import Pictures

Only = Mapping[str, Sequence[str]]
"""Axis → the values to be launched, as a person types them."""


@dataclass(frozen=True)
class Options:
    """The same for all studies of a launch. Raises: OptionError for what no launch can do."""

    home: str | None = None
    """Where everything is kept; None: ./runs, or what a cluster's file names."""
    scale: Scale | None = None
    """None: the laptop's here, the paper's on a cluster where the study declares it."""
    pack: int | None = None
    """How many trials train as one stack at most; None: as many as gain from it."""
    only: Only = field(default_factory=dict)
    plan: bool = False
    """Count and estimate; train nothing."""
    tracking_uri: str | None = None
    """None: what MLFLOW_TRACKING_URI names, else a database in the home."""
    artifacts: Pictures = "first-seed"
    mirror: bool = True
    retry_failed: bool = False
    refine: float | None = None
    """± how much of β each collapse is to be known to; None: the table as it is declared."""
    in_process: bool = False

    def __post_init__(self) -> None:
        if self.pack is not None and not (isinstance(self.pack, int) and self.pack > 0):
            raise OptionError(f"--pack {self.pack} is no pack size: give auto, or a number from 1")
        if self.scale not in (None, *get_args(Scale)):
            raise OptionError(f"there is no scale {shown(self.scale)}: choose {' or '.join(get_args(Scale))}")
        if self.artifacts not in get_args(Pictures):
            raise OptionError(f"there are no artifacts {shown(self.artifacts)}: choose {', '.join(get_args(Pictures))}")
        if self.mirror or self.tracking_uri is not None:
            object.__setattr__(self, "tracking_uri", asked_tracking_uri(self.tracking_uri))

    def on_the_cluster(self) -> list[str]:
        """The options, as the command line writes them, that mean the same on a cluster's head."""
        words = ["--pack", str(self.pack or "auto"), "--artifacts", self.artifacts]
        words += ["--retry-failed"] * self.retry_failed
        words += [part for axis, texts in self.only.items() for text in texts for part in ("--only", f"{axis}={text}")]
        words += ["--plan"] * self.plan
        return words if self.refine is None else [*words, "--refine", str(self.refine)]


def only_of(chosen: Mapping[str, Any]) -> Only:
    """What Python asks for, as if it had been typed: `{"kappa": 2}`, `{"gamma": [Fixed(1.0), "learned"]}`."""
    return {axis: [str(label(value)) for value in _listed(values)] for axis, values in chosen.items()}


def _listed(values: Any) -> Iterable[Any]:
    """The values of a list; a tuple of plain values may be one of an axis, and is typed with its brackets."""
    is_one = isinstance(values, tuple) and all(isinstance(each, str | int | float) for each in values)
    return values if isinstance(values, list | tuple | set | range) and not is_one else [values]


def each_once(found: Iterable[tuple[str, Study]]) -> dict[str, Study]:
    """The studies by the names that they were asked for by; one that was asked for twice is there once.

    Raises: OptionError where two of them have one name of their own.
    """
    known: dict[str, tuple[str, Study]] = {}
    for name, study in found:
        other, first = known.setdefault(study.name, (name, study))
        if first is not study:
            raise OptionError(
                f"{other} and {name} are both named {study.name}, by which a home knows a study: rename one of them, or "
                "launch them into homes of their own"
            )
    return dict(known.values())
