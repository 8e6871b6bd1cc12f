"""Whether the parts of a trial fit together. Each check raises a ValueError that names the fault and the remedy."""

from typing import TYPE_CHECKING

from models.specs import Annealed
from models.specs.metrics import check_own_names

if TYPE_CHECKING:
    from study.declare.trial import Trial


def check(trial: "Trial") -> None:
    """Raises: ValueError for the first thing about a trial that cannot be trained or measured as declared."""
    _check_stages(trial)
    _check_beta(trial)
    _check_training(trial)
    _check_outliers(trial)
    _check_sizes(trial)
    _check_likelihood(trial)
    trial.model.check(trial)
    check_own_names(trial)


def _check_stages(trial: "Trial") -> None:
    if trial.model.is_deterministic and trial.objective.beta:
        raise ValueError('a network with post_var="none" has no rate: declare Objective(beta=0)')
    if trial.objective.is_sparse and not trial.model.is_deterministic:
        raise ValueError('Sparsity is a price of codes, not of noise: declare the network with post_var="none"')
    if not trial.after:
        return
    if trial.after.data != trial.data:
        raise ValueError(f"a stage on {trial.data} stands on one of {trial.after.data}: give both the same data")
    if trial.data.has_targets:
        raise ValueError(f"{trial.data} has targets of its own, which have no codes: a stage needs data without them")
    if trial.after.after and not trial.after.after.model.is_deterministic:
        raise ValueError(
            "no stage can follow one that trains on draws: a chain is autoencoders, then a VAE, then a VAE"
        )


def _check_beta(trial: "Trial") -> None:
    if trial.objective.spread and not trial.sees_beta:
        raise ValueError("a spread of β needs a network that sees β: declare VAE(sees_beta=True)")
    if trial.after and trial.sees_beta and not trial.after.sees_beta:
        raise ValueError("a stage sees the β of the one before it: declare VAE(sees_beta=True) for both, or neither")
    if trial.sees_beta and not trial.spread:
        raise ValueError("a network that sees β needs a spread: declare Objective(spread=Spread(low, high))")
    if trial.objective.spread and trial.after:
        raise ValueError("a stage after another has no spread of its own: it sees the β of the one before it")


def _check_training(trial: "Trial") -> None:
    _check_stop(trial)
    if trial.training.slower and not trial.objective.is_one_gamma:
        raise ValueError("slower follows a single γ, and this likelihood has none or many: leave slower out")


def _check_stop(trial: "Trial") -> None:
    training, stop = trial.training, trial.training.stop
    if not stop:
        return
    if isinstance(trial.objective.gamma, Annealed):
        raise ValueError("stop would end a trial before its γ is annealed: leave stop out, or declare another γ")
    first_end = stop.first_end(training.warm_up * training.steps)
    if first_end >= training.steps:
        raise ValueError(
            f"stop could end a trial at step {first_end} at the earliest, and the training has {training.steps} steps: "
            "give it a smaller every or fewer checks, train longer, or leave stop out"
        )


def _check_outliers(trial: "Trial") -> None:
    if not trial.outliers:
        return
    if trial.after or trial.data.has_targets or trial.outliers.has_targets:
        raise ValueError(
            "outliers are told by the reconstruction of the data themselves: declare them for a single VAE"
        )
    if trial.outliers.d != trial.data.d:
        raise ValueError(
            f"outliers have {trial.outliers.d} dimensions, and the data {trial.data.d}: give both the same"
        )


def _check_sizes(trial: "Trial") -> None:
    if trial.samples == 1:
        raise ValueError("samples = 1 has no distances between samples: declare two at least, thousands if you can")
    if trial.samples and trial.data.n_train < 4:
        raise ValueError(
            f"samples are compared beside one half of the training set, and {trial.data} has n = {trial.data.n_train}: "
            "give it four examples at least, or leave samples out"
        )
    left = trial.training.examples(trial.data.n_train)
    if trial.objective.penalty and min(left, trial.training.batch) == 1:
        remedy = "a batch of two" if left > 1 else "more data, or a stop that holds out less, for a batch of two"
        raise ValueError(
            f"the penalty {trial.objective.penalty.kind} is estimated from the examples of a minibatch: "
            f"declare {remedy} at least"
        )


def _check_likelihood(trial: "Trial") -> None:
    likelihood, levels = trial.objective.likelihood, trial.data.levels
    if levels is None and (likelihood.is_discrete or trial.bits):
        what = likelihood.kind if likelihood.is_discrete else "bits=True"
        raise ValueError(f"{what} needs levels, and {trial.data} has none: declare data that are pictures")
    if likelihood.is_binary and levels != 2:
        raise ValueError(
            f"{likelihood.kind} takes binary data, and {trial.data} has {levels} levels: declare binary=True"
        )
    if trial.bits and trial.model.is_deterministic:
        raise ValueError('a network with post_var="none" gives no probabilities: leave bits out')
    if trial.bits and trial.after:
        raise ValueError("a stage decodes codes, which have no levels: leave bits out")
    if trial.after and not (trial.objective.is_plain and trial.after.objective.is_plain):
        raise ValueError("stages need the normal likelihood with one γ: declare that, or leave after out")
