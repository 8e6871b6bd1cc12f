"""The numbers of the user's own: what became of the loss terms, and what the metrics make of each trained network."""

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from math import nan
from numbers import Real
from typing import Any, Literal

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from models.networks.build import seeded
from models.networks.own_outputs import NetworkError
from models.networks.raised import told
from models.seeds import stream_seed
from models.specs.own_functions import OwnMetric
from models.specs.source import define
from models.streams import BLOCK
from study.train.measure.measure import Measure, Row
from study.train.step.own_terms import OwnTerms, Seen
from study.train.weights import network_with

OnFault = Callable[[int, str], None]
"""Hears the place of a trial in its pack, and why numbers of it cannot be made."""

SPLITS: tuple[Literal["train"], Literal["test"]] = ("train", "test")


@dataclass(frozen=True)
class Examples:
    """What a metric of the user's sees of the data: copies of what is encoded, and of what that is decoded to."""

    train: Float[Tensor, "n d_in"]
    test: Float[Tensor, "n_test d_in"]
    train_y: Float[Tensor, "n d"]
    test_y: Float[Tensor, "n_test d"]


def own_rows(measure: Measure, step: int, on_fault: OnFault) -> Iterator[tuple[int, Row]]:
    """(place in the pack, evaluation row) of each of the user's numbers, `step` steps after the start.

    `on_fault` hears of a trial whose terms or metric fail. Their numbers are NaN: what was trained is kept nonetheless.
    """
    if measure.trials[0].objective.terms:
        yield from _term_rows(measure, step, on_fault)
    for place, trial in enumerate(measure.trials):
        for metric in trial.metrics:
            try:
                found = metric_numbers(measure, place, metric)
            except NetworkError as fault:
                on_fault(place, str(fault))
                found = dict.fromkeys(metric.numbers, nan)
            n = measure.inputs.sizes["test"]
            yield from ((place, _row(name, value, n, trial.seed)) for name, value in found.items())


def metric_numbers(measure: Measure, place: int, metric: OwnMetric) -> Mapping[str, float]:
    """What a metric makes of one trial. Raises: NetworkError where it raises something, or returns something else."""
    trial, weights = measure.trials[place], measure.stack.weights()
    network = network_with(trial, {name: part[place].cpu() for name, part in weights.items()})
    assert network is not None
    network.requires_grad_(False)  # a metric may differentiate by what it puts in, and need not detach what it gets
    examples = Examples(*(_rows(measure, split, part, place) for part in (0, 1) for split in SPLITS))
    with seeded(stream_seed(trial.seed, metric.name)), told(metric.name):
        function = define(metric.source, metric.name, metric.modules)
        return _numbers(metric, function(network, examples, **deepcopy(metric.options)))


def _term_rows(measure: Measure, step: int, on_fault: OnFault) -> Iterator[tuple[int, Row]]:
    terms = measure.trials[0].objective.terms
    for split in SPLITS:
        n = measure.inputs.sizes[split]
        try:
            found = [means.tolist() for means in _term_means(measure, split, step)]
        except NetworkError as fault:
            for place in range(len(measure.trials)):
                on_fault(place, str(fault))
            found = [[nan] * len(measure.trials)] * len(terms)
        for term, means in zip(terms, found, strict=True):
            for place, (mean, trial) in enumerate(zip(means, measure.trials, strict=True)):
                yield place, _row(f"{term.name}_{split}", mean, n, trial.seed)


@torch.no_grad()
def _term_means(measure: Measure, split: Literal["train", "test"], step: int) -> list[Float64[Tensor, " pack"]]:
    """The mean of each term over a set, minibatch by minibatch, with z drawn from q(z|x)."""
    stack, trials = measure.stack, measure.trials
    terms, generators = OwnTerms(stack, trials), measure.generators(f"terms {split}")
    sums = [torch.zeros(len(trials), dtype=torch.float64) for _ in trials[0].objective.terms]
    for x, y in measure.inputs.split(split, trials[0].training.batch):
        mu, log_var = stack.encode(x)
        z = mu + (0.5 * log_var).exp() * measure.by_trial(measure.draw(generators, mu.shape[1]))
        x, y = (part.expand(len(trials), *part.shape[-2:]) for part in (x, y))
        seen = Seen(x, y, z, mu, log_var, stack.decode(z))
        for total, values in zip(sums, terms.values(seen, step), strict=True):
            total += values.double().mean(-1).cpu() * mu.shape[1]
    return [total / measure.inputs.sizes[split] for total in sums]


def _rows(measure: Measure, split: str, part: int, place: int) -> Float[Tensor, "n _"]:
    """What is encoded (part 0) or what it is decoded to (part 1) of one trial, on the CPU, as a copy."""
    blocks = [pair[part] for pair in measure.inputs.split(split, BLOCK)]
    return torch.cat([block if block.dim() == 2 else block[place] for block in blocks]).cpu().clone()


def _numbers(metric: OwnMetric, found: Any) -> Mapping[str, float]:
    """What a metric returned, by name. Raises: NetworkError where it is not what the metric declares."""
    names = list(metric.numbers)
    if not isinstance(found, Mapping):
        found = {names[0]: found} if len(names) == 1 else {}
    values = {name: value.item() if _is_scalar(value) else value for name, value in found.items()}
    if list(values) != names and set(values) != set(names):
        raise NetworkError(f"{metric.name} returned {_listed(values)}, not {_listed(names)}: return {{name: number}}")
    if wrong := [name for name, value in values.items() if not isinstance(value, Real)]:
        kind = type(values[wrong[0]]).__name__
        raise NetworkError(f"{metric.name} returned {kind} for {wrong[0]}: return a number")
    return {name: float(values[name]) for name in names}


def _is_scalar(value: Any) -> bool:
    return getattr(value, "ndim", None) == 0 and hasattr(value, "item")


def _listed(names: Any) -> str:
    return ", ".join(map(str, names)) or "no number by name"


def _row(name: str, value: float, n: int, seed: int) -> Row:
    return {"metric": name, "value": value, "sample_size": n, "seed": seed, "version": 1}
