"""The columns of a trials row that are known before any training: identity and declaration."""

from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from study.declare.identity import ENGINE, content_id
from study.declare.probe import Declared, Probe
from study.pack.pack import Pack


def declared_row(pack: Pack, index: int, commit_id: str) -> dict[str, Any]:
    """Identity and declaration of the pack's trial number `index`."""
    trial = pack.trials[index]
    return {
        "trial_id": trial.trial_id,
        "commit_id": commit_id,
        "engine": ENGINE,
        "pack_id": pack.pack_id,
        "pack_size": len(pack.trials),
        "attempt": pack.attempts[index],
        "stage": trial.stage,
        "stages": [stage.trial_id for stage in trial.stages],
        "code_version": installed("collapsar"),
        "torch_version": installed("torch"),
        "declaration": trial.model_dump_json(),
        **_flat(trial),
    }


@cache
def installed(package: str) -> str | None:
    """The version of an installed package, if it is installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _flat(trial: Declared) -> dict[str, Any]:
    if isinstance(trial, Probe):
        return _flat_probe(trial)
    data, model, objective, training = trial.data, trial.model, trial.objective, trial.training
    return {
        "data": data.label,
        "data_id": content_id(data),
        "d": trial.d,
        "n_train": data.n_train,
        "intrinsic_dim": data.intrinsic_dim,
        "model": model.kind,
        "kappa": model.kappa,
        "skip": model.skip,
        "beta": objective.beta,
        "likelihood": objective.likelihood.kind.lower(),
        "gamma_mode": objective.gamma.kind.lower(),
        "gamma_init": objective.gamma.start,
        "seed": trial.seed,
        "weights_seed": trial.weights_seed,
        "steps": training.steps,
        "batch": training.batch,
        "lr": training.lr,
        "optimiser": training.optimiser_in_force.kind,
        "weight_decay": getattr(training.optimiser_in_force, "weight_decay", None),
        "momentum": training.momentum,
        "schedule": training.schedule_in_force.label,
        "clip": training.clip,
        "clip_value": training.clip_value,
    }


def _flat_probe(probe: Probe) -> dict[str, Any]:
    """The columns that a probe has too, where it declares them; its γ is given, and so it is what it ends with."""
    what = probe.what
    named = {name: getattr(what, name, None) for name in ("kappa", "beta", "gamma", "d")}
    return {**named, "gamma_init": named["gamma"], "seed": probe.seed}
