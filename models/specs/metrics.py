"""Metrics: every number of the evaluations table that is measured after training, declared once. Free of torch.

A declaration says unit, meaning and version of a metric, and which trials it is for. `study.train.measure.metrics` knows the
functions that measure them, plans write unit and meaning beside a study's table, and the report's glossary shows them.
Raise a metric's version when its code changes its numbers: `python -m study.evaluate` then measures it again.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from models.specs.data import Data
from models.specs.network import Model
from models.specs.objective import Objective, Spread
from models.specs.own_functions import OwnMetric
from models.specs.planted import Planted

BINS = (100, 200, 300)
"""Numbers of bins in which samples are compared with the data."""


class Trained(Protocol):
    """What of a trial decides which metrics it has. The trials of a pack agree in it: it is part of their pack's key."""

    @property
    def model(self) -> Model:
        """A deterministic network gives no probabilities."""
        ...

    @property
    def data(self) -> Data:
        """Pictures have metrics of their own, and planted noise has a signal beneath it."""
        ...

    @property
    def objective(self) -> Objective:
        """Codes may have a price."""
        ...

    @property
    def stage(self) -> str:
        """Its place in a chain of trials."""
        ...

    @property
    def spread(self) -> Spread | None:
        """The β of a network that sees β."""
        ...

    @property
    def samples(self) -> int:
        """How many samples are compared with the data."""
        ...

    @property
    def bits(self) -> bool:
        """Whether levels are given probabilities."""
        ...

    @property
    def outliers(self) -> object | None:
        """The data set whose examples are outliers, if any."""
        ...

    @property
    def metrics(self) -> tuple[OwnMetric, ...]:
        """Metrics of the user's own."""
        ...


@dataclass(frozen=True)
class Metric:
    """Unit and meaning of a measured number; `version` counts its definitions."""

    unit: str
    meaning: str
    version: int = 1


@dataclass(frozen=True)
class Suite:
    """Metrics that are measured together, by name, and the trials that they are for."""

    metrics: Mapping[str, Metric]
    is_for: Callable[[Trained], bool] = field(default=lambda trial: True)


def _of_bins(bins: int) -> dict[str, Metric]:
    return {
        f"ndb_{bins}": Metric(
            "-", f"share of {bins} bins that samples fill differently from test examples; 0.05 by chance"
        ),
        f"js_{bins}": Metric(
            "nats", f"Jensen-Shannon divergence of the shares of {bins} bins, samples to test examples"
        ),
    }


_DISTANCES = {
    "fd_conv": Metric("training variances", "Fréchet distance to test images, of random convolutional features"),
    "kd_conv": Metric("training variances", "kernel distance to test images, of random convolutional features"),
    "fid": Metric("features²", "Fréchet distance to test images, of the standard Inception features"),
    "kid": Metric("features²", "kernel distance to test images, of the standard Inception features"),
    "fd_x": Metric("data²", "Fréchet distance to test examples that are no images, as they are"),
}
_OF_SAMPLES = {
    "mmd_x": Metric("-", "unbiased RBF MMD² of samples and test examples; may be negative"),
    **{name: metric for bins in BINS for name, metric in _of_bins(bins).items()},
    **_DISTANCES,
}
_AT_BETAS = {
    "distortion_train": Metric("data²", "distortion of the training set"),
    "distortion_test": Metric("data²", "distortion of the test set"),
    "rate_train": Metric("nats", "rate of the training set"),
    "rate_test": Metric("nats", "rate of the test set"),
    "n_active": Metric("-", "active latents"),
    "gamma": Metric("data²", "decoder variance γ, where it is learned by β"),
    "mmd_imq": Metric("-", "MMD² between q(z) and N(0, I)"),
    "mmd_codes": Metric("-", "MMD² between samples of codes and draws of q(z)"),
}


def _varied(metrics: Mapping[str, Metric], name: str, meaning: str) -> dict[str, Metric]:
    """The metrics once more, under names and meanings that end differently."""
    return {f"{key}{name}": replace(each, meaning=f"{each.meaning}{meaning}") for key, each in metrics.items()}


SUITES: dict[str, Suite] = {
    "mmd_imq": Suite(
        {"mmd_imq": Metric("-", "unbiased inverse-multiquadratic MMD² between q(z) and N(0, I); may be negative")}
    ),
    "iwae_nll": Suite(
        {"iwae_nll": Metric("nats", "importance-weighted estimate of −log p(y) of test examples, all constants kept")},
        lambda trial: not trial.model.is_deterministic,
    ),
    "sample_variance": Suite(
        {"sample_variance": Metric("data²", "tr Cov m(z), z ~ N(0, I): how far samples lie apart")}
    ),
    "mmd_x": Suite(
        {
            **_OF_SAMPLES,
            **_varied(_OF_SAMPLES, "_null", "; real examples in place of samples"),
            **_varied(_DISTANCES, "_recon", "; reconstructions in place of samples"),
        },
        lambda trial: trial.samples > 0,
    ),
    "mmd_x_downsampled": Suite(
        _varied(_OF_SAMPLES, "_downsampled", "; real pictures, shrunk to half and enlarged, in place of samples"),
        lambda trial: trial.samples > 0 and trial.data.image is not None,
    ),
    "nll_levels": Suite(
        {
            "nll_levels": Metric("nats", "importance-weighted estimate of −log P(levels) of test images"),
            "neg_elbo_levels": Metric("nats", "−ELBO of the levels of test images, at β = 1"),
        },
        lambda trial: trial.bits,
    ),
    "mmd_codes": Suite(
        {"mmd_codes": Metric("-", "unbiased inverse-multiquadratic MMD² between samples of codes and draws of q(z)")},
        lambda trial: trial.stage == "second vae",
    ),
    "betas": Suite(
        {
            "betas": Metric("-", "β at which the network was measured"),
            **_varied(_AT_BETAS, "/beta", ", at the β named"),
        },
        lambda trial: trial.spread is not None,
    ),
    "codes_used": Suite(
        {
            "codes_used": Metric("-", "codes with an energy above a thousandth of the data's total variance"),
            "codes_price": Metric("that of h", "Σ h of the energies of all codes, without its weight"),
        },
        lambda trial: trial.objective.is_sparse,
    ),
    "clean_error": Suite(
        {"clean_error": Metric("data²", "E‖s − m(E[z|x])‖² on the test set, s the signal of x without its noise")},
        lambda trial: isinstance(trial.data, Planted) and trial.data.noise > 0,
    ),
    "auroc": Suite(
        {
            "auroc": Metric("-", "area under the ROC curve: outliers told from test examples by ‖x − m(E[z|x])‖²"),
            "auroc_pca": Metric("-", "the same by the distance to as many principal components as there are latents"),
            "error_pca": Metric("data²", "mean squared distance of test examples to these components"),
        },
        lambda trial: trial.outliers is not None,
    ),
}
"""Every metric, in suites that are named by a metric that is always among theirs."""

METRICS: dict[str, Metric] = {name: metric for suite in SUITES.values() for name, metric in suite.metrics.items()}


def version_of(name: str) -> int:
    """The version of a metric, by its name in the evaluations table: "mmd_imq", or "mmd_imq/beta 0.5".

    Raises: ValueError for a metric that is not declared.
    """
    declared = METRICS.get(name.partition(" ")[0])
    if declared is None:
        raise ValueError(f"the metric {name} is measured and not declared: add it to SUITES in models/specs/metrics.py")
    return declared.version


def metrics_for(trials: Iterable[Trained]) -> dict[str, Metric]:
    """The metrics that any of the trials has, by name."""
    listed = list(trials)
    suites = [suite for suite in SUITES.values() if any(map(suite.is_for, listed))]
    known = {name: metric for suite in suites for name, metric in suite.metrics.items()}
    return known | {name: metric for trial in listed for name, metric in own_metrics(trial)}


def own_metrics(trial: Trained) -> Iterator[tuple[str, Metric]]:
    """What is measured of the user's own loss terms and metrics, by name."""
    for term in trial.objective.terms:
        for split, which in (("train", "training"), ("test", "test")):
            yield (
                f"{term.name}_{split}",
                Metric("nats", f"mean of the loss term {term.name}, {which} set, without weight"),
            )
    for own in trial.metrics:
        yield from ((name, Metric(unit, meaning)) for name, (unit, meaning) in own.numbers.items())


def check_own_names(trial: Trained) -> None:
    """Raises: ValueError where two of a trial's numbers would have one name."""
    names = [name for name, _ in own_metrics(trial)]
    for place, name in enumerate(names):
        if name in METRICS or name in names[:place]:
            raise ValueError(f"two metrics are called {name}: give yours another name")
