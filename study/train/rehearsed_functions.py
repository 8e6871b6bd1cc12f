"""Loss terms and metrics of the user's, each tried by itself, so that what is wrong with one is said of that one."""

from collections.abc import Sequence
from math import isnan

import torch
from jaxtyping import Float
from torch import Tensor

from models.data.dataset import DataSet
from models.networks.build import seeded
from models.networks.module_contents import differing
from models.networks.own_outputs import NetworkError
from models.specs.own_functions import OwnMetric, OwnTerm
from study.declare.trial import Trial
from study.train.measure.measure import Measure
from study.train.measure.own_metrics import metric_numbers
from study.train.rehearsed_training import CPU
from study.train.stack.inputs import Inputs
from study.train.stack.stack import Stack
from study.train.step.own_terms import OwnTerms, Seen
from study.train.watched import nothing_read


def check_terms(trial: Trial, stack: Stack, data: DataSet) -> list[str]:
    """What the user should know of loss terms. Raises: NetworkError for one that fails, reads, draws, counts or is NaN."""
    notes: list[str] = []
    for term in trial.objective.terms:
        seen = _seen(stack, data)
        terms = OwnTerms(stack, [_with_term(trial, term)])
        with seeded(0), nothing_read(term.name):
            values = _settled_values(terms, seen, term.name)
        notes += _of_gradients(term, values, seen)
    return notes


def check_metrics(trial: Trial, metrics: Sequence[OwnMetric], stack: Stack, data: DataSet) -> list[str]:
    """What the user should know of metrics. Raises: NetworkError for one that fails, reads, or gives other numbers again."""
    measure = Measure(stack, [trial], data, Inputs(data, CPU, stack.dtype))
    notes: list[str] = []
    for metric in metrics:
        with nothing_read(metric.name):
            one, other = (metric_numbers(measure, 0, metric) for _ in range(2))
        if repr(one) != repr(other):
            raise NetworkError(
                f"{metric.name} gives other numbers when it is called again: seed what it draws, as in default_rng(0)"
            )
        notes += [
            f"{metric.name} gives nan for {name} after a few steps on a few rows: mend it if it should be a number there"
            for name, value in one.items()
            if isnan(value)
        ]
    return notes


def _with_term(trial: Trial, term: OwnTerm) -> Trial:
    return trial.model_copy(update={"objective": trial.objective.model_copy(update={"terms": (term,)})})


@torch.no_grad()
def _seen(stack: Stack, data: DataSet) -> Seen:
    """What a term sees of the rows, all that networks make of them as leaves of a graph."""
    x, y = (torch.as_tensor(part[:]).to(stack.dtype)[None] for part in (data.train, data.train_y))
    mu, log_var = stack.encode(x)
    z = mu + (0.5 * log_var).exp() * torch.randn(mu.shape, generator=torch.Generator().manual_seed(0), dtype=mu.dtype)
    mean = stack.decode(z)
    return Seen(x, y, *(part.detach().requires_grad_() for part in (z, mu, log_var, mean)))


def _settled_values(terms: OwnTerms, seen: Seen, name: str) -> Float[Tensor, "pack _"]:
    """What a term gives. Raises: NetworkError where a call leaves traces, or another call gives something else."""
    start, found, held = terms.state(), list[Tensor](), []
    for _ in range(3):
        terms.go_to(start)
        found += terms.values(seen, 0)
        held.append(terms.contents())
    if changed := differing(*held[1:]):
        raise NetworkError(
            f"{name} changes {changed[0].removeprefix(f'{name}.')} when it is called, which no record would show: ask for "
            "the argument `step`, or drop it"
        )
    if not torch.allclose(found[1], found[2], 0, 0, equal_nan=True):
        raise NetworkError(
            f"{name} gives other numbers when it is called again: draw with torch.rand or torch.randn, which the trial's "
            "seed sets"
        )
    return found[2]


def _of_gradients(term: OwnTerm, values: Float[Tensor, "pack _"], seen: Seen) -> list[str]:
    """A note where a term has no gradient. Raises: NetworkError where it, or its gradient, is not finite."""
    where = "on a few rows with the initial weights: keep it so, as with clamp(min=1e-6)"
    if not values.isfinite().all():
        raise NetworkError(f"{term.name} is not finite {where}")
    leaves = [part for part in vars(seen).values() if part.requires_grad]
    slopes = torch.autograd.grad(values.mean(), leaves, allow_unused=True) if values.requires_grad else []
    found = [slope for slope in slopes if slope is not None]
    if not all(slope.isfinite().all() for slope in found):
        raise NetworkError(f"{term.name} has a gradient that is not finite {where}")
    if found or not term.weight:
        return []
    return [f"{term.name} has no gradient, so it is recorded and changes no training: take detach() out if it should"]
