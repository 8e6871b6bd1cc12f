"""Loss terms of the user's own, on top of J: the same functions for all trials of a pack, each trial with its weights."""

import inspect
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.func import vmap

from models.networks.module_contents import Contents, variables
from models.networks.own_outputs import NetworkError
from models.networks.raised import told
from models.networks.random_draws import Draws
from models.specs.own_functions import SEEN_BY_TERMS, OwnTerm
from models.specs.source import define
from study.declare.trial import Trial
from study.train.stack.resumable import State
from study.train.stack.stack import Stack


@dataclass(frozen=True)
class Seen:
    """A minibatch as terms may ask for it; `mean` is m(z)."""

    x: Float[Tensor, "pack batch d_in"]
    y: Float[Tensor, "pack batch d"]
    z: Float[Tensor, "pack batch kappa"]
    mu: Float[Tensor, "pack batch kappa"]
    log_var: Float[Tensor, "pack batch kappa"]
    mean: Float[Tensor, "pack batch d"]


class OwnTerms:
    """Σ weight · the mean of each term over the minibatch. It is false where the trials have none."""

    def __init__(self, stack: Stack, trials: Sequence[Trial]) -> None:
        seeds, declared = [trial.weights_seed for trial in trials], trials[0].objective.terms
        self._terms = [_Term(term, Draws(seeds, f"term {place}")) for place, term in enumerate(declared)]
        listed = zip(*([term.weight for term in trial.objective.terms] for trial in trials), strict=True)
        self._weights = [stack.column(weights) for weights in listed]

    @property
    def need_means(self) -> bool:
        """Whether any term asks for m(z)."""
        return any("mean" in term.asks for term in self._terms)

    def __bool__(self) -> bool:
        return bool(self._terms)

    def add(self, objective: Float[Tensor, " pack"], seen: Seen, step: int) -> Float[Tensor, " pack"]:
        """What is minimised, given J and the minibatch."""
        for value, weight in zip(self.values(seen, step), self._weights, strict=True):
            objective = objective + weight * value.mean(-1)
        return objective

    def values(self, seen: Seen, step: int) -> list[Float[Tensor, "pack _"]]:
        """Each term of each example, (pack, batch), or of the minibatch, (pack, 1). Raises: NetworkError."""
        return [term.values(vars(seen), step) for term in self._terms]

    def contents(self) -> Contents:
        """What the terms' functions and the variables of their files hold, by name."""
        return {
            f"{term.name}.{name}": value for term in self._terms for name, value in variables(term.function).items()
        }

    def state(self) -> State:
        """Where the streams of terms that draw stand."""
        return {str(place): term.draws.places() for place, term in enumerate(self._terms)}

    def go_to(self, state: State) -> None:
        """Take the streams to where a `state` was."""
        for place, term in enumerate(self._terms):
            term.draws.move(state[str(place)])


class _Term:
    """One function, carried over the pack by `vmap`, or one trial after another where that cannot carry it."""

    def __init__(self, declared: OwnTerm, draws: Draws) -> None:
        self.name, self.draws = declared.name, draws
        self._options = declared.options
        self.function: Callable[..., Any] = define(declared.source, declared.name, declared.modules)
        taken = inspect.signature(self.function).parameters
        is_open = any(each.kind is each.VAR_KEYWORD for each in taken.values())
        self.asks = [name for name in SEEN_BY_TERMS if is_open or name in taken]
        self._way: Callable[..., Any] | None = None

    def values(self, parts: dict[str, Float[Tensor, "pack batch _"]], step: int) -> Float[Tensor, "pack _"]:
        """The term of each trial and example. Its code gets copies, so that what it does in place stays its own."""
        given = {name: parts[name].clone() for name in self.asks if name != "step"}
        also = self._options | ({"step": step} if "step" in self.asks else {})
        with told(self.name):
            if self._way is None:
                self._way = self._way_for(given, also)
            return self._checked(self._way(given, also), given)

    def _way_for(self, given: dict[str, Any], also: dict[str, Any]) -> Callable[..., Any]:
        """How the function is carried. Nothing is drawn here that training would miss."""
        places = self.draws.places()
        try:
            with torch.no_grad():
                alone, together = self._one_by_one(given, also), self._together(given, also)
            is_same = alone.shape == together.shape and torch.allclose(alone, together, 1e-3, 1e-3, equal_nan=True)
        except NetworkError:
            raise
        except Exception:  # whatever vmap cannot carry
            is_same = False
        finally:
            self.draws.move(places)
        return self._together if is_same else self._one_by_one

    def _together(self, given: dict[str, Any], also: dict[str, Any]) -> Any:
        def one(place: Any, own: dict[str, Any]) -> Any:
            with self.draws.at(place):
                return self.function(**own, **deepcopy(also))

        pack = len(next(iter(given.values())))
        return vmap(one)(torch.arange(float(pack)), given)

    def _one_by_one(self, given: dict[str, Any], also: dict[str, Any]) -> Any:
        results = []
        for place in range(len(next(iter(given.values())))):
            with self.draws.at(place):
                results.append(self.function(**{name: part[place] for name, part in given.items()}, **deepcopy(also)))
            if not isinstance(results[-1], Tensor):
                kind = type(results[-1]).__name__
                raise NetworkError(f"{self.name} returned {kind}: return a tensor, a number for each example")
        return torch.stack(results)

    def _checked(self, values: Any, given: dict[str, Any]) -> Float[Tensor, "pack _"]:
        """The values, one an example or one a minibatch. Raises: NetworkError."""
        pack, batch = next(iter(given.values())).shape[:2]
        if tuple(values.shape) not in ((pack, batch), (pack,)) or not values.is_floating_point():
            shape, kind = tuple(values.shape[1:]), str(values.dtype).removeprefix("torch.")
            raise NetworkError(
                f"{self.name} returned {kind} of shape {shape} for {batch} examples: return a number for each, ({batch},)"
            )
        return values if values.dim() == 2 else values[:, None]
