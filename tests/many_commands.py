"""Runs many commands in one process, each as `python -m MODULE` runs it: importing everything costs a second once.

Reads a JSON list of {"arguments": [...], "environment": {...}} and writes a list of [status, stdout, stderr].
"""

import contextlib
import io
import json
import os
import runpy
import sys
import traceback
import warnings
from collections.abc import Mapping, Sequence
from unittest import mock


def answer(
    arguments: Sequence[object], environment: Mapping[str, str] | None = None, module: str = "study.launch"
) -> tuple[object, str, str]:
    """What a command answers in this very process: its exit status, stdout and stderr."""
    out, err = io.StringIO(), io.StringIO()
    status: object = "did not leave"
    with (
        mock.patch.dict(os.environ, environment or {}),
        mock.patch.object(sys, "argv", [module, *map(str, arguments)]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        warnings.catch_warnings(action="ignore", category=RuntimeWarning),  # the module was imported before
    ):
        try:
            runpy.run_module(module, run_name="__main__")
        except SystemExit as leaving:
            status = leaving.code or 0
        except BaseException:
            traceback.print_exc()
    return status, out.getvalue(), err.getvalue()


if __name__ == "__main__":
    json.dump([answer(**command) for command in json.load(sys.stdin)], sys.stdout)
