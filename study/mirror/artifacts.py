"""Artifacts: the files of a run, and the run that holds a study's report, which MLflow shows among them."""

import hashlib
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from study.mirror.cells import Server
from study.mirror.views import PAGE


def attach(client: Any, run_id: str, files: Mapping[str, bytes]) -> None:
    """Give a run these files, by their paths, in place of earlier ones."""
    with tempfile.TemporaryDirectory() as folder:
        for path, content in files.items():
            (Path(folder) / path).parent.mkdir(exist_ok=True)
            (Path(folder) / path).write_bytes(content)
        client.log_artifacts(run_id, folder)


class ReportRun:
    """At most one run of an experiment. `create` makes a run of these tags and this name."""

    def __init__(self, server: Server, create: Callable[[Mapping[str, str], str], Any]) -> None:
        self._server, self._create = server, create
        self.run_id: str | None = None
        self._shown = ""

    def add(self, run: Any) -> None:
        """Take in a run that MLflow has. Deletes it if there is another, which two writers can make."""
        if self.run_id:
            self._server.client.delete_run(run.info.run_id)
            return
        self.run_id, self._shown = run.info.run_id, run.data.tags.get("shown", "")

    def show(self, page: bytes) -> None:
        """Show this page, in place of an earlier one."""
        digest = hashlib.sha256(page).hexdigest()
        if digest == self._shown:
            return
        if not self.run_id:
            self.run_id = str(self._create({"kind": "report"}, "report").info.run_id)
        attach(self._server.client, self.run_id, {PAGE: page})
        note = f"The study's report is {PAGE}, under Artifacts."
        self._server.log(self.run_id, tags={"shown": digest, "mlflow.note.content": note})
        self._server.client.set_terminated(self.run_id, "FINISHED")
        self._shown = digest
