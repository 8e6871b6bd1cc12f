"""Metrics of trained trials from their stored weights: a new metric needs no training."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from models.data.load import load
from study.declare.trial import Trial
from study.record import Home
from study.train.earlier_results import ground
from study.train.measure.measure import Measure
from study.train.measure.metrics import METRICS
from study.train.stack.build import build_stack


def measure_again(
    trials: Sequence[Trial],
    weights: Sequence[Mapping[str, np.ndarray]],
    log_gammas: Sequence[float],
    metrics: Sequence[str],
    home: Home,
) -> Iterator[list[tuple[int, dict[str, Any]]]]:
    """One list of evaluation rows with the places of their trials, for each of the `metrics`; trials share shapes.

    Raises: KeyError or RuntimeError where the weights are not those of the declared networks.
    """
    data = load(trials[0].data)
    device = torch.device("cpu")
    stack, inputs = build_stack(trials, data, device, ground(trials, data, home, device))
    with torch.no_grad():
        for name, target in stack.weights().items():
            target.copy_(torch.stack([torch.from_numpy(each[name]) for each in weights]))
        stack.log_gamma.copy_(stack.column(log_gammas))
    measure = Measure(stack, trials, data, inputs)
    for metric in metrics:
        yield list(METRICS[metric].rows(measure))
