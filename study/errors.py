"""Errors as one sentence: what is wrong with what a person typed, and how to put it right.

A declaration is code, so anything may be wrong with it, even the `repr` of its values.
"""

import traceback
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import TypeVar

from pydantic import ValidationError

import models.specs
from collapsar.own_packages import is_own
from models.data_folders import DataError
from models.specs import Spec
from study.record import HomeError
from study.secrets import masked

T = TypeVar("T")

LONGEST = 80
"""The most characters of a value that a sentence quotes; of somebody else's message, three times as many."""


_PARTS = {
    "Training": {
        "optimiser": ("AdamW", "SGD", "RMSprop", "Adam", "Rprop"),
        "schedule": ("Cosine", "Linear", "Steps", "OneCycle"),
        "stop": ("Patience",),
    },
    "Trial": {"training": ("Training",), "objective": ("Objective",), "model": ("VAE",)},
}
"""Declarations, and which parts of them have settings of their own."""

_OWN = {
    "model": "Own.of({}, kappa=...)",
    "data": "OwnData.of({}, d=..., n=...)",
    "terms": "OwnTerm.of({})",
    "metrics": "OwnMetric.of({}, {{...}})",
}
"""By the part of a trial that it is, how code of the user's is declared."""


class RefusalError(Exception):
    """What a person asked for cannot be done; the message says why, and what to do."""


class DeclarationError(RefusalError):
    """A study, trial, axis or search is declared wrongly."""


class FaultsError(DeclarationError):
    """Several things that a launch declares are wrong, each said in one sentence of `faults`."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


def all_of(attempts: Iterable[Callable[[], T]]) -> list[T]:
    """What attempts return. Raises: what the one raises that fails; FaultsError with the sentences of several."""
    found, faults = list[T](), list[RefusalError]()
    for attempt in attempts:
        try:
            found.append(attempt())
        except RefusalError as fault:
            faults.append(fault)
    if len(faults) == 1:
        raise faults[0]
    if faults:
        told = (fault.faults if isinstance(fault, FaultsError) else (str(fault),) for fault in faults)
        raise FaultsError(list(dict.fromkeys(chain.from_iterable(told))))
    return found


class OptionError(RefusalError):
    """An option or argument of a command means nothing, or does not fit the others."""


class SettingError(RefusalError):
    """An environment variable has a value that means nothing."""


class ClusterError(RefusalError):
    """A Ray cluster is not there, does not answer, takes no job, or has nothing to train on."""


class HomeBusyError(RefusalError):
    """Another launch of the same study is at work in the home."""


REFUSALS = (RefusalError, HomeError, DataError)
"""All errors that end a command with one sentence and exit status 2."""


def explain(fault: ValidationError) -> str:
    """One thing that pydantic found wrong, as one clause: an unknown name, else the first."""
    found = fault.errors()
    first = next(
        (each for each in found if each["type"] == "extra_forbidden"), found[0]
    )  # a misspelt one is missing too
    *place, last = [str(part) for part in first["loc"]] or [""]
    where = ".".join([fault.title, *place, last]).removesuffix(".")
    if first["type"] == "missing":
        return f"{where} is missing: write {last}=..."
    if first["type"] == "extra_forbidden":
        part = _part_with(fault.title, last)
        return f"{where} is unknown: {f'write {part}' if part else f'correct the name {last}, or drop it'}"
    if remedy := _wrapped(first["loc"], first["input"]):
        return f"{where} is code itself: write {remedy}"
    text = first["msg"].removeprefix("Value error, ")
    text = text.replace("Input should", "should") if first["loc"] else text
    given = "" if isinstance(first["input"], dict | Spec) else f", not {shown(first['input'])}"
    return f"{where} {text}{given}"


def _part_with(title: str, name: str) -> str | None:
    """ "optimiser=AdamW(weight_decay=...)": where a setting belongs that was given to the declaration around it."""
    found = (
        f"{part}={kind}({name}=...)"
        for part, kinds in _PARTS.get(title, {}).items()
        for kind in kinds
        if name in getattr(models.specs, kind).model_fields
    )
    return next(found, None)


def _wrapped(place: Sequence[int | str], given: object) -> str | None:
    """How code of the user's is declared, where it was given as it is."""
    if not callable(given) or (isinstance(given, type) and issubclass(given, Spec)):
        return None
    name = getattr(given, "__name__", type(given).__name__)
    name = name if name.isidentifier() else "my_function"
    return next((_OWN[part].format(name) for part in place if part in _OWN), None)


def shown(value: object) -> str:
    """A value as a sentence quotes it: short and on one line, whatever its own `repr` does."""
    try:
        return _short(repr(value), LONGEST)
    except Exception:  # an integer of five thousand digits has no decimal text
        return f"a {type(value).__name__} that cannot be written out"


def said(fault: BaseException) -> str:
    """What an exception says, on one line."""
    text = _short(str(fault), 3 * LONGEST)
    return f"{type(fault).__name__}: {text}" if text else type(fault).__name__


def refuse_secret(option: str, address: str | None) -> None:
    """Raises: OptionError if the job's command, which everybody sees on the dashboard, would hold a secret."""
    if address and (shown := masked(address)) != address:
        raise OptionError(
            f"the cluster's dashboard would show the secret in {option} {shown}: leave it out, and give the nodes a role "
            "or the secret itself (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; MLFLOW_TRACKING_USERNAME and "
            "MLFLOW_TRACKING_PASSWORD; PGPASSWORD) in their environment"
        )


def is_ours(fault: BaseException) -> bool:
    """Whether our own code raised an exception: then its sentence says what to do."""
    frames = traceback.extract_tb(fault.__traceback__)
    return bool(frames) and is_own(frames[-1].filename)


def line_in(file: str, fault: BaseException) -> str:
    """`, line 7,` if the exception came through a line of `file`, else nothing."""
    lines = [frame.lineno for frame in traceback.extract_tb(fault.__traceback__) if frame.filename == file]
    return f", line {lines[-1]}," if lines else ""


def _short(text: str, most: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
