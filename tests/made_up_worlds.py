"""Made-up results of every row that a study declares at laptop scale, in worlds that are not as its claims say.

`recorded` writes a home for a study: its real plan, and a record of each row. A world changes what was measured in the frames
that claims read, and leaves alone what was declared. It knows the names of axes and of columns, and nothing of claims.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from analysis.claims.linear_optimum import DECODER, ENCODER
from analysis.frames.gamma_rest import gamma_at_rest
from analysis.frames.load import Header
from analysis.frames.recorded import FRAME_NAMES, METRIC_NAMES
from analysis.frames.regime import with_regimes
from analysis.frames.types import Column, Frame
from analysis.frames.view import View
from models.specs.metrics import metrics_for
from study import Study
from study.declare.identity import content_id
from study.declare.probe import Probe
from study.pack.pack import make_pack
from study.plan.plan import make_plan, write_plan
from study.record import TABLES, Home, commit, write_artifacts, write_part
from study.train.declared_columns import declared_row

COUNTS = {"n_active", "n_burda"}
GIVEN = {"beta", "gamma_init", "lr", "weight_decay", "momentum", "clip", "clip_value", "wall_s"}
OF_TRIALS = COUNTS | {each.name for each in TABLES["trials"] if str(each.type) == "double" and each.name not in GIVEN}
OF_LATENTS = {"mean_var", "post_var", "rate", "decoder_norm"}
OF_CURVES = {"distortion", "rate", "objective", "gamma", "grad_z", "grad_norm", "n_active"}
"""What is measured, by the names in the records: of a trial, of a latent, and of a step."""

FALLING = ("rate", "mean_var", "decoder_norm", "n_")
"""How columns begin that fall where others rise, as β grows."""

STEEP = 10.0
"""How far apart the ends of a tilted axis lie, as a power of e."""

STEP, SWEPT = "step", "beta"


@dataclass(frozen=True)
class World:
    """What all numbers are; along which axes they rise, at which labels and in which columns they are higher, as powers of e;
    how many latents every trial keeps, at which labels trainings diverge, and which trials have a result at all.
    """

    name: str
    level: float = 1.0
    tilts: dict[str, float] = field(default_factory=dict)
    apart: dict[tuple[str, str], float] = field(default_factory=dict)
    shifted: dict[str, float] = field(default_factory=dict)
    kept: int | None = None
    diverge: Sequence[tuple[str, str]] = ()
    first: int = 0
    step: int = 1
    most: int | None = None

    def of(self, view: View, measured: set[str]) -> Any:
        """The study as its claims see it in this world; `measured` are the names of metrics and of what probes measure."""
        names = {FRAME_NAMES.get(name, name) for name in OF_TRIALS | measured}
        trials = self._seen(view, view.trials, names)
        lacking = trials.index.difference(trials.index[self.first :: self.step][: self.most])
        for axis, label in self.diverge:
            trials.loc[trials[axis].astype(str).eq(label), "status"] = "diverged"
        trials.loc[lacking, "status"] = "missing"
        trials.loc[lacking, [*(names & {*trials}), "artifacts", "data_id"]] = None
        trials = with_regimes(trials.assign(gamma_at_rest=gamma_at_rest(trials)))
        known = trials.loc[trials["status"].ne("missing"), "trial_id"]
        latents, curves = self._seen(view, view.latents, OF_LATENTS), self._seen(view, view.curves, OF_CURVES)
        return SimpleNamespace(
            study=view.study,
            home=view.home,
            header=view.header,
            trials=trials,
            latents=latents[latents["trial_id"].isin(known)],
            curves=curves[curves["trial_id"].isin(known)],
            datasets=view.datasets,
            spectrum=view.spectrum,
        )

    def _seen(self, view: View, frame: Frame, names: set[str]) -> Frame:
        """The frame with its measured columns as they are in this world, each number drawn within one per cent."""
        measured, rng = sorted(names & {*frame}), np.random.default_rng(0)
        places = {axis: _places(view, axis) for axis in self.tilts if axis != STEP}
        shift: Any = np.zeros(len(frame))
        for (axis, label), height in self.apart.items():
            shift += height * frame[axis].astype(str).eq(label).to_numpy()
        values: dict[str, Any] = {}
        for name in measured:
            power = shift + self.shifted.get(name.partition("/")[0], 0.0) + 0.01 * rng.random(len(frame))
            for axis, height in self.tilts.items():
                rises = -1 if axis == SWEPT and name.startswith(FALLING) else 1
                power += rises * height * _place(frame, name, axis, places)
            values[name] = np.where(frame[name].notna(), self.level * np.exp(power), np.nan)
        found = pd.concat([frame.drop(columns=measured), pd.DataFrame(values, frame.index)], axis=1)
        for name in COUNTS & {*frame}:
            most = frame.get("kappa", math.inf)
            found[name] = np.clip(np.round(found[name] if self.kept is None else self.kept), 0, most)
        if "scale_residual" in frame:  # latents and γ are at rest, so that what is measured decides
            found["scale_residual"], found["gamma_drift"] = 0.01, 0.0
            found["gamma_value"] = frame["gamma_init"].where(frame["gamma_mode"].eq("fixed"), found["gamma_value"])
            found["gamma_eff"] = found["gamma_value"] * frame["beta"].astype(float)
        return found


def _places(view: View, axis: str) -> Column:
    """Where each trial lies on an axis, from −½ to ½, by its id: a β among the β of its own sweep."""
    trials, header = view.trials.set_index("trial_id"), view.header
    if axis == SWEPT:
        others = [name for name in header.axes if name not in (SWEPT, "seed")]
        return trials.groupby(others, observed=True, dropna=False)[SWEPT].rank(method="dense", pct=True) - 0.5
    last = max(len(header.axes[axis]) - 1, 1)
    return trials[axis].astype(str).map(lambda label: header.position(axis, label) / last - 0.5)


def _place(frame: Frame, name: str, axis: str, places: dict[str, Column]) -> Any:
    """Where the numbers of a column lie on an axis, or in training, from −½ to ½."""
    _, _, beta = name.partition("/beta ")
    if axis == SWEPT and beta:  # of a network that sees β, measured at this one
        own = frame[SWEPT]
        return np.log(float(beta) / own.min()) / np.log(own.max() / own.min()) - 0.5
    if axis in places:
        return places[axis].reindex(frame["trial_id"]).to_numpy(float)
    if STEP in frame:
        return frame[STEP] / frame[STEP].max() - 0.5
    return {"first": -0.5, "last": 0.5}.get(name.rpartition("_")[2], 0.5)


def worlds(header: Header) -> Iterator[World]:
    """Worlds for any study: much is not known yet, all numbers are alike, or they change along one axis."""
    yield World("nothing differs")
    yield World("every second row has a result", step=2)
    yield World("the others have", first=1, step=2)
    yield World("one row has a result", most=1)
    yield World("the last one has", first=-1)
    yield World("one seed has results", step=len(header.axes.get("seed", [0])))
    for level in (1e-4, 1e3, -1.0):
        yield World(f"everything is {level:g}", level)
    for axis in (axis for axis, labels in header.axes.items() if len(labels) > 1 and axis != "seed"):
        for height in (STEEP, -STEEP):
            yield World(f"tilted by {height:g} along {axis}", tilts={axis: height})


def recorded(study: Study, home: Home) -> tuple[View, set[str]]:
    """Write a study's plan and a record of each row; returns its view, and the names of its metrics and probes' numbers."""
    plan = make_plan(study, "laptop", home)
    write_plan(plan, home)
    pack, named, arrays = make_pack([row.trial for row in plan.rows], {}), set(), {}
    tables: dict[str, list[dict[str, Any]]] = {name: [] for name in ("trials", "latents", "curves", "evaluations")}
    for place, trial in enumerate(pack.trials):
        is_probe = isinstance(trial, Probe)
        metrics = [*trial.what.measures] if isinstance(trial, Probe) else _metrics(trial)
        named |= {METRIC_NAMES.get(name, name) for name in metrics}
        key = {"trial_id": trial.trial_id, "commit_id": "c", "stage": trial.stage}
        tables["evaluations"] += [
            key | {"metric": name, "value": 1.0, "standard_error": 0.01, "version": 1} for name in metrics
        ]
        kept = _probed(trial) if isinstance(trial, Probe) else _linear_maps(trial)
        arrays |= {f"{trial.trial_id}/{name}": array for name, array in kept.items()}
        row = declared_row(pack, place, "c") | {"status": "finished", "has_weights": int(bool(kept) and not is_probe)}
        row |= {"artifacts": "artifacts/c.safetensors"} if kept else {}
        if not isinstance(trial, Probe):
            row |= (
                dict.fromkeys(OF_TRIALS, 1.0) | dict.fromkeys(COUNTS, 1) | {"gamma": trial.objective.gamma.start or 1.0}
            )
            tables["latents"] += [
                key | {"latent": j} | dict.fromkeys(OF_LATENTS, 1.0) for j in range(trial.model.kappa)
            ]
            steps = np.linspace(0, trial.training.steps - 1, 5).astype(int).tolist()
            tables["curves"] += [
                key | {"step": step} | dict.fromkeys(OF_CURVES, 1.0) | {"n_active": 1} for step in steps
            ]
        tables["trials"].append(row)
    if arrays:
        write_artifacts(home, "c", arrays)
    data = {content_id(each): each for row in plan.rows for each in row.trial.datasets}
    write_part(home, "datasets", "all.parquet", [_data_row(key, each) for key, each in data.items()])
    commit(home, "c", tables)
    return View.of(study.name, home), named


def _metrics(trial: Any) -> list[str]:
    """The names of the metrics that a trial has in the records."""
    found = metrics_for([trial])
    at = [name for name in found if name.endswith("/beta")]
    return [name for name in found if name not in at] + [f"{name} {beta:g}" for name in at for beta in trial.spread.at]


def _probed(probe: Probe) -> dict[str, np.ndarray]:
    """Arrays that claims read of a probe, drawn by chance."""
    rng = np.random.default_rng(probe.seed)
    shapes = {"jacobian": (6, 4), "cross": (6, 3), "decoder": (6, 3)}
    drawn = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    drawn |= {"features": np.eye(3), "zeta2": np.array([0.2, 0.1, 0.05])}
    drawn |= {"sigma2": np.ones(1)} if getattr(probe.what, "variant", "").endswith("equal Σ") else {}
    return {f"probe/{name}": array for name, array in drawn.items()}


def _linear_maps(trial: Any) -> dict[str, np.ndarray]:
    """The maps of a linear VAE, drawn by chance; those of other networks no claim reads."""
    if trial.model.kind != "VAE" or trial.model.encoder or trial.model.decoder:
        return {}
    rng, d, kappa = np.random.default_rng(trial.seed), trial.d, trial.model.kappa
    maps = {f"{ENCODER}.weight": (kappa, trial.d_in), f"{ENCODER}.bias": (kappa,)}
    maps |= {f"{DECODER}.weight": (d, kappa), f"{DECODER}.bias": (d,)}
    return {f"weights/{name}": rng.normal(size=shape) for name, shape in maps.items()}


def _data_row(data_id: str, spec: Any) -> dict[str, Any]:
    """A data set as the home knows it, with a made-up spectrum where none is declared."""
    values = getattr(spec, "eigenvalues", None) or getattr(spec, "zeta2", None) or 0.9 ** np.arange(spec.d)
    spectrum = sorted(map(float, values), reverse=True) + [1e-3] * (spec.d - len(values))
    row = {
        "data_id": data_id,
        "data": spec.label,
        "d": spec.d,
        "n_train": spec.n_train,
        "intrinsic_dim": spec.intrinsic_dim,
    }
    row |= {"total_variance": sum(spectrum), "total_variance_test": sum(spectrum)}
    return row | {"spectrum": spectrum if spec.d <= 4096 else None}
