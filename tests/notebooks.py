"""Notebooks that run in a kernel of their own."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
from launches import ROOT
from nbclient import NotebookClient


def run_notebook(notebook: Any, folder: Path, stop_at_errors: bool = True) -> Any:
    """The notebook with its outputs, after its cells have run in the folder."""
    surroundings = {"PYTHONPATH": str(ROOT), "HOME": str(folder), "IPYTHONDIR": str(folder / ".ipython")}
    client = NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        allow_errors=not stop_at_errors,
    )
    return client.execute(env={**os.environ, **surroundings})


def run_cells(cells: Sequence[str], folder: Path) -> list[str]:
    """What each cell printed, and its value or the exception that it raised, after all have run."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    return [said(cell) for cell in run_notebook(notebook, folder, stop_at_errors=False).cells]


def said(cell: Any) -> str:
    """The outputs of a cell as text."""
    return "\n".join(filter(None, map(_text, cell.outputs)))


def _text(output: Any) -> str:
    match output.output_type:
        case "stream":
            return output.text.strip() if output.name == "stdout" else ""
        case "error":
            return f"{output.ename}: {output.evalue}"
    return str(output.data.get("text/plain", ""))
