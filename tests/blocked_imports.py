"""Programs in a process of their own, where nothing can be imported but the standard library and what is named."""

import subprocess
import sys
from collections.abc import Collection

from launches import ROOT

_BLOCKER = """
import sys

import collapsar

class Blocking:
    def __init__(self, finder):
        self._finder = finder

    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        is_there = top in {allowed} or top in sys.stdlib_module_names or top.startswith("_sysconfigdata")
        return self._finder.find_spec(name, path, target) if is_there else None

    def __getattr__(self, name):
        return getattr(self._finder, name)

sys.meta_path[:] = map(Blocking, sys.meta_path)
sys.argv[1:] = {arguments}
"""
"""To the program it is as if the other packages were not installed: they are neither found nor imported."""


def run_with(allowed: Collection[str], program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a program where `allowed` packages, by their top-level names, are all that there is; warnings are errors."""
    code = _BLOCKER.format(allowed={"collapsar", *allowed}, arguments=[str(each) for each in arguments]) + program
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
