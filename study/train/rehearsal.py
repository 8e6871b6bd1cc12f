"""A rehearsal: the code of the user's that a trial is made of, tried on a few rows before anything is started for it.

A network is built twice and compared, called twice and compared, and trained for two steps twice and compared: what its
declaration and seed do not settle shows there. A data set is loaded. Each ends in one sentence where it is wrong.
"""

import contextlib
import io
import os
import random
import sys
import traceback
import warnings
from collections.abc import Iterator, MutableMapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from models.data.dataset import DataSet
from models.data.load import load, prepare
from models.data_folders import DataError
from models.networks.build import build, seeded
from models.networks.module_contents import contents, differing
from models.networks.own import OwnNetwork
from models.networks.own_outputs import NetworkError
from models.networks.unused_parameters import unused_parameters
from models.specs import Own, OwnData
from models.specs.own_functions import OwnFunction
from models.specs.source import change_since, users_modules_hidden
from study.declare.identity import content_id
from study.declare.trial import Trial
from study.errors import said
from study.train.measure.measure import Measure
from study.train.measure.own_metrics import own_rows
from study.train.stack.build import build_stack
from study.train.stack.earlier_stages import Ground
from study.train.stack.stack import Stack
from study.train.step.loop import Training

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
    with _quiet(), users_modules_hidden():
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
    network = _settled(trial, dtype)
    x, z = torch.as_tensor(data.train).to(dtype), torch.randn(ROWS, trial.model.kappa, dtype=dtype)
    _check_calls(network, x, z, name)
    stack = _check_training(trial, data)
    notes = [
        f"{name}.{part} is {str(old).removeprefix('torch.')} and becomes {trial.training.dtype}, as its trials compute"
        for part, old in network.converted.items()
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


def _settled(trial: Trial, dtype: torch.dtype) -> OwnNetwork:
    """The network. Raises: NetworkError where declaration and seed do not settle it."""
    name = trial.model.label.split()[0]
    with _environment_reads() as read:
        one, other = (build(trial.model, trial, trial.weights_seed, dtype) for _ in range(2))
    if read:
        raise NetworkError(
            f"{name} reads the environment variable {read[0]}, which its declaration does not hold: make it an option"
        )
    assert isinstance(one, OwnNetwork)
    assert isinstance(other, OwnNetwork)
    if loose := differing(contents(one.network, one.maker), contents(other.network, other.maker)):
        raise NetworkError(
            f"{name}.{loose[0]} is another one each time the network is built: draw it from torch's, NumPy's or Python's "
            "own generator, which the trial's seed sets"
        )
    return other


def _check_calls(network: OwnNetwork, x: Float[Tensor, "n d_in"], z: Float[Tensor, "n kappa"], name: str) -> None:
    """Raises: NetworkError where a call leaves traces, or the same rows give other numbers."""
    buffers = {part for part, _ in network.network.named_buffers()}
    network.eval()
    with torch.no_grad():
        before = contents(network.network, network.maker)
        one, other = ([*network.encode(x), network.decode(z)] for _ in range(2))
        after = contents(network.network, network.maker)
    if changed := differing(before, after):
        raise NetworkError(
            _changed(name, changed[0], "in evaluation", "change buffers alone, and only in training mode")
        )
    for what, a, b in zip(("encode's mu", "encode's log_var", "decode"), one, other, strict=True):
        if not a.isfinite().all():
            raise NetworkError(f"{name}: {what} is not finite with its initial weights: start from smaller ones")
        if not torch.equal(a, b):
            raise NetworkError(
                f"{name}: {what} differs from call to call in evaluation: draw nothing there, z is drawn by the platform"
            )
    network.train()
    before = contents(network.network, network.maker)
    network.encode(x)
    network.decode(z)
    changed = [each for each in differing(before, contents(network.network, network.maker)) if each not in buffers]
    if changed:
        raise NetworkError(
            _changed(name, changed[0], "in training", "make it a buffer, which each trial has for itself")
        )


def _changed(name: str, part: str, when: str, remedy: str) -> str:
    return f"{name}.{part} changes when encode or decode is called {when}, which no record would show: {remedy}, or drop it"


def _check_training(trial: Trial, data: DataSet) -> Stack:
    """The stack, after two trainings from the same seed. Raises: NetworkError where they end with other numbers."""
    name = " with ".join(filter(None, (trial.model.label.split()[0], _names(trial))))
    ends, stacks, moved = list[list[Tensor]](), list[Stack](), list[str]()
    for ambient in (0, 1):
        with seeded(ambient):
            before = _generators()
            stack, values = _train(trial, data)
            moved = [kind for kind, state in _generators().items() if state != before[kind]]
        stacks.append(stack)
        ends.append(values)
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


@contextlib.contextmanager
def _environment_reads() -> Iterator[list[str]]:
    """The environment variables that code of the user's reads meanwhile."""
    real = os.environ
    spy = _Environment(real)
    os.environ = spy  # noqa: B003  # pyright: ignore[reportAttributeAccessIssue]
    try:
        yield spy.read
    finally:
        os.environ = real  # noqa: B003


class _Environment(MutableMapping[str, str]):
    """The environment, which notes what is read of it from a network's own source."""

    def __init__(self, real: MutableMapping[str, str]) -> None:
        self._real, self.read = real, list[str]()

    def __getitem__(self, name: str) -> str:
        callers = [frame.filename for frame in traceback.extract_stack(limit=12) if "torch" not in frame.filename]
        if any(file.startswith("<source of") for file in callers):
            self.read.append(name)
        return self._real[name]

    def __setitem__(self, name: str, value: str) -> None:
        self._real[name] = value

    def __delitem__(self, name: str) -> None:
        del self._real[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._real)

    def __len__(self) -> int:
        return len(self._real)
