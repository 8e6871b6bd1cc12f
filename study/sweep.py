"""The old name of `python -m study.clean`, which it names, whatever its arguments: in this field a sweep is one of β."""

from study.cli import say

if __name__ == "__main__":
    say(
        "`python -m study.sweep` is now `python -m study.clean`, with the same options: it removes records, and sweeps no β"
    )
    raise SystemExit(2)
