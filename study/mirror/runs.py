"""The mirror: a study's records as the runs of an experiment, through a client that is handed in.

A run is found again by its `trial_id` tag. It is complete once its `mirrored` tag names the commit it shows and it has
been ended accordingly, which is done last: a pass that is killed anywhere is mended by the next one, in the same run.
Of two runs of one trial, which two writers without a common lock can make, the older stays.

Two homes may show studies of one name on one server: the `home` tag says whose a run is, and others' are left alone.
"""

import math
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from study.mirror import views as ledger_view
from study.mirror.background import PermanentError
from study.mirror.cells import Cells, Seed, Server
from study.mirror.entry import Entry
from study.mirror.records import StudyRecords

STATUSES = {"finished": "FINISHED", "diverged": "FINISHED", "failed": "FAILED"}
"""Run statuses. A trial that diverged has a result; whatever is not named here was cut short: KILLED."""

LIVE_S = 5.0
"""How often a pack's progress is sent: a request costs as much for one report as for ten, and comes out of training."""

MOST_WAITING = 500
"""Numbers of a pack from which on they are sent at once: MLflow takes a thousand in a request."""

LONGEST_TAG = 8000
"""Characters of a tag: what MLflow cuts off when it logs one, it refuses when it begins a run with it."""


@dataclass(frozen=True)
class Run:
    """A trial's run, as MLflow knows it: `started` in ms, the params it has, and the commit it shows completely.

    `numbers_of` is the commit whose numbers it holds, if only some of them; `begun_with` the one whose tags it was begun
    with in this pass.
    """

    run_id: str
    started: int
    name: str
    parent: str | None
    params: frozenset[str] = frozenset()
    mirrored: str | None = None
    numbers_of: str | None = None
    begun_with: str | None = None


@dataclass
class Pack:
    """A running pack's run, and what is still to be sent of its progress: (name, step) → value, time in ms."""

    run_id: str
    waiting: dict[tuple[str, int], tuple[float, int]] = field(default_factory=dict)
    sent: float = -math.inf


class Mirror:
    """A study's experiment: the one owner of trial_id → run. `launch_id` is how a launch finds its own run again.

    `is_own`: the server is the home's own, and so is every run of its trials, cells, launches and packs.
    """

    def __init__(
        self,
        records: StudyRecords,
        server: Server,
        artifact_root: Path | None,
        launch_id: str = "",
        is_own: bool = True,
    ) -> None:
        self.server, self.client, self._artifact_root = server, server.client, artifact_root
        self.home, self.is_own = str(records.home), is_own
        self._asked: set[tuple[str, ...]] = set()
        self.launch_id = launch_id or uuid.uuid4().hex
        self.packs: dict[str, Pack] = {}
        self.settled: set[str] = set()
        self.launch: str | None = None
        self.show(records)

    def show(self, records: StudyRecords) -> None:
        """Find out what there is of these records: at the start, and when the table has grown, while no pack trains."""
        self.records = records
        self.experiment = self._experiment(self._artifact_root)
        self.trials: dict[str, Run] = {}
        self.cells = Cells(records, self.server, self.experiment, self._created)
        self._find_runs()

    def _experiment(self, artifact_root: Path | None) -> str:
        study = self.records.study
        found = self.client.get_experiment_by_name(study)
        if found and found.lifecycle_stage != "active":
            remedy = f"restore it (mlflow experiments restore -x {found.experiment_id}) or remove it (mlflow gc)"
            raise PermanentError(f"the experiment {study} was deleted in MLflow: {remedy}")
        where = (artifact_root / study).as_uri() if artifact_root else None
        key = found.experiment_id if found else self.client.create_experiment(study, where)
        known = found.tags if found else {}
        for name, text in ledger_view.tags(self.records, key).items():
            if known.get(name) != text:
                self.client.set_experiment_tag(key, name, text)
        return key

    def _find_runs(self) -> None:
        """Learn which trials and cells have runs, and close what a crash left RUNNING; the rest is mended in place."""
        token = None
        while True:
            order = ["attributes.start_time ASC"]
            page = self.client.search_runs([self.experiment], max_results=1000, order_by=order, page_token=token)
            for run in page:
                if self._is_ours(run):
                    self._find(run)
            token = page.token
            if not token:
                return

    def _is_ours(self, run: Any) -> bool:
        """Whether this home made the run. What lies in its own database is taken over: the home was moved, say."""
        if run.data.tags.get("home") == self.home:
            return True
        if self.is_own and run.data.tags.get("trial_id", "") in {"", *self.records.labels}:
            self.client.set_tag(run.info.run_id, "home", self.home)
            return True
        return False

    def _find(self, run: Any) -> None:
        tags, info = run.data.tags, run.info
        if trial := tags.get("trial_id"):
            if trial in self.trials:
                self.client.delete_run(info.run_id)
                return
            if info.status == "RUNNING" and trial not in self.records.labels:  # the table was cut meanwhile
                self.client.set_terminated(info.run_id, "KILLED")
            parent, known = tags.get("mlflow.parentRunId"), frozenset(run.data.params)
            is_whole = info.status == STATUSES.get(tags.get("status"))
            mirrored = tags.get("mirrored") if is_whole else None
            held = tags.get("commit_id") if run.data.metrics else None
            self.trials[trial] = Run(info.run_id, info.start_time, info.run_name, parent, known, mirrored, held)
            numbers = {name: value for name, value in run.data.metrics.items() if "/" not in name}
            is_only_begun = info.status == "RUNNING" and not run.data.metrics  # its tags run ahead of its numbers
            status = "" if is_only_begun else tags.get("status", "")
            self.cells.learn(trial, Seed(info.run_id, status, numbers))
        elif tags.get("kind") == "cell":
            self.cells.found(run)
        elif tags.get("launch_id") == self.launch_id:
            self.launch = info.run_id
        elif info.status == "RUNNING" and tags.get("kind") in ("launch", "pack"):
            self.client.set_terminated(info.run_id, "KILLED")

    def start(self, launch: Mapping[str, object]) -> None:
        """Begin the launch's run, the parent of the packs to come."""
        if self.launch is None:
            tags = {"kind": "launch", "launch_id": self.launch_id}
            run = self._created(tags, f"launch {datetime.now():%Y-%m-%d %H:%M}")
            self.launch = str(run.info.run_id)
        params = {key: str(value)[:500] for key, value in launch.items() if value is not None}
        self.server.log(self.launch, params=params)

    def _created(self, tags: Mapping[str, str], name: str) -> Any:
        """A new run. Asked for again, it is the one whose making was not answered, where there is one."""
        tags = {**tags, "home": self.home}
        key = tuple(tags.values())
        run = self._unanswered(tags) if key in self._asked else None
        self._asked.add(key)
        run = run or self.client.create_run(self.experiment, int(1000 * time.time()), tags, name)
        self._asked.discard(key)
        return run

    def _unanswered(self, tags: Mapping[str, str]) -> Any:
        """The run with these tags that was begun and never written to; it is among the newest."""
        running, order = (
            f"attributes.status = 'RUNNING' and tags.kind = '{tags['kind']}'",
            ["attributes.start_time DESC"],
        )
        newest = self.client.search_runs([self.experiment], running, max_results=100, order_by=order)
        return next((run for run in newest if tags.items() <= run.data.tags.items()), None)

    def missing(self) -> dict[str, str]:
        """trial_id → commit_id of what is committed but not shown completely, or under what is no longer its name."""
        committed = self.records.committed()
        return {trial: commit for trial, commit in committed.items() if not self._is_shown(trial, commit)}

    def _is_shown(self, trial: str, commit: str) -> bool:
        run = self.trials.get(trial)
        as_it_should = (commit, self.records.name(trial), self.cells.parent(trial))
        return bool(run) and (run.mirrored, run.name, run.parent) == as_it_should

    def entries(self, wanted: Mapping[str, str]) -> Iterator[Entry]:
        return self.records.entries(wanted)

    def write(self, entry: Entry) -> None:
        """Show a trial, in the run it already has or in a new one. Writing it again changes nothing."""
        parent = self.cells.begin(entry.trial_id)
        run = self._run_of(entry, parent)
        if run.name != entry.name:
            self.client.update_run(run.run_id, name=entry.name)
        if files := self.records.files(entry):
            self._attach(run, files)
        self._log(run, entry, parent)
        self.client.set_terminated(run.run_id, STATUSES[entry.status], run.started + round(1000 * entry.wall_s))
        params, key = run.params.union(entry.params), entry.commit_id
        held = key if entry.metrics or entry.curves else None
        self.trials[entry.trial_id] = Run(run.run_id, run.started, entry.name, parent, params, key, held)
        self.cells.learn(entry.trial_id, Seed(run.run_id, entry.status, entry.metrics))

    def _run_of(self, entry: Entry, parent: str | None) -> Run:
        """The trial's run, or a new one: MLflow takes back no number, so one that holds another commit's is no use."""
        run = self.trials.get(entry.trial_id)
        if run and run.numbers_of not in (None, entry.commit_id):
            self.client.delete_run(run.run_id)
            del self.trials[entry.trial_id]
            run = None
        return run or self._new_run(entry, parent)

    def _new_run(self, entry: Entry, parent: str | None) -> Run:
        """A run begun with all its tags, which spares a request: `mirrored` tells nothing until the run has been ended."""
        tags = {name: text[:LONGEST_TAG] for name, text in self._tags(entry, parent).items()}
        run, key = self._created(tags, entry.name), entry.commit_id
        begun = Run(run.info.run_id, run.info.start_time, entry.name, parent, begun_with=key)
        return self.trials.setdefault(entry.trial_id, begun)

    def _tags(self, entry: Entry, parent: str | None) -> dict[str, str]:
        placed = {"mlflow.parentRunId": parent, "cell": self.cells.name(entry.trial_id)} if parent else {}
        return {**entry.tags, **placed, "mirrored": entry.commit_id}

    def _log(self, run: Run, entry: Entry, parent: str | None) -> None:
        """Times follow from the run's start and the record, so that what is sent twice is the same, and kept once.

        Of two values at one step MLflow shows the later, and of two at one time the larger: a newer version comes later.
        """
        span, newer = 1000 * entry.wall_s, entry.versions
        metrics = [(name, value, run.started + newer.get(name, 0), 0) for name, value in entry.metrics.items()]
        metrics += [(name, value, run.started + round(span * share), step) for name, step, share, value in entry.curves]
        # MLflow refuses to change a param: what the run has already said stays.
        params = {name: value for name, value in entry.params.items() if name not in run.params}
        has_tags = (run.begun_with, run.parent) == (entry.commit_id, parent)
        self.server.log(run.run_id, metrics, params, {} if has_tags else self._tags(entry, parent))

    def _attach(self, run: Run, files: Mapping[str, bytes]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            for path, content in files.items():
                (Path(folder) / path).parent.mkdir(exist_ok=True)
                (Path(folder) / path).write_bytes(content)
            self.client.log_artifacts(run.run_id, folder)

    def settle(self) -> None:
        """All that was missing has been written: bring the cells up to date."""
        self.cells.settle()

    def progress(self, pack_id: str, values: Mapping[str, float], step: int, trials: int | None) -> None:
        """Show how far a running pack is: its first news at once, later ones every few seconds, together."""
        if pack_id in self.settled:
            return
        if pack_id not in self.packs:
            self._begin_pack(pack_id, f"pack {pack_id}" + (f" · {trials} trials" if trials else ""))
        now, pack = int(1000 * time.time()), self.packs[pack_id]
        for name, value in values.items():
            if math.isfinite(value):
                pack.waiting.setdefault((f"pack/{name}", step), (float(value), now))
        if time.monotonic() >= pack.sent + LIVE_S or len(pack.waiting) >= MOST_WAITING:
            self._send(pack)

    def _send(self, pack: Pack) -> None:
        if pack.waiting:
            self.server.log(
                pack.run_id, [(name, value, now, step) for (name, step), (value, now) in pack.waiting.items()]
            )
            pack.waiting.clear()
        pack.sent = time.monotonic()

    def _begin_pack(self, pack_id: str, name: str) -> None:
        tags = {"kind": "pack", "pack_id": pack_id}
        if self.launch:
            tags["mlflow.parentRunId"] = self.launch
        self.packs[pack_id] = Pack(self._created(tags, name).info.run_id)

    def committed(self, pack_id: str) -> None:
        """End a pack's run: news that arrives from now on is too late."""
        self._end_pack(pack_id, "FINISHED")
        self.settled.add(pack_id)

    def failed(self, pack_id: str, reason: str) -> None:
        """Show why a pack failed; it may be tried again."""
        if pack_id not in self.packs:
            self._begin_pack(pack_id, f"pack {pack_id}")
        said = {"mlflow.note.content": f"Failed: {reason}"[:4000], "reason": reason[:4000]}
        self._send(self.packs[pack_id])
        self.server.log(self.packs[pack_id].run_id, tags=said)
        self._end_pack(pack_id, "FAILED")

    def _end_pack(self, pack_id: str, status: str) -> None:
        if pack := self.packs.get(pack_id):
            self._send(pack)
            self.client.set_terminated(pack.run_id, status)
            del self.packs[pack_id]

    def end(self) -> None:
        """End the packs that were neither committed nor have failed."""
        for pack_id in list(self.packs):
            self._end_pack(pack_id, "KILLED")
            self.settled.add(pack_id)

    def finish(self, status: str, summary: Mapping[str, float]) -> None:
        """End the launch, and the packs that never came to an end."""
        self.settle()
        self.end()
        if self.launch:
            now = int(1000 * time.time())
            self.server.log(self.launch, [(name, float(value), now, 0) for name, value in summary.items()])
            self.client.set_terminated(self.launch, STATUSES.get(status.lower(), "KILLED"))

    def index(self, root: str) -> dict[str, Any]:
        """What a reader needs to find the runs: the page to open first, and trial_id → name and page of its run."""
        first = next(iter(ledger_view.views(self.records)))
        pages = {trial: ledger_view.run_address(self.experiment, run.run_id) for trial, run in self.trials.items()}
        return {
            "page": f"{root}/{ledger_view.address(self.experiment, first)}",
            "runs": {trial: {"name": run.name, "page": f"{root}/{pages[trial]}"} for trial, run in self.trials.items()},
        }
