"""The record tables: Arrow schemas with the unit and the meaning of every column in its field metadata.

One table per grain: `trials` (a trial), `curves` (a trial, stage and logged step), `latents` (a trial, stage and latent
dimension), `evaluations` (a trial and a metric computed after training), `datasets` (a data set). Distortion and rate are
summed over dimensions and averaged over examples, in squared data units and nats. Null where a column does not apply or
the number is not finite.
"""

import pyarrow as pa

_TYPES = {"str": pa.string(), "int": pa.int64(), "float": pa.float64(), "floats": pa.list_(pa.float64())}
_TYPES["strs"] = pa.list_(pa.string())


def _schema(columns: str) -> pa.Schema:
    """A schema from lines of `name | type | unit | meaning`; unit `-` is a pure number."""
    fields = []
    for line in filter(str.strip, columns.splitlines()):
        name, kind, unit, meaning = (part.strip() for part in line.split("|", 3))
        fields.append(pa.field(name, _TYPES[kind], metadata={"unit": unit, "meaning": meaning}))
    return pa.schema(fields)


_IDENTITY = """
trial_id           | str   | -       | hash of the trial's canonical declaration and the engine version
commit_id          | str   | -       | the commit that wrote the row; rows of other commits of the trial do not count
"""

_STAGE = """
stage              | str   | -       | the stage of the trial that the row describes
"""

TRIALS = _schema(
    _IDENTITY
    + """
engine             | int   | -       | engine version: raised when a change of code changes numbers
pack_id            | str   | -       | the pack the trial was trained in
pack_size          | int   | trials  | how many trials the pack held
attempt            | int   | -       | 1 for the first attempt at the trial
stage              | str   | -       | what the trial is as a stage: autoencoder, vae, second vae, refit, or a probe
stages             | strs  | -       | trial_ids of the earlier stages that it stands on, first to last
status             | str   | -       | finished, diverged or failed; failed is not a result
error              | str   | -       | why the trial diverged or failed, or what of it could not be measured
diverged_at        | int   | step    | the step that was not taken because its J or gradient was not finite
stopped_at         | int   | step    | the step before which early stopping ended the trial's training; null: it took them all
stop_reason        | str   | -       | why early stopping ended it
code_version       | str   | -       | version of the package that trained the trial
torch_version      | str   | -       | version of torch
device             | str   | -       | cpu, or the name of the accelerator
gradient           | str   | -       | how training found it: by hand, or by autograd; null for a probe
wall_s             | float | s       | the trial's share of its pack's training and evaluation time
declaration        | str   | JSON    | the whole declaration, defaults included
data               | str   | -       | label of the data set
data_id            | str   | -       | hash of the data set's declaration: key of the datasets table
d                  | int   | -       | dimensions of what is decoded: an example's, or its target's
n_train            | int   | -       | training examples
intrinsic_dim      | int   | -       | planted dimension r of the data, where it is known
model              | str   | -       | kind of network; null for a probe, which has none
kappa              | int   | -       | latent dimensions
skip               | str   | -       | how z reaches the output: none, affine, residual or concat
beta               | float | -       | weight of the rate
likelihood         | str   | -       | how x is distributed given z: normal, studentt, bernoulli, categorical, …
gamma_mode         | str   | -       | how the decoder variance is set
gamma_init         | float | data²   | the decoder variance at the start, where it is declared
seed               | int   | -       | the trial's seed: initial weights, minibatch order and noise
weights_seed       | int   | -       | the seed that training drew from: another than the trial's in a second training
steps              | int   | steps   | training steps
batch              | int   | -       | examples in a minibatch
lr                 | float | -       | learning rate of the network
optimiser          | str   | -       | what takes the steps
weight_decay       | float | -       | weight decay of the optimiser; null: it has none
momentum           | float | -       | momentum of the optimiser, of Adam β₁; null: it has none
schedule           | str   | -       | how the learning rate changes from step to step
clip               | float | nats    | norm to which gradients are clipped; null: they are not
clip_value         | float | nats    | value to which each number of a gradient is clipped; null: they are not
parameters         | int   | -       | trained numbers, log gamma not counted
distortion_train   | float | data²   | E‖y−ŷ‖² with z drawn from q(z|x), training set; y = x in a VAE
distortion_test    | float | data²   | E‖y−ŷ‖² with z drawn from q(z|x), test set
distortion_data_test | float | data² | E‖x−x̂‖² on the test set in data space, through the decoders of earlier stages
nre_data_test      | float | -       | distortion_data_test over the data's total variance on the test set
rate_train         | float | nats    | E KL(q(z|x) ‖ N(0, I)), training set
rate_test          | float | nats    | E KL(q(z|x) ‖ N(0, I)), test set
rate_of_means_train | float | nats   | ½ E ‖μ‖², the half of the rate that the means make, training set
rate_of_means_test | float | nats    | the same on the test set
objective_train    | float | nats    | J with the trial's own β and weights of the rate's halves, training set
objective_test     | float | nats    | the same on the test set
neg_elbo_test      | float | nats    | J at β = 1 plus (d/2) log 2π, test set; of no normal likelihood: J at β = 1
nre_test           | float | -       | distortion_test over the total variance of the test set about the training mean
nre_mean_test      | float | -       | nre_test with z = E[z|x]: what reconstructions lose, 1 if no better than the mean
nre_mean_train     | float | -       | nre_mean_test's number on the training set
gamma              | float | data²   | the final decoder variance, mean over pixels and images; null: there is none
gamma_drift        | float | -       | log of the final γ over its mean from 70 to 90 % of training; null: γ is not trained
gamma_eff          | float | data²   | β times the final decoder variance
n_active           | int   | -       | latents with v_j = E_x σ_j²(x) below 0.5, training set
n_burda            | int   | -       | latents with Var_x E[z_j|x] above 0.01, training set
scale_residual     | float | -       | max_j |E z_j² − 1| on the training set: zero at a stationary point
grad_z_first       | float | nats    | mean over a batch of ‖∂J/∂z‖ per example at the first step
grad_z_last        | float | nats    | the same at the last logged step
artifacts          | str   | -       | the safetensors file in the home that holds the trial's weights or pictures
has_weights        | int   | -       | 1 where the trial's weights were kept
"""
)

CURVES = _schema(
    _IDENTITY
    + _STAGE
    + """
step               | int   | step    | training steps taken before this batch
distortion         | float | data²   | E‖y−ŷ‖² on the batch
rate               | float | nats    | rate on the batch
objective          | float | nats    | J on the batch
gamma              | float | data²   | decoder variance used on the batch
grad_z             | float | nats    | mean over the batch of ‖∂J/∂z‖ per example
grad_norm          | float | nats    | norm of the gradient of J with respect to all trained numbers
n_active           | int   | -       | latents with mean σ_j² below 0.5 on the batch
"""
)

LATENTS = _schema(
    _IDENTITY
    + _STAGE
    + """
latent             | int   | -       | index of the latent dimension
mean_var           | float | -       | Var_x E[z_j|x], training set, population variance
post_var           | float | -       | v_j = E_x σ_j²(x), training set
rate               | float | nats    | E_x KL_j, training set
decoder_norm       | float | data    | root mean square over x of ‖∂m(z)/∂z_j‖ at z = E[z|x]
"""
)

EVALUATIONS = _schema(
    _IDENTITY
    + _STAGE
    + """
metric             | str   | -       | name of the metric
value              | float | -       | its value
standard_error     | float | -       | its standard error over the sample
sample_size        | int   | -       | size of the sample
draws              | int   | -       | draws an example: K of an importance-weighted estimate
seed               | int   | -       | seed of the sample
version            | int   | -       | version of the metric's definition
"""
)

DATASETS = _schema(
    """
data_id            | str    | -      | hash of the data set's declaration
data               | str    | -      | label of the data set
declaration        | str    | JSON   | the whole declaration
digest             | str    | -      | SHA-256 of the arrays to six decimals of their scale, or of decoded pictures' bytes
d                  | int    | -      | dimensions of what is decoded: an example's, or its target's
n_train            | int    | -      | training examples
n_test             | int    | -      | test examples
intrinsic_dim      | int    | -      | planted dimension, where it is known
total_variance     | float  | data²  | T = E‖y‖², training set: the trace of the covariance where y = x
total_variance_test| float  | data²  | the same on the test set, about the training mean
spectrum           | floats | data²  | ζ², training set, descending: of the population covariance if y = x; null: d > 4096
"""
)

TABLES = {
    "trials": TRIALS,
    "curves": CURVES,
    "latents": LATENTS,
    "evaluations": EVALUATIONS,
    "datasets": DATASETS,
}

_DECLARED = frozenset(
    {
        "data",
        "d",
        "n_train",
        "intrinsic_dim",
        "model",
        "kappa",
        "skip",
        "beta",
        "gamma",
        "gamma_mode",
        "gamma_init",
        "likelihood",
    }
    | {"seed", "steps", "batch", "lr", "parameters"}
    | {"optimiser", "weight_decay", "momentum", "schedule", "clip", "clip_value"}
)
_DERIVED = frozenset(
    {
        "gamma_value",
        "mmd",
        "mmd_se",
        "iwae_nll",
        "iwae_nll_se",
        "sample_variance",
        "sample_variance_se",
        "auroc",
        "auroc_pca",
        "total_variance",
        "regime",
        "regime_relative",
        "converged",
        "gamma_at_rest",
        "recon_ok",
        "needed_dims",
    }
)
RESERVED = (frozenset(TRIALS.names) - _DECLARED) | _DERIVED
"""Columns that results are read by: an axis of a study may not have their names. `gamma` is the γ mode in a table."""

RESULTS = ("finished", "diverged")
"""The statuses that settle a trial."""
