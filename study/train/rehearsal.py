"""A rehearsal: the code of the user's that a trial is made of, tried on a few rows before anything is started for it.

A network is built and called as `study.train.settled` says, and trained for two steps twice and compared: what its
declaration and seed do not settle shows there. What it reads meanwhile of files and of the environment is refused. A data
set is loaded. Each ends in one sentence where it is wrong.
"""

import contextlib
import io
import random
import sys
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from models.data.dataset import DataSet
from models.data.load import load, prepare
from models.data_folders import DataError
from models.networks.build import seeded
from models.networks.module_contents import differing
from models.networks.own import COMPLEX
from models.networks.own_outputs import NetworkError
from models.networks.unused_parameters import unused_parameters
from models.specs import Own, OwnData
from models.specs.own_functions import OwnFunction
from models.specs.source import change_since, environment_reads, opened_files, users_modules_hidden
from study.declare.identity import content_id
from study.declare.trial import Trial
from study.errors import said
from study.train.measure.measure import Measure
from study.train.measure.own_metrics import own_rows
from study.train.settled import check_calls, settled
from study.train.stack.build import build_stack
from study.train.stack.earlier_stages import Ground
from study.train.stack.stack import Stack
from study.train.step.loop import Training
from study.train.step.own_terms import OwnTerms, Seen

ROWS, STEPS = 16, 2
"""Rows of the data that a network is tried on, and the steps that it takes on them."""


class Rehearsed(NamedTuple):
    """What is wrong with a trial's code, a sentence each, and what its user should know of it."""

    faults: Sequence[str]
    notes: Sequence[str]


def key(trial: Trial) -> str | None:
    """What trials have in common that need one rehearsal together; None for a trial without code of the user's."""
    parts = [content_id(spec) for spec in trial.datasets if spec.is_own]
    if isinstance(trial.model, Own):
        batch = min(trial.training.batch, trial.data.n_train, ROWS)
        shape = (trial.d_in, trial.d, trial.image, trial.training.dtype, batch)
        parts += [content_id(trial.model), content_id(trial.data), str(shape)]
    parts += [content_id(own) for own in (*trial.objective.terms, *trial.metrics)]
    return " ".join(parts) or None


def rehearse(trial: Trial) -> Rehearsed:
    """Load the user's data and try the user's network, as far as the trial has any. What they print is not shown."""
    faults, notes = list(filter(None, _changes(trial))), list[str]()
    with _quiet(), users_modules_hidden(), seeded(0), torch.enable_grad():
        for spec in trial.datasets if not faults else ():
            if spec.is_own:
                faults += _fault_of(lambda spec=spec: prepare(spec), spec.label)
        if isinstance(trial.model, Own) and not faults:
            faults += _fault_of(lambda: notes.extend(_try_network(trial.twin or trial)), trial.model.name)
        elif not faults and (trial.objective.terms or trial.metrics):
            faults += _fault_of(lambda: _check_training(trial, _few_rows(trial)), _names(trial))
    return Rehearsed(faults, notes)


def _changes(trial: Trial) -> Iterator[str]:
    """What was changed after it was declared, by a later line of the user's file, say."""
    parts = [*trial.datasets, trial.model, *trial.objective.terms, *trial.metrics]
    return (change_since(part.source, part.name) for part in parts if isinstance(part, Own | OwnData | OwnFunction))


def _names(trial: Trial) -> str:
    return ", ".join(own.name for own in (*trial.objective.terms, *trial.metrics))


def _fault_of(attempt: Any, name: str) -> list[str]:
    """The sentence with which an attempt ends, if it ends with one."""
    try:
        attempt()
    except (NetworkError, DataError) as fault:
        text = str(fault)
        return [text if text.startswith(name) else f"{name}: {text}"]
    except (Exception, SystemExit) as fault:
        return [f"{name} cannot be trained and measured ({said(fault)}): try it on {ROWS} rows of the data"]
    return []


def _try_network(trial: Trial) -> list[str]:
    """What the user should know of a network that can be trained. Raises: NetworkError, and whatever its code raises."""
    name, dtype = trial.model.name, getattr(torch, trial.training.dtype)  # pyright: ignore[reportAttributeAccessIssue]
    data = _few_rows(trial)
    with _nothing_read(name):
        network = settled(trial, dtype)
        x = torch.as_tensor(data.train).to(dtype)
        z = torch.randn(ROWS, trial.model.kappa, dtype=dtype)
        check_calls(network, x, z, name)
    stack = _check_training(trial, data)
    kinds = {part: (old, COMPLEX[dtype] if old.is_complex else dtype) for part, old in network.converted.items()}
    notes = [
        f"{name}.{part} is {_plain(old)} and becomes {_plain(new)}, as its trials compute"
        for part, (old, new) in kinds.items()
    ]
    if unused := unused_parameters(network, x, z):
        notes.append(_without_use(name, unused))
    reason = stack.carrier.reason if stack.carrier else None
    return [*notes, f"{name} trains one by one: {reason}"] if reason else notes


def _without_use(name: str, unused: Sequence[str]) -> str:
    which = ", ".join([*unused[:2], *([f"{len(unused) - 2} more"] if len(unused) > 2 else [])])
    return (
        f"{name} has parameters that neither encode nor decode uses, so they stay untrained ({which}): use or drop them"
    )


def _plain(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _check_training(trial: Trial, data: DataSet) -> Stack:
    """The stack, after two trainings from the same seed. Raises: NetworkError where they end with other numbers."""
    name = " with ".join(filter(None, (trial.model.label.split()[0], _names(trial))))
    ends, stacks, moved = list[list[Tensor]](), list[Stack](), list[str]()
    for ambient in (0, 1):
        with seeded(ambient), _nothing_read(name):
            before = _generators()
            stack, values = _train(trial, data)
            moved = [kind for kind, state in _generators().items() if state != before[kind]]
        stacks.append(stack)
        ends.append(values)
    _check_terms(trial, stacks[0], name)
    if all(torch.allclose(a, b, 0, 0, equal_nan=True) for a, b in zip(*ends, strict=True)):
        return stacks[0]
    if moved:
        raise NetworkError(
            f"{name} draws from {moved[0]}'s own generator while it trains, so no seed settles a trial: use "
            "torch.rand, torch.randn, torch.bernoulli, or a dropout of torch.nn"
        )
    raise NetworkError(
        f"{name} trains to other numbers from the same seed: it reads what its declaration does not hold"
    )


def _check_terms(trial: Trial, stack: Stack, name: str) -> None:
    """Raises: NetworkError for a loss term that a call changes."""
    terms = OwnTerms(stack, [trial])
    wide, narrow = (torch.randn(1, ROWS, n, dtype=stack.dtype) for n in (trial.d, trial.model.kappa))
    seen = Seen(torch.randn(1, ROWS, trial.d_in, dtype=stack.dtype), wide, narrow, narrow, narrow, wide)
    held = []
    for _ in range(3):
        with torch.no_grad():
            terms.values(seen, 0)
        held.append(terms.contents())
    if changed := differing(*held[1:]):
        raise NetworkError(
            f"{name}: a call of the loss term changes {changed[0]}, which no record would show: ask for the argument `step`, "
            "or drop it"
        )


def _train(trial: Trial, data: DataSet) -> tuple[Stack, list[Any]]:
    """A stack after a few steps, and the numbers that it has come to."""
    ground, device = Ground([trial.objective.gamma], [None]), torch.device("cpu")
    stack, inputs = build_stack([trial], data, device, ground)
    training = Training(stack, [trial], inputs)
    while not training.done and training.step < STEPS:
        training.take_step()
    measure = Measure(stack, [trial], data, inputs)
    own = [row["value"] for _, row in own_rows(measure, training)]
    measured = [measure.train.distortion, measure.test.rate, *measure.latents().values(), torch.tensor(own)]
    return stack, [*(each.clone() for each in stack.weights().values()), *measured]


def _generators() -> dict[str, Any]:
    return {"torch": torch.get_rng_state().tolist(), "NumPy": repr(np.random.get_state()), "Python": random.getstate()}


def _few_rows(trial: Trial) -> DataSet:
    """A few rows of the user's data; of other data, which may have to be fetched first, normal numbers of their shape."""
    if trial.data.is_own and not trial.after:
        data = load(trial.data)
        targets = tuple(part[:ROWS] for part in data.targets) if data.targets else None
        return DataSet(trial.data, data.train[:ROWS], data.test[:ROWS], data.mean, targets)  # pyright: ignore[reportArgumentType]
    draw = np.random.default_rng(0).standard_normal
    x, x_test = (draw((ROWS, trial.d_in)).astype(np.float32) for _ in range(2))
    has_targets = trial.data.has_targets and not trial.after
    targets = tuple(draw((ROWS, trial.d)).astype(np.float32) for _ in range(2)) if has_targets else None
    return DataSet(trial.data, x, x_test, np.zeros(trial.d_in), targets)  # pyright: ignore[reportArgumentType]


@contextlib.contextmanager
def _nothing_read(name: str) -> Iterator[None]:
    """Raises: NetworkError where the user's code reads what its declaration does not hold."""
    with environment_reads() as read, opened_files() as opened:
        yield
    if unknown := opened.undeclared():
        raise NetworkError(f"{name} reads {unknown[0]}, which no declaration holds: give what it says as an option")
    if read:
        raise NetworkError(
            f"{name} reads the environment variable {read[0]}, which its declaration does not hold: make it an option"
        )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Nothing that the user's code prints or warns of, and no breakpoint: the training itself shows them."""
    hook, sys.breakpointhook = sys.breakpointhook, lambda *_, **__: None
    silent = io.StringIO()
    try:
        with contextlib.redirect_stdout(silent), contextlib.redirect_stderr(silent), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        sys.breakpointhook = hook
