"""Stacks of trials, trained in this process without records."""

import torch

from models.data.load import load
from study import Annealed, Fixed, Learned, Optimal
from study.train.measure.measure import Measure
from study.train.stack.build import build_stack
from study.train.step.loop import Training as PackTraining


def train_stack(trials, device="cpu"):
    """The training of a pack at its end, and its measure."""
    data = load(trials[0].data)
    stack, inputs = build_stack(trials, data, torch.device(device))
    training = PackTraining(stack, trials, inputs)
    while not training.done:
        training.advance(1e9)
    return training, Measure(stack, trials, data, inputs)


MODES = (Fixed(0.5), Learned(lr=1e-2), Optimal(), Annealed(1.0, 0.05))


def numbers_in_packs(trials, size):
    """Every trial's numbers, trained in packs of `size`."""
    numbers = {}
    for start in range(0, len(trials), size):
        pack = trials[start : start + size]
        _, measure = train_stack(pack)
        for i, trial in enumerate(pack):
            numbers[trial.trial_id] = {
                "distortion": float(measure.train.distortion[i]),
                "distortion_of_mean": float(measure.train.distortion_of_mean[i]),
                "rate": float(measure.train.rate[i]),
                "gamma": float(measure.gamma[i]),
                "n_active": int((measure.train.variance[i] < 0.5).sum()),
            }
    return numbers
