"""The origin of a study: the file or notebook that declares it, under the name by which one launch and the next know it."""

import os
import sys
from pathlib import Path

from models.specs.source.cells import is_cell

SENT_FROM = "COLLAPSAR_SENT_FROM"
"""In the environment of a job on a cluster: the folder it was sent from, of which its current folder is a copy."""

_NOTEBOOK = "JPY_SESSION_NAME"
"""In the environment of a notebook's kernel: the path of the notebook, where Jupyter's server says it."""

_NOTEBOOK_OF_VS_CODE = "__vsc_ipynb_file__"
"""Among the names of a notebook's cells: the same, where VS Code says it."""


def origin_of(file: str) -> str:
    """The path of the file, through links; of a file in a job's copy of a folder, the path that was copied.

    What a notebook or a console declares has no file: it is known by the notebook, or else by the current folder.
    """
    if not is_file(file):
        named = os.environ.get(_NOTEBOOK) or getattr(sys.modules.get("__main__"), _NOTEBOOK_OF_VS_CODE, None)
        return named or f"a notebook or console in {Path.cwd()}"
    path, here = Path(file).resolve(), Path.cwd().resolve()
    sent = os.environ.get(SENT_FROM)
    return str(Path(sent) / path.relative_to(here) if sent and path.is_relative_to(here) else path)


def is_file(file: str) -> bool:
    """Whether this is a file that a person wrote: a kernel gives each cell a file of its own."""
    return not is_cell(file) and Path(file).is_file()
