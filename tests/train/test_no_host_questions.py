"""A step asks the device nothing: on a GPU every question would be a wait. Found out on a CPU, from the operations."""

import own_functions as own
import pytest
import torch
from likelihood_trials import OBJECTIVES, a_trial
from torch.utils._python_dispatch import TorchDispatchMode
from trained_stacks import MODES

from models.data.load import load
from models.specs.own_functions import OwnTerm
from study import (
    MMD,
    SGD,
    VAE,
    Adam,
    AdamW,
    Cosine,
    Digits,
    Fixed,
    ImageVAE,
    Objective,
    OneCycle,
    RMSprop,
    Rprop,
    Slower,
    Spread,
)
from study.train.stack.build import build_stack
from study.train.step.loop import Training

aten = torch.ops.aten
QUESTIONS = {
    aten._local_scalar_dense.default,  # item, bool(tensor), int(tensor), tolist
    aten.nonzero.default,
    aten.equal.default,
    aten.is_nonzero.default,
    aten._unique2.default,
    aten.unique_dim.default,
    aten.masked_select.default,
}


class QuestionError(AssertionError):
    """A step asked the device."""


class NoQuestions(TorchDispatchMode):
    """Raises: QuestionError for operations whose result, or whose shape, the host must wait for."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        del types
        masks = func is aten.index.Tensor and any(i is not None and i.dtype == torch.bool for i in args[1])
        if func in QUESTIONS or masks:
            raise QuestionError(f"a step asks the device: {func}")
        return func(*args, **(kwargs or {}))


def train_without_questions(trials, way=None, steps=12):
    stack, inputs = build_stack(trials, load(trials[0].data), torch.device("cpu"))
    training = Training(stack, trials, inputs, way)
    with NoQuestions():
        for _ in range(steps):
            training.take_step()
    return training


@pytest.mark.parametrize(
    "ask", [lambda t: t.item(), bool, lambda t: t[t > 0], lambda t: t.nonzero(), lambda t: t.unique()]
)
def test_questions_are_noticed(ask):
    with pytest.raises(QuestionError), NoQuestions():
        ask(torch.ones(()) if ask is bool else torch.ones(1))


@pytest.mark.parametrize("way", ["by hand", "by autograd"])
@pytest.mark.parametrize(
    "optimiser", [Adam(), AdamW(weight_decay=0.1), SGD(momentum=0.9), RMSprop(centred=True), Rprop()]
)
def test_no_optimiser_and_no_gamma_mode_asks(make_trial, optimiser, way):
    """With clipping, early stopping, a warm-up of β and slower rates; one trial diverges, one stops."""
    common = {"optimiser": optimiser, "steps": 40, "clip": 1.0, "warm_up": 0.1}
    common |= {"stop": {"every": 5, "checks": 1, "min_delta": 1e6}, "slower": Slower(below=1.0)}
    if isinstance(optimiser, Rprop):
        common |= {"clip": None}
    trials = [make_trial(gamma=gamma, **common) for gamma in MODES[:3]]  # what is annealed cannot stop early
    trials.append(make_trial(gamma=Fixed(1.0), **common, blow_up=1e-3))
    training = train_without_questions(trials, way, 25)
    assert (training.ended_at >= 0).all()
    assert training.divergence.at[-1] >= 0


@pytest.mark.parametrize("schedule", [Cosine(warm_up=0.1), OneCycle(momentum=(0.5, 0.9))])
def test_no_schedule_asks(make_trial, schedule):
    train_without_questions([make_trial(gamma=gamma, schedule=schedule) for gamma in MODES])


@pytest.mark.parametrize("name", OBJECTIVES)
def test_no_likelihood_asks(name):
    train_without_questions([a_trial(name), a_trial(name, seed=1)])


def test_no_penalty_no_term_and_no_picture_network_asks(make_trial):
    trial = make_trial()
    terms = (OwnTerm.of(own.shrink, weight=0.1),)
    for objective in (Objective(gamma=Fixed(0.1), penalty=MMD(weight=1.0)), Objective(gamma=Fixed(0.1), terms=terms)):
        train_without_questions([trial.model_copy(update={"objective": objective})])
    train_without_questions([make_trial(data=Digits(), model=ImageVAE(kappa=2, channels=(4,), blocks=1))])
    spread = Objective(gamma=Fixed(0.1), spread=Spread(low=0.5, high=2))
    train_without_questions([trial.model_copy(update={"objective": spread, "model": VAE(kappa=4, sees_beta=True)})])
