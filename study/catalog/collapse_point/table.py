"""The gradient at a collapsed latent of a deep VAE: is it zero, and under which hypotheses?

The probe sets one latent's weights to zero in both heads and in the decoder. That point is stationary for the latent if its
heads' biases are zero too, and if the gradient is an expectation over the noise. Pairs of opposite noise give the
expectation exactly; independent draws add noise that falls with their number.
"""

from models.specs.probes import CollapsePoint, Hypothesis
from study.declare.probe import Probe
from study.declare.table import study

STATED: Hypothesis = "as stated"
MEAN_BIAS: Hypothesis = "mean bias"
VARIANCE_BIAS: Hypothesis = "variance bias"
HYPOTHESES = [STATED, MEAN_BIAS, VARIANCE_BIAS]


@study(hypothesis=HYPOTHESES, seed=range(5))
def collapse_point(hypothesis: Hypothesis, seed: int) -> Probe:
    """In a deep VAE, is a latent whose weights are all zero stationary?"""
    return Probe(what=CollapsePoint(hypothesis=hypothesis), seed=seed)


@collapse_point.paper(hypothesis=HYPOTHESES, kappa=[4, 16], gamma=[1.0, 0.1, 0.01], seed=range(20))
def collapse_point_paper(hypothesis: Hypothesis, kappa: int, gamma: float, seed: int) -> Probe:
    """The same question for twenty wider networks, at several γ and κ."""
    what = CollapsePoint(hypothesis=hypothesis, kappa=kappa, gamma=gamma, width=256, draws=10_240)
    return Probe(what=what, seed=seed)
