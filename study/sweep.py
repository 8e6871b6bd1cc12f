"""Answers `python -m study.sweep`: in this field a sweep is one of β, and what removes records is `study.clean`."""

from study.cli import say

if __name__ == "__main__":
    say("a sweep is a sweep of β here: `python -m study.clean` counts what no study refers to, with the same options")
    raise SystemExit(2)
