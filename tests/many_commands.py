"""Runs many commands in one process, each as `python -m study.launch` runs it: importing everything costs a second once.

Reads a JSON list of {"arguments": [...], "environment": {...}} and writes a list of [status, stdout, stderr].
"""

import contextlib
import io
import json
import os
import runpy
import sys
import traceback


def carried_out(arguments: list[str], environment: dict[str, str]) -> tuple[object, str, str]:
    out, err = io.StringIO(), io.StringIO()
    before = dict(os.environ)
    os.environ.update(environment)
    sys.argv = ["study.launch", *arguments]
    status: object = "did not leave"
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            runpy.run_module("study.launch", run_name="__main__")
        except SystemExit as leaving:
            status = leaving.code or 0
        except BaseException:
            traceback.print_exc()
    os.environ.clear()
    os.environ.update(before)
    return status, out.getvalue(), err.getvalue()


if __name__ == "__main__":
    commands = json.load(sys.stdin)
    json.dump([carried_out(**command) for command in commands], sys.stdout)
