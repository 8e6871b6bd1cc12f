"""A study's records as the runs of an MLflow experiment, through a client that is passed in.

A run is found by its `trial_id` tag. It is complete once its `mirrored` tag names the commit that it shows and it has been
ended accordingly, which is done last: the next writer completes, in the same run, what a killed one left unfinished. Of two
runs of one trial, which two writers without a common lock can make, the older stays.

Two homes may show studies of one name on one server: the `home` tag says which home a run belongs to, and the runs of other
homes are left alone.
"""

import contextlib
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from study.mirror import views
from study.mirror.artifacts import ReportRun, attach
from study.mirror.background import MirrorError
from study.mirror.cells import Cells, Seed, Server
from study.mirror.entry import Entry, Run
from study.mirror.live_packs import LivePacks
from study.mirror.records import StudyRecords
from study.record.study_files import REPORT, study_file

STATUSES = {"finished": "FINISHED", "diverged": "FINISHED", "failed": "FAILED"}
"""Run statuses. A trial that diverged has a result; any status not listed here was cut short: KILLED."""

LONGEST_TAG = 8000
"""The most characters of a tag: MLflow truncates a longer one that it logs, and refuses one that a run begins with."""


Progressed = Callable[[], object]


class StudyRuns:
    """A study's experiment, which alone owns trial_id → run. By `launch_id` a launch finds its own run again.

    `is_own`: the server is the home's own, and so is every run of its trials, cells, launches and packs. `progressed` is
    called while a single task goes through many runs.
    """

    def __init__(
        self,
        records: StudyRecords,
        server: Server,
        artifact_root: Path | None,
        launch_id: str,
        is_own: bool,
        progressed: Progressed,
    ) -> None:
        self._progressed = progressed
        self.server, self.client, self._artifact_root = server, server.client, artifact_root
        self.home, self.is_own = str(records.home), is_own
        self._asked: set[tuple[str, ...]] = set()
        self.launch_id = launch_id or uuid.uuid4().hex
        self.packs = LivePacks(server, self._create_in_launch)
        self.launch: str | None = None
        self.show(records)

    def show(self, records: StudyRecords) -> None:
        """Read which runs there are of these records: at the start, and when the table has grown, while no pack trains."""
        self.records = records
        self.experiment = self._experiment(self._artifact_root)
        self.trials: dict[str, Run] = {}
        self.cells = Cells(records, self.server, self.experiment, self._create_run)
        self.report = ReportRun(self.server, self._create_run)
        self._find_runs()
        self._describe()

    def _experiment(self, artifact_root: Path | None) -> str:
        study = self.records.study
        found = self.client.get_experiment_by_name(study)
        if found and found.lifecycle_stage != "active":
            remedy = f"restore it (mlflow experiments restore -x {found.experiment_id}) or remove it (mlflow gc)"
            raise MirrorError(f"the experiment {study} was deleted in MLflow: {remedy}")
        where = (artifact_root / study).as_uri() if artifact_root else None
        return found.experiment_id if found else self.client.create_experiment(study, where)

    def _describe(self) -> None:
        """Bring the experiment's description and views up to date."""
        known = self.client.get_experiment(self.experiment).tags
        for name, text in views.tags(self.records, self.experiment, self.report.run_id).items():
            if known.get(name) != text:
                self.client.set_experiment_tag(self.experiment, name, text)

    def _find_runs(self) -> None:
        """Learn which trials and cells have runs, and end those that a crash left RUNNING; others are completed in place."""
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
        """Whether this home made the run; it adopts those in its own database, for the home may have been moved."""
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
            if info.status == "RUNNING" and trial not in self.records.labels:  # the table has lost it
                self.client.set_terminated(info.run_id, "KILLED")
            parent, known = tags.get("mlflow.parentRunId"), frozenset(run.data.params)
            is_whole = info.status == STATUSES.get(tags.get("status"))
            mirrored = tags.get("mirrored") if is_whole else None
            held = tags.get("commit_id") if run.data.metrics else None
            relative = {name: tags[name] for name in ("place", "regime") if name in tags}
            own = (info.run_id, info.start_time, info.run_name, parent, known, mirrored, held)
            self.trials[trial] = Run(*own, relative_tags=relative)
            numbers = {name: value for name, value in run.data.metrics.items() if "/" not in name}
            is_only_begun = info.status == "RUNNING" and not run.data.metrics  # its tags come before its numbers
            status = "" if is_only_begun else tags.get("status", "")
            self.cells.learn(trial, Seed(info.run_id, status, numbers))
        elif tags.get("kind") == "cell":
            self.cells.add(run)
        elif tags.get("kind") == "report":
            self.report.add(run)
        elif tags.get("launch_id") == self.launch_id:
            self.launch = info.run_id
        elif info.status == "RUNNING" and tags.get("kind") in ("launch", "pack"):
            self.client.set_terminated(info.run_id, "KILLED")

    def start(self, launch: Mapping[str, object]) -> None:
        """Create the launch's run, the parent of the packs to come."""
        if self.launch is None:
            tags = {"kind": "launch", "launch_id": self.launch_id}
            run = self._create_run(tags, f"launch {datetime.now():%Y-%m-%d %H:%M}")
            self.launch = str(run.info.run_id)
        params = {key: str(value)[:500] for key, value in launch.items() if value is not None}
        self.server.log(self.launch, params=params)

    def _create_run(self, tags: Mapping[str, str], name: str) -> Any:
        """A new run; on a second try, the run that the first one made if only its answer was lost."""
        tags = {**tags, "home": self.home}
        key = tuple(tags.values())
        run = self._unanswered(tags) if key in self._asked else None
        self._asked.add(key)
        run = run or self.client.create_run(self.experiment, int(1000 * time.time()), tags, name)
        self._asked.discard(key)
        return run

    def _create_in_launch(self, tags: Mapping[str, str], name: str) -> Any:
        parent = {"mlflow.parentRunId": self.launch} if self.launch else {}
        return self._create_run({**tags, **parent}, name)

    def _unanswered(self, tags: Mapping[str, str]) -> Any:
        """The run with these tags that was created and never written to; it is among the newest."""
        running = f"attributes.status = 'RUNNING' and tags.kind = '{tags['kind']}'"
        order = ["attributes.start_time DESC"]
        newest = self.client.search_runs([self.experiment], running, max_results=100, order_by=order)
        return next((run for run in newest if tags.items() <= run.data.tags.items()), None)

    def missing(self) -> dict[str, str]:
        """trial_id → commit_id of what is committed and not shown completely, or shown under an outdated name."""
        committed = self.records.committed()
        return {trial: commit for trial, commit in committed.items() if not self._is_shown(trial, commit)}

    def _is_shown(self, trial: str, commit: str) -> bool:
        run = self.trials.get(trial)
        as_it_should = (commit, self.records.name(trial), self.cells.parent(trial))
        return bool(run) and (run.mirrored, run.name, run.parent) == as_it_should

    def entries(self, wanted: Mapping[str, str]) -> Iterator[Entry]:
        """The entries of the wanted trials (trial_id → commit_id)."""
        return self.records.entries(wanted)

    def write(self, entry: Entry) -> None:
        """Show a trial, in its run if it has one, else in a new one. Writing it again changes nothing."""
        parent = self.cells.begin(entry.trial_id)
        run = self._run_of(entry, parent)
        if run.name != entry.name:
            self.client.update_run(run.run_id, name=entry.name)
        if files := self.records.files(entry):
            attach(self.client, run.run_id, files)
        self._log(run, entry, parent)
        self.client.set_terminated(run.run_id, STATUSES[entry.status], run.started + round(1000 * entry.wall_s))
        params, key = run.params.union(entry.params), entry.commit_id
        held = key if entry.metrics or entry.curves else None
        whole = {"params": params, "mirrored": key, "numbers_of": held, "relative_tags": entry.relative_tags}
        self.trials[entry.trial_id] = replace(run, name=entry.name, parent=parent, begun_with=None, **whole)
        self.cells.learn(entry.trial_id, Seed(run.run_id, entry.status, entry.metrics))

    def _run_of(self, entry: Entry, parent: str | None) -> Run:
        """The trial's run. One with another commit's numbers is replaced: MLflow cannot take numbers back."""
        run = self.trials.get(entry.trial_id)
        if run and run.numbers_of not in (None, entry.commit_id):
            self.client.delete_run(run.run_id)
            del self.trials[entry.trial_id]
            run = None
        return run or self._new_run(entry, parent)

    def _new_run(self, entry: Entry, parent: str | None) -> Run:
        """A run created with all its tags, which saves a request: `mirrored` means nothing until the run has ended."""
        tags = {name: text[:LONGEST_TAG] for name, text in self._tags(entry, parent).items()}
        run, key = self._create_run(tags, entry.name), entry.commit_id
        begun = Run(run.info.run_id, run.info.start_time, entry.name, parent, begun_with=key)
        return self.trials.setdefault(entry.trial_id, begun)

    def _tags(self, entry: Entry, parent: str | None) -> dict[str, str]:
        placed = {"mlflow.parentRunId": parent, "cell": self.cells.name(entry.trial_id)} if parent else {}
        return {**entry.tags, **placed, **entry.relative_tags, "mirrored": entry.commit_id}

    def _log(self, run: Run, entry: Entry, parent: str | None) -> None:
        """Log an entry. Times follow from the run's start and the record, so what is sent twice is equal, and kept once.

        Of two values at one step MLflow shows the later, and of two at one time the larger: a newer version comes later.
        """
        span, newer = 1000 * entry.wall_s, entry.versions
        metrics = [(name, value, run.started + newer.get(name, 0), 0) for name, value in entry.metrics.items()]
        metrics += [(name, value, run.started + round(span * share), step) for name, step, share, value in entry.curves]
        # MLflow refuses to change a param: those that the run has stay.
        params = {name: value for name, value in entry.params.items() if name not in run.params}
        has_tags = (run.begun_with, run.parent) == (entry.commit_id, parent)
        self.server.log(run.run_id, metrics, params, {} if has_tags else self._tags(entry, parent))

    def settle(self) -> None:
        """All that was missing has been written: bring up to date what follows from the study as a whole."""
        self.cells.settle()
        for trial, run in self.trials.items():
            wanted = self.records.relative_tags(trial)
            if not wanted.items() <= run.relative_tags.items():
                self.server.log(run.run_id, tags=wanted)
                self.trials[trial] = replace(run, relative_tags=wanted)
                self._progressed()

    def show_report(self) -> None:
        """Show the report that the home holds, and the regimes that it found; nothing where there is none."""
        records = self.records
        records.read_judgement()
        with contextlib.suppress(FileNotFoundError):
            self.report.show(records.home.read(study_file(records.study, REPORT)))
            self._describe()
        self.cells.judge()
        self.settle()

    def finish(self, status: str, summary: Mapping[str, float]) -> None:
        """End the launch, and the packs that are still open."""
        self.settle()
        self.packs.end()
        if self.launch:
            now = int(1000 * time.time())
            self.server.log(self.launch, [(name, float(value), now, 0) for name, value in summary.items()])
            self.client.set_terminated(self.launch, STATUSES.get(status.lower(), "KILLED"))

    def index(self, root: str) -> dict[str, Any]:
        """How a reader finds the runs: the page to open first, and trial_id → name and page of its run."""
        first = next(iter(views.views(self.records)))
        pages = {trial: views.run_address(self.experiment, run.run_id) for trial, run in self.trials.items()}
        return {
            "page": f"{root}/{views.address(self.experiment, first)}",
            "runs": {trial: {"name": run.name, "page": f"{root}/{pages[trial]}"} for trial, run in self.trials.items()},
        }
