"""The probe of what training minimises: the J of real steps and of a real record, against definitions written out.

Six trials of one network, alike but for γ and β, take the pass of a step by hand and by autograd, and are recorded. Beside
that a network of the same weights meets the same examples and noise, and what the literature minimises is computed from its
distributions. Everything else about a step (minibatch, optimiser, clipping) is left out.

Source: Dai, Wenliang & Wipf (2021), eq. 3; Wang & Ziyin (2022), eq. 5; Rybkin, Daniilidis & Levine (2021), section 3.
"""

import math
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from scipy.optimize import minimize_scalar
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from models.data.load import load
from models.loss.objective import misfit, objective
from models.networks.build import build, methods_of
from models.probes.finding import Finding, computes
from models.specs import VAE, Fixed, Learned, Objective, Optimal, PlantedManifold, Training
from models.specs.groundwork import Conventions
from study.declare.trial import Trial
from study.pack.pack import make_pack
from study.train.measure.measure import Measure
from study.train.record_rows import trial_rows
from study.train.stack.build import build_stack
from study.train.stack.layers import as_layers_take_it
from study.train.step.build import passes_of
from study.train.step.loop import Training as PackTraining
from study.train.step.minibatches import Minibatches
from study.train.step.outcome import Outcome, joined
from study.train.step.passes import Way
from study.train.step.schedules import Schedules

WAYS: tuple[Way, Way] = ("by hand", "by autograd")

Rows = Float[Tensor, "n _"]
Slopes = Float[Tensor, "pack numbers"]


@computes(Conventions)
def numbers(what: Conventions, seed: int) -> Finding:
    """Every objective of the same minibatch and weights."""
    rng = np.random.default_rng([33, seed])
    gamma, beta = (float(value) for value in np.exp(rng.uniform(np.log(0.01), np.log(10), 2)))
    named = _trials(what, gamma, beta, seed)
    place = {name: index for index, name in enumerate(named)}
    hand, graph = (_step(list(named.values()), way) for way in WAYS)
    one = Written(next(iter(named.values())), hand.x, hand.eps, gamma, beta)
    distortion, rate = (float(each[0]) for each in (hand.outcome.distortion, hand.outcome.rate))
    best: Any = minimize_scalar(lambda log_gamma: _j(distortion, rate, math.exp(log_gamma), beta, what.d), tol=1e-12)
    apart = max(
        _apart(each.slopes[place[name]], one.slopes(name)) for each in (hand, graph) for name in ("j", "learned")
    )
    recorded, written = _recorded(list(named.values()), gamma, beta)
    return Finding(
        {
            "at_gamma": gamma,
            "at_beta": beta,
            "squares": distortion,
            "nats": rate,
            **{name: float(hand.outcome.objective[place[name]]) for name in ("j", "j_unit", "j_plain", "j_half")},
            "j_graph": float(graph.outcome.objective[0]),
            "j_written": one.j,
            "j_recorded": recorded,
            "j_recorded_written": written,
            "eq3": one.eq3,
            "bound": one.bound,
            "wz": one.wz,
            "summed": one.summed,
            "step_gamma": float(hand.outcome.gamma[place["optimal"]]),
            "j_optimal": float(hand.outcome.objective[place["optimal"]]),
            "best_gamma": math.exp(best.x),
            "j_best": float(best.fun),
            "turned": _apart(beta * hand.slopes[place["j_unit"]], hand.slopes[0]),
            "slopes_apart": apart,
        }
    )


def _trials(what: Conventions, gamma: float, beta: float, seed: int) -> dict[str, Trial]:
    """The trials of the pack, by the names of their J; all of one network, and of one minibatch that holds all examples."""
    objectives = {
        "j": Objective(gamma=Fixed(gamma), beta=beta),
        "j_unit": Objective(gamma=Fixed(beta * gamma)),
        "j_plain": Objective(gamma=Fixed(gamma)),
        "j_half": Objective(gamma=Fixed(0.5), beta=beta),
        "learned": Objective(gamma=Learned(init=gamma), beta=beta),
        "optimal": Objective(gamma=Optimal(), beta=beta),
    }
    data = PlantedManifold(d=what.d, n=what.examples, n_test=2)
    model = VAE(kappa=what.kappa, encoder=(32,), decoder=(32,))
    settings = Training(steps=1, batch=what.examples, dtype="float64")
    return {
        name: Trial(data=data, model=model, objective=each, training=settings, seed=seed)
        for name, each in objectives.items()
    }


class Step(NamedTuple):
    """What the pass of a step finds, the slopes of all trained numbers, log γ last, and what the first trial was shown."""

    outcome: Outcome
    slopes: Slopes
    x: Rows
    eps: Rows


def _step(trials: list[Trial], way: Way) -> Step:
    stack, inputs = build_stack(trials, load(trials[0].data), torch.device("cpu"))
    minibatches, now = Minibatches(stack, trials, inputs), Schedules(stack, trials).at(0)
    drawn, passes = minibatches.draw(), passes_of(stack, trials, minibatches.size, way)
    shown = drawn.of(slice(0, 1))
    x, eps = shown.x[0].clone(), shown.eps[0].clone()
    outcome = joined([each.run(0, drawn.of(each.rows), now, is_logged=True) for each in passes])
    return Step(outcome, torch.cat([each.gradient.by_trial() for each in passes]), x, eps)


def _recorded(trials: list[Trial], gamma: float, beta: float) -> tuple[float, float]:
    """The first trial's J over the training set, as its record has it, and from the definitions at the same draws."""
    data = load(trials[0].data)
    stack, inputs = build_stack(trials, data, torch.device("cpu"))
    measure = Measure(stack, trials, data, inputs)
    row = trial_rows(make_pack(trials, {}), measure, PackTraining(stack, trials, inputs), "none")[0]
    x, _ = next(iter(inputs.split("train", len(data.train))))
    eps = measure.draw(measure.generators("train"), len(data.train))[0]
    return row["objective_train"], Written(trials[0], x.reshape(-1, x.shape[-1]), eps, gamma, beta).j


class Written:
    """What the literature minimises, from the distributions of a network: means over the examples x, codes at noise ε."""

    def __init__(self, trial: Trial, x: Rows, eps: Rows, gamma: float, beta: float) -> None:
        self._network: Any = methods_of(build(trial.model, trial, trial.weights_seed, torch.float64))
        self._log_gamma = torch.tensor(gamma, dtype=torch.float64).log().requires_grad_()
        mu, log_var = self._network("encode", x)
        std = (0.5 * log_var).exp()
        mean = self._network("decode", mu + std * eps)
        variance, d = self._log_gamma.exp(), x.shape[1]
        squares = (x - mean).square().sum(1)
        divergence = kl_divergence(Normal(mu, std), Normal(torch.zeros_like(mu), 1.0)).sum(1)
        density = Normal(mean, variance.sqrt()).log_prob(x).sum(1)
        self._value = (beta * divergence - density).mean() - 0.5 * d * math.log(2 * math.pi)
        self.j = self._value.item()
        self.bound = (divergence - density).mean().item()
        self.eq3 = (squares / variance + d * self._log_gamma + (mu**2 + std**2 - log_var).sum(1)).mean().item()
        self.wz = (squares / (2 * variance) + beta * divergence).mean().item()
        self.summed = (squares + beta * divergence).mean().item()

    def slopes(self, name: str) -> Float[Tensor, " numbers"]:
        """∇J in the order of a stack's trained numbers; log γ, the last, moves in the trial "learned" alone."""
        leaves = [*self._network.parameters(), self._log_gamma]
        *weights, last = torch.autograd.grad(self._value, leaves, retain_graph=True)
        rows = [as_layers_take_it(each).flatten() for each in weights]
        return torch.cat([*rows, last[None] if name == "learned" else torch.zeros_like(last)[None]])


def _j(distortion: float, rate: float, gamma: float, beta: float, d: int) -> float:
    """J of these averages, by the function that the steps call."""
    of = [torch.tensor(each, dtype=torch.float64) for each in (distortion, gamma, rate)]
    return float(objective(misfit(of[0], of[1], d), of[2], beta))


def _apart(one: Float[Tensor, " numbers"], other: Float[Tensor, " numbers"]) -> float:
    """How far two gradients lie apart, in units of the second."""
    return float((one - other).norm() / other.norm())
