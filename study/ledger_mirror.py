"""The mirror: a study's records as the runs of an experiment, through a client that is handed in.

A run is found again by its `trial_id` tag and is complete once its `mirrored` tag names the commit it shows, so a pass
that is killed anywhere is mended by the next one, in the same run.
"""

import math
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from study.ledger_entry import Entry, StudyRecords
from study.ledger_thread import PermanentError

STATUSES = {"finished": "FINISHED", "diverged": "FINISHED", "failed": "FAILED"}
"""Run statuses. A trial that diverged has a result; whatever is not named here was cut short: KILLED."""

READING = """
**Reading this experiment.** A run per trial, nested under the launch that mirrored it; tags say its `status` (finished,
diverged or failed) and `trial_id`. Distortion and rate are summed over dimensions, in squared data units and nats;
`gamma` is the decoder variance; `curve/…` are minibatch values along training. Runs named *pack …* show training live.
Everything here follows from the study's records: `python -m study.ledger {study}` writes it again.
"""

Number = tuple[str, float, int, int]
"""Name, value, time in ms, step."""


class Server(Protocol):
    """Where runs are kept: the tracking client, and one way to log in bulk."""

    client: Any

    def log(
        self,
        run_id: str,
        numbers: Sequence[Number] = (),
        params: Mapping[str, str] = ...,
        tags: Mapping[str, str] = ...,
    ) -> None: ...


@dataclass(frozen=True)
class Run:
    """A trial's run, as MLflow knows it: `started` in ms, the params it has, and the commit it shows completely."""

    run_id: str
    started: int
    params: frozenset[str] = frozenset()
    mirrored: str | None = None


class Mirror:
    """A study's experiment: the one owner of trial_id → run."""

    def __init__(self, records: StudyRecords, server: Server, artifact_root: Path | None) -> None:
        self.records, self.server, self.client = records, server, server.client
        self.experiment = self._experiment(artifact_root)
        self.trials: dict[str, Run] = {}
        self.packs: dict[str, str] = {}
        self.settled: set[str] = set()
        self.launch: str | None = None
        self._find_runs()

    def _experiment(self, artifact_root: Path | None) -> str:
        study = self.records.study
        found = self.client.get_experiment_by_name(study)
        if found and found.lifecycle_stage != "active":
            remedy = f"restore it (mlflow experiments restore -x {found.experiment_id}) or remove it (mlflow gc)"
            raise PermanentError(f"the experiment {study} was deleted in MLflow: {remedy}")
        where = (artifact_root / study).as_uri() if artifact_root else None
        # The UI otherwise guesses an experiment's kind.
        kind = {"mlflow.experimentKind": "custom_model_development"}
        key = found.experiment_id if found else self.client.create_experiment(study, where, kind)
        text = f"{self.records.caption}\n{READING.format(study=study)}"
        if not found or found.tags.get("mlflow.note.content") != text:
            self.client.set_experiment_tag(key, "mlflow.note.content", text)
        return key

    def _find_runs(self) -> None:
        """Learn which trials have runs, and close what a crash left RUNNING; unfinished trials are mended in place."""
        token = None
        while True:
            order = ["attributes.start_time ASC"]
            page = self.client.search_runs([self.experiment], max_results=1000, order_by=order, page_token=token)
            for run in page:
                tags, trial = run.data.tags, run.data.tags.get("trial_id")
                if trial:
                    shown = Run(run.info.run_id, run.info.start_time, frozenset(run.data.params), tags.get("mirrored"))
                    self.trials.setdefault(trial, shown)
                elif run.info.status == "RUNNING" and tags.get("kind") in ("launch", "pack"):
                    self.client.set_terminated(run.info.run_id, "KILLED")
            token = page.token
            if not token:
                return

    def begin(self, launch: Mapping[str, object], title: str = "launch") -> None:
        """Begin the parent run of the trials and packs to come."""
        if self.launch is None:
            name = f"{title} {datetime.now():%Y-%m-%d %H:%M}"
            tags = {"kind": "launch", "study": self.records.study}
            self.launch = self._created(tags, name)
        params = {key: str(value)[:500] for key, value in launch.items() if value is not None}
        if params:
            self.server.log(self.launch, params=params)

    def _created(self, tags: Mapping[str, str], name: str) -> str:
        return self.client.create_run(self.experiment, tags=tags, run_name=name).info.run_id

    def missing(self) -> dict[str, str]:
        """trial_id → commit_id of what is committed but not shown completely."""
        shown = {trial: run.mirrored for trial, run in self.trials.items()}
        return {trial: commit for trial, commit in self.records.committed().items() if shown.get(trial) != commit}

    def entries(self, wanted: Mapping[str, str]) -> Iterator[Entry]:
        return self.records.entries(wanted)

    def write(self, entry: Entry) -> None:
        """Show a trial, in the run it already has or in a new one. Writing it again changes nothing."""
        run = self.trials.get(entry.trial_id) or self._new_run(entry)
        self._log(run, entry)
        with tempfile.TemporaryDirectory() as folder:
            for path, content in self.records.files(entry).items():
                (Path(folder) / path).parent.mkdir(exist_ok=True)
                (Path(folder) / path).write_bytes(content)
            if entry.has_files:
                self.client.log_artifacts(run.run_id, folder)
        end = run.started + round(1000 * entry.wall_s)
        self.client.set_terminated(run.run_id, STATUSES[entry.status], end)
        self.client.set_tag(run.run_id, "mirrored", entry.commit_id)
        params = run.params.union(entry.params)
        self.trials[entry.trial_id] = Run(run.run_id, run.started, params, entry.commit_id)

    def _new_run(self, entry: Entry) -> Run:
        self.begin({}, "rebuilt")
        tags = {**entry.tags, "mlflow.parentRunId": self.launch}
        run = self.client.create_run(self.experiment, int(1000 * time.time()), tags, entry.name)
        return self.trials.setdefault(entry.trial_id, Run(run.info.run_id, run.info.start_time))

    def _log(self, run: Run, entry: Entry) -> None:
        """Times follow from the run's start and the record, so that what is sent twice is the same, and kept once."""
        span = 1000 * entry.wall_s
        metrics = [(name, value, run.started, 0) for name, value in entry.metrics.items()]
        metrics += [(name, value, run.started + round(span * share), step) for name, step, share, value in entry.curves]
        # MLflow refuses to change a param: what the run has already said stays.
        params = {name: value for name, value in entry.params.items() if name not in run.params}
        self.server.log(run.run_id, metrics, params, entry.tags)

    def progress(self, pack_id: str, values: Mapping[str, float], step: int, trials: int | None) -> None:
        if pack_id in self.settled:
            return
        if pack_id not in self.packs:
            self._begin_pack(pack_id, f"pack {pack_id}" + (f" · {trials} trials" if trials else ""))
        now = int(1000 * time.time())
        metrics = [(name, float(value), now, step) for name, value in values.items() if math.isfinite(value)]
        self.server.log(self.packs[pack_id], metrics)

    def _begin_pack(self, pack_id: str, name: str) -> None:
        tags = {"kind": "pack", "pack_id": pack_id, "study": self.records.study}
        if self.launch:
            tags["mlflow.parentRunId"] = self.launch
        self.packs[pack_id] = self._created(tags, name)

    def end_pack(self, pack_id: str, status: str, reason: str | None = None) -> None:
        """End a pack's run. News that arrives after a commit is too late; a pack that failed may be tried again."""
        if reason and pack_id not in self.packs:
            self._begin_pack(pack_id, f"pack {pack_id}")
        if pack_id in self.packs:
            if reason:
                self.client.set_tag(self.packs[pack_id], "mlflow.note.content", f"Failed: {reason}"[:4000])
                self.client.set_tag(self.packs[pack_id], "reason", reason[:4000])
            self.client.set_terminated(self.packs[pack_id], status)
            del self.packs[pack_id]
        if not reason:
            self.settled.add(pack_id)

    def end(self, status: str, summary: Mapping[str, float]) -> None:
        """End the launch, and the packs that never came to an end."""
        for pack_id in list(self.packs):
            self.end_pack(pack_id, "KILLED")
        if self.launch:
            now = int(1000 * time.time())
            self.server.log(self.launch, [(name, float(value), now, 0) for name, value in summary.items()])
            self.client.set_terminated(self.launch, STATUSES.get(status.lower(), "KILLED"))
