"""Records of trials that were never trained: a β sweep of a linear VAE at its closed form, with noise, as large as wanted.

They lie in a home as a launch leaves them, so that reading, fitting and mirroring can be timed on any number of trials.
"""

import argparse
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from models.specs import VAE, Fixed, LinearSubspace, Objective, Training
from study.declare.identity import content_id
from study.declare.table import Study, study
from study.declare.trial import Trial
from study.pack.pack import make_pack
from study.plan.plan import make_plan, write_plan
from study.record import TABLES, Home, compact, write_part
from study.train.declared_columns import declared_row

KAPPA, POINTS, PACK = 32, 50, 250
DATA = LinearSubspace(d=40, eigenvalues=tuple(10 * 0.9**i for i in range(40)), n=4000)

Columns = dict[str, Any]


def parse_trials(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """The options, `--trials` among them; ends the program with a sentence where these are too few to time."""
    parser.add_argument("--trials", type=int, default=10_000)
    options = parser.parse_args()
    if options.trials < PACK:
        parser.error(f"--trials {options.trials} is too few to time: give {PACK} or more")
    return options


def sweep(gammas: int, betas: int, seeds: int) -> Study:
    """A table of `gammas` × `betas` × `seeds` trials."""

    @study(
        gamma=[Fixed(0.5 * 1.1**i) for i in range(gammas)],
        beta=np.geomspace(0.3, 12, betas).round(6).tolist(),
        seed=range(seeds),
    )
    def generated(gamma: Fixed, beta: float, seed: int) -> Trial:
        """At which β does each mode collapse?"""
        return Trial(
            data=DATA,
            model=VAE(kappa=KAPPA, encoder=(), decoder=(), post_var="shared"),
            objective=Objective(gamma=gamma, beta=beta),
            training=Training(steps=4000),
            seed=seed,
        )

    return generated


def fill(home: Home, table: Study) -> int:
    """Write the plan and the records of every trial of a study, compacted; returns how many there are."""
    plan = make_plan(table, "laptop", home)
    write_plan(plan, home)
    trials = plan.missing
    for number, start in enumerate(range(0, len(trials), PACK)):
        pack = make_pack(trials[start : start + PACK], {})
        part = [one for one in pack.trials if isinstance(one, Trial)]
        for name, content in _tables(part, [declared_row(pack, i, pack.pack_id) for i in range(len(part))]):
            sequence = f"{number + 1:010d}-" if name == "trials" else ""
            write_part(home, name, f"{sequence}{pack.pack_id}.parquet", content)
    write_part(home, "datasets", f"{uuid.uuid4().hex}.parquet", [_dataset()])
    compact(home, at_least=1)
    return len(trials)


def _tables(trials: Sequence[Trial], rows: list[Columns]) -> Iterator[tuple[str, pa.Table]]:
    """The tables of a pack, each with the columns that a trained pack fills."""
    rng = np.random.default_rng(trials[0].seed)
    n, zeta2 = len(trials), np.asarray(DATA.eigenvalues)
    level = np.array([trial.objective.beta * rows[i]["gamma_init"] for i, trial in enumerate(trials)])[:, None]
    units = np.clip(1 - level / zeta2[:KAPPA], 0, None)
    units = np.clip(units + 0.01 * rng.standard_normal((n, 1)) + 0.005 * rng.standard_normal(units.shape), 0, 1)
    modes = np.minimum(zeta2, level).sum(1)
    rates = 0.5 * np.log(np.clip(zeta2[:KAPPA] / level, 1, None))
    ids = [row["trial_id"] for row in rows]
    key = {"trial_id": ids, "commit_id": [row["commit_id"] for row in rows]}
    yield "curves", _table("curves", _repeat(key, POINTS) | _curves(modes, rates.sum(1)))
    latents = {"mean_var": units, "post_var": 1 - units, "rate": rates, "decoder_norm": np.sqrt(units * zeta2[:KAPPA])}
    flat = {name: value.ravel() for name, value in latents.items()}
    yield "latents", _table("latents", _repeat(key, KAPPA) | flat | {"latent": np.tile(np.arange(KAPPA), n)})
    drawn = {"stage": ["vae"] * n, "sample_size": [2000] * n, "seed": [0] * n, "version": [1] * n}
    metrics = [
        _table(
            "evaluations", key | drawn | {"metric": [name] * n, "value": rng.random(n), "standard_error": [0.01] * n}
        )
        for name in ("mmd_imq", "iwae_nll")
    ]
    yield "evaluations", pa.concat_tables(metrics)
    measured = {
        "distortion_test": modes,
        "distortion_train": modes,
        "rate_test": rates.sum(1),
        "rate_train": rates.sum(1),
        "nre_mean_test": modes / zeta2.sum(),
        "neg_elbo_test": modes + rates.sum(1),
        "objective_train": modes + rates.sum(1),
        "gamma": np.array([row["gamma_init"] for row in rows]),
        "n_active": (units > 0.5).sum(1),
        "n_burda": (units > 0.01).sum(1),
        "scale_residual": np.full(n, 0.01),
    }
    declared = {name: [row.get(name) for row in rows] for name in rows[0]}
    yield "trials", _table("trials", declared | measured | {"status": ["finished"] * n, "attempt": [1] * n})


def _curves(distortion: np.ndarray, rate: np.ndarray) -> Columns:
    """Curves that fall towards their ends."""
    progress = np.linspace(0, 1, POINTS)
    falling = {"distortion": distortion[:, None] * (2 - progress), "rate": rate[:, None] * progress}
    flat = {name: value.ravel() for name, value in falling.items()}
    constant = {name: np.ones(len(distortion) * POINTS) for name in ("gamma", "grad_z", "grad_norm")}
    steps = np.tile((4000 * progress).astype(int), len(distortion))
    return flat | constant | {"step": steps, "objective": flat["distortion"] + flat["rate"]}


def _repeat(key: Columns, times: int) -> Columns:
    repeated = {name: np.repeat(values, times) for name, values in key.items()}
    return repeated | {"stage": ["vae"] * len(repeated["trial_id"])}


def _table(name: str, columns: Columns) -> pa.Table:
    schema, n = TABLES[name], len(columns["trial_id"])
    arrays = [
        pa.array(columns[field.name], field.type, from_pandas=True)
        if field.name in columns
        else pa.nulls(n, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _dataset() -> Columns:
    total = sum(DATA.eigenvalues)
    shape = {"d": DATA.d, "n_train": DATA.n, "n_test": DATA.n_test, "intrinsic_dim": DATA.intrinsic_dim}
    identity = {
        "data_id": content_id(DATA),
        "data": DATA.label,
        "declaration": DATA.model_dump_json(),
        "digest": "generated",
    }
    sizes = {"total_variance": total, "total_variance_test": total, "spectrum": list(DATA.eigenvalues)}
    return identity | shape | sizes
