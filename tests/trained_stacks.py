"""Stacks of trials, trained in this process without records."""

import torch

from models.data.load import load
from study.train.measure.measure import Measure
from study.train.stack.build import build_stack
from study.train.step.loop import Training as PackTraining


def trained(trials, device="cpu"):
    data = load(trials[0].data)
    stack, inputs = build_stack(trials, data, torch.device(device))
    training = PackTraining(stack, trials, inputs)
    while not training.done:
        training.advance(1e9)
    return training, Measure(stack, trials, data, inputs)
