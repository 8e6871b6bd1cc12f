"""Probes of what every study rests on: conventions, closed forms, and metrics where the truth is known."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from models.specs.look import EQ3, Look, Measures
from models.specs.spec import Count, NonNegative, Positive, Several


class Conventions(Look):
    """The J of real training steps and the other objectives of the literature, of one network, minibatch and noise.

    The network has its initial weights. It, the examples, γ and β follow from the seed. Steps are those that train every
    trial, in float64; "written out" is what PyTorch's distributions say of the same network, examples and noise.
    """

    kind: Literal["Conventions"] = "Conventions"
    d: Annotated[Count, Field(ge=3)] = 20
    """Dimensions of an example."""
    kappa: Count = 6
    """Latents of the network."""
    examples: Several = 100
    """How many examples there are."""

    version: ClassVar[int | None] = 2
    of_training: ClassVar[bool] = True
    measures: ClassVar[Measures] = {
        "at_gamma": ("data²", "γ"),
        "at_beta": ("-", "β"),
        "squares": ("data²", "R of the step: squared error summed over outputs, mean over examples"),
        "nats": ("nats", "K of the step: mean rate"),
        "j": ("nats", "J at γ and β of the step by hand"),
        "j_graph": ("nats", "the same of the step by autograd"),
        "j_written": ("nats", "the same written out: −log density without (d/2) log 2π, and β times the divergence"),
        "j_recorded": ("nats", "J at γ and β over the training set, as the record of a trial has it"),
        "j_recorded_written": ("nats", "the same written out"),
        "j_unit": ("nats", "J at βγ and β = 1"),
        "j_plain": ("nats", "J at γ and β = 1"),
        "j_half": ("nats", "J at γ = ½ and β"),
        "eq3": (EQ3, "‖x − m‖²/γ + d log γ + Σ(μ² + σ² − log σ²), mean over examples"),
        "bound": ("nats", "−ELBO at γ: log densities of the distributions themselves"),
        "wz": ("nats", "Wang & Ziyin's loss: ‖x − m‖²/(2γ) + β times the divergence, mean over examples"),
        "summed": ("data²", "‖x − m‖² + β times the divergence, mean over examples"),
        "step_gamma": ("data²", "γ of a step that sets it to its optimum"),
        "j_optimal": ("nats", "J of that step"),
        "best_gamma": ("data²", "γ of the lowest J at β, R and K, by a scalar minimisation"),
        "j_best": ("nats", "J there"),
        "turned": ("-", "‖∇J(γ, β) − β ∇J(βγ, 1)‖ of steps by hand, in units of ‖∇J(γ, β)‖"),
        "slopes_apart": ("-", "largest ‖∇J of a step − ∇J written out‖, γ fixed or learned, in units of the latter"),
    }


class LinearMinimum(Look):
    """The lowest exact loss of a random linear problem that L-BFGS finds from random starts.

    The problem follows from the seed. The posterior covariance Σ is given, with equal or unequal variances, or learned;
    with "learned γ" so is γ, down to a floor.
    """

    kind: Literal["LinearMinimum"] = "LinearMinimum"
    variant: Literal["equal Σ", "unequal Σ", "learned Σ", "learned γ"]
    """What is free beside encoder and decoder: nothing, where Σ is given; the posterior covariance Σ; or Σ and γ."""

    version: ClassVar[int | None] = 2
    measures: ClassVar[Measures] = {
        "lowest": ("nats", "lowest J that the minimisations found"),
        "highest_end": ("nats", "highest J that one of them ended at; they stop once two agree on the lowest"),
        "ends": ("-", "how many random starts there were"),
        "found_gamma": ("data²", "γ there"),
        "at_gamma": ("data²", "γ, or its floor where it is learned"),
        "at_beta": ("-", "β"),
        "latents": ("-", "κ"),
        "outputs": ("-", "d2"),
        "target_variance": ("data²", "T"),
        "prior_std": ("-", "η, the standard deviation of the prior"),
    }

    @property
    def seconds(self) -> float:
        """About 0.3, eight restarts of L-BFGS at most."""
        return 0.3


OF_NULLS: Measures = {
    "mean": ("-", "mean of the metric, NDB/K or MMD², over repeats"),
    "deviation": ("-", "its standard deviation over repeats"),
    "told_error": ("-", "mean standard error that the metric gives with it"),
}
"""What is measured of every metric's null: a table holds several metrics, and explains each name once."""


class NullBins(Look):
    """NDB/K between samples of one distribution, a normal one in ten dimensions: bins of `n` rows, `n` against `n` others."""

    kind: Literal["NullBins"] = "NullBins"
    bins: Several
    """How many bins K rows are counted in."""
    n: Several = 6000
    """Rows that bins are fitted to, and rows of each of the two samples."""
    repeats: Several = 20
    """How often two samples are compared."""

    measures: ClassVar[Measures] = OF_NULLS

    @model_validator(mode="after")
    def _fills_its_bins(self) -> Self:
        if self.n < self.bins:
            raise ValueError(f"{self.bins} bins need as many rows at least, not n = {self.n}: lower bins, or raise n")
        return self

    @property
    def seconds(self) -> float:
        """Fitting the bins, and filling them once a repeat."""
        return 1e-6 * self.n * self.bins * (1 + self.repeats / 10)


class NullMMD(Look):
    """MMD² between samples of N(0, I_κ), and from a sample that is zero throughout to one of N(0, I_κ)."""

    kind: Literal["NullMMD"] = "NullMMD"
    kappa: Count
    """Dimensions κ of the normal distribution."""
    n: Several = 2000
    """Rows of each of the two samples."""
    repeats: Several = 10
    """How often two samples are compared."""

    measures: ClassVar[Measures] = {**OF_NULLS, "of_zeros": ("-", "MMD² of the zeros")}

    @property
    def seconds(self) -> float:
        """Quadratic in the rows."""
        return 2e-8 * self.n**2 * self.repeats


class LinearLikelihood(Look):
    """Importance weights of a linear VAE at its optimum at β = 1, beside the density of the normal distribution that it is.

    Covariance and examples follow from the seed.
    """

    kind: Literal["LinearLikelihood"] = "LinearLikelihood"
    d: Count = 8
    """Dimensions of an example."""
    kappa: Count = 3
    """Latents of the linear VAE."""
    examples: Several = 50
    """How many examples are judged."""
    draws: Several = 5
    """Draws of z for each example."""

    measures: ClassVar[Measures] = {
        "spread": ("nats", "largest standard deviation of the log weights over the draws of an example"),
        "misjudged": ("nats", "largest |estimate − exact| of −log p(x)"),
    }

    @model_validator(mode="after")
    def _has_orthogonal_columns(self) -> Self:
        if self.kappa > self.d:
            raise ValueError(f"d = {self.d} outputs have no {self.kappa} orthogonal columns: lower kappa, or raise d")
        return self


class LossThresholds(Look):
    """The γ at which linear models lose their modes: those that maximise the exact likelihood, and those of its ELBO.

    A random covariance, from the seed; β is 1. Each threshold lies between two γ at whose optima, found by BFGS from random
    starts, the decoder keeps the mode and does not.
    """

    kind: Literal["LossThresholds"] = "LossThresholds"
    d: Annotated[Count, Field(ge=2)] = 4
    """Dimensions of an example."""
    kappa: Count = 2
    """Latents κ of the linear models."""

    measures: ClassVar[Measures] = {
        "likelihood_off": ("-", "largest |γ/λᵢ − 1| of a γ at which the likelihood loses mode i, λᵢ an eigenvalue"),
        "elbo_off": ("-", "the same of the ELBO"),
        "thresholds_apart": ("-", "largest relative distance of the two thresholds of a mode"),
        "values_apart": ("nats", "largest |−ELBO − NLL| of the optima at nine tenths of each threshold"),
        "gap": ("nats", "−ELBO of the best encoder less NLL, at a random decoder and γ = ½"),
        "gap_of_orthogonal": ("nats", "the same at a decoder of orthogonal columns"),
    }

    @model_validator(mode="after")
    def _has_no_more_latents_than_modes(self) -> Self:
        if self.kappa > self.d:
            raise ValueError(f"d = {self.d} dimensions have no {self.kappa} modes: lower kappa, or raise d")
        return self

    @property
    def seconds(self) -> float:
        """Four rounds of searches at many γ."""
        return 1.0 * self.kappa


class LearnedGammaMinimum(Look):
    """The minimum of the exact loss of a linear model whose γ is learned, on data of given second moments.

    Inputs x are white, one for each mode; targets y = F diag(√zeta2) x, and a rest that no linear function of x gives: noise,
    or what is curved in x, which second moments cannot tell apart. γ has a floor of T/(100 d), as without a rest J may have
    no lower bound.
    """

    kind: Literal["LearnedGammaMinimum"] = "LearnedGammaMinimum"
    zeta2: Annotated[tuple[Positive, ...], Field(min_length=1)]
    """Squared singular values ζ² of the map from x to y; for y = x the eigenvalues of the covariance."""
    d: Count
    """Dimensions d of y."""
    kappa: Count
    """Latents κ of the model."""
    beta: Positive
    """Weight β of the rate."""
    rest: NonNegative = 0.0
    """Variance of the rest in each dimension of y, in squared data units."""

    measures: ClassVar[Measures] = {
        "kept_modes": ("-", "latents at the minimum whose posterior variance is below the prior's by a thousandth"),
        "least_gamma": ("data²", "γ at the minimum"),
        "gamma_floor": ("data²", "least value that γ may take"),
        "least_j": ("nats", "J at the minimum"),
    }

    @model_validator(mode="after")
    def _modes_fit(self) -> Self:
        if len(self.zeta2) > self.d:
            raise ValueError(f"{len(self.zeta2)} modes do not fit in d = {self.d}: raise d or drop some")
        return self

    @property
    def seconds(self) -> float:
        """About 0.3, eight restarts of L-BFGS at most."""
        return 0.3
