"""The same trials in JAX, as a good user would write them: vmap over trials, scan over steps, one jit. γ is learned.

It needs `pip install '.[bench]'`. Initial weights, objective, Adam and the decay of its rate are the pack's. Batches are
drawn in the same jit, by JAX's own keys, with replacement, and once for all trials of a seed. Large networks take turns in
blocks of a pack, which gains a fifth in packs of 64. Other forms were tried on a CPU, and none is faster by more than the
measurement's own noise: batched products in place of vmap, an unrolled scan, a key for each trial, the generator rbg, one
trial after another, XLA's fast mathematics. XLA has one thread.
"""

import os

# Read when JAX begins: a pool of one thread, which no product leaves, on the CPU.
os.environ |= {
    "NPROC": "1",
    "XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false".strip(),
    "JAX_PLATFORMS": "cpu",
}

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import jax  # pyright: ignore[reportMissingImports]
import jax.numpy as jnp  # pyright: ignore[reportMissingImports]
import numpy as np

from benchmarks.step_timer import StepTimer
from models.data.load import load
from models.networks.build import build
from models.specs import VAE, Learned
from models.specs import Training as Settings
from study.declare.trial import Trial

FLOPS_A_CALL, STEPS_A_CALL = 1e10, 200
"""A call takes as many steps as make so much arithmetic, or so many: of fewer, its own fixed cost and that of blocks show."""

BLOCK, FEW_NUMBERS = 16, 4096
"""Trials that take a call's steps at once, which then fit the core's cache; those of few numbers do so in any number."""

Weights = dict[str, Any]
State = tuple[Weights, Weights, Weights]


class JaxPack(StepTimer):
    """Trials of one fully connected VAE (skip none or affine) with a learned γ, in training."""

    def __init__(self, trials: Sequence[Trial]) -> None:
        first, data = trials[0], load(trials[0].data)
        super().__init__(first.training)
        assert isinstance(first.model, VAE)
        assert first.model.skip in ("none", "affine")
        assert all(isinstance(trial.objective.gamma, Learned) for trial in trials)
        self._model, self._train = first.model, np.asarray(data.train)
        weights = [start(trial) for trial in trials]
        self.weights = {name: np.stack([each[name] for each in weights]) for name in weights[0]}
        self._moments = [jax.tree.map(np.zeros_like, self.weights) for _ in range(2)]
        seeds = list(dict.fromkeys(trial.seed for trial in trials))
        self._seeds, self._seed_of = np.array(seeds, np.uint32), np.array([seeds.index(each.seed) for each in trials])
        self._beta = np.array([trial.objective.beta for trial in trials], np.float32)
        flops = 6 * self._settings.batch * sum(each.size for each in self.weights.values())
        self._steps_a_call = int(min(max(FLOPS_A_CALL / flops, 1), STEPS_A_CALL, self._settings.steps))

    def advance(self, seconds: float) -> int:
        """Train for about `seconds`, some steps at a time; returns the steps taken."""
        begin, before = time.monotonic(), self.step
        while not self.done and time.monotonic() - begin < seconds:
            self._take_step()
        return self.step - before

    def _take_step(self) -> None:
        """One call: several steps, the last of them perhaps a few more than were declared."""
        state = (self.weights, *self._moments)
        fixed = (self._train, self._seeds, self._seed_of, self._beta)
        state = take_steps(self._model, self._settings, self._steps_a_call, state, self.step, *fixed)
        self.weights, *self._moments = jax.block_until_ready(state)
        self.step += self._steps_a_call


@partial(jax.jit, static_argnums=(0, 1, 2), donate_argnums=3)
def take_steps(
    model: VAE,
    settings: Settings,
    steps: int,
    state: State,
    step: int,
    train: jax.Array,
    seeds: jax.Array,
    seed_of: jax.Array,
    beta: jax.Array,
) -> State:
    """The state some steps on; `step` were taken before."""
    times = step + jnp.arange(steps)

    def draw(key: jax.Array, step: jax.Array) -> tuple[jax.Array, jax.Array]:
        size = min(settings.batch, len(train))
        of_rows, of_noise = jax.random.split(jax.random.fold_in(key, step))
        return jax.random.randint(of_rows, (size,), 0, len(train)), jax.random.normal(of_noise, (size, model.kappa))

    of_seeds = jax.vmap(draw, (0, None))
    drawn = jax.vmap(of_seeds, (None, 0))(jax.vmap(jax.random.key)(seeds), times)

    def trial(mine: tuple[State, jax.Array, jax.Array]) -> State:
        state, seed, beta = mine

        def one_step(state: State, at: tuple[jax.Array, tuple[jax.Array, jax.Array]]) -> tuple[State, None]:
            step, (rows, eps) = at
            return updated(model, settings, state, step, train[rows[seed]], eps[seed], beta), None

        return jax.lax.scan(one_step, state, (times, drawn))[0]

    trials, each = (state, seed_of, beta), sum(leaf[0].size for leaf in state[0].values())
    return jax.vmap(trial)(trials) if each < FEW_NUMBERS else jax.lax.map(trial, trials, batch_size=BLOCK)


def updated(
    model: VAE, settings: Settings, state: State, step: jax.Array, x: jax.Array, eps: jax.Array, beta: jax.Array
) -> State:
    """A trial's weights and moments after one step of Adam, at a batch (n, d) and noise (n, kappa)."""
    weights, mean, square = state
    gradient = jax.grad(partial(objective, model))(weights, x, eps, beta)
    late = jnp.maximum(0, (step / settings.steps - settings.decay_from) / (1 - settings.decay_from))
    lr = settings.lr * (1 - (1 - settings.decay_to) * late)
    mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, mean, gradient)
    square = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, square, gradient)
    rate, scale = lr / (1 - 0.9 ** (step + 1.0)), 1 / (1 - 0.999 ** (step + 1.0))
    weights = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(scale * v) + 1e-8), weights, mean, square)
    return weights, mean, square


def objective(model: VAE, weights: Weights, x: jax.Array, eps: jax.Array, beta: jax.Array) -> jax.Array:
    """J of one trial, in nats per example."""
    act = {"tanh": jnp.tanh, "relu": jax.nn.relu}[model.activation]

    def linear(name: str, h: jax.Array) -> jax.Array:
        return h @ weights[f"{name}.weight"] + weights[f"{name}.bias"]

    h = x
    for i in range(len(model.encoder)):
        h = act(linear(f"encoder.{i}", h))
    mu, log_var = jnp.split(linear("heads", h), 2, axis=-1)
    if model.log_var_range:
        log_var = jnp.clip(log_var, *model.log_var_range)
    z = h = mu + jnp.exp(0.5 * log_var) * eps
    for i in range(len(model.decoder)):
        h = act(linear(f"decoder.{i}", h))
    mean = linear(f"decoder.{len(model.decoder)}", h)
    if model.skip == "affine":
        mean = mean + z @ weights["affine.weight"]
    distortion = jnp.square(x - mean).sum(-1).mean()
    rate = 0.5 * (jnp.square(mu) + jnp.exp(log_var) - 1 - log_var).sum(-1).mean()
    log_gamma = weights["log_gamma"]
    return distortion / (2 * jnp.exp(log_gamma)) + 0.5 * x.shape[-1] * log_gamma + beta * rate


def start(trial: Trial) -> dict[str, np.ndarray]:
    """A trial's initial weights, (inputs, outputs) each; the heads of μ and log σ² are one layer."""
    network = build(trial.model, trial.data, trial.seed).named_parameters()
    found = {name: each.detach().numpy().T for name, each in network}
    for part in ("weight", "bias"):
        found[f"heads.{part}"] = np.concatenate([found.pop(f"{head}.{part}") for head in ("mu", "log_var")], axis=-1)
    return found | {"log_gamma": np.log(np.float32(trial.objective.gamma.start or 1.0))}
