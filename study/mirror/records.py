"""What the mirror reads: a study's plan, and the records of its trials, a page at a time.

Everything follows from the records and the plan alone, so a live mirror and one rebuilt later are equal.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from study.mirror.entry import (
    CURVES,
    Entry,
    Pictures,
    final_numbers,
    minimised,
    note,
    numbers_of_stages,
    parameters,
    placed,
    run_name,
    thinned,
    versions,
    with_neg_elbo,
)
from study.record import Home, HomeError, deciding_rows, read_artifacts, read_commits, stored_ids
from study.record.study_files import read_header, read_plan, read_regimes, read_rules

PAGE = 1000
"""How many trials' records are read at once."""


class StudyRecords:
    """A study's plan, and the records of its trials. Raises: HomeError if the home holds no such plan."""

    def __init__(self, home: Home, study: str, pictures: Pictures = "first-seed") -> None:
        self.home, self.study = home, study
        self.pictures: Pictures = pictures
        try:
            rows, header = read_plan(home, study).to_pylist(), read_header(home, study)
        except FileNotFoundError:
            held = ", ".join(home.folders("studies")) or "none"
            raise HomeError(f"{home} holds no study {study} (it holds {held}): launch it first") from None
        self.caption: str = header.get("caption", "")
        self.measures: dict[str, list[str]] = header.get("measures", {})
        self.is_trained: bool = header.get("trained", True)
        self.labels = {row.pop("trial_id"): row for row in rows}
        self.varying = [axis for axis in header["axes"] if len({str(row[axis]) for row in rows}) > 1]
        self.factors = [axis for axis in self.varying if axis != "seed"]
        self.has_cells = "seed" in self.varying
        self._names = {trial: run_name(labels, self.varying) or study for trial, labels in self.labels.items()}
        seeds = [row["seed"] for row in rows if row.get("seed") is not None]
        self.first_seed = min(seeds) if seeds else None
        self.minimised = minimised(header)
        self._order = {trial: place for place, trial in enumerate(self.labels)}
        self.read_judgement()

    def read_judgement(self) -> None:
        """Read the regimes of the latest report, and what it judges them by."""
        self.regimes, self.rules = read_regimes(self.home, self.study), read_rules(self.home, self.study)

    def reread(self) -> "StudyRecords":
        """The same study, with its plan as it is now."""
        return StudyRecords(self.home, self.study, self.pictures)

    def name(self, trial_id: str) -> str:
        """The name of a trial's run."""
        return self._names[trial_id]

    def relative_tags(self, trial_id: str) -> dict[str, str]:
        """What a trial's run says of its part in the study: its place in the table, to sort by, and its regime."""
        regime = {"regime": self.regimes[trial_id]} if trial_id in self.regimes else {}
        return {"place": placed(self._order[trial_id])} | regime if trial_id in self._order else regime

    def committed(self) -> dict[str, str]:
        """trial_id → deciding commit_id of every trial of the plan that has a record."""
        return {trial: commit for trial, commit in self._decided().items() if trial in self.labels}

    def _decided(self) -> dict[str, str]:
        ids = stored_ids(self.home)
        return {trial: ids[index].commit_id for trial, index in deciding_rows(ids).items()}

    def entries(self, wanted: Mapping[str, str]) -> Iterator[Entry]:
        """The entries of the wanted trials (trial_id → commit_id), read a page at a time."""
        pairs = sorted(wanted.items(), key=lambda pair: pair[1])
        for start in range(0, len(pairs), PAGE):
            yield from self._page(dict(pairs[start : start + PAGE]))

    def _page(self, wanted: Mapping[str, str]) -> Iterator[Entry]:
        trials = [row[0] for row in self._rows("trials", wanted).values()]
        settled = {row["trial_id"]: row["commit_id"] for row in trials if row["status"] != "failed"}
        stages = self._stages(trials)
        settled |= {stage: row["commit_id"] for stage, row in stages.items()}
        curves = self._rows("curves", settled, ["stage", "step", *CURVES])
        latents = self._rows("latents", settled, ["stage", "latent", "rate", "post_var"])
        evaluations = self._rows("evaluations", settled, ["metric", "value", "version"])
        for row in trials:
            key = row["trial_id"]
            before = [stages[stage] for stage in row["stages"] or [] if stage in stages]
            points = [point for each in (*before, row) for point in with_neg_elbo(curves[each["trial_id"]], each)]
            yield self._entry(row, before, points, latents[key], evaluations[key])

    def _stages(self, trials: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
        """The trials rows of the earlier stages of these trials."""
        wanted = {stage for row in trials for stage in row["stages"] or []}
        commits = {trial: commit for trial, commit in self._decided().items() if trial in wanted} if wanted else {}
        return {stage: rows[0] for stage, rows in self._rows("trials", commits).items()}

    def _rows(
        self, table: str, wanted: Mapping[str, str], columns: list[str] | None = None
    ) -> defaultdict[str, list[dict[str, Any]]]:
        """trial_id → the wanted trials' rows of a table, in stored order."""
        grouped: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        if not wanted:
            return grouped
        for row in read_commits(self.home, table, wanted, columns).to_pylist():
            grouped[row["trial_id"]].append(row)
        return grouped

    def _entry(self, row: dict[str, Any], before: list, curves: list, latents: list, evaluations: list) -> Entry:
        tags = {name: str(row[name]) for name in ("trial_id", "commit_id", "status", "pack_id", "engine") if row[name]}
        if row["diverged_at"] is not None:
            tags["diverged_at"] = str(row["diverged_at"])
        return Entry(
            trial_id=row["trial_id"],
            commit_id=row["commit_id"],
            status=row["status"],
            name=self.name(row["trial_id"]),
            wall_s=row["wall_s"] or 0.0,
            tags={**tags, "kind": "trial", "mlflow.note.content": note(row)},
            params=parameters(row, {axis: self.labels[row["trial_id"]][axis] for axis in self.varying}),
            metrics=final_numbers(row, evaluations, self.minimised) | numbers_of_stages(before),
            versions=versions(evaluations),
            curves=thinned(curves, row["steps"] or 1),
            relative_tags=self.relative_tags(row["trial_id"]),
            row=row,
            latents=latents,
            has_files=self.pictures == "all" or (self.pictures == "first-seed" and self._is_first_seed(row)),
        )

    def _is_first_seed(self, row: Mapping[str, Any]) -> bool:
        return self.first_seed is None or self.labels[row["trial_id"]]["seed"] == self.first_seed

    def files(self, entry: Entry) -> dict[str, bytes]:
        """The artifacts of a chosen trial, by path, without those that the home no longer holds."""
        if not entry.has_files:
            return {}
        from safetensors.numpy import save

        from analysis.figures.trial_pictures import latent_rates, reconstructions

        files = {}
        if stage := [row for row in entry.latents if row["stage"] == entry.latents[-1]["stage"]]:
            rates, variances = [row["rate"] for row in stage], [row["post_var"] for row in stage]
            files["latents.png"] = latent_rates(rates, variances)
        if images := self._arrays(entry, "pictures"):
            files["reconstruction.png"] = reconstructions(images)
        if weights := self._arrays(entry, "weights"):
            files["weights/model.safetensors"] = save(weights)
        return files

    def _arrays(self, entry: Entry, group: str) -> dict[str, Any]:
        path = entry.row["artifacts"]
        try:
            return read_artifacts(self.home, path, entry.trial_id, group) if path else {}
        except FileNotFoundError:
            return {}
