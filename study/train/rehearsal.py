"""A rehearsal: the code of the user's that a trial is made of, tried on a few rows before anything is started for it.

A data set is loaded. A network is built and called as `study.train.settled` says, loss terms and metrics are tried one by
one (`study.train.rehearsed_functions`), and all of it trains for a few steps (`study.train.rehearsed_training`). What it
reads meanwhile of files and of the environment is refused. Each ends in one sentence where it is wrong.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch

from models.data.dataset import DataSet
from models.data.load import prepare
from models.data_folders import DataError
from models.networks.build import seeded
from models.networks.own import COMPLEX
from models.networks.own_outputs import NetworkError
from models.networks.raised import raised
from models.networks.unused_parameters import unused_parameters
from models.specs import Normal, Own, OwnData
from models.specs.own_functions import OwnFunction
from models.specs.source import change_since, users_modules_hidden
from models.streams import BLOCK
from study.declare.identity import content_id
from study.declare.trial import Trial
from study.train.reach import out_of_reach
from study.train.rehearsed_functions import check_metrics, check_terms
from study.train.rehearsed_rows import few_rows
from study.train.rehearsed_training import check_training, stack_of
from study.train.settled import check_calls, check_row_counts, settled
from study.train.watched import nothing_read, quiet

ROWS = 16
"""Rows of the data that a network is tried on, and trained on."""

MORE_ROWS = 2 * BLOCK + 1
"""As many as metrics see: more than are measured at a time."""


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
    """Load the user's data and try the user's network, terms and metrics. What they print is not shown."""
    faults, notes = list(filter(None, _changes(trial))), list[str]()
    with quiet(), users_modules_hidden(), seeded(0), torch.enable_grad():
        for spec in trial.datasets if not faults else ():
            if spec.is_own:
                faults += _fault_of(lambda spec=spec: prepare(spec), [spec.label])
        if not faults and (isinstance(trial.model, Own) or trial.objective.terms or trial.metrics):
            faults += _fault_of(lambda: notes.extend(_try(trial.twin or trial)), _names(trial))
    return Rehearsed(faults, notes)


def _try(trial: Trial) -> list[str]:
    """What the user should know of a trial. Raises: NetworkError, and whatever the user's code raises."""
    data, notes = few_rows(trial, ROWS), list[str]()
    if isinstance(trial.model, Own):
        notes += _try_network(trial, data)
    notes += check_terms(trial, stack_of(trial, data)[0], data)
    stack = check_training(trial, data, _names(trial)[0])
    if stack.carrier and stack.carrier.reason:
        notes.append(f"{trial.model.name} trains one by one: {stack.carrier.reason}")  # pyright: ignore[reportAttributeAccessIssue]
    return notes + check_metrics(trial, trial.metrics, stack, few_rows(trial, MORE_ROWS)) if trial.metrics else notes


def _changes(trial: Trial) -> Iterator[str]:
    """What was changed after it was declared, by a later line of the user's file, say."""
    parts = [*trial.datasets, trial.model, *trial.objective.terms, *trial.metrics]
    return (change_since(part.source, part.name) for part in parts if isinstance(part, Own | OwnData | OwnFunction))


def _names(trial: Trial) -> list[str]:
    """The network's name, and those of the user's functions."""
    return [trial.model.label.split()[0], *(own.name for own in (*trial.objective.terms, *trial.metrics))]


def _fault_of(attempt: Callable[[], object], names: Sequence[str]) -> list[str]:
    """The sentence with which an attempt ends, if it ends with one; it begins with what is at fault, the first by default."""
    try:
        attempt()
    except (NetworkError, DataError) as fault:
        text = str(fault)
        return [text if text.startswith(tuple(names)) else f"{names[0]}: {text}"]
    except (Exception, SystemExit) as fault:
        return [raised(f"{names[0]}, trained on {ROWS} rows,", fault)]
    return []


def _try_network(trial: Trial, data: DataSet) -> list[str]:
    """What the user should know of a network. Raises: NetworkError."""
    name, dtype = trial.model.name, getattr(torch, trial.training.dtype)  # pyright: ignore[reportAttributeAccessIssue]
    with nothing_read(name):
        network = settled(trial, dtype)
        x, y = (torch.as_tensor(part[:]).to(dtype) for part in (data.train, data.train_y))
        z = torch.randn(ROWS, trial.model.kappa, dtype=dtype)
        check_calls(network, x, z, name)
        check_row_counts(network, x, z, MORE_ROWS)
    kinds = {part: (old, COMPLEX[dtype] if old.is_complex else dtype) for part, old in network.converted.items()}
    notes = [
        f"{name}.{part} is {_plain(old)} and becomes {_plain(new)}, as its trials compute"
        for part, (old, new) in kinds.items()
    ]
    if unused := unused_parameters(network, x, z):
        notes.append(_without_use(name, unused))
    if isinstance(trial.objective.likelihood, Normal):
        y = y if trial.data.is_own else y.clamp(-1, 1)  # of data that are not loaded here, only the signs are known
        notes += out_of_reach(network.eval(), z, y, name)
    return notes


def _without_use(name: str, unused: Sequence[str]) -> str:
    which = ", ".join([*unused[:2], *([f"{len(unused) - 2} more"] if len(unused) > 2 else [])])
    return (
        f"{name} has parameters that neither encode nor decode uses, so they stay untrained ({which}): use or drop them"
    )


def _plain(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
