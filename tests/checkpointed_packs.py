"""Packs of every kind, trained with and without stops at checkpoints, and what the home then holds of them."""

from typing import Any

import numpy as np
from torch import nn
from trained_rows import take_steps

from study import MMD, VAE, Annealed, Digits, Fixed, ImageVAE, Learned, Objective, Optimal, Own, Refit, Training
from study.pack.pack import make_pack
from study.record import read, read_artifacts
from study.run.checkpointing import Checkpointer
from study.train.pack_run import PackRun

MODES = (Learned(lr=1e-2), Annealed(1.0, 0.05), Optimal(), Fixed(0.5))


STEPS, STOPS = 150, (37, 64, 101)


OF_AN_ATTEMPT = ["commit_id", "pack_id", "wall_s", "artifacts"]
"""Columns in which two trainings of a trial differ."""


class Tiny(nn.Module):
    """A network of a user's own."""

    def __init__(self, d: int, kappa: int) -> None:
        super().__init__()
        self.inner, self.out = nn.Linear(d, 2 * kappa), nn.Linear(kappa, d)
        self.register_buffer("scale", 1 + self.out.bias.detach())

    def encode(self, x: Any) -> Any:
        return self.inner(x * self.scale).chunk(2, -1)

    def decode(self, z: Any) -> Any:
        return self.out(z)


def varied_trials(make_trial, **common):
    """Every γ mode, two seeds, a penalty, and a trial that diverges."""
    trials = [make_trial(gamma=gamma, seed=seed, steps=STEPS, **common) for gamma in MODES for seed in (0, 1)]
    penalised = Objective(gamma=Learned(), penalty=MMD(weight=3.0))
    return [
        *trials[:3],
        make_trial(lr=1e6, steps=STEPS, **common),
        *trials[3:],
        replaced(trials[0], objective=penalised),
    ]


def replaced(trial, **changes):
    """The trial with some fields changed."""
    return trial.model_copy(update=changes)


def chain_of(make_trial, seed):
    """An autoencoder, a VAE on its codes, a second VAE on draws of that one."""
    flat = VAE(kappa=5, encoder=(8,), decoder=(8,), post_var="none")
    first = make_trial(seed=seed, model=flat, gamma=Fixed(0.5), beta=0.0)
    second = replaced(
        first, model=VAE(kappa=3, encoder=(8,), decoder=(8,)), objective=Objective(gamma=Learned()), after=first
    )
    settings = Training(steps=STEPS, batch=64, lr=3e-3)
    return first, second, replaced(second, training=settings, after=second)


def packs_by_kind(make_trial):
    """Name → the trials of a pack, and what has to be trained before them."""
    chains = [chain_of(make_trial, seed) for seed in (0, 1)]
    twins = [make_trial(gamma=Refit(), seed=seed, steps=STEPS) for seed in (0, 1)]
    image = {"data": Digits(), "model": ImageVAE(kappa=3, channels=(4,), blocks=1)}
    return {
        "vae": (varied_trials(make_trial), []),
        "image vae": ([make_trial(gamma=gamma, steps=STEPS, **image) for gamma in MODES[:2]], []),
        "own": (varied_trials(make_trial, model=Own.of(Tiny, kappa=3), dtype="float64"), []),
        "codes": ([replaced(second, training=third.training) for _, second, third in chains], [[c[0] for c in chains]]),
        "draws": ([third for _, _, third in chains], [[c[0] for c in chains], [c[1] for c in chains]]),
        "refit": (twins, [[trial.twin for trial in twins]]),
    }


def train(home, trials, stops=()):
    """Train and commit a pack, stopped at some steps and gone on with by another attempt each time."""
    pack = make_pack(trials, {})
    for before, stop in zip((0, *stops), stops, strict=False):
        run, checkpointer = attempt(home, pack, before)
        take_steps(run, stop)
        checkpointer.keep(run)
    run, _ = attempt(home, pack, stops[-1] if stops else 0)
    take_steps(run, trials[0].training.steps)
    run.commit(home)


def attempt(home, pack, expected_step):
    """A new attempt at a pack, seen to stand at the expected step."""
    run, checkpointer = PackRun(pack, "cpu", home), Checkpointer(home, pack, "cpu")
    assert checkpointer.restore(run) == run.training.step == expected_step
    return run, checkpointer


def content_of(home, trials):
    """What the home holds of trials, without what two attempts differ in."""
    ids, content = {trial.trial_id for trial in trials}, {}
    for table in ("trials", "curves", "latents", "evaluations"):
        rows = [row for row in read(home, table).to_pylist() if row["trial_id"] in ids]
        content[table] = [{name: value for name, value in row.items() if name not in OF_AN_ATTEMPT} for row in rows]
    for row in read(home, "trials").to_pylist():
        if row["trial_id"] in ids:
            for group in ("weights", "pictures"):
                arrays = read_artifacts(home, row["artifacts"], row["trial_id"], group)
                content |= {f"{row['trial_id']} {name}": array.tobytes() for name, array in arrays.items()}
    return content


def leave_checkpoint(home, trials, step=40):
    """A home that holds a pack's checkpoint; its file."""
    run = PackRun(make_pack(trials, {}), "cpu", home)
    take_steps(run, step)
    checkpointer = Checkpointer(home, run.pack, "cpu")
    checkpointer.keep(run)
    return home.local / f"checkpoints/{checkpointer._key}.safetensors"


def step_resumed_at(home, trials, device="cpu"):
    """The step from which a new attempt goes on, once its training is seen to stand there."""
    run = PackRun(make_pack(trials, {}), "cpu", home)
    fresh = {name: value.copy() for name, value in run.state().items()}
    step = Checkpointer(home, run.pack, device).restore(run)
    now = run.state()
    assert run.training.step == step
    assert step or all(np.array_equal(now[name], fresh[name]) for name in fresh), "half a checkpoint was taken"
    return step
